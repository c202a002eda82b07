"""Opens the database at a place: a SQLite file, or PostgreSQL, whose driver is imported only then."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.errors import StoreError
from bot.storage.connection import Database, DatabaseUrl, Waiting, parse_place
from bot.storage.sqlite import BUSY_TIMEOUT_S, SqliteDatabase

NO_DRIVER = "PostgreSQL needs its driver: pip install 'psycopg[binary]>=3.2'"


@dataclass(frozen=True, slots=True)
class ServerReport:
    """What a PostgreSQL server says of itself: one line, and what is wrong or unwise for a bot."""

    summary: str = ""
    mistakes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def describe_server(url: DatabaseUrl) -> ServerReport:
    """Connects, and says which version it is, which rights this user has, and how far its standbys are behind.

    Raises:
        StoreError: It can't be reached, refuses this user, or the driver is missing.
    """
    try:
        from bot.storage.postgres import server_facts  # noqa: PLC0415  (the driver is an extra)
    except ImportError as error:
        raise StoreError(f"{url}: {NO_DRIVER} ({error})") from error
    facts = server_facts(url)
    mistakes, warnings = [], []
    if facts.is_standby:
        mistakes.append(
            f"{url}: it is a standby and takes no writes; name the primary (target_session_attrs=read-write)"
        )
    elif not facts.may_create:
        mistakes.append(f"{url}: {facts.user} may make no tables in schema {facts.schema}; GRANT CREATE ON SCHEMA")
    if facts.standbys and not facts.is_synchronous:
        warnings.append(
            f"{url}: its standbys are asynchronous: a failover of the server may lose the last commits, and alerts"
            " may be posted twice"
        )
    behind = f", {facts.standbys} standby servers, {facts.lag_s:.1f} s behind" if facts.standbys else ""
    parts = ", ".join(map(str, facts.shards))
    shared = f", {len(facts.shards)} bots share the pages (shards: {parts})" if facts.shards else ""
    summary = f"PostgreSQL {facts.version}, user {facts.user}, schema {facts.schema}{behind}{shared}"
    return ServerReport(summary, tuple(mistakes), tuple(warnings))


def open_database(
    place: Path | str | DatabaseUrl,
    *,
    read_only: bool = False,
    alone: bool = False,
    patience_s: float = BUSY_TIMEOUT_S,
    on_wait: Waiting | None = None,
    may_follow: bool = False,
) -> Database:
    """Opens a database, or makes its tables unless ``read_only``.

    Args:
        place: The file, or the address.
        read_only: Whether only reads are allowed; an older schema is then refused instead of upgraded.
        alone: Whether to take the bot's exclusive lock; StoreError if another bot has it.
        patience_s: Seconds to wait for another writer. A bot (``alone``) waits so long only to open the database, then
            less (0.25 s for a file), since its event loop must go on answering.
        on_wait: On PostgreSQL, a bot waits for the one that runs, and takes over from it; this is called when the wait
            begins. None: it is refused instead. A second bot on a file is always refused.
        may_follow: Whether a bot that does not get the lock opens the database as a follower (``Database.follower``)
            instead of waiting; it still waits while the tables are not those of this version.
    """
    found = parse_place(place)
    if isinstance(found, Path):
        return SqliteDatabase.open(found, read_only=read_only, alone=alone, patience_s=patience_s)
    try:
        from bot.storage.postgres import PostgresDatabase  # noqa: PLC0415  (the driver is an extra)
    except ImportError as error:
        raise StoreError(f"{found}: {NO_DRIVER} ({error})") from error
    return PostgresDatabase.open(
        found, read_only=read_only, alone=alone, patience_s=patience_s, on_wait=on_wait, may_follow=may_follow
    )
