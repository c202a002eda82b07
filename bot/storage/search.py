"""Full-text search over years of titles, posts and notes; ``full_text`` asks the engine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from bot.storage import full_text
from bot.storage.connection import Database
from bot.storage.mapping import parse_time

MAX_MATCHES = 1000  # if there are more, only the newest so many are read


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


def search(db: Database, typed: str, channel: str | None, limit: int) -> SearchHits:
    """Events with all the words, one for each incident, the newest first. An empty query matches nothing.

    Of what people wrote, only what ``channel`` may read.
    """
    phrases = full_text.phrases(typed)
    if not phrases:
        return SearchHits((), is_cut=False)
    matches = db.matching_events(phrases, MAX_MATCHES + 1)
    rows = db.rows(  # CROSS JOIN keeps SQLite's planner at this order
        "SELECT e.incident, e.provider, i.name, e.kind, coalesce(e.happened_at, e.seen_at) AS at, e.text"
        " FROM json_each(CAST(? AS TEXT)) j CROSS JOIN events e CROSS JOIN incidents i"
        " WHERE e.id = CAST(j.value AS BIGINT) AND i.id = e.incident AND (e.channel IS NULL OR e.channel = ?)"
        " ORDER BY at DESC, e.id DESC",
        *(json.dumps(matches[:MAX_MATCHES]), channel),
    )
    first: dict[str, dict[str, Any]] = {}
    for row in rows:
        first.setdefault(row["incident"], row)
    return SearchHits(tuple(map(_hit_from_row, islice(first.values(), limit))), is_cut=len(matches) > MAX_MATCHES)


def _hit_from_row(row: dict[str, Any]) -> SearchHit:
    return SearchHit(
        row["incident"], row["provider"], row["name"], row["kind"], parse_time(row["at"]), row["text"] or ""
    )
