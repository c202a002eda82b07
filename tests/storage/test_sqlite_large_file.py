"""A database that is too large to be checked before the first polls: when it is checked, and by whom."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from bot.app.maintenance import DatabaseMaintenance
from bot.errors import StoreError
from bot.settings import StoreSettings
from bot.storage import Repository
from bot.storage.sqlite import CHECKED_AT_OPEN_BYTES
from tests.support.acme import NOON

pytestmark = [pytest.mark.anyio, pytest.mark.sqlite]


@pytest.fixture
def large(tmp_path):
    """A large database whose every page is sound."""
    path = tmp_path / "b.db"
    Repository.open(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "INSERT INTO bodies (hash, body, size) VALUES ('large', zeroblob(?), 1)",
            (CHECKED_AT_OPEN_BYTES + 1_000_000,),
        )
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture
def damaged(large):
    """A large database with a damaged page, that of the mutes, which no start reads."""
    with closing(sqlite3.connect(large)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'mutes'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with large.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    return large


def maintenance(path):
    return DatabaseMaintenance(path, StoreSettings(), lambda: NOON, checked_after_s=0)


async def test_a_bot_starts_on_it_without_a_check(damaged):
    Repository.open(damaged, alone=True).close()


async def test_another_process_checks_it_before_it_writes(damaged):
    with pytest.raises(StoreError, match="it is damaged: move it away and restore a backup"):
        Repository.open(damaged)


async def test_the_check_after_the_start_ends_the_bot_where_a_page_is_damaged(damaged):
    (check,) = maintenance(damaged).services()
    with pytest.raises(StoreError, match="it is damaged: move it away and restore a backup"):
        await check()


async def test_the_check_of_a_sound_one_leaves_the_bot_running(large):
    (check,) = maintenance(large).services()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(check(), 2)


async def test_a_small_one_needs_no_check_after_the_start(tmp_path):
    Repository.open(tmp_path / "b.db").close()
    assert list(maintenance(tmp_path / "b.db").services()) == []
