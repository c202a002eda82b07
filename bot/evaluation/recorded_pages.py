"""Parses the pages of recorded polls, in whatever format the recorder stored them.

Most recordings have a Statuspage summary in ``body``, whatever their provider's format is now. Of another format,
``body`` is what the page answered: a JSON value, or a string where it was no JSON; a list of these where one poll of
the format reads several paths, in their order (``SourceFormat.paths``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace

from bot.domain import Snapshot, Source
from bot.errors import ParseError
from bot.formats import FORMATS, incidentio, statuspage
from bot.formats.base import SourceFormat, mark_complete
from bot.formats.recordings import RecordedPoll

_STATUSPAGE = "statuspage"
_LISTS = {"components", "incidents"}
_UNKNOWN_SOURCE = Source("recording", "recording", _STATUSPAGE, "https://recording.invalid")


def parse_poll(poll: RecordedPoll, source: Source | None = None) -> Snapshot:
    """The page of a recorded poll.

    Args:
        poll: The poll; its ``body`` may be a snapshot already.
        source: The source of the page's provider, which names the format; None where it is not known. Then the
            format is recognised by the body.

    Raises:
        ParseError: The body is no page of this format, or of none.
    """
    if isinstance(poll.body, Snapshot):
        return poll.body
    if _is_statuspage(poll.body):
        return mark_complete(statuspage.parse_body(poll.body), statuspage.FORMAT)
    if source is not None and source.kind != _STATUSPAGE:
        return _parse(FORMATS[source.kind], poll, source)
    fitting = [kind for kind in _fitting_kinds(poll.body) if kind != _STATUSPAGE]
    for kind in fitting:
        try:
            return _parse(FORMATS[kind], poll, source or _UNKNOWN_SOURCE)
        except ParseError:
            if kind is fitting[-1]:
                raise
    return statuspage.parse_body(poll.body)  # which says what is wrong


def recognise(polls: Iterable[RecordedPoll]) -> tuple[str, Snapshot] | None:
    """The format (its key in ``FORMATS``) and the page of the first poll that is recognised by its body; else None."""
    for poll in polls:
        for kind in _fitting_kinds(poll.body):
            with suppress(ParseError):
                return kind, _parse(FORMATS[kind], poll, replace(_UNKNOWN_SOURCE, kind=kind, provider=""))
    return None


def _is_statuspage(body: object) -> bool:
    """Whether it is a Statuspage, and not incident.io's form of it: that leaves out lists that are empty."""
    if incidentio.fits(body):
        return False
    return isinstance(body, dict) and isinstance(body.get("page"), dict) and not body.keys().isdisjoint(_LISTS)


def _fitting_kinds(body: object) -> Iterator[str]:
    """The formats that a body looks like; a list of bodies by the first one, for formats that read so many paths."""
    for kind, page_format in FORMATS.items():
        count = len(page_format.paths)
        if count > 1 and not (isinstance(body, list) and count - page_format.optional_paths <= len(body) <= count):
            continue
        first = body if count == 1 or not isinstance(body, list) else body[0]
        if page_format.fits(first.encode() if isinstance(first, str) else first):
            yield kind


def _parse(page_format: SourceFormat, poll: RecordedPoll, source: Source) -> Snapshot:
    count = len(page_format.paths_of(source))
    bodies = [poll.body] if count == 1 else poll.body
    if not isinstance(bodies, list) or not count - page_format.optional_paths <= len(bodies) <= count:
        raise ParseError(f"the body should be a list of the {count} bodies that a poll of {page_format.name} reads")
    return mark_complete(page_format.parse(tuple(map(_to_bytes, bodies)), source, poll.at), page_format)


def _to_bytes(body: object) -> bytes:
    return body.encode() if isinstance(body, str) else json.dumps(body, ensure_ascii=False).encode()
