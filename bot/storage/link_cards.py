"""Stores which cards of pasted links Slack shows, so that they can be kept up to date, also after a restart.

Their number is bounded, and each is forgotten after some time: ``LinkCardStore.add`` and ``remove_before``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.domain import LinkCard, LinkKind, LinkPlace, LinkSubject
from bot.storage.connection import Database, Upsert
from bot.storage.mapping import format_time, parse_time

MAX_CARDS = 500  # in all channels; the oldest are forgotten


class LinkCardStore:
    """The cards that Slack shows; every method may raise StoreError."""

    def __init__(self, database: Database) -> None:
        """Takes the repository's database."""
        self._db = database

    def all(self) -> tuple[LinkCard, ...]:
        """Every card, the newest first."""
        rows = self._db.rows("SELECT * FROM link_cards ORDER BY shown_at DESC, channel, ts, url")
        return tuple(
            LinkCard(
                LinkPlace(r["channel"], r["ts"], r["unfurl_id"], r["origin"]),
                r["url"],
                LinkSubject(LinkKind(r["kind"]), r["subject"]),
                r["digest"],
                parse_time(r["shown_at"]),
                bool(r["is_external"]),
            )
            for r in rows
        )

    def add(self, cards: Iterable[LinkCard]) -> None:
        """Stores cards, or what they show now; of more than MAX_CARDS, the oldest are forgotten."""
        with self._db.transaction():
            for card in cards:
                self._db.insert("link_cards", _row(card), Upsert(("channel", "ts", "url"), kept=("shown_at",)))
            newest_first = "SELECT channel, ts, url FROM link_cards ORDER BY shown_at DESC, ts DESC LIMIT ? OFFSET ?"
            surplus = self._db.rows(newest_first, MAX_CARDS, MAX_CARDS)
            oldest = ([row["channel"], row["ts"], row["url"]] for row in surplus)
            self._db.write_all("DELETE FROM link_cards WHERE channel = ? AND ts = ? AND url = ?", oldest)

    def remove(self, place: LinkPlace) -> None:
        """Forgets the cards of a message."""
        self._db.write("DELETE FROM link_cards WHERE channel = ? AND ts = ?", place.channel, place.ts)

    def remove_before(self, at: datetime) -> int:
        """Forgets the cards that were shown before then; returns how many."""
        return self._db.write("DELETE FROM link_cards WHERE shown_at < ?", format_time(at))


def _row(card: LinkCard) -> dict[str, object]:
    return {
        "channel": card.place.channel,
        "ts": card.place.ts,
        "url": card.url,
        "unfurl_id": card.place.unfurl_id,
        "origin": card.place.source,
        "kind": card.subject.kind,
        "subject": card.subject.id,
        "digest": card.digest,
        "shown_at": format_time(card.shown_at),
        "is_external": int(card.is_external),
    }
