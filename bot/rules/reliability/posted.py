"""The conditions of a surface by the vendor's dated component transitions, which take precedence over our polls.

A poll sees a change minutes after it; a transition carries the time of its update (bot/docs/reliability-figures.md).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from bot.domain import Condition, Surface
from bot.domain.reliability import ConditionClaim, DatedTransition
from bot.rules.attribution.components import find_link, surface_links
from bot.rules.reliability.backfill import COVERED_AFTER_FAILURE

LONGEST_HELD = timedelta(days=31)  # a status that was posted longer ago is no longer taken from the post


def posted_claims(
    transitions: Iterable[DatedTransition], seen: Sequence[ConditionClaim], surface: Surface
) -> tuple[ConditionClaim, ...]:
    """The claims of the transitions of a surface's components.

    Each bad condition holds until the next transition of the component that begins with it, if that is at most 31 days
    later. Where there is none, it holds until a poll had seen it, and the polls say what followed. In a recording that
    is the next bad time of the surface, if it begins at most 15 minutes later. Where a poll saw the end of one a little
    later (at most 15 minutes), the surface is claimed to be operational in between.

    Args:
        transitions: The provider's transitions, in any order.
        seen: What polls saw of the surface, our own and recorded ones.
        surface: The surface.
    """
    components = list(_steps_by_component(transitions, surface))
    seen_bad = _beginnings(seen)
    claims = [claim for steps, is_part in components for claim in _claims(steps, seen_bad, is_part=is_part)]
    ends = [at for steps, _ in components for at in _ends(steps)]
    return (*claims, *_late_ends(claims, ends, seen))


def _steps_by_component(
    transitions: Iterable[DatedTransition], surface: Surface
) -> Iterator[tuple[list[DatedTransition], bool]]:
    """The transitions of each component of the surface, and whether it is only a feature of it."""
    links = surface_links(surface)
    steps: dict[tuple[str, bool], list[DatedTransition]] = {}
    for transition in sorted(transitions, key=lambda t: t.at):
        link = find_link(links, transition.component, transition.name)
        if link is not None:
            steps.setdefault((transition.component, link.part), []).append(transition)
    yield from ((found, is_part) for (_, is_part), found in steps.items())


def _beginnings(seen: Iterable[ConditionClaim]) -> list[datetime]:
    """When the bad times that polls saw begin, in time order; what goes on in another bad condition is one time."""
    begun: list[datetime] = []
    until: datetime | None = None
    for claim in sorted((c for c in seen if c.condition.is_bad), key=lambda c: c.start):
        if until is None or claim.start > until:
            begun.append(claim.start)
        if claim.end is None:
            break
        until = max(until or claim.end, claim.end)
    return begun


def _claims(
    steps: Sequence[DatedTransition], seen_bad: Sequence[datetime], *, is_part: bool
) -> Iterator[ConditionClaim]:
    for step, later in zip(steps, (*steps[1:], None), strict=True):
        if step.new in (Condition.OPERATIONAL, Condition.UNKNOWN):
            continue
        if later is not None and _continues(step, later):
            until: datetime | None = later.at
        else:
            until = min(step.seen_at, step.at + LONGEST_HELD) if step.seen_at else _seen_from(step.at, seen_bad)
        if until is not None and step.at < until:
            yield ConditionClaim(step.at, until, Condition.DEGRADED if is_part and step.new.is_bad else step.new)


def _continues(step: DatedTransition, later: DatedTransition) -> bool:
    """Whether a transition begins with the status that the one before it left, not too long after it."""
    return later.old is step.new and later.at - step.at <= LONGEST_HELD


def _seen_from(at: datetime, seen_bad: Sequence[datetime]) -> datetime | None:
    """When a recording's polls saw the first bad time that begins at most 15 minutes after ``at``; None for none."""
    index = bisect_right(seen_bad, at)
    found = seen_bad[index] if index < len(seen_bad) else None
    return found if found is not None and found - at <= COVERED_AFTER_FAILURE else None


def _ends(steps: Sequence[DatedTransition]) -> Iterator[datetime]:
    """When the component became operational again, from the condition that the transition before left it in."""
    for step, later in pairwise(steps):
        if step.new.is_bad and later.new is Condition.OPERATIONAL and _continues(step, later):
            yield later.at


def _late_ends(
    claims: Sequence[ConditionClaim], ends: Sequence[datetime], seen: Iterable[ConditionClaim]
) -> Iterator[ConditionClaim]:
    """From the posted end of a bad time to the poll that saw it, where nothing else was posted."""
    ordered = sorted(ends)
    for observed in seen:
        if not observed.condition.is_bad or observed.end is None:
            continue
        index = bisect_left(ordered, observed.end) - 1
        posted_end = ordered[index] if index >= 0 else observed.start
        if posted_end <= observed.start or observed.end - posted_end > COVERED_AFTER_FAILURE:
            continue
        if not any(c.start <= posted_end and c.end is not None and c.end > posted_end for c in claims):
            yield ConditionClaim(posted_end, observed.end, Condition.OPERATIONAL)
