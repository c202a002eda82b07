"""Bolt listeners for Slack's events, App Home's buttons, the subscription modal and Export.

manifest.yml names the scope that each event needs
(bot/docs/slack-limits.md#manifest).
"""

from __future__ import annotations

import logging
import re
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack_client import cannot_post_reason
from bot.commands import app_home, export_files, subscriptions
from bot.commands.export_files import FileBundle, FileUploader
from bot.commands.types import ButtonClick, CommandResponse
from bot.errors import UsageError
from bot.messages import alert_actions, modals, preferences
from bot.messages import app_home as messages_app_home
from bot.messages.builder import build_message
from bot.queries.current import StatusQueries
from bot.slack import interactions
from bot.slack.app_home_publisher import AppHomePublisher
from bot.slack.command import answer_or_error, open_modal, send_response

log = logging.getLogger("brownout")

HOME_OPENED_EVENT, MEMBER_JOINED_EVENT = "app_home_opened", "member_joined_channel"
CHANNEL_EVENTS = ("channel_unarchive", "channel_rename", "group_unarchive", "group_rename")
CHANNEL_ID_EVENT = "channel_id_changed"  # a private channel was shared with another company
_PICKER_ACTION_IDS = re.compile(rf"^(?:{messages_app_home.PICK}|{modals.CHOOSE})$")  # anchored, since Bolt searches
_HOME_ACTION_IDS = re.compile(rf"^(?:{'|'.join(app_home.CLICK_HANDLERS)})(?::\w+)?$")


def register_events(app: AsyncApp, queries: StatusQueries, publisher: AppHomePublisher, uploader: FileUploader) -> None:
    """Adds the events, Home's buttons, the subscription's modal and Export to the app."""
    _register_lifecycle(app, queries, publisher)
    _register_home(app, queries, publisher)
    _register_export(app, queries, uploader)


def _register_lifecycle(app: AsyncApp, queries: StatusQueries, publisher: AppHomePublisher) -> None:
    async def handle_home_opened(event: dict[str, Any]) -> None:
        if event.get("tab", "home") == "home":
            await publisher.record_opened(event["user"])

    async def handle_member_joined(event: dict[str, Any], context: dict[str, Any]) -> None:
        if event.get("user") == context.get("bot_user_id"):
            await _probe_channel(queries, event)
            await answer_or_error(
                queries.units, "an invitation", partial(subscriptions.enqueue_welcome, queries, event["channel"])
            )

    app.event(HOME_OPENED_EVENT)(handle_home_opened)
    app.event(MEMBER_JOINED_EVENT)(handle_member_joined)
    _register_channel_events(app, queries)


def _register_channel_events(app: AsyncApp, queries: StatusQueries) -> None:
    async def handle_channel_changed(event: dict[str, Any]) -> None:
        await _probe_channel(queries, event)

    async def handle_channel_id_changed(event: dict[str, Any]) -> None:
        old, new = event.get("old_channel_id"), event.get("new_channel_id")
        if isinstance(old, str) and isinstance(new, str) and old and new and old != new:
            await answer_or_error(queries.units, "a channel with a new id", partial(_move_channel, queries, old, new))

    app.event(CHANNEL_ID_EVENT)(handle_channel_id_changed)
    for name in CHANNEL_EVENTS:
        app.event(name)(handle_channel_changed)


async def _probe_channel(queries: StatusQueries, event: dict[str, Any]) -> None:
    """Lets the channel of an event be tried again, if it is paused."""
    channel = event.get("channel")  # its id, or in a renaming an object
    name = channel.get("id") if isinstance(channel, dict) else channel
    if isinstance(name, str):
        await answer_or_error(
            queries.units, "a changed channel", partial(queries.repository.probe_channels, queries.now(), name)
        )


def _move_channel(queries: StatusQueries, old: str, new: str) -> None:
    moved = queries.repository.move_channel(old, new, queries.now())
    text = (
        "channel %s has the id %s now: its %d subscriptions and its settings are kept; change it in brownout.toml too"
    )
    log.info(text, old, new, moved)


def _register_export(app: AsyncApp, queries: StatusQueries, uploader: FileUploader) -> None:
    async def handle_export(ack: Any, respond: Any, client: AsyncWebClient, body: dict[str, Any]) -> None:
        await ack()
        click = interactions.parse_click(body)
        bundle = await answer_or_error(queries.units, "an export", partial(_build_bundle, queries, click))
        response = (
            await export_files.upload_bundle(uploader, bundle, click.dm_channel)
            if isinstance(bundle, FileBundle)
            else bundle
        )
        if response:
            await send_response(response, respond, client, None)

    app.action(alert_actions.EXPORT)(handle_export)


def _build_bundle(queries: StatusQueries, click: ButtonClick) -> FileBundle | CommandResponse:
    try:
        return export_files.build_bundle(queries, click)
    except UsageError as error:
        return CommandResponse(build_message("", [str(error)]))


def _register_home(app: AsyncApp, queries: StatusQueries, publisher: AppHomePublisher) -> None:
    async def handle_click(ack: Any, client: AsyncWebClient, body: dict[str, Any]) -> None:
        await ack()
        click = interactions.parse_click(body)
        response = await answer_or_error(
            queries.units, f"the button {click.action}", partial(app_home.handle_click, queries, click)
        )
        if response:  # Home has no channel to answer in: if no modal opens, the log says why
            await open_modal(
                client, body.get("trigger_id") or "", response.view or modals.message_modal(response.message)
            )
        await publisher.publish_requested(click.person.id)

    async def handle_subscription(ack: Any, client: AsyncWebClient, body: dict[str, Any]) -> None:
        submission = interactions.parse_submission(body)
        channel = submission.values.get(modals.WHERE, "")
        if channel and (reason := await cannot_post_reason(client, channel)):
            await ack(
                response_action="errors",
                errors={modals.WHERE: preferences.cannot_post_message(reason, is_kept=False).text},
            )
            return
        errors = await answer_or_error(
            queries.units, "a subscription", partial(subscriptions.submit_subscription, queries, submission)
        )
        if isinstance(errors, dict) and errors:
            await ack(response_action="errors", errors=errors)
        else:
            await ack()
            await publisher.publish_requested(submission.person.id)

    async def list_targets(ack: Any, body: dict[str, Any]) -> None:
        await ack(options=modals.target_options(queries.providers, body.get("value") or ""))

    app.action(_HOME_ACTION_IDS)(handle_click)
    app.view(modals.SUBSCRIBE)(handle_subscription)
    app.options(_PICKER_ACTION_IDS)(list_targets)
    app.options({"action_id": modals.TEXT, "block_id": modals.TARGET})(list_targets)
