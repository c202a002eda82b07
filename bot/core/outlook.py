"""Incidents and time -> how long they may stay bad: first estimates, kept as said, and graded when it is over.

Only the first estimate of an incident is shown and graded (peers-and-asks.md 4G: grading the newest one turns misses
into wins). What the verdict goes by is made afresh at each stroke, since what remains changes with age.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.core import forecast
from bot.core.diff import first_post
from bot.model import Estimate, Hit, Known, Outlook, Weight


def advance(outlook: Outlook, incidents: Iterable[Known], at: datetime) -> Outlook:
    """The outlook after a stroke: estimates for incidents that are newly bad, grades for those that no longer are."""
    known = {k.incident.id: k for k in incidents if not k.incident.is_maintenance and not k.incident.is_unposted}
    bad = {i: k for i, k in known.items() if k.is_open and k.incident.stage.is_bad}
    over = [e for e in outlook.first if e.incident not in bad]
    new = [k for i, k in bad.items() if outlook.of(i) is None and not k.is_baseline]
    if not over and not new:
        return outlook
    lifetimes, grades = outlook.lifetimes, outlook.grades
    for estimate in over:
        grade = forecast.grade(estimate, at)
        lifetimes = forecast.learn(lifetimes, estimate.elapsed + grade.actual, [grade])
        grades = (*grades, grade)[-forecast.RECORD :]
    first = [
        forecast.estimate(lifetimes, k.incident.id, at, max(at - first_post(k.incident), timedelta(0))) for k in new
    ]
    return Outlook(lifetimes, (*(e for e in outlook.first if e not in over), *first), grades)


def present(outlook: Outlook, hits: Iterable[Hit], at: datetime) -> dict[str, Estimate]:
    """What may remain for each surface that is down, by the incident that has lasted longest."""
    found: dict[str, Estimate] = {}
    for hit in hits:
        first = outlook.of(hit.incident) if hit.weight is Weight.DOWN else None
        if first is None:
            continue
        elapsed = first.elapsed + (at - first.issued_at)
        if hit.surface not in found or found[hit.surface].elapsed < elapsed:
            found[hit.surface] = forecast.estimate(outlook.lifetimes, hit.incident, at, elapsed)
    return found
