"""The lease of a bot on PostgreSQL: who may post, until when, and what ends the process."""

from contextlib import closing, suppress
from threading import Event, Semaphore

import pytest

from bot.domain import Subscription
from bot.errors import StoreError
from bot.storage import Repository
from bot.storage.engines import open_database
from bot.storage.sqlite import FileLease
from tests.support.acme import NOON
from tests.support.stores import SERVER, ask, place

psycopg = pytest.importorskip("psycopg", reason="the driver of PostgreSQL is not installed")
from bot.storage.postgres_lease import LEASE_S, LONGEST_POST_S, PostgresLease  # noqa: E402  (needs the driver)

on_server = pytest.mark.skipif(not SERVER, reason="no PostgreSQL here (BROWNOUT_POSTGRES names a server to throw away)")


class Row:
    """A connection to the row; ``changed`` is how many rows a renewal finds."""

    def __init__(self, changed=1):
        self.changed = changed

    def execute(self, *_):
        if self.changed is None:
            raise psycopg.OperationalError("no route")
        return type("Cursor", (), {"rowcount": self.changed})


class Clock:
    def __init__(self):
        self.at = 1000.0

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ended():
    return []


@pytest.fixture
def lease(clock, ended):
    return PostgresLease(lambda: None, 1, clock=clock, end=ended.append)


def test_a_post_may_leave_while_it_would_end_within_the_lease(lease, clock):
    clock.at += LEASE_S - LONGEST_POST_S - 0.1
    assert lease.still_mine()


def test_a_post_that_might_end_after_the_lease_may_not_leave(lease, clock):
    clock.at += LEASE_S - LONGEST_POST_S
    assert not lease.still_mine()


def test_a_process_that_slept_through_its_lease_ends_before_it_posts(lease, clock, ended):
    clock.at += 3600
    lease.require()
    assert ended == ["the lease of this bot is over, and another one may run"]


def test_a_renewal_counts_from_when_it_was_asked_for(lease, clock):
    clock.at += 6
    lease.renew(Row())
    clock.at += LEASE_S - LONGEST_POST_S - 0.1
    assert lease.still_mine()


def test_a_row_of_another_bot_ends_the_process(lease, ended):
    lease.renew(Row(changed=0))
    assert ended == ["another bot has taken over"]


def test_a_renewal_that_fails_leaves_the_lease_as_long_as_it_was(lease, clock):
    with suppress(psycopg.OperationalError):
        lease.renew(Row(changed=None))
    clock.at += LEASE_S - LONGEST_POST_S - 0.1
    assert lease.still_mine()


def test_a_lease_that_was_released_ends_nothing(lease, ended):
    lease.release()
    lease.lose("the connection was lost")
    assert ended == []


def test_a_post_ends_before_another_bot_begins():
    assert LONGEST_POST_S < LEASE_S


def test_nobody_takes_the_lock_of_a_file_away():
    assert FileLease().still_mine()


@on_server
def test_each_bot_has_another_number(tmp_path):
    url = place(tmp_path / "b.db")
    epochs = []
    for _ in range(2):
        Repository.open(url, alone=True).close()
        epochs += [epoch for (epoch,) in ask(url, "SELECT epoch FROM bot_lease")]
    assert epochs[1] == epochs[0] + 1


@on_server
def test_a_bot_that_waits_takes_over_when_the_other_one_ends(tmp_path):
    url, order = place(tmp_path / "b.db"), []
    first = Repository.open(url, alone=True)

    def begin():
        order.append("waits")
        first.close()

    with closing(Repository.open(url, alone=True, on_wait=begin)) as second:
        assert (order, second.lease.still_mine()) == (["waits"], True)


@on_server
def test_a_bot_that_has_not_renewed_its_row_is_cut_off(tmp_path):
    url = place(tmp_path / "b.db")
    frozen = open_database(url, alone=True)
    frozen.lease.release()  # as if its process were stopped: the lock stays, the row grows old

    def begin():
        ask(url, "UPDATE bot_lease SET beat_at = beat_at - interval '1 minute'")

    with closing(Repository.open(url, alone=True, on_wait=begin)) as second:
        with pytest.raises(StoreError):
            frozen.write("DELETE FROM rooms")
        assert second.lease.still_mine()
    frozen.close()


@pytest.fixture
def two_bots(tmp_path):
    """The bot that leads, and the one that follows."""
    url = place(tmp_path / "b.db")
    leader = Repository.open(url, alone=True)
    follower = Repository.open(url, alone=True, may_follow=True)
    yield leader, follower
    follower.close()
    leader.close()


@on_server
def test_a_bot_that_may_follow_does_not_wait(two_bots):
    leader, follower = two_bots
    assert (leader.is_follower, follower.is_follower) == (False, True)


@on_server
def test_a_follower_reads_and_writes_what_the_leader_does(two_bots):
    leader, follower = two_bots
    follower.subscribe(Subscription("C1", "acme", created_at=NOON))
    assert leader.subscriptions() == follower.subscriptions() != ()


@on_server
def test_a_follower_may_not_post(two_bots):
    _, follower = two_bots
    assert not follower.lease.still_mine()
    with pytest.raises(StoreError, match="follows another one"):
        follower.require_lease()


@on_server
def test_a_follower_leads_on_the_same_repository_when_the_leader_has_ended(two_bots):
    leader, follower = two_bots
    leader.close()
    assert follower.wait_for_turn(Event())
    follower.lead()
    assert (follower.is_follower, follower.lease.still_mine()) == (False, True)
    assert follower.subscriptions() == ()


@on_server
def test_a_follower_that_is_stopped_does_not_lead(two_bots):
    _, follower = two_bots
    stopped = Event()
    stopped.set()
    assert not follower.wait_for_turn(stopped)
    with pytest.raises(StoreError, match="not the turn"):
        follower.lead()


@on_server
def test_the_leader_is_told_of_a_follower_s_commit(two_bots):
    leader, follower = two_bots
    told = Semaphore(0)
    close = leader.listen(told.release)
    assert told.acquire(timeout=10)  # once when it begins to listen
    follower.subscribe(Subscription("C1", "acme", created_at=NOON))
    assert told.acquire(timeout=10)
    close()


@on_server
def test_the_leader_s_own_commits_are_told_to_nobody(two_bots):
    leader, _ = two_bots
    told = Semaphore(0)
    close = leader.listen(told.release)
    assert told.acquire(timeout=10)
    leader.subscribe(Subscription("C1", "acme", created_at=NOON))
    assert not told.acquire(timeout=0.3)
    close()


@on_server
def test_a_bot_can_t_follow_one_whose_tables_are_older(tmp_path):
    url, waited = place(tmp_path / "b.db"), []
    with closing(Repository.open(url, alone=True)) as leader:
        [newest] = leader._db.rows("SELECT name FROM schema_steps ORDER BY name DESC LIMIT 1")
        leader._db.write("DELETE FROM schema_steps WHERE name = ?", newest["name"])

        def begin():
            waited.append(1)
            leader._db.insert("schema_steps", {"name": newest["name"], "applied_at": "now"})

        with closing(Repository.open(url, alone=True, on_wait=begin, may_follow=True)) as follower:
            assert (waited, follower.is_follower) == ([1], True)


@on_server
def test_who_is_no_bot_has_no_lease(tmp_path):
    with closing(open_database(place(tmp_path / "b.db"))) as guest, pytest.raises(StoreError, match="only a bot"):
        _ = guest.lease
