"""What changed -> rows of the timeline. Pure; each row says why, and whose thread it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from bot.core import diff
from bot.model import (
    Condition,
    Ending,
    Event,
    EventKind,
    Hit,
    Incident,
    Known,
    Stage,
    SurfaceState,
    Update,
    Verdict,
    Weight,
    World,
)

_ENDINGS = {
    Ending.RESOLVED: (EventKind.INCIDENT_RESOLVED, "the vendor called it over", "resolved"),
    Ending.WITHDRAWN: (EventKind.INCIDENT_WITHDRAWN, "the vendor deleted it", "withdrawn"),
    Ending.UNRECORDED: (EventKind.INCIDENT_RESOLVED, "it left the page; its last words were not recorded", "left_page"),
    Ending.CLEARED: (EventKind.TROUBLE_ENDED, "its component is no longer bad", "cleared"),
    Ending.UNCONFIRMED: (EventKind.SUSPICION_CLEARED, "what we saw ourselves has passed", "unconfirmed"),
    Ending.POSTED: (EventKind.TROUBLE_ENDED, "the vendor has posted an incident on it", "posted"),
}


def of_change(change: diff.Change, provider: str, at: datetime, *, is_baseline: bool = False) -> Event:
    """The row of one change on the page."""
    incident = change.incident
    base = Event(
        EventKind.INCIDENT_OPENED,
        provider,
        at,
        happened_at=diff.first_post(incident),
        incident=incident.id,
        stage=incident.stage,
        text=incident.name,
        is_baseline=is_baseline,
    )
    match change:
        case diff.Opened():
            return replace(base, reason=f"impact {incident.impact}", reason_code="new_incident")
        case diff.Reopened():
            return replace(base, kind=EventKind.INCIDENT_REOPENED, happened_at=None, reason_code="listed_again")
        case diff.Posted(update=u):
            return _post(base, EventKind.UPDATE_POSTED, u)
        case diff.Edited(before=b, after=u):
            edited = _post(base, EventKind.UPDATE_EDITED, u)
            return replace(edited, before=b.body if b.body != u.body else None, reason=_edit(b, u))
        case diff.Retitled(before=b):
            was = b.name if b.name != incident.name else None
            reason = _retitling(b, incident)
            return replace(base, kind=EventKind.INCIDENT_CHANGED, happened_at=None, before=was, reason=reason)
        case diff.Closed(ending=ending, at=closed_at):
            kind, reason, code = _ENDINGS[ending]
            return replace(base, kind=kind, happened_at=closed_at, reason=reason, reason_code=code)


def of_surfaces(before: World, after: World, at: datetime) -> Iterator[Event]:
    """A row for each surface whose condition is another."""
    for state in after.states:
        old = before.state(state.surface)
        if (old.condition if old else Condition.UNKNOWN) is state.condition:
            continue
        if before.seen_at is None and not state.condition.is_bad:
            continue
        hit = _why(after, state)
        yield Event(
            EventKind.SURFACE_CHANGED,
            after.provider,
            at,
            incident=(hit.incident if hit else "") or owner(after, state.surface),
            surface=state.surface,
            condition=state.condition,
            inferred=state.inferred,
            reason="; ".join(hit.grounds) if hit else "nothing is said against it any more",
            reason_code=str(hit.basis) if hit else "clear",
        )


def of_verdicts(before: World, after: World, at: datetime) -> Iterator[Event]:
    """A row for each surface whose verdict is another call, or the same by another rule."""
    for now in after.verdicts:
        old = before.verdict(now.surface)
        if old is not None and (old.call, old.reason_code) == (now.call, now.reason_code):
            continue
        if old is None and now.exposure == 1:
            continue
        state = after.state(now.surface)
        yield Event(
            EventKind.VERDICT_CHANGED,
            after.provider,
            at,
            incident=_blamed(after, now),
            surface=now.surface,
            condition=state.condition if state else None,
            verdict=now.call,
            exposure=now.exposure,
            reason=now.reason,
            reason_code=now.reason_code,
            inferred=now.inferred,
        )


def _why(world: World, state: SurfaceState) -> Hit | None:
    """What made it so: what is bad now, else what takes the surface out of an incident that goes on."""
    said = [h for h in world.hits if h.surface == state.surface and h.condition is state.condition]
    if state.condition is Condition.OPERATIONAL:
        said = [h for h in said if h.weight is Weight.CLEARED]
    return said[-1] if said else None


def owner(world: World, surface: str, named: tuple[str, ...] = ()) -> str | None:
    """The incident whose thread tells of this surface; None where none hit it, or none is left to tell.

    One that the verdict names goes first, then an open one, then the newest. One that has ended goes on telling
    until the surface was normal again.
    """
    found = [
        k for k in world.incidents if surface in k.surfaces and surface not in k.freed and not _is_no_live_matter(k)
    ]
    best = max(found, key=lambda k: (k.is_open, k.incident.id in named, k.closed_at or k.seen_at), default=None)
    return best.incident.id if best else None


def _is_no_live_matter(known: Known) -> bool:
    """Over before we saw it, or planned and not begun: neither moves a verdict."""
    return (known.is_retroactive and not known.is_open) or known.incident.stage is Stage.SCHEDULED


def _blamed(world: World, verdict: Verdict) -> str | None:
    still_open = {k.incident.id for k in world.open_incidents}
    watching = next((i for i in verdict.incidents if i in still_open), None)
    return owner(world, verdict.surface, verdict.incidents) or watching


def _post(base: Event, kind: EventKind, update: Update) -> Event:
    at, stage = update.display_at, update.stage
    return replace(base, kind=kind, happened_at=at, update=update.id, stage=stage, text=update.body)


def _edit(before: Update, after: Update) -> str:
    if before.body != after.body:
        return "its words were edited"
    if before.stage is not after.stage:
        return f"its stage was edited from {before.stage} to {after.stage}"
    return f"its time was edited from {before.display_at:%Y-%m-%d %H:%M:%S} to {after.display_at:%Y-%m-%d %H:%M:%S} UTC"


def _retitling(before: Incident, after: Incident) -> str:
    return f"impact {before.impact} -> {after.impact}" if before.impact != after.impact else "the title was edited"
