"""Any text -> the same text without secrets: the second line of defence for all that is logged or printed.

The first is that nothing hands a secret to a log line or to an error (tested where each is made). Known by their shape
are Slack's tokens, addresses that are secrets themselves (response URLs, webhooks, Socket Mode tickets), credentials in
headers and in addresses; known by their value are those that the bot was started with.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable
from types import TracebackType

from typing_extensions import override

GONE = "[secret]"

_SHAPES = tuple(
    re.compile(shape, re.IGNORECASE)
    for shape in (
        r"\bbrownout_[\w-]{40,}",
        r"\b(?:xox[a-z](?:\.xox[a-z])?|xapp|xwfp)-[\w-]+",
        r"(?<=hooks\.slack\.com/)[^\s\"'<>]+",
        r"(?<=\.slack\.com/link/)\?[^\s\"'<>]+",
        r"(?<=response_url)\W{1,5}http[^\s\"'<>,}]+",
        r"(?<=authorization)[\"']?\s*[:=]\s*[\"']?(?:(?:bearer|basic|token)\s+)?[^\s\"'<>,}]+",
        r"(?<=bearer )[\w.~+/=-]{8,}",
        r"(?<=://)[^\s/@\"'<>]+:[^\s/@\"'<>]*(?=@)",
    )
)


def redacted(text: str, known: Iterable[str] = ()) -> str:
    """The text with ``[secret]`` in the place of each."""
    for secret in known:
        text = text.replace(secret, GONE)
    for shape in _SHAPES:
        text = shape.sub(GONE, text)
    return text


class Redacting(logging.Formatter):
    """Writes a log record as another formatter would, tracebacks and all, without secrets."""

    def __init__(self, inner: logging.Formatter, known: Iterable[str] = ()) -> None:
        """``known`` are secrets by their value."""
        super().__init__()
        self._inner, self._known = inner, tuple(known)

    @override
    def format(self, record: logging.LogRecord) -> str:
        return redacted(self._inner.format(record), self._known)


def install(known: Iterable[str] = ()) -> None:
    """Puts it before every handler of the root logger, and before the traceback of a crash."""
    known = tuple(known)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(Redacting(handler.formatter or logging.Formatter(), known))

    def crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        told = logging.Formatter().formatException((kind, error, trace))
        sys.stderr.write(redacted(told, known) + "\n")

    sys.excepthook = crash
