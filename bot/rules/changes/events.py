"""Makes timeline events of changes on a page, of surface conditions and of verdicts. No I/O.

Each event has its reason, and the incident in whose thread it belongs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from bot.domain import (
    Attribution,
    AttributionKind,
    Condition,
    Event,
    EventKind,
    Incident,
    IncidentEnding,
    ProviderState,
    Stage,
    SurfaceState,
    TrackedIncident,
    Update,
    Verdict,
)
from bot.rules.changes import diff

RETURNED = "returned"  # a title or post is again as it was once before
REDATED = "redated"  # a post has another time and the same words

_EVENT_OF_ENDING = {
    IncidentEnding.RESOLVED: (EventKind.INCIDENT_RESOLVED, "resolved by the vendor", "resolved"),
    IncidentEnding.WITHDRAWN: (EventKind.INCIDENT_WITHDRAWN, "removed by the vendor", "withdrawn"),
    IncidentEnding.UNRECORDED: (
        EventKind.INCIDENT_RESOLVED,
        "removed from the page; its last update was not recorded",
        "left_page",
    ),
    IncidentEnding.NARROWED: (EventKind.INCIDENT_RESOLVED, "still open, for other products only", "narrowed"),
    IncidentEnding.LAPSED: (
        EventKind.INCIDENT_RESOLVED,
        "its planned time has passed; no end was posted",
        "lapsed",
    ),
    IncidentEnding.CLEARED: (EventKind.TROUBLE_ENDED, "its component is no longer bad", "cleared"),
    IncidentEnding.REMOVED: (EventKind.TROUBLE_ENDED, "its component was removed from the page", "removed"),
    IncidentEnding.UNCONFIRMED: (
        EventKind.SUSPICION_CLEARED,
        "our probes, traffic and reports show no errors any more",
        "unconfirmed",
    ),
    IncidentEnding.POSTED: (EventKind.TROUBLE_ENDED, "the vendor has posted an incident on it", "posted"),
}


def change_event(change: diff.Change, provider: str, at: datetime, *, is_baseline: bool = False) -> Event:
    """Returns the event for one change on the page; ``at`` is when the change was seen."""
    incident = change.incident
    base = Event(
        EventKind.INCIDENT_OPENED,
        provider,
        at,
        happened_at=diff.first_posted_at(incident),
        incident=incident.id,
        stage=incident.stage,
        text=incident.name,
        is_baseline=is_baseline,
    )
    match change:
        case diff.IncidentOpened():
            return replace(base, reason=f"impact {incident.impact}", reason_code="new_incident")
        case diff.IncidentReopened():
            return replace(base, kind=EventKind.INCIDENT_REOPENED, happened_at=None, reason_code="listed_again")
        case diff.UpdatePosted(update=u):
            return _update_event(base, EventKind.UPDATE_POSTED, u)
        case diff.UpdateEdited(before=b, after=u):
            edited = _update_event(base, EventKind.UPDATE_EDITED, u)
            code = RETURNED if change.is_return else _edit_code(b, u)
            old_body = b.body if b.body != u.body else None
            return replace(edited, before=old_body, reason=_edit_reason(b, u), reason_code=code)
        case diff.IncidentRetitled(before=b):
            old_name = b.name if b.name != incident.name else None
            reason = _retitle_reason(b, incident)
            code = RETURNED if change.is_return else None
            changed = replace(base, kind=EventKind.INCIDENT_CHANGED, happened_at=None, before=old_name)
            return replace(changed, reason=reason, reason_code=code)
        case diff.IncidentClosed(ending=ending, at=closed_at):
            kind, reason, code = _EVENT_OF_ENDING[ending]
            return replace(base, kind=kind, happened_at=closed_at, reason=reason, reason_code=code)


def overrun_events(before: ProviderState, after: ProviderState, at: datetime) -> Iterator[Event]:
    """Yields an event for each maintenance that this poll is the first to see in progress past its planned end."""
    for tracked in after.incidents:
        earlier = before.tracked_incident(tracked.incident.id)
        if tracked.overran_at is None or (earlier is not None and earlier.overran_at is not None):
            continue
        until = tracked.incident.scheduled_until
        yield Event(
            EventKind.MAINTENANCE_OVERRAN,
            after.provider,
            at,
            happened_at=until,
            incident=tracked.incident.id,
            stage=tracked.incident.stage,
            text=tracked.incident.name,
            reason=f"planned until {until:%Y-%m-%d %H:%M} UTC" if until else "",
            reason_code="overrun",
            is_baseline=before.seen_at is None,
        )


def surface_events(before: ProviderState, after: ProviderState, at: datetime) -> Iterator[Event]:
    """Yields an event for each surface whose condition has changed."""
    for state in after.states:
        old = before.surface_state(state.surface)
        if (old.condition if old else Condition.UNKNOWN) is state.condition:
            continue
        if before.seen_at is None and not state.condition.is_bad:
            continue
        attribution = _decisive_attribution(after, state)
        reason, code = _reason_without_attribution(after, state)
        yield Event(
            EventKind.SURFACE_CHANGED,
            after.provider,
            at,
            incident=(attribution.incident if attribution else "") or owning_incident(after, state.surface),
            surface=state.surface,
            condition=state.condition,
            inferred=state.inferred,
            reason="; ".join(attribution.grounds) if attribution else reason,
            reason_code=str(attribution.basis) if attribution else code,
        )


def _reason_without_attribution(after: ProviderState, state: SurfaceState) -> tuple[str, str]:
    """Returns why a surface has its condition where nothing is said against it: the reason, and its code."""
    if state.condition is not Condition.UNKNOWN:
        return "no longer affected", "clear"
    verdict = after.verdict(state.surface)
    if verdict is not None and verdict.reason_code == "component_unknown":
        return "its component has no known status", "component_unknown"
    return "its component is no longer on the page", "component_gone"


def verdict_events(before: ProviderState, after: ProviderState, at: datetime) -> Iterator[Event]:
    """Yields an event for each surface whose verdict has another call, or the same call by another rule."""
    for verdict in after.verdicts:
        old = before.verdict(verdict.surface)
        if old is not None and (old.call, old.reason_code) == (verdict.call, verdict.reason_code):
            continue
        if old is None and verdict.exposure == 1:
            continue
        state = after.surface_state(verdict.surface)
        yield Event(
            EventKind.VERDICT_CHANGED,
            after.provider,
            at,
            incident=_responsible_incident(after, verdict),
            surface=verdict.surface,
            condition=state.condition if state else None,
            verdict=verdict.call,
            exposure=verdict.exposure,
            reason=verdict.reason,
            reason_code=verdict.reason_code,
            inferred=verdict.inferred,
        )


def _decisive_attribution(provider_state: ProviderState, state: SurfaceState) -> Attribution | None:
    """Returns the attribution that decided the condition; for an operational surface, the one that cleared it."""
    attributions = [a for a in provider_state.hits if a.surface == state.surface and a.condition is state.condition]
    if state.condition is Condition.OPERATIONAL:
        attributions = [a for a in attributions if a.weight is AttributionKind.CLEARED]
    return attributions[-1] if attributions else None


def owning_incident(state: ProviderState, surface: str, named: tuple[str, ...] = ()) -> str | None:
    """Returns the id of the incident whose thread reports this surface; None where no incident is responsible for it.

    Open incidents take precedence, then those in ``named`` (that the verdict names), then the newest. An ended incident
    stays responsible until the surface is normal again.
    """
    candidates = [k for k in state.incidents if surface in k.surfaces and surface not in k.freed and _is_live(k)]
    owner = max(candidates, key=lambda k: (k.is_open, k.incident.id in named, k.closed_at or k.seen_at), default=None)
    return owner.incident.id if owner else None


def _is_live(tracked: TrackedIncident) -> bool:
    """False for incidents that never affect a verdict: over when first seen, or planned and not started."""
    was_over = tracked.is_retroactive and not tracked.is_open
    return not was_over and tracked.incident.stage is not Stage.SCHEDULED


def _responsible_incident(state: ProviderState, verdict: Verdict) -> str | None:
    """Returns the incident in whose thread the verdict belongs: the surface's own, else an open one that it names."""
    open_ids = {k.incident.id for k in state.open_incidents}
    watching_incident = next((i for i in verdict.incidents if i in open_ids), None)
    return owning_incident(state, verdict.surface, verdict.incidents) or watching_incident


def _update_event(base: Event, kind: EventKind, update: Update) -> Event:
    at, stage = update.display_at, update.stage
    return replace(base, kind=kind, happened_at=at, update=update.id, stage=stage, text=update.body)


def _edit_reason(before: Update, after: Update) -> str:
    if before.body != after.body:
        return "its words were edited"
    if before.stage is not after.stage:
        return f"its stage was edited from {before.stage} to {after.stage}"
    return f"its time was edited from {before.display_at:%Y-%m-%d %H:%M:%S} to {after.display_at:%Y-%m-%d %H:%M:%S} UTC"


def _edit_code(before: Update, after: Update) -> str | None:
    return None if (before.body, before.stage) != (after.body, after.stage) else REDATED


def _retitle_reason(before: Incident, after: Incident) -> str:
    return f"impact {before.impact} -> {after.impact}" if before.impact != after.impact else "the title was edited"
