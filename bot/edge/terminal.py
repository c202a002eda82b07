"""Messages -> the terminal, where there is no Slack: the same posts, drawn as they fall due.

A post is a panel, a thread reply stands indented below a line of its own, and an edit shows the message anew. Each
gets a made-up ts, so that the outbox works as it does with Slack.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from html import unescape
from itertools import count

from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.text import Text

from bot.model import Message
from bot.model.channel import TERMINAL

CHANNEL = TERMINAL


class Terminal:
    """A chat that is a terminal. ``now`` dates what it draws; edits are drawn only where ``with_edits``."""

    burst = 1000  # a terminal takes everything at once
    looks = False  # and forgets it

    def __init__(self, console: Console, now: Callable[[], datetime], *, with_edits: bool = False) -> None:
        """Draws on this console."""
        self._console = console
        self._now = now
        self._with_edits = with_edits
        self._numbers = count(1)

    async def post(self, channel: str, message: Message, *, thread_ts: str | None, broadcast: bool) -> str:  # noqa: ARG002
        """Draws a message, or a reply in a thread; a broadcast reply is marked."""
        at = f"{self._now():%H:%M} UTC"
        text = Text(unescape(message.text))
        if thread_ts is None:
            self._console.print(Panel(text, title=at, title_align="left", border_style="bold"))
        else:
            mark = "↳ also in the channel" if broadcast else "↳"
            self._console.print(Padding(Text(f"{mark} ", style="bold" if broadcast else "dim") + text, (0, 0, 0, 4)))
        return f"{next(self._numbers)}"

    async def find(self, channel: str, key: str, since: datetime, *, thread_ts: str | None) -> str | None:  # noqa: ARG002
        """Nothing: it is never asked."""
        return None

    def link(self, channel: str, ts: str) -> str:  # noqa: ARG002
        """Nothing: what a terminal shows has no address."""
        return ""

    async def edit(self, channel: str, ts: str, message: Message) -> None:  # noqa: ARG002
        """Draws the message as it is now."""
        if self._with_edits:
            text = Text(unescape(message.text))
            self._console.print(Panel(text, title="the alert now", title_align="left", border_style="dim"))
