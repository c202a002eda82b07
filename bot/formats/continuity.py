"""Fits a page to what is known of it, where its entries lack what tells them apart from poll to poll.

An update without a time keeps the time at which it was first seen; an incident without an id keeps the id of the
incident with its title that has left the list; an incident under a new id that begins like one that has left the list
is that one; an impact that the page no longer states stays as it was; and an update whose id is made of its time, and
that only carries a newer time, is the update that it was (bot/docs/status-page-formats.md#odd-entries,
#touched-without-a-word).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain import Impact, Incident, Snapshot, Stage, TrackedIncident, Update

LAPSED_AFTER = timedelta(hours=24)  # bot/docs/verdict-rules.md#maintenance


def continue_from(snapshot: Snapshot, known: Iterable[TrackedIncident], at: datetime) -> Snapshot:
    """The snapshot at ``at`` with known ids and times in place of those that this poll had to make up.

    A maintenance that no one completed is completed (``_lapsed``).
    """
    by_id = {k.incident.id: k.incident for k in known}
    open_incidents = [k.incident for k in known if k.is_open]
    listed_ids = {i.id for i in (*(snapshot.incidents or ()), *(snapshot.maintenances or ()))}
    absent = [i for i in open_incidents if i.id not in listed_ids and not i.is_unposted]

    def fitted(incidents: tuple[Incident, ...] | None) -> tuple[Incident, ...] | None:
        if incidents is None:
            return None
        identified = (_identified(i, absent, snapshot, is_new=i.id not in by_id) for i in incidents)
        fitted_incidents = (_fitted(i, by_id, snapshot.undated) for i in identified)
        return tuple(_lapsed(i, at) for i in fitted_incidents)

    return replace(snapshot, incidents=fitted(snapshot.incidents), maintenances=fitted(snapshot.maintenances))


def continue_incident(shown: Incident, known: Incident) -> Incident:
    """One incident, as its own page or the list of all shows it, without touches."""
    return _fitted(shown, {known.id: known}, frozenset())


def _lapsed(incident: Incident, at: datetime) -> Incident:
    """A maintenance as completed, a day after its planned end and its last update, or as long as it was planned for."""
    if not incident.is_maintenance or incident.stage.is_closed:
        return incident
    start = incident.scheduled_for or incident.created_at
    end = incident.scheduled_until or start
    last_word = max((u.display_at for u in incident.updates if u.display_at <= at), default=end)
    is_over = at - max(end, last_word) >= max(LAPSED_AFTER, end - start)
    return replace(incident, stage=Stage.COMPLETED) if is_over else incident


def _identified(shown: Incident, absent: list[Incident], snapshot: Snapshot, *, is_new: bool) -> Incident:
    """An incident under the id of the one that it continues and that has left the list, where there is exactly one.

    Without an id, that is the one of its title; under a new id, the one whose title and first post it has.
    """
    if shown.id in snapshot.unidentified:
        same = [i for i in absent if (i.name, i.is_maintenance) == (shown.name, shown.is_maintenance)]
    elif is_new:
        same = [i for i in absent if _has_same_beginning(i, shown)]
    else:
        return shown
    if len(same) != 1:
        return shown
    absent.remove(same[0])
    return replace(shown, id=same[0].id)


def _has_same_beginning(known: Incident, shown: Incident) -> bool:
    """Whether two incidents have the same title and the same first post, at the same time."""
    if (known.name, known.is_maintenance) != (shown.name, shown.is_maintenance):
        return False
    if not known.updates or not shown.updates:
        return False
    before, after = known.updates[0], shown.updates[0]
    return bool(before.body) and (before.stage, before.body, before.display_at) == (
        after.stage,
        after.body,
        after.display_at,
    )


def _fitted(shown: Incident, known: dict[str, Incident], undated: frozenset[str]) -> Incident:
    before = known.get(shown.id)
    if before is None:
        return shown
    created_at = before.created_at if shown.id in undated else shown.created_at
    impact = before.impact if shown.impact is Impact.UNKNOWN else shown.impact
    known_updates = {u.id: u for u in before.updates}
    listed = {u.id for u in shown.updates}
    newest = before.updates[-1].id if before.updates else ""
    replaceable = [u for u in before.updates if u.id not in listed and (u.body or u.id == newest)]
    updates = tuple(_fitted_update(u, known_updates, replaceable, undated) for u in shown.updates)
    if (updates, created_at, impact) == (shown.updates, shown.created_at, shown.impact):
        return shown
    in_order = tuple(sorted(updates, key=lambda u: u.display_at))
    return replace(shown, created_at=created_at, impact=impact, updates=in_order)


def _fitted_update(
    shown: Update, known: dict[str, Update], replaceable: list[Update], undated: frozenset[str]
) -> Update:
    """A known update keeps its time if it has none; a new one that says what one said that it replaces is that one."""
    if shown.id in known:
        before = known[shown.id]
        is_textless_touch = not shown.body and not before.body and shown.stage is before.stage
        keeps_time = shown.id in undated or is_textless_touch
        return replace(shown, display_at=before.display_at) if keeps_time else shown
    for before in reversed(replaceable):
        if (before.stage, before.body) == (shown.stage, shown.body) and (
            before.transitions == shown.transitions or shown.transitions is None
        ):
            replaceable.remove(before)
            return before
    return shown
