"""Attributes incidents and bad components to surfaces: which surface is affected, on what evidence, and since when.

Evidence, strongest first (bot/docs/verdict-rules.md#which-surfaces-an-incident-reaches): what the incident's updates
did to a component, the component's condition now, what the text says. An incident's list of components is often a bulk
link to the whole page and proves nothing: a listed component that was operational all along is only watched.
``incident.updates`` must hold no update published after ``now``; nothing here filters them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain import (
    Attribution,
    AttributionKind,
    Component,
    Condition,
    EvidenceKind,
    Impact,
    Incident,
    Provider,
    Stage,
    Surface,
)
from bot.rules.attribution.components import ComponentLink, component_links, find_link
from bot.rules.attribution.text import mentions_residual_errors
from bot.rules.attribution.updates import (
    IncidentSurfaceState,
    IncidentSurfaceStates,
    incident_surface_states,
    is_bad_or_maintenance,
    is_ongoing,
)

CLEARANCE_VALID_FOR = timedelta(minutes=60)  # bot/docs/verdict-rules.md#exoneration

CONDITION_OF_IMPACT = {
    Impact.MINOR: Condition.DEGRADED,
    Impact.MAJOR: Condition.PARTIAL_OUTAGE,
    Impact.CRITICAL: Condition.MAJOR_OUTAGE,
    Impact.MAINTENANCE: Condition.MAINTENANCE,
}
_STRENGTH = {AttributionKind.DOWN: 3, AttributionKind.CLEARED: 2, AttributionKind.NAMED: 2, AttributionKind.WATCH: 1}

# kinds that count as affecting a surface; CLEARED and WATCH do not
AFFECTING_KINDS = frozenset({AttributionKind.DOWN, AttributionKind.NAMED})

ComponentConditions = Mapping[str, Condition]


def attribute_incident(
    incident: Incident, components: ComponentConditions, provider: Provider, now: datetime
) -> tuple[Attribution, ...]:
    """Returns one attribution for each surface that the incident concerns, in the order of the provider's file.

    A surface that was affected and is cleared gets a CLEARED attribution with ``expires``, also after that time: the
    verdict rules decide what follows. A surface that only the text had named is NAMED again once its clearance expires.

    Args:
        incident: The incident with the updates published up to ``now``.
        components: The condition of each of the page's components now, by id; a missing one is unknown.
        provider: The provider whose page it is.
        now: The time as of which the attributions hold.
    """
    states: IncidentSurfaceStates = _with_listed_components(
        incident_surface_states(incident, provider), incident, components, provider
    )
    if not states and not incident.components and _has_impact(incident):
        states = _possible_surfaces(incident, provider)
    states = {k: _without_refuted_clearance(s, provider.surface(k), components) for k, s in states.items()}
    states = _with_dependents(states, provider)
    surfaces = (s for s in provider.surfaces if s.id in states)
    return tuple(_to_attribution(states[s.id], incident, _displayed_condition(s, components), now) for s in surfaces)


def attribute_page(
    incidents: Iterable[Incident], components: Iterable[Component], provider: Provider, now: datetime
) -> tuple[Attribution, ...]:
    """Returns every open incident's attributions, and one without an incident per surface that is bad without one."""
    listed, links = tuple(components), component_links(provider)
    named = (c for c in listed if find_link(links, c.id, c.name) == links.get(c.name.casefold()))
    conditions = {c.name: c.condition for c in sorted(named, key=lambda c: c.condition.rank)}
    conditions |= {c.id: c.condition for c in listed}
    open_incidents = {i.id: i for i in incidents if not i.stage.is_closed}
    attributions = [a for i in open_incidents.values() for a in attribute_incident(i, conditions, provider, now)]
    explained: dict[str, Condition] = {}
    for attribution in attributions:
        if attribution.weight is not AttributionKind.WATCH:
            worst = _worst_explained(open_incidents[attribution.incident], now)
            earlier = explained.get(attribution.surface, worst)
            explained[attribution.surface] = max(earlier, worst, key=lambda c: c.rank)
    return (*attributions, *_unreported_attributions(listed, provider, explained, now))


def _worst_explained(incident: Incident, now: datetime) -> Condition:
    """Returns the worst condition of a component that an open incident of its surface explains.

    An incident explains every condition. A maintenance that is only announced explains none, one in progress none worse
    than degraded, and none that is bad past its planned end: an outage during maintenance is an outage
    (bot/docs/verdict-rules.md#maintenance).
    """
    if not incident.is_maintenance:
        return Condition.MAJOR_OUTAGE
    if incident.stage not in {Stage.IN_PROGRESS, Stage.VERIFYING}:
        return Condition.OPERATIONAL
    is_over = incident.scheduled_until is not None and incident.scheduled_until <= now
    return Condition.MAINTENANCE if is_over else Condition.DEGRADED


def hold_unconfirmed(
    attributions: Iterable[Attribution], earlier: Iterable[Attribution], at: datetime
) -> tuple[Attribution, ...]:
    """Returns the attributions with those held whose component turned green without a word.

    An incident that never changed the component itself has the surface down by the component's colour only. Once that
    is green while the incident stays where it is, no one has said that it works: the clearance has expired as it begins
    (bot/docs/verdict-rules.md#exoneration). A component in maintenance without an incident keeps its beginning.

    Args:
        attributions: The page's attributions now.
        earlier: The attributions of the transition before.
        at: The time as of which the attributions hold.
    """
    earlier = tuple(earlier)
    held = {(a.incident, a.surface): a for a in earlier if a.incident and _is_down_by_colour(a)}
    since = {a.surface: a.since for a in earlier if _is_unposted_maintenance(a)}
    attributions = (
        replace(a, since=min(a.since, since[a.surface])) if a.surface in since and _is_unposted_maintenance(a) else a
        for a in attributions
    )
    return tuple(
        replace(
            a,
            weight=AttributionKind.CLEARED,
            basis=EvidenceKind.COMPONENT,
            grounds=before.grounds,
            inferred=before.inferred,
            expires=before.expires or at,
        )
        if (before := held.get((a.incident, a.surface))) and _is_green_without_a_word(a)
        else a
        for a in attributions
    )


def _is_unposted_maintenance(attribution: Attribution) -> bool:
    return not attribution.incident and attribution.condition is Condition.MAINTENANCE


def _is_down_by_colour(attribution: Attribution) -> bool:
    is_down = attribution.weight is AttributionKind.DOWN and attribution.condition.is_bad
    is_held = attribution.weight is AttributionKind.CLEARED and attribution.expires is not None
    return attribution.basis is EvidenceKind.COMPONENT and (is_down or is_held)


def _is_green_without_a_word(attribution: Attribution) -> bool:
    is_weaker = attribution.weight in (AttributionKind.WATCH, AttributionKind.NAMED)
    return is_weaker and is_ongoing(attribution.stage) and not attribution.condition.is_bad


def unknown_components(components: Iterable[Component], provider: Provider) -> dict[str, str]:
    """Returns the name of a component whose state is unknown, by the id of its surface; features do not count."""
    links = component_links(provider)
    unknown: dict[str, str] = {}
    for component in components:
        link = find_link(links, component.id, component.name)
        if link and not link.part and component.condition is Condition.UNKNOWN:
            unknown.setdefault(link.surface, component.name or component.id)
    return unknown


# --- the page now -----------------------------------------------------------------------------------------------------


def _with_listed_components(
    states: IncidentSurfaceStates, incident: Incident, components: ComponentConditions, provider: Provider
) -> dict[str, IncidentSurfaceState]:
    """Adds listed components that no update changed: affected where the component is bad now, else only watched."""
    updated, links = dict(states), component_links(provider)
    at = incident.updates[0].display_at if incident.updates else incident.created_at
    green = _always_green(incident)
    for component in incident.components:
        link = find_link(links, component.id, component.name)
        if link is None:
            continue
        state = updated.get(link.surface)
        condition = components.get(component.id, Condition.UNKNOWN)
        ground = f"component {component.id}"
        if is_bad_or_maintenance(condition) or (incident.is_maintenance and component.id not in green):
            updated[link.surface] = _with_bad_component(state, link, at, ground)
        elif state is None:
            updated[link.surface] = IncidentSurfaceState(
                link.surface, AttributionKind.WATCH, EvidenceKind.LINK, at, (ground,)
            )
        elif _is_only_named(state):
            updated[link.surface] = _with_listed_component(state, link, ground)
    for transition in (t for u in incident.updates for t in u.transitions or () if t.new is not Condition.UNKNOWN):
        link = find_link(links, transition.component_id, transition.name)
        if link and (state := updated.get(link.surface)) and _is_only_named(state):
            updated[link.surface] = _with_listed_component(state, link, f"component {transition.component_id}")
    return {k: _confirm_by_component(s, components, provider) for k, s in updated.items()}


def _always_green(incident: Incident) -> frozenset[str]:
    """Returns the components of which every transition of the incident says operational before and after."""
    transitions = [t for u in incident.updates for t in u.transitions or ()]
    changed = {t.component_id for t in transitions if {t.old, t.new} != {Condition.OPERATIONAL}}
    return frozenset(t.component_id for t in transitions) - changed


def _with_bad_component(
    state: IncidentSurfaceState | None, link: ComponentLink, at: datetime, ground: str
) -> IncidentSurfaceState:
    """Returns the surface's state given that a component of it is bad now.

    The first update often changes no component; its condition follows minutes later
    (bot/docs/status-page-formats.md#surfaces-of-an-incident, 1).
    """
    weight = AttributionKind.NAMED if link.part else AttributionKind.DOWN
    if state is None or state.weight is AttributionKind.WATCH:
        return IncidentSurfaceState(
            link.surface, weight, EvidenceKind.COMPONENT, state.since if state else at, (ground,)
        )
    if state.basis is not EvidenceKind.TEXT:
        return state
    strongest = max(weight, state.weight, key=lambda w: _STRENGTH[w])
    return replace(
        state, weight=strongest, basis=EvidenceKind.COMPONENT, implied=False, grounds=(*state.grounds, ground)
    )


def _is_only_named(state: IncidentSurfaceState) -> bool:
    return state.basis is EvidenceKind.TEXT and state.weight is AttributionKind.NAMED


def _with_listed_component(state: IncidentSurfaceState, link: ComponentLink, ground: str) -> IncidentSurfaceState:
    """Returns the surface's state given that the incident names it (also by a model or a feature) and lists it.

    One that lists only a feature of it does not bring it down.

    List and words together count as the vendor's statement that it is affected, whatever the impact: the component of
    an incident of impact *none* stays operational (bot/docs/verdict-rules.md#which-surfaces-an-incident-reaches).
    """
    weight = AttributionKind.NAMED if link.part else AttributionKind.DOWN
    return replace(state, weight=weight, basis=EvidenceKind.LINK, implied=False, grounds=(*state.grounds, ground))


def _confirm_by_component(
    state: IncidentSurfaceState, components: ComponentConditions, provider: Provider
) -> IncidentSurfaceState:
    """Returns a surface that the text names as affected if one of its components is bad now.

    Some pages never link components to incidents (bot/docs/status-page-formats.md#incidentio-statuspage-form).
    """
    if state.basis is not EvidenceKind.TEXT or state.weight is AttributionKind.WATCH:
        return state
    component_ids = provider.surface(state.surface).components
    bad_components = tuple(f"component {c}" for c in component_ids if components.get(c, Condition.UNKNOWN).is_bad)
    return (
        replace(
            state,
            weight=AttributionKind.DOWN,
            basis=EvidenceKind.COMPONENT,
            implied=False,
            grounds=(*state.grounds, *bad_components),
        )
        if bad_components
        else state
    )


def _displayed_condition(surface: Surface, components: ComponentConditions) -> Condition | None:
    """Returns the worst condition that the page shows for the surface's components; None where it shows none."""
    conditions = [components[c] for c in surface.components if c in components]
    return max(conditions, key=lambda c: c.rank) if conditions else None


def _without_refuted_clearance(
    state: IncidentSurfaceState, surface: Surface, components: ComponentConditions
) -> IncidentSurfaceState:
    """Returns the state without a clearance by words where the page shows the surface bad now.

    See bot/docs/verdict-rules.md#exoneration.
    """
    if state.cleared_at is None or state.cleared_by is not EvidenceKind.TEXT:
        return state
    displayed = _displayed_condition(surface, components)
    return replace(state, cleared_at=None) if displayed is not None and displayed.is_bad else state


def _unreported_attributions(
    components: Iterable[Component], provider: Provider, explained: Mapping[str, Condition], now: datetime
) -> Iterator[Attribution]:
    """Yields one attribution, of its worst component, per surface that is worse than its incidents explain.

    ``explained`` has the worst condition that they explain, by surface.
    """
    worst: dict[str, tuple[ComponentLink, Component]] = {}
    links = component_links(provider)
    for component in components:
        link = find_link(links, component.id, component.name)
        if link and is_bad_or_maintenance(component.condition):
            previous = worst.get(link.surface)
            if previous is None or _severity_key(link, component) > _severity_key(*previous):
                worst[link.surface] = (link, component)
    for surface in provider.surfaces:
        if surface.id not in worst:
            continue
        condition = worst[surface.id][1].condition
        if surface.id not in explained or condition.rank > explained[surface.id].rank:
            yield _component_attribution(*worst[surface.id], now)


def _severity_key(link: ComponentLink, component: Component) -> tuple[bool, int]:
    return not link.part, component.condition.rank


def _component_attribution(link: ComponentLink, component: Component, now: datetime) -> Attribution:
    """Attributes a component to its surface; a component of one feature degrades the surface at most."""
    weight = AttributionKind.NAMED if link.part else AttributionKind.DOWN
    condition = Condition.DEGRADED if link.part and component.condition.is_bad else component.condition
    return Attribution(
        link.surface, "", weight, condition, Stage.UNKNOWN, EvidenceKind.COMPONENT, now, (f"component {component.id}",)
    )


# --- surfaces that may follow -----------------------------------------------------------------------------------------


def _has_impact(incident: Incident) -> bool:
    """False for maintenances and for incidents that the vendor declares to be without impact."""
    return not incident.is_maintenance and incident.impact is not Impact.NONE


def _possible_surfaces(incident: Incident, provider: Provider) -> IncidentSurfaceStates:
    """For an incident without components and names: watches every surface, or names the only one with components."""
    at = incident.updates[0].display_at if incident.updates else incident.created_at
    grounds = (f"incident {incident.id}",)
    with_components = [s.id for s in provider.surfaces if s.components]
    weights = {
        s.id: AttributionKind.NAMED if with_components == [s.id] else AttributionKind.WATCH for s in provider.surfaces
    }
    return {
        s: IncidentSurfaceState(s, weight, EvidenceKind.TEXT, at, grounds, implied=True)
        for s, weight in weights.items()
    }


def _with_dependents(states: IncidentSurfaceStates, provider: Provider) -> IncidentSurfaceStates:
    """Adds surfaces that need one that is down: as down where the needed one is the login, else as watched."""
    updated = dict(states)
    for surface in provider.surfaces:
        for dependency in surface.needs:
            if surface.is_login and not provider.surface(dependency).is_login:
                continue  # what a login runs on only makes it doubtful (bot.rules.verdict.rules)
            dependency_state, state = states.get(dependency), updated.get(surface.id)
            if (
                dependency_state is None
                or dependency_state.weight is not AttributionKind.DOWN
                or dependency_state.cleared_at is not None
            ):
                continue
            weight = AttributionKind.DOWN if provider.surface(dependency).is_login else AttributionKind.WATCH
            if state is None or (_STRENGTH[weight] > _STRENGTH[state.weight] and state.cleared_at is None):
                grounds = (*(state.grounds if state else ()), f"needs {dependency}")
                updated[surface.id] = IncidentSurfaceState(
                    surface.id, weight, EvidenceKind.TEXT, dependency_state.since, grounds
                )
    return updated


# --- the attribution --------------------------------------------------------------------------------------------------


def _to_attribution(
    state: IncidentSurfaceState, incident: Incident, displayed: Condition | None, now: datetime
) -> Attribution:
    expires, cleared_by = _clearance(state, incident, displayed)
    if expires is not None and state.weight is AttributionKind.NAMED and now >= expires:
        expires = None
    weight = state.weight if expires is None else AttributionKind.CLEARED
    is_in_progress = incident.is_maintenance and incident.stage is Stage.IN_PROGRESS
    return Attribution(
        surface=state.surface,
        incident=incident.id,
        weight=weight,
        condition=_attributed_condition(state, incident, displayed, weight),
        stage=incident.stage,
        basis=state.basis if expires is None else cleared_by,
        since=_maintenance_start(incident, now) or state.since,
        grounds=state.grounds,
        inferred=state.basis is EvidenceKind.TEXT,
        residual=_has_residual_errors(incident),
        expires=incident.scheduled_until if is_in_progress else expires,
        posted_at=_stage_posted_at(incident),
    )


def _maintenance_start(incident: Incident, now: datetime) -> datetime | None:
    """Returns when a maintenance began: its window, else its first update in progress; None for an incident.

    Its announcement may be weeks older (bot/docs/verdict-rules.md#maintenance).
    """
    if not incident.is_maintenance:
        return None
    if incident.scheduled_for is not None and incident.scheduled_for <= now:
        return incident.scheduled_for
    return next((u.display_at for u in incident.updates if u.stage is Stage.IN_PROGRESS), None)


def _stage_posted_at(incident: Incident) -> datetime:
    """Returns the vendor's time of the oldest of the newest posts that have the incident's stage."""
    posted_at = incident.updates[-1].display_at if incident.updates else incident.created_at
    for update in reversed(incident.updates):
        if update.stage is not incident.stage:
            break
        posted_at = update.display_at
    return posted_at


def _clearance(
    state: IncidentSurfaceState, incident: Incident, displayed: Condition | None
) -> tuple[datetime | None, EvidenceKind]:
    """Returns until when the surface is cleared while its incident is open (None: not cleared), and by what evidence.

    A component that is operational again without an update of this incident (another incident's update may have done
    it) gets a clearance that has already expired: only for vendors whose profile says so does the verdict use it.
    """
    if not is_ongoing(incident.stage) or state.weight is AttributionKind.WATCH:
        return None, state.basis
    if state.cleared_at is not None:
        return state.cleared_at + CLEARANCE_VALID_FOR, state.cleared_by
    was_bad = state.condition is not None and state.condition.is_bad
    if was_bad and displayed is Condition.OPERATIONAL and state.weight is AttributionKind.DOWN:
        return incident.updates[-1].display_at, EvidenceKind.COMPONENT
    return None, state.basis


def _attributed_condition(
    state: IncidentSurfaceState, incident: Incident, displayed: Condition | None, weight: AttributionKind
) -> Condition:
    """Returns the surface's condition: its component's where it has one, else one derived from the incident's impact.

    See bot/docs/status-page-formats.md#statuspage.
    """
    if incident.is_maintenance:
        is_own = weight is not AttributionKind.WATCH and incident.stage is Stage.IN_PROGRESS
        return Condition.MAINTENANCE if is_own else Condition.OPERATIONAL
    if weight is AttributionKind.CLEARED and state.cleared_by is EvidenceKind.TEXT:
        return Condition.OPERATIONAL
    is_partial = state.weight is AttributionKind.NAMED and state.basis in (
        EvidenceKind.TRANSITION,
        EvidenceKind.COMPONENT,
    )
    if displayed is not None and displayed is not Condition.UNKNOWN and not is_partial:
        return displayed
    if weight is AttributionKind.WATCH or not is_ongoing(incident.stage):
        return Condition.OPERATIONAL
    if is_partial and state.condition is not None:
        return min(state.condition, Condition.DEGRADED, key=lambda c: c.rank)
    return state.condition or CONDITION_OF_IMPACT.get(incident.impact, Condition.DEGRADED)


def _has_residual_errors(incident: Incident) -> bool:
    """Whether the newest update is a Monitoring one that mentions remaining errors.

    See bot/docs/verdict-rules.md#residual-errors.
    """
    newest = incident.updates[-1] if incident.updates else None
    return newest is not None and newest.stage is Stage.MONITORING and mentions_residual_errors(newest.body)
