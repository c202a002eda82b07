"""Slack's buttons and modals: acknowledged at once, done after, and answered only where the message does not show it.

A trigger opens a modal for three seconds and once (slack.md 3), so modals are opened first and need nothing slow.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.entry import presses, typed
from bot.entry.desk import Desk
from bot.entry.question import Filled, Press
from bot.entry.slash import answered, tell
from bot.model import Person
from bot.voice import hands, views

_OURS = re.compile(rf"^(?:{'|'.join(presses.PRESSES)})(?::\d+)?$")  # Bolt searches


async def _nothing(_: str) -> None:
    """For doors without a Home."""


def listen(app: AsyncApp, desk: Desk, then: Callable[[str], Awaitable[None]] = _nothing) -> None:
    """Adds the buttons and the modals to the app; ``then`` is told who has changed settings."""

    async def pressed(ack: Any, respond: Any, client: AsyncWebClient, body: dict[str, Any]) -> None:
        await ack()
        done = press(body)
        reply = answered(f"the button {done.action}", partial(presses.press, desk, done))
        if reply:
            await tell(reply, respond, client, body.get("trigger_id"))

    async def noted(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        answered("a note", partial(presses.note, desk, filled(body)))

    async def set_(ack: Any, body: dict[str, Any]) -> None:
        wrong = answered("settings", partial(presses.settings, desk, filled(body)))
        if isinstance(wrong, dict) and wrong:
            await ack(response_action="errors", errors=wrong)
        else:
            await ack()
            await then(body["user"]["id"])

    async def looked_up(ack: Any, body: dict[str, Any]) -> None:
        await ack(options=views.options(desk.providers, body.get("value") or ""))

    app.action(_OURS)(pressed)
    app.options(hands.PICK)(looked_up)
    app.view(views.NOTE)(noted)
    app.view(views.SETTINGS)(set_)


def press(body: dict[str, Any]) -> Press:
    """Who pressed what, and where; App Home is no channel."""
    [action, *_] = body["actions"]
    value = action.get("value") or (action.get("selected_option") or {}).get("value") or ""
    room = (body.get("channel") or {}).get("id") or ""
    person = _person(body)
    return Press(action["action_id"], value, typed.place(room, person.id), person, room)


def filled(body: dict[str, Any]) -> Filled:
    """A modal as it was sent off."""
    view = body["view"]
    values = {b: _value(state) for b, states in view["state"]["values"].items() for state in states.values()}
    return Filled(view["id"], view.get("private_metadata") or "", values, _person(body))


def _value(state: dict[str, Any]) -> str:
    chosen = [state.get("selected_option"), *(state.get("selected_options") or ())]
    named = state.get("value") or state.get("selected_conversation")
    return named or ",".join(option["value"] for option in chosen if option)


def _person(body: dict[str, Any]) -> Person:
    user = body["user"]
    return Person(user["id"], user.get("username") or user.get("name") or user["id"])
