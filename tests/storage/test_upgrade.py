"""A database of an older version: what an upgrade would change, and the copy that is made before."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from bot.errors import StoreError
from bot.storage import Repository, upgrade
from tests.support.acme import NOON

OLD_SQL = Path(__file__).with_name("golden") / "v0.1.0-mid-incident.sql"


@pytest.fixture
def old(tmp_path):
    """A database as version 0.1.0 left it in the middle of an incident."""
    path = tmp_path / "b.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(OLD_SQL.read_text(encoding="utf-8"))
    return path


def copies(path):
    return sorted(path.parent.glob("b-before-upgrade-*.db"))


def test_an_old_database_has_steps_to_come_each_with_its_purpose(old):
    steps = {step.name: step.purpose for step in upgrade.pending_steps(old)}
    assert steps["views_for_readers"].startswith("Views of what people ask")


def test_looking_at_the_steps_changes_nothing(old):
    before = old.read_bytes()
    upgrade.pending_steps(old)
    assert old.read_bytes() == before


def test_a_database_of_this_version_has_none(tmp_path):
    Repository.open(tmp_path / "new.db").close()
    assert upgrade.pending_steps(tmp_path / "new.db") == ()


@pytest.mark.parametrize("content", [None, b""])
def test_a_database_that_is_still_to_be_made_has_none(tmp_path, content):
    if content is not None:
        (tmp_path / "new.db").write_bytes(content)
    assert upgrade.pending_steps(tmp_path / "new.db") == ()


def test_something_else_is_refused(tmp_path):
    (tmp_path / "b.db").write_bytes(b"not a database, but long enough to be taken for one" * 100)
    with pytest.raises(StoreError, match="not a database"):
        upgrade.pending_steps(tmp_path / "b.db")


def test_the_copy_is_the_database_as_it_was(old):
    copy = upgrade.back_up_before_upgrade(old, NOON)
    Repository.open(old).close()
    assert upgrade.pending_steps(copy) != upgrade.pending_steps(old) == ()


def test_the_copy_is_named_by_the_time(old):
    assert upgrade.back_up_before_upgrade(old, NOON).name == "b-before-upgrade-20260302T120000Z.db"


def test_without_an_upgrade_there_is_no_copy(tmp_path):
    Repository.open(tmp_path / "b.db").close()
    assert (upgrade.back_up_before_upgrade(tmp_path / "b.db", NOON), copies(tmp_path / "b.db")) == (None, [])


def test_the_newest_two_copies_are_kept(old):
    for days in range(4):
        upgrade.back_up_before_upgrade(old, NOON + timedelta(days=days))
    assert [copy.name[17:25] for copy in copies(old)] == ["20260304", "20260305"]


def test_a_copy_that_fails_stops_the_upgrade_and_says_what_to_do(old):
    (old.parent / "b-before-upgrade-20260302T120000Z.db").write_bytes(b"taken")
    with pytest.raises(StoreError, match="--no-backup"):
        upgrade.back_up_before_upgrade(old, NOON)


def test_a_process_that_was_ended_before_the_file_was_in_wal_mode_does_not_stop_the_next_start(old, tmp_path):
    left = tmp_path / "left" / "b.db"
    left.parent.mkdir()
    with closing(sqlite3.connect(old, isolation_level=None)) as connection:
        connection.executescript("PRAGMA cache_size = 1; BEGIN EXCLUSIVE; CREATE TABLE junk (x)")
        connection.executemany("INSERT INTO junk VALUES (?)", [("x" * 4000,)] * 100)
        for file in (old, Path(f"{old}-journal")):
            (left.parent / file.name).write_bytes(file.read_bytes())
    copy = upgrade.back_up_before_upgrade(left, NOON)
    Repository.open(left).close()
    assert (copy.is_file(), upgrade.pending_steps(left)) == (True, ())
