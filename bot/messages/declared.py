"""What a channel sees of an incident that its team declared: the card, its thread, the summary, the list. No I/O.

The card is the message that is edited in place; its thread begins with the vendors' timeline, which is edited too.
Texts are those of ``bot.messages.markup`` until they become blocks, so that nothing that people or vendors wrote is
markup or mentions anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain import (
    BOT_USER,
    DeclaredEntry,
    DeclaredEntryKind,
    DeclaredIncident,
    DeclaredSeverity,
    DeclaredStep,
    Message,
    UserAction,
)
from bot.messages import alert_actions, alert_view, block_kit, formatting, markup, words
from bot.messages.declared_timeline import DeclaredView, TimelineStep, VendorIncident, steps, vendor_steps
from bot.messages.words import Status

DECLARED = "declared"  # action_id of all buttons here: never change it; the value says what is done with which number
ACK, CLOSE, REOPEN, NOTE, SUMMARY, RENAME, LINK, DROP = (
    *("ack", "close", "reopen", "note", "summary", "rename", "link", "drop"),
)
SEVERITY_TEXTS = {
    DeclaredSeverity.SEV1: "Users can't do what they came for",
    DeclaredSeverity.SEV2: "A part fails, or all of it is slow",
    DeclaredSeverity.SEV3: "Few notice it, or we can wait",
}
_OK = words.STATUS_STYLES[Status.OPERATIONAL].emoji
_SEVERITY_COLOURS = {
    DeclaredSeverity.SEV1: words.STATUS_STYLES[Status.OUTAGE].bar,
    DeclaredSeverity.SEV2: words.STATUS_STYLES[Status.PARTIAL_OUTAGE].bar,
    DeclaredSeverity.SEV3: words.STATUS_STYLES[Status.DEGRADED].bar,
}
_MAX_STEPS_LENGTH = 8000  # characters of a timeline in one message
_MAX_VENDORS = 3  # vendors' incidents that a card names
_MAX_QUOTE = 200  # characters of a post in a timeline
_MAX_LISTED = 20
_ONE_DAY = timedelta(days=1)


def severity_text(severity: DeclaredSeverity) -> str:
    """A severity as people write it: ``SEV2``."""
    return severity.upper()


def name(incident: DeclaredIncident) -> str:
    """A declared incident in one line: ``SEV2: Checkout fails``."""
    return f"{severity_text(incident.severity)}: {markup.clean(incident.title)}"


# --- the card ---------------------------------------------------------------------------------------------------------


def card(view: DeclaredView, keep_emoji: str = "") -> Message:
    """The message of a declared incident as it is now.

    Args:
        view: The incident.
        keep_emoji: The emoji that keeps a message in the timeline; empty where it does not work here.
    """
    incident = view.incident
    emoji = words.DECLARED_EMOJI if incident.is_open else _OK
    title = name(incident) if incident.is_open else f"Closed: {name(incident)}"
    lines = list(_card_lines(view))
    details = [*([_keep_text(keep_emoji)] if incident.is_open and keep_emoji else []), *_missing_texts(incident)]
    bar = [
        *([block_kit.context_elements(map(markup.to_mrkdwn, details))] if details else []),
        block_kit.actions(_card_buttons(incident)),
    ]
    colour = _SEVERITY_COLOURS[incident.severity] if incident.is_open else words.STATUS_STYLES[Status.OPERATIONAL].bar
    return Message(
        _plain([f"{title}.", *lines]),
        (block_kit.header(f"{emoji} {title}", emoji=True), block_kit.section(_mrkdwn(lines))),
        attachments=({"color": colour, "blocks": bar},),
    )


def _card_lines(view: DeclaredView) -> Iterator[str]:
    incident = view.incident
    if incident.closed is not None:
        yield closed_line(incident)
    yield _people_line(view)
    for vendor in view.vendors[:_MAX_VENDORS]:
        yield from _vendor_lines(vendor) if incident.is_open else [_vendor_title(vendor)]
    if len(view.vendors) > _MAX_VENDORS:
        yield f"+{len(view.vendors) - _MAX_VENDORS} more incidents of vendors"
    if incident.channel and view.incident.origin != incident.channel:
        yield f"Handled in {markup.channel(incident.channel)}"


def _people_line(view: DeclaredView) -> str:
    incident = view.incident
    texts = [f"No. {incident.number}", f"declared by {_by(incident.declared, incident.declared.at)}"]
    if incident.acked is not None:
        texts.append(f"acknowledged by {_by(incident.acked, incident.declared.at)}")
    return markup.SEPARATOR.join(texts)


def _by(mark: UserAction, beside: datetime) -> str:
    return f"{markup.clean(mark.by.name)} at {markup.time(mark.at, beside)}"


def _vendor_title(vendor: VendorIncident) -> str:
    headline = alert_view.headline(vendor.alert)
    return f"{markup.emoji(headline.emoji)} {markup.link(vendor.alert.url or '', markup.clean(headline.text))}"


def _vendor_lines(vendor: VendorIncident) -> Iterator[str]:
    yield _vendor_title(vendor)
    yield alert_view.lines(vendor.alert)[0]


def _keep_text(emoji: str) -> str:
    return f"Mark a message of this thread with {markup.emoji(emoji)} to keep it in the timeline"


def _missing_texts(incident: DeclaredIncident) -> Iterator[str]:
    """What the app may not do here, and what it needs for that."""
    if incident.no_channel:
        yield f"No channel could be made ({markup.clean(incident.no_channel)}): it is handled in this thread"


def _card_buttons(incident: DeclaredIncident) -> Iterator[block_kit.Block]:
    number = incident.number
    if not incident.is_open:
        yield _button(1, "Summary", SUMMARY, number, "Both timelines of this incident")
        yield _button(2, "Reopen", REOPEN, number, "It is not over")
        return
    if incident.acked is None:
        yield _button(1, "Acknowledge", ACK, number, "I am handling this")
    yield _button(2, "Add note", NOTE, number, "Add a note to the timeline")
    yield _button(3, "Close", CLOSE, number, "It is over for us")
    others = [s for s in DeclaredSeverity if s is not incident.severity]
    yield block_kit.overflow(
        f"{DECLARED}:4",
        [
            *((f"Set {severity_text(s)}", f"{s} {number}") for s in others),
            ("Change the title", f"{RENAME} {number}"),
            ("Link another incident", f"{LINK} {number}"),
            ("Summary so far", f"{SUMMARY} {number}"),
        ],
    )


def _button(position: int, label: str, what: str, number: int, help_text: str) -> block_kit.Block:
    return block_kit.button(f"{DECLARED}:{position}", label, f"{what} {number}", help_text)


# --- the thread -------------------------------------------------------------------------------------------------------


def vendor_timeline(view: DeclaredView) -> Message:
    """The vendors' timeline, the newest last; where it is too long, the first steps are left out."""
    title = markup.bold(f"Timeline of {formatting.join_names(dict.fromkeys(v.vendor for v in view.vendors))}")
    links = [_vendor_title(vendor) for vendor in view.vendors[:_MAX_VENDORS]]
    return _timeline_message([title, *links], vendor_steps(view), view.incident.declared.at)


def reply(view: DeclaredView, entry: DeclaredEntry) -> Message | None:
    """What the thread says of one step; None for a step that the card alone shows."""
    if entry.kind is DeclaredEntryKind.NOTE:
        return _quoting(f"{markup.bold(markup.clean(entry.mark.by.name))} added a note:", entry.text)
    text = _reply_text(view, entry)
    return _message([text]) if text else None


def _reply_text(view: DeclaredView, entry: DeclaredEntry) -> str:
    incident, who = view.incident, markup.bold(markup.clean(entry.mark.by.name))
    match entry.kind:
        case DeclaredEntryKind.SEVERITY:
            return f"{who} set the severity to {markup.bold(markup.clean(entry.text).upper())}."
        case DeclaredEntryKind.RENAMED:
            return f"{who} changed the title to {markup.bold(markup.clean(entry.text))}."
        case DeclaredEntryKind.LINKED:
            linked = (v for v in view.vendors if v.tracked.incident.id == entry.text)
            return f"{who} linked: {next((_vendor_title(v) for v in linked), markup.clean(entry.text))}"
        case DeclaredEntryKind.CLOSED:
            title = markup.bold(f"Closed: {name(incident)}.")
            return f"{markup.emoji(_OK)} {title} {closed_line(incident)}" if incident.closed else ""
        case DeclaredEntryKind.REOPENED:
            title = markup.bold(f"Open again: {name(incident)}.")
            by = markup.clean(entry.mark.by.name)
            return f"{markup.emoji(words.DECLARED_EMOJI)} {title} Opened by {by}."
        case _:
            return ""


def closed_line(incident: DeclaredIncident) -> str:
    """Who closed it, after how long, and since when it is safe to retry; it is not said to be resolved."""
    closed = incident.closed
    if closed is None:
        return ""
    who = "as asked when it was declared" if closed.by == BOT_USER else f"by {markup.clean(closed.by.name)}"
    lasted = formatting.format_duration((closed.at - incident.declared.at).total_seconds())
    at = markup.time(closed.at, incident.declared.at)
    return f"Closed {who} at {at}, after {lasted}. {_safety_text(incident.safe_since, incident.declared.at)}"


def step_line(incident: DeclaredIncident, step: DeclaredStep) -> str:
    """One step in one line, for a tool."""
    at = incident.declared.at
    if step is DeclaredStep.CLOSED and incident.closed is not None:
        return closed_line(incident)
    if step is DeclaredStep.ACKNOWLEDGED and incident.acked is not None:
        return f"Acknowledged by {_by(incident.acked, at)}."
    changed = f"The incident is {name(incident)} now. " if step is DeclaredStep.UPDATED else ""
    return f"{changed}Declared by {_by(incident.declared, at)}."


def _safety_text(safe_since: datetime | None, beside: datetime) -> str:
    if safe_since is None:
        return "It was not safe to retry yet."
    return f"{markup.bold(f'Safe to retry since {markup.time(safe_since, beside)}')}."


def close_offer(view: DeclaredView, safe_since: datetime) -> Message:
    """It is safe to retry: the incident may be closed."""
    text = f"{_safety_text(safe_since, view.incident.declared.at)} Close your incident?"
    button = _button(1, "Close", CLOSE, view.incident.number, "It is over for us")
    return _message([f"{markup.emoji(_OK)} {text}"], [block_kit.actions([button])])


def reopen_offer(view: DeclaredView) -> Message:
    """A vendor's incident is open again after the team closed its own."""
    names = formatting.join_names(dict.fromkeys(v.vendor for v in view.vendors))
    text = f"{markup.bold(f'{markup.clean(names)}: open again.')} Open your incident again?"
    button = _button(1, "Reopen", REOPEN, view.incident.number, "It is not over")
    return _message([f"{markup.emoji(words.DECLARED_EMOJI)} {text}"], [block_kit.actions([button])])


# --- answers ----------------------------------------------------------------------------------------------------------


def summary(view: DeclaredView) -> Message:
    """What happened: the facts, and both timelines in one."""
    message = _timeline_message(list(_summary_facts(view)), steps(view), view.incident.declared.at)
    value = f"{DECLARED} {view.incident.number}"
    button = block_kit.button(alert_actions.EXPORT, "Export", value, "Put it into the channel as files")
    return replace(message, blocks=(*message.blocks, block_kit.actions([button])))


def _summary_facts(view: DeclaredView) -> Iterator[str]:
    incident = view.incident
    state = "closed" if incident.closed else "open"
    at = markup.time(incident.declared.at, incident.declared.at - _ONE_DAY)  # with its date
    yield f"{markup.bold(name(incident))} (No. {incident.number}, {state})"
    yield f"Declared by {markup.clean(incident.declared.by.name)}, {at}"
    if incident.closed is not None:
        yield closed_line(incident)
    elif view.safe_since is not None:
        yield _safety_text(view.safe_since, incident.declared.at)
    yield from (_vendor_title(vendor) for vendor in view.vendors)


def already_declared(incident: DeclaredIncident, url: str = "") -> Message:
    """Somebody has declared it: what there is, and where."""
    at = markup.time(incident.declared.at, incident.declared.at)
    what, who = markup.link(url, name(incident)), markup.clean(incident.declared.by.name)
    return _message([f"{who} declared this at {at}: {markup.bold(what)} (No. {incident.number})."])


def unchanged(incident: DeclaredIncident, what: str) -> Message:
    """An action that changes nothing, since another person was first: what is so already."""
    at = incident.declared.at
    if incident.closed is not None and what == CLOSE:
        return _message([closed_line(incident)])
    if incident.acked is not None and what == ACK:
        return _message([f"Acknowledged by {_by(incident.acked, at)} already."])
    return _message([f"{markup.bold(name(incident))} is {'open' if incident.is_open else 'closed'} already."])


def message_kept(incident: DeclaredIncident, ts: str, *, is_new: bool) -> Message:
    """The answer to *Keep in the timeline*."""
    already = "" if is_new else " already"
    text = (
        f"{markup.emoji(_OK)} Kept{already} in the timeline of {markup.bold(name(incident))} (No. {incident.number})."
    )
    drop = block_kit.button(f"{DECLARED}:1", "Remove", f"{DROP} {incident.number} {ts}", "Take the message out again")
    return _message([text], [block_kit.actions([drop])])


def message_removed() -> Message:
    """The answer to *Remove*."""
    return _message(["The message is no longer in the timeline."])


def nothing_to_keep_for() -> Message:
    """A message of a channel without a declared incident."""
    return _message(["No incident was declared here. `This hits us` in the menu of an alert declares one."])


def not_of_a_person() -> Message:
    """A message of an app, which is not kept."""
    return _message(["Only messages of people are kept. The vendor's posts are in the timeline already."])


def listed(incidents: Sequence[DeclaredIncident], now: datetime) -> Message:
    """The declared incidents of a channel, the newest first."""
    if not incidents:
        return nothing_to_keep_for()
    lines = [_list_line(incident, now) for incident in incidents[:_MAX_LISTED]]
    return _message(lines)


def _list_line(incident: DeclaredIncident, now: datetime) -> str:
    emoji = words.DECLARED_EMOJI if incident.is_open else _OK
    who = markup.clean(incident.declared.by.name)
    since = f"declared {markup.time(incident.declared.at, now)} by {who}"
    state = closed_line(incident) if incident.closed else since
    return f"{markup.emoji(emoji)} No. {incident.number}  {markup.bold(name(incident))}{markup.SEPARATOR}{state}"


def reader_text(incident: DeclaredIncident) -> str:
    """That a team declared an incident, for readers outside of it: no title, no name, no channel."""
    since = formatting.format_datetime(incident.declared.at)
    until = f", closed {formatting.format_datetime(incident.closed.at)}" if incident.closed else ""
    return f"Declared by a team as its own incident ({severity_text(incident.severity)}) at {since}{until}."


# --- messages ---------------------------------------------------------------------------------------------------------


def _timeline_message(head: Sequence[str], timeline: Sequence[TimelineStep], beside: datetime) -> Message:
    """A head, and the steps with their times; times of another day than ``beside`` have their dates."""
    lines = [f"{markup.time(step.at, beside)}  {step.line(_MAX_QUOTE)}" for step in timeline]
    left_out = 0
    while len(lines) > 1 and sum(len(markup.to_mrkdwn(line)) for line in lines) > _MAX_STEPS_LENGTH:
        lines, left_out = lines[1:], left_out + 1
    earlier = [f"… {formatting.pluralize(left_out, 'earlier step')}"] if left_out else []
    blocks = block_kit.sections([markup.to_mrkdwn(line) for line in (*earlier, *lines)], _MAX_STEPS_LENGTH * 2)
    return Message(_plain([*head, *earlier, *lines]), (block_kit.section(_mrkdwn(head)), *blocks))


def _message(lines: Sequence[str], more: Iterable[block_kit.Block] = ()) -> Message:
    return Message(_plain(lines), (block_kit.section(_mrkdwn(lines)), *more))


def _quoting(line: str, quote: str) -> Message:
    return Message(
        _plain([line, f"“{formatting.truncate(markup.clean(quote), 1200)}”"]),
        (block_kit.section(_mrkdwn([line])), block_kit.quote_block(quote)),
    )


def _mrkdwn(lines: Iterable[str]) -> str:
    return "\n".join(map(markup.to_mrkdwn, lines))


def _plain(lines: Iterable[str]) -> str:
    return block_kit.truncate_mrkdwn(block_kit.escape("\n".join(map(markup.to_plain, lines))), block_kit.MAX_TEXT)
