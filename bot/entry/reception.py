"""Slack's events, App Home's buttons and the subscription's modal: heard here, done elsewhere, drawn by the Homes.

The scopes without which Slack does not send an event stand in manifest.yml beside it (slack.md 2.3).
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.edge.slack import barred
from bot.entry import bundles, enrol, home, interactions
from bot.entry.bundles import Bundle, Shelf
from bot.entry.desk import Desk
from bot.entry.homes import Homes
from bot.entry.question import Press, Reply
from bot.entry.slash import answered, opens, tell
from bot.errors import UsageError
from bot.voice import hands, views, ways
from bot.voice import home as drawn
from bot.voice.sheet import sheet

OPENED, JOINED = "app_home_opened", "member_joined_channel"
_PICKERS = re.compile(rf"^(?:{drawn.PICK}|{views.CHOOSE})$")  # Bolt searches in a name
_AT_HOME = re.compile(rf"^(?:{'|'.join(home.PRESSES)})(?::\w+)?$")


def listen(app: AsyncApp, desk: Desk, homes: Homes, shelf: Shelf) -> None:
    """Adds the events, Home's buttons, the subscription's modal and Export to the app."""
    _events(app, desk, homes)
    _home(app, desk, homes)
    _export(app, desk, shelf)


def _events(app: AsyncApp, desk: Desk, homes: Homes) -> None:
    async def opened(event: dict[str, Any]) -> None:
        if event.get("tab", "home") == "home":
            await homes.opened(event["user"])

    async def joined(event: dict[str, Any], context: dict[str, Any]) -> None:
        if event.get("user") == context.get("bot_user_id"):
            answered("an invitation", partial(enrol.welcome, desk, event["channel"]))

    app.event(OPENED)(opened)
    app.event(JOINED)(joined)


def _export(app: AsyncApp, desk: Desk, shelf: Shelf) -> None:
    async def exported(ack: Any, respond: Any, client: AsyncWebClient, body: dict[str, Any]) -> None:
        await ack()
        done = interactions.press(body)
        found = answered("an export", partial(_bundle, desk, done))
        reply = await bundles.give(shelf, found, done.room) if isinstance(found, Bundle) else found
        if reply:
            await tell(reply, respond, client, None)

    app.action(hands.EXPORT)(exported)


def _bundle(desk: Desk, done: Press) -> Bundle | Reply:
    try:
        return bundles.bundle(desk, done)
    except UsageError as error:
        return Reply(sheet("", [str(error)]))


def _home(app: AsyncApp, desk: Desk, homes: Homes) -> None:
    async def pressed(ack: Any, client: AsyncWebClient, body: dict[str, Any]) -> None:
        await ack()
        done = interactions.press(body)
        reply = answered(f"the button {done.action}", partial(home.press, desk, done))
        if reply:  # Home is no place to answer in: what is not in the modal is in our log
            await opens(client, body.get("trigger_id") or "", reply.view or views.told(reply.message))
        await homes.draw(done.person.id)

    async def enrolled(ack: Any, client: AsyncWebClient, body: dict[str, Any]) -> None:
        done = interactions.filled(body)
        where = done.values.get(views.WHERE, "")
        if where and (why := await barred(client, where)):
            await ack(response_action="errors", errors={views.WHERE: ways.barred(why).text})
            return
        wrong = answered("a subscription", partial(enrol.enrol, desk, done))
        if isinstance(wrong, dict) and wrong:
            await ack(response_action="errors", errors=wrong)
        else:
            await ack()
            await homes.draw(done.person.id)

    async def looked_up(ack: Any, body: dict[str, Any]) -> None:
        await ack(options=views.targets(desk.providers, body.get("value") or ""))

    app.action(_AT_HOME)(pressed)
    app.view(views.SUBSCRIBE)(enrolled)
    app.options(_PICKERS)(looked_up)
    app.options({"action_id": views.TEXT, "block_id": views.TARGET})(looked_up)
