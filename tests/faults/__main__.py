"""``python -m tests.faults [PART ...]``: hard use, part by part, a table each. All parts take some minutes.

crashes   kill -9 at every system call of a poll-and-publish pass that leaves a trace, then a restart
errors    the same calls fail (EIO, ENOSPC, EPIPE, ECONNRESET, ETIMEDOUT, EACCES); of pwrite64 every eighth
sources   nine faults of a status page, healthy and in an incident
slack     six faults of Slack
days      random days with a virtual clock: pages, faults, clock jumps, crashes; ``--seed``, ``--days``
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import time

from tests.faults import crashes, days, slacks, sources
from tests.faults.stage import SLACK_FAULTS, SOURCE_FAULTS
from tests.faults.tables import table


async def crash_points(_: argparse.Namespace) -> None:
    rows = [
        (scene.name, name, *(await crashes.tried(scene, may_be_read=may_be_read)).row())
        for scene in crashes.PASSES
        for name, may_be_read in (("ours", False), ("ours, history granted", True))
    ]
    for design in ("save-first", "send-first"):
        tally = await crashes.tried(crashes.PASSES[0], design=design, every=10)
        rows.append((crashes.PASSES[0].name, f"control: {design}", *tally.row()))
    print(table(("kill -9 in", "design", *crashes.Tally.HEAD), rows))


async def error_points(_: argparse.Namespace) -> None:
    rows = [
        (scene.name, *(await crashes.tried(scene, fates=crashes.ERRORS, every=8)).row()) for scene in crashes.PASSES
    ]
    print(table(("calls that fail in", *crashes.Tally.HEAD), rows))


async def source_faults(_: argparse.Namespace) -> None:
    tries = [sources.tried(fault, in_incident=bad) for bad in (False, True) for fault in SOURCE_FAULTS]
    print(table(sources.Told.HEAD, [told.row() for told in await asyncio.gather(*tries)]))


async def slack_faults(_: argparse.Namespace) -> None:
    came = await asyncio.gather(*(slacks.tried(fault, lasts_s=12, retry_after=5) for fault in SLACK_FAULTS))
    print(table(slacks.Came.HEAD, [c.row() for c in came]))


async def random_days(asked: argparse.Namespace) -> None:
    print(await days.report(asked.seed, asked.days))


PARTS = {
    "crashes": crash_points,
    "errors": error_points,
    "sources": source_faults,
    "slack": slack_faults,
    "days": random_days,
}


async def main(asked: argparse.Namespace) -> None:
    for name in asked.parts or PARTS:
        began = time.monotonic()
        print(f"\n== {name}")
        await PARTS[name](asked)
        print(f"({time.monotonic() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    logging.disable(logging.ERROR)  # what the bot says of each fault
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART")
    given.add_argument("--seed", type=int, default=random.randrange(10**6))  # noqa: S311
    given.add_argument("--days", type=int, default=100)
    asyncio.run(main(given.parse_args()))
