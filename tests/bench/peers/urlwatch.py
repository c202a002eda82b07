"""urlwatch, which looks once at every page and ends: its start counts too."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
from pathlib import Path
from subprocess import DEVNULL

from tests.bench.fake_services import FakeServices
from tests.bench.peers.cost import PAGES, ROUNDS, Cost, found, pages, trusting


async def urlwatch(stage: FakeServices, folder: Path) -> Cost:
    """Some runs one after another, after one that has seen every page for the first time."""
    jobs = "\n---\n".join(f"url: {page}" for page in pages(stage))
    (folder / "urls.yaml").write_text(jobs, encoding="utf-8")
    (folder / "urlwatch.yaml").write_text("report: {stdout: {enabled: false}}\n", encoding="utf-8")
    files = [("--urls", "urls.yaml"), ("--config", "urlwatch.yaml"), ("--cache", "cache.db"), ("--hooks", "hooks.py")]
    command = [found("urlwatch"), *(part for name, file in files for part in (name, str(folder / file)))]
    _, *runs = [await asyncio.to_thread(_spent, command, trusting(stage)) for _ in range(ROUNDS + 1)]
    used = sum(run.ru_utime + run.ru_stime for run in runs)
    return Cost(1000 * used / ROUNDS / PAGES, max(run.ru_maxrss for run in runs) / 1024, "start and all")


def _spent(command: list[str], told: dict[str, str]) -> resource.struct_rusage:
    """What one run of a command used, and no other process."""
    child = subprocess.Popen(command, stdout=DEVNULL, stderr=DEVNULL, env={**os.environ, **told})  # noqa: S603  (what is on PATH)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return used
