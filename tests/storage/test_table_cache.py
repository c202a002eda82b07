"""What is kept of a table is read again after any change of it, by whomever."""

from contextlib import suppress

import pytest

from bot.domain import Subscription
from bot.errors import StoreError
from tests.support.acme import NOON
from tests.support.stores import ask


def subscribed(repository):
    return [s.channel for s in repository.subscriptions()]


@pytest.mark.sqlite
def test_it_is_read_once_while_nothing_changes(repository):
    repository.subscribe(Subscription("C1", "acme", created_at=NOON))
    repository.subscriptions()
    asked = []
    repository._db._connection.set_trace_callback(asked.append)
    repository.subscriptions()
    assert not [sql for sql in asked if "subscriptions" in sql]


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "change",
    [
        "REPLACE INTO subscriptions SELECT 'C2', target, minimum, created_by, created_at, mention FROM subscriptions",
        "UPDATE OR IGNORE subscriptions SET channel = 'C2'",
        "DELETE FROM subscriptions",
        "WITH gone AS (SELECT 'C1' AS c) DELETE FROM subscriptions WHERE channel IN gone",
    ],
)
def test_it_is_read_again_after_a_statement_of_its_own_connection(repository, change):
    repository.subscribe(Subscription("C1", "acme", created_at=NOON))
    before = subscribed(repository)
    with suppress(StoreError):
        repository._db.write(change)
    assert subscribed(repository) != before


def test_it_is_read_again_after_another_program_has_written(repository):
    repository.subscribe(Subscription("C1", "acme", created_at=NOON))
    before = subscribed(repository)
    ask(repository.path, "DELETE FROM subscriptions")
    assert (before, subscribed(repository)) == (["C1"], [])


def test_what_was_read_in_a_transaction_that_is_taken_back_is_forgotten(repository):
    with suppress(RuntimeError), repository._db.transaction():
        repository.subscribe(Subscription("C1", "acme", created_at=NOON))
        repository.subscriptions()
        raise RuntimeError
    assert subscribed(repository) == []


def test_subscriptions_to_some_targets_are_those_in_the_order_of_all(repository):
    for channel, target in (("C2", "acme"), ("C1", "acme-api"), ("C1", "acme"), ("C1", "github")):
        repository.subscribe(Subscription(channel, target, created_at=NOON))
    found = repository.subscriptions_to(["acme-api", "acme", "nobody"])
    assert found == tuple(s for s in repository.subscriptions() if s.target != "github")
