"""Another program that holds the write lock: a bot goes on at once, and writes when the lock is gone."""

import sqlite3
from contextlib import closing
from time import monotonic

import pytest

from bot.domain import Subscription
from bot.errors import StoreError
from bot.storage import Repository
from tests.support.acme import NOON

pytestmark = pytest.mark.sqlite

WISH = Subscription("C1", "acme", created_at=NOON)


@pytest.fixture
def repository(tmp_path):
    with closing(Repository.open(tmp_path / "b.db", alone=True)) as opened:
        yield opened


@pytest.fixture
def locked(repository):
    with closing(sqlite3.connect(repository.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


def refused(repository):
    """The seconds that a refused write takes."""
    begin = monotonic()
    with pytest.raises(StoreError, match="locked"):
        repository.subscribe(WISH)
    return monotonic() - begin


@pytest.mark.usefixtures("locked")
def test_a_bot_waits_a_quarter_of_a_second_once_and_then_not_again_for_a_while(repository):
    first, *others = [refused(repository) for _ in range(20)]
    assert first < 1
    assert sum(others) < 0.25


@pytest.mark.usefixtures("locked")
def test_a_bot_reads_while_it_can_not_write(repository):
    assert repository.subscriptions() == ()


def test_a_bot_writes_again_as_soon_as_the_lock_is_gone(repository, locked):
    refused(repository)
    locked.execute("ROLLBACK")
    repository.subscribe(WISH)
    assert repository.subscriptions() == (WISH,)
