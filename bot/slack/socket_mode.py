"""Socket Mode: keeps the connection to Slack open while the bot runs.

It ends if Slack refuses a token that can't change, or is unreachable for too long; every other refusal is waited for.
The SDK renews its own connection, at the pace of ``ConnectionPace``. If it has not succeeded within half a minute, the
connection is closed and opened again here, after verifying the tokens: the SDK would try a refused token for ever.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from time import monotonic, time
from typing import Any

import aiohttp
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.adapter.socket_mode.async_internals import send_async_response
from slack_bolt.adapter.socket_mode.internals import build_headers
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient
from typing_extensions import override

from bot.adapters.slack_client import TokenInfo, request_socket_url, verify_bot_token
from bot.errors import DeliveryError
from bot.queries.slack_status import SlackStatus
from bot.slack.connection_pace import FIRST_WAIT_S, MAX_WAIT_S, ConnectionPace
from bot.slack.credentials import TokenSource
from bot.slack.deduplication import is_acknowledged_last
from bot.slack.fallbacks import dispatch

log = logging.getLogger("brownout")

RECONNECT_WAITS_S = (FIRST_WAIT_S, MAX_WAIT_S)  # between attempts: the first, doubled up to the last
CONNECT_TIMEOUT_S = 15.0
LOST_AFTER_S = 30.0
CLOSE_TIMEOUT_S = 1.0
GIVE_UP_MIN = 15
SUPERVISOR_VARIABLES = ("NOTIFY_SOCKET", "INVOCATION_ID", "KUBERNETES_SERVICE_HOST")  # of systemd (two) and Kubernetes
LINK_DISABLED, TOO_MANY = "link_disabled", "too_many_websockets"
_DISCONNECT_REASONS = {
    LINK_DISABLED: f"Slack has switched Socket Mode off for this app ({LINK_DISABLED}); its settings switch it on",
    TOO_MANY: f"the app has too many connections ({TOO_MANY}); stop its other processes, at most ten may connect",
}
_OTHERS = (
    "Slack counts %d connections of this app: another process uses its tokens, and gets a part of the commands; stop it"
)
PING_S = 5  # a broken socket is noticed within two of these (bot/docs/slack-limits.md#socket-mode)


@dataclass(frozen=True, slots=True)
class ReconnectPolicy:
    """How to reconnect.

    Attributes:
        waits_s: Seconds between attempts: the first wait, doubled up to the last.
        give_up_s: Seconds without Slack after which serving ends; None for never.
        on_token_info: Called with what Slack says of the token after each verification.
    """

    waits_s: tuple[float, float] = RECONNECT_WAITS_S
    give_up_s: float | None = None
    on_token_info: Callable[[TokenInfo], None] = field(default=lambda _: None)


def outage_limit_s(minutes: float | None, environment: Mapping[str, str]) -> float | None:
    """Seconds without Slack after which the process ends; None for never.

    Without a setting (``minutes`` None) it ends only under a supervisor, which starts it again.
    """
    supervised = any(environment.get(name) for name in SUPERVISOR_VARIABLES)
    return (GIVE_UP_MIN if supervised and minutes is None else minutes or 0) * 60.0 or None


async def serve(
    bolt: AsyncApp,
    tokens: TokenSource,
    url: str,
    *,
    link: SlackStatus | None = None,
    terms: ReconnectPolicy | None = None,
) -> None:
    """Serves the app until cancelled, and keeps ``link`` up to date.

    Raises:
        DeliveryError: Permanent: Slack refuses a token that can't change, or was unreachable for longer than ``terms``
            allow.
    """
    link, terms = link or SlackStatus(), terms or ReconnectPolicy()
    pace = ConnectionPace(waits_s=terms.waits_s)
    last_reason, last_connected_at, was_connected, least_wait = "", monotonic(), False, 0.0
    while True:
        try:
            pace.record_open()
            address = await request_socket_url(tokens.tokens.app, base_url=url)
            if tokens.tokens.bot:
                terms.on_token_info(await verify_bot_token(tokens.tokens.bot, base_url=url))
            async with _open_connection(bolt, tokens, url, link, pace=pace, address=address) as connection:
                log.info("connected to Slack")
                last_reason, was_connected, least_wait = "", True, 0.0
                link.is_up, link.why = connection.is_connected, ""
                last_connected_at = await _wait_for_loss(connection, link)
            reason = link.why or "the connection was lost"
        except DeliveryError as error:
            pace.record_failure()
            has_changed = error.is_token and tokens.reload()
            if error.permanent and not has_changed and not (was_connected and tokens.may_change):
                raise
            least_wait, reason = error.retry_after or 0.0, str(error)
        except (aiohttp.ClientError, OSError) as error:
            pace.record_failure()
            reason = type(error).__name__  # its text may hold the address, which has a ticket in it
        link.why = reason
        _raise_if_gone_too_long(terms.give_up_s, monotonic() - last_connected_at, reason)
        if reason != last_reason:
            log.warning("Slack connection failed: %s; retrying", reason)
        last_reason = reason
        await asyncio.sleep(max(least_wait, pace.next_wait_s()))


def _raise_if_gone_too_long(limit_s: float | None, gone_s: float, reason: str) -> None:
    if limit_s is not None and gone_s > limit_s:
        text = f"Slack has been gone for {gone_s / 60:.0f} min ({reason}); ending, so that a fresh start is made"
        raise DeliveryError(text, code="gone", permanent=True)


class ImmediateAck(AsyncSocketModeHandler):
    """Acknowledges a request at once; Bolt itself would check every 10 ms whether a listener has done so.

    Submitted modals and menu options are acknowledged with the listener's answer, and steps of workflows once they are
    recorded.
    """

    @override
    async def handle(self, client: Any, req: SocketModeRequest) -> None:
        """Handles one envelope of Socket Mode."""
        began, headers = time(), build_headers(req) or {}
        if is_acknowledged_last(req.payload):
            await send_async_response(client, req, await dispatch(self.app, req.payload, headers), began)
            return
        await client.send_socket_mode_response(SocketModeResponse(req.envelope_id))
        await dispatch(self.app, req.payload, headers)


class PacedClient(SocketModeClient):
    """The SDK's client; it opens its next connection at the pace that is given, and with the token of the moment."""

    def __init__(self, tokens: TokenSource, url: str, pace: ConnectionPace, **more: Any) -> None:
        """``more`` is for the SDK."""
        super().__init__(tokens.tokens.app, **more)
        self._tokens, self._url, self._pace = tokens, url, pace

    @override
    async def issue_new_wss_url(self) -> str:
        """Requests the address of the next connection, after a wait; ``serve`` has requested the first one."""
        await asyncio.sleep(self._pace.next_wait_s())
        self._pace.record_open()
        try:
            address = await request_socket_url(self._tokens.tokens.app, base_url=self._url)
        except DeliveryError:
            self._pace.record_failure()
            raise
        self._pace.record_up()
        return address


@asynccontextmanager
async def _open_connection(
    bolt: AsyncApp, tokens: TokenSource, url: str, link: SlackStatus, *, pace: ConnectionPace, address: str
) -> AsyncIterator[Any]:
    client = AsyncWebClient(token=tokens.tokens.app, base_url=url, timeout=10, retry_handlers=[])
    handler = ImmediateAck(bolt, tokens.tokens.app, web_client=client, ping_interval=PING_S)
    await _discard(handler.client)
    connection: Any = PacedClient(tokens, url, pace, logger=bolt.logger, web_client=client, ping_interval=PING_S)
    handler.client = connection
    connection.socket_mode_request_listeners.append(handler.handle)
    connection.on_message_listeners += [partial(_record_disconnect_reason, link), _OthersWarning().check]
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            connection.wss_uri = address
            await connection.connect()
            pace.record_up()
        yield connection
    finally:
        with suppress(Exception):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await connection.close()
        await _discard(connection)


async def _discard(connection: Any) -> None:
    """Ends the tasks of a client, and closes its session."""
    for task in (connection.message_processor, connection.current_session_monitor, connection.message_receiver):
        if task is not None:
            task.cancel()
    await connection.aiohttp_client_session.close()


async def _record_disconnect_reason(link: SlackStatus, message: Any) -> None:
    """Records why Slack closes the connection, if someone has to do something. A refresh is not recorded."""
    text = getattr(message, "data", None)
    if isinstance(text, str) and '"disconnect"' in text:
        why = next((why for code, why in _DISCONNECT_REASONS.items() if code in text), "")
        if why and why != link.why:
            log.warning("%s", why)
        link.why = why or link.why


@dataclass(slots=True)
class _OthersWarning:
    """Warns if Slack counts more connections of the app than ours when it greets us first.

    Later greetings are not looked at: while Slack renews a connection, both are ours.
    """

    _is_greeted: bool = False

    async def check(self, message: Any) -> None:
        """Looks at a message of Slack."""
        text = getattr(message, "data", None)
        if self._is_greeted or not (isinstance(text, str) and '"hello"' in text):
            return
        self._is_greeted = True
        with suppress(ValueError, AttributeError):
            count = json.loads(text).get("num_connections")
            if isinstance(count, int) and count > 1:
                log.warning(_OTHERS, count)


async def _wait_for_loss(connection: Any, link: SlackStatus) -> float:
    """Waits until the connection has been down for LOST_AFTER_S. Logs shorter losses.

    Returns:
        When it was connected last, by the monotonic clock in seconds.
    """
    last_connected_at, was_disconnected = monotonic(), False
    while monotonic() - last_connected_at < LOST_AFTER_S:
        await asyncio.sleep(1)
        is_up = await connection.is_connected()
        last_connected_at = monotonic() if is_up else last_connected_at
        if is_up is was_disconnected:
            log.log(*((logging.INFO, "connected to Slack") if is_up else (logging.WARNING, "not connected to Slack")))
            link.why = "" if is_up else link.why
        was_disconnected = not is_up
    return last_connected_at
