"""Incidents and components as they stand -> Hits: which surface is in, on what evidence, and since when.

Evidence in its order (DESIGN.md section 4, rules 5 and 6; safe-to-retry.md C.3 rule 2; status-sources.md 2.6): what the
incident's updates did to a component, what the component is now, what the words say. An incident's list of components
is often a bulk link to the whole page and proves nothing: a listed component that was operational all along is only
watched. ``incident.updates`` must hold no more than had been published by then; nothing here looks ahead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.core.links import Link, find, links_of
from bot.core.reading import is_residual
from bot.core.stand import Stand, Stands, goes_on, stands_of
from bot.model import Basis, Component, Condition, Hit, Impact, Incident, Provider, Stage, Surface, Weight

EXONERATION = timedelta(minutes=60)  # safe-to-retry.md C.3 rule 2

_OF_IMPACT = {
    Impact.MINOR: Condition.DEGRADED,
    Impact.MAJOR: Condition.PARTIAL_OUTAGE,
    Impact.CRITICAL: Condition.MAJOR_OUTAGE,
    Impact.MAINTENANCE: Condition.MAINTENANCE,
}
_STRENGTH = {Weight.DOWN: 3, Weight.CLEARED: 2, Weight.NAMED: 2, Weight.WATCH: 1}

Conditions = Mapping[str, Condition]


def scope(incident: Incident, components: Conditions, provider: Provider, now: datetime) -> tuple[Hit, ...]:
    """What one incident says of each surface of its provider, in the catalogue's order.

    ``components`` are the page's components as they are now, by id; one that is missing is not known. A surface that
    was hit and is taken out keeps its hit as CLEARED, with ``expires``, also when that has passed: what follows from it
    is the verdict's to say. One that only words had named is NAMED again once its exoneration has expired.
    """
    stands: Stands = _listed(stands_of(incident, provider), incident, components, provider)
    if not stands and not incident.components and _is_trouble(incident):
        stands = _anything(incident, provider)
    stands = _in_need(stands, provider)
    found = (s for s in provider.surfaces if s.id in stands)
    return tuple(_hit(stands[s.id], incident, _shown(s, components), now) for s in found)


def hits(
    incidents: Iterable[Incident], components: Iterable[Component], provider: Provider, now: datetime
) -> tuple[Hit, ...]:
    """Every open incident's hits, and one without an incident for each bad component that none of them accounts for."""
    page = tuple(components)
    conditions = {c.name: c.condition for c in sorted(page, key=lambda c: c.condition.rank)}
    conditions |= {c.id: c.condition for c in page}
    told = [h for i in incidents if not i.stage.is_closed for h in scope(i, conditions, provider, now)]
    accounted = {h.surface for h in told if h.weight is not Weight.WATCH}
    return (*told, *_bare(page, provider, accounted, now))


# --- the page now -----------------------------------------------------------------------------------------------------


def _listed(stands: Stands, incident: Incident, components: Conditions, provider: Provider) -> dict[str, Stand]:
    """Adds what the incident lists and no update moved: in where its component is bad now, else watched."""
    after, links = dict(stands), links_of(provider)
    at = incident.updates[0].display_at if incident.updates else incident.created_at
    for component in incident.components:
        link = find(links, component.id, component.name)
        if link is None:
            continue
        held = after.get(link.surface)
        condition = components.get(component.id, Condition.UNKNOWN)
        ground = f"component {component.id}"
        if condition.is_bad or condition is Condition.MAINTENANCE or incident.is_maintenance:
            after[link.surface] = _bad_now(held, link, at, ground)
        elif held is None:
            after[link.surface] = Stand(link.surface, Weight.WATCH, Basis.LINK, at, (ground,))
    return {k: _seen_bad(s, components, provider) for k, s in after.items()}


def _bad_now(held: Stand | None, link: Link, at: datetime, ground: str) -> Stand:
    """The first post is often a no-op, and the colour follows minutes later (status-sources.md 2.6, 3)."""
    weight = Weight.NAMED if link.part else Weight.DOWN
    if held is None or held.weight is Weight.WATCH:
        return Stand(link.surface, weight, Basis.COMPONENT, held.since if held else at, (ground,))
    if held.basis is not Basis.TEXT:
        return held
    strongest = max(weight, held.weight, key=lambda w: _STRENGTH[w])
    return replace(held, weight=strongest, basis=Basis.COMPONENT, implied=False, grounds=(*held.grounds, ground))


def _seen_bad(stand: Stand, components: Conditions, provider: Provider) -> Stand:
    """Some pages never link (status-sources.md 3.1): what the words name is in, if its component is bad now."""
    if stand.basis is not Basis.TEXT or stand.implied or stand.weight is not Weight.NAMED:
        return stand
    own = provider.surface(stand.surface).components
    bad = tuple(f"component {c}" for c in own if components.get(c, Condition.UNKNOWN).is_bad)
    return replace(stand, weight=Weight.DOWN, basis=Basis.COMPONENT, grounds=(*stand.grounds, *bad)) if bad else stand


def _shown(surface: Surface, components: Conditions) -> Condition | None:
    """The worst of a surface's own components as the page shows them; None where it shows none of them."""
    own = [components[c] for c in surface.components if c in components]
    return max(own, key=lambda c: c.rank) if own else None


def _bare(components: Iterable[Component], provider: Provider, accounted: set[str], now: datetime) -> Iterator[Hit]:
    worst: dict[str, tuple[Link, Component]] = {}
    links = links_of(provider)
    for component in components:
        link = find(links, component.id, component.name)
        if link and (component.condition.is_bad or component.condition is Condition.MAINTENANCE):
            held = worst.get(link.surface)
            if held is None or _badness(link, component) > _badness(*held):
                worst[link.surface] = (link, component)
    for surface in provider.surfaces:
        if surface.id in worst and surface.id not in accounted:
            yield _bare_hit(*worst[surface.id], now)


def _badness(link: Link, component: Component) -> tuple[bool, int]:
    return not link.part, component.condition.rank


def _bare_hit(link: Link, component: Component, now: datetime) -> Hit:
    """A broken feature degrades its surface at most."""
    weight = Weight.NAMED if link.part else Weight.DOWN
    condition = Condition.DEGRADED if link.part and component.condition.is_bad else component.condition
    return Hit(link.surface, "", weight, condition, Stage.UNKNOWN, Basis.COMPONENT, now, (f"component {component.id}",))


# --- what follows -----------------------------------------------------------------------------------------------------


def _is_trouble(incident: Incident) -> bool:
    return not incident.is_maintenance and incident.impact is not Impact.NONE


def _anything(incident: Incident, provider: Provider) -> Stands:
    """No component and no name: any surface may be meant, so each is watched; the only one there is, is named."""
    at = incident.updates[0].display_at if incident.updates else incident.created_at
    grounds = (f"incident {incident.id}",)
    main = [s.id for s in provider.surfaces if s.components]
    weights = {s.id: Weight.NAMED if main == [s.id] else Weight.WATCH for s in provider.surfaces}
    return {s: Stand(s, weight, Basis.TEXT, at, grounds, implied=True) for s, weight in weights.items()}


def _in_need(stands: Stands, provider: Provider) -> Stands:
    """What cannot work without a surface that is down: in, where that is the login it logs in through; else watched."""
    after = dict(stands)
    for surface in provider.surfaces:
        for need in surface.needs:
            missing, held = stands.get(need), after.get(surface.id)
            if missing is None or missing.weight is not Weight.DOWN or missing.cleared_at is not None:
                continue
            weight = Weight.DOWN if provider.surface(need).is_login else Weight.WATCH
            if held is None or (_STRENGTH[weight] > _STRENGTH[held.weight] and held.cleared_at is None):
                grounds = (*(held.grounds if held else ()), f"needs {need}")
                after[surface.id] = Stand(surface.id, weight, Basis.TEXT, missing.since, grounds)
    return after


# --- the hit ----------------------------------------------------------------------------------------------------------


def _hit(stand: Stand, incident: Incident, shown: Condition | None, now: datetime) -> Hit:
    expires, by = _clearance(stand, incident, shown)
    if expires is not None and stand.weight is Weight.NAMED and now >= expires:
        expires = None
    weight = stand.weight if expires is None else Weight.CLEARED
    return Hit(
        surface=stand.surface,
        incident=incident.id,
        weight=weight,
        condition=_condition(stand, incident, shown, weight),
        stage=incident.stage,
        basis=stand.basis if expires is None else by,
        since=stand.since,
        grounds=stand.grounds,
        inferred=stand.basis is Basis.TEXT,
        residual=_is_residual(incident),
        expires=expires,
    )


def _clearance(stand: Stand, incident: Incident, shown: Condition | None) -> tuple[datetime | None, Basis]:
    """Until when the surface is cleared while its incident goes on, and by what; None where it is not.

    A component that turned green without a word in this incident (another incident's update may have done it) is
    cleared for no time at all: vendors who clear that way are known by their profile, and the verdict asks for it.
    """
    if not goes_on(incident.stage) or stand.weight is Weight.WATCH:
        return None, stand.basis
    if stand.cleared_at is not None:
        return stand.cleared_at + EXONERATION, stand.cleared_by
    was_bad = stand.condition is not None and stand.condition.is_bad
    if was_bad and shown is Condition.OPERATIONAL and stand.weight is Weight.DOWN:
        return incident.updates[-1].display_at, Basis.COMPONENT
    return None, stand.basis


def _condition(stand: Stand, incident: Incident, shown: Condition | None, weight: Weight) -> Condition:
    """From its component where it has one, else from the incident's impact (safe-to-retry.md B.4, the way back)."""
    if incident.is_maintenance:
        return Condition.MAINTENANCE if incident.stage is Stage.IN_PROGRESS else Condition.OPERATIONAL
    if weight is Weight.CLEARED and stand.cleared_by is Basis.TEXT:
        return Condition.OPERATIONAL
    of_parts = stand.weight is Weight.NAMED and stand.basis in (Basis.TRANSITION, Basis.COMPONENT)
    if shown is not None and shown is not Condition.UNKNOWN and not of_parts:
        return shown
    if weight is Weight.WATCH or not goes_on(incident.stage):
        return Condition.OPERATIONAL
    if of_parts and stand.condition is not None:
        return min(stand.condition, Condition.DEGRADED, key=lambda c: c.rank)
    return stand.condition or _OF_IMPACT.get(incident.impact, Condition.DEGRADED)


def _is_residual(incident: Incident) -> bool:
    """Whether the newest post is a Monitoring one that speaks of errors that remain (C.3 rule 6)."""
    newest = incident.updates[-1] if incident.updates else None
    return newest is not None and newest.stage is Stage.MONITORING and is_residual(newest.body)
