"""Looks that change nothing are written together, and what is asked meanwhile knows of them."""

from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain import Observation
from bot.rules.transition import StateTransition
from bot.storage import Repository
from tests.support.acme import NOON, poll_page
from tests.support.pages import DOWN, page
from tests.support.stores import ask, place


@pytest.fixture
def path(tmp_path):
    return place(tmp_path / "brownout.db")


@pytest.fixture
def store(path):
    opened = Repository.open(path)
    change = poll_page(None, page(), NOON)
    opened.record_transition(Observation("acme", NOON, "changed", body=page()), change, [])
    yield opened
    opened.close()


def after(seconds):
    return NOON + timedelta(seconds=seconds)


def nothing_new(store, seconds):
    """A poll that shows a calm world what the poll before showed."""
    world = store.provider_state("acme")
    store.record_transition(
        Observation("acme", after(seconds), "same", took_s=0.1),
        StateTransition(after(seconds), world, replace(world, seen_at=after(seconds)), ()),
        [],
    )


def written(path):
    return ask(path, "SELECT outcome, looks, last_at FROM observations ORDER BY id")


def test_a_poll_that_changes_nothing_waits(store, path):
    nothing_new(store, 1)
    assert written(path) == [("changed", 1, "2026-03-02T12:00:00.000Z")]


def test_looks_that_waited_share_a_row_once_they_are_written(store, path):
    for seconds in (1, 2, 3):
        nothing_new(store, seconds)
    store.flush()
    nothing_new(store, 4)
    store.flush()
    assert written(path)[1:] == [("same", 4, "2026-03-02T12:00:04.000Z")]


def test_no_look_waits_longer_than_a_quarter_of_a_minute(store, path):
    for seconds in (1, 8, 15, 16):
        nothing_new(store, seconds)
    assert written(path)[1:] == [("same", 4, "2026-03-02T12:00:16.000Z")]


def test_looks_that_wait_are_written_before_a_poll_that_changes_something(store, path):
    nothing_new(store, 1)
    store.record_transition(
        Observation("acme", after(2), "changed", body=DOWN), poll_page(store.provider_state("acme"), DOWN, after(2)), []
    )
    assert [outcome for outcome, *_ in written(path)] == ["changed", "same", "changed"]


def test_looks_that_wait_are_written_at_the_end(store, path):
    nothing_new(store, 1)
    store.close()
    assert [looks for _, looks, _ in written(path)] == [1, 1]


def test_whoever_asks_the_store_knows_of_polls_that_wait(store):
    nothing_new(store, 9)
    assert (store.provider_state("acme").seen_at, store.last_polled_at("acme")) == (after(9), after(9))


def test_another_process_reads_when_the_page_was_seen_once_it_is_written(store, path):
    nothing_new(store, 9)
    store.flush()
    with closing(Repository.open(path, read_only=True)) as reader:
        assert reader.provider_state("acme").seen_at == after(9)
