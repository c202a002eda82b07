"""Which of several bots polls which page: pages are in 64 shards, and each live bot holds an equal part. No I/O.

Each bot decides for itself, by the list of live bots, how many shards it may hold. The parts add up to all shards, so
each shard has a bot as soon as all bots have seen the same list. Which ones a bot holds is decided by who gets the lock
of a shard first; a bot prefers some to others, so that bots that start together seldom try the same ones.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from hashlib import sha256

SHARDS = 64


@dataclass(frozen=True, slots=True)
class ShardMoves:
    """The shards that a bot gives back, and those that are free and that it tries to get."""

    give_back: tuple[int, ...] = ()
    take: tuple[int, ...] = ()


@cache
def shard_of(provider: str) -> int:
    """The shard of a provider's page; the same in every process and version."""
    return int.from_bytes(sha256(provider.encode()).digest()[:8], "big") % SHARDS


def part_of(position: int, bots: int) -> int:
    """How many shards the bot at a position (from 0) of the list of live bots may hold; at most ceil(64 / bots)."""
    return SHARDS // bots + (position < SHARDS % bots)


def plan_moves(bot: str, part: int, held: Collection[int], free: Collection[int]) -> ShardMoves:
    """What a bot does about its shards.

    Args:
        bot: Its name, of which its preferences are made.
        part: How many it may hold.
        held: Those that it holds.
        free: Those that no bot holds.
    """
    kept = _by_preference(bot, held)
    return ShardMoves(tuple(kept[part:]), tuple(_by_preference(bot, free)[: max(0, part - len(kept))]))


def _by_preference(bot: str, shards: Collection[int]) -> list[int]:
    return sorted(shards, key=lambda shard: sha256(f"{bot}:{shard}".encode()).digest())
