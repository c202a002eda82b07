"""What was odd about a page that could still be read: entries without an id or a time, entries that were left out.

One odd entry never makes a page unreadable (bot/docs/status-page-formats.md#odd-entries). The parsers of every format
note here what they had to guess or leave out while they read one page; ``SourceFormat`` opens a reading around each of
its parsers and puts the notes into the ``Snapshot``. Without an open reading nothing is noted, and a missing time stays
an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime

MAX_PROBLEMS = 20  # of one page: more say no more
_MAX_PROBLEM = 200  # characters


@dataclass(slots=True)
class Reading:
    """One page while it is parsed. ``at`` is the time of the poll; None where it is not known.

    Attributes:
        at: The time of the poll; it stands for a time that is missing.
        problems: What was odd, each once, as text for people.
        is_partial: Whether an entry was left out, so that absence from a list proves nothing.
        undated: The ids of incidents and updates whose time is that of the poll.
        unidentified: The ids of incidents that are made from content.
    """

    at: datetime | None
    problems: list[str] = field(default_factory=list)
    is_partial: bool = False
    undated: set[str] = field(default_factory=set)
    unidentified: set[str] = field(default_factory=set)


_current: ContextVar[Reading | None] = ContextVar("reading", default=None)


@contextmanager
def reading_at(at: datetime | None) -> Iterator[Reading]:
    """Opens a reading for everything that is parsed inside."""
    reading = Reading(at)
    token = _current.set(reading)
    try:
        yield reading
    finally:
        _current.reset(token)


def poll_time() -> datetime | None:
    """The time of the poll whose page is being read; None outside a reading, or where it is not known."""
    reading = _current.get()
    return reading.at if reading else None


def note_problem(problem: str, *, is_partial: bool = False) -> None:
    """Notes what was odd; ``is_partial`` where an incident was left out."""
    if not (reading := _current.get()):
        return
    text = problem[:_MAX_PROBLEM]
    reading.is_partial = reading.is_partial or is_partial
    if text not in reading.problems and len(reading.problems) < MAX_PROBLEMS:
        reading.problems.append(text)


def note_undated(item_id: str) -> None:
    """Notes that the time of this incident or update is that of the poll."""
    if reading := _current.get():
        reading.undated.add(item_id)


def note_unidentified(incident_id: str) -> None:
    """Notes that the id of this incident is made from content."""
    if reading := _current.get():
        reading.unidentified.add(incident_id)
