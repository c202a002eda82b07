"""``brownout replay``: replays a recorded page through the current rules and prints its events, as text or as JSON."""

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

from bot import settings
from bot.app import provider_draft, unknown_provider
from bot.cli.options import config_option
from bot.domain import Event, Provider, Snapshot
from bot.errors import UsageError
from bot.evaluation import recorded_pages
from bot.evaluation import replay as evaluation_replay
from bot.formats import FORMATS, json_fields, reconstruction, recordings
from bot.formats.reconstruction import History
from bot.formats.recordings import ForwardPolls, RecordedPoll
from bot.rules.transition import StateTransition


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--provider", "provider_id", help="Whose page it is, if the recording does not say.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per event.")
@config_option
def replay(file: Path, provider_id: str | None, config: Path | None, *, as_json: bool) -> None:
    """Plays a recorded page (polls or history; plain, .gz or .xz) through today's rules and prints what happens.

    A page that the catalogue does not know is played with a surface for each of its components.
    """
    app_settings = settings.load(config)
    with file.open("rb") as opened:
        recording = recordings.read_recording(opened)
        provider = _provider_of_recording(app_settings, recording, file, provider_id)
        is_history = isinstance(recording, History)
        if is_history and not as_json:
            click.echo("reconstructed from a history: what its page must have shown", err=True)
        if isinstance(recording, History) and (unread := reconstruction.unread_text(recording)):
            click.echo(unread, err=True)
        playback = recording if isinstance(recording, History) else ForwardPolls(recording)
        transitions = evaluation_replay.replay(playback, provider, app_settings.rules_for(provider))
        is_empty = True
        for event in _with_progress(transitions, _progress_share(recording, opened, file.stat().st_size)):
            is_empty = False
            if as_json:
                print(json.dumps(evaluation_replay.event_json(event, reconstructed=is_history), ensure_ascii=False))  # noqa: T201
            else:
                print(_format_event(event))  # noqa: T201
        if isinstance(playback, ForwardPolls) and playback.late:
            click.echo(f"left out, since they are older than the one before: {playback.late} polls", err=True)
        if is_empty:
            click.echo("nothing happens in this recording", err=True)


def _provider_of_recording(
    app_settings: settings.Settings, recording: History | Iterator[RecordedPoll], file: Path, provider_name: str | None
) -> Provider:
    """Finds the provider: the named one, else the one that the page names, else one built from the page's components.

    Raises UsageError where the named provider is unknown but the page's is not, and where neither has a name.
    """
    page = recordings.recorded_page(recording if isinstance(recording, History) else _read_polls(file))
    recognised = None if page else recorded_pages.recognise(_read_polls(file))
    if recognised is not None:
        kind, snapshot = recognised
        page = {"id": snapshot.page_id, "name": snapshot.page_name or FORMATS[kind].name}
    names = reconstruction.page_names(page)
    by_page = next((p for name in names if (p := app_settings.provider(name))), None)
    if provider := app_settings.provider(provider_name) if provider_name else by_page:
        return provider
    if provider_name and by_page:
        raise UsageError(f"No provider “{provider_name}”. The page belongs to {by_page.name}: leave --provider out.")
    if not (provider_name or names):
        raise UsageError("The recording names no page. Name it with --provider.")
    name = provider_name or json_fields.to_text(page.get("name")) or names[-1]
    ident = provider_draft.slug(name) or "page"
    page_provider = (
        unknown_provider.build_provider(ident, name, _snapshot_components(recognised[1]), recognised[0])
        if recognised is not None
        else unknown_provider.build_provider(ident, name, _page_components(recording, file))
    )
    click.echo(
        f"“{name}” is not in the catalogue: played with a surface for each component of its page"
        f" ({len(page_provider.surfaces)}). `brownout list all` names what --provider knows.",
        err=True,
    )
    return page_provider


def _snapshot_components(snapshot: Snapshot) -> Iterator[unknown_provider.PageComponent]:
    groups = {c.id: c.name for c in snapshot.components or () if c.is_group}
    for component in snapshot.components or ():
        if not component.is_group:
            yield unknown_provider.PageComponent(component.id, component.name, groups.get(component.parent, ""))


def _page_components(
    recording: History | Iterator[RecordedPoll], file: Path
) -> Iterator[unknown_provider.PageComponent]:
    if isinstance(recording, History):
        return (unknown_provider.PageComponent(i, name) for i, name in recording.components.items())
    return chain.from_iterable(unknown_provider.page_components(poll.body) for poll in _read_polls(file))


def _read_polls(file: Path) -> Iterator[RecordedPoll]:
    """Opens the file again and yields its polls from the beginning; nothing for a history."""
    with file.open("rb") as opened:
        recording = recordings.read_recording(opened)
        if not isinstance(recording, History):
            yield from recording


def _with_progress(
    transitions: Iterable[StateTransition], share: Callable[[StateTransition], float]
) -> Iterator[Event]:
    """Yields the events of the transitions, with a progress bar on standard error where that is a terminal.

    Rich redirects printed lines to the console of the bar. That is right only where standard output is a terminal too;
    otherwise the lines would miss the pipe or file they are for.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        for transition in transitions:
            yield from transition.events
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, redirect_stdout=sys.stdout.isatty()) as bar:
        task = bar.add_task("", total=1.0)
        for transition in transitions:
            bar.update(task, completed=share(transition), description=f"{transition.at:%Y-%m-%d %H:%M}")
            yield from transition.events
        bar.update(task, completed=1.0)


def _progress_share(
    recording: History | Iterator[RecordedPoll], opened: BinaryIO, size: int
) -> Callable[[StateTransition], float]:
    """Returns the progress (0 to 1) at a transition: by time in a history, by bytes read in a file of polls."""
    if not isinstance(recording, History):
        return lambda _: opened.tell() / size
    times = reconstruction.change_times(recording)
    if not times:
        return lambda _: 1.0
    total_s = (times[-1] - times[0]).total_seconds() or 1.0
    return lambda transition: min(max((transition.at - times[0]).total_seconds() / total_s, 0.0), 1.0)


def _format_event(event: Event) -> str:
    subject = " ".join(
        str(part) for part in (event.kind, event.incident, event.surface, event.condition, event.verdict) if part
    )
    detail = event.reason or (event.text or "").replace("\n", " ")[:100]
    line = f"{event.seen_at:%Y-%m-%d %H:%M:%S} {subject}"
    return f"{line}: {detail}" if detail else line


COMMANDS = {"replay": replay}
