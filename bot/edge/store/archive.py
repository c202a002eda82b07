"""The archive: years of incidents, for figures, search and notes; the book's second half, on the same connection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.core.past import Past, Told
from bot.edge.store import dump, evidence, figures, notes, past, search
from bot.edge.store.database import Database
from bot.edge.store.notes import Delivery
from bot.edge.store.past import Kept
from bot.edge.store.search import Places
from bot.model import Call, Event, Report, Seen
from bot.years import Course, Record, Window


class Archive:
    """Reads for figures, and what only a backfill writes; every method may raise StoreError."""

    def __init__(self, database: Database) -> None:
        """Takes the open database of a Store."""
        self._db = database

    # --- histories ----------------------------------------------------------------------------------------------------

    def keep(self, source: str, told: Iterable[Told], at: datetime) -> Kept:
        """Writes what a history tells of some incidents, in one transaction; how much of it was new."""
        return past.keep(self._db, source, told, at)

    def keep_conditions(self, provider: str, found: Past, origin: tuple[str, str], at: datetime) -> None:
        """Writes a history's conditions and coverage; ``origin`` is its digest and its name."""
        past.keep_conditions(self._db, provider, found, origin, at)

    def fetched(self, provider: str) -> dict[str, tuple[bool, bytes | None]]:
        """What a walk through a page's history has fetched so far: incident -> whether it is closed, and its bytes."""
        return past.fetched(self._db, provider)

    def keep_fetched(self, provider: str, incident: str, body: bytes | None, *, is_closed: bool) -> None:
        """Keeps one page of a walk."""
        past.keep_fetched(self._db, provider, incident, body, is_closed=is_closed)

    # --- figures ------------------------------------------------------------------------------------------------------

    def record(self, source: str, surface: str, window: Window, now: datetime) -> Record:
        """All that is known of a surface in a window."""
        return figures.record(self._db, source, surface, window, now)

    def verdicts(self, source: str, surface: str, window: Window) -> tuple[tuple[datetime, datetime, Call], ...]:
        """The verdicts that were given on a surface in a window, from when to when."""
        return figures.verdicts(self._db, source, surface, window)

    def courses_of(self, surface: str, window: Window) -> tuple[Course, ...]:
        """The incidents that hit a surface and were first posted in the window."""
        return figures.courses_of(self._db, surface, window)

    def count(self, surface: str, window: Window) -> int:
        """How many incidents hit a surface and were first posted in the window."""
        return figures.count(self._db, surface, window)

    def courses(self, providers: Sequence[str], window: Window | None = None) -> tuple[Course, ...]:
        """The incidents of these providers that were first posted in the window, or all."""
        return figures.courses(self._db, providers, window)

    def first_look(self, provider: str) -> datetime | None:
        """When a provider's page was looked at first; None where it never was."""
        return figures.first_look(self._db, provider)

    def known_time(self, providers: Iterable[str]) -> Window | None:
        """From the first to the last moment of which anything is known."""
        return figures.known_time(self._db, providers)

    # --- what people add ----------------------------------------------------------------------------------------------

    def add(self, event: Event) -> int:
        """Appends a note, a correction or a change of labels to the timeline; its number."""
        return notes.add(self._db, event)

    def labels(self, incident: str) -> tuple[str, ...]:
        """What an incident is filed under."""
        return notes.labels(self._db, incident)

    def deliveries(self, incident: str) -> tuple[Delivery, ...]:
        """Our own posts about an incident, and what became of them."""
        return notes.deliveries(self._db, incident)

    def seen(self, surfaces: Iterable[str], since: datetime, until: datetime) -> tuple[Seen, ...]:
        """What probes and traffic saw of each surface in a span, as far as that is still kept."""
        return evidence.seen(self._db, surfaces, since, until)

    def reports(self, since: datetime) -> tuple[Report, ...]:
        """What people have said in the chat since then, each with when."""
        return evidence.reports(self._db, since)

    # --- search -------------------------------------------------------------------------------------------------------

    def search(self, typed: str, channel: str | None = None, limit: int = 20) -> Places:
        """Where the words stand that were typed, in all the years; one place for each incident, the newest first."""
        return search.search(self._db, typed, channel, limit)

    # --- everything ---------------------------------------------------------------------------------------------------

    def dump(self) -> Iterator[str]:
        """The whole book as one JSON file, in pieces."""
        return dump.dump(self._db)

    def restore(self, body: Mapping[str, Any]) -> int:
        """Reads a whole book into an empty one; how many rows."""
        return dump.restore(self._db, body)
