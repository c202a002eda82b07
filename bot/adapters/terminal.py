"""Shows messages in a terminal in place of Slack, for the demo and for runs without Slack.

A message is a panel, a thread reply is indented, and an edit prints the message again. Each gets a generated ts, so
that the outbox works as it does with Slack.
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

from bot.domain import Message
from bot.domain.subscription import TERMINAL

CHANNEL = TERMINAL


class TerminalClient:
    """A ChatClient that prints to a terminal, and counts what a channel would show.

    Attributes:
        alerts: How many messages were posted.
        broadcasts: How many thread replies were also shown in the channel.
    """

    burst = 1000  # a terminal accepts everything at once
    can_search_history = False  # there is no history

    def __init__(
        self,
        console: Console,
        now: Callable[[], datetime],
        *,
        with_edits: bool = False,
        with_replies: bool = True,
    ) -> None:
        """``console`` is where the messages are printed, ``now`` the clock.

        Edits are printed only ``with_edits``; thread replies that are not in the channel only ``with_replies``.
        """
        self.alerts = 0
        self.broadcasts = 0
        self._console = console
        self._now = now
        self._with_edits = with_edits
        self._with_replies = with_replies
        self._numbers = count(1)

    async def post(self, channel: str, message: Message, *, thread_ts: str | None, broadcast: bool) -> str:  # noqa: ARG002
        """Prints a message or a thread reply, and returns its ts; a broadcast reply is marked."""
        at = f"{self._now():%H:%M} UTC"
        text = Text(unescape(message.text))
        if thread_ts is None:
            self.alerts += 1
            self._console.print(Panel(text, title=at, title_align="left", border_style="bold"))
        elif broadcast or self._with_replies:
            self.broadcasts += broadcast
            mark = f"{at} ↳ also in the channel:" if broadcast else f"{at} ↳"
            self._console.print(Padding(Text(f"{mark} ", style="bold" if broadcast else "dim") + text, (0, 0, 0, 4)))
        return f"{next(self._numbers)}"

    async def find_message(self, channel: str, key: str, since: datetime, *, thread_ts: str | None) -> str | None:  # noqa: ARG002
        """Always None: there is no history to search."""
        return None

    async def is_token_accepted(self) -> bool | None:
        """A terminal takes everything."""
        return True

    def permalink(self, channel: str, ts: str) -> str:  # noqa: ARG002
        """Always empty: output of a terminal has no address."""
        return ""

    async def edit(self, channel: str, ts: str, message: Message) -> None:  # noqa: ARG002
        """Prints the message as it is now, if edits are printed; a notice always: it has no thread that says it."""
        if self._with_edits or not message.key.endswith(":alert"):
            text = Text(unescape(message.text))
            self._console.print(Panel(text, title="the alert now", title_align="left", border_style="dim"))
