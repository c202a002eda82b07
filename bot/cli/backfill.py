"""``brownout backfill``: imports incidents from before the bot ran, from recordings or from the page itself.

Imported rows are marked as backfilled and never alerted; rows that the bot recorded itself are never changed. The
command can be run again at any time: it continues where it stopped and leaves existing rows as they are. See
bot/docs/history.md#backfill.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import file_digest
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from bot import settings
from bot.adapters.page_fetcher import PageFetcher
from bot.app.history_download import HistoryDownload
from bot.app.month_sums import store_months
from bot.cli.options import config_option, db_option, open_writer, utc_now
from bot.domain import Component, Condition, Provider
from bot.errors import ParseError, SourceError, UsageError
from bot.evaluation import replay
from bot.formats import reconstruction, recordings, statuspage
from bot.formats.reconstruction import History
from bot.formats.recordings import RecordedPoll
from bot.rules.reliability.backfill import (
    BackfillBuilder,
    BackfilledHistory,
    BackfilledIncident,
    backfill_retroactive_incident,
    with_moved_surfaces,
)
from bot.rules.transition import StateTransition, TransitionContext
from bot.storage import Place, Repository, parse_place
from bot.storage.backfill import BackfillCounts

BATCH_SIZE = 200  # incidents per transaction
ONE_SECOND = timedelta(seconds=1)  # added to the last poll, so that the period includes it

ProgressCallback = Callable[[str], None]


@dataclass(slots=True)
class _LastPollTime:
    """The time of the latest poll of an iterator, which can be read only once."""

    at: datetime | None = None

    def track(self, polls: Iterable[RecordedPoll]) -> Iterator[RecordedPoll]:
        for poll in polls:
            self.at = max(self.at, poll.at) if self.at else poll.at
            yield poll


@click.command()
@click.argument("what", nargs=-1, metavar="[PROVIDER] [FILE]...")
@click.option(
    "--from", "origins", multiple=True, metavar="FILE|URL", help="A recording, or another address of the page."
)
@click.option("--pause", type=click.FloatRange(0, 60), default=0.5, help="Seconds between two requests to a page.")
@config_option
@db_option
def backfill(
    what: tuple[str, ...], origins: tuple[str, ...], pause: float, config: Path | None, db: Place | None
) -> None:
    """Reads a provider's past into the database: from its page, or from recordings (polls or history).

    PROVIDER may be left out where a recording says whose page it is. Never alerts; may be run again at any time.
    """
    app_settings = settings.load(config)
    files = [Path(w) for w in what if Path(w).is_file()] + [Path(o) for o in origins if not _is_url(o)]
    urls = [o for o in origins if _is_url(o)]
    names = [w for w in what if not Path(w).is_file()]
    if len(names) > 1:
        raise UsageError(f"Name one provider at a time: {', '.join(names)}. (No such file either.)")
    provider = _provider_by_name(app_settings, names[0]) if names else None
    if provider is None and (urls or not files):
        raise UsageError("Name a provider. Example: brownout backfill claude. `list all` shows all.")
    repository = open_writer(db or parse_place(app_settings.store_path))
    try:
        imported = [_import_file(app_settings, repository, file, provider, is_only=len(files) == 1) for file in files]
        if provider and (urls or not files):
            imported += [
                _import_page(app_settings, repository, provider, url, pause) for url in urls or [provider.source.url]
            ]
        for changed in dict.fromkeys(filter(None, imported)):
            store_months(repository, changed, utc_now())
    finally:
        repository.close()
    if not any(imported):
        raise UsageError("Nothing was read.")


def _is_url(text: str) -> bool:
    return text.startswith(("https://", "http://"))


def _provider_by_name(app_settings: settings.Settings, name: str) -> Provider:
    provider = app_settings.provider(name)
    if provider is None:
        provider_ids = ", ".join(p.id for p in app_settings.providers)
        raise UsageError(f"No file and no provider “{name}”. Providers: {provider_ids}.")
    return provider


# --- from a recording -------------------------------------------------------------------------------------------------


def _import_file(
    app_settings: settings.Settings,
    repository: Repository,
    file: Path,
    default_provider: Provider | None,
    *,
    is_only: bool,
) -> Provider | None:
    """Imports one recording of a provider; None where it cannot be imported (UsageError where it is the only file)."""
    if not file.is_file():
        raise UsageError(f"File {file} not found.")
    with file.open("rb") as opened:
        digest = file_digest(opened, "sha256").hexdigest()
        opened.seek(0)
        try:
            recording = recordings.read_recording(opened)
            provider = _provider_of_recording(app_settings, recordings.recorded_page(recording), default_provider)
            if not isinstance(recording, History):
                opened.seek(0)
                recording = recordings.read_recording(opened)
            import_recording(app_settings, repository, provider, recording, origin=(digest, file.name))
        except (ParseError, UsageError) as error:
            if is_only:
                raise UsageError(f"{file}: {error}") from error
            click.echo(f"{file}: left out: {error}", err=True)
            return None
    return provider


def _provider_of_recording(
    app_settings: settings.Settings, page: Mapping[str, Any], default_provider: Provider | None
) -> Provider:
    """Returns the provider that the recording names, else the default; UsageError where there is neither."""
    names = reconstruction.page_names(page)
    if provider := next((p for name in names if (p := app_settings.provider(name))), default_provider):
        return provider
    page_name = " / ".join(names) or "that this is a recording of, without a name"
    what_to_do = "name the provider too, as in `brownout backfill PROVIDER --from FILE`."
    raise UsageError(
        f"No provider has the page {page_name}: {what_to_do}"
        " `brownout add URL` writes a provider file for a page that has none."
    )


def import_recording(
    app_settings: settings.Settings,
    repository: Repository,
    provider: Provider,
    recording: History | Iterator[RecordedPoll],
    *,
    origin: tuple[str, str],
    fetched_at: datetime | None = None,
) -> BackfillCounts:
    """Replays a recording, writes its incidents and conditions to the database, and prints the counts and the speed.

    ``origin`` is the identity of the recording (a digest or an address) and its name for people. ``fetched_at`` is when
    a history was fetched, where that is known. Returns what was new.
    """
    began = time.monotonic()
    if isinstance(recording, History) and (unread := reconstruction.unread_text(recording)):
        click.echo(f"{origin[1]}: {unread}", err=True)
    with _progress_line() as advance:
        backfilled = _replay_history(recording, provider, app_settings, advance, fetched_at)
        if backfilled is None:
            click.echo(f"{provider.id}: {origin[1]} holds nothing to read in.")
            return BackfillCounts()
        at, counts = utc_now(), BackfillCounts()
        for batch in _batches(backfilled.incidents):
            counts = counts.combined_with(repository.archive.save_incidents(provider.id, batch, at))
            advance(f"writing, {counts.incidents} incidents new")
        repository.archive.save_conditions(provider.id, backfilled, origin, at)
    duration_s, updates = time.monotonic() - began, sum(len(t.tracked.incident.updates) for t in backfilled.incidents)
    click.echo(
        f"{provider.id}: {len(backfilled.incidents)} incidents with {updates} updates read from {origin[1]}"
        f" in {duration_s:.1f} s ({updates / duration_s:.0f} updates/s);"
        f" new: {counts.incidents} incidents, {counts.updates} updates."
    )
    return counts


def _replay_history(
    recording: History | Iterator[RecordedPoll],
    provider: Provider,
    app_settings: settings.Settings,
    advance: ProgressCallback,
    fetched_at: datetime | None,
) -> BackfilledHistory | None:
    """Replays a recording; None where it is empty."""
    builder = BackfillBuilder(provider, is_history=isinstance(recording, History))
    last_poll = _LastPollTime(fetched_at)
    if isinstance(recording, History):
        last_poll.at = max(filter(None, (fetched_at, *reconstruction.change_times(recording)[-1:])), default=None)
        transitions = replay.replay(recording, provider, app_settings.rules_for(provider))
    else:
        transitions = replay.replay(last_poll.track(recording), provider, app_settings.rules_for(provider))
    for transition in _with_progress(transitions, advance):
        builder.add(transition)
    if last_poll.at is None:
        return None
    backfilled = builder.build_history(last_poll.at + ONE_SECOND)
    if isinstance(recording, History):
        rules = TransitionContext(provider, app_settings.rules_for(provider), {})
        backfilled = _add_unlisted_incidents(backfilled, recording, rules)
    return with_moved_surfaces(backfilled, provider)


def _with_progress(transitions: Iterable[StateTransition], advance: ProgressCallback) -> Iterator[StateTransition]:
    for transition in transitions:
        advance(f"replaying, {transition.at:%Y-%m-%d}")
        yield transition


def _add_unlisted_incidents(
    backfilled: BackfilledHistory, recording: History, rules: TransitionContext
) -> BackfilledHistory:
    """Adds what only the final state of a history has.

    That is: incidents that the page never listed, post-mortems, and the components that each incident is linked to.
    """
    links = reconstruction.linked_components(recording)
    final_incidents = {
        i: statuspage.parse_incident_body(reconstruction.incident_at(recording, i, t.times[-1]))
        for i, t in recording.incidents.items()
    }
    replayed_ids = {entry.tracked.incident.id for entry in backfilled.incidents}
    unlisted = [
        backfill_retroactive_incident(incident, rules)
        for i, incident in final_incidents.items()
        if i not in replayed_ids
    ]
    incidents = []
    for entry in (*backfilled.incidents, *unlisted):
        replayed = entry.tracked.incident
        final = final_incidents.get(replayed.id, replayed)
        linked = tuple(Component(i, name, Condition.UNKNOWN) for i, name in links.get(replayed.id, ()))
        incident = replace(replayed, updates=final.updates, components=linked or replayed.components)
        incidents.append(BackfilledIncident(replace(entry.tracked, incident=incident), entry.events))
    return replace(backfilled, incidents=tuple(incidents))


def _batches(incidents: tuple[BackfilledIncident, ...]) -> Iterator[tuple[BackfilledIncident, ...]]:
    for start in range(0, len(incidents), BATCH_SIZE):
        yield incidents[start : start + BATCH_SIZE]


# --- from the page ----------------------------------------------------------------------------------------------------


def _import_page(
    app_settings: settings.Settings, repository: Repository, provider: Provider, url: str, pause: float
) -> Provider:
    """Downloads the page's history and imports it. Fetched pages are stored, so a second run continues from there."""
    if url == provider.source.url and provider.source.kind != "statuspage":
        kind = provider.source.kind
        raise UsageError(
            f"{provider.name}'s page (format {kind}) has no history to import. Import a recording: --from FILE"
        )
    root = url.partition("/api/")[0].rstrip("/")
    fallback = provider.source.fallback if root == provider.source.url else None
    source = replace(provider.source, url=root, fallback=fallback)

    async def fetch() -> bytes:
        with _progress_line() as advance:
            async with PageFetcher(
                timeout_s=app_settings.poll.timeout_s, max_bytes=app_settings.poll.max_bytes
            ) as fetcher:
                return await HistoryDownload(fetcher, repository.archive, source, pause, advance).download()

    try:
        raw = asyncio.run(fetch())
    except SourceError as error:
        fetched_count = len(repository.archive.fetched_pages(provider.id))
        raise UsageError(
            f"{error}; {fetched_count} incidents are fetched and kept. Run it again to continue."
        ) from error
    import_recording(
        app_settings, repository, provider, reconstruction.read_history(raw), origin=(root, root), fetched_at=utc_now()
    )
    return provider


@contextmanager
def _progress_line() -> Iterator[ProgressCallback]:
    """Yields a callback that shows its text as a progress line on a terminal, and does nothing in a pipe."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with Progress(TextColumn("{task.description}"), TimeElapsedColumn(), console=console, transient=True) as bar:
        task = bar.add_task("")
        yield lambda description: bar.update(task, description=description)


COMMANDS = {"backfill": backfill}
