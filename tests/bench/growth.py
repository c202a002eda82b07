"""``python -m tests.bench growth``: how the cost of steps grows with channels, incidents, providers and years.

CPU of single steps in one process, on the real rules and store, the least of some repeats: by channels the record of an
alert, the order of those that wait, the next message, the tick in quiet hours, and lists in place of single alerts; by
open incidents of one page a poll without news, the board's first page, what its event stream asks, `status`, a digest, and
memory; by providers that are down at once, and by the years of the record, the same. The column ``ours`` is the exponent
of the growth between the two largest sizes: 1 is linear. Above ``MOST`` the command says so below the table, and fails.
"""

from __future__ import annotations

import asyncio
import math
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from datetime import time as clock_time
from functools import cache
from pathlib import Path

from bot.app.digests import digest_content
from bot.app.gathering import GatherHook
from bot.app.reminders import ReminderHook
from bot.commands.registry import answer_command
from bot.domain import (
    ChannelPreferences,
    Notice,
    NoticeKind,
    Notification,
    NotificationKind,
    Provider,
    QuietHours,
    Subscription,
    VerdictParameters,
)
from bot.domain.reliability import TimeWindow
from bot.engine import Engine
from bot.queries.board import BoardQueries
from bot.queries.current import StatusQueries
from bot.rules.alerting import decide, routing
from bot.storage import Repository
from bot.web.board.pages import BoardPages
from bot.web.board.rendering import PageRenderer
from tests.bench import decade
from tests.bench.table import Row, table
from tests.support.acme import ACME, NOON, Clock, poll_page
from tests.support.fake_chat import FakeChat
from tests.support.fake_fetcher import FakeFetcher
from tests.support.pages import incident, page, update

SIZES = (100, 300, 1000, 2000)  # of channels, and of open incidents of one page
PROVIDERS = (12, 25, 50, 100)  # that are down at once
YEARS = (1, 3, 10)
INCIDENTS_A_YEAR = 1500  # of one provider
UPDATES_EACH = 3.3  # see ``decade``
MOST = 1.25  # the exponent; measurements of one process vary by some percent
REPEATS = 7


@contextmanager
def a_repository(
    channels: int, *, is_quiet: bool = False, providers: Iterable[Provider] = (ACME,)
) -> Iterator[Repository]:
    """A database whose channels have subscribed to these providers."""
    with (
        tempfile.TemporaryDirectory(prefix="brownout-bench-") as folder,
        closing(Repository.open(Path(folder) / "growth.db")) as repository,
    ):
        with repository._db.transaction():
            for number in range(channels):
                for provider in providers:
                    repository.subscribe(Subscription(f"C{number:04}", provider.id, created_at=NOON))
        for number in range(channels if is_quiet else 0):
            channel, quiet = f"C{number:04}", QuietHours(clock_time(11), clock_time(20))
            notice = Notice(NoticeKind.SETTINGS, "", "", "s", NOON, "", NOON, "saved")
            saved = Notification(channel, NotificationKind.NOTICE, "s", notice)
            repository.user_actions.save_preferences(ChannelPreferences(channel, quiet=quiet), [], saved)
        yield repository


def cpu_ms(step: Callable[[], object]) -> float:
    """CPU of a step, in ms."""
    began = time.process_time()
    step()
    return (time.process_time() - began) * 1000


def least_ms(step: Callable[[], object]) -> float:
    """The least CPU of some repeats of a step, in ms: what other programs of the machine add is not in it."""
    return min(cpu_ms(step) for _ in range(REPEATS))


def an_engine(
    repository: Repository, clock: Clock, providers: Iterable[Provider] = (ACME,)
) -> tuple[Engine, FakeFetcher]:
    """An engine over pages that are shown to it."""
    fetcher = FakeFetcher()
    by_id = {provider.id: provider for provider in providers}
    return Engine(by_id, fetcher, repository, FakeChat(), clock, lambda _: VerdictParameters()), fetcher


def partial_outages(number: int) -> bytes:
    """A page with so many incidents, all about its API."""
    shown = [incident(update(n, api="partial_outage"), number=n) for n in range(number)]
    return page(*shown, api="partial_outage")


def opening_ms(channels: int) -> float:
    """The record of a new incident for so many channels, without the work of the rules."""
    with a_repository(channels) as repository:
        state = poll_page(None, page(), NOON - timedelta(minutes=1)).state
        took = []
        for number in range(REPEATS):
            shown = [incident(update(n, api="partial_outage"), number=n) for n in range(number + 1)]
            change = poll_page(state, page(*shown, api="partial_outage"), NOON + timedelta(minutes=number))
            alerts = decide.decide(change, ACME, blind_after=3).alerts
            due = [
                n
                for alert in alerts
                for n in routing.route_alert(
                    alert, repository.subscriptions(), repository.notified_channels(alert.incident)
                )
            ]
            took.append(cpu_ms(lambda change=change, due=due: repository.record_transition(None, change, due)))
            state = change.state
        return min(took)


@contextmanager
def waiting(channels: int, incidents: int) -> Iterator[Repository]:
    """A database in which so many alerts wait in each channel."""
    with a_repository(channels) as repository:
        state = poll_page(None, page(), NOON - timedelta(minutes=1)).state
        change = poll_page(state, partial_outages(incidents), NOON)
        alerts = decide.decide(change, ACME, blind_after=3).alerts
        due = (n for alert in alerts for n in routing.route_alert(alert, repository.subscriptions(), ()))
        repository.record_transition(None, change, due)
        yield repository


def order_ms(channels: int) -> float:
    """The order of so many channels, five alerts waiting in each."""
    with waiting(channels, 5) as repository:
        return least_ms(lambda: repository.pending_channels(NOON))


def next_ms(alerts: int) -> float:
    """The next message of a channel in which so many alerts wait."""
    with waiting(1, alerts) as repository:
        return least_ms(lambda: repository.next_pending("C0000", NOON))


def lists_ms(channels: int) -> float:
    """Lists in place of the alerts of so many channels, twelve in each."""
    with waiting(channels, 12) as repository:
        engine, _ = an_engine(repository, Clock(NOON))
        return cpu_ms(GatherHook(engine, repository))


def tick_ms(channels: int) -> float:
    """A tick while so many channels have quiet hours and an incident is withheld."""
    with a_repository(channels, is_quiet=True) as repository:
        clock = Clock(NOON)
        engine, fetcher = an_engine(repository, clock)
        for number in range(2):
            fetcher.show(partial_outages(1) if number else page())
            asyncio.run(engine.poll("acme"))
            clock.move(minutes=16)
        return least_ms(ReminderHook(engine, repository))


# --- by open incidents ------------------------------------------------------------------------------------------------


@contextmanager
def open_incidents(number: int) -> Iterator[tuple[Repository, Clock]]:
    """A database with so many open incidents of one page, all about its API."""
    with a_repository(1) as repository:
        state = poll_page(None, page(), NOON - timedelta(minutes=1)).state
        repository.record_transition(None, poll_page(state, partial_outages(number), NOON), ())
        yield repository, Clock(NOON + timedelta(minutes=1))


def _queries(
    repository: Repository, now: Callable[[], datetime], providers: Iterable[Provider] = (ACME,)
) -> StatusQueries:
    return StatusQueries(tuple(providers), repository, now, lambda _: VerdictParameters())


def _board_ms(queries: StatusQueries) -> float:
    pages = BoardPages(BoardQueries(queries), PageRenderer(queries))
    pages.status()  # the days of the services are kept from then on
    return least_ms(pages.status)


def _status_ms(queries: StatusQueries) -> float:
    return least_ms(lambda: answer_command(queries, "status", "C0000", "U1"))


def _digest_ms(queries: StatusQueries) -> float:
    window = TimeWindow(queries.now() - timedelta(days=7), queries.now())
    return least_ms(lambda: digest_content(queries, "C0000", window))


def _events_ms(queries: StatusQueries) -> float:
    """What an open board asks once a second, and what it asks after a change."""
    repository = queries.repository

    def ask() -> None:
        for _ in range(100):
            repository.providers_changed_since(repository.latest_event_id() - 1)

    return least_ms(ask) / 100


def poll_ms(number: int) -> float:
    """A poll that shows the same page with so many open incidents."""
    with a_repository(1) as repository:
        clock = Clock(NOON)
        engine, fetcher = an_engine(repository, clock)
        fetcher.show(partial_outages(number))
        asyncio.run(engine.poll("acme"))

        def again() -> None:
            clock.move(minutes=1)
            asyncio.run(engine.poll("acme"))

        return least_ms(again)


def memory_kb(number: int) -> float:
    """What a provider's state with so many open incidents takes in memory, in KB."""
    body = partial_outages(number)
    state = poll_page(None, page(), NOON - timedelta(minutes=1)).state
    poll_page(state, body, NOON)  # what is kept of the texts is not counted
    tracemalloc.start()
    try:
        state = poll_page(state, body, NOON).state
        return tracemalloc.get_traced_memory()[0] / 1024
    finally:
        tracemalloc.stop()


# --- by providers that are down at once -------------------------------------------------------------------------------


def named_like_acme(number: int) -> Provider:
    """One of many providers whose pages are as Acme's."""
    name = f"p{number}"
    surfaces = tuple(replace(s, id=f"{name}-{s.id}", provider=name, name=f"{name} {s.name}") for s in ACME.surfaces)
    source = replace(ACME.source, id=name, provider=name)
    return replace(ACME, id=name, name=f"P{number}", surfaces=surfaces, source=source)


@contextmanager
def all_down(number: int) -> Iterator[tuple[Engine, Repository, Clock, list[Provider]]]:
    """So many providers, each with an open incident of its own."""
    providers = [named_like_acme(n) for n in range(number)]
    with a_repository(1, providers=providers) as repository:
        clock = Clock(NOON)
        engine, fetcher = an_engine(repository, clock, providers)
        for n, provider in enumerate(providers):
            fetcher.show(page())
            asyncio.run(engine.poll(provider.id))
            fetcher.show(page(incident(update(n, api="partial_outage"), number=n), api="partial_outage"))
            clock.move(seconds=1)
            asyncio.run(engine.poll(provider.id))
        yield engine, repository, clock, providers


def of_providers(measure: Callable[[StatusQueries], float]) -> Callable[[int], float]:
    """What is measured while so many providers are down."""

    def measured(number: int) -> float:
        with all_down(number) as (_, repository, clock, providers):
            return measure(_queries(repository, clock, providers))

    return measured


def round_ms(number: int) -> float:
    """A tick of the engine, and a poll without news of each of so many providers that are down."""
    with all_down(number) as (engine, _, clock, providers):

        def one_round() -> None:
            clock.move(minutes=1)
            engine.advance_time()
            for provider in providers:
                asyncio.run(engine.poll(provider.id))

        return least_ms(one_round)


# --- by years ---------------------------------------------------------------------------------------------------------


@cache
def _file_of(years: int) -> bytes:
    """A database with a record of so many years of Acme's; it takes a while to fill."""
    with tempfile.TemporaryDirectory(prefix="brownout-bench-") as folder:
        path = Path(folder) / "years.db"
        with closing(Repository.open(path)) as repository:
            repository.subscribe(Subscription("C0000", "acme", created_at=NOON))
            start = decade.END - timedelta(days=365 * years)
            decade.fill(repository, (ACME,), int(years * INCIDENTS_A_YEAR * UPDATES_EACH), start=start)
        return path.read_bytes()


@contextmanager
def years_of_record(years: int) -> Iterator[tuple[Repository, Clock]]:
    """A record of so many years of Acme's, with one open incident."""
    with tempfile.TemporaryDirectory(prefix="brownout-bench-") as folder, ExitStack() as stack:
        path = Path(folder) / "growth.db"
        path.write_bytes(_file_of(years))
        repository = stack.enter_context(closing(Repository.open(path)))
        clock = Clock(decade.END + timedelta(minutes=1))
        engine, fetcher = an_engine(repository, clock)
        for body in (page(), partial_outages(1)):
            fetcher.show(body)
            asyncio.run(engine.poll("acme"))
            clock.move(minutes=1)
        yield repository, clock


Record = Callable[[int], AbstractContextManager[tuple[Repository, Clock]]]


def on(record: Record, measure: Callable[[StatusQueries], float]) -> Callable[[int], float]:
    """What is measured on a record of so many open incidents, or of so many years."""

    def measured(number: int) -> float:
        with record(number) as (repository, clock):
            return measure(_queries(repository, clock))

    return measured


def poll_of_years_ms(years: int) -> float:
    """A poll that opens an incident, with so many years of record."""
    with years_of_record(years) as (repository, clock):
        engine, fetcher = an_engine(repository, clock)
        shown = iter(range(2, 2 + REPEATS))

        def opens() -> None:
            clock.move(minutes=1)
            fetcher.show(partial_outages(next(shown)))
            asyncio.run(engine.poll("acme"))

        return least_ms(opens)


@dataclass(frozen=True)
class Curve:
    """What is measured, by what, and at which sizes; ``measure`` of a size is in ``unit``."""

    what: str
    by: str
    sizes: tuple[int, ...]
    measure: Callable[[int], float]
    unit: str = "ms"


CURVES = (
    Curve("record of an alert", "channels", SIZES, opening_ms),
    Curve("order of the channels that wait", "channels", SIZES, order_ms),
    Curve("next message of a channel", "alerts that wait there", SIZES, next_ms),
    Curve("lists in place of alerts", "channels", SIZES, lists_ms),
    Curve("tick in quiet hours", "channels", SIZES, tick_ms),
    Curve("poll without news", "open incidents", SIZES, poll_ms),
    Curve("board's first page", "open incidents", SIZES, on(open_incidents, _board_ms)),
    Curve("the board's event stream", "open incidents", SIZES, on(open_incidents, _events_ms)),
    Curve("status", "open incidents", SIZES, on(open_incidents, _status_ms)),
    Curve("digest", "open incidents", SIZES, on(open_incidents, _digest_ms)),
    Curve("memory of a provider's state", "open incidents", SIZES, memory_kb, "KB"),
    Curve("polls and tick of all", "providers down", PROVIDERS, round_ms),
    Curve("board's first page", "providers down", PROVIDERS, of_providers(_board_ms)),
    Curve("status", "providers down", PROVIDERS, of_providers(_status_ms)),
    Curve("digest", "providers down", PROVIDERS, of_providers(_digest_ms)),
    Curve("poll that opens an incident", "years", YEARS, poll_of_years_ms),
    Curve("board's first page", "years", YEARS, on(years_of_record, _board_ms)),
    Curve("the board's event stream", "years", YEARS, on(years_of_record, _events_ms)),
    Curve("status", "years", YEARS, on(years_of_record, _status_ms)),
    Curve("digest", "years", YEARS, on(years_of_record, _digest_ms)),
)


def exponent(sizes: Iterable[int], took: Iterable[float]) -> float:
    """Of the growth between the two largest sizes."""
    (small, least), (large, most) = list(zip(sizes, took, strict=True))[-2:]
    return math.log(max(most, 0.01) / max(least, 0.01)) / math.log(large / small)


def rows() -> list[Row]:
    """A row for each curve; its value is the exponent."""
    found = []
    for curve in CURVES:
        took = [curve.measure(size) for size in curve.sizes]
        if exponent(curve.sizes, took) > MOST:  # once more, since another program may have been in the way
            took = [min(ms, curve.measure(size)) for size, ms in zip(curve.sizes, took, strict=True)]
        note = ", ".join(f"{size:,}: {value:.2f} {curve.unit}" for size, value in zip(curve.sizes, took, strict=True))
        what = f"growth: {curve.what}, by {curve.by}"
        found.append(Row(what, exponent(curve.sizes, took), "", MOST, note=note))
    return found


def complaints(measured: Iterable[Row]) -> list[str]:
    """A line for each curve that grows faster than linearly."""
    failed = (row for row in measured if row.what.startswith("growth: ") and row.verdict == "NO")
    return [f"NOT LINEAR: {row.what} ({row.note})" for row in failed]


def main() -> None:
    """Prints the table; exit code 1, and what is not linear, where something grows faster than linearly."""
    measured = rows()
    print(table(measured))
    if failed := complaints(measured):
        sys.exit("\n".join(failed))


if __name__ == "__main__":
    main()
