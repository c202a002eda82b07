"""The answer to ``sources``: the health of every source, one line each. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from bot.domain import Message, SourceHealth, SourceState
from bot.messages import formatting
from bot.messages.builder import build_message
from bot.messages.words import STATUS_STYLES, Status

_MAX_COMPONENTS = 6  # of one source
_MAX_REASON = 160  # characters
_MAX_PROBLEMS = 3  # of one source
_STATES = {  # status for its sign, and the word of the headline
    SourceState.BLIND: (Status.UNKNOWN, "unreadable"),
    SourceState.STALE: (Status.UNKNOWN, "not checked recently"),
    SourceState.UNSEEN: (Status.UNKNOWN, "not checked yet"),
    SourceState.READABLE: (Status.OPERATIONAL, "OK"),
}
_SEPARATOR = " · "


def sources_message(sources: Sequence[SourceHealth], now: datetime, delivery: Sequence[str] = ()) -> Message:
    """Every source, in the given order; before them, what is wrong with delivery."""
    return build_message(sources_headline(sources), [*delivery, *(source_line(s, now) for s in sources)])


def sources_headline(sources: Sequence[SourceHealth]) -> str:
    """How many sources there are, and how many in which state: ``7 sources: 6 OK, 1 unreadable``."""
    counts = Counter(s.state for s in sources)
    states = [f"{counts[state]} {word}" for state, (_, word) in reversed(_STATES.items()) if counts[state]]
    return f"{formatting.pluralize(len(sources), 'source')}: {', '.join(states)}" if states else "No sources"


def source_line(source: SourceHealth, now: datetime) -> str:
    """One source: its state, its next check, how late its posts reach us, its page and format."""
    status, _ = _STATES[source.state]
    parts = (
        f"{STATUS_STYLES[status].symbol} **{source.name or source.provider}**",
        _state_text(source, now),
        _next_poll_text(source, now),
        *_lag_texts(source),
        f"{source.url.partition('://')[2].rstrip('/') or source.url} ({source.form})",
        *_problem_texts(source),
        *component_texts(source),
    )
    return _SEPARATOR.join(parts)


def _state_text(source: SourceHealth, now: datetime) -> str:
    last_readable = f"last good check {_time_ago(source.seen_at, now)}" if source.seen_at else "no good check yet"
    match source.state:
        case SourceState.BLIND:
            since = f" since {formatting.format_datetime(source.blind_since)}" if source.blind_since else ""
            checks = formatting.pluralize(source.failures, "failed check")
            reason = f"{formatting.truncate(source.why, _MAX_REASON)}, " if source.why else ""
            return f"unreadable{since} ({reason}{checks}){_SEPARATOR}{last_readable}"
        case SourceState.UNSEEN:
            return "not checked yet"
        case SourceState.READABLE if source.seen_at:
            return f"checked {_time_ago(source.seen_at, now)}"
        case _:
            return last_readable


def _next_poll_text(source: SourceHealth, now: datetime) -> str:
    if source.pulse is None:
        interval = (
            f"every {formatting.format_duration(source.interval_s)} while a bot runs"
            if source.interval_s
            else "while a bot runs"
        )
        return f"next check {interval}"
    if source.pulse.next_at is None:
        return "being checked now"
    remaining = (source.pulse.next_at - now).total_seconds()
    return f"next check in {formatting.format_duration(remaining)}" if remaining >= 1 else "next check now"


def _lag_texts(source: SourceHealth) -> Iterator[str]:
    if source.lag:
        lag = formatting.format_duration(source.lag.median_s)
        yield f"posts arrive {lag} after their time (median, n = {source.lag.updates})"
    if source.pulse and source.pulse.late:
        worst = formatting.format_duration(source.pulse.worst_s)
        yield f"{source.pulse.late} of our {source.pulse.looks} checks began late, the worst by {worst}"


def _problem_texts(source: SourceHealth) -> Iterator[str]:
    if source.problems:
        shown = (formatting.truncate(problem, _MAX_REASON) for problem in source.problems[:_MAX_PROBLEMS])
        rest = len(source.problems) - _MAX_PROBLEMS
        yield f"unusual: {', '.join(shown)}" + (f", and {rest} more" if rest > 0 else "")


def component_texts(source: SourceHealth) -> Iterator[str]:
    """What the provider file and the page do not have in common."""
    for label, names in (("without a component", source.missing), ("components of no service", source.unmapped)):
        if names:
            shown = ", ".join(formatting.truncate(name, _MAX_REASON) for name in names[:_MAX_COMPONENTS])
            rest = len(names) - _MAX_COMPONENTS
            yield f"{label}: {shown}" + (f" and {rest} more" if rest > 0 else "")


def _time_ago(at: datetime, now: datetime) -> str:
    return f"{formatting.format_duration((now - at).total_seconds())} ago"
