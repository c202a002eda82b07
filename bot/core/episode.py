"""Incidents of one provider, with their surfaces and times -> episodes: repeats that read as one story. Pure.

A vendor does not reopen an incident, it opens another (0 of 542 were reopened, safe-to-retry.md A.1), so what belongs
together is found by provider, surface and time: the six incidents of 2 and 3 March 2026 are one episode.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
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
    """What "again, 1 min after it was called resolved" needs.

    ``after`` is the time since the last one on a shared surface was called resolved; zero where that is still open.
    """

    previous: str
    after: timedelta


def episodes(strands: Iterable[Strand], within: timedelta = WITHIN) -> tuple[Episode, ...]:
    """Every incident in exactly one episode, episodes by their start.

    An incident joins the episodes of its provider that hit one of its surfaces and were open, or over for no longer
    than ``within``, when it began; if these are several, it makes them one. One without surfaces stands alone.
    """
    found: list[_Story] = []
    last: dict[tuple[str, str], _Story] = {}  # of each surface: what is too old in its last story is so in all others
    for strand in sorted(strands, key=_age):
        mine = [(strand.provider, surface) for surface in strand.surfaces]
        near = {id(s): s for key in mine if (s := last.get(key)) and s.reaches(key[1], strand.start, within)}
        if not near:
            found.append(new := _Story())
            near[id(new)] = new
        whole = max(near.values(), key=lambda s: len(s.strands))
        if len(near) > 1:
            whole.take(s for s in near.values() if s is not whole)
            last.update({key: whole for key, s in last.items() if id(s) in near})
        whole.add(strand)
        last.update(dict.fromkeys(mine, whole))
    whole_ones = (tuple(sorted(s.strands, key=_age)) for s in found if s.strands)
    return tuple(Episode(strands[0].provider, strands) for strands in sorted(whole_ones, key=lambda s: _age(s[0])))


@dataclass(slots=True)
class _Story:
    """An episode as it grows, with the last end on each of its surfaces; None where one is open."""

    strands: list[Strand] = field(default_factory=list)
    ends: dict[str, datetime | None] = field(default_factory=dict)

    def reaches(self, surface: str, at: datetime, within: timedelta) -> bool:
        end = self.ends[surface]
        return end is None or at - end <= within

    def add(self, strand: Strand) -> None:
        self.strands.append(strand)
        for surface in strand.surfaces:
            self._end(surface, strand.end)

    def take(self, others: Iterable[_Story]) -> None:
        for other in others:
            self.strands += other.strands
            other.strands = []
            for surface, end in other.ends.items():
                self._end(surface, end)

    def _end(self, surface: str, end: datetime | None) -> None:
        held = self.ends.get(surface, end)
        self.ends[surface] = None if held is None or end is None else max(held, end)


def _age(strand: Strand) -> tuple[datetime, str]:
    return strand.start, strand.incident


def again(incident: str, strands: Iterable[Strand], within: timedelta = WITHIN) -> Again | None:
    """How this incident repeats an earlier one; None where it is the first of its episode, or unknown."""
    found = sorted(strands, key=_age)
    here = next((n for n, strand in enumerate(found) if strand.incident == incident), None)
    if here is None:
        return None
    strand = found[here]
    near = [s for s in found[:here] if _follows(strand, s, within)]
    if not near:
        return None
    last = max(near, key=lambda s: (s.end or strand.start, s.incident))
    return Again(last.incident, max(strand.start - (last.end or strand.start), timedelta(0)))


def _follows(later: Strand, earlier: Strand, within: timedelta) -> bool:
    if later.provider != earlier.provider or not later.surfaces & earlier.surfaces:
        return False
    return earlier.end is None or later.start - earlier.end <= within
