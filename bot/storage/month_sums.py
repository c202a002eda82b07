"""Stored sums of months that have passed, from which long reports are computed (``bot/rules/reliability/sums.py``).

A row is deleted by triggers as soon as a record changes that it depends on. Whoever computes sums reserves the row
before the records are read; if the reservation is gone when the sums are stored, they are thrown away.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.domain import Condition, Stage
from bot.domain.reliability import FigureSums, IncidentSums, MonthSums, OutageCount, TimeWindow
from bot.storage.connection import Database, Upsert
from bot.storage.mapping import format_time

_UNIT = timedelta(microseconds=1)
_CONDITIONS = {str(condition): condition for condition in Condition}  # faster than the enumeration itself
_STAGES = {str(stage): stage for stage in Stage}
_NEVER = "null"  # of a month whose sums are not stored
_RESERVED_AGAIN = Upsert(key=("provider", "month"))


def stored_sums(db: Database, provider: str, basis: str, months: Collection[str]) -> dict[str, MonthSums]:
    """The stored sums of those of the months (such as 2026-03) that have some, in time order."""
    rows = db.rows(
        "SELECT month, sums FROM month_sums WHERE provider = ? AND basis = ? AND month BETWEEN ? AND ?"
        " AND sums IS NOT NULL AND sums <> ? ORDER BY month",
        *(provider, basis, min(months, default=""), max(months, default=""), _NEVER),
    )
    return {row["month"]: _read_month(json.loads(row["sums"])) for row in rows if row["month"] in months}


def finished_months(db: Database, provider: str, basis: str) -> frozenset[str]:
    """The months that need no more work: their sums are stored, or never will be."""
    query = "SELECT month FROM month_sums WHERE provider = ? AND basis = ? AND sums IS NOT NULL"
    return frozenset(row["month"] for row in db.rows(query, provider, basis))


def reserve(db: Database, provider: str, basis: str, token: str, reads: Mapping[str, TimeWindow]) -> None:
    """Reserves the rows of months for ``token``, before the records are read that their sums are computed from.

    Args:
        db: The database.
        provider: Whose months.
        basis: What else the sums depend on.
        token: Names who computes them; another one each time.
        reads: By month, the time whose records its sums depend on.
    """
    rows = (
        {
            "provider": provider,
            "month": month,
            "basis": basis,
            "reads_from": format_time(window.start),
            "reads_until": format_time(window.end),
            "token": token,
            "sums": None,
        }
        for month, window in reads.items()
    )
    with db.transaction():
        db.insert_all("month_sums", rows, _RESERVED_AGAIN)


def store(db: Database, provider: str, token: str, found: Mapping[str, MonthSums | None]) -> int:
    """Stores the sums of reserved months, None for those that are never stored; returns how many were stored.

    Those whose reservation is gone are thrown away: something has changed meanwhile.
    """
    with db.transaction():
        return sum(
            db.write(
                "UPDATE month_sums SET sums = ?, token = '' WHERE provider = ? AND month = ? AND token = ?",
                *(_month_text(sums) if sums else _NEVER, provider, month, token),
            )
            for month, sums in found.items()
        )


def crowded_borders(db: Database, provider: str, borders: Iterable[datetime], apart: timedelta) -> frozenset[datetime]:
    """The times that have an incident's first post shortly before and another shortly after them.

    Args:
        db: The database.
        provider: Whose incidents.
        borders: The times.
        apart: The two posts are at most so far apart.
    """
    query = (
        "SELECT (SELECT max(posted_at) FROM incidents WHERE provider = :provider AND posted_at < :at"
        " AND posted_at >= :before) AS last, (SELECT min(posted_at) FROM incidents WHERE provider = :provider"
        " AND posted_at >= :at AND posted_at <= :after) AS first"
    )
    crowded = set()
    for at in borders:
        times = {"at": format_time(at), "before": format_time(at - apart), "after": format_time(at + apart)}
        [row] = db.rows(query, provider=provider, **times)
        if row["last"] is not None and row["first"] is not None:
            crowded.add(at)
    return frozenset(crowded)


def _month_text(sums: MonthSums) -> str:
    values = {
        "counted": sums.counted,
        "doubles": sums.possible_doubles,
        "whole": _sums_values(sums.whole),
        "surfaces": {surface: _sums_values(found) for surface, found in sums.surfaces.items()},
    }
    return json.dumps(values, separators=(",", ":"))


def _read_month(values: dict[str, Any]) -> MonthSums:
    return MonthSums(
        _read_sums(values["whole"]),
        {surface: _read_sums(found) for surface, found in values["surfaces"].items()},
        tuple(values["counted"]),
        tuple((first, second) for first, second in values["doubles"]),
    )


def _sums_values(sums: FigureSums) -> dict[str, object]:
    """The sums as JSON values: lengths of time in microseconds, without what is zero."""
    found, outages = sums.incidents, sums.outages
    values = {
        "minutes": {condition: length // _UNIT for condition, length in sums.minutes.items() if length},
        "inferred": sums.inferred // _UNIT,
        "outages": [outages.count, _number(outages.unknown_before), _number(outages.unknown_after)],
        "counted": found.counted,
        "post_hoc": found.post_hoc,
        "unposted": found.unposted,
        "to_resolve": found.to_resolve,
        "stages": found.stages,
        "vendor_lag": found.vendor_lag,
        "our_lag": found.our_lag,
        "months": found.months,
    }
    return {name: value for name, value in values.items() if value}


def _read_sums(values: dict[str, Any]) -> FigureSums:
    count, before, after = values["outages"]
    minutes = dict.fromkeys(Condition, timedelta())
    for condition, length in values.get("minutes", {}).items():
        minutes[_CONDITIONS[condition]] = timedelta(microseconds=length)
    return FigureSums(
        minutes,
        timedelta(microseconds=values.get("inferred", 0)),
        OutageCount(count, _length(before), _length(after)),
        IncidentSums(
            values.get("counted", 0),
            values.get("post_hoc", 0),
            values.get("unposted", 0),
            tuple(values.get("to_resolve", ())),
            {_STAGES[stage]: tuple(lengths) for stage, lengths in values.get("stages", {}).items()},
            tuple(values.get("vendor_lag", ())),
            tuple(values.get("our_lag", ())),
            values.get("months", {}),
        ),
    )


def _number(length: timedelta | None) -> int | None:
    return None if length is None else length // _UNIT


def _length(number: int | None) -> timedelta | None:
    return None if number is None else timedelta(microseconds=number)
