"""What channels are owed -> sent, and its receipt; or later, parked or paused, and why. The edges are Protocols.

A post is marked as leaving before it leaves. If the process dies in between, or the answer never comes, its fate is
unknown: then the channel's history is asked for its key where that may be read, and where it may not the post is sent
again, and the delivery says so. A channel that takes nothing any more is paused, and who subscribed it is told once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from bot.errors import Blame, DeliveryError
from bot.model import Message, Pause, People, Post, PostKind, Subscription
from bot.voice import alerts, route

BACKOFF = 1.2  # seconds to the power of the attempts: a wait is about a fifth of the outage so far
MAX_WAIT = timedelta(minutes=5)  # between two attempts to deliver a post
SETTLE = timedelta(seconds=10)  # from leaving to a look for it: the chat's timeout, as a post that hangs may still land
BLIND_WAIT = timedelta(seconds=5)  # where nobody can look: each repeat may be a copy, so they are not hurried
SEARCH = timedelta(minutes=2)  # how long a history that can't be read now holds a post up
CLOCKS = timedelta(minutes=15)  # by how much the chat's clock may be behind ours

AGAIN = "again: its fate was unknown"
FOUND = "not again: it had arrived, and only its receipt had not"
MISSED = "again: the channel's history does not have it"


class Owed(Protocol):
    """A post in the outbox."""

    @property
    def id(self) -> int: ...  # noqa: D102
    @property
    def post(self) -> Post: ...  # noqa: D102
    @property
    def attempts(self) -> int: ...  # noqa: D102
    @property
    def due_at(self) -> datetime: ...  # noqa: D102
    @property
    def is_in_doubt(self) -> bool: ...  # noqa: D102
    @property
    def doubted_from(self) -> datetime: ...  # noqa: D102
    @property
    def left_at(self) -> datetime: ...  # noqa: D102
    @property
    def parent_ts(self) -> str | None: ...  # noqa: D102
    @property
    def people(self) -> People: ...  # noqa: D102
    @property
    def linked_ts(self) -> str | None: ...  # noqa: D102


class Outbox(Protocol):
    """What channels are owed. ``mark_sent`` and ``pause`` say whether that changed how the channel stands."""

    def subscriptions(self) -> tuple[Subscription, ...]: ...  # noqa: D102
    def owing(self) -> Sequence[str]: ...  # noqa: D102
    def owed(self, channel: str) -> Owed | None: ...  # noqa: D102
    def mark_sending(self, number: int, at: datetime) -> None: ...  # noqa: D102
    def mark_sent(self, number: int, ts: str, at: datetime, *, is_parent: bool) -> bool: ...  # noqa: D102
    def mark_later(self, number: int, due_at: datetime, error: str, *, is_in_doubt: bool) -> None: ...  # noqa: D102
    def mark_parked(self, number: int, error: str) -> None: ...  # noqa: D102
    def pause(self, pause: Pause, told: Iterable[Post]) -> bool: ...  # noqa: D102


class Chat(Protocol):
    """Takes messages; every failure is a DeliveryError. ``burst`` is how many posts a channel takes at once.

    ``looks`` is whether ``find`` may work: it gives the ts of our newest message with a key, None where there is none.
    ``link`` is a message's address, by what is known already: it asks nobody, and is empty where it can't say.
    """

    burst: int

    @property
    def looks(self) -> bool: ...  # noqa: D102
    async def post(self, channel: str, message: Message, *, thread_ts: str | None, broadcast: bool) -> str: ...  # noqa: D102
    async def edit(self, channel: str, ts: str, message: Message) -> None: ...  # noqa: D102
    async def find(self, channel: str, key: str, since: datetime, *, thread_ts: str | None) -> str | None: ...  # noqa: D102
    def link(self, channel: str, ts: str) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of an attempt to deliver a post, counted from 1: sent, later, parked or paused, and why."""

    post: Post
    outcome: str
    why: str = ""
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Receipt:
    """A post that was taken: whether it is now its incident's parent message, and what was odd about it."""

    ts: str
    is_parent: bool = False
    why: str = ""


@dataclass(slots=True)
class Courier:
    """Delivers. ``now`` is the clock; it must give aware UTC times."""

    book: Outbox
    chat: Chat
    now: Callable[[], datetime]
    _receipts: dict[int, Receipt] = field(default_factory=dict)  # those that could not be recorded yet

    async def publish_to(self, channel: str) -> tuple[Delivery, ...]:
        """Sends what is due to a channel: in order, at most a burst, and nothing past one that has to wait."""
        done: list[Delivery] = []
        while len(done) < self.chat.burst:
            owed = self.book.owed(channel)
            if owed is None or self._due(owed) > self.now():
                break
            done.append(await self._deliver(owed))
            if done[-1].outcome in ("later", "paused"):
                break
        return tuple(done)

    def _due(self, owed: Owed) -> datetime:
        """Not before the chat asked for it, nor before it could be found if it was taken."""
        return max(owed.due_at, owed.left_at + SETTLE) if owed.is_in_doubt and self.chat.looks else owed.due_at

    async def _deliver(self, owed: Owed) -> Delivery:
        if owed.post.kind is PostKind.REPLY and owed.parent_ts is None:
            return self._park(owed, "the message that it belongs to was never taken")
        if owed.id not in self._receipts:
            self.book.mark_sending(owed.id, self.now())
            try:
                self._receipts[owed.id] = await self._send(owed)
            except DeliveryError as error:
                return self._refused(owed, error)
        receipt = self._receipts[owed.id]
        is_lifted = self.book.mark_sent(owed.id, receipt.ts, self.now(), is_parent=receipt.is_parent)
        del self._receipts[owed.id]
        why = receipt.why or ("the channel takes posts again" if is_lifted else "")
        return Delivery(owed.post, "sent", why, owed.attempts + 1)

    async def _send(self, owed: Owed) -> Receipt:
        """Sends one post."""
        post = owed.post
        linked = self.chat.link(post.channel, owed.linked_ts) if owed.linked_ts else ""
        message = alerts.render(post, owed.people, linked)
        if post.kind is PostKind.EDIT and owed.parent_ts:
            try:
                await self.chat.edit(post.channel, owed.parent_ts, message)
            except DeliveryError as error:
                if error.code != "message_not_found":
                    raise
            else:
                return Receipt(owed.parent_ts)  # an edit is the same the second time
        if post.kind is PostKind.REPLY:
            return await self._post(owed, message, thread_ts=owed.parent_ts)
        return await self._post(owed, message, is_parent=post.kind in (PostKind.ALERT, PostKind.EDIT))

    async def _post(
        self, owed: Owed, message: Message, *, thread_ts: str | None = None, is_parent: bool = False
    ) -> Receipt:
        found, why = await self._look(owed, message, thread_ts) if owed.is_in_doubt else (None, "")
        if found:
            return Receipt(found, is_parent, why)
        loud = bool(thread_ts and owed.post.news and owed.post.news.broadcast)
        ts = await self.chat.post(owed.post.channel, message, thread_ts=thread_ts, broadcast=loud)
        return Receipt(ts, is_parent, why)

    async def _look(self, owed: Owed, message: Message, thread_ts: str | None) -> tuple[str | None, str]:
        """Looks for a post that may have been taken: its ts, and what to say of it."""
        if not self.chat.looks:
            return None, AGAIN
        since = owed.doubted_from - CLOCKS
        try:
            found = await self.chat.find(owed.post.channel, message.key, since, thread_ts=thread_ts)
        except DeliveryError as error:
            if error.permanent or error.code == "ratelimited" or self.now() - owed.doubted_from > SEARCH:
                return None, f"{AGAIN}, and the channel's history can't be read ({error.code})"
            raise DeliveryError(
                f"its fate is unknown, and the channel's history can't be read now ({error.code})",
                code="unknown_outcome",
                retry_after=error.retry_after,
            ) from error
        if found is None or found == owed.parent_ts:  # that is the message which this one replaces
            return None, MISSED
        return found, FOUND

    # --- refusals -----------------------------------------------------------------------------------------------------

    def _refused(self, owed: Owed, error: DeliveryError) -> Delivery:
        if error.permanent and error.blame is Blame.POST:
            return self._park(owed, str(error))
        is_in_doubt = owed.is_in_doubt or error.code == "unknown_outcome"
        wait = timedelta(seconds=error.retry_after or BACKOFF ** min(owed.attempts, 50))
        if is_in_doubt and not self.chat.looks:
            wait = max(wait, BLIND_WAIT)
        self.book.mark_later(owed.id, self.now() + min(wait, MAX_WAIT), str(error), is_in_doubt=is_in_doubt)
        if error.permanent and error.blame is Blame.CHANNEL:
            return self._pause(owed, error)
        return Delivery(owed.post, "later", str(error), owed.attempts + 1)

    def _pause(self, owed: Owed, error: DeliveryError) -> Delivery:
        """Nothing more to this channel, for now; its log line and its owners' message come once for a reason."""
        pause = Pause(owed.post.channel, error.code, error.remedy, self.now())
        mine = (s for s in self.book.subscriptions() if s.channel == pause.channel)
        is_new = self.book.pause(pause, route.paused(pause, mine))
        return Delivery(owed.post, "paused", str(error) if is_new else "", owed.attempts + 1)

    def _park(self, owed: Owed, why: str) -> Delivery:
        self.book.mark_parked(owed.id, why)
        return Delivery(owed.post, "parked", why, owed.attempts + 1)
