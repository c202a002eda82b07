"""An incident and its events -> a document to keep or to send: Markdown, JSON, iCalendar or HTML. Pure.

Vendor's words are quoted and escaped for the form that they go into; every time is UTC and says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from html import escape, unescape
from typing import Any

from bot.model import Event, Known, Provider, Surface
from bot.voice import timeline, words

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~])")
_PLAIN = re.compile(r"[!-~]+")  # an address that ends no line
_FOLD = 74  # octets in a line of iCalendar (RFC 5545 3.1 allows 75)


@dataclass(frozen=True, slots=True)
class Dossier:
    """All that is known of one incident, for one reader."""

    provider: Provider
    known: Known
    events: tuple[Event, ...]
    labels: tuple[str, ...]
    sent: tuple[timeline.Sent, ...]
    surfaces: Mapping[str, Surface]
    now: datetime


def markdown(dossier: Dossier) -> str:
    """A page for a wiki or a postmortem."""
    d, incident = dossier, dossier.known.incident
    lines = [
        f"# {_line(incident.name)}",
        "",
        *(f"- {fact}: {value if value == incident.url else _line(value)}" for fact, value in _facts(d)),
        "",
        "## Timeline",
        "",
    ]
    return "\n".join([*lines, *(f"{_prose(line)}  " for line in _timeline(d)), ""])


def as_json(dossier: Dossier) -> str:
    """Every field, for programs."""
    d, known = dossier, dossier.known
    return json.dumps(
        {
            "schema": "incident/1",
            "provider": d.provider.id,
            "incident": asdict(known.incident),
            "surfaces": known.surfaces,
            "seen_at": known.seen_at,
            "closed_at": known.closed_at,
            "ending": known.ending,
            "is_backfilled": known.is_backfilled,
            "labels": d.labels,
            "events": [{k: v for k, v in asdict(e).items() if v is not None} for e in d.events],
            "deliveries": [_delivery(s) for s in d.sent],
        },
        default=_moment,
        indent=1,
        ensure_ascii=False,
    )


def ics(dossier: Dossier) -> str:
    """One entry for a calendar, from the first post to the end; an open one ends now."""
    d, incident = dossier, dossier.known.incident
    posts = [u.display_at for u in incident.updates] or [incident.created_at]
    end = max(d.known.closed_at or d.now, posts[0] + timedelta(minutes=1))
    told = "\n".join(f"{fact}: {value}" for fact, value in _facts(d))
    rows = [
        *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Brownout//incident//EN", "BEGIN:VEVENT"),
        f"UID:{_ics(incident.id)}@{_ics(d.provider.id)}.brownout",
        f"DTSTAMP:{_stamp(d.now)}",
        f"DTSTART:{_stamp(posts[0])}",
        f"DTEND:{_stamp(end)}",
        f"SUMMARY:{_ics(f'{d.provider.name}: {incident.name}')}",
        f"DESCRIPTION:{_ics(told)}",
        *([f"URL:{incident.url}"] if incident.url and _PLAIN.fullmatch(incident.url) else []),
        *([f"CATEGORIES:{','.join(map(_ics, d.labels))}"] if d.labels else []),
        *("TRANSP:TRANSPARENT", "END:VEVENT", "END:VCALENDAR"),
    ]
    return "".join(f"{_folded(row)}\r\n" for row in rows)


def html(dossier: Dossier) -> str:
    """A page that stands alone: no script, nothing fetched, readable on a phone, dark where the reader's screen is."""
    d = dossier
    facts = "".join(f"<dt>{escape(fact)}</dt><dd>{escape(value)}</dd>" for fact, value in _facts(d))
    steps = "".join(_html_step(line) for line in _timeline(d))
    title = escape(f"{d.provider.name}: {d.known.incident.name}")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head>\n<body><main><h1>{title}</h1>\n<dl>{facts}</dl>\n<h2>Timeline (UTC)</h2>\n"
        f"{steps}\n</main></body></html>\n"
    )


FORMS: dict[str, Callable[[Dossier], str]] = {"markdown": markdown, "json": as_json, "ics": ics, "html": html}

_STYLE = (
    ":root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;margin:0}main{max-width:46rem;margin:auto;"
    "padding:1rem}dt{font-weight:600}dd{margin:0 0 .5rem}blockquote{margin:.2rem 0 .8rem;padding-left:.8rem;"
    "border-left:.2rem solid;white-space:pre-wrap}p{margin:.2rem 0}"
)


def _facts(d: Dossier) -> list[tuple[str, str]]:
    known, incident = d.known, d.known.incident
    hit = words.listing(d.surfaces[s].name if s in d.surfaces else s for s in known.surfaces)
    over = words.day(known.closed_at) if known.closed_at else "it is open"
    facts = [
        ("Provider", d.provider.name),
        ("Incident", incident.id),
        ("Stage", str(incident.stage)),
        ("Impact, by the vendor", str(incident.impact)),
        ("First posted", words.day(incident.created_at)),
        ("Read in from a history" if known.is_backfilled else "First seen", words.day(known.seen_at)),
        ("Over", over),
        ("Surfaces hit", hit or "none that is known here"),
    ]
    facts += [("Labels", ", ".join(d.labels))] if d.labels else []
    return facts + ([("Page", incident.url)] if incident.url and _PLAIN.fullmatch(incident.url) else [])


def _timeline(d: Dossier) -> Sequence[str]:
    """The same lines as the timeline's answer: ours plain, others' after ``> ``."""
    told = timeline.timeline(d.known, d.provider.name, d.events, d.surfaces, sent=d.sent)
    return unescape(told.text).splitlines()[2:]


def _prose(line: str) -> str:
    return f"> {_escaped(line[2:])}" if line.startswith("> ") else _escaped(line)


def _html_step(line: str) -> str:
    if line.startswith("> "):
        return f"<blockquote>{escape(line[2:])}</blockquote>"
    return f"<p>{escape(line)}</p>"


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\1", text)


def _line(text: str) -> str:
    """One line of Markdown, whatever its author made of it."""
    return _escaped(" ".join(text.split()))


def _ics(text: str) -> str:
    """RFC 5545 3.3.11."""
    kept = text.replace("\\", "\\\\").replace(";", r"\;").replace(",", r"\,")
    return re.sub(r"\r\n|[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]", r"\\n", kept)


def _folded(row: str) -> str:
    """RFC 5545 3.1: no line above 75 octets; one that goes on begins with a space. No letter is cut in two."""
    lines, line, size = [], "", 0
    for letter in row:
        width = len(letter.encode())
        if size + width > _FOLD:
            lines.append(line)
            line, size = " ", 1
        line, size = line + letter, size + width
    return "\r\n".join([*lines, line])


def _stamp(at: datetime) -> str:
    return f"{at:%Y%m%dT%H%M%SZ}"


def _delivery(sent: timeline.Sent) -> dict[str, Any]:
    return {"channel": sent.channel, "kind": sent.kind, "state": sent.state, "at": sent.at, "error": sent.error}


def _moment(value: object) -> str:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)
