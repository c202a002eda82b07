"""Channels with a delivery in progress, and what a poll may take for delivery in the transaction of its record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

P = TypeVar("P")


class ChannelClaims:
    """The channels with a delivery in progress; each is claimed once.

    Deliveries begin in the event loop, and in the thread of the database, which takes what a poll has recorded. Each
    method is one step of a dict with text keys, which no other thread interrupts.
    """

    def __init__(self) -> None:
        self._claims: dict[str, object] = {}

    def claim(self, channel: str) -> bool:
        """Claims a channel; False if it is claimed already."""
        claim = object()
        return self._claims.setdefault(channel, claim) is claim

    def release(self, channel: str) -> None:
        """Ends a claim."""
        self._claims.pop(channel, None)


@dataclass(slots=True)
class Allowance(Generic[P]):
    """How many messages a unit of work may take for delivery, and those that it took.

    Attributes:
        most: Messages, each to another channel.
        posts: The most of these that may be posts.
        edits: The most of these that may be edits.
        taken: The notifications, marked as sending, whose channels are claimed.
        is_recorded: The transaction that took them has been committed.
        is_abandoned: The caller was cancelled, and will not send them.
    """

    most: int
    posts: int
    edits: int
    taken: list[P] = field(default_factory=list)
    is_recorded: bool = False
    is_abandoned: bool = False
