"""Who may change what: guarded is whatever silences or weakens an alert that someone else has set up.

The verb makes no difference (bot/docs/security.md#who-may-change-what). Without ``[slack] admins`` everybody may.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta

from bot import lookup
from bot.commands.types import CommandRequest, CommandResponse
from bot.domain import Subscription
from bot.messages import alert_actions
from bot.messages.builder import build_message
from bot.queries.current import StatusQueries
from bot.rules.alerting import routing

UNDO_WINDOW = timedelta(minutes=10)  # in which the maker of a subscription may end it


def is_admin(queries: StatusQueries, user: str) -> bool:
    """Whether the person with this id is an admin. The command line has an empty id and is one."""
    return not user or queries.is_admin(user)


def may_change_for_others(queries: StatusQueries, channel: str, user: str) -> bool:
    """Whether the person may change what others have set up. Everybody may change their own direct messages."""
    return channel == user or is_admin(queries, user)


def may_weaken(queries: StatusQueries, channel: str, user: str, subscriptions: Iterable[Subscription]) -> bool:
    """Whether the person may end subscriptions of a channel, or raise their threshold.

    A channel's subscription belongs to all who read it; its maker may take it back for as long as no one relies on it.
    """
    since = queries.now() - UNDO_WINDOW
    return may_change_for_others(queries, channel, user) or all(
        s.created_by == user and s.created_at is not None and s.created_at > since for s in subscriptions
    )


def may_mute(queries: StatusQueries, request: CommandRequest, targets: Collection[str]) -> bool:
    """Whether the person may mute these targets in the request's channel.

    In the channel itself everybody may mute single services, where all see it, as long as no subscription is silenced
    as a whole by it. From elsewhere, no subscription may lose a service.
    """
    if may_change_for_others(queries, request.channel, request.user):
        return True
    subscriptions = queries.repository.subscriptions(request.channel)
    now = queries.now()
    active = {m.target for m in queries.channel_preferences(request.channel).mutes if m.until is None or m.until > now}
    new = _surface_ids(queries, targets)
    silenced = new | _surface_ids(queries, active)
    is_elsewhere = request.origin not in ("", request.channel)
    for subscription in subscriptions:
        covered = _surface_ids(queries, [subscription.target])
        if routing.ALL in targets or (covered & new and (is_elsewhere or covered <= silenced)):
            return False
    return routing.ALL not in targets


def is_guest(queries: StatusQueries, other_team: str) -> bool:
    """Whether a person of this workspace (empty: the bot's own) may only read, as in channels of Slack Connect."""
    return bool(other_team) and other_team not in queries.partners


def guest_denied() -> CommandResponse:
    """The refusal for people of another workspace."""
    text = "People of another workspace can read here. Changes are for people of this workspace."
    return CommandResponse(build_message("", [text]), is_private=True)


def denied(queries: StatusQueries) -> CommandResponse:
    """The refusal, which names the admins to the person alone."""
    message = alert_actions.permission_denied_message(queries.admins, unasked=queries.has_unknown_groups())
    return CommandResponse(message, is_private=True)


def _surface_ids(queries: StatusQueries, targets: Iterable[str]) -> set[str]:
    found = (lookup.target_from_id(queries.providers, t) for t in targets)
    return {s.id for target in found if target is not None for s in target.surfaces}
