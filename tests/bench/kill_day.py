"""``python -m tests.bench.kill_day [--kills 6]``: the demo day is watched by ``run``, which is killed with -9 at random.

A page on loopback plays 2 March 2026 at 120 times the speed; the real bot polls it once a second and draws in a file.
Prints what was owed, what was sent, and what was drawn twice, with the seed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import signal
import sqlite3
import sys
import tempfile
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from bot import settings
from bot.adapters.playback_server import PlaybackServer
from bot.app.clock import FastClock
from bot.formats import reconstruction

START = datetime(2026, 3, 2, 11, 45, tzinfo=UTC)
END = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
QUIET = {"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"}


def config(folder: Path, url: str) -> Path:
    """A config folder with Claude alone, on the loopback page."""
    shipped = (settings.config_dir() / "providers" / "claude.toml").read_text(encoding="utf-8")
    alone = re.sub(
        r"^fallback = .*\n", "", re.sub(r"^url = .*", f'url = "{url}"', shipped, flags=re.MULTILINE), flags=re.MULTILINE
    )
    alone = re.sub(r"^(needs|instead) = .*\n", "", alone, flags=re.MULTILINE)
    (folder / "providers").mkdir()
    (folder / "providers" / "claude.toml").write_text(alone, encoding="utf-8")
    (folder / "brownout.toml").write_text("[poll]\ninterval_s = 1\nincident_interval_s = 1\n[web]\nenabled = false\n")
    return folder


async def live(folder: Path, db: Path, drawn: Path, clock: FastClock, kills: list[datetime]) -> None:
    """Runs the bot over the day, killed at each of these (fast) moments and started again."""
    kept = {name: value for name, value in os.environ.items() if name not in QUIET}
    for until in [*kills, END]:
        with drawn.open("ab") as out:
            command = [sys.executable, "-m", "bot", "run", "--config", str(folder), "--db", str(db)]
            bot = await asyncio.create_subprocess_exec(*command, stdout=out, stderr=out, env=kept)
        await clock.sleep_until(until)
        bot.send_signal(signal.SIGTERM if until == END else signal.SIGKILL)
        await bot.wait()


async def day(kills: int, seed: int, speed: float) -> None:
    draw = random.Random(seed)  # noqa: S311  (kills, not keys)
    moments = sorted(START + (END - START) * draw.uniform(0.02, 0.95) for _ in range(kills))
    told = reconstruction.read_history((settings.config_dir() / "demo" / "2026-03-02.json").read_bytes())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        db, drawn = folder / "kill.db", folder / "drawn.txt"
        clock = FastClock(START, speed)
        page = PlaybackServer(told, clock.now)
        await live(config(folder, await page.start()), db, drawn, clock, moments)
        await page.stop()
        report(db, drawn.read_text(encoding="utf-8"), moments, seed)


def report(db: Path, drawn: str, moments: list[datetime], seed: int) -> None:
    """What the database says, against what was drawn."""
    with closing(sqlite3.connect(db)) as repository:
        states = Counter(dict(repository.execute("SELECT state, count(*) FROM outbox GROUP BY state")))
        alerts = repository.execute("SELECT incident, ts FROM alerts").fetchall()
        (sound,) = repository.execute("PRAGMA integrity_check").fetchone()
    again = drawn.count("sent again")
    print(f"seed {seed}: killed with -9 at {', '.join(f'{at:%H:%M}' for at in moments)} UTC of the day")
    print(f"incidents alerted: {len(alerts)}, without a receipt: {sum(ts is None for _, ts in alerts)}")
    print(f"posts: {dict(states)}; waiting at the end are lost alerts: {states['waiting'] + states['sending']}")
    print(f"sent again after an unknown fate, as the log admits: {again}")
    print(f"integrity_check: {sound}; tracebacks in the log: {drawn.count('Traceback')}")


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--kills", type=int, default=6)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--speed", type=float, default=120)
    given = asked.parse_args()
    asyncio.run(day(given.kills, given.seed, given.speed))
