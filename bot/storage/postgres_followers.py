"""What bots on one PostgreSQL database tell each other: that the lock of the one that leads is free, and what changed.

A follower waits for the lock in a thread, on a connection of its own, which then becomes the connection that it writes
with. After each commit of a program that is not the leader, the server notifies those that listen.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any

import psycopg

from bot.errors import StoreError
from bot.storage import postgres_lease

log = logging.getLogger("brownout")

CHANNEL = "brownout"  # of NOTIFY; the payload is the number of the schema
RECONNECT_S = 1.0
_LISTEN_FOR_S = 1.0  # until a thread that listens looks whether it is to end

Connect = Callable[[], psycopg.Connection[Any]]


def notification(schema: int) -> str:
    """The statement that tells those who listen of this schema, when its transaction is committed."""
    return f"NOTIFY {CHANNEL}, '{schema}'"


def try_lock(connection: psycopg.Connection[Any], lock: str) -> bool:
    """Whether the session got the lock of the one bot; ``lock`` is the query that tries it."""
    row = connection.execute(lock).fetchone()
    return bool(row and row[0])


def wait_for_lock(connect: Connect, lock: str, where: object, stop: Event) -> psycopg.Connection[Any] | None:
    """The connection that got the lock of the one bot; None if ``stop`` came first.

    The session of a holder that has not renewed its row is ended. A server that can't be reached is tried again.
    """
    connection: psycopg.Connection[Any] | None = None
    problem = ""
    while not stop.is_set():
        try:
            connection = connection or connect()
            if try_lock(connection, lock):
                return connection
            if holder := postgres_lease.end_stale_holder(connection):
                log.warning("%s: the bot %s has not answered for %g s", where, holder, postgres_lease.LEASE_S)
            problem = ""
            stop.wait(postgres_lease.WAIT_S)
        except (psycopg.Error, StoreError) as error:
            text = " ".join(str(error).split())
            if text != problem:
                log.warning("%s: this bot can't see whether another one runs: %s", where, text)
            problem = text
            _close(connection)
            connection = None
            stop.wait(RECONNECT_S)
    _close(connection)
    return None


@dataclass(slots=True)
class Listener:
    """Calls ``on_commit`` in a thread, soon after a program that is not the leader has committed something.

    Attributes:
        connect: Opens its connection.
        schema: The number of the schema.
        on_commit: Must be short; after a lost connection it is called once, since something may have been missed.
    """

    connect: Connect
    schema: int
    on_commit: Callable[[], None]
    _stop: Event = field(default_factory=Event)
    _thread: Thread | None = None

    def start(self) -> None:
        """Listens in a thread until ``close``."""
        self._thread = Thread(target=self._run, name="listener", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the thread within a second; does not wait for it."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            connection = None
            try:
                connection = self.connect()
                connection.execute(f"LISTEN {CHANNEL}")
                self.on_commit()
                self._listen(connection)
            except (psycopg.Error, StoreError) as error:
                log.info("what other bots change is looked for each second: %s", " ".join(str(error).split()))
                self._stop.wait(RECONNECT_S)
            finally:
                _close(connection)

    def _listen(self, connection: psycopg.Connection[Any]) -> None:
        while not self._stop.is_set():
            for received in connection.notifies(timeout=_LISTEN_FOR_S):
                if received.payload == str(self.schema) and not self._stop.is_set():
                    self.on_commit()


def _close(connection: psycopg.Connection[Any] | None) -> None:
    if connection is not None:
        with suppress(psycopg.Error):
            connection.close()
