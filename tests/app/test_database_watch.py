"""The database file deleted or replaced under the bot: noticed at the next tick, and said once."""

import logging
from contextlib import closing

import pytest

from bot.app.database_watch import DatabaseWatch
from bot.storage import Repository
from tests.support.acme import Clock


@pytest.fixture
def repository(tmp_path):
    with closing(Repository.open(tmp_path / "b.db", alone=True)) as opened:
        yield opened


@pytest.fixture
def watch(repository):
    return DatabaseWatch(repository, lambda: ["U9"], Clock())


def test_a_file_that_stays_is_not_mentioned(watch, caplog):
    assert (watch(), watch(), caplog.messages) == (False, False, [])


def test_a_deleted_file_is_said_once_to_the_operator_and_in_the_log(watch, repository, caplog):
    repository.path.unlink()
    assert (watch(), watch()) == (True, False)
    assert [r.levelno for r in caplog.records] == [logging.ERROR]
    assert "deleted or moved away" in repository.next_pending("U9").post.about.said.text


def test_a_replaced_file_is_another_problem(watch, repository, tmp_path, caplog):
    (tmp_path / "other.db").write_bytes(repository.path.read_bytes())
    (tmp_path / "other.db").rename(repository.path)
    watch()
    assert "replaced by another file" in caplog.text


def test_a_file_that_is_put_back_is_well_again(watch, repository, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    repository.path.rename(tmp_path / "moved.db")
    watch()
    (tmp_path / "moved.db").rename(repository.path)
    assert (watch(), repository.file_problem()) == (False, "")
    assert "is back" in caplog.text
