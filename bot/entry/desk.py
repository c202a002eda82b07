"""The desk: where a question meets the book, the catalogue and the clock. Read by Slack and by the command line.

Verdicts are judged afresh at the time of the question, since they change with time and must never be older than they
say (safe-to-retry.md C.5).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.core import catalogue, machine
from bot.core import stroke as strokes
from bot.core.diff import first_post
from bot.edge.store import Store
from bot.entry.running import Running
from bot.errors import UsageError
from bot.model import Call, Event, Habits, Known, Provider, Seen, Surface, Verdict, VerdictRules, World

REPORTS_COUNT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Desk:
    """Answers from the book; ``now`` is the clock, ``rules`` the verdict's numbers for a provider."""

    providers: Sequence[Provider]
    book: Store
    now: Callable[[], datetime]
    rules: Callable[[Provider], VerdictRules]
    admins: frozenset[str] = frozenset()  # ids of those who may do what undoes other people's; empty is everybody
    running: Running | None = None  # the bot itself, where it runs in this process
    groups: Mapping[str, Collection[str]] = field(default_factory=dict)  # members of the user groups among them

    def is_admin(self, user: str) -> bool:
        """Whether somebody may do what undoes other people's. Of a group that Slack has not told, nobody is."""
        return not self.admins or user in self.admins or any(user in self.groups.get(a, ()) for a in self.admins)

    def unasked(self) -> bool:
        """True while Slack has not told who is in a user group of admins."""
        return any(admin.startswith("S") and admin not in self.groups for admin in self.admins)

    def board(self) -> tuple[tuple[Provider, World], ...]:
        """Every provider with what is known of it now."""
        stored = self._stored(self.providers)
        elsewhere = _verdicts(stored)
        return tuple((p, self._aged(p, stored[p.id], elsewhere)) for p in self.providers)

    def glance(self) -> tuple[tuple[Provider, World], ...]:
        """The same for those who read no reasons of what is well: calm worlds are as they were last judged."""
        stored, now = self._stored(self.providers), self.now()
        elsewhere = _verdicts(stored)
        return tuple((p, self._glanced(p, stored[p.id], elsewhere, now)) for p in self.providers)

    def world(self, provider: Provider) -> World:
        """What is known of one provider now; the others are only read, for where else to go."""
        named = catalogue.elsewhere(provider)
        near = [p for p in self.providers if p.id != provider.id and any(s.id in named for s in p.surfaces)]
        stored = self._stored([provider, *near])
        return self._aged(provider, stored[provider.id], _verdicts(stored))

    def machine_form(self, provider: Provider, surface: Surface, client: str | None = None) -> dict[str, Any]:
        """The surface's verdict as JSON values, judged now; ``client`` gets its own slot (safe-to-retry.md C.8)."""
        now, world = self.now(), self.world(provider)
        grounds = strokes.cases(world, now, strokes.Rules(provider, self.rules(provider), {}))[surface.id]
        return machine.machine_form(self.verdict(world, surface), grounds, now, client=client)

    def verdict(self, world: World, surface: Surface) -> Verdict:
        """The surface's verdict in this world; ``unknown`` where nobody has looked yet."""
        why = f"{surface.name} is unknown: nobody has looked at its page yet."
        return world.verdict(surface.id) or Verdict(surface.id, Call.UNKNOWN, self.now(), 0.0, why, "never_seen")

    def surfaces(self) -> dict[str, Surface]:
        """Every surface by its id."""
        return {s.id: s for p in self.providers for s in p.surfaces}

    def habits(self, channel: str) -> Habits:
        """How a channel wants to be told."""
        return self.book.habits().get(channel) or Habits(channel)

    def reported(self) -> Mapping[str, int]:
        """How many people have reported each surface within the last hour."""
        return self.book.people.reported(self.now() - REPORTS_COUNT)

    def seen(self, known: Known) -> tuple[Seen, ...]:
        """What probes and the team's own requests saw of its surfaces, from when we first told of it to its end."""
        since = min(first_post(known.incident), known.seen_at) - (known.lead or timedelta(0))
        return self.book.archive.seen(known.surfaces, since, known.closed_at or self.now())

    def incident(self, typed: str, channel: str | None = None) -> tuple[Provider, Known, tuple[Event, ...]]:
        """The incident meant: by its id, by a surface or provider (its newest), or ``last``. UsageError otherwise.

        Of what people said about it, only what this channel may read.
        """
        incident_id = self._incident_id(typed)
        found = self.book.known(incident_id)
        if found is None:
            raise UsageError(f"There is no incident “{typed}” in the book.")
        provider_id, known = found
        provider = next((p for p in self.providers if p.id == provider_id), None)
        if provider is None:
            raise UsageError(f"Incident {incident_id} is of {provider_id}, which the catalogue no longer has.")
        return provider, known, self.book.events(incident_id, channel)

    def _incident_id(self, typed: str) -> str:
        if typed == "last":
            found = self.book.incident_ids(limit=1)
            if not found:
                raise UsageError("No incident has been seen yet.")
            return found[0]
        if self.book.known(typed):
            return typed
        try:
            target = catalogue.resolve(self.providers, typed)
        except UsageError as error:
            raise UsageError(f"There is no incident “{typed}” in the book. {error}") from None
        is_provider = target.id == target.provider.id
        found = self.book.incident_ids(provider=target.provider.id, surface=None if is_provider else target.id, limit=1)
        if not found:
            raise UsageError(f"No incident of {target.name} has been seen yet.")
        return found[0]

    def _stored(self, providers: Iterable[Provider]) -> dict[str, World]:
        return {p.id: self.book.world(p.id) or World(p.id) for p in providers}

    def _aged(self, provider: Provider, world: World, elsewhere: Mapping[str, Verdict]) -> World:
        if world.seen_at is None and world.blind_since is None:
            return world
        return strokes.tick(world, self.now(), strokes.Rules(provider, self.rules(provider), elsewhere)).world

    def _glanced(self, provider: Provider, world: World, elsewhere: Mapping[str, Verdict], now: datetime) -> World:
        rules = strokes.Rules(provider, self.rules(provider), elsewhere)
        return world if strokes.is_calm(world, now, rules) else self._aged(provider, world, elsewhere)


def _verdicts(worlds: Mapping[str, World]) -> dict[str, Verdict]:
    return {v.surface: v for world in worlds.values() for v in world.verdicts}
