"""Refuses a pooler (pgbouncer and others) that hands a session of the server to another client after each transaction.

What a bot relies on belongs to a session: its lock, ``LISTEN``, and settings such as "read only", which another client
of the pooler would get. A pooler that keeps one session for each connection (``pool_mode = session``) does no harm.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg

from bot.errors import StoreError

_TRIES = 5
_REMEDY = "set pool_mode = session for this database in the pooler, or name the server itself"
_SESSION = "SELECT pg_backend_pid(), coalesce(current_schema(), '')"

Connect = Callable[[], psycopg.Connection[Any]]


def require_session(connection: psycopg.Connection[Any], connect: Connect, where: object, schema: str = "") -> None:
    """Returns if the connection keeps one session of the server for as long as it lives.

    Writes nothing, and asks once where no pooler is between.

    Args:
        connection: In autocommit mode, and as it was opened.
        connect: Opens another one to the same address.
        where: The address, for the message.
        schema: That which the address asks for in its options; empty if it asks for none.

    Raises:
        StoreError: A pooler is between, and gives it another session after a transaction, or another schema.
        psycopg.Error: The server or the pooler refuses something else.
    """
    session, current = _ask(connection, _SESSION)
    if session == connection.info.backend_pid:  # a pooler tells a client a number of its own
        return
    if schema and current != schema:
        raise StoreError(
            f"{where}: the pooler leaves out the options of the address, so that the schema would be {current}, not"
            f" {schema}; take options out, and set it for the user: ALTER ROLE ... SET search_path = {schema}"
        )
    with closing(connect()) as other:
        if not _keeps_session(connection, other, session):
            raise StoreError(
                f"{where}: a pooler is between (pgbouncer?), and gives each transaction another session; the lock and"
                f" the notifications of a bot need one of their own: {_REMEDY}"
            )


def _keeps_session(connection: psycopg.Connection[Any], other: psycopg.Connection[Any], session: int) -> bool:
    """Whether no transaction of ``other`` takes the session of the connection, or moves it to another one."""
    for _ in range(_TRIES):
        try:
            other.execute("BEGIN")
        except psycopg.OperationalError as error:
            if "statement pooling" in str(error):
                return False
            raise
        if _ask(other, _SESSION)[0] == session or _ask(connection, _SESSION)[0] != session:
            return False
        other.execute("ROLLBACK")
    return True


def _ask(connection: psycopg.Connection[Any], sql: str) -> tuple[Any, ...]:
    row = connection.execute(sql).fetchone()
    return row or (0, "")
