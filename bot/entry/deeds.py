"""The verbs that people do something with: report, note, mute, settings, and the menu that leads to all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from bot.core import catalogue
from bot.entry import typed
from bot.entry.desk import Desk
from bot.entry.question import Ask, Reply
from bot.errors import UsageError
from bot.model import (
    Condition,
    Digest,
    Event,
    EventKind,
    Mark,
    Message,
    Mute,
    Notice,
    NoticeKind,
    Post,
    PostKind,
    Quiet,
)
from bot.voice import hands, replies, route, views, ways, words
from bot.voice.sheet import joined, sheet

USUAL_MUTE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What somebody chose in the settings; None leaves it as it is for every subscription."""

    minimum: Condition | None
    mention: str | None
    maintenance: bool
    quiet: Quiet | None
    digest: Digest | None


def may(desk: Desk, ask: Ask) -> bool:
    """Whether somebody may do what undoes other people's; what is their own, they may.

    Who has the command line has the database anyway.
    """
    return ask.channel == ask.user or may_be(desk, ask.user)


def may_be(desk: Desk, user: str) -> bool:
    """Whether somebody is an admin, by their id."""
    return not user or desk.is_admin(user)


def event(kind: EventKind, desk: Desk, mark: Mark, incident: str, channel: str) -> Event:
    """What somebody did about an incident; UsageError where that is of a database that is gone."""
    found = desk.book.known(incident)
    if found is None:
        raise UsageError("I don't know this incident any more; my database is not the one that this message is from.")
    return Event(kind, found[0], mark.at, incident=incident, author=mark.by.name, channel=channel)


# --- the menu ---------------------------------------------------------------------------------------------------------


def status(desk: Desk) -> Message:
    """What is broken by the pages, and by what people here say."""
    said = sheet("", ways.reported(desk.reported(), desk.surfaces()))
    return joined([replies.status(desk.glance(), desk.now()), said])


def menu(desk: Desk, ask: Ask) -> Reply:
    """What is broken now, and buttons for what people want next."""
    is_new = not desk.book.subscriptions(ask.channel)
    return Reply(joined([status(desk), views.menu(is_new=is_new, channel=ask.channel)]))


# --- what people see and say ------------------------------------------------------------------------------------------


def report(desk: Desk, ask: Ask) -> Reply:
    """Somebody says that a surface is broken."""
    if not ask.words:
        raise UsageError("Which surface? `/brownout report claude-login I can't log in`")
    provider, surface = catalogue.surface(desk.providers, ask.words[0])
    now = desk.now()
    world = desk.world(provider)
    incident = next((k.incident.id for k in world.open_incidents if surface.id in k.surfaces), None)
    text = typed.plain(" ".join(ask.words[1:])) or None
    done = Event(EventKind.REPORTED, provider.id, now, incident=incident, surface=surface.id, text=text)
    desk.book.people.report(replace(done, author=ask.person.name, channel=ask.channel), ask.person)
    [said] = ways.reported({surface.id: desk.reported()[surface.id]}, desk.surfaces())
    thanks = f"Thank you. {said} `/brownout status` shows it to everybody, without names."
    return Reply(joined([sheet("", [thanks]), replies.retry(surface, world.verdict(surface.id), None, now)]))


# --- what a channel hears ---------------------------------------------------------------------------------------------


def mute(desk: Desk, ask: Ask) -> Reply:
    """Nothing of a target in this channel for a while."""
    *names, last = ask.words or ("",)
    span = typed.span(last)
    target, name, provider = _target(desk, " ".join(names if span else ask.words))
    if target == route.ALL and not may(desk, ask):
        return Reply(hands.denied(desk.admins, unasked=desk.unasked()))
    mark = Mark(ask.person, desk.now())
    wanted = Mute(ask.channel, target, mark.at + (span or USUAL_MUTE), mark)
    done = Event(EventKind.MUTED, provider, mark.at, surface=target, author=mark.by.name, channel=ask.channel)
    desk.book.people.mute(wanted, replace(done, reason=hands.until(wanted)))
    return Reply(ways.muted(wanted, name), in_channel=True)


def unmute(desk: Desk, ask: Ask) -> Reply:
    """Ends a mute, or all of them."""
    what, mutes = " ".join(ask.words), desk.book.people.mutes(ask.channel)
    if what and what not in {mute.target for mute in mutes}:
        what = _target(desk, what)[0]
    ended = [mute.target for mute in mutes if what in ("", mute.target)]
    for target in ended:
        desk.book.people.unmute(target, _unmuted(desk, ask, target))
    return Reply(ways.unmuted(ended, ask.channel), in_channel=bool(ended))


def _unmuted(desk: Desk, ask: Ask, target: str) -> Event:
    found = desk.book.known(target)
    done = Event(EventKind.UNMUTED, "", desk.now(), author=ask.person.name, channel=ask.channel)
    return replace(done, provider=found[0], incident=target) if found else replace(done, surface=target)


def _target(desk: Desk, what: str) -> tuple[str, str, str]:
    """What is to be muted, what it is called, and whose it is."""
    if not what:
        raise UsageError("Which one, and for how long? `/brownout mute claude-login 2h` or `/brownout mute all 30m`")
    if what.casefold() == route.ALL:
        return route.ALL, "everything", ""
    target = catalogue.resolve(desk.providers, what)
    return target.id, target.name, target.provider.id


def settings(desk: Desk, ask: Ask) -> Reply:
    """A modal; in words where there can be none. The digest can be set in words too."""
    if ask.words:
        return _rhythm(desk, ask)
    subscriptions, habits = desk.book.subscriptions(ask.channel), desk.habits(ask.channel)
    pause = desk.book.paused(ask.channel)
    view = views.settings(ask.channel, subscriptions, habits, pause) if subscriptions else None
    return Reply(replies.listing(subscriptions, habits, desk.now(), pause), view=view)


def _rhythm(desk: Desk, ask: Ask) -> Reply:
    """``settings digest daily 09:00 Europe/Berlin``."""
    what, *words_ = ask.words
    if what.casefold() != "digest":
        raise UsageError(
            "In words, there is `settings digest daily 09:00 Europe/Berlin`; `settings` alone asks for all."
        )
    now, mark = desk.habits(ask.channel), Mark(ask.person, desk.now())
    wanted = typed.digest(" ".join(words_))
    chosen = Chosen(None, None, now.maintenance, now.quiet, wanted)
    settle(desk, ask.channel, chosen, mark, key=f"digest:{mark.at.isoformat()}")
    return Reply(replies.listing(desk.book.subscriptions(ask.channel), desk.habits(ask.channel), desk.now()))


def settle(desk: Desk, channel: str, chosen: Chosen, mark: Mark, *, key: str) -> None:
    """Keeps what was chosen, and tells the channel who changed what."""
    before = desk.habits(channel)
    after = replace(before, maintenance=chosen.maintenance, quiet=chosen.quiet, digest=chosen.digest)
    subscriptions = [
        replace(
            s,
            minimum=s.minimum if chosen.minimum is None else chosen.minimum,
            mention=s.mention if chosen.mention is None else chosen.mention.removeprefix(views.NOBODY),
        )
        for s in desk.book.subscriptions(channel)
    ]
    minimum = words.CONDITIONS[chosen.minimum] if chosen.minimum else ""
    rings = ways.called(chosen.mention.removeprefix(views.NOBODY)) if chosen.mention is not None else ""
    if changes := list(ways.changes(before, after, minimum, rings)):
        again = f"{mark.by.name} chose that; {ways.undo('settings', channel)} changes it again."
        why = f"Settings of {ways.here(channel)}: {words.listing(changes)}. {again}"
        told = Notice(NoticeKind.SETTINGS, "", "", f"settings:{key}", mark.at, "", mark.at, why)
        post = Post(channel, PostKind.NOTICE, told.key, told)
        desk.book.people.settle(after, subscriptions, post)
