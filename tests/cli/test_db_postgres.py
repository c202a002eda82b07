"""The command line with a database on PostgreSQL: what works, and what refuses and says what to do instead."""

import pytest
from click.testing import CliRunner

from bot import settings
from bot.cli.main import brownout
from bot.errors import ConfigError
from tests.support.stores import SERVER, place

ELSEWHERE = "postgresql://me@127.0.0.1:1/book"
on_server = pytest.mark.skipif(not SERVER, reason="no PostgreSQL here (BROWNOUT_POSTGRES names a server to throw away)")


def run(*arguments):
    """The output and the exit code, or the expected error's text and 1."""
    found = CliRunner().invoke(brownout, list(map(str, arguments)))
    return (str(found.exception), 1) if found.exception and not found.output else (found.output, found.exit_code)


@pytest.mark.parametrize(
    ("command", "instead"),
    [
        (["db", "backup"], "pg_dump"),
        (["db", "verify"], "pg_amcheck"),
        (["db", "vacuum"], "autovacuum"),
        (["db", "restore", "x.db"], "pg_restore"),
        (["db", "migrate"], "`brownout run` upgrades the tables"),
        (["db", "datasette"], "Datasette reads no PostgreSQL"),
        (["restore", "--from", "file:///x"], "Point-in-time recovery"),
    ],
)
def test_what_is_for_files_says_what_to_do_instead(command, instead):
    said, code = run(*command, "--db", ELSEWHERE)
    assert (instead in said, code) == (True, 1)


@pytest.mark.parametrize("url", ["postgresql://me:secret@host/book", "postgresql://host/book?password=secret"])
def test_a_password_in_the_settings_is_refused_and_not_repeated(tmp_path, url):
    (tmp_path / "brownout.toml").write_text(f'[store]\nurl = "{url}"\n')
    with pytest.raises(ConfigError) as caught:
        settings.load(tmp_path, {})
    assert ("PGPASSWORD" in str(caught.value), "secret" in str(caught.value)) == (True, False)


@pytest.mark.parametrize("password", ["s3c#ret", "s3c/ret", "s3c?ret"])
def test_no_part_of_a_password_with_odd_signs_is_repeated(tmp_path, password):
    (tmp_path / "brownout.toml").write_text(f'[store]\nurl = "postgresql://me:{password}@host/book"\n')
    with pytest.raises(ConfigError) as caught:
        settings.load(tmp_path, {})
    assert ("s3c" in str(caught.value), "ret@" in str(caught.value)) == (False, False)


@pytest.mark.parametrize("url", ["mysql://host/book", "postgresql://host", "brownout.db", "postgresql://[::1/book"])
def test_an_address_of_something_else_is_refused(tmp_path, url):
    (tmp_path / "brownout.toml").write_text(f'[store]\nurl = "{url}"\n')
    with pytest.raises(ConfigError, match="must be postgresql://user@host/database"):
        settings.load(tmp_path, {})


def test_the_address_is_where_the_database_is(tmp_path):
    (tmp_path / "brownout.toml").write_text(f'[store]\nurl = "{ELSEWHERE}"\n')
    assert settings.load(tmp_path, {}).store_path == ELSEWHERE


@on_server
def test_check_says_version_and_user(tmp_path):
    said, _ = run("check", "--offline", "--db", place(tmp_path / "b.db").url)
    [line] = [line for line in said.splitlines() if line.startswith("database: ")]
    assert "PostgreSQL 1" in line
    assert "user postgres" in line


@on_server
def test_a_server_that_is_not_there_is_an_error_of_check():
    said, _ = run("check", "--offline", "--db", ELSEWHERE)
    assert f"error: {ELSEWHERE.replace('me@', '')}: connection" in said


@on_server
def test_retention_works_there_too(tmp_path):
    where = place(tmp_path / "b.db").url
    run("token", "list", "--db", where)
    said, _ = run("db", "retention", "--db", where)
    assert "0 of 0 raw pages older than 90 days are gone" in said


@on_server
def test_a_password_may_be_in_a_file(tmp_path, monkeypatch):
    monkeypatch.setenv("PGPASSWORD_FILE", str(tmp_path / "missing"))
    said, _ = run("token", "list", "--db", place(tmp_path / "b.db").url)
    assert "PGPASSWORD_FILE" in said


@on_server
def test_a_database_moves_to_a_server_and_back_and_says_what_to_set(tmp_path):
    there = place(tmp_path / "b.db").url
    run("token", "create", "laptop", "--for", "reports", "--db", tmp_path / "a.db")
    said, code = run("db", "move", there, "--db", tmp_path / "a.db")
    assert ("tokens" in said, 'Set [store] url = "postgresql://' in said, code) == (True, True, 0)
    run("db", "move", tmp_path / "c.db", "--db", there)
    assert "laptop" in run("token", "list", "--db", tmp_path / "c.db")[0]


def test_a_database_that_is_not_there_is_not_moved(tmp_path):
    said, code = run("db", "move", tmp_path / "b.db", "--db", tmp_path / "a.db")
    assert ("not found" in said, code) == (True, 1)
