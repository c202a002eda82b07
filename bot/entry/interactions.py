"""Slack's buttons and modals: acknowledged at once, done after, and answered only where the message does not show it.

A trigger opens a modal for three seconds and once (slack.md 3), so modals are opened first and need nothing slow.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.entry import presses
from bot.entry.desk import Desk
from bot.entry.presses import Filled
from bot.entry.question import Press
from bot.entry.slash import answered, tell
from bot.model import Person
from bot.voice import hands, views

_OURS = re.compile(rf"(?:{'|'.join(presses.PRESSES)})(?::\d+)?")


def listen(app: AsyncApp, desk: Desk) -> None:
    """Adds the buttons and the modals to the app."""

    async def pressed(ack: Any, respond: Any, client: AsyncWebClient, body: dict[str, Any]) -> None:
        await ack()
        done = _press(body)
        reply = answered(f"the button {done.action}", partial(presses.press, desk, done))
        if reply:
            await tell(reply, respond, client, body.get("trigger_id"))

    async def noted(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        answered("a note", partial(presses.note, desk, _filled(body)))

    async def set_(ack: Any, body: dict[str, Any]) -> None:
        wrong = answered("settings", partial(presses.settings, desk, _filled(body)))
        if isinstance(wrong, dict) and wrong:
            await ack(response_action="errors", errors=wrong)
        else:
            await ack()

    async def looked_up(ack: Any, body: dict[str, Any]) -> None:
        await ack(options=views.options(desk.providers, body.get("value") or ""))

    app.action(_OURS)(pressed)
    app.options(hands.PICK)(looked_up)
    app.view(views.NOTE)(noted)
    app.view(views.SETTINGS)(set_)


def _press(body: dict[str, Any]) -> Press:
    [action, *_] = body["actions"]
    value = action.get("value") or (action.get("selected_option") or {}).get("value") or ""
    return Press(action["action_id"], value, body["channel"]["id"], _person(body))


def _filled(body: dict[str, Any]) -> Filled:
    view = body["view"]
    values = {b: _value(state) for b, states in view["state"]["values"].items() for state in states.values()}
    return Filled(view["id"], view.get("private_metadata") or "", values, _person(body))


def _value(state: dict[str, Any]) -> str:
    chosen = [state.get("selected_option"), *(state.get("selected_options") or ())]
    return state.get("value") or ",".join(option["value"] for option in chosen if option)


def _person(body: dict[str, Any]) -> Person:
    user = body["user"]
    return Person(user["id"], user.get("username") or user.get("name") or user["id"])
