"""``Settings``: the validated content of the configuration folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bot.domain import OwnService, Probe, Provider, Subscription, VerdictParameters
from bot.settings.brownout_toml import PollSettings, ReplicaSettings, StoreSettings, WebSettings
from bot.settings.notify_toml import NotifyTable
from bot.settings.tracker_toml import TrackerTable
from bot.settings.verdict_toml import VerdictTable


@dataclass(frozen=True, slots=True)
class Settings:
    """The validated configuration. ``providers`` includes disabled ones; ``owners`` are Slack user and channel ids.

    ``looks_up`` is whether channel histories may be searched. ``give_up_after_min``: minutes, None for the default.
    ``keep_emoji`` keeps a message in the timeline of a declared incident. ``has_link_cards`` and ``has_newer_blocks``
    are whether Slack is asked to show them.
    """

    poll: PollSettings = field(default_factory=PollSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    preset: str = "default"
    providers: tuple[Provider, ...] = ()
    verdict: VerdictTable = field(default_factory=VerdictTable)
    web: WebSettings = field(default_factory=WebSettings)
    admins: tuple[str, ...] = ()
    partners: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()  # notified of pages that stay unreadable
    looks_up: bool = True
    give_up_after_min: float | None = None
    has_link_cards: bool = True
    has_newer_blocks: bool = True
    keep_emoji: str = "memo"
    keep_messages_days: int = 365  # 0: for ever
    replica: ReplicaSettings = field(default_factory=ReplicaSettings)
    subscriptions: tuple[Subscription, ...] = ()  # of ``[[subscribe]]`` and ``[service.ID]``
    own_services: tuple[OwnService, ...] = ()
    trackers: dict[str, TrackerTable] = field(default_factory=dict)
    tools: tuple[NotifyTable, ...] = ()  # of ``[[notify]]``
    _rules: dict[tuple[str, str], VerdictParameters] = field(default_factory=dict, repr=False, compare=False)

    @property
    def store_path(self) -> str:
        """Where the database is, as in brownout.toml: the address of PostgreSQL, or the path of the file."""
        return self.store.url or self.store.path

    @property
    def probes(self) -> tuple[Probe, ...]:
        """All probes, including those of disabled providers."""
        return tuple(s.probe for p in self.providers for s in p.surfaces if s.probe)

    def rules_for(self, provider: Provider, preset: str | None = None) -> VerdictParameters:
        """The verdict parameters for this provider: its profile's, overridden by ``preset`` or the configured one."""
        key = provider.profile, preset or self.preset
        if key not in self._rules:  # cached: every poll needs them
            self._rules[key] = self.verdict.rules(*key)
        return self._rules[key]

    def provider(self, provider_id: str) -> Provider | None:
        """The provider with this id, name, alias, page id or status page host, ignoring case; None if there is none."""
        wanted = provider_id.casefold()
        for provider in self.providers:
            if wanted in {n.casefold() for n in (provider.id, provider.name, *provider.aliases, *provider.page_ids)}:
                return provider
        return next((p for p in self.providers if urlsplit(p.source.url).hostname == wanted), None)
