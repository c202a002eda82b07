"""Reliability figures as answers, tables and JSON values. No I/O.

Every output names the definition that its figures follow. A figure without a value is ``-`` or null, never 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bot.domain import Condition, Message
from bot.domain.reliability import (
    ICPE25,
    OWN_DEFINITION,
    PARTIAL_OUTAGE_WEIGHT,
    DayStatus,
    ErrorBudget,
    IncidentCourse,
    MeanAndMedian,
    ReliabilityFigures,
    StudyTable,
    TimeWindow,
)
from bot.messages import answers, formatting, newer_blocks, uptime_bar, words
from bot.messages.builder import Paragraph
from bot.messages.summary import stated_duration_text

NO_VALUE = "-"
MAX_LISTED = 20  # incidents in one answer
_MIN_TABLE_ROWS = 4  # rows from which on a table reads better than lines
NO_DATA = "no data"
MIN_DATA = timedelta(days=1)  # no percentage of less time than this is shown to people
_INFERRED_MARK = "*"

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class FigureTable:
    """A table: its title, a note on what its figures mean, its column names and its rows."""

    title: str
    note: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class ProviderReport:
    """The figures of all services of a provider together, and of each."""

    whole: ReliabilityFigures
    services: tuple[ReliabilityFigures, ...]


# --- the report -------------------------------------------------------------------------------------------------------


def report_tables(reports: Sequence[ProviderReport], window: TimeWindow) -> tuple[FigureTable, ...]:
    """The report for people: time by condition, outages, time to resolve, months, and error budgets if there are any.

    The first row of each provider is that of all its services together.
    """
    title = f"Reliability, {_format_window(window)}"
    rows = [f for report in reports for f in (report.whole, *report.services)]
    tables = [
        FigureTable(f"{title}: time by status", "", _TIME_COLUMNS, tuple(map(_time_row, rows))),
        FigureTable(f"{title}: outages", "", _OUTAGE_COLUMNS, tuple(map(_outage_row, rows))),
        FigureTable(f"{title}: incidents", "", ("service", *INCIDENT_COLUMNS), tuple(map(_incident_row, rows))),
        *(table for report in reports if (table := _month_table(title, report))),
    ]
    budgets = tuple(_budget_row(f.surface, f.budget) for f in rows if f.budget)
    if budgets:
        head = ("service", "SLO", "budget of 30 days", "known", "left", "burn rate of 7 days", "runs out")
        tables.append(FigureTable(f"{title}: error budgets", "", head, budgets))
    return (*tables[:-1], replace(tables[-1], note="\n".join([OWN_DEFINITION.text, *_report_notes(reports)])))


_TIME_COLUMNS = (
    "service",
    "since",
    "until",
    "operational",
    "degraded",
    "partial outage",
    "outage",
    "inferred",
    "maintenance",
    "unknown",
)
_OUTAGE_COLUMNS = (
    "service",
    "outages",
    "without a post",
    "MTTR mean",
    "MTTR median",
    "MTBF",
    "detection lag median",
)
INCIDENT_COLUMNS = (
    "incidents",
    "began before",
    "posted late",
    "late share",
    "resolved",
    "P50",
    "P90",
    "longest",
    "post lag median",
    "with a post lag",
)


def _report_notes(reports: Sequence[ProviderReport]) -> Iterator[str]:
    rows = [f for report in reports for f in report.services]
    if any(map(_is_mostly_inferred, rows)):
        yield f"{_INFERRED_MARK} more than half of the bad time rests on words, or on a record without transitions."
    if any(f.since for f in rows):
        yield "since: the service did not exist before; that time is in no figure."
    if any(f.until for f in rows):
        yield "until: the service existed no longer; the time after it is in no figure."
    if pairs := [pair for report in reports for pair in report.whole.possible_doubles]:
        shown = "; ".join(" and ".join(pair) for pair in pairs[:MAX_LISTED])
        more = f"; {len(pairs) - MAX_LISTED} more pairs" if len(pairs) > MAX_LISTED else ""
        yield f"possibly double, counted as two: {shown}{more}."


def _service_cell(f: ReliabilityFigures) -> str:
    return f"{f.surface} {_INFERRED_MARK}" if _is_mostly_inferred(f) else f.surface


def _is_mostly_inferred(f: ReliabilityFigures) -> bool:
    return f.inferred * 2 > f.bad_time


def _time_row(f: ReliabilityFigures) -> tuple[Cell, ...]:
    bad = (format_span(f.minutes[c]) for c in (Condition.DEGRADED, Condition.PARTIAL_OUTAGE, Condition.MAJOR_OUTAGE))
    others = (format_span(f.minutes[c]) for c in (Condition.MAINTENANCE, Condition.UNKNOWN))
    days = (f"{at:%Y-%m-%d}" if at else None for at in (f.since, f.until))
    return (_service_cell(f), *days, operational_cell(f), *bad, format_span(f.inferred), *others)


def _outage_row(f: ReliabilityFigures) -> tuple[Cell, ...]:
    spans = (f.mttr.mean, f.mttr.median, f.mtbf, f.our_lag.median)
    return (_service_cell(f), f.outages, f.unposted, *map(format_span, spans))


def _incident_row(f: ReliabilityFigures) -> tuple[Cell, ...]:
    return (_service_cell(f), *incident_cells(f))


def incident_cells(f: ReliabilityFigures) -> tuple[Cell, ...]:
    """The cells under ``INCIDENT_COLUMNS``."""
    share = f"{100 * f.post_hoc / f.incidents:.0f}%" if f.post_hoc else None
    spans = (f.to_resolve.p50, f.to_resolve.p90, f.to_resolve.longest)
    counts = (f.incidents, f.began_before, f.post_hoc, share, f.to_resolve.n)
    return (*counts, *map(format_span, spans), format_span(f.vendor_lag.median), f.vendor_lag.n)


def _month_table(title: str, report: ProviderReport) -> FigureTable | None:
    """Incidents by month of the first post: a row for each month, a column for each service that had any."""
    columns = [f for f in (report.whole, *report.services) if f.months]
    months = sorted({month for f in columns for month in f.months})
    if not months:
        return None
    rows: tuple[tuple[Cell, ...], ...] = tuple((m, *(f.months.get(m, 0) for f in columns)) for m in months)
    return FigureTable(f"{title}: incidents per month", "", ("month", *(f.surface for f in columns)), rows)


def _budget_row(surface: str, budget: ErrorBudget) -> tuple[Cell, ...]:
    known = f"{100 * (budget.known / budget.period):.0f}%" if budget.period else NO_VALUE
    if budget.left is None:
        return (surface, f"{budget.slo:g}%", format_span(budget.total), known, NO_DATA, NO_DATA, NO_VALUE)
    burn_rate = NO_DATA if budget.burn_rate is None else f"{budget.burn_rate:.1f}"
    runs_out = f"{budget.runs_out_at:%Y-%m-%d}" if budget.runs_out_at else "not at this burn rate"
    if budget.burn_rate is None and budget.runs_out_at is None:
        runs_out = NO_VALUE
    left = format_span(budget.left)
    return (surface, f"{budget.slo:g}%", format_span(budget.total), known, left, burn_rate, runs_out)


def as_json(
    figures: Sequence[ReliabilityFigures], window: TimeWindow, providers: Sequence[ReliabilityFigures] = ()
) -> dict[str, Any]:
    """The report for programs: durations in the unit that the key ends with, shares in percent, times in UTC."""
    return {
        "definition": OWN_DEFINITION.text,
        "from": _iso(window.start),
        "to": _iso(window.end),
        "surfaces": {f.surface: _figures_json(f) for f in figures},
        **({"providers": {f.surface: _figures_json(f) for f in providers}} if providers else {}),
    }


def flat_table(
    figures: Sequence[ReliabilityFigures], window: TimeWindow, providers: Sequence[ReliabilityFigures] = ()
) -> FigureTable:
    """The report as one table with a column for each value, for CSV: services, then providers.

    Incidents by month are one text, such as ``2026-03:2 2026-04:1``.
    """
    rows = [
        (f.surface, kind, " ".join(f"{month}:{n}" for month, n in f.months.items()), _flat_figures(f))
        for kind, of_kind in (("service", figures), ("provider", providers))
        for f in of_kind
    ]
    head = tuple(rows[0][-1]) if rows else ()
    return FigureTable(
        f"Reliability, {_format_window(window)}",
        OWN_DEFINITION.text,
        ("surface", *head, "kind", "months"),
        tuple((name, *values.values(), kind, months) for name, kind, months, values in rows),
    )


def _flat_figures(figures: ReliabilityFigures) -> dict[str, Cell]:
    return {
        k: v
        for k, v in _flattened("", _figures_json(figures))
        if not k.startswith("months.") and k != "possible_doubles"
    }


def _figures_json(f: ReliabilityFigures) -> dict[str, Any]:
    minute, hour = timedelta(minutes=1), timedelta(hours=1)
    to_resolve = {k: _in_units(getattr(f.to_resolve, k), hour) for k in ("p50", "p90", "longest")}
    return {
        "incidents": f.incidents,
        "post_hoc": f.post_hoc,
        "outages": f.outages,
        "availability_pct": _round(f.availability, 4),
        "minutes": {str(c): _in_units(m, minute) for c, m in f.minutes.items()},
        "blind_min": _in_units(f.unknown_time, minute),
        "mttr_h": _spread_json(f.mttr, hour),
        "mtbf_h": _in_units(f.mtbf, hour),
        "stages_h": {str(stage): _spread_json(s, hour) for stage, s in f.stages.items()},
        "vendor_lag_min": _spread_json(f.vendor_lag, minute),
        "our_lag_min": _spread_json(f.our_lag, minute),
        "slo": _budget_json(f.budget),
        "since": _iso(f.since) if f.since else None,
        "until": _iso(f.until) if f.until else None,
        "known_min": _in_units(f.known_time, minute),
        "inferred_min": _in_units(f.inferred, minute),
        "inferred_pct": _round(100 * (f.inferred / f.bad_time), 1) if f.bad_time else None,
        "began_before": f.began_before,
        "unposted": f.unposted,
        "post_hoc_pct": _round(100 * f.post_hoc / f.incidents, 1) if f.incidents else None,
        "to_resolve_h": {"n": f.to_resolve.n, **to_resolve},
        "months": dict(f.months),
        **({"possible_doubles": [list(pair) for pair in f.possible_doubles]} if f.possible_doubles else {}),
    }


def _budget_json(budget: ErrorBudget | None) -> dict[str, Any]:
    if budget is None:
        return dict.fromkeys(("slo_pct", "budget_min", "left_min", "burn_rate", "runs_out_at", "known_min"))
    return {
        "slo_pct": budget.slo,
        "budget_min": _in_units(budget.total, timedelta(minutes=1)),
        "left_min": _in_units(budget.left, timedelta(minutes=1)),
        "burn_rate": _round(budget.burn_rate, 3),
        "runs_out_at": _iso(budget.runs_out_at) if budget.runs_out_at else None,
        "known_min": _in_units(budget.known, timedelta(minutes=1)),
    }


def _spread_json(spread: MeanAndMedian, unit: timedelta) -> dict[str, Any]:
    return {"n": spread.n, "mean": _in_units(spread.mean, unit), "median": _in_units(spread.median, unit)}


def _flattened(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Cell]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flattened(f"{prefix}{key}.", value)
        else:
            yield prefix + key, value


# --- the table of the ICPE 2025 study ---------------------------------------------------------------------------------


def study_json(table: StudyTable) -> dict[str, Any]:
    """The study's table for programs; its numbers have two decimals."""
    return {
        "definition": ICPE25.text,
        "incidents": table.incidents,
        "used": table.used,
        "services": {name: asdict(service) for name, service in table.services.items()},
    }


def study_table_for_people(table: StudyTable) -> FigureTable:
    """The study's table for people; column names give the units (h, d)."""
    head = ("service", "incidents", "P investigate h", "P repair h", "P check h", "MTTR h", "MTBF d")
    rows = tuple((name, *asdict(service).values()) for name, service in table.services.items())
    title = f"Reliability, {table.used} of {table.incidents} incidents"
    return FigureTable(title, ICPE25.text, head, rows)


# --- answers ----------------------------------------------------------------------------------------------------------


def uptime_message(name: str, figures: ReliabilityFigures, days: Sequence[DayStatus], study: float | None) -> Message:
    """The answer to ``uptime`` for one service: time operational, downtime, error budget, daily bar.

    Less than a day of data gives no percentage. ``study`` is the availability by the definition of icpe25, in percent;
    None if it is not known.
    """
    known, span = figures.known_time, _window_words(figures.window)
    span = _lifetime_text(figures) or span
    counts = f"{_count_text(figures)}, {format_span(figures.bad_time)} downtime"
    bad_times = [f"{format_span(time)} {formatting.CONDITION_WORDS[c]}" for c, time in _bad_times(figures)]
    if figures.availability is None or known < MIN_DATA:
        first = f"**{name}:** {_too_little_text(known)} ({counts})"
        study = None
    else:
        percent = format_percent(figures.availability)
        first = f"**{name}: {percent} operational, {span}** ({counts}, {_data_text(known)})"
    paragraphs = [
        first,
        *([f"Downtime: {', '.join(bad_times)}{_inferred_text(figures)}"] if bad_times else []),
        "\n".join(uptime_bar.uptime_rows(days)),
        f"Worst status per day (UTC): {uptime_bar.LEGEND}. {uptime_bar.describe_days(days).capitalize()}.",
        *_budget_lines(figures.budget),
        *([] if study is None else [_study_text(study)]),
    ]
    message = answers.build_answer(paragraphs)
    chart = uptime_bar.uptime_chart(name, days)
    if chart is None or len(message.blocks) != len(paragraphs):
        return message
    start = 2 if bad_times else 1  # of the bar and its legend
    in_words = answers.build_answer([f"{uptime_bar.describe_days(days).capitalize()} (worst status per day, UTC)."])
    newer = newer_blocks.offer(message.blocks[start : start + 2], (chart, *in_words.blocks))
    return replace(message, blocks=(*message.blocks[:start], *newer, *message.blocks[start + 2 :]))


def uptime_overview(figures: Sequence[ReliabilityFigures], names: Mapping[str, str], window: TimeWindow) -> Message:
    """The answer to ``uptime`` without a service: one line for each; those with too little data are named together.

    ``names`` are the surfaces' names by id.
    """
    enough = [f for f in figures if f.availability is not None and f.known_time >= MIN_DATA]
    lines = [
        f"• {names[f.surface]} (`{f.surface}`): **{format_percent(f.availability)}** ·"
        f" {_count_text(f)} · {format_span(f.bad_time)} downtime{_inferred_text(f)}"
        f" · {_data_text(f.known_time)}{f' · {existed}' if (existed := _lifetime_text(f)) else ''}"
        for f in enough
    ]
    too_little = [f for f in figures if f not in enough]
    if too_little:
        short = len(too_little) <= MAX_LISTED
        others = ", ".join(names[f.surface] for f in too_little) if short else f"{len(too_little)} services"
        lines.append(f"Not enough data yet: {others}. Available after 24 h of data.")
    title = f"**Operational, {_window_words(window)}**"
    message = answers.build_answer([title, *answers.group_lines(lines)])
    table = newer_blocks.data_table(
        f"Operational, {_window_words(window)}",
        ("Service", "Operational", "Downtime"),
        [_overview_row(f, names) for f in enough],
    )
    if table is None or len(enough) < _MIN_TABLE_ROWS:
        return message
    rest = answers.build_answer(lines[len(enough) :]).blocks if too_little else ()
    title_block, *listed = message.blocks
    return replace(message, blocks=(title_block, *newer_blocks.offer(listed, (table, *rest))))


def _overview_row(f: ReliabilityFigures, names: Mapping[str, str]) -> tuple[newer_blocks.Cell, ...]:
    """One service in the table: its name, its share with how much data that is of, and its downtime."""
    existed = f" ({lifetime})" if (lifetime := _lifetime_text(f)) else ""
    share = f"{format_percent(f.availability)} ({_data_text(f.known_time)})"
    downtime = f"{format_span(f.bad_time)}, {_count_text(f)}{_inferred_text(f)}"
    return (
        newer_blocks.text_cell(f"{names[f.surface]}{existed}"),
        newer_blocks.number_cell(round(f.availability or 0.0, 6), share),
        newer_blocks.number_cell(round(f.bad_time / timedelta(hours=1), 2), downtime),
    )


def history_message(
    name: str,
    courses: Sequence[IncidentCourse],
    window: TimeWindow,
    now: datetime,
    newest: datetime | None = None,
    *,
    statuses: Mapping[str, words.Status] | None = None,
    monitored_since: datetime | None = None,
    longer: tuple[str, str] | None = None,
) -> Message:
    """The answer to ``history``: incidents, newest first.

    Args:
        name: What they are the incidents of.
        courses: The incidents of the window, oldest first.
        window: The time asked for.
        now: The present, for the duration of open incidents.
        newest: If the window has no incident, when the newest incident was first posted; None if there is none at all.
        statuses: The worst status of the incidents by id; one that is missing had none.
        monitored_since: Since when there is data; None if it is not known.
        longer: The label and the command of a button that asks for more time.
    """
    span = _window_words(window)
    if not courses:
        since = f" (monitored since {monitored_since:%Y-%m-%d})" if monitored_since else ""
        last = f" Last: {newest:%Y-%m-%d}." if newest else ""
        text = f"No incidents recorded for {name} in {span}{since}.{last}"
        return answers.build_answer([text], buttons=[longer] if longer and newest else ())
    paragraphs: list[Paragraph | str] = [f"**{name}: {_kinds_text(courses, window)} in {span}**"]
    shown = [(course, _history_outcome(course, window, now, statuses or {})) for course in courses[::-1][:MAX_LISTED]]
    for course, outcome in shown:
        paragraphs += [
            f"{answers.time_token(course.begun_at or course.posted_at, now)} · {outcome} · `{course.incident}`",
            Paragraph(course.name, is_quote=True),
        ]
    if len(courses) > MAX_LISTED:
        paragraphs.append(
            f"+{len(courses) - MAX_LISTED} older ones: ask for fewer days, or use `brownout reliability`."
        )
    message = answers.build_answer(paragraphs, buttons=[longer] if longer else ())
    table = newer_blocks.data_table(
        f"{name}: incidents in {span}, newest first",
        ("Began", "Incident", "Outcome"),
        [_history_row(course, outcome, now) for course, outcome in shown],
    )
    if table is None or len(shown) < _MIN_TABLE_ROWS:
        return message
    older = paragraphs[1 + 2 * len(shown) :]
    newer = (
        *answers.build_answer(paragraphs[:1]).blocks,
        table,
        *(answers.build_answer(older).blocks if older else ()),
    )
    texts = len(message.blocks) - bool(longer)  # all but the row of buttons
    blocks = (*newer_blocks.offer(message.blocks[:texts], newer), *message.blocks[texts:])
    return replace(message, blocks=blocks)


def _history_outcome(
    course: IncidentCourse, window: TimeWindow, now: datetime, statuses: Mapping[str, words.Status]
) -> str:
    """How bad it was, and how long it took."""
    before = "began before" if (course.begun_at or course.posted_at) < window.start else ""
    status = statuses.get(course.incident)
    return ", ".join(filter(None, (before, str(status or ""), outcome_text(course, now))))


def _history_row(course: IncidentCourse, outcome: str, now: datetime) -> tuple[newer_blocks.Cell, ...]:
    """One incident in the table: when it began, the vendor's title, and its outcome with its id."""
    title = " ".join(course.name.split()) or "(no title)"
    began = newer_blocks.time_part(course.begun_at or course.posted_at, now)
    how = newer_blocks.text_part(f"{outcome} · ")
    return (
        newer_blocks.rich_cell(began),
        newer_blocks.text_cell(title),
        newer_blocks.rich_cell(how, newer_blocks.text_part(course.incident, code=True)),
    )


def _kinds_text(courses: Sequence[IncidentCourse], window: TimeWindow) -> str:
    """How many incidents, of these how many began before the window, and how many maintenances and unposted outages."""
    incidents = [c for c in courses if not c.is_maintenance and not c.is_unposted]
    before = sum(c.posted_at < window.start for c in incidents)
    maintenances, unposted = sum(c.is_maintenance for c in courses), sum(c.is_unposted for c in courses)
    parts = [formatting.pluralize(len(incidents), "incident") + (f" ({before} began before)" if before else "")]
    parts += [formatting.pluralize(maintenances, "maintenance")] if maintenances else []
    parts += [f"{formatting.pluralize(unposted, 'outage')} without a post"] if unposted else []
    return ", ".join(parts)


def outcome_text(course: IncidentCourse, now: datetime) -> str:
    """How long it took, and how it stands."""
    if course.is_unposted:
        return f"no post, {_duration_text(course, now)}"
    if course.is_post_hoc:
        return f"posted after it was resolved, {stated_duration_text(course.stated)}"
    if course.is_maintenance and course.begun_at is None:
        return "maintenance" if course.resolved_at else "maintenance, planned"
    if course.resolved_at is None and course.history_until is not None:
        return f"open when the history ended ({formatting.format_datetime(course.history_until)})"
    reopened = ", reopened" if course.is_reopened else ""
    return f"{'maintenance, ' if course.is_maintenance else ''}{_duration_text(course, now)}{reopened}"


def _duration_text(course: IncidentCourse, now: datetime) -> str:
    begun_at = course.begun_at or course.posted_at
    until = course.known_until or max(course.last_check or now, begun_at)
    duration = formatting.format_duration((until - begun_at).total_seconds())
    if course.known_until:
        return duration
    return f"open {duration} at the last check" if course.last_check else f"open {duration}"


def _budget_lines(budget: ErrorBudget | None) -> Iterator[str]:
    if budget is None:
        return
    known = f"{100 * (budget.known / budget.period):.0f}% of the time known" if budget.period else "nothing known"
    if budget.left is None:
        yield f"**SLO {budget.slo:g}%**, 30 days: {NO_DATA} ({known}; given from 24 h of data on)"
        return
    total = format_span(budget.total)
    is_over = budget.left < timedelta()
    state = f"{format_span(-budget.left)} over budget" if is_over else f"{format_span(budget.left)} of {total} left"
    runs_out = formatting.format_datetime(budget.runs_out_at) if budget.runs_out_at else ""
    since = (f", since {runs_out}" if is_over else f", runs out {runs_out} at this rate") if runs_out else ""
    burn_rate = NO_DATA if budget.burn_rate is None else f"{budget.burn_rate:.1f}"
    yield f"**SLO {budget.slo:g}%**, 30 days: {state}{since} · burn rate {burn_rate} (7 days) · {known}"


def _bad_times(figures: ReliabilityFigures) -> Iterator[tuple[Condition, timedelta]]:
    return ((c, time) for c, time in figures.minutes.items() if time and c.is_bad)


def _count_text(figures: ReliabilityFigures) -> str:
    """The number of incidents, how many of them began before the window, and outages that no incident is about."""
    before = f" ({figures.began_before} began before)" if figures.began_before else ""
    unposted = f", {formatting.pluralize(figures.unposted, 'outage')} without a post" if figures.unposted else ""
    return f"{formatting.pluralize(figures.incidents, 'incident')}{before}{unposted}"


def _lifetime_text(figures: ReliabilityFigures) -> str:
    """Since when and until when the service existed, where that is inside the window; empty otherwise."""
    since = f"since {figures.since:%Y-%m-%d}" if figures.since else ""
    until = f"until {figures.until:%Y-%m-%d}" if figures.until else ""
    return " ".join(filter(None, (since, until)))


def _inferred_text(figures: ReliabilityFigures) -> str:
    """The inferred share of the downtime; empty where none of it is."""
    return f" ({100 * (figures.inferred / figures.bad_time):.0f}% of it inferred)" if figures.inferred else ""


def operational_text(figures: ReliabilityFigures) -> str:
    """The share of time operational, in words; of less than a day of data how much data there is, and no share."""
    cell = operational_cell(figures)
    return f"{cell} operational" if cell.endswith("%") else cell


def operational_cell(figures: ReliabilityFigures) -> str:
    """The share of time operational; of less than a day of data how much data there is."""
    known = figures.known_time
    if figures.availability is None or known < MIN_DATA:
        return f"{format_span(known)} of data" if known else NO_VALUE
    return format_percent(figures.availability)


def _study_text(study: float) -> str:
    """The availability by the definition of icpe25."""
    weights = f"partial outage counts {PARTIAL_OUTAGE_WEIGHT:g}, degraded 0"
    return f"Availability as in the ICPE 2025 study ({weights}): {format_percent(study)} of the days with data"


def _too_little_text(known: timedelta) -> str:
    return f"Not enough data yet: {format_span(known) if known else 'none'}. Available after 24 h."


def _data_text(known: timedelta) -> str:
    return f"{known / timedelta(days=1):.1f} days of data"


def _window_words(window: TimeWindow) -> str:
    """Its length as it was asked for: a window of days begins at midnight, so that its first day counts in full."""
    days = window.length / timedelta(days=1)
    return f"{round(days * 24)} h" if days <= 1 else f"{math.ceil(days)} days"


# --- cells ------------------------------------------------------------------------------------------------------------


def format_percent(value: float | None) -> str:
    """A share with two decimals; with four, and at most 99.9999, if two would round it up to 100. ``-`` for None."""
    if value is None:
        return NO_VALUE
    if value == 100 or value < 99.995:  # noqa: PLR2004  (from 99.995 on, two decimals round to 100)
        return f"{value:.2f}%"
    return f"{min(value, 99.9999):.4f}%"


def format_span(value: timedelta | None) -> str:
    """A duration in words, negative ones with a minus sign; ``-`` for None."""
    if value is None:
        return NO_VALUE
    sign = "-" if value < timedelta() else ""
    return sign + formatting.format_duration(abs(value).total_seconds()) if value else "0"


def _format_window(window: TimeWindow) -> str:
    return f"{window.start:%Y-%m-%d} to {window.end:%Y-%m-%d}"


def _in_units(value: timedelta | None, unit: timedelta) -> float | None:
    return None if value is None else _round(value / unit, 2)


def _round(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits) + 0.0  # no -0.0


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
