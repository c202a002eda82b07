"""What is shown while pages, clocks, Slack and the network misbehave: recorded polls and random days, made worse.

The engine, the rules, the notifier and the SQLite database are the real ones; page, Slack and clock are fakes. After each
poll three things must hold: no surface is normal while the newest body that was read shows it red; no first alert that
is due waits more than a minute behind other notifications; no time that is shown has passed. ``MUTANTS`` must break that.
"""

from __future__ import annotations

import json
import lzma
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

from bot import settings
from bot.adapters import slack_client, slack_refusals
from bot.domain import Message, PollResult, Provider, ProviderState, Snapshot, Subscription, VerdictParameters
from bot.engine import Engine
from bot.errors import DeliveryError, SourceError
from bot.formats import recordings
from bot.poller import Poller
from bot.rules import transition
from bot.rules.verdict import machine_form
from bot.storage import Repository
from bot.storage.outbox import OutboxEntry
from tests.faults.days import RAM
from tests.faults.random_vendor import RandomVendor
from tests.faults.tables import table
from tests.support.acme import ACME, NOON
from tests.support.fake_fetcher import FakeResponse
from tests.support.pages import SUMMARY, iso

CONFIG = Path(__file__).parents[2] / "config"
CHANNELS = ("C1", "C2", "U3")
CLOCK_STEPS = (timedelta(hours=-2), timedelta(seconds=-90), timedelta(hours=8), timedelta(hours=-6))
REMEMBERED = 40  # earlier bodies that a cache may serve again
MAX_ALERT_WAIT = timedelta(minutes=1)
MINUTE = timedelta(minutes=1)

Body = dict[str, Any]


# --- what is polled ---------------------------------------------------------------------------------------------------


@dataclass
class RandomPage:
    """A random vendor's page, with the page's own time of change; at times a component is red without an incident."""

    draw: Random
    vendor: RandomVendor = field(init=False)
    changed_at: datetime = NOON
    last: bytes = b""
    red: dict[str, int] = field(default_factory=dict)  # components without an incident, and for how many minutes yet

    def __post_init__(self) -> None:
        self.vendor = RandomVendor(self.draw)

    def next_at(self, at: datetime) -> datetime:
        """The time of the next poll."""
        return at + MINUTE

    def summary(self, at: datetime) -> Body:
        """The page's body at the time of a poll."""
        self.vendor.step(at, 1)
        self.red = {c: left - 1 for c, left in self.red.items() if left > 1}
        if self.draw.random() < 1 / 90:
            self.red[self.draw.choice(["c-api", "c-web"])] = self.draw.randrange(10, 120)
        told: Body = json.loads(self.vendor.answer(SUMMARY, at) or b"")
        for component in told["components"]:
            component["status"] = "major_outage" if component["id"] in self.red else component["status"]
        body = json.dumps(told).encode()
        if body != self.last:
            self.last, self.changed_at = body, at
        told["page"]["updated_at"] = iso(self.changed_at)
        return told

    def other(self, path: str, at: datetime) -> bytes | None:
        """What another path shows; None where there is none."""
        return self.vendor.answer(path, at)


@dataclass
class RecordedPage:
    """The recorded polls of a page, each at its time; it has no other paths."""

    polls: Iterator[tuple[datetime, Body]]
    body: Body = field(default_factory=dict)

    def next_at(self, at: datetime) -> datetime:
        """The time of the next poll; a minute later where there is none."""
        polled_at, self.body = next(self.polls, (at + MINUTE, self.body))
        return polled_at

    def summary(self, _at: datetime) -> Body:
        """The body of that poll."""
        return self.body

    def other(self, _path: str, _at: datetime) -> bytes | None:
        """Nothing: no other path was recorded."""
        return None


def recorded_polls(folder: Path, first: int, most: int) -> Iterator[tuple[datetime, Body]]:
    """Some of the recorded polls of GitHub's page, each with its time."""
    with lzma.open(folder / "github" / "polls-2020-11_2024-12.ndjson.xz") as lines:
        usable = ((p.at, p.body) for p in recordings.read_polls(lines) if isinstance(p.body, dict))
        yield from islice(usable, first, first + most)


def spoilt(body: Body, draw: Random) -> Body:
    """The body with an odd entry, a renamed component, or one that has vanished."""
    told: Body = json.loads(json.dumps(body))
    components = told.get("components") or []
    match draw.randrange(5):
        case 0:
            told["incidents"] = [*(told.get("incidents") or ()), {"name": None}, 7, None]
        case 1:
            told["components"] = [{**c, "name": f"{c['name']} (new)"} for c in components]
        case 2:
            told["components"] = [c for c in components if c is not draw.choice(components)] if components else []
        case 3:
            told["components"] = [*components, {"id": None, "status": "on fire"}, "x"]
        case _:
            told["incidents"] = list(reversed(told.get("incidents") or ()))
    return told


@dataclass
class OddFetcher:
    """Serves the page, or an older body, an odd one or none at all; ``newest`` is the newest that was served."""

    page: RandomPage | RecordedPage
    draw: Random
    true_time: Callable[[], datetime]
    newest: Body = field(default_factory=dict)
    earlier: deque[Body] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    now: Body = field(default_factory=dict)
    rolled_back: int = 0
    is_down: bool = False

    def step(self) -> None:
        """A minute passes on the page."""
        self.now = self.page.summary(self.true_time())
        self.rolled_back = self.draw.randrange(2, 40) if self.draw.random() < 1 / 60 else self.rolled_back - 1

    async def get(self, source_url: str, path: str, **_: Any) -> FakeResponse:  # noqa: ARG002
        if self.is_down:
            raise SourceError("no answer", code=self.draw.choice(["dns", "timeout", "reset"]))
        if path != SUMMARY:
            found = self.page.other(path, self.true_time())
            if found is None or self.draw.random() < 0.2:
                raise SourceError("not there", code=self.draw.choice(["http_404", "http_500", "http_403"]))
            return FakeResponse(found)
        is_old = bool(self.earlier) and (self.rolled_back > 0 or self.draw.random() < 0.1)
        if is_old:
            return FakeResponse(json.dumps(self.draw.choice(list(self.earlier)[: REMEMBERED // 2])).encode())
        body = spoilt(self.now, self.draw) if self.draw.random() < 0.1 else self.now
        if self.newest and _page_time(self.newest) < _page_time(self.now):
            self.earlier.append(self.newest)
        self.newest = body
        return FakeResponse(json.dumps(body).encode())


def _page_time(body: Body) -> str:
    return str((body.get("page") or {}).get("updated_at") or "")


# --- where it is sent -------------------------------------------------------------------------------------------------


@dataclass
class RefusingChat:
    """A Slack that at times answers with any of its codes, to one channel or to all, and at times not at all."""

    draw: Random
    burst: int = 20
    can_search_history: bool = False
    is_down: bool = False
    refused: dict[str, str] = field(default_factory=dict)  # code by channel and kind of call
    codes: Counter[str] = field(default_factory=Counter)
    count: int = 0

    def step(self) -> None:
        """Some minutes a fault begins or ends."""
        if self.draw.random() < 1 / 15:
            method = self.draw.choice([slack_refusals.POST, slack_refusals.UPDATE])
            what = self.draw.choice(["post", "reply"]) if method == slack_refusals.POST else "edit"
            code = self.draw.choice(sorted(slack_refusals.DOCUMENTED[method] | {"a_new_code"}))
            self.refused[f"{self.draw.choice(CHANNELS)} {what}"] = code
        for key in [k for k in self.refused if self.draw.random() < 1 / 20]:
            del self.refused[key]

    def _check(self, channel: str, what: str, method: str) -> None:
        if self.is_down:
            raise DeliveryError("Slack can't be reached", code="unreachable")
        if code := self.refused.get(f"{channel} {what}"):
            self.codes[code] += 1
            answer = SimpleNamespace(status_code=200, data={"ok": False, "error": code}, headers={})
            raise slack_client._delivery_error(channel, answer, method)
        self.count += 1

    async def post(self, channel: str, message: Message, *, thread_ts: str | None, broadcast: bool) -> str:  # noqa: ARG002
        self._check(channel, "reply" if thread_ts else "post", slack_refusals.POST)
        return f"ts{self.count}"

    async def edit(self, channel: str, ts: str, message: Message) -> None:  # noqa: ARG002
        self._check(channel, "edit", slack_refusals.UPDATE)

    def permalink(self, channel: str, ts: str) -> str:  # noqa: ARG002
        return ""

    async def is_token_accepted(self) -> bool | None:
        return None if self.is_down else True

    async def find_message(self, channel: str, key: str, since: datetime, *, thread_ts: str | None) -> str | None:  # noqa: ARG002
        return None


# --- a day ------------------------------------------------------------------------------------------------------------


class TimelessPoller(Poller):
    """A mutant: reads no times, so that whatever body comes is the newest."""

    async def poll(self, provider: Provider, state: ProviderState) -> tuple[PollResult, Any]:
        result, observation = await super().poll(provider, replace(state, page_updated_at=None))
        if isinstance(result.saw, Snapshot):
            shown = tuple(replace(i, updated_at=None, updates=()) for i in result.saw.incidents or ())
            result = replace(result, saw=replace(result.saw, updated_at=None, incidents=shown), is_by_turns=False)
        return result, observation


class OneQueue(Repository):
    """A mutant: one queue per channel, in order of time, in which the oldest holds up the others."""

    def next_pending(self, channel: str, now: datetime | None = None, *_: Any, **__: Any) -> OutboxEntry | None:
        oldest = "SELECT min(id) AS id FROM outbox WHERE channel = ? AND state IN ('waiting', 'sending')"
        found = super().next_pending(channel, now)
        return found if found and found.id == self._db.rows(oldest, channel)[0]["id"] else None


@dataclass(frozen=True)
class Mutant:
    """What a control replaces; the name says what is wrong with it."""

    name: str
    poller: type[Poller] | None = None
    repository: type[Repository] = Repository
    clock_lag: timedelta = timedelta(0)


OURS = Mutant("ours")
MUTANTS = (
    Mutant("control: reads no times", poller=TimelessPoller),
    Mutant("control: one queue", repository=OneQueue),
    Mutant("control: old times", clock_lag=timedelta(hours=9)),
)


@dataclass
class OddDay:
    """One provider's page, polled again and again, with faults of one seed."""

    seed: str
    provider: Provider
    page: RandomPage | RecordedPage
    design: Mutant = OURS
    true_time: datetime = NOON
    skew: timedelta = timedelta(0)
    broken: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    waiting_since: dict[int, datetime] = field(default_factory=dict)  # by row: since when a due first alert waits

    def __post_init__(self) -> None:
        self.draw = Random(self.seed)  # noqa: S311 - faults, not keys
        self.web = OddFetcher(self.page, self.draw, lambda: self.true_time)
        self.chat = RefusingChat(self.draw)

    def now(self) -> datetime:
        return self.true_time + self.skew

    async def play(self, minutes: int, *, stops_when_broken: bool = False) -> list[str]:
        """What did not hold, a sentence each."""
        with TemporaryDirectory(dir=RAM) as folder:
            self.repository = self.design.repository.open(Path(folder) / "day.db")
            for channel in CHANNELS:
                self.repository.subscribe(Subscription(channel, self.provider.id, created_at=NOON))
            providers = {self.provider.id: self.provider}
            self.engine = Engine(
                providers, self.web, self.repository, self.chat, self.now, lambda _: VerdictParameters()
            )
            if self.design.poller:
                self.engine.poller = self.design.poller(self.web, self.now)
            for _ in range(minutes):
                await self._minute()
                if stops_when_broken and self.broken:
                    break
            self.repository.close()
        return self.broken

    async def _minute(self) -> None:
        self.true_time = self.page.next_at(self.true_time)
        if self.draw.random() < 1 / 120:
            self._step_clock(self.draw.choice(CLOCK_STEPS))
        if self.draw.random() < (1 / 8 if self.web.is_down else 1 / 200):
            self.web.is_down = self.chat.is_down = not self.web.is_down
            self.faults["network losses"] += self.web.is_down
        self.chat.step()
        self.web.step()
        await self.engine.poll(self.provider.id)
        self.engine.advance_time()
        for _ in range(10):
            if not await self.engine.publish():
                break
        self._check_shown()
        self._check_alerts()

    def _step_clock(self, step: timedelta) -> None:
        self.skew += step
        self.faults["clock steps"] += 1
        if step < timedelta(0):
            self.engine.shift_due_times(step)

    def _check_shown(self) -> None:
        at, state = self.now(), self.engine.states[self.provider.id]
        red = {c["id"] for c in self.web.newest.get("components") or () if _is_red(c)}
        cases = transition.verdict_cases(state, at, self.engine._transition_context(self.provider))
        for verdict in state.verdicts:
            shown = machine_form.verdict_as_json(verdict, cases[verdict.surface], at - self.design.clock_lag)
            components = set(self.provider.surface(verdict.surface).components)
            if red & components and shown["verdict"] == "retry_normally":
                self.broken.append(f"{self.true_time}: {verdict.surface} is normal while it is red")
            times = [shown[key] for key in ("retry_at", "review_at", "valid_until") if shown[key]]
            eta = shown["eta"] or {"p50_s": 0, "p90_s": 0}
            if min(times) < f"{at:%Y-%m-%dT%H:%M:%SZ}" or min(eta["p50_s"], eta["p90_s"], shown["retry_after_s"]) < 0:
                self.broken.append(f"{self.true_time}: {verdict.surface} shows a time that has passed")

    def _check_alerts(self) -> None:
        """No first alert that is due is left for the next minutes, unless its channel or all of Slack takes nothing."""
        rows = self.repository._db.rows(
            "SELECT id, channel, key FROM outbox WHERE kind = 'alert' AND state = 'waiting' AND due_at <= ?"
            " AND channel NOT IN (SELECT channel FROM pauses)",
            iso(self.now()),
        )
        is_open = self.engine.delivery_stop is None and not self.chat.is_down
        due = {row["id"]: row for row in rows} if is_open else {}
        self.waiting_since = {i: self.waiting_since.get(i, self.true_time) for i in due}
        for row_id, since in self.waiting_since.items():
            if self.true_time - since > MAX_ALERT_WAIT:
                row = due[row_id]
                self.broken.append(f"{self.true_time}: {row['key']} waits in {row['channel']} since {since:%H:%M}")


def _is_red(component: Any) -> bool:
    return isinstance(component, dict) and str(component.get("status")).endswith("_outage")


# --- many days --------------------------------------------------------------------------------------------------------


def random_day(seed: str, design: Mutant = OURS) -> OddDay:
    return OddDay(seed, ACME, RandomPage(Random(f"page {seed}")), design)  # noqa: S311


def recorded_day(seed: str, polls: Iterable[tuple[datetime, Body]], design: Mutant = OURS) -> OddDay:
    return OddDay(seed, settings.load(CONFIG).provider("github"), RecordedPage(iter(polls)), design)


async def first_broken(seed: int, design: Mutant, days: int = 20, minutes: int = 720) -> tuple[int, list[str]]:
    """The first random day on which something did not hold, and what; 0 where everything did."""
    for number in range(1, days + 1):
        if broken := await random_day(f"{seed}:{number}", design).play(minutes, stops_when_broken=True):
            return number, broken
    return 0, []


async def report(seed: int, days: int, recordings_folder: Path | None) -> str:
    """Random days of 24 hours, recorded polls in parts of 500 where they are here, and each control until it is caught."""
    rows = []
    played = [(f"random day {n}", random_day(f"{seed}:{n}"), 1440) for n in range(1, days + 1)]
    if recordings_folder:
        starts = [n * 500 for n in range(10)]
        played += [
            (
                f"GitHub's polls {n} to {n + 500}",
                recorded_day(f"{seed}:{n}", recorded_polls(recordings_folder, n, 500)),
                500,
            )
            for n in starts
        ]
    lines, total = [f"seed {seed}"], Counter[str]()
    for name, day, minutes in played:
        lines += [f"{name}: {what}" for what in await day.play(minutes)]
        total.update(day.faults + Counter({"polls": minutes, "messages": day.chat.count}))
        total["refusals"] += day.chat.codes.total()
        total["distinct codes"] = max(total["distinct codes"], len(day.chat.codes))
    rows.append(("ours", len(played), f"{len(lines) - 1} violations", ""))
    for mutant in MUTANTS:
        number, broken = await first_broken(seed, mutant)
        rows.append((mutant.name, number, "caught" if broken else "NOT CAUGHT", broken[0] if broken else ""))
    lines.append(", ".join(f"{n} {k}" for k, n in total.items()))
    return "\n".join([*lines, table(("design", "days", "result", "the first"), rows)])
