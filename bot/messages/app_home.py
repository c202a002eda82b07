"""One person's App Home as Slack's view JSON, within Slack's limits. No I/O.

Slack does not update the view by itself, so every age is relative to the time at which the view was rendered, which it
shows. What does not fit is counted, with the command that shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain import (
    ChannelPreferences,
    Condition,
    DeliveryPause,
    Provider,
    Subscription,
    Surface,
    TrackedIncident,
)
from bot.messages import (
    alert_actions,
    block_kit,
    confirmations,
    formatting,
    modals,
    preferences,
    replies,
    service_status,
    words,
)
from bot.messages.replies import ProviderStates

PICK, CHANGE, ASK, SETTINGS, SUMMARY, REFRESH = (  # action_ids: never change them
    f"home_{what}" for what in ("pick", "change", "ask", "settings", "summary", "refresh")
)
OFF = "off"
# at most so many of each: Slack accepts 100 blocks in a view
_MAX_PROVIDERS, _MAX_SUBSCRIPTIONS, _MAX_UNREADABLE = 8, 25, 5
_MAX_LINE = 700  # characters of one block
_HOME = "home"


@dataclass(frozen=True, slots=True)
class HomeModel:
    """A person and everything that their Home shows.

    Attributes:
        person: The person's id in Slack.
        states: Every provider with its present state.
        subscriptions: Those of their direct messages, and those that they have made for channels.
        preferences: Those of their direct messages.
        reported: Number of people who report a surface to be broken, by surface.
        now: When the view is rendered.
        paused: The channels of ``subscriptions`` to which delivery is paused.
        names: The names of the subscriptions' targets, by target.
        unwatched: Why no alert can come for a target, by target.
    """

    person: str
    states: ProviderStates
    subscriptions: Sequence[Subscription]
    preferences: ChannelPreferences
    reported: Mapping[str, int]
    now: datetime
    paused: Mapping[str, DeliveryPause] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    unwatched: Mapping[str, str] = field(default_factory=dict)

    @property
    def surfaces(self) -> dict[str, Surface]:
        """Every surface by its id."""
        return {s.id: s for p, _ in self.states for s in p.surfaces}


def home_view(model: HomeModel) -> modals.View:
    """The complete view: what is broken, this person's alerts, and the state of the sources."""
    blocks = [
        *_status_blocks(model),
        {"type": "divider"},
        *_subscription_blocks(model),
        {"type": "divider"},
        *_source_blocks(model),
        block_kit.context(f"Updated {_local_time(model.now)}. `/brownout help` lists all commands."),
    ]
    return {"type": _HOME, "callback_id": _HOME, "blocks": blocks}


def minimal_home_view(model: HomeModel) -> modals.View:
    """A fallback of one block, for when Slack rejects the complete view."""
    headline = service_status.overall_headline(model.states, model.now)
    text = f"{headline}. Home can't be shown. Use `/brownout status`."
    return {"type": _HOME, "callback_id": _HOME, "blocks": [block_kit.section(block_kit.escape(text))]}


def home_fingerprint(model: HomeModel) -> tuple[object, ...]:
    """The values whose change requires a new view: verdicts, incidents, what is unknown, subscriptions; no times."""
    return (
        tuple(_verdict_fingerprint(model.states)),
        tuple(
            (tracked.incident.id, tracked.incident.stage, tracked.incident.name)
            for _, tracked in _open_incidents(model.states)
        ),
        tuple(p.id for p, state in model.states if not service_status.view_provider(p, state, model.now).is_readable),
        tuple((s.channel, s.target, s.minimum, s.mention, s.channel in model.paused) for s in model.subscriptions),
        (
            model.preferences.quiet,
            model.preferences.maintenance,
            model.preferences.digest,
            len(model.preferences.mutes),
        ),
        tuple(model.reported.items()),
    )


# --- what is broken ---------------------------------------------------------------------------------------------------


def _status_blocks(model: HomeModel) -> Iterator[block_kit.Block]:
    yield block_kit.header("Status")
    views = [service_status.view_provider(p, state, model.now) for p, state in model.states]
    wrong = sorted((v for v in views if not v.is_well), key=lambda v: (v.worst.rank, -len(v.affected)))
    for number, view in enumerate(wrong[:_MAX_PROVIDERS]):
        yield _provider_block(number, view)
    yield from _more_hint(len(wrong) - _MAX_PROVIDERS, "providers that are not operational", "status")
    if well := len(views) - len(wrong):
        what = f"{formatting.pluralize(well, 'provider')} operational" if wrong else f"All {well} providers operational"
        yield block_kit.section(f"{words.STATUS_STYLES[words.Status.OPERATIONAL].emoji} {what}")
    for line in preferences.report_lines(model.reported, model.surfaces):
        yield block_kit.section(block_kit.escape(line))
    refresh = block_kit.button(REFRESH, "Refresh", REFRESH, "Check again now")
    yield block_kit.actions([refresh, block_kit.button(f"{ASK}:all", "All services", "list all")])


def _provider_block(number: int, view: service_status.ProviderView) -> block_kit.Block:
    block = service_status.provider_row(number, view).blocks[0]
    text = block_kit.truncate_mrkdwn(block["text"]["text"], _MAX_LINE)
    command = f"status {view.provider.id}"
    shown = block_kit.section(text)
    if len(command) > alert_actions.MAX_COMMAND_LENGTH:
        return shown
    return shown | {"accessory": block_kit.button(f"{ASK}:{number}", "Details", command)}


def _open_incidents(states: ProviderStates) -> Iterator[tuple[Provider, TrackedIncident]]:
    return (
        (p, tracked) for p, state in states for tracked in state.open_incidents if service_status.has_begun(tracked)
    )


def _verdict_fingerprint(states: ProviderStates) -> Iterator[tuple[object, ...]]:
    for provider, provider_state in states:
        for surface in provider.surfaces:
            if replies.is_affected(provider_state, surface):
                state, verdict = provider_state.surface_state(surface.id), provider_state.verdict(surface.id)
                yield (
                    surface.id,
                    state.condition if state else None,
                    verdict.call if verdict else None,
                    verdict.reason_code if verdict else None,
                )


# --- subscriptions ----------------------------------------------------------------------------------------------------


def _subscription_blocks(model: HomeModel) -> Iterator[block_kit.Block]:
    subscriptions = sorted(model.subscriptions, key=lambda s: (s.channel != model.person, s.channel, s.target))
    yield block_kit.header("Your alerts" if subscriptions else "Set up alerts in 2 steps")
    if not subscriptions:
        yield block_kit.section(_GUIDE)
    for subscription in subscriptions[:_MAX_SUBSCRIPTIONS]:
        yield _subscription_block(subscription, model)
    yield from _more_hint(len(subscriptions) - _MAX_SUBSCRIPTIONS, "subscriptions", "list")
    if preference_lines := list(preferences.describe_preferences(model.preferences, model.now)):
        yield block_kit.context(block_kit.truncate_mrkdwn(_to_mrkdwn(" ".join(preference_lines)), 2000))
    controls = [modals.surface_picker(PICK, "Add alert" if subscriptions else "Pick a service")]
    if any(s.channel == model.person for s in subscriptions):
        controls.append(block_kit.button(SETTINGS, "Settings", model.person, "Quiet hours, digest and severity"))
    yield block_kit.actions(controls)


_GUIDE = "1. Pick what you depend on.\n2. Choose a channel or direct messages."


def _subscription_block(subscription: Subscription, model: HomeModel) -> block_kit.Block:
    s = subscription
    where = "direct messages" if s.channel == model.person else _channel_link(s.channel)
    name = block_kit.escape(formatting.truncate(model.names.get(s.target, s.target), 200)).replace("*", "")
    if reason := model.unwatched.get(s.target):
        text = f"*{name}* → {where} · not watched ({reason})"
    else:
        text = f"*{name}* → {where} · {block_kit.escape(confirmations.severity_phrase(s))}"
    if pause := model.paused.get(s.channel):
        text += f"\n{_to_mrkdwn(preferences.pause_text(pause))}"
    block = block_kit.section(block_kit.truncate_mrkdwn(text, _MAX_LINE))
    value_suffix = f"{s.channel} {s.target}"
    options = [(label, f"{word} {value_suffix}") for word, label in _MINIMUM_OPTIONS.items() if word != s.minimum]
    options = options if s.target not in model.unwatched else options[-1:]
    if any(len(value) > block_kit.MAX_OPTION_VALUE for _, value in options):
        return block
    return block | {"accessory": modals.overflow_menu(CHANGE, options)}


def _channel_link(channel: str) -> str:
    """A link to a channel; Slack shows its name to those who may see it. It notifies nobody."""
    return f"<#{channel}>" if channel[:1] in ("C", "G") and channel.isalnum() else f"`{block_kit.escape(channel)}`"


_MINIMUM_OPTIONS: Mapping[str, str] = {
    Condition.DEGRADED: "All severities",
    Condition.PARTIAL_OUTAGE: "Partial outage and outage",
    Condition.MAJOR_OUTAGE: "Outage only",
    OFF: "Unsubscribe",
}


# --- sources ----------------------------------------------------------------------------------------------------------


def _source_blocks(model: HomeModel) -> Iterator[block_kit.Block]:
    yield block_kit.header("Sources")
    views = [service_status.view_provider(p, state, model.now) for p, state in model.states]
    unreadable = [v for v in views if not v.is_readable]
    parts = [f"{len(views) - len(unreadable)} of {len(views)} OK", *map(_unreadable_text, unreadable[:_MAX_UNREADABLE])]
    if more_count := max(len(unreadable) - _MAX_UNREADABLE, 0):
        parts.append(f"{more_count} more without current data")
    yield block_kit.section(" · ".join(parts))
    yield block_kit.actions([block_kit.button(f"{ASK}:sources", "All sources", "sources")])


def _unreadable_text(view: service_status.ProviderView) -> str:
    at = view.state.blind_since or view.state.seen_at
    since = f" since {_local_time(at)}" if at else ""
    name = block_kit.escape(formatting.truncate(view.provider.name, 100))
    reason = "unreadable" if view.state.blind_since else service_status.unreadable_reason(view)
    return f"{name} {reason}{since}"


def _local_time(at: datetime) -> str:
    return block_kit.local_date(at, "{date_short_pretty} {time}")


def _more_hint(count: int, what: str, command: str) -> Iterable[block_kit.Block]:
    if count > 0:
        yield block_kit.context(f"{count} more {what}: `/brownout {command}`")


def _to_mrkdwn(text: str) -> str:
    return block_kit.escape(text).replace("**", "*")
