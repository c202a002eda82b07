"""Keeps the first estimate of how long each incident stays bad, and grades it when the incident is no longer bad.

Only the first estimate of an incident is shown and graded (bot/docs/verdict-rules.md#the-first-estimate: grading the
newest one turns misses into wins). The verdict uses an estimate that is computed at each transition, since the
remaining time changes with age.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.domain import Attribution, AttributionKind, Estimate, ForecastState, TrackedIncident
from bot.rules.changes.diff import first_posted_at
from bot.rules.forecast import duration


def update_forecast_state(forecast: ForecastState, incidents: Iterable[TrackedIncident], at: datetime) -> ForecastState:
    """The forecast state at ``at``: estimates for incidents that are newly bad, grades for those no longer bad.

    ``incidents`` are all that the provider's state has; maintenances, incidents of Brownout's own and those of the
    baseline get no estimate.
    """
    candidates = (t for t in incidents if not t.incident.is_maintenance and not t.incident.is_unposted)
    bad = {t.incident.id: t for t in candidates if t.is_open and t.incident.stage.is_bad}
    ended = [e for e in forecast.first if e.incident not in bad]
    estimated = {e.incident for e in forecast.first}
    newly_bad = [t for i, t in bad.items() if i not in estimated and not t.is_baseline]
    if not ended and not newly_bad:
        return forecast
    lifetimes, grades = forecast.lifetimes, forecast.grades
    for estimate in ended:
        grade = duration.grade_estimate(estimate, at)
        lifetimes = duration.update_durations(lifetimes, estimate.elapsed + grade.actual, [grade])
        grades = (*grades, grade)[-duration.TRACK_RECORD_SIZE :]
    first = (
        duration.estimate_remaining(lifetimes, t.incident.id, at, max(at - first_posted_at(t.incident), timedelta(0)))
        for t in newly_bad
    )
    return ForecastState(
        lifetimes, (*(e for e in forecast.first if e.incident in bad), *(e for e in first if e is not None)), grades
    )


def shown_estimate(forecast: ForecastState, incident: str, at: datetime) -> Estimate | None:
    """The first estimate of an incident, for people; None without one, and once the incident has outlasted the data."""
    first = forecast.first_estimate_for(incident)
    is_within_data = first is not None and first.elapsed + (at - first.issued_at) < duration.NO_ESTIMATE_FROM
    return first if is_within_data else None


def current_estimates(
    forecast: ForecastState, attributions: Iterable[Attribution], at: datetime
) -> dict[str, Estimate]:
    """The present estimate for each surface that is down, by surface id, from the incident that has lasted longest.

    None for a surface whose incident has lasted longer than the data reach.
    """
    longest: dict[str, tuple[timedelta, str]] = {}
    for attribution in attributions:
        if attribution.weight is not AttributionKind.DOWN:
            continue
        first = forecast.first_estimate_for(attribution.incident)
        if first is None:
            continue
        candidate = (first.elapsed + max(at - first.issued_at, timedelta(0)), attribution.incident)
        longest[attribution.surface] = max(longest.get(attribution.surface, candidate), candidate)
    estimates = (
        (surface, duration.estimate_remaining(forecast.lifetimes, incident, at, elapsed))
        for surface, (elapsed, incident) in longest.items()
    )
    return {surface: estimate for surface, estimate in estimates if estimate is not None}
