"""The port to the database: what the store asks of an engine, and where a database is.

SQL is written once, for SQLite and for PostgreSQL. What the two do differently is a
method of ``Database``; ``sqlite`` and ``postgres`` implement it, and ``engines`` opens the right one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from threading import Event
from typing import Any, Protocol
from urllib.parse import urlsplit

from typing_extensions import override

from bot.errors import UsageError

SCHEMES = ("postgresql", "postgres")
_ADDRESS_HINT = (
    "postgresql://user@host:port/database, with the password in PGPASSWORD; in the address itself, each other sign of a"
    " name or password is written as % and two digits, / as %2F"
)
_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[^\[\]@/?#:,\s]*)(?::[0-9]*)?"
_ADDRESS = re.compile(rf"(?:[^@/?#\s]*@)?({_HOST}(?:,{_HOST})*(?:/[^@?#\s]*)?)(?:\?[A-Za-z_]+=[^#\s]*)?")
_HALF_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """The address of a PostgreSQL database, as libpq reads it; as text it shows no password and no options."""

    url: str

    @override
    def __str__(self) -> str:
        scheme, _, rest = self.url.partition("://")
        match = _ADDRESS.fullmatch(rest)
        return f"{scheme}://{match[1] if match else '...'}"

    @property
    def has_password(self) -> bool:
        """Whether the address itself contains a password."""
        parts = urlsplit(self.url)
        return parts.password is not None or "password=" in parts.query


Place = Path | DatabaseUrl  # where a database is: a SQLite file, or a PostgreSQL server


def parse_place(text: Path | str | DatabaseUrl) -> Place:
    """The place that was typed: an address of PostgreSQL, or the path of a file.

    Raises:
        UsageError: It is an address, and none that libpq and this program read alike. It is not repeated, since a part
            of a password may be anywhere in it.
    """
    if not isinstance(text, str) or "://" not in text:
        return text if isinstance(text, DatabaseUrl) else Path(text)
    scheme, _, rest = text.strip().partition("://")
    if scheme not in SCHEMES:
        raise UsageError(f"A database is a file, or on PostgreSQL: {_ADDRESS_HINT}.")
    if not _ADDRESS.fullmatch(rest) or _HALF_ESCAPE.search(rest):
        raise UsageError(f"The address of the database can't be read. Write {_ADDRESS_HINT}.")
    return DatabaseUrl(text.strip())


def may_exist(place: Place) -> bool:
    """False if there is no such file; a server says so only when it is asked."""
    return isinstance(place, DatabaseUrl) or place.exists()


@dataclass(frozen=True, slots=True)
class Upsert:
    """The conflict clause of an INSERT: an existing row with the same key takes the new row's values.

    Attributes:
        key: The columns of the key.
        kept: Columns that keep the existing row's value.
        other: Columns that get another value, each with its SQL expression. A column of the existing row has the name
            of its table before it (``sources.body_hash``).
        where: A condition in SQL; the existing row is updated only if it holds.
    """

    key: tuple[str, ...]
    kept: tuple[str, ...] = ()
    other: tuple[tuple[str, str], ...] = ()
    where: str = ""

    def clause(self, columns: Iterable[str]) -> str:
        """The SQL of the clause, for an INSERT of these columns."""
        values = {c: f"excluded.{c}" for c in columns if c not in (*self.key, *self.kept)} | dict(self.other)
        changes = ", ".join(f"{column} = {value}" for column, value in values.items())
        return f"ON CONFLICT ({', '.join(self.key)}) DO UPDATE SET {changes}" + (self.where and f" WHERE {self.where}")


ONLY_ON_SERVER = "{}: only bots on PostgreSQL share pages; set [store] url, or share_pages = false"
IGNORE = "ON CONFLICT DO NOTHING"  # an existing row stays as it is


class Lease(Protocol):
    """The right of one bot to run on a database."""

    longest_post_s: int  # a post to a chat takes at most so many seconds

    def still_mine(self) -> bool:
        """Whether a post that begins now ends before another bot may take over."""

    def require(self) -> None:
        """Ends the process if that is not so; the last step before any bytes of a post leave."""


class Follower(Protocol):
    """A bot on a database that another bot leads: it answers, and waits to lead."""

    def wait_for_turn(self, stop: Event) -> bool:
        """Blocks until no other bot leads, in a thread of its own; False if ``stop`` came first."""

    def try_turn(self) -> bool:
        """Whether no other bot leads; then it is the turn of this one, as after ``wait_for_turn``. Does not wait."""

    def lead(self) -> None:
        """Leads, after ``wait_for_turn`` or ``try_turn``. StoreError if a newer Brownout has led meanwhile."""


@dataclass(frozen=True, slots=True)
class LiveBot:
    """A bot that shares the pages of a database: its name, what its pages are, whether it is this one, and leads."""

    holder: str
    pages: str
    is_me: bool
    is_leader: bool


@dataclass(frozen=True, slots=True)
class SharingView:
    """What one bot sees of the others: the live ones, each at the same position for all bots, and the free shards.

    ``leader_shares`` is False while a bot leads that polls all pages itself.
    """

    bots: tuple[LiveBot, ...]
    free: frozenset[int]
    leader_shares: bool = True


class PageShares(Protocol):
    """The shards (``bot.rules.sharing``) of one of the bots that share the pages of a database.

    ``holder`` is its name, and ``held`` the shards that it surely holds until a statement fails: it is empty as soon as
    the connection was lost. Every method may raise StoreError.
    """

    holder: str
    held: frozenset[int]

    def renew(self, pages: str, *, leads: bool) -> SharingView:
        """Says that this bot is alive, and looks at the others. ``pages``: what all bots are to have in common."""

    def take(self, shards: Iterable[int]) -> None:
        """Takes those of these shards that are free."""

    def give_back(self, shards: Iterable[int]) -> None:
        """Gives shards back, after what was recorded for them was committed."""

    def close(self) -> None:
        """Stops saying that this bot is alive; its shards go with the connection."""


Waiting = Callable[[], None]  # called once, when a bot begins to wait for the one that runs


class Database(Protocol):
    """One connection to a database. Every method may raise StoreError.

    A bot's may be used by several threads: while one is in a transaction, the others wait. A reading one may be handed
    from thread to thread. Any other connection is for the thread that opened it.
    Outside ``transaction`` each statement is a transaction of its own. Placeholders are all ``?``, or all ``:name``.
    """

    @property
    def path(self) -> Place:
        """The file, or the address; as text it shows no password."""

    def file_problem(self) -> str:
        """Why the open database is not the one at its place any more (a file was deleted); empty if it is."""

    @property
    def lease(self) -> Lease:
        """The lease of the bot that opened it (``alone``)."""

    @property
    def follower(self) -> Follower | None:
        """What a bot that another one leads waits with; None for the one that leads, and for other programs."""

    @property
    def shares(self) -> PageShares | None:
        """The shards of a bot that shares the pages with others; None for one that polls all, and other programs."""

    def share_pages(self) -> None:
        """Begins to share the pages with other bots (``shares``). StoreError for a file, which has one bot."""

    def claim_pages(self) -> None:
        """Takes all pages for a bot that leads and shares none. StoreError if others do not give theirs back."""

    def listen(self, on_commit: Callable[[], None]) -> Callable[[], None]:
        """Calls ``on_commit``, in another thread, soon after another program than the leader committed something.

        Returns what ends that. On SQLite nothing is ever called.
        """

    def close(self) -> None:
        """Closes the connection; committed transactions are already on the disk."""

    def open_reader(self) -> Database:
        """A read-only connection to the same database, for another thread."""

    def version(self, tables: Iterable[str]) -> tuple[object, ...]:
        """A value that is another one after each change of these tables; it may change without one."""

    def rows(self, sql: str, *values: object, **named: object) -> list[dict[str, Any]]:
        """The rows of a query as dicts by column name."""

    def rows_of(self, *queries: tuple[str, tuple[object, ...]]) -> list[list[dict[str, Any]]]:
        """The rows of several queries, each with its values, as ``rows`` gives them; a server is asked once for all."""

    def iterate_rows(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a query as tuples, one at a time, for results too large to hold in memory."""

    def write(self, sql: str, *values: object) -> int:
        """Runs one statement, in its own transaction unless one is open; returns the number of changed rows."""

    def write_all(self, sql: str, rows: Iterable[Iterable[object]]) -> None:
        """Runs one statement for every row of values, inside an open transaction: now, or before its next read.

        So a server is asked once for many statements. An error may come as late as at the end of the transaction.
        """

    def insert(self, table: str, row: Mapping[str, object], conflict: str | Upsert = "") -> int:
        """Inserts one row, given by column name; returns the number of rows that were added or changed.

        ``conflict`` says what happens if the key exists already; if it is empty, that is a StoreError.
        """

    def insert_all(self, table: str, rows: Iterable[Mapping[str, object]], conflict: str | Upsert = "") -> None:
        """Inserts rows with the same columns, inside an open transaction; see ``insert`` and ``write_all``."""

    def transaction(self) -> AbstractContextManager[None]:
        """Commits everything written inside, or nothing. Only one transaction of all programs is open at a time.

        Inside another transaction it is a part of that one.
        """

    def upgrade(self) -> None:
        """Brings stored JSON of older forms up to date, inside an open transaction. StoreError for a newer form."""

    # --- what the engines do differently ------------------------------------------------------------------------------

    def matching_events(self, phrases: Sequence[str], limit: int) -> list[int]:
        """The ids of the newest events whose text has all these phrases, the newest first; see ``search``."""

    def exported_columns(self) -> dict[str, list[str]]:
        """The tables of the schema and their columns; a table that others refer to comes before them."""

    def insertion_order(self, table: str) -> str:
        """The columns that order a table by insertion, which some reads rely on, or else by its key."""

    def defer_references(self) -> None:
        """Checks foreign keys only at the end of the open transaction."""

    def after_import(self) -> None:
        """Brings up to date what the engine derives from imported rows, inside the transaction of the import."""


_CHANGE = re.compile(
    r"\s*(?:INSERT(?:\s+OR\s+\w+)?\s+INTO|DELETE\s+FROM|UPDATE(?:\s+OR\s+\w+)?)\s+(\w+)", re.IGNORECASE
)


@lru_cache(maxsize=512)
def changed_table(sql: str) -> str:
    """The table that a statement changes; empty where that is not known."""
    found = _CHANGE.match(sql)
    return found[1] if found else ""


@cache
def insert_statement(table: str, columns: tuple[str, ...], conflict: str | Upsert) -> str:
    """The INSERT of a row of these columns, with named placeholders."""
    clause = conflict.clause(columns) if isinstance(conflict, Upsert) else conflict
    names, values = ", ".join(columns), ", ".join(f":{column}" for column in columns)
    return f"INSERT INTO {table} ({names}) VALUES ({values}) {clause}"  # noqa: S608  (our own names)
