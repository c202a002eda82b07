"""``python -m tests.bench.reports``: what long reports cost with stored months and from the records, in one run.

The database is a decade of the catalogue's providers (``decade``), each with as many incidents as in the million of
``tests.bench.queries``; --db keeps it. Prints P50, P95 and the longest of each question by the clock, and the P50 of its
CPU, in milliseconds: first as it is without stored months, then with them, then of whole processes.
"""

from __future__ import annotations

import argparse
import gc
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from random import Random
from statistics import median, quantiles

from bot import settings
from bot.app.month_sums import store_months
from bot.commands import registry
from bot.domain import Provider
from bot.domain.reliability import TimeWindow
from bot.messages import month as month_text
from bot.queries.board import BoardQueries
from bot.queries.current import StatusQueries
from bot.queries.history import HistoryQueries
from bot.queries.month import monthly_report, parse_month
from bot.storage import Repository
from bot.web.board.pages import BoardPages
from bot.web.board.rendering import PageRenderer
from tests.bench.decade import END, START, fill
from tests.bench.queries import pages, queries_over

UPDATES = 83_333  # a twelfth of a million, as the catalogue is a twelfth of the one of ``tests.bench.queries``
MONTH = "2026-01"


def reports(queries: StatusQueries, dice: Random) -> dict[str, Callable[[], object]]:
    """The reports that stored months may serve, of another provider every time."""
    history = HistoryQueries(queries.repository.archive, END)

    def report(days: float) -> object:
        return history.provider_reports(dice.choice(queries.providers), TimeWindow(END - timedelta(days=days), END))

    return {
        "report, ten years": lambda: report((END - START) / timedelta(days=1)),
        "report, three years": lambda: report(1095),
        "report, 90 days": lambda: report(90),
        "report of a month, all providers": lambda: monthly_report(history, queries.providers, parse_month(MONTH)),
        "the same as a page": lambda: month_text.month_page(
            monthly_report(history, queries.providers, parse_month(MONTH)), END
        ),
    }


def others(queries: StatusQueries, incidents: list[str], dice: Random) -> dict[str, Callable[[], object]]:
    """Other questions about the past, and the present state."""
    surfaces = [s.id for p in queries.providers for s in p.surfaces]

    def ask(text: str) -> object:
        return registry.answer_command(queries, text, "C1", "U1")

    def board_page() -> object:
        return BoardPages(BoardQueries(queries), PageRenderer(queries)).service(dice.choice(surfaces))

    return {
        "status": lambda: ask("status"),
        "summary of an incident": lambda: ask(f"summary {dice.choice(incidents)}"),
        "uptime 90d": lambda: ask(f"uptime {dice.choice(surfaces)} 90d"),
        "uptime 365d": lambda: ask(f"uptime {dice.choice(surfaces)} 365d"),
        "history 365d": lambda: ask(f"history {dice.choice(surfaces)} 365d"),
        "board: page of a service, 90 days": board_page,
    }


def timed(ask: Callable[[], object], times: int) -> tuple[float, float, float, float]:
    """P50, P95 and the longest by the clock, and the P50 of our CPU, in milliseconds."""
    took, spent = [], []
    for _ in range(times):
        began, worked = time.perf_counter(), time.process_time()
        ask()
        spent.append((time.process_time() - worked) * 1000)
        took.append((time.perf_counter() - began) * 1000)
    return median(took), quantiles(took, n=20, method="inclusive")[18], max(took), median(spent)


def print_rows(title: str, questions: Mapping[str, Callable[[], object]], times: int) -> None:
    """A table of the questions."""
    print(f"\n{title:<44}{'P50 ms':>9}{'P95 ms':>9}{'max ms':>9}{'CPU ms':>9}")
    for name, ask in questions.items():
        p50, p95, longest, cpu = timed(ask, times)
        print(f"{name:<44}{p50:>9.1f}{p95:>9.1f}{longest:>9.1f}{cpu:>9.1f}", flush=True)


def run_process(path: Path, *words: str) -> Callable[[], object]:
    """Runs ``brownout reliability`` in a process of its own."""
    command = [sys.executable, "-m", "bot", "reliability", *words, "--db", str(path)]
    return lambda: subprocess.run(command, check=True, capture_output=True)  # noqa: S603  (our own command)


def processes(path: Path, providers: Iterable[Provider]) -> dict[str, Callable[[], object]]:
    """Reports as people run them."""
    one = next(iter(providers)).id
    return {
        f"reliability --provider {one}": run_process(path, "--provider", one, "--json"),
        "reliability, all providers": run_process(path, "--json"),
        f"reliability --month {MONTH}": run_process(path, "--month", MONTH),
        "status, for comparison": lambda: subprocess.run(  # noqa: S603  (our own command)
            [sys.executable, "-m", "bot", "status", "--db", str(path)], check=False, capture_output=True
        ),
    }


def main() -> None:
    """Makes the database where there is none at --db, and measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=60, help="how often each question is asked")
    parser.add_argument("--runs", type=int, default=5, help="how often each process is run")
    parser.add_argument("--db", type=Path, help="where the database is made, and stays")
    options = parser.parse_args()
    if min(options.times, options.runs) < 2:
        parser.error("--times and --runs are at least 2: a P95 takes two values")
    with tempfile.TemporaryDirectory(prefix="brownout-bench-") as folder:
        _bench(options.db or Path(folder) / "decade.db", options.times, options.runs)


def _bench(path: Path, times: int, runs: int) -> None:
    found = settings.load()
    providers = pages(found, 1)
    is_new = not path.exists()
    with closing(Repository.open(path)) as repository:
        if is_new:
            fill(repository, providers, UPDATES)
        rows = repository._db.rows("SELECT id FROM incidents WHERE provider = ? LIMIT 500", providers[0].id)
        queries = (
            queries_over(repository, found, providers)
            if is_new
            else StatusQueries(providers, repository, lambda: END, found.rules_for)
        )
        repository._db.write("DELETE FROM month_sums")
        gc.collect()
        gc.freeze()  # as `run` does
        print_rows("from the records", reports(queries, Random(7)), times)  # noqa: S311  (the same every time)
        print_rows("processes, from the records", processes(path, providers), runs)
        for provider in providers:
            began, worked = time.perf_counter(), time.process_time()
            stored = store_months(repository, provider, END)
            took, spent = time.perf_counter() - began, time.process_time() - worked
            print(f"stored {stored} months of {provider.id} in {took * 1000:.0f} ms, {spent * 1000:.0f} ms of CPU")
        print_rows("from stored months", reports(queries, Random(7)), times)  # noqa: S311
        print_rows("processes, from stored months", processes(path, providers), runs)
        print_rows("other questions", others(queries, [row["id"] for row in rows], Random(7)), times)  # noqa: S311
        [size] = repository._db.rows("SELECT count(*) AS n, sum(length(sums)) AS bytes FROM month_sums")
        print(f"\n{size['n']} stored months, {size['bytes'] / 1e6:.1f} MB of {path.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
