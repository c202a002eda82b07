"""A stroke -> the alerts and notices it calls for. Pure; silence has a reason too.

One alert per incident, with its news since the last stroke. What is broadcast from the thread to the channel is only
what changes what people should do: wider, another verdict, over (DESIGN.md section 6).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.core import stroke as strokes
from bot.core.diff import first_post
from bot.model import (
    Alert,
    Call,
    Event,
    EventKind,
    Incident,
    Known,
    News,
    NewsItem,
    Notice,
    NoticeKind,
    Provider,
    Stage,
    SurfaceLine,
    World,
)


class Quiet(StrEnum):
    """Why a stroke with events says nothing of them."""

    BASELINE = "baseline"  # found at the first look; one digest tells of it
    RETROACTIVE = "retroactive"  # posted after the fact: the timeline has it
    NO_SURFACE = "no_surface"  # it hits no surface that we know
    NO_NEWS = "no_news"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to say, and for the rest why not."""

    alerts: tuple[Alert, ...] = ()
    notices: tuple[Notice, ...] = ()
    quiet: tuple[tuple[str, Quiet], ...] = ()


def decide(stroke: strokes.Stroke, provider: Provider, *, blind_after: int) -> Decision:
    """The alerts and notices that this stroke calls for. ``blind_after`` is in failed looks in a row."""
    notices = tuple(_notices(stroke, provider, blind_after))
    alerts: list[Alert] = []
    quiet: list[tuple[str, Quiet]] = []
    for known in stroke.world.incidents:
        events = [e for e in stroke.events if e.incident == known.incident.id]
        if not events:
            continue
        why = _silence(known, events)
        if why is None and (news := tuple(_news(known, events, stroke, provider))):
            alerts.append(alert(known, stroke.world, provider, stroke.at, news))
        else:
            quiet.append((known.incident.id, why or Quiet.NO_NEWS))
    return Decision(tuple(alerts), notices, tuple(quiet))


def alert(known: Known, world: World, provider: Provider, at: datetime, news: tuple[NewsItem, ...] = ()) -> Alert:
    """An incident as a channel should see it now."""
    incident = known.incident
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
        url=incident.url or provider.source.url,
        closed_at=known.closed_at,
        ending=known.ending,
        again_after=_again(known, world),
        news=news,
    )


def _again(known: Known, world: World) -> timedelta | None:
    """How long after the last one on the same surfaces had ended this one began; None where it is the first."""
    ends = [
        k.closed_at
        for k in world.incidents
        if k.closed_at and k.closed_at <= known.seen_at and set(k.surfaces) & set(known.surfaces)
    ]
    return max(first_post(known.incident) - max(ends), timedelta(0)) if ends else None


def _silence(known: Known, events: Iterable[Event]) -> Quiet | None:
    if known.is_retroactive:
        return Quiet.RETROACTIVE
    if all(e.is_baseline for e in events):
        return Quiet.BASELINE
    if not known.surfaces:
        return Quiet.NO_SURFACE
    return None


def _lines(surfaces: Iterable[str], world: World, provider: Provider) -> Iterator[SurfaceLine]:
    for surface_id in surfaces:
        surface, state, verdict = provider.surface(surface_id), world.state(surface_id), world.verdict(surface_id)
        if state and verdict:
            yield SurfaceLine(
                surface_id, surface.name, state.condition, verdict, state.inferred, surface.people, surface.programs
            )


# --- news -------------------------------------------------------------------------------------------------------------


def _news(known: Known, events: list[Event], stroke: strokes.Stroke, provider: Provider) -> Iterator[NewsItem]:
    """The stroke's news of one incident: one item per vendor update, what we add to it on the last of them."""
    ours = _ours(known, events, stroke, provider)
    quotes = [item for e in events if (item := _quote(e))]
    if not quotes and ours.kinds:
        yield replace(ours, key=_digest(*ours.kinds, *ours.verdicts, stroke.at.isoformat()))
        return
    for number, item in enumerate(quotes, 1):
        yield _merged(ours, item) if number == len(quotes) else item


def _merged(ours: NewsItem, item: NewsItem) -> NewsItem:
    kinds = (*ours.kinds, *item.kinds)
    return replace(item, kinds=kinds, wider=ours.wider, verdicts=ours.verdicts, broadcast=ours.broadcast)


def _quote(event: Event) -> NewsItem | None:
    """The item for an event that carries the vendor's words."""
    text, stage, why = event.text or "", event.stage or Stage.UNKNOWN, event.reason or ""
    at = event.happened_at or event.seen_at
    match event.kind:
        case EventKind.UPDATE_POSTED:
            return NewsItem((News.UPDATE,), f"{event.update}", at, stage, text)
        case EventKind.UPDATE_EDITED:
            key = f"{event.update}:{_digest(text, at.isoformat(), stage)}"
            return NewsItem((News.EDITED,), key, event.seen_at, stage, text, event.before or "", why)
        case EventKind.INCIDENT_CHANGED:
            key = f"title:{_digest(text, why)}"
            return NewsItem((News.CHANGED,), key, event.seen_at, stage, text, event.before or "", why)
        case _:
            return None


def _ours(known: Known, events: list[Event], stroke: strokes.Stroke, provider: Provider) -> NewsItem:
    """What we add of our own. An opening needs nothing: the alert itself says it."""
    before = stroke.before.known(known.incident.id)
    kinds = {e.kind for e in events}
    wider: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()
    if before is not None and EventKind.INCIDENT_WITHDRAWN not in kinds:
        wider = tuple(provider.surface(s).name for s in known.surfaces if s not in before.surfaces)
        wider = wider if before.surfaces else ()
        verdicts = tuple(e.reason or "" for e in events if _is_another_call(e, stroke))
    found = {
        News.WITHDRAWN: EventKind.INCIDENT_WITHDRAWN in kinds,
        News.RESOLVED: EventKind.INCIDENT_RESOLVED in kinds,
        News.REOPENED: EventKind.INCIDENT_REOPENED in kinds,
        News.WIDENED: bool(wider),
        News.VERDICT: bool(verdicts),
    }
    said = tuple(kind for kind, holds in found.items() if holds)
    return NewsItem(said, "", stroke.at, known.incident.stage, wider=wider, verdicts=verdicts, broadcast=bool(said))


def _is_another_call(event: Event, stroke: strokes.Stroke) -> bool:
    if event.kind is not EventKind.VERDICT_CHANGED or not event.surface:
        return False
    old = stroke.before.verdict(event.surface)
    return old is not None and old.call is not event.verdict and event.verdict is not Call.UNKNOWN


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "replace")).hexdigest()[:12]


# --- notices ----------------------------------------------------------------------------------------------------------


def _notices(stroke: strokes.Stroke, provider: Provider, blind_after: int) -> Iterator[Notice]:
    before, after, at = stroke.before, stroke.world, stroke.at
    page = provider.source.url

    def notice(kind: NoticeKind, since: datetime, why: str = "", found: tuple[Incident, ...] = ()) -> Notice:
        key = f"{provider.id}:{kind}:{since.isoformat()}"
        return Notice(kind, provider.id, provider.name, key, at, page, since, why, found)

    if before.failures < blind_after <= after.failures and after.blind_since:
        yield notice(NoticeKind.BLIND, after.blind_since, stroke.blindness.why if stroke.blindness else "")
    if before.failures >= blind_after and after.failures == 0 and before.blind_since:
        yield notice(NoticeKind.BACK, before.blind_since)
    for event in stroke.events:
        if event.kind is EventKind.SOURCE_MOVED:
            yield notice(NoticeKind.MOVED, at, event.reason or "")
    if before.seen_at is None and after.seen_at is not None and after.open_incidents:
        yield notice(NoticeKind.BASELINE, at, found=tuple(k.incident for k in after.open_incidents))
