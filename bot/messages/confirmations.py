"""The answers to commands that change something, each with a button that takes it back. No I/O.

A channel is “this channel” in itself and a link elsewhere; a person's direct messages are “you”.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from bot.domain import Advice, Condition, Message, Mute, Override, OverrideKind, Subscription
from bot.domain.subscription import TERMINAL
from bot.messages import answers, formatting, preferences, words
from bot.messages.answers import Buttons, build_answer

SEVERITY_PHRASES = {
    Condition.DEGRADED: "all severities",
    Condition.PARTIAL_OUTAGE: "partial outage and outage",
    Condition.MAJOR_OUTAGE: "outage only",
    Condition.MAINTENANCE: "all severities, with maintenance",
}
SEVERITY_WORDS = {
    Condition.DEGRADED: "degraded",
    Condition.PARTIAL_OUTAGE: "partial",
    Condition.MAJOR_OUTAGE: "outage",
    Condition.MAINTENANCE: "maintenance",
}
_MAX_NAMED = 12  # names in one sentence


def place(channel: str, origin: str = "") -> str:
    """A channel inside a sentence: ``this channel``, a link, or ``your direct messages``."""
    if preferences.is_direct_message(channel):
        return "your direct messages"
    return "this channel" if origin in ("", channel) else f"<#{channel}>"


def channel_word(channel: str) -> str:
    """The word that names a channel in a command: a link, ``me``, or nothing for the terminal."""
    if preferences.is_direct_message(channel):
        return "me"
    return f"<#{channel}>" if channel[:1] in ("C", "G") else ""


def command_for(channel: str, command: str) -> str:
    """The command for this channel, wherever it is run."""
    return f"{command} {channel_word(channel)}".rstrip()


def subscribe_command(subscription: Subscription) -> str:
    """The command that makes this subscription as it is."""
    mention = f" mention:<{subscription.mention}>" if subscription.mention else " mention:off"
    level = SEVERITY_WORDS.get(subscription.minimum, "degraded")
    return command_for(subscription.channel, f"subscribe {subscription.target} min:{level}{mention}")


def severity_phrase(subscription: Subscription) -> str:
    """From which severity up a subscription alerts, and whom it mentions."""
    mention = f", mention {preferences.mention_name(subscription.mention)} on outage" if subscription.mention else ""
    return f"{SEVERITY_PHRASES.get(subscription.minimum, str(subscription.minimum))}{mention}"


@dataclass(frozen=True, slots=True)
class SubscriptionChange:
    """What a ``subscribe`` has done.

    Attributes:
        added: The new and changed subscriptions with their names.
        unchanged: Those that were there before.
        services: The number of services of ``added``.
        state_lines: What of it is not operational now.
        undo: The button that takes it back.
    """

    added: Sequence[tuple[Subscription, str]]
    unchanged: Sequence[tuple[Subscription, str]]
    services: int
    state_lines: Sequence[str]
    undo: Buttons


def subscribed_message(change: SubscriptionChange, origin: str = "") -> Message:
    """The answer to ``subscribe``; ``origin`` is where it was typed."""
    added, unchanged = change.added, change.unchanged
    every = [*added, *unchanged]
    channel = every[0][0].channel
    you = preferences.is_direct_message(channel)
    subject = "You" if you else formatting.upper_first(place(channel, origin))
    settings = ("Change", command_for(channel, "settings"))
    if not added:
        already = f"{subject} already {'get' if you else 'gets'} alerts for {_names(unchanged)}"
        return build_answer([f"{already} ({_common_severity(unchanged)})."], buttons=[settings])
    count = formatting.pluralize(change.services, "service")
    text = f"{subject} now {'get' if you else 'gets'} alerts for {_names(added)} ({count}, {_common_severity(added)})."
    before = [f"Already subscribed: {_names(unchanged)}."] if unchanged else []
    lines = [text, *before, *change.state_lines, *_undo_in_shell(channel, change.undo)]
    return build_answer(lines, emoji=answers.OK, buttons=[settings, *change.undo])


def unsubscribed_message(
    ended: Sequence[tuple[Subscription, str]], missing: Sequence[str], channel: str, origin: str = ""
) -> Message:
    """The answer to ``unsubscribe``: the subscriptions that ended with their names, and names that had none."""
    where = place(channel, origin)
    subscriptions = ("Subscriptions", command_for(channel, "list"))
    if not ended:
        has = "You have" if preferences.is_direct_message(channel) else f"{formatting.upper_first(where)} has"
        what = f" for {formatting.join_names(missing[:_MAX_NAMED])}" if missing else ""
        return build_answer([f"{has} no alerts{what}."], buttons=[subscriptions])
    undo = [("Undo", subscribe_command(ended[0][0]))] if len(ended) == 1 else [_undo_many(ended)]
    lines = [f"No more alerts for {_names(ended)} in {where}.", *_undo_in_shell(channel, undo)]
    return build_answer(lines, emoji=answers.OK, buttons=undo)


def _undo_in_shell(channel: str, undo: Buttons) -> list[str]:
    """How to take it back where there are no buttons."""
    return [f"Undo: `/brownout {command}`" for _, command in undo] if channel == TERMINAL else []


def _undo_many(ended: Sequence[tuple[Subscription, str]]) -> tuple[str, str]:
    """The button that makes several subscriptions again: exact for one severity and mention, else the list."""
    first = ended[0][0]
    if any((s.minimum, s.mention) != (first.minimum, first.mention) for s, _ in ended):
        return "Subscriptions", command_for(first.channel, "list")
    targets = " ".join(s.target for s, _ in ended)
    return "Undo", subscribe_command(first).replace(f"subscribe {first.target}", f"subscribe {targets}", 1)


def muted_message(mutes: Sequence[Mute], names: Iterable[str], origin: str = "") -> Message:
    """The answer to ``mute``: what is muted, until when, and by whom."""
    mute = mutes[0]
    until = f"until {answers.time_token(mute.until, mute.mark.at)}" if mute.until else "until it is resolved"
    who = "" if preferences.is_direct_message(mute.channel) else f", by {mute.mark.by.name}"
    text = (
        f"{_capital_bold(names)} muted in {place(mute.channel, origin)} {until}{who}. Open incidents are reported then."
    )
    unmute = ("Unmute", command_for(mute.channel, f"unmute {' '.join(m.target for m in mutes)}"))
    return build_answer([text], emoji=answers.MUTED, buttons=[unmute])


def unmuted_message(names: Collection[str], channel: str, origin: str = "", *, by: str = "") -> Message:
    """The answer to ``unmute``: what is no longer muted. ``by`` names the person for others."""
    where = place(channel, origin)
    if not names:
        return build_answer([f"Nothing is muted in {where}."])
    who = f" ({by})" if by else ""
    text = f"Alerts for {_bold(names)} are on again in {where}{who}."
    return build_answer([text], emoji=answers.UNMUTED)


def override_text(override: Override, name: str) -> str:
    """What a person says of a service, as one sentence of plain text."""
    says = f"{name} does not affect us" if override.kind is OverrideKind.NOT_US else f"{name} is broken for us"
    return f"{override.mark.by.name}: {says}, until {formatting.format_datetime(override.until)}"


def override_message(overrides: Sequence[Override], names: Sequence[str]) -> Message:
    """The answer to ``override``: what is said of which services, until when, and by whom."""
    first = overrides[0]
    is_free = first.kind is OverrideKind.NOT_US
    says = "does not affect us" if is_free else "is broken for us"
    then = "No new alerts about it here until then." if is_free else "The advice here is not to retry until then."
    text = (
        f"{_capital_bold(names)} {says} until {answers.time_token(first.until)}, says {first.mark.by.name}. {then}"
        " It counts in this channel only."
    )
    ending = ("End it", f"override {' '.join(o.surface for o in overrides)} end")
    return build_answer(
        [text], emoji=answers.MUTED if is_free else words.ADVICE_STYLES[Advice.HOLD_OFF].emoji, buttons=[ending]
    )


def override_ended_message(names: Collection[str], by: str) -> Message:
    """The answer to the end of an override."""
    if not names:
        return build_answer(["Nothing is set for it in this channel."])
    return build_answer([f"{_capital_bold(names)}: the advice is ours again ({by})."], emoji=answers.UNMUTED)


def overrides_message(overrides: Sequence[tuple[Override, str]]) -> Message:
    """What is set in a channel."""
    if not overrides:
        return build_answer(["Nothing is set here. Example: `override claude-api not us until 14:00`."])
    return build_answer([f"• {override_text(override, name)}" for override, name in overrides])


def settings_message(channel: str, changes: Iterable[str], by: str, *, is_elsewhere: bool = False) -> Message:
    """What someone has changed in a channel's settings, for the channel itself."""
    is_own = preferences.is_direct_message(channel)
    subject = "Your alert settings are changed" if is_own else f"{by} changed the alert settings of this channel"
    where = " from another channel" if is_elsewhere and not is_own else ""
    button = ("Change", command_for(channel, "settings"))
    return build_answer([f"{subject}{where}: {'; '.join(changes)}."], emoji=answers.OK, buttons=[button])


def _names(named: Sequence[tuple[Subscription, str]]) -> str:
    return _bold([name for _, name in named])


def _bold(names: Iterable[str]) -> str:
    listed = [f"**{name}**" for name in names]
    more = [f"{len(listed) - _MAX_NAMED} more"] if len(listed) > _MAX_NAMED else []
    return formatting.join_names([*listed[:_MAX_NAMED], *more])


def _common_severity(named: Sequence[tuple[Subscription, str]]) -> str:
    """The severity of all of them; the different ones are counted."""
    phrases = {severity_phrase(s) for s, _ in named}
    return phrases.pop() if len(phrases) == 1 else "different severities"


def _capital_bold(names: Iterable[str]) -> str:
    text = _bold(names)
    return f"**{formatting.upper_first(text[2:])}" if text.startswith("**everything") else text
