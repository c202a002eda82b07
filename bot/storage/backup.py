"""Backs up, verifies, restores and vacuums a database file. No existing file is ever overwritten.

Each function opens its own connections, so that it may run in a thread beside the bot. A backup is ``VACUUM INTO``
(bot/docs/decisions.md#13-sqlite-durability: it delays another writer by 13 ms at p99, where a plain VACUUM blocks it
for seconds). A file gets its final name only when it is complete, verified and on the disk: a crash at any moment
leaves the old files as they were.
"""

from __future__ import annotations

import errno
import glob
import os
import re
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

from bot.errors import StoreError
from bot.storage import migrations
from bot.storage.integrity import find_damage
from bot.storage.mapping import parse_time
from bot.storage.sqlite import acquire_lock, applied_steps, check_origin, check_pages, explain_error

BUSY_TIMEOUT_S = 5.0
TIMESTAMP_FORMAT = "%Y%m%dT%H%M%SZ"
STALE_PARTIAL_S = 86_400  # a partial file this old was left by a killed process
MAX_FINDINGS = 20  # of an integrity check
_LINK_UNSUPPORTED = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP})  # what FAT and some network disks answer


class CancelToken:
    """Cancels database work in another thread: ``cancel`` interrupts the running statement and every later one."""

    def __init__(self) -> None:
        self._connection: sqlite3.Connection | None = None
        self._cancelled = Event()

    def cancel(self) -> None:
        """Ends the work as soon as SQLite can; it then raises StoreError."""
        self._cancelled.set()
        if self._connection is not None:
            with suppress(sqlite3.ProgrammingError):  # it was closed a moment ago
                self._connection.interrupt()

    def wait(self, seconds: float) -> bool:
        """Pauses for so long, so that other writers get a turn; True if the work was cancelled."""
        return self._cancelled.wait(seconds)

    @contextmanager
    def attach(self, connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
        """Makes ``cancel`` interrupt this connection inside the with block."""
        self._connection = connection
        try:
            if self._cancelled.is_set():
                raise sqlite3.OperationalError("interrupted")
            yield connection
        finally:
            self._connection = None


@dataclass(frozen=True, slots=True)
class DatabaseHealth:
    """The result of a verification.

    Attributes:
        path: The database file.
        size: Its size in bytes.
        wrong: Each damage that was found; empty if the database is sound.
        steps: The migration steps that were applied.
        missing: The migration steps that `brownout run` would apply.
        rows: The number of rows by table.
        newest: When the last event was seen, by the bot's clock; None if there is none.
    """

    path: Path
    size: int
    wrong: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    rows: Mapping[str, int] = field(default_factory=dict)
    newest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was created, and the older backups that were deleted for it."""

    health: DatabaseHealth
    dropped: tuple[Path, ...] = ()


def copy_database(path: Path, file: Path, cancel_token: CancelToken | None = None) -> DatabaseHealth:
    """Backs up a database, in use or not, into a new file, whose folder is made if it is missing.

    StoreError if that fails; no partial file is left then.
    """
    _require_file(path)
    _make_folder(file.parent)
    with _new_file(file, like=path) as partial:
        health = _copy_and_verify(path, partial, cancel_token or CancelToken())
    return replace(health, path=file)


def _copy_and_verify(path: Path, partial: Path, cancel_token: CancelToken) -> DatabaseHealth:
    """Copies the current content of a database into an empty file, and verifies the copy."""
    with _open_connection(path) as source, cancel_token.attach(source):
        check_origin(source)
        try:
            source.execute("VACUUM INTO ?", (str(partial),))
        except sqlite3.Error as error:
            raise StoreError(explain_error(partial.parent, f"no copy of {path}: {error}")) from error
    health = verify(partial, cancel_token)
    _require_undamaged(health, f"the copy of {path}")
    return health


def create_backup(path: Path, folder: Path, at: datetime, keep: int, cancel_token: CancelToken | None = None) -> Backup:
    """Creates a backup, named with its UTC time, in a folder; deletes all but the newest ``keep`` backups there."""
    _make_folder(folder)
    _delete_stale_partials(folder, path.stem, at)
    health = copy_database(path, folder / f"{path.stem}-{at.astimezone(UTC):{TIMESTAMP_FORMAT}}.db", cancel_token)
    old = [file for file, _ in list_backups(path, folder)][:-keep]
    dropped = tuple(file for file in old if file != health.path)  # not the newest if the clock was wrong
    for file in dropped:
        file.unlink(missing_ok=True)
    return Backup(health, dropped)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}: {_os_error_text(error)}") from error


def list_backups(path: Path, folder: Path) -> list[tuple[Path, datetime]]:
    """The backups of a database in a folder with the times in their names, oldest first."""
    pattern = re.compile(re.escape(path.stem) + r"-(\d{8}T\d{6}Z)\.db")
    matches = [(file, pattern.fullmatch(file.name)) for file in folder.glob(f"{glob.escape(path.stem)}-*.db")]
    return sorted(
        ((file, datetime.strptime(m[1], TIMESTAMP_FORMAT).replace(tzinfo=UTC)) for file, m in matches if m),
        key=lambda backup: backup[1],
    )


def check_quickly(path: Path, cancel_token: CancelToken) -> None:
    """Reads every page of a database on which a bot runs: 1 s for 700 MB, or 5 s from a cold disk.

    Raises StoreError where one is damaged.
    """
    with _open_connection(path) as connection, cancel_token.attach(connection):
        check_pages(connection)


def verify(path: Path, cancel_token: CancelToken | None = None) -> DatabaseHealth:
    """Checks every page of a database. StoreError if it is no database, not Brownout's, or of a newer version."""
    _require_file(path)
    with _open_connection(path) as connection, (cancel_token or CancelToken()).attach(connection):
        try:
            check_origin(connection)
            found = find_damage(connection, "integrity_check", MAX_FINDINGS)
            violations = connection.execute("PRAGMA foreign_key_check").fetchmany(MAX_FINDINGS)
            damage = [
                *found,
                *(f"{t} row {row} refers to nothing" for t, row, *_ in violations),
            ]
            return _read_health(connection, path, tuple(damage))
        except sqlite3.DatabaseError as error:
            if "malformed" not in str(error):  # no database, not Brownout's, or not readable
                raise
            return DatabaseHealth(path, path.stat().st_size, (str(error),))


def _read_health(connection: sqlite3.Connection, path: Path, wrong: tuple[str, ...]) -> DatabaseHealth:
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'"
        " AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'events_fts%' ORDER BY name"
    ).fetchall()
    counts = {n: connection.execute(f'SELECT count(*) FROM "{n}"').fetchone()[0] for (n,) in names}  # noqa: S608
    (newest,) = connection.execute("SELECT seen_at FROM events ORDER BY id DESC LIMIT 1").fetchone() or (None,)
    steps = applied_steps(connection)
    return DatabaseHealth(
        path,
        path.stat().st_size,
        wrong,
        tuple(sorted(steps)),
        tuple(sorted(migrations.step_names() - steps)),
        counts,
        parse_time(newest) if newest else None,
    )


# --- changes of the database file itself ------------------------------------------------------------------------------


def restore(path: Path, file: Path, at: datetime) -> tuple[DatabaseHealth, Path | None]:
    """Replaces a database by a copy of a backup, and moves the current file aside.

    Returns:
        The health of the restored database, and the new path of the former one; None if there was none.

    Raises:
        StoreError: A bot runs on the database, or the backup is damaged; nothing is changed then.
    """
    _require_file(file)
    path = path.resolve()
    if path.exists() and path.samefile(file):
        raise StoreError(f"{file} is the database itself; name a backup of it")
    with exclusive_access(path, "Stop it first; what it writes would be lost."):
        _require_undamaged(verify(file), str(file))
        _delete_stale_partials(path.parent, path.stem, at)
        aside = _aside_path(path, at) if path.exists() else None
        with _new_file(path, like=file, aside=aside) as partial:
            health = _copy_and_verify(file, partial, CancelToken())
        return replace(health, path=path), aside


def vacuum(path: Path) -> tuple[int, int]:
    """Rewrites the file without free pages. Returns its bytes before and after; StoreError if a bot runs on it."""
    _require_file(path)
    before = path.stat().st_size
    with (
        exclusive_access(path, "Stop it first; it would hang for as long as this takes."),
        _open_connection(path, "rw") as connection,
    ):
        check_origin(connection)
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return before, path.stat().st_size


def _aside_path(path: Path, at: datetime) -> Path:
    return path.with_name(f"{path.name}.before-{at.astimezone(UTC):{TIMESTAMP_FORMAT}}")


def _set_aside(path: Path, aside: Path) -> None:
    """Gives the current file a second name, which stays when the new file takes its first; nothing is deleted."""
    with suppress(sqlite3.Error, StoreError), _open_connection(path, "rw") as current:
        current.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # so that the file is complete without its WAL, if readable
    _hard_link(path, aside)
    for suffix in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))


# --- files ------------------------------------------------------------------------------------------------------------


@contextmanager
def _new_file(file: Path, *, like: Path, aside: Path | None = None) -> Iterator[Path]:
    """Yields a partial file to be filled; it gets its name when it is on the disk, and is deleted if anything fails.

    Nothing is overwritten: StoreError if the name is taken, unless the existing file is to be moved ``aside``.
    """
    if aside is None and file.exists():
        raise StoreError(f"{file} already exists; nothing was written. Name another file.")
    partial: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{file.stem}-", suffix=".partial", dir=file.parent)
        os.close(handle)
        partial = Path(name)
        yield partial
        partial.chmod(like.stat().st_mode & 0o777)
        _fsync(partial)
        if aside is not None:
            _set_aside(file, aside)
            partial.rename(file)
        else:
            _hard_link(partial, file)
        _fsync(file.parent)
    except FileExistsError as error:
        raise StoreError(f"{error.filename2 or file} already exists; nothing was written.") from error
    except OSError as error:
        raise StoreError(f"{file.parent}: {_os_error_text(error)}; nothing was written there") from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)


def _delete_stale_partials(folder: Path, stem: str, at: datetime) -> None:
    """Deletes partial files that a killed process left a day ago or more."""
    for partial in folder.glob(f".{glob.escape(stem)}-*.partial"):
        if at.timestamp() - partial.stat().st_mtime > STALE_PARTIAL_S:
            partial.unlink(missing_ok=True)


def _hard_link(file: Path, name: Path) -> None:
    """Gives a file a second name. FileExistsError if that is taken; a disk without hard links renames the file."""
    try:
        os.link(file, name)
    except OSError as error:
        if error.errno not in _LINK_UNSUPPORTED:
            raise
        if name.exists():
            raise FileExistsError(str(name)) from None
        file.rename(name)


def _fsync(path: Path) -> None:
    """Waits until a file's content, or a folder's entries, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _open_connection(path: Path, mode: str = "ro") -> Iterator[sqlite3.Connection]:
    """A new connection, read-only by default; every SQLite error becomes a StoreError."""
    try:
        uri = f"{path.absolute().as_uri()}?mode={mode}"
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_S)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise StoreError(explain_error(path, str(error))) from error


@contextmanager
def exclusive_access(path: Path, but: str) -> Iterator[None]:
    """Holds the bot's lock, so that no bot runs on the database meanwhile. StoreError, with ``but``, if one does."""
    try:
        lock = acquire_lock(path, but)
    except sqlite3.Error as error:
        raise StoreError(explain_error(path, str(error))) from error
    with closing(lock):
        yield


def _os_error_text(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise StoreError(f"{path} not found" if not path.exists() else f"{path} is not a file")


def _require_undamaged(health: DatabaseHealth, what: str) -> None:
    if health.wrong:
        raise StoreError(f"{what} is damaged ({health.wrong[0]}); nothing was changed")
