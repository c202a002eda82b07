"""``python -m tests.faults.power_life DB ROUNDS [SYNC]``: a life of the real store whose system calls are worth recording.

A first start, looks with their posts and receipts, a backup, an end, a restore, and a life after it. After every call
that has returned, its number goes to the file ``acks`` beside the database: from then on it was promised.
``SYNC`` is FULL as shipped, or a control: NORMAL, OFF, or NOFSYNC, where our own files are never flushed.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.domain import Subscription, VerdictParameters
from bot.engine import Engine
from bot.storage import Repository, backup
from tests.support.acme import ACME, NOON, Clock
from tests.support.fake_chat import FakeChat
from tests.support.fake_fetcher import FakeFetcher
from tests.support.pages import incident, page, update

WRITES = frozenset(
    {"record_transition", "mark_sending", "mark_sent", "mark_deferred", "mark_dead_lettered", "subscribe"}
)


class Acks:
    """Numbers what has returned."""

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / "acks", os.O_WRONLY | os.O_CREAT)
        self._count = 0

    def __call__(self) -> None:
        os.write(self._file, b"%d\n" % self._count)
        self._count += 1


class Acked:
    """A database whose writes are numbered when they have returned; those of a transaction are promised by its end."""

    def __init__(self, repository: Any, ack: Acks) -> None:
        self._repository, self._ack = repository, ack
        self._written: list[str] | None = None  # in the transaction that is open

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction of the database, which has one number."""
        self._written = written = []
        try:
            with self._repository.transaction():
                yield
        finally:
            self._written = None
        if written:
            self._ack()

    def __getattr__(self, name: str) -> Any:
        kept = getattr(self._repository, name)
        if name not in WRITES:
            return kept

        def done(*args: Any, **more: Any) -> Any:
            found = kept(*args, **more)
            if self._written is None:
                self._ack()
            else:
                self._written.append(name)
            return found

        return done


def opened(path: Path, sync: str) -> Repository:
    store = Repository.open(path, alone=True)
    if sync in ("NORMAL", "OFF"):
        store._db._connection.execute(f"PRAGMA synchronous = {sync}")
    return store


async def days(store: Repository, ack: Acks, rounds: int, clock: Clock) -> None:
    """Looks at a page that has news each time, and what they owe."""
    repository, web = Acked(store, ack), FakeFetcher()
    repository.subscribe(Subscription("C1", "acme", created_at=clock(), mention=str(clock.at)))
    engine = Engine({"acme": ACME}, web, repository, FakeChat(), clock, lambda _: VerdictParameters())
    told = ()
    for number in range(rounds):
        clock.move(seconds=60)
        told = (*told[-3:], update(number + 1, body=f"Word number {number}.", at=clock.at, api="major_outage"))
        web.show(page(incident(*told), api="major_outage"))
        await engine.poll("acme")
        while await engine.publish():
            clock.move(seconds=2)


async def life(path: Path, rounds: int, sync: str) -> None:
    ack, clock = Acks(path.parent), Clock()
    with closing(opened(path, sync)) as store:
        ack()
        await days(store, ack, rounds, clock)
        made = backup.create_backup(path, path.parent / "backups", NOON, keep=1).health.path
        await days(store, ack, 1, clock)
    backup.restore(path, made, NOON + timedelta(days=1))
    ack()
    with closing(opened(path, sync)) as store:
        await days(store, ack, 1, clock)
        backup.create_backup(path, path.parent / "backups", NOON + timedelta(days=2), keep=1)


if __name__ == "__main__":
    how = sys.argv[3] if len(sys.argv) > 3 else "FULL"
    if how == "NOFSYNC":
        os.fsync = lambda _: None
    asyncio.run(life(Path(sys.argv[1]), int(sys.argv[2]), how))
