"""Decides which alerts and notices a state transition calls for, and why it does not call for others. No I/O.

One alert per incident, with its news in this transition. Replies in the thread are broadcast to the channel only when
they change what people should do: more surfaces, another verdict, the end
(bot/docs/decisions.md#23-one-message-per-incident-and-channel).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import takewhile, zip_longest

from bot.domain import (
    READABLE_FOR,
    Advice,
    Alert,
    AttributionKind,
    Event,
    EventKind,
    Impact,
    Incident,
    NewsItem,
    NewsKind,
    Notice,
    NoticeKind,
    Provider,
    ProviderState,
    Stage,
    SurfaceLine,
    TrackedIncident,
)
from bot.rules.alerting import page_notices, related, updates
from bot.rules.changes import announcements, missed, next_update
from bot.rules.changes.diff import first_posted_at
from bot.rules.evidence import unmapped
from bot.rules.forecast import duration, tracker
from bot.rules.transition import StateTransition

ALARM_AFTER = 30  # consecutive failed polls: half an hour at the usual interval


NO_ALTERNATIVES: Mapping[str, str] = {}


class SilenceReason(StrEnum):
    """Why there is no alert for an incident that has events."""

    BASELINE = "baseline"  # found at the first poll; one notice lists all of them
    RETROACTIVE = "retroactive"  # posted after the fact: only in the timeline
    SCHEDULED = "scheduled"  # of earlier versions: a maintenance that has not started
    NO_SURFACE = "no_surface"  # it affects no known surface, and is a maintenance or has no impact
    NO_NEWS = "no_news"  # nothing that an alert shows has changed


@dataclass(frozen=True, slots=True)
class Decision:
    """The alerts and notices to send, and in ``quiet`` why other incidents have none.

    ``for_owner`` are notices for the operators of the bot, whatever they subscribe to.
    """

    alerts: tuple[Alert, ...] = ()
    notices: tuple[Notice, ...] = ()
    for_owner: tuple[Notice, ...] = ()
    quiet: tuple[tuple[str, SilenceReason], ...] = ()


def decide(
    transition: StateTransition,
    provider: Provider,
    *,
    blind_after: int,
    alarm_after: int = ALARM_AFTER,
    alternatives: Mapping[str, str] = NO_ALTERNATIVES,
) -> Decision:
    """Returns the alerts and notices that this transition calls for.

    Args:
        transition: The state before and after, and the events between.
        provider: The provider whose state it is.
        blind_after: Consecutive failed polls after which subscribed channels are notified.
        alarm_after: Consecutive failed polls after which the operators are notified.
        alternatives: The names of other providers' surfaces that are safe to retry, by id.
    """
    context = _build_context(transition, provider, alternatives)
    outcomes = {k.incident.id: _alert_or_silence(k, context) for k in transition.state.incidents}
    missed_incidents = [k for k in transition.state.incidents if k.is_missed and k.incident.id not in context.before]
    alerts = tuple(_said_once([outcome for outcome in outcomes.values() if isinstance(outcome, Alert)], context))
    if len(missed_incidents) <= missed.MAX_SEPARATE_ALERTS:
        alerts += tuple(_missed_incident_alert(k, context) for k in missed_incidents)
    limits = page_notices.FailureLimits(blind_after, alarm_after)
    notices = tuple(page_notices.channel_notices(transition, provider, limits, missed_incidents))
    return Decision(
        alerts,
        notices,
        (
            *(n for n in notices if n.kind is NoticeKind.MOVED),
            *page_notices.operator_notices(transition, provider, limits),
        ),
        tuple((incident, outcome) for incident, outcome in outcomes.items() if isinstance(outcome, SilenceReason)),
    )


@dataclass(frozen=True, slots=True)
class _AlertContext:
    """A transition with lookups that all of its incidents need, built once: a page may list thousands of incidents."""

    transition: StateTransition
    provider: Provider
    before: Mapping[str, TrackedIncident]
    events: Mapping[str, Sequence[Event]]
    related_incidents: related.RelatedIncidents
    alternatives: Mapping[str, str]

    def build_alert(self, tracked: TrackedIncident, news: tuple[NewsItem, ...] = ()) -> Alert:
        return build_alert(
            tracked,
            self.transition.state,
            self.provider,
            self.transition.at,
            news,
            related_incidents=self.related_incidents,
            alternatives=self.alternatives,
        )


def _build_context(transition: StateTransition, provider: Provider, alternatives: Mapping[str, str]) -> _AlertContext:
    events: dict[str, list[Event]] = {}
    for event in transition.events:
        if event.incident:
            events.setdefault(event.incident, []).append(event)
    before = {k.incident.id: k for k in transition.before.incidents}
    return _AlertContext(transition, provider, before, events, related.RelatedIncidents(transition.state), alternatives)


def _alert_or_silence(tracked: TrackedIncident, context: _AlertContext) -> Alert | SilenceReason | None:
    """Returns the alert for one incident, or why there is none; None where nothing happened to it."""
    transition = context.transition
    before, events = context.before.get(tracked.incident.id), context.events.get(tracked.incident.id, ())
    content = _visible_content(tracked, transition.state)
    is_changed = before is None or content != _visible_content(before, transition.before)
    if not events and not is_changed:
        return None
    if reason := _silence_reason(tracked, events):
        return reason
    news = tuple(updates.news_items(tracked, events, transition, context.provider))
    if not news and not is_changed:
        return SilenceReason.NO_NEWS
    return replace(context.build_alert(tracked, news), opens=_starts_alert(tracked, before, events))


_WORSE_NEWS = frozenset({NewsKind.WIDENED, NewsKind.WORSE, NewsKind.LOWERED})


def _said_once(alerts: Iterable[Alert], context: _AlertContext) -> Iterator[Alert]:
    """Yields the alerts; what the message of a new incident says is not broadcast by an ended one at the same time."""
    found = tuple(alerts)
    new = {line.surface for a in found if a.opens and a.incident not in context.before for line in a.lines}
    for alert in found:
        names = {line.short for line in alert.lines if line.surface in new}
        yield replace(alert, news=tuple(_quietly(n, names) for n in alert.news)) if alert.closed_at else alert


def _quietly(item: NewsItem, said: Collection[str]) -> NewsItem:
    """The news, in the thread only if all of it is worse news of services that are said elsewhere."""
    about = {*item.wider, *item.worse, *(name for name, _ in item.verdicts)}
    is_said = bool(about) and set(item.kinds) <= _WORSE_NEWS and about <= set(said)
    return replace(item, broadcast=False) if is_said else item


def _missed_incident_alert(tracked: TrackedIncident, context: _AlertContext) -> Alert:
    """Returns the alert for an incident that opened and ended between polls: one message, without a thread."""
    start, end = missed.vendor_time_range(tracked.incident)
    return replace(context.build_alert(tracked), closed_at=end, missed=(start, end))


def build_alert(
    tracked: TrackedIncident,
    state: ProviderState,
    provider: Provider,
    at: datetime,
    news: tuple[NewsItem, ...] = (),
    *,
    related_incidents: related.RelatedIncidents | None = None,
    alternatives: Mapping[str, str] = NO_ALTERNATIVES,
) -> Alert:
    """Returns an incident as a channel should see it at ``at``.

    ``related_incidents`` avoids computing them again; ``alternatives`` are as in ``decide``.
    """
    incident, related_incidents = tracked.incident, related_incidents or related.RelatedIncidents(state)
    recurrence = related_incidents.recurrence_of(tracked)
    earlier = recurrence.previous if recurrence else related_incidents.previous_incident(tracked)
    earlier_incident = state.tracked_incident(earlier)
    follows = related_incidents.related_unresolved(tracked)
    lines = tuple(_surface_lines(tracked.surfaces, state, provider))
    watched = tuple(_surface_lines(_possibly_affected(tracked, state), state, provider))
    is_readable = state.seen_at is not None and at - state.seen_at <= READABLE_FOR
    shown = {line.surface for line in (*lines, *watched)}
    return Alert(
        incident=incident.id,
        provider=provider.id,
        provider_name=provider.name,
        title=incident.name,
        stage=incident.stage,
        lines=lines,
        posted_at=first_posted_at(incident),
        seen_at=tracked.seen_at,
        as_of=at,
        updates=len(incident.updates),
        url=incident.url or provider.source.home or provider.source.url,
        closed_at=tracked.closed_at,
        ending=tracked.ending,
        again_after=recurrence.after if recurrence else None,
        earlier=earlier,
        estimate=tracker.shown_estimate(state.outlook, incident.id, at),
        record=duration.track_record_text(state.outlook.grades),
        news=news,
        watched=watched,
        is_maintenance=incident.is_maintenance,
        is_unposted=incident.is_unposted,
        condition=unmapped.worst_condition(incident) if unmapped.is_unmapped_outage(tracked) else None,
        is_suspected=incident.is_suspected,
        lead=tracked.lead,
        takes_over=tracked.suspicions,
        yields_to=_superseding_ids(tracked, state),
        follows=follows,
        vendor=provider.vendor or provider.name,
        stage_at=_stage_began_at(incident),
        service_count=len(provider.surfaces),
        safe=tuple(_safe_names(state, provider, shown)) if is_readable else (),
        alternatives=tuple(_alternatives(lines, state, provider, alternatives)),
        next_update=None if _is_planned(incident) else next_update.next_update(next_update.began_at(tracked), at),
        checked_at=state.seen_at,
        planned_start=incident.scheduled_for,
        planned_end=incident.scheduled_until,
        earlier_at=first_posted_at(earlier_incident.incident) if earlier_incident else None,
        shares=_shared_surfaces(tracked, follows, state),
        related=related_incidents.later_open(tracked),
        cleared_at=tracked.cleared_at,
        is_baseline=tracked.is_baseline,
        written_at=incident.updates[0].written_at if incident.updates else None,
        regions=incident.regions,
    )


def _stage_began_at(incident: Incident) -> datetime | None:
    """Returns the time of the first of the newest updates that are all at the present stage; None without any."""
    at_stage = takewhile(lambda update: update.stage is incident.stage, reversed(incident.updates))
    return min((update.display_at for update in at_stage), default=None)


def _safe_names(state: ProviderState, provider: Provider, shown: Collection[str]) -> Iterator[str]:
    for surface in provider.surfaces:
        verdict = state.verdict(surface.id)
        if surface.id not in shown and verdict and verdict.call is Advice.RETRY_NORMALLY:
            yield surface.short_name


def _alternatives(
    lines: Iterable[SurfaceLine], state: ProviderState, provider: Provider, elsewhere: Mapping[str, str]
) -> Iterator[str]:
    """Yields what to use instead of surfaces that the page shows as bad: the best of each first, then the second best.

    ``elsewhere`` are the names of other providers' surfaces that are safe to retry, by id.
    """
    domains = {s.id: s.fault_domain or s.provider for s in provider.surfaces}
    own = {
        s.id: s.name
        for s in provider.surfaces
        if (verdict := state.verdict(s.id)) and verdict.call is Advice.RETRY_NORMALLY
    }
    choices = []
    for line in lines:
        if line.condition.is_bad and line.verdict.call in (Advice.HOLD_OFF, Advice.FAIL_OVER):
            instead = provider.surface(line.surface).instead
            apart = (i for i in instead if domains.get(i) != domains[line.surface])
            choices.append([name for i in apart if (name := own.get(i) or elsewhere.get(i))])
    yield from dict.fromkeys(name for rank in zip_longest(*choices) for name in rank if name)


def _shared_surfaces(tracked: TrackedIncident, follows: Iterable[str], state: ProviderState) -> tuple[str, ...]:
    """Returns the surfaces that earlier incidents, which are not all clear yet, affect as well."""
    earlier = {s for i in follows if (k := state.tracked_incident(i)) for s in k.surfaces}
    return tuple(s for s in tracked.surfaces if s in earlier)


def _superseding_ids(tracked: TrackedIncident, state: ProviderState) -> tuple[str, ...]:
    """Returns the ids of the incident that took this one over, and of the suspicions it had taken over before."""
    successor = state.tracked_incident(tracked.joined) if tracked.joined else None
    if successor is None:
        return ()
    position = successor.suspicions.index(tracked.incident.id) if tracked.incident.id in successor.suspicions else 0
    return (successor.incident.id, *successor.suspicions[:position])


def _silence_reason(tracked: TrackedIncident, events: Iterable[Event]) -> SilenceReason | None:
    incident = tracked.incident
    if tracked.is_retroactive:
        return SilenceReason.RETROACTIVE
    if events and all(e.is_baseline for e in events):
        return SilenceReason.BASELINE
    if not tracked.surfaces and (incident.is_maintenance or incident.impact is Impact.NONE):
        return SilenceReason.NO_SURFACE
    return None


def _starts_alert(tracked: TrackedIncident, before: TrackedIncident | None, events: Iterable[Event]) -> bool:
    """Whether a channel that has no message about the incident gets one now.

    An incident found at the first poll gets one only after a change on the page: a notice has listed it already, and
    verdicts change with time alone. An incident that ended before this transition gets none.
    """
    if tracked.joined or (not tracked.is_open and (before is None or not before.is_open)):
        return False
    return any(not (e.is_baseline or (tracked.is_baseline and _is_derived_event(e))) for e in events)


def _is_derived_event(event: Event) -> bool:
    """Whether the event may follow from time alone: a surface that is no longer bad, or another verdict."""
    if event.kind is EventKind.SURFACE_CHANGED:
        return event.condition is None or not event.condition.is_bad
    return event.kind is EventKind.VERDICT_CHANGED


def _visible_content(tracked: TrackedIncident, state: ProviderState) -> tuple[object, ...]:
    """Returns what the incident's message shows; one that is all clear stays as it is."""
    incident = tracked.incident
    content = (incident.name, incident.stage, tracked.closed_at, tracked.cleared_at, tracked.surfaces)
    if _is_planned(incident):
        return *content, incident.scheduled_for, incident.scheduled_until
    if not announcements.is_unresolved(tracked):
        return content
    lines = tuple((s, _visible_state(state, s), _visible_verdict(state, s)) for s in tracked.surfaces)
    watched = tuple((s, _visible_verdict(state, s)) for s in _possibly_affected(tracked, state))
    as_of = max((v.as_of for v in state.verdicts), default=tracked.seen_at)
    next_time = next_update.next_update(next_update.began_at(tracked), as_of)
    return *content, tracked.announced_at, next_time, lines, watched


def _is_planned(incident: Incident) -> bool:
    """Whether it is a maintenance that has not begun: its message says when it begins, and needs no next update."""
    return incident.is_maintenance and incident.stage is Stage.SCHEDULED


def _visible_state(provider_state: ProviderState, surface: str) -> object:
    state = provider_state.surface_state(surface)
    return (state.condition, state.inferred) if state else None


def _visible_verdict(state: ProviderState, surface: str) -> object:
    """Returns the advice, why, the load in tenths, and when it changes by itself to the minute."""
    verdict = state.verdict(surface)
    if verdict is None:
        return None
    changes_at = verdict.changes_at.replace(second=0, microsecond=0) if verdict.changes_at else None
    return verdict.call, verdict.reason_code, int(verdict.exposure * 10), changes_at


def _possibly_affected(tracked: TrackedIncident, state: ProviderState) -> tuple[str, ...]:
    """Returns surfaces that the incident only watches: it only lists their components, or names no surface."""
    return tuple(
        a.surface
        for a in state.hits_by_incident.get(tracked.incident.id, ())
        if a.weight is AttributionKind.WATCH and a.surface not in tracked.surfaces
    )


def _surface_lines(surfaces: Iterable[str], provider_state: ProviderState, provider: Provider) -> Iterator[SurfaceLine]:
    for surface in (s for s in provider.surfaces if s.id in set(surfaces)):
        state, verdict = provider_state.surface_state(surface.id), provider_state.verdict(surface.id)
        if state and verdict:
            yield SurfaceLine(
                *(surface.id, surface.name, state.condition, verdict, state.inferred, surface.people, surface.programs),
                short=surface.short_name,
                people_slow=surface.people_slow,
                programs_slow=surface.programs_slow,
                since=state.since,
            )
