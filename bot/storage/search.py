"""Full-text search over years of titles, posts and notes with SQLite's FTS5. Typed text is never FTS5 syntax."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from bot.storage.connection import Database
from bot.storage.mapping import parse_time

MAX_MATCHES = 1000  # if there are more, only the newest so many are read
_WORD = re.compile(r"\"([^\"]*)\"?|(\S+)")
_LETTER = re.compile(r"\w")


@dataclass(frozen=True, slots=True)
class SearchHit:
    """An event that contains all the words. ``at`` is the vendor's time, or else when it was seen."""

    incident: str
    provider: str
    title: str
    kind: str
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class SearchHits:
    """The newest matches; ``is_cut`` says that there are more than MAX_MATCHES."""

    found: tuple[SearchHit, ...]
    is_cut: bool


def fts_query(typed: str) -> str:
    """The FTS5 query for typed text: every word quoted, all of them required; empty if nothing has a letter.

    Text between double quotes is one phrase; a star at the end of a word makes it a prefix.
    """
    phrases = (phrase or word for phrase, word in _WORD.findall(typed.replace("\0", " ")))
    return " ".join(_quote_phrase(p) for p in phrases if _LETTER.search(p))


def _quote_phrase(phrase: str) -> str:
    star = "*" if phrase.endswith("*") else ""
    return '"' + phrase.rstrip("*").replace('"', '""') + '"' + star


def search(db: Database, typed: str, channel: str | None, limit: int) -> SearchHits:
    """Events with all the words, one for each incident, the newest first. An empty query matches nothing.

    Of what people wrote, only what ``channel`` may read.
    """
    query = fts_query(typed)
    if not query:
        return SearchHits((), is_cut=False)
    matches = db.rows(
        "SELECT rowid FROM events_fts WHERE events_fts MATCH ? ORDER BY rowid DESC LIMIT ?", query, MAX_MATCHES + 1
    )
    rows = db.rows(
        "SELECT e.incident, e.provider, i.name, e.kind, coalesce(e.happened_at, e.seen_at) AS at, e.text"
        " FROM json_each(?) j CROSS JOIN events e ON e.id = j.value CROSS JOIN incidents i ON i.id = e.incident"
        " WHERE e.channel IS NULL OR e.channel = ? ORDER BY at DESC, e.id DESC",
        *(json.dumps([row["rowid"] for row in matches[:MAX_MATCHES]]), channel),
    )
    first: dict[str, dict[str, Any]] = {}
    for row in rows:
        first.setdefault(row["incident"], row)
    return SearchHits(tuple(map(_hit_from_row, islice(first.values(), limit))), is_cut=len(matches) > MAX_MATCHES)


def _hit_from_row(row: dict[str, Any]) -> SearchHit:
    return SearchHit(
        row["incident"], row["provider"], row["name"], row["kind"], parse_time(row["at"]), row["text"] or ""
    )
