"""A stroke -> the alerts and notices it calls for. Pure; silence has a reason too.

One alert per incident, with its news since the last stroke. What is broadcast from the thread to the channel is only
what changes what people should do: wider, another verdict, over (DESIGN.md section 6).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.core import forecast, missed, news, sequel
from bot.core import stroke as strokes
from bot.core.diff import first_post
from bot.model import (
    Alert,
    Event,
    EventKind,
    Impact,
    Known,
    NewsItem,
    Notice,
    NoticeKind,
    Provider,
    Stage,
    SurfaceLine,
    Weight,
    World,
)

ALARM_AFTER = 30  # failed looks in a row: half an hour at the usual pace
REVIEW_STEP = timedelta(minutes=15)  # an alert is redrawn when the time to look again has moved on by so much


class Quiet(StrEnum):
    """Why a stroke with events says nothing of them."""

    BASELINE = "baseline"  # found at the first look; one digest tells of it
    RETROACTIVE = "retroactive"  # posted after the fact: the timeline has it
    SCHEDULED = "scheduled"  # a maintenance that has not begun
    NO_SURFACE = "no_surface"  # it hits no surface that we know, and is no trouble
    NO_NEWS = "no_news"  # nothing that an alert shows has changed


@dataclass(frozen=True, slots=True)
class Decision:
    """What to say, and for the rest why not. ``for_owner`` is for those who run the bot, wherever they listen."""

    alerts: tuple[Alert, ...] = ()
    notices: tuple[Notice, ...] = ()
    for_owner: tuple[Notice, ...] = ()
    quiet: tuple[tuple[str, Quiet], ...] = ()


def decide(stroke: strokes.Stroke, provider: Provider, *, blind_after: int, alarm_after: int = ALARM_AFTER) -> Decision:
    """The alerts and notices that this stroke calls for.

    In failed looks in a row: ``blind_after`` those who listen are told, ``alarm_after`` those who run the bot.
    """
    scene = _scene(stroke, provider)
    told = {k.incident.id: _case(k, scene) for k in stroke.world.incidents}
    late = [k for k in stroke.world.incidents if k.is_missed and k.incident.id not in scene.before]
    alerts = tuple(case for case in told.values() if isinstance(case, Alert))
    if len(late) <= missed.MOST:
        alerts += tuple(_late(k, scene) for k in late)
    notices = tuple(_notices(stroke, provider, blind_after, late))
    return Decision(
        alerts,
        notices,
        (*(n for n in notices if n.kind is NoticeKind.MOVED), *_alarms(stroke, provider, alarm_after)),
        tuple((incident, case) for incident, case in told.items() if isinstance(case, Quiet)),
    )


@dataclass(frozen=True, slots=True)
class _Scene:
    """A stroke, with what every one of its incidents asks of it found once: a page may list thousands."""

    stroke: strokes.Stroke
    provider: Provider
    before: Mapping[str, Known]
    events: Mapping[str, Sequence[Event]]
    stories: sequel.Stories

    def alert(self, known: Known, told: tuple[NewsItem, ...] = ()) -> Alert:
        return alert(known, self.stroke.world, self.provider, self.stroke.at, told, stories=self.stories)


def _scene(stroke: strokes.Stroke, provider: Provider) -> _Scene:
    events: dict[str, list[Event]] = {}
    for event in stroke.events:
        if event.incident:
            events.setdefault(event.incident, []).append(event)
    before = {k.incident.id: k for k in stroke.before.incidents}
    return _Scene(stroke, provider, before, events, sequel.Stories(stroke.world))


def _case(known: Known, scene: _Scene) -> Alert | Quiet | None:
    """What is to be said of one incident now; None where nothing happened to it."""
    stroke, before, events = scene.stroke, scene.before.get(known.incident.id), scene.events.get(known.incident.id, ())
    is_redrawn = before is None or _drawing(known, stroke.world) != _drawing(before, stroke.before)
    if not events and not is_redrawn:
        return None
    if why := _silence(known, events):
        return why
    told = tuple(news.news(known, events, stroke, scene.provider))
    if not told and not is_redrawn:
        return Quiet.NO_NEWS
    return replace(scene.alert(known, told), opens=_opens(known, before, events))


def _late(known: Known, scene: _Scene) -> Alert:
    """What opened and ended while nobody looked: one message, with the vendor's times and nothing in its thread."""
    start, end = missed.span(known.incident)
    return replace(scene.alert(known), closed_at=end, missed=(start, end))


def alert(
    known: Known,
    world: World,
    provider: Provider,
    at: datetime,
    told: tuple[NewsItem, ...] = (),
    *,
    stories: sequel.Stories | None = None,
) -> Alert:
    """An incident as a channel should see it now. ``stories`` are the world's, where they were found already."""
    incident, stories = known.incident, stories or sequel.Stories(world)
    last = stories.again(known)
    return Alert(
        incident=incident.id,
        provider=provider.id,
        provider_name=provider.name,
        title=incident.name,
        stage=incident.stage,
        lines=tuple(_lines(known.surfaces, world, provider)),
        posted_at=first_post(incident),
        seen_at=known.seen_at,
        as_of=at,
        updates=len(incident.updates),
        url=incident.url or provider.source.home or provider.source.url,
        closed_at=known.closed_at,
        ending=known.ending,
        again_after=last.after if last else None,
        earlier=last.previous if last else stories.earlier(known),
        estimate=world.outlook.of(incident.id),
        record=forecast.record(world.outlook.grades),
        news=told,
        watched=tuple(_lines(_watched(known, world), world, provider)),
        is_maintenance=incident.is_maintenance,
        is_unposted=incident.is_unposted,
        is_suspected=incident.is_suspected,
        lead=known.lead,
        takes_over=known.suspicions,
        yields_to=_yields_to(known, world),
        follows=stories.follows(known),
    )


def _yields_to(known: Known, world: World) -> tuple[str, ...]:
    """The incident that took it over, and the suspicions that were taken over before it."""
    taker = world.known(known.joined) if known.joined else None
    if taker is None:
        return ()
    place = taker.suspicions.index(known.incident.id) if known.incident.id in taker.suspicions else 0
    return (taker.incident.id, *taker.suspicions[:place])


def _silence(known: Known, events: Iterable[Event]) -> Quiet | None:
    incident = known.incident
    if known.is_retroactive:
        return Quiet.RETROACTIVE
    if events and all(e.is_baseline for e in events):
        return Quiet.BASELINE
    if incident.is_maintenance and incident.stage is Stage.SCHEDULED:
        return Quiet.SCHEDULED
    if not known.surfaces and (incident.is_maintenance or incident.impact is Impact.NONE):
        return Quiet.NO_SURFACE
    return None


def _opens(known: Known, before: Known | None, events: Iterable[Event]) -> bool:
    """Whether a channel that has no message about it gets one now.

    One that was there at our first look gets one only by what happens on the page: a digest has told of it, and our
    own verdicts move with time alone. One that was over before this stroke gets none.
    """
    if known.joined or (not known.is_open and (before is None or not before.is_open)):
        return False
    return any(not (e.is_baseline or (known.is_baseline and _is_our_own(e))) for e in events)


def _is_our_own(event: Event) -> bool:
    if event.kind is EventKind.SURFACE_CHANGED:
        return event.condition is None or not event.condition.is_bad
    return event.kind is EventKind.VERDICT_CHANGED


def _drawing(known: Known, world: World) -> tuple[object, ...]:
    """What its message shows, in steps coarse enough not to be redrawn at every look."""
    here = [s for s in known.surfaces if s not in known.freed]
    lines = tuple((s, _state_step(world, s), _verdict_step(world, s)) for s in here)
    watched = tuple((s, _verdict_step(world, s)) for s in _watched(known, world))
    return known.incident.name, known.incident.stage, known.closed_at, known.surfaces, lines, watched


def _state_step(world: World, surface: str) -> object:
    state = world.state(surface)
    return (state.condition, state.inferred) if state else None


def _verdict_step(world: World, surface: str) -> object:
    """Call, rule, a tenth of exposure, and a quarter of an hour of the time to look again."""
    now = world.verdict(surface)
    if now is None:
        return None
    review = now.review_at.timestamp() // REVIEW_STEP.total_seconds() if now.review_at else None
    return now.call, now.reason_code, int(now.exposure * 10), review


def _watched(known: Known, world: World) -> tuple[str, ...]:
    """Surfaces that it may hit: it only lists them, or names none; and they are not to be retried normally for it."""
    return tuple(
        h.surface
        for h in world.hits
        if h.incident == known.incident.id and h.weight is Weight.WATCH and h.surface not in known.surfaces
    )


def _lines(surfaces: Iterable[str], world: World, provider: Provider) -> Iterator[SurfaceLine]:
    for surface in (s for s in provider.surfaces if s.id in set(surfaces)):
        state, verdict = world.state(surface.id), world.verdict(surface.id)
        if state and verdict:
            yield SurfaceLine(
                surface.id, surface.name, state.condition, verdict, state.inferred, surface.people, surface.programs
            )


# --- notices ----------------------------------------------------------------------------------------------------------


def _notices(stroke: strokes.Stroke, provider: Provider, blind_after: int, late: Sequence[Known]) -> Iterator[Notice]:
    before, after, at = stroke.before, stroke.world, stroke.at
    base = Notice(NoticeKind.BLIND, provider.id, provider.name, "", at, provider.source.home or provider.source.url, at)
    if before.failures < blind_after <= after.failures and after.blind_since:
        why, code = (stroke.blindness.why, stroke.blindness.code) if stroke.blindness else ("", "")
        kind = NoticeKind.MOVED if code == "other_format" else NoticeKind.BLIND
        yield _keyed(replace(base, kind=kind, since=after.blind_since, why=why))
    if before.failures >= blind_after and after.failures == 0 and before.blind_since:
        yield _keyed(replace(base, kind=NoticeKind.BACK, since=before.blind_since))
    if len(late) > missed.MOST:
        since = min(missed.span(k.incident)[0] for k in late)
        yield _keyed(replace(base, kind=NoticeKind.MISSED, since=since, open=tuple(k.incident for k in late)))
    for event in stroke.events:
        if event.kind is EventKind.SOURCE_MOVED:
            moved = replace(base, kind=NoticeKind.MOVED, why=event.reason or "")
            yield replace(moved, key=f"{provider.id}:moved:{at:%Y-%m-%d}:{after.host}")
    if before.seen_at is None and after.seen_at is not None:
        begun = tuple(k.incident for k in after.open_incidents if k.incident.stage is not Stage.SCHEDULED)
        if begun:
            yield _keyed(replace(base, kind=NoticeKind.BASELINE, open=begun))


def _alarms(stroke: strokes.Stroke, provider: Provider, alarm_after: int) -> Iterator[Notice]:
    """For the bot's owner: no usable data for so long that it will hardly mend itself; and that it has."""
    before, after, at = stroke.before, stroke.world, stroke.at
    base = Notice(NoticeKind.ALARM, provider.id, provider.name, "", at, provider.source.home or provider.source.url, at)
    if before.failures < alarm_after <= after.failures and after.blind_since:
        last = stroke.blindness.why if stroke.blindness else "nothing is known of the last"
        why = f"{after.failures} looks in a row failed, the last: {last}"
        yield _keyed(replace(base, since=after.blind_since, why=why))
    if before.failures >= alarm_after and after.failures == 0 and before.blind_since:
        yield _keyed(replace(base, kind=NoticeKind.WELL, since=before.blind_since))


def _keyed(notice: Notice) -> Notice:
    return replace(notice, key=f"{notice.provider}:{notice.kind}:{notice.since.isoformat()}")
