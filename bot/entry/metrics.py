"""A desk and what runs -> ``/metrics``, in Prometheus' text format, made anew at every scrape.

Every name, what it counts and its unit stand in ``HELP``, which the README repeats; no metric is kept beside the book.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, GCCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from bot import __version__
from bot.model import Call, Provider, World

if TYPE_CHECKING:
    from bot.entry.desk import Desk

CONTENT_TYPE = CONTENT_TYPE_LATEST
HELP = {
    "brownout_info": "1; the label is the bot's version",
    "brownout_slack_connected": "whether Slack is heard: 1 yes, 0 no; absent where Slack is not wanted",
    "brownout_source_age_seconds": "since the last usable look; absent before the first",
    "brownout_source_failures": "failed looks in a row",
    "brownout_source_looks_total": "looks since the start, usable or not",
    "brownout_source_late_looks_total": "of them those that began 5 seconds or more after they were due",
    "brownout_open_incidents": "incidents that are open now",
    "brownout_surface_exposure": "share of the normal load that may be sent now: 1 normally, 0 hold off",
    "brownout_surface_verdict": "1 for the verdict that a surface has now, 0 for the others",
    "brownout_posts_owed": "posts that are not sent yet",
    "brownout_posts_parked": "posts that Slack will never take, with the reason in the database",
    "brownout_post_oldest_seconds": "how long the oldest of those owed has waited; 0 where none is",
    "brownout_channels_paused": "channels that take nothing for now",
    "brownout_backup_age_seconds": "since the newest backup; absent where there is none",
}
_CALLS = tuple(Call)


@dataclass(frozen=True, slots=True)
class State:
    """What one scrape tells that the desk does not know. Times are aware; ``is_heard`` None: Slack is not wanted."""

    is_heard: bool | None = None
    backed_up_at: datetime | None = None


def text(desk: Desk, state: State) -> bytes:
    """The answer to a scrape."""
    registry = CollectorRegistry()
    registry.register(_Collector(lambda: _metrics(desk, state)))
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    return generate_latest(registry)


class _Collector:
    def __init__(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self.collect = collect

    def describe(self) -> Iterable[Metric]:
        """Nothing is asked at registration."""
        return ()


def _metrics(desk: Desk, state: State) -> Iterator[Metric]:
    now, board = desk.now(), desk.glance()
    yield _gauge("brownout_info", ("version",), [((__version__,), 1)])
    if state.is_heard is not None:
        yield _gauge("brownout_slack_connected", (), [((), state.is_heard)])
    if state.backed_up_at is not None:
        yield _gauge("brownout_backup_age_seconds", (), [((), _seconds(now, state.backed_up_at))])
    yield from _of_sources(desk, board, now)
    yield from _of_surfaces(desk, board)
    owed = desk.book.debt()
    yield _gauge("brownout_posts_owed", (), [((), owed.waiting)])
    yield _gauge("brownout_posts_parked", (), [((), owed.parked)])
    oldest = _seconds(now, owed.oldest_at) if owed.oldest_at else 0.0
    yield _gauge("brownout_post_oldest_seconds", (), [((), oldest)])
    yield _gauge("brownout_channels_paused", (), [((), owed.paused)])


def _of_sources(desk: Desk, board: Iterable[tuple[Provider, World]], now: datetime) -> Iterator[Metric]:
    worlds = [w for _, w in board]
    seen = [((w.provider,), _seconds(now, w.seen_at)) for w in worlds if w.seen_at]
    yield _gauge("brownout_source_age_seconds", ("provider",), seen)
    yield _gauge("brownout_source_failures", ("provider",), [((w.provider,), w.failures) for w in worlds])
    yield _gauge("brownout_open_incidents", ("provider",), [((w.provider,), len(w.open_incidents)) for w in worlds])
    pulses = [(p.id, pulse) for p, _ in board if desk.running and (pulse := desk.running.pulse(p.id))]
    yield _counter("brownout_source_looks_total", "provider", [(name, pulse.looks) for name, pulse in pulses])
    yield _counter("brownout_source_late_looks_total", "provider", [(name, pulse.late) for name, pulse in pulses])


def _of_surfaces(desk: Desk, board: Iterable[tuple[Provider, World]]) -> Iterator[Metric]:
    given = [(p.id, s.id, desk.verdict(w, s)) for p, w in board for s in p.surfaces]
    labels = ("provider", "surface")
    yield _gauge("brownout_surface_exposure", labels, [((p, s), v.exposure) for p, s, v in given])
    calls = [((p, s, call), v.call is call) for p, s, v in given for call in _CALLS]
    yield _gauge("brownout_surface_verdict", (*labels, "verdict"), calls)


def _gauge(name: str, labels: tuple[str, ...], values: Iterable[tuple[tuple[str, ...], float]]) -> Metric:
    family = GaugeMetricFamily(name, HELP[name], labels=labels)
    for names, value in values:
        family.add_metric(names, value)
    return family


def _counter(name: str, label: str, values: Iterable[tuple[str, float]]) -> Metric:
    family = CounterMetricFamily(name, HELP[name], labels=(label,))
    for one, value in values:
        family.add_metric((one,), value)
    return family


def _seconds(now: datetime, then: datetime) -> float:
    return max(0.0, (now - then).total_seconds())
