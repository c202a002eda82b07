"""``MessageLimiter``: how many posts and edits may leave now. It starts from what Slack documents and learns from 429.

Slack accepts about one message per second and channel, and some hundreds a minute per workspace; ``chat.update`` is
limited more strictly (bot/docs/slack-limits.md#posting). No I/O.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

CHANNEL_INTERVAL = timedelta(seconds=1)  # between two messages to one channel
# Rates per second, and how many messages may leave at once after a pause. An edit's is tier 3: 50 per minute.
POSTS_PER_S, POSTS_BURST = 5.0, 20.0
EDITS_PER_S, EDITS_BURST = 0.8, 8.0
MIN_PER_S, MAX_PER_S = 0.5, 20.0  # a rate that was changed stays within these
SLOWER = 0.7  # factor of the rate after a 429
RECOVERY, RECOVERY_AFTER = 1.5, timedelta(seconds=10)  # factor of a reduced rate, each time that there was no 429
GROWTH, GROWTH_AFTER = 1.05, timedelta(seconds=20)  # the same of the usual rate, while it is used up
# Two channels that get a 429 within this time: it is the workspace's limit, not the channel's.
SAME_LIMIT_WITHIN = timedelta(seconds=30)
MAX_WORKSPACE_WAIT_S = 1.0  # for the other channels, while only one channel got a 429
# Longer than any wait that the notifier sets (delivery.MAX_WAIT): such a time is of a clock that was set back since.
_LONGEST_WAIT = timedelta(minutes=6)
_MAX_REMEMBERED = 1000  # channels


@dataclass(slots=True)
class TokenBucket:
    """A token bucket whose rate falls with every 429 and grows while there is none.

    Attributes:
        rate: Tokens per second.
        size: The most tokens that it holds.
        level: The tokens that it held at ``at``.
        usual: The rate that it begins with.
        at: When ``level`` was computed last.
        blocked_until: No message leaves before; the chat asked to wait.
        changed_at: When the rate was changed last.
    """

    rate: float
    size: float
    level: float
    usual: float = 0.0
    at: datetime | None = None
    blocked_until: datetime | None = None
    changed_at: datetime | None = None

    def __post_init__(self) -> None:
        """Remembers the rate that it begins with."""
        self.usual = self.usual or self.rate

    def available(self, now: datetime) -> float:
        """How many messages may leave now."""
        self._recover(now)
        passed = (now - self.at).total_seconds() if self.at else 0.0
        self.level = min(self.size, self.level + max(0.0, passed) * self.rate)
        self.at = now
        if self.blocked_until is not None and now < self.blocked_until <= now + _LONGEST_WAIT:
            return 0.0
        return self.level

    def _recover(self, now: datetime) -> None:
        """Makes the rate what it was again, step by step, while the chat does not ask to wait."""
        while self.changed_at is not None and self.rate < self.usual and now - self.changed_at >= RECOVERY_AFTER:
            self.rate, self.changed_at = min(self.rate * RECOVERY, self.usual), self.changed_at + RECOVERY_AFTER

    def take(self, now: datetime) -> None:
        """A message leaves. A rate that is used up for a while without a 429 grows."""
        self.available(now)
        self.level -= 1
        self.changed_at = self.changed_at or now
        if self.rate >= self.usual and now - self.changed_at >= GROWTH_AFTER:
            self.rate, self.changed_at = min(self.rate * GROWTH, MAX_PER_S), now

    def slow_down(self, now: datetime, wait_s: float) -> None:
        """The chat asked to wait. Several answers of the same moment count once."""
        is_new = self.blocked_until is None or now >= self.blocked_until
        if is_new:
            self.rate = max(self.rate * SLOWER, MIN_PER_S)
        self.level, self.at, self.changed_at = 0.0, now, now
        self.blocked_until = max(self.blocked_until or now, now + timedelta(seconds=wait_s))


@dataclass(slots=True)
class MessageLimiter:
    """The limits of the workspace, per method, and of each channel.

    A time that a channel is held for and that is further away than ``longest_wait`` does not count.
    """

    posts: TokenBucket = field(default_factory=lambda: TokenBucket(POSTS_PER_S, POSTS_BURST, POSTS_BURST))
    edits: TokenBucket = field(default_factory=lambda: TokenBucket(EDITS_PER_S, EDITS_BURST, EDITS_BURST))
    cards: TokenBucket = field(default_factory=lambda: TokenBucket(EDITS_PER_S, EDITS_BURST, EDITS_BURST))
    longest_wait: timedelta = _LONGEST_WAIT
    _free_at: dict[str, datetime] = field(default_factory=dict)  # by channel
    _limited: tuple[str, datetime] | None = None  # the channel of the last 429, and when

    def is_free(self, channel: str, now: datetime) -> bool:
        """Whether the channel may get a message now. A clock that was set back keeps nothing waiting."""
        free_at = self._free_at.get(channel)
        return free_at is None or not now < free_at <= now + self.longest_wait

    def may_post(self, now: datetime) -> bool:
        """Whether the workspace takes a post now."""
        return self.posts.available(now) >= 1

    def may_edit(self, now: datetime) -> bool:
        """Whether the workspace takes an edit now."""
        return self.edits.available(now) >= 1

    def may_show_card(self, now: datetime) -> bool:
        """Whether the workspace takes a card of a link now. Cards have a limit of their own, and wait with posts."""
        return self.cards.available(now) >= 1 and self.posts.available(now) > 0

    def sent(self, channel: str, now: datetime, *, is_edit: bool) -> None:
        """A message leaves."""
        (self.edits if is_edit else self.posts).take(now)
        self.hold(channel, now, CHANNEL_INTERVAL)

    def hold(self, channel: str, now: datetime, wait: timedelta) -> None:
        """Lets the channel wait."""
        self._free_at[channel] = now + wait
        if len(self._free_at) > _MAX_REMEMBERED:
            self._free_at = {c: at for c, at in self._free_at.items() if at > now}

    def limited(self, channel: str, now: datetime, wait_s: float, *, is_edit: bool) -> None:
        """The chat answered 429. Where two channels in a row get it, the workspace is meant, and everything waits."""
        self.hold(channel, now, timedelta(seconds=wait_s))
        last_channel, last_at = self._limited or (channel, now)
        is_workspace = last_channel != channel and now - last_at < SAME_LIMIT_WITHIN
        workspace_wait_s = wait_s if is_workspace else min(wait_s, MAX_WORKSPACE_WAIT_S)
        (self.edits if is_edit else self.posts).slow_down(now, workspace_wait_s)
        self._limited = (channel, now)
