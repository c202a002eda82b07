"""``python -m tests.bench.acks_busy``: how soon Slack is told that a command came, while the bot has its hands full.

The real bot has a database with a million updates and looks at a thousand pages a minute; sixteen people type at once,
again and again, what takes long to answer. Slack gives up after three seconds; it is the wait for the ack that counts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import tempfile
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from random import Random

from bot import settings
from bot.domain import Provider
from bot.storage import Repository
from tests.bench.decade import fill
from tests.bench.fake_services import FakeServices, configure, running, until
from tests.bench.load import watched_repository
from tests.bench.queries import pages
from tests.bench.table import Row, percentile, table

SOURCES, AT_ONCE, WAVES = 1000, 16, 25
APART_S = 1.0
TARGET_MS = 25
UPDATES = 1_000_000


def toml(provider: Provider, url: str) -> str:
    """A provider of the decade as a config file, with its page on the stage."""
    told = [f"id = {json.dumps(provider.id)}", f"name = {json.dumps(provider.name)}", "[source]", 'kind = "statuspage"']
    told.append(f"url = {json.dumps(f'{url}/{provider.id}')}")
    for surface in provider.surfaces:
        told += ["[[surface]]", f"id = {json.dumps(surface.id)}", f"name = {json.dumps(surface.name)}"]
        told.append(f"components = {json.dumps(surface.components)}")
    return "\n".join(told) + "\n"


def prepared(folder: Path, url: str, providers: Iterable[Provider]) -> Path:
    """A config folder for the providers of the decade, and as many more as make a thousand."""
    mine = tuple(providers)
    config = configure(folder / "config", url, SOURCES - len(mine), interval_s=60)
    for provider in mine:
        (config / "providers" / f"{provider.id}.toml").write_text(toml(provider, url), encoding="utf-8")
    return config


def questions(db: Path, providers: Iterable[Provider]) -> list[str]:
    """What people type: the answers go through years."""
    with closing(sqlite3.connect(f"{db.absolute().as_uri()}?mode=ro", uri=True)) as repository:
        incidents = [
            row[0] for row in repository.execute("SELECT id FROM incidents ORDER BY posted_at DESC LIMIT 2000")
        ]
    surfaces = [s.id for p in providers for s in p.surfaces]
    draw = Random(7)  # noqa: S311  (the same questions every time)
    asked = [f"{verb} {draw.choice(incidents)}" for verb in ("timeline", "summary") for _ in range(50)]
    asked += [f"status {draw.choice(surfaces)}" for _ in range(50)]
    return asked + [f"{verb} {draw.choice(surfaces)} {span}" for verb, span in SPANS for _ in range(50)]


SPANS = (("history", "30d"), ("uptime", "90d"), ("uptime", "365d"))


def _filled(db: Path, updates: int) -> tuple[Provider, ...]:
    """The providers of the decade; the database is made where there is none."""
    providers = pages(settings.load())
    if not db.exists():
        with closing(Repository.open(db)) as repository:
            fill(repository, providers, updates)
    return providers


async def waited(folder: Path, db: Path, updates: int) -> tuple[list[float], int]:
    """Milliseconds to each ack, and how many commands were typed."""
    providers = _filled(db, updates)
    async with FakeServices() as stage:
        config = prepared(folder, stage.url, providers)
        watched_repository(db, settings.load(config).providers, stage.well)
        typed, draw = questions(db, providers), Random(8)  # noqa: S311  (likewise)
        with (folder / "bot.log").open("ab") as log:
            async with running(config, db, stage, log):
                await until(lambda: len(stage.looks) >= SOURCES, 300, "the first round")
                await asyncio.sleep(10)
                for wave in range(WAVES):
                    said = [stage.slack.command(draw.choice(typed), "C1", wave * AT_ONCE + n) for n in range(AT_ONCE)]
                    await asyncio.gather(*said)
                    await until(lambda seen=(wave + 1) * AT_ONCE: stage.slack.answers >= seen, 60, "the answers")
                    await asyncio.sleep(APART_S)
                return [ack * 1000 for ack in stage.slack.acks], WAVES * AT_ONCE


async def rows(db: Path | None = None, updates: int = UPDATES) -> list[Row]:
    """Median and p99."""
    with tempfile.TemporaryDirectory(prefix="brownout-bench-") as name:
        acks, typed = await waited(Path(name), db or Path(name) / "decade.db", updates)
    note = f"{len(acks)} of {typed} acknowledged"
    what = f"ack, {AT_ONCE} commands at once, {SOURCES:,} pages, a million updates"
    return [
        Row(f"{what}, median", percentile(acks, 0.5), "ms", note=note),
        Row(f"{what}, p99", percentile(acks, 0.99), "ms", TARGET_MS, note=note),
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--db", type=Path, help="a database that this, or tests.bench.queries, has made before")
    parser.add_argument("--updates", type=int, default=UPDATES)
    asked = parser.parse_args()
    print(table(asyncio.run(rows(asked.db, asked.updates))))
