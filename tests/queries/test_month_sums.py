"""What is stored of a month: only what is settled, never where incidents lie at its border, and by one version of rules."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from random import Random

import pytest

from bot.app.month_sums import store_months
from bot.domain import Condition
from bot.queries.history import HistoryQueries
from bot.queries.month_sums import MonthComputation
from bot.rules.reliability import sums
from tests.support import random_history
from tests.support.polls import ACME
from tests.support.random_history import BORDERS, END, NOW, START, SURFACES

PROVIDER = replace(ACME, surfaces=SURFACES)


def due(repository, now=NOW):
    return list(MonthComputation(HistoryQueries(repository.archive, now), PROVIDER).due_months())


@pytest.fixture
def polled(repository):
    """Polls all the time, which saw one surface operational."""
    random_history.write_poll(repository._db, START, END)
    random_history.write_condition(repository._db, "acme-web", START, None, Condition.OPERATIONAL)
    return repository


def test_nothing_is_due_where_nothing_is_known(repository):
    assert due(repository) == []


def test_a_month_is_due_when_it_has_been_over_for_39_days(polled):
    march = BORDERS[3]
    assert due(polled, march + timedelta(days=38))[-1] == "2026-02"
    assert due(polled, march + timedelta(days=39))[-1] == "2026-03"


def test_all_months_are_stored_again_when_a_surface_becomes_known(polled):
    store_months(polled, PROVIDER, NOW)
    assert due(polled) == []
    random_history.write_condition(polled._db, "acme-api", END - timedelta(days=1), None, Condition.OPERATIONAL)
    assert (store_months(polled, PROVIDER, NOW), due(polled)) == (8, [])


def test_a_month_with_posts_on_both_sides_of_its_border_is_never_stored(polled):
    for number, minutes in enumerate((-5, 5)):
        random_history.write_incident(polled._db, Random(1), f"i{number}")  # noqa: S311  (the same every time)
        at = random_history.format_time(BORDERS[2] + timedelta(minutes=minutes))
        polled._db.write("UPDATE incidents SET posted_at = ? WHERE id = ?", at, f"i{number}")
    store_months(polled, PROVIDER, NOW)
    rows = polled._db.rows("SELECT month FROM month_sums WHERE sums = 'null'")
    assert {row["month"] for row in rows} == {"2026-02", "2026-03"}


def test_rules_that_give_other_sums_have_another_version(repository):
    """Where this fails because a rule has changed, raise ``VERSION`` in bot/rules/reliability/sums.py, and write both."""
    random_history.write_past(repository, Random(7))  # noqa: S311  (the same past every time)
    store_months(repository, PROVIDER, NOW)
    rows = repository._db.rows("SELECT month, sums FROM month_sums ORDER BY month")
    digest = sha256("".join(row["month"] + (row["sums"] or "") for row in rows).encode()).hexdigest()[:12]
    assert (sums.VERSION, digest) == (2, "3508e799bda1")
