"""Polls the outage trackers and metrics of ``[tracker.NAME]``, and passes what they show to the engine as evidence."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from bot.app.jobs import PeriodicJob
from bot.domain import EvidenceBatch, Provider, TrackerReading
from bot.errors import SourceError
from bot.rules.evidence import tracker
from bot.settings.tracker_toml import TrackerTable

log = logging.getLogger("brownout")

JOB_PREFIX = "tracker "
MAX_PAUSE = timedelta(hours=6)  # the longest wait that an answer may ask for
STARTUP_SPREAD_S = 20.0  # first readings are spread over this long


class JsonClient(Protocol):
    """Reads one JSON answer."""

    async def read(self, url: str, headers: Mapping[str, str], *, within_s: float) -> Any: ...  # noqa: D102


class ReadingSink(Protocol):
    """Takes what trackers show of a provider's surfaces."""

    async def take_evidence(self, provider_id: str, evidence: EvidenceBatch) -> object: ...  # noqa: D102


@dataclass(slots=True)
class TrackerScheduler:
    """Polls the trackers.

    Attributes:
        client: Reads answers.
        sink: Takes the readings; None where they are only shown.
        tables: The configuration, by name.
        providers: The catalogue.
        environment: Environment variables, among them the keys.
        now: The clock.
    """

    client: JsonClient
    sink: ReadingSink | None
    tables: Mapping[str, TrackerTable]
    providers: Iterable[Provider]
    environment: Mapping[str, str]
    now: Callable[[], datetime]
    _learned: dict[str, deque[float]] = field(default_factory=dict)  # by tracker: values without trouble
    _paused_until: dict[str, datetime] = field(default_factory=dict)
    _last_why: dict[str, str] = field(default_factory=dict)

    def periodic_jobs(self) -> Iterator[PeriodicJob]:
        """A job for each tracker whose key is there; why another one is not read is logged."""
        enabled = [(name, table) for name, table in self.tables.items() if table.enabled]
        for number, (name, table) in enumerate(enabled):
            if why := key_problem(name, table, self.environment):
                log.warning("%s", why)
                continue
            yield PeriodicJob(
                f"{JOB_PREFIX}{name}",
                table.every_s,
                partial(self.run, name),
                "this reading failed",
                first_s=STARTUP_SPREAD_S * number / len(enabled),
                is_jittered=True,
            )

    async def run(self, name: str) -> None:
        """Reads one tracker, unless it asked to be left alone for longer."""
        table, now = self.tables[name], self.now()
        until = self._paused_until.get(name)
        if until is not None and now < until <= now + MAX_PAUSE:
            return
        finding, sink = await self.read(name), self.sink
        self._log_change(name, finding)
        if sink is None:
            return
        owners = {s.id: p.id for p in self.providers for s in p.surfaces}
        label = table.name or name
        readings = [
            TrackerReading(s, label, self.now(), finding.is_trouble, finding.text) for s in table.surface if s in owners
        ]
        for provider in dict.fromkeys(owners[r.surface] for r in readings):
            of_provider = tuple(r for r in readings if owners[r.surface] == provider)
            await sink.take_evidence(provider, EvidenceBatch(readings=of_provider))

    async def read(self, name: str) -> tracker.TrackerFinding:
        """What one tracker shows now."""
        table = self.tables[name]
        headers = dict(table.headers)
        if key := self.environment.get(table.key_env, ""):
            headers[table.key_header] = f"{table.key_prefix}{key}"
        try:
            answer = await self.client.read(table.url, headers, within_s=table.within_s)
            value = search(table.value, answer)
            usual = search(table.usual, answer) if table.usual else None
        except SourceError as error:
            wait = timedelta(seconds=min(error.retry_after or 0, MAX_PAUSE.total_seconds()))
            self._paused_until[name] = self.now() + wait
            return tracker.TrackerFinding(None, why=str(error))
        if table.usual and usual is None:
            return tracker.TrackerFinding(None, why="the answer does not say what is usual")
        return self._judge(name, value, usual)

    def _judge(self, name: str, value: object, usual: object) -> tracker.TrackerFinding:
        learned = self._learned.setdefault(name, deque(maxlen=tracker.MAX_LEARNED))
        finding = tracker.judge_value(value, limit_of(self.tables[name]), usual, learned)
        found = tracker.number(value)
        if found is not None and not finding.is_trouble:
            learned.append(found)
        return finding

    def _log_change(self, name: str, finding: tracker.TrackerFinding) -> None:
        if finding.why != self._last_why.get(name, ""):
            if finding.why:
                log.warning("tracker %s: %s; it counts as unknown", name, finding.why)
            else:
                log.info("tracker %s: readable again: %s", name, finding.text)
        self._last_why[name] = finding.why


def limit_of(table: TrackerTable) -> tracker.TrackerLimit:
    """From when on the tracker's value means trouble."""
    return tracker.TrackerLimit(table.what, table.over, table.times_usual, table.trouble)


def key_problem(name: str, table: TrackerTable, environment: Mapping[str, str]) -> str:
    """Why a tracker's key can't be used, without showing it; empty if it can, or if it needs none."""
    if not table.key_env:
        return ""
    key = environment.get(table.key_env, "")
    if not key:
        return f"[tracker.{name}]: {table.key_env}, which holds its key, is not set"
    is_usable = key.isascii() and key.isprintable() and " " not in key
    return "" if is_usable else f"[tracker.{name}]: {table.key_env} has a blank or another odd sign in it"


def tracker_keys(tables: Iterable[TrackerTable], environment: Mapping[str, str]) -> tuple[str, ...]:
    """The keys of these trackers, to be redacted from logs."""
    return tuple(key for table in tables if (key := environment.get(table.key_env, "")))


def path_mistakes(tables: Mapping[str, TrackerTable]) -> Iterator[str]:
    """One line for each JMESPath that is none, and one if the library for them is missing."""
    if not tables:
        return
    try:
        import jmespath  # noqa: PLC0415  (an extra)
    except ImportError:
        yield "[tracker]: the library jmespath is missing: pip install jmespath"
        return
    for name, table in tables.items():
        for key in ("value", "usual"):
            if not (path := getattr(table, key)):
                continue
            try:
                jmespath.compile(path)
            except ValueError:
                yield f"[tracker.{name}]: {key} is no JMESPath: {path}"


def search(path: str, answer: Any) -> Any:
    """What a JMESPath finds in an answer; None where it finds nothing. Raises SourceError where it fails."""
    import jmespath  # noqa: PLC0415  (an extra)

    try:
        return jmespath.search(path, answer)
    except (ValueError, TypeError, RecursionError, ArithmeticError, AttributeError) as error:
        raise SourceError(f"the path {path} does not fit the answer", code="bad_path") from error
