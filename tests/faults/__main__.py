"""``python -m tests.faults [PART ...]``: hard use, part by part, a table each. All parts take some minutes.

crashes   kill -9 at every system call of a poll-and-publish pass that leaves a trace, then a restart
errors    the same calls fail (EIO, ENOSPC, EROFS, EACCES, EPIPE, ECONNRESET, ETIMEDOUT); of pwrite64 every eighth, or
          every ``--every``-th
power     a power cut at every system call of a life of the store, with what was not yet synced dropped
disk      the real bot on a disk that is full for a while (wants a mount namespace: ``unshare -Urm``)
sources   nine faults of a status page, healthy and in an incident
slack     six faults of Slack
tools     five faults of a tool of [[notify]], and kill -9 at system calls of a pass that sends to it
steps     a workflow's steps of the real bot in both modes, with kill -9 at five kinds of moments; ``--kills`` of each
standby   two bots on PostgreSQL, of which one leads: kill -9, SIGSTOP, a server that stops, a network that is cut, a
          replica that is promoted; commands that the other one answers meanwhile; ``--share`` of the hundred cycles
shards    three bots that share the pages of one PostgreSQL database: kill -9, SIGSTOP, a network that is cut, a server
          that stops; when the pages of the harmed bot are looked at; ``--share`` of the thirty cycles
engines   the same random days on SQLite and on PostgreSQL: the rows of the outbox are compared; ``--seed``, ``--days``
days      random days with a virtual clock: pages, faults, clock jumps, crashes; ``--seed``, ``--days``
shown     what is shown on random days and recorded polls with old bodies, odd entries, clock steps, every code of Slack
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import logging
import os
import random
import tempfile
import time
from pathlib import Path

from tests.faults import crashes, days, disk, power, shards, shown, slacks, sources, standby, workflow_steps
from tests.faults.fake_services import SLACK_FAULTS, SOURCE_FAULTS, TOOL_FAULTS
from tests.faults.tables import table

DESIGNS = (("ours", False), ("ours, history granted", True))
UNKNOWN = ("close", "hang", "lost")  # the faults of Slack after which a post may be there, or not


async def crash_points(_: argparse.Namespace) -> None:
    rows = [
        (scene.name, name, *(await crashes.tried(scene, may_be_read=may_be_read)).row())
        for scene in crashes.PASSES
        for name, may_be_read in DESIGNS
    ]
    for design in ("save-first", "send-first"):
        tally = await crashes.tried(crashes.PASSES[0], design=design, every=10)
        rows.append((crashes.PASSES[0].name, f"control: {design}", *tally.row()))
    print(table(("kill -9 in", "design", *crashes.Tally.HEAD), rows))


async def error_points(asked: argparse.Namespace) -> None:
    tried = functools.partial(crashes.tried, fates=crashes.ERRORS, every=asked.every)
    rows = [
        (scene.name, name, *(await tried(scene, may_be_read=may_be_read)).row())
        for scene in crashes.PASSES
        for name, may_be_read in DESIGNS
    ]
    print(table(("calls that fail in", "design", *crashes.Tally.HEAD), rows))


POWER = (  # design, synchronous, rounds of the life, cuts at every so-manieth call
    ("ours", "FULL", 3, 1),
    ("ours, through a checkpoint", "FULL", 40, 25),
    ("control: synchronous=NORMAL", "NORMAL", 3, 5),
    ("control: synchronous=OFF", "OFF", 3, 5),
    ("control: our own files not flushed", "NOFSYNC", 3, 1),
)


async def power_cuts(asked: argparse.Namespace) -> None:
    rows = [(d, *power.tried(sync, rounds, every, asked.seed).row()) for d, sync, rounds, every in POWER]
    print(table(("power cut", *power.Tally.HEAD), rows))


async def full_disk(_: argparse.Namespace) -> None:
    if not disk.can_mount():
        print("left out: this machine lets nobody mount a disk of their own")
        return
    with tempfile.TemporaryDirectory() as folder:
        came = await asyncio.to_thread(disk.tried, Path(folder))
    print(table(disk.DiskResult.HEAD, [came.row()]))
    print("\n".join(came.said))


async def source_faults(_: argparse.Namespace) -> None:
    tries = [sources.tried(fault, in_incident=bad) for bad in (False, True) for fault in SOURCE_FAULTS]
    print(table(sources.SourceResult.HEAD, [told.row() for told in await asyncio.gather(*tries)]))


async def slack_faults(_: argparse.Namespace) -> None:
    came = await asyncio.gather(
        *(slacks.tried(fault, lasts_s=12, retry_after=5) for fault in SLACK_FAULTS),
        *(slacks.tried(fault, lasts_s=12, may_be_read=True) for fault in UNKNOWN),
    )
    print(table(slacks.SlackResult.HEAD, [c.row() for c in came]))


async def tool_faults(asked: argparse.Namespace) -> None:
    came = await asyncio.gather(
        *(slacks.tried(fault, lasts_s=12, retry_after=5, is_tool=True) for fault in TOOL_FAULTS)
    )
    print(table(("tool", *slacks.SlackResult.HEAD[1:]), [c.row() for c in came]))
    tallies = [
        (scene.name, *(await crashes.tried(scene, design="tool", every=asked.every)).row()) for scene in crashes.PASSES
    ]
    print(table(("kill -9 in", *crashes.Tally.HEAD), tallies))


async def random_days(asked: argparse.Namespace) -> None:
    print(await days.report(asked.seed, asked.days))


async def both_engines(asked: argparse.Namespace) -> None:
    server = os.environ.get("BROWNOUT_POSTGRES")
    if not server:
        print("no server: BROWNOUT_POSTGRES names one to throw away")
        return
    print(f"seed {asked.seed}")
    head = ("day", "crashes", "rows of the outbox", "on PostgreSQL", "rows that differ", "violations")
    print(table(head, await days.same_outbox(asked.seed, min(asked.days, 20), server)))


async def standby_faults(asked: argparse.Namespace) -> None:
    print(table(standby.HEAD, await standby.table_rows(asked.share, asked.seed)))


async def shard_faults(asked: argparse.Namespace) -> None:
    print(table(shards.HEAD, await shards.table_rows(asked.share, asked.seed)))


async def step_kills(asked: argparse.Namespace) -> None:
    print(await workflow_steps.report(asked.kills))


async def shown_days(asked: argparse.Namespace) -> None:
    folder = os.environ.get("BROWNOUT_SHARED")
    print(await shown.report(asked.seed, min(asked.days, 20), Path(folder) if folder else None))


PARTS = {
    "crashes": crash_points,
    "errors": error_points,
    "power": power_cuts,
    "disk": full_disk,
    "sources": source_faults,
    "slack": slack_faults,
    "tools": tool_faults,
    "steps": step_kills,
    "standby": standby_faults,
    "shards": shard_faults,
    "engines": both_engines,
    "days": random_days,
    "shown": shown_days,
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
    given.add_argument("--every", type=int, default=8)
    given.add_argument("--share", type=float, default=1.0)
    given.add_argument("--kills", type=int, default=20)
    given.add_argument("--days", type=int, default=100)
    asyncio.run(main(given.parse_args()))
