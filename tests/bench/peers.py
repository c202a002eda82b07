"""``python -m tests.bench.peers``: other people's watchers of web pages on the same pages, where they are installed.

Looked for on PATH, and where PEERS says (folders, separated by colons). Each looks at a hundred pages of the stage, once
every twenty seconds where it can be told so; what is counted is the CPU of its process for a look, and its memory.
"""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import subprocess
import tempfile
from asyncio.subprocess import DEVNULL
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.bench.load import load
from tests.bench.looks import SUMMARY
from tests.bench.stage import Stage, cpu_s, free_port, rss_mb, until
from tests.bench.table import Row, table

PAGES = 100
EVERY_S = 20
MEASURED_S = 60.0
RUNS = 3


def found(name: str) -> str | None:
    """The program, where it is installed."""
    return shutil.which(name, path=os.pathsep.join((os.environ.get("PEERS", ""), os.environ["PATH"])))


async def urlwatch(stage: Stage, program: str, folder: Path) -> tuple[float, float]:
    """urlwatch is run again and again; its start counts. CPU ms a look, and MB at most."""
    jobs = "\n---\n".join(f"url: {stage.url}/p{n}/{SUMMARY}" for n in range(PAGES))
    (folder / "urls.yaml").write_text(jobs, encoding="utf-8")
    (folder / "urlwatch.yaml").write_text("report: {stdout: {enabled: false}}\n", encoding="utf-8")
    files = [("--urls", "urls.yaml"), ("--config", "urlwatch.yaml"), ("--cache", "cache.db"), ("--hooks", "hooks.py")]
    command = [program, *(part for name, file in files for part in (name, str(folder / file)))]
    _, *runs = [await asyncio.to_thread(_spent, command) for _ in range(RUNS + 1)]
    used = sum(run.ru_utime + run.ru_stime for run in runs)
    return 1000 * used / RUNS / PAGES, max(run.ru_maxrss for run in runs) / 1024


def _spent(command: list[str]) -> resource.struct_rusage:
    """What one run of a command used, and no other process."""
    child = subprocess.Popen(command, stdout=DEVNULL, stderr=DEVNULL)  # noqa: S603  (what is on PATH)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return used


async def prometheus(stage: Stage, program: str, folder: Path) -> tuple[float, float]:
    """Prometheus and its blackbox exporter, as they are set up to watch a page's body; both count."""
    exporter = found("prometheus-blackbox-exporter")
    if exporter is None:
        raise FileNotFoundError("prometheus-blackbox-exporter is not installed")
    ports = free_port(), free_port()
    (folder / "blackbox.yml").write_text(BLACKBOX, encoding="utf-8")
    pages = "\n".join(f"      - {stage.url}/p{n}/{SUMMARY}" for n in range(PAGES))
    told = PROMETHEUS.format(every=EVERY_S, pages=pages, exporter=ports[0])
    (folder / "prometheus.yml").write_text(told, encoding="utf-8")
    commands = [
        [exporter, f"--config.file={folder}/blackbox.yml", f"--web.listen-address=127.0.0.1:{ports[0]}"],
        [
            *(program, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb"),
            f"--web.listen-address=127.0.0.1:{ports[1]}",
        ],
    ]
    quiet = {"stdout": DEVNULL, "stderr": DEVNULL}
    children = [await asyncio.create_subprocess_exec(*command, **quiet) for command in commands]
    try:
        await until(lambda: len(stage.looks) == PAGES, 3 * EVERY_S, "the first round")
        pids = [child.pid for child in children]
        before, used = sum(map(len, stage.looks.values())), sum(map(cpu_s, pids))
        await asyncio.sleep(MEASURED_S)
        looks = sum(map(len, stage.looks.values())) - before
        return 1000 * (sum(map(cpu_s, pids)) - used) / looks, sum(map(rss_mb, pids))
    finally:
        for child in children:
            child.kill()
            await child.wait()


BLACKBOX = """\
modules:
  page:
    prober: http
    http: {fail_if_body_matches_regexp: ['"status": "(major|partial)_outage"'], preferred_ip_protocol: ip4}
"""
PROMETHEUS = """\
global: {{scrape_interval: {every}s}}
scrape_configs:
- job_name: pages
  metrics_path: /probe
  params: {{module: [page]}}
  static_configs:
  - targets:
{pages}
  relabel_configs:
  - {{source_labels: [__address__], target_label: __param_target}}
  - {{target_label: __address__, replacement: "127.0.0.1:{exporter}"}}
"""

Measure = Callable[[Stage, str, Path], Awaitable[tuple[float, float]]]
PEERS: dict[str, Measure] = {"urlwatch": urlwatch, "prometheus": prometheus}
OTHERS = ("gatus", "uptime-kuma", "changedetection.io")  # named by the issue, and measured elsewhere


async def measured() -> dict[str, tuple[float, float] | str]:
    """CPU ms a look and MB of each peer; or why it was not run."""
    told: dict[str, tuple[float, float] | str] = dict.fromkeys(OTHERS, "no way to run it here is written")
    for name, measure in PEERS.items():
        program = found(name)
        if program is None:
            told[name] = "not installed"
            continue
        with tempfile.TemporaryDirectory(prefix="brownout-bench-") as folder:
            async with Stage() as stage:
                try:
                    told[name] = await measure(stage, program, Path(folder))
                except (OSError, TimeoutError) as error:
                    told[name] = str(error)
    return told


async def rows() -> list[Row]:
    """Ours against each peer, whole processes over the same pages at the same pace."""
    with tempfile.TemporaryDirectory(prefix="brownout-bench-") as folder:
        ours = await load(Path(folder), PAGES, EVERY_S)
    found_ = []
    for name, told in (await measured()).items():
        what = f"CPU of a look, whole process, {PAGES} pages"
        if isinstance(told, str):
            found_.append(Row(f"{what}: {name}", None, "ms", note=told))
        else:
            note = f"{ours.weight_mb:.0f} MB, {name} {told[1]:.0f} MB"
            found_.append(Row(what, ours.each_ms, "ms", yard=told[0], than=name, note=note))
    return found_


if __name__ == "__main__":
    print(table(asyncio.run(rows())))
