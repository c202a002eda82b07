"""A database as the bot leaves it when it is killed in the middle of an incident, with two posts that were not sent.

``python -m tests.storage.mid_incident > tests/storage/golden/vX.Y.Z-mid-incident.sql``, run once with the code of a
release, keeps what that release wrote. Only the Store, the Engine and the fakes of ``tests.support.acme`` are used.
"""

import asyncio
import re
import sqlite3
import sys
import tempfile
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from bot.domain import Subscription, VerdictParameters
from bot.engine import Engine
from bot.storage import Repository
from tests.support.acme import ACME, NOON, Clock
from tests.support.fake_chat import FakeChat
from tests.support.fake_fetcher import FakeFetcher
from tests.support.pages import DOWN, page

CALM_LOOKS = 90  # a minute apart, so that the website is out of its first hour
KILLED_AT = NOON + timedelta(minutes=CALM_LOOKS + 2)


def engine(store, web, chat, clock):
    """The engine on this database, with Acme as its only provider."""
    return Engine({"acme": ACME}, web, store, chat, clock, lambda _: VerdictParameters())


async def _live(path):
    clock, web, chat = Clock(), FakeFetcher(), FakeChat()
    with closing(Repository.open(path)) as store:
        store.subscribe(Subscription("C1", "acme", created_by="U1", created_at=NOON))
        bot = engine(store, web, chat, clock)
        for body in (*[page()] * CALM_LOOKS, DOWN, DOWN):  # nothing is sent: an alert and its first reply wait
            web.show(body)
            clock.move(minutes=1)
            await bot.poll("acme")


def sql(connection):
    """The statements that make the database. The search index is made anew: SQLite's own dump of one can't be read."""
    [index] = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'events_fts'").fetchone()
    for statement in connection.iterdump():
        if statement.startswith("INSERT INTO sqlite_master"):
            yield f"{index};"
        elif "writable_schema" not in statement and not re.search("[\"']events_fts", statement[:40]):
            yield statement
    yield "INSERT INTO events_fts(events_fts) VALUES ('rebuild');"


def main():
    """Prints the database as SQL."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "b.db"
        asyncio.run(_live(path))
        with closing(sqlite3.connect(path)) as connection:
            sys.stdout.writelines(f"{statement}\n" for statement in sql(connection))


if __name__ == "__main__":
    main()
