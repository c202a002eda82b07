"""The words of a search, for SQLite's FTS5 and for PostgreSQL's ``tsvector``. Typed text is never their syntax. No I/O.

Chinese and Japanese have no spaces between words. SQLite has a second index of texts with such characters, of trigrams,
in which a phrase is found wherever it stands; for PostgreSQL each such character is a word of its own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_WORD = re.compile(r"\"([^\"]*)\"?|(\S+)")
_LETTER = re.compile(r"\w")
_TRIGRAM = 3  # characters
_CJK_RANGES = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_CJK = re.compile(f"[{_CJK_RANGES}]")
_TOKEN = re.compile(rf"[{_CJK_RANGES}]|[^\W_{_CJK_RANGES}]+")
_MOST_CHARACTERS = 100_000  # of a text in PostgreSQL's index; a tsvector takes at most 1 MB
_LONGEST_TOKEN = 500  # characters; PostgreSQL takes 2,046 bytes
_LAST_POSITION = 16_383  # of a tsvector; later words are found, but not as parts of phrases


def phrases(typed: str) -> list[str]:
    """The words and the quoted phrases of a search, without those that have no letter."""
    found = (phrase or word for phrase, word in _WORD.findall(typed.replace("\0", " ")))
    return [phrase for phrase in found if _LETTER.search(phrase)]


# --- SQLite -----------------------------------------------------------------------------------------------------------


def fts_query(typed: str) -> str:
    """The FTS5 query for typed text: every word quoted, all of them required; empty if nothing has a letter.

    Text between double quotes is one phrase; a star at the end of a word makes it a prefix.
    """
    return " ".join(map(_quote_phrase, phrases(typed)))


def _quote_phrase(phrase: str) -> str:
    star = "*" if phrase.endswith("*") else ""
    return '"' + phrase.rstrip("*").replace('"', '""') + '"' + star


def matching_query(wanted: Sequence[str]) -> tuple[str, list[str]]:
    """The query for the events that contain all phrases, and its values.

    Phrases in Chinese or Japanese also match inside a longer run. The trigram index serves those of three characters or
    more; a shorter one reads the texts of that index.
    """
    inside = [p.rstrip("*") for p in wanted if _CJK.search(p)]
    words = " ".join(_quote_phrase(p) for p in wanted if not _CJK.search(p))
    if not inside:
        return "SELECT rowid FROM events_fts WHERE events_fts MATCH ?", [words]
    indexed = " ".join(_quote_phrase(p) for p in inside if len(p) >= _TRIGRAM)
    conditions = ["events_fts_cjk MATCH ?"] if indexed else []
    conditions += ["instr(text, ?)" for p in inside if len(p) < _TRIGRAM]
    conditions += ["rowid IN (SELECT rowid FROM events_fts WHERE events_fts MATCH ?)"] if words else []
    values = [*filter(None, [indexed]), *(p for p in inside if len(p) < _TRIGRAM), *filter(None, [words])]
    return f"SELECT rowid FROM events_fts_cjk WHERE {' AND '.join(conditions)}", values  # noqa: S608  (words above)


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


def search_vector(text: str | None) -> str:
    """The text form of the ``tsvector`` of a text: its words, without accents and capitals, and their places."""
    places: dict[str, list[int]] = {}
    for place, token in enumerate(_tokens(text or ""), start=1):
        places.setdefault(token, []).append(min(place, _LAST_POSITION))
    return " ".join(f"'{token}':{','.join(map(str, at))}" for token, at in places.items())


def search_query(wanted: Sequence[str]) -> str:
    """The text form of the ``tsquery`` for the texts that contain all phrases; empty if these have no words."""
    parts = []
    for phrase in wanted:
        tokens = [f"'{token}'" for token in _tokens(phrase)]
        if tokens:
            parts.append("(" + " <-> ".join(tokens) + (":*" if phrase.endswith("*") else "") + ")")
    return " & ".join(parts)


def _tokens(text: str) -> list[str]:
    """The words as SQLite's tokenizer ``unicode61 remove_diacritics 2`` finds them, and each CJK character alone."""
    apart = unicodedata.normalize("NFD", text[:_MOST_CHARACTERS])
    plain = "".join(c for c in apart if not "\u0300" <= c <= "\u036f")
    return [token[:_LONGEST_TOKEN] for token in _TOKEN.findall(unicodedata.normalize("NFC", plain).lower())]
