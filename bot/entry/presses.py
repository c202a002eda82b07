"""A button or a modal's answer -> what it does, and the word that only who pressed it sees. No Slack in here.

Everything is recorded in the book before anybody is told; messages are drawn anew by the outbox (DESIGN.md section 2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bot.entry import commands, deeds, enrol, pasts, typed, watching
from bot.entry.desk import Desk
from bot.entry.question import Filled, Press, Reply
from bot.errors import UsageError
from bot.model import Condition, Digest, EventKind, Mark, Message, Mute
from bot.voice import blocks, hands, views, words
from bot.voice.sheet import sheet

LONGEST_PICK = 200  # letters; ids are shorter


def press(desk: Desk, done: Press) -> Reply | None:
    """What the press does; a reply for who pressed, where the message itself does not show it."""
    try:
        return PRESSES[done.action.partition(":")[0]](desk, done)
    except UsageError as error:
        return Reply(sheet("", [str(error)]))


def note(desk: Desk, filled: Filled) -> None:
    """A note for an incident's timeline and its thread; the same modal counts once, however often it arrives."""
    channel, _, incident = filled.memory.partition(" ")
    text = commands.sound(filled.values[views.NOTE]).strip()
    if text:
        written = deeds.event(EventKind.NOTE, desk, Mark(filled.person, desk.now()), incident, channel)
        pasts.jot(desk, replace(written, text=text), filled.view)


def settings(desk: Desk, filled: Filled) -> dict[str, str]:
    """How a channel wants to be told; what is wrong with it, by block, where it can't be kept."""
    try:
        quiet = typed.quiet(filled.values.get(views.QUIET, ""))
    except UsageError as error:
        return {views.QUIET: str(error)}
    try:
        digest = _digest(desk, filled)
    except UsageError as error:
        return {views.DIGEST_AT: str(error)}
    chosen = deeds.Chosen(
        minimum=Condition(filled.values[views.MINIMUM]) if filled.values.get(views.MINIMUM) else None,
        mention=filled.values.get(views.MENTION) or None,
        maintenance=bool(filled.values.get(views.MAINTENANCE)),
        quiet=quiet,
        digest=digest,
    )
    deeds.settle(desk, filled.memory, chosen, Mark(filled.person, desk.now()), key=filled.view)
    return {}


def _digest(desk: Desk, filled: Filled) -> Digest | None:
    """The digest that was chosen; where the modal did not ask for it, the one that there is."""
    rhythm = filled.values.get(views.DIGEST)
    if not rhythm:
        return desk.habits(filled.memory).digest
    if rhythm == views.OFF:
        return None
    found = typed.digest(f"daily {filled.values.get(views.DIGEST_AT, '')}") or Digest(typed.USUAL_DIGEST)
    weekday = None if rhythm == views.DAILY else int(rhythm)
    return replace(found, weekday=weekday, on_calm=bool(filled.values.get(views.DIGEST_CALM)))


# --- the buttons ------------------------------------------------------------------------------------------------------


def _summary(desk: Desk, done: Press) -> Reply:
    return commands.answer(desk, f"summary {done.value}", done.channel, done.person.id, done.person.name)


def _affected(desk: Desk, done: Press) -> Reply | None:
    surface, _, incident = done.value.partition(" ")
    event = replace(deeds.event(EventKind.AFFECTED, desk, _mark(desk, done), incident, done.channel), surface=surface)
    if desk.book.people.affect(event, done.person):
        return None
    named = desk.surfaces().get(surface)
    return Reply(sheet("", [f"You are counted already for {named.name if named else surface}. Everybody counts once."]))


def _ack(desk: Desk, done: Press) -> Reply | None:
    held = desk.book.people.ack(done.channel, done.value)
    if held and held.by.id != done.person.id:
        return Reply(sheet("", [f"{held.by.name} acknowledged it at {words.clock(held.at)}; only they can undo that."]))
    kind = EventKind.UNACKED if held else EventKind.ACKED
    event = deeds.event(kind, desk, _mark(desk, done), done.value, done.channel)
    desk.book.people.take(event, None if held else done.person)
    return None


def _mute(desk: Desk, done: Press) -> Reply | None:
    word, _, incident = done.value.partition(" ")
    mark = _mark(desk, done)
    if word == hands.OFF:
        desk.book.people.unmute(incident, deeds.event(EventKind.UNMUTED, desk, mark, incident, done.channel))
        return None
    if word not in hands.SPANS:
        raise UsageError("I don't know this button any more; the newest message of this incident has the right ones.")
    _, span = hands.SPANS[word]
    mute = Mute(done.channel, incident, mark.at + span if span else None, mark)
    event = replace(deeds.event(EventKind.MUTED, desk, mark, incident, done.channel), reason=hands.until(mute))
    desk.book.people.mute(mute, event)
    return None


def _note(desk: Desk, done: Press) -> Reply:
    found = desk.book.known(done.value)
    title = found[1].incident.name if found else done.value
    how = "`/brownout note` and the text adds a note to the newest incident of this channel."
    return Reply(sheet("", [how]), view=views.note(done.value, title, done.channel))


def _share(desk: Desk, done: Press) -> Reply:
    """The same question once more, since what was true then may not be true now; this time everybody sees it."""
    asked = commands.COMMANDS.get(done.value.partition(" ")[0].casefold())
    if asked is None or not asked.is_question:
        raise UsageError("Only answers to questions can be shared.")
    reply, _ = commands.told(desk, done.value, done.channel, done.person.id, done.person.name)
    line = f"{done.person.name} shares /brownout {words.cut(done.value, 200)}"
    message = Message(
        f"{blocks.escape(line)}\n{reply.message.text}",
        (*reply.message.blocks, blocks.context(blocks.escape(line))),
    )
    return Reply(message, in_channel=True)


def _mark(desk: Desk, done: Press) -> Mark:
    return Mark(done.person, desk.now())


def _ask(desk: Desk, done: Press) -> Reply:
    return commands.answer(desk, done.value, done.channel, done.person.id, done.person.name)


def _pick(desk: Desk, done: Press) -> Reply:
    """A surface from the menu: how it is, and what to do with it next."""
    if len(done.value) > LONGEST_PICK:
        raise UsageError("There is no surface with such a long name.")
    reply = _ask(desk, replace(done, value=f"status {done.value}"))
    next_ = (("Subscribe here", f"subscribe {done.value}"), ("It is broken for me", f"report {done.value}"))
    message = reply.message
    return replace(reply, message=replace(message, blocks=(*message.blocks, hands.asks(next_))))


def _choose(desk: Desk, done: Press) -> Reply:
    """A target was picked in a channel: the modal asks for the rest."""
    return enrol.ask(desk, done.value, done.channel)


PRESSES: dict[str, Callable[[Desk, Press], Reply | None]] = {
    hands.SUMMARY: _summary,
    hands.AFFECTED: _affected,
    hands.ACK: _ack,
    hands.MUTE: _mute,
    hands.NOTE: _note,
    hands.SHARE: _share,
    hands.ASK: _ask,
    hands.PICK: _pick,
    hands.WATCH: watching.pressed,
    views.CHOOSE: _choose,
}
