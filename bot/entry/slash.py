"""Slack's door: ``/brownout`` comes in over Socket Mode, is acknowledged at once, and answered from the desk.

Queries answer ephemerally; what changes the channel answers in the channel (DESIGN.md section 6). The answer goes to
the command's ``response_url``, which works in channels that the bot is not a member of (slack.md 3).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.entry.commands import Reply

COMMAND = "/brownout"


def slack_app(client: AsyncWebClient, answer: Callable[[str, str, str], Reply]) -> AsyncApp:
    """A Bolt app with the one command. ``answer`` takes the words, the channel and the user."""
    app = AsyncApp(client=client)

    async def handle(ack: Any, respond: Any, command: dict[str, Any]) -> None:
        await ack()
        reply = answer(command.get("text", ""), command["channel_id"], command["user_id"])
        await respond(
            text=reply.message.text,
            blocks=list(reply.message.blocks),
            response_type="in_channel" if reply.in_channel else "ephemeral",
            unfurl_links=False,
            unfurl_media=False,
        )

    app.command(COMMAND)(handle)
    return app
