"""Estimates of how long an incident stays bad, and how right they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Estimate:
    """How long an incident may stay bad; never changed after its issue. The first one is graded at the incident's end.

    ``elapsed`` is how long it had been bad at issue; ``p50``, ``p80`` and ``p90`` are quantiles of the remaining time.
    ``n`` is the number of the provider's own ended incidents that it is based on.
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
class GradedEstimate:
    """A first estimate and the outcome: ``actual`` is the time that remained from its issue on."""

    estimate: Estimate
    actual: timedelta

    @property
    def held_quantiles(self) -> tuple[bool, bool, bool]:
        """Whether it ended within the P50, the P80 and the P90."""
        e = self.estimate
        return self.actual <= e.p50, self.actual <= e.p80, self.actual <= e.p90


@dataclass(frozen=True, slots=True)
class DurationHistory:
    """How long a provider's ended incidents were bad, in minutes, ascending; and the corrected quantile levels."""

    minutes: tuple[float, ...] = ()
    levels: tuple[float, float, float] = (0.5, 0.8, 0.9)


@dataclass(frozen=True)  # without slots, for the cached property
class ForecastState:
    """A provider's duration history, the first estimate of each incident that is still bad, and the newest grades.

    An estimate in ``first`` stays as issued until its incident is no longer bad; then it is graded.
    """

    lifetimes: DurationHistory = DurationHistory()
    first: tuple[Estimate, ...] = ()
    grades: tuple[GradedEstimate, ...] = ()

    def first_estimate_for(self, incident: str) -> Estimate | None:
        """The first estimate for an incident that is still bad; None where there is none."""
        return self._first_by_incident.get(incident)

    @cached_property
    def _first_by_incident(self) -> Mapping[str, Estimate]:
        """Built once, since a page may list thousands of incidents."""
        return {estimate.incident: estimate for estimate in reversed(self.first)}
