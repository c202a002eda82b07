"""The right of one bot to run on a PostgreSQL database: a session's lock, and a row that its holder renews.

The lock is held by the connection that writes. A holder that dies loses it with its connection, and one that waits
takes it at once. A holder that is frozen keeps the connection: once its row is older than LEASE_S, the one that waits
ends that session and takes the lock. The old one can write nothing from then on, since its connection is gone, and post
nothing, since it asks ``still_mine`` before any bytes leave, by a clock that also runs while it sleeps.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import Any

import psycopg

from bot.errors import StoreError

log = logging.getLogger("brownout")

LEASE_S = 10.0  # a row that is older belongs to no bot
RENEW_S = 1.5
LONGEST_POST_S = 5  # a post takes at most so long, so that it ends within the lease in which it began
WAIT_S = 0.2  # between two tries to take the lock
EXIT_LOST = 75  # EX_TEMPFAIL: a supervisor starts the process again, and it waits for its turn
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # Linux: counts on while the machine is suspended

CONNECTION: Mapping[str, str | int] = {  # of the row
    "connect_timeout": 2,
    "tcp_user_timeout": 3000,
    "application_name": "brownout-lease",
}

TABLE = """
CREATE TABLE IF NOT EXISTS bot_lease (
  id BIGINT PRIMARY KEY CHECK (id = 1),
  epoch BIGINT NOT NULL,
  holder TEXT NOT NULL,
  beat_at TIMESTAMPTZ NOT NULL,
  pid BIGINT NOT NULL,
  started_at TIMESTAMPTZ NOT NULL
)
"""
_TAKE = (
    "INSERT INTO bot_lease (id, epoch, holder, beat_at, pid, started_at) SELECT 1, 1, $1, clock_timestamp(), pid,"
    " backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid() ON CONFLICT (id) DO UPDATE SET"
    " epoch = bot_lease.epoch + 1, holder = excluded.holder, beat_at = excluded.beat_at, pid = excluded.pid,"
    " started_at = excluded.started_at RETURNING epoch"
)
_RENEW = "UPDATE bot_lease SET beat_at = clock_timestamp() WHERE id = 1 AND epoch = $1"
_END_STALE = (  # the session of a holder whose row is old; its process may be frozen
    "SELECT l.holder, pg_terminate_backend(a.pid, 2000) FROM bot_lease l JOIN pg_stat_activity a ON a.pid = l.pid"
    " AND a.backend_start = l.started_at WHERE l.beat_at < clock_timestamp() - make_interval(secs => $1)"
)


def boot_clock() -> float:
    """Seconds since the machine started, those included in which it was suspended."""
    return time.clock_gettime(_CLOCK)


def end_process(why: str) -> None:
    """Ends this process at once, without another byte to anybody; a supervisor starts it again."""
    log.critical("%s; this process ends, and the supervisor starts it again", why)
    os._exit(EXIT_LOST)


@dataclass(slots=True)
class PostgresLease:
    """The lease of a bot that holds the lock.

    Attributes:
        connect: Opens a connection of its own, for the row.
        epoch: The number of this holder; each one has another.
        clock: Seconds that also pass while the process sleeps.
        end: What ends the process when the lease is lost.
    """

    connect: Callable[[], psycopg.Connection[Any]]
    epoch: int
    clock: Callable[[], float] = boot_clock
    end: Callable[[str], None] = end_process
    longest_post_s: int = LONGEST_POST_S
    _until: float = field(init=False)
    _stop: Event = field(default_factory=Event)
    _closing: Lock = field(default_factory=Lock)
    _thread: Thread | None = None

    def __post_init__(self) -> None:
        self._until = self.clock() + LEASE_S

    def still_mine(self) -> bool:
        """Whether a post that begins now ends before anybody else may take over."""
        return self.clock() + self.longest_post_s < self._until

    def require(self) -> None:
        """Ends the process if the lease is not surely held; the last step before any bytes of a post leave."""
        if not self.still_mine():
            self.end("the lease of this bot is over, and another one may run")

    def keep(self) -> None:
        """Renews the lease in a thread until ``release``."""
        self._thread = Thread(target=self._keep, name="lease", daemon=True)
        self._thread.start()

    def release(self) -> None:
        """Ends the thread; the lock goes with its connection."""
        with self._closing:
            self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=LONGEST_POST_S)

    def lose(self, why: str) -> None:
        """Ends the process, unless it has released the lease itself."""
        with self._closing:
            if not self._stop.is_set():
                self.end(why)

    def _keep(self) -> None:
        connection = None
        while not self._stop.wait(RENEW_S):
            try:
                connection = connection or self.connect()
                self.renew(connection)
            except psycopg.Error as error:
                log.warning("the lease of this bot was not renewed: %s", " ".join(str(error).split()))
                if connection is not None:
                    with suppress(psycopg.Error):
                        connection.close()
                connection = None
            if self.clock() >= self._until:
                self.lose("the lease of this bot could not be renewed")
                break
        if connection is not None:
            connection.close()

    def renew(self, connection: psycopg.Connection[Any]) -> None:
        """Renews the row, and ends the process if it is another one's. Raises psycopg.Error."""
        asked_at = self.clock()
        if connection.execute(_RENEW, [self.epoch]).rowcount == 1:
            self._until = asked_at + LEASE_S
        else:
            self.lose("another bot has taken over")


class NoLease:
    """That of a bot that follows another one: it posts nothing."""

    longest_post_s = LONGEST_POST_S

    def still_mine(self) -> bool:
        """Never."""
        return False

    def require(self) -> None:
        """StoreError: a follower has nothing to post."""
        raise StoreError("this bot follows another one, which posts")


def take(connection: psycopg.Connection[Any], holder: str) -> int:
    """Writes this holder into the row, on the connection that holds the lock; returns its epoch."""
    row = connection.execute(_TAKE, [holder]).fetchone()
    return int(row[0]) if row else 0


def end_stale_holder(connection: psycopg.Connection[Any]) -> str:
    """Ends the session of a holder that has not renewed its row for LEASE_S; returns its name, empty if it has."""
    there = connection.execute("SELECT to_regclass('bot_lease')").fetchone()
    if not there or there[0] is None:
        return ""
    row = connection.execute(_END_STALE, [LEASE_S]).fetchone()
    return str(row[0]) if row else ""
