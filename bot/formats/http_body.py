"""HTTP answers without I/O: assembles and decompresses a body within a size limit, and parses some headers."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

from bot.errors import SourceError

ACCEPTED_ENCODING = "gzip"  # deflate is understood too, but servers disagree on its meaning, so it is not asked for
_CHUNK_SIZE = 65_536  # bytes that are decompressed at a time


class HttpBody:
    """A body as it arrives: call ``feed`` with each chunk, then ``complete``.

    It is decompressed in small steps, so that a decompression bomb never takes much more than ``max_bytes`` of memory
    (bot/docs/decisions.md#bodies). Its methods raise SourceError with the code ``too_large``, ``bad_encoding`` or
    ``truncated``.
    """

    def __init__(self, host: str, encoding: str, max_bytes: int) -> None:
        """``encoding`` is the Content-Encoding; ``host`` is named in error messages."""
        self._host, self._max_bytes = host, max_bytes
        self._body, self._received = bytearray(), 0
        encodings = [name.strip().lower() for name in encoding.split(",")]
        encodings = [name for name in encodings if name not in ("", "identity")]
        if len(encodings) > 1 or not {*encodings} <= {"gzip", "x-gzip", "deflate"}:
            raise SourceError(f"{host} answered in an encoding that was not asked for", code="bad_encoding")
        self._decompressor = (
            zlib.decompressobj(wbits=32 + zlib.MAX_WBITS) if encodings else None
        )  # gzip and zlib headers

    def feed(self, chunk: bytes) -> None:
        """Adds the next chunk."""
        self._received += len(chunk)
        for piece in self._decompress(chunk):
            self._body += piece
            if max(len(self._body), self._received) > self._max_bytes:
                raise SourceError(f"{self._host} answered with more than {self._max_bytes} bytes", code="too_large")

    def complete(self) -> bytes:
        """The whole body, after the last chunk; SourceError where it is truncated."""
        if self._decompressor and self._received and not self._decompressor.eof:
            raise SourceError(f"the answer of {self._host} broke off", code="truncated")
        return bytes(self._body)

    def received_so_far(self) -> bytes:
        """The part of the body that has arrived."""
        return bytes(self._body)

    def _decompress(self, chunk: bytes) -> Iterator[bytes]:
        if self._decompressor is None:
            yield chunk
            return
        piece = b"-" * _CHUNK_SIZE
        while chunk or len(piece) == _CHUNK_SIZE:
            try:
                piece = self._decompressor.decompress(chunk, _CHUNK_SIZE)
            except zlib.error as error:
                raise SourceError(f"the answer of {self._host} can't be unpacked", code="bad_encoding") from error
            chunk = self._decompressor.unconsumed_tail
            yield piece


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Retry-After in seconds, None where there is none; a date is taken relative to the server's own Date header."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return float(value)
    retry_at, server_time = parse_http_date(value), parse_http_date(headers.get("date", ""))
    return max(0.0, (retry_at - server_time).total_seconds()) if retry_at and server_time else None


def age_s(headers: Mapping[str, str]) -> float:
    """The header Age: for how many seconds caches have kept the answer; 0 where it is absent or no number."""
    value = headers.get("age", "").strip()
    return float(value) if re.fullmatch(r"[0-9]{1,9}", value) else 0.0


def parse_http_date(value: str) -> datetime | None:
    """A date of an HTTP header, with its zone; None where it is absent or no date."""
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return at if at.tzinfo else None
