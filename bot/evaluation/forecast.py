"""Scores the duration forecast on recorded incidents: coverage of its quantiles, and pinball loss.

Incidents are processed in time order, and every estimate uses only incidents that had ended by then. Estimates are made
when an incident with ongoing trouble is 0, 15, 30, 60, 120 and 240 minutes old, and graded when it is over
(bot/docs/verdict-rules.md#forecasts).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.domain import DurationHistory, GradedEstimate
from bot.evaluation.bootstrap import intervals
from bot.evaluation.recording import IncidentRecord, PageRecording, from_minute, is_ongoing
from bot.rules.forecast import duration

_QUANTILES = ("p50", "p80", "p90")
LANDMARKS = (0, 15, 30, 60, 120, 240)  # ages in minutes at which estimates are made


@dataclass(frozen=True, slots=True)
class GradedForecast:
    """One graded estimate. ``age`` is the incident's age in minutes, ``year`` that of its first post."""

    provider: str
    year: int
    age: int
    grade: GradedEstimate


def grade_estimates(recording: PageRecording) -> Iterator[GradedForecast]:
    """Yields every estimate of a recording with its grade, in the order of the incidents' first posts."""
    history = DurationHistory()
    ended: list[tuple[int, str, int, list[GradedEstimate]]] = []
    for incident in recording.incidents:
        duration_min = _outage_minutes(incident)
        if duration_min is None:
            continue
        while ended and ended[0][0] <= incident.first_minute:
            _, _, minutes, grades = heapq.heappop(ended)
            history = duration.update_durations(history, timedelta(minutes=minutes), grades)
        candidates = [
            _grade_estimate(incident, history, age, duration_min) for age in LANDMARKS if age == 0 or age < duration_min
        ]
        grades = [g for g in candidates if g is not None]
        heapq.heappush(ended, (incident.first_minute + duration_min, incident.id, duration_min, grades))
        for age, grade in zip(LANDMARKS, grades, strict=False):
            yield GradedForecast(recording.provider.id, from_minute(incident.first_minute).year, age, grade)


def coverage(estimates: Iterable[GradedForecast]) -> dict[str, Any]:
    """Coverage of P50, P80 and P90 (shares, 0 to 1), pinball loss of P90 in minutes, and of how many.

    The 95 % intervals are those of a bootstrap over incidents, since an incident has up to six estimates.
    """
    grades = [g.grade for g in estimates]
    by_incident: dict[str, list[GradedEstimate]] = {}
    for grade in grades:
        by_incident.setdefault(grade.estimate.incident, []).append(grade)
    counts = [
        (len(part), *(sum(g.held_quantiles[place] for g in part) for place in range(3)))
        for part in by_incident.values()
    ]
    return {
        "coverage": {name: _share_held(grades, place) for place, name in enumerate(_QUANTILES)},
        "ci95": intervals(len(counts), lambda sample: _shares([counts[i] for i in sample])),
        "incidents": len(by_incident),
        "pinball90": round(sum(_pinball_loss(g) for g in grades) / len(grades), 1) if grades else None,
        "n": len(grades),
    }


def coverage_by_landmark(estimates: Sequence[GradedForecast]) -> dict[str, Any]:
    """``coverage`` by age, with the age in minutes as key."""
    return {str(age): coverage(g for g in estimates if g.age == age) for age in LANDMARKS}


def _outage_minutes(incident: IncidentRecord) -> int | None:
    """Minutes from the first post to the end of the last ongoing stage; None where it did not start as ongoing."""
    ends = [end for (_, end), stage in incident.stage_spans() if is_ongoing(stage)]
    return ends[-1] - incident.first_minute if ends and is_ongoing(incident.steps[0][1]) else None


def _grade_estimate(
    incident: IncidentRecord, history: DurationHistory, age: int, duration_min: int
) -> GradedEstimate | None:
    at = from_minute(incident.first_minute + age)
    estimate = duration.estimate_remaining(history, incident.id, at, timedelta(minutes=age))
    return duration.grade_estimate(estimate, from_minute(incident.first_minute + duration_min)) if estimate else None


def _shares(counts: Sequence[tuple[int, ...]]) -> dict[str, float | None]:
    number, *held = (sum(column) for column in zip(*counts, strict=True))
    return {name: share / number for name, share in zip(_QUANTILES, held, strict=True)}


def _share_held(grades: Sequence[GradedEstimate], index: int) -> float | None:
    return round(sum(g.held_quantiles[index] for g in grades) / len(grades), 4) if grades else None


def _pinball_loss(grade: GradedEstimate) -> float:
    missed = (grade.actual - grade.estimate.p90).total_seconds() / 60
    return 0.9 * missed if missed >= 0 else -0.1 * missed
