"""Alerts and notices -> the posts that each channel is owed. Pure; who was told what is an argument."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from bot.model import Alert, Condition, Notice, Post, PostKind, Subscription


def route(alert: Alert, subscriptions: Iterable[Subscription], told: Collection[str]) -> Iterator[Post]:
    """The posts of one alert: a parent where the channel has none, else the parent redrawn and its news in the thread.

    ``told`` are the channels that have, or are owed, a message about this incident.

    A channel hears of an incident once one of its subscriptions matches a surface of it that is bad enough, and from
    then on until it is over. It is shown every surface of the incident: what is next door matters in an outage.
    """
    bare = replace(alert, news=())
    for channel, owned in _by_channel(subscriptions):
        mine = [s for s in owned if _concerns(alert, s)]
        has = channel in told
        if not mine or not (has or (alert.opens and any(_is_bad_enough(alert, s) for s in mine))):
            continue
        if has:
            yield Post(channel, PostKind.EDIT, f"{alert.incident}:edit:{alert.as_of.isoformat()}", bare)
        else:
            yield Post(channel, PostKind.ALERT, f"{alert.incident}:alert", bare)
        for item in alert.news:
            quiet = item if has else replace(item, broadcast=False)
            yield Post(channel, PostKind.REPLY, f"{alert.incident}:{item.key}", bare, news=quiet)


def route_notice(notice: Notice, subscriptions: Iterable[Subscription], surfaces: Collection[str]) -> Iterator[Post]:
    """A notice goes once to every channel that listens to anything of its provider."""
    channels = {s.channel for s in subscriptions if s.target == notice.provider or s.target in surfaces}
    for channel in sorted(channels):
        yield Post(channel, PostKind.NOTICE, notice.key, notice)


def matches(subscription: Subscription, provider: str, surface: str) -> bool:
    """True where the subscription is for this surface or for all of its provider."""
    return subscription.target in (provider, surface)


def _by_channel(subscriptions: Iterable[Subscription]) -> Iterator[tuple[str, list[Subscription]]]:
    for channel, owned in groupby(sorted(subscriptions, key=lambda s: s.channel), key=lambda s: s.channel):
        yield channel, list(owned)


def _concerns(alert: Alert, subscription: Subscription) -> bool:
    """An incident that names no surface concerns those who listen to the whole provider."""
    if not alert.lines:
        return subscription.target == alert.provider
    return any(matches(subscription, alert.provider, line.surface) for line in alert.lines)


def _is_bad_enough(alert: Alert, subscription: Subscription) -> bool:
    """An open incident counts as degraded at least, since vendors post first and colour later; no maintenance does."""
    least = Condition.MAINTENANCE if alert.is_maintenance else Condition.DEGRADED
    ranks = [x.condition.rank for x in alert.lines if matches(subscription, alert.provider, x.surface)]
    return max(*ranks, least.rank, 0) >= subscription.minimum.rank
