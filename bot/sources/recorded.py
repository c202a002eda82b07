"""A file somebody kept of a status page -> its looks, one after the other (DESIGN.md section 7).

*polls* are NDJSON lines ``{"polled_at": ISO, "body": page or null}`` and are what somebody really saw. A *history* is
``{"page": ..., "incidents": [...]}``; ``bot.sources.history`` reconstructs what its page must have shown. Both come
plain, as gzip or as xz. Polls may also stand in one JSON array; those on lines are read while they are asked for, so
that a recording of years fits in flat memory.
"""

from __future__ import annotations

import gzip
import lzma
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, BinaryIO

from bot.errors import ParseError
from bot.sources import wire
from bot.sources.history import History, moments, read_history, summary_at

MAX_BYTES = 64_000_000  # of one line, or of one history; the largest page that was measured has half a megabyte
_NEITHER = (
    'this is no recording: polls have {"polled_at": ..., "body": ...} on each line, and a history is one object'
    ' {"page": ..., "incidents": [...]}'
)
_BROKEN = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error)


@dataclass(slots=True)
class Forward:
    """Polls in time order: one that is not after the one before it is left out, and counted in ``late``."""

    polls: Iterable[Poll]
    late: int = 0

    def __iter__(self) -> Iterator[Poll]:
        """Each poll in its turn."""
        last: datetime | None = None
        for poll in self.polls:
            if last is not None and poll.at <= last:
                self.late += poll.at < last
                continue
            last = poll.at
            yield poll


@dataclass(frozen=True, slots=True)
class Poll:
    """One recorded look: ``body`` is the page as JSON, not checked yet; None where the recorder got nothing usable."""

    at: datetime
    body: object


def read(file: BinaryIO) -> History | Iterator[Poll]:
    """A recording of either form, plain, gzip or xz, from a seekable file.

    Raises ParseError where it is neither form or breaks off; for polls also later, while they are iterated.
    """
    lines = open_recording(file)
    head = next((line for line in lines if line.strip()), b"")
    if not head:
        raise ParseError("the recording is empty")
    if is_history(head):
        return read_history(_whole(chain([head], lines)))
    if head.lstrip().startswith(b"["):
        return _listed(wire.load(_whole(chain([head], lines))))
    if not _may_be_poll(head):
        raise ParseError(_NEITHER)
    return read_polls(chain([head], lines))


@contextmanager
def named(name: str) -> Iterator[None]:
    """A ParseError inside begins with the file's name: of several files, a reader has to know which one is wrong."""
    try:
        yield
    except ParseError as error:
        raise ParseError(f"{name}: {error}") from error


def open_recording(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a plain, gzip or xz file, told apart by its first bytes and unpacked as they are asked for."""
    magic = file.read(6)
    file.seek(0)
    if magic.startswith(b"\x1f\x8b"):
        return _lines(gzip.GzipFile(fileobj=file))
    if magic == b"\xfd7zXZ\x00":
        return _lines(lzma.LZMAFile(file))
    return _lines(file)


def is_history(head: bytes) -> bool:
    """True where a recording that begins with this line is a history: one object that lists incidents."""
    try:
        row = wire.load(head)
    except ParseError:
        start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
        return start.startswith(b"{") and b'"polled_at"' not in start
    return isinstance(row, dict) and "incidents" in row and "polled_at" not in row


def _listed(rows: Sequence[object]) -> Iterator[Poll]:
    """Polls in one JSON array, as some recorders keep them."""
    if not (rows and isinstance(rows[0], dict) and "polled_at" in rows[0]):
        raise ParseError(_NEITHER)
    return (_row(row, f"item {number} of the recording is no poll") for number, row in enumerate(rows, 1))


def _may_be_poll(head: bytes) -> bool:
    """True where a first line is a poll, or the beginning of one that broke off."""
    try:
        row = wire.load(head)
    except ParseError:
        return b'"polled_at"' in head
    return isinstance(row, dict) and "polled_at" in row


def read_polls(lines: Iterable[bytes]) -> Iterator[Poll]:
    """Polls from the lines of a recording, in file order; ParseError names the line that is wrong."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _poll(line, f"line {number} of the recording is no poll")


def page_of(recording: History | Iterable[Poll]) -> Mapping[str, Any]:
    """What a recording says of its page: a history at its head, polls in the first that shows one."""
    if isinstance(recording, History):
        return recording.page
    pages = (poll.body.get("page") for poll in recording if isinstance(poll.body, dict))
    return next((page for page in pages if isinstance(page, dict)), {})


def reconstruct(history: History) -> Iterator[Poll]:
    """The page as it must have looked after each of its changes."""
    for at in moments(history):
        yield Poll(at, summary_at(history, at))


def _poll(line: bytes, complaint: str) -> Poll:
    try:
        row = wire.load(line)
    except ParseError as error:
        raise ParseError(f"{complaint}: {error}") from error
    return _row(row, complaint)


def _row(row: object, complaint: str) -> Poll:
    at = wire.moment(row.get("polled_at")) if isinstance(row, dict) else None
    if not isinstance(row, dict) or at is None or "body" not in row:
        raise ParseError(f'{complaint}: it needs a "polled_at" time and a "body"')
    return Poll(at, _unpacked(row["body"]))


def _unpacked(body: object) -> object:
    """A page that was recorded as the text it came in; what is no JSON stays as it is, and is refused as a page."""
    if isinstance(body, str):
        with suppress(ParseError):
            return wire.load(body.encode("utf-8", "replace"))
    return body


def _lines(file: BinaryIO | gzip.GzipFile | lzma.LZMAFile) -> Iterator[bytes]:
    number = 0
    while True:
        try:
            line = file.readline(MAX_BYTES + 1)
        except _BROKEN as error:
            raise ParseError(f"the recording breaks off after line {number}: {error}") from error
        if not line:
            return
        number += 1
        if len(line) > MAX_BYTES:
            raise ParseError(f"line {number} of the recording is longer than {MAX_BYTES} bytes")
        yield line


def _whole(lines: Iterable[bytes]) -> bytes:
    raw = bytearray()
    for line in lines:
        raw += line
        if len(raw) > MAX_BYTES:
            raise ParseError(f"the history is larger than {MAX_BYTES} bytes")
    return bytes(raw)
