"""``brownout replay``: a recorded page through today's rules, as lines for people or as JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from bot import replay as replaying
from bot import settings
from bot.core.stroke import Stroke
from bot.entry import draft, stranger
from bot.entry.options import config_option
from bot.errors import UsageError
from bot.model import Event, Provider
from bot.sources import history, recorded, wire
from bot.sources.history import History
from bot.sources.recorded import Forward, Poll


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--provider", "provider_id", help="Whose page it is, if the recording does not say.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per event.")
@config_option
def replay(file: Path, provider_id: str | None, config: Path | None, *, as_json: bool) -> None:
    """Plays a recorded page (polls or history; plain, .gz or .xz) through today's rules and prints what happens.

    A page that the catalogue does not know is played with a surface for each of its components.
    """
    found = settings.load(config)
    with file.open("rb") as opened:
        recording = recorded.read(opened)
        provider = _provider(found, recording, file, provider_id)
        is_history = isinstance(recording, History)
        if is_history and not as_json:
            click.echo("reconstructed from a history: what its page must have shown", err=True)
        if isinstance(recording, History) and (said := history.unread(recording)):
            click.echo(said, err=True)
        played = recording if isinstance(recording, History) else Forward(recording)
        strokes = replaying.replay(played, provider, found.rules_for(provider))
        is_still = True
        for event in _with_progress(strokes, _share(recording, opened, file.stat().st_size)):
            is_still = False
            if as_json:
                print(json.dumps(replaying.line(event, reconstructed=is_history), ensure_ascii=False))  # noqa: T201
            else:
                print(_sentence(event))  # noqa: T201
        if isinstance(played, Forward) and played.late:
            click.echo(f"left out, since they are older than the one before: {played.late} polls", err=True)
        if is_still:
            click.echo("nothing happens in this recording", err=True)


def _provider(found: settings.Settings, recording: History | Iterator[Poll], file: Path, typed: str | None) -> Provider:
    """Whose page it is: what was typed, else what the page calls itself, else a provider made of the page itself."""
    page = recorded.page_of(recording if isinstance(recording, History) else _polls(file))
    told = history.names(page)
    by_page = next((p for name in told if (p := found.provider(name))), None)
    if provider := found.provider(typed) if typed else by_page:
        return provider
    if typed and by_page:
        raise UsageError(f"There is no provider “{typed}”. The page is {by_page.name}'s: leave --provider out.")
    if not (typed or told):
        raise UsageError("The recording does not say whose page it is: give it a name with --provider.")
    name = typed or wire.text(page.get("name")) or told[-1]
    parts = _parts(recording, file)
    made = stranger.provider(draft.slug(name) or "page", name, parts)
    click.echo(
        f"“{name}” is not in the catalogue: played with a surface for each component of its page"
        f" ({len(made.surfaces)}). `brownout list all` names what --provider knows.",
        err=True,
    )
    return made


def _parts(recording: History | Iterator[Poll], file: Path) -> Iterator[stranger.Part]:
    if isinstance(recording, History):
        return (stranger.Part(i, name) for i, name in recording.components.items())
    return chain.from_iterable(stranger.parts(poll.body) for poll in _polls(file))


def _polls(file: Path) -> Iterator[Poll]:
    """The polls of a file once more, from its beginning."""
    with file.open("rb") as again:
        recording = recorded.read(again)
        if not isinstance(recording, History):
            yield from recording


def _with_progress(strokes: Iterable[Stroke], share: Callable[[Stroke], float]) -> Iterator[Event]:
    """The events; on a terminal a bar below says how far it is, in a pipe nothing does.

    Rich would take all that is printed meanwhile to the terminal, also what is meant for a file: only where both are
    the same terminal may it.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        for stroke in strokes:
            yield from stroke.events
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, redirect_stdout=sys.stdout.isatty()) as bar:
        task = bar.add_task("", total=1.0)
        for stroke in strokes:
            bar.update(task, completed=share(stroke), description=f"{stroke.at:%Y-%m-%d %H:%M}")
            yield from stroke.events
        bar.update(task, completed=1.0)


def _share(recording: History | Iterator[Poll], opened: BinaryIO, size: int) -> Callable[[Stroke], float]:
    """How much of a recording a stroke has come to, 0 to 1: by time in a history, by bytes read of a file of polls."""
    if not isinstance(recording, History):
        return lambda _: opened.tell() / size
    times = history.moments(recording)
    if not times:
        return lambda _: 1.0
    whole = (times[-1] - times[0]).total_seconds() or 1.0
    return lambda stroke: min(max((stroke.at - times[0]).total_seconds() / whole, 0.0), 1.0)


def _sentence(event: Event) -> str:
    what = " ".join(
        str(part) for part in (event.kind, event.incident, event.surface, event.condition, event.verdict) if part
    )
    why = event.reason or (event.text or "").replace("\n", " ")[:100]
    return f"{event.seen_at:%Y-%m-%d %H:%M:%S} {what}: {why}" if why else f"{event.seen_at:%Y-%m-%d %H:%M:%S} {what}"


COMMANDS = {"replay": replay}
