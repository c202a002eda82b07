"""Reports from stored months say the same as reports from the records, whatever changed and wherever a window is cut."""

from contextlib import suppress
from dataclasses import fields, replace
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot.app.month_sums import store_months
from bot.domain.reliability import TimeWindow
from bot.queries.history import HistoryQueries
from bot.storage import Repository
from tests.support import random_history
from tests.support.polls import ACME
from tests.support.random_history import NOW, START, SURFACES
from tests.support.stores import place

PROVIDER = replace(ACME, surfaces=SURFACES)
YOUNG = replace(
    PROVIDER,
    surfaces=(
        *SURFACES[:2],
        replace(SURFACES[2], since=datetime(2026, 1, 17, 5, tzinfo=UTC), until=datetime(2026, 5, 20, tzinfo=UTC)),
        replace(SURFACES[3], since=datetime(2026, 2, 1, tzinfo=UTC)),
    ),
)


class DiscardedError(Exception):
    """Ends a transaction without keeping it."""


def report(repository, provider, window):
    return HistoryQueries(repository.archive, NOW).provider_reports(provider, window)


def fresh_report(repository, provider, window):
    """The report as it is without stored months, which stay."""
    with suppress(DiscardedError), repository._db.transaction():
        repository._db.write("DELETE FROM month_sums")
        found = report(repository, provider, window)
        raise DiscardedError
    return found


def stored(repository):
    return [
        row["month"] for row in repository._db.rows("SELECT month FROM month_sums WHERE sums <> 'null' ORDER BY month")
    ]


def windows(dice):
    """The whole past, whole months, and what is cut anywhere."""
    yield TimeWindow(START, NOW)
    yield TimeWindow(datetime(2025, 12, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC))
    for _ in range(4):
        first, last = sorted((random_history.moment(dice), random_history.moment(dice)))
        yield TimeWindow(first, last)


def differences(repository, provider, dice):
    """Every cell in which a report with stored months differs from one without."""
    return [
        (window, ours.surface, cell.name, getattr(ours, cell.name), getattr(theirs, cell.name))
        for window in windows(dice)
        for ours, theirs in zip(
            report(repository, provider, window), fresh_report(repository, provider, window), strict=True
        )
        for cell in fields(ours)
        if getattr(ours, cell.name) != getattr(theirs, cell.name)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pasts")


@pytest.mark.parametrize("provider", [PROVIDER, YOUNG], ids=["all the time", "services that begin and end"])
@settings(
    max_examples=4,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 10**9))
def test_a_report_from_stored_months_is_that_from_the_records_also_after_late_changes(folder, provider, seed):
    dice = Random(seed)  # noqa: S311  (the same seed gives the same past)
    repository = Repository.open(place(folder / f"{provider is YOUNG}-{seed}.db"))
    try:
        random_history.write_past(repository, dice)
        store_months(repository, provider, NOW)
        assert differences(repository, provider, dice) == []
        for _ in range(4):
            edits = [random_history.edit(repository, dice) for _ in range(dice.randint(1, 3))]
            assert (edits, differences(repository, provider, dice)) == (edits, [])
            if dice.random() < 0.5:
                store_months(repository, provider, NOW)
                assert (edits, differences(repository, provider, dice)) == (edits, [])
    finally:
        repository.close()
        for file in folder.glob(f"*-{seed}.db*"):
            file.unlink()
