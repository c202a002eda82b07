"""Parses the pages of recorded polls, in whatever format the recorder stored them.

Most recordings have a Statuspage summary in ``body``. Of another format, ``body`` is what the page answered: a JSON
value, or a string where it was no JSON; a list of these where one poll of the format reads several paths, in their
order (``SourceFormat.paths``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from bot.domain import Snapshot, Source
from bot.errors import ParseError
from bot.formats import FORMATS, statuspage
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
    fitting = [f for f in _fitting_formats(poll.body) if f is not FORMATS[_STATUSPAGE]]
    for page_format in fitting:
        try:
            return _parse(page_format, poll, source or _UNKNOWN_SOURCE)
        except ParseError:
            if page_format is fitting[-1]:
                raise
    return statuspage.parse_body(poll.body)  # which says what is wrong


def _is_statuspage(body: object) -> bool:
    return isinstance(body, dict) and isinstance(body.get("page"), dict) and not body.keys().isdisjoint(_LISTS)


def _fitting_formats(body: object) -> Iterator[SourceFormat]:
    first = body.encode() if isinstance(body, str) else body
    seen: list[SourceFormat] = []
    for page_format in FORMATS.values():
        if len(page_format.paths) == 1 and page_format not in seen and page_format.fits(first):
            seen.append(page_format)
            yield page_format


def _parse(page_format: SourceFormat, poll: RecordedPoll, source: Source) -> Snapshot:
    count = len(page_format.paths_of(source))
    bodies = [poll.body] if count == 1 else poll.body
    if not isinstance(bodies, list) or len(bodies) != count:
        raise ParseError(f"the body should be a list of the {count} bodies that a poll of {page_format.name} reads")
    return mark_complete(page_format.parse(tuple(map(_to_bytes, bodies)), source, poll.at), page_format)


def _to_bytes(body: object) -> bytes:
    return body.encode() if isinstance(body, str) else json.dumps(body, ensure_ascii=False).encode()
