"""A recording -> when each surface was unsafe, as told in hindsight. Two truths, after safe-to-retry.md A.0.

*A*, the page's hindsight: unsafe while an incident has the surface down (at investigating or identified; where
components were watched, from the incident's first post to the component's last bad minute), and in the half hour
before it goes down again within two hours. *C*, the vendor's stated windows, each incident taken as if it were the only
one. Both count from the first post: the minutes before it are blind for everyone, and told apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from bot.score.stories import Recording, Span, Story, minute, moment

AHEAD = 30
RECENT = 120
QUIET = 120

Windows = Mapping[str, Sequence[tuple[datetime, datetime | None]] | None]


@dataclass(frozen=True, slots=True)
class Episode:
    """A time over which policies are scored on one surface, and the minutes in it that were unsafe.

    ``open_minutes`` are those with an incident open: the incident-hours that figures are told by. ``id`` is the
    incident's for truth C, where the episodes of its surfaces count as one.
    """

    truth: str
    id: str
    provider: str
    surface: str
    span: Span
    unsafe: frozenset[int]
    open_minutes: int

    @property
    def year(self) -> int:
        """The year it began in."""
        return moment(self.span[0]).year


def page_hindsight(recording: Recording) -> Iterator[Episode]:
    """Truth A: each surface from a first post until the page has been quiet for two hours."""
    for surface in recording.surfaces:
        stories = [s for s in recording.stories if surface in s.down and s.is_live]
        bad = merged(span for s in stories for span in s.down[surface])
        unsafe = {m for span in (*bad, *_before_relapses(bad)) for m in range(*span)}
        for start, stop in merged((s.first, s.end + QUIET) for s in stories):
            inside = frozenset(m for m in range(start, stop) if m in unsafe)
            hours = sum(s.end - s.first for s in stories if start <= s.first < stop)
            identity = f"{surface}@{start}"
            yield Episode("A", identity, recording.provider.id, surface, (start, stop), inside, hours)


def stated(recording: Recording, story: Story, windows: Windows) -> Iterator[Episode]:
    """Truth C: a live incident with a stated end, on the surfaces that it lists, until two hours after it is over."""
    told = [(start, end) for start, end in windows.get(story.id) or () if end is not None]
    if not told or not story.is_live:
        return
    unsafe = frozenset(m for s, e in told for m in range(max(minute(s), story.first), minute(e)))
    span = (story.first, max(story.end, *(minute(e) for _, e in told)) + QUIET)
    for surface in story.down:
        yield Episode("C", story.id, recording.provider.id, surface, span, unsafe, story.end - story.first)


def blind_minutes(recordings: Iterable[Recording], windows: Windows) -> list[int]:
    """Minutes from the stated start to the first post, of each incident that was posted later than it began."""
    stories = {s.id: s for r in recordings for s in r.stories}
    known = ((stories[i], w) for i, w in windows.items() if w and i in stories)
    return [max(story.first - minute(told[0][0]), 0) for story, told in known if story.is_live]


def merged(spans: Iterable[Span]) -> list[Span]:
    """Spans in order, those that touch made one."""
    found: list[Span] = []
    for start, stop in sorted(s for s in spans if s[0] < s[1]):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(stop, found[-1][1]))
        else:
            found.append((start, stop))
    return found


def _before_relapses(bad: Sequence[Span]) -> Iterator[Span]:
    for (_, until), (again, _) in pairwise(bad):
        if again - until <= RECENT + AHEAD:
            yield max(until, again - AHEAD), min(again, until + RECENT)
