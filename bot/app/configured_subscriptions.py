"""Brings the subscriptions of brownout.toml (``[[subscribe]]``) into the database when the bot starts.

The file says what there is for its channels and targets; other subscriptions stay. One that only the file made is ended
when the file no longer has it. One that a person made, or typed again, stays with its author and its last terms.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from bot.domain import CONFIGURED, Subscription


class SubscriptionStore(Protocol):
    """Where subscriptions are kept."""

    def subscriptions(self) -> tuple[Subscription, ...]: ...  # noqa: D102
    def subscribe(self, subscription: Subscription) -> None: ...  # noqa: D102
    def unsubscribe(self, channel: str, target: str) -> bool: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class SubscriptionChanges:
    """What differs between the file and the database: to add, to change, and to end."""

    added: tuple[Subscription, ...] = ()
    changed: tuple[Subscription, ...] = ()
    ended: tuple[Subscription, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is any difference."""
        return bool(self.added or self.changed or self.ended)

    def lines(self) -> list[str]:
        """One line per difference, for people: ``+ C0123 claude``."""
        signs = (("+", self.added), ("~", self.changed), ("-", self.ended))
        return [f"{sign} {s.channel} {s.target} ({_terms(s)})" for sign, listed in signs for s in listed]


def compare(wanted: Iterable[Subscription], stored: Sequence[Subscription]) -> SubscriptionChanges:
    """The difference between the file's subscriptions and the stored ones."""
    by_key = {(s.channel, s.target): s for s in stored}
    in_file = {(s.channel, s.target): s for s in wanted}
    return SubscriptionChanges(
        added=tuple(s for key, s in in_file.items() if key not in by_key),
        changed=tuple(s for key, s in in_file.items() if key in by_key and not _is_same(s, by_key[key])),
        ended=tuple(s for key, s in by_key.items() if s.created_by == CONFIGURED and key not in in_file),
    )


def reconcile(store: SubscriptionStore, wanted: Iterable[Subscription], at: datetime) -> SubscriptionChanges:
    """Makes the stored subscriptions those of the file; returns what was changed."""
    changes = compare(wanted, store.subscriptions())
    for subscription in (*changes.added, *changes.changed):
        store.subscribe(replace(subscription, created_by=CONFIGURED, created_at=at))
    for subscription in changes.ended:
        store.unsubscribe(subscription.channel, subscription.target)
    return changes


def _is_same(one: Subscription, other: Subscription) -> bool:
    """Whether the terms are the same; the name that Slack adds to a mention (``|@ops``) says nothing new."""
    return (one.minimum, one.mention.partition("|")[0]) == (other.minimum, other.mention.partition("|")[0])


def _terms(subscription: Subscription) -> str:
    mention = f", mention {subscription.mention}" if subscription.mention else ""
    return f"{subscription.minimum}{mention}"
