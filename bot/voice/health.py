"""How the sources are -> the answer to ``sources``: the worst first, and what is known of each in one line. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from bot.model import Message, SourceHealth, SourceState
from bot.voice import words
from bot.voice.sheet import sheet

_WHY = 160
_STATES = {
    SourceState.BLIND: "blind",
    SourceState.STALE: "not looked at for long",
    SourceState.UNSEEN: "not looked at yet",
    SourceState.READABLE: "readable",
}


def sources(found: Sequence[SourceHealth], now: datetime) -> Message:
    """Every source, as they are given."""
    return sheet(headline(found), [line(s, now) for s in found])


def headline(found: Sequence[SourceHealth]) -> str:
    """How many of them are how, in a few words."""
    counts = Counter(s.state for s in found)
    told = words.listing(f"{counts[state]} {word}" for state, word in _STATES.items() if counts[state])
    return f"Sources: {told or 'none'}"


def line(source: SourceHealth, now: datetime) -> str:
    """One source: how it is, when it is looked at next, its format, and how late its words are."""
    where = f"{source.form} at {source.url}"
    parts = (_standing(source, now), _next(source, now), where, *_lags(source))
    return f"**{source.provider}** " + "; ".join(parts) + "."


def _standing(source: SourceHealth, now: datetime) -> str:
    last = f"last readable {_ago(source.seen_at, now)}" if source.seen_at else "never readable so far"
    match source.state:
        case SourceState.BLIND:
            times = f"{source.failures} look{'s' * (source.failures != 1)} in a row"
            why = f": {words.cut(source.why, _WHY)}" if source.why else ""
            return f"blind for {times}{why}; {last}"
        case SourceState.UNSEEN:
            return "not looked at yet"
        case _:
            return last


def _next(source: SourceHealth, now: datetime) -> str:
    if source.pulse is None:
        every = f"every {words.span(source.interval_s)} while a bot runs" if source.interval_s else "while a bot runs"
        return f"next look {every}"
    if source.pulse.next_at is None:
        return "being looked at now"
    left = (source.pulse.next_at - now).total_seconds()
    return f"next look in {words.span(left)}" if left >= 1 else "next look now"


def _lags(source: SourceHealth) -> Iterator[str]:
    if source.lag:
        yield f"posts reach us {words.span(source.lag.median_s)} after their time (median of {source.lag.updates})"
    if source.pulse and source.pulse.late:
        worst = words.span(source.pulse.worst_s)
        yield f"{source.pulse.late} of our {source.pulse.looks} looks began late, the worst by {worst}"


def _ago(at: datetime, now: datetime) -> str:
    return f"{words.span((now - at).total_seconds())} ago"
