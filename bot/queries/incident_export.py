"""Collects everything recorded about one incident, for its summary and its export."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from bot.domain import Event, EventKind, Provider, TrackedIncident, Update
from bot.domain.reliability import NOTHING_STATED, StatedTimes, TimeWindow
from bot.messages import summary
from bot.messages.export import IncidentExport
from bot.queries.current import StatusQueries
from bot.queries.history import HistoryQueries
from bot.rules.attribution.components import find_component_link
from bot.rules.changes.diff import first_posted_at
from bot.rules.reliability.stated import stated_times

_CHANGES = (EventKind.SURFACE_CHANGED, EventKind.VERDICT_CHANGED)
_LONGEST_BEFORE = timedelta(days=31)  # a service that was affected longer before an incident was so since then
_ONE_MINUTE = timedelta(minutes=1)
_Causes = Mapping[tuple[str, datetime], str]  # by surface and minute, the incident that changed it
_MAX_OTHERS = 50  # incidents at the same time that are looked into


def incident_export(queries: StatusQueries, typed: str, channel: str | None = None) -> IncidentExport:
    """Everything recorded about an incident; with ``channel``, only the notes and deliveries that it may read."""
    provider, tracked, events = queries.find_incident(typed, channel)
    archive, incident_id = queries.repository.archive, tracked.incident.id
    deliveries = tuple(d for d in archive.deliveries(incident_id) if channel in (None, d.channel))
    return IncidentExport(
        provider,
        tracked,
        events,
        archive.incident_labels(incident_id),
        deliveries,
        queries.surfaces(),
        queries.now(),
        surroundings=surroundings(queries, provider, tracked),
    )


def surroundings(queries: StatusQueries, provider: Provider, tracked: TrackedIncident) -> summary.Surroundings:
    """What is recorded beside an incident: the status of its services, the end of its history, and evidence."""
    archive, until = queries.repository.archive, _history_until(queries, provider, tracked)
    stated = stated_by(tracked)
    first, last = first_posted_at(tracked.incident), tracked.closed_at or until or queries.now()
    first, last = min([first, *(w.start for w in stated.windows)]), max([last, *(w.end for w in stated.windows)])
    window = TimeWindow(first, last)
    beside = TimeWindow(window.start - _ONE_MINUTE, last + _ONE_MINUTE)  # what it follows, and what follows it
    others = _overlapping_incidents(queries, provider, tracked, beside)
    recorded = [
        event
        for known in (*others, tracked)
        for event in summary.with_vendor_times(known, queries.repository.events(known.incident.id))
        if event.kind in _CHANGES and event.surface in tracked.surfaces and event.seen_at <= window.end
    ]
    changes = sorted(recorded, key=lambda e: e.seen_at)
    stated_causes = _stated_causes([*others, tracked])
    causes = {**stated_causes, **_causes(provider, [*others, tracked])}
    courses, imputed = _status_courses(queries, provider, tracked, window, (changes, causes, stated_causes))
    return summary.Surroundings(
        changes=tuple(e for e in changes if e.incident != tracked.incident.id),
        history_until=until,
        evidence=tuple(queries.evidence_totals(tracked)),
        courses=courses,
        imputed=imputed,
        components=archive.incident_components(provider.id, tracked.incident.id),
        stated=stated,
    )


def stated_by(tracked: TrackedIncident) -> StatedTimes:
    """When it was bad by the text of an incident that was posted when it was over; nothing for all others."""
    incident = tracked.incident
    if incident.is_maintenance or incident.is_unposted or not summary.is_posted_late(tracked):
        return NOTHING_STATED
    title = (incident.name, first_posted_at(incident))
    return stated_times((title, *((u.body, u.display_at) for u in incident.updates)))


def _status_courses(
    queries: StatusQueries,
    provider: Provider,
    tracked: TrackedIncident,
    window: TimeWindow,
    recorded: tuple[Sequence[Event], _Causes, _Causes],
) -> tuple[tuple[Event, ...], frozenset[tuple[str, datetime]]]:
    """The status of each of its services as the reliability report counts it, as events from the first post on.

    What was so before it is the first event of its service, dated when it began. The second value are the changes, by
    surface and time, for which the impact of an incident stands. ``recorded`` are the recorded changes, in time order,
    and what updates changed by ``_causes`` and ``_stated_causes``: they say which incident a change is of, and which
    changes only a text states.
    """
    changes, causes, stated_causes = recorded
    history = HistoryQueries(queries.repository.archive, queries.now())
    is_ended = tracked.closed_at is not None
    known = TimeWindow(window.start - _LONGEST_BEFORE, window.end + (_ONE_MINUTE if is_ended else timedelta()))
    courses: list[Event] = []
    imputed: set[tuple[str, datetime]] = set()
    affected = [s for s in provider.surfaces if s.id in tracked.surfaces]
    for surface, periods in history.periods_by_surface(provider, affected, known).items() if affected else ():
        own = [e for e in changes if e.surface == surface and e.kind is EventKind.SURFACE_CHANGED]
        for period in periods:
            if period.end < window.start or period.start > window.end:
                continue
            newest = next((e for e in reversed(own) if e.seen_at <= period.start + _ONE_MINUTE), None)
            minute = period.start.replace(second=0, microsecond=0)
            is_stated = (surface, minute) in stated_causes
            is_of_text = period.inferred and (is_stated or (newest is not None and newest.inferred))
            if period.inferred and not is_of_text:
                imputed.add((surface, period.start))
            cause = causes.get((surface, minute)) or (newest.incident if newest else None)
            courses.append(
                Event(
                    *(EventKind.SURFACE_CHANGED, provider.id, period.start, period.start, cause),
                    surface=surface,
                    condition=period.condition,
                    inferred=is_of_text,
                )
            )
    return tuple(sorted(courses, key=lambda e: e.seen_at)), frozenset(imputed)


def _history_until(queries: StatusQueries, provider: Provider, tracked: TrackedIncident) -> datetime | None:
    if not tracked.is_backfilled or tracked.closed_at is not None:
        return None
    return queries.repository.archive.history_until(provider.id, first_posted_at(tracked.incident))


def _overlapping_incidents(
    queries: StatusQueries, provider: Provider, tracked: TrackedIncident, window: TimeWindow
) -> list[TrackedIncident]:
    """The other incidents of these surfaces that were open in the window, the newest of them if there are many."""
    ids = [
        course.incident
        for course in queries.repository.archive.incident_courses([provider.id], window)
        if course.incident != tracked.incident.id and set(tracked.surfaces).intersection(course.surfaces)
    ]
    stored = (queries.repository.tracked_incident(i) for i in ids[-_MAX_OTHERS:])
    return [other for _, other in filter(None, stored)]


def _stated_causes(incidents: Iterable[TrackedIncident]) -> _Causes:
    """Which incident a surface became bad by in a minute, where only the text of a late post states it."""
    return {
        (surface, window.start.replace(second=0, microsecond=0)): tracked.incident.id
        for tracked in incidents
        for window in stated_by(tracked).windows
        for surface in tracked.surfaces
    }


def _causes(provider: Provider, incidents: Iterable[TrackedIncident]) -> _Causes:
    """Which incident changed a surface in a minute, by the transitions of its updates; the last one given wins.

    What an incident leaves a surface in when it ends is not of that incident, but of one that begins with it.
    """
    return {
        (surface, update.display_at.replace(second=0, microsecond=0)): tracked.incident.id
        for tracked in incidents
        for update, surface in _changes_by(tracked, provider)
    }


def _changes_by(tracked: TrackedIncident, provider: Provider) -> Iterator[tuple[Update, str]]:
    """The updates of an incident that set a surface: to another status, or for the first time."""
    mentioned: set[str] = set()
    for update in tracked.incident.updates:
        for move in update.transitions or ():
            link = find_component_link(move.component_id, move.name, provider)
            if link is None:
                continue
            is_first = link.surface not in mentioned and move.new.is_bad
            mentioned.add(link.surface)
            if not update.stage.is_closed and (is_first or move.old is not move.new):
                yield update, link.surface
