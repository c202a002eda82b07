"""``python -m tests.faults.disk FOLDER``: the real bot on a disk of 6 MB that fills up, is full for a while, and empties.

Wants a mount namespace of its own (``unshare -Urm``), in which it mounts that disk; nothing of it is left afterwards.
Prints one JSON line of what came of it.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.faults.fake_services import FakeStatusPage
from tests.support.pages import incident, page, update
from tests.support.provider_toml import provider_toml, surface_toml

SIZE = "6m"
ROOT = Path(__file__).parents[2]
CONFIG = """
[poll]
interval_s = 1
incident_interval_s = 1
[web]
enabled = false
[store]
backup_every_h = 0
bodies_days = 0
"""
BEFORE, DURING = "Word of before.", ("Word of the full disk.", "Another word of the full disk.")


@dataclass(frozen=True)
class DiskResult:
    """``said``: error lines while it was full; ``lost``: texts that were never drawn; ``back_s``: from room to record."""

    looks: int
    said: tuple[str, ...]
    back_s: float
    lost: int
    twice: int
    waiting: int
    integrity: str
    exit_code: int

    HEAD = (
        *("looks while full", "lines said", "s to record again", "texts lost", "twice", "still owed", "integrity"),
        "exit code",
    )

    def row(self) -> tuple[object, ...]:
        return (
            *(self.looks, len(self.said), f"{self.back_s:.1f}", self.lost, self.twice, self.waiting, self.integrity),
            self.exit_code,
        )


def can_mount() -> bool:
    """Whether this machine lets us have a disk of our own."""
    tool = shutil.which("unshare")
    probe = [str(tool), "-Urm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return bool(tool) and subprocess.run(probe, capture_output=True, check=False).returncode == 0  # noqa: S603


def tried(folder: Path) -> DiskResult:
    """The drill, in a namespace of its own."""
    command = ["unshare", "-Urm", sys.executable, "-m", "tests.faults.disk", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    return DiskResult(**{**told, "said": tuple(told["said"])})


def prepare(folder: Path) -> None:
    """Mounts the disk, and writes what does not depend on the page."""
    (folder / "disk").mkdir()
    (folder / "config" / "providers").mkdir(parents=True)
    (folder / "config" / "brownout.toml").write_text(CONFIG)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder / "disk")]
    subprocess.run(mount, check=True)  # noqa: S603


class LogFile:
    """What the bot has said so far."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __call__(self, since: int = 0) -> str:
        return self.file.read_text()[since:]


async def drill(folder: Path) -> DiskResult:
    disk, config, log = folder / "disk", folder / "config", LogFile(folder / "log")
    async with FakeStatusPage() as web:
        (config / "providers" / "acme.toml").write_text(
            provider_toml("acme", "Acme", web.url, [surface_toml("acme-api", "Acme API", "c-api", "API")])
        )
        with log.file.open("wb") as out:
            bot = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bot", "run", "--config", str(config), "--db", str(disk / "b.db")),
                cwd=ROOT,
                stdout=out,
                stderr=out,
                env={k: v for k, v in os.environ.items() if not k.startswith("SLACK_")} | {"COLUMNS": "200"},
            )
        try:
            return await _lived(web, bot, disk, log)
        finally:
            with suppress(ProcessLookupError):
                bot.kill()


async def _lived(web: FakeStatusPage, bot: asyncio.subprocess.Process, disk: Path, log: LogFile) -> DiskResult:
    start = datetime.now(UTC)  # noqa: TID251  (a drill has a clock)

    def show(*words: str) -> None:
        told = [update(n, body=w, at=start + timedelta(seconds=n), api="major_outage") for n, w in enumerate(words)]
        web.show(page(incident(*told), api="major_outage"))

    await _until(lambda: web.looks >= 2)
    show(BEFORE)
    await _until(lambda: BEFORE in log())
    (disk / "filler").write_bytes(b"")
    with suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))
    looks, mark = web.looks, len(log())
    for number in range(2):
        show(BEFORE, *DURING[: number + 1])
        await _until(lambda number=number: web.looks >= looks + 4 * (number + 1))
    full = log(mark)
    meanwhile = web.looks - looks
    (disk / "filler").unlink()
    began = time.monotonic()
    await _until(lambda: "recovered" in log(mark))
    back_s = time.monotonic() - began
    await _until(lambda: DURING[1] in log())
    bot.send_signal(signal.SIGTERM)
    code = await bot.wait()
    drawn = log()
    with closing(sqlite3.connect(disk / "b.db")) as repository:
        (waiting,) = repository.execute("SELECT count(*) FROM outbox WHERE state IN ('waiting', 'sending')").fetchone()
        (sound,) = repository.execute("PRAGMA integrity_check").fetchone()
        known = {text for (text,) in repository.execute("SELECT body FROM updates")}
    words = (BEFORE, *DURING)
    return DiskResult(
        meanwhile,
        tuple(line for line in full.splitlines() if "ERROR" in line or "Traceback" in line),
        back_s,
        sum(w not in drawn or w not in known for w in words),
        sum(drawn.count(w) > 1 for w in words),
        waiting,
        sound,
        code,
    )


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110  (another process makes it so)
            await asyncio.sleep(0.05)


if __name__ == "__main__":
    prepare(Path(sys.argv[1]))
    print(json.dumps(asdict(asyncio.run(drill(Path(sys.argv[1]))))))
