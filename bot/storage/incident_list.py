"""The list of recorded incidents, by provider, service, state, year and words, in pages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.domain import Stage
from bot.storage.connection import Database
from bot.storage.mapping import parse_time


class IncidentState(StrEnum):
    """Which incidents a list has."""

    OPEN = "open"
    RESOLVED = "resolved"
    MAINTENANCE = "maintenance"


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """What a list is restricted to; None and an empty tuple restrict nothing. ``ids`` are the hits of a search."""

    provider: str | None = None
    surface: str | None = None
    state: IncidentState | None = None
    year: int | None = None
    ids: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class ListedIncident:
    """One incident of a list, without its posts. ``last_posted_at`` is the vendor's newest post, or its first."""

    id: str
    provider: str
    title: str
    stage: Stage
    posted_at: datetime
    closed_at: datetime | None
    surfaces: tuple[str, ...]
    is_maintenance: bool
    last_text: str
    last_posted_at: datetime


_OPEN = {
    IncidentState.OPEN: "closed_at IS NULL AND is_maintenance = 0",
    IncidentState.RESOLVED: "closed_at IS NOT NULL AND is_maintenance = 0",
    IncidentState.MAINTENANCE: "is_maintenance = 1",
}
_COLUMNS = "id, source, provider, name, stage, posted_at, closed_at, surfaces, is_maintenance"


def list_incidents(
    db: Database, providers: Sequence[str], wanted: IncidentFilter, limit: int, offset: int = 0
) -> tuple[ListedIncident, ...]:
    """The incidents of these providers that pass the filter, the newest first post first."""
    clauses, values = ["provider IN (SELECT value FROM json_each(CAST(? AS TEXT)))"], [json.dumps(list(providers))]
    if wanted.provider is not None:
        clauses, values = [*clauses, "provider = ?"], [*values, wanted.provider]
    if wanted.state is not None:
        clauses = [*clauses, _OPEN[wanted.state]]
    if wanted.surface is not None:
        clauses.append(
            "EXISTS (SELECT 1 FROM incident_surfaces s WHERE s.surface = ? AND s.posted_at = incidents.posted_at"
            " AND s.source = incidents.source AND s.incident = incidents.id)"
        )
        values.append(wanted.surface)
    if wanted.year is not None:
        clauses.append("posted_at >= ? AND posted_at < ?")
        values += [_year_start(wanted.year), _year_start(wanted.year + 1)]
    if wanted.ids is not None:
        clauses, values = (
            [*clauses, "id IN (SELECT value FROM json_each(CAST(? AS TEXT)))"],
            [*values, json.dumps(list(wanted.ids))],
        )
    rows = db.rows(
        f"SELECT {_COLUMNS} FROM incidents WHERE {' AND '.join(clauses)}"  # noqa: S608  (the clauses above)
        " ORDER BY posted_at DESC, id LIMIT ? OFFSET ?",
        *(*values, limit, offset),
    )
    return tuple(_listed_incident(db, row) for row in rows)


def incident_years(db: Database) -> tuple[int, ...]:
    """The years from the newest incident's back to the oldest one's; empty without incidents."""
    [row] = db.rows("SELECT min(posted_at) AS first, max(posted_at) AS last FROM incidents")
    if row["first"] is None:
        return ()
    return tuple(range(parse_time(row["last"]).year, parse_time(row["first"]).year - 1, -1))


def _listed_incident(db: Database, row: dict[str, Any]) -> ListedIncident:
    last = db.rows(
        "SELECT body, display_at FROM updates WHERE source = ? AND incident = ?"
        " ORDER BY display_at DESC, version DESC LIMIT 1",
        *(row["source"], row["id"]),
    )
    posted_at = parse_time(row["posted_at"])
    return ListedIncident(
        id=row["id"],
        provider=row["provider"],
        title=row["name"],
        stage=Stage(row["stage"]),
        posted_at=posted_at,
        closed_at=parse_time(row["closed_at"]) if row["closed_at"] else None,
        surfaces=tuple(json.loads(row["surfaces"])),
        is_maintenance=bool(row["is_maintenance"]),
        last_text=last[0]["body"] if last else "",
        last_posted_at=max(parse_time(last[0]["display_at"]), posted_at) if last else posted_at,
    )


def _year_start(year: int) -> str:
    """The beginning of a year in the form of the table's times."""
    return f"{year:04}-01-01"
