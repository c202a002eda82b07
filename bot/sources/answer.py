"""What an HTTP server sent -> what it means: packed chunks to a body within a limit, Retry-After to seconds. Pure."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

from bot.errors import SourceError

ACCEPTED = "gzip"  # deflate is understood too; nobody agrees on what it is, so it is not asked for
_STEP = 65_536  # bytes that are unpacked at a time


class Body:
    """A body as it arrives: ``feed`` it with chunks, then take it ``whole``.

    It is unpacked in small steps, so that no more than ``max_bytes`` of a bomb are ever held
    (performance-reliability.md section 4, row 17). SourceError: too_large, bad_encoding, truncated.
    """

    def __init__(self, host: str, encoding: str, max_bytes: int) -> None:
        """``encoding`` is the Content-Encoding; ``host`` is for the messages."""
        self._host, self._max_bytes = host, max_bytes
        self._body, self._taken = bytearray(), 0
        names = [name.strip().lower() for name in encoding.split(",")]
        names = [name for name in names if name not in ("", "identity")]
        if len(names) > 1 or not {*names} <= {"gzip", "x-gzip", "deflate"}:
            raise SourceError(f"{host} answered in an encoding that nobody asked for", code="bad_encoding")
        self._unpacker = zlib.decompressobj(wbits=32 + zlib.MAX_WBITS) if names else None  # gzip and zlib headers

    def feed(self, chunk: bytes) -> None:
        """Takes the next chunk."""
        self._taken += len(chunk)
        for piece in self._pieces(chunk):
            self._body += piece
            if max(len(self._body), self._taken) > self._max_bytes:
                raise SourceError(f"{self._host} answered with more than {self._max_bytes} bytes", code="too_large")

    def whole(self) -> bytes:
        """The body, once every chunk was fed."""
        if self._unpacker and self._taken and not self._unpacker.eof:
            raise SourceError(f"the answer of {self._host} broke off", code="truncated")
        return bytes(self._body)

    def head(self) -> bytes:
        """As much of the body as was taken so far."""
        return bytes(self._body)

    def _pieces(self, chunk: bytes) -> Iterator[bytes]:
        if self._unpacker is None:
            yield chunk
            return
        piece = b"-" * _STEP
        while chunk or len(piece) == _STEP:
            try:
                piece = self._unpacker.decompress(chunk, _STEP)
            except zlib.error as error:
                raise SourceError(f"the answer of {self._host} can't be unpacked", code="bad_encoding") from error
            chunk = self._unpacker.unconsumed_tail
            yield piece


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, where the server named any; a date counts from the server's own clock."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return float(value)
    until, now = _date(value), _date(headers.get("date", ""))
    return max(0.0, (until - now).total_seconds()) if until and now else None


def _date(value: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return at if at.tzinfo else None
