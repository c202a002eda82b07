"""``python -m tests.bench``: one table of everything that is measured, against yardsticks in the same run.

Takes half an hour where the peers are installed, most of them spent waiting. Each part can be run by itself: looks,
connections, startup, reaction, hanging, load, acks, storm, growth and peers are modules beside this one; ``pages`` counts instead of measuring. What the machine was doing meanwhile is said
below the table: on a busy one, times by the clock say more about the others than about the bot, and only the ratios mean
something.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.bench import acks_busy, connections, growth, hanging, load, looks, pages, reaction, startup, storm
from tests.bench.peers import rows as peers
from tests.bench.table import Row, percentile, table

PARTS: dict[str, Callable[[], list[Row]]] = {
    "looks": lambda: asyncio.run(looks.rows()),
    "connections": lambda: asyncio.run(connections.rows()),
    "startup": startup.rows,
    "reaction": lambda: asyncio.run(reaction.rows()),
    "hanging": lambda: asyncio.run(hanging.rows()),
    "load": lambda: asyncio.run(load.rows()),
    "acks": lambda: asyncio.run(acks_busy.rows()),
    "storm": lambda: asyncio.run(storm.rows()),
    "growth": growth.rows,
    "peers": lambda: asyncio.run(peers.rows()),
}


def measured(part: str, run: Callable[[], list[Row]]) -> list[Row]:
    """The rows of a part; or one that says why there are none."""
    try:
        return run()
    except Exception as error:  # noqa: BLE001  (the others are worth having)
        return [Row(part, None, "", note=f"{type(error).__name__}: {error}")]


def disk_ms(times: int = 100) -> tuple[float, float]:
    """Median and p95 of a write that is waited for, as every record ends with one."""
    took = []
    with tempfile.TemporaryFile() as file:
        for _ in range(times):
            file.write(b"x" * 4096)
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
    return percentile(took, 0.5), percentile(took, 0.95)


def machine() -> str:
    """What else was going on."""
    median, p95 = disk_ms()
    load_1, load_5, _ = os.getloadavg()
    busy = f"load {load_1:.1f} (1 min), {load_5:.1f} (5 min) on {os.cpu_count()} cores"
    return f"machine: {busy}; a write to disk takes {median:.1f} ms, p95 {p95:.1f}"


def main() -> None:
    """Measures the parts that are asked for, all of them if none is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "parts", nargs="*", metavar="PART", choices=[*PARTS, "pages", []], help=f"of {', '.join(PARTS)}"
    )
    parser.add_argument(
        "--db", type=Path, help="for acks: a database that they, or tests.bench.queries, have made before"
    )
    parser.add_argument("--before", type=Path, help="for storm: another checkout, whose bot is measured too")
    parser.add_argument("--pages", type=Path, metavar="FOLDER", help="for pages: a folder with a folder per format")
    asked = parser.parse_args()
    if asked.parts == ["pages"]:
        print(pages.report(asked.pages or pages.FOLDER))
        return
    parts = PARTS | {
        "acks": lambda: asyncio.run(acks_busy.rows(asked.db)),
        "storm": lambda: asyncio.run(storm.rows(before=asked.before)),
    }
    before = machine()
    rows = [row for part in asked.parts or parts for row in measured(part, partial(parts[part]))]
    print(table(rows))
    print(f"before: {before}\nafter:  {machine()}")
    if failed := growth.complaints(rows):
        sys.exit("\n".join(failed))


if __name__ == "__main__":
    main()
