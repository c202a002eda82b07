"""The Export button: builds an incident's or a surface's files, and uploads them to the channel.

The database is read at once; pictures, which take a second, are drawn in a thread. If a picture can't be drawn, the
answer says why.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from bot.commands.history import UPTIME_DAYS
from bot.commands.parsing import HISTORY_LIMITS, find_by_words, split_off_days
from bot.commands.types import ButtonClick, CommandResponse
from bot.domain import File
from bot.errors import DeliveryError, UsageError
from bot.messages import block_kit, charts, declared_export, export, reliability
from bot.messages.builder import build_message
from bot.queries import declared as declared_queries
from bot.queries.current import StatusQueries
from bot.queries.history import HistoryQueries
from bot.queries.incident_export import incident_export

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_JOIN_HINT = "Files can be posted only in channels with the bot: `/invite @brownout`, or ask in a direct message."
_UPLOAD_ERRORS = {
    "missing_scope": "The app lacks the scope `files:write`. The operator can reinstall it from manifest.yml.",
    "not_in_channel": _JOIN_HINT,
    "channel_not_found": _JOIN_HINT,
    "is_archived": "This channel is archived.",
    "ratelimited": "Slack limits the rate. Try again in a minute.",
}

FileFactory = Callable[[], File]


class FileUploader(Protocol):
    """Uploads files to a channel; every failure is a DeliveryError."""

    async def upload(self, channel: str, files: Iterable[File], comment: str) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class FileBundle:
    """Files still to be built, the comment to post with them, and the shell command that writes the same files."""

    files: tuple[FileFactory, ...]
    comment: str
    shell: str


def build_bundle(queries: StatusQueries, click: ButtonClick) -> FileBundle:
    """The files that the button asks for: an incident's summary, or one surface's uptime. UsageError for others."""
    verb, *words = click.value.split()
    if verb not in _BUNDLES:
        raise UsageError("Only summaries, declared incidents and the uptime of one service can be exported.")
    files, subject = _BUNDLES[verb](queries, words, click.channel)
    comment = f"{click.person.name} exported {subject}."
    return FileBundle(tuple(files), block_kit.escape(comment), _SHELL_COMMANDS[verb].format(" ".join(words)))


async def upload_bundle(uploader: FileUploader, bundle: FileBundle, room: str) -> CommandResponse | None:
    """Builds the files and uploads them to ``room`` (Slack's id of the channel). None if nothing is missing."""
    files, missing = await asyncio.to_thread(_make_files, bundle.files)
    try:
        await uploader.upload(room, files, bundle.comment)
    except DeliveryError as error:
        why = _UPLOAD_ERRORS.get(error.code, f"Slack rejected the files ({error.code}). Try again later.")
        return CommandResponse(build_message("", [f"{why} On the command line, `{bundle.shell}` gives the same."]))
    return CommandResponse(build_message("", missing)) if missing else None


def _make_files(factories: Sequence[FileFactory]) -> tuple[list[File], list[str]]:
    files, missing = [], []
    for make in factories:
        try:
            files.append(make())
        except UsageError as error:
            missing.append(f"Without the picture: {error}")
    return files, missing


def _summary_files(queries: StatusQueries, words: Sequence[str], channel: str) -> tuple[list[FileFactory], str]:
    exported = incident_export(queries, " ".join(words), channel)
    incident, provider = exported.known.incident, exported.provider
    name = f"{provider.id}-{_UNSAFE.sub('-', incident.id)[:80]}"
    context = HistoryQueries(queries.repository.archive, queries.now()).incident_chart_data(
        exported.known, provider.surfaces
    )
    files: list[FileFactory] = [
        lambda: File(f"{name}.md", export.markdown(exported).encode(), f"{incident.name} (Markdown)"),
        lambda: File(f"{name}.json", export.as_json(exported).encode(), f"{incident.name} (JSON)"),
        partial(_chart_file, f"{name}.png", f"{incident.name} (timeline)", lambda: charts.draw_incident(*context)),
    ]
    return files, f"the incident {incident.id} of {provider.name}"


def _declared_files(queries: StatusQueries, words: Sequence[str], channel: str) -> tuple[list[FileFactory], str]:
    number = words[0] if words and words[0].isdecimal() else "0"
    view = declared_queries.view(queries, declared_queries.find(queries, int(number), channel))
    name, title = f"declared-{number}", view.incident.title
    files: list[FileFactory] = [
        lambda: File(f"{name}.md", declared_export.markdown(view).encode(), f"{title} (Markdown)"),
        lambda: File(f"{name}.html", declared_export.html(view).encode(), f"{title} (HTML)"),
        lambda: File(f"{name}.json", declared_export.as_json(view).encode(), f"{title} (JSON)"),
    ]
    return files, f"the declared incident No. {number}"


def _uptime_files(queries: StatusQueries, words: Sequence[str], _channel: str) -> tuple[list[FileFactory], str]:
    rest, days = split_off_days(words, UPTIME_DAYS)
    _, surface = find_by_words(queries.resolve_surface, rest, HISTORY_LIMITS)
    history_queries = HistoryQueries(queries.repository.archive, queries.now())
    report = history_queries.surface_uptime(surface, history_queries.last_days(days))
    availability = reliability.operational_text(report.figures)
    values = reliability.as_json([report.figures], report.figures.window)
    files: list[FileFactory] = [
        partial(
            _chart_file,
            f"{surface.id}.png",
            f"{surface.name}: {availability}",
            lambda: charts.draw_uptime(surface.name, report.days, availability),
        ),
        lambda: File(f"{surface.id}.json", json.dumps(values, indent=1).encode(), f"{surface.name} (JSON)"),
    ]
    return files, f"the uptime of {surface.name}"


def _chart_file(name: str, title: str, draw: Callable[[], charts.Picture]) -> File:
    picture = draw()
    return File(name, picture.png, title, picture.alt)


_BUNDLES: dict[str, Callable[[StatusQueries, Sequence[str], str], tuple[list[FileFactory], str]]] = {
    "summary": _summary_files,
    "uptime": _uptime_files,
    "declared": _declared_files,
}
_SHELL_COMMANDS = {
    "summary": "brownout export {}",
    "uptime": "brownout uptime {} --picture uptime.png",
    "declared": "brownout declared {} --format markdown",
}
