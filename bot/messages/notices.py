"""Notices as messages: what concerns a source or a channel and no incident. No I/O.

As with alerts, the plain text is complete by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from bot.domain import Advice, Incident, Message, Notice, NoticeKind
from bot.messages import alert_actions, block_kit, formatting, markup, words
from bot.messages.words import Status

_MAX_LISTED = 20  # incidents in one notice
_CHANNEL = re.compile(r"[CG][A-Z0-9]+")  # a channel's id in Slack
_MAX_LINES_LENGTH = 6000  # characters of the list of incidents
_MAX_WHY = 300  # characters
_MAX_NAMES = 3  # services in a line
_WARNING = words.STATUS_STYLES[Status.DEGRADED].emoji
_OK = words.STATUS_STYLES[Status.OPERATIONAL].emoji


def render_notice(notice: Notice) -> Message:
    """The message of a notice; the prepared one if the notice has one."""
    if notice.said is not None:
        return replace(notice.said, key=notice.key)
    if notice.kind in (NoticeKind.BLIND, NoticeKind.BACK):
        return _readability_message(notice)
    text = _TEXT_OF_KIND[notice.kind](notice)
    lines = [f"• {markup.clean(formatting.truncate(i.name, 160))} ({_incident_time(i, notice)})" for i in notice.open]
    more_count = len(lines) - _MAX_LISTED
    lines = [*lines[:_MAX_LISTED], *([f"+{more_count} more"] if more_count > 0 else [])]
    blocks = [
        block_kit.section(_with_channel_link(markup.to_mrkdwn(text), notice)),
        *block_kit.sections(map(markup.to_mrkdwn, lines), _MAX_LINES_LENGTH),
        *_buttons(notice),
    ]
    plain = block_kit.escape("\n".join(map(markup.to_plain, [text, *lines])))
    return Message(
        block_kit.truncate_mrkdwn(_with_channel_link(plain, notice), block_kit.MAX_TEXT),
        tuple(blocks),
        key=notice.key,
    )


def _buttons(notice: Notice) -> Iterator[block_kit.Block]:
    if notice.kind is NoticeKind.ALARM:
        yield alert_actions.question_buttons([("Sources", "sources")])


def _incident_time(incident: Incident, notice: Notice) -> str:
    if notice.kind is NoticeKind.MISSED and incident.updates:
        start, end = incident.updates[0].display_at, incident.updates[-1].display_at
        return f"{markup.time(start, notice.at)} to {markup.time(end, notice.at)}"
    return f"{formatting.stage_text(incident.stage)} since {markup.time(incident.created_at, notice.at)}"


def _with_channel_link(escaped: str, notice: Notice) -> str:
    """The text with the id of the channel that the notice is about as a link to it."""
    return escaped.replace(notice.channel, f"<#{notice.channel}>", 1) if _CHANNEL.fullmatch(notice.channel) else escaped


def _why(notice: Notice) -> str:
    return formatting.truncate(markup.clean(notice.why), _MAX_WHY).rstrip(".")


def _start(emoji: str, text: str) -> str:
    return f"{markup.emoji(emoji)} {markup.bold(text)}"


def _length(notice: Notice) -> str:
    return formatting.format_duration(max(notice.at - notice.since, timedelta(0)).total_seconds())


def _readability_message(notice: Notice) -> Message:
    """A page that can't be read, or can again: an alert's form, since it says what to do about its services."""
    is_readable = notice.kind is NoticeKind.BACK
    status = Status.OPERATIONAL if is_readable else Status.UNKNOWN
    style, name = words.STATUS_STYLES[status], notice.provider_name
    title = f"{name} unknown: status page unreadable"
    if is_readable:
        title = f"{name} status page readable again after {_length(notice)}"
    lines = list(_advice_lines(notice)) if is_readable else [_unknown_line(notice)]
    details = [] if is_readable else [_cause_text(notice)]
    shown = [block_kit.section("\n".join(map(markup.to_mrkdwn, lines)))] if lines else []
    bar = [
        *([block_kit.context_elements(map(markup.to_mrkdwn, details))] if details else []),
        alert_actions.question_buttons([("Sources", "sources")]),
    ]
    plain = " ".join(f"{text.rstrip('.')}." for text in (title, *map(markup.to_plain, [*lines, *details])))
    return Message(
        block_kit.truncate_mrkdwn(block_kit.escape(plain), block_kit.MAX_TEXT),
        (block_kit.header(f"{style.emoji} {title}", emoji=True), *shown),
        key=notice.key,
        attachments=({"color": style.bar, "blocks": bar},),
    )


def _count_text(notice: Notice) -> str:
    return "its service" if notice.services == 1 else f"all {notice.services} services"


def _unknown_line(notice: Notice) -> str:
    style = words.ADVICE_STYLES[Advice.UNKNOWN]
    since = f"last good check {markup.bold(markup.time(notice.checked_at, notice.at))}" if notice.checked_at else ""
    since = since or f"since {markup.bold(markup.time(notice.since, notice.at))}"
    which = _count_text(notice) if notice.services else "all services"
    return markup.SEPARATOR.join([f"{markup.emoji(style.emoji)} {markup.bold(f'{style.phrase}:')} {which}", since])


def _advice_lines(notice: Notice) -> Iterator[str]:
    """What to do about the services now; those that are not to be retried have alerts of their own."""
    slow = [(name, v) for name, v in notice.verdicts if v.call is Advice.RETRY_GENTLY]
    safe = [name for name, v in notice.verdicts if v.call is Advice.RETRY_NORMALLY]
    if slow:
        style = words.ADVICE_STYLES[Advice.RETRY_GENTLY]
        load = words.load_text(min(v.exposure for _, v in slow))
        yield _advice_line(style.emoji, f"{style.phrase} ({load})", [name for name, _ in slow], notice)
    if safe:
        style = words.ADVICE_STYLES[Advice.RETRY_NORMALLY]
        yield _advice_line(style.emoji, style.phrase, safe, notice)


def _advice_line(emoji: str, phrase: str, names: Sequence[str], notice: Notice) -> str:
    which = _count_text(notice) if len(names) == notice.services else formatting.name_list(names, _MAX_NAMES)
    return f"{markup.emoji(emoji)} {markup.bold(f'{phrase}:')} {which}"


def _cause_text(notice: Notice) -> str:
    host = notice.page.partition("://")[2].partition("/")[0] or notice.page
    return f"{host}: {_why(notice)}.{' This may be our network.' if notice.is_network else ''}"


def _probe_text(notice: Notice) -> str:
    """The text for the operator: a probe that other evidence contradicts."""
    return (
        f"Check a probe: since {formatting.format_datetime(notice.since)} {formatting.truncate(notice.why, 400)}."
        " At the same time your traffic succeeds, or the probe succeeds from another place. The advice stays at"
        " “retry slowly” until they agree. If the service works, correct or remove the probe in `brownout.toml`."
    )


def _delivery_paused_text(notice: Notice) -> str:
    return (
        f"{markup.emoji(_WARNING)} Brownout can't post in {notice.channel} ({_why(notice)}). Alerts there are paused"
        f" since {markup.time(notice.since, notice.at)}. When it is fixed, send /brownout subscribe in that channel."
    )


def _missed_incidents_text(notice: Notice) -> str:
    count = len(notice.open)
    title = f"{notice.provider_name}: {count} incidents while Brownout was offline"
    return f"{_start(words.NOTICE_EMOJI, title)}\nAll are resolved."


def _baseline_text(notice: Notice) -> str:
    count = len(notice.open)
    verb = "incident was" if count == 1 else "incidents were"
    title = f"{notice.provider_name}: {count} {verb} already open when monitoring started"
    return _start(words.NOTICE_EMOJI, title)


def _operator_text(notice: Notice) -> str:
    """The text for the operator: a source gives no usable data, or gives it again."""
    if notice.kind is NoticeKind.WELL:
        return f"{_start(_OK, f'{notice.provider_name}: data again')} after {_length(notice)}."
    title = _start(_WARNING, f"{notice.provider_name}: no data for {_length(notice)}.")
    return (
        f"{title} Status page unreadable ({_why(notice)}). Its services show as unknown."
        f" Check the network or the URL in {notice.provider}.toml."
    )


def _moved_text(notice: Notice) -> str:
    title = _start(words.NOTICE_EMOJI, f"{notice.provider_name}: the status page has changed.")
    return f"{title} {_why(notice)}. Update {notice.provider}.toml if this is right."


def _components_text(notice: Notice) -> str:
    title = _start(_WARNING, f"{notice.provider_name}: components removed from the status page.")
    return f"{title} {_why(notice)}. Name their successors in {notice.provider}.toml."


def _odd_text(notice: Notice) -> str:
    title = _start(_WARNING, f"{notice.provider_name}: unknown status on the status page.")
    return f"{title} {_why(notice)}. Please report it; until then the service shows as unknown."


_TEXT_OF_KIND: dict[NoticeKind, Callable[[Notice], str]] = {
    NoticeKind.PROBE: _probe_text,
    NoticeKind.ALARM: _operator_text,
    NoticeKind.WELL: _operator_text,
    NoticeKind.COMPONENTS: _components_text,
    NoticeKind.ODD: _odd_text,
    NoticeKind.MOVED: _moved_text,
    NoticeKind.SETTINGS: lambda notice: notice.why or "(no text)",
    NoticeKind.WELCOME: lambda notice: notice.why or "(no text)",
    NoticeKind.DIGEST: lambda notice: notice.why or "(no text)",
    NoticeKind.PAUSED: _delivery_paused_text,
    NoticeKind.MISSED: _missed_incidents_text,
    NoticeKind.BASELINE: _baseline_text,
}
