"""Stories in time order -> how well the forecast would have told when each stopped being bad: coverage and pinball.

Every estimate is made from incidents that had ended by then. Asked at ages 0, 15, 30, 60, 120 and 240 min of each
incident that is still bad; graded when it is over (safe-to-retry.md A.2 "ETA", target 1).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.core import forecast
from bot.model import Grade, Lifetimes
from bot.score.stories import Recording, Story, is_bad, moment

LANDMARKS = (0, 15, 30, 60, 120, 240)


@dataclass(frozen=True, slots=True)
class Graded:
    """One estimate and what came."""

    provider: str
    year: int
    age: int
    grade: Grade


def graded(recording: Recording) -> Iterator[Graded]:
    """Every estimate of a recording with its grade, in the order of their incidents' first posts."""
    known = Lifetimes()
    over: list[tuple[int, str, int, list[Grade]]] = []
    for story in recording.stories:
        lasted = _bad_minutes(story)
        if lasted is None:
            continue
        while over and over[0][0] <= story.first:
            _, _, minutes, grades = heapq.heappop(over)
            known = forecast.learn(known, timedelta(minutes=minutes), grades)
        grades = [_grade(story, known, age, lasted) for age in LANDMARKS if age == 0 or age < lasted]
        heapq.heappush(over, (story.first + lasted, story.id, lasted, grades))
        for age, found in zip(LANDMARKS, grades, strict=False):
            yield Graded(recording.provider.id, moment(story.first).year, age, found)


def coverage(found: Iterable[Graded]) -> dict[str, Any]:
    """Coverage of P50, P80 and P90, the pinball loss of P90 in minutes, and the number of estimates."""
    grades = [g.grade for g in found]
    return {
        "coverage": {name: _share(grades, place) for place, name in enumerate(("p50", "p80", "p90"))},
        "pinball90": round(sum(_pinball(g) for g in grades) / len(grades), 1) if grades else None,
        "n": len(grades),
    }


def by_landmark(found: Sequence[Graded]) -> dict[str, Any]:
    """The same at each age."""
    return {str(age): coverage(g for g in found if g.age == age) for age in LANDMARKS}


def _bad_minutes(story: Story) -> int | None:
    """From the first post to the end of its last bad stage; None where it was never seen bad."""
    ends = [end for (_, end), stage in story.spans() if is_bad(stage)]
    return ends[-1] - story.first if ends and is_bad(story.steps[0][1]) else None


def _grade(story: Story, known: Lifetimes, age: int, lasted: int) -> Grade:
    at = moment(story.first + age)
    first = forecast.estimate(known, story.id, at, timedelta(minutes=age))
    return forecast.grade(first, moment(story.first + lasted))


def _share(grades: Sequence[Grade], place: int) -> float | None:
    return round(sum(g.held[place] for g in grades) / len(grades), 4) if grades else None


def _pinball(grade: Grade) -> float:
    missed = (grade.actual - grade.estimate.p90).total_seconds() / 60
    return 0.9 * missed if missed >= 0 else -0.1 * missed
