"""Delivers the pending notifications of the outbox to their channels, and records what became of each attempt.

A notification is marked as sending before it is sent. If the process dies in between, or no response arrives, the
outcome is unknown: then the channel's history is searched for the message's key where the bot may read it; where it may
not, the notification is sent again, and the attempt says so.

What a refusal changes depends on what it applies to (bot/docs/slack.md#refusals-by-code): everything waits for one
probe, the channel is paused, or this notification is given up and the next one goes. The outbox and the chat are behind
Protocols.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Generic, Protocol, TypeVar

from bot.domain import NO_TS, TOOL_PREFIX, DeliveryPause, IncidentUserActions, Notification, NotificationKind
from bot.errors import DeliveryError, RefusalScope
from bot.notifier.claims import Allowance, ChannelClaims
from bot.notifier.gate import DeliveryStop, WorkspaceGate
from bot.notifier.limiter import MessageLimiter
from bot.unit_of_work import INLINE, UnitRunner

BACKOFF = 1.2  # base of the exponential wait in seconds: about a fifth of the time since the first attempt
MAX_WAIT = timedelta(minutes=5)  # between two attempts to deliver a notification
# From sending to the search for the message: the chat's timeout, since a request that hangs may still be accepted.
SEARCH_DELAY = timedelta(seconds=10)
# Between attempts where the history can't be searched: each repetition may be a duplicate, so they are not hurried. The
# wait is so many times as long as the outcome has been unknown; at most a minute after a failure of the chat itself,
# which has seldom taken the message.
MIN_UNSEARCHABLE_WAIT = timedelta(seconds=5)
DOUBT_FACTOR = 3
MAX_FAILURE_WAIT = timedelta(minutes=1)
ASK_FOR = timedelta(days=1)  # how long a chat that answers nothing delays a repetition
SEARCH_FOR = timedelta(minutes=2)  # how long an unreadable history delays a notification
CLOCK_TOLERANCE = timedelta(minutes=15)  # by how much the chat's clock may be behind the local one
PROBE_WAITS = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60))  # until a channel that refused is tried again
OUTAGE_PROBE_WAIT = timedelta(minutes=1)  # the same while the first alert of an outage waits for it
GIVE_UP_AFTER = timedelta(days=1)  # edits, replies and notices that a channel has refused for so long are given up
UNKNOWN_REFUSALS, UNKNOWN_FOR = 5, timedelta(minutes=5)  # after both, an unknown code counts as this message's own

RESENT_UNSEARCHABLE = "again: the outcome of the last attempt is unknown"
FOUND_DELIVERED = "not again: it was delivered, only the response was lost"
LEFT_AS_IT_IS = "not edited: the message can't be edited, and was posted again once; its thread has the news"
NO_ANSWER = "no_answer"  # asked before a message would be sent again, the chat said nothing; so it was not sent
RESENT_NOT_FOUND = "again: it is not in the channel's history"


class Keyed(Protocol):
    """What a chat sends: a message, or its meaning. ``key`` is the notification's key."""

    @property
    def key(self) -> str: ...  # noqa: D102


M = TypeVar("M", bound=Keyed)
M_contra = TypeVar("M_contra", bound=Keyed, contravariant=True)


class PendingNotification(Protocol):
    """A notification in the outbox.

    ``is_in_doubt``: an earlier attempt at ``left_at`` has an unknown outcome, the first of these at ``doubted_from``.
    ``parent_ts`` is the incident's message in the channel, or the one that a notice edits; ``NO_TS`` if the chat
    accepted it and did not say its ts. ``is_replacement``: it was posted because an earlier one could not be edited.
    ``linked_ts`` is another message that this one links to. ``inside_ts`` is the message in whose thread this one is
    posted, although it can be edited and have replies.
    """

    @property
    def id(self) -> int: ...  # noqa: D102
    @property
    def post(self) -> Notification: ...  # noqa: D102
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
    def people(self) -> IncidentUserActions: ...  # noqa: D102
    @property
    def linked_ts(self) -> str | None: ...  # noqa: D102
    @property
    def inside_ts(self) -> str | None: ...  # noqa: D102
    @property
    def refusals(self) -> int: ...  # noqa: D102
    @property
    def refused_from(self) -> datetime | None: ...  # noqa: D102
    @property
    def is_outside_thread(self) -> bool: ...  # noqa: D102
    @property
    def is_outage(self) -> bool: ...  # noqa: D102
    @property
    def created_at(self) -> datetime | None: ...  # noqa: D102
    @property
    def is_shared(self) -> bool: ...  # noqa: D102
    @property
    def is_replacement(self) -> bool: ...  # noqa: D102


class Outbox(Protocol):
    """The pending notifications.

    ``pending_channels`` are in the order in which they should be served, without paused channels whose probe is not
    due. ``next_pending`` is what a channel is to get next of what is due; a notification whose outcome is unknown must
    have left before ``in_doubt_before``. ``mark_sent`` returns whether that ended a pause of the channel,
    ``pause_channel`` whether the pause is new. What is written in ``transaction`` is committed together, or not at all.
    """

    def transaction(self) -> AbstractContextManager[None]: ...  # noqa: D102
    def pending_channels(self, now: datetime | None = None) -> Sequence[str]: ...  # noqa: D102
    def is_outage_pending(self) -> bool: ...  # noqa: D102
    def next_pending(  # noqa: D102
        self,
        channel: str,
        now: datetime | None = None,
        in_doubt_before: datetime | None = None,
        *,
        with_edits: bool = True,
    ) -> PendingNotification | None: ...
    def mark_sending(self, number: int, at: datetime) -> None: ...  # noqa: D102
    def mark_sent(self, number: int, ts: str, at: datetime, *, is_parent: bool) -> bool: ...  # noqa: D102
    def mark_deferred(self, number: int, due_at: datetime, error: str, *, is_in_doubt: bool) -> None: ...  # noqa: D102
    def mark_refused(self, number: int, at: datetime, due_at: datetime, error: str) -> None: ...  # noqa: D102
    def mark_outside_thread(self, number: int, at: datetime, error: str) -> None: ...  # noqa: D102
    def mark_dead_lettered(self, number: int, error: str, *, is_expected: bool = False) -> None: ...  # noqa: D102
    def mark_superseded(self, number: int, why: str) -> None: ...  # noqa: D102
    def pause_channel(self, pause: DeliveryPause, waits: Sequence[timedelta]) -> bool: ...  # noqa: D102


class ChatClient(Protocol[M_contra]):
    """Posts and edits messages; every failure is a DeliveryError.

    ``burst`` is how many messages a channel accepts at once. ``post`` returns the message's ts: ``NO_TS`` if the chat
    accepted it without one, and empty where there was nothing to send. ``is_token_accepted`` asks the chat itself: None
    where it gives no answer. ``can_search_history`` is whether ``find_message`` may work: it returns the ts of the
    bot's newest message with a key, None where there is none. ``permalink`` is a message's address, empty where it is
    not known, without a request.
    """

    burst: int

    @property
    def can_search_history(self) -> bool: ...  # noqa: D102
    async def post(self, channel: str, message: M_contra, *, thread_ts: str | None, broadcast: bool) -> str: ...  # noqa: D102
    async def edit(self, channel: str, ts: str, message: M_contra) -> None: ...  # noqa: D102
    async def find_message(self, channel: str, key: str, since: datetime, *, thread_ts: str | None) -> str | None: ...  # noqa: D102
    def permalink(self, channel: str, ts: str) -> str: ...  # noqa: D102
    async def is_token_accepted(self) -> bool | None: ...  # noqa: D102


class Credentials(Protocol):
    """The chat's token. ``reload`` reads it again from where it came from; True if it is another one now."""

    def reload(self) -> bool: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """One attempt to deliver a notification, numbered from 1.

    ``outcome`` is ``sent``, ``skipped`` (there was nothing to send), ``later`` (deferred with its channel), ``refused``
    (deferred by itself), ``parked`` (dead-lettered), ``paused`` (with its channel) or ``stopped`` (with everything).
    """

    post: Notification
    outcome: str
    why: str = ""
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Receipt:
    """A message that the chat accepted: whether it is now its incident's parent message, and a remark for the log.

    ``ts`` is empty where there was nothing to send.
    """

    ts: str
    is_parent: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """What is particular to a chat or tool.

    Attributes:
        serves: Whether a channel of the outbox is one of it.
        max_wait: The longest wait between two attempts, whatever it asks for.
        give_up_after: Since a notification was recorded, until it is given up although it might still be accepted;
            None for never.
        asks_first: Before a message may be sent twice, the chat is asked whether it answers at all.
        has_threads: A reply that its thread does not take may be tried outside it.
        name: Its name in the log.
    """

    serves: Callable[[str], bool] = field(default=lambda channel: not channel.startswith(TOOL_PREFIX))
    max_wait: timedelta = MAX_WAIT
    give_up_after: timedelta | None = None
    asks_first: bool = True
    has_threads: bool = True
    name: str = "Slack"


@dataclass(frozen=True, slots=True)
class _Request:
    """A channel that is to get what it is due at ``now``, as far as the chat's limits allow."""

    channel: str
    now: datetime
    in_doubt_before: datetime | None
    with_posts: bool = True
    with_edits: bool = True


@dataclass(frozen=True, slots=True)
class _Acceptance:
    """A delivery that is to be recorded: the row in the outbox, the chat's receipt, and when it came."""

    id: int
    receipt: Receipt
    at: datetime


@dataclass(frozen=True, slots=True)
class _Waiting:
    """The channels for which something waits, and whether the first alert of an outage does."""

    channels: Sequence[str]
    is_outage: bool


@dataclass(slots=True)
class Notifier(Generic[M]):
    """Delivers pending notifications. ``now`` is the clock; it must return timezone-aware UTC times.

    ``render`` makes what the chat takes, of a notification, what people did, and the URL of the message that it points
    to. ``credentials`` are read again when the chat refuses the token. The outbox is read and written by ``units``;
    everything else is kept in the caller's thread.
    """

    repository: Outbox
    chat: ChatClient[M]
    now: Callable[[], datetime]
    render: Callable[[Notification, IncidentUserActions, str], M]
    credentials: Credentials | None = None
    policy: DeliveryPolicy = field(default_factory=DeliveryPolicy)
    units: UnitRunner = INLINE
    claims: ChannelClaims = field(default_factory=ChannelClaims)
    gate: WorkspaceGate = field(default_factory=WorkspaceGate)
    limiter: MessageLimiter = field(default_factory=MessageLimiter)
    is_rate_limited: bool = False  # something waits for the chat's limits only
    probe_waits: Sequence[timedelta] = PROBE_WAITS
    outage_probe_wait: timedelta = OUTAGE_PROBE_WAIT
    _accepted_at: datetime | None = None  # when the chat accepted a post last
    _receipts: dict[int, Receipt] = field(default_factory=dict)  # by outbox id: sent, but not yet recorded as sent
    _requests: int = 0  # those that have no answer yet
    _taken: dict[str, PendingNotification] = field(default_factory=dict)  # by channel: what ``publish_to`` sends first

    @property
    def stop(self) -> DeliveryStop | None:
        """Why nothing is sent at present; None if something may be."""
        return self.gate.stop

    def reload_credentials(self) -> bool:
        """Reads the token again; if it is another one, what waits is tried at once."""
        is_new = self.credentials is not None and self.credentials.reload()
        if is_new:
            self.gate.probe_now()
        return is_new

    async def sendable_channels(self, busy: Collection[str], most: int) -> tuple[str, ...]:
        """The channels to deliver to now, the most important first, as far as the chat's limits allow.

        Args:
            busy: The channels with a delivery in progress.
            most: How many may be added.
        """
        self.is_rate_limited = False
        if (self.gate.stop is not None and busy) or self._is_early(self.now()):
            return ()  # the probe's answer is awaited, or the time of the next one
        waiting, now = await self._read_waiting(), self.now()
        return () if self._is_stopped(now, waiting) else tuple(self._choose(waiting, busy, most, now))

    def _choose(self, waiting: _Waiting, busy: Collection[str], most: int, now: datetime) -> Iterator[str]:
        is_limited = self.chat.burst == 1
        left = min(most, int(max(self.limiter.posts.available(now), self.limiter.edits.available(now))))
        for channel in filter(self.policy.serves, waiting.channels):
            if (is_limited and left <= 0) or most <= 0:
                self.is_rate_limited = True
                return
            if channel in busy or (is_limited and not self.limiter.is_free(channel, now)):
                continue
            if not self._may_send(channel, waiting):
                continue
            yield channel
            left, most = left - 1, most - 1
            if self.gate.stop is not None:
                return

    async def publish_to(self, channel: str) -> tuple[DeliveryAttempt, ...]:
        """Sends the channel's due notifications in order: at most one burst, and none after one that has to wait."""
        attempts: list[DeliveryAttempt] = []
        while len(attempts) < self.chat.burst:
            if self.gate.stop is not None and not await self._may_probe(channel):
                await self._put_back(channel)
                break
            self.gate.begin()
            try:
                pending = self._taken.pop(channel, None) or await self._take(channel)
                if pending is None:
                    break
                attempts.append(await self._deliver(pending))
            finally:
                self.gate.end()
            if attempts[-1].outcome in ("later", "paused", "stopped"):
                break
        return tuple(attempts)

    # --- what a poll takes in the transaction of its record -----------------------------------------------------------

    def allow(self, most: int) -> Allowance[PendingNotification]:
        """What a unit of work may take for delivery; ``most`` messages, fewer where the chat's limits allow no more.

        These count as requests without an answer until ``begin_deliveries`` or ``give_back``.
        """
        posts = edits = most = 0 if self.gate.stop is not None else max(most, 0)
        if self.chat.burst == 1:  # each request may become a post, or an edit
            posts, edits = self._left(self.now())
            most = min(most, max(posts, edits))
        self._requests += most
        return Allowance(most, posts, edits)

    def take_next(self, allowance: Allowance[PendingNotification]) -> None:
        """Part of a unit of work, in its transaction: takes what is to be sent next, and marks it as sending.

        Each channel is claimed; the caller has to release it where its transaction fails, see ``give_back``.
        """
        now = self.now()
        free = (
            channel
            for channel in (self.repository.pending_channels(now) if allowance.most else ())
            if self.policy.serves(channel) and (self.chat.burst > 1 or self.limiter.is_free(channel, now))
        )
        for channel in filter(self.claims.claim, islice(free, allowance.most)):
            pending = None
            try:
                pending = self._take_one(self._request(channel, now, posts=allowance.posts, edits=allowance.edits))
            finally:
                if pending is None:
                    self.claims.release(channel)
            if pending is not None:
                allowance.taken.append(pending)
                is_edit = pending.post.kind is NotificationKind.EDIT
                allowance.posts, allowance.edits = allowance.posts - (not is_edit), allowance.edits - is_edit

    def give_back(self, allowance: Allowance[PendingNotification]) -> None:
        """Releases the channels of what was taken in a transaction that failed."""
        for pending in allowance.taken:
            self.claims.release(pending.post.channel)
        allowance.taken.clear()

    def end_taking(self, allowance: Allowance[PendingNotification]) -> None:
        """Part of a unit of work, after its transaction: what it took is recorded."""
        allowance.is_recorded = True
        if allowance.is_abandoned:
            self.give_back(allowance)

    def abandon(self, allowance: Allowance[PendingNotification]) -> None:
        """Ends an allowance whose caller was cancelled: what its unit took, or still takes, is in doubt and waits."""
        self._requests -= allowance.most
        allowance.is_abandoned = True
        if allowance.is_recorded:
            self.give_back(allowance)

    def begin_deliveries(self, allowance: Allowance[PendingNotification]) -> tuple[str, ...]:
        """Ends an allowance: the channels, claimed, to which ``publish_to`` now has to send what was taken."""
        self._requests -= allowance.most
        for pending in allowance.taken:
            self._note_taken(pending)
            self._taken[pending.post.channel] = pending
        return tuple(pending.post.channel for pending in allowance.taken)

    async def _put_back(self, channel: str) -> None:
        """Records that what was taken for a channel waits again, since nothing may be sent now."""
        if (pending := self._taken.pop(channel, None)) is not None and self._has_to_be_sent(pending):
            why = self.gate.stop.code if self.gate.stop else ""
            await self.units.run_next(
                self.repository.mark_deferred, pending.id, pending.due_at, why, is_in_doubt=pending.is_in_doubt
            )

    # --- what is sent next --------------------------------------------------------------------------------------------

    async def _read_waiting(self) -> _Waiting:
        return await self.units.run_next(self._waiting_in_outbox, self.now(), with_outages=self.gate.stop is not None)

    def _waiting_in_outbox(self, now: datetime, *, with_outages: bool) -> _Waiting:
        """A unit of work: what waits at ``now``; ``with_outages``: and whether one of these is an outage."""
        channels = self.repository.pending_channels(now)
        return _Waiting(channels, with_outages and self.repository.is_outage_pending())

    def _is_early(self, now: datetime) -> bool:
        """Whether nothing may be tried now whatever waits, not even a probe."""
        return self.gate.stop is not None and now < self.gate.probe_at(is_outage_waiting=True, now=now)

    def _is_stopped(self, now: datetime, waiting: _Waiting) -> bool:
        """Whether nothing may be tried now, not even a probe."""
        if self.gate.stop is None:
            return False
        is_fresh = not all(map(self.gate.has_refused, waiting.channels))  # a channel that has not refused since then
        is_urgent = waiting.is_outage or (self.gate.is_unsure and is_fresh)
        return self._is_early(now) or now < self.gate.probe_at(is_outage_waiting=is_urgent, now=now)

    def _may_send(self, channel: str, waiting: _Waiting) -> bool:
        """Whether a post to this channel may be tried, where a probe may."""
        if self.gate.stop is None:
            return True
        own = filter(self.policy.serves, waiting.channels)
        return self.gate.may_probe(channel, has_others=not all(map(self.gate.has_refused, own)))

    async def _may_probe(self, channel: str) -> bool:
        """Whether a post to this channel may be tried while nothing is accepted."""
        if self._is_early(self.now()):
            return False
        waiting = await self._read_waiting()
        return not self._is_stopped(self.now(), waiting) and self._may_send(channel, waiting)

    async def _take(self, channel: str) -> PendingNotification | None:
        """What the channel is to get next, marked as sending; None if nothing is due, or the limits don't allow it."""
        now = self.now()
        posts, edits = self._left(now) if self.chat.burst == 1 else (1, 1)
        request = self._request(channel, now, posts=posts, edits=edits)
        self._requests += 1
        try:
            pending = await self.units.run_together(self._take_all, request)
        finally:
            self._requests -= 1
        if pending is not None:
            self._note_taken(pending)
        return pending

    def _left(self, now: datetime) -> tuple[int, int]:
        """How many posts and edits the limits allow, where each request without an answer may become either."""
        limits = (self.limiter.posts, self.limiter.edits)
        posts, edits = (max(0, int(limit.available(now)) - self._requests) for limit in limits)
        return posts, edits

    def _request(self, channel: str, now: datetime, *, posts: int, edits: int) -> _Request:
        """Asks for what is due at ``now``; what is in doubt, not before a search could find the message."""
        in_doubt_before = now - SEARCH_DELAY if self.chat.can_search_history else None
        return _Request(channel, now, in_doubt_before, with_posts=posts > 0, with_edits=edits > 0)

    def _note_taken(self, pending: PendingNotification) -> None:
        """Counts what was taken against the chat's limits, if it needs a request."""
        if self._has_to_be_sent(pending):
            self.limiter.sent(pending.post.channel, self.now(), is_edit=pending.post.kind is NotificationKind.EDIT)

    def _take_all(self, requests: Sequence[_Request]) -> Sequence[PendingNotification | None]:
        """A unit of work: what these channels are to get next; what has to be sent is marked, in one transaction."""
        with self.repository.transaction():
            return [self._take_one(request) for request in requests]

    def _take_one(self, request: _Request) -> PendingNotification | None:
        pending = self.repository.next_pending(
            request.channel, request.now, request.in_doubt_before, with_edits=request.with_edits
        )
        if pending is None or not (request.with_posts or pending.post.kind is NotificationKind.EDIT):
            return None
        if self._has_to_be_sent(pending):
            self.repository.mark_sending(pending.id, request.now)
        return pending

    def _has_to_be_sent(self, pending: PendingNotification) -> bool:
        """Whether it needs a request to the chat."""
        return not (pending.id in self._receipts or _is_orphan(pending) or _stays_as_it_is(pending))

    def _mark_all_sent(self, sent: Sequence[_Acceptance]) -> Sequence[bool]:
        """A unit of work: records these deliveries in one transaction; whether each ended a pause of its channel."""
        with self.repository.transaction():
            return [
                self.repository.mark_sent(one.id, one.receipt.ts, one.at, is_parent=one.receipt.is_parent)
                for one in sent
            ]

    async def _deliver(self, pending: PendingNotification) -> DeliveryAttempt:
        """Sends what was taken, and records what became of it."""
        if _is_orphan(pending):
            return await self._dead_letter(pending, "the message that it belongs to was never taken", is_expected=True)
        channel, ended = pending.post.channel, None
        if _stays_as_it_is(pending) and pending.parent_ts:
            self._receipts[pending.id] = Receipt(pending.parent_ts)
        if pending.id not in self._receipts:
            try:
                self._receipts[pending.id] = await self._send(pending)
            except DeliveryError as error:
                await self._check_token(channel, error)
                return await self._after_refusal(pending, error)
            ended, self._accepted_at = self.gate.accept(channel), self.now()
        receipt = self._receipts[pending.id]
        if not receipt.ts:
            await self.units.run_next(self.repository.mark_superseded, pending.id, receipt.why)
            del self._receipts[pending.id]
            return DeliveryAttempt(pending.post, "skipped", receipt.why, pending.attempts + 1)
        is_lifted = await self.units.run_together(self._mark_all_sent, _Acceptance(pending.id, receipt, self.now()))
        del self._receipts[pending.id]
        why = receipt.why or (f"{self.policy.name} accepts messages again (was: {ended.code})" if ended else "")
        why = why or ("the channel accepts messages again" if is_lifted else "")
        return DeliveryAttempt(pending.post, "sent", why, pending.attempts + 1)

    async def _send(self, pending: PendingNotification) -> Receipt:
        """Sends one notification. Raises DeliveryError."""
        notification = pending.post
        link = self.chat.permalink(notification.channel, pending.linked_ts) if pending.linked_ts else ""
        message = self.render(notification, pending.people, link)
        parent_ts = pending.parent_ts if pending.parent_ts != NO_TS else None
        is_edit = notification.kind in (NotificationKind.EDIT, NotificationKind.NOTICE)
        if is_edit and parent_ts:
            try:
                await self.chat.edit(notification.channel, parent_ts, message)
            except DeliveryError as error:
                if error.code != "message_not_found":
                    error.may_be_taken = False  # an edit may be repeated
                    raise
            else:
                return Receipt(parent_ts)
        if notification.kind is NotificationKind.EDIT and pending.parent_ts and pending.is_replacement:
            return Receipt(pending.parent_ts, why=LEFT_AS_IT_IS)
        if notification.kind is NotificationKind.REPLY:
            thread_ts = None if pending.is_outside_thread else parent_ts
            return await self._post(pending, message, thread_ts=thread_ts)
        is_parent = notification.kind in (NotificationKind.ALERT, NotificationKind.EDIT)
        return await self._post(pending, message, thread_ts=pending.inside_ts, is_parent=is_parent)

    async def _post(
        self, pending: PendingNotification, message: M, *, thread_ts: str | None = None, is_parent: bool = False
    ) -> Receipt:
        delivered_ts, why = (
            await self._find_delivered(pending, message, thread_ts) if pending.is_in_doubt else (None, "")
        )
        if delivered_ts:
            return Receipt(delivered_ts, is_parent, why)
        broadcast = bool(thread_ts and pending.post.news and pending.post.news.broadcast)
        ts = await self.chat.post(pending.post.channel, message, thread_ts=thread_ts, broadcast=broadcast)
        return Receipt(ts, is_parent, why) if ts else Receipt("", why="nothing to send")

    def _must_ask(self, pending: PendingNotification) -> bool:
        """Whether it is unknown that the chat answers at all; a repetition would most likely be one more duplicate."""
        is_answering = self._accepted_at is not None and self._accepted_at > pending.left_at
        return not is_answering and self.now() - pending.doubted_from < ASK_FOR

    async def _find_delivered(
        self, pending: PendingNotification, message: M, thread_ts: str | None
    ) -> tuple[str | None, str]:
        """Searches for a message whose outcome is unknown: its ts where it was delivered, and a remark for the log.

        Raises DeliveryError where the search has to be repeated later.
        """
        if not self.chat.can_search_history:
            if self.policy.asks_first and self._must_ask(pending) and await self.chat.is_token_accepted() is None:
                raise DeliveryError("it may have been sent, and the chat does not answer", code=NO_ANSWER)
            return None, RESENT_UNSEARCHABLE
        since = pending.doubted_from - CLOCK_TOLERANCE
        try:
            ts = await self.chat.find_message(pending.post.channel, message.key, since, thread_ts=thread_ts)
        except DeliveryError as error:
            if error.permanent or error.code == "ratelimited" or self.now() - pending.doubted_from > SEARCH_FOR:
                return None, f"{RESENT_UNSEARCHABLE}, and the channel's history can't be read ({error.code})"
            raise DeliveryError(
                f"its fate is unknown, and the channel's history can't be read now ({error.code})",
                code="unknown_outcome",
                retry_after=error.retry_after,
            ) from error
        if ts is None or ts == pending.parent_ts:  # the parent is the message that this one replaces
            return None, RESENT_NOT_FOUND
        return ts, FOUND_DELIVERED

    # --- refusals -----------------------------------------------------------------------------------------------------

    async def _check_token(self, channel: str, error: DeliveryError) -> None:
        """Before one channel's answer stops everything: does the chat accept the token otherwise?"""
        if error.is_token and self.gate.stop is None:
            is_accepted = bool(await self.chat.is_token_accepted())
            self.gate.set_channels_own(channel, error.code, is_own=is_accepted)

    async def _after_refusal(self, pending: PendingNotification, error: DeliveryError) -> DeliveryAttempt:
        channel, now = pending.post.channel, self.now()
        scope = error.blame
        if scope is RefusalScope.WORKSPACE and self.gate.is_channels_own(channel, error.code):
            scope = RefusalScope.CHANNEL
        match scope:
            case RefusalScope.WORKSPACE:
                return await self._stop(pending, error)
            case RefusalScope.CHANNEL | RefusalScope.PERSON:
                self.gate.refuse_one(channel, now)
                return await self._after_channel_refusal(pending, error, scope)
            case RefusalScope.POST | RefusalScope.MESSAGE:
                self.gate.refuse_one(channel, now)
                return await self._refuse(pending, error)
            case RefusalScope.UNKNOWN:
                return await self._after_unknown_refusal(pending, error)
            case _:
                return await self._defer(pending, error, now)

    async def _defer(self, pending: PendingNotification, error: DeliveryError, now: datetime) -> DeliveryAttempt:
        """Tries again later; the whole channel waits, since the next notification would fare no better."""
        is_in_doubt = pending.is_in_doubt or error.may_be_taken
        limit = self.policy.give_up_after
        if limit is not None and now - (pending.created_at or now) >= limit:
            return await self._dead_letter(pending, str(error))
        is_limited = error.code == "ratelimited"
        is_new_stop = not is_limited and self.gate.fail(pending.post.channel, error.code, now)
        wait = min(self._wait(pending, error, now), self.policy.max_wait)
        if is_limited:
            is_edit = pending.post.kind is NotificationKind.EDIT
            self.limiter.limited(pending.post.channel, now, wait.total_seconds(), is_edit=is_edit)
        else:
            self.limiter.hold(pending.post.channel, now, wait)
        await self._record_wait(pending, now + wait, error, is_in_doubt=is_in_doubt)
        outcome = "stopped" if is_new_stop else "later"
        return DeliveryAttempt(pending.post, outcome, str(error), pending.attempts + 1)

    def _wait(self, pending: PendingNotification, error: DeliveryError, now: datetime) -> timedelta:
        """How long a notification waits for its next attempt."""
        if error.may_be_taken and not self.chat.can_search_history:
            doubted_for = now - pending.doubted_from if pending.is_in_doubt else timedelta()
            is_failure = error.code != "unknown_outcome"
            most = MAX_FAILURE_WAIT if is_failure else MAX_WAIT
            own = doubted_for if is_failure else doubted_for * DOUBT_FACTOR
            asked = timedelta(seconds=error.retry_after or 0)
            return max(MIN_UNSEARCHABLE_WAIT, asked, min(own, most) if self.policy.asks_first else timedelta())
        if error.retry_after is None and self.gate.stop is not None:
            return timedelta()  # the next probe is
        return timedelta(seconds=error.retry_after or BACKOFF ** min(pending.attempts, 50))

    async def _stop(self, pending: PendingNotification, error: DeliveryError) -> DeliveryAttempt:
        """Everything is refused. The notification stays due, so that it can be the probe."""
        now = self.now()
        is_new = self.gate.refuse(pending.post.channel, error.code, error.remedy, now, is_sure=error.is_token)
        if error.is_token:
            self.reload_credentials()
        await self._record_wait(pending, now, error)
        return DeliveryAttempt(pending.post, "stopped", str(error) if is_new else "", pending.attempts + 1)

    async def _record_wait(
        self, pending: PendingNotification, due_at: datetime, error: DeliveryError, *, is_in_doubt: bool | None = None
    ) -> None:
        """Records that it is tried again; ``is_in_doubt``: other than it was before this attempt."""
        doubt = pending.is_in_doubt if is_in_doubt is None else is_in_doubt
        await self.units.run_next(self.repository.mark_deferred, pending.id, due_at, str(error), is_in_doubt=doubt)

    async def _after_channel_refusal(
        self, pending: PendingNotification, error: DeliveryError, scope: RefusalScope
    ) -> DeliveryAttempt:
        """A refused alert pauses its channel. An edit, a reply or a notice only waits by itself."""
        channel, now = pending.post.channel, self.now()
        if pending.post.kind is not NotificationKind.ALERT:
            return await self._wait_alone(pending, error)
        await self._record_wait(pending, now, error)
        pause = DeliveryPause(channel, error.code, error.remedy, now, is_person=scope is RefusalScope.PERSON)
        is_new = await self.units.run_next(
            self.repository.pause_channel,
            pause,
            (self.outage_probe_wait,) if pending.is_outage else self.probe_waits,
        )
        return DeliveryAttempt(pending.post, "paused", str(error) if is_new else "", pending.attempts + 1)

    async def _wait_alone(self, pending: PendingNotification, error: DeliveryError) -> DeliveryAttempt:
        now = self.now()
        if now - (pending.refused_from or now) >= GIVE_UP_AFTER:
            return await self._dead_letter(pending, str(error))
        wait = self.probe_waits[min(pending.refusals, len(self.probe_waits) - 1)]
        await self.units.run_next(self.repository.mark_refused, pending.id, now, now + wait, str(error))
        return DeliveryAttempt(pending.post, "refused", str(error), pending.attempts + 1)

    async def _refuse(self, pending: PendingNotification, error: DeliveryError) -> DeliveryAttempt:
        """This notification is refused: a reply is tried again outside its thread, everything else is given up."""
        is_reply = pending.post.kind is NotificationKind.REPLY
        if is_reply and self.policy.has_threads and not pending.is_outside_thread:
            await self.units.run_next(self.repository.mark_outside_thread, pending.id, self.now(), str(error))
            return DeliveryAttempt(pending.post, "refused", f"{error}; trying outside its thread", pending.attempts + 1)
        return await self._dead_letter(pending, str(error))

    async def _after_unknown_refusal(self, pending: PendingNotification, error: DeliveryError) -> DeliveryAttempt:
        """A code in no list: it may pass; after some refusals and minutes it counts as this notification's own.

        Where several channels answer it and none accepts anything, it counts as a refusal of everything.
        """
        channel, now = pending.post.channel, self.now()
        is_alert = pending.post.kind is NotificationKind.ALERT  # a thread may have reasons of its own
        is_new_stop = is_alert and self.gate.refuse_unknown(channel, error.code, now)
        if self.gate.stop is not None:
            await self._record_wait(pending, now, error)
            return DeliveryAttempt(pending.post, "stopped", str(error) if is_new_stop else "", pending.attempts + 1)
        is_reply = pending.post.kind is NotificationKind.REPLY
        is_over = pending.refusals + 1 >= UNKNOWN_REFUSALS and now - (pending.refused_from or now) >= UNKNOWN_FOR
        if is_over or (is_reply and not pending.is_outside_thread and pending.refusals >= 1):
            return await self._refuse(pending, error)
        wait = min(timedelta(seconds=4.0 ** min(pending.refusals, 5)), MAX_WAIT)
        await self.units.run_next(self.repository.mark_refused, pending.id, now, now + wait, str(error))
        return DeliveryAttempt(pending.post, "refused", str(error), pending.attempts + 1)

    async def _dead_letter(
        self, pending: PendingNotification, why: str, *, is_expected: bool = False
    ) -> DeliveryAttempt:
        await self.units.run_next(self.repository.mark_dead_lettered, pending.id, why, is_expected=is_expected)
        return DeliveryAttempt(pending.post, "parked", why, pending.attempts + 1)


def _is_orphan(pending: PendingNotification) -> bool:
    """Whether it is a reply to a message that the chat never took."""
    return pending.post.kind is NotificationKind.REPLY and pending.parent_ts is None


def _stays_as_it_is(pending: PendingNotification) -> bool:
    """Whether it is an edit of a message that is about other incidents too, which is not edited."""
    return pending.post.kind is NotificationKind.EDIT and bool(pending.parent_ts) and pending.is_shared
