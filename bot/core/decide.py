"""A stroke -> the alerts and notices it calls for. Pure; silence has a reason too.

One alert per incident, with its news since the last stroke. What is broadcast from the thread to the channel is only
what changes what people should do: wider, another verdict, over (DESIGN.md section 6).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.core import stroke as strokes
from bot.core.diff import first_post
from bot.model import (
    Alert,
    Call,
    Ending,
    Event,
    EventKind,
    Known,
    News,
    NewsItem,
    Notice,
    Provider,
    Surface,
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
        again=again(known, world),
        news=news,
    )


def again(known: Known, world: World) -> str:
    """Says that this is a repeat: "again, 1 min after resolved"; empty where it is the first of its kind."""
    begun = first_post(known.incident)
    ends = [
        (k.closed_at, k)
        for k in world.incidents
        if k.closed_at and k.closed_at <= known.seen_at and set(k.surfaces) & set(known.surfaces)
    ]
    if not ends:
        return ""
    ended = max(end for end, _ in ends)
    minutes = max(0, round((begun - ended).total_seconds() / 60))
    return f"again, {duration(minutes)} after the last one was called resolved"


def duration(minutes: float) -> str:
    """Minutes in words: ``4 min``, ``2 h``, ``3 h 22 min``, ``2 d 4 h``."""
    whole = round(minutes)
    days, hours, rest = whole // 1440, whole // 60 % 24, whole % 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{rest} min"


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
    """The stroke's news of one incident, one item per vendor update, our own sentences on the last of them."""
    ours = _our_sentences(known, events, stroke, provider)
    quotes = [item for e in events if (item := _quote(e))]
    if not quotes and ours:
        key = _digest(*(text for _, text in ours), stroke.at.isoformat())
        yield _spoken(NewsItem(ours[0][0], f"{known.incident.id}:{key}", stroke.at, ""), ours)
        return
    for number, item in enumerate(quotes, 1):
        yield _spoken(item, ours) if number == len(quotes) else item


def _spoken(item: NewsItem, ours: list[tuple[News, str]]) -> NewsItem:
    kind = ours[0][0] if ours else item.kind
    text = " ".join(text for _, text in ours) or item.text
    loud = kind in (News.OPENED, News.WIDENED, News.VERDICT, News.RESOLVED, News.WITHDRAWN)
    return NewsItem(kind, item.key, item.at, text, item.quote, item.before, broadcast=loud)


def _quote(event: Event) -> NewsItem | None:
    at = event.happened_at or event.seen_at
    match event.kind:
        case EventKind.UPDATE_POSTED:
            return NewsItem(News.UPDATE, f"{event.update}", at, f"{event.stage}", quote=event.text or "")
        case EventKind.UPDATE_EDITED:
            key = f"{event.update}:{_digest(event.text or '', at.isoformat(), str(event.stage))}"
            return NewsItem(
                News.EDITED, key, event.seen_at, event.reason or "", quote=event.text or "", before=event.before or ""
            )
        case EventKind.INCIDENT_CHANGED:
            key = f"{event.incident}:title:{_digest(event.text or '', event.reason or '')}"
            text = f"The vendor changed it: {event.reason}. It is now called:"
            return NewsItem(News.CHANGED, key, event.seen_at, text, quote=event.text or "", before=event.before or "")
        case _:
            return None


def _our_sentences(
    known: Known, events: list[Event], stroke: strokes.Stroke, provider: Provider
) -> list[tuple[News, str]]:
    """Our own sentences, the weightiest first. An opening needs none: the alert itself says it."""
    kinds = {e.kind for e in events}
    if EventKind.INCIDENT_WITHDRAWN in kinds:
        return [(News.WITHDRAWN, "Withdrawn: the vendor deleted this incident from its page.")]
    said: list[tuple[News, str]] = []
    if EventKind.INCIDENT_RESOLVED in kinds:
        said.append((News.RESOLVED, _resolved(known, stroke, provider)))
    before = stroke.before.known(known.incident.id)
    if before is None:
        return said
    if before.surfaces and (wider := [s for s in known.surfaces if s not in before.surfaces]):
        said.append((News.WIDENED, f"Wider: now also {names(provider.surface(s) for s in wider)}."))
    return said + [(News.VERDICT, e.reason or "") for e in events if _is_another_call(e, stroke)]


def _is_another_call(event: Event, stroke: strokes.Stroke) -> bool:
    if event.kind is not EventKind.VERDICT_CHANGED or not event.surface:
        return False
    old = stroke.before.verdict(event.surface)
    return old is not None and old.call is not event.verdict and event.verdict is not Call.UNKNOWN


def _resolved(known: Known, stroke: strokes.Stroke, provider: Provider) -> str:
    lasted = duration((stroke.at - first_post(known.incident)).total_seconds() / 60)
    word = "left the page" if known.ending is Ending.UNRECORDED else "called resolved"
    held = [
        provider.surface(s)
        for s in known.surfaces
        if (v := stroke.world.verdict(s)) and v.call is not Call.RETRY_NORMALLY
    ]
    rest = f" Not yet safe to retry normally: {names(held)}." if held else ""
    return f"{provider.name} {word} after {lasted}.{rest}"


def names(surfaces: Iterable[Surface]) -> str:
    """Surfaces in words: "a", "a and b", "a, b and c"."""
    found = [s.name for s in surfaces]
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}" if found else ""


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "replace")).hexdigest()[:12]


# --- notices ----------------------------------------------------------------------------------------------------------


def _notices(stroke: strokes.Stroke, provider: Provider, blind_after: int) -> Iterator[Notice]:
    before, after, at = stroke.before, stroke.world, stroke.at
    page = provider.source.url
    if before.failures < blind_after <= after.failures and after.blind_since:
        text = (
            f"Blind: {page} can't be read since {after.blind_since:%H:%M} UTC ({_last_reason(stroke)}). "
            f"That is no word about {provider.name} itself; its verdicts turn to unknown."
        )
        yield Notice(provider.id, f"{provider.id}:blind:{after.blind_since.isoformat()}", at, text)
    if before.failures >= blind_after and after.failures == 0 and before.blind_since:
        minutes = duration((at - before.blind_since).total_seconds() / 60)
        text = f"Back: {page} is readable again after {minutes}."
        yield Notice(provider.id, f"{provider.id}:back:{before.blind_since.isoformat()}", at, text)
    for event in stroke.events:
        if event.kind is EventKind.SOURCE_MOVED:
            yield Notice(provider.id, f"{provider.id}:moved:{after.host}", at, f"Moved: {event.reason}.")
    if before.seen_at is None and after.seen_at is not None and after.open_incidents:
        yield _digest_notice(after, provider, at)


def _last_reason(stroke: strokes.Stroke) -> str:
    return stroke.blindness.why if stroke.blindness else "no reason given"


def _digest_notice(world: World, provider: Provider, at: datetime) -> Notice:
    lines = tuple(
        f"{k.incident.name} ({k.incident.stage}, since {first_post(k.incident):%Y-%m-%d %H:%M} UTC)"
        for k in world.open_incidents
    )
    text = f"First look at {provider.name}: {len(lines)} open on its page."
    return Notice(provider.id, f"{provider.id}:baseline:{at.isoformat()}", at, text, lines)
