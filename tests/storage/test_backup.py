"""The care of a database file: backups that are whole or not there, verdicts, and a restore that deletes nothing."""

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing, contextmanager
from datetime import timedelta

import pytest

from bot.domain import Observation, Subscription
from bot.errors import StoreError
from bot.storage import Repository, backup, retention
from tests.support.acme import NOON, poll_page
from tests.support.pages import DOWN, page

pytestmark = pytest.mark.sqlite

TOMORROW = NOON + timedelta(days=1)


def live(store, *bodies, at=NOON):
    """Records a poll of each body, a minute apart."""
    world = store.provider_state("acme")
    for number, body in enumerate(bodies):
        change = poll_page(world, body, at + timedelta(minutes=number))
        store.record_transition(Observation("acme", change.at, "changed", body=body), change, [])
        world = change.state


@pytest.fixture
def db(tmp_path):
    """A database in which the API has gone down."""
    path = tmp_path / "b.db"
    with closing(Repository.open(path)) as store:
        live(store, page(), DOWN)
    return path


@contextmanager
def changed(path, script):
    """A database as another program has left it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    yield path


def damage(path):
    """Overwrites half of the pages, as a bad disk does; the first ones, with the names of the tables, stay."""
    whole = path.read_bytes()
    start, end = (len(whole) * part // 4 // 4096 * 4096 for part in (1, 3))
    path.write_bytes(whole[:start] + os.urandom(end - start) + whole[end:])


def events(path):
    with closing(Repository.open(path, read_only=True)) as store:
        return store.latest_event_id()


def leftovers(folder):
    return sorted(p.name for p in folder.iterdir() if "partial" in p.name)


# --- backup -----------------------------------------------------------------------------------------------------------


def test_a_backup_is_the_database_as_it_was(db, tmp_path):
    backup.copy_database(db, tmp_path / "copy.db")
    assert events(tmp_path / "copy.db") == events(db)


def test_a_backup_is_made_while_the_bot_writes(db, tmp_path):
    with closing(Repository.open(db, alone=True)) as store:
        backup.copy_database(db, tmp_path / "copy.db")
        live(store, page())
    assert backup.verify(tmp_path / "copy.db").wrong == ()


def test_a_backup_has_what_stands_in_the_log_only(db, tmp_path):
    with closing(Repository.open(db)) as store:
        store.subscribe(Subscription("C1", "acme", created_at=NOON))
        backup.copy_database(db, tmp_path / "copy.db")
    with closing(Repository.open(tmp_path / "copy.db", read_only=True)) as copied:
        assert copied.subscriptions()[0].channel == "C1"


def test_a_backup_is_one_file_beside_which_nothing_is_needed(db, tmp_path):
    (tmp_path / "to").mkdir()
    backup.verify(backup.copy_database(db, tmp_path / "to" / "copy.db").path)
    assert [p.name for p in (tmp_path / "to").iterdir()] == ["copy.db"]


def test_a_backup_overwrites_nothing(db, tmp_path):
    (tmp_path / "copy.db").write_text("mine")
    with pytest.raises(StoreError, match="already exists"):
        backup.copy_database(db, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "mine"


@pytest.mark.parametrize("name", ["b.db", "link.db"])
def test_a_database_is_not_backed_up_over_itself(db, tmp_path, name):
    (tmp_path / "link.db").symlink_to(db)
    with pytest.raises(StoreError, match="already exists"):
        backup.copy_database(db, tmp_path / name)
    assert backup.verify(db).wrong == ()


def test_a_name_that_points_nowhere_is_not_written_through(db, tmp_path):
    (tmp_path / "link.db").symlink_to(tmp_path / "elsewhere.db")
    with pytest.raises(StoreError, match="already exists"):
        backup.copy_database(db, tmp_path / "link.db")
    assert not (tmp_path / "elsewhere.db").exists()


def test_of_a_link_to_a_database_the_database_is_backed_up(db, tmp_path):
    (tmp_path / "link.db").symlink_to(db)
    assert backup.copy_database(tmp_path / "link.db", tmp_path / "copy.db").rows["events"] > 0


def test_a_damaged_database_is_not_called_backed_up(db, tmp_path):
    damage(db)
    with pytest.raises(StoreError):
        backup.copy_database(db, tmp_path / "copy.db")
    assert (leftovers(tmp_path), (tmp_path / "copy.db").exists()) == ([], False)


def test_a_folder_that_is_missing_is_made(db, tmp_path):
    backup.copy_database(db, tmp_path / "new" / "copy.db")
    assert (tmp_path / "new" / "copy.db").is_file()


def test_a_folder_that_is_a_file_is_said(db, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file"):
        backup.create_backup(db, tmp_path / "file", NOON, keep=7)


def test_there_is_nothing_to_back_up_where_nothing_is(tmp_path):
    with pytest.raises(StoreError, match="not found"):
        backup.copy_database(tmp_path / "none.db", tmp_path / "copy.db")


def test_what_is_not_ours_is_not_backed_up(tmp_path):
    with (
        changed(tmp_path / "theirs.db", "CREATE TABLE t (c)"),
        pytest.raises(StoreError, match="holds something else"),
    ):
        backup.copy_database(tmp_path / "theirs.db", tmp_path / "copy.db")


def test_a_full_disk_leaves_no_half_of_a_backup(db, tmp_path):
    script = (
        "import resource, signal, sys; from pathlib import Path; from bot.storage import backup;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (65536, resource.RLIM_INFINITY));"
        "backup.copy_database(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    told = subprocess.run(  # noqa: S603, PLW1510
        [sys.executable, "-c", script, str(db), str(tmp_path / "copy.db")], capture_output=True, text=True
    )
    assert "no copy of" in told.stderr
    assert (leftovers(tmp_path), (tmp_path / "copy.db").exists()) == ([], False)


def test_a_backup_that_is_called_off_leaves_nothing(db, tmp_path):
    leash = backup.CancelToken()
    leash.cancel()
    with pytest.raises(StoreError, match="interrupted"):
        backup.copy_database(db, tmp_path / "copy.db", leash)
    assert leftovers(tmp_path) == []


def test_a_backup_under_way_is_called_off_from_another_thread(db, tmp_path):
    with changed(db, "CREATE TABLE _big AS WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n"
                     " WHERE i < 60000) SELECT i, randomblob(1000) FROM n"):  # fmt: skip
        leash = backup.CancelToken()
        timer = threading.Timer(0.02, leash.cancel)
        timer.start()
        with pytest.raises(StoreError, match="interrupted"):
            backup.copy_database(db, tmp_path / "copy.db", leash)
        timer.join()
    assert leftovers(tmp_path) == []


def test_a_timed_backup_is_named_with_its_time(db, tmp_path):
    assert (
        backup.create_backup(db, tmp_path / "to", NOON, keep=7).health.path == tmp_path / "to" / "b-20260302T120000Z.db"
    )


def test_the_newest_backups_are_kept(db, tmp_path):
    for day in range(4):
        made = backup.create_backup(db, tmp_path, NOON + timedelta(days=day), keep=2)
    assert [at.day for _, at in backup.list_backups(db, tmp_path)] == [4, 5]
    assert [p.name for p in made.dropped] == ["b-20260303T120000Z.db"]


def test_a_clock_that_was_wrong_does_not_cost_the_backup_that_was_just_made(db, tmp_path):
    backup.create_backup(db, tmp_path, NOON + timedelta(days=400), keep=1)
    made = backup.create_backup(db, tmp_path, NOON, keep=1)
    assert made.health.path.exists()


def test_only_timed_backups_of_this_database_make_room(db, tmp_path):
    others = ["b-mine.db", "c-20200101T000000Z.db", "b-20200101T000000Z.db.gz"]
    for name in others:
        (tmp_path / name).write_text("")
    backup.create_backup(db, tmp_path, NOON, keep=1)
    assert all((tmp_path / name).exists() for name in others)


def test_what_a_killed_backup_left_is_swept_up_after_a_day(db, tmp_path):
    old, new = tmp_path / ".b-x.partial", tmp_path / ".b-y.partial"
    for file, age in ((old, 25), (new, 1)):
        file.write_text("")
        at = (NOON - timedelta(hours=age)).timestamp()
        os.utime(file, (at, at))
    backup.create_backup(db, tmp_path, NOON, keep=1)
    assert (old.exists(), new.exists()) == (False, True)


def test_a_backup_may_be_read_by_whom_the_database_may_be_read(db, tmp_path):
    db.chmod(0o640)
    assert backup.copy_database(db, tmp_path / "copy.db").path.stat().st_mode & 0o777 == 0o640


# --- verify -----------------------------------------------------------------------------------------------------------


def test_a_sound_database_says_what_is_in_it(db):
    found = backup.verify(db)
    assert (found.wrong, found.missing, found.rows["incidents"]) == ((), (), 1)
    assert found.newest == NOON + timedelta(minutes=1)


def test_damage_is_told(db):
    with closing(Repository.open(db)) as store:
        live(store, *[page(), DOWN] * 30, at=TOMORROW)
    damage(db)
    assert backup.verify(db).wrong


def test_a_row_that_refers_to_nothing_is_told(db):
    with changed(db, "PRAGMA foreign_keys = OFF; DELETE FROM bodies"):
        assert "refers to nothing" in backup.verify(db).wrong[0]


def test_a_newer_database_is_named_as_such(db):
    with (
        changed(db, "INSERT INTO _sqlite_migrations VALUES (999, 'brownout', 'from_the_future', '2030')"),
        pytest.raises(StoreError, match="newer Brownout"),
    ):
        backup.verify(db)


def test_what_an_older_database_misses_is_told(db):
    with changed(db, "DELETE FROM _sqlite_migrations WHERE id = (SELECT max(id) FROM _sqlite_migrations)"):
        assert len(backup.verify(db).missing) == 1


# --- restore ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def saved(db, tmp_path):
    """A backup; the database has gone on since."""
    backup.copy_database(db, tmp_path / "saved.db")
    with closing(Repository.open(db)) as store:
        store.subscribe(Subscription("C9", "acme", created_at=NOON))
    return tmp_path / "saved.db"


def channels(path):
    with closing(Repository.open(path, read_only=True)) as store:
        return [s.channel for s in store.subscriptions()]


def test_a_restored_database_is_as_the_backup_was(db, saved):
    backup.restore(db, saved, TOMORROW)
    assert channels(db) == []


def test_what_was_there_before_is_put_aside(db, saved):
    _, aside = backup.restore(db, saved, TOMORROW)
    assert channels(aside) == ["C9"]


def test_what_was_there_before_is_put_aside_whole_after_a_crash(db, saved):
    """Its newest commits stand in the log, since nobody closed it."""
    script = (
        "import os, sys; from bot.storage import Repository; from tests.support.acme import NOON; from bot.domain import *;"
        "Repository.open(sys.argv[1]).subscribe(Subscription('C10', 'acme', created_at=NOON)); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", script, str(db)], check=False)  # noqa: S603
    assert db.with_name("b.db-wal").stat().st_size
    _, aside = backup.restore(db, saved, TOMORROW)
    assert (channels(aside), channels(db)) == (["C10", "C9"], [])


def test_a_damaged_database_is_put_aside_too(db, saved):
    damage(db)
    broken = db.read_bytes()
    _, aside = backup.restore(db, saved, TOMORROW)
    assert (aside.read_bytes() == broken, backup.verify(db).wrong) == (True, ())


def test_a_deleted_database_is_restored(db, saved):
    db.unlink()
    assert backup.restore(db, saved, TOMORROW)[1] is None
    assert channels(db) == []


def test_a_restore_is_refused_while_a_bot_runs(db, saved):
    with closing(Repository.open(db, alone=True)), pytest.raises(StoreError, match="is in use by another Brownout"):
        backup.restore(db, saved, TOMORROW)
    assert channels(db) == ["C9"]


def test_a_damaged_backup_is_refused(db, saved):
    damage(saved)
    with pytest.raises(StoreError):
        backup.restore(db, saved, TOMORROW)
    assert (channels(db), leftovers(db.parent)) == (["C9"], [])


@pytest.mark.parametrize("name", ["b.db", "link.db"])
def test_a_database_is_not_restored_from_itself(db, tmp_path, name):
    (tmp_path / "link.db").symlink_to(db)
    with pytest.raises(StoreError, match="is the database itself"):
        backup.restore(db, tmp_path / name, TOMORROW)


def test_through_a_link_the_database_is_replaced_and_not_the_link(db, saved, tmp_path):
    (tmp_path / "link.db").symlink_to(db)
    backup.restore(tmp_path / "link.db", saved, TOMORROW)
    assert ((tmp_path / "link.db").is_symlink(), channels(db)) == (True, [])


def test_two_restores_in_a_second_lose_nothing(db, saved):
    backup.restore(db, saved, TOMORROW)
    with pytest.raises(StoreError, match="already exists"):
        backup.restore(db, saved, TOMORROW)
    assert (channels(db), leftovers(db.parent)) == ([], [])


# --- vacuum and retention ---------------------------------------------------------------------------------------------


def test_a_vacuum_is_refused_while_a_bot_runs(db):
    with closing(Repository.open(db, alone=True)), pytest.raises(StoreError, match="Stop it first"):
        backup.vacuum(db)


def test_a_vacuum_keeps_every_event(db):
    before = events(db)
    backup.vacuum(db)
    assert events(db) == before


@pytest.fixture
def aged(db):
    """A database with bodies of noon, of noon plus a minute, and of a day later."""
    with closing(Repository.open(db)) as store:
        live(store, page(web="degraded_performance"), at=TOMORROW)
    return db


def bodies(path):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT count(*) FROM bodies").fetchone()[0]


def test_old_bodies_go_and_events_stay(aged):
    before = events(aged)
    gone = retention.prune_bodies(aged, NOON + timedelta(minutes=1))
    assert (gone.bodies, gone.of, bodies(aged), events(aged)) == (1, 3, 2, before)


def test_the_last_body_of_a_source_stays_whatever_its_age(aged):
    retention.prune_bodies(aged, TOMORROW + timedelta(days=999))
    assert bodies(aged) == 1


def test_a_dry_run_says_the_same_and_changes_nothing(aged):
    would = retention.prune_bodies(aged, NOON + timedelta(hours=1), dry_run=True)
    assert (would.bodies, bodies(aged)) == (2, 3)
    assert retention.prune_bodies(aged, NOON + timedelta(hours=1)) == would


def compressed(path):
    with closing(sqlite3.connect(path)) as connection:
        return [size for (size,) in connection.execute("SELECT length(body) FROM bodies")]


def test_the_oldest_bodies_go_until_the_others_fit(aged):
    sizes = compressed(aged)
    gone = retention.prune_bodies(aged, None, max_bytes=sum(sizes) - 1)
    assert (gone.bodies, gone.of, bodies(aged)) == (1, 3, 2)


def test_where_all_fit_none_goes(aged):
    assert retention.prune_bodies(aged, None, max_bytes=sum(compressed(aged))).bodies == 0


def test_the_last_body_of_a_source_stays_whatever_its_size(aged):
    retention.prune_bodies(aged, None, max_bytes=1)
    assert bodies(aged) == 1


def test_the_stricter_of_age_and_size_counts(aged):
    assert retention.prune_bodies(aged, NOON + timedelta(hours=1), max_bytes=1e9).bodies == 2


def test_without_age_and_size_none_goes(aged):
    assert retention.prune_bodies(aged, None).bodies == 0


def test_what_is_left_is_sound(aged):
    retention.prune_bodies(aged, NOON + timedelta(hours=1))
    assert backup.verify(aged).wrong == ()


def test_the_pages_of_a_walk_through_a_history_stay(aged):
    with changed(
        aged, "INSERT INTO fetched (provider, incident, is_closed, body_hash) SELECT 'acme', hash, 1, hash FROM bodies"
    ):
        assert retention.prune_bodies(aged, TOMORROW + timedelta(days=1)).bodies == 0


def test_an_export_leaves_out_the_tables_of_tools(db):
    with (
        changed(db, "CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)"),
        closing(Repository.open(db)) as store,
    ):
        assert "_litestream" not in "".join(store.archive.dump())
