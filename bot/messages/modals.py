"""Modals and menus as Slack's view JSON, within Slack's limits. No I/O.

See bot/docs/slack-limits.md#message-limits.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bot.domain import ChannelPreferences, Condition, DeliveryPause, DigestSchedule, Message, Provider, Subscription
from bot.messages import alert_actions, block_kit, digest, formatting, preferences, words

View = dict[str, Any]

NOTE, SETTINGS, SUBSCRIBE = "note", "settings", "subscribe"  # callback_ids: never change them
MINIMUM, MENTION, MAINTENANCE, QUIET = "minimum", "mention", "maintenance", "quiet"  # block_ids of the settings
DIGEST, DIGEST_AT, DIGEST_CALM = "digest", "digest_at", "digest_calm"  # block_ids of its digest
OFF, DAILY = "off", "daily"  # values of the digest menu, beside the numbers of the weekdays
TARGET, WHERE = "target", "where"  # block_ids of a subscription
CHOOSE = "choose"  # action_id: a target to subscribe to
TEXT = "text"  # action_id of the input in each block
MAX_NOTE_LENGTH = 2000
NOBODY = "nobody"  # value of the mention menu
_MAX_BLOCKS = 100  # blocks in a view
_MAX_METADATA = 3000  # characters of a view's private_metadata
_MINIMUM_LABELS = {
    Condition.DEGRADED: "All severities",
    Condition.PARTIAL_OUTAGE: "Partial outage and outage",
    Condition.MAJOR_OUTAGE: "Outage only",
}


def note_modal(incident: str, title: str, channel: str) -> View:
    """Asks for a note on an incident; the submission has it in block ``note``, action ``text``."""
    text_input = {
        "type": "plain_text_input",
        "action_id": TEXT,
        "multiline": True,
        "max_length": MAX_NOTE_LENGTH,
        "focus_on_load": True,
    }
    hint = block_kit.plain_text("Goes to the timeline and this thread only.")
    return form(NOTE, "Add note", "Add", f"{channel} {incident}") | {
        "blocks": [
            block_kit.quote_block(title, 600),
            {
                "type": "input",
                "block_id": NOTE,
                "label": block_kit.plain_text("Note"),
                "element": text_input,
                "hint": hint,
            },
        ]
    }


def settings_modal(
    channel: str,
    subscriptions: Iterable[Subscription],
    channel_preferences: ChannelPreferences,
    pause: DeliveryPause | None = None,
) -> View:
    """Asks for a channel's preferences, for all its subscriptions. A menu that is left empty changes nothing."""
    listed = list(subscriptions)
    mentioned = [s.mention or NOBODY for s in listed]
    mentions = {NOBODY: "No one"} | {
        m: preferences.mention_name(m) for m in mentioned if m != NOBODY and len(m) <= block_kit.MAX_OPTION_VALUE
    }
    channel_label = "Direct messages" if preferences.is_direct_message(channel) else f"<#{channel}>"
    targets = formatting.truncate(formatting.join_names(s.target for s in listed), 500)
    quiet = preferences.format_quiet_hours(channel_preferences.quiet) if channel_preferences.quiet else ""
    maintenance_options = [_option("Include planned maintenance", "on")]
    quiet_input = {"type": "plain_text_input", "action_id": TEXT, "max_length": 60} | {
        "placeholder": block_kit.plain_text("22:00-07:00 Europe/Berlin")
    }
    maintenance_checkboxes = {"type": "checkboxes", "action_id": TEXT, "options": maintenance_options}
    metadata = json.dumps({"channel": channel, "shown": shown_settings(listed, channel_preferences)})
    metadata = metadata if len(metadata) <= _MAX_METADATA else channel
    return form(SETTINGS, "Alert settings", "Save", metadata) | {
        "blocks": [
            block_kit.section(f"{channel_label} · {block_kit.escape(targets)}"),
            *([block_kit.section(preferences.pause_text(pause).replace("**", "*"))] if pause else []),
            input_block(
                MINIMUM,
                "Severity",
                _select_menu(
                    {str(c): label for c, label in _MINIMUM_LABELS.items()}, _common_value(s.minimum for s in listed)
                ),
            ),
            input_block(
                MAINTENANCE,
                "Maintenance",
                maintenance_checkboxes
                | ({"initial_options": maintenance_options} if channel_preferences.maintenance else {}),
            ),
            input_block(
                MENTION,
                "Mention on outage",
                _select_menu(mentions, _common_value(mentioned)),
                "Set a group with: subscribe claude mention:@group",
            ),
            input_block(
                QUIET,
                "Quiet hours",
                quiet_input | ({"initial_value": quiet} if quiet else {}),
                "Only outages are sent; the rest waits. Empty: none.",
            ),
            *_digest_inputs(channel_preferences.digest),
        ]
    }


def shown_settings(subscriptions: Iterable[Subscription], channel_preferences: ChannelPreferences) -> dict[str, str]:
    """The values that the settings modal shows, by block id, as a submission has them; another value is a change."""
    listed, schedule = list(subscriptions), channel_preferences.digest
    quiet = channel_preferences.quiet
    return {
        MINIMUM: _common_value(s.minimum for s in listed) or "",
        MENTION: _common_value(s.mention or NOBODY for s in listed) or "",
        MAINTENANCE: "on" if channel_preferences.maintenance else "",
        QUIET: preferences.format_quiet_hours(quiet) if quiet else "",
        DIGEST: OFF if schedule is None else DAILY if schedule.weekday is None else str(schedule.weekday),
        DIGEST_AT: f"{schedule.at:%H:%M} {schedule.zone}" if schedule else "",
        DIGEST_CALM: "on" if schedule is None or schedule.on_calm else "",
    }


def read_settings_metadata(private_metadata: str) -> tuple[str, dict[str, str]]:
    """The channel of a settings modal and the values that it showed; none of those from an earlier version."""
    if not private_metadata.startswith("{"):
        return private_metadata, {}
    metadata = json.loads(private_metadata)
    return metadata["channel"], metadata["shown"]


def _digest_inputs(schedule: DigestSchedule | None) -> Iterator[View]:
    """The inputs of the digest: how often, at what time and zone, and whether to send it if nothing broke."""
    rhythms = {OFF: "Off", DAILY: "Daily"} | {str(n): f"Weekly on {day}" for n, day in enumerate(digest.WEEKDAYS)}
    rhythm = OFF if schedule is None else DAILY if schedule.weekday is None else str(schedule.weekday)
    time_input = {"type": "plain_text_input", "action_id": TEXT, "max_length": 60}
    time_input |= {"placeholder": block_kit.plain_text("09:00 Europe/Berlin")}
    time_input |= {"initial_value": f"{schedule.at:%H:%M} {schedule.zone}"} if schedule else {}
    calm_options = [_option("Send even if nothing happened", "on")]
    calm_checkboxes = {"type": "checkboxes", "action_id": TEXT, "options": calm_options}
    calm_checkboxes |= {"initial_options": calm_options} if schedule is None or schedule.on_calm else {}
    yield input_block(DIGEST, "Digest", _select_menu(rhythms, rhythm), "Incidents, downtime and the advice record.")
    yield input_block(DIGEST_AT, "Digest time", time_input, "Time and zone. Default: 09:00 UTC.")
    yield input_block(DIGEST_CALM, "If nothing happened", calm_checkboxes)


def subscribe_modal(target: tuple[str, str] | None, channel: str = "") -> View:
    """Asks what to subscribe, in which channel, and from which severity up.

    ``target`` is the id and the name of the initial choice.
    """
    has_target = target is not None and len(target[0]) <= block_kit.MAX_OPTION_VALUE
    initial_target = {"initial_option": _option(target[1], target[0])} if target and has_target else {}
    channel_menu = {
        "type": "conversations_select",
        "action_id": TEXT,
        "placeholder": block_kit.plain_text("Direct message to me"),
    }
    channel_menu |= {"filter": {"include": ["public", "private"], "exclude_bot_users": True}}
    initial_channel = {"initial_conversation": channel} if channel[:1] in ("C", "G") else {}
    minimum_menu = _select_menu(
        {str(c): label for c, label in _MINIMUM_LABELS.items()}, str(Condition.DEGRADED), "Severity"
    )
    hint = "For a private channel, invite @Brownout first."
    return form(SUBSCRIBE, "Get alerts", "Subscribe", "") | {
        "blocks": [
            input_block(TARGET, "Service or provider", surface_picker(TEXT, "Pick a service") | initial_target)
            | {"optional": False},
            input_block(WHERE, "Send to", channel_menu | initial_channel, hint),
            input_block(MINIMUM, "Severity", minimum_menu) | {"optional": False},
        ]
    }


def message_modal(message: Message) -> View:
    """An answer as a modal, for interactions without a channel to answer in; without its buttons."""
    blocks = [b for b in message.blocks if b["type"] != "actions"][:_MAX_BLOCKS]
    shown_blocks = blocks or [block_kit.section(message.text)]
    return {
        "type": "modal",
        "title": block_kit.plain_text("Brownout"),
        "close": block_kit.plain_text("Close"),
        "blocks": shown_blocks,
    }


def welcome_message(providers: int) -> Message:
    """The first message in a channel: what the bot does there, and how to begin. It mentions nobody."""
    intro = (
        f"Brownout posts here when a service you depend on breaks ({providers} providers are watched), and when it is"
        " safe to retry. It can't read your messages."
    )
    controls = block_kit.actions(
        [
            surface_picker(CHOOSE, "Pick a service"),
            *alert_actions.question_buttons([("Help", "help")])["elements"],
        ]
    )
    return Message(intro, (block_kit.section(f"{words.WELCOME_EMOJI} {intro}"), controls))


def surface_picker(action_id: str, label: str) -> View:
    """A menu whose options Slack requests from the bot for what is typed."""
    return {"type": "external_select", "action_id": action_id, "min_query_length": 0} | {
        "placeholder": block_kit.plain_text(label)
    }


def overflow_menu(action_id: str, options: Iterable[tuple[str, str]]) -> View:
    """The overflow menu beside a line, of pairs of label and value; Slack accepts up to five."""
    return {"type": "overflow", "action_id": action_id, "options": [_option(label, value) for label, value in options]}


def status_menu_message(*, is_new: bool, channel: str = "") -> Message:
    """The hint and the controls below a status: common next commands, and a menu to look up a surface.

    ``is_new``: the channel has no subscription yet.
    """
    questions = [("Subscriptions", "list"), ("Settings", "settings"), ("Sources", "sources"), ("Help", "help")]
    hint = ""
    if is_new:
        questions = [("Help", "help"), ("All services", "list all"), ("Sources", "sources")]
        command = preferences.undo_command("subscribe claude", channel)
        who = "You have no subscriptions" if preferences.is_direct_message(channel) else "No subscriptions here"
        hint = f"{who} yet. Example: {command}"
    controls = block_kit.actions(
        [
            surface_picker(alert_actions.PICK, "Look up a service"),
            *alert_actions.question_buttons(questions)["elements"],
        ]
    )
    blocks = (block_kit.context(hint), controls) if hint else (controls,)
    return Message(hint.replace("`", "") or "Help: /brownout help", blocks)


def surface_options(providers: Iterable[Provider], typed: str) -> list[View]:
    """The surfaces whose names or ids contain every typed word; at most 100, which is Slack's limit."""
    words = typed.casefold().split()
    options = [
        _option(f"{s.name} · {p.name}", s.id)
        for p in providers
        for s in p.surfaces
        if _is_match(words, f"{s.name} {s.id} {p.name} {p.id}", s.id)
    ]
    return options[: block_kit.MAX_OPTIONS]


def target_options(providers: Iterable[Provider], typed: str) -> list[View]:
    """The targets of a subscription that match what is typed: providers, each before its surfaces; at most 100."""
    words, options = typed.casefold().split(), []
    for p in providers:
        if _is_match(words, f"{p.name} {p.id} {' '.join(p.aliases)}", p.id):
            options.append(_option(f"All of {p.name}", p.id))
        options += surface_options([p], typed)
    return options[: block_kit.MAX_OPTIONS]


def _is_match(words: Iterable[str], names: str, value: str) -> bool:
    """True if ``names`` contains every word (which are casefolded) and ``value`` is short enough for an option."""
    return all(word in names.casefold() for word in words) and len(value) <= block_kit.MAX_OPTION_VALUE


def input_block(block_id: str, label: str, element: View, hint: str = "", *, is_needed: bool = False) -> View:
    """An input with its label; without ``is_needed`` it may be left empty."""
    block = {
        "type": "input",
        "block_id": block_id,
        "optional": not is_needed,
        "label": block_kit.plain_text(label),
        "element": element,
    }
    return block | ({"hint": block_kit.plain_text(hint)} if hint else {})


def _select_menu(options: Mapping[str, str], chosen: str | None, label: str = "No change") -> View:
    """A menu with the option ``chosen`` selected; with none if ``chosen`` is None."""
    menu = block_kit.menu(
        TEXT, label, [(formatting.truncate(text, block_kit.MAX_LABEL, "…"), value) for value, text in options.items()]
    )
    selected = [o for o in menu["options"] if o["value"] == chosen]
    return menu | ({"initial_option": selected[0]} if selected else {})


def _common_value(values: Iterable[str]) -> str | None:
    """The value that all have in common; None if they differ or there are none."""
    distinct = set(values)
    return distinct.pop() if len(distinct) == 1 else None


def _option(label: str, value: str) -> View:
    return {"text": block_kit.plain_text(formatting.truncate(label, block_kit.MAX_LABEL, "…")), "value": value}


def form(callback_id: str, title: str, submit: str, private_metadata: str) -> View:
    """An empty modal with a button that submits it. Slack returns ``private_metadata`` with the submission."""
    return {
        "type": "modal",
        "callback_id": callback_id,
        "title": block_kit.plain_text(title),
        "submit": block_kit.plain_text(submit),
        "close": block_kit.plain_text("Cancel"),
        **({"private_metadata": private_metadata} if private_metadata else {}),
    }
