"""How long trouble is going to last, as it was said and as it came out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Estimate:
    """How long an incident may stay bad, said once and never edited; the first one is graded when it ends.

    ``elapsed`` is how long it had been bad at issue; ``p50``, ``p80`` and ``p90`` are what may remain from then on.
    ``n`` counts the provider's own ended incidents behind it.
    """

    incident: str
    issued_at: datetime
    elapsed: timedelta
    p50: timedelta
    p80: timedelta
    p90: timedelta
    n: int = 0
    method: str = "residual_life+aci"


@dataclass(frozen=True, slots=True)
class Grade:
    """A first estimate against what came: ``actual`` is what remained from its issue on."""

    estimate: Estimate
    actual: timedelta

    @property
    def held(self) -> tuple[bool, bool, bool]:
        """Whether it ended within the P50, the P80 and the P90."""
        e = self.estimate
        return self.actual <= e.p50, self.actual <= e.p80, self.actual <= e.p90


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """What a provider's ended incidents teach: their bad minutes, ascending, and the levels as corrected so far."""

    minutes: tuple[float, ...] = ()
    levels: tuple[float, float, float] = (0.5, 0.8, 0.9)


@dataclass(frozen=True, slots=True)
class Outlook:
    """How long a provider's incidents last: what the ended ones taught, and the first estimate for each open one.

    ``first`` is kept as it was said until its incident is no longer bad; then it is graded. ``grades`` are the newest.
    """

    lifetimes: Lifetimes = Lifetimes()
    first: tuple[Estimate, ...] = ()
    grades: tuple[Grade, ...] = ()

    def of(self, incident: str) -> Estimate | None:
        """The first estimate for an incident that is still bad; None where there is none."""
        return next((e for e in self.first if e.incident == incident), None)
