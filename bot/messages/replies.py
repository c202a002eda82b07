"""The answers to commands about subscriptions, reports, notes and labels. No I/O.

The words are the same in Slack, in the terminal and in JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain import (
    Advice,
    ChannelPreferences,
    Condition,
    DeliveryPause,
    Message,
    Provider,
    ProviderState,
    Subscription,
    Surface,
    SurfaceState,
)
from bot.messages import answers, confirmations, formatting, preferences, service_status, words
from bot.messages.answers import build_answer
from bot.messages.builder import build_message

MAX_POLL_AGE = timedelta(minutes=15)  # older polls prove nothing (bot/docs/verdict-rules.md#staleness)
_NO_DATA_CODES = ("starting", "stale")  # reason codes

WORKING_QUESTIONS = "Questions that work: “is X down?”, “status X”, “retry X”."  # the answer to other prose

_MAX_AVAILABLE = 1500  # characters of the names of providers that are off

ProviderStates = service_status.ProviderStates


def affected_lines(
    provider: Provider, surfaces: Iterable[Surface], state: ProviderState, now: datetime
) -> Iterator[str]:
    """What of these services is not operational now, in one line; nothing if all is."""
    view, wanted = service_status.view_provider(provider, state, now), {s.id for s in surfaces}
    affected = [s for s in view.affected if s.surface.id in wanted]
    if affected and view.is_readable:
        yield f"Now: {service_status.provider_headline(view)}. {service_status.advice_line(affected, now)}"


def report_message(surface: Surface, people: int, state: SurfaceState | None) -> Message:
    """The answer to ``report``: how many people report the service, and what its page says."""
    condition = words.CONDITION_STATUS[state.condition if state else Condition.UNKNOWN]
    who = "1 person reports" if people == 1 else f"{people} people report"
    text = f"Thanks. {who} **{surface.name}** here in the last hour. Status page: {condition}."
    buttons = [("Undo", f"report undo {surface.id}"), ("Retry advice", f"retry {surface.id}")]
    return build_answer([text], emoji=answers.OK, buttons=buttons)


def report_undone_message(surface: Surface, *, was_reported: bool) -> Message:
    """The answer to the button that takes a report back."""
    if was_reported:
        return build_answer([f"Your report of **{surface.name}** is withdrawn."], emoji=answers.OK)
    return build_answer([f"You have not reported **{surface.name}**."])


def note_added_message(incident: str, number: int, corrected: int | None = None) -> Message:
    """The answer to ``note``: the note's number. A note is never changed; another one corrects it."""
    if corrected is not None:
        text = f"Note {corrected} corrected by note {number}. Both stay in the timeline of `{incident}`."
        return build_answer([text], emoji=answers.OK)
    text = f"Note {number} added to incident `{incident}` and its thread."
    how = f"Correct it: `/brownout note {incident} corrects:{number} <text>`"
    return build_answer([text, how], emoji=answers.OK)


def labels_message(incident: str, labels: Iterable[str], added: Sequence[str] = ()) -> Message:
    """The answer to ``label``: the labels that the incident now has."""
    names = formatting.join_names(f"“{label}”" for label in labels)
    text = f"Incident `{incident}` is labelled {names}." if names else f"Incident `{incident}` has no labels."
    undo = " ".join(f"off:{label}" for label in added)
    return build_answer([text], emoji=answers.OK, buttons=[("Remove", f"label {incident} {undo}")] if added else [])


@dataclass(frozen=True, slots=True)
class ChannelSubscriptions:
    """What a channel gets alerts for.

    Attributes:
        subscriptions: Its subscriptions.
        preferences: Its settings.
        names: The names of the subscriptions' targets.
        unwatched: Why no alert can come for a target, by target.
        pause: Set while Slack rejects messages to it.
    """

    subscriptions: Sequence[Subscription]
    preferences: ChannelPreferences
    names: Mapping[str, str] = field(default_factory=dict)
    unwatched: Mapping[str, str] = field(default_factory=dict)
    pause: DeliveryPause | None = None


def subscriptions_message(listed: ChannelSubscriptions, now: datetime, origin: str = "") -> Message:
    """The answer to ``list``: the channel's subscriptions and settings."""
    channel, where = listed.preferences.channel, confirmations.place(listed.preferences.channel, origin)
    lines = [
        *([preferences.pause_text(listed.pause)] if listed.pause else []),
        *preferences.describe_preferences(listed.preferences, now),
    ]
    is_paused = listed.pause is not None  # this line first
    buttons = [("Change", confirmations.command_for(channel, "settings")), ("All services", "list all")]
    if not listed.subscriptions:
        is_own = preferences.is_direct_message(channel)
        empty = "You have no subscriptions." if is_own else f"No subscriptions in {where}."
        how = f"Example: `/brownout subscribe claude{' me' if is_own else ''}`"
        return build_answer([f"{empty} {how}", *lines], buttons=buttons[1:])
    subject = "You get" if preferences.is_direct_message(channel) else f"{formatting.upper_first(where)} gets"
    bullets = [_subscription_line(s, listed) for s in listed.subscriptions]
    removals = [
        (f"Remove {s.target}", confirmations.command_for(channel, f"unsubscribe {s.target}"))
        for s in listed.subscriptions
        if s.target in listed.unwatched
    ]
    grouped = answers.group_lines([f"**{subject} alerts for:**", *bullets])
    return build_answer([*lines[:is_paused], *grouped, *lines[is_paused:]], buttons=[*buttons[:1], *removals])


def _subscription_line(subscription: Subscription, listed: ChannelSubscriptions) -> str:
    name = listed.names.get(subscription.target, subscription.target)
    if reason := listed.unwatched.get(subscription.target):
        return f"• {name} (`{subscription.target}`) · not watched ({reason})"
    return f"• {name} (`{subscription.target}`) · {confirmations.severity_phrase(subscription)}"


def surface_list_message(providers: Iterable[Provider], available: Sequence[Provider] = ()) -> Message:
    """The answer to ``list all``: the services of each watched provider, and how many more could be watched."""
    lines = [f"**{p.name}** {len(p.surfaces)}: " + ", ".join(f"`{s.id}`" for s in p.surfaces) for p in providers]
    if available:
        names = formatting.truncate(formatting.join_names(p.name for p in available), _MAX_AVAILABLE, "…")
        lines.append(f"{len(available)} more providers are available but not watched: {names}.")
    return build_message("Services", lines)


def page_health_text(state: ProviderState, now: datetime) -> str:
    """Whether a provider's page is readable, and when it was last polled successfully."""
    if state.blind_since:
        last_readable = f"; last good check {formatting.format_datetime(state.seen_at)}" if state.seen_at else ""
        since = formatting.format_datetime(state.blind_since)
        checks = formatting.pluralize(state.failures, "failed check")
        return f"unreadable since {since}, {checks}{last_readable}"
    if state.seen_at is None:
        return "not checked yet"
    age = formatting.format_duration(max((now - state.seen_at).total_seconds(), 0))
    if _is_readable(state, now):
        return f"readable, last good check {age} ago"
    return f"last good check {age} ago, not checked since"


def _is_readable(state: ProviderState, now: datetime) -> bool:
    return state.blind_since is None and state.seen_at is not None and now - state.seen_at <= MAX_POLL_AGE


def is_affected(provider_state: ProviderState, surface: Surface) -> bool:
    """True if the surface's condition or verdict is bad; missing or stale data alone does not count."""
    state, verdict = provider_state.surface_state(surface.id), provider_state.verdict(surface.id)
    if state is not None and state.condition not in (Condition.OPERATIONAL, Condition.UNKNOWN):
        return True
    if verdict is None or verdict.call in (Advice.RETRY_NORMALLY, Advice.UNKNOWN):
        return False
    return verdict.reason_code not in _NO_DATA_CODES


def surface_advice(surface: Surface) -> tuple[tuple[str, str], ...]:
    """Pairs of audience and what it should do meanwhile; the advice is empty if the provider file has none."""
    return (("People", surface.people), ("Programs", surface.programs))
