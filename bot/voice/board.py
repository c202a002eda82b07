"""What is known -> what the board shows, as values for its pages: the same words as in Slack. Pure.

Texts of ours may hold ``**bold**`` and `` `code` `` as in bot.voice.sheet; vendor words stand in ``quote``, ``title``
and ``before`` and are never read as markup.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.model import Call, Condition, Estimate, Event, Known, Provider, Surface, Verdict, World
from bot.voice import alerts, replies, summary, words

Lookup = Mapping[str, Surface]


@dataclass(frozen=True, slots=True)
class Row:
    """One surface: its condition as sign and words, its verdict as words and reason, and what to do meanwhile.

    ``level`` and ``call`` are the enums' words, for colours only; each has its words beside it.
    """

    id: str
    name: str
    sign: str
    level: str
    condition: str
    call: str
    verdict: str
    reason: str
    since: datetime | None = None
    instead: str | None = None
    meanwhile: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """Somebody's words about an incident: the vendor's post, or a step of the timeline with them in it."""

    at: datetime
    what: str
    quote: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """One incident. ``posts`` has the newest first, ``steps`` the timeline as we knew it."""

    id: str
    provider: str
    title: str
    step: str
    span: str
    hit: str
    is_open: bool
    url: str | None = None
    outlook: str = ""  # how long it may last, as it was first said
    facts: tuple[str, ...] = ()
    posts: tuple[Said, ...] = ()
    steps: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One provider: the surfaces in trouble, the others, and the health of its source."""

    id: str
    name: str
    page: str
    health: str
    is_blind: bool
    troubled: tuple[Row, ...]
    well: tuple[Row, ...]
    tally: str  # of those that are well: how many are how


def parts(board: replies.Board, surfaces: Lookup, now: datetime) -> tuple[Part, ...]:
    """Every provider, those in trouble first, otherwise as the catalogue has them."""
    found = [_part(provider, world, surfaces, now) for provider, world in board]
    return tuple(sorted(found, key=lambda part: (not part.troubled, not part.is_blind)))


def story(
    known: Known,
    provider: Provider,
    events: Sequence[Event],
    surfaces: Lookup,
    now: datetime,
    *,
    first: tuple[Estimate | None, str] = (None, ""),
) -> Story:
    """One incident, with everything that is known of it. ``first`` is its first estimate, with the record of others."""
    incident = known.incident
    events = summary.as_told(known, events)
    estimate, record = first
    posts = (Said(u.display_at, words.stage(u.stage), u.body) for u in reversed(incident.updates))
    return Story(
        id=incident.id,
        provider=provider.name,
        title=incident.name,
        step="over" if known.closed_at else replies.step(known),
        span=summary.span(known, events, now),
        hit=summary.hit(known, surfaces),
        is_open=known.is_open,
        outlook=alerts.outlook(estimate, record) if estimate else "",
        url=incident.url,
        facts=summary.facts(known, events, surfaces, now),
        posts=tuple(posts),
        steps=tuple(_steps(events, surfaces)),
    )


def _part(provider: Provider, world: World, surfaces: Lookup, now: datetime) -> Part:
    rows = [(_row(s, world, surfaces), replies.is_troubled(world, s)) for s in provider.surfaces]
    return Part(
        id=provider.id,
        name=provider.name,
        page=provider.source.url,
        health=replies.health(world, now),
        is_blind=world.blind_since is not None,
        troubled=tuple(row for row, bad in rows if bad),
        well=tuple(row for row, bad in rows if not bad),
        tally=_tally([row for row, bad in rows if not bad]),
    )


def _tally(rows: Sequence[Row]) -> str:
    return words.listing(f"{n} {condition}" for condition, n in Counter(row.condition for row in rows).items())


def _row(surface: Surface, world: World, surfaces: Lookup) -> Row:
    state, verdict = world.state(surface.id), world.verdict(surface.id)
    condition = state.condition if state else Condition.UNKNOWN
    return Row(
        id=surface.id,
        name=surface.name,
        sign=words.SIGNS[condition],
        level=condition,
        condition=words.condition(condition, inferred=bool(state and state.inferred)),
        call=verdict.call if verdict else Call.UNKNOWN,
        verdict=words.call(verdict) if verdict else words.CALLS[Call.UNKNOWN],
        reason=verdict.reason if verdict else "",
        since=state.since if state else None,
        instead=_instead(verdict, surfaces),
        meanwhile=tuple((who, what) for who, what in replies.meanwhile(surface) if what),
    )


def _instead(verdict: Verdict | None, surfaces: Lookup) -> str | None:
    if verdict is None or verdict.instead is None:
        return None
    other = surfaces.get(verdict.instead)
    return f"{other.name} (`{other.id}`)" if other else verdict.instead


def _steps(events: Iterable[Event], surfaces: Lookup) -> Iterable[Said]:
    for event in events:
        is_said = event.kind in summary.QUOTED
        quote, before = (event.text or "", event.before or "") if is_said else ("", "")
        yield Said(event.seen_at, summary.line(event, surfaces), quote, before)
