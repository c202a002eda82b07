"""Removes secrets from text that is logged or printed, as the second line of defence.

The first is that no code passes a secret to a log line or an error (tested where each is made). Found by pattern are
Slack's tokens, URLs that are secrets themselves (response URLs, webhooks, Socket Mode tickets), and credentials in
headers and URLs; found by value are the secrets that the bot was started with.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable
from types import TracebackType

from typing_extensions import override

PLACEHOLDER = "[secret]"

_SECRET_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
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


def redact_secrets(text: str, secrets: Iterable[str] = ()) -> str:
    """The text with each secret replaced by ``[secret]``; ``secrets`` are those to find by value."""
    for secret in sorted(secrets, key=len, reverse=True):  # one may begin as another does
        text = text.replace(secret, PLACEHOLDER)
    for pattern in _SECRET_PATTERNS:
        text = pattern.sub(PLACEHOLDER, text)
    return text


class RedactingFormatter(logging.Formatter):
    """Formats a log record as another formatter does, with tracebacks, and removes secrets."""

    def __init__(self, inner: logging.Formatter, secrets: Iterable[str] = ()) -> None:
        """``secrets`` are those to find by value."""
        super().__init__()
        self._inner, self._secrets = inner, tuple(secrets)

    @override
    def format(self, record: logging.LogRecord) -> str:
        return redact_secrets(self._inner.format(record), self._secrets)


def install_redaction(secrets: Iterable[str] = ()) -> None:
    """Redacts the output of every handler of the root logger, and the traceback of an uncaught exception."""
    secrets = tuple(secrets)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(RedactingFormatter(handler.formatter or logging.Formatter(), secrets))

    def crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        text = logging.Formatter().formatException((kind, error, trace))
        sys.stderr.write(redact_secrets(text, secrets) + "\n")

    sys.excepthook = crash
