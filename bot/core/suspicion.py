"""Surfaces that fail for us while the page shows nothing -> incidents of our own, until the page admits it. Pure.

A suspicion begins when what others than the page have seen weighs (C.4), and only while the page can be read or a
second place sees it too: else it may be our own network that is down. It ends with what we saw. When the page comes to
say it, the vendor's incident takes the suspicion over, and how long we knew before is kept with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.core.diff import first_post
from bot.core.signs import PLACES, signs
from bot.core.takeover import takes
from bot.model import (
    Basis,
    Condition,
    Ending,
    Event,
    EventKind,
    Hit,
    Impact,
    Incident,
    Known,
    Provider,
    Stage,
    VerdictRules,
    Weight,
    World,
)

JOINS = timedelta(minutes=60)  # an incident that the vendor posts so long after a suspicion has passed is still that
_OVER = frozenset({Ending.RESOLVED, Ending.UNRECORDED})
SAYS = frozenset({Weight.DOWN, Weight.NAMED})


@dataclass(frozen=True, slots=True)
class Step:
    """A suspicion, or the incident that took it over, as it is now; and the row for the timeline."""

    known: Known
    event: Event


@dataclass(frozen=True, slots=True)
class Scene:
    """A stroke's world, and by surface what others than the page have seen, and what the page shows."""

    world: World
    at: datetime
    provider: Provider
    rules: VerdictRules
    seen: Mapping[str, Hit]
    shown: Mapping[str, Hit]


def follow(world: World, at: datetime, provider: Provider, rules: VerdictRules) -> tuple[World, tuple[Event, ...]]:
    """The world with its suspicions after a stroke, and the events of those that began, were confirmed or ended."""
    seen = {h.surface: h for h in world.hits if h.basis is Basis.WITNESS}
    scene = Scene(world, at, provider, rules, seen, _shown(world.hits))
    steps = [*(s for k in _ours(scene) for s in _confirmed(k, scene)), *_ended(scene), *_began(scene)]
    if not steps:
        return world, ()
    known = {k.incident.id: k for k in world.incidents}
    for step in steps:
        known[step.known.incident.id] = _merged(known.get(step.known.incident.id), step.known)
    return replace(world, incidents=tuple(known.values())), tuple(s.event for s in steps)


def _merged(now: Known | None, new: Known) -> Known:
    """Two suspicions may be taken over by one incident."""
    return new if now is None or not new.suspicions else takes(now, new.suspicions, new.lead)


def _shown(hits: Iterable[Hit]) -> dict[str, Hit]:
    """What the page has against each surface: what it has posted, else what its component shows."""
    said = [h for h in hits if h.basis is not Basis.WITNESS]
    bare = [h for h in said if not h.incident and (h.condition.is_bad or h.condition is Condition.MAINTENANCE)]
    posted = [h for h in said if h.incident and h.weight in SAYS]
    return {h.surface: h for h in (*bare, *reversed(posted))}


def _ours(scene: Scene) -> Iterator[Known]:
    """The suspicions that the page has not confirmed, open or not long over."""
    for k in scene.world.incidents:
        is_late = k.closed_at is not None and scene.at - k.closed_at <= JOINS and k.ending is Ending.UNCONFIRMED
        if k.incident.is_suspected and (k.is_open or is_late):
            yield k


# --- it begins --------------------------------------------------------------------------------------------------------


def _began(scene: Scene) -> Iterator[Step]:
    told = {s for k in scene.world.open_incidents if k.incident.is_unposted for s in k.surfaces}
    for surface, hit in scene.seen.items():
        is_told = surface in told or surface in scene.shown or _is_left_over(hit, scene)
        if not is_told and _is_sure(scene, surface):
            known = _again(scene, surface) or _new(hit, scene)
            row = _row(EventKind.SUSPECTED, known, scene, "; ".join(hit.grounds))
            yield Step(known, replace(row, condition=hit.condition, happened_at=hit.since, text=known.incident.name))


def _is_left_over(hit: Hit, scene: Scene) -> bool:
    """It failed before the vendor called an incident over, and did not stop: for an hour, that message tells it."""
    held = (k for k in scene.world.incidents if hit.surface in k.surfaces and hit.surface not in k.freed)
    over = (k.closed_at for k in held if k.ending in _OVER and k.closed_at is not None)
    return any(hit.since <= at and scene.at - at <= JOINS for at in over)


def _is_sure(scene: Scene, surface: str) -> bool:
    world, at = scene.world, scene.at
    if world.seen_at is not None and world.blind_since is None and at - world.seen_at <= scene.rules.stale_gentle:
        return True
    said = next((t for t in world.testimonies if t.surface == surface), None)
    return len(signs(said, at).probe.against) >= PLACES


def _again(scene: Scene, surface: str) -> Known | None:
    """What fails again soon is the same trouble."""
    for k in scene.world.incidents:
        is_ours = k.incident.is_unposted and k.surfaces == (surface,)
        was_over = k.ending in (Ending.UNCONFIRMED, Ending.CLEARED)
        if is_ours and was_over and k.closed_at is not None and scene.at - k.closed_at <= scene.rules.flap_within:
            return replace(k, incident=replace(k.incident, is_suspected=True), closed_at=None, ending=None, freed=())
    return None


def _new(hit: Hit, scene: Scene) -> Known:
    incident = Incident(
        id=f"{hit.surface}@{scene.at:%Y-%m-%dT%H:%M:%SZ}",
        name=f"{scene.provider.surface(hit.surface).name} fails by what we see ourselves, and the page shows nothing",
        stage=Stage.UNKNOWN,
        impact=Impact.UNKNOWN,
        created_at=hit.since,
        is_unposted=True,
        is_suspected=True,
    )
    return Known(incident, scene.at, (hit.surface,))


# --- it is confirmed, or ends -----------------------------------------------------------------------------------------


def _confirmed(ours: Known, scene: Scene) -> Iterator[Step]:
    """The page says it now: in an incident, which takes over, or by a colour alone, which makes it a plain trouble."""
    hit = scene.shown.get(ours.surfaces[0])
    if hit is None:
        return
    taker = scene.world.known(hit.incident)
    if taker is not None:
        yield from _taken_over(ours, taker, scene)
    elif ours.is_open:
        lead = scene.at - ours.seen_at
        plain = replace(ours, incident=replace(ours.incident, is_suspected=False), lead=lead)
        yield Step(plain, _row(EventKind.SUSPICION_CONFIRMED, plain, scene, _knew("shows", lead)))


def _taken_over(ours: Known, taker: Known, scene: Scene) -> Iterator[Step]:
    is_new = taker.seen_at == scene.at
    if taker.is_baseline or not (ours.is_open or is_new):
        return
    posted = min(first_post(taker.incident), scene.at) if is_new else scene.at
    lead = max(posted - ours.seen_at, timedelta(0))
    over = replace(ours, closed_at=ours.closed_at or scene.at, ending=Ending.POSTED, joined=taker.incident.id)
    takes = replace(taker, suspicions=(ours.incident.id,), lead=lead)
    for known in (over, takes):
        row = _row(EventKind.SUSPICION_CONFIRMED, known, scene, _knew("has posted", lead))
        yield Step(known, replace(row, surface=ours.surfaces[0]))


def _knew(does: str, lead: timedelta) -> str:
    minutes = round(lead.total_seconds() / 60)
    return f"the page {does} it now; we knew {minutes} min before" if minutes else f"the page {does} it now"


def _ended(scene: Scene) -> Iterator[Step]:
    for k in scene.world.open_incidents:
        if k.incident.is_suspected and not {k.surfaces[0]} & {*scene.seen, *scene.shown}:
            over = replace(k, closed_at=scene.at, ending=Ending.UNCONFIRMED)
            why = "what we saw ourselves has passed, and the vendor has posted nothing"
            yield Step(over, _row(EventKind.SUSPICION_CLEARED, over, scene, why))


def _row(kind: EventKind, known: Known, scene: Scene, reason: str) -> Event:
    return Event(
        kind,
        scene.world.provider,
        scene.at,
        incident=known.incident.id,
        surface=next(iter(known.surfaces), None),
        reason=reason,
        reason_code=str(kind),
    )
