"""Compares a poll of a status page with the tracked incidents and lists the changes. No I/O.

The rules that apply here (bot/docs/decisions.md#what-status-pages-taught): ids are the only keys (1); updates are
compared by id and content (2); an incident that left the page has not ended until its own page was requested (3); the
page's indicator is never read (4); what is missing has not changed (9).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.domain import Component, Incident, IncidentEnding, PollResult, Snapshot, Stage, TrackedIncident, Update
from bot.rules.changes import versions

MAX_UNLISTED_COMPONENTS = 5000  # remembered components that the page no longer lists


@dataclass(frozen=True, slots=True)
class IncidentOpened:
    """An incident that was not tracked before."""

    incident: Incident


@dataclass(frozen=True, slots=True)
class IncidentReopened:
    """An incident that had ended is open on the page again."""

    incident: Incident


@dataclass(frozen=True, slots=True)
class UpdatePosted:
    """A new update."""

    incident: Incident
    update: Update


@dataclass(frozen=True, slots=True)
class UpdateEdited:
    """A known update whose text, stage or time was edited; ``is_return`` where it is again as it was once before."""

    incident: Incident
    before: Update
    after: Update
    is_return: bool = False


@dataclass(frozen=True, slots=True)
class IncidentRetitled:
    """The incident's title or impact has changed; ``is_return`` where they are again as they were once before."""

    before: Incident
    incident: Incident
    is_return: bool = False


@dataclass(frozen=True, slots=True)
class IncidentClosed:
    """The incident has ended; ``at`` is the vendor's time, None where it is unknown."""

    incident: Incident
    ending: IncidentEnding
    at: datetime | None


Change = IncidentOpened | IncidentReopened | UpdatePosted | UpdateEdited | IncidentRetitled | IncidentClosed


def detect_changes(tracked: Mapping[str, TrackedIncident], poll: PollResult) -> tuple[Change, ...]:
    """Returns the changes between the tracked incidents, by id, and this poll; none where the poll failed."""
    if not isinstance(poll.saw, Snapshot):
        return ()
    changes: list[Change] = []
    for incident in listed_incidents(poll.saw):
        changes += _incident_changes(tracked.get(incident.id), incident)
    for incident_id, ending in poll.endings.items():
        changes += _ending_changes(tracked.get(incident_id), ending)
    return tuple(changes)


def listed_incidents(snapshot: Snapshot) -> tuple[Incident, ...]:
    """Returns every incident and maintenance on the page, each id once, ordered by first update."""
    by_id = {i.id: i for i in (*(snapshot.maintenances or ()), *(snapshot.incidents or ()))}
    return tuple(sorted(by_id.values(), key=lambda i: (first_posted_at(i), i.id)))


def disappeared_incidents(tracked: Mapping[str, TrackedIncident], snapshot: Snapshot) -> tuple[str, ...]:
    """Returns the ids of open incidents that the page no longer lists; none where it has no list."""
    return tuple(
        i
        for i in unlisted_incidents(tracked, snapshot)
        if (snapshot.maintenances if tracked[i].incident.is_maintenance else snapshot.incidents) is not None
    )


def unlisted_incidents(tracked: Mapping[str, TrackedIncident], snapshot: Snapshot) -> tuple[str, ...]:
    """Returns the ids of open incidents that the page does not show, also where it has no list at all.

    Their own pages must be requested: an incident.io page leaves out the list on a healthy day
    (bot/docs/status-page-formats.md#incidentio-statuspage-form), so that absence proves nothing.
    """
    listed = {i.id for i in listed_incidents(snapshot)}
    return tuple(
        incident_id
        for incident_id, k in tracked.items()
        if k.is_open and incident_id not in listed and not k.incident.is_unposted
    )


def merge_components(before: tuple[Component, ...], snapshot: Snapshot) -> tuple[Component, ...]:
    """Returns the components listed now, and those listed earlier in their last condition.

    A page may leave components out (a rotating selection, a missing key), so an absent one has not changed. At most
    ``MAX_UNLISTED_COMPONENTS`` absent ones are kept, since a page may generate new ids at every poll.
    """
    if not snapshot.components:
        return before
    listed = {c.id: c for c in snapshot.components}
    unlisted = [c.id for c in before if c.id not in listed]
    forgotten = set(unlisted[:-MAX_UNLISTED_COMPONENTS])
    merged = {c.id: c for c in before if c.id not in forgotten} | listed
    return tuple(merged.values())


def first_posted_at(incident: Incident) -> datetime:
    """Returns the time of the incident's first update, by the vendor's clock; else when it was created."""
    return incident.updates[0].display_at if incident.updates else incident.created_at


def retroactive_changes(before: Incident | None, after: Incident) -> tuple[Change, ...]:
    """Returns the changes of an incident that is over: everything, or what is new since ``before``."""
    if before is None:
        return tuple(_incident_changes(None, after))
    return tuple(_update_changes(TrackedIncident(before, before.created_at), after))


def _incident_changes(tracked: TrackedIncident | None, after: Incident) -> Iterator[Change]:
    if tracked is None:
        yield IncidentOpened(after)
        yield from (UpdatePosted(after, update) for update in after.updates)
        if after.stage.is_closed:
            yield IncidentClosed(after, IncidentEnding.RESOLVED, _last_posted_at(after))
        return
    before = tracked.incident
    if not tracked.is_open and not after.stage.is_closed:
        yield IncidentReopened(after)
    returns = versions.times_replaced(tracked, versions.title_version(after))
    if (before.name, before.impact) != (after.name, after.impact) and returns <= versions.MAX_RETURNS:
        yield IncidentRetitled(before, after, is_return=returns > 0)
    yield from _update_changes(tracked, after)
    if tracked.is_open and after.stage.is_closed:
        ending = IncidentEnding.LAPSED if _is_lapsed(after) else IncidentEnding.RESOLVED
        yield IncidentClosed(after, ending, None if ending is IncidentEnding.LAPSED else _last_posted_at(after))


def _update_changes(tracked: TrackedIncident, after: Incident) -> Iterator[Change]:
    old_updates = {u.id: u for u in tracked.incident.updates}
    for update in after.updates:
        old_update = old_updates.get(update.id)
        if old_update is None:
            yield UpdatePosted(after, update)
        elif (old_update.body, old_update.stage) != (update.body, update.stage):
            returns = versions.times_replaced(tracked, versions.update_version(update))
            if returns <= versions.MAX_RETURNS:
                yield UpdateEdited(after, old_update, update, is_return=returns > 0)
        elif old_update.display_at != update.display_at:
            yield UpdateEdited(after, old_update, update)


def _ending_changes(tracked: TrackedIncident | None, ending: Incident | IncidentEnding) -> Iterator[Change]:
    if tracked is None or not tracked.is_open:
        return
    if isinstance(ending, Incident):
        yield from _incident_changes(tracked, ending) if ending.id == tracked.incident.id else ()
    else:
        yield IncidentClosed(tracked.incident, ending, None)


def _is_lapsed(incident: Incident) -> bool:
    """Whether a maintenance is over by the clock only, without an update that says so."""
    has_word = incident.updates and incident.updates[-1].stage.is_closed
    return incident.is_maintenance and incident.stage is Stage.COMPLETED and not has_word


def _last_posted_at(incident: Incident) -> datetime | None:
    return incident.updates[-1].display_at if incident.updates else None
