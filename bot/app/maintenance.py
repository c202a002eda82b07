"""Maintenance of the database: its check, backups, pruning of old pages, a replica (``[store]`` and ``[replica]``).

Backups and pruning run in a thread with separate connections, so that no poll and no answer waits for them. A backup is
due by the age of the newest one in its folder, so that a backup that was missed is made after a restart.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from bot.adapters.litestream import LitestreamReplica
from bot.app.jobs import PeriodicJob, Service
from bot.errors import StoreError
from bot.settings import ReplicaSettings, StoreSettings
from bot.storage import Place, backup, retention
from bot.storage.sqlite import is_checked_later

log = logging.getLogger("brownout")

CHECK_INTERVAL_S = 60.0
CHECKED_AFTER_S = 10.0  # after the start; the first polls come before that
RETRY_INTERVAL = timedelta(minutes=15)  # after a failed backup
PRUNE_INTERVAL = timedelta(days=1)

T = TypeVar("T")


@dataclass(slots=True)
class DatabaseMaintenance:
    """Maintenance of one database. ``now`` is the clock, ``copy`` the replica, if there is one.

    A database on PostgreSQL is backed up by its own tools: only its old pages are deleted here.
    """

    path: Place
    rules: StoreSettings
    now: Callable[[], datetime]
    copy: LitestreamReplica | None = None
    checked_after_s: float = CHECKED_AFTER_S  # seconds
    _retry_at: datetime | None = None  # after a failed backup
    _pruned_at: datetime | None = None

    def periodic_jobs(self) -> Iterator[PeriodicJob]:
        """The jobs for the scheduler."""
        if self.rules.backup_every_h and isinstance(self.path, Path):
            again = f"it is tried again every {RETRY_INTERVAL.seconds // 60} min"
            yield PeriodicJob("the backup", CHECK_INTERVAL_S, self.back_up_if_due, again)
        if self.rules.bodies_days or self.rules.bodies_mb:
            yield PeriodicJob("old pages", CHECK_INTERVAL_S, self.prune_if_due, "they stay for now")

    def services(self) -> Iterator[Service]:
        """The replica's process, which runs as long as the bot; and the check of a database that is large."""
        if self.copy:
            yield self.copy.run
        if isinstance(self.path, Path) and is_checked_later(self.path):
            yield partial(self._check_once, self.path)

    async def _check_once(self, path: Path) -> None:
        """Checks a database that was opened without it, then waits. StoreError where it is damaged: the bot ends."""
        await asyncio.sleep(self.checked_after_s)
        await self._run_in_thread(partial(backup.check_quickly, path))
        await asyncio.Event().wait()

    def backed_up_at(self) -> datetime | None:
        """The time of the newest backup; None if there is none. Backups from the future are ignored."""
        if not isinstance(self.path, Path):
            return None
        times = [
            at for _, at in backup.list_backups(self.path, backup_folder(self.rules, self.path)) if at <= self.now()
        ]  # a clock may have jumped
        return times[-1] if times else None

    async def back_up_if_due(self) -> None:
        """Creates a backup if one is due. StoreError if that fails; it is tried again after 15 minutes."""
        if not isinstance(path := self.path, Path):
            return
        now, last = self.now(), self.backed_up_at()
        is_fresh = last is not None and now - last < timedelta(hours=self.rules.backup_every_h)
        if is_fresh or (self._retry_at and now < self._retry_at <= now + RETRY_INTERVAL):
            return
        self._retry_at = now + RETRY_INTERVAL
        started_s = time.monotonic()
        created = await self._run_in_thread(
            lambda cancel_token: backup.create_backup(
                path, backup_folder(self.rules, path), now, self.rules.keep, cancel_token
            )
        )
        self._retry_at = None
        took_s, health = time.monotonic() - started_s, created.health
        log.info("backup written and verified: %s size=%s took=%.1fs", health.path, format_size(health.size), took_s)

    async def prune_if_due(self) -> None:
        """Deletes old bodies, once a day."""
        now = self.now()
        if self._pruned_at and timedelta() <= now - self._pruned_at < PRUNE_INTERVAL:
            return
        self._pruned_at = now
        days, max_mb = self.rules.bodies_days, self.rules.bodies_mb
        before = now - timedelta(days=days) if days else None
        pruned = await self._run_in_thread(
            lambda cancel_token: retention.prune_bodies(
                self.path, before, max_bytes=max_mb * 1e6, cancel_token=cancel_token
            )
        )
        if pruned.bodies:
            log.info("deleted %d raw pages %s", pruned.bodies, retention_text(days, max_mb))

    async def _run_in_thread(self, work: Callable[[backup.CancelToken], T]) -> T:
        """Runs ``work`` in a thread. If this task is cancelled, the work is cancelled too, with nothing half done."""
        cancel_token = backup.CancelToken()
        try:
            return await asyncio.to_thread(work, cancel_token)
        except asyncio.CancelledError:
            cancel_token.cancel()
            raise
        except OSError as error:
            raise StoreError(f"{self.path}: {error}") from error


def open_replica(rules: ReplicaSettings, path: Path, environment: Mapping[str, str]) -> LitestreamReplica | None:
    """The replica of a database; None if the settings name none."""
    return LitestreamReplica(path, rules.url, rules.endpoint, rules.region, environment) if rules.url else None


def restore_from_replica(copy: LitestreamReplica, at: datetime) -> tuple[backup.DatabaseHealth, Path | None] | None:
    """Replaces the database by the replica's copy; returns what ``backup.restore`` returns, None for an empty replica.

    StoreError if a bot runs on the database.
    """
    path = copy.path.resolve()
    with backup.exclusive_access(path, "Stop it first; what it writes would be lost."):
        pass
    with TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}-") as temporary:
        file = Path(temporary) / path.name
        return backup.restore(path, file, at) if copy.restore(file) else None


def backup_folder(rules: StoreSettings, path: Path) -> Path:
    """The folder for the scheduled backups of a database."""
    return path.parent / rules.backup_to


def retention_text(days: float, max_mb: float) -> str:
    """Which raw pages are deleted: ``older than 90 days, or beyond 500 MB``."""
    rules = [f"older than {days:g} days" if days else "", f"beyond {max_mb:g} MB" if max_mb else ""]
    return ", or ".join(filter(None, rules))


def format_size(count: float) -> str:
    """A number of bytes as text, in kB, MB or GB (powers of 1000)."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:  # noqa: PLR2004  (kilo)
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
