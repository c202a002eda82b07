"""One incident as a document to keep or to send: Markdown, JSON, iCalendar or HTML. No I/O.

The vendor's words are quoted, and escaped for the format. Every time is in UTC and says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from html import escape, unescape
from itertools import groupby
from typing import Any

from bot.domain import Event, Provider, Surface, TrackedIncident
from bot.domain.reliability import StatedTimes
from bot.messages import formatting, summary, timeline

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~])")
_PLAIN = re.compile(r"[!-~]+")  # a URL without spaces, line breaks or control characters
_MAX_ICS_OCTETS = 74  # of a line in iCalendar; RFC 5545 3.1 allows 75


@dataclass(frozen=True, slots=True)
class IncidentExport:
    """Everything that an export of one incident contains. ``sent`` are the notifications about it."""

    provider: Provider
    known: TrackedIncident
    events: tuple[Event, ...]
    labels: tuple[str, ...]
    sent: tuple[timeline.SentNotification, ...]
    surfaces: Mapping[str, Surface]
    now: datetime
    surroundings: summary.Surroundings = summary.NO_SURROUNDINGS


def markdown(export: IncidentExport) -> str:
    """The incident as Markdown, for a wiki or a postmortem."""
    incident = export.known.incident
    lines = [
        f"# {_one_line(incident.name)}",
        "",
        *(
            f"- {fact}: {value if value == incident.url else _one_line(value)}"
            for fact, value in _incident_facts(export)
        ),
        "",
        f"## {_timeline_title(export)}",
        "",
    ]
    return "\n".join([*lines, *(f"{_markdown_line(line)}  " for line in _timeline_lines(export)), ""])


def as_json(export: IncidentExport) -> str:
    """The incident with every field as JSON (schema ``incident/1``), for programs."""
    tracked = export.known
    events = summary.with_vendor_times(tracked, export.events)
    return json.dumps(
        {
            "schema": "incident/1",
            "provider": export.provider.id,
            "incident": asdict(tracked.incident),
            "surfaces": tracked.surfaces,
            "seen_at": tracked.seen_at,
            "closed_at": tracked.closed_at,
            "ending": tracked.ending,
            "is_backfilled": tracked.is_backfilled,
            "began_at": summary.begun_at(tracked, events, export.surroundings.stated),
            "ended_at": summary.ended_at(tracked, events, export.surroundings.stated),
            "history_until": export.surroundings.history_until,
            "is_posted_late": summary.is_posted_late(tracked),
            "stated_windows": [asdict(window) for window in export.surroundings.stated.windows],
            "stated_min": total / timedelta(minutes=1) if (total := export.surroundings.stated.total) else None,
            "labels": export.labels,
            "events": [{k: v for k, v in asdict(e).items() if v is not None} for e in export.events],
            "deliveries": [_notification_json(s) for s in export.sent],
        },
        default=json_default,
        indent=1,
        ensure_ascii=False,
    )


def ics(export: IncidentExport) -> str:
    """The incident as a calendar entry, from the first post to the end; an open one ends at ``export.now``."""
    incident = export.known.incident
    events = summary.with_vendor_times(export.known, export.events)
    stated = export.surroundings.stated
    ended_at = summary.ended_at(export.known, events, stated)
    start = summary.begun_at(export.known, events, stated) or incident.scheduled_for or ended_at or incident.created_at
    ended_at = ended_at or export.surroundings.history_until or export.now
    end = max(ended_at, start + timedelta(minutes=1))
    description = "\n".join(f"{fact}: {value}" for fact, value in _incident_facts(export))
    rows = [
        *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Brownout//incident//EN", "BEGIN:VEVENT"),
        f"UID:{escape_ics(incident.id)}@{escape_ics(export.provider.id)}.brownout",
        f"DTSTAMP:{ics_time(export.now)}",
        f"DTSTART:{ics_time(start)}",
        f"DTEND:{ics_time(end)}",
        f"SUMMARY:{escape_ics(f'{export.provider.name}: {incident.name}')}",
        f"DESCRIPTION:{escape_ics(description)}",
        *([f"URL:{incident.url}"] if incident.url and is_plain_url(incident.url) else []),
        *([f"CATEGORIES:{','.join(map(escape_ics, export.labels))}"] if export.labels else []),
        *("TRANSP:TRANSPARENT", "END:VEVENT", "END:VCALENDAR"),
    ]
    return "".join(f"{fold_ics_line(row)}\r\n" for row in rows)


def html(export: IncidentExport) -> str:
    """The incident as one self-contained HTML page: no script, no request, readable on a phone, light and dark."""
    named = groupby(_incident_facts(export), key=lambda fact: fact[0])
    facts = "".join(
        f"<dt>{escape(fact)}</dt>{''.join(f'<dd>{escape(value)}</dd>' for _, value in values)}"
        for fact, values in named
    )
    steps = "".join(_html_step(line) for line in _timeline_lines(export))
    title = f"{export.provider.name}: {export.known.incident.name}"
    return html_page(title, f"<dl>{facts}</dl>\n<h2>{escape(_timeline_title(export))}</h2>\n{steps}")


def html_page(title: str, content: str) -> str:
    """A self-contained page with this title, which is escaped here, and this content, which is HTML."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head>\n<body><main><h1>{escape(title)}</h1>\n"
        f"{content}\n</main></body></html>\n"
    )


EXPORTERS: dict[str, Callable[[IncidentExport], str]] = {
    "markdown": markdown,
    "json": as_json,
    "ics": ics,
    "html": html,
}

_STYLE = (
    ":root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;margin:0}main{max-width:46rem;margin:auto;"
    "padding:1rem}dt{font-weight:600}dd{margin:0 0 .5rem}blockquote{margin:.2rem 0 .8rem;padding-left:.8rem;"
    "border-left:.2rem solid;white-space:pre-wrap}p{margin:.2rem 0}"
)


def _incident_facts(export: IncidentExport) -> list[tuple[str, str]]:
    tracked, incident = export.known, export.known.incident
    events = summary.with_vendor_times(tracked, export.events)
    vendor = export.provider.vendor or export.provider.name
    is_own = incident.is_unposted or incident.is_suspected
    first = "First shown" if is_own else "First post"
    facts = [
        ("Provider", export.provider.name),
        ("Incident", incident.id),
        ("Status", summary.headline_text(tracked, export.provider, events, export.surroundings)),
        *([] if is_own else [(f"Impact, as posted by {vendor}", str(incident.impact))]),
        (first, formatting.format_datetime(summary.posted_at(tracked, events))),
        ("Imported" if tracked.is_backfilled else "Detected", formatting.format_datetime(tracked.seen_at)),
        *_time_facts(export, events),
        ("Affected", summary.affected_names(tracked, export.surfaces, export.surroundings.components)),
        *_status_facts(export, events),
    ]
    facts += [("Labels", ", ".join(export.labels))] if export.labels else []
    return facts + ([("Status page", incident.url)] if incident.url and is_plain_url(incident.url) else [])


def _time_facts(export: IncidentExport, events: Sequence[Event]) -> Iterator[tuple[str, str]]:
    """When it began and ended, how, and how long it took: the same times as in the summary."""
    tracked = export.known
    start, end = summary.begun_at(tracked, events), summary.ended_at(tracked, events)
    if summary.is_posted_late(tracked):
        yield from _stated_facts(export.surroundings.stated)
        return
    if tracked.incident.is_maintenance:
        yield "Began", formatting.format_datetime(start) if start else "not yet" if end is None else "no start posted"
    if end is not None:
        ending = summary.ending_text(tracked, export.provider.vendor or export.provider.name)
        yield "Ended", f"{formatting.format_datetime(end)}, {ending}"
    elif export.surroundings.history_until is not None:
        yield "Ended", f"open when the history ended ({formatting.format_datetime(export.surroundings.history_until)})"
    else:
        yield "Ended", "still open"
    if start is not None and end is not None:
        yield "Duration", formatting.format_duration((max(end, start) - start).total_seconds())


def _stated_facts(stated: StatedTimes) -> Iterator[tuple[str, str]]:
    """When it was, by the text of an incident that was posted when it was over."""
    for window in stated.windows:
        first, last = formatting.format_datetime(window.start), formatting.format_datetime(window.end)
        yield "Stated in the text", f"{first} to {last}"
    yield "Posted", "after it was over"
    yield "Duration", summary.stated_duration_text(stated)


def _status_facts(export: IncidentExport, events: Sequence[Event]) -> Iterator[tuple[str, str]]:
    for text in summary.status_texts(export.known, events, export.surfaces, export.surroundings):
        title, _, courses = text.partition(":")
        for line in courses.strip().splitlines():
            yield "Status by service" if title == "Status" else title, line.removeprefix("• ")


def _timeline_title(export: IncidentExport) -> str:
    """``Timeline (2026-03-02, UTC)``: with the day where all times are of one, since its lines carry none then."""
    return f"Timeline ({timeline.days_text(export.known, export.events, export.surroundings)})"


def _timeline_lines(export: IncidentExport) -> Sequence[str]:
    """The lines of the answer to ``timeline``; the vendor's and people's words begin with ``> ``."""
    message = timeline.timeline_message(
        *(export.known, export.provider, export.events, export.surfaces), surroundings=export.surroundings
    )
    return unescape(message.text).splitlines()[2:]


def _markdown_line(line: str) -> str:
    return f"> {escape_markdown(line[2:])}" if line.startswith("> ") else escape_markdown(line)


def _html_step(line: str) -> str:
    if line.startswith("> "):
        return f"<blockquote>{escape(line[2:])}</blockquote>"
    return f"<p>{escape(line)}</p>"


def escape_markdown(text: str) -> str:
    """Text in which no character is Markdown."""
    return _MARKUP.sub(r"\\\1", text)


def _one_line(text: str) -> str:
    """The text as one escaped line of Markdown."""
    return escape_markdown(" ".join(text.split()))


def escape_ics(text: str) -> str:
    """The text escaped by RFC 5545 3.3.11; every kind of line break is escaped too."""
    escaped = text.replace("\\", "\\\\").replace(";", r"\;").replace(",", r"\,")
    return re.sub(r"\r\n|[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]", r"\\n", escaped)


def fold_ics_line(content_line: str) -> str:
    """The line folded by RFC 5545 3.1: at most 75 octets, continuation lines begin with a space.

    No character is split.
    """
    lines, line, size = [], "", 0
    for character in content_line:
        width = len(character.encode())
        if size + width > _MAX_ICS_OCTETS:
            lines.append(line)
            line, size = " ", 1
        line, size = line + character, size + width
    return "\r\n".join([*lines, line])


def is_plain_url(url: str) -> bool:
    """Whether an address may stand in a calendar as it is."""
    return _PLAIN.fullmatch(url) is not None


def ics_time(at: datetime) -> str:
    """A time in UTC in the form of RFC 5545 3.3.5."""
    return f"{at:%Y%m%dT%H%M%SZ}"


def _notification_json(sent: timeline.SentNotification) -> dict[str, Any]:
    return {"channel": sent.channel, "kind": sent.kind, "state": sent.state, "at": sent.at, "error": sent.error}


def json_default(value: object) -> str:
    """What JSON has no type for: a time in UTC, or the words of anything else."""
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)
