"""Reads the configuration again on SIGHUP, without a restart: all of it is valid and applied, or nothing is.

Providers, the rules of the verdict, subscriptions and polling intervals apply at once. What a part of the process holds
open (the web server, the database, the connection to Slack) needs a restart; the log says so.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.app import configured_subscriptions
from bot.app.configured_subscriptions import SubscriptionStore
from bot.domain import OwnService, Provider, VerdictParameters
from bot.errors import BrownoutError
from bot.settings import PollSettings, Settings
from bot.unit_of_work import INLINE, UnitRunner

log = logging.getLogger("brownout")

# Attributes of ``Settings`` that only a restart applies, with the table that they stand in.
_FIXED = {
    "web": "[web]",
    "store": "[store]",
    "replica": "[replica]",
    "tools": "[[notify]]",
    "trackers": "[tracker]",
    "admins": "[slack] admins",
    "partners": "[slack] partners",
    "owners": "[slack] owner",
    "looks_up": "[slack] look_up",
    "has_link_cards": "[slack] link_cards",
    "has_newer_blocks": "[slack] newer_blocks",
    "give_up_after_min": "[slack] give_up_after_min",
}
_FIXED_POLL = ("timeout_s", "max_bytes")


@dataclass(slots=True)
class CurrentSettings:
    """The settings that apply now; ``rules_for`` is given to everything that judges.

    Attributes:
        settings: The settings.
        load: Reads them again; ConfigError with all mistakes.
        available: The providers that are off, a list that all handlers share.
    """

    settings: Settings
    load: Callable[[], Settings]
    available: list[Provider] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Fills the list of the providers that are off."""
        self.take_on(self.settings)

    def take_on(self, new: Settings) -> None:
        """Replaces the settings."""
        self.settings = new
        self.available[:] = [p for p in new.providers if not p.enabled]

    def own_services(self) -> tuple[OwnService, ...]:
        """Our own services, as they are now."""
        return self.settings.own_services

    def rules_for(self, provider: Provider) -> VerdictParameters:
        """The verdict parameters of a provider, as they are now."""
        return self.settings.rules_for(provider)


@dataclass(frozen=True, slots=True)
class SettingsChanges:
    """What differs between what runs and a configuration that was read again.

    Attributes:
        added: Providers to poll that are not polled yet.
        changed: Providers that are polled and whose file differs.
        removed: Providers that are no longer enabled, or gone.
        has_other_rules: Whether verdict.toml or the preset differs.
        has_other_intervals: Whether the polling intervals or limits differ that apply at once.
        has_other_services: Whether ``[service.ID]`` differs.
        needs_restart: The tables and keys whose change takes effect after a restart.
    """

    added: tuple[Provider, ...] = ()
    changed: tuple[Provider, ...] = ()
    removed: tuple[Provider, ...] = ()
    has_other_rules: bool = False
    has_other_intervals: bool = False
    has_other_services: bool = False
    needs_restart: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """One line for people per kind of change."""
        for what, listed in (
            ("added", self.added),
            ("changed", self.changed),
            ("no longer watched", self.removed),
        ):
            if listed:
                yield f"{what}: {', '.join(p.id for p in listed)}"
        if self.has_other_rules:
            yield "changed: the rules of the advice (verdict.toml or [verdict] preset)"
        if self.has_other_intervals:
            yield "changed: [poll]"
        if self.has_other_services:
            yield "changed: [service]"
        if self.needs_restart:
            yield f"takes effect after a restart: {', '.join(self.needs_restart)}"


def compare(watched: Iterable[Provider], old: Settings, new: Settings) -> SettingsChanges:
    """What differs between the watched providers with the old settings and the new settings."""
    running = {p.id: p for p in watched}
    wanted = {p.id: p for p in new.providers if p.enabled}
    fixed_poll = tuple(f"[poll] {key}" for key in _FIXED_POLL if getattr(old.poll, key) != getattr(new.poll, key))
    return SettingsChanges(
        added=tuple(p for i, p in wanted.items() if i not in running),
        changed=tuple(p for i, p in wanted.items() if i in running and p != running[i]),
        removed=tuple(p for i, p in running.items() if i not in wanted),
        has_other_rules=(old.preset, old.verdict) != (new.preset, new.verdict),
        has_other_intervals=_live_poll(old) != _live_poll(new),
        has_other_services=old.own_services != new.own_services,
        needs_restart=(
            *(name for key, name in _FIXED.items() if getattr(old, key) != getattr(new, key)),
            *fixed_poll,
        ),
    )


class PollControl(Protocol):
    """The polls of a running bot."""

    def set_intervals(self, poll: PollSettings) -> None: ...  # noqa: D102
    async def add_provider(self, provider: Provider) -> None: ...  # noqa: D102
    async def remove_provider(self, provider_id: str) -> None: ...  # noqa: D102


@dataclass(slots=True)
class ConfigReloader:
    """Applies a changed configuration to the running bot.

    Attributes:
        current: The settings that apply, and how they are read.
        bot: The scheduler's polls.
        watched: The catalogue that all handlers share; it is changed in place.
        subscriptions: Where subscriptions are stored.
        now: The clock.
        before: Called before each reload: reads the tokens again.
        on_providers: Called after providers were added, changed or removed.
        units_on_providers: Likewise, as units of work.
        units: Runs what reads and writes the database.
    """

    current: CurrentSettings
    bot: PollControl
    watched: list[Provider]
    subscriptions: SubscriptionStore
    now: Callable[[], datetime]
    on_providers: Sequence[Callable[[], None]] = ()
    units_on_providers: Sequence[Callable[[], None]] = ()
    before: Callable[[], object] | None = None
    units: UnitRunner = INLINE
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self, is_asked: asyncio.Event) -> None:
        """Reloads each time the event is set, until cancelled. An unexpected error is logged."""
        while True:
            await is_asked.wait()
            is_asked.clear()
            try:
                await self.reload()
            except Exception:
                log.exception("configuration: unexpected error while it was reloaded; restart the bot")

    async def reload(self) -> SettingsChanges | None:
        """Reads the configuration and applies it; None, with the mistakes in the log, where it can't be."""
        async with self._lock:
            if self.before is not None:
                self.before()
            try:
                new = await asyncio.to_thread(self.current.load)
                changed = await self.units.run(
                    configured_subscriptions.reconcile, self.subscriptions, new.subscriptions, self.now()
                )
            except BrownoutError as error:
                log.error("configuration not reloaded, the one before stays: %s", error)  # noqa: TRY400
                return None
            changes = compare(self.watched, self.current.settings, new)
            await self._apply(changes, new)
            lines = [*changes.lines(), *(f"subscription of brownout.toml: {line}" for line in changed.lines())]
            for line in lines:
                log.info("configuration reloaded: %s", line)
            if not lines:
                log.info("configuration reloaded: nothing has changed")
            return changes

    async def _apply(self, changes: SettingsChanges, new: Settings) -> None:
        self.current.take_on(new)
        self.bot.set_intervals(new.poll)
        gone = {p.id for p in changes.removed}
        self.watched[:] = [p for p in self.watched if p.id not in gone]  # first: no handler asks for them then
        for provider in changes.removed:
            await self.bot.remove_provider(provider.id)
        for provider in changes.changed:
            await self.bot.remove_provider(provider.id)
            await self.bot.add_provider(provider)
        for provider in changes.added:
            await self.bot.add_provider(provider)
        self.watched[:] = [p for p in new.providers if p.enabled]
        if changes.added or changes.changed or changes.removed:
            for call in self.on_providers:
                call()
            for unit in self.units_on_providers:
                await self.units.run(unit)


def _live_poll(given: Settings) -> dict[str, object]:
    return given.poll.model_dump(exclude=set(_FIXED_POLL))
