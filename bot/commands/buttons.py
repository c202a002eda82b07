"""What buttons and modals in channels do, and the private answer to the person. No Slack transport here.

Every action is recorded in the database before anybody is notified; the outbox then updates the messages
(bot/docs/decisions.md#8-record-before-send).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

from bot.commands import channel as commands_channel
from bot.commands import declared, history, parsing, permissions, registry, subscriptions, watch
from bot.commands.types import ButtonClick, CommandResponse, ModalSubmission
from bot.domain import DECLARED_PREFIX, Condition, DigestSchedule, EventKind, Message, Mute, UserAction
from bot.errors import UsageError
from bot.messages import alert_actions, answers, block_kit, formatting, modals
from bot.messages import declared as messages_declared
from bot.messages.builder import build_message
from bot.queries.current import StatusQueries

_DOUBLE_CLICK = timedelta(seconds=10)
MAX_PICK_LENGTH = 200  # characters; ids are shorter


def handle_click(queries: StatusQueries, click: ButtonClick) -> CommandResponse | None:
    """Handles a click. Returns an answer for the person; None if the updated message shows the result."""
    action = click.action.partition(":")[0]
    if permissions.is_guest(queries, click.other_team) and not _is_read_only(action, click.value):
        return permissions.guest_denied()
    try:
        return CLICK_HANDLERS[action](queries, click)
    except UsageError as error:
        return CommandResponse(answers.with_buttons(build_message("", [str(error)]), error.actions))


def _is_read_only(action: str, value: str) -> bool:
    """Whether a click changes nothing and shows nothing to others."""
    return action in _READING_ACTIONS or (action == alert_actions.ASK and registry.is_read_only(value))


def submit_note(queries: StatusQueries, submission: ModalSubmission) -> dict[str, str]:
    """Adds a note to an incident's timeline and thread. A modal that arrives more than once counts once.

    Returns error texts by block id; empty if the note is recorded.
    """
    channel, _, incident = submission.private_metadata.partition(" ")
    text = registry.sanitize_text(submission.values[modals.NOTE]).strip()
    if permissions.is_guest(queries, submission.other_team):
        return {modals.NOTE: permissions.guest_denied().message.text}
    if not text:
        return {modals.NOTE: "Write the note first."}
    action = UserAction(submission.person, queries.now())
    try:
        if incident.startswith(DECLARED_PREFIX):
            declared.add_note(queries, int(incident.removeprefix(DECLARED_PREFIX)), text, action)
            return {}
        event = commands_channel.build_event(EventKind.NOTE, queries, action, incident, channel)
    except UsageError as error:
        return {modals.NOTE: str(error)}
    history.save_note(queries, replace(event, text=text), submission.view)
    return {}


def submit_settings(queries: StatusQueries, submission: ModalSubmission) -> dict[str, str]:
    """Stores what was changed in the modal, over what stands now. Returns error texts by block id; empty if stored."""
    channel, shown = modals.read_settings_metadata(submission.private_metadata)
    if permissions.is_guest(queries, submission.other_team):
        return {modals.QUIET: permissions.guest_denied().message.text}
    if not permissions.may_change_for_others(queries, channel, submission.person.id):
        return {modals.QUIET: permissions.denied(queries).message.text}
    now, subscribed = queries.channel_preferences(channel), queries.repository.subscriptions(channel)
    shown = shown or modals.shown_settings(subscribed, now)
    values = {key: submission.values.get(key, shown[key] if key in _DIGEST_KEYS else "") for key in shown}
    changed = {key for key, value in values.items() if value != shown[key]}
    try:
        quiet = parsing.parse_quiet_hours(values[modals.QUIET]) if modals.QUIET in changed else now.quiet
    except UsageError as error:
        return {modals.QUIET: str(error)}
    try:
        digest = _chosen_digest(values) if changed & _DIGEST_KEYS else now.digest
    except UsageError as error:
        return {modals.DIGEST_AT: str(error)}
    maintenance = bool(values[modals.MAINTENANCE]) if modals.MAINTENANCE in changed else now.maintenance
    is_level_chosen = modals.MINIMUM in changed and values[modals.MINIMUM]
    is_mention_chosen = modals.MENTION in changed and values[modals.MENTION]
    change = commands_channel.SettingsChange(
        replace(now, maintenance=maintenance, quiet=quiet, digest=digest),
        Condition(values[modals.MINIMUM]) if is_level_chosen else None,
        values[modals.MENTION].removeprefix(modals.NOBODY) if is_mention_chosen else None,
    )
    action = UserAction(submission.person, queries.now())
    commands_channel.save_preferences(queries, change, action, key=submission.view)
    return {}


_DIGEST_KEYS = frozenset({modals.DIGEST, modals.DIGEST_AT, modals.DIGEST_CALM})


def _chosen_digest(values: Mapping[str, str]) -> DigestSchedule | None:
    """The digest of the modal's values; None for none."""
    schedule = values[modals.DIGEST]
    if schedule in ("", modals.OFF):
        return None
    digest = parsing.parse_digest(f"daily {values[modals.DIGEST_AT]}") or DigestSchedule(parsing.DEFAULT_DIGEST_TIME)
    weekday = None if schedule == modals.DAILY else int(schedule)
    return replace(digest, weekday=weekday, on_calm=bool(values[modals.DIGEST_CALM]))


# --- the buttons ------------------------------------------------------------------------------------------------------


def _summary(queries: StatusQueries, click: ButtonClick) -> CommandResponse:
    return registry.answer_command(queries, f"summary {click.value}", click.channel, click.person.id, click.person.name)


def _timeline(queries: StatusQueries, click: ButtonClick) -> CommandResponse:
    return _run_query(queries, replace(click, value=f"timeline {click.value}"))


def _why(queries: StatusQueries, click: ButtonClick) -> CommandResponse:
    return _run_query(queries, replace(click, value=f"why {click.value}"))


def _more(queries: StatusQueries, click: ButtonClick) -> CommandResponse | None:
    """What the menu behind three dots offers."""
    choice, _, incident = click.value.partition(" ")
    if choice == alert_actions.SHARE:
        return _share(queries, replace(click, value=f"summary {incident}"))
    if choice == alert_actions.SETTINGS:
        return _run_query(queries, replace(click, value="settings"))
    if choice == alert_actions.SERVICES:
        provider, _tracked, _events = queries.find_incident(incident, click.channel)
        return _run_query(queries, replace(click, value=f"status {provider.id}"))
    handlers = {alert_actions.NOTE: _note, alert_actions.TIMELINE: _timeline, alert_actions.HITS_US: _hits_us}
    if choice not in handlers:
        raise UsageError("This message is out of date. `/brownout status` shows the current status.")
    return handlers[choice](queries, replace(click, value=incident))


def _hits_us(queries: StatusQueries, click: ButtonClick) -> CommandResponse:
    return declared.open_form(queries, click.value, click.channel)


def _affected(queries: StatusQueries, click: ButtonClick) -> CommandResponse | None:
    surface, _, incident = click.value.partition(" ")
    event = replace(
        commands_channel.build_event(
            EventKind.AFFECTED, queries, _user_action(queries, click), incident, click.channel
        ),
        surface=surface,
    )
    if queries.repository.user_actions.add_affected(event, click.person):
        return None
    known_surface = queries.surfaces().get(surface)
    return CommandResponse(
        build_message(
            "",
            [f"Already counted for {known_surface.name if known_surface else surface}."],
        )
    )


def _ack(queries: StatusQueries, click: ButtonClick) -> CommandResponse | None:
    """Acknowledges an incident, or withdraws that, as the button says. What is so already changes nothing."""
    choice, incident = _split_choice(click.value)
    ack = queries.repository.user_actions.acknowledgement(click.channel, incident)
    if ack and ack.by.id != click.person.id:
        at = formatting.format_time(ack.at)
        return _answer(f"{ack.by.name} acknowledged this at {at}. Only {ack.by.name} can undo it.")
    if choice == "":  # a button of an earlier version has one value for both
        is_double_click = ack is not None and queries.now() - ack.at < _DOUBLE_CLICK
        choice = alert_actions.ON if ack is None or is_double_click else alert_actions.OFF
    is_on = choice == alert_actions.ON
    if is_on is (ack is not None):
        is_so = f"You acknowledged this at {formatting.format_time(ack.at)}." if ack else "This is not acknowledged."
        return _answer(is_so)
    kind = EventKind.ACKED if is_on else EventKind.UNACKED
    event = commands_channel.build_event(kind, queries, _user_action(queries, click), incident, click.channel)
    queries.repository.user_actions.set_acknowledgement(event, click.person if is_on else None)
    return None


def _split_choice(value: str) -> tuple[str, str]:
    """The choice and the incident of a button's value; no choice in that of an earlier version."""
    choice, _, incident = value.partition(" ")
    return (choice, incident) if choice in (alert_actions.ON, alert_actions.OFF) and incident else ("", value)


def _answer(text: str) -> CommandResponse:
    return CommandResponse(build_message("", [text]))


def _mute(queries: StatusQueries, click: ButtonClick) -> CommandResponse | None:
    choice, _, incident = click.value.partition(" ")
    action = _user_action(queries, click)
    if choice == alert_actions.OFF:
        event = commands_channel.build_event(EventKind.UNMUTED, queries, action, incident, click.channel)
        if not queries.repository.user_actions.remove_mute(incident, event):
            return _answer("This incident is not muted here.")
        return None
    if choice not in alert_actions.MUTE_DURATIONS:
        raise _old_button()
    _, length = alert_actions.MUTE_DURATIONS[choice]
    mute = Mute(click.channel, incident, action.at + length if length else None, action)
    if commands_channel.is_muted_alike(queries, mute):
        return _answer(f"This incident is muted {alert_actions.mute_end_text(mute)} already.")
    event = replace(
        commands_channel.build_event(EventKind.MUTED, queries, action, incident, click.channel),
        reason=alert_actions.mute_end_text(mute),
    )
    queries.repository.user_actions.set_mute(mute, event)
    return None


def _old_button() -> UsageError:
    return UsageError("This message is out of date.", actions=(("Current status", "status"),))


def _note(queries: StatusQueries, click: ButtonClick) -> CommandResponse:
    stored = queries.repository.tracked_incident(click.value)
    title = stored[1].incident.name if stored else click.value
    how = "`/brownout note` and the text adds a note to the newest incident of this channel."
    return CommandResponse(build_message("", [how]), view=modals.note_modal(click.value, title, click.channel))


def _share(queries: StatusQueries, click: ButtonClick) -> CommandResponse:
    """Runs the question again, since its answer may have changed, and shows the answer to the whole channel."""
    command = registry.COMMANDS.get(click.value.partition(" ")[0].casefold())
    if command is None or not command.is_question:
        raise UsageError("Only answers to questions can be shared.")
    response, _ = registry.run_command(queries, click.value, click.channel, click.person.id, click.person.name)
    shared_by = f"{click.person.name} shared: {formatting.truncate(click.value, 200)}"
    message = Message(
        f"{block_kit.escape(shared_by)}\n{response.message.text}",
        (*response.message.blocks, block_kit.context(block_kit.escape(shared_by))),
    )
    return CommandResponse(message, in_channel=True)


def _user_action(queries: StatusQueries, click: ButtonClick) -> UserAction:
    return UserAction(click.person, queries.now())


def _run_query(queries: StatusQueries, click: ButtonClick) -> CommandResponse:
    return registry.answer_command(queries, click.value, click.channel, click.person.id, click.person.name)


def _show_surface(queries: StatusQueries, click: ButtonClick) -> CommandResponse:
    """The status of a surface picked from the menu, with buttons for what to do next."""
    if len(click.value) > MAX_PICK_LENGTH:
        raise UsageError("This name is too long.")
    return _run_query(queries, replace(click, value=f"status {click.value}"))


def _open_subscription_modal(queries: StatusQueries, click: ButtonClick) -> CommandResponse:
    """Opens the modal for a target that was picked in a channel."""
    return subscriptions.open_subscription_modal(queries, click.value, click.channel)


_READING_ACTIONS = (alert_actions.SUMMARY, alert_actions.PICK, "why", "timeline")

CLICK_HANDLERS: dict[str, Callable[[StatusQueries, ButtonClick], CommandResponse | None]] = {
    alert_actions.SUMMARY: _summary,
    alert_actions.WHY: _why,
    alert_actions.TIMELINE: _timeline,
    alert_actions.MORE: _more,
    alert_actions.AFFECTED: _affected,
    alert_actions.ACK: _ack,
    alert_actions.MUTE: _mute,
    alert_actions.NOTE: _note,
    alert_actions.SHARE: _share,
    alert_actions.ASK: _run_query,
    alert_actions.PICK: _show_surface,
    alert_actions.WATCH: watch.handle_click,
    modals.CHOOSE: _open_subscription_modal,
    messages_declared.DECLARED: declared.handle_click,
}
