"""Probes on their rounds: each is tried again and again, also while its surface is down, and the engine hears of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from bot.entry.app import Errand
from bot.model import Probe, ProbeResult, Provider

log = logging.getLogger("brownout")

SPREAD_S = 5.0  # the first tries come within so long
ONLINE = timedelta(seconds=75)  # something else was reached within so long: a look at a page, or another probe


class Prober(Protocol):
    """Tries a surface once; a failure is a result too."""

    async def attempt(self, probe: Probe, at: datetime, *, key: str = "") -> ProbeResult: ...  # noqa: D102


class Witness(Protocol):
    """Takes what probes have seen of a provider's surfaces."""

    def witness(self, provider_id: str, *, probes: Iterable[ProbeResult]) -> object: ...  # noqa: D102


@dataclass(slots=True)
class Probing:
    """The rounds of the probes whose providers are watched. ``environment`` holds the keys.

    ``reached`` is when anything else of the world was last reached from here. Where that is long ago, a try that gets
    no connection says nothing: our own network is down.
    """

    prober: Prober
    witness: Witness
    providers: Iterable[Provider]
    environment: Mapping[str, str]
    now: Callable[[], datetime]
    reached: Callable[[], datetime | None]
    _reached: dict[str, datetime] = field(default_factory=dict)
    _said: dict[str, str] = field(default_factory=dict)

    def errands(self) -> Iterator[Errand]:
        """A job per probe that can be tried; why another one can't is logged."""
        ready = [(s.probe, p.id) for p in self.providers for s in p.surfaces if s.probe]
        for number, (probe, provider) in enumerate(ready):
            if why := keyless(probe, self.environment):
                log.warning("%s is not probed: %s", probe.surface, why)
                continue
            yield Errand(
                f"probe {probe.surface}",
                probe.every_s,
                partial(self.round, probe, provider),
                "this try was lost",
                first_s=SPREAD_S * number / len(ready),
                is_jittered=True,
            )

    async def round(self, probe: Probe, provider: str) -> None:
        """One try, and the engine hears of it, unless what failed is ours."""
        tried = await self.prober.attempt(probe, self.now(), key=self.environment.get(probe.key_env, ""))
        if tried.is_cut_off and not self._is_online(probe.surface):
            tried = replace(tried, ours=True, why=f"{tried.why}; nothing else can be reached from here either")
        elif not tried.is_cut_off:
            self._reached[probe.surface] = self.now()
        result = tried
        if told := news(result, self._said):
            log.log(logging.INFO if result.ok else logging.WARNING, "%s", told)
        if not result.ours:
            self.witness.witness(provider, probes=(result,))

    def _is_online(self, surface: str) -> bool:
        others = (at for other, at in self._reached.items() if other != surface)
        return any(at is not None and self.now() - at <= ONLINE for at in (self.reached(), *others))


def keyless(probe: Probe, environment: Mapping[str, str]) -> str:
    """Why its key can't be used, without showing it; empty where it can, or where it needs none."""
    if not probe.key_env:
        return ""
    key = environment.get(probe.key_env, "")
    if not key:
        return f"{probe.key_env}, which holds its key, is not set"
    if not key.isascii() or not key.isprintable() or " " in key:
        return f"{probe.key_env} has a blank, a line break or another odd sign in it; it was not copied as it is"
    return ""


def keys(probes: Iterable[Probe], environment: Mapping[str, str]) -> tuple[str, ...]:
    """The keys of these probes, so that they can be kept out of logs."""
    return tuple(key for probe in probes if (key := environment.get(probe.key_env, "")))


def news(result: ProbeResult, said: dict[str, str]) -> str:
    """A line where a try went otherwise than the last one of its surface; empty where it did not."""
    before = said.get(result.surface, "")
    said[result.surface] = result.why
    if result.why == before:
        return ""
    if result.ok:
        return f"probe of {result.surface}: well again"
    return f"probe of {result.surface}: {result.why}" + (
        " (this says nothing about the surface)" if result.ours else ""
    )
