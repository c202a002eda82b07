"""The two strokes: poll (look, think, record) and publish, which the courier does. The edges are Protocols.

Recording comes before sending, so that a crash or a Slack outage loses no alert (DESIGN.md section 2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Protocol

from bot.core import catalogue, decide
from bot.core import stroke as strokes
from bot.courier import Chat, Courier, Delivery, Outbox
from bot.errors import StoreError
from bot.looker import Looker, Scout, Web
from bot.model import (
    Alert,
    Call,
    Evidence,
    Habits,
    Observation,
    Outcomes,
    Post,
    ProbeResult,
    Provider,
    Report,
    Stage,
    Subscription,
    Verdict,
    VerdictRules,
    World,
)
from bot.voice import route


class Book(Outbox, Protocol):
    """Remembers. ``record`` is one transaction."""

    def world(self, provider: str) -> World | None: ...  # noqa: D102
    def record(self, observation: Observation | None, stroke: strokes.Stroke, posts: Iterable[Post]) -> None: ...  # noqa: D102
    def flush(self) -> None: ...  # noqa: D102
    def told(self, incident: str) -> frozenset[str]: ...  # noqa: D102
    def rung(self, incident: str) -> frozenset[str]: ...  # noqa: D102
    def habits(self) -> Mapping[str, Habits]: ...  # noqa: D102


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
    owners: Callable[[], Iterable[str]] = tuple  # the people, or the channel, of those who run the bot
    scout: Scout | None = None  # says what an address serves that no longer serves its page
    worlds: dict[str, World] = field(default_factory=dict)
    _homes: dict[str, str] = field(default_factory=dict)  # surface -> its provider
    looker: Looker = field(init=False)
    courier: Courier = field(init=False)

    def __post_init__(self) -> None:
        """Goes on where the book says that the last run stopped."""
        self.courier = Courier(self.book, self.chat, self.now)
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
        world, rules = self.worlds[provider_id], self._rules(provider)
        stroke = strokes.again(world, seen, rules) or strokes.look(world, seen, rules)
        try:
            self._record(observation, stroke, provider)
        except StoreError:
            self.looker.forget(provider_id)  # the next look records all of this
            raise
        return stroke

    def tick(self) -> tuple[strokes.Stroke, ...]:
        """Lets time pass for every provider: verdicts change with it. Records, and returns, only what changed."""
        return tuple(stroke for stroke in self.ticks() if stroke is not None)

    def ticks(self) -> Iterator[strokes.Stroke | None]:
        """Likewise, one provider after the other, so that whoever lets time pass may do other things in between."""
        for provider in tuple(self.providers.values()):
            yield self._tick(provider)
        self.book.flush()

    def _tick(self, provider: Provider) -> strokes.Stroke | None:
        world = self.worlds[provider.id]
        if world.seen_at is None and world.blind_since is None:
            return None
        now, rules = self.now(), self._rules(provider)
        if strokes.is_calm(world, now, rules):
            return None
        stroke = strokes.tick(world, now, rules)
        if not stroke.events and _intervals(stroke.before) == _intervals(stroke.world):
            self.worlds[provider.id] = stroke.world
            return None
        self._record(None, stroke, provider)
        return stroke

    def witness(
        self,
        provider_id: str,
        *,
        probes: Iterable[ProbeResult] = (),
        reports: Iterable[Report] = (),
        outcomes: Iterable[Outcomes] = (),
    ) -> strokes.Stroke | None:
        """What others than the page have seen of a provider, what it means, and its record; None for no evidence.

        What is about surfaces that the provider does not have is left out. Raises KeyError where it is not watched.
        """
        provider = self.providers[provider_id]
        known = {s.id for s in provider.surfaces}
        evidence = Evidence(
            tuple(p for p in probes if p.surface in known),
            tuple(r for r in reports if r.surface in known),
            tuple(o for o in outcomes if o.surface in known),
        )
        if evidence == Evidence():
            return None
        stroke = strokes.witness(self.worlds[provider_id], evidence, self.now(), self._rules(provider))
        self._record(None, stroke, provider)
        return stroke

    def is_busy(self, provider_id: str) -> bool:
        """True while an incident is open or a surface recovers: then looks are more frequent."""
        world = self.worlds[provider_id]
        is_open = any(k.incident.stage is not Stage.SCHEDULED for k in world.open_incidents)
        calm = (Call.RETRY_NORMALLY, Call.UNKNOWN)
        return is_open or any(v.call not in calm and v.reason_code != "starting" for v in world.verdicts)

    def _rules(self, provider: Provider) -> strokes.Rules:
        """What a stroke of a provider goes by; of the neighbours, only what it names."""
        homes = ((name, self._homes[name]) for name in catalogue.elsewhere(provider) if name in self._homes)
        found = ((name, self.worlds[home].verdict(name)) for name, home in homes)
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
            *(route.route_owner(notice, self.owners(), subscriptions, surfaces) for notice in decision.for_owner),
        )
        self.book.record(observation, stroke, tuple(posts))
        self.worlds[provider.id] = stroke.world

    def posts(self, alert: Alert, subscriptions: Iterable[Subscription]) -> Iterator[Post]:
        """What these subscriptions owe their channels of an alert."""
        book = self.book
        earlier = tuple((incident, book.told(incident)) for incident in alert.follows)
        rung = frozenset().union(*map(book.rung, (alert.incident, *alert.takes_over)))
        channels = route.Channels(book.habits(), rung, earlier)
        return route.route(alert, subscriptions, self._told(alert), channels)

    def _told(self, alert: Alert) -> frozenset[str]:
        """The channels that have a message of it: what it takes over is its own, and what takes it over keeps none."""
        told = self.book.told(alert.incident).union(*map(self.book.told, alert.takes_over))
        if alert.yields_to:
            told &= frozenset().union(*map(self.book.told, alert.yields_to))
        return told

    # --- publish ------------------------------------------------------------------------------------------------------

    def owing(self) -> Sequence[str]:
        """The channels that something unsent is owed to."""
        return self.book.owing()

    async def publish(self) -> tuple[Delivery, ...]:
        """Sends what is due, to one channel after the other."""
        return tuple([done for channel in self.owing() for done in await self.publish_to(channel)])

    async def publish_to(self, channel: str) -> tuple[Delivery, ...]:
        """Sends what is due to a channel: in order, at most a burst, and nothing past one that has to wait."""
        return await self.courier.publish_to(channel)


def _intervals(world: World) -> tuple[object, ...]:
    """What the book keeps as intervals."""
    verdicts = tuple((v.surface, v.call, v.reason_code) for v in world.verdicts)
    return (*((s.surface, s.condition, s.inferred) for s in world.states), *verdicts)
