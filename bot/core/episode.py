"""Incidents of one provider, with their surfaces and times -> episodes: repeats that read as one story. Pure.

A vendor does not reopen an incident, it opens another (0 of 542 were reopened, safe-to-retry.md A.1), so what belongs
together is found by provider, surface and time: the six incidents of 2 and 3 March 2026 are one episode.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

# The longest gap inside the wave that this was made for is 6 h (21:16 to 03:15, status-sources.md); the flap rule of
# C.3 looks back as far for relapses.
WITHIN = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Strand:
    """One incident, as far as episodes care: ``end`` is None while it is open."""

    incident: str
    provider: str
    surfaces: frozenset[str]
    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Episode:
    """Incidents that belong together, oldest first. ``surfaces`` are all that any of them hit."""

    provider: str
    strands: tuple[Strand, ...]

    @property
    def incidents(self) -> tuple[str, ...]:
        """Their ids, oldest first."""
        return tuple(s.incident for s in self.strands)

    @property
    def surfaces(self) -> frozenset[str]:
        """Every surface that any of them hit."""
        return frozenset().union(*(s.surfaces for s in self.strands))

    @property
    def start(self) -> datetime:
        """When the first began."""
        return self.strands[0].start

    @property
    def end(self) -> datetime | None:
        """When the last was over; None while one is open."""
        ends = [s.end for s in self.strands]
        return None if None in ends else max(e for e in ends if e is not None)


@dataclass(frozen=True, slots=True)
class Again:
    """What "again, 1 min after it was called resolved" needs. ``nth`` counts from 1, the first of its episode.

    ``after`` is the time since the last one on a shared surface was called resolved; zero where that is still open.
    """

    previous: str
    after: timedelta
    nth: int


def episodes(strands: Iterable[Strand], within: timedelta = WITHIN) -> tuple[Episode, ...]:
    """Every incident in exactly one episode, episodes by their start.

    An incident joins the episodes of its provider that hit one of its surfaces and were open, or over for no longer
    than ``within``, when it began; if these are several, it makes them one. One without surfaces stands alone.
    """
    found: list[Episode] = []
    for strand in sorted(strands, key=lambda s: (s.start, s.incident)):
        near = [e for e in found if any(_follows(strand, s, within) for s in e.strands)]
        joined = sorted((s for e in near for s in e.strands), key=lambda s: (s.start, s.incident))
        found = [e for e in found if e not in near] + [Episode(strand.provider, (*joined, strand))]
    return tuple(sorted(found, key=lambda e: (e.start, e.strands[0].incident)))


def again(incident: str, strands: Iterable[Strand], within: timedelta = WITHIN) -> Again | None:
    """How this incident repeats an earlier one; None where it is the first of its episode, or unknown."""
    for episode in episodes(strands, within):
        for n, strand in enumerate(episode.strands):
            if strand.incident == incident:
                return _again(strand, episode.strands[:n], within)
    return None


def _again(strand: Strand, before: tuple[Strand, ...], within: timedelta) -> Again | None:
    near = [s for s in before if _follows(strand, s, within)]
    if not near:
        return None
    last = max(near, key=lambda s: (s.end or strand.start, s.incident))
    return Again(last.incident, max(strand.start - (last.end or strand.start), timedelta(0)), len(before) + 1)


def _follows(later: Strand, earlier: Strand, within: timedelta) -> bool:
    if later.provider != earlier.provider or not later.surfaces & earlier.surfaces:
        return False
    return earlier.end is None or later.start - earlier.end <= within
