"""Builds the notices about a provider's page: it can't be read, has moved, or shows something that needs a person.

Those for the subscribed channels say what the services count as meanwhile, those for the operators what to check. No
I/O.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain import (
    UNKNOWN_STATE,
    EventKind,
    Notice,
    NoticeKind,
    PollFailure,
    Provider,
    ProviderState,
    Stage,
    TrackedIncident,
)
from bot.rules.changes import component_pins, missed
from bot.rules.evidence import disputes
from bot.rules.transition import StateTransition

MAX_NAMED_COMPONENTS = 10  # in one notice
_NETWORK_CODES = frozenset({"dns", "connect", "timeout", "reset"})  # of failed polls


@dataclass(frozen=True, slots=True)
class FailureLimits:
    """Consecutive failed polls after which the channels are notified, and after which the operators are alarmed."""

    blind_after: int
    alarm_after: int


def operator_notices(transition: StateTransition, provider: Provider, limits: FailureLimits) -> Iterator[Notice]:
    """Yields the notices that only the operators get."""
    yield from _other_page_notices(transition, provider, limits)
    yield from _component_notices(transition, provider)
    yield from _unknown_state_notices(transition, provider)
    yield from _alarms(transition, provider, limits)
    yield from _probe_notices(transition, provider)


def channel_notices(
    transition: StateTransition,
    provider: Provider,
    limits: FailureLimits,
    missed_incidents: Sequence[TrackedIncident],
) -> Iterator[Notice]:
    """Yields the notices for the subscribed channels."""
    before, after, at = transition.before, transition.state, transition.at
    page = provider.source.home or provider.source.url
    base = Notice(NoticeKind.BLIND, provider.id, provider.name, "", at, page, at, services=len(provider.surfaces))
    if not is_unreadable_for_channels(before, limits) and is_unreadable_for_channels(after, limits):
        yield unreadable_notice(after, provider, at, transition.poll_failure)
    if is_unreadable_for_channels(before, limits) and after.failures == 0 and before.blind_since:
        verdicts = tuple((s.short_name, v) for s in provider.surfaces if (v := after.verdict(s.id)) is not None)
        yield _with_key(replace(base, kind=NoticeKind.BACK, since=before.blind_since, verdicts=verdicts))
    if len(missed_incidents) > missed.MAX_SEPARATE_ALERTS:
        since = min(missed.vendor_time_range(k.incident)[0] for k in missed_incidents)
        yield _with_key(
            replace(base, kind=NoticeKind.MISSED, since=since, open=tuple(k.incident for k in missed_incidents))
        )
    for event in transition.events:
        if event.kind is EventKind.SOURCE_MOVED:
            notice = replace(base, kind=NoticeKind.MOVED, why=event.reason or "")
            yield replace(notice, key=f"{provider.id}:moved:{at:%Y-%m-%d}:{after.host}")
    if before.seen_at is None and after.seen_at is not None:
        open_incidents = tuple(k.incident for k in after.open_incidents if k.incident.stage is not Stage.SCHEDULED)
        if open_incidents:
            yield _with_key(replace(base, kind=NoticeKind.BASELINE, open=open_incidents))


def unreadable_notice(state: ProviderState, provider: Provider, at: datetime, failure: PollFailure | None) -> Notice:
    """The notice that a page is unreadable; ``failure`` is that of its last poll, None if it is not known."""
    why, code = (failure.why, failure.code) if failure else ("", "")
    kind = NoticeKind.MOVED if code == "other_format" else NoticeKind.BLIND
    page, since = provider.source.home or provider.source.url, state.blind_since or at
    notice = Notice(kind, provider.id, provider.name, "", at, page, since, why, services=len(provider.surfaces))
    return _with_key(replace(notice, checked_at=state.seen_at, is_network=code in _NETWORK_CODES))


def is_unreadable_for_channels(state: ProviderState, limits: FailureLimits) -> bool:
    """Whether the page has been unreadable for long enough to notify the channels.

    Another page at the address is often gone after minutes (a wrong answer of a CDN), and only the operators can tell
    what it is: the channels hear of it when it lasts.
    """
    limit = max(limits.blind_after, limits.alarm_after) if state.is_other_page else limits.blind_after
    return state.failures >= limit


def _other_page_notices(transition: StateTransition, provider: Provider, limits: FailureLimits) -> Iterator[Notice]:
    """Yields the notice for the operators that the address serves another page, with the evidence."""
    before, after, at = transition.before, transition.state, transition.at
    known = before.other_pages if after.other_pages > 1 else 0
    if not (known < limits.blind_after <= after.other_pages and after.blind_since):
        return
    why = transition.poll_failure.why if transition.poll_failure else ""
    page = provider.source.home or provider.source.url
    yield _with_key(Notice(NoticeKind.MOVED, provider.id, provider.name, "", at, page, after.blind_since, why))


def _component_notices(transition: StateTransition, provider: Provider) -> Iterator[Notice]:
    """Yields one notice for the operators that components of surfaces have left the page in this transition."""
    gone = [e for e in transition.events if e.kind is EventKind.COMPONENT_GONE and e.surface]
    if not gone:
        return
    lost = component_pins.lost_components(provider, transition.state.pins)
    names = {s.id: s.name for s in provider.surfaces}
    listed = [
        f"“{e.text}” of {names.get(e.surface or '', e.surface)}{', now unknown' if e.surface in lost else ''}"
        for e in gone[:MAX_NAMED_COMPONENTS]
    ]
    more = [f"{len(gone) - len(listed)} more"] if len(gone) > len(listed) else []
    at, page = transition.at, provider.source.home or provider.source.url
    notice = Notice(NoticeKind.COMPONENTS, provider.id, provider.name, "", at, page, at, "; ".join((*listed, *more)))
    yield _with_key(notice)


def _unknown_state_notices(transition: StateTransition, provider: Provider) -> Iterator[Notice]:
    """Yields a notice for each word for a component's state that this version does not know."""
    at, page = transition.at, provider.source.home or provider.source.url
    for problem in transition.state.problems:
        if problem.startswith(UNKNOWN_STATE) and problem not in transition.before.problems:
            notice = Notice(NoticeKind.ODD, provider.id, provider.name, "", at, page, at, problem)
            yield replace(notice, key=f"{provider.id}:odd:{problem}")


def _alarms(transition: StateTransition, provider: Provider, limits: FailureLimits) -> Iterator[Notice]:
    """Yields the alarm that there have been no usable data for too many polls, and its end."""
    before, after, at = transition.before, transition.state, transition.at
    base = Notice(NoticeKind.ALARM, provider.id, provider.name, "", at, provider.source.home or provider.source.url, at)
    if before.failures < limits.alarm_after <= after.failures and after.blind_since:
        why = transition.poll_failure.why if transition.poll_failure else "unknown reason"
        yield _with_key(replace(base, since=after.blind_since, why=why))
    if before.failures >= limits.alarm_after and after.failures == 0 and before.blind_since:
        yield _with_key(replace(base, kind=NoticeKind.WELL, since=before.blind_since))


def _probe_notices(transition: StateTransition, provider: Provider) -> Iterator[Notice]:
    """Yields a notice for each probe that other evidence contradicts, and that the operators should check."""
    before, after, at = transition.before, transition.state, transition.at
    page = provider.source.home or provider.source.url
    for state, probe in disputes.new_questions(before, after, at):
        surface = provider.surface(state.surface)
        where = "one place" if not probe.against else probe.against[0]
        why = f"the probe of {surface.name} ({surface.id}) fails from {where}" + (f": {probe.why}" if probe.why else "")
        since = state.disputed_since or at
        notice = Notice(NoticeKind.PROBE, provider.id, provider.name, "", at, page, since, why)
        yield replace(notice, key=f"{provider.id}:{notice.kind}:{surface.id}:{notice.since.isoformat()}")


def _with_key(notice: Notice) -> Notice:
    return replace(notice, key=f"{notice.provider}:{notice.kind}:{notice.since.isoformat()}")
