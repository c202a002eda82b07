"""What no other listener handles: buttons and modals of other versions of Brownout, and requests with missing fields.

A person always gets an answer, and the log names each kind of failure, at most once a minute. Registered last.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.commands.types import CommandResponse
from bot.messages import answers
from bot.messages.builder import build_message
from bot.slack.command import send_response
from bot.slack.deduplication import ANSWERED_TYPES, is_step

log = logging.getLogger("brownout")

LOG_INTERVAL = timedelta(minutes=1)
_ANY = re.compile("")
OUT_OF_DATE = "This message is out of date."
NOT_READ = "This request from Slack could not be read. Nothing was changed."


def register_fallbacks(app: AsyncApp, now: Callable[[], datetime]) -> None:
    """Adds the listeners of what no other one handles, and the handler of their errors."""
    failures = _Failures(now)

    async def handle_unknown_click(ack: Any, respond: Any, client: AsyncWebClient, body: dict[str, Any]) -> None:
        await ack()
        if body.get("response_url"):  # not from App Home
            await send_response(_answer(OUT_OF_DATE), respond, client, None)

    async def handle_unknown_modal(ack: Any, body: dict[str, Any]) -> None:
        blocks = (body.get("view") or {}).get("blocks") or [{}]
        errors = {str(blocks[-1].get("block_id") or "b"): "This form is out of date. Close it and open it again."}
        await ack(response_action="errors", errors=errors)

    async def handle_unknown_options(ack: Any) -> None:
        await ack(options=[])

    async def handle_error(
        error: Exception,
        body: dict[str, Any],
        respond: Any,
        client: AsyncWebClient,
        response: BoltResponse | None,
    ) -> BoltResponse | None:
        failures.log(body, error)
        if body.get("type") == "block_actions" and isinstance(body.get("response_url"), str):
            await send_response(_answer(NOT_READ), respond, client, None)
        return None if response is None else BoltResponse(status=_failure_status(body), body="")

    app.action(_ANY)(handle_unknown_click)
    app.view(_ANY)(handle_unknown_modal)
    app.options(_ANY)(handle_unknown_options)
    app.error(handle_error)


async def dispatch(app: AsyncApp, payload: Mapping[str, Any], headers: Mapping[str, Any]) -> BoltResponse:
    """Passes a request to Bolt, as from Socket Mode; status 400 if Bolt itself can't read it, which is logged."""
    try:
        request = AsyncBoltRequest(body=dict(payload), headers=dict(headers), mode="socket_mode")
        return await app.async_dispatch(request)
    except Exception as error:  # noqa: BLE001 - Bolt looks for fields before any listener does
        log.error("a request from Slack could not be read: %s", type(error).__name__)  # noqa: TRY400
        return BoltResponse(status=400, body="")


def _failure_status(body: Mapping[str, Any]) -> int:
    """The HTTP status for a request whose listener failed before it was acknowledged."""
    if is_step(body):
        return HTTPStatus.INTERNAL_SERVER_ERROR  # Slack sends it again
    # A form stays open, with Slack's own words that it was not accepted.
    return HTTPStatus.BAD_REQUEST if body.get("type") in ANSWERED_TYPES else HTTPStatus.OK


def _answer(text: str) -> CommandResponse:
    message = answers.with_buttons(build_message("", [text]), [("Current status", "status")])
    return CommandResponse(message, is_private=True)


@dataclass(slots=True)
class _Failures:
    """Logs each kind of failure at most once a minute."""

    now: Callable[[], datetime]
    _logged_at: dict[str, datetime] = field(default_factory=dict)

    def log(self, body: Mapping[str, Any], error: Exception) -> None:
        event = body.get("event")
        kind = (event.get("type") if isinstance(event, dict) else None) or body.get("type") or "command"
        what, now = f"{str(kind)[:40]}: {type(error).__name__}", self.now()
        if what not in self._logged_at or now - self._logged_at[what] >= LOG_INTERVAL:
            self._logged_at[what] = now
            log.error("a request from Slack could not be handled: %s", what, exc_info=error)
