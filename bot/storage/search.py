"""Full-text search over years of titles, posts and notes with SQLite's FTS5. Typed text is never FTS5 syntax.

Chinese and Japanese have no spaces between words. Texts with such characters are in a second index, of trigrams, in
which a phrase is found wherever it stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from bot.storage.connection import Database
from bot.storage.mapping import parse_time

MAX_MATCHES = 1000  # if there are more, only the newest so many are read
_WORD = re.compile(r"\"([^\"]*)\"?|(\S+)")
_LETTER = re.compile(r"\w")
_TRIGRAM = 3  # characters
_CJK = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")


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
    return " ".join(map(_quote_phrase, _phrases(typed)))


def _phrases(typed: str) -> list[str]:
    phrases = (phrase or word for phrase, word in _WORD.findall(typed.replace("\0", " ")))
    return [phrase for phrase in phrases if _LETTER.search(phrase)]


def _quote_phrase(phrase: str) -> str:
    star = "*" if phrase.endswith("*") else ""
    return '"' + phrase.rstrip("*").replace('"', '""') + '"' + star


def search(db: Database, typed: str, channel: str | None, limit: int) -> SearchHits:
    """Events with all the words, one for each incident, the newest first. An empty query matches nothing.

    Of what people wrote, only what ``channel`` may read.
    """
    phrases = _phrases(typed)
    if not phrases:
        return SearchHits((), is_cut=False)
    matches = _matching_events(db, phrases)
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


def _matching_events(db: Database, phrases: Sequence[str]) -> list[dict[str, Any]]:
    """The newest events that contain all phrases; those in Chinese or Japanese also inside a longer run.

    The trigram index serves phrases of three characters or more; a shorter one reads the texts of that index.
    """
    inside = [p.rstrip("*") for p in phrases if _CJK.search(p)]
    words = " ".join(_quote_phrase(p) for p in phrases if not _CJK.search(p))
    if not inside:
        matching = "SELECT rowid FROM events_fts WHERE events_fts MATCH ?"
        return db.rows(f"{matching} ORDER BY rowid DESC LIMIT ?", words, MAX_MATCHES + 1)
    indexed = " ".join(_quote_phrase(p) for p in inside if len(p) >= _TRIGRAM)
    conditions = ["events_fts_cjk MATCH ?"] if indexed else []
    conditions += ["instr(text, ?)" for p in inside if len(p) < _TRIGRAM]
    conditions += ["rowid IN (SELECT rowid FROM events_fts WHERE events_fts MATCH ?)"] if words else []
    arguments = [*filter(None, [indexed]), *(p for p in inside if len(p) < _TRIGRAM), *filter(None, [words])]
    return db.rows(
        f"SELECT rowid FROM events_fts_cjk WHERE {' AND '.join(conditions)} ORDER BY rowid DESC LIMIT ?",  # noqa: S608
        *(*arguments, MAX_MATCHES + 1),
    )


def _hit_from_row(row: dict[str, Any]) -> SearchHit:
    return SearchHit(
        row["incident"], row["provider"], row["name"], row["kind"], parse_time(row["at"]), row["text"] or ""
    )
