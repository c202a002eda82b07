"""Bolt listeners for buttons and modals in channels: acknowledged at once, then handled.

An answer is sent only if the updated message does not show the result.

A trigger can open one modal, within three seconds (bot/docs/slack-limits.md#triggers-and-modals), so modals are opened
first and need no slow work.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack_features import SlackFeatures
from bot.commands import buttons, parsing
from bot.commands.types import ButtonClick, CommandResponse, ModalSubmission
from bot.messages import alert_actions, modals
from bot.queries.current import StatusQueries
from bot.slack import identity
from bot.slack.chat_respond import ChatRespond
from bot.slack.command import answer_or_error, send_response

_ACTION_IDS = re.compile(rf"^(?:{'|'.join(buttons.CLICK_HANDLERS)})(?::\d+)?$")  # anchored, since Bolt searches


async def _ignore_user(_: str) -> None:
    """Does nothing; for an app without App Home."""


def register_interactions(
    app: AsyncApp,
    queries: StatusQueries,
    then: Callable[[str], Awaitable[None]] = _ignore_user,
    features: SlackFeatures | None = None,
) -> None:
    """Adds the buttons and the modals to the app.

    ``then`` is called with the id of a person who changed settings. ``features`` are those that answers may use.
    """

    async def handle_click(ack: Any, respond: Any, client: AsyncWebClient, body: dict[str, Any]) -> None:
        await ack()
        click = parse_click(body)
        if not body.get("response_url") and not click.dm_channel:  # on a card that was opened outside a channel
            click = replace(click, channel=click.person.id, dm_channel=click.person.id)
        response = await answer_or_error(
            queries.units, f"the button {click.action}", partial(buttons.handle_click, queries, click)
        )
        if response:
            how = respond if body.get("response_url") else _respond_by_chat(client, click, response)
            await send_response(response, how, client, body.get("trigger_id"), features)

    async def handle_note(ack: Any, body: dict[str, Any]) -> None:
        errors = await answer_or_error(
            queries.units, "a note", partial(buttons.submit_note, queries, parse_submission(body))
        )
        await acknowledge_form(ack, errors, modals.NOTE)

    async def handle_settings(ack: Any, body: dict[str, Any]) -> None:
        errors = await answer_or_error(
            queries.units, "settings", partial(buttons.submit_settings, queries, parse_submission(body))
        )
        await acknowledge_form(ack, errors, modals.QUIET)
        if not errors:
            await then(body["user"]["id"])

    async def list_surfaces(ack: Any, body: dict[str, Any]) -> None:
        await ack(options=modals.surface_options(queries.providers, body.get("value") or ""))

    app.action(_ACTION_IDS)(handle_click)
    app.options(alert_actions.PICK)(list_surfaces)
    app.view(modals.NOTE)(handle_note)
    app.view(modals.SETTINGS)(handle_settings)


async def acknowledge_form(ack: Any, errors: dict[str, str] | CommandResponse, block: str) -> None:
    """Closes a submitted modal, or keeps it open with the errors; an answer means that its work failed."""
    if isinstance(errors, CommandResponse):
        errors = {block: f"Not saved. Your text is still here. {errors.message.text}"}
    if errors:
        await ack(response_action="errors", errors=errors)
    else:
        await ack()


def _respond_by_chat(client: AsyncWebClient, click: ButtonClick, response: CommandResponse) -> ChatRespond:
    """How to answer a click on the card of a link, which has no ``response_url``."""
    is_private = not response.in_channel and click.dm_channel != click.person.id
    return ChatRespond(client, click.dm_channel, None, click.person.id, is_private=is_private)


def parse_click(body: dict[str, Any]) -> ButtonClick:
    """The click in the body of Slack's request; in App Home it has no channel."""
    [action, *_] = body["actions"]
    value = action.get("value") or (action.get("selected_option") or {}).get("value") or ""
    room = (body.get("channel") or {}).get("id") or (body.get("container") or {}).get("channel_id") or ""
    person = identity.clicking_user(body)
    channel, other_team = parsing.channel_or_user(room, person.id), identity.other_team(body)
    return ButtonClick(action["action_id"], value, channel, person, room, other_team)


def parse_submission(body: dict[str, Any]) -> ModalSubmission:
    """The submitted modal in the body of Slack's request."""
    view = body["view"]
    values = {b: _state_value(state) for b, states in view["state"]["values"].items() for state in states.values()}
    metadata = view.get("private_metadata") or ""
    return ModalSubmission(view["id"], metadata, values, identity.clicking_user(body), identity.other_team(body))


def _state_value(state: dict[str, Any]) -> str:
    options = [state.get("selected_option"), *(state.get("selected_options") or ())]
    text = state.get("value") or state.get("selected_conversation")
    return text or ",".join(option["value"] for option in options if option)
