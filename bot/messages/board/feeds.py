"""Feeds, calendars and badges of the board: Atom, JSON Feed, iCalendar, SVG. No I/O.

Atom is RFC 4287, JSON Feed version 1.1 (https://www.jsonfeed.org/version/1.1/), iCalendar RFC 5545. Addresses are those
under which the reader reached the bot.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

from bot.messages import export, formatting, words
from bot.messages.words import Status

ATOM = "http://www.w3.org/2005/Atom"
_MAX_SUMMARY = 1000  # characters of the vendor's newest post
_CHARACTER_WIDTH = 6.6  # of 11-pixel text in a sans-serif font, on average
_BADGE_HEIGHT = 20
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)  # when an empty feed was updated
_LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
_XML_FORBIDDEN = {code: None for code in range(32) if code not in (9, 10, 13)} | {0xFFFE: None, 0xFFFF: None}


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One incident in a feed. ``status`` is in our words, ``text`` the vendor's newest post."""

    id: str
    provider: str
    title: str
    status: str
    text: str
    published_at: datetime
    updated_at: datetime

    @property
    def full_title(self) -> str:
        """Provider, title and stage."""
        return f"{self.provider}: {self.title} ({self.status})"

    def url(self, base: str) -> str:
        """Its page on the board."""
        return f"{base}/incidents/{quote(self.id, safe='')}"


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """A maintenance in a calendar; ``changed_at`` is when the vendor last touched it."""

    id: str
    provider: str
    title: str
    start: datetime
    end: datetime
    changed_at: datetime
    url: str | None = None


def atom_feed(title: str, entries: Sequence[FeedEntry], base: str, path: str) -> str:
    """The entries as an Atom feed; ``path`` is that of the feed itself."""
    ET.register_namespace("", ATOM)
    feed = ET.Element(f"{{{ATOM}}}feed")
    _add_text(feed, "title", title)
    _add_text(feed, "id", f"{base}{path}")
    _add_text(feed, "updated", _iso(max((e.updated_at for e in entries), default=_NEVER)))
    ET.SubElement(feed, f"{{{ATOM}}}link", {"rel": "self", "href": f"{base}{path}"})
    ET.SubElement(feed, f"{{{ATOM}}}link", {"rel": "alternate", "href": f"{base}/"})
    author = ET.SubElement(feed, f"{{{ATOM}}}author")
    _add_text(author, "name", "Brownout")
    for entry in entries:
        element = ET.SubElement(feed, f"{{{ATOM}}}entry")
        _add_text(element, "title", entry.full_title)
        _add_text(element, "id", entry.url(base))
        _add_text(element, "published", _iso(entry.published_at))
        _add_text(element, "updated", _iso(entry.updated_at))
        ET.SubElement(element, f"{{{ATOM}}}link", {"rel": "alternate", "href": entry.url(base)})
        _add_text(element, "summary", formatting.truncate(entry.text, _MAX_SUMMARY))
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(feed, encoding="unicode") + "\n"


def json_feed(title: str, entries: Sequence[FeedEntry], base: str, path: str) -> str:
    """The entries as a JSON Feed."""
    body: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": title,
        "home_page_url": f"{base}/",
        "feed_url": f"{base}{path}",
        "items": [
            {
                "id": entry.url(base),
                "url": entry.url(base),
                "title": entry.full_title,
                "content_text": formatting.truncate(entry.text, _MAX_SUMMARY),
                "date_published": _iso(entry.published_at),
                "date_modified": _iso(entry.updated_at),
                "tags": [entry.provider, entry.status],
            }
            for entry in entries
        ],
    }
    return json.dumps(body, ensure_ascii=False, indent=1)


def calendar(entries: Sequence[CalendarEntry]) -> str:
    """The maintenances as a calendar."""
    rows = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Brownout//maintenance//EN"]
    for entry in entries:
        end = max(entry.end, entry.start + min(timedelta(minutes=1), _LAST - entry.start))
        rows += [
            *("BEGIN:VEVENT", f"UID:{export.escape_ics(entry.id)}@{export.escape_ics(entry.provider)}.brownout"),
            *(f"DTSTAMP:{export.ics_time(entry.changed_at)}", f"DTSTART:{export.ics_time(entry.start)}"),
            f"DTEND:{export.ics_time(end)}",
            f"SUMMARY:{export.escape_ics(f'{entry.provider}: {entry.title}')}",
            *([f"URL:{entry.url}"] if entry.url and export.is_plain_url(entry.url) else []),
            *("TRANSP:TRANSPARENT", "END:VEVENT"),
        ]
    rows.append("END:VCALENDAR")
    return "".join(f"{export.fold_ics_line(row)}\r\n" for row in rows)


def badge(label: str, status: Status) -> str:
    """A badge: the name on the left, the status with its sign on the right."""
    look = words.STATUS_STYLES[status]
    left, right = _text_width(label), _text_width(f"{look.sign} {status}")
    width = left + right
    svg = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "width": str(width),
            "height": str(_BADGE_HEIGHT),
            "role": "img",
            "aria-label": f"{_clean(label)}: {status}",
        },
    )
    _add_plain(svg, "title", f"{label}: {status}")
    ET.SubElement(svg, "rect", {"width": str(width), "height": str(_BADGE_HEIGHT), "rx": "3", "fill": "#3b4048"})
    ET.SubElement(
        svg,
        "path",
        {"d": f"M{left} 0h{right - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-{right - 3}z", "fill": look.text_light},
    )
    text = {"y": "14", "fill": "#fff", "font-family": "Verdana,DejaVu Sans,sans-serif", "font-size": "11"}
    for x, content, room in ((6, label, left), (left + 6, f"{look.sign} {status}", right)):
        element = ET.SubElement(svg, "text", {"x": str(x), "textLength": str(room - 12), **text})
        element.text = _clean(content)
    return ET.tostring(svg, encoding="unicode") + "\n"


def icon(status: Status) -> str:
    """The favicon: three bars in the colour of the worst status."""
    colour = words.STATUS_STYLES[status].bar
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
        '<rect width="32" height="32" rx="7" fill="#15181D"/>'
        f'<rect x="7" y="17" width="5" height="8" rx="1.5" fill="{colour}"/>'
        f'<rect x="13.5" y="12" width="5" height="13" rx="1.5" fill="{colour}"/>'
        f'<rect x="20" y="7" width="5" height="18" rx="1.5" fill="{colour}"/></svg>\n'
    )


def _text_width(text: str) -> int:
    return round(len(text) * _CHARACTER_WIDTH) + 12


def _add_text(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, f"{{{ATOM}}}{name}").text = _clean(text)


def _add_plain(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = _clean(text)


def _clean(text: str) -> str:
    """The text without characters that XML forbids."""
    return "".join(c for c in text.translate(_XML_FORBIDDEN) if not "\ud800" <= c <= "\udfff")


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
