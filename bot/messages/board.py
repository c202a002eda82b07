"""What the board's pages show, as values for their templates, in the same words as in Slack. No I/O.

Our own texts may contain ``**bold**`` and `` `code` ``, as in ``bot.messages.builder``. The vendor's words are only in
``quote``, ``title`` and ``before`` and are never read as markup.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain import Advice, Condition, Estimate, Event, Provider, ProviderState, Surface, TrackedIncident, Verdict
from bot.messages import alerts, formatting, replies, summary

SurfaceLookup = Mapping[str, Surface]


@dataclass(frozen=True, slots=True)
class SurfaceRow:
    """One surface: its condition as symbol and words, its verdict as words and reason, and what to do meanwhile.

    ``level`` and ``call`` are the values of ``Condition`` and ``Advice``, for CSS classes only: ``condition`` and
    ``verdict`` say the same in words. ``meanwhile`` has pairs of audience and advice.
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
class QuotedText:
    """The vendor's post, or one step of the timeline with the vendor's words.

    ``what`` is our own text; ``quote`` the vendor's, and ``before`` the text that an edit replaced.
    """

    at: datetime
    what: str
    quote: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class IncidentView:
    """One incident, in words.

    ``step`` is its stage, ``span`` its times, ``hit`` the names of its surfaces; ``facts`` are the paragraphs of its
    summary; ``posts`` are the vendor's, newest first; ``steps`` is the timeline, oldest first.
    """

    id: str
    provider: str
    title: str
    step: str
    span: str
    hit: str
    is_open: bool
    url: str | None = None
    outlook: str = ""  # the first estimate of its duration; empty without one
    facts: tuple[str, ...] = ()
    posts: tuple[QuotedText, ...] = ()
    steps: tuple[QuotedText, ...] = ()


@dataclass(frozen=True, slots=True)
class ProviderSection:
    """One provider: its affected surfaces (``troubled``), the others (``well``), and the health of its source."""

    id: str
    name: str
    page: str
    health: str
    is_blind: bool
    troubled: tuple[SurfaceRow, ...]
    well: tuple[SurfaceRow, ...]
    tally: str  # the number of the surfaces in ``well`` by condition, in words


def provider_sections(
    states: replies.ProviderStates, surfaces: SurfaceLookup, now: datetime
) -> tuple[ProviderSection, ...]:
    """Every provider: those with affected surfaces first, then the unreadable ones, otherwise in the given order."""
    sections = [_provider_section(provider, state, surfaces, now) for provider, state in states]
    return tuple(sorted(sections, key=lambda section: (not section.troubled, not section.is_blind)))


def incident_view(
    tracked: TrackedIncident,
    provider: Provider,
    events: Sequence[Event],
    surfaces: SurfaceLookup,
    now: datetime,
    *,
    first: tuple[Estimate | None, str] = (None, ""),
) -> IncidentView:
    """One incident with its summary, posts and timeline.

    ``first`` is the first estimate of its duration, if there is one, and how often such estimates were right, in words.
    """
    incident = tracked.incident
    events = summary.with_vendor_times(tracked, events)
    estimate, _ = first
    posts = (QuotedText(u.display_at, formatting.stage_text(u.stage), u.body) for u in reversed(incident.updates))
    return IncidentView(
        id=incident.id,
        provider=provider.name,
        title=incident.name,
        step="over" if tracked.closed_at else replies.incident_stage_text(tracked),
        span=summary.time_range_text(tracked, events, now),
        hit=summary.affected_names(tracked, surfaces),
        is_open=tracked.is_open,
        outlook=alerts.estimate_text(estimate) if estimate else "",
        url=incident.url,
        facts=summary.summary_paragraphs(tracked, events, surfaces, now),
        posts=tuple(posts),
        steps=tuple(_timeline_steps(events, surfaces)),
    )


def _provider_section(
    provider: Provider, state: ProviderState, surfaces: SurfaceLookup, now: datetime
) -> ProviderSection:
    rows = [(_surface_row(s, state, surfaces), replies.is_affected(state, s)) for s in provider.surfaces]
    return ProviderSection(
        id=provider.id,
        name=provider.name,
        page=provider.source.url,
        health=replies.page_health_text(state, now),
        is_blind=state.blind_since is not None,
        troubled=tuple(row for row, is_bad in rows if is_bad),
        well=tuple(row for row, is_bad in rows if not is_bad),
        tally=_condition_counts([row for row, is_bad in rows if not is_bad]),
    )


def _condition_counts(rows: Sequence[SurfaceRow]) -> str:
    return formatting.join_names(f"{n} {condition}" for condition, n in Counter(row.condition for row in rows).items())


def _surface_row(surface: Surface, provider_state: ProviderState, surfaces: SurfaceLookup) -> SurfaceRow:
    state, verdict = provider_state.surface_state(surface.id), provider_state.verdict(surface.id)
    condition = state.condition if state else Condition.UNKNOWN
    return SurfaceRow(
        id=surface.id,
        name=surface.name,
        sign=formatting.CONDITION_SYMBOLS[condition],
        level=condition,
        condition=formatting.condition_text(condition, inferred=bool(state and state.inferred)),
        call=verdict.call if verdict else Advice.UNKNOWN,
        verdict=formatting.advice_text(verdict) if verdict else formatting.ADVICE_WORDS[Advice.UNKNOWN],
        reason=verdict.reason if verdict else "",
        since=state.since if state else None,
        instead=_alternative_surface(verdict, surfaces),
        meanwhile=tuple((who, what) for who, what in replies.surface_advice(surface) if what),
    )


def _alternative_surface(verdict: Verdict | None, surfaces: SurfaceLookup) -> str | None:
    if verdict is None or verdict.instead is None:
        return None
    other = surfaces.get(verdict.instead)
    return f"{other.name} (`{other.id}`)" if other else verdict.instead


def _timeline_steps(events: Iterable[Event], surfaces: SurfaceLookup) -> Iterable[QuotedText]:
    for event in events:
        is_quoted = event.kind in summary.QUOTED_EVENTS
        quote, before = (event.text or "", event.before or "") if is_quoted else ("", "")
        yield QuotedText(event.seen_at, summary.event_line(event, surfaces), quote, before)
