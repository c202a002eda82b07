"""Replays a recording with the current rules: yields the transitions that the bot would have computed. No I/O.

Recorders store a page only when it changes, so polls in a gap would have seen the same page. Verdicts change with time
too: the replay polls again for a few minutes, and then at every time at which a verdict may change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.domain import (
    Event,
    EventKind,
    Incident,
    IncidentEnding,
    PollFailure,
    PollResult,
    Provider,
    ProviderState,
    Snapshot,
    Source,
    VerdictParameters,
)
from bot.errors import ParseError
from bot.evaluation import recorded_pages
from bot.formats import reconstruction, statuspage
from bot.formats.reconstruction import History
from bot.formats.recordings import ForwardPolls, RecordedPoll, reconstruct_polls
from bot.rules import transition
from bot.rules.changes import diff, events
from bot.rules.transition import StateTransition, TransitionContext

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
CONFIRMING_POLLS = 3  # a minute apart, after each recorded poll: rules need several consecutive polls
STALE_AFTER = timedelta(minutes=16)  # without a readable page for so long, nothing changes with time any more
_UNCHANGED = Snapshot("", "")


def replay(
    recording: History | Iterable[RecordedPoll], provider: Provider, rules: VerdictParameters
) -> Iterator[StateTransition]:
    """Yields every transition in time order. Polls that are older than the one before are skipped."""
    context = TransitionContext(provider, rules, {})
    state = ProviderState(provider.id)
    last: datetime | None = None
    for poll in ForwardPolls(reconstruct_polls(recording) if isinstance(recording, History) else recording):
        if last is not None:
            for change in _advance_between_polls(state, last, poll.at, context):
                state = change.state
                yield change
            if state.blind_since is None:
                state = transition.mark_monitored_until(state, poll.at - SECOND)
        elif isinstance(recording, History):
            state = _assume_prior_monitoring(state, poll.at, context)
        for change in _replay_poll(poll, state, recording, context):
            state = change.state
            yield change
        last = poll.at
    if last is not None:
        yield from _advance_between_polls(state, last, last + timedelta(hours=6), context)


def _replay_poll(
    poll: RecordedPoll,
    state: ProviderState,
    recording: History | Iterable[RecordedPoll],
    context: TransitionContext,
) -> Iterator[StateTransition]:
    """The transition of one recorded poll, and the retroactive events that a history has for that time."""
    change = transition.apply_poll(state, _poll_result(poll, state, recording, context.provider.source), context)
    yield change
    if isinstance(recording, History) and (
        retroactive := tuple(_retroactive_events(recording, poll.at, context.provider.id))
    ):
        yield StateTransition(poll.at, change.state, change.state, retroactive)


def _assume_prior_monitoring(state: ProviderState, until: datetime, context: TransitionContext) -> ProviderState:
    """The state before a history's first incident: the page was monitored for an hour, and nothing was open."""
    first = transition.apply_poll(state, PollResult(until - HOUR, Snapshot("", "", (), ())), context).state
    return transition.apply_poll(
        transition.mark_monitored_until(first, until - MINUTE), PollResult(until - MINUTE, _UNCHANGED), context
    ).state


def _advance_between_polls(
    state: ProviderState, last: datetime, until: datetime, context: TransitionContext
) -> Iterator[StateTransition]:
    """The transitions between two recorded polls: time passed, and every poll saw an unchanged page."""
    if state.blind_since is not None:
        yield from _advance_without_polls(state, last, until, context)
        return
    for at in (last + n * MINUTE for n in range(1, CONFIRMING_POLLS + 1)):
        if at < until:
            change = _poll_unchanged(state, at, context)
            state, last = change.state, at
            yield change
    while (next_change := transition.next_verdict_change(state, last, context)) is not None and next_change < until:
        change = _poll_unchanged(transition.mark_monitored_until(state, next_change), next_change, context)
        state, last = change.state, next_change
        yield change


def _poll_unchanged(state: ProviderState, at: datetime, context: TransitionContext) -> StateTransition:
    """The transition of a poll that saw the page as before, with the same shortcut as the engine's."""
    poll = PollResult(at, _UNCHANGED, is_same=True)
    return transition.skip_unchanged(state, poll, context) or transition.apply_poll(state, poll, context)


def _advance_without_polls(
    state: ProviderState, last: datetime, until: datetime, context: TransitionContext
) -> Iterator[StateTransition]:
    """The transitions of time without a readable page."""
    at = last + MINUTE
    while at < until and at - (state.seen_at or last) < STALE_AFTER:
        change = transition.advance_time(state, at, context)
        state = change.state
        yield change
        at += MINUTE


def _poll_result(
    poll: RecordedPoll, state: ProviderState, recording: History | Iterable[RecordedPoll], source: Source
) -> PollResult:
    try:
        snapshot = recorded_pages.parse_poll(poll, source)
    except ParseError as error:
        return PollResult(poll.at, PollFailure(str(error), "unparsable"))
    disappeared = diff.disappeared_incidents({tracked.incident.id: tracked for tracked in state.incidents}, snapshot)
    if isinstance(recording, History):
        return PollResult(poll.at, snapshot, {i: _final_incident(recording, i, poll.at) for i in disappeared})
    return PollResult(poll.at, snapshot, dict.fromkeys(disappeared, IncidentEnding.UNRECORDED))


def _final_incident(recording: History, incident_id: str, at: datetime) -> Incident | IncidentEnding:
    body = reconstruction.incident_at(recording, incident_id, at)
    return statuspage.parse_incident_body(body) if body else IncidentEnding.UNRECORDED


def _retroactive_events(recording: History, at: datetime, provider: str) -> Iterator[Event]:
    """Timeline events for incidents that were published or edited after their end; they change no state.

    See bot/docs/decisions.md#rule-8-the-first-poll-is-a-baseline.
    """
    for body, is_new in reconstruction.retroactive_incidents(recording, at):
        incident = statuspage.parse_incident_body(body)
        before = None if is_new else replace(incident, updates=tuple(u for u in incident.updates if u.display_at < at))
        for change in diff.retroactive_changes(before, incident):
            event = events.change_event(change, provider, at)
            if event.kind is EventKind.INCIDENT_OPENED:
                event = replace(event, reason=f"{event.reason}; it was over already", reason_code="told_afterwards")
            yield event


def event_json(event: Event, *, reconstructed: bool) -> Mapping[str, Any]:
    """An event as JSON (bot/docs/status-page-formats.md#events-of-a-replay); keys without a value are left out."""
    fields = {
        "at": event.seen_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "kind": event.kind,
        "provider": event.provider,
        "incident": event.incident,
        "update": event.update,
        "stage": event.stage,
        "surface": event.surface,
        "condition": event.condition,
        "verdict": event.verdict,
        "exposure": event.exposure,
        "reason": event.reason,
        "reason_code": event.reason_code,
        "inferred": event.inferred if event.surface else None,
        "baseline": event.is_baseline or None,
        "reconstructed": reconstructed or None,
    }
    if event.kind is EventKind.VERDICT_CHANGED:
        fields.pop("condition")
    return {key: value for key, value in fields.items() if value is not None}
