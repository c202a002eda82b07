"""Subscriptions: created, changed and removed by commands, menus and modals. No Slack transport here.

Every change is announced in the channel that it affects, with the name of the person and a button that takes it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from zlib import crc32

from bot import lookup
from bot.commands import grammar, parsing, permissions, questions
from bot.commands.types import ButtonClick, CommandRequest, CommandResponse, ModalSubmission
from bot.domain import (
    CONFIGURED,
    IN_REGION,
    ChatUser,
    Condition,
    Message,
    Notice,
    NoticeKind,
    Notification,
    NotificationKind,
    Provider,
    Subscription,
)
from bot.errors import UsageError
from bot.lookup import Target
from bot.messages import app_home, confirmations, modals, preferences, replies
from bot.messages.builder import build_message, join_messages
from bot.queries.current import StatusQueries

SEVERITIES = {
    "all": Condition.DEGRADED,
    "minor": Condition.DEGRADED,
    "degraded": Condition.DEGRADED,
    "partial": Condition.PARTIAL_OUTAGE,
    "outage": Condition.MAJOR_OUTAGE,
    "major": Condition.MAJOR_OUTAGE,
    "critical": Condition.MAJOR_OUTAGE,
    "maintenance": Condition.MAINTENANCE,
}
_SEVERITY_GRAMMAR = frozenset(
    {"from", "min", "minimum", "at", "least", "only", "up", "severity", "severities", "level", "and", "or", "worse"}
)
WELCOME_INTERVAL = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SubscriptionWish:
    """What a typed ``subscribe`` asks for. ``minimum`` and ``mention`` are None where it does not say."""

    targets: tuple[Target, ...]
    minimum: Condition | None
    mention: str | None


def subscribe(queries: StatusQueries, request: CommandRequest) -> CommandResponse:
    """Subscribes a channel to services and providers, each once. What is not said stays as it is."""
    wish = _parse_subscription(queries, request.words)
    if not wish.targets:
        raise questions.missing_name("subscribe claude")
    return _save_subscriptions(queries, request, wish)


def _save_subscriptions(queries: StatusQueries, request: CommandRequest, wish: SubscriptionWish) -> CommandResponse:
    before = {s.target: s for s in queries.repository.subscriptions(request.channel)}
    wanted = [(_wanted(request, wish, t.id, before.get(t.id), queries), t) for t in wish.targets]
    weakened = [before[s.target] for s, _ in wanted if s.target in before and _is_weaker(s, before[s.target])]
    if not permissions.may_weaken(queries, request.channel, request.user, weakened):
        return permissions.denied(queries)
    changed = [(s, t) for s, t in wanted if s != before.get(s.target)]
    for subscription, _ in changed:
        queries.repository.subscribe(subscription)
    is_resumed = queries.repository.resume_channel(request.channel)

    change = confirmations.SubscriptionChange(
        [(s, t.name) for s, t in changed],
        [(s, t.name) for s, t in wanted if s == before.get(s.target)],
        len({surface.id for _, t in changed for surface in t.surfaces}),
        tuple(_state_lines(queries, [t for _, t in changed])),
        _undo_subscribing(changed, before),
    )

    def message(origin: str) -> Message:
        said = confirmations.subscribed_message(change, origin)
        return join_messages([said, *([build_message("", [preferences.RETRY_TEXT])] if is_resumed else [])])

    if changed:
        announce(queries, request, message(request.channel))
    is_news = bool(changed) or is_resumed
    return CommandResponse(message(request.origin), in_channel=is_news, posts_to=request.channel if is_news else "")


def _wanted(
    request: CommandRequest, wish: SubscriptionWish, target: str, before: Subscription | None, queries: StatusQueries
) -> Subscription:
    """The subscription as wished; what the wish does not say is as before."""
    base = before or Subscription(request.channel, target, created_by=request.user, created_at=queries.now())
    if base.created_by == CONFIGURED:  # from now on a person's, which stays when brownout.toml no longer has it
        base = replace(base, created_by=request.user)
    return replace(
        base,
        minimum=base.minimum if wish.minimum is None else wish.minimum,
        mention=base.mention if wish.mention is None else wish.mention,
    )


def _is_weaker(after: Subscription, before: Subscription) -> bool:
    """Whether someone is alerted less: from a worse condition up only, or without the mention."""
    return after.minimum.rank > before.minimum.rank or before.mention not in ("", after.mention)


def _undo_subscribing(
    changed: Sequence[tuple[Subscription, Target]], before: dict[str, Subscription]
) -> list[tuple[str, str]]:
    """The button that takes a subscription back: it ends new ones, and restores a single changed one."""
    if len(changed) == 1 and (old := before.get(changed[0][0].target)):
        return [("Undo", confirmations.subscribe_command(old))]
    if not changed or any(s.target in before for s, _ in changed):
        return []
    targets = ", ".join(s.target for s, _ in changed)
    return [("Undo", confirmations.command_for(changed[0][0].channel, f"unsubscribe {targets}"))]


def _state_lines(queries: StatusQueries, targets: Iterable[Target]) -> Iterator[str]:
    """What of the targets is not operational now, one line per provider."""
    for provider in dict.fromkeys(t.provider for t in targets):
        state = queries.provider_state(provider)
        surfaces = [s for t in targets if t.provider == provider for s in t.surfaces]
        yield from replies.affected_lines(provider, surfaces, state, queries.now())


def _parse_subscription(queries: StatusQueries, words: Sequence[str]) -> SubscriptionWish:
    """The targets, the severity and whom to mention. UsageError for what is unknown."""
    levels = [w[len("min:") :] for w in words if w.casefold().startswith("min:")]
    mentions = [parsing.parse_mention(w[len("mention:") :]) for w in words if w.casefold().startswith("mention:")]
    rest = [w for w in words if not w.casefold().startswith(("min:", "mention:"))]
    rest, level = _split_off_severity(queries, rest)
    minimum = _parse_severity(levels[-1] if levels else level) if levels or level else None
    mention = mentions[-1] if mentions else None
    if grammar.is_all(rest):
        return SubscriptionWish(_all_providers(queries), minimum, mention)
    targets = _named_targets(queries.providers, queries.find_targets, queries.resolve_target, rest) if rest else ()
    return SubscriptionWish(targets, minimum, mention)


def _named_targets(
    providers: Sequence[Provider], find: grammar.FindTargets, resolve: grammar.ResolveTarget, words: Sequence[str]
) -> tuple[Target, ...]:
    """The targets that the words name, each once; narrowed where they name regions, as in ``aws in eu-west-1``.

    ``aws-ec2@eu-west-1``, as a subscription stores it, is one name. Regions without any other name are of every
    provider that has them.
    """
    stored = {w: found for w in words if IN_REGION in w and (found := _stored_target(providers, w))}
    rest, regions = lookup.split_off_regions(providers, [w for w in words if w not in stored])
    if grammar.without_grammar(rest):
        named = grammar.find_named(find, resolve, rest)
    else:
        having = (p for p in providers if set(p.facets) & set(regions))
        named = tuple(Target(p.id, p.name, p, p.surfaces) for p in having)
    targets = (*stored.values(), *lookup.narrowed(named, regions))
    return tuple({t.id: t for t in targets}.values())


def _stored_target(providers: Sequence[Provider], word: str) -> Target | None:
    """The target of a word such as ``aws-ec2@eu-west-1``; None for others. UsageError for an unknown region."""
    subject, _, region = word.strip(",;.").casefold().partition(IN_REGION)
    found = lookup.target_from_id(providers, subject)
    return found.in_region(region) if found and region else None


def _all_providers(queries: StatusQueries) -> tuple[Target, ...]:
    """Every watched provider, if one command takes so many."""
    if len(queries.providers) > grammar.MAX_TARGETS:
        raise UsageError(
            f"{len(queries.providers)} providers are watched, and one command takes {grammar.MAX_TARGETS}. Name those"
            " that this channel depends on."
        )
    return tuple(Target(p.id, p.name, p, p.surfaces) for p in queries.providers)


def _split_off_severity(queries: StatusQueries, words: Sequence[str]) -> tuple[list[str], str]:
    """The words without a severity at their end, such as ``outage only``, and that severity; empty for none."""
    rest, level = list(words), ""
    if len(queries.find_targets(" ".join(rest))[1]) == 1:
        return rest, ""
    while rest and (word := rest[-1].casefold().strip(".,!?")) and (word in _SEVERITY_GRAMMAR or word in SEVERITIES):
        if word == "all" and not (level or len(rest) < len(words)):
            break  # “subscribe all”: a name
        level = word if word in SEVERITIES else level
        rest.pop()
    return (rest, level) if level else (list(words), "")


def _parse_severity(typed: str) -> Condition:
    level = SEVERITIES.get(typed.casefold())
    if level is None:
        raise UsageError(
            f"Unknown severity “{parsing.plain_text(typed)[:60]}”. Use: degraded, partial, outage, maintenance."
        )
    return level


def unsubscribe(queries: StatusQueries, request: CommandRequest) -> CommandResponse:
    """Ends subscriptions of a channel, also those of providers that are not watched any more."""
    before = {s.target: s for s in queries.repository.subscriptions(request.channel)}
    if not request.words:
        raise questions.missing_name("unsubscribe claude")
    names = _subscribed_names(queries, request.words, before)
    ended = [(before[target], name) for target, name in names.items() if target in before]
    missing = [name for target, name in names.items() if target not in before]
    if not permissions.may_weaken(queries, request.channel, request.user, [s for s, _ in ended]):
        return permissions.denied(queries)
    for subscription, _ in ended:
        queries.repository.unsubscribe(request.channel, subscription.target)

    def message(origin: str) -> Message:
        return confirmations.unsubscribed_message(ended, missing, request.channel, origin)

    if ended:
        announce(queries, request, message(request.channel))
    return CommandResponse(message(request.origin), in_channel=bool(ended))


def _subscribed_names(queries: StatusQueries, words: Sequence[str], before: dict[str, Subscription]) -> dict[str, str]:
    """The targets that the words name, with their names. A subscription's own id counts, whatever is watched."""
    if grammar.is_all(words):
        return {target: target_name(queries, target) for target in before}
    plain = grammar.without_grammar(words)
    if plain and all(word in before for word in plain):
        return {target: target_name(queries, target) for target in plain}
    known = (*queries.providers, *queries.available)
    targets = _named_targets(
        known,
        lambda typed: lookup.find_targets(known, typed),
        lambda typed: lookup.resolve_target(known, typed),
        words,
    )
    return {t.id: t.name for t in targets}


def target_name(queries: StatusQueries, target: str) -> str:
    """The name of a subscription's target; its id where the catalogue does not have it."""
    found = lookup.target_from_id((*queries.providers, *queries.available), target)
    return found.name if found else target


def unwatched_targets(queries: StatusQueries, subscriptions: Iterable[Subscription]) -> dict[str, str]:
    """Why no alert can come for a subscription's target, by target: its provider is off, or not there any more."""
    reasons = {}
    for subscription in subscriptions:
        if lookup.target_from_id(queries.providers, subscription.target) is None:
            is_known = lookup.target_from_id(queries.available, subscription.target) is not None
            reasons[subscription.target] = "disabled in config" if is_known else "not in config"
    return reasons


def list_subscriptions(queries: StatusQueries, request: CommandRequest) -> CommandResponse:
    """The subscriptions and settings of a channel; with ``all``, the services of every watched provider."""
    if request.words and grammar.is_all(request.words):
        return CommandResponse(replies.surface_list_message(queries.providers, queries.available))
    return CommandResponse(subscriptions_message(queries, request.channel, request.origin))


def subscriptions_message(queries: StatusQueries, channel: str, origin: str = "") -> Message:
    """What a channel gets alerts for, and its settings."""
    subscriptions = queries.repository.subscriptions(channel)
    return replies.subscriptions_message(
        replies.ChannelSubscriptions(
            subscriptions,
            queries.channel_preferences(channel),
            {s.target: target_name(queries, s.target) for s in subscriptions},
            unwatched_targets(queries, subscriptions),
            queries.repository.channel_pause(channel),
        ),
        queries.now(),
        origin,
    )


def announce(queries: StatusQueries, request: CommandRequest, message: Message) -> None:
    """Posts a change to the channel that it affects, where the person has made it from elsewhere."""
    if request.is_from_elsewhere and not preferences.is_direct_message(request.channel):
        at, which = queries.now().isoformat(), crc32(message.text.encode())
        key = f"elsewhere:{request.user}:{at}:{which:08x}"
        enqueue_notice(queries, request.channel, message, request.person, key=key)


def open_subscription_modal(queries: StatusQueries, target: str, channel: str = "") -> CommandResponse:
    """The modal that asks for a target and a channel. ``target`` is preselected; empty for none."""
    resolved = queries.resolve_target(target) if target else None
    is_whole = resolved is not None and resolved.id == resolved.provider.id
    how = "In a channel: `/brownout subscribe claude`."
    preselected = (resolved.id, f"All of {resolved.name}" if is_whole else resolved.name) if resolved else None
    return CommandResponse(build_message("", [how]), view=modals.subscribe_modal(preselected, channel))


def submit_subscription(queries: StatusQueries, submission: ModalSubmission) -> dict[str, str]:
    """Creates the subscription. Returns error texts by block id; empty if it was created."""
    try:
        target = queries.resolve_target(submission.values.get(modals.TARGET, ""))
    except UsageError as error:
        return {modals.TARGET: str(error)}
    person = submission.person
    channel = parsing.channel_or_user(submission.values.get(modals.WHERE) or person.id, person.id)
    minimum = Condition(submission.values.get(modals.MINIMUM) or Condition.DEGRADED)
    request = CommandRequest((), channel, person.id, person.name, origin=channel)
    response = _save_subscriptions(queries, request, SubscriptionWish((target,), minimum, None))
    if response.is_private:
        return {modals.MINIMUM: response.message.text}
    if response.in_channel:
        enqueue_notice(queries, channel, response.message, person, key=f"subscribed:{submission.view}")
    return {}


def change_subscription(queries: StatusQueries, click: ButtonClick) -> CommandResponse | None:
    """Applies the choice from the menu beside a subscription: another minimum severity, or its removal.

    Raises:
        UsageError: The subscription is gone, or belongs to someone else.
    """
    choice, channel, target = click.value.split(" ", 2)
    subscription = {s.target: s for s in queries.repository.subscriptions(channel)}.get(target)
    if subscription is None or click.person.id not in (subscription.channel, subscription.created_by):
        raise UsageError("This subscription is gone. Home shows the present ones.")
    if not permissions.may_change_for_others(queries, channel, click.person.id):
        return permissions.denied(queries)
    request = CommandRequest((target,), channel, click.person.id, click.person.name, origin=channel)
    if choice == app_home.OFF:
        response = unsubscribe(queries, request)
    else:
        changed = replace(subscription, minimum=Condition(choice))
        found = lookup.target_from_id(queries.providers, target)
        if found is None:
            raise UsageError(f"{target_name(queries, target)} is not watched.")
        response = _save_subscriptions(queries, request, SubscriptionWish((found,), changed.minimum, None))
    if response.is_private:
        return response
    if response.in_channel and not preferences.is_direct_message(channel):
        at = queries.now().isoformat()
        enqueue_notice(queries, channel, response.message, click.person, key=f"changed:{target}:{at}")
    return None


def enqueue_notice(queries: StatusQueries, channel: str, message: Message, person: ChatUser, *, key: str) -> None:
    """Queues a notice that tells a channel what someone has changed for it."""
    author_line = (
        ()
        if preferences.is_direct_message(channel)
        else (build_message("", [f"Changed by {person.name}, from outside this channel."]),)
    )
    at = queries.now()
    notice = Notice(NoticeKind.SETTINGS, "", "", key, at, "", at, said=join_messages([message, *author_line]))
    queries.repository.user_actions.enqueue([Notification(channel, NotificationKind.NOTICE, key, notice)], at)


def enqueue_welcome(queries: StatusQueries, channel: str) -> bool:
    """Queues a channel's welcome, at most once a day. Returns False if it had one within a day.

    A channel with subscriptions gets a list of them. A paused channel is resumed, since the bot is a member again.
    """
    at = queries.now()
    queries.repository.resume_channel(channel)
    key = f"{NoticeKind.WELCOME}:{at.isoformat(timespec='seconds')}"
    subscriptions = queries.repository.subscriptions(channel)
    message = (
        subscriptions_message(queries, channel) if subscriptions else modals.welcome_message(len(queries.providers))
    )
    notice = Notice(NoticeKind.WELCOME, "", "", key, at, "", at, said=message)
    return queries.repository.schedules.enqueue_welcome(
        Notification(channel, NotificationKind.NOTICE, key, notice), at, at - WELCOME_INTERVAL
    )
