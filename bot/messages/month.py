"""A month in figures, for people who were not on call: one self-contained HTML page, and the same as a message. No I/O.

The page makes no request and has no script. It prints on A4; colours repeat what words and numbers say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from html import escape

from bot.domain import Condition, Message
from bot.domain.reliability import (
    OWN_DEFINITION,
    CostlyHour,
    DayStatus,
    IncidentCourse,
    MeanAndMedian,
    MonthlyReport,
    ProviderMonth,
    ServiceMonth,
    VerdictAccuracy,
)
from bot.messages import answers, digest, formatting, reliability, uptime_bar, words

MAX_INCIDENTS, MAX_NAMES = 100, 6  # incidents in the page; services of an hour that are named
_MAX_LINES = 5  # services and incidents in the message
_BAR_WIDTH, _DAY_WIDTH = 200, 6  # of a bar of downtime and of one day, in units of the picture
_WORST_FIRST = (Condition.MAJOR_OUTAGE, Condition.PARTIAL_OUTAGE, Condition.DEGRADED)
_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
Row = Sequence[str]  # cells as HTML


def month_page(report: MonthlyReport, now: datetime) -> str:
    """The report as one HTML page, made at ``now``."""
    title = escape(_title(report))
    sections = (
        _numbers(report),
        _section("Downtime by service", _service_table(report)),
        _section("Incidents", _incident_table(report)),
        _section("How late vendors posted", _post_table(report)),
        _section("Incidents and time to resolve", _resolution_table(report)),
        _section("Was “monitoring” too early?", _monitoring_table(report)),
        _section("The record of our advice", _advice_table(report)),
        _section("The costliest hours", _hour_table(report)),
        _notes(report, now),
    )
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head>\n<body><main><h1>{title}</h1>\n{''.join(sections)}</main></body></html>\n"
    )


def month_message(report: MonthlyReport) -> Message:
    """The report as an answer: totals, providers, the services with most downtime, and the records."""
    month = f"{report.window.start:%Y-%m}"
    return answers.build_answer(
        [
            f"**{_title(report)}:** {_totals_text(report)}",
            *answers.group_lines(f"• {_provider_text(p)}" for p in report.providers),
            *_lines("Most downtime", (f"{s.name}: {_downtime_text(s)}" for s in _by_downtime(report)[:_MAX_LINES])),
            *_lines("Time to resolve", (f"{p.name}: {text}" for p in report.providers if (text := _resolve_text(p)))),
            *_lines("Longest incidents", (_incident_text(p, c) for p, c in _longest(report)[:_MAX_LINES])),
            *_lines("Posted late", (f"{p.name}: {text}" for p in report.providers if (text := _post_text(p)))),
            *_lines(
                "“Monitoring” too early",
                (f"{p.name}: {_early_text(p)}" for p in report.providers if p.monitoring.posts),
            ),
            *([f"**Advice:** {text}"] if (text := digest.accuracy_text(_accuracy(report))) else []),
            *_lines("Costliest hours", (_hour_text(report, h) for h in report.hours[:3])),
            f"The whole page, in a shell: `brownout reliability --month {month} --html FILE`",
        ]
    )


def _title(report: MonthlyReport) -> str:
    start, end = report.window.start, report.window.end
    so_far = "" if report.is_complete else f", up to {end.day} {end:%b %H:%M} UTC"
    return f"Service report, {start:%B %Y}{so_far}"


def _lines(title: str, lines: Iterable[str]) -> Iterator[str]:
    items = [f"• {line}" for line in lines]
    if items:
        yield "\n".join([f"**{title}**", *items])


# --- sums -------------------------------------------------------------------------------------------------------------


def _services(report: MonthlyReport) -> list[ServiceMonth]:
    return [s for p in report.providers for s in p.services]


def _by_downtime(report: MonthlyReport) -> list[ServiceMonth]:
    """The services with downtime, the most first."""
    hit = [s for s in _services(report) if s.figures.bad_time]
    return sorted(hit, key=lambda s: (-s.figures.bad_time, s.name))


def _accuracy(report: MonthlyReport) -> VerdictAccuracy:
    total = VerdictAccuracy()
    for provider in report.providers:
        total = total.merged_with(provider.accuracy)
    return total


def _longest(report: MonthlyReport) -> list[tuple[ProviderMonth, IncidentCourse]]:
    """The incidents whose duration is known, the longest first."""
    ended = [(p, c) for p in report.providers for c in p.courses if c.resolved_at and not c.is_post_hoc]
    return sorted(ended, key=lambda item: -_length(item[1]).total_seconds())


def _length(course: IncidentCourse) -> timedelta:
    return (course.resolved_at or course.posted_at) - course.posted_at


def _downtime(services: Iterable[ServiceMonth]) -> timedelta:
    return sum((s.figures.bad_time for s in services), timedelta())


def _known_share(report: MonthlyReport) -> float:
    """The known share of the time of all services, in percent."""
    services = _services(report)
    total = sum((s.figures.window.length for s in services), timedelta())
    return 100 * (sum((s.figures.known_time for s in services), timedelta()) / total) if total else 0.0


# --- sentences --------------------------------------------------------------------------------------------------------


def _totals_text(report: MonthlyReport) -> str:
    services, hit = _services(report), _by_downtime(report)
    count = sum(len(p.courses) for p in report.providers)
    incidents = formatting.pluralize(count, "incident")
    if not hit:
        return f"{incidents}, no downtime ({_known_text(report)})"
    minutes = _service_minutes(_downtime(services))
    return f"{incidents}, {minutes} of downtime on {len(hit)} of {len(services)} services ({_known_text(report)})"


def _known_text(report: MonthlyReport) -> str:
    share = _known_share(report)
    return "all of the time is known" if share >= 100 else f"{min(share, 99.9):.1f}% of the time is known"  # noqa: PLR2004


def _service_minutes(time: timedelta) -> str:
    return f"{formatting.format_duration(time.total_seconds())} (service-minutes)"


def _provider_text(provider: ProviderMonth) -> str:
    hit = [s for s in provider.services if s.figures.bad_time]
    incidents = formatting.pluralize(len(provider.courses), "incident")
    if not hit:
        return f"{provider.name}: {incidents}, no downtime"
    services = formatting.pluralize(len(hit), "service")
    return f"{provider.name}: {incidents}, {_service_minutes(_downtime(hit))} on {services}"


def _downtime_text(service: ServiceMonth) -> str:
    parts = (
        f"{reliability.format_span(time)} {formatting.CONDITION_WORDS[c]}"
        for c in _WORST_FIRST
        if (time := service.figures.minutes[c])
    )
    return f"{reliability.format_span(service.figures.bad_time)} ({', '.join(parts)})"


def _incident_text(provider: ProviderMonth, course: IncidentCourse) -> str:
    length = formatting.format_duration(_length(course).total_seconds())
    return f"{provider.name}, {course.posted_at.day} {course.posted_at:%b %H:%M} UTC, {length}: `{course.incident}`"


def _resolve_text(provider: ProviderMonth) -> str:
    """P50, P90 and the longest of a provider's times to resolve; empty where no incident that began has ended."""
    found = provider.whole.to_resolve
    spans = (("P50", found.p50), ("P90", found.p90), ("longest", found.longest))
    named = ", ".join(f"{name} {reliability.format_span(span)}" for name, span in spans)
    return f"{named} (n = {found.n})" if found.n else ""


def _post_text(provider: ProviderMonth) -> str:
    """How late a vendor posted: empty where nothing says it."""
    lag, late = provider.whole.vendor_lag, provider.whole.post_hoc
    parts = [f"median {reliability.format_span(lag.median)} after the stated start (n = {lag.n})"] if lag.n else []
    parts += [f"{late} of {len(provider.courses)} posted after the end"] if late else []
    return ", ".join(parts)


def _early_text(provider: ProviderMonth) -> str:
    record = provider.monitoring
    recent = f", {record.recent} not yet judged" if record.recent else ""
    return f"{record.early} of {record.posts}{recent}"


def _hour_text(report: MonthlyReport, hour: CostlyHour) -> str:
    minutes = f"{hour.bad_time / _MINUTE:.0f} service-minutes"
    return f"{_hour_span(hour)}, {minutes}: {_names(hour.surfaces, _surface_names(report))}"


def _hour_span(hour: CostlyHour) -> str:
    return f"{hour.start.day} {hour.start:%b %H:%M} to {hour.start + _HOUR:%H:%M} UTC"


def _surface_names(report: MonthlyReport) -> Mapping[str, str]:
    return {s.figures.surface: s.name for s in _services(report)}


def _names(surfaces: Sequence[str], names: Mapping[str, str]) -> str:
    shown = ", ".join(names.get(s, s) for s in surfaces[:MAX_NAMES])
    return f"{shown} and {len(surfaces) - MAX_NAMES} more" if len(surfaces) > MAX_NAMES else shown


# --- the page ---------------------------------------------------------------------------------------------------------


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>\n"


def _table(head: Sequence[str], rows: Iterable[Row], numbers: int = 0) -> str:
    """A table whose last ``numbers`` columns are right-aligned; cells are HTML, the first of a row is its header."""
    first_number = len(head) - numbers
    classes = ['class="n"' if n >= first_number else "" for n in range(len(head))]
    titles = "".join(f'<th scope="col" {c}>{escape(name)}</th>' for name, c in zip(head, classes, strict=True))
    body = "".join(
        f'<tr><th scope="row">{row[0]}</th>'
        + "".join(f"<td {c}>{cell}</td>" for cell, c in zip(row[1:], classes[1:], strict=True))
        + "</tr>\n"
        for row in rows
    )
    return (
        f'<div class="wide" tabindex="0"><table><thead><tr>{titles}</tr></thead><tbody>\n{body}</tbody></table></div>'
    )


def _numbers(report: MonthlyReport) -> str:
    """The totals at the top of the page."""
    courses = [c for p in report.providers for c in p.courses]
    before = sum(c.posted_at < report.window.start for c in courses)
    hit, services = _by_downtime(report), _services(report)
    accuracy = _accuracy(report)
    boxes = [
        (str(len(courses)), "incidents" + (f", {before} of them began before the month" if before else "")),
        (reliability.format_span(_downtime(services)), f"of downtime: service-minutes over {len(services)} services"),
        (f"{len(hit)} of {len(services)}", "services with downtime"),
    ]
    if report.hours:
        worst = report.hours[0]
        boxes.append((f"{worst.start.day} {worst.start:%b %H:%M}", "UTC began the costliest hour"))
    if accuracy.openings:
        boxes.append((f"{accuracy.early} of {accuracy.openings}", "re-openings by our advice were too early"))
    boxes.append((f"{_known_share(report):.1f}%", "of the time is known"))
    items = "".join(f"<div><dt>{escape(label)}</dt><dd>{escape(value)}</dd></div>" for value, label in boxes)
    return f'<dl class="totals">{items}</dl>\n'


def _service_table(report: MonthlyReport) -> str:
    hit = _by_downtime(report)
    if not hit:
        return f"<p>No downtime on {len(_services(report))} services.</p>"
    most = hit[0].figures.bad_time
    rows = [
        (
            escape(s.name),
            _bar(s, most),
            *(reliability.format_span(s.figures.minutes[c]) for c in _WORST_FIRST),
            reliability.format_span(s.figures.bad_time),
            escape(reliability.operational_cell(s.figures)),
            _day_strip(s),
        )
        for s in hit
    ]
    days = f"each day\u2019s worst, 1 to {report.window.end.day if not report.is_complete else len(hit[0].days)}"
    head = ("service", "as a bar", "outage", "partial outage", "degraded", "downtime", "operational", days)
    unaffected = [s.name for s in _services(report) if not s.figures.bad_time]
    rest = f"<p>No downtime: {escape(', '.join(unaffected))}.</p>" if unaffected else ""
    return f"{_legend()}{_table(head, rows)}{rest}"


def _legend() -> str:
    items = "".join(
        f'<span><svg width="12" height="12" aria-hidden="true">{_rect(c, 0, 0, 12, 12)}</svg>'
        f" {formatting.CONDITION_WORDS[c]}</span>"
        for c in (*_WORST_FIRST, Condition.MAINTENANCE, Condition.UNKNOWN, Condition.OPERATIONAL)
    )
    return f'<p class="legend">{items}</p>'


def _bar(service: ServiceMonth, most: timedelta) -> str:
    """The downtime as a bar; the longest one has the whole width."""
    x, parts = 0.0, []
    for condition in _WORST_FIRST:
        width = _BAR_WIDTH * (service.figures.minutes[condition] / most)
        parts.append(_rect(condition, x, 1, width, 12))
        x += width
    text = escape(f"{service.name}: {_downtime_text(service)}", quote=True)
    return f'<svg class="bar" viewBox="0 0 {_BAR_WIDTH} 14" role="img" aria-label="{text}">{"".join(parts)}</svg>'


def _day_strip(service: ServiceMonth) -> str:
    parts = (_day_rect(n, day) for n, day in enumerate(service.days))
    text = escape(f"{service.name}: {uptime_bar.describe_days(service.days)}", quote=True)
    width = _DAY_WIDTH * len(service.days)
    return (
        f'<svg class="days" viewBox="0 0 {width} 14" width="{width}" role="img" aria-label="{text}">'
        f"{''.join(parts)}</svg>"
    )


def _day_rect(number: int, day: DayStatus) -> str:
    """A day: the worse it was, the higher."""
    height = {Condition.OPERATIONAL: 4, Condition.UNKNOWN: 4, Condition.MAINTENANCE: 6, Condition.DEGRADED: 8}
    tall = height.get(day.worst, 11 if day.worst is Condition.PARTIAL_OUTAGE else 14)
    return _rect(day.worst, number * _DAY_WIDTH, 14 - tall, _DAY_WIDTH - 1, tall)


def _rect(condition: Condition, x: float, y: float, width: float, height: float) -> str:
    """A bar in the colour of a condition; nothing where it has no width."""
    if not width:
        return ""
    look = str(words.CONDITION_STATUS[condition]).replace(" ", "-")
    return f'<rect class="{look}" x="{x:.2f}" y="{y:g}" width="{max(width, 0.5):.2f}" height="{height:g}"/>'


def _incident_table(report: MonthlyReport) -> str:
    listed = sorted(((p, c) for p in report.providers for c in p.courses), key=lambda item: item[1].posted_at)
    if not listed:
        return "<p>No incidents.</p>"
    names = _surface_names(report)
    rows = [
        (
            f"{c.posted_at.day} {c.posted_at:%b %H:%M}",
            escape(p.name),
            f"“{escape(c.name)}”",
            escape(
                formatting.CONDITION_WORDS[p.worst[c.incident]] if c.incident in p.worst else "not seen in a status"
            ),
            escape(_names(c.surfaces, names)) or "none known",
            escape(reliability.outcome_text(c, report.window.end)),
        )
        for p, c in listed[:MAX_INCIDENTS]
    ]
    more = len(listed) - MAX_INCIDENTS
    rest = f"<p>{more} more: <code>brownout history</code>.</p>" if more > 0 else ""
    head = ("first post (UTC)", "provider", "the vendor\u2019s title", "worst status", "services", "duration")
    return f"{_table(head, rows)}{rest}"


def _resolution_table(report: MonthlyReport) -> str:
    """Incidents and times to resolve: a row for each provider, and one for each of its services that had any."""
    rows = [
        (escape(name), *("-" if cell is None else escape(str(cell)) for cell in reliability.incident_cells(figures)))
        for p in report.providers
        for name, figures in ((p.name, p.whole), *((s.name, s.figures) for s in p.services))
        if figures.incidents
    ]
    if not rows:
        return "<p>No incidents.</p>"
    what = "<p>P50, P90 and longest are times to resolve, of the incidents under “resolved”.</p>"
    return what + _table(("provider, service", *reliability.INCIDENT_COLUMNS), rows, numbers=len(rows[0]) - 1)


def _post_table(report: MonthlyReport) -> str:
    rows = [
        (
            escape(p.name),
            str(len(p.courses)),
            *_lag_cells(p.whole.vendor_lag),
            f"{p.whole.post_hoc} of {len(p.courses)}",
            *_lag_cells(p.whole.our_lag),
        )
        for p in report.providers
        if p.courses
    ]
    if not rows:
        return "<p>No vendor posted an incident.</p>"
    head = (
        *("provider", "incidents", "first post after the stated start, median", "incidents with a stated start"),
        *("posted after the end", "seen by us after the first post, median", "incidents seen live"),
    )
    return _table(head, rows, numbers=6)


def _lag_cells(lag: MeanAndMedian) -> tuple[str, str]:
    return (reliability.format_span(lag.median), str(lag.n))


def _monitoring_table(report: MonthlyReport) -> str:
    rows = [
        (escape(p.name), str(p.monitoring.posts), str(p.monitoring.early), str(p.monitoring.recent))
        for p in report.providers
        if p.monitoring.posts
    ]
    if not rows:
        return "<p>No vendor posted “monitoring”.</p>"
    what = (
        "<p>Too early: the vendor went back to investigating or identified, or a service of the incident became bad"
        " within an hour.</p>"
    )
    return what + _table(("provider", "posts of “monitoring”", "too early", "not yet judged"), rows, numbers=3)


def _advice_table(report: MonthlyReport) -> str:
    rows = [
        (
            escape(p.name),
            str(p.accuracy.openings),
            str(p.accuracy.early),
            str(p.accuracy.recent),
            reliability.format_span(p.accuracy.held),
            str(p.accuracy.services),
        )
        for p in report.providers
        if p.accuracy.openings or p.accuracy.held
    ]
    if not rows:
        return "<p>No advice was needed, or none was recorded: imported histories have none.</p>"
    what = "<p>A re-opening allows retries again. It was too early where the service was bad within an hour.</p>"
    head = ("provider", "re-openings", "too early", "not yet judged", "retries held back (service-minutes)", "services")
    return what + _table(head, rows, numbers=5)


def _hour_table(report: MonthlyReport) -> str:
    if not report.hours:
        return "<p>No hour had downtime.</p>"
    names = _surface_names(report)
    rows = [(_hour_span(h), f"{h.bad_time / _MINUTE:.0f}", escape(_names(h.surfaces, names))) for h in report.hours]
    return _table(("hour", "service-minutes of downtime", "services, the worst hit first"), rows)


def _notes(report: MonthlyReport, now: datetime) -> str:
    inferred = sum((s.figures.inferred for s in _services(report)), timedelta())
    notes = [
        f"Times are UTC. Made by Brownout on {formatting.format_datetime(now)}.",
        "Downtime is degraded, partial outage and outage. Maintenance and unknown time are in no figure.",
        OWN_DEFINITION.text.replace("ours: a", "A", 1).replace("`", ""),
    ]
    if inferred:
        notes.insert(2, f"{_service_minutes(inferred)} of the downtime are inferred: no component says them.")
    return f"<footer>{''.join(f'<p>{escape(note)}</p>' for note in notes)}</footer>\n"


_BARS = {str(s).replace(" ", "-"): words.STATUS_STYLES[s].bar for s in words.Status}
_STYLE = (
    ":root{color-scheme:light dark;--ground:#f7f8fa;--card:#fff;--ink:#15181d;--faint:#5a606b;--line:#e1e4ea}"
    "@media(prefers-color-scheme:dark){:root{--ground:#0f1216;--card:#171b21;--ink:#e7eaf0;--faint:#a3abb8;--line:#2a313b}"
    "rect.outage{fill:#e5484d!important}}"
    "*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);"
    "font:.9375rem/1.45 system-ui,sans-serif;overflow-wrap:break-word}main{max-width:70rem;margin:auto;padding:1rem}"
    "h1{font-size:1.5rem;margin:.5rem 0 1rem}h2{font-size:1.0625rem;margin:0 0 .5rem}p{margin:.25rem 0}"
    "section{background:var(--card);border:1px solid var(--line);border-radius:.625rem;"
    "padding:.75rem 1rem;margin:0 0 1rem}"
    ".totals{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.75rem;margin:0 0 1rem}"
    ".totals div{display:flex;flex-direction:column-reverse;justify-content:flex-end;background:var(--card);"
    "border:1px solid var(--line);border-radius:.625rem;padding:.5rem .75rem}"
    ".totals dd{margin:0;font-size:1.375rem;font-weight:700;line-height:1.2}"
    ".totals dt{color:var(--faint);font-size:.8125rem}"
    ".wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.875rem}"
    "th,td{text-align:start;vertical-align:top;padding:.3rem .75rem .3rem 0;border-bottom:1px solid var(--line);"
    "font-weight:400}tbody th{font-weight:600;white-space:nowrap}"
    "thead th{color:var(--faint);font-size:.8125rem;vertical-align:bottom}"
    ".n{text-align:end}.bar{width:10rem;height:.875rem;display:block}.days{height:.875rem;display:block}"
    "@media screen and (max-width:640px){table{min-width:40rem}tbody th{white-space:normal}.bar{width:4rem}}"
    ".legend{display:flex;flex-wrap:wrap;gap:.25rem 1rem;color:var(--faint);font-size:.8125rem}"
    ".legend svg{vertical-align:-1px}footer{color:var(--faint);font-size:.8125rem}code{font-size:.875em}"
    + "".join(f"rect.{look}{{fill:{colour}}}" for look, colour in _BARS.items())
    + "@page{size:A4;margin:14mm}@media print{:root{color-scheme:light;--ground:#fff;--card:#fff;"
    "--ink:#000;--faint:#444;--line:#bbb}main{max-width:none;padding:0}section{border:0;padding:0;border-radius:0}.wide{overflow:visible}"
    "table{font-size:8pt}td,th{padding-inline-end:.4rem}tbody th{white-space:normal}"
    "tr,.totals div,h2{break-inside:avoid}h2{break-after:avoid}thead{display:table-header-group}"
    ".bar{width:7rem}rect.outage{fill:#b42318!important}}"
)
