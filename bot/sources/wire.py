"""What every JSON format needs at the door: bytes to JSON, and JSON values to clean text, words, times and links.

Our reading of other people's pages is tolerant of unknown words and strict about broken bytes: what cannot be read
raises ParseError and nothing else. Whatever comes out of here can be stored in SQLite, compared, printed on a terminal
and added to a timedelta without a surprise (performance-reliability.md section 4, rows 12 to 16).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

from bot.errors import ParseError

Item = dict[str, Any]  # a JSON object
T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

# C0 and C1 controls drive terminals, and bidirectional overrides make a line read otherwise than it is written.
_DROPPED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_LONE_SURROGATES = re.compile("[\ud800-\udfff]")
_UNSAFE_IN_A_LINK = re.compile(r"[\s<>|\"'`\\^{}]")
_MAX_LINK = 2000  # characters; Slack refuses longer ones
_YEARS = range(1970, 2200)  # outside of these, adding a duration could overflow a datetime


def load(raw: bytes) -> Any:
    """JSON from bytes. NaN, infinities, broken UTF-8 and nesting beyond reason are ParseError, not surprises."""
    try:
        return json.loads(raw.decode("utf-8-sig"), parse_constant=_refuse_word, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"this is not a status page in JSON: {str(error)[:120]}") from error


def page(raw: bytes) -> Item:
    """A page that is one JSON object."""
    return obj(load(raw), "the page")


def refuse(why: str) -> NoReturn:
    """Raises ParseError with the reason."""
    raise ParseError(f"this is not a status page: {why}")


def obj(value: Any, what: str) -> Item:
    """The value, if it is a JSON object."""
    if not isinstance(value, dict):
        refuse(f"{what} is not an object")
    return value


def each(value: Any, read: Callable[[Item], T], what: str = "an item of a list") -> tuple[T, ...] | None:
    """Every object of a list, read; None where nothing was said (no key, or null). Anything else is refused."""
    if value is None:
        return None
    if not isinstance(value, list):
        refuse(f"there should be a list where it says {what}")
    return tuple([read(obj(item, what)) for item in value])


def text(value: Any) -> str:
    """A JSON scalar as text; other values are empty. Controls are dropped, lone surrogates become U+FFFD."""
    if not isinstance(value, str):
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""
    if value.isprintable():
        return value
    return _LONE_SURROGATES.sub("\ufffd", _DROPPED.sub("", value))


def texts(value: Any) -> list[str]:
    """The scalars of a list as text; anything else lists none."""
    return [text(item) for item in value] if isinstance(value, list) else []


def word(kind: type[E], value: Any, otherwise: E) -> E:
    """The enum member of this name, or ``otherwise`` for a word we do not know."""
    try:
        return kind(value)
    except ValueError:
        return otherwise


def moment(value: Any) -> datetime | None:
    """An ISO-8601 time as UTC; None where there is none or no sane one. A time without a zone is read as UTC."""
    if not isinstance(value, str) or not value:
        return None
    try:
        time = datetime.fromisoformat(value)
        time = (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return time if time.year in _YEARS else None


def link(value: Any) -> str | None:
    """A web address that is safe to put behind a word; None for anything else."""
    address = text(value)
    if not address or len(address) > _MAX_LINK or _UNSAFE_IN_A_LINK.search(address):
        return None
    try:
        parts = urlsplit(address)
        safe = parts.scheme in ("http", "https") and parts.hostname and parts.username is None
    except ValueError:
        return None
    return address if safe else None


def _refuse_word(word: str) -> NoReturn:
    refuse(f"it holds {word}")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        refuse("it holds a number beyond all bounds")
    return number
