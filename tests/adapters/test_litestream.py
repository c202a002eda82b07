"""The replica with the real Litestream: commits come back, failures are said once, and nothing outlives its time."""

import asyncio
import json
import logging
import os
import shutil
import signal
from contextlib import asynccontextmanager, closing, suppress

import pytest

from bot.adapters import litestream
from bot.adapters.litestream import LitestreamReplica, child_environment, parse_log_line
from bot.domain import Subscription
from bot.errors import StoreError
from bot.storage import Repository, backup
from tests.support.acme import NOON, has_litestream

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not has_litestream(), reason="Litestream is not installed (the extra [replica])"),
]


@pytest.fixture
def db(tmp_path):
    (tmp_path / "disk").mkdir()
    return tmp_path / "disk" / "b.db"


@pytest.fixture
def copy(db, tmp_path):
    return LitestreamReplica(db, f"file://{tmp_path}/replica", environment=os.environ)


@asynccontextmanager
async def kept(copy):
    """While it is entered, a replica is kept."""
    task = asyncio.create_task(copy.run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def subscribe(store, *channels):
    for channel in channels:
        store.subscribe(Subscription(channel, "acme", created_at=NOON))


def channels(path):
    with closing(Repository.open(path)) as store:
        return [s.channel for s in store.subscriptions()]


async def until(holds):
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110  (another process makes it so)
            await asyncio.sleep(0.02)


def pid(db):
    file = db.with_name("b.db-replica")
    return int(file.read_text() or 0) if file.exists() else 0


def files(folder):
    return {*folder.glob("replica/**/*.ltx")}


def lives(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


async def test_what_was_committed_comes_back_when_the_disk_is_gone(copy, db, tmp_path):
    with closing(Repository.open(db)) as store:
        async with kept(copy):
            await until(lambda: pid(db))
            subscribe(store, "C1", "C2")
            await until((tmp_path / "replica").exists)
    assert copy.restore(tmp_path / "back.db")
    assert channels(tmp_path / "back.db") == ["C1", "C2"]


async def test_it_ends_with_the_bot(copy, db):
    with closing(Repository.open(db)):
        async with kept(copy):
            await until(lambda: pid(db))
            number = pid(db)
        assert not lives(number)


async def test_it_is_started_again_when_it_dies(copy, db, caplog):
    copy.waits_s = (0.01,)
    with closing(Repository.open(db)):
        async with kept(copy):
            await until(lambda: pid(db))
            first = pid(db)
            os.kill(first, signal.SIGKILL)
            await until(lambda: pid(db) not in (0, first))
    assert [r.message for r in caplog.records if r.levelname == "ERROR"] == [
        "replication is interrupted: Litestream ended with code -9; restarting it"
    ]


async def test_one_that_outlived_its_bot_is_ended_by_the_next(copy, db):
    with closing(Repository.open(db)), litestream._exclusive_lock(db) as lock:
        orphan = await asyncio.create_subprocess_exec("sleep", "60", pass_fds=(lock,))
        os.pwrite(lock, str(orphan.pid).encode(), 0)
    async with kept(copy):
        await until(lambda: pid(db) not in (0, orphan.pid))
    assert await orphan.wait() == -signal.SIGKILL


async def test_one_that_nobody_knows_is_not_killed_but_named(copy, db, caplog):
    with closing(Repository.open(db)), litestream._exclusive_lock(db) as lock:
        orphan = await asyncio.create_subprocess_exec("sleep", "60", pass_fds=(lock,))
    async with kept(copy):
        await until(lambda: caplog.records)
    assert "end it by hand" in caplog.records[0].message
    assert orphan.returncode is None
    orphan.kill()
    await orphan.wait()


async def test_a_bot_goes_on_from_what_came_back(copy, db, tmp_path):
    for number in range(3):
        with closing(Repository.open(db)) as store:
            subscribe(store, f"C{number}")
            before = files(tmp_path)
            async with kept(copy):
                await until(lambda before=before: files(tmp_path) - before)
        shutil.rmtree(db.parent)
        db.parent.mkdir()
        assert copy.restore(db)
    assert channels(db) == ["C0", "C1", "C2"]


async def test_after_a_restore_from_a_backup_the_replica_follows(copy, db, tmp_path):
    async def live(*more):
        with closing(Repository.open(db)) as store:
            before = files(tmp_path)
            async with kept(copy):
                subscribe(store, *more)
                await until(lambda: files(tmp_path) - before)

    await live("C1")
    backup.copy_database(db, tmp_path / "backup.db")
    await live("C2")
    backup.restore(db, tmp_path / "backup.db", NOON)
    await live("C3")
    assert copy.restore(tmp_path / "back.db")
    assert channels(tmp_path / "back.db") == ["C1", "C3"]


def test_a_replica_that_holds_nothing_is_no_error(copy, tmp_path):
    assert copy.restore(tmp_path / "back.db") is False


def test_a_replica_that_can_not_be_read_is_an_error(copy, tmp_path):
    (tmp_path / "replica").mkdir()
    (tmp_path / "replica" / "ltx").write_text("in the way")
    with pytest.raises(StoreError, match=r"replica can't be read: .*not a directory"):
        copy.restore(tmp_path / "back.db")


@pytest.mark.parametrize("name", ["a $HOME: 'b'.db", 'q"uote.db', "ü.db"])
async def test_a_path_is_taken_as_it_is(tmp_path, name):
    copy = LitestreamReplica(tmp_path / name, f"file://{tmp_path}/replica", environment=os.environ)
    with closing(Repository.open(tmp_path / name)):
        async with kept(copy):
            await until((tmp_path / "replica" / "ltx" / "0").exists)
    assert copy.restore(tmp_path / "back.db")


def test_it_is_told_its_credentials_and_no_token_of_slack():
    told = child_environment({"AWS_ACCESS_KEY_ID": "k", "SLACK_BOT_TOKEN": "xoxb-1", "HOME": "/", "GITHUB_TOKEN": "g"})
    assert told == {"AWS_ACCESS_KEY_ID": "k", "HOME": "/"}


def test_a_bundle_of_certificates_is_handed_on_under_the_name_that_works():
    assert child_environment({"AWS_CA_BUNDLE": "/ca.pem"}) == {"SSL_CERT_FILE": "/ca.pem"}


def test_its_errors_are_ours_without_the_numbers_of_single_requests():
    said = {"level": "error", "msg": "sync error", "error": "S3: Put, RequestID: x1, HostID: y2, NoSuchBucket: gone"}
    assert parse_log_line(json.dumps(said).encode()) == (logging.ERROR, "sync error: S3: Put, NoSuchBucket: gone")


@pytest.mark.parametrize("line", [b"Error: no", b"Error: \xff", b'{"level": 3}', b"[]", b"{"])
def test_whatever_it_says_is_handed_on(line):
    assert parse_log_line(line)[0] in (logging.ERROR, logging.INFO)
