"""Stored sums of months: read back as they were, thrown away where something changed, and in no export."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from bot.domain import Condition, Stage
from bot.domain.reliability import FigureSums, IncidentSums, MonthSums, OutageCount, TimeWindow
from bot.storage import Repository
from tests.support import random_history
from tests.support.stores import place

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
READS = TimeWindow(MARCH - timedelta(days=39), MARCH + timedelta(days=70))
FIGURES = FigureSums(
    dict.fromkeys(Condition, timedelta()) | {Condition.DEGRADED: timedelta(minutes=3, microseconds=1)},
    timedelta(seconds=5),
    OutageCount(2, None, timedelta(hours=3)),
    IncidentSums(4, 1, 2, (10, 20), {Stage.MONITORING: (7,)}, (1,), (3, 3), {"2026-03": 4}),
)
SUMS = MonthSums(FIGURES, {"acme-api": FIGURES}, ("acme-api",), (("i1", "i2"),))


def reserve(repository, process="t1"):
    repository.archive.reserve_months("acme", "b1", process, {"2026-03": READS})


@pytest.fixture
def stored(repository):
    reserve(repository)
    repository.archive.store_months("acme", "t1", {"2026-03": SUMS})
    return repository


def found(repository, basis="b1"):
    return repository.archive.month_sums("acme", basis, ["2026-02", "2026-03"])


def test_sums_are_read_as_they_were_stored(stored):
    assert found(stored) == {"2026-03": SUMS}


def test_sums_of_another_basis_are_not_read(stored):
    assert found(stored, "b2") == {}


def test_a_reserved_month_has_no_sums(repository):
    reserve(repository)
    assert (found(repository), repository.archive.finished_months("acme", "b1")) == ({}, frozenset())


def test_a_month_that_is_never_stored_is_finished(repository):
    reserve(repository)
    repository.archive.store_months("acme", "t1", {"2026-03": None})
    assert (found(repository), repository.archive.finished_months("acme", "b1")) == ({}, {"2026-03"})


def test_sums_are_thrown_away_where_a_record_changed_since_the_month_was_reserved(repository):
    reserve(repository)
    random_history.write_poll(repository._db, MARCH, MARCH + timedelta(hours=1))
    assert (repository.archive.store_months("acme", "t1", {"2026-03": SUMS}), found(repository)) == (0, {})


def test_sums_are_thrown_away_where_another_process_has_reserved_the_month(repository):
    reserve(repository)
    reserve(repository, "t2")
    assert (repository.archive.store_months("acme", "t1", {"2026-03": SUMS}), found(repository)) == (0, {})


@pytest.mark.parametrize("days", [-38, 0, 69])
def test_a_poll_of_the_time_that_a_month_depends_on_deletes_its_sums(stored, days):
    at = MARCH + timedelta(days=days)
    random_history.write_poll(stored._db, at, at)
    assert found(stored) == {}


@pytest.mark.parametrize("days", [-40, 71])
def test_a_poll_of_another_time_leaves_them(stored, days):
    at = MARCH + timedelta(days=days)
    random_history.write_poll(stored._db, at, at)
    assert found(stored) == {"2026-03": SUMS}


def test_a_status_that_ends_today_leaves_what_is_long_ago(repository):
    random_history.write_condition(repository._db, "acme-api", MARCH, None, Condition.OPERATIONAL)
    reserve(repository)
    repository.archive.store_months("acme", "t1", {"2026-03": SUMS})
    repository._db.write("UPDATE conditions SET until = '2026-12-01T00:00:00.000Z' WHERE until IS NULL")
    assert found(repository) == {"2026-03": SUMS}


def test_sums_are_in_no_export(stored):
    assert "month_sums" not in "".join(stored.archive.dump())


def test_a_copy_of_a_database_has_none_of_them(stored, tmp_path):
    random_history.write_past(stored, Random(1))  # noqa: S311  (the same past every time)
    reserve(stored)
    stored.archive.store_months("acme", "t1", {"2026-03": SUMS})
    copy = Repository.open(place(tmp_path / "copy.db"))
    stored.archive.copy_to(copy.archive, lambda _table, _rows: None)
    assert (found(copy), found(stored)) == ({}, {"2026-03": SUMS})
    copy.close()
