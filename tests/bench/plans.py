"""How an engine answers the statements of a question: EXPLAIN QUERY PLAN of SQLite, auto_explain of PostgreSQL."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from bot.storage.connection import Database

if TYPE_CHECKING:
    import psycopg

_LONGEST_LINE = 220
_EXPLAIN = (
    "LOAD 'auto_explain'; SET client_min_messages = log; SET auto_explain.log_level = log;"
    " SET auto_explain.log_analyze = on; SET auto_explain.log_timing = off; SET auto_explain.log_min_duration = 0"
)
_EXPLAIN_NO_MORE = "SET auto_explain.log_min_duration = -1; SET client_min_messages = error"


def plans(database: Database, ask: Callable[[], object]) -> list[str]:
    """The plans of the statements that ``ask`` runs, in lines; a form that comes again is shown once.

    Those of PostgreSQL are what was used, the slowest first, with times and rows; its user must be a superuser.
    """
    connection: Any = database._connection  # type: ignore[attr-defined]
    return list(_of_sqlite(connection, ask) if isinstance(connection, sqlite3.Connection) else _used(connection, ask))


def _of_sqlite(connection: sqlite3.Connection, ask: Callable[[], object]) -> Iterator[str]:
    asked: list[str] = []
    connection.set_trace_callback(asked.append)
    ask()
    connection.set_trace_callback(None)
    steps: dict[str, None] = {}
    for sql in asked:
        if sql.lstrip().upper().startswith(("SELECT", "WITH")):
            steps |= dict.fromkeys(step for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {sql}"))
    yield from steps


def _used(connection: psycopg.Connection[Any], ask: Callable[[], object]) -> Iterator[str]:
    heard: list[str] = []

    def hear(notice: psycopg.errors.Diagnostic) -> None:
        heard.append(notice.message_primary or "")

    connection.execute(_EXPLAIN)
    connection.add_notice_handler(hear)
    ask()
    connection.remove_notice_handler(hear)
    connection.execute(_EXPLAIN_NO_MORE)
    yield from _different(heard)


def _different(heard: Iterable[str]) -> Iterator[str]:
    shown: set[str] = set()
    for text in sorted((text for text in heard if "plan:" in text), key=_took_ms, reverse=True):
        _, _, plan = text.partition("plan:")
        sql, _, steps = plan.strip().removeprefix("Query Text: ").partition("\n")
        if sql not in shown:
            shown.add(sql)
            yield f"{_took_ms(text):.1f} ms: {sql[:_LONGEST_LINE]}"
            yield from (f"  {line[:_LONGEST_LINE]}" for line in steps.splitlines())


def _took_ms(text: str) -> float:
    found = re.match(r"duration: ([\d.]+) ms", text)
    return float(found[1]) if found else 0.0
