"""``brownout db``: what it says, and what it exits with."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli.main import brownout
from bot.domain import DeliveryPause, Notice, NoticeKind, Notification, NotificationKind, Observation
from bot.notifier import PROBE_WAITS
from bot.storage import Repository, upgrade
from bot.storage.sqlite import acquire_lock
from tests.support.acme import NOON, catalogue, has_litestream, poll_page
from tests.support.pages import DOWN

OLD_SQL = Path(__file__).parents[1] / "storage" / "golden" / "v0.1.0-mid-incident.sql"


@pytest.fixture
def home(tmp_path):
    catalogue(tmp_path / "config")
    with closing(Repository.open(tmp_path / "b.db")) as store:
        change = poll_page(None, DOWN, NOON)
        store.record_transition(Observation("acme", change.at, "changed", body=DOWN), change, [])
    return tmp_path


@pytest.fixture
def db(home):
    def run(*words):
        options = ["--db", home / "b.db", "--config", home / "config"]
        return CliRunner(env={"COLUMNS": "200"}).invoke(brownout, ["db", *map(str, (*words, *options))])

    return run


def test_bare_it_shows_its_help():
    told = CliRunner().invoke(brownout, ["db"])
    assert (told.exit_code, "retention" in told.output) == (0, True)


def test_a_backup_goes_to_the_folder_of_the_settings(db, home):
    assert "sound" in db("backup").output
    assert len([*(home / "backups").glob("b-*Z.db")]) == 1


def test_a_backup_goes_to_a_folder_that_is_named(db, home):
    db("backup", home / "elsewhere")
    assert len([*(home / "elsewhere").glob("b-*Z.db")]) == 1


def test_a_backup_goes_to_a_file_that_is_named(db, home):
    db("backup", home / "mine.db")
    assert (home / "mine.db").is_file()


def test_a_backup_that_exists_is_not_overwritten(db, home):
    db("backup", home / "mine.db")
    told = db("backup", home / "mine.db")
    assert (told.exit_code, "already exists" in told.output) == (1, True)


def test_more_backups_than_are_kept_make_room_and_say_so(db, home):
    (home / "config" / "brownout.toml").write_text("[store]\nkeep = 1\n")
    (home / "backups").mkdir()
    (home / "backups" / "b-20200101T000000Z.db").write_text("")
    assert "deleted, since the newest 1 are kept" in db("backup").output


def test_a_sound_database_exits_with_0_and_says_what_it_holds(db):
    told = db("verify")
    assert (told.exit_code, "sound" in told.output, "incidents" in told.output) == (0, True, True)


@pytest.mark.parametrize(
    ("body", "code"), [(None, 66), (b"", 65), (b"not a database" * 99, 65), (b"SQLite format 3\x00", 65)]
)
def test_a_file_that_is_not_sound_has_an_exit_code(db, home, body, code):
    if body is not None:
        (home / "bad.db").write_bytes(body)
    assert db("verify", home / "bad.db").exit_code == code


def test_a_restore_says_where_the_old_file_is(db, home):
    db("backup", home / "mine.db")
    told = db("restore", home / "mine.db")
    assert (told.exit_code, "what was there before" in told.output) == (0, True)


def test_a_restore_of_what_is_not_there_is_refused(db, home):
    assert "not found" in db("restore", home / "none.db").output


def test_a_vacuum_says_what_it_gained(db):
    assert "before" in db("vacuum").output


def test_a_vacuum_is_refused_while_a_bot_runs(db, home):
    with closing(Repository.open(home / "b.db", alone=True)):
        told = db("vacuum")
    assert (told.exit_code, "Stop it first" in told.output) == (1, True)


def test_retention_says_what_would_go(db):
    assert "0 of 1 raw pages older than 90 days would go" in db("retention", "--dry-run").output


def test_retention_by_days_of_ones_own(db):
    assert "older than 0.5 days are gone" in db("retention", "--days", 0.5).output


def test_retention_is_off_where_the_settings_say_so(db, home):
    (home / "config" / "brownout.toml").write_text("[store]\nbodies_days = 0\n")
    assert "kept forever" in db("retention").output


def test_retention_by_size_alone(db, home):
    (home / "config" / "brownout.toml").write_text("[store]\nbodies_days = 0\n")
    assert "0 of 1 raw pages beyond 500 MB would go" in db("retention", "--mb", 500, "--dry-run").output


def test_size_says_what_takes_the_room(db):
    told = db("size")
    assert told.exit_code == 0, told.output
    assert " in use, " in told.output.splitlines()[0]
    assert "bodies (raw pages)" in told.output
    assert "  1 pages" in told.output
    assert "Raw pages older than 90 days are deleted" in told.output


def test_size_names_the_largest_first(db):
    lines = [line.split() for line in db("size").output.splitlines()[1:] if line.startswith("  ") and "rows" in line]
    shares = [int(line[line.index("%") - 1]) for line in lines]
    assert shares == sorted(shares, reverse=True)


def test_the_size_of_a_database_that_is_not_there_is_refused(home):
    options = ["--db", str(home / "none.db"), "--config", str(home / "config")]
    assert "not found" in CliRunner().invoke(brownout, ["db", "size", *options]).output


@pytest.fixture
def restore(home):
    def run(*words):
        options = ["--db", home / "b.db", "--config", home / "config"]
        return CliRunner(env={"COLUMNS": "200"}).invoke(brownout, ["restore", *map(str, (*words, *options))])

    return run


def test_without_a_replica_there_is_nothing_to_restore_from(restore):
    assert "No [replica] url" in restore().output


def test_a_replica_is_restored_from_a_folder_or_a_bucket_only(restore):
    assert "--from must be file:///folder or s3://bucket/path" in restore("--from", "ftp://x/y").output


def test_a_secret_in_an_address_is_refused_and_not_repeated(restore):
    told = restore("--from", "s3://key:hush@bucket/b")
    assert ("credentials come from the environment" in told.output, "hush" in told.output) == (True, False)


def test_a_restore_from_a_replica_is_refused_while_a_bot_runs(restore, home):
    with closing(Repository.open(home / "b.db", alone=True)):
        assert "Stop it first" in restore("--from", f"file://{home}/replica").output


@pytest.mark.skipif(not has_litestream(), reason="Litestream is not installed (the extra [replica])")
def test_a_replica_that_holds_nothing_changes_nothing(restore, home):
    before = (home / "b.db").read_bytes()
    told = restore("--from", f"file://{home}/replica")
    assert (told.exit_code, "No database found at" in told.output, (home / "b.db").read_bytes() == before) == (
        1,
        True,
        True,
    )


# --- migrate ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def old(home):
    """The database as version 0.1.0 left it."""
    (home / "b.db").unlink()
    for rest in home.glob("b.db-*"):
        rest.unlink()
    with closing(sqlite3.connect(home / "b.db")) as connection:
        connection.executescript(OLD_SQL.read_text(encoding="utf-8"))
    return home / "b.db"


def test_a_dry_run_lists_the_changes_and_makes_none(db, old):
    before = old.read_bytes()
    told = db("migrate", "--dry-run")
    assert "views_for_readers: Views" in told.output
    assert (told.exit_code, old.read_bytes()) == (0, before)


def test_a_migration_names_the_copy_of_what_was_before(db, old, home):
    told = db("migrate")
    [copy] = home.glob("b-before-upgrade-*.db")
    assert (told.exit_code, str(copy) in told.output, upgrade.pending_steps(old)) == (0, True, ())


def test_a_migration_without_a_backup_makes_no_copy(db, old, home):
    assert db("migrate", "--no-backup").exit_code == 0
    assert (upgrade.pending_steps(old), [*home.glob("b-before-upgrade-*.db")]) == ((), [])


def test_a_database_of_this_version_is_up_to_date(db):
    assert "up to date" in db("migrate").output


def test_a_migration_waits_for_no_running_bot(db, old):
    with closing(acquire_lock(old)):
        told = db("migrate")
    assert (told.exit_code, upgrade.pending_steps(old) != ()) == (1, True)


def test_a_missing_database_is_not_made_by_a_migration(db, home):
    (home / "b.db").unlink()
    assert (db("migrate").exit_code, (home / "b.db").exists()) == (1, False)


def test_whoever_writes_to_an_old_database_first_copies_it(old, home):
    told = CliRunner().invoke(brownout, ["token", "create", "x", "--db", str(old), "--config", str(home / "config")])
    assert (told.exit_code, len([*home.glob("b-before-upgrade-*.db")])) == (0, 1)


def test_the_outbox_names_what_was_given_up_and_paused_channels_with_what_to_do(db, home):
    notice = Notice(NoticeKind.SETTINGS, "", "", "s", NOON, "", NOON, "saved")
    with closing(Repository.open(home / "b.db")) as repository:
        repository.enqueue([Notification("C1", NotificationKind.NOTICE, "s", notice)], NOON)
        repository.mark_dead_lettered(repository.next_pending("C1").id, "no_text")
        repository.pause_channel(DeliveryPause("C2", "is_archived", "unarchive the channel", NOON), PROBE_WAITS)
    paused, given_up = db("outbox").output.splitlines()
    tried = "C2: paused since 2026-03-02 12:00 UTC (is_archived), tried 1 time, next at 2026-03-02 12:01 UTC."
    assert paused == f"{tried} Fix: unarchive the channel"
    assert given_up == "2026-03-02 12:00 UTC  C1  notice  s: no_text"


def test_an_outbox_with_nothing_wrong_says_so(db):
    assert db("outbox").output == "Every message was delivered or is queued.\n"
