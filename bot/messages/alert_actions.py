"""The buttons of an alert or an answer, and the sentences about what people have done with them. No I/O.

A button's value identifies its subject, so that it works after a restart and in any process: the incident's id,
or ``WORD INCIDENT``, where the word is a surface or a choice and contains no space.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

from bot.domain import Alert, IncidentUserActions, Message, Mute, Stage, SurfaceLine
from bot.messages import block_kit, formatting, markup

AFFECTED, ACK, MUTE, NOTE, SUMMARY = "affected", "ack", "mute", "note", "summary"  # action_ids: never change them
WHY, TIMELINE, MORE = "why", "timeline", "more"
# choices of the menu behind three dots, with NOTE, TIMELINE and SHARE
SETTINGS, SERVICES, HITS_US = "settings", "services", "hits"
MANY_SERVICES = 12  # more affected services than this have a list of their own
SHARE, EXPORT, ASK, PICK = "share", "export", "ask", "pick"
WATCH = "watch"
ON, OFF = "on", "off"  # what a button sets
MAX_COMMAND_LENGTH = 2000  # characters of a button's value
MUTE_DURATIONS = {  # choices of the mute menu; None lasts until the incident is over
    "1h": ("for 1 hour", timedelta(hours=1)),
    "4h": ("for 4 hours", timedelta(hours=4)),
    "over": ("until resolved", None),
}
_MAX_ADMINS_NAMED = 20
_MAX_ROW = 8  # buttons in a row; more go into a menu


def alert_action_texts(alert: Alert, user_actions: IncidentUserActions) -> Iterator[str]:
    """What people have done about an alert, in a few words each, as texts of ``bot.messages.markup``."""
    names = {line.surface: line.short or line.name for line in alert.lines}
    if len(user_actions.affected) == 1:
        [(_, count)] = user_actions.affected
        yield f"{count} {'person' if count == 1 else 'people'} affected"
    elif user_actions.affected:
        counts = (f"{names.get(surface, surface)} {count}" for surface, count in user_actions.affected)
        yield f"People affected: {', '.join(counts)}"
    if user_actions.ack:
        yield f"Acknowledged by {markup.clean(user_actions.ack.by.name)}"
    if user_actions.mute and alert.closed_at is None:
        until = user_actions.mute.until
        yield f"Muted until {markup.time(until, alert.as_of) if until else 'resolved'}"


def describe_user_actions(
    names: Mapping[str, str], user_actions: IncidentUserActions, *, is_over: bool
) -> Iterator[str]:
    """What people have done about an incident, as plain text, one sentence each.

    Args:
        names: The surfaces' names by id; a surface that is missing is shown by its id.
        user_actions: What people have done.
        is_over: True for an incident that has ended: its mute is no longer mentioned.
    """
    if user_actions.affected:
        counts = (f"{names.get(surface, surface)} {count}" for surface, count in user_actions.affected)
        yield f"People affected here: {formatting.join_names(counts)}."
    if user_actions.ack:
        yield f"Acknowledged by {user_actions.ack.by.name} at {formatting.format_time(user_actions.ack.at)}."
    if user_actions.mute and not is_over:
        yield f"Muted in this channel by {user_actions.mute.mark.by.name} {mute_end_text(user_actions.mute)}."


def mute_end_text(mute: Mute) -> str:
    """When a mute ends, in words."""
    return f"until {formatting.format_datetime(mute.until)}" if mute.until else "until resolved"


def alert_buttons(alert: Alert, user_actions: IncidentUserActions) -> list[block_kit.Block]:
    """The row of buttons below an alert; without Acknowledge and Mute once the incident has ended.

    Empty if the incident's id is too long for a button's value.
    """
    if len(alert.incident) > block_kit.MAX_OPTION_VALUE - len(f"{SERVICES} "):
        return []
    if alert.cleared_at is not None or alert.missed is not None:
        return [block_kit.actions(_buttons_after_all_clear(alert))]
    if alert.is_maintenance and alert.stage is Stage.SCHEDULED and alert.closed_at is None:
        return [block_kit.actions([_mute_button(alert, user_actions), block_kit.overflow(MORE, _more_choices(alert))])]
    why = block_kit.button(WHY, "Why?", alert.incident, "Show the evidence and what to do")
    buttons = [why, *_affected_buttons(alert)]
    if alert.closed_at is None:
        buttons += [_ack_button(alert, user_actions), _mute_button(alert, user_actions)]
    return [block_kit.actions([*buttons, block_kit.overflow(MORE, _more_choices(alert))])]


def _buttons_after_all_clear(alert: Alert) -> Iterator[block_kit.Block]:
    yield block_kit.button(SUMMARY, "Summary", alert.incident, "Summary of this incident")
    yield block_kit.button(TIMELINE, "Timeline", alert.incident, "Every step of this incident")
    yield block_kit.button(NOTE, "Add note", alert.incident, "Add a note to this incident")


def _more_choices(alert: Alert) -> Iterator[tuple[str, str]]:
    """At most five, which is what Slack takes."""
    affected = len(alert.lines) + len(alert.watched)
    has_many = affected > MANY_SERVICES
    yield "This hits us", f"{HITS_US} {alert.incident}"
    if has_many:
        yield f"Show all {affected} services", f"{SERVICES} {alert.incident}"
    yield "Add note", f"{NOTE} {alert.incident}"
    yield "Timeline", f"{TIMELINE} {alert.incident}"
    yield "Share summary", f"{SHARE} {alert.incident}"
    if not has_many:
        yield "Channel settings", f"{SETTINGS} {alert.incident}"


def share_buttons(command: str, export_command: str = "") -> block_kit.Block:
    """A button that runs ``command`` again with an answer for the whole channel, and one that exports it as files.

    The export button is left out if ``export_command`` is empty or too long.
    """
    buttons = [block_kit.button(SHARE, "Share", command, "Show this answer to the channel")]
    if export_command and len(export_command) <= MAX_COMMAND_LENGTH:
        buttons.append(block_kit.button(EXPORT, "Export", export_command, "Put it into the channel as files"))
    return block_kit.actions(buttons)


def question_buttons(questions: Iterable[tuple[str, str]], first: int = 0) -> block_kit.Block:
    """Buttons that run a command each, from pairs of label and command; commands that are too long are left out.

    Of more than fit in a row, the rest is in a menu. ``first`` numbers the buttons from there: each number can be in a
    message once.
    """
    usable = [
        (formatting.truncate(label, block_kit.MAX_LABEL, "…"), command)
        for label, command in questions
        if len(command) <= MAX_COMMAND_LENGTH
    ]
    buttons = [
        block_kit.button(f"{ASK}:{first + n}", label, command) for n, (label, command) in enumerate(usable[:_MAX_ROW])
    ]
    rest = [(label, command) for label, command in usable[_MAX_ROW:] if len(command) <= block_kit.MAX_OPTION_VALUE]
    if rest:
        buttons.append(block_kit.menu(f"{ASK}:{first + _MAX_ROW}", "More", rest[: block_kit.MAX_OPTIONS]))
    return block_kit.actions(buttons)


def permission_denied_message(admins: Iterable[str], *, unasked: bool = False) -> Message:
    """The refusal for somebody who is no admin; it names the admins.

    Only the person who asked sees it, so that its mentions notify nobody.

    Args:
        admins: Ids of users and user groups; those of groups begin with ``S``.
        unasked: True if Slack could not be asked for the members of a group, so that nobody counts as one.
    """
    names = formatting.join_names(_mention_admin(admin) for admin in sorted(admins)[:_MAX_ADMINS_NAMED])
    text = f"Only admins can do this: {names}."
    text += " Slack does not say now who is in that group; the log says why." if unasked else ""
    return Message(text, (block_kit.section(text),))


def _mention_admin(admin: str) -> str:
    return f"<!subteam^{admin}>" if admin.startswith("S") else f"<@{admin}>"


def _affected_buttons(alert: Alert) -> Iterator[block_kit.Block]:
    """A button if one surface is affected, a menu if there are several."""
    label = "I'm affected" if alert.closed_at is None else "I was affected"
    lines = [line for line in alert.lines if len(_affected_value(line, alert)) <= block_kit.MAX_OPTION_VALUE]
    if len(lines) == 1:
        yield block_kit.button(
            AFFECTED, label, _affected_value(lines[0], alert), f"{label}: {formatting.truncate(lines[0].name, 50, '…')}"
        )
    elif lines:
        options = [
            (formatting.truncate(line.short or line.name, block_kit.MAX_LABEL, "…"), _affected_value(line, alert))
            for line in lines[: block_kit.MAX_OPTIONS]
        ]
        yield block_kit.menu(AFFECTED, f"{label} by", options)


def _affected_value(line: SurfaceLine, alert: Alert) -> str:
    return f"{line.surface} {alert.incident}"


def _ack_button(alert: Alert, user_actions: IncidentUserActions) -> block_kit.Block:
    if user_actions.ack is None:
        return block_kit.button(ACK, "Acknowledge", f"{ON} {alert.incident}", "I am handling this")
    return block_kit.button(ACK, "Undo ack", f"{OFF} {alert.incident}", "Withdraw my acknowledgement")


def _mute_button(alert: Alert, user_actions: IncidentUserActions) -> block_kit.Block:
    if user_actions.mute:
        return block_kit.button(MUTE, "Unmute", f"{OFF} {alert.incident}", "Alert this channel again")
    return block_kit.menu(
        MUTE, "Mute", [(label, f"{word} {alert.incident}") for word, (label, _) in MUTE_DURATIONS.items()]
    )
