"""What is wrong with delivery at present, in lines for ``sources``, the board and ``/readyz``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from bot.messages import delivery, formatting
from bot.queries.current import StatusQueries
from bot.storage.outbox import ParkedNotification

PARKED_WINDOW = timedelta(days=1)  # what was given up earlier is only in `brownout db outbox`
_MAX_REASON = 160  # characters


def delivery_lines(queries: StatusQueries) -> tuple[str, ...]:
    """A line for each thing that is wrong; none if all is well."""
    return tuple(_lines(queries))


def public_lines(queries: StatusQueries) -> tuple[str, ...]:
    """The same in numbers, for the board, which names no channel."""
    return tuple(_public_lines(queries))


def stop_text(queries: StatusQueries) -> str:
    """Why nothing is delivered at present; empty if something may be, or if no bot runs in this process."""
    stop = queries.running.slack_status.stop if queries.running and queries.running.slack_status else None
    if stop is None:
        return ""
    queued = queries.repository.backlog().waiting
    return delivery.stopped_text(
        stop.code, stop.since, queries.now(), queued, is_refused=stop.is_refused, remedy=stop.remedy
    )


def _public_lines(queries: StatusQueries) -> Iterator[str]:
    if text := stop_text(queries):
        yield text
    if paused := len(queries.repository.paused_channels()):
        yield f"Delivery paused: {formatting.pluralize(paused, 'channel')}. Names: `brownout db outbox`"
    if parked := len(_recently_parked(queries)):
        yield f"{formatting.pluralize(parked, 'message')} not delivered in the last day. Details: `brownout db outbox`"


def _recently_parked(queries: StatusQueries) -> list[ParkedNotification]:
    since = queries.now() - PARKED_WINDOW
    return [p for p in queries.repository.parked() if p.created_at >= since and not p.is_expected]


def _lines(queries: StatusQueries) -> Iterator[str]:
    if text := stop_text(queries):
        yield text
    paused = queries.repository.paused_channels()
    if paused:
        names = formatting.join_names(f"{p.pause.channel} ({p.pause.code})" for p in paused[:10])
        more = f" and {len(paused) - 10} more" if len(paused) > 10 else ""  # noqa: PLR2004
        yield f"Delivery paused: {names}{more}."
    for why, count in Counter(p.error for p in _recently_parked(queries)).most_common(5):
        yield f"{formatting.pluralize(count, 'message')} not delivered: {formatting.truncate(why, _MAX_REASON)}"
