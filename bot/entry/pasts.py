"""The verbs of the past: timeline, history and uptime ask for it, note and label add to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.core import catalogue
from bot.core.diff import first_post
from bot.entry.almanac import Almanac, split
from bot.entry.desk import Desk
from bot.entry.question import Ask, Command, Reply
from bot.entry.typed import plain
from bot.errors import UsageError
from bot.model import Event, EventKind, Known, News, NewsItem, PostKind, Surface
from bot.model.channel import TERMINAL
from bot.voice import figures, replies
from bot.voice.timeline import Sent
from bot.voice.timeline import timeline as steps

UPTIME_DAYS, HISTORY_DAYS = 90, 30
CORRECTS, OFF = "corrects:", "off:"


def timeline(desk: Desk, ask: Ask) -> Reply:
    """Every step of an incident; the command line sees all that we sent of it, a channel its own new messages."""
    provider, known, events = desk.incident(" ".join(_words(ask, "timeline")), ask.channel)
    archive = desk.book.archive
    sent = [d for d in archive.deliveries(known.incident.id) if ask.channel == TERMINAL or _is_new_in(ask.channel, d)]
    labels = archive.labels(known.incident.id)
    return Reply(steps(known, provider.name, events, desk.surfaces(), labels=labels, sent=sent))


def _is_new_in(channel: str, post: Sent) -> bool:
    """A message of this channel that is more than another one drawn anew."""
    return post.channel == channel and (post.kind, post.state) != (PostKind.EDIT, "sent")


def uptime(desk: Desk, ask: Ask) -> Reply:
    """One surface with its days, or a line for each of several."""
    words, days = split(ask.words, UPTIME_DAYS)
    almanac = Almanac(desk.book.archive, desk.now())
    window = almanac.last(days)
    surfaces = _meant(desk, words)
    if len(surfaces) == 1:
        page = almanac.page(surfaces[0], window)
        told = figures.uptime(page.surface.name, page.figures, page.days, page.study)
        return Reply(told, export=f"uptime {' '.join(ask.words)}")
    found = [almanac.page(s, window).figures for s in surfaces]
    return Reply(figures.uptimes(found, {s.id: s.name for s in surfaces}, window))


def history(desk: Desk, ask: Ask) -> Reply:
    """The incidents of a surface, of a provider, or of all."""
    words, days = split(ask.words, HISTORY_DAYS)
    almanac = Almanac(desk.book.archive, desk.now())
    window = almanac.last(days)
    target = catalogue.resolve(desk.providers, " ".join(words)) if words else None
    if target is None or target.id == target.provider.id:
        providers = [target.provider.id] if target else [p.id for p in desk.providers]
        courses = desk.book.archive.courses(providers, window)
    else:
        courses = desk.book.archive.courses_of(target.id, window)
    name, newest = target.name if target else "All providers", None if courses else _newest(desk, target)
    return Reply(figures.history(name, courses, window, desk.now(), newest))


def _newest(desk: Desk, target: catalogue.Target | None) -> datetime | None:
    """When the newest incident was first posted, whenever that was."""
    is_one = target is not None and target.id != target.provider.id
    provider, surface = target.provider.id if target else None, target.id if target and is_one else None
    found = (desk.book.known(i) for i in desk.book.incident_ids(provider=provider, surface=surface, limit=1))
    return next((first_post(known.incident) for _, known in filter(None, found)), None)


def note(desk: Desk, ask: Ask) -> Reply:
    """A note; or with ``corrects:N`` a new event that corrects an older one."""
    known, words = _about(desk, ask, "note")
    about = [w.removeprefix(CORRECTS).removeprefix("#") for w in words if w.startswith(CORRECTS)]
    text = plain(" ".join(w for w in words if not w.startswith(CORRECTS)))
    if not text:
        raise UsageError("What is there to note? `/brownout note <incident> <text>`")
    written = _written(desk, ask, known, EventKind.NOTE, text)
    if about:
        found = [e for e in desk.book.events(known.incident.id, ask.channel) if str(e.id) == about[-1]]
        if not found:
            raise UsageError(f"The timeline of {known.incident.id} has no #{about[-1]} to correct.")
        written = replace(written, kind=EventKind.CORRECTION, about=found[0].id)
    number = jot(desk, written)
    return Reply(replies.noted(known.incident.id, number, is_correction=bool(about)))


def jot(desk: Desk, written: Event, key: str = "") -> int:
    """Keeps a note and puts it into its channel's thread; its number. What has the same key is kept once."""
    by = written.author or "somebody"
    says = f"{by}, correcting #{written.about}," if written.about is not None else by
    key = key or str(desk.book.newest_event() + 1)
    item = NewsItem((News.NOTE,), f"note:{key}", written.seen_at, quote=written.text or "", by=says)
    return desk.book.people.note(written, item)


def label(desk: Desk, ask: Ask) -> Reply:
    """Labels, on and off; they are for everybody."""
    known, words = _about(desk, ask, "label")
    if not words:
        raise UsageError("Which label? `/brownout label <incident> cache`, and `off:cache` takes it off.")
    for word in words:
        kind = EventKind.LABEL_REMOVED if word.startswith(OFF) else EventKind.LABEL_ADDED
        written = _written(desk, ask, known, kind, word.removeprefix(OFF))
        desk.book.archive.add(replace(written, channel=None))
    return Reply(replies.labelled(known.incident.id, desk.book.archive.labels(known.incident.id)), in_channel=True)


def _meant(desk: Desk, words: Sequence[str]) -> tuple[Surface, ...]:
    """The surfaces of what was typed; all of them where nothing was."""
    if words:
        return catalogue.resolve(desk.providers, " ".join(words)).surfaces
    return tuple(s for p in desk.providers for s in p.surfaces)


def _words(ask: Ask, verb: str) -> tuple[str, ...]:
    if not ask.words:
        raise UsageError(f"`{verb}` needs to know which one: `/brownout {verb} {VERBS[verb].usage}`")
    return ask.words


def _about(desk: Desk, ask: Ask, verb: str) -> tuple[Known, tuple[str, ...]]:
    """The incident that the first word names, and the other words; else the newest that this channel was told of."""
    first, *rest = _words(ask, verb)
    is_named = first == "last" or desk.book.known(first) is not None
    _, known, _ = desk.incident(first if is_named else desk.book.people.incident(ask.channel) or "last")
    return known, tuple(rest) if is_named else ask.words


def _written(desk: Desk, ask: Ask, known: Known, kind: EventKind, text: str) -> Event:
    """What somebody wrote in a channel is for that channel; what is written on the command line is for everybody."""
    provider, _, _ = desk.incident(known.incident.id)
    is_here = ask.channel == TERMINAL
    author = "the command line" if is_here and not ask.user else ask.person.name
    at = desk.now()
    channel = None if is_here else ask.channel
    return Event(kind, provider.id, at, at, incident=known.incident.id, text=text, author=author, channel=channel)


VERBS = {
    "timeline": Command("<incident>", "every step of an incident", timeline, is_question=True),
    "history": Command("[surface|provider] [30d]", "its incidents, the newest first", history, is_question=True),
    "uptime": Command(
        "[surface|provider] [90d]", "how reliable it was, with a sign for each day", uptime, is_question=True
    ),
    "note": Command("[incident] [corrects:N] <text>", "adds a note to an incident's timeline", note),
    "label": Command("[incident] <label>... [off:label]", "files an incident under labels", label),
}
