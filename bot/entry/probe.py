"""``brownout probe``: tries surfaces now and shows every step; or tries them from here for a bot elsewhere."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import signal
import socket
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import uniform
from typing import Protocol
from urllib.parse import urlsplit

import click
from rich.console import Console
from rich.table import Table

from bot import settings
from bot.core import catalogue
from bot.edge.outpost import MOST, Outpost
from bot.edge.probe import Prober
from bot.entry import logs, probing, redact
from bot.entry.app import JITTER
from bot.entry.options import config_option, now
from bot.errors import DeliveryError, UsageError
from bot.model import HERE, Probe, ProbeResult

log = logging.getLogger("brownout")

TOKEN = "BROWNOUT_TOKEN"  # noqa: S105  (the name of the variable)
WORTH = timedelta(minutes=10)  # older results are no news to anybody
_MINUTES = WORTH.total_seconds() / 60
WAITING = 1000  # results that wait for a bot that is away


@click.command()
@click.argument("surface", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per surface.")
@click.option("--report-to", metavar="URL", help="Tries all of them again and again, and tells the bot at URL.")
@click.option("--vantage", metavar="NAME", help="Where this is, for the bot (default: this machine's name).")
@click.option(
    "--every", type=click.FloatRange(1, 120), default=60, show_default=True, help="Seconds, with --report-to."
)
@click.option("--once", is_flag=True, help="With --report-to: one round, then the exit code says whether it was told.")
@config_option
def probe(
    *,
    surface: str | None,
    as_json: bool,
    report_to: str | None,
    vantage: str | None,
    every: float,
    once: bool,
    config: Path | None,
) -> None:
    """Tries SURFACE (or every surface with a probe) now, and shows how long each step took. Exit code 1: it failed.

    With --report-to this is another vantage point: it tells a bot elsewhere, with a token of that bot in BROWNOUT_TOKEN
    (there: brownout token create NAME --for probes). Results that it could not tell within 10 minutes are dropped.
    """
    found = _chosen(settings.load(config), surface)
    usable = [p for p in found if not (why := probing.keyless(p, os.environ)) or _skipped(p, why)]
    if not usable:
        raise SystemExit(1)
    if report_to is None:
        results = asyncio.run(_tried(Prober(), usable, HERE))
        _show(results, as_json=as_json)
        raise SystemExit(0 if len(usable) == len(found) and all(r.ok for r in results) else 1)
    logs.begin()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    name, token = _vantage(vantage), _token(os.environ)
    redact.install((token, *probing.keys(usable, os.environ)))
    outpost = Outpost(_address(report_to), token)
    told = asyncio.run(_post(outpost, usable, name, report_to, every_s=None if once else every))
    raise SystemExit(0 if told else 1)


# --- elsewhere --------------------------------------------------------------------------------------------------------


class Teller(Protocol):
    """Tells a bot results; every failure is a DeliveryError."""

    async def tell(self, results: Sequence[ProbeResult]) -> tuple[str, ...]: ...  # noqa: D102


@dataclass(slots=True)
class Dispatch:
    """Results on their way to a bot. What waits is bounded, the oldest goes first, and nothing old is told."""

    outpost: Teller
    where: str
    now: Callable[[], datetime]
    waiting: deque[ProbeResult] = field(default_factory=lambda: deque(maxlen=WAITING))
    _trouble: str = ""

    async def send(self, results: Sequence[ProbeResult]) -> bool:
        """Tells these and what still waits; False where something has to wait on. What goes wrong is logged, once."""
        self.waiting.extend(results)
        self._drop_old()
        while self.waiting:
            batch = [*self.waiting][:MOST]
            try:
                for why in await self.outpost.tell(batch):
                    log.warning("%s did not take %s", self.where, why)
            except DeliveryError as error:
                if not error.permanent:
                    self._say(str(error))
                    if error.code == "away":
                        self._doubt()
                    return False
                log.error("%s does not take %d results, and they are dropped: %s", self.where, len(batch), error)  # noqa: TRY400
            for _ in batch:
                self.waiting.popleft()
        self._say("")
        return True

    def _drop_old(self) -> None:
        count = 0
        while self.waiting and self.now() - self.waiting[0].at > WORTH:
            self.waiting.popleft()
            count += 1
        if count:
            log.warning(
                "%d results were dropped: older than %g min, they are no news", count, WORTH.total_seconds() / 60
            )

    def _doubt(self) -> None:
        """Where not even the bot can be reached, what got no connection may be the fault of the network here."""
        doubtful = [r for r in self.waiting if r.is_cut_off]
        for result in doubtful:
            self.waiting.remove(result)
        if doubtful:
            log.warning("%d results without a connection are dropped: it may be the network here", len(doubtful))

    def _say(self, trouble: str) -> None:
        if trouble and trouble != self._trouble:
            log.error("%s: %s; what it is owed waits, for %g min", self.where, trouble, _MINUTES)
        elif self._trouble and not trouble:
            log.info("%s: told again", self.where)
        self._trouble = trouble


async def _post(outpost: Outpost, probes: Sequence[Probe], vantage: str, where: str, *, every_s: float | None) -> bool:
    """Rounds until it is ended, or one where ``every_s`` is None; whether that one was told."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    log.info("%s tries %d surfaces for %s", vantage, len(probes), where)
    async with outpost:
        rounds = asyncio.create_task(_rounds(Dispatch(outpost, where, now), probes, vantage, every_s))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait([rounds, stopped], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not rounds.done():
            rounds.cancel()
            await asyncio.wait([rounds])
            return True
        return rounds.result()


async def _rounds(dispatch: Dispatch, probes: Sequence[Probe], vantage: str, every_s: float | None) -> bool:
    prober, said = Prober(), dict[str, str]()
    while True:
        results = await _tried(prober, probes, vantage)
        for told in filter(None, (probing.news(r, said) for r in results)):
            log.warning("%s", told)
        is_told = await dispatch.send([r for r in results if not r.ours])
        if every_s is None:
            return is_told
        await asyncio.sleep(every_s * uniform(1 - JITTER, 1 + JITTER))  # noqa: S311


async def _tried(prober: Prober, probes: Sequence[Probe], vantage: str) -> list[ProbeResult]:
    tries = (prober.attempt(p, now(), key=os.environ.get(p.key_env, ""), vantage=vantage) for p in probes)
    return list(await asyncio.gather(*tries))


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(
            f"“{url}” is no address of a bot; it looks like https://bot.example.com or http://10.0.0.5:8787"
        )
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        log.warning("the token travels in the clear to %s: put the bot behind https, or into a tunnel", parts.hostname)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def _token(environment: Mapping[str, str]) -> str:
    token = environment.get(TOKEN, "")
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        how = "on the bot's machine, `brownout token create NAME --for probes` makes one"
        raise UsageError(f"{TOKEN} {'is not a token' if token else 'is not set'}; {how}")
    return token


def _vantage(told: str | None) -> str:
    name = told or re.sub(r"[^A-Za-z0-9._-]+", "-", socket.gethostname()).strip("-._")[:64]
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name) or name == HERE:
        raise UsageError(f"“{name}” is no name for a vantage point: letters, digits, dots, hyphens; and not “{HERE}”.")
    return name


# --- here -------------------------------------------------------------------------------------------------------------


def _chosen(found: settings.Settings, surface: str | None) -> list[Probe]:
    if surface is None:
        if not found.probes:
            raise UsageError("No surface has a probe: brownout.toml shows how to write one, under [probe.SURFACE].")
        return list(found.probes)
    _, one = catalogue.surface(found.providers, surface)
    probes = [p for p in found.probes if p.surface == one.id]
    if not probes:
        raise UsageError(f"{one.name} has no probe: [probe.{one.id}] in brownout.toml, with its url, makes one.")
    return probes


def _skipped(probe: Probe, why: str) -> bool:
    click.echo(f"{probe.surface} is not tried: {why}", err=True)
    return False


def _show(results: Sequence[ProbeResult], *, as_json: bool) -> None:
    if as_json:
        for r in results:
            told = {k: v for k, v in asdict(r).items() if v is not None}
            click.echo(json.dumps(told | {"at": r.at.isoformat()}, ensure_ascii=False))
        return
    table = Table("surface", "", "name", "connection", "handshake", "first byte", "whole", box=None, pad_edge=False)
    for r in results:
        steps = (r.dns_ms, r.connect_ms, r.tls_ms, r.first_byte_ms, r.took_ms)
        table.add_row(r.surface, "well" if r.ok else "fails", *("-" if s is None else f"{s:.0f} ms" for s in steps))
    Console().print(table)
    for r in (r for r in results if not r.ok):
        click.echo(f"{r.surface}: {r.why}" + (" (this says nothing about the surface)" if r.ours else ""))


COMMANDS = {"probe": probe}
