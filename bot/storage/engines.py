"""Opens the database at a place: a SQLite file, or PostgreSQL, whose driver is imported only then."""

from __future__ import annotations

from pathlib import Path

from bot.errors import StoreError
from bot.storage.connection import Database, DatabaseUrl, parse_place
from bot.storage.sqlite import BUSY_TIMEOUT_S, SqliteDatabase

NO_DRIVER = "PostgreSQL needs its driver: pip install 'brownout[postgres]'"


def open_database(
    place: Path | str | DatabaseUrl, *, read_only: bool = False, alone: bool = False, patience_s: float = BUSY_TIMEOUT_S
) -> Database:
    """Opens a database, or makes its tables unless ``read_only``.

    Args:
        place: The file, or the address.
        read_only: Whether only reads are allowed; an older schema is then refused instead of upgraded.
        alone: Whether to take the bot's exclusive lock; StoreError if another bot has it.
        patience_s: Seconds to wait for another writer. A bot (``alone``) waits so long only to open the database, then
            less (0.25 s for a file), since its event loop must go on answering.
    """
    found = parse_place(place)
    if isinstance(found, Path):
        return SqliteDatabase.open(found, read_only=read_only, alone=alone, patience_s=patience_s)
    try:
        from bot.storage.postgres import PostgresDatabase  # noqa: PLC0415  (the driver is an extra)
    except ImportError as error:
        raise StoreError(f"{found}: {NO_DRIVER} ({error})") from error
    return PostgresDatabase.open(found, read_only=read_only, alone=alone, patience_s=patience_s)
