"""Updates the tracked incidents of a provider's state after a poll and its attributions. No I/O.

An incident stays as it was until the page shows it again or shows that it ended. An ended incident releases a surface
once that surface is normal again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain import (
    Advice,
    Attribution,
    Incident,
    IncidentEnding,
    PollResult,
    Provider,
    ProviderState,
    Snapshot,
    Stage,
    TrackedIncident,
)
from bot.rules.attribution.attribute import AFFECTING_KINDS
from bot.rules.changes import diff, events, missed, versions

RETENTION = timedelta(hours=24)  # how long an ended incident stays in the state: for recurrences and its alert's end


def incidents_after_poll(
    state: ProviderState, poll: PollResult, page: Snapshot, changes: Iterable[diff.Change], provider: Provider
) -> tuple[TrackedIncident, ...]:
    """Returns the tracked incidents after a poll that read ``page``; ``changes`` are those detected in it."""
    merged = _merge_incidents(state, poll, page, changes)
    flagged = (_with_moved_surfaces(_flag_if_missed(tracked, state, poll, provider), provider) for tracked in merged)
    return tuple(_with_overrun(tracked, poll.at) for tracked in flagged)


def has_passed_retention(tracked: TrackedIncident, before: datetime, at: datetime) -> bool:
    """Whether the incident's retention ended between two polls, at ``before`` and ``at``."""
    return tracked.closed_at is not None and before - tracked.closed_at <= RETENTION < at - tracked.closed_at


def with_attributed_surfaces(
    incidents: Iterable[TrackedIncident], attributions: Iterable[Attribution]
) -> Iterator[TrackedIncident]:
    """Yields each incident with the surfaces that it affects now added to those that it affected earlier."""
    affected: dict[str, list[str]] = {}
    for attribution in attributions:
        if attribution.weight in AFFECTING_KINDS:
            affected.setdefault(attribution.incident, []).append(attribution.surface)
    for tracked in incidents:
        surfaces = tuple(dict.fromkeys((*tracked.surfaces, *affected.get(tracked.incident.id, ()))))
        yield tracked if surfaces == tracked.surfaces else replace(tracked, surfaces=surfaces)


def release_recovered_surfaces(state: ProviderState) -> tuple[TrackedIncident, ...]:
    """Returns the incidents; of an ended one those surfaces are released that are normal or belong to another incident.

    A surface whose component has left the page is released too: nothing on the page will say how it is.
    """
    normal = {v.surface for v in state.verdicts if v.call is Advice.RETRY_NORMALLY or v.reason_code == "component_gone"}
    ended = [k for k in state.incidents if not k.is_open and len(k.freed) < len(k.surfaces)]
    owners = {s: events.owning_incident(state, s) for s in dict.fromkeys(s for k in ended for s in k.surfaces)}
    released = {
        k.incident.id: tuple(s for s in k.surfaces if s in k.freed or s in normal or owners[s] != k.incident.id)
        for k in ended
    }
    return tuple(
        k if released.get(k.incident.id, k.freed) == k.freed else replace(k, freed=released[k.incident.id])
        for k in state.incidents
    )


def _merge_incidents(
    state: ProviderState, poll: PollResult, page: Snapshot, changes: Iterable[diff.Change]
) -> Iterable[TrackedIncident]:
    """Returns the incidents that were listed or requested as they are now, and the others as they were."""
    listed = diff.listed_incidents(page)
    listed_ids = {i.id for i in listed}
    tracked = {
        k.incident.id: k
        for k in state.incidents
        if k.incident.id in listed_ids or not _is_forgettable(k, page, poll.at)
    }
    requested = (i for key, i in poll.endings.items() if isinstance(i, Incident) and i.id == key and key in tracked)
    for incident in (*listed, *requested):
        tracked[incident.id] = _updated_incident(
            tracked.get(incident.id), incident, poll.at, is_baseline=state.seen_at is None
        )
    for change in changes:
        if isinstance(change, diff.IncidentClosed) and change.ending is not IncidentEnding.RESOLVED:
            tracked[change.incident.id] = replace(tracked[change.incident.id], closed_at=poll.at, ending=change.ending)
    return tracked.values()


def _flag_if_missed(
    tracked: TrackedIncident, state: ProviderState, poll: PollResult, provider: Provider
) -> TrackedIncident:
    """Marks an incident that opened and ended between polls as missed; it and one posted late get their surfaces."""
    is_new = tracked.is_retroactive and state.tracked_incident(tracked.incident.id) is None
    if is_new and (late := missed.posted_late_surfaces(tracked.incident, provider)):
        return replace(tracked, surfaces=late, freed=late)
    if not is_new or poll.unwatched_since is None:
        return tracked
    if not missed.is_missed(tracked.incident, poll.unwatched_since, poll.at):
        return tracked
    surfaces = missed.affected_surfaces(tracked.incident, provider, poll.at)
    return replace(tracked, is_missed=True, surfaces=surfaces, freed=surfaces)


def _with_moved_surfaces(tracked: TrackedIncident, provider: Provider) -> TrackedIncident:
    """Adds the surfaces that became bad by the incident's transitions, also where no poll saw it."""
    if tracked.incident.is_maintenance or tracked.incident.is_unposted:
        return tracked
    moved = tuple(s for s in missed.moved_surfaces(tracked.incident, provider) if s not in tracked.surfaces)
    if not moved:
        return tracked
    freed = tracked.freed if tracked.is_open else (*tracked.freed, *moved)
    return replace(tracked, surfaces=(*tracked.surfaces, *moved), freed=freed)


def _with_overrun(tracked: TrackedIncident, at: datetime) -> TrackedIncident:
    """Notes when a maintenance was first seen in progress past its planned end; a new end makes it forget that."""
    incident = tracked.incident
    until = incident.scheduled_until
    is_in_progress = incident.is_maintenance and incident.stage in (Stage.IN_PROGRESS, Stage.VERIFYING)
    overran_at = (tracked.overran_at or at) if is_in_progress and until and until <= at else None
    return tracked if overran_at == tracked.overran_at else replace(tracked, overran_at=overran_at)


def _is_forgettable(tracked: TrackedIncident, page: Snapshot, at: datetime) -> bool:
    """Whether the incident ended a day ago and left the page's list; one that may be listed again must stay known."""
    listing = page.maintenances if tracked.incident.is_maintenance else page.incidents
    is_unlisted = listing is not None or tracked.incident.is_unposted
    return is_unlisted and tracked.closed_at is not None and at - tracked.closed_at > RETENTION


def _updated_incident(
    tracked: TrackedIncident | None, shown: Incident, at: datetime, *, is_baseline: bool
) -> TrackedIncident:
    """Returns the incident as the page shows it, with the updates and components that only an earlier page showed."""
    if tracked is None:
        tracked = TrackedIncident(shown, at, is_baseline=is_baseline, is_retroactive=shown.stage.is_closed)
    tracked = versions.remember_replaced(tracked, shown)
    listed_ids = {u.id for u in shown.updates}
    all_updates = (*(u for u in tracked.incident.updates if u.id not in listed_ids), *shown.updates)
    updates = tuple(sorted(all_updates, key=lambda u: u.display_at))  # stable: equal times keep the page's order
    incident = replace(shown, updates=updates, components=shown.components or tracked.incident.components)
    if shown.stage.is_closed:
        return replace(
            tracked,
            incident=incident,
            closed_at=tracked.closed_at or at,
            ending=tracked.ending or IncidentEnding.RESOLVED,
        )
    return replace(
        tracked, incident=incident, closed_at=None, ending=None, is_retroactive=False, freed=(), cleared_at=None
    )
