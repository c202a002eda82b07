"""Services of the team that runs the bot, which use watched ones: ``[service.ID]`` of brownout.toml."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from bot.domain.snapshot import Condition
from bot.domain.subscription import CONFIGURED, Subscription


@dataclass(frozen=True, slots=True)
class OwnService:
    """One of our own services.

    Attributes:
        id: Its id in brownout.toml.
        name: What people call it.
        needs: The ids of the watched services that it uses.
        channel: The Slack id of the channel that gets alerts about those; empty for none.
        minimum: The least severity of these alerts.
        mention: Who is mentioned on a major outage, as in ``Subscription``.
    """

    id: str
    name: str
    needs: tuple[str, ...]
    channel: str = ""
    minimum: Condition = Condition.DEGRADED
    mention: str = ""

    def subscriptions(self) -> Iterator[Subscription]:
        """The subscriptions of its channel to what it needs."""
        if self.channel:
            for target in self.needs:
                yield Subscription(self.channel, target, self.minimum, CONFIGURED, mention=self.mention)

    def is_called(self, typed: str) -> bool:
        """Whether a text is its id or its name, in any case."""
        return " ".join(typed.split()).casefold() in (self.id.casefold(), self.name.casefold())


def dependents(services: Iterable[OwnService], channel: str, surfaces: Collection[str]) -> tuple[str, ...]:
    """The names of the services with this channel that use one of these surfaces."""
    return tuple(s.name for s in services if s.channel == channel and not set(s.needs).isdisjoint(surfaces))
