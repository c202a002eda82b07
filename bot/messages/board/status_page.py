"""The board's first page: the banner, the counts, the affected services, the open incidents, all providers. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain import Advice
from bot.messages import formatting, service_status, words
from bot.messages.board.bars import status_class
from bot.messages.service_status import ProviderView, ServiceView
from bot.messages.words import Status

_MAX_BANNER_LINES = 3  # providers in the banner
_MAX_NAMES = 8  # services in one part of the advice
_MAX_UNKNOWN = 2  # unreadable providers named in the counts


@dataclass(frozen=True, slots=True)
class BannerAdvice:
    """What to do with some services: ``call`` is the advice for CSS, ``phrase`` its words."""

    call: str
    phrase: str
    names: str


@dataclass(frozen=True, slots=True)
class BannerLine:
    """One affected provider in the banner. ``instead`` are the ids of the services to use instead."""

    provider: str
    status: str
    headline: str
    advice: tuple[BannerAdvice, ...]
    next_update: datetime | None
    instead: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StatusCount:
    """How many services have a status, with a note on what is behind it."""

    status: str
    number: int
    word: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A service in the table of the affected ones, or on its own page."""

    id: str
    name: str
    provider: str
    status: str
    status_text: str
    call: str
    advice: str
    since: datetime | None = None
    age: str = ""
    next_update: datetime | None = None
    is_from_text: bool = False
    instead: str | None = None


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """A provider in the list of all: its worst status, and in words what is wrong."""

    id: str
    name: str
    count: str
    status: str
    note: str
    services: tuple[ServiceRow, ...]


@dataclass(frozen=True, slots=True)
class StatusPage:
    """All of the first page but the incidents and the bars."""

    headline: str
    status: str
    banner: tuple[BannerLine, ...]
    more: int  # affected providers that the banner does not name
    counts: tuple[StatusCount, ...]
    affected: tuple[ServiceRow, ...]
    providers: tuple[ProviderRow, ...]


def status_page(views: Sequence[ProviderView], states: service_status.ProviderStates, now: datetime) -> StatusPage:
    """The page of these providers, the worst first and the unknown ones before the operational ones."""
    ordered = sorted(views, key=lambda v: (not _is_affected(v), v.worst.rank, -len(v.affected), v.provider.name))
    affected = [v for v in ordered if _is_affected(v)]
    headline = (
        service_status.provider_headline(affected[0])
        if len(affected) == 1
        else service_status.overall_headline(states, now)
        if states
        else "No providers"
    )
    lines = [_banner_line(v) for v in affected[:_MAX_BANNER_LINES]]
    return StatusPage(
        headline=headline,
        status=status_class(_worst(ordered)),
        banner=tuple(lines),
        more=max(len(affected) - _MAX_BANNER_LINES, 0),
        counts=tuple(_counts(views)),
        affected=tuple(service_row(s, v) for v in affected for s in v.affected),
        providers=tuple(_provider_row(v) for v in ordered),
    )


def service_row(service: ServiceView, view: ProviderView) -> ServiceRow:
    """One service with its status and its advice."""
    verdict = service.verdict if view.is_readable else None
    review_at = verdict.review_at if verdict else None
    age_s = (view.now - service.since).total_seconds() if service.since else 0.0
    return ServiceRow(
        id=service.surface.id,
        name=service.surface.name,
        provider=view.provider.name,
        status=status_class(service.status),
        status_text=formatting.upper_first(str(service.status)),
        call=verdict.call if verdict else Advice.UNKNOWN,
        advice=words.advice_phrase(verdict) if verdict else words.ADVICE_STYLES[Advice.UNKNOWN].phrase,
        since=service.since,
        age=formatting.format_duration(age_s) if service.since and age_s >= 0 else "",
        next_update=review_at if review_at and review_at > view.now else None,
        is_from_text=service.is_from_text and service.status.is_bad,
        instead=verdict.instead if verdict else None,
    )


def _is_affected(view: ProviderView) -> bool:
    return view.is_readable and bool(view.affected or view.unnamed)


def _worst(views: Iterable[ProviderView]) -> Status:
    """The status of the whole page; an unreadable provider does not hide that another is down."""
    return min((v.worst for v in views), key=lambda status: status.rank, default=Status.UNKNOWN)


def _banner_line(view: ProviderView) -> BannerLine:
    times = [
        s.verdict.review_at
        for s in view.affected
        if s.is_held and s.verdict and s.verdict.review_at and s.verdict.review_at > view.now
    ]
    return BannerLine(
        provider=view.provider.id,
        status=status_class(view.worst),
        headline=service_status.provider_headline(view),
        advice=tuple(_banner_advice(view)),
        next_update=min(times, default=None),
        instead=tuple(dict.fromkeys(s.verdict.instead for s in view.affected if s.verdict and s.verdict.instead)),
    )


def _banner_advice(view: ProviderView) -> Iterator[BannerAdvice]:
    """One part per advice, the strictest first; names only where it is not the advice for all."""
    groups: dict[tuple[Advice, str], list[ServiceView]] = {}
    for service in view.affected:
        if service.verdict:
            call = Advice.HOLD_OFF if service.is_held else service.verdict.call
            groups.setdefault((call, words.advice_phrase(service.verdict)), []).append(service)
    for (call, phrase), same in sorted(groups.items(), key=lambda item: item[0][0] is not Advice.HOLD_OFF):
        is_all = len(same) == len(view.services)
        names = formatting.name_list([s.surface.short_name for s in same], _MAX_NAMES)
        yield BannerAdvice(call, phrase, "" if is_all and len(same) > 1 else names)


def _counts(views: Sequence[ProviderView]) -> Iterator[StatusCount]:
    services = [s for v in views if v.is_readable for s in v.services]
    down = [s for s in services if s.status.is_down]
    worst_down = min((s.status for s in down), key=lambda s: s.rank, default=Status.PARTIAL_OUTAGE)
    unreadable = [v for v in views if not v.is_readable]
    unknown = sum(s.status is Status.UNKNOWN for s in services) + sum(len(v.services) for v in unreadable)
    rows = [StatusCount(status_class(worst_down), len(down), "down")]
    rows += [
        StatusCount(status_class(status), sum(s.status is status for s in services), str(status))
        for status in (Status.DEGRADED, Status.RECOVERING, Status.MAINTENANCE)
    ]
    note = ", ".join(service_status.provider_headline(v) for v in unreadable[:_MAX_UNKNOWN])
    note += f" +{len(unreadable) - _MAX_UNKNOWN} more" if len(unreadable) > _MAX_UNKNOWN else ""
    rows.append(StatusCount(status_class(Status.UNKNOWN), unknown, str(Status.UNKNOWN), note))
    well = sum(s.status is Status.OPERATIONAL for s in services)
    rows.append(StatusCount(status_class(Status.OPERATIONAL), well, str(Status.OPERATIONAL)))
    return (row for row in rows if row.number)


def _provider_row(view: ProviderView) -> ProviderRow:
    if not view.is_readable:
        headline = service_status.provider_headline(view)
        note = formatting.upper_first(headline.removeprefix(f"{view.provider.name} "))
    elif view.is_well:
        note = formatting.upper_first(str(Status.OPERATIONAL))
    else:
        headline = service_status.provider_headline(view)
        note = formatting.upper_first(headline.removeprefix(view.provider.name).lstrip(" :"))
    return ProviderRow(
        id=view.provider.id,
        name=view.provider.name,
        count=formatting.pluralize(len(view.services), "service"),
        status=status_class(view.worst),
        note=note,
        services=tuple(service_row(s, view) for s in view.services),
    )
