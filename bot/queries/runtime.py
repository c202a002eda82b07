"""``Runtime``: access to the bot that runs in this process, for its handlers. On the command line there is none."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bot.domain import ChatUser, DeclaredPlace, PollStatistics, Provider, ProviderState
from bot.queries.slack_status import SlackStatus
from bot.unit_of_work import INLINE, UnitRunner

if TYPE_CHECKING:  # half a second of HTTP imports, which no query on the command line needs
    from bot.adapters.discovery import DiscoveredPage

_DIGEST_LENGTH = 16
CHANNEL_SCOPES: Mapping[str, DeclaredPlace] = {  # what the bot needs to make a channel
    "channels:manage": DeclaredPlace.PUBLIC,
    "groups:write": DeclaredPlace.PRIVATE,
}
KEEP_SCOPE, HISTORY_SCOPES = "reactions:read", frozenset({"channels:history", "groups:history"})


class BotRole(StrEnum):
    """What a bot does on a database: one leads, and polls and posts; the others only answer."""

    LEADER = "leader"
    FOLLOWER = "follower"


@dataclass(frozen=True, slots=True)
class ProviderOptions:
    """What was typed to add a provider: an address, and options that override what the page says."""

    url: str
    ident: str = ""
    name: str = ""
    page: str = ""
    regions: tuple[str, ...] = ()
    products: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProviderProposal:
    """A page that was found, and the provider file that would be written for it."""

    options: ProviderOptions
    page: DiscoveredPage
    text: str
    file: Path
    is_known: bool = False  # the catalogue has it, disabled

    @property
    def digest(self) -> str:
        """A short hash of the file's text."""
        return sha256(self.text.encode()).hexdigest()[:_DIGEST_LENGTH]


class PollJobs(Protocol):
    """The scheduler's polls."""

    def poll_statistics(self, provider: str) -> PollStatistics | None: ...  # noqa: D102
    def seconds_since_poll_start(self) -> float: ...  # noqa: D102
    async def add_provider(self, provider: Provider) -> None: ...  # noqa: D102


class Onboarding(Protocol):
    """Adds providers while the bot runs; every method may raise UsageError."""

    async def propose(self, wish: ProviderOptions) -> ProviderProposal: ...  # noqa: D102
    async def accept(self, proposal: ProviderProposal, by: ChatUser) -> Provider: ...  # noqa: D102


@dataclass(slots=True)
class Runtime:
    """The parts of the running bot; they are filled in when it starts.

    Attributes:
        providers: The catalogue, shared by all handlers; it may grow.
        poll_jobs: The scheduler's polls.
        onboarding: Adds providers.
        groups: The members of user groups by group id, as Slack last returned them.
        slack_status: The state of the connection to Slack.
        backed_up_at: Returns the time of the newest backup.
        loop_stalls: Returns how often the event loop has stalled since the start, and the longest stall in seconds.
        units: Runs what reads and writes the database.
        states: The state of each provider that this bot polls, as the database has it; it changes while the bot runs.
        role: Whether this bot polls and posts, or follows one that does.
        shards: How many shards of the pages it polls, where it shares them with other bots; else None.
        scopes: Returns the scopes of the bot's token in Slack; None where Slack has not named them.
        keep_emoji: The emoji that keeps a message in the timeline of a declared incident; empty for none.
        post_declared: Puts what is due about declared incidents into the outbox; without it, the next tick does.
    """

    providers: list[Provider]
    poll_jobs: PollJobs | None = None
    onboarding: Onboarding | None = None
    groups: Mapping[str, Collection[str]] = field(default_factory=dict)
    slack_status: SlackStatus | None = None
    backed_up_at: Callable[[], datetime | None] = lambda: None
    loop_stalls: Callable[[], tuple[int, float]] = lambda: (0, 0.0)
    units: UnitRunner = INLINE
    states: Mapping[str, ProviderState] = field(default_factory=dict)
    role: BotRole = BotRole.LEADER
    shards: Callable[[], int] | None = None
    scopes: Callable[[], frozenset[str] | None] = lambda: None
    keep_emoji: str = ""
    post_declared: Callable[[], bool] = lambda: False

    def poll_statistics(self, provider: str) -> PollStatistics | None:
        """Statistics of a provider's polls; None if there are none yet."""
        return self.poll_jobs.poll_statistics(provider) if self.poll_jobs else None

    def seconds_since_poll_start(self) -> float:
        """Seconds since a poll began; 0 where no bot runs in this process."""
        return self.poll_jobs.seconds_since_poll_start() if self.poll_jobs else 0.0

    async def is_slack_connected(self) -> bool | None:
        """Whether the bot is connected to Slack; None if it is not meant to be."""
        return (
            await self.slack_status.disconnected_reason() is None and not self._is_token_refused()
            if self.slack_status and self.slack_status.is_wanted
            else None
        )

    def _is_token_refused(self) -> bool:
        stop = self.slack_status.stop if self.slack_status else None
        return stop is not None and stop.is_token

    @property
    def places(self) -> tuple[DeclaredPlace, ...]:
        """Where a declared incident can be handled with the scopes that the bot has."""
        scopes = self.scopes() or frozenset()
        return (DeclaredPlace.THREAD, *(place for scope, place in CHANNEL_SCOPES.items() if scope in scopes))

    @property
    def working_keep_emoji(self) -> str:
        """The emoji that keeps a message, where the bot has the scopes to see it and to read the message."""
        scopes = self.scopes() or frozenset()
        return self.keep_emoji if KEEP_SCOPE in scopes and not HISTORY_SCOPES.isdisjoint(scopes) else ""

    def expand_groups(self, ids: Iterable[str]) -> tuple[str, ...]:
        """The ids with each user group replaced by its members, without duplicates."""
        each = (self.groups.get(i, ()) if i.startswith("S") else (i,) for i in ids)
        return tuple(dict.fromkeys(person for members in each for person in members))

    async def add_provider(self, provider: Provider) -> None:
        """Starts polling one more provider, without a restart. RuntimeError if no bot runs."""
        if self.poll_jobs is None:
            raise RuntimeError("no bot runs")
        await self.poll_jobs.add_provider(provider)
        self.providers.append(provider)
