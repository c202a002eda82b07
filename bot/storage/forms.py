"""Form numbers of stored JSON, so that no version misreads JSON that another version wrote.

``worlds.world`` and ``outbox.post`` hold whole dataclasses as JSON, with the names of their fields. A change of a field
is a change of the form: a renamed or removed one, a new one, another type or meaning, and so is a new enum value. The
table ``stored_forms`` has the number of each form; a database without it is of form 1. A newer form is refused.

To change a form, add a function to ``upgrades`` in ``FORMS`` that makes the new JSON value of the old one (the same
value where a field with a default was added), and write the golden files of the new form
(``python -m tests.storage.stored_forms --write``); those of older forms stay, and are read through the upgrades.
Other JSON columns (surfaces, suspicions, transitions, errors) are plain lists and maps; a schema step changes those.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Upgrade = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Form:
    """Where values of a form are stored. ``upgrades[n - 1]`` turns a value of form n into one of form n + 1."""

    table: str
    key: str
    column: str
    upgrades: tuple[Upgrade, ...] = ()

    @property
    def number(self) -> int:
        """The form that this version reads and writes."""
        return 1 + len(self.upgrades)


def _with_new_defaults(value: dict[str, Any]) -> dict[str, Any]:
    """The same value: the new form has fields with defaults, or enum values, that the old one lacks."""
    return value


FORMS: Mapping[str, Form] = {
    "worlds": Form("worlds", "provider", "world", (_with_new_defaults, _with_new_defaults, _with_new_defaults)),
    "posts": Form(
        "outbox", "id", "post", (_with_new_defaults, _with_new_defaults, _with_new_defaults, _with_new_defaults)
    ),
}


class Connection(Protocol):
    """What is asked of a connection; ``execute`` returns the rows. sqlite3's satisfies it."""

    def execute(self, sql: str, values: Sequence[object] = ..., /) -> Iterable[Any]:
        """The rows of a statement."""


def stored(connection: sqlite3.Connection) -> dict[str, int]:
    """The form numbers recorded in a SQLite database; empty if there are none, which means form 1."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'stored_forms'").fetchone():
        return {}
    return recorded(connection)


def recorded(connection: Connection) -> dict[str, int]:
    """The form numbers recorded in a database that has the table for them."""
    return dict(connection.execute("SELECT name, form FROM stored_forms ORDER BY name"))


def newer(numbers: Mapping[str, int], forms: Mapping[str, Form] = FORMS) -> str:
    """A text that lists the forms that this version can't read, for an error message; empty if it can read all."""
    readable = {name: form.number for name, form in forms.items()}
    return ", ".join(
        f"{name} {number} (this version reads {f'up to {readable[name]}' if name in readable else 'none'})"
        for name, number in numbers.items()
        if number > readable.get(name, 0)
    )


def is_older(numbers: Mapping[str, int], forms: Mapping[str, Form] = FORMS) -> bool:
    """Whether any stored value must be upgraded before this version can read it."""
    return any(numbers.get(name, 1) < form.number for name, form in forms.items())


def upgrade(connection: Connection, numbers: Mapping[str, int], forms: Mapping[str, Form] = FORMS) -> None:
    """Upgrades values of older forms, inside an open transaction; text that is no JSON object stays as it is.

    ``numbers`` are the recorded ones.
    """
    for name, form in forms.items():
        if (number := numbers.get(name, 1)) < form.number:
            _rewrite(connection, form, number)
            connection.execute(
                "INSERT INTO stored_forms (name, form) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET form = excluded.form",
                (name, form.number),
            )


def _rewrite(connection: Connection, form: Form, number: int) -> None:
    """Upgrades every value of a form, one at a time, since the outbox may be long."""
    select = f"SELECT {form.column} FROM {form.table} WHERE {form.key} = ?"  # noqa: S608  (the names above)
    update = f"UPDATE {form.table} SET {form.column} = ? WHERE {form.key} = ?"  # noqa: S608  (likewise)
    for key in list(connection.execute(f"SELECT {form.key} FROM {form.table}")):  # noqa: S608  (likewise)
        [(text,)] = connection.execute(select, key)
        connection.execute(update, (upgraded(text, form.upgrades[number - 1 :]), *key))


def upgraded(text: str, upgrades: tuple[Upgrade, ...]) -> str:
    """A stored text after these upgrades; unchanged if it is no JSON object."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if not isinstance(value, dict):
        return text
    for step in upgrades:
        value = step(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
