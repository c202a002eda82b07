"""The answer to ``why`` and to the *Why?* button: the evidence for each advice, what to do, and the sources. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain import READABLE_FOR, Alert, EvidenceState, Message, TrafficWindow
from bot.messages import block_kit, formatting, markup, news

PROBES_WITHIN, TRAFFIC_WITHIN = timedelta(minutes=15), timedelta(minutes=5)  # older evidence is not counted
_MIN_REQUESTS = 20  # a share of fewer says nothing
_MAX_LENGTH = 9000  # characters of the answer


@dataclass(frozen=True, slots=True)
class SourceChecks:
    """What the advice rests on beside the vendor's posts.

    Attributes:
        interval_s: The polling interval of the status page in seconds; None where no bot runs in this process.
        has_probes: Whether one of the services is probed.
        evidence: What probes and traffic showed of the services.
        reports: How many people reported them in the last hour.
    """

    interval_s: float | None = None
    has_probes: bool = False
    evidence: Sequence[EvidenceState] = ()
    reports: int = 0


def why_message(alert: Alert, now: datetime, evidence: Mapping[str, Sequence[str]], checks: SourceChecks) -> Message:
    """The reasons of the advice on one incident's services; ``evidence`` are sentences by surface."""
    lines = [*news.why_text(alert, now, evidence).split("\n"), _sources_text(alert, now, checks)]
    lines[1:1] = _notes(alert, now)
    return Message(
        block_kit.escape("\n".join(map(markup.to_plain, lines))),
        tuple(block_kit.sections(map(markup.to_mrkdwn, lines), _MAX_LENGTH)),
    )


def _notes(alert: Alert, now: datetime) -> Iterator[str]:
    """What the reader must know first: that the incident has ended, or names nothing."""
    if alert.closed_at is not None:
        yield f"The incident ended at {markup.time(alert.closed_at, now)}. The advice is as of now."
    if not (alert.lines or alert.watched):
        yield f"The incident names no service of {alert.provider_name}."


def _sources_text(alert: Alert, now: datetime, checks: SourceChecks) -> str:
    page = "status page not checked yet"
    if alert.checked_at is not None:
        age = now - alert.checked_at
        is_recent = age <= READABLE_FOR
        page = f"status page {'checked' if is_recent else 'last checked'} {markup.time(alert.checked_at, now)}"
    every = f", every {checks.interval_s:.0f} s" if checks.interval_s else ""
    parts = [
        f"{page}{every}",
        f"probes: {_probes_text(checks, now)}",
        f"your traffic: {_traffic_text(checks.evidence, now)}",
        f"reports here: {checks.reports}",
        *_other_sources(checks.evidence, now),
    ]
    return f"{markup.bold('Sources:')} {' · '.join(parts)}"


def _other_sources(evidence: Iterable[EvidenceState], now: datetime) -> Iterator[str]:
    """The team's own alerts that fire, and the outage trackers that are read; nothing where there are none."""
    states = tuple(evidence)
    if firing := sorted({t.alert for state in states for t in state.tallies if t.alert and t.until > now}):
        yield f"your alerts: {formatting.join_names(firing)}"
    for tracker in (t for state in states for t in state.trackers):
        says = tracker.text or "no trouble" if tracker.is_known else "unreadable"
        yield f"{markup.clean(tracker.tracker)}: {markup.clean(says)}"


def _probes_text(checks: SourceChecks, now: datetime) -> str:
    if not checks.has_probes and not any(state.sights for state in checks.evidence):
        return "none configured"
    sights = [sight for state in checks.evidence for sight in state.sights]
    tries = [attempt for sight in sights for attempt in sight.tries if now - attempt.at <= PROBES_WITHIN]
    if not tries:
        return "no recent result"
    return f"{sum(not attempt.ok for attempt in tries)} of {len(tries)} failed in 15 min"


def _traffic_text(evidence: Iterable[EvidenceState], now: datetime) -> str:
    """The errors of the sender and service with most of them; senders are not added up, nor are services."""
    counts = [
        (failed, total)
        for state in evidence
        for failed, total in _counts_by_sender(
            t for t in state.tallies if not t.alert and now - t.until <= TRAFFIC_WITHIN
        )
        if total
    ]
    if not counts:
        return "none sent"
    failed, total = max(counts, key=lambda count: (count[0] / count[1], count[1]))
    if total < _MIN_REQUESTS:
        return f"{failed} of {total} requests failed"
    return f"{failed / total:.1%} errors of {total:,}"


def _counts_by_sender(windows: Iterable[TrafficWindow]) -> Iterator[tuple[int, int]]:
    """Failed requests and all requests, by sender."""
    counts: dict[str, tuple[int, int]] = {}
    for window in windows:
        failed, total = counts.get(window.writer, (0, 0))
        counts[window.writer] = (failed + window.failed, total + window.ok + window.failed)
    yield from counts.values()
