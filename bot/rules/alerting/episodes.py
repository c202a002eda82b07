"""Groups incidents of a provider into episodes: repeats on the same surfaces within a short time. No I/O.

Vendors open a new incident instead of reopening one (0 of 542 were reopened,
bot/docs/verdict-rules.md#after-resolved), so related incidents are found by provider, surface and time: the six
incidents of 2 and 3 March 2026 are one episode.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

# The longest gap inside the episode that this was designed for is 6 h (21:16 to 03:15,
# bot/docs/decisions.md#24-episodes-instead-of-flapping); bot/docs/verdict-rules.md#relapses uses the same time.
EPISODE_GAP = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class IncidentSpan:
    """One incident with what grouping needs; ``end`` is None while it is open."""

    incident: str
    provider: str
    surfaces: frozenset[str]
    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Episode:
    """Related incidents, oldest first."""

    provider: str
    spans: tuple[IncidentSpan, ...]

    @property
    def incidents(self) -> tuple[str, ...]:
        """Their ids, oldest first."""
        return tuple(s.incident for s in self.spans)

    @property
    def surfaces(self) -> frozenset[str]:
        """Every surface that any of them affected."""
        return frozenset().union(*(s.surfaces for s in self.spans))

    @property
    def start(self) -> datetime:
        """When the first one began."""
        return self.spans[0].start

    @property
    def end(self) -> datetime | None:
        """When the last one ended; None while one is open."""
        ends = [s.end for s in self.spans]
        return None if None in ends else max(e for e in ends if e is not None)


@dataclass(frozen=True, slots=True)
class Recurrence:
    """How an incident repeats an earlier one on a shared surface: ``previous`` is the id of that one.

    ``after`` is the time from the end of the previous incident to the start of this one; zero where it is still open.
    """

    previous: str
    after: timedelta


def group_episodes(spans: Iterable[IncidentSpan], within: timedelta = EPISODE_GAP) -> tuple[Episode, ...]:
    """Returns the episodes, ordered by their start; every incident is in exactly one.

    An incident joins the episodes of its provider that share a surface with it and were open, or had ended no longer
    than ``within`` ago, when it began; several of them are merged. An incident without surfaces is its own episode.
    """
    growing: list[_GrowingEpisode] = []
    # the newest episode per provider and surface: if it ended too long ago, so did all earlier ones
    latest: dict[tuple[str, str], _GrowingEpisode] = {}
    for span in sorted(spans, key=_start_order):
        keys = [(span.provider, surface) for surface in span.surfaces]
        continued = {
            id(s): s for key in keys if (s := latest.get(key)) and s.is_continued_at(key[1], span.start, within)
        }
        if not continued:
            growing.append(new := _GrowingEpisode())
            continued[id(new)] = new
        episode = max(continued.values(), key=lambda s: len(s.spans))
        if len(continued) > 1:
            episode.absorb(s for s in continued.values() if s is not episode)
            latest.update({key: episode for key, s in latest.items() if id(s) in continued})
        episode.add(span)
        latest.update(dict.fromkeys(keys, episode))
    members = (tuple(sorted(s.spans, key=_start_order)) for s in growing if s.spans)
    return tuple(Episode(spans[0].provider, spans) for spans in sorted(members, key=lambda s: _start_order(s[0])))


@dataclass(slots=True)
class _GrowingEpisode:
    """An episode being built. ``ends`` has the last end on each surface; None where an incident on it is open."""

    spans: list[IncidentSpan] = field(default_factory=list)
    ends: dict[str, datetime | None] = field(default_factory=dict)

    def is_continued_at(self, surface: str, at: datetime, within: timedelta) -> bool:
        end = self.ends[surface]
        return end is None or at - end <= within

    def add(self, span: IncidentSpan) -> None:
        self.spans.append(span)
        for surface in span.surfaces:
            self._record_end(surface, span.end)

    def absorb(self, others: Iterable[_GrowingEpisode]) -> None:
        for other in others:
            self.spans += other.spans
            other.spans = []
            for surface, end in other.ends.items():
                self._record_end(surface, end)

    def _record_end(self, surface: str, end: datetime | None) -> None:
        known = self.ends.get(surface, end)
        self.ends[surface] = None if known is None or end is None else max(known, end)


def _start_order(span: IncidentSpan) -> tuple[datetime, str]:
    return span.start, span.incident


def find_recurrence(incident: str, spans: Iterable[IncidentSpan], within: timedelta = EPISODE_GAP) -> Recurrence | None:
    """Returns how this incident repeats an earlier one; None where it is the first, or not among ``spans``."""
    ordered = sorted(spans, key=_start_order)
    position = next((n for n, span in enumerate(ordered) if span.incident == incident), None)
    if position is None:
        return None
    span = ordered[position]
    preceding = [s for s in ordered[:position] if _follows(span, s, within)]
    if not preceding:
        return None
    last = max(preceding, key=lambda s: (s.end or span.start, s.incident))
    return Recurrence(last.incident, max(span.start - (last.end or span.start), timedelta(0)))


def _follows(later: IncidentSpan, earlier: IncidentSpan, within: timedelta) -> bool:
    if later.provider != earlier.provider or not later.surfaces & earlier.surfaces:
        return False
    return earlier.end is None or later.start - earlier.end <= within
