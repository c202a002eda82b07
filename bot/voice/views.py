"""What a modal or a menu asks -> Slack's view as JSON values, inside Slack's limits (slack.md 2.1). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bot.model import Condition, Digest, Habits, Message, Pause, Provider, Subscription
from bot.voice import blocks, digest, hands, ways, words

View = dict[str, Any]

NOTE, SETTINGS, SUBSCRIBE = "note", "settings", "subscribe"  # callback_ids; they never change
MINIMUM, MENTION, MAINTENANCE, QUIET = "minimum", "mention", "maintenance", "quiet"  # blocks of the settings
DIGEST, DIGEST_AT, DIGEST_CALM = "digest", "digest_at", "digest_calm"  # and of its digest
OFF, DAILY = "off", "daily"  # rhythms, beside the numbers of the weekdays
TARGET, WHERE = "target", "where"  # blocks of a subscription
CHOOSE = "choose"  # action_id: a target to subscribe to
TEXT = "text"
LONGEST_NOTE = 2000
NOBODY = "nobody"
_LABEL = 75
_MOST = 100  # blocks in a view
_VALUE = 150
_LEVELS = {
    Condition.DEGRADED: "Whatever the severity",
    Condition.PARTIAL_OUTAGE: "From “partly down” up",
    Condition.MAJOR_OUTAGE: "Only “down”",
}


def note(incident: str, title: str, channel: str) -> View:
    """Asks for a note to an incident; what comes back has it in block and action ``note`` and ``text``."""
    asked = {
        "type": "plain_text_input",
        "action_id": TEXT,
        "multiline": True,
        "max_length": LONGEST_NOTE,
        "focus_on_load": True,
    }
    hint = blocks.plain("It goes into the timeline and into the thread here. Other channels do not see it.")
    return _modal(NOTE, "Note", "Add note", f"{channel} {incident}") | {
        "blocks": [
            blocks.quote(title, 600),
            {
                "type": "input",
                "block_id": NOTE,
                "label": blocks.plain("What happened?"),
                "element": asked,
                "hint": hint,
            },
        ]
    }


def settings(channel: str, subscriptions: Iterable[Subscription], habits: Habits, pause: Pause | None = None) -> View:
    """Asks how a channel wants to be told, for all that it listens to. What is left empty in a menu stays as it is."""
    found = list(subscriptions)
    rings = [s.mention or NOBODY for s in found]
    mentions = {NOBODY: "Nobody"} | {m: ways.called(m) for m in rings if m != NOBODY and len(m) <= _VALUE}
    shown = words.cut(words.listing(s.target for s in found), 500)
    quiet = ways.hours(habits.quiet) if habits.quiet else ""
    is_on = [_option("Tell of maintenances too", "on")]
    hours = {"type": "plain_text_input", "action_id": TEXT, "max_length": 60} | {
        "placeholder": blocks.plain("22:00-07:00 Europe/Berlin")
    }
    checks = {"type": "checkboxes", "action_id": TEXT, "options": is_on}
    return _modal(SETTINGS, "Settings", "Save", channel) | {
        "blocks": [
            blocks.section(f"{ways.hears(channel, 'listen')} to *{blocks.escape(shown)}*."),
            *([blocks.section(ways.paused(pause).replace("**", "*"))] if pause else []),
            _input(
                MINIMUM,
                "Alerts",
                _choice({str(c): label for c, label in _LEVELS.items()}, _only(s.minimum for s in found)),
            ),
            _input(MAINTENANCE, "Maintenance", checks | ({"initial_options": is_on} if habits.maintenance else {})),
            _input(
                MENTION,
                "A complete outage rings",
                _choice(mentions, _only(rings)),
                "To choose a group: /brownout subscribe … mention:@group",
            ),
            _input(
                QUIET,
                "Quiet hours",
                hours | ({"initial_value": quiet} if quiet else {}),
                "Alerts wait until they end, except a complete outage. Empty for none.",
            ),
            *_digest(habits.digest),
        ]
    }


def _digest(now: Digest | None) -> Iterator[View]:
    """When to look back, if at all: the rhythm, the hour with its zone, and whether to speak where nothing broke."""
    rhythms = {OFF: "None", DAILY: "Every day"} | {str(n): f"Every {day}" for n, day in enumerate(digest.DAYS)}
    chosen = OFF if now is None else DAILY if now.weekday is None else str(now.weekday)
    at = {"type": "plain_text_input", "action_id": TEXT, "max_length": 60}
    at |= {"placeholder": blocks.plain("09:00 Europe/Berlin")}
    at |= {"initial_value": f"{now.at:%H:%M} {now.zone}"} if now else {}
    on = [_option("In one line also where nothing broke", "on")]
    calm = {"type": "checkboxes", "action_id": TEXT, "options": on}
    calm |= {"initial_options": on} if now is None or now.on_calm else {}
    yield _input(DIGEST, "Digest", _choice(rhythms, chosen), "What broke, minutes lost, how right the verdicts were.")
    yield _input(DIGEST_AT, "Digest at", at, "A time of day and its zone. Empty is 09:00 UTC.")
    yield _input(DIGEST_CALM, "Calm times", calm)


def subscribe(target: tuple[str, str] | None, channel: str = "") -> View:
    """Asks what to hear of, where, and from which severity up. ``target`` is id and name of what is chosen already."""
    chosen = {"initial_option": _option(target[1], target[0])} if target and len(target[0]) <= _VALUE else {}
    where = {"type": "conversations_select", "action_id": TEXT, "placeholder": blocks.plain("Your direct messages")}
    where |= {"filter": {"include": ["public", "private"], "exclude_bot_users": True}}
    here = {"initial_conversation": channel} if channel[:1] in ("C", "G") else {}
    levels = _choice({str(c): label for c, label in _LEVELS.items()}, str(Condition.DEGRADED), "From which severity")
    hint = "Leave it empty to hear of it in direct messages. In a private channel, invite me first."
    return _modal(SUBSCRIBE, "Subscribe", "Subscribe", "") | {
        "blocks": [
            _input(TARGET, "What", picker(TEXT, "A surface or a provider…") | chosen) | {"optional": False},
            _input(WHERE, "Where", where | here, hint),
            _input(MINIMUM, "Alerts", levels) | {"optional": False},
        ]
    }


def told(message: Message) -> View:
    """An answer as a modal, for doors that have no channel to answer in; its buttons stay behind."""
    kept = [b for b in message.blocks if b["type"] != "actions"][:_MOST]
    shown = kept or [blocks.section(message.text)]
    return {"type": "modal", "title": blocks.plain("Brownout"), "close": blocks.plain("Close"), "blocks": shown}


def welcome(providers: int) -> Message:
    """The first words in a channel: what the bot does there, and how to begin. It rings nobody."""
    said = (
        f"Hello. I watch the status pages of {providers} providers and tell here which surface is broken, whether it"
        " is safe to retry, and what to use meanwhile. I can't read your messages."
    )
    how = "`/brownout subscribe claude` subscribes this channel; `/brownout help` lists the rest. Or pick:"
    row = blocks.actions([picker(CHOOSE, "A surface or a provider…"), *hands.asks([("Help", "help")])["elements"]])
    text = f"{said} {how.replace('`', '').removesuffix(' Or pick:')}"
    return Message(text, (blocks.section(said), blocks.section(how), row))


def picker(action_id: str, label: str) -> View:
    """A menu over the whole catalogue, which is asked for what is typed."""
    return {"type": "external_select", "action_id": action_id, "min_query_length": 0} | {
        "placeholder": blocks.plain(label)
    }


def overflow(action_id: str, options_: Iterable[tuple[str, str]]) -> View:
    """The small menu beside a line, of label and value; Slack takes five."""
    return {"type": "overflow", "action_id": action_id, "options": [_option(label, value) for label, value in options_]}


def menu(*, is_new: bool, channel: str = "") -> Message:
    """The buttons below a status: what people want next, and a surface to look up."""
    asks = [("What is heard here", "list"), ("Settings", "settings"), ("Sources", "sources"), ("Help", "help")]
    if is_new:
        asks = [("Help", "help"), ("Every surface", "list all"), ("Sources", "sources")]
        how = ways.undo("subscribe claude", channel)
        hint = f"{ways.hears(channel, 'listen')} to nothing yet: {how}, or pick a surface."
    else:
        hint = "`/brownout help` lists every command."
    row = blocks.actions([picker(hands.PICK, "Look up a surface…"), *hands.asks(asks)["elements"]])
    return Message(hint.replace("`", ""), (blocks.context(hint), row))


def options(providers: Iterable[Provider], typed: str) -> list[View]:
    """The surfaces that a typed part of a name could mean, as many as Slack takes in a menu."""
    wanted = typed.casefold().split()
    found = [
        _option(f"{s.name} · {p.name}", s.id)
        for p in providers
        for s in p.surfaces
        if all(w in f"{s.name} {s.id} {p.name} {p.id}".casefold() for w in wanted) and len(s.id) <= _VALUE
    ]
    return found[:100]


def targets(providers: Iterable[Provider], typed: str) -> list[View]:
    """What a typed part of a name could mean to a subscription: providers, each before its surfaces."""
    wanted, found = typed.casefold().split(), []
    for p in providers:
        if all(w in f"{p.name} {p.id} {' '.join(p.aliases)}".casefold() for w in wanted) and len(p.id) <= _VALUE:
            found.append(_option(f"{p.name}: all of it", p.id))
        found += options([p], typed)
    return found[:100]


def _input(block: str, label: str, element: View, hint: str = "") -> View:
    told = {"type": "input", "block_id": block, "optional": True, "label": blocks.plain(label), "element": element}
    return told | ({"hint": blocks.plain(hint)} if hint else {})


def _choice(options_: Mapping[str, str], chosen: str | None, label: str = "As it is") -> View:
    """A menu with what is so now chosen in it; nothing, where it differs from one subscription to the other."""
    found = blocks.menu(TEXT, label, [(words.cut(told_, _LABEL, "…"), value) for value, told_ in options_.items()])
    now = [o for o in found["options"] if o["value"] == chosen]
    return found | ({"initial_option": now[0]} if now else {})


def _only(values: Iterable[str]) -> str | None:
    """What all of them are; None where they differ."""
    found = set(values)
    return found.pop() if len(found) == 1 else None


def _option(label: str, value: str) -> View:
    return {"text": blocks.plain(words.cut(label, _LABEL, "…")), "value": value}


def _modal(callback_id: str, title: str, submit: str, memory: str) -> View:
    """``memory`` comes back with the answer."""
    return {
        "type": "modal",
        "callback_id": callback_id,
        "title": blocks.plain(title),
        "submit": blocks.plain(submit),
        "close": blocks.plain("Cancel"),
        **({"private_metadata": memory} if memory else {}),
    }
