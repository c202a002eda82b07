"""An incident and its events -> the summary and the timeline that people ask for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.model import Ending, Event, EventKind, Known, Message, People, Seen, Stage, Surface
from bot.voice import digest, hands, words
from bot.voice.replies import meanwhile
from bot.voice.sheet import Para, sheet
from bot.years import Judged

QUOTED = (EventKind.UPDATE_POSTED, EventKind.UPDATE_EDITED, EventKind.INCIDENT_CHANGED)
NOBODY = People()
_SAID = (EventKind.NOTE, EventKind.REPORTED)
_DONE = {
    EventKind.AFFECTED: "“I'm affected”, {name}",
    EventKind.REPORTED: "reported to be broken, {name}",
    EventKind.MUTED: "muted in this channel {reason}",
    EventKind.UPDATE_EDITED: "update edited: {reason}",
    EventKind.INCIDENT_CHANGED: "incident changed: {reason}",
    EventKind.TROUBLE_BEGAN: "{name}, bad on the page since {since}, and no incident is posted",
    EventKind.TROUBLE_ENDED: "{name}: {reason}",
    EventKind.SUSPECTED: "{name}, suspected: {reason}",
    EventKind.SUSPICION_CONFIRMED: "{name}, suspicion confirmed: {reason}",
    EventKind.SUSPICION_CLEARED: "{name}, suspicion cleared: {reason}",
}
_OURS = (EventKind.SUSPECTED, EventKind.TROUBLE_BEGAN)  # they happened by our own clock
NOTHING = Judged()
_ADVISED = 3  # pieces of advice
_NOTED = 90  # seconds between the vendor's time and ours that are worth a word
_LOOKED = timedelta(minutes=15)  # ago, and a look is an old one
_OVER = {
    Ending.RESOLVED: "the vendor called it resolved",
    Ending.WITHDRAWN: "the vendor deleted it from its page",
    Ending.UNRECORDED: "it left the page; its last words were not recorded",
    Ending.CLEARED: "its component is no longer bad; the vendor posted nothing",
    Ending.UNCONFIRMED: "what we saw ourselves has passed; the vendor posted nothing",
    Ending.POSTED: "the vendor posted an incident, which took over",
}


def summary(
    known: Known,
    provider: str,
    events: Sequence[Event],
    surfaces: Mapping[str, Surface],
    now: datetime,
    *,
    people: People = NOBODY,
    judged: Judged = NOTHING,
    seen: Iterable[Seen] = (),
) -> Message:
    """What happened, to what, from when to when by the vendor's clock and by ours, and which verdicts were given.

    ``judged`` is how right those were; it is told where they held anything. ``seen`` is what others than the page saw.
    """
    incident = known.incident
    events = as_told(known, events)
    stage = "suspected" if incident.is_suspected else words.stage(incident.stage)
    title = f"{provider}: {'over' if known.closed_at else stage}"
    return sheet(
        title,
        [
            Para(incident.name, is_quote=True),
            *facts(known, events, surfaces, now),
            *_beside(seen, surfaces),
            *([f"**How right they were**: {right}."] if (right := digest.record(judged)) else []),
            *_last_words(events),
            *_people(known, events, people, surfaces),
            *_advice(known, surfaces),
            f"`{incident.id}`; every step: `timeline {incident.id}`",
        ],
    )


def _advice(known: Known, surfaces: Mapping[str, Surface]) -> Iterator[str]:
    """What to do next time, from the catalogue, for people and for programs; while it is open, the alert says it."""
    if known.closed_at is None:
        return
    told = [pair for s in known.surfaces if s in surfaces for pair in meanwhile(surfaces[s])]
    for who in ("People", "Programs"):
        different = list(dict.fromkeys(what for whom, what in told if whom == who and what))
        if different:
            more = (
                f" … and {len(different) - _ADVISED} more: `status` and a surface" if len(different) > _ADVISED else ""
            )
            yield f"**Next time**, {who.lower()}: {' '.join(different[:_ADVISED])}{more}"


def as_told(known: Known, events: Sequence[Event]) -> Sequence[Event]:
    """Of a backfilled incident, the events as if we had known at once: that we knew years later says nothing of it."""
    if not known.is_backfilled:
        return events
    return [e if e.author else replace(e, seen_at=e.happened_at or e.seen_at) for e in events]


def facts(known: Known, events: Sequence[Event], surfaces: Mapping[str, Surface], now: datetime) -> tuple[str, ...]:
    """The paragraphs of a summary that are ours: when, what it hit, how bad, which verdicts were given."""
    return (
        span(known, events, now),
        *lead(known),
        f"**Hit**: {hit(known, surfaces)}.",
        *_worst(known, events, surfaces),
        *_verdicts(events, surfaces),
        *_edits(events),
    )


def span(known: Known, events: Sequence[Event], now: datetime) -> str:
    """From when to when, by the vendor's clock and by ours."""
    own = [e for e in events if e.incident in (None, known.incident.id)]
    posted = own[0].happened_at if own and own[0].happened_at else known.seen_at
    lag = words.span(max((known.seen_at - posted).total_seconds(), 0))
    seen = "told afterwards, in a history" if known.is_backfilled else f"seen {lag} later"
    began = f"**When**: first posted {words.day(posted)}, {seen}"
    if known.incident.is_unposted:
        what = "failing" if known.incident.is_suspected else "bad on the page"
        began = f"**When**: {what} since {words.day(posted)}, told {lag} later"
    if known.closed_at is None:
        return f"{began}; open for {words.span((now - posted).total_seconds())} so far."
    ended = next((e.happened_at for e in reversed(events) if e.kind is EventKind.INCIDENT_RESOLVED), None)
    over = ended or known.closed_at
    why = _OVER[known.ending or Ending.UNRECORDED]
    when = words.clock(over) if over.date() == posted.date() else words.day(over)
    return f"{began}; over {when} ({why}), after {words.span((over - posted).total_seconds())}."


def unwatched(known: Known, looked_at: datetime | None, now: datetime) -> Iterator[str]:
    """That nobody looks at an open incident any more, where that is so. ``looked_at`` is the last look at its page."""
    if known.is_open and looked_at is not None and now - looked_at > _LOOKED:
        yield f"Nobody has looked at its page since {words.day(looked_at)}: what came after is not known."


def lead(known: Known) -> Iterator[str]:
    """How long we knew before the page did, where we did."""
    if known.lead is not None:
        seconds = known.lead.total_seconds()
        yield f"**Lead**: we knew {words.span(seconds)} before the page, by what others than the page saw."


def _beside(seen: Iterable[Seen], surfaces: Mapping[str, Surface]) -> Iterator[str]:
    """What probes and the team's own requests saw while it lasted."""
    for one in seen:
        tried = f"{one.failures:,} of {one.tries:,} tries of our probe failed" if one.tries else ""
        sent = f"{one.failed:,} of {one.requests:,} of our own requests failed" if one.requests else ""
        yield f"**Beside the page**, {_name(one.surface, surfaces)}: {words.listing(filter(None, (tried, sent)))}."


def hit(known: Known, surfaces: Mapping[str, Surface]) -> str:
    """The names of the surfaces that it ever hit."""
    return words.listing(_name(s, surfaces) for s in known.surfaces) or "no surface that is known here"


def _worst(known: Known, events: Iterable[Event], surfaces: Mapping[str, Surface]) -> Iterator[str]:
    """Each surface's steps; one that this incident did not see well again was another's when it ended."""
    moves: dict[str, list[Event]] = {}
    for e in events:
        if e.kind is EventKind.SURFACE_CHANGED and e.surface and e.condition:
            moves.setdefault(e.surface, []).append(e)
    for surface, steps in moves.items():
        told = ", ".join(f"{e.seen_at:%H:%M} {words.CONDITIONS[e.condition]}" for e in steps if e.condition)
        last = steps[-1].condition
        goes_on = known.closed_at is not None and last is not None and last.is_bad
        yield f"**{_name(surface, surfaces)}**: {told}{'; it went on in another incident' if goes_on else ''}"


def _verdicts(events: Iterable[Event], surfaces: Mapping[str, Surface]) -> Iterator[str]:
    given: dict[str, list[str]] = {}
    for e in events:
        if e.kind is EventKind.VERDICT_CHANGED and e.surface and e.verdict:
            step = words.CALLS[e.verdict].lower()
            steps = given.setdefault(e.surface, [])
            if not steps or not steps[-1].endswith(step):
                steps.append(f"{e.seen_at:%H:%M} {step}")
    if given:
        yield "**Verdicts given** (UTC):"
    for surface, steps in given.items():
        yield f"• {_name(surface, surfaces)}: {', '.join(steps)}"


def _edits(events: Iterable[Event]) -> Iterator[str]:
    edits = sum(e.kind is EventKind.UPDATE_EDITED for e in events)
    if edits:
        times = f"{edits} time{'s' if edits != 1 else ''}"
        yield f"The vendor edited earlier posts {times}; the timeline shows what changed."


def _last_words(events: Sequence[Event]) -> Iterator[Para | str]:
    last = next((e for e in reversed(events) if e.kind is EventKind.UPDATE_POSTED and e.text), None)
    if last:
        when, stage = words.day(last.happened_at or last.seen_at), words.stage(last.stage or Stage.UNKNOWN)
        yield f"The vendor's last words, {when} ({stage}):"
        yield Para(last.text or "", is_quote=True)


def _people(
    known: Known, events: Iterable[Event], people: People, surfaces: Mapping[str, Surface]
) -> Iterator[Para | str]:
    """What people did and said about it, their notes in full."""
    names = {surface: _name(surface, surfaces) for surface, _ in people.affected}
    if done := " ".join(hands.told(names, people, is_over=known.closed_at is not None)):
        yield done
    for e in events:
        if e.kind in _SAID and e.text:
            yield f"{words.day(e.seen_at)} {_what(e, surfaces)} by {e.author}"
            yield Para(e.text, is_quote=True)


def line(event: Event, surfaces: Mapping[str, Surface]) -> str:
    """One event as a sentence: when we knew, what it was, and the vendor's time where the two differ."""
    lag = (event.seen_at - event.happened_at).total_seconds() if event.happened_at else 0
    is_late = event.happened_at and abs(lag) > _NOTED and event.kind not in _OURS
    late = f" (the vendor's time {words.clock(event.happened_at)})" if event.happened_at and is_late else ""
    return f"{event.seen_at:%Y-%m-%d %H:%M:%S} {_what(event, surfaces)}{late}"


def _what(event: Event, surfaces: Mapping[str, Surface]) -> str:
    name = _name(event.surface, surfaces)
    match event.kind:
        case EventKind.SURFACE_CHANGED if event.condition is not None:
            return f"{name}: {words.CONDITIONS[event.condition]}"
        case EventKind.VERDICT_CHANGED if event.verdict is not None:
            return event.reason or f"{name}: {words.CALLS[event.verdict]}"
        case kind if kind in _DONE:
            since = words.clock(event.happened_at or event.seen_at)
            return _DONE[kind].format(name=name, reason=event.reason, since=since)
        case _:
            stage = f" ({words.stage(event.stage)})" if event.stage else ""
            return f"{event.kind.replace('_', ' ')}{stage}"


def _name(surface: str | None, surfaces: Mapping[str, Surface]) -> str:
    return surfaces[surface].name if surface and surface in surfaces else str(surface)
