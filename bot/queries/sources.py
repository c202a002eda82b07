"""Health of the sources, from the database and the running bot, for Slack, the command line and ``/v1/sources``.

Only the running bot knows when it polls next; without one, the configured interval is given instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from bot.domain import Provider, ProviderState, SourceHealth
from bot.formats import FORMATS
from bot.queries.current import StatusQueries
from bot.rules import source_health
from bot.rules.changes import component_pins
from bot.rules.evidence import unmapped
from bot.storage.polls import LastPoll

POSTING_DELAY_WINDOW = timedelta(days=90)  # older posts say nothing about how late a page is now


def list_sources(queries: StatusQueries, interval_s: float | None = None) -> tuple[SourceHealth, ...]:
    """Every source, the worst first. ``interval_s`` is the polling interval to give if no bot runs here."""
    polls = queries.repository.poll_log.last_polls()
    each = (_source_health(queries, p, polls.get(p.source.id), interval_s) for p in queries.providers)
    return source_health.rank_sources(each, queries.now())


def _source_health(
    queries: StatusQueries, provider: Provider, poll: LastPoll | None, interval_s: float | None
) -> SourceHealth:
    state = queries.repository.provider_state(provider.id) or ProviderState(provider.id)
    pulse = queries.running.poll_statistics(provider.id) if queries.running else None
    source = provider.source
    return SourceHealth(
        provider.id,
        source.kind,
        FORMATS[source.kind].name,
        source.url,
        interval_s=pulse.interval_s if pulse else interval_s,
        looked_at=poll.at if poll else None,
        seen_at=state.seen_at,
        blind_since=state.blind_since,
        failures=state.failures,
        why=poll.why if poll else "",
        problems=(*state.problems, *_unsettled_texts(state)),
        missing=tuple(missing_components(provider, state)),
        unmapped=tuple(unmapped_names(provider, state)),
        lag=queries.repository.poll_log.posting_delay(source.id, queries.now() - POSTING_DELAY_WINDOW),
        pulse=pulse,
        name=provider.name,
    )


def missing_components(provider: Provider, state: ProviderState) -> Iterator[str]:
    """Every surface without a component on the page, with what is missing.

    A component that was never found counts only where the page lists every component: its name in the file is wrong.
    """
    lost = component_pins.lost_components(provider, state.pins)
    never_found = component_pins.never_found(provider, state)
    for surface in provider.surfaces:
        if pins := lost.get(surface.id):
            gone_at = max((p.gone_at for p in pins if p.gone_at is not None), default=None)
            since = f", removed from the page by {gone_at:%Y-%m-%d %H:%M} UTC" if gone_at else ""
            yield f"{surface.name} ({', '.join(f'“{p.name}”' for p in pins)}{since})"
        elif surface.id in never_found:
            names = ", ".join(f"“{c}”" for c in surface.components)
            yield f"{surface.name} (the page has no component {names})"


def unmapped_names(provider: Provider, state: ProviderState) -> Iterator[str]:
    """The names of the page's components that stand for no surface, in the page's order."""
    pinned = component_pins.pinned_provider(provider, state.pins)
    return (c.name or c.id for c in unmapped.unmapped_components(state, pinned))


def _unsettled_texts(state: ProviderState) -> Iterator[str]:
    for unsettled in state.unsettled:
        tracked = state.tracked_incident(unsettled.incident)
        name = tracked.incident.name if tracked else unsettled.incident
        yield (
            f"\u201c{name}\u201d left the page at {unsettled.since:%Y-%m-%d %H:%M} UTC, and nothing says how it ended"
            f" ({unsettled.why})"
        )
