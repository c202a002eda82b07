"""A row of the board's table of sources. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.domain import SourceHealth, SourceState
from bot.messages import formatting, source_health
from bot.messages.board.bars import status_class
from bot.messages.words import Status

_STATUS = {
    SourceState.BLIND: (Status.OUTAGE, "unreadable"),
    SourceState.STALE: (Status.UNKNOWN, "not checked recently"),
    SourceState.UNSEEN: (Status.UNKNOWN, "not checked yet"),
    SourceState.READABLE: (Status.OPERATIONAL, "readable"),
}


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One source: its state in words, when it was and will be checked, and how late its posts are seen."""

    id: str
    name: str
    url: str
    status: str
    state: str
    notes: tuple[str, ...]
    seen_at: datetime | None
    next_at: datetime | None
    interval: str
    lag: str
    form: str


def source_row(source: SourceHealth, name: str, now: datetime) -> SourceRow:
    """The row of a source."""
    status, state = _STATUS[source.state]
    since = f" since {formatting.format_datetime(source.blind_since)}" if source.blind_since else ""
    failures = [f"{formatting.pluralize(source.failures, 'failed check')} in a row"] if source.failures else []
    why = [formatting.truncate(source.why, 160)] if source.why and source.blind_since else []
    next_at = source.pulse.next_at if source.pulse else None
    return SourceRow(
        id=source.provider,
        name=name,
        url=source.url,
        status=status_class(status),
        state=f"{formatting.upper_first(state)}{since}",
        notes=(*failures, *why, *source.problems[:3], *source_health.component_texts(source)),
        seen_at=source.seen_at,
        next_at=next_at if next_at and next_at > now else None,
        interval=f"every {formatting.format_duration(source.interval_s)}" if source.interval_s else "",
        lag=(
            f"{formatting.format_duration(source.lag.median_s)} (median of {source.lag.updates})" if source.lag else ""
        ),
        form=source.form,
    )
