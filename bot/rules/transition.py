"""Computes the next state of a provider, and the events to record, from a poll, from evidence or from time passing.

The engine runs it live and the replay runs it on recordings; it does no I/O. A poll is compared with the state, its
incidents are attributed to surfaces, and verdicts follow. Time alone only renews verdicts, since they change with time.
The first poll of a source is a baseline (bot/docs/decisions.md#rule-8-the-first-poll-is-a-baseline): its events are
marked as such and raise no alert.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain import (
    Advice,
    Attribution,
    Condition,
    Event,
    EventKind,
    EvidenceBatch,
    Incident,
    PollFailure,
    PollResult,
    Provider,
    ProviderState,
    Snapshot,
    SurfaceHistory,
    SurfaceState,
    Verdict,
    VerdictParameters,
)
from bot.rules.attribution import attribute
from bot.rules.changes import announcements, component_pins, diff, events, freshness, incidents, next_update
from bot.rules.evidence import aggregate, disputes, suspected, unmapped, unreported
from bot.rules.forecast import tracker
from bot.rules.verdict import combine
from bot.rules.verdict import rules as verdict_rules
from bot.rules.verdict.history import CLOCK_JITTER

OTHER_PAGES_WITHIN = timedelta(hours=1)  # of each other: answers of another page that belong together


@dataclass(frozen=True, slots=True)
class StateTransition:
    """The result of one poll, of time passing, or of one batch of evidence: the state before and after, and the events.

    ``poll_failure`` is why the poll was unusable, None otherwise; ``evidence`` is the batch that was applied, if any.
    """

    at: datetime
    before: ProviderState
    state: ProviderState
    events: tuple[Event, ...]
    poll_failure: PollFailure | None = None
    evidence: EvidenceBatch | None = None

    @property
    def is_unchanged(self) -> bool:
        """True where nothing changed but the times of the last poll and of the page, and nothing is to be recorded."""
        if self.events or self.evidence:
            return False
        before = replace(self.before, seen_at=self.state.seen_at, page_updated_at=self.state.page_updated_at)
        return before == self.state


@dataclass(frozen=True, slots=True)
class TransitionContext:
    """What a transition depends on besides the state and its input.

    ``provider`` is the catalogue entry, ``verdict`` its parameters of the verdict rules, and ``elsewhere`` has the
    verdicts on other providers' surfaces, by surface id.
    """

    provider: Provider
    verdict: VerdictParameters
    elsewhere: Mapping[str, Verdict]


def apply_poll(state: ProviderState, poll: PollResult, context: TransitionContext) -> StateTransition:
    """The transition of a poll. One without a usable snapshot changes no incident and no surface.

    See bot/docs/decisions.md#rule-7-unreadable-is-unknown.
    """
    state = _sync_poll_times(state)
    if isinstance(poll.saw, PollFailure):
        return _apply_poll_failure(state, poll.at, poll.saw, context)
    if why := freshness.outdated_reason(state, poll):
        return _apply_outdated_poll(state, poll, why, context)
    page_updated_at = freshness.newest_page_time(state, poll.saw)
    poll, saw = freshness.believable_poll(state, poll, poll.saw)
    known = component_pins.components_after_poll(state, saw, poll.at, context.provider)
    changes = diff.detect_changes({k.incident.id: k for k in state.incidents}, poll)
    is_baseline = state.seen_at is None
    poll_events = (
        *_source_events(state, poll, context),
        *component_pins.component_events(state, replace(state, pins=known.pins), poll.at, context.provider),
        *(events.change_event(c, state.provider, poll.at, is_baseline=is_baseline) for c in changes),
    )
    after = replace(
        state,
        components=known.components,
        pins=known.pins,
        absences=known.absences,
        has_all_components=known.has_all_components,
        incidents=incidents.incidents_after_poll(state, poll, saw, changes, context.provider),
        seen_at=_seen_at(state, poll),
        page_updated_at=page_updated_at,
        blind_since=None,
        failures=0,
        is_other_page=False,
        host=poll.host or state.host,
        problems=saw.problems,
        unsettled=poll.unsettled,
        page=poll.page if any((poll.page.id, poll.page.name)) else state.page,
    )
    poll_events = (*poll_events, *events.overrun_events(state, after, poll.at))
    return _reassess(state, after, poll.at, poll_events, context=context, polled=True)


def advance_time(state: ProviderState, at: datetime, context: TransitionContext) -> StateTransition:
    """The transition where only time has passed."""
    state = _sync_poll_times(state)
    return _reassess(state, state, at, (), context=context, polled=False)


def skip_unchanged(state: ProviderState, poll: PollResult, context: TransitionContext) -> StateTransition | None:
    """The transition of a poll that shows what the last one showed, where nothing is open: only ``seen_at`` moves.

    A shortcut for ``apply_poll``: None where that may give more. The next full transition makes up for the histories
    that this leaves as they are.
    """
    if (
        not poll.is_same
        or poll.endings
        or poll.host not in ("", state.host)
        or not is_unaffected_by_time(state, poll.at, context)
    ):
        return None
    if state.bare or state.unmapped or state.absences or state.seen_at is None or poll.at < state.seen_at:
        return None
    if freshness.outdated_reason(state, poll):
        return None
    if any(k.is_open or incidents.has_passed_retention(k, state.seen_at, poll.at) for k in state.incidents):
        return None
    page_updated_at = freshness.newest_page_time(state, poll.saw) if isinstance(poll.saw, Snapshot) else None
    seen = replace(state, seen_at=_seen_at(state, poll), page_updated_at=page_updated_at or state.page_updated_at)
    return StateTransition(poll.at, state, seen, ())


def _seen_at(state: ProviderState, poll: PollResult) -> datetime:
    """When the page was as this poll shows it: now, less the time for which caches had kept the answer."""
    seen_at = poll.at - poll.age
    return seen_at if state.seen_at is None or state.seen_at > poll.at else max(seen_at, state.seen_at)


def _sync_poll_times(state: ProviderState) -> ProviderState:
    """The state with its histories brought up to the polls that ``skip_unchanged`` only noted in ``seen_at``."""
    seen_at = state.seen_at
    if seen_at is None or not any(t.looked_at is not None and t.looked_at < seen_at for t in state.tracks):
        return state
    synced = (replace(t, looked_at=seen_at) if t.looked_at and t.looked_at < seen_at else t for t in state.tracks)
    return replace(state, tracks=tuple(synced))


def apply_evidence(
    state: ProviderState, evidence: EvidenceBatch, at: datetime, context: TransitionContext
) -> StateTransition:
    """The transition of evidence beside the page: probes, people's reports, the team's own traffic."""
    state = _sync_poll_times(state)
    evidence_states = aggregate.aggregate_evidence(state.testimonies, evidence, at, context.provider)
    after = replace(state, testimonies=disputes.note_disputes(evidence_states, at))
    return replace(_reassess(state, after, at, (), context=context, polled=False), evidence=evidence)


def is_unaffected_by_time(state: ProviderState, at: datetime, context: TransitionContext) -> bool:
    """True where time alone changes nothing yet.

    That is so while a page that was just read makes every surface normal and no surface needs another provider's. Then
    ``advance_time`` gives the same state, except for the time of its verdicts.
    """
    if state.seen_at is None or state.blind_since is not None or state.hits:
        return False
    if not all(map(aggregate.is_stable, state.testimonies)):
        return False
    is_fresh = abs(at - state.seen_at) <= context.verdict.stale_gentle
    surface_ids = {s.id for s in context.provider.surfaces}
    is_independent = all(surface_ids.issuperset(s.needs) for s in context.provider.surfaces)
    has_all_verdicts = surface_ids == {v.surface for v in state.verdicts}
    return (
        is_fresh
        and is_independent
        and has_all_verdicts
        and all(v.call is Advice.RETRY_NORMALLY for v in state.verdicts)
    )


def with_unknown_conditions(state: ProviderState, at: datetime, rules: VerdictParameters) -> ProviderState:
    """The state for people and programs: no condition that is older than it may be.

    *Operational* and *maintenance* hold for five minutes after the last readable poll, and after a clock that was set
    back not at all; a bad condition for fifteen (bot/docs/verdict-rules.md#staleness).
    """
    if state.seen_at is None:
        return state
    age = at - state.seen_at if at - state.seen_at >= -CLOCK_JITTER else rules.stale_gentle + CLOCK_JITTER
    if age <= rules.stale_gentle:
        return state
    return replace(
        state,
        states=tuple(
            replace(s, condition=Condition.UNKNOWN, since=state.seen_at, inferred=False)
            if age > rules.stale_unknown or not s.condition.is_bad
            else s
            for s in state.states
        ),
    )


def mark_monitored_until(state: ProviderState, until: datetime) -> ProviderState:
    """The state after polls up to ``until`` that all saw the same, so that this time counts as monitored."""
    return replace(state, seen_at=until, tracks=tuple(replace(t, looked_at=until) for t in state.tracks))


def next_verdict_change(state: ProviderState, at: datetime, context: TransitionContext) -> datetime | None:
    """When a verdict may next change while every poll sees the same; None where none will."""
    polled_surfaces = {t.surface for t in state.tracks}
    cases = (replace(c, seen_at=None) for s, c in verdict_cases(state, at, context).items() if s in polled_surfaces)
    return min((t for c in cases if (t := verdict_rules.next_change_at(c)) is not None), default=None)


def verdict_cases(
    state: ProviderState, at: datetime, context: TransitionContext
) -> dict[str, verdict_rules.VerdictCase]:
    """What the verdict on each surface of this state is computed from at this time, by surface id."""
    histories = {t.surface: t for t in state.tracks}
    evidence_states = {t.surface: t for t in state.testimonies}
    estimates = tracker.current_estimates(state.outlook, state.hits, at)
    lost = component_pins.lost_components(context.provider, state.pins)
    unknown = attribute.unknown_components(state.components, context.provider)
    return {
        s.id: verdict_rules.VerdictCase(
            histories.get(s.id) or SurfaceHistory(s.id),
            [a for a in state.hits if a.surface == s.id],
            at,
            seen_at=state.seen_at,
            rules=context.verdict,
            surface=s,
            vendor=context.provider.vendor or context.provider.name,
            forecast=estimates.get(s.id),
            evidence=evidence_states.get(s.id),
            lost_components=tuple(p.name for p in lost.get(s.id, ())),
            unknown_component=unknown.get(s.id, ""),
        )
        for s in context.provider.surfaces
    }


def _apply_poll_failure(
    state: ProviderState,
    at: datetime,
    failure: PollFailure,
    context: TransitionContext,
    *,
    after: ProviderState | None = None,
    earlier_events: tuple[Event, ...] = (),
) -> StateTransition:
    is_other_page = failure.code == "other_page" and (state.is_other_page or not state.failures)
    after = replace(
        after or state, blind_since=state.blind_since or at, failures=state.failures + 1, is_other_page=is_other_page
    )
    if failure.code == "other_page":
        after = replace(after, other_pages=_recent_other_pages(state, at) + 1, other_page_at=at)
    is_newly_unreadable = state.blind_since is None
    event = Event(EventKind.SOURCE_BLIND, context.provider.id, at, reason=failure.why, reason_code=failure.code)
    failure_events = (*earlier_events, event) if is_newly_unreadable else earlier_events
    return replace(_reassess(state, after, at, failure_events, context=context, polled=False), poll_failure=failure)


def _apply_outdated_poll(
    state: ProviderState, poll: PollResult, why: str, context: TransitionContext
) -> StateTransition:
    """The transition of a body that is older than one that was read before: nothing of it counts.

    What the incidents' own pages say still counts. A page that has given nothing newer for ``stale_gentle`` is
    unreadable.
    """
    saw = Snapshot("", "")
    own_pages = {i: ending for i, ending in poll.endings.items() if isinstance(ending, Incident)}
    poll, saw = freshness.believable_poll(state, replace(poll, endings=own_pages, unwatched_since=None), saw)
    changes = diff.detect_changes({k.incident.id: k for k in state.incidents}, poll)
    after = replace(state, incidents=incidents.incidents_after_poll(state, poll, saw, changes, context.provider))
    change_events = tuple(events.change_event(c, state.provider, poll.at) for c in changes)
    if state.seen_at is not None and abs(poll.at - state.seen_at) <= context.verdict.stale_gentle:
        return _reassess(state, after, poll.at, change_events, context=context, polled=False)
    failure = PollFailure(f"the page answers with an old body: {why}", "outdated")
    return _apply_poll_failure(state, poll.at, failure, context, after=after, earlier_events=change_events)


def _recent_other_pages(state: ProviderState, at: datetime) -> int:
    """How many polls got another page, also with good ones between; 0 once there was none for an hour."""
    is_recent = state.other_page_at is not None and at - state.other_page_at <= OTHER_PAGES_WITHIN
    return state.other_pages if is_recent else 0


def _source_events(state: ProviderState, poll: PollResult, context: TransitionContext) -> Iterator[Event]:
    if state.blind_since is not None:
        minutes = (poll.at - state.blind_since).total_seconds() / 60
        reason = f"readable again after {minutes:.0f} min"
        yield Event(EventKind.SOURCE_BACK, context.provider.id, poll.at, reason=reason, reason_code="readable")
    expected = state.host or _url_host(context.provider.source.url)
    if poll.host and poll.host != expected:
        reason = f"{expected} now answers from {poll.host}; check that this is the provider's own move"
        yield Event(EventKind.SOURCE_MOVED, context.provider.id, poll.at, reason=reason, reason_code="host_changed")


def _url_host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0]


# --- attributions and verdicts ----------------------------------------------------------------------------------------


def _reassess(
    before: ProviderState,
    state: ProviderState,
    at: datetime,
    earlier_events: tuple[Event, ...],
    *,
    context: TransitionContext,
    polled: bool,
) -> StateTransition:
    """The transition to ``state``, with its attributions, histories, forecasts, verdicts and their events renewed."""
    context = replace(context, provider=component_pins.pinned_provider(context.provider, state.pins))
    posted_incidents = (k.incident for k in state.open_incidents if not k.incident.is_unposted)
    shown = attribute.attribute_page(posted_incidents, state.components, context.provider, at)
    page_attributions = attribute.hold_unconfirmed(shown, before.hits, at)
    attributions = (*page_attributions, *combine.evidence_attributions(state.testimonies, context.provider, at))
    histories = _advance_histories(state, attributions, at, context, polled=polled)
    forecast_state = tracker.update_forecast_state(state.outlook, state.incidents, at)
    assessed = replace(state, outlook=forecast_state, hits=attributions, tracks=tuple(histories.values()))
    verdicts = verdict_rules.judge_all(
        context.provider, verdict_cases(assessed, at, context).values(), context.elsewhere
    )
    after = replace(
        assessed,
        incidents=tuple(incidents.with_attributed_surfaces(state.incidents, attributions)),
        states=tuple(_surface_states(state, attributions, at, context.provider)),
        verdicts=next_update.with_next_updates(verdicts.values(), state, at),
    )
    after, unposted_events = _update_unposted_incidents(before, after, at, context, polled=polled)
    new_events = (*events.surface_events(before, after, at), *events.verdict_events(before, after, at))
    is_first = state.seen_at is not None and before.seen_at is None
    new_events = tuple(replace(e, is_baseline=is_first) for e in new_events)
    after = replace(after, incidents=incidents.release_recovered_surfaces(after))
    after = replace(after, incidents=tuple(announcements.announce(k, after, at) for k in after.incidents))
    return StateTransition(at, before, after, earlier_events + unposted_events + new_events)


def _update_unposted_incidents(
    before: ProviderState, state: ProviderState, at: datetime, context: TransitionContext, *, polled: bool
) -> tuple[ProviderState, tuple[Event, ...]]:
    """The state with the incidents that no vendor posted (outages of components, suspicions), and their events."""
    outage_events: tuple[Event, ...] = ()
    if polled:
        rejoin = context.verdict.flap_within
        state, surface_events = unreported.update_unreported_outages(before, state, at, context.provider, rejoin=rejoin)
        state, unmapped_events = unmapped.update_unmapped_outage(before, state, at, context.provider, rejoin=rejoin)
        outage_events = (*surface_events, *unmapped_events)
    state, suspicion_events = suspected.update_suspicions(state, at, context.provider, context.verdict)
    return state, (*outage_events, *suspicion_events)


def _advance_histories(
    state: ProviderState, attributions: Iterable[Attribution], at: datetime, context: TransitionContext, *, polled: bool
) -> dict[str, SurfaceHistory]:
    histories = {t.surface: t for t in state.tracks}
    by_surface: dict[str, list[Attribution]] = {s.id: [] for s in context.provider.surfaces}
    for attribution in attributions:
        by_surface[attribution.surface].append(attribution)
    advanced = {
        surface: verdict_rules.advance_history(
            histories.get(surface) or SurfaceHistory(surface),
            surface_attributions,
            at,
            polled=polled,
            rules=context.verdict,
        )
        for surface, surface_attributions in by_surface.items()
    }
    unknown = attribute.unknown_components(state.components, context.provider)  # such a time is not clean
    return {s: replace(history, watched_since=at) if s in unknown else history for s, history in advanced.items()}


def _surface_states(
    state: ProviderState, attributions: Iterable[Attribution], at: datetime, provider: Provider
) -> Iterator[SurfaceState]:
    """Each surface with its worst attribution's condition.

    Operational without any; unknown before the first poll, and where its component has left the page or has a state
    that is not known.
    """
    unknown = attribute.unknown_components(state.components, provider)
    worst: dict[str, Attribution] = {}
    for attribution in attributions:
        previous_worst = worst.get(attribution.surface)
        if previous_worst is None or attribution.condition.rank > previous_worst.condition.rank:
            worst[attribution.surface] = attribution
    lost = component_pins.lost_components(provider, state.pins)
    for surface in provider.surfaces:
        worst_attribution = worst.get(surface.id)
        condition = worst_attribution.condition if worst_attribution else Condition.OPERATIONAL
        is_lost = worst_attribution is None and surface.id in lost
        is_unknown = surface.id in unknown and condition is Condition.OPERATIONAL
        if state.seen_at is None or is_lost or is_unknown:
            condition = Condition.UNKNOWN
        previous = state.surface_state(surface.id)
        inferred = bool(worst_attribution and worst_attribution.inferred)
        if previous is not None and (previous.condition, previous.inferred) == (condition, inferred):
            yield previous
        else:
            yield SurfaceState(surface.id, condition, at, inferred)
