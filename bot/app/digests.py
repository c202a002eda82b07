"""The digest job: composes the digest of each channel when it is due, and enqueues it exactly once.

Schedules and handled due times are in the database, so that a restart, a change of settings or a clock that jumps needs
no special case. A missed digest is sent late within limits (bot.rules.alerting.digest_schedule), or skipped. What it
says is read in a thread, on a separate connection, since years of a whole catalogue would block the event loop.
"""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot import lookup
from bot.app.jobs import PeriodicJob
from bot.domain import (
    Condition,
    DigestSchedule,
    Incident,
    Notice,
    NoticeKind,
    Notification,
    NotificationKind,
    Provider,
    ProviderState,
    Stage,
    Surface,
    TrackedIncident,
)
from bot.domain.reliability import ConditionPeriod, IncidentCourse, TimeWindow, VerdictAccuracy
from bot.messages import digest
from bot.messages.digest import DigestContent
from bot.queries.current import StatusQueries
from bot.queries.history import HistoryQueries
from bot.rules.alerting import digest_schedule, routing
from bot.rules.changes.diff import first_posted_at
from bot.rules.reliability import spans, verdict_accuracy
from bot.storage import Place, Repository

log = logging.getLogger("brownout")

CHECK_INTERVAL_S = 15.0  # a digest is at most this late
FEW = 10  # digests that are due at the same time and need no spreading
SPREAD_S, MAX_SPREAD_S = 3.0, 600.0  # seconds: per digest that is due at the same time, and in all
_MIN_UNREADABLE = timedelta(minutes=15)  # a shorter time is not mentioned
SubscribedStates = Sequence[tuple[Provider, ProviderState, tuple[Surface, ...]]]


@dataclass(frozen=True, slots=True)
class DigestJob:
    """Enqueues due digests; ``path`` is the database file.

    Many that are due at the same time are spread over some minutes, so that they don't use up what Slack accepts.
    """

    queries: StatusQueries
    path: Place
    _unreadable: set[str] = field(default_factory=set)  # channels whose schedule can't be read, and is logged

    def periodic_job(self) -> PeriodicJob:
        """The job for the scheduler."""
        return PeriodicJob("digests", CHECK_INTERVAL_S, self, "no digest is sent until that is fixed")

    async def __call__(self) -> None:
        """Handles every digest that is due, one after the other."""
        now, rounds, units = self.queries.now(), self.queries.repository.schedules, self.queries.units
        schedules = [
            (channel, schedule, handled_until, at)
            for channel, schedule, handled_until in await units.run(rounds.digest_schedules)
            if (at := self._last_due(channel, schedule, now))
        ]
        due_together = Counter(at for *_, at in schedules)
        for channel, schedule, handled_until, at in schedules:
            if at > handled_until and now >= at + _spread(channel, due_together[at]):
                is_late = digest_schedule.is_late(schedule, at, now)
                notification = None if is_late else await asyncio.to_thread(self._compose, channel, schedule, at)
                await units.run(rounds.finish_digest, channel, at, notification)

    def _last_due(self, channel: str, schedule: DigestSchedule, now: datetime) -> datetime | None:
        """When the digest was due last; None if its schedule can't be read, for one since its time zone is unknown."""
        try:
            at = digest_schedule.last_due(schedule, now)
        except (KeyError, ValueError, OSError) as error:
            if channel not in self._unreadable:
                log.warning("the digest of %s is left out: %s; `settings` there sets it", channel, error)
            self._unreadable.add(channel)
            return None
        self._unreadable.discard(channel)
        return at

    def _compose(self, channel: str, schedule: DigestSchedule, at: datetime) -> Notification | None:
        with closing(Repository.open(self.path, read_only=True)) as repository:
            return _digest_notification(replace(self.queries, repository=repository), channel, schedule, at)


def _spread(channel: str, together: int) -> timedelta:
    """How much later than due a channel's digest is composed: by its id, the same every time."""
    seconds = min(SPREAD_S * together, MAX_SPREAD_S)
    return timedelta(seconds=zlib.crc32(channel.encode()) % 1000 / 1000 * seconds if together > FEW else 0)


def _digest_notification(
    queries: StatusQueries, channel: str, schedule: DigestSchedule, at: datetime
) -> Notification | None:
    """The digest that is due at ``at``; None if the channel has muted everything or has nothing to be told."""
    mutes = queries.channel_preferences(channel).mutes
    if any(m.target == routing.ALL and (m.until is None or m.until > at) for m in mutes):
        return None
    content = digest_content(queries, channel, digest_schedule.digest_window(schedule, at))
    if content is None or (content.is_calm and not schedule.on_calm):
        return None
    key = f"{NoticeKind.DIGEST}:{at.isoformat(timespec='minutes')}"
    message = digest.digest_message(content, schedule)
    notice = Notice(NoticeKind.DIGEST, "", "", key, at, "", content.window.start, said=message)
    return Notification(channel, NotificationKind.NOTICE, key, notice)


def incident_accuracy(queries: StatusQueries, provider: Provider, tracked: TrackedIncident) -> VerdictAccuracy:
    """The accuracy of the verdicts on an incident's surfaces, from its first post to its end."""
    start, end = first_posted_at(tracked.incident), tracked.closed_at or queries.now()
    surfaces = [s for s in provider.surfaces if s.id in tracked.surfaces]
    history = HistoryQueries(queries.repository.archive, queries.now())
    return surfaces_accuracy(history, surfaces, TimeWindow(start, max(start, end)))


def surfaces_accuracy(history: HistoryQueries, surfaces: Iterable[Surface], window: TimeWindow) -> VerdictAccuracy:
    """The accuracy of the verdicts in a window, by the conditions in it and in the hour after it."""
    total = VerdictAccuracy()
    for surface in surfaces:
        periods = history.condition_periods(
            surface, TimeWindow(window.start, window.end + verdict_accuracy.RELAPSE_WITHIN)
        )
        total = total.merged_with(
            verdict_accuracy.measure_verdict_accuracy(
                history.archive.verdict_intervals(surface.provider, surface.id, window), periods
            )
        )
    return total


def digest_content(queries: StatusQueries, channel: str, window: TimeWindow) -> DigestContent | None:
    """The content of a digest, for all that a channel is subscribed to; None if it has no subscriptions."""
    targets = [s.target for s in queries.repository.subscriptions(channel)]
    subscribed = tuple(_subscribed_states(queries, targets))
    if not subscribed:
        return None
    history = HistoryQueries(queries.repository.archive, queries.now())
    periods_by_surface = [(s, history.condition_periods(s, window)) for _, _, surfaces in subscribed for s in surfaces]
    broke = tuple(_incidents_in_window(queries, subscribed, window))
    return DigestContent(
        window,
        [found.name if (found := lookup.target_from_id(queries.providers, t)) else t for t in targets],
        broke=broke,
        lost=tuple(_downtime_by_surface(periods_by_surface)),
        counts={s.name: sum(s.id in course.surfaces for _, course in broke) for s, _ in periods_by_surface},
        judged=surfaces_accuracy(history, [s for s, _ in periods_by_surface], window),
        estimates=_count_estimates(subscribed, window),
        blind=tuple(_unreadable_time(queries, subscribed, window)),
        planned=_next_maintenance(subscribed, queries.now()),
    )


def _subscribed_states(
    queries: StatusQueries, targets: Sequence[str]
) -> Iterator[tuple[Provider, ProviderState, tuple[Surface, ...]]]:
    """Each subscribed provider with its state and subscribed surfaces; targets that no longer exist are left out."""
    surface_ids: dict[str, set[str]] = {}
    for target in targets:
        target_match = lookup.target_from_id(queries.providers, target)
        if target_match is None:
            continue
        surface_ids.setdefault(target_match.provider.id, set()).update(s.id for s in target_match.surfaces)
    for provider in queries.providers:
        if provider.id in surface_ids:
            yield (
                provider,
                queries.provider_state(provider),
                tuple(s for s in provider.surfaces if s.id in surface_ids[provider.id]),
            )


def _incidents_in_window(
    queries: StatusQueries, subscribed: SubscribedStates, window: TimeWindow
) -> Iterator[tuple[str, IncidentCourse]]:
    """Incidents of the surfaces that were open at any time in the window, without maintenances.

    At most those that were posted within 7 days before it.
    """
    for provider, _, surfaces in subscribed:
        ids = {s.id for s in surfaces}
        before = TimeWindow(window.start - timedelta(days=7), window.end)
        for course in queries.repository.archive.incident_courses([provider.id], before):
            was_open = course.resolved_at is None or course.resolved_at >= window.start
            is_whole = not course.surfaces and len(surfaces) == len(provider.surfaces)
            if not course.is_maintenance and was_open and (is_whole or ids & set(course.surfaces)):
                yield provider.name, course


def _downtime_by_surface(
    periods_by_surface: Sequence[tuple[Surface, Sequence[ConditionPeriod]]],
) -> Iterator[tuple[str, dict[Condition, timedelta]]]:
    for surface, periods in periods_by_surface:
        bad = {c: spent for c, spent in spans.time_by_condition(periods).items() if c.is_bad and spent}
        if bad:
            yield surface.name, bad


def _count_estimates(subscribed: SubscribedStates, window: TimeWindow) -> tuple[int, int]:
    """How many first estimates of incidents that ended in the window held, and how many there were."""
    grades = [
        g.held_quantiles[2]
        for _, state, _ in subscribed
        for g in state.outlook.grades
        if window.start <= g.estimate.issued_at + g.actual < window.end
    ]
    return sum(grades), len(grades)


def _unreadable_time(
    queries: StatusQueries, subscribed: SubscribedStates, window: TimeWindow
) -> Iterator[tuple[str, timedelta]]:
    """For each provider, how long its page could not be read in the window, from its first poll on."""
    now = queries.now()
    for provider, _, surfaces in subscribed:
        first = queries.repository.archive.first_poll_at(provider.id)
        if first is None or first >= window.end:
            continue
        monitored = TimeWindow(max(window.start, first), window.end)
        watched = queries.repository.archive.surface_record(provider.id, surfaces[0].id, monitored, now).watched
        seen = sum((period.length for period in watched), timedelta())
        if (unreadable := monitored.length - seen) >= _MIN_UNREADABLE:
            yield provider.name, unreadable


def _next_maintenance(subscribed: SubscribedStates, now: datetime) -> tuple[str, Incident] | None:
    """The provider's name and the incident of the next announced maintenance; None if there is none."""
    maintenances = [
        (k.incident.scheduled_for, provider.name, k.incident)
        for provider, state, _ in subscribed
        for k in state.open_incidents
        if k.incident.stage is Stage.SCHEDULED and k.incident.scheduled_for and k.incident.scheduled_for > now
    ]
    return min(maintenances, key=lambda a: a[0])[1:] if maintenances else None
