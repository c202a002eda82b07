"""Reads untrusted JSON for every format: bytes to JSON, and JSON values to clean text, words, times and links.

Strict about bytes and tolerant about words: what cannot be read raises ParseError and nothing else; an unknown word
becomes a default. The results are safe to store in SQLite, to compare, to print on a terminal and to add to a timedelta
(bot/docs/decisions.md#json-and-text).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

from bot.errors import ParseError
from bot.formats import reading, time_zones

JsonObject = dict[str, Any]
T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

# C0 and C1 controls drive terminals, and bidirectional overrides make a line read otherwise than it is written.
_CONTROL_CHARACTERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_LONE_SURROGATES = re.compile("[\ud800-\udfff]")
_UNSAFE_IN_A_LINK = re.compile(r"[\s<>|\"'`\\^{}]")
NOT_A_PAGE = "this is not a status page: "
_MAX_LINK = 2000  # characters; Slack refuses longer ones
_BLANKS = re.compile(r"[\s-]+")
_LEAP_SECOND = re.compile(r"(\d\d:\d\d:)60")
_PLAUSIBLE_YEARS = range(2000, 2200)  # beyond these, adding a duration could overflow a datetime


def load_json(raw: bytes) -> Any:
    """JSON from bytes. ParseError also for NaN, infinities, invalid UTF-8 and excessive nesting."""
    try:
        return json.loads(raw.decode("utf-8-sig"), parse_constant=_reject_constant, parse_float=_finite_float)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"this is not a status page in JSON: {str(error)[:120]}") from error


def load_object(raw: bytes) -> JsonObject:
    """A JSON object from bytes; ParseError for any other JSON value."""
    return require_object(load_json(raw), "the page")


def raise_parse_error(why: str) -> NoReturn:
    """Raises ParseError with the reason."""
    raise ParseError(f"{NOT_A_PAGE}{why}")


def require_object(value: Any, what: str) -> JsonObject:
    """The value, if it is a JSON object; otherwise ParseError, in which ``what`` names it."""
    if not isinstance(value, dict):
        raise_parse_error(f"{what} is not an object")
    return value


def read_list(
    value: Any, read: Callable[[JsonObject], T], what: str = "an item of a list", *, is_listing: bool = False
) -> tuple[T, ...] | None:
    """Every item of a list that can be read by ``read``. The others are noted and left out.

    None for null or no key, for what is no list, and for a list of which nothing can be read: that is no empty list.
    ``is_listing`` is True where the items are a page's incidents: if one is left out, absence from it proves nothing.
    """
    if value is None:
        return None
    if not isinstance(value, list):
        reading.note_problem(f"there should be a list where it says {what}", is_partial=is_listing)
        return None
    return read_each(value, read, what, is_listing=is_listing)


def require_list(value: Any, read: Callable[[JsonObject], T], what: str) -> tuple[T, ...] | None:
    """Like ``read_list``, for recordings: ParseError for what is no list, and for an item that cannot be read."""
    if value is None:
        return None
    if not isinstance(value, list):
        raise_parse_error(f"there should be a list where it says {what}")
    return tuple([read(require_object(item, what)) for item in value])


def read_each(
    items: Iterable[Any], read: Callable[[JsonObject], T], what: str, *, is_listing: bool = False
) -> tuple[T, ...] | None:
    """Like ``read_list``, for items that are known to be there."""
    read_items: list[T] = []
    is_empty = True
    for item in items:
        is_empty = False
        try:
            read_items.append(read(require_object(item, what)))
        except ParseError as error:
            problem = f"left out {what}: {str(error).removeprefix(NOT_A_PAGE)}"
            reading.note_problem(problem, is_partial=is_listing)
    return tuple(read_items) if read_items or is_empty else None


def to_text(value: Any) -> str:
    """A string or a number as text; empty for others. Control characters are dropped, lone surrogates replaced."""
    if not isinstance(value, str):
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""
    if value.isprintable():
        return value
    return _LONE_SURROGATES.sub("\ufffd", _CONTROL_CHARACTERS.sub("", value))


def to_texts(value: Any) -> list[str]:
    """The items of a list as text; empty for anything else."""
    return [to_text(item) for item in value] if isinstance(value, list) else []


def to_enum(kind: type[E], value: Any, otherwise: E) -> E:
    """The enum member with this value, in any case, joined by blanks or underscores; ``otherwise`` for others."""
    word = _BLANKS.sub("_", value.strip().casefold()) if isinstance(value, str) else value
    try:
        return kind(word)
    except ValueError:
        return otherwise


def parse_iso_time(value: Any) -> datetime | None:
    """An ISO 8601 time in UTC; None for anything else and for years before 2000 or after 2199.

    The zone may be a name (``2026-03-02 13:02 CET``); without any it is UTC. A leap second is the second before it.
    """
    if not isinstance(value, str) or not value:
        return None
    time = _read_iso_time(value)
    if time is None:
        local, zone = time_zones.split_zone(_LEAP_SECOND.sub(r"\g<1>59", value))
        time = _read_iso_time(local)
        time = time_zones.to_utc(time, zone) if time and zone and time.tzinfo is None else time
    try:
        time = time and (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        return None
    return time if time and time.year in _PLAUSIBLE_YEARS else None


def _read_iso_time(value: str) -> datetime | None:
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def to_safe_url(value: Any) -> str | None:
    """An http or https address that is safe as a link's target; None for anything else."""
    address = to_text(value)
    if not address or len(address) > _MAX_LINK or _UNSAFE_IN_A_LINK.search(address):
        return None
    try:
        parts = urlsplit(address)
        safe = parts.scheme in ("http", "https") and parts.hostname and parts.username is None
    except ValueError:
        return None
    return address if safe else None


def _reject_constant(word: str) -> NoReturn:
    raise_parse_error(f"it holds {word}")


def _finite_float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise_parse_error("it holds a number beyond all bounds")
    return number
