"""The shards of bots on one PostgreSQL database: who holds which, and what a bot may record."""

import time
from contextlib import closing
from threading import Thread

import pytest

from bot.domain import EvidenceBatch, Observation, UserReport
from bot.errors import StoreError
from bot.rules.sharing import SHARDS, shard_of
from bot.storage import Repository
from tests.support.acme import NOON, poll_page
from tests.support.pages import DOWN, page
from tests.support.stores import SERVER, ask, place

pytestmark = pytest.mark.skipif(
    not SERVER, reason="no PostgreSQL here (BROWNOUT_POSTGRES names a server to throw away)"
)

SHARD = shard_of("acme")
OLD = "UPDATE sharing_bots SET beat_at = beat_at - interval '1 hour' WHERE holder = ?"


@pytest.fixture
def url(tmp_path):
    return place(tmp_path / "b.db")


@pytest.fixture
def bots(url):
    """One that leads and two others, which share the pages and have seen each other."""
    started = [Repository.open(url, alone=True, may_follow=True) for _ in range(3)]
    for number, bot in enumerate(started):
        bot.share_pages()
        bot.shares.holder = f"bot{number}"
    for bot in started:
        renew(bot)
    yield started
    for bot in reversed(started):
        bot.close()


def renew(bot):
    return bot.shares.renew("pages", leads=not bot.is_follower)


def freeze(url, bot):
    """Lets a bot renew its row no more, for so long that it counts as frozen."""
    bot.shares.heartbeat.close()
    ask(url, OLD, bot.shares.holder)


def end_session(url, bot):
    """Ends the session that a bot writes with, as another bot or a restart of the server does."""
    ask(url, "SELECT pg_terminate_backend(?, 5000)", bot._db._connection.info.backend_pid)


def lose_and_find_out(url, bot):
    """A bot whose session is ended, and whose next statement fails."""
    end_session(url, bot)
    with pytest.raises(StoreError):
        bot.subscriptions("C1")


def test_a_shard_has_one_holder(bots):
    for bot in bots:
        bot.shares.take([SHARD])
    assert [bot.shares.held for bot in bots] == [{SHARD}, frozenset(), frozenset()]


def test_a_shard_that_is_held_is_not_free_for_anybody(bots):
    bots[0].shares.take([SHARD])
    assert [renew(bot).free for bot in bots] == [frozenset(range(SHARDS)) - {SHARD}] * 3


def test_a_shard_that_was_given_back_can_be_taken(bots):
    bots[0].shares.take([SHARD])
    bots[0].shares.give_back([SHARD])
    bots[1].shares.take([SHARD])
    assert (bots[0].shares.held, bots[1].shares.held) == (frozenset(), {SHARD})


def test_all_bots_see_the_same_list(bots):
    lists = [[bot.holder for bot in renew(bot).bots] for bot in bots]
    assert lists == [["bot0", "bot1", "bot2"]] * 3


def test_each_bot_finds_itself_and_the_one_that_leads(bots):
    seen = [[(bot.is_me, bot.is_leader) for bot in renew(bot).bots] for bot in bots[:2]]
    assert seen == [[(True, True), (False, False), (False, False)], [(False, True), (True, False), (False, False)]]


def test_the_shards_of_a_bot_whose_session_ended_are_free_at_once(bots, url):
    bots[1].shares.take([SHARD])
    end_session(url, bots[1])
    view = renew(bots[2])
    assert (SHARD in view.free, [bot.holder for bot in view.bots]) == (True, ["bot0", "bot2"])


def test_a_bot_that_lost_its_session_holds_nothing(bots, url):
    bots[1].shares.take([SHARD])
    lose_and_find_out(url, bots[1])
    renew(bots[1])
    assert bots[1].shares.held == frozenset()


def test_a_bot_that_lost_its_session_can_record_no_poll_of_its_pages(bots, url):
    bots[1].shares.take([SHARD])
    lose_and_find_out(url, bots[1])
    with pytest.raises(StoreError, match="another bot polls the page of acme"):
        bots[1].record_transition(Observation("acme", NOON, "changed", body=DOWN), poll_page(None, DOWN, NOON), [])


def test_a_bot_that_does_not_know_yet_that_its_session_ended_can_record_nothing(bots, url):
    bots[1].shares.take([SHARD])
    end_session(url, bots[1])
    with pytest.raises(StoreError):
        bots[1].record_transition(Observation("acme", NOON, "changed", body=DOWN), poll_page(None, DOWN, NOON), [])
    assert bots[0].provider_state("acme") is None


def test_a_bot_records_the_polls_of_its_pages(bots):
    bots[1].shares.take([SHARD])
    bots[1].record_transition(Observation("acme", NOON, "changed", body=DOWN), poll_page(None, DOWN, NOON), [])
    assert bots[0].provider_state("acme") is not None


def test_polls_in_memory_of_a_lost_page_are_not_written(bots, url):
    bot = bots[1]
    bot.shares.take([SHARD])
    bot.record_transition(Observation("acme", NOON, "changed", body=page()), poll_page(None, page(), NOON), [])
    known = bot.provider_state("acme")
    assert bot.keep_unchanged_poll(Observation("acme", NOON, "same"), poll_page(known, page(), NOON))
    lose_and_find_out(url, bot)
    before = bots[0]._db.rows("SELECT looks FROM observations")
    bot.flush()
    assert bots[0]._db.rows("SELECT looks FROM observations") == before


def test_a_bot_that_is_frozen_loses_its_session(bots, url):
    bots[1].shares.take([SHARD])
    freeze(url, bots[1])
    renew(bots[2])
    with pytest.raises(StoreError):
        bots[1].subscriptions("C1")


def test_a_bot_that_is_busy_renews_its_row_in_a_thread(bots, url):  # noqa: ARG001  (they run)
    ask(url, OLD, "bot1")
    until = time.monotonic() + 20
    fresh = "SELECT 1 FROM sharing_bots WHERE holder = 'bot1' AND beat_at > clock_timestamp() - interval '5 s'"
    while not ask(url, fresh):
        assert time.monotonic() < until


def test_the_session_of_the_bot_that_leads_is_ended_by_its_lease_only(bots, url):
    bots[0].shares.take([SHARD])
    freeze(url, bots[0])
    renew(bots[1])
    assert bots[0].subscriptions("C1") == ()


def test_the_bot_that_leads_forgets_those_that_are_gone(bots, url):
    end_session(url, bots[1])
    freeze(url, bots[1])
    renew(bots[0])
    assert [holder for (holder,) in ask(url, "SELECT holder FROM sharing_bots ORDER BY holder")] == ["bot0", "bot2"]


def test_bots_see_that_one_leads_that_polls_all_pages_itself(url):
    with closing(Repository.open(url, alone=True)), closing(Repository.open(url, alone=True, may_follow=True)) as other:
        other.share_pages()
        assert not renew(other).leader_shares


def test_a_bot_that_leads_and_shares_nothing_waits_until_the_others_have_given_back_their_shards(bots, url):
    bots[1].shares.take([SHARD])
    bots[0].close()
    with closing(Repository.open(url, alone=True)) as alone:
        giving = Thread(target=lambda: bots[1].shares.give_back([SHARD]))
        giving.start()
        alone.claim_pages()
        giving.join()
        assert renew(bots[1]).free == frozenset()


def test_a_bot_gets_its_turn_without_losing_its_shards(bots):
    bots[1].shares.take([SHARD])
    assert not bots[1].try_turn()
    bots[0].close()
    assert bots[1].try_turn()
    bots[1].lead()
    renew(bots[1])
    assert (bots[1].is_follower, bots[1].shares.held, bots[1].lease.still_mine()) == (False, {SHARD}, True)


def test_evidence_for_pages_of_other_bots_is_left_to_them(bots):
    batch = EvidenceBatch(reports=(UserReport("acme-api", "U1", NOON),))
    bots[1].hand_over("acme", batch, NOON)
    waiting = [bots[2].handed_evidence.waiting(without) for without in (["acme"], ["other"])]
    assert [len(found) for found in waiting] == [0, 1]


def test_state_times_say_what_other_bots_have_saved(bots):
    bots[1].shares.take([SHARD])
    bots[1].record_transition(Observation("acme", NOON, "changed", body=DOWN), poll_page(None, DOWN, NOON), [])
    [(provider, _, seen_at)] = bots[2].state_times()
    assert (provider, seen_at) == ("acme", NOON)
