"""``python -m tests.bench.queries``: how long people wait for an answer from a database with a million updates in ten years.

Every answer goes the way that Slack's goes, from the words that were typed to the message. Prints the size of the
database, the rate of the import, and the 50th and 95th percentile of each question, in milliseconds. With --postgres it
is on PostgreSQL: in a schema of its own on the server that is named, or else on a new server that ends with the run.
"""

from __future__ import annotations

import argparse
import gc
import resource
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from statistics import quantiles

from bot import settings
from bot.commands import registry
from bot.domain import Component, Condition, PollResult, Provider, ProviderState, Snapshot
from bot.domain.reliability import TimeWindow
from bot.queries.current import StatusQueries
from bot.queries.history import HistoryQueries
from bot.rules import transition
from bot.storage import Repository
from bot.storage.connection import DatabaseUrl
from tests.bench.decade import END, Decade, fill, stored
from tests.bench.plans import plans
from tests.bench.postgres_schemas import new_schema

TARGET_MS = 50.0


WATCHED, BETWEEN = timedelta(hours=2), timedelta(minutes=4)
COPIES = 12  # of the catalogue: 1,000,000 updates are then some 1.2 incidents a day and page, as Claude had in 2026


def pages(found: settings.Settings, copies: int = COPIES) -> tuple[Provider, ...]:
    """The enabled providers of the catalogue, so many times, under other names."""
    enabled = [p for p in found.providers if p.enabled]
    return tuple(_copy(p, number) for number in range(copies) for p in enabled)


def _copy(provider: Provider, number: int) -> Provider:
    end = f"-{number}" if number else ""
    surfaces = tuple(
        replace(s, id=s.id + end, name=s.name + end, provider=provider.id + end, needs=(), instead=())
        for s in provider.surfaces
    )
    return replace(provider, id=provider.id + end, name=provider.name + end, aliases=(), surfaces=surfaces)


def queries_over(repository: Repository, found: settings.Settings, providers: tuple[Provider, ...]) -> StatusQueries:
    """A queries that asks at the end of the decade, two hours into the watch: every tenth page has a surface down."""
    for number, provider in enumerate(providers):
        red = Condition.MAJOR_OUTAGE if number % 10 == 0 else Condition.OPERATIONAL
        first, *others = provider.surfaces
        well = [Component(s.components[0], s.name, Condition.OPERATIONAL) for s in others if s.components]
        page = Snapshot("", "", (Component((*first.components, first.id)[0], first.name, red), *well), (), ())
        rules = transition.TransitionContext(provider, found.rules_for(provider), {})
        world = ProviderState(provider.id)
        for poll_page in range(WATCHED // BETWEEN + 1):
            change = transition.apply_poll(world, PollResult(END - WATCHED + poll_page * BETWEEN, page), rules)
            world = change.state
        repository.record_transition(None, change, ())
    return StatusQueries(providers, repository, lambda: END, found.rules_for)


def questions(queries: StatusQueries, made: Decade, dice: Random) -> dict[str, Callable[[], object]]:
    """Each question, asked anew about something else every time."""
    surfaces = [s.id for p in queries.providers for s in p.surfaces]

    def ask(text: str) -> object:
        return registry.answer_command(queries, text, "C1", "U1")

    def report(days: int) -> object:
        history, window = HistoryQueries(queries.repository.archive, END), TimeWindow(END - timedelta(days=days), END)
        return history.provider_reports(dice.choice(queries.providers), window)

    def word() -> str:
        return made.words[int(len(made.words) ** dice.random()) - 1]

    return {
        "status": lambda: ask("status"),
        "status of a surface": lambda: ask(f"status {dice.choice(surfaces)}"),
        "timeline": lambda: ask(f"timeline {dice.choice(made.incidents)}"),
        "summary": lambda: ask(f"summary {dice.choice(made.incidents)}"),
        "summary last": lambda: ask("summary last"),
        "history 30d": lambda: ask(f"history {dice.choice(surfaces)} 30d"),
        "uptime 90d": lambda: ask(f"uptime {dice.choice(surfaces)} 90d"),
        "uptime 365d": lambda: ask(f"uptime {dice.choice(surfaces)} 365d"),
        "report, 30 days": lambda: report(30),
        "report, ten years": lambda: report(3650),
        "search, a word": lambda: queries.repository.archive.search(word()),
        "search, two words": lambda: queries.repository.archive.search(f"{word()} {word()}"),
        "search, a beginning": lambda: queries.repository.archive.search(f"{word()[:4]}*"),
    }


def timed(ask: Callable[[], object], times: int) -> tuple[float, float, float]:
    """P50 and P95 by the clock, and P95 of our own CPU, in milliseconds: others at work on the machine move the first."""
    took, spent = [], []
    for _ in range(times):
        began, worked = time.perf_counter(), time.process_time()
        ask()
        spent.append((time.process_time() - worked) * 1000)
        took.append((time.perf_counter() - began) * 1000)
    cut = quantiles(took, n=20, method="inclusive")
    return cut[9], cut[18], quantiles(spent, n=20, method="inclusive")[18]


def main() -> None:
    """Makes the database where there is none at --db, and asks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--updates", type=int, default=1_000_000)
    parser.add_argument("--copies", type=int, default=COPIES, help="of the catalogue; fewer make a smaller book")
    parser.add_argument("--times", type=int, default=200, help="how often each question is asked")
    parser.add_argument("--db", type=Path, help="the file in which the book is, or is made, and stays")
    parser.add_argument("--postgres", nargs="?", const="", metavar="URL", help="on PostgreSQL; no URL: on a new server")
    parser.add_argument("--plans", action="store_true", help="show how the engine answers each question")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="brownout-bench-") as folder:
        file = options.db or Path(folder) / "decade.db"
        if options.postgres is None:
            _bench(file, options)
            return
        _fill(file, options)
        with new_schema(options.postgres) as url:
            copy(file, url)
            _bench(url, options)


def _fill(place: Path | str, options: argparse.Namespace) -> Decade:
    """Makes the book; one that is there already is taken as it is."""
    with closing(Repository.open(place)) as repository:
        if (made := stored(repository)) is None:
            began = time.perf_counter()
            made = fill(repository, pages(settings.load(), options.copies), options.updates)
            took = time.perf_counter() - began
            print(f"{made.updates} updates of {len(made.incidents)} incidents in {took:.0f} s", flush=True)
    return made


def copy(file: Path, url: str) -> None:
    """Copies the book to PostgreSQL, as ``brownout db move`` does."""
    with closing(Repository.open(file)) as source, closing(Repository.open(url)) as target:
        began = time.perf_counter()
        source.archive.copy_to(target.archive, lambda *_: None)
        print(f"copied to PostgreSQL and compared in {time.perf_counter() - began:.0f} s", flush=True)


def _bench(place: Path | str, options: argparse.Namespace) -> None:
    made, found = _fill(place, options), settings.load()
    repository = Repository.open(place)
    queries = queries_over(repository, found, pages(found, options.copies))
    settle(repository)
    gc.collect()
    gc.freeze()  # as `run` does
    print(f"{size_mb(repository):.0f} MB\n\n{'question':<22}{'P50 ms':>9}{'P95 ms':>9}{'P95 CPU':>9}")
    asked = questions(queries, made, Random(7))  # noqa: S311  (the same questions every time)
    for name, ask in asked.items():
        p50, p95, cpu = timed(ask, options.times)
        print(
            f"{name:<22}{p50:>9.1f}{p95:>9.1f}{cpu:>9.1f}{'' if p95 < TARGET_MS else '   above the target'}", flush=True
        )
    for name, ask in asked.items() if options.plans else ():
        print(f"\n{name}", *plans(repository._db, ask), sep="\n  ")
    repository.close()
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f} MB")


def settle(repository: Repository) -> None:
    """Does on PostgreSQL what autovacuum does within minutes after an import: statistics, and the index's pending list."""
    if isinstance(repository.path, DatabaseUrl):
        repository._db._connection.execute("VACUUM ANALYZE")


def size_mb(repository: Repository) -> float:
    """The size of the file, or of the tables and indexes on the server."""
    if not isinstance(repository.path, DatabaseUrl):
        return repository.path.stat().st_size / 1e6
    sizes = "SELECT sum(pg_total_relation_size(c.oid)) AS n FROM pg_class c WHERE c.relkind = 'r' AND"
    [row] = repository._db.rows(f"{sizes} c.relnamespace = CAST(current_schema() AS regnamespace)")
    return float(row["n"]) / 1e6


if __name__ == "__main__":
    main()
