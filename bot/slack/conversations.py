"""Mentions of the bot in channels, and direct messages to it: answered as the command is.

In a channel the answer is a reply in the message's thread; what only the person may see is ephemeral there. In direct
messages it is a plain message. Slack sends these texts only for the scopes ``app_mentions:read`` and ``im:history``
(bot/docs/slack.md#scopes); nothing else that people write reaches the bot.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack_features import SlackFeatures
from bot.commands import parsing
from bot.commands.types import CommandResponse, TypedText
from bot.slack import identity
from bot.slack.chat_respond import ChatRespond
from bot.slack.command import await_answer, send_response
from bot.slack.deduplication import RecentKeys

log = logging.getLogger("brownout")

MENTION_EVENT, MESSAGE_EVENT = "app_mention", "message"
MAX_AGE = timedelta(minutes=10)  # an older message is not answered: Slack repeats events for a day
_MAX_NAMES = 10_000  # people whose names are kept
_REPEAT_MEMORY = timedelta(hours=1)
_MENTION = re.compile(r"<@[UW][A-Z0-9]+(?:\|[^<>]*)?>")
_READ_SUBTYPES = (None, "file_share", "thread_broadcast")  # others are edits, joins, and what bots write

Answer = Callable[[TypedText], Awaitable[CommandResponse]]


def register_conversations(
    app: AsyncApp, answer: Answer, now: Callable[[], datetime], features: SlackFeatures | None = None
) -> None:
    """Adds the events of mentions and of direct messages to the app. ``features`` are those that answers may use."""
    conversations = _Conversations(answer, now, features)

    async def handle_mention(event: dict[str, Any], body: dict[str, Any], client: AsyncWebClient, context: Any) -> None:
        if not event["channel"].startswith("D"):
            await conversations.reply(event, body, client, context.get("bot_user_id") or "")

    async def handle_message(event: dict[str, Any], body: dict[str, Any], client: AsyncWebClient, context: Any) -> None:
        if event.get("channel_type") == "im":
            await conversations.reply(event, body, client, context.get("bot_user_id") or "")

    async def remember_name(body: dict[str, Any], next_: Callable[[], Awaitable[Any]]) -> None:
        conversations.remember(*identity.named_person(body))
        await next_()

    app.middleware(remember_name)
    app.event(MENTION_EVENT)(handle_mention)
    app.event(MESSAGE_EVENT)(handle_message)


@dataclass(slots=True)
class _Conversations:
    """Answers messages to the bot, each once."""

    answer: Answer
    now: Callable[[], datetime]
    features: SlackFeatures | None = None
    _seen: RecentKeys = field(default_factory=RecentKeys)
    _names: dict[str, str] = field(default_factory=dict)

    def remember(self, person: str, name: str) -> None:
        """Keeps the name of a person who has used a command or a button."""
        if person and len(self._names) < _MAX_NAMES:
            self._names[person] = name

    async def reply(
        self, event: Mapping[str, Any], body: Mapping[str, Any], client: AsyncWebClient, bot_user: str
    ) -> None:
        if not self._is_answerable(event):
            return
        is_direct = event["channel"].startswith("D")
        thread = event.get("thread_ts") or (None if is_direct else event["ts"])
        person, other_team = identity.event_author(event, self._names), identity.event_other_team(event, body)
        channel = parsing.channel_or_user(event["channel"], person.id)
        text = _without_mention(event["text"], bot_user)
        typed = TypedText(text, channel, person, is_conversation=True, other_team=other_team)
        response = await await_answer(lambda: self.answer(typed))
        is_private = response.is_private and not is_direct
        respond = ChatRespond(client, event["channel"], thread, person.id, is_private)
        await send_response(response, respond, client, None, self.features)

    def _is_answerable(self, event: Mapping[str, Any]) -> bool:
        """Whether a person has written this to the bot a short while ago, and it is not answered yet."""
        is_of_person = not event.get("bot_id") and bool(event.get("user"))
        if event.get("subtype") not in _READ_SUBTYPES or not is_of_person or not event.get("text"):
            return False
        age = self.now().timestamp() - float(event["ts"])
        if age > MAX_AGE.total_seconds():
            log.info("a message to the bot is not answered: it is %.0f min old", age / 60)
            return False
        return self._seen.add_if_new(f"{event['channel']} {event['ts']}", self.now(), _REPEAT_MEMORY)


def _without_mention(text: str, bot_user: str) -> str:
    """The text without the mentions of the bot; without a first mention where the bot's own id is not known."""
    if bot_user:
        return re.sub(rf"<@{re.escape(bot_user)}(?:\|[^<>]*)?>", " ", text).strip(" ,:")
    return _MENTION.sub(" ", text, count=1).strip(" ,:")
