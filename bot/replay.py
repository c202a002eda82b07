"""A recording and today's rules -> the strokes that the bot would have made: the poll stroke without edges.

A recorder keeps a page only when it changes, so a gap means that every look in it saw the same. Verdicts change with
time too: the replay looks again for a few minutes, and then at every time at which a verdict may change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.core import diff, events
from bot.core import stroke as strokes
from bot.errors import ParseError
from bot.model import Blindness, Ending, Event, EventKind, Incident, Look, Provider, Snapshot, VerdictRules, World
from bot.sources import history, statuspage
from bot.sources.history import History
from bot.sources.recorded import Forward, Poll, reconstruct

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
CONFIRMING = 3  # looks a minute apart after each recorded one, since a verdict wants to see a thing twice
FORGET = timedelta(minutes=16)  # after so long without a usable look, nothing changes with time any more
_SAME = Snapshot("", "")


def replay(recording: History | Iterable[Poll], provider: Provider, rules: VerdictRules) -> Iterator[strokes.Stroke]:
    """Every stroke, in time order. Looks that are older than the one before are left out."""
    going_by = strokes.Rules(provider, rules, {})
    world = World(provider.id)
    last: datetime | None = None
    for poll in Forward(reconstruct(recording) if isinstance(recording, History) else recording):
        if last is not None:
            for stroke in _meanwhile(world, last, poll.at, going_by):
                world = stroke.world
                yield stroke
            if world.blind_since is None:
                world = strokes.watched(world, poll.at - SECOND)
        elif isinstance(recording, History):
            world = _long_watched(world, poll.at, going_by)
        for stroke in _looked(poll, world, recording, going_by):
            world = stroke.world
            yield stroke
        last = poll.at
    if last is not None:
        yield from _meanwhile(world, last, last + timedelta(hours=6), going_by)


def _looked(
    poll: Poll, world: World, recording: History | Iterable[Poll], rules: strokes.Rules
) -> Iterator[strokes.Stroke]:
    """One recorded look, and what a history tells at that moment of incidents that were over."""
    stroke = strokes.look(world, _seen(poll, world, recording), rules)
    yield stroke
    if isinstance(recording, History) and (said := tuple(_afterwards(recording, poll.at, rules.provider.id))):
        yield strokes.Stroke(poll.at, stroke.world, stroke.world, said)


def _long_watched(world: World, until: datetime, rules: strokes.Rules) -> World:
    """A history begins with its first incident: before that nothing was open, and the page had been watched."""
    first = strokes.look(world, Look(until - HOUR, Snapshot("", "", (), ())), rules).world
    return strokes.look(strokes.watched(first, until - MINUTE), Look(until - MINUTE, _SAME), rules).world


def _meanwhile(world: World, last: datetime, until: datetime, rules: strokes.Rules) -> Iterator[strokes.Stroke]:
    """What happened between two recorded looks: time passed, and every look saw the same as the last one."""
    if world.blind_since is not None:
        yield from _unseen(world, last, until, rules)
        return
    for at in (last + n * MINUTE for n in range(1, CONFIRMING + 1)):
        if at < until:
            stroke = strokes.look(world, Look(at, _SAME), rules)
            world, last = stroke.world, at
            yield stroke
    while (then := strokes.next_change(world, last, rules)) is not None and then < until:
        stroke = strokes.look(strokes.watched(world, then), Look(then, _SAME), rules)
        world, last = stroke.world, then
        yield stroke


def _unseen(world: World, last: datetime, until: datetime, rules: strokes.Rules) -> Iterator[strokes.Stroke]:
    """Time without a usable look: what is known grows old."""
    at = last + MINUTE
    while at < until and at - (world.seen_at or last) < FORGET:
        stroke = strokes.tick(world, at, rules)
        world = stroke.world
        yield stroke
        at += MINUTE


def _seen(poll: Poll, world: World, recording: History | Iterable[Poll]) -> Look:
    try:
        snapshot = statuspage.parse_body(poll.body)
    except ParseError as error:
        return Look(poll.at, Blindness(str(error), "unparsable"))
    gone = diff.gone({k.incident.id: k for k in world.incidents}, snapshot)
    if isinstance(recording, History):
        return Look(poll.at, snapshot, {i: _last_words(recording, i, poll.at) for i in gone})
    return Look(poll.at, snapshot, dict.fromkeys(gone, Ending.UNRECORDED))


def _last_words(recording: History, incident_id: str, at: datetime) -> Incident | Ending:
    body = history.incident_at(recording, incident_id, at)
    return statuspage.parse_incident_body(body) if body else Ending.UNRECORDED


def _afterwards(recording: History, at: datetime, provider: str) -> Iterator[Event]:
    """What was told of incidents that were over: rows of the timeline that change nothing (DESIGN.md 4.8)."""
    for body, is_new in history.afterwards(recording, at):
        incident = statuspage.parse_incident_body(body)
        before = None if is_new else replace(incident, updates=tuple(u for u in incident.updates if u.display_at < at))
        for change in diff.told_afterwards(before, incident):
            event = events.of_change(change, provider, at)
            if event.kind is EventKind.INCIDENT_OPENED:
                event = replace(event, reason=f"{event.reason}; it was over already", reason_code="told_afterwards")
            yield event


def line(event: Event, *, reconstructed: bool) -> Mapping[str, Any]:
    """One event as DESIGN.md section 7 has it; keys that do not apply are left out."""
    said = {
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
        said.pop("condition")
    return {key: value for key, value in said.items() if value is not None}
