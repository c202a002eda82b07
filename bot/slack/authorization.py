"""The token that requests from Slack are handled with, which may change while the bot runs.

Bolt's own check would ask Slack for the identity of one fixed token, and answer no command while Slack refuses it.
"""

from __future__ import annotations

import aiohttp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient


class BotAuthorization:
    """The bot's token and, once Slack has named it, its identity."""

    def __init__(self, client: AsyncWebClient) -> None:
        """``client`` has the token, and is the one that handlers use."""
        self._client = client
        self._identity: tuple[str, str] | None = None  # the bot's id and its user's id

    def set_token(self, token: str) -> None:
        """Takes on another token; it may be another bot's."""
        if token != self._client.token:
            self._client.token = token
            self._identity = None

    async def authorize(self, enterprise_id: str | None, team_id: str | None, user_id: str | None) -> AuthorizeResult:
        """What Bolt asks for with each request. Without an identity, requests are still handled."""
        if self._identity is None:
            try:
                answer = await self._client.auth_test()
                self._identity = (str(answer.get("bot_id") or ""), str(answer.get("user_id") or ""))
            except (SlackApiError, aiohttp.ClientError, OSError, AttributeError, ValueError):
                self._identity = None
        bot_id, bot_user_id = self._identity or (None, None)
        return AuthorizeResult(
            enterprise_id=enterprise_id,
            team_id=team_id,
            bot_token=self._client.token,
            bot_id=bot_id or None,
            bot_user_id=bot_user_id or None,
            user_id=user_id,
        )
