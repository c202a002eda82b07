"""How the shards of pages are spread over the live bots."""

from collections import Counter
from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from bot.rules.sharing import SHARDS, ShardMoves, part_of, plan_moves, shard_of

ALL = frozenset(range(SHARDS))
BOTS = st.integers(1, 80)


class Cluster:
    """Bots that hold shards by locks: a shard has one holder, and only a free one can be taken."""

    def __init__(self):
        self.held = {}

    def join(self, bot):
        self.held[bot] = set()

    def die(self, bot):
        del self.held[bot]

    @property
    def free(self):
        return ALL.difference(*self.held.values())

    def round(self, bot):
        """What the bot does in a round; whether it changed anything."""
        bots = sorted(self.held)
        moves = plan_moves(bot, part_of(bots.index(bot), len(bots)), self.held[bot], self.free)
        self.held[bot] -= set(moves.give_back)
        self.held[bot] |= set(moves.take) & self.free
        return moves != ShardMoves()

    def settle(self, order):
        """Rounds in any order until nothing moves; how many rounds of all bots that took."""
        for number in range(10):
            moved = [bot for bot in order if bot in self.held and self.round(bot)]
            if not moved:
                return number
        raise AssertionError(self.held)


@given(BOTS)
def test_the_parts_of_all_bots_are_all_shards(bots):
    assert sum(part_of(position, bots) for position in range(bots)) == SHARDS


@given(BOTS)
def test_no_part_is_more_than_the_equal_one_rounded_up(bots):
    assert max(part_of(position, bots) for position in range(bots)) <= ceil(SHARDS / bots)


@given(st.text(), st.integers(0, SHARDS), st.sets(st.integers(0, SHARDS - 1)))
def test_a_plan_gives_back_what_is_held_and_takes_what_is_free(bot, part, held):
    moves = plan_moves(bot, part, held, ALL - held)
    after = (held - set(moves.give_back)) | set(moves.take)
    assert (set(moves.give_back) <= held, held.isdisjoint(moves.take), len(after)) == (True, True, part)


@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=24), st.randoms(use_true_random=False))
def test_after_any_joins_and_deaths_each_shard_has_one_bot_and_each_bot_its_part(changes, dice):
    cluster = Cluster()
    for bot in changes:
        (cluster.die if bot in cluster.held else cluster.join)(bot)
        order = dice.sample(sorted(cluster.held), len(cluster.held))
        cluster.settle(order)
    if cluster.held:
        assert cluster.free == frozenset()
        parts = [len(shards) for shards in cluster.held.values()]
        assert max(parts) - min(parts) <= 1


def test_a_bot_that_joins_moves_only_its_own_part():
    cluster = Cluster()
    for bot in "ab":
        cluster.join(bot)
    cluster.settle("ab")
    before = {shard: bot for bot, shards in cluster.held.items() for shard in shards}
    cluster.join("c")
    cluster.settle("abc")
    moved = {shard for bot, shards in cluster.held.items() for shard in shards if before[shard] != bot}
    assert moved == cluster.held["c"]


def test_what_a_dead_bot_held_has_others_after_one_round_of_each():
    cluster = Cluster()
    for bot in "abc":
        cluster.join(bot)
    cluster.settle("abc")
    cluster.die("b")
    for bot in "ac":
        cluster.round(bot)
    assert cluster.free == frozenset()


def test_the_shard_of_a_provider_never_changes():
    assert [shard_of(p) for p in ("github", "openai", "acme")] == [23, 2, 32]


def test_the_shards_have_about_as_many_pages_each():
    counts = Counter(shard_of(f"p{number}") for number in range(6400))
    assert (len(counts), min(counts.values()) > 60, max(counts.values()) < 150) == (SHARDS, True, True)
