"""Whether the bot hears Slack, for those who ask (``/readyz``)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Link:
    """Whether the bot hears Slack: who knows it while there is a connection; None where Slack is not wanted.

    ``why`` is what went wrong last, empty while nothing does.
    """

    is_up: Callable[[], Coroutine[Any, Any, bool]] | None = None
    is_wanted: bool = False
    why: str = ""

    async def why_not(self) -> str | None:
        """Why it does not; None where it does, or need not."""
        if not self.is_wanted or (self.is_up is not None and await self.is_up()):
            return None
        return f"not connected: {self.why}" if self.why else "not connected"
