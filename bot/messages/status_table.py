"""The table of ``brownout status``: the worst first, in columns, with signs for terminals without emoji. No I/O.

A line is a sequence of spans, each with the style that it has where the terminal shows colours; the sign and the word
say the same without them. The order, the statuses and the headlines are those of the answers in the chat
(``bot.messages.service_status``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.domain import Advice
from bot.messages import formatting, words
from bot.messages.service_status import (
    ProviderView,
    ServiceView,
    overall_headline,
    provider_headline,
    unreadable_reason,
)
from bot.messages.words import Status

SCHEMA = "status/1"
_COLUMNS = ("SERVICE", "STATUS", "ADVICE", "SINCE", "NEXT")
_MAX_NAMED = 3  # unknown providers in the last line, by id
_GAP = 2  # characters between two columns


class Style(StrEnum):
    """How a span looks on a terminal; each stands beside its word."""

    PLAIN = "plain"
    STRONG = "strong"
    MUTED = "muted"
    BAD = "bad"
    WARNING = "warning"
    INFO = "info"  # maintenance and recovering
    GOOD = "good"


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a line in one style."""

    text: str
    style: Style = Style.PLAIN


Line = tuple[Span, ...]

_STATUS_LOOKS = {
    Status.OUTAGE: Style.BAD,
    Status.PARTIAL_OUTAGE: Style.BAD,
    Status.DEGRADED: Style.WARNING,
    Status.MAINTENANCE: Style.INFO,
    Status.UNKNOWN: Style.MUTED,
    Status.RECOVERING: Style.INFO,
    Status.OPERATIONAL: Style.GOOD,
}
_ADVICE_LOOKS = {  # the sign, the sign in ASCII, and the style
    Advice.RETRY_NORMALLY: ("✓", ".", Style.GOOD),
    Advice.RETRY_GENTLY: ("~", "~", Style.WARNING),
    Advice.HOLD_OFF: ("✗", "x", Style.BAD),
    Advice.FAIL_OVER: ("→", ">", Style.BAD),
    Advice.UNKNOWN: ("?", "?", Style.MUTED),
}


def status_lines(
    views: Sequence[ProviderView], now: datetime, *, show_all: bool = False, is_ascii: bool = False
) -> list[Line]:
    """The status of these providers: a table for each affected one, and a line for the others.

    Args:
        views: The providers.
        now: The present time.
        show_all: Whether operational and unknown services are listed too.
        is_ascii: Whether the terminal shows ASCII only.
    """
    if not any(v.state.seen_at or v.state.blind_since for v in views):
        count = formatting.pluralize(len(views), "provider")
        return [(Span(f"No data yet for {count}. The first check takes under 1 min."),)]
    ordered = _worst_first(views)
    if not show_all and not any(v.is_readable for v in views):
        return list(_stale_lines(ordered))
    detailed = [v for v in ordered if show_all or _is_affected(v)]
    tables = [_table_rows(v, now, show_all=show_all, is_ascii=is_ascii) for v in detailed]
    widths = _column_widths([row for rows in tables for row in rows])
    lines: list[Line] = []
    for number, (view, rows) in enumerate(zip(detailed, tables, strict=True)):
        lines += [(), *_section(view, rows, widths)] if number else _section(view, rows, widths, now)
    rest = [] if show_all else [v for v in ordered if v not in detailed]
    lines += _rest_lines(rest, detailed, now, is_ascii=is_ascii)
    return lines


def status_as_json(views: Sequence[ProviderView], now: datetime) -> dict[str, Any]:
    """The same for programs: every service of these providers, in the values of bot/docs/verdict-rules.md."""
    ordered = _worst_first(views)
    states = [(v.provider, v.state) for v in ordered]
    return {
        "schema": SCHEMA,
        "as_of": _iso(now),
        "headline": overall_headline(states, now) if states else "No providers",
        "providers": [
            {
                "id": view.provider.id,
                "name": view.provider.name,
                "headline": provider_headline(view),
                "status": str(view.worst),
                "last_good_check": _iso(view.state.seen_at),
                "services": [_service_as_json(s) for s in view.services],
            }
            for view in ordered
        ],
    }


def _service_as_json(service: ServiceView) -> dict[str, Any]:
    verdict = service.verdict
    is_known = service.status is not Status.UNKNOWN and verdict is not None
    return {
        "id": service.surface.id,
        "name": service.surface.name,
        "status": str(service.status),
        "verdict": str(verdict.call) if is_known and verdict else str(Advice.UNKNOWN),
        "exposure": round(verdict.exposure, 3) if is_known and verdict else 0.0,
        "instead": verdict.instead if is_known and verdict else None,
        "since": _iso(service.since),
        "review_at": _iso(verdict.review_at) if is_known and verdict else None,
        "inferred": service.is_from_text,
    }


def _worst_first(views: Iterable[ProviderView]) -> list[ProviderView]:
    """What is affected, the worst first; then what is unknown, and what is operational."""
    return sorted(views, key=lambda v: (not _is_affected(v), v.worst.rank, -len(v.affected)))


def _is_affected(view: ProviderView) -> bool:
    return view.is_readable and bool(view.affected or view.unnamed)


# --- parts ------------------------------------------------------------------------------------------------------------


def _table_rows(view: ProviderView, now: datetime, *, show_all: bool, is_ascii: bool) -> list[Line]:
    services = view.services if show_all else view.affected
    return [_service_row(s, now, is_ascii=is_ascii) for s in services]


def _service_row(service: ServiceView, now: datetime, *, is_ascii: bool) -> Line:
    look, status = words.STATUS_STYLES[service.status], _STATUS_LOOKS[service.status]
    sign = look.ascii_sign if is_ascii else look.sign
    mark = " (text)" if service.is_from_text and service.status.is_bad else ""
    verdict = service.verdict if service.status is not Status.UNKNOWN else None
    call = verdict.call if verdict else Advice.UNKNOWN
    advice_sign, ascii_sign, advice_style = _ADVICE_LOOKS[call]
    advice = words.advice_short(verdict) if verdict else words.ADVICE_STYLES[call].short
    review_at = verdict.review_at if verdict else None
    return (
        Span(service.surface.id),
        Span(f"{sign} {service.status}{mark}", status),
        Span(f"{ascii_sign if is_ascii else advice_sign} {formatting.lower_first(advice)}", advice_style),
        Span(_clock(service.since, now)),
        Span(_clock(review_at, now) if review_at and review_at > now else ""),
    )


def _section(
    view: ProviderView, rows: Sequence[Line], widths: Sequence[int], now: datetime | None = None
) -> list[Line]:
    """One provider: its headline, with the time if given, and its table."""
    headline = provider_headline(view)
    time = _date_and_time(now) if now else ""
    room = sum(widths) + _GAP * (len(widths) - 1) - len(headline)
    gap = f"{time:>{max(room, len(time) + _GAP)}}" if time else ""
    lines: list[Line] = [(Span(headline, Style.STRONG), Span(gap, Style.MUTED))]
    if view.is_readable:
        lines += [
            (Span(f"“{formatting.truncate(tracked.incident.name, 70, '…')}”, no service named", Style.WARNING),)
            for tracked in view.unnamed
        ]
    if rows:
        lines.append(_aligned(tuple(Span(c, Style.MUTED) for c in _COLUMNS), widths))
        lines += [_aligned(row, widths) for row in rows]
    return lines


def _column_widths(rows: Sequence[Line]) -> list[int]:
    return [max(len(title), *(len(row[n].text) for row in rows), 0) for n, title in enumerate(_COLUMNS)]


def _aligned(row: Line, widths: Sequence[int]) -> Line:
    """The row with its columns filled up; nothing stands behind the last filled one."""
    last = max(n for n, span in enumerate(row) if span.text)
    cells = [
        Span(span.text if n == last else f"{span.text:<{width + _GAP}}", span.style)
        for n, (span, width) in enumerate(zip(row, widths, strict=True))
    ]
    return tuple(cells[: last + 1])


def _rest_lines(
    rest: Sequence[ProviderView], detailed: Sequence[ProviderView], now: datetime, *, is_ascii: bool
) -> Iterator[Line]:
    """How many other providers are operational or unknown, and the command that shows more."""
    well = [v for v in rest if v.is_well]
    unknown = [v for v in rest if not v.is_well]
    if rest and not detailed and not unknown:
        look = words.STATUS_STYLES[Status.OPERATIONAL]
        names = f"All {len(well)} providers operational" if len(well) > 1 else f"{well[0].provider.name}: operational"
        sign = look.ascii_sign if is_ascii else look.sign
        yield (Span(f"{sign} {names}", Style.GOOD), Span(f"  checked {_checked(well, now)}", Style.MUTED))
        return
    counts = [f"{formatting.pluralize(len(well), 'provider')} operational"] if well else []
    if unknown:
        noun = "" if well else " provider" if len(unknown) == 1 else " providers"
        names = formatting.name_list([v.provider.id for v in unknown], _MAX_NAMED)
        counts.append(f"{len(unknown)}{noun} unknown ({names})")
    asked = next(iter([*unknown, *detailed]), None)
    start = f"{', '.join(counts)}. " if counts else ""
    if asked and rest:
        yield (Span(f"{start}Details: brownout status {asked.provider.id}"),)


def _stale_lines(views: Sequence[ProviderView]) -> Iterator[Line]:
    """What is said where no page was read for a while: one line, and what to do."""
    seen = [v.state.seen_at for v in views if v.state.seen_at]
    why = f"last good check {formatting.format_datetime(max(seen))}" if seen else unreadable_reason(views[0])
    sign = words.STATUS_STYLES[Status.UNKNOWN].sign
    yield (Span(f"{sign} {formatting.pluralize(len(views), 'provider')} unknown: {why}", Style.STRONG),)
    if all(v.state.blind_since for v in views):
        yield (Span("No status page can be read. Check this machine's network: brownout sources"),)
    else:
        yield (Span("Is `brownout run` running on this database? Start it, or pass --db FILE."),)


def _checked(views: Iterable[ProviderView], now: datetime) -> str:
    return f"{_clock(max(v.state.seen_at for v in views if v.state.seen_at), now)} UTC"


def _clock(at: datetime | None, now: datetime) -> str:
    """A time of today as ``12:30``, another one with its day: ``1 Mar 12:30``."""
    if at is None:
        return ""
    return f"{at:%H:%M}" if at.date() == now.date() else f"{at.day} {at:%b %H:%M}"


def _date_and_time(at: datetime) -> str:
    return f"{at.day} {at:%b %H:%M} UTC"


def _iso(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None
