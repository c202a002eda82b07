"""What is wrong with delivery at present, in lines for ``sources``, the board and ``/readyz``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from bot.messages import delivery, formatting
from bot.queries.current import StatusQueries

PARKED_WINDOW = timedelta(days=1)  # what was given up earlier is only in `brownout db outbox`
_MAX_REASON = 160  # characters


def delivery_lines(queries: StatusQueries) -> tuple[str, ...]:
    """A line for each thing that is wrong; none if all is well."""
    return tuple(_lines(queries))


def stop_text(queries: StatusQueries) -> str:
    """Why nothing is delivered at present; empty if something may be, or if no bot runs in this process."""
    stop = queries.running.slack_status.stop if queries.running and queries.running.slack_status else None
    if stop is None:
        return ""
    queued = queries.repository.backlog().waiting
    return delivery.stopped_text(stop.code, stop.since, queued, is_refused=stop.is_refused)


def _lines(queries: StatusQueries) -> Iterator[str]:
    if text := stop_text(queries):
        yield text
    paused = queries.repository.paused_channels()
    if paused:
        names = formatting.join_names(f"{p.pause.channel} ({p.pause.code})" for p in paused[:10])
        more = f" and {len(paused) - 10} more" if len(paused) > 10 else ""  # noqa: PLR2004
        yield f"Delivery paused: {names}{more}."
    since = queries.now() - PARKED_WINDOW
    parked = [p for p in queries.repository.parked() if p.created_at >= since and not p.is_expected]
    for why, count in Counter(p.error for p in parked).most_common(5):
        yield f"{formatting.pluralize(count, 'message')} not delivered: {formatting.truncate(why, _MAX_REASON)}"
