"""pgbouncer between the bots and PostgreSQL: a session for each is as good as none, one for each transaction is refused."""

import os
from contextlib import closing
from threading import Event
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from bot.cli.main import brownout
from bot.domain import Subscription
from bot.errors import StoreError
from bot.storage import Repository
from bot.storage.connection import DatabaseUrl
from bot.storage.engines import open_database
from tests.faults.postgres_servers import PGBOUNCER, pooler
from tests.support.acme import NOON
from tests.support.stores import SERVER

pytestmark = [
    pytest.mark.skipif(not SERVER, reason="no PostgreSQL here (BROWNOUT_POSTGRES names a server to throw away)"),
    pytest.mark.skipif(not PGBOUNCER, reason="pgbouncer is not installed (apt-get install pgbouncer)"),
]
PATIENCE_S = 20


@pytest.fixture(scope="module")
def server():
    """A database of its own, as libpq writes it in words: a pooler passes no search path on."""
    import psycopg  # noqa: PLC0415  (it is there in a run on PostgreSQL)

    name, found = f"pooled_{os.getpid()}", urlsplit(SERVER)
    with psycopg.connect(SERVER, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield f"host={found.hostname} port={found.port or 5432} dbname={name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def pooled(server):
    with pooler(server, ignores_options=True) as one:
        yield one


def test_a_bot_leads_and_another_follows_through_a_pooler_that_keeps_sessions(pooled):
    leader = Repository.open(pooled.url(), alone=True)
    with closing(Repository.open(pooled.url(), alone=True, may_follow=True)) as follower:
        assert (leader.is_follower, follower.is_follower) == (False, True)
        leader.close()
        assert follower.wait_for_turn(Event())
        follower.lead()
        assert follower.lease.still_mine()


def test_a_bot_hears_of_a_commit_of_another_program_through_a_pooler_that_keeps_sessions(pooled):
    changed = Event()
    with closing(Repository.open(pooled.url(), alone=True)) as leader:
        close = leader.listen(changed.set)
        assert changed.wait(PATIENCE_S)  # it listens now
        changed.clear()
        with closing(Repository.open(pooled.url())) as shell:
            shell.subscribe(Subscription("C1", "acme", created_at=NOON))
        assert changed.wait(PATIENCE_S)
        close()


@pytest.mark.parametrize("mode", ["transaction", "statement"])
@pytest.mark.parametrize("options", [{"alone": True}, {"read_only": True}, {}])
def test_a_pooler_that_moves_connections_between_sessions_is_refused(pooled, mode, options):
    with pytest.raises(StoreError, match="set pool_mode = session"):
        open_database(DatabaseUrl(pooled.url(mode)), **options)


def test_a_refused_bot_leaves_no_setting_behind_for_other_clients_of_the_pooler(pooled):
    import psycopg  # noqa: PLC0415  (it is there in a run on PostgreSQL)

    with pytest.raises(StoreError):
        open_database(DatabaseUrl(pooled.url("transaction")), read_only=True)
    with psycopg.connect(pooled.url("transaction"), autocommit=True) as connection:
        assert connection.execute("SHOW default_transaction_read_only").fetchone() == ("off",)


def test_a_schema_that_the_pooler_leaves_out_is_refused(pooled):
    with pytest.raises(StoreError, match="ALTER ROLE"):
        open_database(DatabaseUrl(f"{pooled.url()}?options=-csearch_path%3Delsewhere"))


def test_a_pooler_that_refuses_options_is_explained(server):
    with pooler(server) as strict, pytest.raises(StoreError, match="ignore_startup_parameters"):
        open_database(DatabaseUrl(f"{strict.url()}?options=-csearch_path%3Delsewhere"))


@pytest.mark.parametrize("command", ["check", "run"])
def test_the_commands_say_what_to_do_with_the_pooler(pooled, tmp_path, command):
    options = ["--offline"] if command == "check" else []
    environment = {name: None for name in os.environ if name.startswith("SLACK_")}
    asked = [command, *options, "--config", str(tmp_path), "--db", pooled.url("transaction")]
    done = CliRunner().invoke(brownout, asked, env=environment)
    assert done.exit_code == 1, done.output
    assert "set pool_mode = session" in done.output
