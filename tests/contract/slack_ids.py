"""Identifiers that messages and modals in Slack hold, with the form of their values, and what handles them.

Messages of an older version stay in channels, so an id and the form of its value must be handled for ever.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

from bot.cli.manifest_steps import FUNCTIONS
from bot.commands import app_home, buttons, watch
from bot.commands.registry import COMMANDS
from bot.domain import (
    ChannelPreferences,
    ChatUser,
    Condition,
    DigestSchedule,
    Impact,
    Incident,
    IncidentUserActions,
    Message,
    Mute,
    NewsKind,
    Notice,
    NoticeKind,
    Notification,
    NotificationKind,
    ProviderState,
    QuietHours,
    Stage,
    Subscription,
    SurfaceState,
    TrackedIncident,
    UserAction,
)
from bot.messages import alert_actions, alerts, modals
from bot.messages import app_home as messages_app_home
from bot.slack import command, events, interactions
from tests.contract.text import sections
from tests.support.acme import ACME
from tests.support.samples import ALERT, NOON, OVER, item, line, parent, reply, verdict

_IDS = ("action_id", "block_id", "callback_id")
_BY = UserAction(ChatUser("U1", "Ada"), NOON)
_LISTENS = Subscription("C1", "acme", Condition.DEGRADED, "U1", NOON, "!subteam^S1|@ops")


def ids() -> str:
    """What is rendered, what is handled, and what may be typed."""
    heard = RegistrationRecorder()
    interactions.register_interactions(heard, None)
    events.register_events(heard, None, None, None)
    return sections(
        {
            "rendered": [told for payload in _payloads() for told in _found(payload)],
            "handled": heard.lines,
            "buttons of messages": buttons.CLICK_HANDLERS,
            "buttons of App Home": app_home.CLICK_HANDLERS,
            "workflow steps": _steps(),
            "slash command and its verbs": [command.COMMAND, *(f"{command.COMMAND} {verb}" for verb in COMMANDS)],
        }
    )


def _steps() -> Iterator[str]:
    """The steps of Workflow Builder with their inputs and outputs, to which workflows refer."""
    for step, function in yaml.safe_load(FUNCTIONS)["functions"].items():
        for direction in ("input", "output"):
            for name, parameter in function[f"{direction}_parameters"].items():
                yield f"{step} {direction} {name} {parameter['type']}{' !' if parameter['is_required'] else ''}"


@dataclass
class RegistrationRecorder:
    """In place of a Bolt app: keeps what is registered."""

    lines: list[str] = field(default_factory=list)

    def _keep(self, kind: str, what: Any) -> Any:
        text = what.pattern if isinstance(what, re.Pattern) else str(what)
        whole = re.fullmatch(r"\^\(\?:([^()]*)\)(.*)\$", text)
        self.lines += [f"{kind} {word}{whole[2]}" for word in whole[1].split("|")] if whole else [f"{kind} {text}"]
        return lambda listener: listener

    def action(self, what: Any) -> Any:
        return self._keep("action", what)

    def options(self, what: Any) -> Any:
        return self._keep("options", what)

    def view(self, what: Any) -> Any:
        return self._keep("view", what)

    def event(self, what: Any) -> Any:
        return self._keep("event", what)


def _found(node: Any) -> Iterator[str]:
    """The ids in a payload; an action with its kind and the values that come back from it."""
    if isinstance(node, dict):
        for key in _IDS:
            if key in node:
                more = [node["type"], *_values(node)] if key == "action_id" else []
                yield " ".join([key, node[key], *more])
        if "private_metadata" in node:
            yield f"private_metadata of {node['callback_id']}: {node['private_metadata']}"
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list | tuple) else ():
        yield from _found(child)


def _values(element: dict[str, Any]) -> Iterator[str]:
    given = [element.get("value"), *(option["value"] for option in element.get("options", ()))]
    found = ", ".join(repr(value) for value in given if value)
    yield from [f"value {found}"] if found else []


# --- one of each kind of payload --------------------------------------------------------------------------------------


def _payloads() -> Iterator[Any]:
    yield from _messages()
    yield from _modals()
    yield from (messages_app_home.home_view(_resident()), messages_app_home.minimal_home_view(_resident()))


def _all_blocks(message: Message) -> list[Any]:
    """The blocks of a message, and those of its attachments."""
    return [*message.blocks, *(block for attachment in message.attachments for block in attachment["blocks"])]


def _messages() -> Iterator[Any]:
    web = line("Acme Web", Condition.DEGRADED)
    acked, muted = IncidentUserActions(ack=_BY), IncidentUserActions(mute=Mute("C1", "i1", None, _BY))
    posts = [parent(ALERT), parent(OVER), parent(replace(ALERT, lines=(*ALERT.lines, web)))]
    yield from (_all_blocks(alerts.render_notification(post)) for post in posts)
    yield from (_all_blocks(alerts.render_notification(parent(ALERT), people)) for people in (acked, muted))
    yield _all_blocks(alerts.render_notification(parent(replace(OVER, cleared_at=OVER.closed_at))))
    yield from (alerts.render_notification(reply(item(news, quote="Words."))).blocks for news in NewsKind)
    for kind in NoticeKind:
        notice = Notice(kind, "acme", "Acme", "k", NOON, "https://status.acme.example", NOON, "why")
        yield alerts.render_notification(Notification("C1", NotificationKind.NOTICE, "k", notice)).blocks
    yield from (
        alert_actions.share_buttons("summary i1", "summary i1"),
        alert_actions.question_buttons([("Help", "help"), ("List", "list")]),
    )
    yield from (
        modals.welcome_message(3).blocks,
        modals.status_menu_message(is_new=True).blocks,
        modals.status_menu_message(is_new=False).blocks,
    )
    yield watch._proposal_response(_proposal(), ("https://status.acme.example", "id:acme")).message.blocks


def _modals() -> Iterator[Any]:
    night = QuietHours(time(22), time(7), "Europe/Berlin")
    habits = ChannelPreferences("C1", maintenance=True, quiet=night, digest=DigestSchedule(time(9)))
    yield from (modals.note_modal("i1", "Errors", "C1"), modals.settings_modal("C1", [_LISTENS], habits))
    yield from (modals.subscribe_modal(None), modals.subscribe_modal(("acme", "Acme"), "C1"))


def _proposal() -> Any:
    found = SimpleNamespace(
        source=ACME.source, url=ACME.source.url, snapshot=SimpleNamespace(components=(), incidents=())
    )
    return SimpleNamespace(digest="DIGEST", page=found, file=Path("acme.toml"), is_known=True)


def _resident() -> messages_app_home.HomeModel:
    states = tuple(SurfaceState(s.id, Condition.MAJOR_OUTAGE, NOON) for s in ACME.surfaces)
    verdicts = tuple(verdict(s.id) for s in ACME.surfaces)
    known = TrackedIncident(Incident("i1", "Errors", Stage.INVESTIGATING, Impact.MAJOR, NOON), NOON)
    world = ProviderState("acme", (), (known,), NOON, None, states=states, verdicts=verdicts)
    mine = [_LISTENS, replace(_LISTENS, channel="U1")]
    return messages_app_home.HomeModel("U1", ((ACME, world),), mine, ChannelPreferences("U1"), {}, NOON)
