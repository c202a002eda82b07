"""Collects everything recorded about one incident, for its export: as text on the command line, as files in Slack."""

from __future__ import annotations

from bot.messages.export import IncidentExport
from bot.queries.current import StatusQueries


def incident_export(queries: StatusQueries, typed: str, channel: str | None = None) -> IncidentExport:
    """Everything recorded about an incident; with ``channel``, only the notes and deliveries that it may read."""
    provider, tracked, events = queries.find_incident(typed, channel)
    archive, incident_id = queries.repository.archive, tracked.incident.id
    deliveries = tuple(d for d in archive.deliveries(incident_id) if channel in (None, d.channel))
    return IncidentExport(
        provider, tracked, events, archive.incident_labels(incident_id), deliveries, queries.surfaces(), queries.now()
    )
