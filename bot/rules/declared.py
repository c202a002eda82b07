"""What people and the passing of time do to an incident that a team declared. No I/O.

Each function returns the incident as it is then, and the entry of its own timeline. Where nothing changes, the incident
is the same, and nothing is recorded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from bot.domain import (
    Advice,
    Alert,
    DeclaredEntry,
    DeclaredEntryKind,
    DeclaredIncident,
    DeclaredSeverity,
    Event,
    EventKind,
    UserAction,
)

MAX_TITLE = 150  # characters; what a header of Slack takes

Change = tuple[DeclaredIncident, DeclaredEntry]


def acknowledge(incident: DeclaredIncident, mark: UserAction) -> Change:
    """Somebody handles it. The first one counts."""
    return replace(incident, acked=incident.acked or mark), DeclaredEntry(DeclaredEntryKind.ACKED, mark)


def set_severity(incident: DeclaredIncident, severity: DeclaredSeverity, mark: UserAction) -> Change:
    """It matters more or less than was thought."""
    return replace(incident, severity=severity), DeclaredEntry(DeclaredEntryKind.SEVERITY, mark, severity)


def rename(incident: DeclaredIncident, title: str, mark: UserAction) -> Change:
    """It gets another title, which is cut where it is too long."""
    title = clean_title(title) or incident.title
    return replace(incident, title=title), DeclaredEntry(DeclaredEntryKind.RENAMED, mark, title)


def clean_title(typed: str) -> str:
    """A title as it is kept: one line of at most 150 characters."""
    return " ".join(typed.split())[:MAX_TITLE].rstrip()


def link(incident: DeclaredIncident, vendor_incident: str, mark: UserAction) -> Change:
    """It is about one more incident of a vendor."""
    incidents = tuple(dict.fromkeys((*incident.incidents, vendor_incident)))
    return replace(incident, incidents=incidents), DeclaredEntry(DeclaredEntryKind.LINKED, mark, vendor_incident)


def close(incident: DeclaredIncident, mark: UserAction, safe_since: datetime | None) -> Change:
    """It is over for the team. ``safe_since`` is since when it is safe to retry; None where it is not."""
    entry = DeclaredEntry(DeclaredEntryKind.CLOSED, mark)
    return (replace(incident, closed=mark, safe_since=safe_since) if incident.is_open else incident), entry


def reopen(incident: DeclaredIncident, mark: UserAction) -> Change:
    """It is not over. It is not closed by itself after that: a person wanted it open."""
    entry = DeclaredEntry(DeclaredEntryKind.REOPENED, mark)
    if incident.is_open:
        return incident, entry
    return replace(incident, closed=None, safe_since=None, closes_when_safe=False), entry


def safe_since(alerts: Iterable[Alert]) -> datetime | None:
    """Since when every service of these vendors' incidents is safe to retry; None where one is not, or for none."""
    times = [_safe_since(alert) for alert in alerts]
    known = [at for at in times if at is not None]
    return max(known) if known and len(known) == len(times) else None


def _safe_since(alert: Alert) -> datetime | None:
    if alert.cleared_at is not None or alert.closed_at is None:
        return alert.cleared_at
    is_safe = all(line.verdict.call is Advice.RETRY_NORMALLY for line in alert.lines)
    return alert.closed_at if is_safe else None


def reopened_after(incident: DeclaredIncident, events: Iterable[Event]) -> datetime | None:
    """When a vendor's incident was opened again after the team closed its own; None where none was."""
    if incident.closed is None:
        return None
    times = (e.seen_at for e in events if e.kind is EventKind.INCIDENT_REOPENED and e.seen_at > incident.closed.at)
    return max(times, default=None)
