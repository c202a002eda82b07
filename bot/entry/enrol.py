"""Subscriptions that are made, changed and ended with menus and modals instead of words. No Slack in here.

What changes a channel is told in the channel, with the name of who did it and how to undo it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.core import catalogue
from bot.entry import deeds, typed
from bot.entry.desk import Desk
from bot.entry.question import Ask, Filled, Press, Reply
from bot.errors import UsageError
from bot.model import Condition, Message, Notice, NoticeKind, Person, Post, PostKind, Subscription
from bot.voice import hands, home, replies, views, ways
from bot.voice.sheet import joined, sheet

WELCOME_AGAIN = timedelta(days=1)


def ask(desk: Desk, target: str, channel: str = "") -> Reply:
    """The modal that asks what to hear of, and where; ``target`` is what was picked already, if anything."""
    found = catalogue.resolve(desk.providers, target) if target else None
    is_whole = found is not None and found.id == found.provider.id
    how = "`/brownout subscribe` and a name does the same in a channel."
    chosen = (found.id, f"{found.name}: all of it" if is_whole else found.name) if found else None
    return Reply(sheet("", [how]), view=views.subscribe(chosen, channel))


def enrol(desk: Desk, filled: Filled) -> dict[str, str]:
    """Subscribes as the modal says; what is wrong with it, by block, where it can't be done."""
    try:
        found = catalogue.resolve(desk.providers, filled.values.get(views.TARGET, ""))
    except UsageError as error:
        return {views.TARGET: str(error)}
    person, at = filled.person, desk.now()
    channel = typed.place(filled.values.get(views.WHERE) or person.id, person.id)
    minimum = Condition(filled.values.get(views.MINIMUM) or Condition.DEGRADED)
    before = {s.target: s for s in desk.book.subscriptions(channel)}.get(found.id)
    mention = before.mention if before else ""
    desk.book.subscribe(Subscription(channel, found.id, minimum, person.id, at, mention))
    world = desk.world(found.provider)
    said = replies.subscribed(found.id, found.surfaces, minimum, world, mention, channel=channel)
    if desk.book.retry(channel):
        said = joined([said, sheet("", [ways.RETRIED])])
    tell(desk, channel, said, person, key=f"subscribed:{filled.view}")
    return {}


def change(desk: Desk, done: Press) -> Reply | None:
    """What was chosen from the menu beside a subscription: another severity, or its end."""
    word, channel, target = done.value.split(" ", 2)
    found = {s.target: s for s in desk.book.subscriptions(channel)}.get(target)
    if found is None or done.person.id not in (found.channel, found.created_by):
        raise UsageError("This subscription is gone; Home shows what there is now.")
    if not deeds.may(desk, Ask((), channel, done.person.id, done.person.name)):
        return Reply(hands.denied(desk.admins, unasked=desk.unasked()))
    if word == home.OFF:
        was = desk.book.unsubscribe(channel, target)
        said = replies.unsubscribed(target, was=was, channel=channel)
    else:
        wanted = replace(found, minimum=Condition(word))
        desk.book.subscribe(wanted)
        resolved = catalogue.resolve(desk.providers, target)
        world = desk.world(resolved.provider)
        said = replies.subscribed(target, resolved.surfaces, wanted.minimum, world, wanted.mention, channel=channel)
    if not ways.is_person(channel):
        tell(desk, channel, said, done.person, key=f"changed:{target}:{desk.now().isoformat()}")
    return None


def tell(desk: Desk, channel: str, said: Message, person: Person, *, key: str) -> None:
    """Owes a channel the word of what somebody has changed for it."""
    by = () if ways.is_person(channel) else (sheet("", [f"{person.name} did that, in the bot's Home."]),)
    at = desk.now()
    notice = Notice(NoticeKind.SETTINGS, "", "", key, at, "", at, said=joined([said, *by]))
    desk.book.people.owe([Post(channel, PostKind.NOTICE, key, notice)], at)


def welcome(desk: Desk, channel: str) -> bool:
    """Owes a channel its welcome, not twice within a day; False where it has had it.

    A channel that listens already is told to what; if it was paused, because the bot was not in it, it is tried again.
    """
    at = desk.now()
    desk.book.retry(channel)
    key = f"{NoticeKind.WELCOME}:{at.isoformat(timespec='seconds')}"
    mine = desk.book.subscriptions(channel)
    said = replies.listing(mine, desk.habits(channel), at) if mine else views.welcome(len(desk.providers))
    notice = Notice(NoticeKind.WELCOME, "", "", key, at, "", at, said=said)
    return desk.book.rounds.welcome(Post(channel, PostKind.NOTICE, key, notice), at, at - WELCOME_AGAIN)
