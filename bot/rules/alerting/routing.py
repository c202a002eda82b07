"""Routes alerts and notices to channels: which notifications each channel gets. No I/O.

A channel's subscriptions say what it is notified of, perhaps in one region only, and from which condition up; its
preferences say when. A mute or quiet hours hold a new message back until they end (it is sent then if it is still open)
and stop broadcasts from threads; existing messages are still updated, which notifies no one. There are two exceptions:
a major outage and its all clear are sent in quiet hours too, and the end of an incident is broadcast even if that
incident is muted. What quiet hours stopped is one broadcast when they end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from bot.domain import (
    CONFIGURED,
    Alert,
    ChannelPreferences,
    Condition,
    DeliveryPause,
    Message,
    Mute,
    NewsItem,
    NewsKind,
    Notice,
    NoticeKind,
    Notification,
    NotificationKind,
    QuietHours,
    Stage,
    Subscription,
    SurfaceLine,
)

ALL = "all"  # the target of a mute of everything
MUTED, QUIET = "muted", "quiet hours"
_NO_PERSON = frozenset({"", CONFIGURED})  # as the author of a subscription
_PERSON_PREFIXES = ("D", "U", "W")  # of the ids of direct messages and people
_ENDING_NEWS = (NewsKind.ALL_CLEAR, NewsKind.RESOLVED, NewsKind.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class ChannelDeliveryState:
    """The channels' preferences, and what they already have about one incident.

    ``mentioned`` are the channels where its mention has been used; ``earlier`` are the earlier incidents of its
    episode, oldest first, each with the channels that have a message about it.
    """

    preferences: Mapping[str, ChannelPreferences] = field(default_factory=dict)
    mentioned: Collection[str] = ()
    earlier: Sequence[tuple[str, Collection[str]]] = ()


DEFAULT_DELIVERY_STATE = ChannelDeliveryState()


def route_alert(
    alert: Alert,
    subscriptions: Iterable[Subscription],
    channels_with_alert: Collection[str],
    channels: ChannelDeliveryState = DEFAULT_DELIVERY_STATE,
) -> Iterator[Notification]:
    """Yields the notifications of one alert: a new message, or an update of the existing one and replies to it.

    A channel is notified once one of its subscriptions matches a surface of the incident that is bad enough, and from
    then on until the incident ends, even if the page names other regions by then. Its message shows every surface of
    the incident, not only the subscribed ones.

    Args:
        alert: The alert with its news.
        subscriptions: All channels' subscriptions.
        channels_with_alert: The channels that have a message about this incident, sent or pending in the outbox.
        channels: The channels' preferences, and what they already have.
    """
    anywhere = replace(alert, regions=())
    for channel, channel_subscriptions in _by_channel(subscriptions):
        has_alert = channel in channels_with_alert
        concerning = anywhere if has_alert else alert
        matching = [s for s in channel_subscriptions if _concerns_subscription(concerning, s)]
        preferences = channels.preferences.get(channel) or ChannelPreferences(channel)
        if not matching:
            continue
        if has_alert:
            yield from _update_notifications(concerning, matching, preferences, channels)
        elif alert.opens and any(_meets_minimum(alert, s, preferences) for s in matching):
            yield from _first_notifications(alert, matching, preferences, channels)


def route_notice(
    notice: Notice,
    subscriptions: Iterable[Subscription],
    surfaces: Collection[str],
    channels: ChannelDeliveryState = DEFAULT_DELIVERY_STATE,
) -> Iterator[Notification]:
    """Yields a notice for every channel with a subscription to its provider or to one of ``surfaces``, unless muted.

    Of quiet hours ``Engine`` knows: they hold back that a page is unreadable, unless it edits the day's message.
    """
    subscribed = {s.channel for s in subscriptions if s.subject == notice.provider or s.subject in surfaces}
    for channel in sorted(subscribed):
        preferences = channels.preferences.get(channel) or ChannelPreferences(channel)
        if not any(_is_mute_active(m, notice.at) and m.target in (ALL, notice.provider) for m in preferences.mutes):
            yield Notification(channel, NotificationKind.NOTICE, notice.key, notice)


def route_pauses(
    pauses: Sequence[DeliveryPause],
    subscriptions: Iterable[Subscription],
    owners: Iterable[str],
    at: datetime,
    render: Callable[[Sequence[DeliveryPause]], Message],
) -> Iterator[Notification]:
    """Yields one notice for each of the owners, and one for everybody who subscribed one of the paused channels.

    Direct messages are left out of a subscriber's notice: it can't be sent there. An owner gets one message.
    """
    by_reader: dict[str, list[DeliveryPause]] = {owner: list(pauses) for owner in owners}
    all_subscriptions = tuple(subscriptions)
    for pause in pauses:
        if pause.channel.startswith(_PERSON_PREFIXES):
            continue
        for reader in sorted({s.created_by for s in all_subscriptions if s.channel == pause.channel} - _NO_PERSON):
            listed = by_reader.setdefault(reader, [])
            listed += [] if pause in listed else [pause]
    for reader, listed in sorted(by_reader.items()):
        key = f"paused:{short_key([p.channel for p in listed])}:{at:%Y-%m-%dT%H}"
        notice = Notice(NoticeKind.PAUSED, "", "", key, at, "", at, said=render(listed))
        yield Notification(reader, NotificationKind.NOTICE, key, notice)


def short_key(names: Iterable[str]) -> str:
    """A short key of a set of names: one name as it is, several by their number and a hash."""
    ordered = sorted(names)
    digest = hashlib.sha256(" ".join(ordered).encode()).hexdigest()[:8]
    return ordered[0] if len(ordered) == 1 else f"{len(ordered)}-{digest}"


def route_owner(
    notice: Notice, owners: Iterable[str], subscriptions: Iterable[Subscription], surfaces: Collection[str]
) -> Iterator[Notification]:
    """Yields a notice for each of the operators, who are people or channels.

    A channel that is subscribed to the provider gets the notice from ``route_notice`` and is left out here.
    """
    subscribed = {s.channel for s in subscriptions if s.subject == notice.provider or s.subject in surfaces}
    for owner in sorted(set(owners) - subscribed):
        yield Notification(owner, NotificationKind.NOTICE, notice.key, notice)


def is_subscribed_to(subscription: Subscription, alert: Alert, surface: str) -> bool:
    """True where the subscription is for this surface of the alert or for all of its provider, and for its region."""
    return subscription.subject in (alert.provider, surface) and _is_in_its_region(alert, subscription)


def _is_in_its_region(alert: Alert, subscription: Subscription) -> bool:
    """Whether the incident may be in the region of the subscription: one that names no region may be in any."""
    return not (subscription.region and alert.regions) or subscription.region in alert.regions


def silence_reason(
    alert: Alert, subscriptions: Iterable[Subscription], preferences: ChannelPreferences, at: datetime
) -> str:
    """Returns why the channel gets no new message about this alert now; empty where nothing prevents one."""
    lines = [x for x in alert.lines if any(is_subscribed_to(s, alert, x.surface) for s in subscriptions)]
    if _is_muted(alert, lines, preferences, at):
        return MUTED
    is_down = any(line.condition is Condition.MAJOR_OUTAGE for line in lines)
    return QUIET if preferences.quiet and not is_down and is_in_quiet_hours(preferences.quiet, at) else ""


def is_silent(preferences: ChannelPreferences | None, at: datetime) -> bool:
    """True in a channel's quiet hours, and while it has muted everything."""
    if preferences is None:
        return False
    is_muted = any(m.target == ALL and _is_mute_active(m, at) for m in preferences.mutes)
    return is_muted or (preferences.quiet is not None and is_in_quiet_hours(preferences.quiet, at))


def is_in_quiet_hours(quiet: QuietHours, at: datetime) -> bool:
    """True within the quiet hours: from the start on, and before the end; False in a zone that no one knows."""
    try:
        now = at.astimezone(ZoneInfo(quiet.zone)).time()
    except (KeyError, ValueError, OSError):  # this machine does not know the zone: better an alert than none
        return False
    if quiet.start <= quiet.end:
        return quiet.start <= now < quiet.end
    return now >= quiet.start or now < quiet.end


# --- one channel ------------------------------------------------------------------------------------------------------


def _first_notifications(
    alert: Alert, subscriptions: list[Subscription], preferences: ChannelPreferences, channels: ChannelDeliveryState
) -> Iterator[Notification]:
    """Yields the channel's new message about the incident; its replies are not broadcast."""
    without_news, channel = replace(alert, news=()), preferences.channel
    hold_reason = silence_reason(alert, subscriptions, preferences, alert.as_of)
    mentions = () if hold_reason else _outage_mentions(alert, subscriptions, channel, channels)
    key = f"{alert.incident}:alert"
    yield Notification(
        channel, NotificationKind.ALERT, key, without_news, mentions=mentions, held=hold_reason, points_to=alert.earlier
    )
    if hold_reason:
        return
    for item in _with_reasons(alert):
        yield _reply_notification(channel, without_news, replace(item, broadcast=False))
    if earlier := _earlier_alert_incident(channel, channels):
        item = NewsItem((NewsKind.NEXT,), f"next:{alert.incident}", alert.as_of)
        yield replace(
            _reply_notification(channel, replace(without_news, incident=earlier), item), points_to=alert.incident
        )


def _with_reasons(alert: Alert) -> Iterator[NewsItem]:
    """Yields the news of a new message, the first with the reasons of the advice."""
    first, *others = alert.news or (NewsItem((), "why", alert.as_of, alert.stage),)
    is_planned = alert.is_maintenance and alert.stage is Stage.SCHEDULED
    if alert.lines and alert.closed_at is None and not is_planned:
        first = replace(first, kinds=(NewsKind.WHY, *first.kinds))
    yield from (item for item in (first, *others) if item.kinds)


def _update_notifications(
    alert: Alert, subscriptions: list[Subscription], preferences: ChannelPreferences, channels: ChannelDeliveryState
) -> Iterator[Notification]:
    """Yields the update of the channel's message, and a reply for each piece of news."""
    without_news, channel = replace(alert, news=()), preferences.channel
    hold_reason = silence_reason(alert, subscriptions, preferences, alert.as_of)
    mentions = () if hold_reason else _outage_mentions(alert, subscriptions, channel, channels)
    key = f"{alert.incident}:edit:{alert.as_of.isoformat()}"
    yield Notification(channel, NotificationKind.EDIT, key, without_news, points_to=alert.earlier)
    is_related = bool(_earlier_alert_incident(channel, channels))
    may_broadcast = not hold_reason and not is_related
    is_end_of_outage = hold_reason == QUIET and not is_related and _had_outage(alert, subscriptions)
    is_stopped = False
    for item in alert.news:
        is_broadcast = item.broadcast and (
            may_broadcast
            or _ends_mute(item, alert, preferences)
            or (is_end_of_outage and NewsKind.ALL_CLEAR in item.kinds)
        )
        is_stopped = is_stopped or (item.broadcast and not is_broadcast)
        yield _reply_notification(
            channel, without_news, replace(item, broadcast=is_broadcast or bool(mentions)), mentions
        )
        mentions = ()
    if mentions:
        worse = NewsItem((NewsKind.WORSE,), "worse", alert.as_of, alert.stage, broadcast=True)
        yield _reply_notification(channel, without_news, worse, mentions)
    if is_stopped and hold_reason == QUIET and not is_related:
        waiting = NewsItem((), "after-quiet-hours", alert.as_of, alert.stage)
        yield replace(_reply_notification(channel, without_news, waiting), held=QUIET)


def _had_outage(alert: Alert, subscriptions: Iterable[Subscription]) -> bool:
    """Whether a subscribed surface had an outage in the incident."""
    return any(is_subscribed_to(s, alert, surface) for s in subscriptions for surface in alert.outages)


def after_quiet_hours(alert: Alert, channel: str, at: datetime) -> Notification:
    """The one broadcast of what quiet hours stopped: how the incident is now, or that it has ended."""
    if alert.cleared_at is not None:
        kind = NewsKind.ALL_CLEAR
    else:
        kind = NewsKind.REMINDER if alert.closed_at is None else NewsKind.RESOLVED
    item = NewsItem((kind,), f"after-quiet-hours:{at.isoformat()}", at, alert.stage, broadcast=True)
    return _reply_notification(channel, replace(alert, news=()), item)


def _reply_notification(channel: str, alert: Alert, item: NewsItem, mentions: tuple[str, ...] = ()) -> Notification:
    return Notification(
        channel, NotificationKind.REPLY, f"{alert.incident}:{item.key}", alert, news=item, mentions=mentions
    )


def _earlier_alert_incident(channel: str, channels: ChannelDeliveryState) -> str:
    """Returns the earliest incident of the episode about which the channel has a message; empty where there is none."""
    return next((incident for incident, with_alert in channels.earlier if channel in with_alert), "")


def _outage_mentions(
    alert: Alert, subscriptions: Iterable[Subscription], channel: str, channels: ChannelDeliveryState
) -> tuple[str, ...]:
    """Returns whom to mention for a major outage of a subscribed surface: once per incident and channel."""
    if alert.closed_at is not None or channel in channels.mentioned:
        return ()
    down_surfaces = [line.surface for line in alert.lines if line.condition is Condition.MAJOR_OUTAGE]
    mentions = [
        s.mention for s in subscriptions if s.mention and any(is_subscribed_to(s, alert, x) for x in down_surfaces)
    ]
    return tuple(dict.fromkeys(mentions))


def _is_muted(alert: Alert, lines: Sequence[SurfaceLine], preferences: ChannelPreferences, at: datetime) -> bool:
    """True where everything that the channel would be notified of is muted."""
    targets = {mute.target for mute in preferences.mutes if _is_mute_active(mute, at)}
    if targets & {ALL, alert.incident, alert.provider, *alert.takes_over}:
        return True
    return bool(lines) and all(line.surface in targets for line in lines)


def _ends_mute(item: NewsItem, alert: Alert, preferences: ChannelPreferences) -> bool:
    return any(kind in _ENDING_NEWS for kind in item.kinds) and any(
        m.target == alert.incident for m in preferences.mutes
    )


def _is_mute_active(mute: Mute, at: datetime) -> bool:
    return mute.until is None or mute.until > at


def _by_channel(subscriptions: Iterable[Subscription]) -> Iterator[tuple[str, list[Subscription]]]:
    for channel, group in groupby(sorted(subscriptions, key=lambda s: s.channel), key=lambda s: s.channel):
        yield channel, list(group)


def _concerns_subscription(alert: Alert, subscription: Subscription) -> bool:
    """Whether the alert matches the subscription; one without surfaces matches those to the whole provider."""
    if not alert.lines:
        return subscription.subject == alert.provider and _is_in_its_region(alert, subscription)
    return any(is_subscribed_to(subscription, alert, line.surface) for line in alert.lines)


def _meets_minimum(alert: Alert, subscription: Subscription, preferences: ChannelPreferences) -> bool:
    """Whether a surface is bad enough for the subscription.

    An incident counts as degraded at least, since vendors often post before they change the component; a maintenance
    counts as maintenance at least, and always where the channel wants maintenance alerts.
    """
    if alert.is_maintenance and preferences.maintenance:
        return True
    least = Condition.MAINTENANCE if alert.is_maintenance else Condition.DEGRADED
    ranks = [x.condition.rank for x in alert.lines if is_subscribed_to(subscription, alert, x.surface)]
    ranks += [alert.condition.rank] if alert.condition else []
    return max(*ranks, least.rank, 0) >= subscription.minimum.rank
