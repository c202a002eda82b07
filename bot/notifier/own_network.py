"""``OwnNetwork``: whether it is the bot's own network that is down, rather than the pages. No I/O.

If most pages fail at the same time, and in a way that a network fails, one notice says so instead of one per page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain import Message, Notice, NoticeKind
from bot.messages import formatting
from bot.messages.builder import build_message

NETWORK_CODES = {"dns": "DNS error", "connect": "no connection", "timeout": "no answer", "reset": "connection reset"}
MIN_PAGES = 3  # fewer pages that fail say nothing about the network


@dataclass(slots=True)
class OwnNetwork:
    """The last poll of each page, and whether the network counts as down.

    Attributes:
        since: Since when the network has been down; None while it is not.
        last_down_since: When the last time began that it was down, whether that is over or not.
        notified: The channels that have been notified of it.
    """

    since: datetime | None = None
    last_down_since: datetime | None = None
    notified: frozenset[str] = frozenset()
    _failing: dict[str, tuple[str, datetime]] = field(default_factory=dict)  # by provider: the code, and since when
    _polled: set[str] = field(default_factory=set)

    def record(self, provider: str, code: str, since: datetime, *, failures: int, down_after: int) -> None:
        """Records a poll.

        Args:
            provider: Whose page was polled.
            code: The code of the failure; empty if the page was usable.
            since: Since when the page has been failing.
            failures: The failed polls in a row, with this one.
            down_after: From so many on, the network can count as down.
        """
        self._polled.add(provider)
        if code in NETWORK_CODES:
            self._failing[provider] = (code, since)
        else:
            self._failing.pop(provider, None)
        if not self._are_most_failing():
            self.since = None
        elif self.since is None and failures >= down_after:
            self.since = self.last_down_since = min(at for _, at in self._failing.values())

    def forget(self, provider: str) -> None:
        """Leaves out a page that is no longer polled."""
        self._polled.discard(provider)
        self._failing.pop(provider, None)

    def is_blamed_for(self, provider: str) -> bool:
        """Whether a page's failure is put down to the network: nothing is said about the page then."""
        return provider in self._failing and self._are_most_failing()

    def mark_notified(self, channels: Iterable[str]) -> None:
        """Adds channels that have been notified that it is down; forgets all once it no longer is."""
        self.notified = self.notified.union(channels) if self.since is not None else frozenset()

    def _are_most_failing(self) -> bool:
        return len(self._failing) >= MIN_PAGES and 2 * len(self._failing) > len(self._polled)

    def down_notice(self, at: datetime) -> Notice | None:
        """The notice that says so; None while the network works."""
        if self.since is None:
            return None
        code, _ = Counter(code for code, _ in self._failing.values()).most_common(1)[0]
        pages = f"all {len(self._failing)}" if len(self._failing) == len(self._polled) else f"{len(self._failing)}"
        headline = (
            f"❔ **No data since {formatting.format_time(self.since)}: {NETWORK_CODES[code]} on {pages} status pages.**"
        )
        text = f"{headline} Probably this machine's network. The services show as unknown."
        return _notice(NoticeKind.BLIND, f"network:blind:{self.since.isoformat()}", at, build_message("", [text]))


def back_notice(since: datetime, at: datetime) -> Notice:
    """The notice that there are data again."""
    duration = formatting.format_duration((at - since).total_seconds())
    message = build_message("", [f"✅ **Data again** after {duration}."])
    return _notice(NoticeKind.BACK, f"network:back:{since.isoformat()}", at, message)


def _notice(kind: NoticeKind, key: str, at: datetime, message: Message) -> Notice:
    return Notice(kind, "", "", key, at, "", at, said=message)
