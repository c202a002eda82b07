"""What one person's App Home shows -> Slack's view as JSON values, inside its limits. Pure.

Slack redraws nothing there by itself, so every age is told as of the time at which the view was drawn. What does not
fit is counted, and where it is shown is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.model import Condition, Habits, Known, Pause, Provider, Subscription, Surface, World
from bot.voice import blocks, hands, replies, views, ways, words
from bot.voice.replies import Board

PICK, CHANGE, ASK, SETTINGS, SUMMARY, REFRESH = (  # action_ids; they never change
    f"home_{what}" for what in ("pick", "change", "ask", "settings", "summary", "refresh")
)
OFF = "off"
_SURFACES, _INCIDENTS, _SUBSCRIPTIONS, _BLIND = 20, 8, 25, 10  # of each, at most; Slack takes 100 blocks
_LINE = 700
_VALUE = 150  # of an option
_FRESH = timedelta(minutes=15)
_HOME = "home"


@dataclass(frozen=True, slots=True)
class Resident:
    """Somebody, and all that their Home tells. ``mine`` are subscriptions of theirs and those that they have made.

    ``paused`` are channels of those that take nothing for now.
    """

    person: str
    board: Board
    mine: Sequence[Subscription]
    habits: Habits
    reported: Mapping[str, int]
    now: datetime
    paused: Mapping[str, Pause] = field(default_factory=dict)

    @property
    def surfaces(self) -> dict[str, Surface]:
        """Every surface by its id."""
        return {s.id: s for p, _ in self.board for s in p.surfaces}


def home(resident: Resident) -> views.View:
    """The whole Home: what is broken, what this person has subscribed to, and how good the sources are."""
    shown = [
        *_now(resident),
        {"type": "divider"},
        *_subscriptions(resident),
        {"type": "divider"},
        *_sources(resident),
        blocks.context("`/brownout help` lists what can be typed, in any channel and in the Messages tab here."),
    ]
    return {"type": _HOME, "callback_id": _HOME, "blocks": shown}


def bare(resident: Resident) -> views.View:
    """The same in as little as Slack can refuse: for when it does not take the whole."""
    told = f"{replies.headline(resident.board, resident.now)}. `/brownout status` tells the rest; Home can't be drawn."
    return {"type": _HOME, "callback_id": _HOME, "blocks": [blocks.section(blocks.escape(told))]}


def facts(resident: Resident) -> tuple[object, ...]:
    """What the Home is drawn anew for: verdicts, incidents, blindness and subscriptions, without the times."""
    return (
        tuple(_verdicts(resident.board)),
        tuple((k.incident.id, k.incident.stage, k.incident.name) for _, k in _open(resident.board)),
        tuple(p.id for p, w in resident.board if w.blind_since),
        tuple((s.channel, s.target, s.minimum, s.mention, s.channel in resident.paused) for s in resident.mine),
        (resident.habits.quiet, resident.habits.maintenance, resident.habits.digest, len(resident.habits.mutes)),
        tuple(resident.reported.items()),
    )


# --- what is broken ---------------------------------------------------------------------------------------------------


def _now(resident: Resident) -> Iterator[blocks.Block]:
    board, now = resident.board, resident.now
    yield blocks.header(replies.headline(board, now))
    as_of = blocks.date(now, "{date_short_pretty} {time}")
    yield blocks.context(f"As of {as_of}; drawn anew when a verdict changes.")
    troubled = [(w, s) for p, w in board for s in p.surfaces if replies.is_troubled(w, s)]
    troubled.sort(key=lambda found: -_rank(*found))
    for world, surface in troubled[:_SURFACES]:
        yield _trouble(world, surface)
    if more := len(troubled) - _SURFACES:
        yield from _more(more, "surfaces in trouble", "status")
    found = list(_open(board))
    for number, (provider, known) in enumerate(found[:_INCIDENTS]):
        yield _incident(number, provider, known)
    if more := len(found) - _INCIDENTS:
        yield from _more(more, "open incidents", "status")
    for line in ways.reported(resident.reported, resident.surfaces):
        yield blocks.section(blocks.escape(line))
    yield blocks.actions([blocks.button(REFRESH, "Refresh", REFRESH, "Look again now")])


def _rank(world: World, surface: Surface) -> int:
    state = world.state(surface.id)
    return state.condition.rank if state else Condition.UNKNOWN.rank


def _trouble(world: World, surface: Surface) -> blocks.Block:
    state, verdict = world.state(surface.id), world.verdict(surface.id)
    condition = state.condition if state else Condition.UNKNOWN
    how = words.condition(condition, inferred=bool(state and state.inferred))
    name = words.cut(surface.name, 150)
    why = f"\n{blocks.escape(verdict.reason)}" if verdict else ""
    text = f"{words.SIGNS[condition]} *{blocks.escape(name)}* (`{blocks.escape(surface.id)}`): {how}.{why}"
    shown = blocks.section(blocks.fit(text, _LINE))
    asked = f"retry {surface.id}"
    if len(asked) > hands.LONGEST:
        return shown
    spoken = words.cut(f"What to do meanwhile about {surface.name}", 75, "…")
    return shown | {"accessory": blocks.button(ASK, "What to do", asked, spoken)}


def _incident(number: int, provider: Provider, known: Known) -> blocks.Block:
    incident = known.incident
    title = f"{blocks.quoted(words.cut(incident.name, 300), _LINE - 200)}"
    text = f"{blocks.escape(words.cut(provider.name, 100))}, {blocks.escape(replies.step(known))}:\n{title}"
    shown = blocks.section(blocks.fit(text, _LINE))
    if len(incident.id) > hands.LONGEST:
        return shown
    return shown | {"accessory": blocks.button(f"{SUMMARY}:{number}", "Summary", incident.id)}


def _open(board: Board) -> Iterator[tuple[Provider, Known]]:
    return ((p, k) for p, w in board for k in w.open_incidents if replies.has_begun(k))


def _verdicts(board: Board) -> Iterator[tuple[object, ...]]:
    for provider, world in board:
        for surface in provider.surfaces:
            if replies.is_troubled(world, surface):
                state, verdict = world.state(surface.id), world.verdict(surface.id)
                yield (
                    surface.id,
                    state.condition if state else None,
                    verdict.call if verdict else None,
                    verdict.reason_code if verdict else None,
                )


# --- subscriptions ----------------------------------------------------------------------------------------------------


def _subscriptions(resident: Resident) -> Iterator[blocks.Block]:
    mine = sorted(resident.mine, key=lambda s: (s.channel != resident.person, s.channel, s.target))
    yield blocks.header("What you hear of" if mine else "Begin here")
    if not mine:
        yield blocks.section(_GUIDE)
    for subscription in mine[:_SUBSCRIPTIONS]:
        yield _subscription(subscription, resident)
    if more := len(mine) - _SUBSCRIPTIONS:
        yield from _more(more, "subscriptions", "list")
    if ways_ := list(ways.described((), resident.habits, resident.now)):
        yield blocks.context(blocks.fit(_marked(" ".join(ways_)), 2000))
    row = [views.picker(PICK, "Subscribe to…")]
    if any(s.channel == resident.person for s in mine):
        row.append(blocks.button(SETTINGS, "Your settings…", resident.person, "Quiet hours, digest and severity"))
    yield blocks.actions(row)


_GUIDE = (
    "1. *Pick* what you depend on below: one surface, such as an API, or all of a provider.\n"
    "2. Say *where* you want to hear of it: in a channel, or here in direct messages; and from which severity up.\n"
    "3. That is all. Each incident is one message, kept up to date, with the vendor's posts in its thread. In a"
    " channel, `/brownout subscribe` does the same."
)


def _subscription(subscription: Subscription, resident: Resident) -> blocks.Block:
    s = subscription
    where = "here, in direct messages" if s.channel == resident.person else _channel(s.channel)
    rings = f"; a complete outage rings {blocks.escape(ways.called(s.mention))}" if s.mention else ""
    named = resident.surfaces.get(s.target)
    name = f" ({blocks.escape(words.cut(named.name, 100))})" if named else ""
    level = f"from “{words.CONDITIONS[s.minimum]}” up"
    text = f"*{blocks.escape(words.cut(s.target, 200))}*{name}: {where}, {level}{rings}"
    if pause := resident.paused.get(s.channel):
        text += f"\n{_marked(ways.paused(pause))}"
    shown = blocks.section(blocks.fit(text, _LINE))
    about = f"{s.channel} {s.target}"
    options = [(label, f"{word} {about}") for word, label in _CHANGES.items() if word != s.minimum]
    if any(len(value) > _VALUE for _, value in options):
        return shown
    return shown | {"accessory": views.overflow(CHANGE, options)}


def _channel(channel: str) -> str:
    """A channel by its name, as Slack shows it to who may see it; it rings nobody."""
    return f"<#{channel}>" if channel[:1] in ("C", "G") and channel.isalnum() else f"`{blocks.escape(channel)}`"


_CHANGES: Mapping[str, str] = {
    Condition.DEGRADED: "Tell whatever the severity",
    Condition.PARTIAL_OUTAGE: "Tell from “partly down” up",
    Condition.MAJOR_OUTAGE: "Tell only “down”",
    OFF: "Unsubscribe",
}


# --- sources ----------------------------------------------------------------------------------------------------------


def _sources(resident: Resident) -> Iterator[blocks.Block]:
    board, now = resident.board, resident.now
    yield blocks.header("Sources")
    blind = [(p, w) for p, w in board if w.blind_since]
    lines = [f"*{_name(p)}*: {replies.health(w, now)}" for p, w in blind[:_BLIND]]
    lines += [f"… and {len(blind) - _BLIND} more that can't be read"] if len(blind) > _BLIND else []
    lines += _readable(board, now)
    yield from blocks.sections(lines, 6000)
    yield blocks.actions([blocks.button(f"{ASK}:sources", "Every source", "sources")])


def _readable(board: Board, now: datetime) -> Iterator[str]:
    """The sources that can be read, with the age of the last look of the eldest; and those without a look."""
    ages = [(now - w.seen_at, p) for p, w in board if w.seen_at and not w.blind_since]
    if ages:
        oldest, whose = max(ages, key=lambda a: a[0])
        are = f"{len(ages)} page{'s are' if len(ages) > 1 else ' is'} readable"
        late = " That is long ago: is the bot awake?" if oldest > _FRESH else ""
        yield f"{are}; the oldest last look was {words.span(oldest.total_seconds())} before ({_name(whose)}).{late}"
    unseen = [_name(p) for p, w in board if not w.seen_at and not w.blind_since]
    if unseen:
        rest = f" and {len(unseen) - _BLIND} more" if len(unseen) > _BLIND else ""
        yield f"Not looked at yet: {', '.join(unseen[:_BLIND])}{rest}."


def _name(provider: Provider) -> str:
    return blocks.escape(words.cut(provider.name, 100))


def _more(count: int, what: str, verb: str) -> Iterable[blocks.Block]:
    if count > 0:
        yield blocks.context(f"… and {count} more {what}: `/brownout {verb}`")


def _marked(text: str) -> str:
    return blocks.escape(text).replace("**", "*")
