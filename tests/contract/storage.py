"""The database: tables, indexes and migration steps, and the fields of what is stored as JSON."""

from __future__ import annotations

import dataclasses
import re
import sqlite3
import tempfile
import types
import typing
from collections.abc import Iterator
from contextlib import closing
from enum import Enum
from pathlib import Path
from typing import Any

from bot.domain import Notification, ProviderState
from bot.storage import Repository
from tests.contract.text import sections


def schema() -> str:
    """Migration steps in the order in which they are applied, and the SQL of everything in a fresh database, by name."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fresh.db"
        Repository.open(path).close()
        with closing(sqlite3.connect(path)) as connection:
            done = connection.execute("SELECT migration_set, name FROM _sqlite_migrations ORDER BY id").fetchall()
            found = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").fetchall()
    steps = "".join(f"-- step: {family} {name}\n" for family, name in done)
    return steps + "".join(f"\n{_bare(sql)};\n" for (sql,) in found)


def _bare(sql: str) -> str:
    """The SQL without its comments."""
    return re.sub(r"[ \t]+$", "", re.sub(r"--.*$|/\*.*?\*/", "", sql.strip(), flags=re.MULTILINE), flags=re.MULTILINE)


def fields() -> str:
    """Dotted names of the fields of the JSON in ``worlds.world`` and ``outbox.post``: a renamed one is lost silently."""
    return sections({"worlds.world": _fields(ProviderState, ""), "outbox.post": _fields(Notification, "")})


def _fields(kind: Any, name: str) -> Iterator[str]:
    """The leaves below a type, of which the name is the class's only where it is no class of ours."""
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        for field in dataclasses.fields(kind):
            yield from _fields(hints[field.name], f"{name}.{field.name}".lstrip("."))
        return
    inner = [arg for arg in typing.get_args(kind) if arg not in (Ellipsis, types.NoneType)]
    many = "[]" if typing.get_origin(kind) in (tuple, frozenset, list) else ""
    if not inner:
        yield (
            name if isinstance(kind, type) and issubclass(kind, Enum) else f"{name}: {getattr(kind, '__name__', kind)}"
        )
    for arg in inner:
        yield from _fields(arg, f"{name}{many}")
