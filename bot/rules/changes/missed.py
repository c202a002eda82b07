"""Finds the incidents that opened and ended during a time without polls. No I/O.

Alerts report the present state, however late (bot/docs/decisions.md#11-level-not-edge). Only incidents that ended after
the last poll before the gap, and within a day, are alerted; one that was posted long after the fact or was never open
is only recorded in the timeline (bot/docs/decisions.md#rule-8-the-first-poll-is-a-baseline).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain import Incident, Provider, Snapshot, Stage
from bot.rules.attribution.attribute import AFFECTING_KINDS, attribute_incident
from bot.rules.attribution.components import find_component_link
from bot.rules.attribution.explain import last_attribution
from bot.rules.changes.diff import first_posted_at

# polls further apart than this leave a gap (bot/docs/verdict-rules.md#time-without-polls)
MONITORING_GAP = timedelta(minutes=5)
REPORTABLE_FOR = timedelta(hours=24)
MAX_SEPARATE_ALERTS = 3  # after one gap; more missed incidents are reported in one message


def is_monitoring_gap(seen_at: datetime | None, at: datetime) -> bool:
    """Whether two polls are so far apart that changes may be missed; False before the first poll."""
    return seen_at is not None and at - seen_at > MONITORING_GAP


def vendor_time_range(incident: Incident) -> tuple[datetime, datetime]:
    """Returns the times of the incident's first and last update, by the vendor's clock."""
    return first_posted_at(incident), incident.updates[-1].display_at if incident.updates else incident.created_at


def is_missed(incident: Incident, since: datetime, at: datetime) -> bool:
    """Whether an untracked incident was open for a while and ended after ``since`` and within a day before ``at``."""
    start, end = vendor_time_range(incident)
    is_reportable = incident.stage.is_closed and not incident.is_maintenance
    return is_reportable and start < end and since < end and at - end <= REPORTABLE_FOR


def add_missed_incidents(
    page: Snapshot, every: Iterable[Incident], known: Collection[str], since: datetime, at: datetime
) -> Snapshot:
    """Returns the page with the missed incidents among ``every`` (all that the provider lists) added, but known ids."""
    known_ids = {i.id for i in page.incidents or ()} | set(known)
    missed = tuple(i for i in every if i.id not in known_ids and is_missed(i, since, at))
    return replace(page, incidents=(*(page.incidents or ()), *missed)) if missed else page


def posted_late_surfaces(incident: Incident, provider: Provider) -> tuple[str, ...]:
    """Returns the surfaces that an incident affected all of whose updates say that it is over; for all others none.

    Those are the surfaces of the components that it lists and of those that its updates changed; where it lists none,
    those that its first post names.
    """
    updates = incident.updates
    if incident.is_maintenance or not updates or not all(u.stage.is_closed for u in updates):
        return ()
    listed = {word for c in incident.components for word in (c.id, c.name)}
    found = [s.id for s in provider.surfaces if listed.intersection(s.components)]
    found += moved_surfaces(incident, provider)
    if found or incident.components:
        return tuple(dict.fromkeys(found))
    first = replace(updates[0], stage=Stage.INVESTIGATING)
    as_open = replace(incident, stage=first.stage, updates=(first,))
    return tuple(
        a.surface for a in attribute_incident(as_open, {}, provider, first.display_at) if a.weight in AFFECTING_KINDS
    )


def moved_surfaces(incident: Incident, provider: Provider) -> tuple[str, ...]:
    """Returns the surfaces that became bad by the component transitions of the incident's updates."""
    moved = (
        link.surface
        for update in incident.updates
        for move in update.transitions or ()
        if move.new.is_bad and (link := find_component_link(move.component_id, move.name, provider))
    )
    return tuple(dict.fromkeys(moved))


def affected_surfaces(incident: Incident, provider: Provider, at: datetime) -> tuple[str, ...]:
    """Returns the ids of the surfaces that the incident affected before its closing update."""
    attributions = last_attribution(incident, provider, at)
    return tuple(a.surface for a in attributions if a.weight in AFFECTING_KINDS)
