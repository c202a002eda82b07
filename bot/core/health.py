"""Sources as they are -> which of them is how bad, the worst first. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.model import SourceHealth, SourceState

STALE = timedelta(minutes=5)  # older data never says normal (safe-to-retry.md C.5)
_INTERVALS = 3
_ORDER = {state: place for place, state in enumerate(SourceState)}


def ranked(sources: Iterable[SourceHealth], now: datetime) -> tuple[SourceHealth, ...]:
    """Each with its state, the worst first; among equals, more failures first, then what was read longer ago."""
    judged = (replace(s, state=state(s, now)) for s in sources)
    return tuple(sorted(judged, key=lambda s: (_ORDER[s.state], -s.failures, s.seen_at or now, s.provider)))


def state(source: SourceHealth, now: datetime) -> SourceState:
    """How this source is now."""
    if source.blind_since is not None:
        return SourceState.BLIND
    if source.seen_at is None:
        return SourceState.UNSEEN
    patience = max(STALE, _INTERVALS * timedelta(seconds=source.interval_s or 0))
    return SourceState.STALE if now - source.seen_at > patience else SourceState.READABLE
