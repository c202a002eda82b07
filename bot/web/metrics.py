"""The metrics under ``/metrics`` in Prometheus' text format, computed at every scrape.

``HELP`` has the name, meaning and unit of each; the manual repeats it. No counter is kept for metrics alone: all values
come from the database and the running bot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, GCCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from bot import __version__
from bot.domain import Advice, Provider, ProviderState

if TYPE_CHECKING:
    from bot.queries.current import StatusQueries

CONTENT_TYPE = CONTENT_TYPE_LATEST
HELP = {
    "brownout_info": "1; the label is the bot's version",
    "brownout_leader": "1 if this bot polls and posts, 0 if it follows one that does; the sum over all bots is 1",
    "brownout_shards_held": "how many of the 64 parts of the pages it polls; absent where it shares them with no bot",
    "brownout_slack_connected": "whether Slack is connected: 1 yes, 0 no; absent where Slack is not wanted",
    "brownout_source_age_seconds": "since the last good check; absent before the first",
    "brownout_source_failures": "consecutive failed checks",
    "brownout_source_looks_total": "checks since the start, good or not",
    "brownout_source_late_looks_total": "of them those that began 5 seconds or more after they were due",
    "brownout_open_incidents": "incidents that are open now",
    "brownout_surface_exposure": "share of the normal load that may be sent now: 1 full load, 0 don't retry",
    "brownout_surface_verdict": "1 for the advice that a service has now, 0 for the others",
    "brownout_posts_owed": "posts that are not sent yet",
    "brownout_posts_parked": "posts that Slack will never take, with the reason in the database",
    "brownout_post_oldest_seconds": "how long the oldest of those has waited; 0 where none does",
    "brownout_channels_paused": "channels that take nothing for now",
    "brownout_slack_rejected": "1 while Slack accepts no message at all, 0 otherwise; absent where Slack is not wanted",
    "brownout_loop_stalls_total": "times since the start that nothing else could run for more than 50 ms",
    "brownout_loop_longest_stall_seconds": "the longest of these times",
    "brownout_backup_age_seconds": "since the newest backup; absent where there is none",
}
_CALLS = tuple(Advice)


@dataclass(frozen=True, slots=True)
class MetricsState:
    """What StatusQueries does not know. ``is_slack_connected``: Slack is connected; None if Slack is not used."""

    is_slack_connected: bool | None = None
    backed_up_at: datetime | None = None
    is_rejected: bool = False  # Slack accepts no message at all
    loop_stalls: tuple[int, float] = (0, 0.0)  # how many there were, and the longest in seconds
    is_leader: bool = True
    shards: int | None = None  # of the pages, that it polls; None where it shares them with no other bot


def render_metrics(queries: StatusQueries, state: MetricsState) -> bytes:
    """The answer to a scrape."""
    registry = CollectorRegistry()
    registry.register(_Collector(lambda: _collect_metrics(queries, state)))
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    return generate_latest(registry)


class _Collector:
    def __init__(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self.collect = collect

    def describe(self) -> Iterable[Metric]:
        """No metrics at registration, so that registering does not query the database."""
        return ()


def _collect_metrics(queries: StatusQueries, state: MetricsState) -> Iterator[Metric]:
    now, snapshot = queries.now(), queries.quick_snapshot()
    yield _gauge("brownout_info", ("version",), [((__version__,), 1)])
    yield _gauge("brownout_leader", (), [((), state.is_leader)])
    if state.shards is not None:
        yield _gauge("brownout_shards_held", (), [((), state.shards)])
    if state.is_slack_connected is not None:
        yield _gauge("brownout_slack_connected", (), [((), state.is_slack_connected)])
        yield _gauge("brownout_slack_rejected", (), [((), state.is_rejected)])
    if state.backed_up_at is not None:
        yield _gauge("brownout_backup_age_seconds", (), [((), _seconds_since(now, state.backed_up_at))])
    stalls, longest_s = state.loop_stalls
    yield _counter("brownout_loop_stalls_total", (), [((), stalls)])
    yield _gauge("brownout_loop_longest_stall_seconds", (), [((), longest_s)])
    yield from _source_metrics(queries, snapshot, now)
    yield from _surface_metrics(queries, snapshot)
    backlog = queries.repository.backlog()
    yield _gauge("brownout_posts_owed", (), [((), backlog.waiting)])
    yield _gauge("brownout_posts_parked", (), [((), backlog.parked)])
    oldest = _seconds_since(now, backlog.oldest_at) if backlog.oldest_at else 0.0
    yield _gauge("brownout_post_oldest_seconds", (), [((), oldest)])
    yield _gauge("brownout_channels_paused", (), [((), backlog.paused)])


def _source_metrics(
    queries: StatusQueries, snapshot: Iterable[tuple[Provider, ProviderState]], now: datetime
) -> Iterator[Metric]:
    states = [state for _, state in snapshot]
    ages = [((state.provider,), _seconds_since(now, state.seen_at)) for state in states if state.seen_at]
    yield _gauge("brownout_source_age_seconds", ("provider",), ages)
    yield _gauge("brownout_source_failures", ("provider",), [((state.provider,), state.failures) for state in states])
    yield _gauge(
        "brownout_open_incidents", ("provider",), [((state.provider,), len(state.open_incidents)) for state in states]
    )
    statistics = [
        (p.id, counts) for p, _ in snapshot if queries.running and (counts := queries.running.poll_statistics(p.id))
    ]
    labels = ("provider",)
    yield _counter("brownout_source_looks_total", labels, [((name,), counts.looks) for name, counts in statistics])
    yield _counter("brownout_source_late_looks_total", labels, [((name,), counts.late) for name, counts in statistics])


def _surface_metrics(queries: StatusQueries, snapshot: Iterable[tuple[Provider, ProviderState]]) -> Iterator[Metric]:
    verdicts = [(p.id, s.id, queries.verdict(state, s)) for p, state in snapshot for s in p.surfaces]
    labels = ("provider", "surface")
    yield _gauge("brownout_surface_exposure", labels, [((p, s), v.exposure) for p, s, v in verdicts])
    calls = [((p, s, call), v.call is call) for p, s, v in verdicts for call in _CALLS]
    yield _gauge("brownout_surface_verdict", (*labels, "verdict"), calls)


def _gauge(name: str, labels: tuple[str, ...], values: Iterable[tuple[tuple[str, ...], float]]) -> Metric:
    family = GaugeMetricFamily(name, HELP[name], labels=labels)
    for names, value in values:
        family.add_metric(names, value)
    return family


def _counter(name: str, labels: tuple[str, ...], values: Iterable[tuple[tuple[str, ...], float]]) -> Metric:
    family = CounterMetricFamily(name, HELP[name], labels=labels)
    for names, value in values:
        family.add_metric(names, value)
    return family


def _seconds_since(now: datetime, then: datetime) -> float:
    return max(0.0, (now - then).total_seconds())
