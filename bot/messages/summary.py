"""The answer to ``summary``: one incident from its events, for people; also the line of one event. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain import (
    Condition,
    Event,
    EventKind,
    EvidenceTotals,
    IncidentEnding,
    IncidentUserActions,
    Message,
    Provider,
    Stage,
    Surface,
    TrackedIncident,
)
from bot.domain.reliability import NOTHING_STATED, StatedTimes, VerdictAccuracy
from bot.messages import alert_actions, answers, digest, formatting, words
from bot.messages.builder import Paragraph
from bot.messages.replies import MAX_POLL_AGE, surface_advice

QUOTED_EVENTS = (EventKind.UPDATE_POSTED, EventKind.UPDATE_EDITED, EventKind.INCIDENT_CHANGED)
NO_USER_ACTIONS = IncidentUserActions()
_CONDITION_EVENTS = (EventKind.SURFACE_CHANGED, EventKind.TROUBLE_BEGAN)
_TEXT_EVENTS = (EventKind.NOTE, EventKind.REPORTED)
_EVENT_TEXTS = {
    EventKind.INCIDENT_OPENED: "incident opened",
    EventKind.INCIDENT_REOPENED: "incident opened again",
    EventKind.INCIDENT_RESOLVED: "incident resolved",
    EventKind.INCIDENT_WITHDRAWN: "incident removed from the status page",
    EventKind.MAINTENANCE_OVERRAN: "maintenance overrunning: in progress past its planned end",
    EventKind.AFFECTED: "{author} is affected: {name}",
    EventKind.REPORTED: "{author} reported {name}",
    EventKind.ACKED: "{author} acknowledged",
    EventKind.UNACKED: "{author} withdrew the acknowledgement",
    EventKind.MUTED: "{author} muted it in this channel {reason}",
    EventKind.UNMUTED: "{author} unmuted it in this channel",
    EventKind.UPDATE_POSTED: "{vendor}, {stage}:",
    EventKind.UPDATE_EDITED: "{vendor} edited an update: {reason}",
    EventKind.INCIDENT_CHANGED: "{vendor} changed the incident: {reason}",
    EventKind.TROUBLE_BEGAN: "{name}: shown as affected without an incident since {since}",
    EventKind.TROUBLE_ENDED: "{name}: {reason}",
    EventKind.SUSPECTED: "{name}, suspected: {reason}",
    EventKind.SUSPICION_CONFIRMED: "{name}, suspicion confirmed: {reason}",
    EventKind.SUSPICION_CLEARED: "{name}, suspicion cleared: {reason}",
}
_BY_VENDOR = (*QUOTED_EVENTS, EventKind.INCIDENT_OPENED, EventKind.INCIDENT_RESOLVED)  # with the vendor's own time
NO_ACCURACY = VerdictAccuracy()
_MAX_COMPONENTS = 5
_MAX_SERVICE_LINES = 6  # lines of a summary that say which advice which service was given
_MIN_LAG_S = 90  # seconds; a smaller difference between the vendor's time and ours is not shown
_ENDING_WORDS = {
    IncidentEnding.RESOLVED: "resolved",
    IncidentEnding.WITHDRAWN: "removed by {vendor}",
    IncidentEnding.UNRECORDED: "ended",
    IncidentEnding.NARROWED: "ended for these services",
    IncidentEnding.LAPSED: "ended",
    IncidentEnding.CLEARED: "ended without a post",
    IncidentEnding.REMOVED: "ended without a post",
    IncidentEnding.UNCONFIRMED: "suspicion cleared",
    IncidentEnding.POSTED: "continues in another incident",
}
_ENDING_TEXTS = {
    IncidentEnding.RESOLVED: "resolved by {vendor}",
    IncidentEnding.WITHDRAWN: "{vendor} removed it from the status page",
    IncidentEnding.UNRECORDED: "removed from the status page; the last update was not recorded",
    IncidentEnding.NARROWED: "{vendor}'s incident is still open for other products",
    IncidentEnding.LAPSED: "the planned time has passed; {vendor} posted no end",
    IncidentEnding.CLEARED: "the status page shows it as operational; {vendor} posted nothing",
    IncidentEnding.REMOVED: "its component was removed from the status page; {vendor} posted nothing",
    IncidentEnding.UNCONFIRMED: "probes, traffic and reports no longer show it; {vendor} posted nothing",
    IncidentEnding.POSTED: "{vendor} posted an incident about it",
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is recorded beside an incident.

    ``changes`` are the changes of its surfaces' status and advice, up to its end, that are recorded with other
    incidents, in time order. ``history_until`` is the end of the imported history that it was open in; None for all
    others. ``evidence`` is what probes and the team's own requests saw, by surface. ``last_check`` is the last check of
    its page: of an open incident, nothing is known from then on. ``courses`` are the statuses of its surfaces as the
    reliability report counts them, in time order, each with the incident that it is of; empty where they were not asked
    for. ``imputed`` are those, by surface and time, for which the impact of an incident stands. ``components`` are the
    names of the page's components that it lists. ``stated`` is when it was bad by the text of an incident that was
    posted when it was over.
    """

    changes: tuple[Event, ...] = ()
    history_until: datetime | None = None
    evidence: tuple[EvidenceTotals, ...] = ()
    last_check: datetime | None = None
    courses: tuple[Event, ...] = ()
    imputed: frozenset[tuple[str, datetime]] = frozenset()
    components: tuple[str, ...] = ()
    stated: StatedTimes = NOTHING_STATED


NO_SURROUNDINGS = Surroundings()


def summary_message(
    tracked: TrackedIncident,
    provider: Provider,
    events: Sequence[Event],
    surfaces: Mapping[str, Surface],
    now: datetime,
    *,
    people: IncidentUserActions = NO_USER_ACTIONS,
    judged: VerdictAccuracy = NO_ACCURACY,
    surroundings: Surroundings = NO_SURROUNDINGS,
) -> Message:
    """What happened, to which services, when, how soon it was detected, and which advice was given.

    Args:
        tracked: The incident.
        provider: Its provider.
        events: The incident's events, oldest first.
        surfaces: Surfaces by id.
        now: The present, for the duration of an open incident; times on another day carry their date.
        people: What people have done about it.
        judged: How right the advice was; shown if it held anything.
        surroundings: What is recorded beside it.
    """
    vendor = provider.vendor or provider.name
    events = with_vendor_times(tracked, events)
    headline = headline_text(tracked, provider, events, surroundings)
    when = _when_text(tracked, events, now, surroundings)
    advice = _advice_text(tracked, events, surfaces, now, surroundings)
    ending = tracked.ending or IncidentEnding.UNRECORDED
    return answers.build_answer(
        [
            f"**{headline}** · {when} · `{tracked.incident.id}`",
            Paragraph(tracked.incident.name, is_quote=True),
            f"**Affected:** {_affected_text(tracked, events, surfaces, surroundings.components)}",
            f"**Detected:** {_detected_text(tracked, events, vendor, now)}",
            *(
                [f"**Ended:** {ending_text(tracked, vendor)}"]
                if tracked.closed_at and ending is not IncidentEnding.RESOLVED
                else []
            ),
            *_status_lines(tracked, events, surfaces, now, surroundings),
            *([advice] if advice else []),
            *_other_evidence_lines(surroundings.evidence, surfaces),
            *([f"**Advice record:** {record}"] if (record := digest.accuracy_text(judged)) else []),
            *_edit_lines(events, vendor),
            *_last_update_lines(events, now),
            *_user_action_lines(tracked, events, people, surfaces, now),
            *_next_time_lines(tracked, surfaces),
        ],
        emoji=words.STATUS_STYLES[
            words.Status.OPERATIONAL if tracked.closed_at else _current_status(tracked, events)
        ].emoji,
    )


def headline_text(
    tracked: TrackedIncident,
    provider: Provider,
    events: Sequence[Event],
    surroundings: Surroundings = NO_SURROUNDINGS,
) -> str:
    """What it was and how it stands, such as ``Claude partial outage, resolved``."""
    own = [
        e
        for e in surroundings.courses
        if e.incident == tracked.incident.id and e.seen_at >= first_known_at(tracked, events, surroundings.stated)
    ]
    incident, worst = tracked.incident, worst_status([*events, *own])
    what = "maintenance" if incident.is_maintenance else str(worst or "incident")
    if incident.is_suspected:
        what = f"suspected {what}"
    if tracked.closed_at is None:
        state = "" if incident.is_unposted or incident.is_suspected else formatting.stage_text(incident.stage)
        return f"{provider.name} {what}, {state or 'open'}"
    ending = tracked.ending or IncidentEnding.UNRECORDED
    if incident.is_maintenance and ending is IncidentEnding.RESOLVED:
        return f"{provider.name} {what}, completed"
    return f"{provider.name} {what}, {_ENDING_WORDS[ending].format(vendor=provider.vendor or provider.name)}"


def worst_status(events: Iterable[Event]) -> words.Status | None:
    """The worst status that a service had by these events; None if none was bad."""
    seen = (words.CONDITION_STATUS[e.condition] for e in _condition_events(events) if e.condition)
    return min((status for status in seen if status.is_bad), key=lambda status: status.rank, default=None)


def _current_status(tracked: TrackedIncident, events: Iterable[Event]) -> words.Status:
    """The status of an open incident: the worst that a service of it has now, else that it is recovering."""
    if tracked.incident.is_maintenance:
        return words.Status.MAINTENANCE
    latest = {e.surface: e.condition for e in _condition_events(events) if e.condition}
    bad = [status for c in latest.values() if (status := words.CONDITION_STATUS[c]).is_bad]
    return min(bad, key=lambda status: status.rank, default=words.Status.RECOVERING)


def _condition_events(events: Iterable[Event]) -> Iterator[Event]:
    return (e for e in events if e.kind in _CONDITION_EVENTS and e.surface and e.condition)


def _next_time_lines(tracked: TrackedIncident, surfaces: Mapping[str, Surface]) -> Iterator[str]:
    """What to do in the next outage, in one line; none while it is open, when the alert says it."""
    if tracked.closed_at is None:
        return
    advice = [pair for s in tracked.surfaces if s in surfaces for pair in surface_advice(surfaces[s])]
    firsts = [
        f"{audience}: {text}"
        for audience in ("People", "Programs")
        if (text := next((text for reader, text in advice if reader == audience and text), ""))
    ]
    if firsts:
        yield f"**For next time** · {' · '.join(firsts)}"


def with_vendor_times(tracked: TrackedIncident, events: Sequence[Event]) -> Sequence[Event]:
    """The events; those of a backfilled incident with the vendor's times as ours.

    When an import saw them says nothing about the incident. People's events keep their times.
    """
    if not tracked.is_backfilled:
        return events
    return [e if e.author else replace(e, seen_at=e.happened_at or e.seen_at) for e in events]


def summary_paragraphs(
    tracked: TrackedIncident,
    events: Sequence[Event],
    surfaces: Mapping[str, Surface],
    now: datetime,
    surroundings: Surroundings = NO_SURROUNDINGS,
) -> tuple[str, ...]:
    """The facts of an incident for its page: when, what was affected, which status and which advice; times in UTC."""
    advice = _advice_text(tracked, events, surfaces, now, surroundings)
    lines = (
        time_range_text(tracked, events, now, surroundings),
        f"**Affected:** {affected_names(tracked, surfaces, surroundings.components)}",
        *_status_lines(tracked, events, surfaces, now, surroundings),
        *([advice] if advice else []),
        *_edit_lines(events, "The vendor"),
    )
    return tuple(answers.plain_times(line) for line in lines)


def time_range_text(
    tracked: TrackedIncident, events: Sequence[Event], now: datetime, surroundings: Surroundings = NO_SURROUNDINGS
) -> str:
    """When it began and ended by the vendor's clock, for how long, and how soon it was detected; times in UTC."""
    when = _when_text(tracked, events, now, surroundings)
    detected = _detected_text(tracked, events, "the vendor", now)
    ended = f", {ending_text(tracked, 'the vendor')}" if tracked.closed_at else ""
    return answers.plain_times(f"**When:** {when}{ended}. **Detected:** {detected}")


def posted_at(tracked: TrackedIncident, events: Sequence[Event]) -> datetime:
    """When the vendor first posted it, by the vendor's clock; of what no one posted, when it began."""
    if tracked.incident.is_unposted and not tracked.incident.is_suspected:
        return tracked.incident.created_at
    first = next((e for e in events if e.incident in (None, tracked.incident.id)), None)
    if first and first.happened_at:
        return first.happened_at
    updates = tracked.incident.updates
    return updates[0].display_at if updates else tracked.incident.created_at


def first_known_at(tracked: TrackedIncident, events: Sequence[Event], stated: StatedTimes) -> datetime:
    """The first post, or a beginning before it that the text states."""
    return min([posted_at(tracked, events), *(w.start for w in stated.windows)])


def begun_at(
    tracked: TrackedIncident, events: Sequence[Event], stated: StatedTimes = NOTHING_STATED
) -> datetime | None:
    """When it began: as the text states, else the first post; of a maintenance its work, None while it is planned."""
    if stated.windows:
        return stated.windows[0].start
    posted = posted_at(tracked, events)
    if not tracked.incident.is_maintenance:
        return posted
    started = [u.display_at for u in tracked.incident.updates if u.stage is Stage.IN_PROGRESS]
    started += [e.happened_at or e.seen_at for e in events if e.stage is Stage.IN_PROGRESS]
    is_planned = any(u.stage is Stage.SCHEDULED for u in tracked.incident.updates)
    return min(started, default=None if is_planned else posted)


def ended_at(
    tracked: TrackedIncident, events: Sequence[Event], stated: StatedTimes = NOTHING_STATED
) -> datetime | None:
    """When it ended, by the vendor's clock where the vendor posted or stated it; None while it is open."""
    if tracked.closed_at is None:
        return None
    if stated.windows:
        return stated.windows[-1].end
    resolved_at = next((e.happened_at for e in reversed(events) if e.kind is EventKind.INCIDENT_RESOLVED), None)
    return max(resolved_at or tracked.closed_at, posted_at(tracked, events))


def is_posted_late(tracked: TrackedIncident) -> bool:
    """Whether all that the vendor posted says that it is over."""
    updates = tracked.incident.updates
    return bool(updates) and all(u.stage.is_closed for u in updates)


def _when_text(
    tracked: TrackedIncident,
    events: Sequence[Event],
    now: datetime,
    surroundings: Surroundings,
) -> str:
    history_until, last_check = surroundings.history_until, surroundings.last_check
    start, end = begun_at(tracked, events), ended_at(tracked, events)
    if is_posted_late(tracked):
        return _late_when_text(posted_at(tracked, events), surroundings.stated, now)
    if start is None:
        announced = f"announced {answers.time_token(posted_at(tracked, events), now)}"
        return announced if end is None else f"{announced}, ended {answers.time_token(end, now)}, no start posted"
    if end is None and history_until is not None:
        first, last = answers.time_tokens((start, max(history_until, start)), now)
        return f"since {first}, open when the imported history ended at {last}"
    if end is None:
        is_old = last_check is not None and now - last_check > MAX_POLL_AGE
        known_until = max(last_check, start) if is_old and last_check else now
        duration = formatting.format_duration((known_until - start).total_seconds())
        return f"since {answers.time_token(start, now)} ({duration} {'at the last check' if is_old else 'so far'})"
    first, last = answers.time_tokens((start, max(end, start)), now)
    return f"{first} to {last} ({formatting.format_duration((max(end, start) - start).total_seconds())})"


def _late_when_text(posted: datetime, stated: StatedTimes, now: datetime) -> str:
    """When it was, by the text of an incident that was posted when it was over."""
    after = f"posted {answers.time_token(posted, now)} after it was over"
    duration = stated_duration_text(stated)
    if not stated.windows:
        return f"{after}, {duration}"
    if posted < stated.windows[-1].end:
        after = f"posted after it was over, dated {answers.time_token(posted, now)}"
    tokens = answers.time_tokens([at for w in stated.windows for at in (w.start, w.end)], now)
    spans = [f"{first} to {last}" for first, last in zip(tokens[::2], tokens[1::2], strict=True)]
    return f"{formatting.join_names(spans)} ({duration}), {after}"


def stated_duration_text(stated: StatedTimes) -> str:
    """How long it was by its text, or that the text does not say."""
    if stated.total is None:
        return "no duration stated"
    duration = f"{formatting.format_duration(stated.total.total_seconds())} as stated"
    return duration if stated.windows else f"{duration} without times"


def _detected_text(tracked: TrackedIncident, events: Sequence[Event], vendor: str, now: datetime) -> str:
    """How soon Brownout knew, by what it can be measured from."""
    lag = formatting.format_duration((tracked.seen_at - posted_at(tracked, events)).total_seconds())
    if tracked.is_backfilled:
        return "imported, not seen live"
    if tracked.lead is not None:
        return f"{formatting.format_duration(tracked.lead.total_seconds())} before the status page"
    if tracked.is_baseline:
        return f"already open when monitoring started at {answers.time_token(tracked.seen_at, now)}"
    if tracked.incident.is_suspected:
        return f"{lag} after the first failure"
    if tracked.incident.is_unposted:
        return f"{lag} after the status page first showed it"
    return f"{lag} after {vendor}'s first post"


def unmonitored_lines(tracked: TrackedIncident, last_poll_at: datetime | None, now: datetime) -> Iterator[str]:
    """That an open incident's page is no longer polled, if so.

    ``last_poll_at`` is the last poll of its page; None if it is not known, which yields nothing.
    """
    if tracked.is_open and last_poll_at is not None and now - last_poll_at > MAX_POLL_AGE:
        since = formatting.format_datetime(last_poll_at)
        yield f"Status page not checked since {since}: what has happened since then is unknown."


def _other_evidence_lines(seen: Iterable[EvidenceTotals], surfaces: Mapping[str, Surface]) -> Iterator[str]:
    """What probes and the team's own requests saw during the incident, one line for each surface."""
    for totals in seen:
        probe_text = f"{totals.failures:,} of {totals.tries:,} probes failed" if totals.tries else ""
        traffic_text = f"{totals.failed:,} of {totals.requests:,} requests of your traffic failed"
        evidence = filter(None, (probe_text, traffic_text if totals.requests else ""))
        yield f"**Not from the status page:** {_short_name(totals.surface, surfaces)}: {', '.join(evidence)}"


def affected_names(tracked: TrackedIncident, surfaces: Mapping[str, Surface], components: Sequence[str] = ()) -> str:
    """The names of all services that the incident has affected."""
    return ", ".join(_surface_name(s, surfaces) for s in tracked.surfaces) or _no_service_text(tracked, components)


def _no_service_text(tracked: TrackedIncident, components: Sequence[str]) -> str:
    """That no known service is affected, and which components the vendor lists."""
    text = "no service named yet" if tracked.is_open else "no service named"
    shown, more = formatting.join_names(components[:_MAX_COMPONENTS]), len(components) - _MAX_COMPONENTS
    names = f"{shown} and {more} more" if more > 0 else shown
    return f"{text} (components of the page: {names})" if names else text


def _affected_text(
    tracked: TrackedIncident, events: Iterable[Event], surfaces: Mapping[str, Surface], components: Sequence[str]
) -> str:
    """The short names of what it affected; ``(from text)`` after those that only the vendor's text named."""
    bases: dict[str | None, set[bool]] = {}
    for e in _condition_events(events):
        if e.condition and e.condition.is_bad:
            bases.setdefault(e.surface, set()).add(e.inferred)
    return ", ".join(
        f"{_short_name(s, surfaces)} {words.FROM_TEXT}" if bases.get(s) == {True} else _short_name(s, surfaces)
        for s in tracked.surfaces
    ) or _no_service_text(tracked, components)


def _status_lines(
    tracked: TrackedIncident,
    events: Sequence[Event],
    surfaces: Mapping[str, Surface],
    now: datetime,
    surroundings: Surroundings,
) -> Iterator[str]:
    """Each service's changes of status from the incident's beginning on, and those it was only named for.

    A change that belongs to another incident carries that one's id.
    """
    steps = _status_steps(tracked, events, surroundings)
    if steps:
        yield _course_text("Status", steps, surfaces, now, _endings(tracked, events, surroundings))
    unchanged = [s for s in tracked.surfaces if s not in steps]
    if unchanged and not tracked.incident.is_maintenance:
        yield f"**Named, status unchanged:** {', '.join(_short_name(s, surfaces) for s in unchanged)}"


def _status_steps(
    tracked: TrackedIncident, events: Sequence[Event], surroundings: Surroundings
) -> dict[str, list[tuple[datetime, str]]]:
    """The changes of status by service; equal ones that follow each other, as polls see them, are one."""
    start = first_known_at(tracked, events, surroundings.stated)
    steps: dict[str, list[tuple[datetime, str]]] = {}
    for e in _status_changes(events, surroundings):
        if not e.surface or not e.condition:
            continue
        course, status = steps.setdefault(e.surface, []), status_text(e, tracked, surroundings)
        is_affected = e.condition not in (Condition.OPERATIONAL, Condition.UNKNOWN)
        if e.seen_at < start:
            course[:] = [(e.seen_at, f"{status} since")] if e.condition.is_bad else []
        elif (course and course[-1][1] != status) or (not course and (is_affected or not surroundings.courses)):
            course.append((e.seen_at, status))
    return {surface: course for surface, course in steps.items() if course}


def status_text(event: Event, tracked: TrackedIncident, surroundings: Surroundings) -> str:
    """A service's new status, and in brackets what it rests on where that is no component, and which other incident."""
    condition = event.condition or Condition.UNKNOWN
    remarks = []
    if condition.is_bad and event.inferred:
        remarks.append(words.FROM_TEXT)
    elif condition.is_bad and (event.surface, event.seen_at) in surroundings.imputed:
        remarks.append(words.FROM_IMPACT)
    is_affected = condition not in (Condition.OPERATIONAL, Condition.UNKNOWN)
    if is_affected and event.incident not in (None, tracked.incident.id):
        remarks.append(f"(as {event.incident})")
    return " ".join((words.CONDITION_STATUS[condition], *remarks)).replace(") (", ", ")


def _status_changes(events: Iterable[Event], surroundings: Surroundings) -> list[Event]:
    """The changes of services, oldest first; of two at one time the incident's own comes last."""
    if surroundings.courses:
        return list(surroundings.courses)
    own = [(e.seen_at, 1, e) for e in _condition_events(events)]
    theirs = [(e.seen_at, 0, e) for e in _condition_events(surroundings.changes)]
    return [e for *_, e in sorted([*own, *theirs], key=lambda step: step[:2])]


def _endings(tracked: TrackedIncident, events: Iterable[Event], surroundings: Surroundings) -> dict[str, str]:
    """What the course of a service ends with where that was still affected at the end, by another incident then."""
    if tracked.closed_at is None and surroundings.history_until is None:
        return {}
    ended = "this incident" if tracked.closed_at is not None else "the imported history"
    latest = {e.surface: e.condition for e in _status_changes(events, surroundings)}
    return {s: f" (still affected when {ended} ended)" for s, c in latest.items() if s and c and c.is_bad}


def status_texts(
    tracked: TrackedIncident, events: Sequence[Event], surfaces: Mapping[str, Surface], surroundings: Surroundings
) -> Iterator[str]:
    """The course of each service in UTC, with a date on every time that is not the first day's, as plain text."""
    epoch = datetime.min.replace(tzinfo=posted_at(tracked, events).tzinfo)
    for line in _status_lines(tracked, events, surfaces, epoch, surroundings):
        yield answers.plain_times(line).replace("**", "")


def _advice_text(
    tracked: TrackedIncident,
    events: Sequence[Event],
    surfaces: Mapping[str, Surface],
    now: datetime,
    surroundings: Surroundings,
) -> str:
    """Which advice each service was given from the first post on, and when; empty if none was recorded."""
    steps: dict[str, list[tuple[datetime, str]]] = {}
    first = min(tracked.seen_at, posted_at(tracked, events))
    others = (e for e in surroundings.changes if e.seen_at >= first)
    for e in sorted((*events, *others), key=lambda e: e.seen_at):
        if e.kind is EventKind.VERDICT_CHANGED and e.surface and e.verdict:
            advice = words.ADVICE_STYLES[e.verdict].short.lower()
            given = steps.setdefault(e.surface, [])
            if not given or given[-1][1] != advice:
                given.append((e.seen_at, advice))
    return _course_text("Advice given", steps, surfaces, now, {}) if steps else ""


def _course_text(
    title: str,
    steps: Mapping[str, Sequence[tuple[datetime, str]]],
    surfaces: Mapping[str, Surface],
    now: datetime,
    endings: Mapping[str, str],
) -> str:
    """One line for all services with the same course: ``API, web: outage 12:01 → operational 12:31``."""
    names: dict[str, list[str]] = {}
    for surface, course in steps.items():
        clocks = answers.time_tokens([at.replace(second=0, microsecond=0) for at, _ in course], now)
        text = " → ".join(f"{word} {clock}" for (_, word), clock in zip(course, clocks, strict=True))
        names.setdefault(text + endings.get(surface, ""), []).append(_short_name(surface, surfaces))
    lines = [f"{', '.join(services)}: {text}" for text, services in names.items()]
    if len(lines) == 1:
        return f"**{title}:** {lines[0]}"
    more = sum(map(len, list(names.values())[_MAX_SERVICE_LINES:]))
    shown = [f"• {line}" for line in lines[:_MAX_SERVICE_LINES]]
    return "\n".join([f"**{title}:**", *shown, *([f"+{more} services: see the timeline"] if more else [])])


def _edit_lines(events: Iterable[Event], vendor: str) -> Iterator[str]:
    edits = sum(e.kind is EventKind.UPDATE_EDITED for e in events)
    if edits:
        yield f"{vendor} edited earlier updates {formatting.pluralize(edits, 'time')}; the timeline shows what changed."


def _last_update_lines(events: Sequence[Event], now: datetime) -> Iterator[Paragraph | str]:
    update = next((e for e in reversed(events) if e.kind is EventKind.UPDATE_POSTED and e.text), None)
    if update:
        when = answers.time_token(update.happened_at or update.seen_at, now)
        yield f"**Last update** ({when}, {formatting.stage_text(update.stage or Stage.UNKNOWN)}):"
        yield Paragraph(update.text or "", is_quote=True)


def _user_action_lines(
    tracked: TrackedIncident,
    events: Iterable[Event],
    people: IncidentUserActions,
    surfaces: Mapping[str, Surface],
    now: datetime,
) -> Iterator[Paragraph | str]:
    """What people did about it, and their notes and reports in full."""
    names = {surface: _surface_name(surface, surfaces) for surface, _ in people.affected}
    if actions_text := " ".join(
        alert_actions.describe_user_actions(names, people, is_over=tracked.closed_at is not None)
    ):
        yield actions_text
    for e in events:
        if e.kind in _TEXT_EVENTS and e.text:
            what = f"note by {e.author}" if e.kind is EventKind.NOTE else event_text(e, surfaces)
            yield f"{answers.time_token(e.seen_at, now)} {what}:"
            yield Paragraph(e.text, is_quote=True)


def event_line(event: Event, surfaces: Mapping[str, Surface]) -> str:
    """One event as plain text: our time, what happened, and the vendor's time if it differs noticeably."""
    return f"{event.seen_at:%Y-%m-%d %H:%M:%S} {event_text(event, surfaces)}"


def event_text(event: Event, surfaces: Mapping[str, Surface], *, vendor: str = "The vendor") -> str:
    """What happened, as plain text, and the vendor's own time if it differs noticeably from ours."""
    text = _event_words(event, surfaces, vendor)
    if event.happened_at is None or event.kind not in _BY_VENDOR:
        return text
    if abs((event.seen_at - event.happened_at).total_seconds()) <= _MIN_LAG_S:
        return text
    colon = ":" * text.endswith(":")
    return f"{text.removesuffix(':')} (posted {_clock_text(event.happened_at, event.seen_at)}){colon}"


def _clock_text(at: datetime, beside: datetime) -> str:
    """A time, with its date where that is not the one of the time that it stands beside."""
    return formatting.format_time(at) if at.date() == beside.date() else formatting.format_datetime(at)


def ending_text(tracked: TrackedIncident, vendor: str) -> str:
    """How it ended, in words; empty while it is open."""
    if tracked.closed_at is None:
        return ""
    if tracked.incident.is_maintenance and tracked.ending is IncidentEnding.RESOLVED:
        return f"completed by {vendor}"
    return _ENDING_TEXTS[tracked.ending or IncidentEnding.UNRECORDED].format(vendor=vendor)


def _event_words(event: Event, surfaces: Mapping[str, Surface], vendor: str) -> str:
    name = _surface_name(event.surface, surfaces)
    match event.kind:
        case EventKind.SURFACE_CHANGED if event.condition is not None:
            return f"{name}: {formatting.condition_text(event.condition, inferred=event.inferred)}"
        case EventKind.VERDICT_CHANGED if event.verdict is not None:
            return _advice_words(event, name)
        case kind if kind in _EVENT_TEXTS:
            return _EVENT_TEXTS[kind].format(
                name=name,
                reason=event.reason,
                since=_clock_text(event.happened_at or event.seen_at, event.seen_at),
                author=event.author or "unknown",
                vendor=vendor,
                stage=formatting.stage_text(event.stage or Stage.UNKNOWN),
            )
        case _:
            stage = f" ({formatting.stage_text(event.stage)})" if event.stage else ""
            return f"{event.kind.replace('_', ' ')}{stage}"


def _advice_words(event: Event, name: str) -> str:
    """The advice on one service, with its reason; reasons in databases of earlier versions hold the name."""
    reason = event.reason or (formatting.ADVICE_WORDS[event.verdict] if event.verdict else "")
    return reason if name in reason else f"{name}: {formatting.lower_first(reason)}"


def _surface_name(surface: str | None, surfaces: Mapping[str, Surface]) -> str:
    return surfaces[surface].name if surface and surface in surfaces else str(surface)


def _short_name(surface: str, surfaces: Mapping[str, Surface]) -> str:
    """The name beside the provider's."""
    return (surfaces[surface].short or surfaces[surface].name) if surface in surfaces else surface
