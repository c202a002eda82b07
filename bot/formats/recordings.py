"""Reads a recording of a status page as a series of polls (bot/docs/status-page-formats.md#recordings).

A recording of *polls* has NDJSON lines ``{"polled_at": ISO, "body": page or null}``: what a recorder really saw. A
*history* is ``{"page": ..., "incidents": [...]}``; ``bot.formats.reconstruction`` computes what its page showed. Both
may be plain, gzip or xz. Polls may also be one JSON array; polls on lines are read lazily, so that a recording of years
needs little memory.
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
from bot.formats import json_fields
from bot.formats.reconstruction import History, change_times, read_history, summary_at

MAX_BYTES = 64_000_000  # of one line, or of one history; the largest page measured has half a megabyte
_NO_RECORDING = (
    'this is no recording: polls have {"polled_at": ..., "body": ...} on each line, and a history is one object'
    ' {"page": ..., "incidents": [...]}'
)
_DECOMPRESSION_ERRORS = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error)


@dataclass(slots=True)
class ForwardPolls:
    """Polls in time order. A poll that is not after the previous one is left out; ``late`` counts the earlier ones."""

    polls: Iterable[RecordedPoll]
    late: int = 0

    def __iter__(self) -> Iterator[RecordedPoll]:
        """The polls, in order."""
        last: datetime | None = None
        for poll in self.polls:
            if last is not None and poll.at <= last:
                self.late += poll.at < last
                continue
            last = poll.at
            yield poll


@dataclass(frozen=True, slots=True)
class RecordedPoll:
    """One recorded poll. ``body`` is the page as unchecked JSON; None where the recorder got nothing usable."""

    at: datetime
    body: object


def read_recording(file: BinaryIO) -> History | Iterator[RecordedPoll]:
    """A recording of either form, plain, gzip or xz, from a seekable file.

    Raises ParseError where it is neither form or breaks off; for polls also later, while they are iterated.
    """
    lines = open_recording(file)
    first_line = next((line for line in lines if line.strip()), b"")
    if not first_line:
        raise ParseError("the recording is empty")
    if is_history(first_line):
        return read_history(_join_lines(chain([first_line], lines)))
    if first_line.lstrip().startswith(b"["):
        return _polls_of_array(json_fields.load_json(_join_lines(chain([first_line], lines))))
    if not _may_be_poll(first_line):
        raise ParseError(_NO_RECORDING)
    return read_polls(chain([first_line], lines))


@contextmanager
def errors_naming_file(name: str) -> Iterator[None]:
    """Prefixes a ParseError raised inside with the file's name."""
    try:
        yield
    except ParseError as error:
        raise ParseError(f"{name}: {error}") from error


def open_recording(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a plain, gzip or xz file, decompressed lazily. The first bytes say which it is."""
    magic = file.read(6)
    file.seek(0)
    if magic.startswith(b"\x1f\x8b"):
        return _read_lines(gzip.GzipFile(fileobj=file))
    if magic == b"\xfd7zXZ\x00":
        return _read_lines(lzma.LZMAFile(file))
    return _read_lines(file)


def is_history(first_line: bytes) -> bool:
    """True where a recording that begins with this line is a history: one object with a list of incidents."""
    try:
        row = json_fields.load_json(first_line)
    except ParseError:
        start = first_line.removeprefix(b"\xef\xbb\xbf").lstrip()
        return start.startswith(b"{") and b'"polled_at"' not in start
    return isinstance(row, dict) and "incidents" in row and "polled_at" not in row


def _polls_of_array(rows: Sequence[object]) -> Iterator[RecordedPoll]:
    """Polls in one JSON array, as some recorders store them."""
    if not (rows and isinstance(rows[0], dict) and "polled_at" in rows[0]):
        raise ParseError(_NO_RECORDING)
    return (_poll_of_row(row, f"item {number} of the recording is no poll") for number, row in enumerate(rows, 1))


def _may_be_poll(first_line: bytes) -> bool:
    """True where a first line is a poll, or a truncated one."""
    try:
        row = json_fields.load_json(first_line)
    except ParseError:
        return b'"polled_at"' in first_line
    return isinstance(row, dict) and "polled_at" in row


def read_polls(lines: Iterable[bytes]) -> Iterator[RecordedPoll]:
    """Polls from the lines of a recording, in file order; a ParseError names the line number."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _parse_poll(line, f"line {number} of the recording is no poll")


def recorded_page(recording: History | Iterable[RecordedPoll]) -> Mapping[str, Any]:
    """The ``page`` object of a recording: the history's, or that of the first poll that has one; else empty."""
    if isinstance(recording, History):
        return recording.page
    pages = (poll.body.get("page") for poll in recording if isinstance(poll.body, dict))
    return next((page for page in pages if isinstance(page, dict)), {})


def reconstruct_polls(history: History) -> Iterator[RecordedPoll]:
    """The page of a history as it must have been after each of its changes."""
    for at in change_times(history):
        yield RecordedPoll(at, summary_at(history, at))


def _parse_poll(line: bytes, error_prefix: str) -> RecordedPoll:
    try:
        row = json_fields.load_json(line)
    except ParseError as error:
        raise ParseError(f"{error_prefix}: {error}") from error
    return _poll_of_row(row, error_prefix)


def _poll_of_row(row: object, error_prefix: str) -> RecordedPoll:
    at = json_fields.parse_iso_time(row.get("polled_at")) if isinstance(row, dict) else None
    if not isinstance(row, dict) or at is None or "body" not in row:
        raise ParseError(f'{error_prefix}: it needs a "polled_at" time and a "body"')
    return RecordedPoll(at, _decode_body(row["body"]))


def _decode_body(body: object) -> object:
    """Decodes a page that was recorded as text. Text that is no JSON stays as it is: the parser refuses it."""
    if isinstance(body, str):
        with suppress(ParseError):
            return json_fields.load_json(body.encode("utf-8", "replace"))
    return body


def _read_lines(file: BinaryIO | gzip.GzipFile | lzma.LZMAFile) -> Iterator[bytes]:
    number = 0
    while True:
        try:
            line = file.readline(MAX_BYTES + 1)
        except _DECOMPRESSION_ERRORS as error:
            raise ParseError(f"the recording breaks off after line {number}: {error}") from error
        if not line:
            return
        number += 1
        if len(line) > MAX_BYTES:
            raise ParseError(f"line {number} of the recording is longer than {MAX_BYTES} bytes")
        yield line


def _join_lines(lines: Iterable[bytes]) -> bytes:
    raw = bytearray()
    for line in lines:
        raw += line
        if len(raw) > MAX_BYTES:
            raise ParseError(f"the history is larger than {MAX_BYTES} bytes")
    return bytes(raw)
