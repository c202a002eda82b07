"""What is known -> the answers to people's questions. Pure; the same words in Slack, in the terminal and in JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from bot.model import (
    Call,
    Condition,
    Habits,
    Known,
    Message,
    Pause,
    Provider,
    Stage,
    Subscription,
    Surface,
    SurfaceState,
    Verdict,
    World,
)
from bot.voice import ways, words
from bot.voice.sheet import Para, sheet

_FRESH = timedelta(minutes=15)  # older looks say nothing (safe-to-retry.md C.5)
_FOR_LACK_OF_LOOKS = ("starting", "stale")

Board = Sequence[tuple[Provider, World]]


def status(board: Board, now: datetime) -> Message:
    """Everything that is not plainly well, and a count of the rest. What can't be read is never called well."""
    told = [part for provider, world in board for part in _provider(provider, world, now)]
    well = [p.name for p, w in board if _is_readable(w, now) and not _is_trouble(p, w)]
    unseen = [p.name for p, w in board if not w.seen_at and not w.blind_since]
    if well:
        told.append(f"No incident known at {words.listing(well)}.")
    if unseen:
        told.append(f"Not looked at yet: {words.listing(unseen)}.")
    return sheet(headline(board, now), told)


def headline(board: Board, now: datetime) -> str:
    """How much is in trouble, and how much can't be said, in a few words."""
    broken = sum(len(list(_troubles(p, w))) for p, w in board)
    vague = sum(1 for _, w in board for k in w.open_incidents if has_begun(k) and not k.surfaces)
    unseen = sum(not w.seen_at and not w.blind_since for _, w in board)
    unread = sum(w.blind_since is not None for _, w in board)
    old = sum(not _is_readable(w, now) for _, w in board) - unseen - unread
    parts = [f"{broken} surface{'s' * (broken != 1)} in trouble"] if broken else []
    parts += [f"{vague} incident{'s' * (vague != 1)} on no known surface"] if vague else []
    parts += [f"{unread} page{'s' * (unread != 1)} not readable"] if unread else []
    parts += [f"{old} page{'s' * (old != 1)} not looked at for long"] if old else []
    parts += [f"{unseen} page{'s' * (unseen != 1)} not looked at yet"] if unseen else []
    return words.listing(parts) or "No incident known"


def status_of(provider: Provider, surfaces: Iterable[Surface], world: World, now: datetime) -> Message:
    """Every surface asked for, well or not."""
    lines = [_surface(s, world.state(s.id), world.verdict(s.id)) for s in surfaces]
    return sheet(f"{provider.name}: status", [*lines, *_incidents(world), _freshness(provider, world, now)])


def retry(surface: Surface, verdict: Verdict | None, state: SurfaceState | None, now: datetime) -> Message:
    """May I retry? The verdict, its reason, and what to do meanwhile."""
    if verdict is None:
        return sheet(f"{surface.name}: unknown", ["Nobody has looked at its page yet."])
    lines = [verdict.reason]
    if verdict.review_at and verdict.review_at > now:
        lines.append(f"Look again at {words.clock(verdict.review_at)}; that is no promise.")
    if verdict.call is not Call.RETRY_NORMALLY:
        lines += [f"{who}: {what}" for who, what in meanwhile(surface) if what]
    if state and state.inferred:
        lines.append("No page has a component for this surface: it is known from the vendor's words alone.")
    return sheet(f"{surface.name}: {words.call(verdict)}", lines)


def subscribed(
    target: str, surfaces: Iterable[Surface], minimum: Condition, world: World, mention: str = "", *, channel: str = ""
) -> Message:
    """What the channel will now hear of, how it stands, and how to undo it."""
    found = list(surfaces)
    what = f"{ways.hears(channel, 'now hear')} of **{target}** ({words.listing(s.name for s in found)})"
    level = f"from “{words.CONDITIONS[minimum]}” up" if minimum is not Condition.DEGRADED else "whatever the severity"
    level += f"; a complete outage rings {ways.called(mention)}" if mention else ""
    now = [_surface(s, world.state(s.id), world.verdict(s.id)) for s in found if is_troubled(world, s)]
    return sheet("", [f"{what}, {level}. Undo: {ways.undo(f'unsubscribe {target}', channel)}", *now])


def unsubscribed(target: str, *, was: bool, channel: str = "") -> Message:
    """What the channel no longer hears of, and how to undo it."""
    if not was:
        listed = f"{ways.undo('list', channel)} shows what there is."
        return sheet("", [f"{ways.who(channel)} did not listen to **{target}**. {listed}"])
    undo = ways.undo(f"subscribe {target}", channel)
    return sheet("", [f"{ways.hears(channel, 'no longer hear')} of **{target}**. Undo: {undo}"])


def noted(incident: str, number: int, *, is_correction: bool) -> Message:
    """What was written, and that it can be corrected but never changed."""
    what = "Correction" if is_correction else "Note"
    undo = f"`/brownout note {incident} corrects:{number} <text>` corrects it"
    return sheet("", [f"{what} #{number} is in the timeline of `{incident}`. {undo}; nothing written is ever changed."])


def labelled(incident: str, labels: Iterable[str]) -> Message:
    """What an incident is now filed under."""
    now = words.listing(f"“{label}”" for label in labels) or "no label"
    return sheet("", [f"`{incident}` is now filed under {now}. `off:` before a label takes it off."])


def listing(
    subscriptions: Iterable[Subscription], habits: Habits, now: datetime, pause: Pause | None = None
) -> Message:
    """What this channel listens to, and how it is told."""
    lines = [*([ways.paused(pause)] if pause else []), *ways.described(subscriptions, habits, now)]
    how = ways.undo("subscribe claude", habits.channel)
    empty = f"{ways.hears(habits.channel, 'listen')} to nothing yet. {how} or `/brownout list all`"
    return sheet(f"Subscriptions of {ways.here(habits.channel)}", lines or [empty])


def catalogue(providers: Iterable[Provider]) -> Message:
    """Every surface there is."""
    lines = [f"**{p.id}** {p.name}: " + ", ".join(f"`{s.id}`" for s in p.surfaces) for p in providers]
    return sheet("Surfaces", lines)


def health(world: World, now: datetime) -> str:
    """When a provider's page was last readable, or since when it is not."""
    if world.blind_since:
        last = f"; last readable {words.day(world.seen_at)}" if world.seen_at else ""
        return f"blind since {words.day(world.blind_since)}, {world.failures} looks in a row{last}"
    if world.seen_at is None:
        return "not looked at yet"
    ago = words.span(max((now - world.seen_at).total_seconds(), 0))
    if _is_readable(world, now):
        return f"readable, last look {ago} ago"
    return f"last readable {ago} ago, not looked at since"


def _provider(provider: Provider, world: World, now: datetime) -> Iterator[Para | str]:
    if _is_trouble(provider, world) or ((world.seen_at or world.blind_since) and not _is_readable(world, now)):
        yield from (_surface(s, world.state(s.id), world.verdict(s.id)) for s in _troubles(provider, world))
        yield from _incidents(world)
        yield _freshness(provider, world, now)


def _is_readable(world: World, now: datetime) -> bool:
    return world.blind_since is None and world.seen_at is not None and now - world.seen_at <= _FRESH


def _is_trouble(provider: Provider, world: World) -> bool:
    return any(_troubles(provider, world)) or any(map(has_begun, world.open_incidents))


def has_begun(known: Known) -> bool:
    """False for what is only announced."""
    return known.incident.stage is not Stage.SCHEDULED


def _troubles(provider: Provider, world: World) -> Iterator[Surface]:
    return (s for s in provider.surfaces if is_troubled(world, s))


def is_troubled(world: World, surface: Surface) -> bool:
    """Something is said against it; that we have not looked for long is not."""
    state, verdict = world.state(surface.id), world.verdict(surface.id)
    if state is not None and state.condition not in (Condition.OPERATIONAL, Condition.UNKNOWN):
        return True
    if verdict is None or verdict.call in (Call.RETRY_NORMALLY, Call.UNKNOWN):
        return False
    return verdict.reason_code not in _FOR_LACK_OF_LOOKS


def _surface(surface: Surface, state: SurfaceState | None, verdict: Verdict | None) -> str:
    condition = state.condition if state else Condition.UNKNOWN
    how = words.condition(condition, inferred=bool(state and state.inferred))
    why = f" {verdict.reason}" if verdict else ""
    return f"{words.SIGNS[condition]} **{surface.name}** (`{surface.id}`): {how}.{why}"


def _incidents(world: World) -> Iterator[Para | str]:
    for known in filter(has_begun, world.open_incidents):
        yield f"Open since {words.day(known.incident.created_at)}: `{known.incident.id}`, {step(known)}"
        yield Para(known.incident.name, is_quote=True)


def step(known: Known) -> str:
    """Where an incident stands by the vendor's word, and when that was."""
    updates = known.incident.updates
    when = f", last word {words.clock(updates[-1].display_at)}" if updates else ""
    return f"{words.stage(known.incident.stage)}{when}"


def _freshness(provider: Provider, world: World, now: datetime) -> str:
    return f"{provider.name}'s page: {health(world, now)}."


def meanwhile(surface: Surface) -> tuple[tuple[str, str], ...]:
    """What to do until then, for people and for programs; empty where nothing is known."""
    return (("People", surface.people), ("Programs", surface.programs))
