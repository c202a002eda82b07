"""RSS 2.0 and Atom to nouns, where a page has nothing better: an entry is an incident, or a post of one.

No field of a feed says that something is down now (status-sources.md 11): the stage is the first stage word of the
title or of the text. An entry without one counts as open for a day after its last post, and one that left the feed is
over. Statuspage's Atom holds all posts of an incident in one text, with times that lack the year. Entities are refused
before anything reads them (performance-reliability.md section 4, row 20).
"""

from __future__ import annotations

import io
import re
from calendar import timegm
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import feedparser
from defusedxml import DefusedXmlException
from defusedxml import ElementTree as Defused

from bot.errors import ParseError
from bot.model import Impact, Incident, Snapshot, Source, Stage, Update
from bot.sources import make, wire
from bot.sources.kind import Bodies, Kind

ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.8"
CURRENT = timedelta(hours=24)
MAX_ENTRIES = 100
MAX_TEXT = 100_000  # characters of one entry

STAGES = {
    "investigating": Stage.INVESTIGATING,
    "identified": Stage.IDENTIFIED,
    "monitoring": Stage.MONITORING,
    "resolved": Stage.RESOLVED,
    "completed": Stage.RESOLVED,
    "operational": Stage.RESOLVED,
    "postmortem": Stage.POSTMORTEM,
    "已恢复": Stage.RESOLVED,  # DeepSeek closes with an entry of its own
}
PLANNED = {
    "scheduled": Stage.SCHEDULED,
    "in progress": Stage.IN_PROGRESS,
    "verifying": Stage.VERIFYING,
}
_WORDS = STAGES | PLANNED
_STAGE = re.compile(rf"(?<!\w)({'|'.join(_WORDS)})(?!\w)", re.IGNORECASE)
_STATUS = re.compile(rf"\bstatus:\s*({'|'.join(_WORDS)})(?!\w)", re.IGNORECASE)
_POST = re.compile(
    r"^(?P<month>[A-Z][a-z]{2}) (?P<day>\d{1,2}), (?P<hour>\d\d):(?P<minute>\d\d) (?P<zone>UTC|GMT|[ECMP][SD]T)\n?"
    r"(?P<stage>[A-Z][a-z ]{2,20}) - ",
    re.MULTILINE,
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ZONES = {"UTC": 0, "GMT": 0, "EDT": -4, "EST": -5, "CDT": -5, "CST": -6, "MDT": -6, "MST": -7, "PDT": -7, "PST": -8}
_HEAD = re.compile(rb"<(?:rss|feed|rdf:RDF)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of a feed, as clean text."""

    id: str
    title: str
    text: str
    at: datetime
    link: str | None


def fits(body: Any) -> bool:
    """True for bytes that begin like a feed."""
    return isinstance(body, bytes) and bool(_HEAD.search(body[:2000]))


def parse(bodies: Bodies, source: Source, at: datetime) -> Snapshot:
    """Reads the feed as of ``at``."""
    told = _read(bodies[0])
    title = make.plain(told.feed.get("title")) or source.provider
    entries = [e for raw in told.entries[:MAX_ENTRIES] if (e := _entry(raw, source))]
    found = [_incident(group, at) for group in _grouped(entries)]
    incidents, maintenances = make.split(i for i in found if i is not None)
    return Snapshot(make.identity(told.feed.get("id")) or title, title, None, incidents, maintenances)


def _read(raw: bytes) -> Any:
    """The feed, after it was seen to be well-formed and free of entities."""
    try:
        root = Defused.fromstring(raw)
    except (Defused.ParseError, DefusedXmlException, ValueError, LookupError, RecursionError) as error:
        raise ParseError(f"this is not a feed: {str(error)[:120] or type(error).__name__}") from error
    if root.tag.rpartition("}")[2] not in {"rss", "feed", "RDF"}:
        raise ParseError(f"this is not a feed: its root is {root.tag[:60]!r}")
    try:
        return feedparser.parse(io.BytesIO(raw), sanitize_html=False, resolve_relative_uris=False)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise ParseError(f"this is not a feed that can be read: {str(error)[:120]}") from error


def _entry(raw: Any, source: Source) -> _Entry | None:
    """An entry that has a time and something to go by; None for others."""
    raw = dict(raw)  # feedparser's own dictionaries answer for keys that are not there
    at = _time(raw.get("updated_parsed")) or _time(raw.get("published_parsed"))
    link = wire.link(raw.get("link"))
    title = make.plain(raw.get("title"))
    ident = wire.text(raw.get("id")).strip() or link or title
    if at is None or not ident:
        return None
    contents = raw.get("content") or [{}]
    text = wire.text(contents[0].get("value")) or wire.text(raw.get("summary"))
    return _Entry(make.identity(ident.partition("#")[0], source), title, make.plain(text[:MAX_TEXT]), at, link)


def _time(parsed: Any) -> datetime | None:
    """Feedparser's struct_time, which is in UTC."""
    try:
        return datetime.fromtimestamp(timegm(parsed), UTC) if parsed and 1970 <= parsed[0] < 2200 else None  # noqa: PLR2004
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def _grouped(entries: Iterable[_Entry]) -> Iterable[list[_Entry]]:
    """Entries of one incident together, oldest first: some feeds have an entry for every post."""
    groups: dict[str, list[_Entry]] = {}
    for entry in sorted(entries, key=lambda e: (e.at, e.title, e.text)):
        groups.setdefault(entry.id, []).append(entry)
    return groups.values()


def _incident(group: list[_Entry], at: datetime) -> Incident | None:
    """The incident of these entries; None where nothing says that it is not over and it is not of today."""
    newest = group[-1]
    posts = [post for entry in group for post in _posts(entry)]
    stage = posts[-1].stage if posts else Stage.UNKNOWN
    if stage is Stage.UNKNOWN and at - newest.at > CURRENT:
        return None
    planned = any(p.stage in PLANNED.values() for p in posts)
    closed = Stage.COMPLETED if planned and stage is Stage.RESOLVED else stage
    impact = Impact.MAINTENANCE if planned else Impact.UNKNOWN
    first = min((p.display_at for p in posts), default=newest.at)
    return make.incident(newest.id, newest.title, closed, impact, first, posts, url=newest.link, is_maintenance=planned)


def _posts(entry: _Entry) -> Iterator[Update]:
    """Statuspage's text is one post after the other, newest first; any other text is one post."""
    heads = list(_POST.finditer(entry.text))
    if not heads or heads[0].start() > 0:
        stage = _stage(entry)
        yield make.update(make.digest(entry.id, entry.title, entry.text), stage, entry.text, entry.at)
        return
    ends = [*(head.start() for head in heads[1:]), len(entry.text)]
    posts = []
    for head, end in zip(heads, ends, strict=True):
        body = entry.text[head.end() : end].strip()
        when = _when(head, entry.at)
        word = head["stage"].strip().casefold()
        posts.append((when, _WORDS.get(word, Stage.UNKNOWN), body))
    stage = Stage.INVESTIGATING
    for when, said, body in reversed(posts):
        stage = stage if said is Stage.UNKNOWN else said  # a post called "Update" changes no stage
        yield make.update(make.digest(entry.id, when.isoformat(), body), stage, body, when)


def _when(head: re.Match[str], latest: datetime) -> datetime:
    """A time without a year: in the last year before the entry's own time, which is its newest post's."""
    month = _MONTHS.index(head["month"]) + 1 if head["month"] in _MONTHS else 0
    for year in (latest.year, latest.year - 1):
        try:
            local = datetime(year, month, int(head["day"]), int(head["hour"]), int(head["minute"]), tzinfo=UTC)
        except ValueError:
            continue
        when = local - timedelta(hours=_ZONES.get(head["zone"], 0))
        if when <= latest + timedelta(days=1):
            return when
    return latest


def _stage(entry: _Entry) -> Stage:
    """The stage that the text says it has ("Status: Resolved"), else the title's first stage word, or the text's."""
    for pattern, text in ((_STATUS, entry.text), (_STAGE, entry.title), (_STAGE, entry.text[:200])):
        if found := pattern.search(text):
            return _WORDS[found[1].casefold()]
    return Stage.UNKNOWN


KIND = Kind("an RSS or Atom feed", ("/history.atom",), parse, fits, accept=ACCEPT, timed=True, seen=True)
