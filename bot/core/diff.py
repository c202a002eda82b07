"""Two looks at a page -> what changed between them. Pure, and quiet about anything that proves nothing.

The rules (DESIGN.md section 4) that hold here: ids are the only keys (1); updates are compared by id and content (2);
an incident that left the page has not ended until its own page was asked (3); the page's indicator is never read (4);
what is missing has not changed (9).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.model import Component, Ending, Incident, Known, Look, Snapshot, Update

LEFT_OUT = 5000  # components that the page shows no longer


@dataclass(frozen=True, slots=True)
class Opened:
    """An incident that we did not know."""

    incident: Incident


@dataclass(frozen=True, slots=True)
class Reopened:
    """An incident that had ended is on the page again."""

    incident: Incident


@dataclass(frozen=True, slots=True)
class Posted:
    """A new update."""

    incident: Incident
    update: Update


@dataclass(frozen=True, slots=True)
class Edited:
    """An update we knew, with other words or another time."""

    incident: Incident
    before: Update
    after: Update


@dataclass(frozen=True, slots=True)
class Retitled:
    """Title or impact is another."""

    before: Incident
    incident: Incident


@dataclass(frozen=True, slots=True)
class Closed:
    """The incident has ended; ``at`` is the vendor's time where it is known."""

    incident: Incident
    ending: Ending
    at: datetime | None


Change = Opened | Reopened | Posted | Edited | Retitled | Closed


def diff(known: Mapping[str, Known], look: Look) -> tuple[Change, ...]:
    """What this look shows that the known incidents do not. An unusable look changes nothing."""
    if not isinstance(look.saw, Snapshot):
        return ()
    changes: list[Change] = []
    for incident in listed(look.saw):
        changes += _incident(known.get(incident.id), incident)
    for incident_id, end in look.endings.items():
        changes += _ending(known.get(incident_id), end)
    return tuple(changes)


def listed(snapshot: Snapshot) -> tuple[Incident, ...]:
    """Every incident and maintenance on the page, each id once, in the order of their first posts."""
    found = {i.id: i for i in (*(snapshot.maintenances or ()), *(snapshot.incidents or ()))}
    return tuple(sorted(found.values(), key=lambda i: (first_post(i), i.id)))


def gone(known: Mapping[str, Known], snapshot: Snapshot) -> tuple[str, ...]:
    """Open incidents that this page no longer lists. A missing list is no absence."""
    return tuple(
        i
        for i in unlisted(known, snapshot)
        if (snapshot.maintenances if known[i].incident.is_maintenance else snapshot.incidents) is not None
    )


def unlisted(known: Mapping[str, Known], snapshot: Snapshot) -> tuple[str, ...]:
    """Open incidents that this page does not show, also where it has no list at all: their own pages must be asked.

    An incident.io page leaves the list out on a healthy day (status-sources.md 3.1); asking proves what absence can't.
    """
    there = {i.id for i in listed(snapshot)}
    return tuple(
        known_id for known_id, k in known.items() if k.is_open and known_id not in there and not k.incident.is_unposted
    )


def components(before: tuple[Component, ...], snapshot: Snapshot) -> tuple[Component, ...]:
    """The components as now known: what the page left out (a rotating shim, a missing key) keeps what it last said.

    Of those that it left out, so many are remembered: a page may make up new ids at every look.
    """
    if not snapshot.components:
        return before
    shown = {c.id: c for c in snapshot.components}
    left_out = [c.id for c in before if c.id not in shown]
    forgotten = set(left_out[:-LEFT_OUT])
    merged = {c.id: c for c in before if c.id not in forgotten} | shown
    return tuple(merged.values())


def first_post(incident: Incident) -> datetime:
    """When the vendor first posted about it, by its own clock."""
    return incident.updates[0].display_at if incident.updates else incident.created_at


def _incident(known: Known | None, now: Incident) -> Iterator[Change]:
    if known is None:
        yield Opened(now)
        yield from (Posted(now, update) for update in now.updates)
        if now.stage.is_closed:
            yield Closed(now, Ending.RESOLVED, _last_post(now))
        return
    before = known.incident
    if not known.is_open and not now.stage.is_closed:
        yield Reopened(now)
    if (before.name, before.impact) != (now.name, now.impact):
        yield Retitled(before, now)
    yield from _updates(before, now)
    if known.is_open and now.stage.is_closed:
        yield Closed(now, Ending.RESOLVED, _last_post(now))


def _updates(before: Incident, now: Incident) -> Iterator[Change]:
    old = {u.id: u for u in before.updates}
    for update in now.updates:
        was = old.get(update.id)
        if was is None:
            yield Posted(now, update)
        elif (was.body, was.stage, was.display_at) != (update.body, update.stage, update.display_at):
            yield Edited(now, was, update)


def _ending(known: Known | None, end: Incident | Ending) -> Iterator[Change]:
    if known is None or not known.is_open:
        return
    if isinstance(end, Incident):
        yield from _incident(known, end) if end.id == known.incident.id else ()
    else:
        yield Closed(known.incident, end, None)


def _last_post(incident: Incident) -> datetime | None:
    return incident.updates[-1].display_at if incident.updates else None
