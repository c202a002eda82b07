"""Decides for each source whether it is readable, stale or unreadable, and orders sources, the worst first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain import READABLE_FOR, SourceHealth, SourceState

_STALE_INTERVALS = 3
_WORST_FIRST = {state: rank for rank, state in enumerate(SourceState)}


def rank_sources(sources: Iterable[SourceHealth], now: datetime) -> tuple[SourceHealth, ...]:
    """The sources with their state set, worst first; among equals more failures first, then the longest unread."""
    rated = (replace(s, state=source_state(s, now)) for s in sources)
    return tuple(sorted(rated, key=lambda s: (_WORST_FIRST[s.state], -s.failures, s.seen_at or now, s.provider)))


def source_state(source: SourceHealth, now: datetime) -> SourceState:
    """The source's state at this time; stale after five minutes, or three poll intervals where that is longer."""
    if source.blind_since is not None:
        return SourceState.BLIND
    if source.seen_at is None:
        return SourceState.UNSEEN
    stale_after = max(READABLE_FOR, _STALE_INTERVALS * timedelta(seconds=source.interval_s or 0))
    return SourceState.STALE if now - source.seen_at > stale_after else SourceState.READABLE
