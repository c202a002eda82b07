"""The commands about past incidents: timeline, history and uptime show them; note and label add to a timeline."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot import lookup
from bot.commands import grammar, questions
from bot.commands.parsing import HISTORY_LIMITS, find_by_words, plain_text, split_off_days
from bot.commands.types import Command, CommandRequest, CommandResponse
from bot.domain import Event, EventKind, NewsItem, NewsKind, NotificationKind, Surface, TrackedIncident
from bot.domain.reliability import IncidentCourse
from bot.domain.subscription import TERMINAL
from bot.errors import UsageError
from bot.messages import reliability, replies, summary
from bot.messages.builder import build_message, join_messages
from bot.messages.month import month_message
from bot.messages.timeline import SentNotification, timeline_message
from bot.messages.words import Status
from bot.queries import incident_export
from bot.queries.current import StatusQueries
from bot.queries.history import HistoryQueries
from bot.queries.month import monthly_report, parse_month
from bot.rules.changes.diff import first_posted_at

UPTIME_DAYS, HISTORY_DAYS = 90, 30
_MONTH = re.compile(r"\d{4}-\d{2}")  # a calendar month, such as 2026-11
_MAX_DAYS = 3650
_MISSING = {
    "timeline": "Which incident? Example: `/brownout timeline last`",
    "note": "What is the note? Example: `/brownout note Switched batch jobs to OpenAI.`",
    "label": "Which label? Example: `/brownout label last cache`",
}
DELIVERIES = "deliveries"  # the word that adds the sent messages to a timeline
CORRECTS_PREFIX, OFF_PREFIX = "corrects:", "off:"


def timeline(queries: StatusQueries, request: CommandRequest) -> CommandResponse:
    """Every event of an incident; in Slack the newest first, in pages.

    Where ``deliveries`` is typed, a channel's own notifications are listed too; on the command line, those of all.
    """
    is_terminal = request.channel == TERMINAL
    words = [w for w in _require_words(request, "timeline") if not w.casefold().startswith(questions.PAGE_PREFIX)]
    wants_deliveries = any(w.casefold().lstrip("-") == DELIVERIES for w in words)
    named = replace(request, words=tuple(w for w in words if w.casefold().lstrip("-") != DELIVERIES))
    typed = questions.incident_name(queries, named) or "last"
    provider, tracked, events = queries.find_incident(typed, request.channel)
    archive = queries.repository.archive
    sent = [
        d
        for d in archive.deliveries(tracked.incident.id)
        if wants_deliveries and (is_terminal or _is_new_message(request.channel, d))
    ]
    return CommandResponse(
        timeline_message(
            tracked,
            provider,
            events,
            queries.surfaces(),
            labels=archive.incident_labels(tracked.incident.id),
            sent=sent,
            page=None if is_terminal else questions.requested_page(request.words),
            surroundings=incident_export.surroundings(queries, provider, tracked),
        )
    )


def _is_new_message(channel: str, notification: SentNotification) -> bool:
    """Whether this is a new message of the channel, not an edit of an earlier one."""
    return notification.channel == channel and (notification.kind, notification.state) != (
        NotificationKind.EDIT,
        "sent",
    )


def uptime(queries: StatusQueries, request: CommandRequest) -> CommandResponse:
    """The availability of one surface day by day, or one line for each of several surfaces; or a calendar month."""
    if months := [w for w in request.words if _MONTH.fullmatch(w)]:
        return _month(queries, months[-1], tuple(w for w in request.words if w not in months))
    words, days = split_off_days(request.words, UPTIME_DAYS)
    history_queries = HistoryQueries(queries.repository.archive, queries.now())
    window = history_queries.last_days(days)
    surfaces = _requested_surfaces(queries, words)
    if len(surfaces) == 1:
        report = history_queries.surface_uptime(surfaces[0], window)
        message = reliability.uptime_message(report.surface.name, report.figures, report.days, report.study)
        return CommandResponse(message, export=f"uptime {' '.join(request.words)}")
    figures = [history_queries.surface_uptime(s, window).figures for s in surfaces]
    return CommandResponse(reliability.uptime_overview(figures, {s.id: s.name for s in surfaces}, window))


def _month(queries: StatusQueries, typed: str, words: Sequence[str]) -> CommandResponse:
    """The report of a calendar month: of the provider that the words name, or of all."""
    named = named_words(words)
    providers = [_find_target(queries, named).provider] if named else queries.providers
    history_queries = HistoryQueries(queries.repository.archive, queries.now())
    return CommandResponse(month_message(monthly_report(history_queries, providers, parse_month(typed))))


def history(queries: StatusQueries, request: CommandRequest) -> CommandResponse:
    """The incidents of a surface, of a provider, or of all providers, the newest first."""
    words, days = split_off_days(request.words, HISTORY_DAYS)
    history_queries = HistoryQueries(queries.repository.archive, queries.now())
    window = history_queries.last_days(days)
    words = named_words(words)
    target = _find_target(queries, words) if words else None
    providers = [target.provider.id] if target else [p.id for p in queries.providers]
    if target is None or target.id == target.provider.id:
        courses = queries.repository.archive.incident_courses(providers, window)
    else:
        courses = queries.repository.archive.surface_incident_courses(target.id, window)
    name, newest = target.name if target else "all providers", None if courses else _newest_posted_at(queries, target)
    known = queries.repository.archive.known_period(providers)
    longer = min(max(round(days * 2), 1), _MAX_DAYS)
    message = reliability.history_message(
        *(name, _with_last_checks(queries, courses), window, queries.now(), newest),
        statuses=_worst_statuses(queries, courses),
        monitored_since=known.start if known else None,
        longer=(f"{longer} days", " ".join(["history", *words, f"{longer}d"])) if longer > days else None,
    )
    return CommandResponse(join_messages([message, build_message("", _unmonitored_lines(queries, courses))]))


def _with_last_checks(queries: StatusQueries, courses: Sequence[IncidentCourse]) -> list[IncidentCourse]:
    """The courses; the open ones with the last check of their page where that is not checked any more."""
    found = {c.provider: queries.repository.last_polled_at(c.provider) for c in courses if c.resolved_at is None}
    old = {p: at for p, at in found.items() if at and queries.now() - at > replies.MAX_POLL_AGE}
    return [replace(c, last_check=old.get(c.provider)) if c.resolved_at is None else c for c in courses]


def _unmonitored_lines(queries: StatusQueries, courses: Sequence[IncidentCourse]) -> list[str]:
    """That the status page of an open incident is no longer checked, once for each page."""
    found = (queries.repository.tracked_incident(c.incident) for c in courses if c.resolved_at is None)
    return list(
        dict.fromkeys(
            line
            for provider, tracked in filter(None, found)
            for line in summary.unmonitored_lines(tracked, queries.repository.last_polled_at(provider), queries.now())
        )
    )


def _worst_statuses(queries: StatusQueries, courses: Sequence[IncidentCourse]) -> dict[str, Status]:
    """The worst status that each of the listed incidents reached, by incident; without those that reached none."""
    shown = [course.incident for course in courses[::-1][: reliability.MAX_LISTED]]
    found = {i: summary.worst_status(queries.repository.events(i)) for i in shown}
    return {i: status for i, status in found.items() if status}


def _newest_posted_at(queries: StatusQueries, target: lookup.Target | None) -> datetime | None:
    """When the newest incident of the target was first posted, however long ago; None if there is none."""
    is_one = target is not None and target.id != target.provider.id
    provider, surface = target.provider.id if target else None, target.id if target and is_one else None
    incidents = (
        queries.repository.tracked_incident(i)
        for i in queries.repository.incident_ids(provider=provider, surface=surface, limit=1)
    )
    return next((first_posted_at(tracked.incident) for _, tracked in filter(None, incidents)), None)


def note(queries: StatusQueries, request: CommandRequest) -> CommandResponse:
    """Adds a note to a timeline; with ``corrects:N``, a new event that corrects event N."""
    tracked, words = _split_off_incident(queries, request, "note")
    corrected_ids = [w.removeprefix(CORRECTS_PREFIX).removeprefix("#") for w in words if w.startswith(CORRECTS_PREFIX)]
    text = plain_text(" ".join(w for w in words if not w.startswith(CORRECTS_PREFIX)))
    if not text:
        raise UsageError(_MISSING["note"])
    event = _build_event(queries, request, tracked, EventKind.NOTE, text)
    if corrected_ids:
        corrected_events = [
            e for e in queries.repository.events(tracked.incident.id, request.channel) if str(e.id) == corrected_ids[-1]
        ]
        if not corrected_events:
            raise UsageError(f"The timeline of {tracked.incident.id} has no #{corrected_ids[-1]} to correct.")
        event = replace(event, kind=EventKind.CORRECTION, about=corrected_events[0].id)
    number = save_note(queries, event)
    return CommandResponse(replies.note_added_message(tracked.incident.id, number, event.about))


def save_note(queries: StatusQueries, event: Event, key: str = "") -> int:
    """Stores a note and queues it for the channel's thread. Returns its id. A repeated ``key`` has no effect."""
    by = event.author or "unknown"
    says = f"{by}, correcting #{event.about}," if event.about is not None else by
    key = key or str(queries.repository.latest_event_id() + 1)
    item = NewsItem((NewsKind.NOTE,), f"note:{key}", event.seen_at, quote=event.text or "", by=says)
    return queries.repository.user_actions.add_note(event, item)


def label(queries: StatusQueries, request: CommandRequest) -> CommandResponse:
    """Adds labels to an incident and removes them. Labels are visible in every channel."""
    tracked, words = _split_off_incident(queries, request, "label")
    if not words:
        raise UsageError(_MISSING["label"])
    for word in words:
        kind = EventKind.LABEL_REMOVED if word.startswith(OFF_PREFIX) else EventKind.LABEL_ADDED
        event = _build_event(queries, request, tracked, kind, word.removeprefix(OFF_PREFIX))
        queries.repository.archive.add_event(replace(event, channel=None))
    return CommandResponse(
        replies.labels_message(
            tracked.incident.id,
            queries.repository.archive.incident_labels(tracked.incident.id),
            [w for w in words if not w.startswith(OFF_PREFIX)],
        ),
        in_channel=True,
    )


def _requested_surfaces(queries: StatusQueries, words: Sequence[str]) -> tuple[Surface, ...]:
    """The surfaces that the words name; all surfaces if there are no words."""
    if words := named_words(words):
        return _find_target(queries, words).surfaces
    return tuple(s for p in queries.providers for s in p.surfaces)


def named_words(words: Sequence[str]) -> tuple[str, ...]:
    """The words that name a service, without grammar; none for ``all``."""
    return () if grammar.is_all(words) else grammar.without_grammar(words)


def _find_target(queries: StatusQueries, words: Sequence[str]) -> lookup.Target:
    return find_by_words(queries.resolve_target, words, HISTORY_LIMITS)


def _require_words(request: CommandRequest, verb: str) -> tuple[str, ...]:
    if not request.words:
        raise UsageError(_MISSING[verb], actions=(("Recent incidents", "history"),))
    return request.words


def _split_off_incident(
    queries: StatusQueries, request: CommandRequest, verb: str
) -> tuple[TrackedIncident, tuple[str, ...]]:
    """The incident and the remaining words.

    If the first word names no incident, it is the newest one that this channel was notified of.
    """
    first, *rest = _require_words(request, verb)
    is_named = first == "last" or queries.repository.tracked_incident(first) is not None
    _, tracked, _ = queries.find_incident(
        first if is_named else queries.repository.user_actions.latest_incident(request.channel) or "last"
    )
    return tracked, tuple(rest) if is_named else request.words


def _build_event(
    queries: StatusQueries, request: CommandRequest, tracked: TrackedIncident, kind: EventKind, text: str
) -> Event:
    """An event of a timeline: visible in the channel where it was written; by command line, everywhere."""
    provider, _, _ = queries.find_incident(tracked.incident.id)
    is_command_line = request.channel == TERMINAL
    author = "the command line" if is_command_line and not request.user else request.person.name
    at = queries.now()
    channel = None if is_command_line else request.channel
    return Event(kind, provider.id, at, at, incident=tracked.incident.id, text=text, author=author, channel=channel)


_LENGTH_HELP = (
    "Without a length of time it covers the last {} days. A length is from 1h to 10y, such as `30d`, `2w`, `3mo` or"
    " `1y`; `m` is minutes, so months are `mo`."
)

HISTORY_COMMANDS = {
    "timeline": Command("<incident>", "every step of an incident, the newest first", timeline, is_question=True),
    "history": Command(
        "[service|provider] [30d]",
        "past incidents, the newest first",
        history,
        is_question=True,
        more=_LENGTH_HELP.format(HISTORY_DAYS),
    ),
    "uptime": Command(
        "[service|provider] [90d]",
        "how reliable a service was, day by day",
        uptime,
        is_question=True,
        more=f"{_LENGTH_HELP.format(UPTIME_DAYS)} A month such as `2026-11` gives the report of that month.",
    ),
    "note": Command("[incident] [corrects:N] <text>", "adds a note to an incident's timeline", note),
    "label": Command("[incident] <label>... [off:label]", "labels an incident", label),
}
