"""One look, tick or piece of evidence -> the world after it, and the events to record. Pure; engine and replay run it.

A look is diffed, scoped and judged; a tick only judges, since a verdict changes with time too. The first look at a
source is a baseline (DESIGN.md 4.8): its events are marked and nothing in it is news.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bot.core import diff, events, fuse, memory, outlook, scope, suspicion, trouble, verdict
from bot.core import witness as witnesses
from bot.model import (
    Blindness,
    Call,
    Condition,
    Event,
    EventKind,
    Evidence,
    Hit,
    Look,
    Provider,
    SurfaceState,
    Track,
    Verdict,
    VerdictRules,
    World,
)


@dataclass(frozen=True, slots=True)
class Stroke:
    """What one look or tick did: the world after it and its events, in order."""

    at: datetime
    before: World
    world: World
    events: tuple[Event, ...]
    blindness: Blindness | None = None
    evidence: Evidence | None = None

    @property
    def is_nothing_new(self) -> bool:
        """True where it left the world as it was, but for the time of the look."""
        if self.events or self.evidence:
            return False
        return replace(self.before, seen_at=self.world.seen_at) == self.world


@dataclass(frozen=True, slots=True)
class Rules:
    """What a stroke goes by: the provider's catalogue entry, its verdict numbers, and the neighbours' verdicts."""

    provider: Provider
    verdict: VerdictRules
    elsewhere: Mapping[str, Verdict]


def look(world: World, seen: Look, rules: Rules) -> Stroke:
    """The world after a look. A look that saw nothing usable changes no incident and no surface (DESIGN.md 4.7)."""
    world = _caught_up(world)
    if isinstance(seen.saw, Blindness):
        return _blind(world, seen.at, seen.saw, rules)
    changes = diff.diff({k.incident.id: k for k in world.incidents}, seen)
    is_baseline = world.seen_at is None
    rows = (
        *_source_events(world, seen, rules),
        *(events.of_change(c, world.provider, seen.at, is_baseline=is_baseline) for c in changes),
    )
    after = replace(
        world,
        components=diff.components(world.components, seen.saw),
        incidents=memory.after(world, seen, seen.saw, changes, rules.provider),
        seen_at=seen.at,
        blind_since=None,
        failures=0,
        host=seen.host or world.host,
    )
    return _judged(world, after, seen.at, rows, rules=rules, looked=True)


def tick(world: World, at: datetime, rules: Rules) -> Stroke:
    """The world after time alone has passed."""
    world = _caught_up(world)
    return _judged(world, world, at, (), rules=rules, looked=False)


def again(world: World, seen: Look, rules: Rules) -> Stroke | None:
    """A look that shows a calm world what the look before showed: time has passed, and nothing else.

    None where there may be more to it; then ``look`` tells. What this leaves out, the next full stroke catches up with.
    """
    if not seen.is_same or seen.endings or seen.host not in ("", world.host) or not is_calm(world, seen.at, rules):
        return None
    if world.bare or world.seen_at is None or seen.at < world.seen_at:
        return None
    if any(k.is_open or memory.has_aged(k, world.seen_at, seen.at) for k in world.incidents):
        return None
    return Stroke(seen.at, world, replace(world, seen_at=seen.at), ())


def _caught_up(world: World) -> World:
    """The world whose tracks know of the looks that ``again`` was short about: they were watched all the time."""
    seen_at = world.seen_at
    if seen_at is None or not any(t.looked_at is not None and t.looked_at < seen_at for t in world.tracks):
        return world
    late = (replace(t, looked_at=seen_at) if t.looked_at and t.looked_at < seen_at else t for t in world.tracks)
    return replace(world, tracks=tuple(late))


def witness(world: World, evidence: Evidence, at: datetime, rules: Rules) -> Stroke:
    """The world after evidence that no page gives: probes, people's reports, the team's own traffic."""
    world = _caught_up(world)
    after = replace(world, testimonies=witnesses.fold(world.testimonies, evidence, at, rules.provider))
    return replace(_judged(world, after, at, (), rules=rules, looked=False), evidence=evidence)


def is_calm(world: World, at: datetime, rules: Rules) -> bool:
    """True where time alone changes nothing yet: all is normal by a page just read, and nothing needs a neighbour.

    A tick then gives the same world, but for the time that its verdicts are of.
    """
    if world.seen_at is None or world.blind_since is not None or world.hits:
        return False
    if not all(map(witnesses.is_plain, world.testimonies)):
        return False
    is_fresh = abs(at - world.seen_at) <= rules.verdict.stale_gentle
    own = {s.id for s in rules.provider.surfaces}
    is_alone = all(own.issuperset(s.needs) for s in rules.provider.surfaces)
    is_judged = own == {v.surface for v in world.verdicts}
    return is_fresh and is_alone and is_judged and all(v.call is Call.RETRY_NORMALLY for v in world.verdicts)


def watched(world: World, until: datetime) -> World:
    """The world after looks up to ``until`` that all saw the same: time passed, and it was not unwatched time."""
    return replace(world, seen_at=until, tracks=tuple(replace(t, looked_at=until) for t in world.tracks))


def next_change(world: World, at: datetime, rules: Rules) -> datetime | None:
    """When a verdict may next change though every look sees the same; None where it never does."""
    tracks = {t.surface for t in world.tracks}
    watched_on = (replace(c, seen_at=None) for s, c in cases(world, at, rules).items() if s in tracks)
    return min((t for c in watched_on if (t := verdict.changes_at(c)) is not None), default=None)


def cases(world: World, at: datetime, rules: Rules) -> dict[str, verdict.Case]:
    """What the judge is given about each surface of this world at this moment."""
    tracks = {t.surface: t for t in world.tracks}
    heard = {t.surface: t for t in world.testimonies}
    ahead = outlook.present(world.outlook, world.hits, at)
    return {
        s.id: verdict.Case(
            tracks.get(s.id) or Track(s.id),
            [h for h in world.hits if h.surface == s.id],
            at,
            seen_at=world.seen_at,
            rules=rules.verdict,
            surface=s,
            vendor=rules.provider.vendor or rules.provider.name,
            forecast=ahead.get(s.id),
            testimony=heard.get(s.id),
        )
        for s in rules.provider.surfaces
    }


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


# --- scope and judge --------------------------------------------------------------------------------------------------


def _judged(
    before: World, world: World, at: datetime, rows: tuple[Event, ...], *, rules: Rules, looked: bool
) -> Stroke:
    posted = (k.incident for k in world.open_incidents if not k.incident.is_unposted)
    shown = scope.hits(posted, world.components, rules.provider, at)
    hits = (*shown, *fuse.against(world.testimonies, rules.provider, at))
    tracks = _tracks(world, hits, at, rules, looked=looked)
    ahead = outlook.advance(world.outlook, world.incidents, at)
    seen = replace(world, outlook=ahead, hits=hits, tracks=tuple(tracks.values()))
    verdicts = verdict.judge_all(rules.provider, cases(seen, at, rules).values(), rules.elsewhere)
    after = replace(
        seen,
        incidents=tuple(memory.drawn_in(k, hits) for k in world.incidents),
        states=tuple(_states(world, hits, at, rules.provider)),
        verdicts=tuple(verdicts.values()),
    )
    troubles: tuple[Event, ...] = ()
    if looked:
        after, troubles = trouble.follow(before, after, at, rules.provider, rejoin=rules.verdict.flap_within)
    after, suspicions = suspicion.follow(after, at, rules.provider, rules.verdict)
    found = (*events.of_surfaces(before, after, at), *events.of_verdicts(before, after, at))
    is_first = world.seen_at is not None and before.seen_at is None
    found = tuple(replace(e, is_baseline=is_first) for e in found)
    after = replace(after, incidents=tuple(memory.freed(k, after) for k in after.incidents))
    return Stroke(at, before, after, rows + troubles + suspicions + found)


def _tracks(world: World, hits: Iterable[Hit], at: datetime, rules: Rules, *, looked: bool) -> dict[str, Track]:
    old = {t.surface: t for t in world.tracks}
    by_surface: dict[str, list[Hit]] = {s.id: [] for s in rules.provider.surfaces}
    for hit in hits:
        by_surface[hit.surface].append(hit)
    return {
        surface: verdict.advance(old.get(surface) or Track(surface), found, at, looked=looked, rules=rules.verdict)
        for surface, found in by_surface.items()
    }


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
