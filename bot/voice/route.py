"""Alerts and notices -> the posts that each channel is owed. Pure; who was told what is an argument.

What a channel hears: its subscriptions say of what and from which condition up, its habits say when. A mute, and quiet
hours, keep a new message back until they end (it is told then, if it is still open), and let threads go on without a
broadcast; messages that stand are drawn anew all the same, which makes no sound. Two things pass: a complete outage
passes quiet hours, since those are against noise and not against that; the end of an incident passes its own mute.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from bot.model import (
    Alert,
    Condition,
    Habits,
    Mute,
    News,
    NewsItem,
    Notice,
    NoticeKind,
    Pause,
    Post,
    PostKind,
    Quiet,
    Subscription,
    SurfaceLine,
)

ALL = "all"  # the target of a mute of everything
MUTED, QUIET = "muted", "quiet hours"
_PERSONAL = ("D", "U", "W")  # how the ids of people, and of what is written to them, begin
_ENDS = (News.RESOLVED, News.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class Channels:
    """How channels want it, and what they have heard of one incident.

    ``rung`` are those whose mention has been used; ``earlier`` are the incidents that it follows in its episode, oldest
    first, each with the channels that have a message about it.
    """

    habits: Mapping[str, Habits] = field(default_factory=dict)
    rung: Collection[str] = ()
    earlier: Sequence[tuple[str, Collection[str]]] = ()


PLAIN = Channels()


def route(
    alert: Alert, subscriptions: Iterable[Subscription], told: Collection[str], channels: Channels = PLAIN
) -> Iterator[Post]:
    """The posts of one alert: a parent where the channel has none, else the parent redrawn and its news in the thread.

    ``told`` are the channels that have, or are owed, a message about this incident.

    A channel hears of an incident once one of its subscriptions matches a surface of it that is bad enough, and from
    then on until it is over. It is shown every surface of the incident: what is next door matters in an outage.
    """
    for channel, owned in _by_channel(subscriptions):
        mine = [s for s in owned if _concerns(alert, s)]
        habits = channels.habits.get(channel) or Habits(channel)
        if not mine:
            continue
        if channel in told:
            yield from _goes_on(alert, mine, habits, channels)
        elif alert.opens and any(_is_bad_enough(alert, s, habits) for s in mine):
            yield from _begins(alert, mine, habits, channels)


def route_notice(
    notice: Notice, subscriptions: Iterable[Subscription], surfaces: Collection[str], channels: Channels = PLAIN
) -> Iterator[Post]:
    """A notice goes once to every channel that listens to anything of its provider, unless that is muted there.

    Quiet hours let it pass: while a page can't be read, a complete outage would not be seen either.
    """
    listening = {s.channel for s in subscriptions if s.target == notice.provider or s.target in surfaces}
    for channel in sorted(listening):
        habits = channels.habits.get(channel) or Habits(channel)
        if not any(_is_on(m, notice.at) and m.target in (ALL, notice.provider) for m in habits.mutes):
            yield Post(channel, PostKind.NOTICE, notice.key, notice)


def paused(pause: Pause, mine: Iterable[Subscription]) -> Iterator[Post]:
    """Who subscribed a channel that takes nothing any more is told so, once each; nobody is told of their own."""
    key = f"paused:{pause.channel}:{pause.code}:{pause.since:%Y-%m-%d}"
    why = f"{pause.code}: {pause.remedy}" if pause.remedy else pause.code
    told = Notice(NoticeKind.PAUSED, "", "", key, pause.since, "", pause.since, why, channel=pause.channel)
    for owner in sorted({s.created_by for s in mine} - {""}):
        if not pause.channel.startswith(_PERSONAL):
            yield Post(owner, PostKind.NOTICE, key, told)


def route_owner(
    notice: Notice, owners: Iterable[str], subscriptions: Iterable[Subscription], surfaces: Collection[str]
) -> Iterator[Post]:
    """A notice goes once to everybody who runs the bot: to a person, or to their channel.

    A channel that listens to the provider has the notices of its own, and hears nothing twice.
    """
    listening = {s.channel for s in subscriptions if s.target == notice.provider or s.target in surfaces}
    for owner in sorted(set(owners) - listening):
        yield Post(owner, PostKind.NOTICE, notice.key, notice)


def matches(subscription: Subscription, provider: str, surface: str) -> bool:
    """True where the subscription is for this surface or for all of its provider."""
    return subscription.target in (provider, surface)


def hush(alert: Alert, mine: Iterable[Subscription], habits: Habits, at: datetime) -> str:
    """Why nothing new of this alert is said in a channel now; empty where nothing is against it."""
    shown = [x for x in alert.lines if any(matches(s, alert.provider, x.surface) for s in mine)]
    if _is_muted(alert, shown, habits, at):
        return MUTED
    is_down = any(line.condition is Condition.MAJOR_OUTAGE for line in shown)
    return QUIET if habits.quiet and not is_down and is_quiet(habits.quiet, at) else ""


def is_quiet(quiet: Quiet, at: datetime) -> bool:
    """True within the quiet hours: from the start on, and before the end."""
    now = at.astimezone(ZoneInfo(quiet.zone)).time()
    if quiet.start <= quiet.end:
        return quiet.start <= now < quiet.end
    return now >= quiet.start or now < quiet.end


# --- one channel ------------------------------------------------------------------------------------------------------


def _begins(alert: Alert, mine: list[Subscription], habits: Habits, channels: Channels) -> Iterator[Post]:
    """The first message; beside it nothing is broadcast."""
    bare, channel = replace(alert, news=()), habits.channel
    held = hush(alert, mine, habits, alert.as_of)
    rings = () if held else _rings(alert, mine, channel, channels)
    key = f"{alert.incident}:alert"
    yield Post(channel, PostKind.ALERT, key, bare, mentions=rings, held=held, points_to=alert.earlier)
    if held:
        return
    for item in alert.news:
        yield _reply(channel, bare, replace(item, broadcast=False))
    if first := _first(channel, channels):
        item = NewsItem((News.NEXT,), f"next:{alert.incident}", alert.as_of)
        yield replace(_reply(channel, replace(bare, incident=first), item), points_to=alert.incident)


def _goes_on(alert: Alert, mine: list[Subscription], habits: Habits, channels: Channels) -> Iterator[Post]:
    """The message drawn anew, and its news."""
    bare, channel = replace(alert, news=()), habits.channel
    held = hush(alert, mine, habits, alert.as_of)
    rings = () if held else _rings(alert, mine, channel, channels)
    key = f"{alert.incident}:edit:{alert.as_of.isoformat()}"
    yield Post(channel, PostKind.EDIT, key, bare, points_to=alert.earlier)
    is_loud = not held and not _first(channel, channels)
    for item in alert.news:
        loud = item.broadcast and (is_loud or _ends_its_mute(item, alert, habits))
        yield _reply(channel, bare, replace(item, broadcast=loud or bool(rings)), rings)
        rings = ()
    if rings:
        worse = NewsItem((News.WORSE,), "worse", alert.as_of, alert.stage, broadcast=True)
        yield _reply(channel, bare, worse, rings)


def _reply(channel: str, bare: Alert, item: NewsItem, rings: tuple[str, ...] = ()) -> Post:
    return Post(channel, PostKind.REPLY, f"{bare.incident}:{item.key}", bare, news=item, mentions=rings)


def _first(channel: str, channels: Channels) -> str:
    """The alert of the same episode that people of this channel look at already; empty where there is none."""
    return next((incident for incident, heard in channels.earlier if channel in heard), "")


def _rings(alert: Alert, mine: Iterable[Subscription], channel: str, channels: Channels) -> tuple[str, ...]:
    """Whom a complete outage of what they listen to rings: once per incident and channel."""
    if alert.closed_at is not None or channel in channels.rung:
        return ()
    down = [line.surface for line in alert.lines if line.condition is Condition.MAJOR_OUTAGE]
    rung = [s.mention for s in mine if s.mention and any(matches(s, alert.provider, x) for x in down)]
    return tuple(dict.fromkeys(rung))


def _is_muted(alert: Alert, shown: Sequence[SurfaceLine], habits: Habits, at: datetime) -> bool:
    """True where everything that the channel would be told of is muted."""
    targets = {mute.target for mute in habits.mutes if _is_on(mute, at)}
    if targets & {ALL, alert.incident, alert.provider, *alert.takes_over}:
        return True
    return bool(shown) and all(line.surface in targets for line in shown)


def _ends_its_mute(item: NewsItem, alert: Alert, habits: Habits) -> bool:
    return any(kind in _ENDS for kind in item.kinds) and any(m.target == alert.incident for m in habits.mutes)


def _is_on(mute: Mute, at: datetime) -> bool:
    return mute.until is None or mute.until > at


def _by_channel(subscriptions: Iterable[Subscription]) -> Iterator[tuple[str, list[Subscription]]]:
    for channel, owned in groupby(sorted(subscriptions, key=lambda s: s.channel), key=lambda s: s.channel):
        yield channel, list(owned)


def _concerns(alert: Alert, subscription: Subscription) -> bool:
    """An incident that names no surface concerns those who listen to the whole provider."""
    if not alert.lines:
        return subscription.target == alert.provider
    return any(matches(subscription, alert.provider, line.surface) for line in alert.lines)


def _is_bad_enough(alert: Alert, subscription: Subscription, habits: Habits) -> bool:
    """An open incident counts as degraded at least, since vendors post first and colour later; no maintenance does."""
    if alert.is_maintenance and habits.maintenance:
        return True
    least = Condition.MAINTENANCE if alert.is_maintenance else Condition.DEGRADED
    ranks = [x.condition.rank for x in alert.lines if matches(subscription, alert.provider, x.surface)]
    return max(*ranks, least.rank, 0) >= subscription.minimum.rank
