"""Reads an error text: the status, the kind of failure, the service, and how long the vendor asks to wait."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.rules.failures.kinds import KINDS, UNKNOWN_KIND, FailureKind, FailureSide
from bot.rules.failures.services import find_service

__all__ = ["FailureReading", "FailureSide", "read_failure"]

MAX_TEXT = 16_000  # characters that are read: half from the beginning, half from the end
MAX_WAIT_S = 86_400.0
_STATUS = re.compile(
    r"^\W*([1-5]\d\d)\b"
    r"|\b(?:status(?:.?code)?|error code|code|http(?:/\d(?:\.\d)?)?|http error|returned error|responded with|answered"
    r"|err|(?!transferencoding)\w{0,60}error|\w{0,60}exception|exceptions\.\w{0,60}|\w{0,60}unavailable)"
    r"\W{1,4}([1-5]\d\d)\b"
    r"|\b([1-5]\d\d)\W{1,3}(?:internal server|bad gateway|service unavailable|gateway time|too many|unauthorized"
    r"|forbidden|not found|bad request|client error|server error|payment|overloaded|payload|request"
    r"|web server|origin is|ssl handshake)"
    r"|\b(?:bad gateway|service unavailable|gateway time-?out|internal server error)\W{1,2}([1-5]\d\d)\b"
)
_WAIT_HEADER = re.compile(r"retry.after(.ms)?\W{1,6}(\d{1,6}(?:\.\d+)?)\s?(ms|milliseconds?)?")
_WAIT_WORDS = re.compile(
    r"(?:try again|retry|wait)(?: in| after| for|ing)?\W{1,3}"
    r"(?:(\d{1,3})h)?\s?(?:(\d{1,4})m(?!s|i?l))?\s?(?:(\d{1,6}(?:\.\d+)?)\s?(ms|s|sec))?"
)
_WAIT_PROTOBUF = re.compile(r"retry_?delay\W{1,20}(?:seconds\W{1,4})?(\d{1,6})")


@dataclass(frozen=True, slots=True)
class FailureReading:
    """What an error text says by itself.

    Attributes:
        kind: The kind of failure.
        status: The HTTP status in it, if there is one.
        service: The id of the service that it is about, if it names one.
        wait_s: How long the vendor asks to wait, in seconds, if it says so.
    """

    kind: FailureKind
    status: int | None = None
    service: str | None = None
    wait_s: float | None = None


def read_failure(error: str) -> FailureReading:
    """Reads an error text, a JSON body, a traceback, or a bare status such as ``529``."""
    text = _shortened(error).casefold()
    status = _status(text)
    return FailureReading(_kind(text, status), status, find_service(text), _wait_s(text))


def _shortened(error: str) -> str:
    half = MAX_TEXT // 2
    return error if len(error) <= MAX_TEXT else f"{error[:half]}\n{error[-half:]}"


def _status(text: str) -> int | None:
    """The first error status in the text."""
    found = (int(next(filter(None, match.groups()))) for match in _STATUS.finditer(text))
    return next((status for status in found if status >= 400), None)  # noqa: PLR2004  (HTTP's errors)


def _kind(text: str, status: int | None) -> FailureKind:
    by_words = next((kind for kind in KINDS if kind.signs.search(text)), None)
    by_status = next((kind for kind in KINDS if status in kind.statuses), None)
    if by_words and by_status and by_status is not by_words and _is_broader(by_words):
        return by_status
    return by_words or by_status or UNKNOWN_KIND


def _is_broader(kind: FailureKind) -> bool:
    """Whether a status says more than the words of this kind, which stand in many texts."""
    return kind.id in ("connection", "timeout", "own_code", "bad_request", "server_error")


def _wait_s(text: str) -> float | None:
    if found := _WAIT_HEADER.search(text):
        return _capped(float(found[2]) / (1000 if found[1] or found[3] else 1))
    if found := _WAIT_PROTOBUF.search(text):
        return _capped(float(found[1]))
    for found in _WAIT_WORDS.finditer(text):
        hours, minutes, amount, unit = found.groups()
        if hours or minutes or amount:
            seconds = float(amount or 0) / (1000 if unit == "ms" else 1)
            return _capped(3600 * float(hours or 0) + 60 * float(minutes or 0) + seconds)
    return None


def _capped(seconds: float) -> float:
    return min(seconds, MAX_WAIT_S)
