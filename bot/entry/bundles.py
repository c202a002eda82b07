"""Export: what somebody wants as files -> the files, and what became of giving them to their channel.

The book is read at once; pictures, which take a second, are drawn in a thread. Whatever is missing is said, and why.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from bot.core import catalogue
from bot.entry.almanac import Almanac, split
from bot.entry.desk import Desk
from bot.entry.export import dossier
from bot.entry.pasts import UPTIME_DAYS
from bot.entry.question import Press, Reply
from bot.errors import DeliveryError, UsageError
from bot.model import File
from bot.voice import blocks, chart, figures
from bot.voice import export as forms
from bot.voice.sheet import sheet

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_JOIN = "I can put files only where I am a member: `/invite @brownout`, or ask me in direct messages."
_WHY = {
    "missing_scope": "I may not put files here: the app lacks `files:write`. Whoever runs me installs it again from"
    " manifest.yml.",
    "not_in_channel": _JOIN,
    "channel_not_found": _JOIN,
    "is_archived": "This channel is archived.",
    "ratelimited": "Slack asks me to wait a little; press again in a minute.",
}

Make = Callable[[], File]


class Shelf(Protocol):
    """Takes files; every failure is a DeliveryError."""

    async def upload(self, channel: str, files: Iterable[File], comment: str) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Bundle:
    """Files that are still to be made, and the words that go with them; a shell command gives the same."""

    files: tuple[Make, ...]
    comment: str
    shell: str


def bundle(desk: Desk, done: Press) -> Bundle:
    """What the button asks for: an incident's summary, or one surface's uptime. UsageError for anything else."""
    verb, *words = done.value.split()
    if verb not in _BUNDLES:
        raise UsageError("Only summaries and the uptime of one surface can be exported.")
    files, of = _BUNDLES[verb](desk, words, done.channel)
    comment = f"{done.person.name} exports {of}."
    return Bundle(tuple(files), blocks.escape(comment), _SHELL[verb].format(" ".join(words)))


async def give(shelf: Shelf, found: Bundle, room: str) -> Reply | None:
    """Makes the files and puts them into the channel; None where they speak for themselves."""
    made, missing = await asyncio.to_thread(_made, found.files)
    try:
        await shelf.upload(room, made, found.comment)
    except DeliveryError as error:
        why = _WHY.get(error.code, f"Slack did not take the files ({error.code}). Please try again later.")
        return Reply(sheet("", [f"{why} On the command line, `{found.shell}` gives the same."]))
    return Reply(sheet("", missing)) if missing else None


def _made(files: Sequence[Make]) -> tuple[list[File], list[str]]:
    made, missing = [], []
    for make in files:
        try:
            made.append(make())
        except UsageError as error:
            missing.append(f"Without the picture: {error}")
    return made, missing


def _summary(desk: Desk, words: Sequence[str], channel: str) -> tuple[list[Make], str]:
    found = dossier(desk, " ".join(words), channel)
    incident, provider = found.known.incident, found.provider
    name = f"{provider.id}-{_UNSAFE.sub('-', incident.id)[:80]}"
    scene = Almanac(desk.book.archive, desk.now()).scene(found.known, provider.surfaces)
    files: list[Make] = [
        lambda: File(f"{name}.md", forms.markdown(found).encode(), f"{incident.name} (Markdown)"),
        lambda: File(f"{name}.json", forms.as_json(found).encode(), f"{incident.name} (JSON)"),
        partial(_drawn, f"{name}.png", f"{incident.name} (timeline)", lambda: chart.incident(*scene)),
    ]
    return files, f"the incident {incident.id} of {provider.name}"


def _uptime(desk: Desk, words: Sequence[str], _channel: str) -> tuple[list[Make], str]:
    rest, days = split(words, UPTIME_DAYS)
    _, surface = catalogue.surface(desk.providers, " ".join(rest))
    almanac = Almanac(desk.book.archive, desk.now())
    page = almanac.page(surface, almanac.last(days))
    told = f"{figures.percent(page.figures.availability)} available"
    values = figures.as_json([page.figures], page.figures.window)
    files: list[Make] = [
        partial(
            _drawn, f"{surface.id}.png", f"{surface.name}: {told}", lambda: chart.uptime(surface.name, page.days, told)
        ),
        lambda: File(f"{surface.id}.json", json.dumps(values, indent=1).encode(), f"{surface.name} (JSON)"),
    ]
    return files, f"the uptime of {surface.name}"


def _drawn(name: str, title: str, draw: Callable[[], chart.Picture]) -> File:
    picture = draw()
    return File(name, picture.png, title, picture.alt)


_BUNDLES: dict[str, Callable[[Desk, Sequence[str], str], tuple[list[Make], str]]] = {
    "summary": _summary,
    "uptime": _uptime,
}
_SHELL = {"summary": "brownout export {}", "uptime": "brownout uptime {} --picture uptime.png"}
