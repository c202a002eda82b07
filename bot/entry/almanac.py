"""Where a question about the past meets the archive and the catalogue: figures, strips of days, lists of incidents."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from bot.core import days, icpe25, reliability, spans
from bot.edge.store.archive import Archive
from bot.errors import UsageError
from bot.model import Call, Known, Provider, Surface
from bot.voice import chart
from bot.voice.chart import Lane, Picture
from bot.years import Day, Figures, Table, Window

_SPAN = re.compile(r"(\d{1,5})([hdwmy])")
_UNITS = {"h": 1 / 24, "d": 1, "w": 7, "m": 30, "y": 365}
MAX_DAYS = 3660

Scene = tuple[str, list[Lane], list[tuple[datetime, str]], tuple[datetime, datetime]]


@dataclass(frozen=True, slots=True)
class Page:
    """One surface in one window: its days (UTC), its availability by the study's definition, and our figures.

    The figures are those of its time and its count of incidents; how long each took is left out.
    """

    surface: Surface
    figures: Figures
    days: tuple[Day, ...]
    study: float | None


@dataclass(frozen=True, slots=True)
class Almanac:
    """Answers about the past. ``now`` is the moment of the question."""

    archive: Archive
    now: datetime

    def figures(self, surface: Surface, window: Window) -> Figures:
        """Our figures of one surface."""
        record = self.archive.record(surface.provider, surface.id, window, self.now)
        return reliability.figures(record, self.archive.courses_of(surface.id, window), window, surface.slo)

    def page(self, surface: Surface, window: Window) -> Page:
        """What an answer about one surface's uptime needs."""
        record = self.archive.record(surface.provider, surface.id, window, self.now)
        found = spans.runs(record, window)
        cut = spans.days(window, UTC)
        parts = spans.shared_out(found, cut)
        shown = tuple(days.day(day.start.date(), part) for day, part in zip(cut, parts, strict=True))
        figures = reliability.of_runs(surface.id, found, (), window, surface.slo)
        counted = replace(figures, incidents=self.archive.count(surface.id, window))
        return Page(surface, counted, shown, icpe25.availability(found, cut))

    def picture(self, known: Known, surfaces: Sequence[Surface]) -> Picture:
        """An incident drawn: a lane for each surface that it hit, from before its first post until after its end."""
        return chart.incident(*self.scene(known, surfaces))

    def scene(self, known: Known, surfaces: Sequence[Surface]) -> Scene:
        """What that picture is drawn from, for who draws it elsewhere."""
        window = self._around(known)
        lanes = [
            Lane(
                surface.name,
                spans.runs(self.archive.record(surface.provider, surface.id, window, self.now), window),
                _joined(self.archive.verdicts(surface.provider, surface.id, window)),
            )
            for surface in surfaces
            if surface.id in known.surfaces
        ]
        posts = [(u.display_at, str(u.stage)) for u in known.incident.updates]
        return known.incident.name, lanes, posts, (window.start, window.end)

    def _around(self, known: Known) -> Window:
        posts = [u.display_at for u in known.incident.updates] or [known.incident.created_at]
        end = max(posts[-1], known.closed_at or self.now)
        room = max((end - posts[0]) / 10, timedelta(minutes=10))
        return Window(posts[0] - room, min(end + 2 * room, max(self.now, end)))

    def table(self, providers: Sequence[Provider], window: Window | None) -> Table:
        """The study's table."""
        return icpe25.table(self.archive.courses([p.id for p in providers], window))

    def known_time(self, providers: Sequence[Provider]) -> Window:
        """All the time of which anything is known; UsageError where nothing is."""
        found = self.archive.known_time([p.id for p in providers])
        if found is None:
            raise UsageError("Nothing is known of any past: `brownout run` watches, `brownout backfill` reads it in.")
        return Window(found.start, min(found.end, self.now))

    def last(self, days: float) -> Window:
        """So many days up to now; whole days begin at midnight (UTC)."""
        start = self.now - timedelta(days=days)
        if days >= 1:
            start = (start + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return Window(start, self.now)


def _joined(calls: Sequence[tuple[datetime, datetime, Call]]) -> tuple[tuple[datetime, datetime, Call], ...]:
    """The same, where a verdict that only found another reason goes on."""
    whole: list[tuple[datetime, datetime, Call]] = []
    for start, end, call in calls:
        if whole and whole[-1][2] is call and whole[-1][1] == start:
            whole[-1] = (whole[-1][0], end, call)
        else:
            whole.append((start, end, call))
    return tuple(whole)


def split(words: Sequence[str], default_days: float) -> tuple[tuple[str, ...], float]:
    """What was typed -> the words without a span like ``90d``, and its days. UsageError for more than ten years."""
    spans_typed = [found for word in words if (found := _SPAN.fullmatch(word.casefold()))]
    rest = tuple(word for word in words if not _SPAN.fullmatch(word.casefold()))
    if not spans_typed:
        return rest, default_days
    number, unit = spans_typed[-1].groups()
    days = int(number) * _UNITS[unit]
    if not 0 < days <= MAX_DAYS:
        raise UsageError(f"From an hour (`1h`) to ten years (`10y`), please; {number}{unit} is not in there.")
    return rest, days
