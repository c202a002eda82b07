"""Slack's command ``/brownout``: acknowledged at once, then answered.

Questions are answered to the person alone; changes are answered in the channel
(bot/docs/decisions.md#22-questions-are-private-changes-are-public). The answer goes to the command's ``response_url``,
which works in channels that the bot is not a member of (bot/docs/slack-limits.md#response-urls).
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any, TypeVar

import aiohttp
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack_client import cannot_post_reason
from bot.adapters.slack_features import SlackFeatures
from bot.commands import parsing
from bot.commands.types import CommandResponse
from bot.errors import BrownoutError, UsageError
from bot.messages import answers, newer_blocks, preferences
from bot.messages.builder import build_message, join_messages
from bot.messages.formatting import truncate
from bot.slack.authorization import BotAuthorization
from bot.unit_of_work import UnitRunner

R = TypeVar("R")
log = logging.getLogger("brownout")

COMMAND = "/brownout"
_BLOCK_ERRORS = ("invalid_blocks", "invalid_arguments", "unsupported")
MAX_TEXT = 12_000  # characters of the plain text, which screen readers read; Slack refuses more than 40,000

Answer = Callable[[str, str, str, str], CommandResponse | Awaitable[CommandResponse]]


def slack_app(
    client: AsyncWebClient,
    answer: Answer,
    authorization: BotAuthorization | None = None,
    features: SlackFeatures | None = None,
) -> AsyncApp:
    """A Bolt app with the command. ``answer`` takes the text, the channel, the user's id and the user's name.

    ``authorization`` has the token, which may change; without one, the client's is used. ``features`` are those that
    answers may use; None for plain answers.
    """
    known = authorization or BotAuthorization(client)

    async def authorize(enterprise_id: str | None, team_id: str | None, user_id: str | None) -> AuthorizeResult:
        return await known.authorize(enterprise_id, team_id, user_id)  # Bolt reads the names of a function's arguments

    # Steps of workflows end by the bot's own token: that of an execution expires after 15 minutes.
    app = AsyncApp(client=client, authorize=authorize, logger=_silent_logger(), attaching_function_token_enabled=False)

    async def handle(ack: Any, respond: Any, client: AsyncWebClient, command: dict[str, Any]) -> None:
        await ack()
        user = command["user_id"]
        channel = parsing.channel_or_user(command["channel_id"], user)
        arguments = (command.get("text") or "", channel, user, command.get("user_name") or "")
        response = await await_answer(lambda: answer(*arguments))
        await send_response(response, respond, client, command.get("trigger_id"), features)

    app.command(COMMAND)(handle)
    return app


async def answer_or_error(units: UnitRunner, what: str, request: Callable[[], R]) -> R | CommandResponse:
    """The result of a unit of work, or an error message as the answer. ``what`` names the request in the log."""
    try:
        return await units.run_next(request)
    except Exception as error:  # noqa: BLE001  (every error gets an answer)
        return _failure_response(what, error)


async def await_answer(request: Callable[[], CommandResponse | Awaitable[CommandResponse]]) -> CommandResponse:
    """The answer to a command, or an error message."""
    try:
        response = request()
        return response if isinstance(response, CommandResponse) else await response
    except Exception as error:  # noqa: BLE001  (every error gets an answer)
        return _failure_response(COMMAND, error)


async def _await_rest(later: Callable[[], Awaitable[CommandResponse]]) -> CommandResponse:
    """The rest of an answer, or an error message."""
    try:
        return await later()
    except UsageError as error:
        return CommandResponse(build_message("", [str(error)]))
    except Exception as error:  # noqa: BLE001  (every error gets an answer)
        return _failure_response(COMMAND, error)


def _failure_response(what: str, error: Exception) -> CommandResponse:
    """The answer to an error of ours: a number, which the log has too, and a button to try again."""
    number = f"{secrets.randbelow(0x10000):04X}"
    if isinstance(error, BrownoutError):
        log.error("%s could not be answered: %s id=%s", what, error, number)
    else:
        log.error("%s could not be answered: unexpected error id=%s", what, number, exc_info=error)
    message = build_message("", [f"Something went wrong (error {number}). Nothing was changed."])
    return CommandResponse(answers.with_buttons(message, [("Current status", "status")]), is_private=True)


async def send_response(
    response: CommandResponse,
    respond: Any,
    client: AsyncWebClient,
    trigger: str | None,
    features: SlackFeatures | None = None,
) -> None:
    """Opens the answer's modal, or sends the answer as a message; then sends the rest of it, if there is one.

    ``features`` are those that the answer may use; None for a plain one.
    """
    if response.posts_to and (why := await cannot_post_reason(client, response.posts_to)):
        response = replace(response, message=join_messages([response.message, preferences.cannot_post_message(why)]))
    if response.view and trigger and await open_modal(client, trigger, response.view):
        return
    try:
        await _send_message(respond, response, features)
    except (aiohttp.ClientError, OSError) as error:
        log.warning("an answer to %s did not reach Slack: %s", COMMAND, type(error).__name__)
    if response.later:
        await send_response(await _await_rest(response.later), respond, client, None, features)


async def open_modal(client: AsyncWebClient, trigger: str, view: Mapping[str, Any]) -> bool:
    """Opens a modal. Returns False, and logs why, if Slack does not open it."""
    try:
        await client.views_open(trigger_id=trigger, view=dict(view))
    except (SlackApiError, aiohttp.ClientError, OSError) as error:
        why = error.response.get("error") if isinstance(error, SlackApiError) else type(error).__name__
        log.warning("Slack opened no modal: %s", why)
        return False
    return True


async def _send_message(respond: Any, response: CommandResponse, features: SlackFeatures | None) -> None:
    """Sends the answer with newer blocks as far as Slack takes them; else with plain ones, else the text alone."""
    text, blocks = truncate(response.message.text, MAX_TEXT), list(response.message.blocks)
    newer = _newer_blocks(blocks, features)
    for payload_blocks in (*([newer] if newer else []), *([blocks] if blocks else []), None):
        http_response = await respond(
            text=text,
            blocks=payload_blocks,
            response_type="in_channel" if response.in_channel else "ephemeral",
            replace_original=response.replaces,
            unfurl_links=False,
            unfurl_media=False,
        )
        if http_response.status_code == HTTPStatus.OK:
            return
        if payload_blocks is newer and features and any(code in http_response.body for code in _BLOCK_ERRORS):
            for kind in newer_blocks.newer_types(newer):
                features.record_refusal(_feature(kind), http_response.body[:40], "answers have plain blocks")
            continue
        log.warning("Slack refused an answer with HTTP %d: %s", http_response.status_code, http_response.body[:100])


def _newer_blocks(blocks: list[dict[str, Any]], features: SlackFeatures | None) -> list[dict[str, Any]]:
    """The blocks with newer ones of those types that Slack has not refused lately; empty where that changes nothing."""
    if features is None:
        return []
    taken = {kind for kind in newer_blocks.NEWER_TYPES if features.may_use(_feature(kind))}
    changed = newer_blocks.with_newer_blocks(blocks, taken)
    return changed if newer_blocks.newer_types(changed) else []


def _feature(kind: str) -> str:
    return f"blocks of the type {kind}"


def _silent_logger() -> logging.Logger:
    """A logger for Bolt and the SDK that writes nothing: they would log a failure with every attempt."""
    logger = logging.getLogger("brownout.bolt")
    logger.setLevel(logging.CRITICAL)
    return logger
