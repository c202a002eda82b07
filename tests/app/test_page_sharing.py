"""A bot among others that share the pages: what it polls, and from when on it leads."""

import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.app.page_sharing import PageSharing
from bot.domain import EvidenceBatch, Observation, UserReport, VerdictParameters
from bot.engine import Engine
from bot.errors import PageMovedError, StoreError
from bot.rules.sharing import SHARDS, shard_of
from bot.settings import PollSettings
from bot.storage import Repository
from bot.storage.connection import LiveBot, SharingView
from bot.storage.mapping import format_time
from tests.support.acme import ACME, NOON, poll_page
from tests.support.pages import DOWN, page
from tests.support.stores import place

pytestmark = pytest.mark.anyio

SHARD = shard_of("acme")
LATER = NOON + timedelta(minutes=1)


class FakeShares:
    """The shards of this bot, and other bots that hold the rest."""

    holder = "me"

    def __init__(self):
        self.held, self.others, self.bots, self.done = frozenset(), frozenset(), [LiveBot("me", "", True, False)], []
        self.leader_shares, self.problem, self.before_giving = True, "", list

    def renew(self, pages, *, leads):
        if self.problem:
            raise StoreError(self.problem)
        self.bots = [replace(bot, pages=bot.pages or pages, is_leader=leads and bot.is_me) for bot in self.bots]
        free = frozenset(range(SHARDS)) - self.held - self.others
        return SharingView(tuple(self.bots), free, leader_shares=self.leader_shares)

    def take(self, shards):
        self.held |= frozenset(shards) - self.others

    def give_back(self, shards):
        self.done.append(self.before_giving())
        self.held -= frozenset(shards)

    def close(self):
        self.bots = []

    def join(self, pages=""):
        """Another bot, which is before this one in the list."""
        self.bots.insert(0, LiveBot("other", pages, False, False))

    def lose(self):
        """The connection was lost, and another bot has taken the shards."""
        self.held, self.others = frozenset(), self.held


class FakePolls:
    def __init__(self):
        self.polled, self.interval_s = set(), None

    def set_intervals(self, poll):
        self.interval_s = poll.interval_s

    def start_polls(self, providers):
        self.polled |= set(providers)

    async def stop_polls(self, providers, _):
        self.polled -= set(providers)


@pytest.fixture
def shares(repository):
    repository._db.shares = FakeShares()
    return repository._db.shares


@pytest.fixture
def engine(repository, shares, web, chat, clock):  # noqa: ARG001  (the repository has the shares)
    engine = Engine({"acme": ACME}, web, repository, chat, clock, lambda _: VerdictParameters())
    engine.elsewhere.add("acme")
    return engine


@pytest.fixture
def polls():
    return FakePolls()


@pytest.fixture
def begun():
    return []


@pytest.fixture
def sharing(engine, repository, polls, begun):
    async def begin_to_lead():
        begun.append(1)

    return PageSharing(engine, repository, polls, begin_to_lead)


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.INFO, logger="brownout")
    return caplog


def saved_by_another_bot(tmp_path, body, at):
    """Records a poll of Acme's page as another bot does."""
    other = Repository.open(place(tmp_path / "b.db"))
    change = poll_page(other.provider_state("acme"), body, at)
    other.record_transition(Observation("acme", at, "changed", body=body), change, [])
    other.close()
    return change.state


async def test_a_bot_that_is_alone_holds_all_shards_and_polls_all_pages(sharing, polls):
    await sharing.look()
    assert (sharing.shards, polls.polled, sharing.engine.elsewhere) == (SHARDS, {"acme"}, set())


async def test_pages_are_taken_over_as_their_last_bot_saved_them(sharing, tmp_path):
    saved = saved_by_another_bot(tmp_path, DOWN, NOON)
    await sharing.look()
    assert sharing.engine.states["acme"] == saved


async def test_pages_of_shards_that_others_hold_are_not_polled(sharing, shares, polls):
    shares.others = frozenset({SHARD})
    await sharing.look()
    assert (polls.polled, sharing.engine.elsewhere) == (set(), {"acme"})


async def test_a_second_bot_gets_half_of_the_shards(sharing, shares):
    await sharing.look()
    shares.join()
    await sharing.look()
    assert sharing.shards == SHARDS / 2


async def test_what_was_polled_is_written_before_a_shard_is_given_back(sharing, shares, polls, repository, clock):
    await sharing.look()
    await sharing.engine.poll("acme")
    clock.at = LATER
    await sharing.engine.poll("acme")
    shares.leader_shares = False
    shares.before_giving = lambda: repository._db.rows("SELECT looked_at FROM sources")
    await sharing.look()
    assert (shares.done, polls.polled) == ([[{"looked_at": format_time(LATER)}]], set())


async def test_pages_that_were_lost_are_not_polled_and_nothing_of_them_is_written(
    sharing, shares, polls, repository, clock
):
    await sharing.look()
    await sharing.engine.poll("acme")
    clock.at = LATER
    await sharing.engine.poll("acme")
    before = repository._db.rows("SELECT * FROM sources")
    shares.lose()
    await sharing.look()
    repository.flush()
    assert (polls.polled, repository._db.rows("SELECT * FROM sources")) == (set(), before)


async def test_a_poll_that_ends_after_its_page_was_lost_is_refused(sharing, shares):
    await sharing.look()
    shares.lose()
    with pytest.raises(PageMovedError, match="another bot polls the page of acme now"):
        await sharing.engine.poll("acme")


async def test_a_server_that_can_t_be_reached_is_in_the_log_once(sharing, shares, log):
    shares.problem = "no route"
    for _ in range(3):
        await sharing.look()
    assert log.text.count("the pages can't be shared: no route") == 1


async def test_a_bot_whose_server_is_back_polls_again(sharing, shares, polls):
    await sharing.look()
    shares.problem = "no route"
    shares.held = frozenset()
    await sharing.look()
    lost = set(polls.polled)
    shares.problem = ""
    await sharing.look()
    assert (lost, polls.polled) == (set(), {"acme"})


async def test_beside_a_leader_that_does_not_share_a_bot_polls_nothing_and_says_so(sharing, shares, polls, log):
    await sharing.look()
    shares.leader_shares = False
    await sharing.look()
    assert (sharing.shards, polls.polled) == (0, set())
    assert "the bot that leads polls all pages itself" in log.text


async def test_bots_with_other_pages_are_a_warning(sharing, shares, log):
    shares.join(pages="others")
    await sharing.look()
    assert "give each the same configuration" in log.text


async def test_the_states_of_other_bots_pages_are_read_with_every_second_look(sharing, shares, tmp_path):
    shares.others = frozenset({SHARD})
    await sharing.look()
    saved = saved_by_another_bot(tmp_path, DOWN, NOON)
    await sharing.look()
    assert sharing.engine.states["acme"] == saved


async def test_when_another_bot_last_read_a_page_is_known(sharing, shares, tmp_path, repository):
    shares.others = frozenset({SHARD})
    saved_by_another_bot(tmp_path, page(), NOON)
    sharing.refresh()
    repository._db.write("UPDATE sources SET seen_at = ?", format_time(NOON + timedelta(minutes=5)))
    sharing.refresh()
    assert sharing.engine.states["acme"].seen_at == NOON + timedelta(minutes=5)


async def test_a_provider_that_is_added_is_polled_by_the_bot_of_its_shard(sharing, shares, polls):
    shares.others = frozenset({shard_of("other")})
    await sharing.look()
    await sharing.add_provider(replace(ACME, id="other", surfaces=()))
    assert (polls.polled, sharing.engine.elsewhere) == ({"acme"}, {"other"})


async def test_a_provider_that_is_removed_is_not_polled(sharing, polls):
    await sharing.look()
    await sharing.remove_provider("acme")
    await sharing.look()
    assert (polls.polled, sharing.engine.providers) == (set(), {})


async def test_another_form_of_a_provider_is_polled_as_the_one_before(sharing, polls):
    await sharing.look()
    await sharing.remove_provider("acme")
    await sharing.add_provider(replace(ACME, name="Acme 2"))
    assert (polls.polled, sharing.engine.providers["acme"].name) == ({"acme"}, "Acme 2")


async def test_other_intervals_are_passed_on(sharing, polls):
    sharing.set_intervals(PollSettings(interval_s=30))
    assert polls.interval_s == 30


async def test_evidence_for_another_bot_s_page_is_stored_for_that_one(sharing, repository):
    batch = EvidenceBatch(reports=(UserReport("acme-api", "U1", NOON),))
    assert sharing.engine.apply_evidence("acme", batch) is None
    assert [(p, b) for _, p, b in repository.handed_evidence.waiting()] == [("acme", batch)]


async def test_time_changes_nothing_of_another_bot_s_page(sharing, clock, repository, tmp_path):
    saved_by_another_bot(tmp_path, DOWN, NOON)
    sharing.refresh()
    before = repository._db.rows("SELECT * FROM verdicts")
    clock.move(days=1)
    assert sharing.engine.advance_time() == ()
    assert repository._db.rows("SELECT * FROM verdicts") == before
