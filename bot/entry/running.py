"""The bot that runs in this process, for the doors that ask it or steer it; the command line has none."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from bot.entry.link import Link
from bot.model import Provider, Pulse

if TYPE_CHECKING:  # what it needs to read a page is a second of imports, which no question on the command line wants
    from bot.entry.watch import Watch


class Rounds(Protocol):
    """The jobs that look at pages."""

    def pulse(self, provider: str) -> Pulse | None: ...  # noqa: D102
    def take_on(self, provider: Provider) -> None: ...  # noqa: D102


@dataclass(slots=True)
class Running:
    """Filled in once the bot runs. ``providers`` is what every door of it calls the catalogue; it may grow."""

    providers: list[Provider]
    rounds: Rounds | None = None
    watch: Watch | None = None
    groups: Mapping[str, Collection[str]] = field(default_factory=dict)  # who is in a user group, as Slack told last
    link: Link | None = None
    backed_up_at: Callable[[], datetime | None] = lambda: None

    def pulse(self, provider: str) -> Pulse | None:
        """How a source's looks are kept; None where nothing is known of that yet."""
        return self.rounds.pulse(provider) if self.rounds else None

    async def is_heard(self) -> bool | None:
        """Whether the bot hears Slack; None where it does not want to."""
        return await self.link.why_not() is None if self.link and self.link.is_wanted else None

    def people(self, ids: Iterable[str]) -> tuple[str, ...]:
        """People and channels; of a user group, everybody in it."""
        each = (self.groups.get(i, ()) if i.startswith("S") else (i,) for i in ids)
        return tuple(dict.fromkeys(person for found in each for person in found))

    def take_on(self, provider: Provider) -> None:
        """Watches one more provider from now on, without a restart."""
        if self.rounds is None:
            raise RuntimeError("no bot runs")
        self.rounds.take_on(provider)
        self.providers.append(provider)
