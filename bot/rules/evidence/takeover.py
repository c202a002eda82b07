"""Records that a vendor's incident takes over our own suspicions or unreported outages and their messages. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from bot.domain import TrackedIncident


def take_over_suspicions(
    incident: TrackedIncident, suspicions: Iterable[str], lead: timedelta | None
) -> TrackedIncident:
    """Returns the incident with these suspicions added, and with the longest lead of all that it has taken over."""
    leads = [known for known in (incident.lead, lead) if known is not None]
    return replace(
        incident, suspicions=tuple(dict.fromkeys((*incident.suspicions, *suspicions))), lead=max(leads, default=None)
    )
