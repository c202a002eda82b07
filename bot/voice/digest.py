"""What has been, for one channel -> its digest: what broke, what it cost, how right the verdicts were. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.model import Condition, Digest, Incident, Message
from bot.voice import hands, words
from bot.voice.sheet import Para, sheet
from bot.years import Course, Judged, Window

_SHOWN = 12  # incidents
_LOST = 20  # surfaces
_A_MINUTE = timedelta(minutes=1)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Lookback:
    """All that one channel's digest tells; names are as people call things.

    ``broke`` are incidents with their provider, oldest first; ``lost`` are surfaces with their bad time by condition;
    ``estimates`` are those that held (the P90) of how many were graded; ``blind`` are providers and for how long their
    page could not be read; ``planned`` is the next maintenance.
    """

    window: Window
    targets: Sequence[str]
    broke: Sequence[tuple[str, Course]] = ()
    lost: Sequence[tuple[str, Mapping[Condition, timedelta]]] = ()
    judged: Judged = field(default_factory=Judged)
    estimates: tuple[int, int] = (0, 0)
    blind: Sequence[tuple[str, timedelta]] = ()
    planned: tuple[str, Incident] | None = None

    @property
    def is_calm(self) -> bool:
        """True where nothing broke; that a page could not be read is no calm."""
        return not self.broke and not self.lost and not self.blind


def digest(found: Lookback, wanted: Digest) -> Message:
    """The message. Where nothing broke, it is one line."""
    zone = ZoneInfo(wanted.zone)
    if found.is_calm:
        return sheet("", [" ".join(_calm(found, zone))])
    lines: list[Para | str] = [*_broke(found, zone), *_lost(found), *_judged(found), *_blind(found)]
    lines += [*_planned(found, zone), f"Times are those of {wanted.zone}. `/brownout settings` changes this digest."]
    message = sheet(f"Digest, {_span(found.window, zone)}", lines)
    days = max(round(found.window.length / timedelta(days=1)), 1)
    row = hands.asks([("Uptime", f"uptime {days}d"), ("History", f"history {days}d")])
    return replace(message, blocks=(*message.blocks, row))


def told(wanted: Digest) -> str:
    """When a channel wants its digest, in words."""
    when = "every day" if wanted.weekday is None else f"every {DAYS[wanted.weekday]}"
    calm = "" if wanted.on_calm else ", only if something broke"
    return f"{when} at {wanted.at:%H:%M} {wanted.zone}{calm}"


def record(judged: Judged) -> str:
    """How right verdicts were, in words; empty where none held anything."""
    held = words.span(judged.held.total_seconds())
    if judged.openings:
        times = f"{judged.openings} time{'s' * (judged.openings != 1)}"
        wrong = [f"{judged.early} of them too early: bad again within the hour"] if judged.early else []
        wrong += [f"{judged.recent} of them so lately that it is too soon to tell"] if judged.recent else []
        right = words.listing(wrong) or "never too early"
        return f"let work through again {times} after a hold, {right}; held for {held} in all"
    if judged.held >= _A_MINUTE:
        return f"held for {held} in all; nothing was let through again after a hold yet"
    return ""


def _calm(found: Lookback, zone: ZoneInfo) -> Iterator[str]:
    yield f"Digest, {_span(found.window, zone)}: nothing broke on {_targets(found)}."
    yield from _planned(found, zone)


def _broke(found: Lookback, zone: ZoneInfo) -> Iterator[Para | str]:
    if not found.broke:
        yield f"**Nothing broke** on {_targets(found)}, as far as could be seen."
        return
    count = len(found.broke)
    yield f"**What broke**: {count} incident{'s' * (count != 1)} on {_targets(found)}."
    for provider, course in found.broke[:_SHOWN]:
        over = course.resolved_at
        lasted = words.span(((over or found.window.end) - course.posted_at).total_seconds())
        how = f"over after {lasted}" if over else f"open, for {lasted} by then"
        yield f"{_at(course.posted_at, zone)}, {provider}, {how}: `{course.incident}`"
        yield Para(words.cut(course.name, 300), is_quote=True)
    if count > _SHOWN:
        yield f"… and {count - _SHOWN} more: `/brownout history`"


def _lost(found: Lookback) -> Iterator[str]:
    if not found.lost:
        return
    yield "**Minutes lost**"
    for name, spans in found.lost[:_LOST]:
        parts = [f"{_minutes(spent)} {words.CONDITIONS[c]}" for c, spent in spans.items() if spent >= _A_MINUTE]
        yield f"• {name}: {words.listing(parts) or 'under a minute'}"
    if len(found.lost) > _LOST:
        yield f"… and {len(found.lost) - _LOST} more surfaces: `/brownout uptime`"


def _judged(found: Lookback) -> Iterator[str]:
    held, graded = found.estimates
    if said := record(found.judged):
        yield f"**Verdicts**: {said}."
    if graded:
        yield f"**Estimates**: {held} of {graded} incidents were over within what 9 of 10 should be."


def _blind(found: Lookback) -> Iterator[str]:
    if found.blind:
        each = (f"{name} {_minutes(spent)}" for name, spent in found.blind[:_LOST])
        rest = f" and {len(found.blind) - _LOST} more pages" if len(found.blind) > _LOST else ""
        yield f"**Blind**, so that nothing is known of that time: {words.listing(each)}{rest}."


def _planned(found: Lookback, zone: ZoneInfo) -> Iterator[str]:
    if found.planned:
        provider, incident = found.planned
        when = f" {_at(incident.scheduled_for, zone)}" if incident.scheduled_for else ""
        yield f"Next planned maintenance:{when}, {provider}, `{incident.id}`."


def _targets(found: Lookback) -> str:
    return words.cut(words.listing(found.targets), 300, " …")


def _minutes(spent: timedelta) -> str:
    """Minutes are the unit of a budget; long ones are told in hours too."""
    whole = round(spent / _A_MINUTE)
    return f"{whole} min" + (f" ({words.span(spent.total_seconds())})" if whole >= 120 else "")  # noqa: PLR2004


def _at(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%a %d %b %H:%M}"


def _span(window: Window, zone: ZoneInfo) -> str:
    return f"{_at(window.start, zone)} to {_at(window.end, zone)}"
