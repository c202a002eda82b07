"""Every question that people ask of years goes through an index; measured times are ``python -m tests.bench.queries``."""

import re
from random import Random

import pytest

from bot import settings
from bot.storage import Repository
from tests.bench.decade import fill
from tests.bench.queries import queries_over, questions

BIG = (
    "incidents",
    "incident_surfaces",
    "updates",
    "events",
    "observations",
    "conditions",
    "past_conditions",
    "verdicts",
)
ALIASES = {"i": "incidents", "u": "updates", "e": "events", "s": "incident_surfaces", "v": "updates"}


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """The statements that each question runs, with its values in their places."""
    path = tmp_path_factory.mktemp("decade") / "b.db"
    found = settings.load()
    repository = Repository.open(path)
    providers = tuple(p for p in found.providers if p.id in ("claude", "github"))
    made = fill(repository, providers, 400)
    queries = queries_over(repository, found, providers)
    statements: dict[str, list[str]] = {}
    connection = repository._db._connection
    for name, ask in questions(queries, made, Random(3)).items():  # noqa: S311  (always the same questions)
        connection.set_trace_callback(statements.setdefault(name, []).append)
        ask()
        connection.set_trace_callback(None)
    yield connection, statements
    repository.close()


def test_every_question_is_put_to_the_database(asked):
    assert all(asked[1].values())


def test_no_question_reads_a_big_table_from_end_to_end(asked):
    connection, statements = asked
    scans = []
    for name, found in statements.items():
        for sql in (s for s in found if not s.startswith("--")):  # those are the search index's own
            for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {sql}"):
                table = re.match(r"SCAN (\w+)(?! .*(USING|VIRTUAL))", step)
                if table and ALIASES.get(table[1], table[1]) in BIG:
                    scans.append((name, step, sql))
    assert scans == []


def test_a_decade_is_the_same_every_time(tmp_path):
    provider = settings.load().provider("claude")
    repositories = [Repository.open(tmp_path / f"{n}.db") for n in (1, 2)]
    decades = [fill(repository, (provider,), 60) for repository in repositories]
    assert decades[0] == decades[1]
    assert "".join(repositories[0].archive.dump()) == "".join(repositories[1].archive.dump())
    for repository in repositories:
        repository.close()
