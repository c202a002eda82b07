"""Words -> where they stand in years of titles, posts and notes. FTS5; what a person types is never its syntax."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from bot.edge.store.database import Database
from bot.edge.store.rows import time

ENOUGH = 1000  # places; beyond, only the newest so many are looked at
_WORD = re.compile(r"\"([^\"]*)\"?|(\S+)")
_LETTER = re.compile(r"\w")


@dataclass(frozen=True, slots=True)
class Place:
    """One event that has all the words. ``at`` is the vendor's time where there is one."""

    incident: str
    provider: str
    title: str
    kind: str
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Places:
    """The newest places; ``is_cut`` where there are more than were looked at."""

    found: tuple[Place, ...]
    is_cut: bool


def query(typed: str) -> str:
    """What was typed as an FTS5 query: every word quoted, all of them asked for; empty where nothing has a letter.

    Text between double quotes is one phrase; a star at the end of a word finds what begins with it.
    """
    phrases = (phrase or word for phrase, word in _WORD.findall(typed.replace("\0", " ")))
    return " ".join(_quoted(p) for p in phrases if _LETTER.search(p))


def _quoted(phrase: str) -> str:
    star = "*" if phrase.endswith("*") else ""
    return '"' + phrase.rstrip("*").replace('"', '""') + '"' + star


def search(db: Database, typed: str, channel: str | None, limit: int) -> Places:
    """Places with all the words, one for each incident, the newest first. An empty query finds nothing."""
    wanted = query(typed)
    if not wanted:
        return Places((), is_cut=False)
    numbers = db.rows(
        "SELECT rowid FROM events_fts WHERE events_fts MATCH ? ORDER BY rowid DESC LIMIT ?", wanted, ENOUGH + 1
    )
    found = db.rows(
        "SELECT e.incident, e.provider, i.name, e.kind, coalesce(e.happened_at, e.seen_at) AS at, e.text"
        " FROM json_each(?) j CROSS JOIN events e ON e.id = j.value CROSS JOIN incidents i ON i.id = e.incident"
        " WHERE e.channel IS NULL OR e.channel = ? ORDER BY at DESC, e.id DESC",
        *(json.dumps([row["rowid"] for row in numbers[:ENOUGH]]), channel),
    )
    first: dict[str, dict[str, Any]] = {}
    for row in found:
        first.setdefault(row["incident"], row)
    return Places(tuple(map(_place, islice(first.values(), limit))), is_cut=len(numbers) > ENOUGH)


def _place(row: dict[str, Any]) -> Place:
    return Place(row["incident"], row["provider"], row["name"], row["kind"], time(row["at"]), row["text"] or "")
