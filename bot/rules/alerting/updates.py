"""Makes the news items for an incident's thread from its events in a transition. No I/O.

The same transition gives the same keys. What changes what people should do is one item of ours, which is broadcast to
the channel: more surfaces, a worse condition, another advice, all clear, reopened, removed. What the vendor posted is
in the thread only (bot/docs/alerts.md#what-is-broadcast).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

from bot.domain import (
    Event,
    EventKind,
    IncidentEnding,
    NewsItem,
    NewsKind,
    Provider,
    ProviderState,
    Stage,
    TrackedIncident,
    Verdict,
)
from bot.rules.changes import announcements
from bot.rules.changes.events import REDATED, RETURNED
from bot.rules.transition import StateTransition

MAX_REPLIES = 10  # of one poll and incident; more updates become one reply with the newest
_NEWS_OF_EVENT = {
    EventKind.INCIDENT_WITHDRAWN: NewsKind.WITHDRAWN,
    EventKind.INCIDENT_RESOLVED: NewsKind.RESOLVED,
    EventKind.INCIDENT_REOPENED: NewsKind.REOPENED,
    EventKind.MAINTENANCE_OVERRAN: NewsKind.OVERRUN,
    EventKind.TROUBLE_ENDED: NewsKind.RESOLVED,
    EventKind.TROUBLE_BEGAN: NewsKind.REOPENED,
    EventKind.SUSPECTED: NewsKind.REOPENED,
    EventKind.SUSPICION_CONFIRMED: NewsKind.CONFIRMED,
    EventKind.SUSPICION_CLEARED: NewsKind.RESOLVED,
}
_THREAD_ONLY = frozenset({NewsKind.RESOLVED, NewsKind.CONFIRMED})
_ONE_REPLY_WITHIN = timedelta(seconds=60)  # posts of the vendor that are no further apart are one reply


def news_items(
    tracked: TrackedIncident, events: Iterable[Event], transition: StateTransition, provider: Provider
) -> Iterator[NewsItem]:
    """Yields the news for the incident's thread, in order; ``events`` are the incident's in this transition.

    Ours is broadcast and comes first; what of it is for the thread only is merged into the vendor's last post.
    """
    rows = tuple(events)
    own_item = _own_item(tracked, rows, transition, provider)
    quotes = _merge_posts(_newest_of_many([item for e in rows if (item := _quoted_item(e))]))
    own_item = replace(own_item, key=f"ours:{_short_hash(*_key_parts(tracked, rows, own_item))}")
    if own_item.kinds and (own_item.broadcast or not quotes):
        yield own_item
    if own_item.kinds and quotes and not own_item.broadcast:
        quotes[-1] = replace(quotes[-1], kinds=(*own_item.kinds, *quotes[-1].kinds))
    yield from quotes


def _newest_of_many(quotes: list[NewsItem]) -> list[NewsItem]:
    """The newest update alone, with the number of all, where one poll brings very many: after a long break."""
    updates = [item for item in quotes if item.kinds == (NewsKind.UPDATE,)]
    if len(updates) <= MAX_REPLIES:
        return quotes
    newest = max(reversed(updates), key=lambda item: item.at)
    others = [item for item in quotes if item not in updates]
    return [*others, replace(newest, change=f"{len(updates)} updates while away")]


def _merge_posts(items: Iterable[NewsItem]) -> list[NewsItem]:
    """Returns the items with the vendor's posts of the same stage and minute as one."""
    merged: list[NewsItem] = []
    for item in items:
        last = merged[-1] if merged else None
        is_same = last is not None and last.kinds == item.kinds == (NewsKind.UPDATE,) and last.stage is item.stage
        if last is not None and is_same and abs(item.at - last.at) <= _ONE_REPLY_WITHIN:
            merged[-1] = replace(item, quote=f"{last.quote}\n{item.quote}")
        else:
            merged.append(item)
    return merged


def _quoted_item(event: Event) -> NewsItem | None:
    """Returns the item that quotes the vendor's text in the event; None where the event has none, or no new one."""
    if event.reason_code in (RETURNED, REDATED):
        return None
    text, stage, why = event.text or "", event.stage or Stage.UNKNOWN, event.reason or ""
    at = event.happened_at or event.seen_at
    match event.kind:
        case EventKind.UPDATE_POSTED:
            return NewsItem((NewsKind.UPDATE,), f"update:{event.update}", at, stage, text)
        case EventKind.UPDATE_EDITED:
            key = f"edited:{event.update}:{_short_hash(text, at.isoformat(), stage)}"
            return NewsItem((NewsKind.EDITED,), key, event.seen_at, stage, text, event.before or "", why)
        case EventKind.INCIDENT_CHANGED:
            key = f"changed:{_short_hash(text, why)}"
            return NewsItem((NewsKind.CHANGED,), key, event.seen_at, stage, text, event.before or "", why)
        case _:
            return None


def _own_item(
    tracked: TrackedIncident, events: Iterable[Event], transition: StateTransition, provider: Provider
) -> NewsItem:
    """Returns the item with what we say; it has no kinds for an opening, which the alert itself shows."""
    before = next(
        filter(None, map(transition.before.tracked_incident, (tracked.incident.id, *tracked.suspicions))), None
    )
    item = NewsItem((), "", transition.at, tracked.incident.stage)
    if before is None or tracked.ending is IncidentEnding.POSTED:
        return item
    kinds = {_NEWS_OF_EVENT[e.kind] for e in events if e.kind in _NEWS_OF_EVENT}
    difference = announcements.Difference()
    if tracked.announced_at != before.announced_at and before.announced_at is not None:
        difference = announcements.compare(before.announced, tracked.announced)
        if before.incident.id != tracked.incident.id:  # it continues a suspicion, whose condition was an estimate
            difference = replace(difference, worse=(), again=())
    if tracked.cleared_at and not before.cleared_at:
        kinds |= {NewsKind.ALL_CLEAR} if tracked.surfaces else set()
    else:
        new = {*difference.new, *difference.again}
        kinds |= {kind for kind, ids in _kinds_of(difference, new) if ids}
    changed = {*difference.new, *difference.again, *difference.worse, *difference.lowered, *difference.raised}
    return replace(
        item,
        kinds=tuple(kind for kind in NewsKind if kind in kinds),
        wider=_short_names(provider, {*difference.new, *difference.again}),
        anew=_short_names(provider, difference.again),
        worse=_short_names(provider, difference.worse),
        verdicts=tuple(_named_verdicts(provider, transition.state, changed)),
        broadcast=bool(kinds - _THREAD_ONLY),
    )


def _kinds_of(difference: announcements.Difference, new: Collection[str]) -> Iterator[tuple[NewsKind, Collection[str]]]:
    yield NewsKind.WIDENED, new
    yield NewsKind.WORSE, difference.worse
    yield NewsKind.LOWERED, {*difference.lowered} - {*new, *difference.worse}
    yield NewsKind.RAISED, difference.raised


def _short_names(provider: Provider, surfaces: Collection[str]) -> tuple[str, ...]:
    return tuple(s.short_name for s in provider.surfaces if s.id in surfaces)


def _named_verdicts(
    provider: Provider, state: ProviderState, surfaces: Collection[str]
) -> Iterator[tuple[str, Verdict]]:
    for surface in provider.surfaces:
        verdict = state.verdict(surface.id)
        if surface.id in surfaces and verdict is not None:
            yield surface.short_name, verdict


def _key_parts(tracked: TrackedIncident, events: Iterable[Event], own_item: NewsItem) -> Iterator[str]:
    """Yields what identifies our own item; a broadcast also by its time, since the same may be true again later."""
    yield from (*own_item.kinds, *own_item.wider, *own_item.worse)
    yield from (f"{name} {verdict.call}" for name, verdict in own_item.verdicts)
    if own_item.broadcast and tracked.announced_at:
        yield tracked.announced_at.isoformat()
    yield from (u.id for u in tracked.incident.updates[-1:])
    yield from (e.happened_at.isoformat() for e in events if e.kind in _NEWS_OF_EVENT and e.happened_at)


def _short_hash(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "replace")).hexdigest()[:12]
