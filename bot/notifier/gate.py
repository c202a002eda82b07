"""``WorkspaceGate``: whether anything may be sent at all. One probe stands for all channels. No I/O.

Three things close it: the chat refuses the bot everywhere (its token, its rights), it can't be reached, or it refuses
several channels with a code that no one knows. While it is closed, one post at a time is tried, and the first one that
is accepted opens it (bot/docs/slack.md#refusals-by-code).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

FIRST_WAIT, MAX_WAIT = timedelta(minutes=1), timedelta(minutes=15)  # between probes while the bot is refused
OUTAGE_WAIT = timedelta(minutes=1)  # the longest wait while the first alert of an outage waits
UNREACHABLE_WAITS = tuple(timedelta(seconds=s) for s in (1, 2, 4, 8, 16, 30))  # between probes of a chat that is down
UNREACHABLE_AFTER = 4  # failures in a row, in at least two channels, after which the chat counts as down
SURE_AFTER = 3  # channels that refuse everything alike; with fewer, the code may be about these channels only
UNKNOWN_AFTER = 3  # channels that refuse with unknown codes, and none that accepts


@dataclass(frozen=True, slots=True)
class DeliveryStop:
    """Why nothing is sent at present.

    Attributes:
        code: The chat's error code.
        remedy: What an operator can do; empty if only waiting helps.
        since: Since when.
        is_refused: The chat answers and refuses; otherwise it can't be reached, or answers with failures.
        is_token: It refuses the token itself.
    """

    code: str
    remedy: str
    since: datetime
    is_refused: bool = True
    is_token: bool = False


@dataclass(slots=True)
class WorkspaceGate:
    """Closed while nothing is accepted.

    Attributes:
        stop: Why it is closed; None while it is open.
        refused: The channels whose posts were refused since it closed.
    """

    stop: DeliveryStop | None = None
    refused: set[str] = field(default_factory=set)
    _probed_at: datetime | None = None
    _tries: int = 0
    _is_probing: bool = False
    _failures: list[str] = field(default_factory=list)  # the channels of the failures in a row
    _unknown: set[str] = field(default_factory=set)  # the channels that refused with unknown codes
    _refusing: set[str] = field(default_factory=set)  # channels that refused last for a reason of their own
    _alone: set[tuple[str, str]] = field(default_factory=set)  # channels that refuse with a code, and others do not

    def is_channels_own(self, channel: str, code: str) -> bool:
        """Whether a code that should concern everything has turned out to concern this channel only."""
        return (channel, code) in self._alone

    def set_channels_own(self, channel: str, code: str, *, is_own: bool) -> None:
        """Records whether a code that should concern everything concerns this channel only."""
        self._alone = self._alone | {(channel, code)} if is_own else self._alone - {(channel, code)}

    def may_probe(self, channel: str, *, has_others: bool) -> bool:
        """Whether a post to this channel may be the probe, once ``probe_at`` has come.

        Args:
            channel: Where it would go.
            has_others: Another channel, of which ``has_refused`` is false, has something to send.
        """
        return not self._is_probing and not (has_others and self.has_refused(channel))

    def has_refused(self, channel: str) -> bool:
        """Whether a probe there says little: it refused since the gate closed, or refuses for a reason of its own."""
        return channel in self.refused or channel in self._refusing

    @property
    def is_unsure(self) -> bool:
        """Whether it may be closed because of some channels' own refusals: another channel is worth a try soon."""
        stop = self.stop
        return stop is not None and stop.is_refused and not stop.is_token and len(self.refused) < SURE_AFTER

    def probe_at(self, *, is_outage_waiting: bool, now: datetime) -> datetime:
        """When the next post may be tried. A clock that was set back does not make it later.

        ``is_outage_waiting``: what waits is urgent.
        """
        if self.stop is None or self._probed_at is None or self._probed_at > now:
            return now
        wait = self._wait()
        return self._probed_at + (min(wait, OUTAGE_WAIT) if is_outage_waiting else wait)

    def _wait(self) -> timedelta:
        if self.stop is not None and not self.stop.is_refused:
            return UNREACHABLE_WAITS[min(self._tries, len(UNREACHABLE_WAITS) - 1)]
        return min(FIRST_WAIT * 2 ** min(max(self._tries - 1, 0), 10), MAX_WAIT) if self._tries else timedelta()

    def begin(self) -> None:
        """A post is about to be sent; while the gate is closed it is the probe."""
        self._is_probing = self.stop is not None

    def end(self) -> None:
        """The post has an answer, or will never have one."""
        self._is_probing = False

    def probe_now(self) -> None:
        """Lets the next post be tried at once: the token has changed."""
        self._probed_at = None

    def refuse(self, channel: str, code: str, remedy: str, now: datetime, *, is_sure: bool) -> bool:
        """The chat refused everything; returns whether the gate was open.

        Unless ``is_sure``, another channel is tried at once: it may be this channel only, whatever the code says.
        """
        was_open = self.stop is None or not self.stop.is_refused
        if was_open:
            self._close(DeliveryStop(code, remedy, now, is_token=is_sure))
            self._tries = 1 if is_sure else 0
            self._probed_at = now
        else:
            self._count(now)
        self.refused.add(channel)
        return was_open

    def _count(self, now: datetime) -> None:
        """Counts a refused probe. What was on its way when the gate closed is none, and only confirms it."""
        if self._is_probing:
            self._tries, self._probed_at = self._tries + 1, now
        else:
            self._tries = max(self._tries, 1)

    def fail(self, channel: str, code: str, now: datetime) -> bool:
        """The chat could not be reached, or failed; returns whether that closed the gate."""
        if self.stop is not None:
            self._count(now)
            return False
        self._failures = [*self._failures[-UNREACHABLE_AFTER:], channel]
        is_down = len(self._failures) >= UNREACHABLE_AFTER and any(a != b for a, b in pairwise(self._failures))
        if is_down:
            self._close(DeliveryStop(code, "", now, is_refused=False))
            self._probed_at, self._tries = now, 0
        return is_down

    def refuse_unknown(self, channel: str, code: str, now: datetime) -> bool:
        """The chat refused with a code in no list; returns whether so many channels did that it closed the gate.

        They may be different codes: what is unknown says nothing of how much it is about.
        """
        self._unknown.add(channel)
        if self.stop is not None:
            self._count(now)
            return False
        if len(self._unknown) < UNKNOWN_AFTER:
            return False
        self._close(DeliveryStop(code, "", now))
        self.refused |= self._unknown
        self._probed_at, self._tries = now, 1
        return True

    def refuse_one(self, channel: str, now: datetime) -> None:
        """The chat refused a post for a reason of the post's or the channel's own.

        That says that it can be reached, but not that it accepts anything: a closed gate stays closed.
        """
        self._refusing.add(channel)
        if self.stop is None:
            self._failures.clear()
        else:
            self.refused.add(channel)
            self._probed_at, self._tries = now, max(self._tries, 1)

    def accept(self, channel: str) -> DeliveryStop | None:
        """The chat accepted a post; returns the stop that this ended."""
        ended, self.stop = self.stop, None
        self._refusing.discard(channel)
        if ended and ended.is_refused and not ended.is_token and channel not in self.refused:
            self._alone |= {(other, ended.code) for other in self.refused}
        self._alone = {(other, code) for other, code in self._alone if other != channel}
        self.refused, self._tries, self._probed_at = set(), 0, None
        self._failures.clear()
        self._unknown.clear()
        return ended

    def _close(self, stop: DeliveryStop) -> None:
        self.stop, self.refused, self._tries = stop, set(), 0
