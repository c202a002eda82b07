"""The bot stores sums of months that have passed, once, and again where a record has changed."""

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from bot.app.month_sums import MonthSumsJob, store_due_months
from bot.domain.reliability import TimeWindow
from bot.queries.history import HistoryQueries
from bot.storage import Repository
from tests.support import random_history
from tests.support.polls import ACME
from tests.support.random_history import NOW, START, SURFACES
from tests.support.stores import place

PROVIDER = replace(ACME, surfaces=SURFACES)


@pytest.fixture
def db(tmp_path):
    where = place(tmp_path / "b.db")
    with closing(Repository.open(where)) as repository:
        random_history.write_past(repository, Random(4))  # noqa: S311  (the same past every time)
    return where


def months(db):
    with closing(Repository.open(db, read_only=True)) as repository:
        return [row["month"] for row in repository._db.rows("SELECT month FROM month_sums WHERE sums IS NOT NULL")]


def report(db):
    with closing(Repository.open(db, read_only=True)) as repository:
        return HistoryQueries(repository.archive, NOW).provider_reports(PROVIDER, TimeWindow(START, NOW))


def test_the_settled_months_are_stored_and_then_nothing_is_due(db):
    assert store_due_months(db, [PROVIDER], NOW) > 0
    assert sorted(months(db)) == [f"2025-{month}" for month in (10, 11, 12)] + [
        f"2026-0{month}" for month in range(1, 6)
    ]
    assert store_due_months(db, [PROVIDER], NOW) == 0


def test_a_reader_without_stored_months_says_the_same(db):
    before = report(db)
    store_due_months(db, [PROVIDER], NOW)
    assert report(db) == before


def test_only_the_months_around_a_late_change_are_stored_again(db):
    store_due_months(db, [PROVIDER], NOW)
    with closing(Repository.open(db)) as repository:
        random_history.write_poll(repository._db, START + timedelta(days=20), START + timedelta(days=20))
    assert "2026-03" in months(db)
    assert 0 < store_due_months(db, [PROVIDER], NOW) < 5


def test_months_of_a_provider_whose_components_change_are_stored_again(db):
    store_due_months(db, [PROVIDER], NOW)
    renamed = replace(PROVIDER, surfaces=(replace(SURFACES[0], components=("c-new",)), *SURFACES[1:]))
    assert store_due_months(db, [renamed], NOW) > 0


@pytest.mark.anyio
async def test_the_job_stores_what_is_due(db):
    await MonthSumsJob(db, [PROVIDER], lambda: NOW).store_due_months()
    assert months(db)
