"""The answer to ``timeline``: every step of an incident by our time; on request also what was sent about it. No I/O.

Changes of the same kind within one minute are one line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.domain import (
    Advice,
    Condition,
    Event,
    EventKind,
    IncidentEnding,
    Message,
    Provider,
    Stage,
    Surface,
    TrackedIncident,
)
from bot.messages import answers, block_kit, formatting, summary, text_diff, words
from bot.messages.builder import Paragraph, build_message
from bot.messages.summary import with_vendor_times

_MAX_PAGE, _MAX_PARAGRAPHS = 9000, 20  # characters and paragraphs of a page; Slack takes 12,000 and 50
MAX_QUOTE = 1400  # characters of one quotation in a page
_MAX_LINE_QUOTE = 160  # characters of one in a line
_PAGE_BUTTONS_FROM = 80  # number of the first button
_USER_EVENTS = (EventKind.NOTE, EventKind.CORRECTION, EventKind.LABEL_ADDED, EventKind.LABEL_REMOVED)
_CHANGES = (EventKind.SURFACE_CHANGED, EventKind.VERDICT_CHANGED)
_SAID_BY_AN_UPDATE = (EventKind.INCIDENT_OPENED, EventKind.INCIDENT_RESOLVED)
_SENT_KINDS = {"alert": "alert", "edit": "alert updated", "reply": "reply in the thread"}
_SENT_STATES = {"sent": "sent to", "parked": "given up for"}


class SentNotification(Protocol):
    """A notification about the incident, and the state of its delivery."""

    @property
    def channel(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def state(self) -> str: ...  # noqa: D102
    @property
    def at(self) -> datetime: ...  # noqa: D102
    @property
    def error(self) -> str | None: ...  # noqa: D102


@dataclass(slots=True)
class _Minute:
    """What happened within one minute: its steps in order, and the changes of services at the place of the first."""

    at: datetime
    events: list[Event] = field(default_factory=list)
    sent: list[SentNotification] = field(default_factory=list)


def timeline_message(
    tracked: TrackedIncident,
    provider: Provider,
    events: Sequence[Event],
    surfaces: Mapping[str, Surface],
    *,
    labels: Sequence[str] = (),
    sent: Sequence[SentNotification] = (),
    page: int | None = None,
    surroundings: summary.Surroundings = summary.NO_SURROUNDINGS,
) -> Message:
    """Every step with our time, what edits changed, and the notifications in ``sent``.

    What other incidents changed at its services while it was open is among the steps, with that incident's id.

    In pages, the newest is first; the whole begins with the oldest.

    Args:
        tracked: The incident; a backfilled one is shown with the vendor's times only.
        provider: Its provider.
        events: The incident's events.
        surfaces: Surfaces by id.
        labels: The incident's labels.
        sent: The notifications about it that are shown.
        page: The number of a page that fits into one message of Slack, from 1; None for the whole.
        surroundings: What is recorded beside it.
    """
    lines: list[Paragraph | str] = [Paragraph(tracked.incident.name, is_quote=True)]
    if tracked.is_backfilled:
        lines.append(f"Imported {formatting.format_datetime(tracked.seen_at)}; {_clock_note(tracked, events)}")
    if labels:
        lines.append(f"Labels: {', '.join(labels)}.")
    minutes = _by_minute(_all_events(tracked, events, surroundings), sent)
    shown = _shown_steps(minutes, events, _names(minutes, tracked, provider, surfaces, surroundings))
    days = {minute.at.date() for minute in minutes}
    day = f"{min(days)}, " if len(days) == 1 else ""
    title = f"{provider.name}: timeline of {tracked.incident.id} ({day}UTC)"
    if page is None:
        return build_message(title, [*lines, *(p for step in shown for p in step)])
    return _page_message(title, lines, [*_pages(shown[::-1])], page, tracked.incident.id)


def timeline_steps(
    tracked: TrackedIncident,
    provider: Provider,
    events: Sequence[Event],
    surfaces: Mapping[str, Surface],
    *,
    surroundings: summary.Surroundings = summary.NO_SURROUNDINGS,
) -> list[str]:
    """The same steps as one line of plain text each, the newest first; quotations are cut."""
    minutes = _by_minute(_all_events(tracked, events, surroundings), ())
    shown = _shown_steps(minutes, events, _names(minutes, tracked, provider, surfaces, surroundings))
    return [" ".join(map(_in_line, step)) for step in shown[::-1]]


def _in_line(part: Paragraph | str) -> str:
    if isinstance(part, str):
        return part
    return f"“{formatting.truncate(' '.join(part.text.split()), _MAX_LINE_QUOTE, '…')}”"


def _names(
    minutes: Sequence[_Minute],
    tracked: TrackedIncident,
    provider: Provider,
    surfaces: Mapping[str, Surface],
    surroundings: summary.Surroundings,
) -> _Names:
    vendor = provider.vendor or provider.name
    is_resolved = any(u.stage.is_closed for u in tracked.incident.updates) or tracked.ending is IncidentEnding.RESOLVED
    ending = "" if is_resolved else summary.ending_text(tracked, vendor)
    is_one_day = len({minute.at.date() for minute in minutes}) == 1
    clock = "%H:%M" if is_one_day else "%Y-%m-%d %H:%M"
    return _Names(surfaces, vendor, clock, ending, tracked, surroundings)


def _shown_steps(minutes: Iterable[_Minute], events: Iterable[Event], names: _Names) -> list[list[Paragraph | str]]:
    corrections: dict[int | None, int | None] = {e.about: e.id for e in events if e.about is not None}
    return [step for minute in minutes for step in _minute_steps(minute, names, corrections)]


def _clock_note(tracked: TrackedIncident, events: Iterable[Event]) -> str:
    """Whose times those of an imported incident are."""
    posts = {u.display_at for u in tracked.incident.updates}
    steps = (e for e in events if not e.author and e.kind not in _CHANGES)
    if all((e.happened_at or e.seen_at) in posts for e in steps):
        return "all times are the vendor's."
    return "posts have the vendor's times, other steps those of the recorded polls."


def days_text(
    tracked: TrackedIncident, events: Sequence[Event], surroundings: summary.Surroundings = summary.NO_SURROUNDINGS
) -> str:
    """The zone of a timeline's times, after the day where all of them are of one."""
    days = {e.seen_at.date() for e in _all_events(tracked, events, surroundings)}
    return f"{min(days)}, UTC" if len(days) == 1 else "UTC"


def _all_events(
    tracked: TrackedIncident, events: Sequence[Event], surroundings: summary.Surroundings
) -> Sequence[Event]:
    """The incident's events, and the changes by others from its first post on.

    A service that was affected before has the last change before it too. In an imported incident, and in one whose text
    states when it was, services change when the record says so, whichever poll saw it.
    """
    own = list(with_vendor_times(tracked, events))
    changes: Sequence[Event] = surroundings.changes
    stated = surroundings.stated.windows
    if (tracked.is_backfilled or stated) and surroundings.courses:
        own = [e for e in own if e.kind is not EventKind.SURFACE_CHANGED]
        changes = surroundings.courses
    first = min([*(e.seen_at for e in own), *(w.start for w in stated)], default=tracked.seen_at)
    before = {e.surface: e for e in changes if e.seen_at < first and e.kind is EventKind.SURFACE_CHANGED}
    since = [e for e in before.values() if e.condition and e.condition.is_bad]
    shown = [*since, *own, *_shown_changes(changes, first, {e.surface for e in since})]
    return [*shown, *_unseen_changes(tracked, shown, surroundings)]


def _unseen_changes(
    tracked: TrackedIncident, shown: Iterable[Event], surroundings: summary.Surroundings
) -> Iterator[Event]:
    """What the vendor's transitions say of services that had recovered before a poll saw them affected."""
    seen = {e.surface for e in shown if e.condition and e.condition.is_bad}
    unseen = (e for e in surroundings.courses if e.surface in tracked.surfaces and e.surface not in seen)
    yield from _shown_changes(unseen, summary.posted_at(tracked, ()), set())


def _shown_changes(changes: Iterable[Event], first: datetime, affected: set[str | None]) -> Iterator[Event]:
    """The changes from ``first`` on, of each service from when it is affected."""
    for event in changes:
        is_known_well = event.condition in (Condition.OPERATIONAL, Condition.UNKNOWN)
        if event.seen_at < first or (event.surface not in affected and is_known_well):
            continue
        affected.add(event.surface)
        yield event


@dataclass(frozen=True, slots=True)
class _Names:
    """What the lines of a timeline need: surfaces by id, the vendor's name, and how a time is written.

    ``ending`` says how the incident ended where the vendor did not resolve it; else it is empty.
    """

    surfaces: Mapping[str, Surface]
    vendor: str
    clock: str
    ending: str
    tracked: TrackedIncident
    surroundings: summary.Surroundings

    def status(self, event: Event) -> str:
        """The status that a service got, what it rests on, and which other incident it is of."""
        return summary.status_text(event, self.tracked, self.surroundings)

    def short(self, surface: str) -> str:
        found = self.surfaces.get(surface)
        return (found.short or found.name) if found else surface


def _by_minute(events: Iterable[Event], sent: Iterable[SentNotification]) -> list[_Minute]:
    minutes: dict[datetime, _Minute] = {}
    steps = [(e.seen_at, 0, e) for e in events] + [(s.at, 1, s) for s in sent]
    for at, _, step in sorted(steps, key=lambda step: step[:2]):
        start = at.replace(second=0, microsecond=0)
        minute = minutes.setdefault(start, _Minute(start))
        if isinstance(step, Event):
            minute.events.append(step)
        else:
            minute.sent.append(step)
    return list(minutes.values())


def _minute_steps(
    minute: _Minute, names: _Names, corrections: Mapping[int | None, int | None]
) -> Iterator[list[Paragraph | str]]:
    """The steps of one minute; that an incident opened or ended is left out where an update of the minute says it."""
    clock = format(minute.at, names.clock)
    stages = {e.stage for e in minute.events if e.kind is EventKind.UPDATE_POSTED}
    changes = [e for e in minute.events if e.kind in _CHANGES and e.surface]
    for event in minute.events:
        if event in changes:
            if event is changes[0]:
                for line in _change_lines(changes, names):
                    yield [f"{clock}  {line}"]
        elif not _is_said(event, stages, names.tracked):
            yield _event_paragraphs(event, clock, names, corrections)
    for notification in minute.sent:
        yield [_notification_line(notification, clock)]


def _is_said(event: Event, stages: set[Stage | None], tracked: TrackedIncident) -> bool:
    """Whether an update of the minute, in one of these stages, says that the incident opened or ended."""
    if event.kind is EventKind.INCIDENT_OPENED and summary.is_posted_late(tracked):
        return bool(stages)
    return event.kind in _SAID_BY_AN_UPDATE and event.stage in stages


def _change_lines(changes: Iterable[Event], names: _Names) -> Iterator[str]:
    """One line for each distinct change, with the names of all services that it is the change of."""
    statuses: dict[str, str] = {}
    advice: dict[str, str] = {}
    for event in changes:
        surface = event.surface or ""
        if event.kind is EventKind.SURFACE_CHANGED and event.condition:
            statuses[surface] = names.status(event)
        elif event.verdict:
            advice[surface] = _advice_text(event.verdict, event.exposure)
    grouped: dict[str, list[str]] = {}
    for surface in dict.fromkeys([*statuses, *advice]):
        texts = [part for part in (statuses.get(surface), advice.get(surface)) if part]
        is_unknown = texts == [formatting.CONDITION_WORDS[Condition.UNKNOWN], "advice unknown"]
        text = texts[0] if is_unknown else " · ".join(texts)
        grouped.setdefault(text, []).append(names.short(surface))
    yield from (f"{', '.join(services)}: {text}" for text, services in grouped.items())


def _advice_text(advice: Advice, exposure: float | None) -> str:
    if advice is Advice.UNKNOWN:
        return "advice unknown"
    phrase = words.ADVICE_STYLES[advice].phrase
    load = f" ({words.load_text(exposure)})" if advice is Advice.RETRY_GENTLY and exposure else ""
    return f"{phrase[0].lower()}{phrase[1:]}{load}"


def _page_message(
    title: str, lines: Sequence[Paragraph | str], pages: Sequence[Sequence[Paragraph | str]], page: int, incident: str
) -> Message:
    """One page with the buttons to the others; the nearest where there is no such page."""
    number = min(max(page, 1), max(len(pages), 1))
    buttons = [("Older", f"timeline {incident} page:{number + 1}")] if number < len(pages) else []
    buttons += [("Newer", f"timeline {incident} page:{number - 1}")] if number > 1 else []
    order = "Newest first" + (f", page {number} of {len(pages)}." if len(pages) > 1 else ".")
    message = build_message(title, [*lines, order, *(pages[number - 1] if pages else ())])
    return answers.with_buttons(message, buttons, _PAGE_BUTTONS_FROM)


def _pages(steps: Iterable[Sequence[Paragraph | str]]) -> Iterator[list[Paragraph | str]]:
    """The steps in pages of so many characters and paragraphs as one message takes. A long quotation is shortened."""
    page: list[Paragraph | str] = []
    for step in steps:
        shortened = [_shorten(part) for part in step]
        if page and (_length([*page, *shortened]) > _MAX_PAGE or len(page) + len(shortened) > _MAX_PARAGRAPHS):
            yield page
            page = []
        page += shortened
    if page:
        yield page


def _shorten(part: Paragraph | str) -> Paragraph | str:
    return Paragraph(formatting.truncate(part.text, MAX_QUOTE), is_quote=True) if isinstance(part, Paragraph) else part


def _length(parts: Iterable[Paragraph | str]) -> int:
    """Characters in Slack, where a quotation has a mark before each line and some characters are escaped."""
    texts = [part.text if isinstance(part, Paragraph) else part for part in parts]
    return sum(len(block_kit.quote_mrkdwn(text, block_kit.MAX_TEXT)) for text in texts)


def _event_paragraphs(
    event: Event, clock: str, names: _Names, corrections: Mapping[int | None, int | None]
) -> list[Paragraph | str]:
    if event.kind in _USER_EVENTS:
        return _user_event_paragraphs(event, clock, corrections)
    is_other_end = bool(names.ending) and event.kind is EventKind.INCIDENT_RESOLVED
    text = names.ending if is_other_end else summary.event_text(event, names.surfaces, vendor=names.vendor)
    paragraphs: list[Paragraph | str] = [f"{clock}  {text}".removesuffix(" ")]
    if event.kind is EventKind.UPDATE_POSTED or (event.kind is EventKind.REPORTED and event.text):
        paragraphs.append(Paragraph(event.text or "", is_quote=True))
    if event.kind in (EventKind.UPDATE_EDITED, EventKind.INCIDENT_CHANGED):
        changes = text_diff.mark_changes(event.before or "", event.text or "")
        paragraphs.append(Paragraph(changes or event.text or "", is_quote=True))
    return paragraphs


def _user_event_paragraphs(
    event: Event, clock: str, corrections: Mapping[int | None, int | None]
) -> list[Paragraph | str]:
    author = event.author or "unknown"
    if event.kind in (EventKind.LABEL_ADDED, EventKind.LABEL_REMOVED):
        change = "added" if event.kind is EventKind.LABEL_ADDED else "removed"
        return [f"{clock}  label {change} by {author}: “{event.text}”"]
    about = f" of #{event.about}" if event.about is not None else ""
    correction = f" (corrected by #{corrections[event.id]})" if event.id in corrections else ""
    return [
        f"{clock}  {event.kind} #{event.id}{about} by {author}{correction}",
        Paragraph(event.text or "", is_quote=True),
    ]


def _notification_line(sent: SentNotification, clock: str) -> str:
    kind, outcome = _SENT_KINDS.get(sent.kind, sent.kind), _SENT_STATES.get(sent.state, "queued for")
    error = f": {sent.error}" if sent.error and sent.state != "sent" else ""
    return f"{clock}  {kind} {outcome} {sent.channel}{error}"
