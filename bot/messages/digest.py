"""The digest of one channel: what broke, how long it lasted, how right the advice was. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.domain import Condition, DigestSchedule, Incident, Message
from bot.domain.reliability import IncidentCourse, TimeWindow, VerdictAccuracy
from bot.messages import answers, formatting, words
from bot.messages.builder import Paragraph, build_message

_MAX_SURFACES = 8
_A_MINUTE, _A_DAY, _A_WEEK = timedelta(minutes=1), timedelta(days=1), timedelta(days=7)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class DigestContent:
    """Everything that one channel's digest shows; names are display names.

    Attributes:
        window: The time that the digest covers.
        targets: The names of what the channel is subscribed to.
        broke: Incidents with their provider's name, oldest first.
        lost: Surfaces' names with their bad time by condition.
        counts: How many incidents affected a surface, by its name; one that is missing had none.
        judged: How right the advice was.
        estimates: How many incidents ended within their estimate's P90, and how many were graded.
        blind: Providers' names and for how long their page could not be read.
        planned: The next planned maintenance with its provider's name.
    """

    window: TimeWindow
    targets: Sequence[str]
    broke: Sequence[tuple[str, IncidentCourse]] = ()
    lost: Sequence[tuple[str, Mapping[Condition, timedelta]]] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    judged: VerdictAccuracy = field(default_factory=VerdictAccuracy)
    estimates: tuple[int, int] = (0, 0)
    blind: Sequence[tuple[str, timedelta]] = ()
    planned: tuple[str, Incident] | None = None

    @property
    def is_calm(self) -> bool:
        """True if nothing broke and every page could be read all the time."""
        return not self.broke and not self.lost and not self.blind


def digest_message(content: DigestContent, schedule: DigestSchedule) -> Message:
    """The digest as a message; one line if nothing happened. Times are in the schedule's time zone."""
    zone = ZoneInfo(schedule.zone)
    days = max(round(content.window.length / _A_DAY), 1)
    span = formatting.pluralize(days, "day")
    name = "Weekly digest" if content.window.length >= _A_WEEK - _A_DAY / 2 else "Daily digest"
    if content.is_calm:
        lines = [
            f"{answers.OK} {name}: no incidents for {_target_names(content)} ({span}).",
            *_maintenance_lines(content, zone),
        ]
        return answers.build_answer(lines)
    return answers.with_buttons(
        build_message(
            f"{name}, {_format_window(content.window, zone)}",
            [
                *_incident_lines(content, zone, span),
                *_downtime_lines(content),
                *_accuracy_lines(content),
                *_unreadable_lines(content),
                *_maintenance_lines(content, zone),
                f"Times: {schedule.zone}.",
            ],
        ),
        [("Uptime", f"uptime {days}d"), ("History", f"history {days}d"), ("Settings", "settings")],
    )


def describe_schedule(schedule: DigestSchedule) -> str:
    """The schedule of a channel's digest, in words."""
    when = "every day" if schedule.weekday is None else f"every {WEEKDAYS[schedule.weekday]}"
    condition = "" if schedule.on_calm else ", only if something happened"
    return f"{when} at {schedule.at:%H:%M} {schedule.zone}{condition}"


def accuracy_text(accuracy: VerdictAccuracy) -> str:
    """How right the advice was, in words; empty if it held nothing for a minute."""
    parts = []
    if accuracy.openings:
        openings = formatting.pluralize(accuracy.openings, "re-opening")
        recent = f", {accuracy.recent} not yet judged" if accuracy.recent else ""
        parts.append(f"{openings}, {accuracy.early} too early{recent}")
    if accuracy.held >= _A_MINUTE:
        services = f" over {accuracy.services} services" if accuracy.services > 1 else ""
        held = formatting.format_duration(accuracy.held.total_seconds())
        parts.append(f"held {held} (service-minutes{services})" if services else f"held {held}")
    return " · ".join(parts)


def _incident_lines(content: DigestContent, zone: ZoneInfo, span: str) -> Iterator[Paragraph | str]:
    if not content.broke:
        yield f"**No incidents** for {_target_names(content)} ({span}), as far as the status pages could be read"
        return
    count, end = len(content.broke), content.window.end
    durations = [(((c.resolved_at or end) - c.posted_at), provider, c) for provider, c in content.broke]
    total = formatting.format_duration(_union_length([c for _, c in content.broke], content.window).total_seconds())
    yield f"**{formatting.pluralize(count, 'incident')}, {total} with an open incident** for {_target_names(content)}"
    longest, provider, course = max(durations, key=lambda item: item[0])
    state = "" if course.resolved_at else ", still open at the end"
    begun = _format_local(course.posted_at, zone)
    yield (
        f"Longest: {provider}, {begun}, {formatting.format_duration(longest.total_seconds())}{state}:"
        f" `{course.incident}`"
    )
    yield Paragraph(formatting.truncate(course.name, 300), is_quote=True)


def _union_length(courses: Sequence[IncidentCourse], window: TimeWindow) -> timedelta:
    """The time of the window in which at least one of these incidents was open."""
    total, reached = timedelta(), window.start
    for course in sorted(courses, key=lambda c: c.posted_at):
        start, end = max(course.posted_at, reached), min(course.resolved_at or window.end, window.end)
        total += max(end - start, timedelta())
        reached = max(reached, end)
    return total


def _downtime_lines(content: DigestContent) -> Iterator[str]:
    if not content.lost:
        return
    lines = []
    for name, spans in content.lost[:_MAX_SURFACES]:
        spent = sum(spans.values(), timedelta())
        parts = [
            formatting.format_duration(spent.total_seconds()) if spent >= _A_MINUTE else "under 1 min",
            formatting.join_names(str(words.CONDITION_STATUS[c]) for c, time in spans.items() if time >= _A_MINUTE),
            formatting.pluralize(n, "incident") if (n := content.counts.get(name, 0)) else "",
        ]
        lines.append(f"• {name} · {' · '.join(filter(None, parts))}")
    if len(content.lost) > _MAX_SURFACES:
        lines.append(f"+{len(content.lost) - _MAX_SURFACES} more services: `/brownout uptime`")
    yield "\n".join(lines)


def _accuracy_lines(content: DigestContent) -> Iterator[str]:
    right, graded = content.estimates
    parts = [f"**Advice:** {text}"] if (text := accuracy_text(content.judged)) else []
    parts += [f"**Duration estimates:** {right} of {graded} right"] if graded else []
    if parts:
        yield " · ".join(parts)


def _unreadable_lines(content: DigestContent) -> Iterator[str]:
    if content.blind:
        pages = [
            f"{name} page, {formatting.format_duration(spent.total_seconds())}"
            for name, spent in content.blind[:_MAX_SURFACES]
        ]
        more = len(content.blind) - _MAX_SURFACES
        yield f"**Unreadable:** {'; '.join(pages)}{f'; +{more} more pages' if more > 0 else ''}"


def _maintenance_lines(content: DigestContent, zone: ZoneInfo) -> Iterator[str]:
    if content.planned:
        provider, incident = content.planned
        when = f", {_format_local(incident.scheduled_for, zone)}" if incident.scheduled_for else ""
        yield f"**Planned:** {provider} maintenance{when}: `{incident.id}`"


def _target_names(content: DigestContent) -> str:
    return formatting.truncate(", ".join(content.targets), 300, " …")


def _format_local(at: datetime, zone: ZoneInfo) -> str:
    return f"{_format_day(at.astimezone(zone))} {at.astimezone(zone):%H:%M}"


def _format_window(window: TimeWindow, zone: ZoneInfo) -> str:
    start, end = window.start.astimezone(zone), window.end.astimezone(zone)
    return f"{_format_day(start)} to {_format_day(end)}"


def _format_day(at: datetime) -> str:
    return f"{at.day} {at:%b}"
