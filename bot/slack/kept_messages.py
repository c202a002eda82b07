"""Bolt listeners that keep people's messages in the timeline of a declared incident.

An emoji needs ``reactions:read`` and a history scope, as ``manifest.yml`` does not have them; the shortcut *Keep in the
timeline* needs none, since Slack sends the message with it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.commands import kept_messages, permissions
from bot.commands.kept_messages import ChatMessage
from bot.commands.types import CommandResponse
from bot.domain import ChatUser, DeclaredIncident
from bot.errors import DeliveryError
from bot.messages import declared
from bot.queries.current import StatusQueries
from bot.slack import identity
from bot.slack.command import answer_or_error, send_response

log = logging.getLogger("brownout")

SHORTCUT = "keep_in_timeline"  # callback_id in the manifest: never change it
REACTION_EVENTS = ("reaction_added", "reaction_removed")


class MessageReader(Protocol):
    """Reads single messages and people's names; failures of the first are DeliveryErrors."""

    async def read_message(self, channel: str, ts: str) -> Mapping[str, Any] | None: ...  # noqa: D102
    async def person_name(self, person: str) -> str: ...  # noqa: D102


def register_kept_messages(app: AsyncApp, queries: StatusQueries, reader: MessageReader, emoji: str) -> None:
    """Adds the emoji's events and the shortcut to the app. Without an ``emoji`` only the shortcut works."""
    handlers = _Handlers(queries, reader, emoji)

    async def handle_shortcut(
        ack: Any, respond: Any, client: AsyncWebClient, shortcut: dict[str, Any], body: dict[str, Any]
    ) -> None:
        await ack()
        await send_response(await handlers.keep_by_shortcut(shortcut, body), respond, client, None)

    async def handle_added(event: dict[str, Any]) -> None:
        await handlers.keep_marked(event)

    async def handle_removed(event: dict[str, Any]) -> None:
        await handlers.drop_unmarked(event)

    app.shortcut({"type": "message_action", "callback_id": SHORTCUT})(handle_shortcut)
    for name, handler in zip(REACTION_EVENTS, (handle_added, handle_removed), strict=True):
        app.event(name)(handler)


@dataclass(frozen=True, slots=True)
class _Handlers:
    queries: StatusQueries
    reader: MessageReader
    emoji: str

    async def keep_by_shortcut(self, shortcut: Mapping[str, Any], body: dict[str, Any]) -> CommandResponse:
        """Keeps the message of a shortcut; the answer is for the person alone."""
        if permissions.is_guest(self.queries, identity.other_team(body)):
            return permissions.guest_denied()
        message = shortcut.get("message") or {}
        channel = str((shortcut.get("channel") or {}).get("id") or "")
        thread_ts = str(message.get("thread_ts") or "")
        incident = await self.queries.units.run(
            partial(kept_messages.incident_of, self.queries, channel, thread_ts, is_asked=True)
        )
        if incident is None:
            return CommandResponse(declared.nothing_to_keep_for())
        chat_message = await self._message(channel, message)
        if chat_message is None:
            return CommandResponse(declared.not_of_a_person())
        kept = await answer_or_error(
            self.queries.units, "a message", partial(kept_messages.keep, self.queries, incident, chat_message)
        )
        if isinstance(kept, CommandResponse):
            return kept
        return CommandResponse(declared.message_kept(incident, chat_message.ts, is_new=kept))

    async def keep_marked(self, event: Mapping[str, Any]) -> None:
        """Keeps the message that a person marked, if it belongs to a declared incident."""
        found = await self._marked(event)
        if found is None:
            return
        incident, message = found
        chat_message = await self._message(str(event["item"]["channel"]), message)
        if chat_message is not None:
            await answer_or_error(
                self.queries.units, "a message", partial(kept_messages.keep, self.queries, incident, chat_message)
            )

    async def drop_unmarked(self, event: Mapping[str, Any]) -> None:
        """Takes the message out, once no one marks it any more. It stays where Slack does not say whether one does."""
        item = event.get("item") or {}
        if not self._is_ours(event):
            return
        channel, ts = str(item.get("channel")), str(item.get("ts"))
        keeping = await self.queries.units.run(self.queries.repository.declared.keeping, ts)
        incidents = [incident for incident in keeping if channel in (incident.origin, incident.channel)]
        if not incidents or await self._may_be_marked(channel, ts):
            return
        for incident in incidents:
            await answer_or_error(
                self.queries.units, "a message", partial(kept_messages.drop, self.queries, incident, ts)
            )

    async def _may_be_marked(self, channel: str, ts: str) -> bool:
        """Whether a person still marks a message, or Slack does not say."""
        try:
            message = await self.reader.read_message(channel, ts) or {}
        except DeliveryError as error:
            log.warning("a kept message of %s could not be read, and stays in the timeline: %s", channel, error)
            return True
        return any(_is_emoji(reaction.get("name"), self.emoji) for reaction in message.get("reactions") or ())

    def _is_ours(self, event: Mapping[str, Any]) -> bool:
        item = event.get("item") or {}
        is_message = item.get("type") == "message" and item.get("channel") and item.get("ts")
        return bool(is_message) and _is_emoji(event.get("reaction"), self.emoji)

    async def _marked(self, event: Mapping[str, Any]) -> tuple[DeclaredIncident, Mapping[str, Any]] | None:
        """The incident and the message of an event; None where it is not for us."""
        if not self._is_ours(event):
            return None
        channel, ts = str(event["item"]["channel"]), str(event["item"]["ts"])
        if not await self.queries.units.run(kept_messages.incidents_in, self.queries, channel):
            return None  # nothing of other channels is read
        message = await self._read(channel, ts)
        if message is None:
            return None
        thread_ts = str(message.get("thread_ts") or "")
        incident = await self.queries.units.run(kept_messages.incident_of, self.queries, channel, thread_ts)
        return (incident, message) if incident is not None else None

    async def _read(self, channel: str, ts: str) -> Mapping[str, Any] | None:
        try:
            return await self.reader.read_message(channel, ts)
        except DeliveryError as error:
            log.warning("a marked message of %s could not be read, and is not kept: %s", channel, error)
            return None

    async def _message(self, channel: str, message: Mapping[str, Any]) -> ChatMessage | None:
        """A person's message with its author's name; None for one of an app."""
        person, ts = str(message.get("user") or ""), str(message.get("ts") or "")
        if not person or not ts or message.get("bot_id"):
            return None
        known = await self.queries.units.run(self.queries.repository.declared.known_name, person)
        name = known or await self.reader.person_name(person)
        author = ChatUser(person, name or person)
        return ChatMessage(channel, ts, author, str(message.get("text") or ""), str(message.get("thread_ts") or ""))


def _is_emoji(name: object, emoji: str) -> bool:
    """Whether a reaction is this emoji, in whatever skin tone."""
    return bool(emoji) and isinstance(name, str) and name.partition("::")[0] == emoji
