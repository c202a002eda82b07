"""One incident's events of a stroke -> the news for its thread. Pure; the same stroke gives the same keys.

The vendor's words are one item per post, what we add of our own goes on the last of them. Broadcast to the channel is
only what changes what people do: wider, another verdict, over, open again, withdrawn (DESIGN.md section 6).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace

from bot.core.stroke import Stroke
from bot.model import Call, Ending, Event, EventKind, Known, News, NewsItem, Provider, Stage, Verdict

_TOLD = {
    EventKind.INCIDENT_WITHDRAWN: News.WITHDRAWN,
    EventKind.INCIDENT_RESOLVED: News.RESOLVED,
    EventKind.INCIDENT_REOPENED: News.REOPENED,
    EventKind.TROUBLE_ENDED: News.RESOLVED,
    EventKind.TROUBLE_BEGAN: News.REOPENED,
    EventKind.SUSPECTED: News.REOPENED,
    EventKind.SUSPICION_CONFIRMED: News.CONFIRMED,
    EventKind.SUSPICION_CLEARED: News.RESOLVED,
}


def news(known: Known, events: Iterable[Event], stroke: Stroke, provider: Provider) -> Iterator[NewsItem]:
    """What the thread is to be told, in order. ``events`` are the incident's of this stroke."""
    rows = tuple(events)
    ours = _ours(known, rows, stroke, provider)
    quotes = [item for e in rows if (item := _quote(e))]
    if not quotes and ours.kinds:
        yield replace(ours, key=f"ours:{_digest(*_content(known, rows, ours))}")
        return
    for number, item in enumerate(quotes, 1):
        yield _merged(ours, item) if number == len(quotes) else item


def _merged(ours: NewsItem, item: NewsItem) -> NewsItem:
    """The vendor's words with what we add of our own."""
    item = replace(item, kinds=(*ours.kinds, *item.kinds), broadcast=ours.broadcast)
    return replace(item, wider=ours.wider, anew=ours.anew, verdicts=ours.verdicts)


def _quote(event: Event) -> NewsItem | None:
    """The item for an event that carries the vendor's words."""
    text, stage, why = event.text or "", event.stage or Stage.UNKNOWN, event.reason or ""
    at = event.happened_at or event.seen_at
    match event.kind:
        case EventKind.UPDATE_POSTED:
            return NewsItem((News.UPDATE,), f"update:{event.update}", at, stage, text)
        case EventKind.UPDATE_EDITED:
            key = f"edited:{event.update}:{_digest(text, at.isoformat(), stage)}"
            return NewsItem((News.EDITED,), key, event.seen_at, stage, text, event.before or "", why)
        case EventKind.INCIDENT_CHANGED:
            key = f"changed:{_digest(text, why)}"
            return NewsItem((News.CHANGED,), key, event.seen_at, stage, text, event.before or "", why)
        case _:
            return None


def _ours(known: Known, events: Iterable[Event], stroke: Stroke, provider: Provider) -> NewsItem:
    """What we add of our own. An opening needs nothing: the alert itself says it."""
    before = next(filter(None, map(stroke.before.known, (known.incident.id, *known.suspicions))), None)
    item = NewsItem((), "", stroke.at, known.incident.stage)
    if before is None or known.ending is Ending.POSTED:
        return item
    kinds = {_TOLD[e.kind] for e in events if e.kind in _TOLD}
    wider: tuple[str, ...] = ()
    anew: tuple[str, ...] = ()
    verdicts: tuple[tuple[str, Verdict], ...] = ()
    if News.WITHDRAWN not in kinds:
        new = (set(known.surfaces) - set(before.surfaces)) | {
            e.surface for e in events if known.is_open and _is_bad_again(e, stroke)
        }
        wider = tuple(s.name for s in provider.surfaces if s.id in new)
        anew = tuple(s.name for s in provider.surfaces if s.id in new & set(before.surfaces))
        verdicts = tuple(_another_calls(known, events, stroke, provider))
    kinds |= {kind for kind, found in ((News.WIDENED, wider), (News.VERDICT, verdicts)) if found}
    said = tuple(kind for kind in News if kind in kinds)
    loud = bool(kinds - {News.CONFIRMED})
    return replace(item, kinds=said, wider=wider, anew=anew, verdicts=verdicts, broadcast=loud)


def _is_bad_again(event: Event, stroke: Stroke) -> bool:
    """The incident breaks what worked until now, whether it had named it or not."""
    if event.kind is not EventKind.SURFACE_CHANGED or not event.surface or not (c := event.condition) or not c.is_bad:
        return False
    old = stroke.before.state(event.surface)
    return old is None or not old.condition.is_bad


def _another_calls(
    known: Known, events: Iterable[Event], stroke: Stroke, provider: Provider
) -> Iterator[tuple[str, Verdict]]:
    changed = {e.surface for e in events if e.surface in known.surfaces and _is_another_call(e, stroke)}
    for surface in provider.surfaces:
        verdict = stroke.world.verdict(surface.id)
        if surface.id in changed and verdict is not None:
            yield surface.name, verdict


def _is_another_call(event: Event, stroke: Stroke) -> bool:
    """That nothing is known any more is the blind source's news, and no incident's."""
    if event.kind is not EventKind.VERDICT_CHANGED or not event.surface:
        return False
    old = stroke.before.verdict(event.surface)
    return old is not None and old.call is not event.verdict and event.verdict is not Call.UNKNOWN


def _content(known: Known, events: Iterable[Event], ours: NewsItem) -> Iterator[str]:
    """What tells one piece of our own news from another; never our time, so that a page that flickers is told once."""
    yield from (*ours.kinds, *ours.wider, *(f"{name} {verdict.call}" for name, verdict in ours.verdicts))
    yield from (u.id for u in known.incident.updates[-1:])
    yield from (e.happened_at.isoformat() for e in events if e.kind in _TOLD and e.happened_at)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "replace")).hexdigest()[:12]
