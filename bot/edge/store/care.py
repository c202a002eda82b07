"""A database file -> a backup of it, a verdict on it, or a file put in its place; nothing that is there is overwritten.

Each function opens connections of its own, so that it may run in a thread beside the bot. A backup is ``VACUUM INTO``
(performance-reliability.md 2c: it delays another writer by 13 ms at p99, where a plain VACUUM blocks it for seconds).
A file gets its name only when it is whole, checked and on the disk: a crash at any moment leaves the old ones.
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

from bot.edge.store import migrations
from bot.edge.store.database import advice, applied, check_origin, claim
from bot.edge.store.rows import time
from bot.errors import StoreError

PATIENCE_S = 5.0
STAMP = "%Y%m%dT%H%M%SZ"
A_DAY_S = 86_400
FINDINGS = 20  # of an integrity check, at most
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP})  # what FAT and some network disks answer


class Leash:
    """Ends what runs in another thread: ``pull`` interrupts the statement that is under way, and all after it."""

    def __init__(self) -> None:
        self._held: sqlite3.Connection | None = None
        self._pulled = Event()

    def pull(self) -> None:
        """Ends it as soon as SQLite can; it then raises StoreError."""
        self._pulled.set()
        if self._held is not None:
            with suppress(sqlite3.ProgrammingError):  # it was closed a moment ago
                self._held.interrupt()

    def rest(self, seconds: float) -> bool:
        """Lets others go first for so long; True where it was pulled."""
        return self._pulled.wait(seconds)

    @contextmanager
    def on(self, connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
        """Holds this connection while it is entered."""
        self._held = connection
        try:
            if self._pulled.is_set():
                raise sqlite3.OperationalError("interrupted")
            yield connection
        finally:
            self._held = None


@dataclass(frozen=True, slots=True)
class Health:
    """What a look at a database found. ``wrong``: what is damaged, a sentence each; ``rows``: table -> how many.

    ``newest``: when the last event was seen, by the bot's clock. ``missing``: schema steps that `run` would add.
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
    """A backup that was made, and the older ones that made room for it."""

    health: Health
    dropped: tuple[Path, ...] = ()


def copy(path: Path, file: Path, leash: Leash | None = None) -> Health:
    """Backs up a database, in use or not, into a new file. StoreError where it can't; then nothing is left of it."""
    _is_there(path)
    with _new_file(file, like=path) as partial:
        found = _copied(path, partial, leash or Leash())
    return replace(found, path=file)


def _copied(path: Path, partial: Path, leash: Leash) -> Health:
    """Fills an empty file with a database as it is at this moment; how sound the file is."""
    with _opened(path) as source, leash.on(source):
        check_origin(source)
        try:
            source.execute("VACUUM INTO ?", (str(partial),))
        except sqlite3.Error as error:
            raise StoreError(advice(partial.parent, f"no copy of {path}: {error}")) from error
    found = verify(partial, leash)
    _must_be_sound(found, f"the copy of {path}")
    return found


def backup(path: Path, folder: Path, at: datetime, keep: int, leash: Leash | None = None) -> Backup:
    """Makes a backup named with its UTC time in a folder, and of those there keeps the newest ``keep``."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}: {_why(error)}") from error
    _sweep(folder, path.stem, at)
    health = copy(path, folder / f"{path.stem}-{at.astimezone(UTC):{STAMP}}.db", leash)
    old = [file for file, _ in backups(path, folder)][:-keep]
    dropped = tuple(file for file in old if file != health.path)  # where a clock was wrong, this one is not the newest
    for file in dropped:
        file.unlink(missing_ok=True)
    return Backup(health, dropped)


def backups(path: Path, folder: Path) -> list[tuple[Path, datetime]]:
    """The timed backups of a database in a folder, the oldest first, with their times."""
    shape = re.compile(re.escape(path.stem) + r"-(\d{8}T\d{6}Z)\.db")
    found = [(file, shape.fullmatch(file.name)) for file in folder.glob(f"{glob.escape(path.stem)}-*.db")]
    return sorted(
        ((file, datetime.strptime(m[1], STAMP).replace(tzinfo=UTC)) for file, m in found if m), key=lambda one: one[1]
    )


def verify(path: Path, leash: Leash | None = None) -> Health:
    """Reads every page of a database. StoreError where it is none, not ours or of a newer Brownout."""
    _is_there(path)
    with _opened(path) as connection, (leash or Leash()).on(connection):
        try:
            check_origin(connection)
            told = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({FINDINGS})")]
            strays = connection.execute("PRAGMA foreign_key_check").fetchmany(FINDINGS)
            wrong = [*(t for t in told if t != "ok"), *(f"{t} row {row} refers to nothing" for t, row, *_ in strays)]
            return _read(connection, path, tuple(wrong))
        except sqlite3.DatabaseError as error:
            if "malformed" not in str(error):  # it is no database, not ours, or nobody lets us read on
                raise
            return Health(path, path.stat().st_size, (str(error),))


def _read(connection: sqlite3.Connection, path: Path, wrong: tuple[str, ...]) -> Health:
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'"
        " AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'events_fts%' ORDER BY name"
    ).fetchall()
    counts = {n: connection.execute(f'SELECT count(*) FROM "{n}"').fetchone()[0] for (n,) in names}  # noqa: S608
    (newest,) = connection.execute("SELECT seen_at FROM events ORDER BY id DESC LIMIT 1").fetchone() or (None,)
    steps = applied(connection)
    return Health(
        path,
        path.stat().st_size,
        wrong,
        tuple(sorted(steps)),
        tuple(sorted(migrations.names() - steps)),
        counts,
        time(newest) if newest else None,
    )


# --- in place of the present file -------------------------------------------------------------------------------------


def restore(path: Path, file: Path, at: datetime) -> tuple[Health, Path | None]:
    """Puts a copy of a backup in a database's place, and the present file aside; its health, and where that is now.

    StoreError while a bot runs on it, and where the backup is not sound: then everything stays as it is.
    """
    _is_there(file)
    path = path.resolve()
    if path.exists() and path.samefile(file):
        raise StoreError(f"{file} is the database itself; name a backup of it")
    with claimed(path, "and what it writes would be lost; stop it first"):
        _must_be_sound(verify(file), str(file))
        _sweep(path.parent, path.stem, at)
        aside = _aside(path, at) if path.exists() else None
        with _new_file(path, like=file, aside=aside) as partial:
            found = _copied(file, partial, Leash())
        return replace(found, path=path), aside


def vacuum(path: Path) -> tuple[int, int]:
    """Writes the file anew without its holes; its bytes before and after. StoreError while a bot runs on it."""
    _is_there(path)
    before = path.stat().st_size
    with claimed(path, "and would stand still for as long as this takes; stop it first"), _opened(path, "rw") as mine:
        check_origin(mine)
        mine.execute("VACUUM")
        mine.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return before, path.stat().st_size


def _aside(path: Path, at: datetime) -> Path:
    return path.with_name(f"{path.name}.before-{at.astimezone(UTC):{STAMP}}")


def _set_aside(path: Path, aside: Path) -> None:
    """Gives the present file a second name, which it keeps when another takes the first; nothing is deleted."""
    with suppress(sqlite3.Error, StoreError), _opened(path, "rw") as present:
        present.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # so that the file alone is whole, if it can be read at all
    _also_named(path, aside)
    for end in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + end).rename(aside.with_name(aside.name + end))


# --- files ------------------------------------------------------------------------------------------------------------


@contextmanager
def _new_file(file: Path, *, like: Path, aside: Path | None = None) -> Iterator[Path]:
    """A file to be filled under another name: it gets its own when it is on the disk, and is gone if anything fails.

    It overwrites nothing: StoreError where the name is taken, unless what is there shall be put ``aside``.
    """
    if aside is None and file.exists():
        raise StoreError(f"{file} is there already, and nothing is overwritten; name another file")
    partial: Path | None = None
    try:
        handle, made = tempfile.mkstemp(prefix=f".{file.stem}-", suffix=".partial", dir=file.parent)
        os.close(handle)
        partial = Path(made)
        yield partial
        partial.chmod(like.stat().st_mode & 0o777)
        _to_disk(partial)
        if aside is not None:
            _set_aside(file, aside)
            partial.rename(file)
        else:
            _also_named(partial, file)
        _to_disk(file.parent)
    except FileExistsError as error:
        raise StoreError(f"{error.filename2 or file} is there already, and nothing is overwritten") from error
    except OSError as error:
        raise StoreError(f"{file.parent}: {_why(error)}; nothing was written there") from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)


def _sweep(folder: Path, stem: str, at: datetime) -> None:
    """Deletes what a run left that was killed in the middle, a day ago or more."""
    for left in folder.glob(f".{glob.escape(stem)}-*.partial"):
        if at.timestamp() - left.stat().st_mtime > A_DAY_S:
            left.unlink(missing_ok=True)


def _also_named(file: Path, name: Path) -> None:
    """Gives a file a second name. FileExistsError where that is taken; a disk without such names moves the file."""
    try:
        os.link(file, name)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if name.exists():
            raise FileExistsError(str(name)) from None
        file.rename(name)


def _to_disk(place: Path) -> None:
    """Waits until a file's content, or a folder's names, are on the disk."""
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _opened(path: Path, mode: str = "ro") -> Iterator[sqlite3.Connection]:
    """A connection of its own, read-only unless told; what SQLite says of the file is a StoreError."""
    try:
        where = f"{path.absolute().as_uri()}?mode={mode}"
        with closing(sqlite3.connect(where, uri=True, isolation_level=None, timeout=PATIENCE_S)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise StoreError(advice(path, str(error))) from error


@contextmanager
def claimed(path: Path, but: str) -> Iterator[None]:
    """No bot runs on the database, and none starts meanwhile."""
    try:
        lock = claim(path, but)
    except sqlite3.Error as error:
        raise StoreError(advice(path, str(error))) from error
    with closing(lock):
        yield


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _is_there(path: Path) -> None:
    if not path.is_file():
        raise StoreError(f"{path}: there is no such file" if not path.exists() else f"{path} is no file")


def _must_be_sound(found: Health, what: str) -> None:
    if found.wrong:
        raise StoreError(f"{what} is damaged ({found.wrong[0]}); nothing was changed")
