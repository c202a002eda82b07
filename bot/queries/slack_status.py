"""``SlackStatus``: the state of the bot's connection to Slack, for ``/readyz`` and the handlers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from bot.notifier import DeliveryStop


@dataclass(slots=True)
class SlackStatus:
    """The state of the connection to Slack.

    Attributes:
        is_up: Returns whether the connection is up; None before there is one.
        is_wanted: Whether the bot is meant to be connected.
        why: The last error, empty if there is none.
        delivery_stop: Returns why Slack accepts no message at present, None if it may; None where nothing is delivered.
    """

    is_up: Callable[[], Coroutine[Any, Any, bool]] | None = None
    is_wanted: bool = False
    why: str = ""
    delivery_stop: Callable[[], DeliveryStop | None] | None = None

    @property
    def stop(self) -> DeliveryStop | None:
        """Why Slack accepts no message at present; None if it may."""
        return self.delivery_stop() if self.delivery_stop else None

    async def disconnected_reason(self) -> str | None:
        """Why the bot is not connected; None if it is, or if it is not meant to be."""
        if not self.is_wanted or (self.is_up is not None and await self.is_up()):
            return None
        return f"not connected: {self.why}" if self.why else "not connected"
