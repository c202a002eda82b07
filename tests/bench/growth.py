"""``python -m tests.bench growth``: how the cost of steps grows with channels, with what waits, and with open incidents.

CPU of single steps in one process, on the real rules and store: the record of an alert for n channels, the order of n
channels that wait, the next message of a channel that has n waiting, and a tick in quiet hours; with n open incidents of one
page a poll that changes nothing, the board's first page, `status` and a check for events of the board. The last column is
the exponent of the growth between the two largest sizes: 1 is linear. Above ``MOST`` the command fails.
"""

from __future__ import annotations

import asyncio
import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import time as clock_time
from datetime import timedelta
from pathlib import Path
from statistics import median

from bot.app.reminders import ReminderHook
from bot.commands.registry import answer_command
from bot.domain import (
    ChannelPreferences,
    Notice,
    NoticeKind,
    Notification,
    NotificationKind,
    QuietHours,
    Subscription,
    VerdictParameters,
)
from bot.engine import Engine
from bot.queries.board import BoardQueries
from bot.queries.current import StatusQueries
from bot.rules.alerting import decide, routing
from bot.storage import Repository
from bot.web.board.pages import BoardPages
from bot.web.board.rendering import PageRenderer
from tests.bench.table import Row, table
from tests.support.acme import ACME, NOON, Clock, poll_page
from tests.support.fake_chat import FakeChat
from tests.support.fake_fetcher import FakeFetcher
from tests.support.pages import incident, page, update

SIZES = (100, 300, 1000, 2000)
MOST = 1.25  # the exponent; measurements of one process vary by some percent
REPEATS = 5


@contextmanager
def a_repository(channels: int, *, is_quiet: bool = False) -> Iterator[Repository]:
    """A database whose channels have subscribed to Acme."""
    with (
        tempfile.TemporaryDirectory(prefix="brownout-bench-") as folder,
        closing(Repository.open(Path(folder) / "growth.db")) as repository,
    ):
        with repository._db.transaction():
            for number in range(channels):
                repository.subscribe(Subscription(f"C{number:04}", "acme", created_at=NOON))
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
        return took[0]


@contextmanager
def waiting(channels: int, incidents: int) -> Iterator[Repository]:
    """A database in which so many alerts wait in each channel."""
    with a_repository(channels) as repository:
        state = poll_page(None, page(), NOON - timedelta(minutes=1)).state
        shown = [incident(update(n, api="partial_outage"), number=n) for n in range(incidents)]
        change = poll_page(state, page(*shown, api="partial_outage"), NOON)
        alerts = decide.decide(change, ACME, blind_after=3).alerts
        due = (n for alert in alerts for n in routing.route_alert(alert, repository.subscriptions(), ()))
        repository.record_transition(None, change, due)
        yield repository


def order_ms(channels: int) -> float:
    """The order of so many channels, five alerts waiting in each."""
    with waiting(channels, 5) as repository:
        return median(cpu_ms(lambda: repository.pending_channels(NOON)) for _ in range(REPEATS))


def next_ms(alerts: int) -> float:
    """The next message of a channel in which so many alerts wait."""
    with waiting(1, alerts) as repository:
        return median(cpu_ms(lambda: repository.next_pending("C0000", NOON)) for _ in range(REPEATS))


def tick_ms(channels: int) -> float:
    """A tick while so many channels have quiet hours and an incident is withheld."""
    with a_repository(channels, is_quiet=True) as repository:
        clock, fetcher = Clock(NOON), FakeFetcher()
        engine = Engine({"acme": ACME}, fetcher, repository, FakeChat(), clock, lambda _: VerdictParameters())
        for shown in ((), (incident(update(api="partial_outage")),)):
            fetcher.show(page(*shown, api="partial_outage" if shown else "operational"))
            asyncio.run(engine.poll("acme"))
            clock.move(minutes=16)
        return median(cpu_ms(ReminderHook(engine, repository)) for _ in range(REPEATS))


@contextmanager
def open_incidents(number: int) -> Iterator[tuple[Repository, Clock]]:
    """A database with so many open incidents of one page, all about its API."""
    with a_repository(1) as repository:
        state = poll_page(None, page(), NOON - timedelta(minutes=1)).state
        shown = [incident(update(n, api="partial_outage"), number=n) for n in range(number)]
        change = poll_page(state, page(*shown, api="partial_outage"), NOON)
        repository.record_transition(None, change, ())
        yield repository, Clock(NOON + timedelta(minutes=1))


def _queries(repository: Repository, clock: Clock) -> StatusQueries:
    return StatusQueries((ACME,), repository, clock, lambda _: VerdictParameters())


def board_ms(number: int) -> float:
    """The board's first page with so many open incidents, drawn anew."""
    with open_incidents(number) as (repository, clock):
        queries = _queries(repository, clock)
        pages = BoardPages(BoardQueries(queries), PageRenderer(queries))
        pages.status()  # the days of the services are kept from then on
        return median(cpu_ms(pages.status) for _ in range(REPEATS))


def status_ms(number: int) -> float:
    """The answer to `status` with so many open incidents."""
    with open_incidents(number) as (repository, clock):
        queries = _queries(repository, clock)
        return median(cpu_ms(lambda: answer_command(queries, "status", "C0000", "U1")) for _ in range(REPEATS))


def events_ms(number: int) -> float:
    """What an open board asks once a second: whether anything is new."""
    with open_incidents(number) as (repository, _):
        return median(cpu_ms(lambda: [repository.latest_event_id() for _ in range(100)]) for _ in range(REPEATS)) / 100


def poll_ms(number: int) -> float:
    """A poll that shows the same page with so many open incidents."""
    with a_repository(1) as repository:
        clock, fetcher = Clock(NOON), FakeFetcher()
        engine = Engine({"acme": ACME}, fetcher, repository, FakeChat(), clock, lambda _: VerdictParameters())
        shown = [incident(update(n, api="partial_outage"), number=n) for n in range(number)]
        fetcher.show(page(*shown, api="partial_outage"))
        asyncio.run(engine.poll("acme"))
        took = []
        for _ in range(REPEATS):
            clock.move(minutes=1)
            took.append(cpu_ms(lambda: asyncio.run(engine.poll("acme"))))
        return median(took)


CURVES: dict[str, Callable[[int], float]] = {
    "record of an alert, by channels": opening_ms,
    "order of the channels that wait, by channels": order_ms,
    "next message of a channel, by alerts that wait there": next_ms,
    "tick in quiet hours, by channels": tick_ms,
    "poll without news, by open incidents": poll_ms,
    "board's first page, by open incidents": board_ms,
    "status, by open incidents": status_ms,
    "check for events, by open incidents": events_ms,
}


def exponent(sizes: Iterable[int], took: Iterable[float]) -> float:
    """Of the growth between the two largest sizes."""
    (small, least), (large, most) = list(zip(sizes, took, strict=True))[-2:]
    return math.log(max(most, 0.01) / max(least, 0.01)) / math.log(large / small)


def rows() -> list[Row]:
    """A row for each curve; its value is the exponent."""
    found = []
    for name, curve in CURVES.items():
        took = [curve(size) for size in SIZES]
        note = ", ".join(f"{size:,}: {ms:.2f} ms" for size, ms in zip(SIZES, took, strict=True))
        found.append(Row(f"growth: {name}", exponent(SIZES, took), "", MOST, note=note))
    return found


def main() -> None:
    """Prints the table; exit code 1 where something grows faster than linearly."""
    measured = rows()
    print(table(measured))
    sys.exit(any(row.verdict == "NO" for row in measured))


if __name__ == "__main__":
    main()
