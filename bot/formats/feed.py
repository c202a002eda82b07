"""Parses RSS 2.0 and Atom, for pages that have nothing better: an entry is an incident, or an update of one.

No field of a feed says that something is down now (bot/docs/status-page-formats.md#rss-and-atom). The stage is what
the entry states in a stage's place (``bot.formats.feed_stages``). An entry without one counts as open for 24 hours
after its last update; an incident that left the feed has ended. Statuspage's Atom has all updates of an incident in one
text, with times that lack the year. XML entities are refused before the feed is parsed (bot/docs/decisions.md#xml).
"""

from __future__ import annotations

import io
import re
from calendar import timegm
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from html.entities import html5
from typing import Any
from urllib.parse import urlsplit

from defusedxml import DefusedXmlException
from defusedxml import ElementTree as Defused

from bot.domain import NO_TIME, Component, Condition, Impact, Incident, Snapshot, Source, Stage, Update
from bot.errors import ParseError
from bot.formats import builders, feed_components, feed_stages, json_fields, reading, time_zones
from bot.formats.base import Bodies, SourceFormat

ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.8"
CURRENT_WITHIN = timedelta(hours=24)
OPEN_WITHIN = timedelta(days=3)  # an entry that was never called over and not touched for longer is not of now
MAX_ENTRIES = 2000  # feeds are not always in order, so that none may be left out before its stage is read
UNSURE_WITHIN = timedelta(hours=26)  # no two clocks of the world are further apart
PLAUSIBLE_YEARS = range(2000, 2200)
MAX_TEXT = 100_000  # characters of one entry

_POST = re.compile(
    r"^(?P<month>[A-Z][a-z]{2}) (?P<day>\d{1,2}), (?P<hour>\d\d):(?P<minute>\d\d) (?P<zone>[A-Z]{2,5})\n?"
    r"(?P<stage>[A-Z][a-z ]{2,20}) - ",
    re.MULTILINE,
)
_DATED_LINE = re.compile(
    r"^(?:(?:[A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d(?::\d\d)? ?(?:[A-Z]{2,5}|[+-]\d{4})"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)? ?(?:Z|[A-Z]{2,5}|[+-]\d\d:?\d\d))$",
    re.MULTILINE,
)
_RESOLVED_AT = re.compile(r"^resolved(?: at)?\s*:\s*(?P<time>[^\n]{8,60})$", re.IGNORECASE | re.MULTILINE)
_SEVERITY = re.compile(r"^(?:severity|impact)\s*:\s*(?P<word>[^\n]{1,40})$", re.IGNORECASE | re.MULTILINE)
IMPACTS = {
    "minor": Impact.MINOR,
    "degraded": Impact.MINOR,
    "degradation": Impact.MINOR,
    "degraded performance": Impact.MINOR,
    "major": Impact.MAJOR,
    "partial outage": Impact.MAJOR,
    "partial_outage": Impact.MAJOR,
    "disruption": Impact.MAJOR,
    "critical": Impact.CRITICAL,
    "outage": Impact.CRITICAL,
    "major outage": Impact.CRITICAL,
    "full outage": Impact.CRITICAL,
    "full_outage": Impact.CRITICAL,
}
STATUS_ELEMENTS = {  # of Microsoft's feeds, where an entry says how a service is now, and the word that it stands for
    "available": "resolved",
    "operational": "resolved",
    "servicerestored": "resolved",
    "servicedegradation": "investigating",
    "serviceinterruption": "investigating",
    "investigation": "investigating",
    "advisory": "investigating",
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_BOM = b"\xef\xbb\xbf"
_DECLARED_ENCODING = re.compile(rb"^<\?xml[^>]{0,100}encoding=[\"'](?!utf-?8)", re.IGNORECASE)
_ENTITY = re.compile(rb"&(?:(?!(?:amp|lt|gt|quot|apos);|#\w{1,8};)([A-Za-z]\w{1,30});|(?!#?\w{1,31};))")
_FEED_START = re.compile(rb"<(?:rss|feed|rdf:RDF)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of a feed, as clean text."""

    id: str
    title: str
    text: str
    at: datetime
    link: str | None
    categories: tuple[str, ...] = ()
    guid: str = ""


def fits(body: Any) -> bool:
    """True for bytes that begin like RSS or Atom."""
    return isinstance(body, bytes) and bool(_FEED_START.search(body[:2000]))


def parse(bodies: Bodies, source: Source, at: datetime) -> Snapshot:
    """Parses the feed as of ``at``."""
    document = _parse_feed(bodies[0])
    title = builders.html_to_text(document.feed.get("title")) or source.provider
    entries = [e for raw in document.entries[:MAX_ENTRIES] if (e := _entry(raw, source, at))]
    if len(document.entries) > MAX_ENTRIES:
        reading.note_problem(f"only the first {MAX_ENTRIES} entries are read", is_partial=True)
    components = {id(e): c for e in entries if (c := feed_components.component_of_entry(e.title, e.link))}
    entries = [e for e in entries if id(e) not in components]
    candidates = [_incident(group, at) for group in _group_by_incident(tuple(_without_shared_ids(entries)))]
    incidents, maintenances = builders.split_maintenances(i for i in candidates if i is not None)
    page_id, listed = builders.to_id(document.feed.get("id")) or title, tuple(components.values()) or None
    return Snapshot(page_id, title, builders.unique_by_id(listed), incidents, maintenances)


def _parse_feed(raw: bytes) -> Any:
    """The feed as feedparser reads it, after a check that it is well-formed and free of entities.

    What people get wrong in feeds is mended first, where it isn't: ``_repaired_xml``.
    """
    import feedparser  # noqa: PLC0415  (3 MB that a bot without feeds does not need)

    raw = raw.removeprefix(_BOM).lstrip() if raw.removeprefix(_BOM).lstrip().startswith(b"<?xml") else raw
    try:
        root = Defused.fromstring(raw)
    except Defused.ParseError as error:
        raw = _repaired_xml(raw)
        root = _root_of(raw, error)
    except (DefusedXmlException, ValueError, LookupError, RecursionError) as error:
        raise ParseError(f"this is not a feed: {str(error)[:120] or type(error).__name__}") from error
    if root.tag.rpartition("}")[2] not in {"rss", "feed", "RDF"}:
        raise ParseError(f"this is not a feed: its root is {root.tag[:60]!r}")
    try:
        return feedparser.parse(io.BytesIO(raw), sanitize_html=False, resolve_relative_uris=False)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise ParseError(f"this is not a feed that can be read: {str(error)[:120]}") from error


def _root_of(raw: bytes, first_error: Exception) -> Any:
    """The root of a feed that was mended; ParseError, with the error before, where that did not help."""
    try:
        return Defused.fromstring(raw)
    except (Defused.ParseError, DefusedXmlException, ValueError, LookupError, RecursionError):
        raise ParseError(f"this is not a feed: {str(first_error)[:120]}") from first_error


def _repaired_xml(raw: bytes) -> bytes:
    """A feed without bare ampersands, HTML's names of characters, and bytes of Windows-1252 in UTF-8.

    XML knows none of these, so that one of them makes a whole feed unreadable.
    """
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
        return raw
    try:
        raw.decode()
    except ValueError:
        if not _DECLARED_ENCODING.search(raw[:200]):
            raw = raw.decode("cp1252", "replace").encode()
    return _ENTITY.sub(lambda match: _plain_entity(match[1]), raw)


def _plain_entity(name: bytes | None) -> bytes:
    """What stands for ``&name;`` in XML; for a bare ampersand where it is no name."""
    if name is None:
        return b"&amp;"
    character = html5.get(f"{name.decode()};", "")
    return "".join(f"&#{ord(c)};" for c in character).encode() or b"&amp;" + name + b";"


def _entry(raw: Any, source: Source, polled_at: datetime) -> _Entry | None:
    """The entry as clean text; None where it has neither id, link nor title."""
    raw = dict(raw)  # feedparser's own dictionaries map missing keys to other ones
    at = _entry_time(raw, "updated", polled_at) or _entry_time(raw, "published", polled_at)
    link = json_fields.to_safe_url(raw.get("link"))
    title = builders.html_to_text(raw.get("title"))
    entry_id = json_fields.to_text(raw.get("id")).strip() or link or title
    if not entry_id:
        reading.note_problem("left out an entry: it has neither an id nor a link nor a title", is_partial=True)
        return None
    if at is None:
        reading.note_problem(f"an entry without a time: {title or entry_id}")
        at = NO_TIME
    contents = raw.get("content") or [{}]
    text = json_fields.to_text(contents[0].get("value")) or json_fields.to_text(raw.get("summary"))
    categories = tuple(json_fields.to_text(tag.get("term")) for tag in raw.get("tags") or () if isinstance(tag, dict))
    categories += (STATUS_ELEMENTS.get(json_fields.to_text(raw.get("status")).strip().casefold(), ""),)
    incident_id = builders.to_id(_without_anchor(entry_id), source)
    return _Entry(incident_id, title, builders.html_to_text(text[:MAX_TEXT]), at, link, categories, entry_id)


def _without_shared_ids(entries: Sequence[_Entry]) -> Iterator[_Entry]:
    """The entries, with their links as ids where several of them have one id and links of their own.

    Such an id is none: some generators make it from the time at which the feed was built.
    """
    links: dict[str, list[str | None]] = {}
    for entry in entries:
        links.setdefault(entry.guid, []).append(entry.link)
    for entry in entries:
        own = links[entry.guid]
        is_shared = len(own) > 1 and None not in own and len(set(own)) == len(own)
        yield replace(entry, id=builders.to_id(entry.link)) if is_shared else entry


def _without_anchor(entry_id: str) -> str:
    """The id of an entry's incident: some vendors add an anchor per post to its address, others only have anchors."""
    address, _, _ = entry_id.partition("#")
    try:
        has_path = bool(urlsplit(address).path.strip("/"))
    except ValueError:  # it looks like an address and is none
        return entry_id
    return address if has_path else entry_id


def _entry_time(raw: dict[str, Any], key: str, polled_at: datetime) -> datetime | None:
    """The entry's time: feedparser's, but for names of zones, of which it knows those of North America only.

    A recent time in a zone that is not known may be off by hours, so that it counts as none (``NO_TIME``).
    """
    time = _to_datetime(raw.get(f"{key}_parsed"))
    written, zone = time_zones.split_zone(json_fields.to_text(raw.get(key)))
    if time is None or not zone:
        return time
    try:
        local = parsedate_to_datetime(written)
    except (ValueError, TypeError, IndexError, OverflowError):
        return time
    if local.tzinfo:
        return time
    utc = time_zones.to_utc(local, zone)
    if utc is None:
        return NO_TIME if abs(polled_at - local.replace(tzinfo=UTC)) <= UNSURE_WITHIN else local.replace(tzinfo=UTC)
    return utc if utc.year in PLAUSIBLE_YEARS else None


def _to_datetime(parsed: Any) -> datetime | None:
    """A datetime from feedparser's struct_time, which is in UTC; None for none or an implausible one."""
    try:
        return datetime.fromtimestamp(timegm(parsed), UTC) if parsed and parsed[0] in PLAUSIBLE_YEARS else None
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def _group_by_incident(entries: Sequence[_Entry]) -> Iterable[list[_Entry]]:
    """The entries of each incident, oldest first.

    Some feeds have one entry per update, and some monitors write one as something goes down and one as it recovers.
    """
    groups: dict[str, list[_Entry]] = {}
    down: dict[str, str] = {}  # the newest entry that says so, by what went down
    undated = {id(e): -number for number, e in enumerate(entries) if e.at is NO_TIME}  # newest first, as most are
    for entry in sorted(entries, key=lambda e: (e.at, undated.get(id(e), 0), e.title, e.text)):
        recovered = down.pop(feed_stages.subject_that_recovered(entry.title), "")
        groups.setdefault(recovered or entry.id, []).append(entry)
        if subject := feed_stages.subject_that_went_down(entry.title):
            down[subject] = entry.id
    return groups.values()


def _incident(group: list[_Entry], at: datetime) -> Incident | None:
    """The incident of these entries; None where the last entry is too old to speak of now.

    That is after 24 hours where no stage is known, and after three days for one that was never called over.
    """
    newest = group[-1]
    updates = [update for entry in group for update in _entry_updates(entry)]
    last_at = max([newest.at, *(u.display_at for u in updates if u.display_at <= at)])
    stage = updates[-1].stage if updates else Stage.UNKNOWN
    if stage is Stage.UNKNOWN and at - last_at > CURRENT_WITHIN:
        return None
    is_maintenance = any(u.stage in feed_stages.PLANNED.values() for u in updates)
    if not stage.is_closed and not is_maintenance and at - last_at > OPEN_WITHIN:
        return None
    final_stage = Stage.COMPLETED if is_maintenance and stage is Stage.RESOLVED else stage
    impact = Impact.MAINTENANCE if is_maintenance else _impact(newest)
    first = min((u.display_at for u in updates), default=newest.at)
    components = feed_components.read_components(newest.title, newest.text, newest.link)
    return builders.build_incident(
        group[0].id,
        newest.title,
        final_stage,
        impact,
        first,
        _with_transitions(updates, components),
        components=components,
        url=newest.link,
        is_maintenance=is_maintenance,
    )


def _with_transitions(updates: list[Update], components: Iterable[Component]) -> list[Update]:
    """The updates, the newest one with the states of the components that the entry states."""
    stated = [(c.id, c.name, c.condition) for c in components if c.condition is not Condition.UNKNOWN]
    if not updates or not stated:
        return updates
    return [*updates[:-1], replace(updates[-1], transitions=builders.build_transitions(stated))]


def _entry_updates(entry: _Entry) -> Iterator[Update]:
    """The updates of one entry: one, or more where the text has several posts, each below its time."""
    if dated_lines := _dated_lines(entry.text):
        yield from _dated_posts(entry, dated_lines)
        return
    headers = list(_POST.finditer(entry.text))
    if not headers or headers[0].start() > 0:
        stage = feed_stages.read_stage(entry.title, entry.text, entry.categories)
        yield builders.build_update(builders.content_id(entry.id, entry.title, entry.text), stage, entry.text, entry.at)
        return
    ends = [*(header.start() for header in headers[1:]), len(entry.text)]
    posts = []
    for header, end in zip(headers, ends, strict=True):
        body = entry.text[header.end() : end].strip()
        posted_at = _post_time(header, entry.at)
        word = header["stage"].strip().casefold()
        posts.append((posted_at, feed_stages.STAGE_OF_WORD.get(word, Stage.UNKNOWN), body))
    stage = Stage.INVESTIGATING
    for posted_at, own_stage, body in reversed(posts):
        stage = stage if own_stage is Stage.UNKNOWN else own_stage  # the word "Update" changes no stage
        yield builders.build_update(builders.content_id(entry.id, posted_at.isoformat(), body), stage, body, posted_at)


def _impact(entry: _Entry) -> Impact:
    """The impact that an entry states, in its text or as a category; unknown where it states none that is known."""
    match = _SEVERITY.search(entry.text)
    words = [match["word"]] if match else entry.categories
    return next((IMPACTS[w.strip().casefold()] for w in words if w.strip().casefold() in IMPACTS), Impact.UNKNOWN)


def _dated_lines(text: str) -> list[tuple[re.Match[str], datetime]]:
    """The lines of a text that are nothing but a time in full: each is the head of a post."""
    return [(match, at) for match in _DATED_LINE.finditer(text) if (at := _full_time(match[0]))]


def _full_time(text: str) -> datetime | None:
    """A time with its date, its year and its zone, in UTC; None for anything else."""
    if time := json_fields.parse_iso_time(text.strip()):
        return time
    written, zone = time_zones.split_zone(text)
    try:
        local = parsedate_to_datetime(written if zone else text)
        time = local if local.tzinfo else time_zones.to_utc(local, zone)
        return json_fields.parse_iso_time(time.isoformat()) if time else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _dated_posts(entry: _Entry, heads: Sequence[tuple[re.Match[str], datetime]]) -> Iterator[Update]:
    """The posts of a text that writes each below its time, oldest first, in either order.

    The stage that the entry states is that of its newest post. If it states when it was resolved, and no post is of
    that time, that is one more update.
    """
    ends = [*(match.start() for match, _ in heads[1:]), len(entry.text)]
    posts = [(at, entry.text[match.end() : end].strip()) for (match, at), end in zip(heads, ends, strict=True)]
    posts = posts[::-1] if posts[0][0] >= posts[-1][0] else posts
    posts.sort(key=lambda post: post[0])
    preface = entry.text[: heads[0][0].start()]
    stated = feed_stages.read_stage(entry.title, preface, entry.categories)
    resolved = _RESOLVED_AT.search(preface)
    resolved_at = _full_time(resolved["time"].strip()) if resolved else None
    ends_later = stated.is_closed and resolved_at is not None and resolved_at - posts[-1][0] > timedelta(minutes=1)
    stage = Stage.INVESTIGATING
    for number, (posted_at, body) in enumerate(posts, 1):
        own_stage = feed_stages.read_post_stage(body)
        stage = stage if own_stage is Stage.UNKNOWN else own_stage
        if number == len(posts) and stated is not Stage.UNKNOWN and not ends_later:
            stage = stated
        yield builders.build_update(builders.content_id(entry.id, posted_at.isoformat(), body), stage, body, posted_at)
    if ends_later and resolved_at:
        yield builders.build_update(f"{entry.id}:{stated}", stated, "", resolved_at)


def _post_time(header: re.Match[str], latest: datetime) -> datetime:
    """The time of an update, which lacks the year: the newest that is not after the entry's own time, ``latest``."""
    month = _MONTHS.index(header["month"]) + 1 if header["month"] in _MONTHS else 0
    for year in (latest.year, latest.year - 1):
        try:
            local = datetime(year, month, int(header["day"]), int(header["hour"]), int(header["minute"]), tzinfo=UTC)
        except ValueError:
            continue
        posted_at = time_zones.to_utc(local, header["zone"]) or local
        if posted_at <= latest + timedelta(days=1):
            return posted_at
    return latest


FORMAT = SourceFormat("an RSS or Atom feed", ("/history.atom",), parse, fits, accept=ACCEPT, timed=True, seen=True)
