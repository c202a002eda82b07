"""App Home: what it shows to somebody, and what its buttons do. Answers are modals, since Home has no channel.

No Slack in here; bot.entry.homes keeps it drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bot.entry import commands, deeds, enrol
from bot.entry.desk import Desk
from bot.entry.question import Ask, Press, Reply
from bot.errors import UsageError
from bot.voice import home, views
from bot.voice.home import Resident
from bot.voice.replies import Board
from bot.voice.sheet import sheet


def resident(desk: Desk, person: str, board: Board | None = None) -> Resident:
    """All that somebody's Home tells now; ``board`` is what is known of every provider, if it was asked already."""
    mine = [s for s in desk.book.subscriptions() if person in (s.channel, s.created_by)]
    board = desk.glance() if board is None else board
    paused = {c: pause for c in {s.channel for s in mine} if (pause := desk.book.paused(c))}
    return Resident(person, board, mine, desk.habits(person), desk.reported(), desk.now(), paused)


def press(desk: Desk, done: Press) -> Reply | None:
    """What a press in Home does; its answer is a modal. None where Home itself will show it."""
    try:
        reply = PRESSES[done.action.partition(":")[0]](desk, replace(done, channel=done.person.id))
    except UsageError as error:
        reply = Reply(sheet("", [str(error)]))
    if reply is None or reply.view:
        return reply
    return replace(reply, view=views.told(reply.message))


def _pick(desk: Desk, done: Press) -> Reply:
    return enrol.ask(desk, done.value)


def _ask(desk: Desk, done: Press) -> Reply:
    """A question only; nothing can be done from here by typing it into a button's value."""
    asked = commands.COMMANDS.get(done.value.partition(" ")[0])
    if asked is None or not asked.is_question:
        raise UsageError("Only questions can be asked here.")
    reply, _ = commands.told(desk, done.value, done.person.id, done.person.id, done.person.name)
    return reply


def _summary(desk: Desk, done: Press) -> Reply:
    return _ask(desk, replace(done, value=f"summary {done.value}"))


def _settings(desk: Desk, done: Press) -> Reply:
    return deeds.settings(desk, Ask((), done.person.id, done.person.id, done.person.name))


PRESSES: dict[str, Callable[[Desk, Press], Reply | None]] = {
    home.PICK: _pick,
    home.CHANGE: enrol.change,
    home.ASK: _ask,
    home.SETTINGS: _settings,
    home.SUMMARY: _summary,
    home.REFRESH: lambda _, __: None,
}
