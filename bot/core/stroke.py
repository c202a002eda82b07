"""One look or one tick -> the world after it, and the events to record. Pure; engine, replay and score run it.

A look is diffed, scoped and judged; a tick only judges, since a verdict changes with time too. The first look at a
source is a baseline (DESIGN.md 4.8): its events are marked and nothing in it is news.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.core import diff, scope, verdict
from bot.model import (
    Blindness,
    Condition,
    Ending,
    Event,
    EventKind,
    Hit,
    Incident,
    Known,
    Look,
    Provider,
    SurfaceState,
    Track,
    Verdict,
    VerdictRules,
    Weight,
    World,
)

REMEMBER = timedelta(hours=24)  # an ended incident stays in the world so long, for repeats and for its alert's end


@dataclass(frozen=True, slots=True)
class Stroke:
    """What one look or tick did: the world after it and its events, in order."""

    at: datetime
    before: World
    world: World
    events: tuple[Event, ...]
    blindness: Blindness | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What a stroke goes by: the provider's catalogue entry, its verdict numbers, and the neighbours' verdicts."""

    provider: Provider
    verdict: VerdictRules
    elsewhere: Mapping[str, Verdict]


def look(world: World, seen: Look, rules: Rules) -> Stroke:
    """The world after a look. A look that saw nothing usable changes no incident and no surface (DESIGN.md 4.7)."""
    if isinstance(seen.saw, Blindness):
        return _blind(world, seen.at, seen.saw, rules)
    changes = diff.diff({k.incident.id: k for k in world.incidents}, seen)
    is_baseline = world.seen_at is None
    events = [
        *_source_events(world, seen, rules),
        *(_event(c, world, seen.at, is_baseline=is_baseline) for c in changes),
    ]
    known = {k.incident.id: k for k in world.incidents if not _is_forgotten(k, seen.at)}
    for incident in (*diff.listed(seen.saw), *(i for i in seen.endings.values() if isinstance(i, Incident))):
        if incident.id in known or any(isinstance(c, diff.Opened) and c.incident.id == incident.id for c in changes):
            known[incident.id] = _remember(known.get(incident.id), incident, seen.at, is_baseline=is_baseline)
    for change in changes:
        if isinstance(change, diff.Closed) and change.ending is not Ending.RESOLVED:
            known[change.incident.id] = replace(known[change.incident.id], closed_at=seen.at, ending=change.ending)
    after = replace(
        world,
        components=diff.components(world.components, seen.saw),
        incidents=tuple(known.values()),
        seen_at=seen.at,
        blind_since=None,
        failures=0,
        host=seen.host or world.host,
    )
    return _judged(world, after, seen.at, tuple(events), rules=rules, looked=True)


def tick(world: World, at: datetime, rules: Rules) -> Stroke:
    """The world after time alone has passed."""
    return _judged(world, world, at, (), rules=rules, looked=False)


def watched(world: World, until: datetime) -> World:
    """The world after looks up to ``until`` that all saw the same: time passed, and it was not unwatched time."""
    return replace(world, seen_at=until, tracks=tuple(replace(t, looked_at=until) for t in world.tracks))


def next_change(world: World, at: datetime, rules: Rules) -> datetime | None:
    """When a verdict may next change though every look sees the same; None where it never does."""
    tracks = {t.surface: t for t in world.tracks}
    times = (
        verdict.changes_at(
            tracks[s.id],
            [h for h in world.hits if h.surface == s.id],
            at,
            seen_at=None,
            rules=rules.verdict,
            surface=s,
        )
        for s in rules.provider.surfaces
        if s.id in tracks
    )
    return min((t for t in times if t is not None), default=None)


def _blind(world: World, at: datetime, blindness: Blindness, rules: Rules) -> Stroke:
    after = replace(world, blind_since=world.blind_since or at, failures=world.failures + 1)
    new = world.blind_since is None
    event = Event(EventKind.SOURCE_BLIND, rules.provider.id, at, reason=blindness.why, reason_code=blindness.code)
    judged = _judged(world, after, at, (event,) if new else (), rules=rules, looked=False)
    return replace(judged, blindness=blindness)


def _source_events(world: World, seen: Look, rules: Rules) -> Iterator[Event]:
    if world.blind_since is not None:
        minutes = (seen.at - world.blind_since).total_seconds() / 60
        why = f"readable again after {minutes:.0f} min"
        yield Event(EventKind.SOURCE_BACK, rules.provider.id, seen.at, reason=why, reason_code="readable")
    expected = world.host or _host(rules.provider.source.url)
    if seen.host and seen.host != expected:
        why = f"{expected} now answers from {seen.host}; check that this is the provider's own move"
        yield Event(EventKind.SOURCE_MOVED, rules.provider.id, seen.at, reason=why, reason_code="host_changed")


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0]


def _is_forgotten(known: Known, at: datetime) -> bool:
    return known.closed_at is not None and at - known.closed_at > REMEMBER


def _remember(known: Known | None, shown: Incident, at: datetime, *, is_baseline: bool) -> Known:
    if known is None:
        retroactive = shown.stage.is_closed
        known = Known(shown, at, is_baseline=is_baseline, is_retroactive=retroactive)
    kept = {u.id: u for u in known.incident.updates} | {u.id: u for u in shown.updates}
    updates = tuple(sorted(kept.values(), key=lambda u: (u.display_at, u.id)))
    incident = replace(shown, updates=updates, components=shown.components or known.incident.components)
    if not shown.stage.is_closed:
        return replace(known, incident=incident, closed_at=None, ending=None)
    return replace(known, incident=incident, closed_at=known.closed_at or at, ending=known.ending or Ending.RESOLVED)


def _event(change: diff.Change, world: World, at: datetime, *, is_baseline: bool) -> Event:
    incident = change.incident
    base = Event(
        EventKind.INCIDENT_OPENED,
        world.provider,
        at,
        happened_at=diff.first_post(incident),
        incident=incident.id,
        stage=incident.stage,
        text=incident.name,
        is_baseline=is_baseline,
    )
    match change:
        case diff.Opened():
            return replace(base, reason=f"impact {incident.impact}", reason_code="new_incident")
        case diff.Reopened():
            return replace(base, kind=EventKind.INCIDENT_REOPENED, happened_at=None, reason_code="listed_again")
        case diff.Posted(update=u):
            return replace(
                base, kind=EventKind.UPDATE_POSTED, happened_at=u.display_at, update=u.id, stage=u.stage, text=u.body
            )
        case diff.Edited(before=b, after=u):
            return replace(
                base,
                kind=EventKind.UPDATE_EDITED,
                happened_at=u.display_at,
                update=u.id,
                stage=u.stage,
                text=u.body,
                before=b.body,
                reason=_edit_reason(same_words=b.body == u.body),
            )
        case diff.Retitled(before=b):
            return replace(
                base,
                kind=EventKind.INCIDENT_CHANGED,
                happened_at=None,
                before=b.name,
                reason=_impact_change(b, incident),
            )
        case diff.Closed(ending=ending, at=closed_at):
            kind, reason, code = _ENDINGS[ending]
            return replace(base, kind=kind, happened_at=closed_at, reason=reason, reason_code=code)


_ENDINGS = {
    Ending.RESOLVED: (EventKind.INCIDENT_RESOLVED, "the vendor called it over", "resolved"),
    Ending.WITHDRAWN: (EventKind.INCIDENT_WITHDRAWN, "the vendor deleted it", "withdrawn"),
    Ending.UNRECORDED: (EventKind.INCIDENT_RESOLVED, "it left the page; its last words were not recorded", "left_page"),
}


def _edit_reason(*, same_words: bool) -> str:
    return "its time or stage was edited" if same_words else "its words were edited"


def _impact_change(before: Incident, after: Incident) -> str:
    return f"impact {before.impact} -> {after.impact}" if before.impact != after.impact else "the title was edited"


# --- scope and judge --------------------------------------------------------------------------------------------------


def _judged(
    before: World, world: World, at: datetime, events: tuple[Event, ...], *, rules: Rules, looked: bool
) -> Stroke:
    hits = scope.hits((k.incident for k in world.open_incidents), world.components, rules.provider, at)
    tracks = _tracks(world, hits, at, rules, looked=looked)
    verdicts = verdict.judge_all(
        rules.provider, tracks, hits, at, seen_at=world.seen_at, rules=rules.verdict, elsewhere=rules.elsewhere
    )
    after = replace(
        world,
        incidents=tuple(_drawn_in(k, hits) for k in world.incidents),
        hits=hits,
        tracks=tuple(tracks.values()),
        states=tuple(_states(world, hits, at, rules.provider)),
        verdicts=tuple(verdicts.values()),
    )
    found = (*_surface_events(before, after, at), *_verdict_events(before, after, at))
    first = world.seen_at is not None and before.seen_at is None
    return Stroke(at, before, after, events + tuple(replace(e, is_baseline=first) for e in found))


def _tracks(world: World, hits: Iterable[Hit], at: datetime, rules: Rules, *, looked: bool) -> dict[str, Track]:
    old = {t.surface: t for t in world.tracks}
    by_surface: dict[str, list[Hit]] = {s.id: [] for s in rules.provider.surfaces}
    for hit in hits:
        by_surface[hit.surface].append(hit)
    return {
        surface: verdict.advance(old.get(surface) or Track(surface), found, at, looked=looked, rules=rules.verdict)
        for surface, found in by_surface.items()
    }


def _drawn_in(known: Known, hits: Iterable[Hit]) -> Known:
    drawn = (h.surface for h in hits if h.incident == known.incident.id and h.weight in (Weight.DOWN, Weight.NAMED))
    surfaces = tuple(dict.fromkeys((*known.surfaces, *drawn)))
    return known if surfaces == known.surfaces else replace(known, surfaces=surfaces)


def _states(world: World, hits: Iterable[Hit], at: datetime, provider: Provider) -> Iterator[SurfaceState]:
    """A surface is as bad as the worst that is said of it; where nothing is said, it is operational."""
    worst: dict[str, Hit] = {}
    for hit in hits:
        held = worst.get(hit.surface)
        if held is None or hit.condition.rank > held.condition.rank:
            worst[hit.surface] = hit
    for surface in provider.surfaces:
        found = worst.get(surface.id)
        condition = found.condition if found else Condition.OPERATIONAL
        condition = Condition.UNKNOWN if world.seen_at is None else condition
        old = world.state(surface.id)
        inferred = bool(found and found.inferred)
        if old is not None and (old.condition, old.inferred) == (condition, inferred):
            yield old
        else:
            yield SurfaceState(surface.id, condition, at, inferred)


def blamed(world: World, surface: str) -> str | None:
    """The incident to name beside a surface: the newest open one that hit it, else the one that ended last."""
    found = [k for k in world.incidents if surface in k.surfaces and not k.is_retroactive]
    best = max(found, key=lambda k: (k.is_open, k.closed_at or k.seen_at), default=None)
    return best.incident.id if best else None


def _surface_events(before: World, after: World, at: datetime) -> Iterator[Event]:
    hits = {h.surface: h for h in sorted(after.hits, key=lambda h: h.condition.rank)}
    for state in after.states:
        old = before.state(state.surface)
        if (old.condition if old else Condition.UNKNOWN) is state.condition:
            continue
        if before.seen_at is None and not state.condition.is_bad:
            continue
        hit = hits.get(state.surface)
        yield Event(
            EventKind.SURFACE_CHANGED,
            after.provider,
            at,
            incident=(hit.incident or None) if hit else blamed(after, state.surface),
            surface=state.surface,
            condition=state.condition,
            inferred=state.inferred,
            reason="; ".join(hit.grounds) if hit else "nothing is said against it any more",
            reason_code=str(hit.basis) if hit else "clear",
        )


def _verdict_events(before: World, after: World, at: datetime) -> Iterator[Event]:
    for now in after.verdicts:
        old = before.verdict(now.surface)
        if old is not None and (old.call, old.reason_code) == (now.call, now.reason_code):
            continue
        if old is None and now.exposure == 1:
            continue
        state = after.state(now.surface)
        yield Event(
            EventKind.VERDICT_CHANGED,
            after.provider,
            at,
            incident=now.incidents[0] if now.incidents else blamed(after, now.surface),
            surface=now.surface,
            condition=state.condition if state else None,
            verdict=now.call,
            exposure=now.exposure,
            reason=now.reason,
            reason_code=now.reason_code,
            inferred=now.inferred,
        )
