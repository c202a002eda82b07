"""Sends answers as Bolt's ``respond`` does, by Slack's Web API, where a request has no ``response_url``."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient


@dataclass(frozen=True, slots=True)
class SentAnswer:
    """What became of an answer, in the form of Bolt's: ``body`` is Slack's error code where it was refused."""

    status_code: int
    body: str = ""


@dataclass(frozen=True, slots=True)
class ChatRespond:
    """Sends to a channel or a thread, or to the person alone in it."""

    client: AsyncWebClient
    channel: str
    thread: str | None
    person: str
    is_private: bool

    async def __call__(self, *, text: str, blocks: Any = None, **_: Any) -> SentAnswer:
        """Sends one answer."""
        place = {"channel": self.channel, "text": text, "blocks": blocks}
        place |= {"thread_ts": self.thread} if self.thread else {}
        try:
            if self.is_private:
                await self.client.chat_postEphemeral(user=self.person, **place)
            else:
                await self.client.chat_postMessage(unfurl_links=False, unfurl_media=False, **place)
        except SlackApiError as error:
            return SentAnswer(HTTPStatus.BAD_REQUEST, str(error.response.get("error")))
        return SentAnswer(HTTPStatus.OK)
