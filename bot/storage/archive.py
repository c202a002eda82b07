"""``Archive``: years of incidents for reliability figures, search, notes and exports."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.domain import Advice, Alert, Component, ComponentPin, Condition, Event, EvidenceTotals, UserReport
from bot.domain.reliability import (
    DatedTransition,
    IncidentCourse,
    MonthSums,
    SurfaceRecord,
    TimeWindow,
    VerdictAccuracy,
)
from bot.rules.reliability import spans, verdict_accuracy
from bot.rules.reliability.backfill import BackfilledHistory, BackfilledIncident
from bot.storage import backfill, datasette, evidence, incident_list, json_dump, month_sums, notes, reliability, search
from bot.storage.backfill import BackfillCounts
from bot.storage.connection import Database
from bot.storage.incident_list import IncidentFilter, ListedIncident
from bot.storage.notes import NotificationDelivery
from bot.storage.search import SearchHits


class Archive:
    """Reads of the history, and writes of backfills, notes and imports; every method may raise StoreError."""

    def __init__(self, database: Database) -> None:
        """Takes the repository's open database."""
        self._db = database

    # --- incidents ----------------------------------------------------------------------------------------------------

    def incident_at(self, urls: Sequence[str]) -> str | None:
        """The key of the newest incident with one of these addresses, as its page wrote them; None for none."""
        marks = ", ".join("?" * len(urls))
        newest = f"SELECT id FROM incidents WHERE url IN ({marks}) ORDER BY posted_at DESC LIMIT 1"  # noqa: S608
        return next((row["id"] for row in self._db.rows(newest, *urls)), None)

    # --- backfills ----------------------------------------------------------------------------------------------------

    def save_incidents(self, source: str, incidents: Iterable[BackfilledIncident], at: datetime) -> BackfillCounts:
        """Writes incidents of a history in one transaction; returns how many incidents and updates were new."""
        return backfill.save_incidents(self._db, source, incidents, at)

    def save_conditions(self, provider: str, history: BackfilledHistory, origin: tuple[str, str], at: datetime) -> None:
        """Writes a history's conditions and coverage; ``origin`` is the digest and the name of its file."""
        backfill.save_conditions(self._db, provider, history, origin, at)

    def fetched_pages(self, provider: str) -> dict[str, tuple[bool, bytes | None]]:
        """The incident pages that a history download has fetched so far; see ``backfill.fetched_pages``."""
        return backfill.fetched_pages(self._db, provider)

    def save_fetched_page(self, provider: str, incident: str, body: bytes | None, *, is_closed: bool) -> None:
        """Stores one incident page of a history download; ``body`` is None if the page is gone."""
        backfill.save_fetched_page(self._db, provider, incident, body, is_closed=is_closed)

    # --- figures ------------------------------------------------------------------------------------------------------

    def surface_record(
        self,
        source: str,
        surface: str,
        window: TimeWindow,
        now: datetime,
        *,
        known: tuple[tuple[TimeWindow, ...], tuple[TimeWindow, ...]] | None = None,
    ) -> SurfaceRecord:
        """Everything recorded about a surface in a window; ``known`` are the page's ``known_windows``, if at hand."""
        return reliability.surface_record(self._db, source, surface, window, now, known=known)

    def known_windows(
        self, source: str, window: TimeWindow, now: datetime
    ) -> tuple[tuple[TimeWindow, ...], tuple[TimeWindow, ...]]:
        """The time in a window that usable polls of a page cover, and the time that imported histories cover."""
        return reliability.known_windows(self._db, source, window, now)

    def recorded_lifetime(self, source: str, surface: str) -> tuple[datetime | None, datetime | None]:
        """When a surface began and ended, by recordings that list no component of it before or after; else None."""
        return reliability.recorded_lifetime(self._db, source, surface)

    def page_components(self, source: str) -> tuple[tuple[ComponentPin, ...], tuple[Component, ...]]:
        """The components of a page that stand for surfaces, and all that it listed last."""
        return reliability.page_components(self._db, source)

    def first_affected_at(self, surface: str) -> datetime | None:
        """The first post of the first incident that affected a surface; None without one."""
        return reliability.first_affected_at(self._db, surface)

    def verdict_intervals(
        self, source: str, surface: str, window: TimeWindow
    ) -> tuple[tuple[datetime, datetime, Advice], ...]:
        """The verdicts on a surface in a window, each as start, end and advice."""
        return reliability.verdict_intervals(self._db, source, surface, window)

    def with_advice_record(self, alert: Alert) -> Alert:
        """The alert with how often its advice let load through again, and with the surfaces that had an outage.

        For the moment of the all clear, whose advice need not be recorded yet.
        """
        window = TimeWindow(min(alert.posted_at, alert.seen_at), alert.as_of)
        total, outages = VerdictAccuracy(), []
        for line in alert.lines:
            given = list(self.verdict_intervals(alert.provider, line.surface, window))
            if given and given[-1][2] is not line.verdict.call:
                given[-1] = (given[-1][0], alert.as_of, given[-1][2])
                given.append((alert.as_of, alert.as_of, line.verdict.call))
            record = self.surface_record(alert.provider, line.surface, window, alert.as_of)
            periods = spans.condition_periods(record, window)
            total = total.merged_with(verdict_accuracy.measure_verdict_accuracy(given, periods))
            if any(period.condition is Condition.MAJOR_OUTAGE for period in periods):
                outages.append(line.surface)
        return replace(alert, openings=total.openings, early_openings=total.early, outages=tuple(outages))

    def dated_transitions(self, source: str, window: TimeWindow) -> tuple[DatedTransition, ...]:
        """The component transitions that the provider's updates carry, for a window."""
        return reliability.dated_transitions(self._db, source, window)

    def late_courses(self, provider: str, window: TimeWindow) -> tuple[IncidentCourse, ...]:
        """The incidents that were posted when they were over, and whose text states a time near the window."""
        return reliability.late_courses(self._db, provider, window)

    def surface_incident_courses(self, surface: str, window: TimeWindow) -> tuple[IncidentCourse, ...]:
        """The incidents that affected a surface and were open in the window, oldest first, each once."""
        return reliability.surface_incident_courses(self._db, surface, window)

    def incident_courses(
        self, providers: Sequence[str], window: TimeWindow | None = None
    ) -> tuple[IncidentCourse, ...]:
        """The incidents of these providers that were open in the window, each once; or all of them; oldest first."""
        return reliability.incident_courses(self._db, providers, window)

    def incident_components(self, source: str, incident: str) -> tuple[str, ...]:
        """The names of the page's components that an incident was linked to, in the order of their ids."""
        return reliability.incident_components(self._db, source, incident)

    def history_until(self, provider: str, posted_at: datetime) -> datetime | None:
        """The end of the imported history that an incident was posted in; None where polls have taken over since."""
        return reliability.history_until(self._db, provider, posted_at)

    def first_poll_at(self, provider: str) -> datetime | None:
        """The time of the first poll of a provider's page; None before it."""
        return reliability.first_poll_at(self._db, provider)

    def known_period(self, providers: Iterable[str]) -> TimeWindow | None:
        """From the first to the last time that polls or histories cover; None if nothing does."""
        return reliability.known_period(self._db, providers)

    # --- stored months ------------------------------------------------------------------------------------------------

    def month_sums(self, provider: str, basis: str, months: Collection[str]) -> dict[str, MonthSums]:
        """The stored sums of those of the months (such as 2026-03) that have some, in time order."""
        return month_sums.stored_sums(self._db, provider, basis, months)

    def finished_months(self, provider: str, basis: str) -> frozenset[str]:
        """The months whose sums are stored, or never will be."""
        return month_sums.finished_months(self._db, provider, basis)

    def reserve_months(self, provider: str, basis: str, token: str, reads: Mapping[str, TimeWindow]) -> None:
        """Reserves months before their records are read; see ``month_sums.reserve``."""
        month_sums.reserve(self._db, provider, basis, token, reads)

    def store_months(self, provider: str, token: str, found: Mapping[str, MonthSums | None]) -> int:
        """Stores the sums of reserved months, if nothing has changed since; see ``month_sums.store``."""
        return month_sums.store(self._db, provider, token, found)

    def crowded_borders(self, provider: str, borders: Iterable[datetime], apart: timedelta) -> frozenset[datetime]:
        """The times with an incident's first post shortly before and another shortly after them."""
        return month_sums.crowded_borders(self._db, provider, borders, apart)

    # --- what people add ----------------------------------------------------------------------------------------------

    def add_event(self, event: Event) -> int:
        """Appends a note, a correction or a change of labels to the timeline; returns the event's id."""
        return notes.add_event(self._db, event)

    def incident_labels(self, incident: str) -> tuple[str, ...]:
        """The labels of an incident, in alphabetical order."""
        return notes.incident_labels(self._db, incident)

    def deliveries(self, incident: str) -> tuple[NotificationDelivery, ...]:
        """The notifications about an incident, and whether each was delivered."""
        return notes.deliveries(self._db, incident)

    def evidence_totals(self, surfaces: Iterable[str], since: datetime, until: datetime) -> tuple[EvidenceTotals, ...]:
        """Counts of probes and requests for each surface in a period, from the raw evidence that is still stored."""
        return evidence.evidence_totals(self._db, surfaces, since, until)

    def user_reports(self, since: datetime) -> tuple[UserReport, ...]:
        """The reports of people in the chat since then, oldest first."""
        return evidence.user_reports(self._db, since)

    # --- search -------------------------------------------------------------------------------------------------------

    def search(self, typed: str, channel: str | None = None, limit: int = 20) -> SearchHits:
        """Full-text search over all years: one match for each incident, the newest first; see ``search.search``."""
        return search.search(self._db, typed, channel, limit)

    def list_incidents(
        self, providers: Sequence[str], wanted: IncidentFilter, limit: int, offset: int = 0
    ) -> tuple[ListedIncident, ...]:
        """The incidents of these providers that pass the filter, the newest first post first."""
        return incident_list.list_incidents(self._db, providers, wanted, limit, offset)

    def incident_years(self) -> tuple[int, ...]:
        """The years in which incidents were posted, the newest first, without gaps; empty without incidents."""
        return incident_list.incident_years(self._db)

    def datasette_metadata(self, name: str) -> dict[str, Any]:
        """Metadata for Datasette, which calls the database ``name``; see ``datasette.metadata``."""
        return datasette.metadata(self._db, name)

    # --- export and import --------------------------------------------------------------------------------------------

    def dump(self) -> Iterator[str]:
        """The whole database as one JSON file, in chunks."""
        return json_dump.dump_database(self._db)

    def copy_to(self, other: Archive, on_table: Callable[[str, int], None]) -> None:
        """Copies the whole database into an empty one, and compares the two; see ``json_dump.copy_database``."""
        json_dump.copy_database(self._db, other._db, on_table)

    def restore(self, body: Mapping[str, Any]) -> int:
        """Imports a dumped database into this empty one; returns the number of rows."""
        return json_dump.restore_database(self._db, body)
