"""``brownout replay``: a recorded page through today's rules, as lines for people or as JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from bot import replay as replaying
from bot import settings
from bot.core.stroke import Stroke
from bot.entry.options import config_option
from bot.errors import UsageError
from bot.model import Event, Provider
from bot.sources import recorded
from bot.sources.history import History


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--provider", "provider_id", help="Whose page it is, if the recording does not say.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per event.")
@config_option
def replay(file: Path, provider_id: str | None, config: Path | None, *, as_json: bool) -> None:
    """Plays a recorded page (polls or history; plain, .gz or .xz) through today's rules and prints what happens."""
    found = settings.load(config)
    with file.open("rb") as opened:
        recording = recorded.read(opened)
        provider = _provider(found, recording, provider_id)
        is_history = isinstance(recording, History)
        if is_history and not as_json:
            click.echo("reconstructed from a history: what its page must have shown", err=True)
        strokes = replaying.replay(recording, provider, found.rules_for(provider))
        for event in _with_progress(strokes):
            if as_json:
                print(json.dumps(replaying.line(event, reconstructed=is_history), ensure_ascii=False))  # noqa: T201
            else:
                print(_sentence(event))  # noqa: T201


def _provider(found: settings.Settings, recording: object, typed: str | None) -> Provider:
    names = [typed] if typed else []
    if not names and isinstance(recording, History):
        names = [str(recording.page.get(key)) for key in ("id", "name") if recording.page.get(key)]
    for name in names:
        if provider := found.provider(name):
            return provider
    known = ", ".join(p.id for p in found.providers)
    said = f" ({', '.join(names)})" if names else ""
    raise UsageError(f"Whose page is this{said}? Say it with --provider; the catalogue has {known}.")


def _with_progress(strokes: Iterable[Stroke]) -> Iterator[Event]:
    """The events; on a terminal a line below says how far it is, in a pipe nothing does."""
    console = Console(stderr=True)
    if not (console.is_terminal and not sys.stdout.isatty()):
        for stroke in strokes:
            yield from stroke.events
        return
    columns = (TextColumn("{task.description}"), TextColumn("{task.completed} looks"), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("")
        for stroke in strokes:
            bar.update(task, advance=1, description=f"{stroke.at:%Y-%m-%d %H:%M}")
            yield from stroke.events


def _sentence(event: Event) -> str:
    what = " ".join(
        str(part) for part in (event.kind, event.incident, event.surface, event.condition, event.verdict) if part
    )
    why = event.reason or (event.text or "").replace("\n", " ")[:100]
    return f"{event.seen_at:%Y-%m-%d %H:%M:%S} {what}: {why}" if why else f"{event.seen_at:%Y-%m-%d %H:%M:%S} {what}"


COMMANDS = {"replay": replay}
