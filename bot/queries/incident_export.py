"""Collects everything recorded about one incident, for its summary and its export."""

from __future__ import annotations

from datetime import datetime

from bot.domain import Event, EventKind, Provider, TrackedIncident
from bot.domain.reliability import TimeWindow
from bot.messages import summary
from bot.messages.export import IncidentExport
from bot.queries.current import StatusQueries
from bot.rules.changes.diff import first_posted_at

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
    """What is recorded beside an incident: what others did to its surfaces, the end of its history, and evidence."""
    until = _history_until(queries, provider, tracked)
    window = TimeWindow(first_posted_at(tracked.incident), tracked.closed_at or until or queries.now())
    evidence = queries.evidence_totals(tracked)
    return summary.Surroundings(_changes_by_others(queries, provider, tracked, window), until, tuple(evidence))


def _history_until(queries: StatusQueries, provider: Provider, tracked: TrackedIncident) -> datetime | None:
    if not tracked.is_backfilled or tracked.closed_at is not None:
        return None
    return queries.repository.archive.history_until(provider.id, first_posted_at(tracked.incident))


def _changes_by_others(
    queries: StatusQueries, provider: Provider, tracked: TrackedIncident, window: TimeWindow
) -> tuple[Event, ...]:
    """The changes of the incident's surfaces up to its end that belong to other incidents, in time order."""
    surfaces = set(tracked.surfaces)
    others = [
        course
        for course in queries.repository.archive.incident_courses([provider.id], window)
        if course.incident != tracked.incident.id and surfaces.intersection(course.surfaces)
    ]
    changes: list[Event] = []
    for course in others[-_MAX_OTHERS:]:
        stored = queries.repository.tracked_incident(course.incident)
        events = queries.repository.events(course.incident)
        changes += summary.with_vendor_times(stored[1], events) if stored else events
    kept = (
        e for e in changes if e.kind is EventKind.SURFACE_CHANGED and e.surface in surfaces and e.seen_at <= window.end
    )
    return tuple(sorted(kept, key=lambda e: e.seen_at))
