"""What opening an older database would change in it, and the backup that is made before.

The steps themselves run when a writer opens the file (bot.storage.sqlite); this module looks first.
"""

from __future__ import annotations

import glob
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot.errors import StoreError
from bot.storage import backup, forms, migrations
from bot.storage.sqlite import check_origin, explain_error
from bot.storage.sqlite_utils_lite import Database as SqliteUtilsDatabase

KEPT_BACKUPS = 2  # of those made before upgrades: the newest


@dataclass(frozen=True, slots=True)
class UpgradeStep:
    """One change: its name, and what it is for."""

    name: str
    purpose: str


def pending_steps(path: Path) -> tuple[UpgradeStep, ...]:
    """The changes that this version would make to a database; empty for one that is up to date, new or missing.

    The file is only read; what a process that was ended had begun to write to it is rolled back first, as SQLite does
    for every writer, since a connection that only reads would be refused until then.

    Raises:
        StoreError: It is of a newer Brownout, of another program, or can't be read.
    """
    if not path.is_file() or not path.stat().st_size:
        return ()
    uri = f"{path.absolute().as_uri()}?mode=ro"
    try:
        _take_back_unfinished(path)
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=backup.BUSY_TIMEOUT_S)) as connection:
            check_origin(connection)
            database = SqliteUtilsDatabase(connection, execute_plugins=False)
            if not migrations.steps.applied(database):
                return ()  # an empty one, which gets the whole schema
            steps = [UpgradeStep(s.name, _purpose(s.fn)) for s in migrations.steps.pending(database)]
            if forms.is_older(forms.stored(connection)):
                steps.append(UpgradeStep("stored_forms", "JSON of states and messages in the form of this version"))
    except sqlite3.Error as error:
        raise StoreError(explain_error(path, str(error))) from error
    return tuple(steps)


def back_up_before_upgrade(path: Path, at: datetime) -> Path | None:
    """Copies a database that is about to be upgraded to a file beside it; None where there is nothing to upgrade.

    The newest KEPT_BACKUPS of these copies are kept.

    Raises:
        StoreError: There is no copy, for example since the disk is full; the database is as it was.
    """
    if not pending_steps(path):
        return None
    stem = f"{path.stem}-before-upgrade-"
    copy = path.with_name(f"{stem}{at.astimezone(UTC):{backup.TIMESTAMP_FORMAT}}.db")
    try:
        backup.copy_database(path, copy)
    except StoreError as error:
        hint = "`brownout db migrate --no-backup` upgrades without a copy"
        raise StoreError(f"no backup before the upgrade: {error}. The database was not changed. {hint}") from error
    for old in sorted(path.parent.glob(f"{glob.escape(stem)}*Z.db"))[:-KEPT_BACKUPS]:
        if old != copy:
            old.unlink(missing_ok=True)
    return copy


def _take_back_unfinished(path: Path) -> None:
    """Lets SQLite roll back by a journal that is left, which a file has that is not in WAL mode yet."""
    journal = path.resolve().with_name(f"{path.resolve().name}-journal")
    if journal.is_file() and journal.stat().st_size:
        uri = f"{path.absolute().as_uri()}?mode=rw"
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=backup.BUSY_TIMEOUT_S)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _purpose(step: object) -> str:
    """The first line of a step's docstring, without its full stop."""
    return (step.__doc__ or "").strip().splitlines()[0].removesuffix(".") if step.__doc__ else ""
