"""The line to Slack: kept up for as long as the bot runs. A token that Slack refuses ends it.

The SDK renews its own connection. What it has not brought back for half a minute is given up here and made anew, after
asking whether Slack would let us in: the SDK would ask with a refused token for ever.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.edge.slack import knock
from bot.entry.link import Link
from bot.errors import DeliveryError

log = logging.getLogger("brownout")

WAITS_S = (1.0, 20.0)  # between attempts: the first, doubled up to the last
CONNECT_S = 15.0
LOST_S = 30.0
CLOSE_S = 1.0
PING_S = 5  # a broken socket is noticed within two of these (slack.md 1.5)


async def serve(
    bolt: AsyncApp,
    app_token: str,
    bot_token: str,
    url: str,
    *,
    waits_s: tuple[float, float] = WAITS_S,
    link: Link | None = None,
) -> None:
    """Serves the app until cancelled; ``link`` is told. DeliveryError, permanent, where Slack refuses a token."""
    wait, said = waits_s[0], ""
    while True:
        try:
            await knock(app_token, bot_token, base_url=url)
            async with _line(bolt, app_token, url) as line:
                log.info("connected to Slack")
                wait, said = waits_s[0], ""
                if link is not None:
                    link.is_up = line.is_connected
                await _loss(line)
            why = "the connection was lost"
        except DeliveryError as error:
            if error.permanent:
                raise
            wait, why = max(wait, error.retry_after or 0), str(error)
        except (aiohttp.ClientError, OSError) as error:
            why = type(error).__name__  # its text may hold the address, which has a ticket in it
        if why != said:
            log.warning("not connected to Slack: %s; trying again until it is", why)
        said = why
        await asyncio.sleep(wait)
        wait = min(wait * 2, waits_s[1])


@asynccontextmanager
async def _line(bolt: AsyncApp, app_token: str, url: str) -> AsyncIterator[Any]:
    client = AsyncWebClient(token=app_token, base_url=url, timeout=10, retry_handlers=[])
    line: Any = AsyncSocketModeHandler(bolt, app_token, web_client=client, ping_interval=PING_S).client
    try:
        async with asyncio.timeout(CONNECT_S):
            await line.connect()
        yield line
    finally:
        with suppress(Exception):
            async with asyncio.timeout(CLOSE_S):
                await line.close()
        for task in (line.message_processor, line.current_session_monitor, line.message_receiver):
            if task is not None:
                task.cancel()
        await line.aiohttp_client_session.close()


async def _loss(line: Any) -> None:
    """Returns once the line has been down for so long that the SDK will not bring it back. Tells of shorter ones."""
    away = 0
    while away < LOST_S:
        await asyncio.sleep(1)
        was, away = away, 0 if await line.is_connected() else away + 1
        if bool(was) != bool(away):
            log.log(*((logging.WARNING, "not connected to Slack") if away else (logging.INFO, "connected to Slack")))
