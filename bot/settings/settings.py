"""Settings: all that the config folder says, checked."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.model import Probe, Provider, VerdictRules
from bot.settings.main import Poll, Replica, Store, Web
from bot.settings.numbers import VerdictTable


@dataclass(frozen=True, slots=True)
class Settings:
    """All that the config directory says, checked. ``providers`` is the whole catalogue, the disabled ones too."""

    poll: Poll = field(default_factory=Poll)
    store: Store = field(default_factory=Store)
    preset: str = "default"
    providers: tuple[Provider, ...] = ()
    verdict: VerdictTable = field(default_factory=VerdictTable)
    web: Web = field(default_factory=Web)
    admins: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()  # who hears of sources without usable data
    looks_up: bool = True
    give_up_after_min: float | None = None
    replica: Replica = field(default_factory=Replica)
    _rules: dict[tuple[str, str], VerdictRules] = field(default_factory=dict, repr=False, compare=False)

    @property
    def store_path(self) -> str:
        """The database, as brownout.toml names it."""
        return self.store.path

    @property
    def probes(self) -> tuple[Probe, ...]:
        """How surfaces are tried, those of disabled providers too."""
        return tuple(s.probe for p in self.providers for s in p.surfaces if s.probe)

    def rules_for(self, provider: Provider, preset: str | None = None) -> VerdictRules:
        """The verdict's numbers for this provider: its profile's, and over them the chosen preset's."""
        wanted = provider.profile, preset or self.preset
        if wanted not in self._rules:  # every look asks
            self._rules[wanted] = self.verdict.rules(*wanted)
        return self._rules[wanted]

    def provider(self, provider_id: str) -> Provider | None:
        """The provider with this id, alias, page id or name; None where the catalogue has none."""
        wanted = provider_id.casefold()
        for provider in self.providers:
            if wanted in {n.casefold() for n in (provider.id, provider.name, *provider.aliases, *provider.page_ids)}:
                return provider
        return None
