"""``brownout probe``: probes surfaces and prints how long each step took, or reports the results to a remote bot."""

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

from bot import lookup, settings
from bot.adapters.prober import Prober
from bot.adapters.remote_reporter import MAX_BATCH, RemoteReporter
from bot.app import logging_setup, redaction
from bot.app import probes as app_probes
from bot.app.scheduler import JITTER
from bot.cli.completion import complete_targets
from bot.cli.options import config_option, utc_now
from bot.domain import LOCAL_VANTAGE, Probe, ProbeResult
from bot.errors import DeliveryError, UsageError

log = logging.getLogger("brownout")

TOKEN_VARIABLE = "BROWNOUT_TOKEN"  # noqa: S105  (the name of the variable)
MAX_RESULT_AGE = timedelta(minutes=10)  # older results are dropped instead of sent
_MAX_RESULT_AGE_MIN = MAX_RESULT_AGE.total_seconds() / 60
MAX_WAITING = 1000  # pending results while the bot is unreachable; the oldest are dropped first


@click.command()
@click.argument("surface", required=False, shell_complete=complete_targets)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per surface.")
@click.option("--report-to", metavar="URL", help="Tries all of them again and again, and tells the bot at URL.")
@click.option("--vantage", metavar="NAME", help="Where this is, for the bot (default: this machine's name).")
@click.option(
    "--every", type=click.FloatRange(1, 120), default=60, show_default=True, help="Seconds, with --report-to."
)
@click.option("--once", is_flag=True, help="With --report-to: one round, then exit code 0 if it was accepted.")
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
    selected = _select_probes(settings.load(config), surface)
    usable = [
        p for p in selected if not (problem := app_probes.key_problem(p, os.environ)) or _print_skipped(p, problem)
    ]
    if not usable:
        raise SystemExit(1)
    if report_to is None:
        results = asyncio.run(_attempt_all(Prober(), usable, LOCAL_VANTAGE))
        _print_results(results, as_json=as_json)
        raise SystemExit(0 if len(usable) == len(selected) and all(r.ok for r in results) else 1)
    logging_setup.configure_logging()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    vantage_name, token = _vantage_name(vantage), _read_token(os.environ)
    redaction.install_redaction((token, *app_probes.probe_keys(usable, os.environ)))
    reporter = RemoteReporter(_parse_bot_url(report_to), token)
    delivered = asyncio.run(_report_to_bot(reporter, usable, vantage_name, report_to, every_s=None if once else every))
    raise SystemExit(0 if delivered else 1)


# --- remote bot -------------------------------------------------------------------------------------------------------


class ResultReporter(Protocol):
    """Sends results to a bot; returns why single results were rejected. Every failure is a DeliveryError."""

    async def send_results(self, results: Sequence[ProbeResult]) -> tuple[str, ...]: ...  # noqa: D102


@dataclass(slots=True)
class ResultQueue:
    """Pending results for a bot, sent oldest first: at most MAX_WAITING, none older than MAX_RESULT_AGE.

    ``where`` names the bot in the log.
    """

    reporter: ResultReporter
    where: str
    now: Callable[[], datetime]
    waiting: deque[ProbeResult] = field(default_factory=lambda: deque(maxlen=MAX_WAITING))
    _last_error: str = ""

    async def send(self, results: Sequence[ProbeResult]) -> bool:
        """Sends the pending results and these; False where some are pending afterwards. An error is logged once."""
        self.waiting.extend(results)
        self._drop_old()
        while self.waiting:
            batch = [*self.waiting][:MAX_BATCH]
            try:
                for rejection in await self.reporter.send_results(batch):
                    log.warning("%s rejected %s", self.where, rejection)
            except DeliveryError as error:
                if not error.permanent:
                    self._log_change(str(error))
                    if error.code == "away":
                        self._drop_unconnected()
                    return False
                log.error("%s rejected %d results; they are dropped: %s", self.where, len(batch), error)  # noqa: TRY400
            for _ in batch:
                self.waiting.popleft()
        self._log_change("")
        return True

    def _drop_old(self) -> None:
        count = 0
        while self.waiting and self.now() - self.waiting[0].at > MAX_RESULT_AGE:
            self.waiting.popleft()
            count += 1
        if count:
            log.warning("%d results were dropped: older than %g min", count, _MAX_RESULT_AGE_MIN)

    def _drop_unconnected(self) -> None:
        """Drops results without a connection. The bot is unreachable too, so the local network may be at fault."""
        inconclusive = [r for r in self.waiting if r.failed_before_connecting]
        for result in inconclusive:
            self.waiting.remove(result)
        if inconclusive:
            log.warning(
                "%d results without a connection are dropped: the local network may be at fault", len(inconclusive)
            )

    def _log_change(self, error: str) -> None:
        """Logs an error that differs from the last one, and the end of one (``error`` is empty)."""
        if error and error != self._last_error:
            log.error("%s: %s; results stay queued for %g min", self.where, error, _MAX_RESULT_AGE_MIN)
        elif self._last_error and not error:
            log.info("%s: delivering again", self.where)
        self._last_error = error


async def _report_to_bot(
    reporter: RemoteReporter, probes: Sequence[Probe], vantage: str, where: str, *, every_s: float | None
) -> bool:
    """Probes and reports every ``every_s`` seconds until SIGTERM or SIGINT; once where it is None.

    Returns whether the results of the only round were delivered; True after a signal.
    """
    stop = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    log.info("%s probes %d surfaces for %s", vantage, len(probes), where)
    async with reporter:
        rounds_task = asyncio.create_task(_run_rounds(ResultQueue(reporter, where, utc_now), probes, vantage, every_s))
        stop_task = asyncio.create_task(stop.wait())
        await asyncio.wait([rounds_task, stop_task], return_when=asyncio.FIRST_COMPLETED)
        stop_task.cancel()
        if not rounds_task.done():
            rounds_task.cancel()
            await asyncio.wait([rounds_task])
            return True
        return rounds_task.result()


async def _run_rounds(queue: ResultQueue, probes: Sequence[Probe], vantage: str, every_s: float | None) -> bool:
    prober, last_problems = Prober(), dict[str, str]()
    while True:
        results = await _attempt_all(prober, probes, vantage)
        for change in filter(None, (app_probes.describe_change(r, last_problems) for r in results)):
            log.warning("%s", change)
        is_delivered = await queue.send([r for r in results if not r.ours])
        if every_s is None:
            return is_delivered
        await asyncio.sleep(every_s * uniform(1 - JITTER, 1 + JITTER))  # noqa: S311


async def _attempt_all(prober: Prober, probes: Sequence[Probe], vantage: str) -> list[ProbeResult]:
    attempts = (prober.attempt(p, utc_now(), key=os.environ.get(p.key_env, ""), vantage=vantage) for p in probes)
    return list(await asyncio.gather(*attempts))


def _parse_bot_url(url: str) -> str:
    """Returns the address without query and fragment; UsageError where it is none. Warns about plain http."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"“{url}” is not a bot's address. Examples: https://bot.example.com, http://10.0.0.5:8787")
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        log.warning("the token is sent unencrypted to %s: put the bot behind https or a tunnel", parts.hostname)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def _read_token(environment: Mapping[str, str]) -> str:
    token = environment.get(TOKEN_VARIABLE, "")
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        hint = "on the bot's machine, `brownout token create NAME --for probes` makes one"
        raise UsageError(f"{TOKEN_VARIABLE} {'is not a token' if token else 'is not set'}; {hint}")
    return token


def _vantage_name(requested: str | None) -> str:
    """Returns the requested name, else one made of the host name; UsageError where it is not valid."""
    name = requested or re.sub(r"[^A-Za-z0-9._-]+", "-", socket.gethostname()).strip("-._")[:64]
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name) or name == LOCAL_VANTAGE:
        raise UsageError(
            f"“{name}” is not a name for a vantage point. Use letters, digits, dots and hyphens; not “{LOCAL_VANTAGE}”."
        )
    return name


# --- this machine -----------------------------------------------------------------------------------------------------


def _select_probes(app_settings: settings.Settings, surface: str | None) -> list[Probe]:
    if surface is None:
        if not app_settings.probes:
            raise UsageError("No service has a probe. How to add one: brownout docs configuration, [probe.SURFACE]")
        return list(app_settings.probes)
    _, target = lookup.resolve_surface(app_settings.providers, surface)
    probes = [p for p in app_settings.probes if p.surface == target.id]
    if not probes:
        raise UsageError(f"{target.name} has no probe. Add [probe.{target.id}] with a url to brownout.toml.")
    return probes


def _print_skipped(probe: Probe, problem: str) -> bool:
    """Prints why a probe is skipped; always False, for use as a filter."""
    click.echo(f"{probe.surface} is not tried: {problem}", err=True)
    return False


def _print_results(results: Sequence[ProbeResult], *, as_json: bool) -> None:
    if as_json:
        for r in results:
            fields = {k: v for k, v in asdict(r).items() if v is not None}
            click.echo(json.dumps(fields | {"at": r.at.isoformat()}, ensure_ascii=False))
        return
    table = Table("surface", "", "name", "connection", "handshake", "first byte", "whole", box=None, pad_edge=False)
    for r in results:
        steps = (r.dns_ms, r.connect_ms, r.tls_ms, r.first_byte_ms, r.took_ms)
        table.add_row(r.surface, "well" if r.ok else "fails", *("-" if s is None else f"{s:.0f} ms" for s in steps))
    Console().print(table)
    for r in (r for r in results if not r.ok):
        click.echo(f"{r.surface}: {r.why}" + (" (this says nothing about the surface)" if r.ours else ""))


COMMANDS = {"probe": probe}
