"""Runs the configured probes periodically and passes their results to the engine as evidence."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from bot.app.jobs import PeriodicJob
from bot.domain import EvidenceBatch, Probe, ProbeResult, Provider

log = logging.getLogger("brownout")

JOB_PREFIX = "probe "  # of the names of the jobs
STARTUP_SPREAD_S = 5.0  # first attempts are spread over this long
ONLINE_WINDOW = timedelta(seconds=75)  # we are online if a page or another probe's surface was reached within this


class ProbeClient(Protocol):
    """Makes one attempt at a surface; a failure is a result too."""

    async def attempt(self, probe: Probe, at: datetime, *, key: str = "") -> ProbeResult: ...  # noqa: D102


class EvidenceSink(Protocol):
    """Takes the results of probes of a provider's surfaces."""

    async def take_evidence(self, provider_id: str, evidence: EvidenceBatch) -> object: ...  # noqa: D102


@dataclass(slots=True)
class ProbeScheduler:
    """Runs the probes of all providers.

    If an attempt gets no connection and nothing else was reached lately, our own network is down, and the result is
    not passed on.

    Attributes:
        prober: Makes the attempts.
        witness: Takes the results.
        providers: The catalogue.
        environment: Environment variables, among them the keys of probes.
        now: The clock.
        reached: When a status page was last reached from here; None if none was.
    """

    prober: ProbeClient
    witness: EvidenceSink
    providers: Iterable[Provider]
    environment: Mapping[str, str]
    now: Callable[[], datetime]
    reached: Callable[[], datetime | None]
    _reached: dict[str, datetime] = field(default_factory=dict)
    _last_why: dict[str, str] = field(default_factory=dict)

    def periodic_jobs(self) -> Iterator[PeriodicJob]:
        """A job for each probe whose key is usable; why another one is not is logged."""
        ready = [(s.probe, p.id) for p in self.providers for s in p.surfaces if s.probe]
        for number, (probe, provider) in enumerate(ready):
            if why := key_problem(probe, self.environment):
                log.warning("%s is not probed: %s", probe.surface, why)
                continue
            yield PeriodicJob(
                f"{JOB_PREFIX}{probe.surface}",
                probe.every_s,
                partial(self.run_probe, probe, provider),
                "this attempt failed",
                first_s=STARTUP_SPREAD_S * number / len(ready),
                is_jittered=True,
            )

    async def run_probe(self, probe: Probe, provider: str) -> None:
        """Makes one attempt and passes the result to the engine, unless the fault is on our side."""
        result = await self.prober.attempt(probe, self.now(), key=self.environment.get(probe.key_env, ""))
        if result.failed_before_connecting and not self._is_online(probe.surface):
            result = replace(result, ours=True, why=f"{result.why}; nothing else can be reached from here either")
        elif not result.failed_before_connecting:
            self._reached[probe.surface] = self.now()
        if line := describe_change(result, self._last_why):
            log.log(logging.INFO if result.ok else logging.WARNING, "%s", line)
        if not result.ours:
            await self.witness.take_evidence(provider, EvidenceBatch(probes=(result,)))

    def _is_online(self, surface: str) -> bool:
        others = (at for other, at in self._reached.items() if other != surface)
        return any(at is not None and self.now() - at <= ONLINE_WINDOW for at in (self.reached(), *others))


def key_problem(probe: Probe, environment: Mapping[str, str]) -> str:
    """Why a probe's key can't be used, without showing it; empty if it can, or if the probe needs none."""
    if not probe.key_env:
        return ""
    key = environment.get(probe.key_env, "")
    if not key:
        return f"{probe.key_env}, which holds its key, is not set"
    if not key.isascii() or not key.isprintable() or " " in key:
        return f"{probe.key_env} has a blank, a line break or another odd sign in it; it was not copied as it is"
    return ""


def probe_keys(probes: Iterable[Probe], environment: Mapping[str, str]) -> tuple[str, ...]:
    """The keys of these probes, to be redacted from logs."""
    return tuple(key for probe in probes if (key := environment.get(probe.key_env, "")))


def describe_change(result: ProbeResult, last_why: dict[str, str]) -> str:
    """A line if the result differs from the last one of its surface, else an empty text.

    ``last_why`` has the last failure of each surface and is updated here.
    """
    before = last_why.get(result.surface, "")
    last_why[result.surface] = result.why
    if result.why == before:
        return ""
    if result.ok:
        return f"probe of {result.surface}: well again"
    return f"probe of {result.surface}: {result.why}" + (
        " (this says nothing about the surface)" if result.ours else ""
    )
