"""Slack's door: ``/brownout`` comes in over Socket Mode, is acknowledged at once, and answered from the desk.

Queries answer ephemerally; what changes the channel answers in the channel (DESIGN.md section 6). The answer goes to
the command's ``response_url``, which works in channels that the bot is not a member of (slack.md 3).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any, TypeVar

import aiohttp
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.edge.slack import barred
from bot.entry import typed
from bot.entry.question import Reply
from bot.errors import BrownoutError, UsageError
from bot.voice import ways
from bot.voice.sheet import joined, sheet
from bot.voice.words import cut

R = TypeVar("R")
log = logging.getLogger("brownout")

COMMAND = "/brownout"
MAX_TEXT = 12_000  # what screen readers get of a long answer; Slack refuses texts above 40,000

Answer = Callable[[str, str, str, str], Reply | Awaitable[Reply]]


def slack_app(client: AsyncWebClient, answer: Answer) -> AsyncApp:
    """A Bolt app with the one command. ``answer`` takes the words, the channel, the user's id and their name."""
    app = AsyncApp(client=client, logger=_hushed())

    async def handle(ack: Any, respond: Any, client: AsyncWebClient, command: dict[str, Any]) -> None:
        await ack()
        user = command["user_id"]
        where = typed.place(command["channel_id"], user)
        what = (command.get("text") or "", where, user, command.get("user_name") or "")
        await tell(await _answered(lambda: answer(*what)), respond, client, command.get("trigger_id"))

    app.command(COMMAND)(handle)
    return app


def answered(what: str, ask: Callable[[], R]) -> R | Reply:
    """The answer, or what went wrong with it: whoever asks is never left without one."""
    try:
        return ask()
    except Exception as error:  # noqa: BLE001  (whatever it is, it is told)
        return _failed(what, error)


async def _answered(ask: Callable[[], Reply | Awaitable[Reply]]) -> Reply:
    """The answer to a command, or what went wrong with it."""
    try:
        found = ask()
        return found if isinstance(found, Reply) else await found
    except Exception as error:  # noqa: BLE001  (whatever it is, it is told)
        return _failed(COMMAND, error)


async def _finished(later: Callable[[], Awaitable[Reply]]) -> Reply:
    """The rest of an answer, once it is there."""
    try:
        return await later()
    except UsageError as error:
        return Reply(sheet("", [str(error)]))
    except Exception as error:  # noqa: BLE001  (whatever it is, it is told)
        return _failed(COMMAND, error)


def _failed(what: str, error: Exception) -> Reply:
    if isinstance(error, BrownoutError):
        log.error("%s could not be answered: %s", what, error)
    else:
        log.error("%s could not be answered, for a reason that nobody thought of", what, exc_info=error)
    return Reply(sheet("", ["I can't answer this now; my log says why. Please tell whoever runs me."]))


async def tell(reply: Reply, respond: Any, client: AsyncWebClient, trigger: str | None) -> None:
    """Opens the answer's modal, where it has one, or sends the answer; and the rest of it once that is there."""
    if reply.posts_to and (why := await barred(client, reply.posts_to)):
        reply = replace(reply, message=joined([reply.message, ways.barred(why)]))
    if reply.view and trigger and await opens(client, trigger, reply.view):
        return
    try:
        await _send(respond, reply)
    except (aiohttp.ClientError, OSError) as error:
        log.warning("an answer to %s did not reach Slack: %s", COMMAND, type(error).__name__)
    if reply.later:
        await tell(await _finished(reply.later), respond, client, None)


async def opens(client: AsyncWebClient, trigger: str, view: Mapping[str, Any]) -> bool:
    """Opens a modal; False where Slack does not."""
    try:
        await client.views_open(trigger_id=trigger, view=dict(view))
    except (SlackApiError, aiohttp.ClientError, OSError) as error:
        why = error.response.get("error") if isinstance(error, SlackApiError) else type(error).__name__
        log.warning("Slack opened no modal: %s", why)
        return False
    return True


async def _send(respond: Any, reply: Reply) -> None:
    """Sends the answer; where Slack refuses its blocks, the text alone."""
    text, blocks = cut(reply.message.text, MAX_TEXT), list(reply.message.blocks)
    for shown in (blocks, None) if blocks else (None,):
        answer = await respond(
            text=text,
            blocks=shown,
            response_type="in_channel" if reply.in_channel else "ephemeral",
            replace_original=reply.replaces,
            unfurl_links=False,
            unfurl_media=False,
        )
        if answer.status_code == HTTPStatus.OK:
            return
        log.warning("Slack refused an answer with HTTP %d: %s", answer.status_code, answer.body[:100])


def _hushed() -> logging.Logger:
    """Bolt's and the SDK's own words are not for our log: they tell a failure again with every attempt."""
    hushed = logging.getLogger("brownout.bolt")
    hushed.setLevel(logging.CRITICAL)
    return hushed
