"""The commands that change something for a channel: report, mute, unmute, settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bot import lookup
from bot.commands import grammar, parsing, permissions, questions, subscriptions
from bot.commands.types import CommandRequest, CommandResponse
from bot.domain import (
    ChannelPreferences,
    Condition,
    Event,
    EventKind,
    Mute,
    Notice,
    NoticeKind,
    Notification,
    NotificationKind,
    Provider,
    Subscription,
    Surface,
    UserAction,
)
from bot.durations import Limits
from bot.errors import UsageError
from bot.lookup import Target
from bot.messages import alert_actions, confirmations, modals, preferences, replies
from bot.queries.current import StatusQueries
from bot.rules.alerting import routing

DEFAULT_MUTE = timedelta(hours=1)
MUTE_LIMITS = Limits(timedelta(minutes=1), timedelta(days=30), "1m to 30d", "30m, 2h, until 14:00")
_SAME_END = timedelta(minutes=1)  # ends of a mute that are the same
EVERYTHING = "everything"  # the name of a mute of all
UNDO = "undo"


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """A channel's settings as they shall be. ``minimum`` and ``mention`` None leave every subscription as it is."""

    preferences: ChannelPreferences
    minimum: Condition | None = None
    mention: str | None = None

    def apply_to(self, subscription: Subscription) -> Subscription:
        """The subscription with these settings."""
        return replace(
            subscription,
            minimum=subscription.minimum if self.minimum is None else self.minimum,
            mention=subscription.mention if self.mention is None else self.mention,
        )


def build_event(kind: EventKind, queries: StatusQueries, action: UserAction, incident: str, channel: str) -> Event:
    """The event for a person's action on an incident. UsageError if the database does not have the incident."""
    stored = queries.repository.tracked_incident(incident)
    if stored is None:
        raise UsageError("This message is out of date: its incident is not in the database.")
    return Event(kind, stored[0], action.at, incident=incident, author=action.by.name, channel=channel)


# --- reports ----------------------------------------------------------------------------------------------------------


def report(queries: StatusQueries, request: CommandRequest) -> CommandResponse:
    """Stores a person's report that a service is broken."""
    if request.words[:1] == (UNDO,):
        return _undo_report(queries, request)
    provider, surface, typed = _reported_surface(queries, request)
    now = queries.now()
    state = queries.provider_state(provider)
    incident = next((k.incident.id for k in state.open_incidents if surface.id in k.surfaces), None)
    text = parsing.plain_text(typed) or None
    event = Event(
        EventKind.REPORTED,
        provider.id,
        now,
        incident=incident,
        surface=surface.id,
        text=text,
    )
    queries.repository.user_actions.add_report(
        replace(event, author=request.person.name, channel=request.channel), request.person
    )
    return CommandResponse(
        replies.report_message(surface, queries.report_counts()[surface.id], state.surface_state(surface.id))
    )


def _undo_report(queries: StatusQueries, request: CommandRequest) -> CommandResponse:
    """Takes back the person's report of a service, as the button below a report does."""
    provider, surface = queries.resolve_surface(" ".join(request.words[1:]))
    text = f"{request.person.name} took the report back"
    event = Event(EventKind.CORRECTION, provider.id, queries.now(), surface=surface.id, text=text)
    was_reported = queries.repository.user_actions.remove_report(
        replace(event, author=request.person.name, channel=request.channel), request.person
    )
    return CommandResponse(replies.report_undone_message(surface, was_reported=was_reported))


def _reported_surface(queries: StatusQueries, request: CommandRequest) -> tuple[Provider, Surface, str]:
    """The service that a report is surely about, with its provider, and the rest of the text."""
    is_sure, targets, text = grammar.split_off_leading_name(queries.find_targets, request.words)
    surfaces = [(t.provider, s) for t in targets for s in t.surfaces]
    if is_sure and len(surfaces) == 1:
        return *surfaces[0], text
    if not targets:
        _refuse_unwatched(queries, request)
        targets = _closest(queries, request, text)
        surfaces = [(t.provider, s) for t in targets for s in t.surfaces]
    if not surfaces:
        raise questions.missing_name("report claude-login I can't log in")
    listed = ", ".join(f"`{s.id}`" for _, s in surfaces[:5])
    is_one_provider = len(targets) == 1 and len(surfaces) > 1
    what = f"“{targets[0].name}” has {len(surfaces)} services. Which one?" if is_one_provider else "Which service?"
    raise UsageError(
        f"{what} {listed}",
        question=what,
        actions=tuple((s.name, f"report {s.id} {text}".rstrip()) for _, s in surfaces),
    )


def _refuse_unwatched(queries: StatusQueries, request: CommandRequest) -> None:
    """NotWatchedError where the words begin with the name of a provider that is off."""
    is_sure, off, _ = grammar.split_off_leading_name(
        lambda typed: lookup.find_targets(queries.available, typed), request.words
    )
    if is_sure:
        queries.resolve_target(off[0].id)


def _closest(queries: StatusQueries, request: CommandRequest, text: str) -> tuple[Target, ...]:
    """The targets that a report may be about which does not begin with a name. They are offered, never used."""
    inside = grammar.name_in_sentence(queries.find_targets, request.words)
    if named := queries.find_targets(inside)[1]:
        return named
    first = text.split()[:1]
    return lookup.suggest_targets(queries.providers, first[0])[: lookup.MAX_CLOSEST] if first else ()


# --- mutes and settings -----------------------------------------------------------------------------------------------


def mute(queries: StatusQueries, request: CommandRequest) -> CommandResponse:
    """Mutes services or providers in a channel until a time, for one hour where none is said."""
    zone = (quiet := queries.channel_preferences(request.channel).quiet) and quiet.zone
    names, until = parsing.split_off_end(request.words, queries.now(), MUTE_LIMITS, zone or "UTC")
    targets = _mute_targets(queries, names)
    if not permissions.may_mute(queries, request, [target for target, *_ in targets]):
        return permissions.denied(queries)
    action = UserAction(request.person, queries.now())
    mutes = [Mute(request.channel, target, until or action.at + DEFAULT_MUTE, action) for target, *_ in targets]
    for new_mute, (target, _, provider) in zip(mutes, targets, strict=True):
        if is_muted_alike(queries, new_mute):
            continue
        event = Event(
            EventKind.MUTED, provider, action.at, surface=target, author=action.by.name, channel=request.channel
        )
        reason = alert_actions.mute_end_text(new_mute)
        queries.repository.user_actions.set_mute(new_mute, replace(event, reason=reason))
    labels = [name for _, name, _ in targets]
    subscriptions.announce(queries, request, confirmations.muted_message(mutes, labels))
    return CommandResponse(confirmations.muted_message(mutes, labels, request.origin), in_channel=True)


def is_muted_alike(queries: StatusQueries, mute: Mute) -> bool:
    """Whether the same person has muted the same until the same minute, as with a double click."""
    mutes = queries.repository.user_actions.mutes(mute.channel)
    before = next((m for m in mutes if m.target == mute.target and m.mark.by.id == mute.mark.by.id), None)
    if before is None or before.until is None or mute.until is None:
        return before is not None and before.until == mute.until
    return abs(before.until - mute.until) < _SAME_END


def unmute(queries: StatusQueries, request: CommandRequest) -> CommandResponse:
    """Ends the mutes of some targets, or every mute of a channel."""
    mutes = queries.repository.user_actions.mutes(request.channel)
    muted = [mute.target for mute in mutes]
    words = grammar.without_grammar(request.words)
    if not request.words or (grammar.is_all(request.words) and routing.ALL not in muted):
        ended = muted
    elif words and all(word in muted for word in words):
        ended = list(dict.fromkeys(words))
    else:
        wanted = {target for target, *_ in _mute_targets(queries, request.words)}
        ended = [target for target in muted if target in wanted]
    names = {target: _mute_name(queries, target) for target in ended}
    for target in ended:
        queries.repository.user_actions.remove_mute(target, _unmute_event(queries, request, target))
    if ended:
        message = confirmations.unmuted_message(names.values(), request.channel, by=request.person.name)
        subscriptions.announce(queries, request, message)
    answer = confirmations.unmuted_message(names.values(), request.channel, request.origin)
    return CommandResponse(answer, in_channel=bool(ended))


def _unmute_event(queries: StatusQueries, request: CommandRequest, target: str) -> Event:
    stored = queries.repository.tracked_incident(target)
    event = Event(EventKind.UNMUTED, "", queries.now(), author=request.person.name, channel=request.channel)
    return replace(event, provider=stored[0], incident=target) if stored else replace(event, surface=target)


def _mute_targets(queries: StatusQueries, words: Sequence[str]) -> list[tuple[str, str, str]]:
    """Each mute's target, its name, and its provider's id (empty for everything)."""
    if not words:
        raise questions.missing_name("mute claude-login 2h")
    if grammar.is_all(words):
        return [(routing.ALL, EVERYTHING, "")]
    try:
        targets = grammar.find_named(queries.find_targets, queries.resolve_target, words)
    except UsageError:
        parsing.refuse_mistyped([w for w in words if not queries.find_targets(w)[1]], MUTE_LIMITS)
        raise
    if not targets:
        raise questions.missing_name("mute claude-login 2h")
    return [(t.id, t.name, t.provider.id) for t in targets]


def _mute_name(queries: StatusQueries, target: str) -> str:
    """The name of what is muted: a service, a provider, everything, or an incident."""
    if target == routing.ALL:
        return EVERYTHING
    return subscriptions.target_name(queries, target)


def settings(queries: StatusQueries, request: CommandRequest) -> CommandResponse:
    """Shows the settings: a modal, or text where no modal can open. The digest can also be set by words."""
    if request.words:
        return _set_digest(queries, request)
    subscribed = queries.repository.subscriptions(request.channel)
    channel_preferences = queries.channel_preferences(request.channel)
    pause = queries.repository.channel_pause(request.channel)
    view = modals.settings_modal(request.channel, subscribed, channel_preferences, pause) if subscribed else None
    return CommandResponse(subscriptions.subscriptions_message(queries, request.channel, request.origin), view=view)


def _set_digest(queries: StatusQueries, request: CommandRequest) -> CommandResponse:
    """Sets the digest, as in ``settings digest daily 09:00 Europe/Berlin``."""
    setting, *digest_words = request.words
    if setting.casefold() != "digest":
        raise UsageError(
            "Only the digest can be set by words: `settings digest daily 09:00 Europe/Berlin`. For the rest, type"
            " `settings`."
        )
    current, action = queries.channel_preferences(request.channel), UserAction(request.person, queries.now())
    digest = parsing.parse_digest(" ".join(digest_words))
    change = SettingsChange(replace(current, digest=digest))
    key = f"digest:{action.at.isoformat()}"
    save_preferences(queries, change, action, key=key, is_from_elsewhere=request.is_from_elsewhere)
    return CommandResponse(subscriptions.subscriptions_message(queries, request.channel, request.origin))


def save_preferences(
    queries: StatusQueries, change: SettingsChange, action: UserAction, *, key: str, is_from_elsewhere: bool = False
) -> bool:
    """Stores what differs from what stands now, and queues a notice of who changed what; False for no difference."""
    after = change.preferences
    before = queries.channel_preferences(after.channel)
    subscribed = queries.repository.subscriptions(after.channel)
    changed = [c for s in subscribed if (c := change.apply_to(s)) != s]
    minimum = change.minimum if any(s.minimum != change.minimum for s in subscribed) else None
    mention = change.mention if any(s.mention != change.mention for s in subscribed) else None
    changes = list(
        preferences.preference_changes(
            before,
            after,
            confirmations.SEVERITY_PHRASES.get(minimum, "") if minimum else "",
            preferences.mention_name(mention) if mention is not None else "",
        )
    )
    if not changes:
        return False
    message = confirmations.settings_message(after.channel, changes, action.by.name, is_elsewhere=is_from_elsewhere)
    notice = Notice(NoticeKind.SETTINGS, "", "", f"settings:{key}", action.at, "", action.at, said=message)
    notification = Notification(after.channel, NotificationKind.NOTICE, notice.key, notice)
    queries.repository.user_actions.save_preferences(after, changed, notification)
    return True
