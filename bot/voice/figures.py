"""Figures -> what people and programs read: answers, table rows, and JSON values. Pure.

The definition is always named, and a figure that has no value says so ("-", null) instead of 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bot.model import Condition, Message
from bot.voice import strip, words
from bot.voice.sheet import Para, sheet
from bot.years import ICPE25, OURS, PARTIAL, Budget, Course, Day, Figures, Spread, Table, Window

NONE = "-"
SHOWN = 20  # incidents in one answer

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: what it is called, what its figures mean, its head and its rows."""

    title: str
    note: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


# --- ours -------------------------------------------------------------------------------------------------------------


def grids(found: Sequence[Figures], window: Window) -> tuple[Grid, ...]:
    """The report for people: how the time went, how trouble went, and the error budgets where there are any."""
    title = f"Reliability, {_window(window)}"
    head: tuple[str, ...] = (
        "surface",
        "incidents",
        "available",
        "degraded",
        "partly down",
        "down",
        "maintenance",
        "unknown",
    )
    tables = [
        Grid(f"{title}: the time", "", head, tuple(map(_time_row, found))),
        Grid(f"{title}: the trouble", "", _TROUBLE, tuple(map(_trouble_row, found))),
    ]
    budgets = tuple(_budget_row(f.surface, f.budget) for f in found if f.budget)
    if budgets:
        head = ("surface", "SLO", "budget of 30 days", "left", "burn rate of 7 days", "runs out")
        tables.append(Grid(f"{title}: error budgets", "", head, budgets))
    return (*tables[:-1], replace(tables[-1], note=OURS.text))


_TROUBLE = (
    "surface",
    "stretches",
    "MTTR mean",
    "MTTR median",
    "MTBF",
    "vendor lag median",
    "our lag median",
    "told late",
)


def _time_row(f: Figures) -> tuple[Cell, ...]:
    shown = (Condition.DEGRADED, Condition.PARTIAL_OUTAGE, Condition.MAJOR_OUTAGE, Condition.MAINTENANCE)
    times = (span(f.minutes[c]) for c in (*shown, Condition.UNKNOWN))
    return (f.surface, f.incidents, percent(f.availability), *times)


def _trouble_row(f: Figures) -> tuple[Cell, ...]:
    spans = (f.mttr.mean, f.mttr.median, f.mtbf, f.vendor_lag.median, f.our_lag.median)
    return (f.surface, f.outages, *map(span, spans), f.post_hoc)


def _budget_row(surface: str, budget: Budget) -> tuple[Cell, ...]:
    out = f"{budget.runs_out_at:%Y-%m-%d}" if budget.runs_out_at else "not at this rate"
    return (surface, f"{budget.slo:g} %", span(budget.total), span(budget.left), f"{budget.burn_rate:.1f}", out)


def as_json(found: Sequence[Figures], window: Window) -> dict[str, Any]:
    """The report for programs: spans in hours or minutes as the keys say, shares in percent, times in UTC."""
    return {
        "definition": OURS.text,
        "from": _iso(window.start),
        "to": _iso(window.end),
        "surfaces": {f.surface: _values(f) for f in found},
    }


def flat(found: Sequence[Figures], window: Window) -> Grid:
    """The same as a flat table, one column for each value."""
    rows = [dict(_flattened("", _values(f))) for f in found]
    head = tuple(rows[0]) if rows else ()
    return Grid(
        f"Reliability, {_window(window)}",
        OURS.text,
        ("surface", *head),
        tuple((f.surface, *row.values()) for f, row in zip(found, rows, strict=True)),
    )


def _values(f: Figures) -> dict[str, Any]:
    return {
        "incidents": f.incidents,
        "post_hoc": f.post_hoc,
        "outages": f.outages,
        "availability_pct": _round(f.availability, 4),
        "minutes": {str(c): _per(m, timedelta(minutes=1)) for c, m in f.minutes.items()},
        "blind_min": _per(f.blind, timedelta(minutes=1)),
        "mttr_h": _spread(f.mttr, timedelta(hours=1)),
        "mtbf_h": _per(f.mtbf, timedelta(hours=1)),
        "stages_h": {str(stage): _spread(s, timedelta(hours=1)) for stage, s in f.stages.items()},
        "vendor_lag_min": _spread(f.vendor_lag, timedelta(minutes=1)),
        "our_lag_min": _spread(f.our_lag, timedelta(minutes=1)),
        "slo": _slo(f.budget),
    }


def _slo(budget: Budget | None) -> dict[str, Any]:
    if budget is None:
        return dict.fromkeys(("slo_pct", "budget_min", "left_min", "burn_rate", "runs_out_at"))
    return {
        "slo_pct": budget.slo,
        "budget_min": _per(budget.total, timedelta(minutes=1)),
        "left_min": _per(budget.left, timedelta(minutes=1)),
        "burn_rate": round(budget.burn_rate, 3),
        "runs_out_at": _iso(budget.runs_out_at) if budget.runs_out_at else None,
    }


def _spread(spread: Spread, unit: timedelta) -> dict[str, Any]:
    return {"n": spread.n, "mean": _per(spread.mean, unit), "median": _per(spread.median, unit)}


def _flattened(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Cell]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flattened(f"{prefix}{key}.", value)
        else:
            yield prefix + key, value


# --- the study's ------------------------------------------------------------------------------------------------------


def study_json(table: Table) -> dict[str, Any]:
    """The study's table, each number at two decimals."""
    return {
        "definition": ICPE25.text,
        "incidents": table.incidents,
        "used": table.used,
        "services": {name: asdict(service) for name, service in table.services.items()},
    }


def study_grid(table: Table) -> Grid:
    """The study's table for people."""
    head = ("service", "incidents", "P investigate h", "P repair h", "P check h", "MTTR h", "MTBF d")
    rows = tuple((name, *asdict(service).values()) for name, service in table.services.items())
    title = f"Reliability, {table.used} of {table.incidents} incidents"
    return Grid(title, ICPE25.text, head, rows)


# --- answers ----------------------------------------------------------------------------------------------------------


def uptime(name: str, figures: Figures, days: Sequence[Day], study: float | None) -> Message:
    """One surface: its availability by both definitions, the minutes behind it, its budget, and a strip of days."""
    bad = [f"{span(m)} {words.CONDITIONS[c]}" for c, m in figures.minutes.items() if m and c.is_bad]
    counts = f"{_count(figures.outages, 'stretch', 'stretches')} and {_count(figures.incidents, 'incident')}"
    told = f"**{percent(figures.availability)}** available: {words.listing(bad) or 'nothing was wrong'}, in {counts}."
    kept = [
        told if figures.availability is not None else f"How much of it was available is not known ({counts}).",
        f"By the definition of icpe25 (partly down counts {PARTIAL:g}, degraded not): {percent(study)}.",
        *_budget_lines(figures.budget),
        *_blind_lines(figures),
        "\n".join(strip.rows(days)),
        f"A sign for each day (UTC), its worst: {strip.LEGEND}. In words: {strip.told(days)}.",
    ]
    return sheet(f"{name}: uptime, {_window(figures.window)}", kept)


def uptimes(found: Sequence[Figures], names: Mapping[str, str], window: Window) -> Message:
    """Every surface in one line."""
    lines = [
        f"**{names[f.surface]}** (`{f.surface}`): {percent(f.availability)} available,"
        f" {_count(f.incidents, 'incident')}, {span(f.bad)} of trouble"
        for f in found
        if f.availability is not None
    ]
    dark = [names[f.surface] for f in found if f.availability is None]
    if dark:
        others = words.listing(dark) if len(dark) <= SHOWN else f"{len(dark)} surfaces"
        lines.append(f"Nothing is known in this time of {others if lines else 'any surface'}.")
    return sheet(f"Uptime, {_window(window)}", [*lines, OURS.text])


def history(
    name: str, courses: Sequence[Course], window: Window, now: datetime, newest: datetime | None = None
) -> Message:
    """A surface's incidents, the newest first. ``newest`` is told where there is none in this time."""
    shown = courses[::-1][:SHOWN]
    paras: list[Para | str] = []
    for course in shown:
        over = course.resolved_at
        length = words.span(((over or now) - course.posted_at).total_seconds())
        how = "told after it was over" if course.is_post_hoc else f"over after {length}" if over else f"open: {length}"
        paras += [f"{words.day(course.posted_at)}, {how}: `{course.incident}`", Para(course.name, is_quote=True)]
    if len(courses) > SHOWN:
        paras.append(f"… and {len(courses) - SHOWN} older ones; ask for fewer days, or `report` on the command line.")
    count = _count(len(courses), "incident") if courses else "no incident"
    none = "None is in the book for this time."
    if newest:
        none += f" The newest is of {newest:%Y-%m-%d}: ask for more days, as in `history 365d`."
    return sheet(f"{name}: {count}, {_window(window)}", paras or [none])


def _budget_lines(budget: Budget | None) -> Iterator[str]:
    if budget is None:
        return
    state = f"{span(budget.left)} left of {span(budget.total)}" if budget.left >= timedelta() else "overspent"
    when = f"; runs out {words.day(budget.runs_out_at)} at this rate" if budget.runs_out_at else ""
    if budget.left < timedelta() and budget.runs_out_at:
        when = f" by {span(-budget.left)}, since {words.day(budget.runs_out_at)}"
    rate = f"burn rate of the last 7 days {budget.burn_rate:.1f}"
    yield f"**SLO {budget.slo:g} %**, 30 days: error budget {state}{when}; {rate}."


def _blind_lines(figures: Figures) -> Iterator[str]:
    if figures.blind:
        yield f"Nothing is known of {span(figures.blind)} of this time; that is neither up nor down."


# --- cells ------------------------------------------------------------------------------------------------------------


def percent(value: float | None) -> str:
    """A share to two decimals, to four and never up where it would round to 100 without being it."""
    if value is None:
        return NONE
    if value == 100 or value < 99.995:  # noqa: PLR2004  (the share of which two decimals say 100)
        return f"{value:.2f} %"
    return f"{min(value, 99.9999):.4f} %"


def span(value: timedelta | None) -> str:
    """A length of time, or a dash."""
    if value is None:
        return NONE
    sign = "-" if value < timedelta() else ""
    return sign + words.span(abs(value).total_seconds()) if value else "0"


def _window(window: Window) -> str:
    return f"{window.start:%Y-%m-%d} to {window.end:%Y-%m-%d}"


def _count(n: int, one: str, many: str | None = None) -> str:
    return f"{n} {one if n == 1 else many or f'{one}s'}"


def _per(value: timedelta | None, unit: timedelta) -> float | None:
    return None if value is None else _round(value / unit, 2)


def _round(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits) + 0.0  # no -0.0


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
