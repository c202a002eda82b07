"""What every JSON format needs at the door: bytes to JSON, and JSON scalars to clean text, words and times.

Our reading of other people's pages is tolerant of unknown words and strict about broken bytes: what cannot be read
raises ParseError and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NoReturn, TypeVar

from bot.errors import ParseError

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

_CONTROL = {code: None for code in (*range(32), 0x7F) if chr(code) not in "\n\t"}


def load(raw: bytes) -> Any:
    """JSON from bytes. NaN, infinities, broken UTF-8 and nesting beyond reason are ParseError, not surprises."""
    try:
        return json.loads(raw.decode("utf-8-sig"), parse_constant=lambda word: refuse(f"it holds {word}"))
    except (ValueError, RecursionError) as error:
        raise ParseError(f"this is not a status page in JSON: {str(error)[:120]}") from error


def refuse(why: str) -> NoReturn:
    """Raises ParseError with the reason."""
    raise ParseError(f"this is not a status page: {why}")


def obj(value: Any, what: str) -> dict[str, Any]:
    """The value, if it is a JSON object."""
    if not isinstance(value, dict):
        refuse(f"{what} is not an object")
    return value


def each(value: Any, read: Callable[[dict[str, Any]], T]) -> tuple[T, ...] | None:
    """Every object of a list, read; None where there is no list, which means "nothing was said"."""
    return tuple(read(obj(item, "an item of a list")) for item in value) if isinstance(value, list) else None


def text(value: Any) -> str:
    """A JSON scalar as text that SQLite and a terminal can hold: no control characters, no lone surrogates."""
    if not isinstance(value, str | int | float):
        return ""
    return str(value).translate(_CONTROL).encode("utf-8", "replace").decode("utf-8")


def word(kind: type[E], value: Any, otherwise: E) -> E:
    """The enum member of this name, or ``otherwise`` for a word we do not know."""
    try:
        return kind(value)
    except ValueError:
        return otherwise


def moment(value: Any) -> datetime | None:
    """An ISO-8601 time as UTC; None where there is none. A time without a zone is read as UTC."""
    if not isinstance(value, str) or not value:
        return None
    try:
        time = datetime.fromisoformat(value)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
