"""What time brings to channels that want a digest: at its due time it is written and owed, once, whatever happened.

A job of the scheduler asks; the calendar itself is the book's, so that a restart, a change of settings and a clock that
jumps need no job of their own. A digest that was missed is told late, within limits (bot.core.due), or not at all. What
it tells is read in a thread, on a connection of its own: years of a whole catalogue are no work for the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from bot.core import catalogue, due, openings, spans
from bot.core.diff import first_post
from bot.edge.store import Store
from bot.entry.almanac import Almanac
from bot.entry.app import Errand
from bot.entry.desk import Desk
from bot.errors import UsageError
from bot.model import (
    Condition,
    Digest,
    Incident,
    Known,
    Notice,
    NoticeKind,
    Post,
    PostKind,
    Provider,
    Stage,
    Surface,
    World,
)
from bot.voice import digest as voice
from bot.voice import route
from bot.voice.digest import Lookback
from bot.years import Course, Judged, Run, Window

EVERY_S = 15.0  # that is how late a digest may be
_A_BLINK = timedelta(minutes=15)  # of blindness, below which nothing is made of it
Board = Sequence[tuple[Provider, World, tuple[Surface, ...]]]


@dataclass(frozen=True, slots=True)
class Digests:
    """Owes digests; ``path`` is the database."""

    desk: Desk
    path: Path

    def errand(self) -> Errand:
        """The scheduler's job."""
        return Errand("digests", EVERY_S, self, "no digest is told until that is mended")

    async def __call__(self) -> None:
        """Deals with those that are due, one after the other."""
        now, rounds = self.desk.now(), self.desk.book.rounds
        for channel, wanted, done in rounds.digests():
            at = due.last(wanted, now)
            if at > done:
                is_late = due.is_late(wanted, at, now)
                post = None if is_late else await asyncio.to_thread(self._written, channel, wanted, at)
                rounds.done(channel, at, post)

    def _written(self, channel: str, wanted: Digest, at: datetime) -> Post | None:
        with closing(Store.open(self.path, read_only=True)) as book:
            return _post(replace(self.desk, book=book), channel, wanted, at)


def _post(desk: Desk, channel: str, wanted: Digest, at: datetime) -> Post | None:
    """The digest as it is owed; None where nobody wants it now."""
    mutes = desk.habits(channel).mutes
    if any(m.target == route.ALL and (m.until is None or m.until > at) for m in mutes):
        return None
    found = lookback(desk, channel, due.period(wanted, at))
    if found is None or (found.is_calm and not wanted.on_calm):
        return None
    key = f"{NoticeKind.DIGEST}:{at.isoformat(timespec='minutes')}"
    said = voice.digest(found, wanted)
    notice = Notice(NoticeKind.DIGEST, "", "", key, at, "", found.window.start, said=said)
    return Post(channel, PostKind.NOTICE, key, notice)


def judged(desk: Desk, provider: Provider, known: Known) -> Judged:
    """How right the verdicts were that an incident was given, up to its end."""
    start, end = first_post(known.incident), known.closed_at or desk.now()
    surfaces = [s for s in provider.surfaces if s.id in known.surfaces]
    almanac = Almanac(desk.book.archive, desk.now())
    return _judged(almanac, surfaces, Window(start, max(start, end)))


def _judged(almanac: Almanac, surfaces: Iterable[Surface], window: Window) -> Judged:
    """Verdicts of the window against the conditions in it and in the hour after it."""
    total = Judged()
    for surface in surfaces:
        found = _runs(almanac, surface, Window(window.start, window.end + openings.WITHIN))
        total = total.plus(openings.judged(almanac.archive.verdicts(surface.provider, surface.id, window), found))
    return total


def lookback(desk: Desk, channel: str, window: Window) -> Lookback | None:
    """What has been, of all that a channel listens to; None where it listens to nothing."""
    targets = [s.target for s in desk.book.subscriptions(channel)]
    board = tuple(_board(desk, targets))
    if not board:
        return None
    almanac = Almanac(desk.book.archive, desk.now())
    looked = [(s, _runs(almanac, s, window)) for _, _, surfaces in board for s in surfaces]
    return Lookback(
        window,
        targets,
        broke=tuple(_broke(desk, board, window)),
        lost=tuple(_lost(looked)),
        judged=_judged(almanac, [s for s, _ in looked], window),
        estimates=_estimates(board, window),
        blind=tuple(_blind(desk, board, window)),
        planned=_planned(board, desk.now()),
    )


def _board(desk: Desk, targets: Sequence[str]) -> Iterator[tuple[Provider, World, tuple[Surface, ...]]]:
    """Every provider that is listened to, with the surfaces that are; what the catalogue no longer has is left out."""
    wanted: dict[str, set[str]] = {}
    for target in targets:
        try:
            found = catalogue.resolve(desk.providers, target)
        except UsageError:
            continue
        wanted.setdefault(found.provider.id, set()).update(s.id for s in found.surfaces)
    for provider in desk.providers:
        if provider.id in wanted:
            yield provider, desk.world(provider), tuple(s for s in provider.surfaces if s.id in wanted[provider.id])


def _runs(almanac: Almanac, surface: Surface, window: Window) -> tuple[Run, ...]:
    cut = Window(window.start, min(window.end, almanac.now))
    return spans.runs(almanac.archive.record(surface.provider, surface.id, cut, almanac.now), cut)


def _broke(desk: Desk, board: Board, window: Window) -> Iterator[tuple[str, Course]]:
    """Incidents of the surfaces that were posted in the window, or were open when it began; without maintenances."""
    for provider, _, surfaces in board:
        ids = {s.id for s in surfaces}
        before = Window(window.start - timedelta(days=7), window.end)
        for course in desk.book.archive.courses([provider.id], before):
            was_open = course.resolved_at is None or course.resolved_at >= window.start
            is_whole = not course.surfaces and len(surfaces) == len(provider.surfaces)
            if not course.is_maintenance and was_open and (is_whole or ids & set(course.surfaces)):
                yield provider.name, course


def _lost(looked: Sequence[tuple[Surface, Sequence[Run]]]) -> Iterator[tuple[str, dict[Condition, timedelta]]]:
    for surface, found in looked:
        bad = {c: spent for c, spent in spans.minutes(found).items() if c.is_bad and spent}
        if bad:
            yield surface.name, bad


def _estimates(board: Board, window: Window) -> tuple[int, int]:
    """How many first estimates were graded in the window, and how many of them held."""
    grades = [
        g.held[2]
        for _, world, _ in board
        for g in world.outlook.grades
        if window.start <= g.estimate.issued_at + g.actual < window.end
    ]
    return sum(grades), len(grades)


def _blind(desk: Desk, board: Board, window: Window) -> Iterator[tuple[str, timedelta]]:
    """For how long a page could not be read, since it was looked at first."""
    now = desk.now()
    for provider, _, surfaces in board:
        first = desk.book.archive.first_look(provider.id)
        if first is None or first >= window.end:
            continue
        whole = Window(max(window.start, first), window.end)
        watched = desk.book.archive.record(provider.id, surfaces[0].id, whole, now).watched
        seen = sum((spans_.length for spans_ in watched), timedelta())
        if (lost := whole.length - seen) >= _A_BLINK:
            yield provider.name, lost


def _planned(board: Board, now: datetime) -> tuple[str, Incident] | None:
    """The next maintenance that is announced."""
    ahead = [
        (k.incident.scheduled_for, provider.name, k.incident)
        for provider, world, _ in board
        for k in world.open_incidents
        if k.incident.stage is Stage.SCHEDULED and k.incident.scheduled_for and k.incident.scheduled_for > now
    ]
    return min(ahead, key=lambda a: a[0])[1:] if ahead else None
