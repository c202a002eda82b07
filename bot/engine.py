"""The two strokes: poll (look, think, record) and publish (render, deliver, receipt). The edges are Protocols.

Recording comes before sending, so that a crash or a Slack outage loses no alert (DESIGN.md section 2). A post is marked
as leaving before it leaves: if the process dies in between, it is sent again, and the delivery says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import Protocol

from bot.core import decide
from bot.core import stroke as strokes
from bot.errors import DeliveryError, StoreError
from bot.looker import Looker, Scout, Web
from bot.model import (
    Alert,
    Call,
    Habits,
    Message,
    Observation,
    People,
    Post,
    PostKind,
    Provider,
    Stage,
    Subscription,
    Verdict,
    VerdictRules,
    World,
)
from bot.voice import alerts, route

BACKOFF = 1.2  # seconds to the power of the attempts: a wait is about a fifth of the outage so far
MAX_WAIT = timedelta(minutes=5)  # between two attempts to deliver a post

# Refusals of the bot, not of a post or of a channel: another token mends them, so what is owed waits for it.
_OF_THE_BOT = frozenset({"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"})


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
    def parent_ts(self) -> str | None: ...  # noqa: D102
    @property
    def people(self) -> People: ...  # noqa: D102


class Book(Protocol):
    """Remembers. ``record`` is one transaction."""

    def world(self, provider: str) -> World | None: ...  # noqa: D102
    def record(self, observation: Observation | None, stroke: strokes.Stroke, posts: Iterable[Post]) -> None: ...  # noqa: D102
    def subscriptions(self) -> tuple[Subscription, ...]: ...  # noqa: D102
    def told(self, incident: str) -> frozenset[str]: ...  # noqa: D102
    def rung(self, incident: str) -> frozenset[str]: ...  # noqa: D102
    def habits(self) -> Mapping[str, Habits]: ...  # noqa: D102
    def owing(self) -> Sequence[str]: ...  # noqa: D102
    def owed(self, channel: str) -> Owed | None: ...  # noqa: D102
    def mark_sending(self, number: int) -> None: ...  # noqa: D102
    def mark_sent(self, number: int, ts: str, at: datetime, *, is_parent: bool) -> None: ...  # noqa: D102
    def mark_later(self, number: int, due_at: datetime, error: str, *, is_in_doubt: bool) -> None: ...  # noqa: D102
    def mark_parked(self, number: int, error: str) -> None: ...  # noqa: D102


class Chat(Protocol):
    """Takes messages; every failure is a DeliveryError. ``burst`` is how many posts a channel takes at once."""

    burst: int

    async def post(self, channel: str, message: Message, *, thread_ts: str | None, broadcast: bool) -> str: ...  # noqa: D102
    async def edit(self, channel: str, ts: str, message: Message) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of an attempt to deliver a post, counted from 1: ``sent``, ``later`` or ``parked``, and why."""

    post: Post
    outcome: str
    why: str = ""
    attempt: int = 1


@dataclass(slots=True)
class Engine:
    """Everything that happens between a page and a channel. ``now`` is the clock; it must give aware UTC times."""

    providers: dict[str, Provider]
    web: Web
    book: Book
    chat: Chat
    now: Callable[[], datetime]
    rules: Callable[[Provider], VerdictRules]
    blind_after: int = 3
    alarm_after: int = decide.ALARM_AFTER
    owners: Sequence[str] = ()  # the people, or the channel, of those who run the bot
    scout: Scout | None = None  # says what an address serves that no longer serves its page
    worlds: dict[str, World] = field(default_factory=dict)
    _homes: dict[str, str] = field(default_factory=dict)  # surface -> its provider
    looker: Looker = field(init=False)
    _receipts: dict[int, tuple[str, bool]] = field(default_factory=dict)  # those that could not be recorded yet

    def __post_init__(self) -> None:
        """Goes on where the book says that the last run stopped."""
        self.looker = Looker(self.web, self.now, scout=self.scout, scout_after=self.blind_after)
        for provider in self.providers.values():
            self.take_on(provider)

    def take_on(self, provider: Provider) -> None:
        """Goes on with a provider where the book says that the last run stopped; it may be one more than before."""
        self.providers[provider.id] = provider
        self.worlds[provider.id] = self.book.world(provider.id) or World(provider.id)
        self._homes |= dict.fromkeys((s.id for s in provider.surfaces), provider.id)

    # --- poll ---------------------------------------------------------------------------------------------------------

    async def poll(self, provider_id: str) -> strokes.Stroke:
        """One look at a provider's page, what it means, and its record."""
        provider = self.providers[provider_id]
        seen, observation = await self.looker.look(provider, self.worlds[provider_id])
        stroke = strokes.look(self.worlds[provider_id], seen, self._rules(provider))
        try:
            self._record(observation, stroke, provider)
        except StoreError:
            self.looker.forget(provider_id)  # the next look records all of this
            raise
        return stroke

    def tick(self) -> tuple[strokes.Stroke, ...]:
        """Lets time pass for every provider: verdicts change with it. Records, and returns, only what changed."""
        done = []
        for provider in self.providers.values():
            world = self.worlds[provider.id]
            if world.seen_at is None and world.blind_since is None:
                continue
            now, rules = self.now(), self._rules(provider)
            if not strokes.is_calm(world, now, rules):
                stroke = strokes.tick(world, now, rules)
                if stroke.events or _intervals(stroke.before) != _intervals(stroke.world):
                    self._record(None, stroke, provider)
                    done.append(stroke)
                self.worlds[provider.id] = stroke.world
        return tuple(done)

    def is_busy(self, provider_id: str) -> bool:
        """True while an incident is open or a surface recovers: then looks are more frequent."""
        world = self.worlds[provider_id]
        is_open = any(k.incident.stage is not Stage.SCHEDULED for k in world.open_incidents)
        calm = (Call.RETRY_NORMALLY, Call.UNKNOWN)
        return is_open or any(v.call not in calm and v.reason_code != "starting" for v in world.verdicts)

    def _rules(self, provider: Provider) -> strokes.Rules:
        """What a stroke of a provider goes by; of the neighbours, only what it names."""
        named = {name for s in provider.surfaces for name in (*s.needs, *s.instead)}
        homes = ((name, self._homes.get(name, provider.id)) for name in named)
        found = ((name, self.worlds[home].verdict(name)) for name, home in homes if home != provider.id)
        elsewhere: dict[str, Verdict] = {name: verdict for name, verdict in found if verdict is not None}
        return strokes.Rules(provider, self.rules(provider), elsewhere)

    def _record(self, observation: Observation | None, stroke: strokes.Stroke, provider: Provider) -> None:
        decision = decide.decide(stroke, provider, blind_after=self.blind_after, alarm_after=self.alarm_after)
        is_anything = decision.alerts or decision.notices or decision.for_owner
        subscriptions = self.book.subscriptions() if is_anything else ()
        surfaces = {s.id for s in provider.surfaces}
        posts = chain(
            *(self.posts(alert, subscriptions) for alert in decision.alerts),
            *(
                route.route_notice(notice, subscriptions, surfaces, route.Channels(self.book.habits()))
                for notice in decision.notices
            ),
            *(route.route_owner(notice, self.owners, subscriptions, surfaces) for notice in decision.for_owner),
        )
        self.book.record(observation, stroke, tuple(posts))
        self.worlds[provider.id] = stroke.world

    def posts(self, alert: Alert, subscriptions: Iterable[Subscription]) -> Iterator[Post]:
        """What these subscriptions owe their channels of an alert."""
        book = self.book
        earlier = tuple((incident, book.told(incident)) for incident in alert.follows)
        channels = route.Channels(book.habits(), book.rung(alert.incident), earlier)
        return route.route(alert, subscriptions, book.told(alert.incident), channels)

    # --- publish ------------------------------------------------------------------------------------------------------

    def owing(self) -> Sequence[str]:
        """The channels that something unsent is owed to."""
        return self.book.owing()

    async def publish(self) -> tuple[Delivery, ...]:
        """Sends what is due, to one channel after the other."""
        return tuple([done for channel in self.owing() for done in await self.publish_to(channel)])

    async def publish_to(self, channel: str) -> tuple[Delivery, ...]:
        """Sends what is due to a channel: in order, at most a burst, and nothing past one that has to wait."""
        done: list[Delivery] = []
        while len(done) < self.chat.burst:
            owed = self.book.owed(channel)
            if owed is None or owed.due_at > self.now():
                break
            done.append(await self._deliver(owed))
            if done[-1].outcome == "later":
                break
        return tuple(done)

    async def _deliver(self, owed: Owed) -> Delivery:
        if owed.post.kind is PostKind.REPLY and owed.parent_ts is None:
            return self._park(owed, "the message that it belongs to was never taken")
        if owed.id not in self._receipts:
            self.book.mark_sending(owed.id)
            try:
                self._receipts[owed.id] = await self._send(owed)
            except DeliveryError as error:
                return self._refused(owed, error)
        ts, is_parent = self._receipts[owed.id]
        self.book.mark_sent(owed.id, ts, self.now(), is_parent=is_parent)
        del self._receipts[owed.id]
        is_again = owed.is_in_doubt and owed.post.kind is not PostKind.EDIT  # an edit is the same the second time
        return Delivery(owed.post, "sent", "again: its fate was unknown" if is_again else "", owed.attempts + 1)

    async def _send(self, owed: Owed) -> tuple[str, bool]:
        """Sends one post; its ts, and whether it is now the incident's parent message."""
        post = owed.post
        message = alerts.render(post, owed.people)
        if post.kind is PostKind.EDIT and owed.parent_ts:
            try:
                await self.chat.edit(post.channel, owed.parent_ts, message)
            except DeliveryError as error:
                if error.code != "message_not_found":
                    raise
            else:
                return owed.parent_ts, False
        if post.kind is PostKind.REPLY:
            loud = bool(post.news and post.news.broadcast)
            return await self.chat.post(post.channel, message, thread_ts=owed.parent_ts, broadcast=loud), False
        is_parent = post.kind in (PostKind.ALERT, PostKind.EDIT)
        return await self.chat.post(post.channel, message, thread_ts=None, broadcast=False), is_parent

    def _refused(self, owed: Owed, error: DeliveryError) -> Delivery:
        if error.permanent and error.code not in _OF_THE_BOT:
            return self._park(owed, str(error))
        wait = timedelta(seconds=error.retry_after or BACKOFF ** min(owed.attempts, 50))
        is_in_doubt = error.code == "unknown_outcome"
        self.book.mark_later(owed.id, self.now() + min(wait, MAX_WAIT), str(error), is_in_doubt=is_in_doubt)
        return Delivery(owed.post, "later", str(error), owed.attempts + 1)

    def _park(self, owed: Owed, why: str) -> Delivery:
        self.book.mark_parked(owed.id, why)
        return Delivery(owed.post, "parked", why, owed.attempts + 1)


def _intervals(world: World) -> tuple[object, ...]:
    """What the book keeps as intervals."""
    verdicts = tuple((v.surface, v.call, v.reason_code) for v in world.verdicts)
    return (*((s.surface, s.condition, s.inferred) for s in world.states), *verdicts)
