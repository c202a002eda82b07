"""The line to Slack: kept up for as long as the bot runs, unless Slack refuses a token, or stays gone for too long.

The SDK renews its own connection. What it has not brought back for half a minute is given up here and made anew, after
asking whether Slack would let us in: the SDK would ask with a refused token for ever.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any

import aiohttp
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient
from typing_extensions import override

from bot.edge.slack import Badge, knock
from bot.entry.link import Link
from bot.entry.once import ANSWERED
from bot.errors import DeliveryError

log = logging.getLogger("brownout")

WAITS_S = (1.0, 20.0)  # between attempts: the first, doubled up to the last
CONNECT_S = 15.0
LOST_S = 30.0
CLOSE_S = 1.0
GIVE_UP_MIN = 15
SUPERVISORS = ("NOTIFY_SOCKET", "INVOCATION_ID", "KUBERNETES_SERVICE_HOST")  # systemd twice, and Kubernetes
LINK_DISABLED = "link_disabled"
PING_S = 5  # a broken socket is noticed within two of these (slack.md 1.5)


@dataclass(frozen=True, slots=True)
class Terms:
    """How the line is kept: seconds between attempts (the first, doubled up to the last), and when to give up.

    ``on_badge`` hears who the bot is, each time that Slack says so.
    """

    waits_s: tuple[float, float] = WAITS_S
    give_up_s: float | None = None
    on_badge: Callable[[Badge], None] = field(default=lambda _: None)


def patience_s(minutes: float | None, environment: Mapping[str, str]) -> float | None:
    """How long Slack may be gone before the process ends; None is for ever.

    Where nothing is said, it ends only where something is there to start it again.
    """
    supervised = any(environment.get(name) for name in SUPERVISORS)
    return (GIVE_UP_MIN if supervised and minutes is None else minutes or 0) * 60.0 or None


async def serve(
    bolt: AsyncApp, app_token: str, bot_token: str, url: str, *, link: Link | None = None, terms: Terms | None = None
) -> None:
    """Serves the app until cancelled; ``link`` is told.

    DeliveryError, permanent, where Slack refuses a token, or has been gone for longer than the terms allow.
    """
    link, terms = link or Link(), terms or Terms()
    wait, said, up_at = terms.waits_s[0], "", monotonic()
    while True:
        try:
            terms.on_badge(await knock(app_token, bot_token, base_url=url))
            async with _line(bolt, app_token, url, link) as line:
                log.info("connected to Slack")
                wait, said = terms.waits_s[0], ""
                link.is_up, link.why = line.is_connected, ""
                up_at = await _loss(line, link)
            why = link.why or "the connection was lost"
        except DeliveryError as error:
            if error.permanent:
                raise
            wait, why = max(wait, error.retry_after or 0), str(error)
        except (aiohttp.ClientError, OSError) as error:
            why = type(error).__name__  # its text may hold the address, which has a ticket in it
        link.why = why
        _give_up(terms.give_up_s, monotonic() - up_at, why)
        if why != said:
            log.warning("not connected to Slack: %s; trying again until it is", why)
        said = why
        await asyncio.sleep(wait)
        wait = min(wait * 2, terms.waits_s[1])


def _give_up(patience: float | None, gone_s: float, why: str) -> None:
    if patience is not None and gone_s > patience:
        gone = f"Slack has been gone for {gone_s / 60:.0f} min ({why}); ending, so that a fresh start is made"
        raise DeliveryError(gone, code="gone", permanent=True)


class Prompt(AsyncSocketModeHandler):
    """Acknowledges at once what Slack only wants acknowledged; Bolt would look every 10 ms whether it may.

    What is acknowledged by an answer (a modal that was sent off, a menu's options) waits for that.
    """

    @override
    async def handle(self, client: Any, req: SocketModeRequest) -> None:
        """One envelope."""
        if req.payload.get("type") in ANSWERED:
            await super().handle(client, req)
            return
        await client.send_socket_mode_response(SocketModeResponse(req.envelope_id))
        await run_async_bolt_app(self.app, req)


@asynccontextmanager
async def _line(bolt: AsyncApp, app_token: str, url: str, link: Link) -> AsyncIterator[Any]:
    client = AsyncWebClient(token=app_token, base_url=url, timeout=10, retry_handlers=[])
    line: Any = Prompt(bolt, app_token, web_client=client, ping_interval=PING_S).client
    line.on_message_listeners.append(partial(_overhear, link))
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


async def _overhear(link: Link, heard: Any) -> None:
    """Slack says why it closes a connection: a refresh is nothing to tell, a switch in its settings is."""
    text = getattr(heard, "data", None)
    if isinstance(text, str) and LINK_DISABLED in text and '"disconnect"' in text:
        link.why = f"Slack has switched Socket Mode off for this app ({LINK_DISABLED}); its settings switch it on"


async def _loss(line: Any, link: Link) -> float:
    """Returns once the line has been down for so long that the SDK will not bring it back: when it was up last.

    Tells of shorter losses.
    """
    up_at, is_away = monotonic(), False
    while monotonic() - up_at < LOST_S:
        await asyncio.sleep(1)
        is_up = await line.is_connected()
        up_at = monotonic() if is_up else up_at
        if is_up is is_away:
            log.log(*((logging.INFO, "connected to Slack") if is_up else (logging.WARNING, "not connected to Slack")))
            link.why = "" if is_up else link.why
        is_away = not is_up
    return up_at
