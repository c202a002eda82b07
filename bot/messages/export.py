"""One incident as a document to keep or to send: Markdown, JSON, iCalendar or HTML. No I/O.

The vendor's words are quoted, and escaped for the format. Every time is in UTC and says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from html import escape, unescape
from typing import Any

from bot.domain import Event, Provider, Surface, TrackedIncident
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
        "## Timeline",
        "",
    ]
    return "\n".join([*lines, *(f"{_markdown_line(line)}  " for line in _timeline_lines(export)), ""])


def as_json(export: IncidentExport) -> str:
    """The incident with every field as JSON (schema ``incident/1``), for programs."""
    tracked = export.known
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
            "labels": export.labels,
            "events": [{k: v for k, v in asdict(e).items() if v is not None} for e in export.events],
            "deliveries": [_notification_json(s) for s in export.sent],
        },
        default=_json_default,
        indent=1,
        ensure_ascii=False,
    )


def ics(export: IncidentExport) -> str:
    """The incident as a calendar entry, from the first post to the end; an open one ends at ``export.now``."""
    incident = export.known.incident
    posts = [u.display_at for u in incident.updates] or [incident.created_at]
    end = max(export.known.closed_at or export.now, posts[0] + timedelta(minutes=1))
    description = "\n".join(f"{fact}: {value}" for fact, value in _incident_facts(export))
    rows = [
        *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Brownout//incident//EN", "BEGIN:VEVENT"),
        f"UID:{escape_ics(incident.id)}@{escape_ics(export.provider.id)}.brownout",
        f"DTSTAMP:{ics_time(export.now)}",
        f"DTSTART:{ics_time(posts[0])}",
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
    facts = "".join(f"<dt>{escape(fact)}</dt><dd>{escape(value)}</dd>" for fact, value in _incident_facts(export))
    steps = "".join(_html_step(line) for line in _timeline_lines(export))
    title = escape(f"{export.provider.name}: {export.known.incident.name}")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head>\n<body><main><h1>{title}</h1>\n<dl>{facts}</dl>\n<h2>Timeline (UTC)</h2>\n"
        f"{steps}\n</main></body></html>\n"
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
    ended = formatting.format_datetime(tracked.closed_at) if tracked.closed_at else "still open"
    facts = [
        ("Provider", export.provider.name),
        ("Incident", incident.id),
        ("Status", summary.headline_text(tracked, export.provider, export.events)),
        (f"Impact, as posted by {export.provider.vendor or export.provider.name}", str(incident.impact)),
        ("First post", formatting.format_datetime(incident.created_at)),
        ("Imported" if tracked.is_backfilled else "Detected", formatting.format_datetime(tracked.seen_at)),
        ("Ended", ended),
        ("Affected", summary.affected_names(tracked, export.surfaces)),
    ]
    facts += [("Labels", ", ".join(export.labels))] if export.labels else []
    return facts + ([("Status page", incident.url)] if incident.url and is_plain_url(incident.url) else [])


def _timeline_lines(export: IncidentExport) -> Sequence[str]:
    """The lines of the answer to ``timeline``; the vendor's and people's words begin with ``> ``."""
    message = timeline.timeline_message(export.known, export.provider, export.events, export.surfaces)
    return unescape(message.text).splitlines()[2:]


def _markdown_line(line: str) -> str:
    return f"> {_escape_markdown(line[2:])}" if line.startswith("> ") else _escape_markdown(line)


def _html_step(line: str) -> str:
    if line.startswith("> "):
        return f"<blockquote>{escape(line[2:])}</blockquote>"
    return f"<p>{escape(line)}</p>"


def _escape_markdown(text: str) -> str:
    return _MARKUP.sub(r"\\\1", text)


def _one_line(text: str) -> str:
    """The text as one escaped line of Markdown."""
    return _escape_markdown(" ".join(text.split()))


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


def _json_default(value: object) -> str:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)
