"""Counts of the team's own requests, judged client by client and never added up across writers. No I/O.

A client is one program that counts, a writer the token that sends its counts. Each writer has one voice, whatever the
number of its clients and of their requests (bot/docs/verdict-rules.md#who-counts). Counts without a token are of
earlier versions: there, each client has a voice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from statistics import median

from bot.domain import RequestOutcomes, TeamAlert, TrafficWindow

TRAFFIC_WITHIN = timedelta(minutes=5)  # window over which the share of failed requests is computed
# requests fail significantly: with so many requests, so many failures, and such a share of failures
MIN_REQUESTS, MIN_FAILURES, MIN_FAILURE_SHARE = 20, 5, 0.05
OUTAGE_SHARE = 0.9  # failed share of the median client's requests that counts like a failing probe
MAX_CLIENTS = 256  # of one writer and surface; of more clients, a sample that is independent of their names' order
MAX_ALERT_AGE = timedelta(minutes=15)  # an alert that has fired for longer counts as firing for so long
MAX_WINDOWS = 6  # of one client and surface; of more, the oldest are added up
MIN_VOICES_FOR_MEDIAN = 3  # of fewer, the worse counts, so that one alone outvotes no one


@dataclass(frozen=True, slots=True)
class ClientCount:
    """The requests of one client within a time. In a mean it counts in full from ``MIN_REQUESTS`` on, else in part."""

    requests: int
    failed: int

    @property
    def share(self) -> float:
        """The failed share of the requests."""
        return self.failed / self.requests

    @property
    def weight(self) -> float:
        """How much the client counts among the clients of its writer, from 0 to 1."""
        return min(self.requests, MIN_REQUESTS) / MIN_REQUESTS


@dataclass(frozen=True, slots=True)
class Voice:
    """The clients of one writer, or of all writers with too few requests to judge each of them alone."""

    clients: tuple[ClientCount, ...]
    worst_failure: str = ""  # the most frequent one: an HTTP status, ``timeout`` or ``connection``
    is_pool: bool = False  # of all writers with too few requests
    cap: float = 1.0  # of the share by which it votes: while too few of its requests fail, all its recent ones count

    @property
    def requests(self) -> int:
        """The number of requests."""
        return sum(c.requests for c in self.clients)

    @property
    def mean(self) -> float:
        """The mean of the clients' failed shares."""
        return sum(c.share * c.weight for c in self.clients) / sum(c.weight for c in self.clients)

    @property
    def median(self) -> float:
        """The median of the clients' failed shares, by their weights."""
        ordered = sorted(self.clients, key=lambda c: c.share)
        half, passed = sum(c.weight for c in ordered) / 2, 0.0
        for client, following in zip(ordered, [*ordered[1:], ordered[-1]], strict=True):
            passed += client.weight
            if passed > half + 1e-9:
                return client.share
            if passed > half - 1e-9:
                return (client.share + following.share) / 2
        return ordered[-1].share

    @property
    def vote(self) -> float:
        """The share by which the voice says whether nearly all requests fail."""
        return min(self.median, self.cap)

    @property
    def share(self) -> float:
        """The failed share: by clients or by requests, whichever is worse, since neither many clients may hide few."""
        return max(self.mean, sum(c.failed for c in self.clients) / self.requests)

    @property
    def is_significant(self) -> bool:
        """Whether enough of enough requests failed to rule out chance."""
        failed = sum(c.failed for c in self.clients)
        return self.requests >= MIN_REQUESTS and failed >= MIN_FAILURES and self.share >= MIN_FAILURE_SHARE


def add_windows(
    known: Iterable[TrafficWindow], outcomes: Iterable[TrafficWindow], at: datetime
) -> tuple[TrafficWindow, ...]:
    """The windows with new ones added, without those that are too old, sorted by time.

    A writer's later count of the same client and span replaces the earlier one; without a writer the worse stays.
    A window without any request says nothing and is left out.
    """
    windows = {(w.writer, w.client, w.since, w.until): w for w in known}
    for window in outcomes:
        key = (window.writer, window.client, window.since, window.until)
        if window.writer or key not in windows or _badness(window) >= _badness(windows[key]):
            windows[key] = window
    recent = [w for w in windows.values() if w.ok + w.failed and at - w.until <= TRAFFIC_WITHIN]
    kept = (w for _, clients in _by_writer(recent) for w in _bounded(clients))
    return tuple(sorted(kept, key=lambda w: (w.until, w.since, w.writer, w.client)))


def to_window(outcomes: RequestOutcomes, at: datetime, failed: dict[str, int]) -> TrafficWindow:
    """A client's counts as a window, with those failures only that are the surface's."""
    worst = max(failed, key=lambda status: (failed[status], status), default="")
    since, until = min(outcomes.since, at), min(outcomes.until, at)
    return TrafficWindow(
        since, until, max(outcomes.ok, 0), sum(failed.values()), worst, outcomes.client, outcomes.writer
    )


def alert_window(alert: TeamAlert, client: str, at: datetime) -> TrafficWindow:
    """A firing alert as the requests of one client: nearly all of them fail if it is critical, else a part.

    The numbers are the least that count in full. It lasts until the alert no longer counts; its beginning is believed
    as far back as that of counts.
    """
    since = min(max(alert.since, at - MAX_ALERT_AGE), at)
    failed = MIN_REQUESTS if alert.is_critical else MIN_FAILURES
    ok = MIN_REQUESTS - failed
    return TrafficWindow(since, max(alert.until, at), ok, failed, "", client, alert.writer, alert.name)


def voices(windows: Iterable[TrafficWindow], at: datetime, within: timedelta = TRAFFIC_WITHIN) -> tuple[Voice, ...]:
    """The voices of these windows: who had enough requests in ``TRAFFIC_WITHIN``, by those that ended ``within``."""
    recent = [w for w in windows if at - w.until <= TRAFFIC_WITHIN]
    enough: list[list[TrafficWindow]] = []
    few: list[TrafficWindow] = []
    for _, clients in _by_writer(recent):
        own = [w for client in clients for w in client]
        groups = [own] if own[0].writer else clients
        for group in groups:
            if sum(w.ok + w.failed for w in group) >= MIN_REQUESTS:
                enough.append(group)
            else:
                few += group
    found = (_recent_voice(group, at, within, is_pool=group is few) for group in (*enough, few))
    return tuple(voice for voice in found if voice is not None)


def worst_voice(found: Iterable[Voice]) -> Voice | None:
    """The voice with the largest failed share among those that fail significantly, or else among all; None without any.

    So a few failed requests of one voice do not hide many of another.
    """
    return max(found, key=lambda v: (v.is_significant, v.share, v.requests), default=None)


def median_share(found: Sequence[Voice]) -> float:
    """The failed share of the median client: of one voice its own, of two the worse, of more their median.

    Writers with too few requests have a voice only where nearly all of enough requests fail: they outvote no one.
    """
    shares = [v.vote for v in found if not v.is_pool or (v.is_significant and v.vote >= OUTAGE_SHARE)]
    return median(shares) if len(shares) >= MIN_VOICES_FOR_MEDIAN else max(shares, default=0.0)


def _recent_voice(group: Sequence[TrafficWindow], at: datetime, within: timedelta, *, is_pool: bool) -> Voice | None:
    whole, recent = _voice(group), _voice([w for w in group if at - w.until < within])
    if whole is None or recent is None:
        return None
    return replace(recent, is_pool=is_pool, cap=1.0 if whole.is_significant else whole.median)


def _voice(windows: Sequence[TrafficWindow]) -> Voice | None:
    counts: dict[tuple[str, str], ClientCount] = {}
    failures: dict[str, int] = {}
    for w in windows:
        old = counts.get((w.writer, w.client), ClientCount(0, 0))
        counts[w.writer, w.client] = ClientCount(old.requests + w.ok + w.failed, old.failed + w.failed)
        failures[w.worst] = failures.get(w.worst, 0) + w.failed
    worst = max(failures, key=lambda status: (failures[status], status), default="")
    return Voice(tuple(counts.values()), worst) if counts else None


def _by_writer(windows: Iterable[TrafficWindow]) -> Iterable[tuple[str, list[list[TrafficWindow]]]]:
    """The windows of each writer, by client and then by time."""
    ordered = sorted(windows, key=lambda w: (w.writer, w.client, w.until, w.since))
    for writer, own in groupby(ordered, key=lambda w: w.writer):
        yield writer, [list(client) for _, client in groupby(own, key=lambda w: w.client)]


def _bounded(clients: list[list[TrafficWindow]]) -> Iterable[TrafficWindow]:
    """At most ``MAX_CLIENTS`` clients of one writer, and ``MAX_WINDOWS`` windows of each."""
    if len(clients) > MAX_CLIENTS:
        clients = sorted(clients, key=lambda c: _sample_key(c[0].client))[:MAX_CLIENTS]
    for client in clients:
        windows = client
        while len(windows) > MAX_WINDOWS:
            windows = [_added(windows[0], windows[1]), *windows[2:]]
        yield from windows


def _added(first: TrafficWindow, second: TrafficWindow) -> TrafficWindow:
    return replace(
        second,
        since=min(first.since, second.since),
        ok=first.ok + second.ok,
        failed=first.failed + second.failed,
        worst=max(first, second, key=lambda w: w.failed).worst,
    )


def _sample_key(client: str) -> bytes:
    """An order of clients that has nothing to do with their names, so that no region or service goes first."""
    return hashlib.blake2s(client.encode(errors="replace")).digest()


def _badness(window: TrafficWindow) -> tuple[float, int]:
    return window.failed / max(window.ok + window.failed, 1), window.ok + window.failed
