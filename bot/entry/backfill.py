"""``brownout backfill``: the years before the bot, from recordings or from the page itself, into the database.

What it writes is marked as backfilled and never alerted; what the bot has seen itself is never touched. It can be run
again at any time: it goes on where it stopped, and what is there already stays as it is.
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

from bot import replay, settings
from bot.core.past import Fold, Past, Told, told_afterwards
from bot.core.stroke import Rules, Stroke
from bot.edge.fetch import Fetcher
from bot.edge.store import Store
from bot.edge.store.past import Kept
from bot.entry.options import config_option, db_option, now
from bot.entry.walk import Walk
from bot.errors import ParseError, SourceError, UsageError
from bot.model import Component, Condition, Provider
from bot.sources import history, recorded, statuspage
from bot.sources.history import History
from bot.sources.recorded import Poll

AT_ONCE = 200  # incidents per transaction
A_MOMENT = timedelta(seconds=1)  # the last word of a recording belongs to the time that it covers

Advance = Callable[[str], None]


@dataclass(slots=True)
class _Last:
    """The time of the last poll that went by."""

    at: datetime | None = None

    def noting(self, polls: Iterable[Poll]) -> Iterator[Poll]:
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
    what: tuple[str, ...], origins: tuple[str, ...], pause: float, config: Path | None, db: Path | None
) -> None:
    """Reads a provider's past into the database: from its page, or from recordings (polls or history).

    PROVIDER may be left out where a recording says whose page it is. Never alerts; may be run again at any time.
    """
    found = settings.load(config)
    files = [Path(w) for w in what if Path(w).is_file()] + [Path(o) for o in origins if not _is_url(o)]
    urls = [o for o in origins if _is_url(o)]
    names = [w for w in what if not Path(w).is_file()]
    if len(names) > 1:
        raise UsageError(f"One provider at a time, please: {', '.join(names)}. (There is no such file either.)")
    provider = _named(found, names[0]) if names else None
    if provider is None and (urls or not files):
        raise UsageError(f"Whose page? The catalogue has {', '.join(p.id for p in found.providers)}.")
    book = Store.open(db or Path(found.store_path))
    try:
        done = [_file(found, book, file, provider, is_only=len(files) == 1) for file in files]
        if provider and (urls or not files):
            done += [_page(found, book, provider, url, pause) for url in urls or [provider.source.url]]
    finally:
        book.close()
    if not any(done):
        raise UsageError("Nothing was read.")


def _is_url(text: str) -> bool:
    return text.startswith(("https://", "http://"))


def _named(found: settings.Settings, name: str) -> Provider:
    provider = found.provider(name)
    if provider is None:
        known = ", ".join(p.id for p in found.providers)
        raise UsageError(f"There is no file and no provider “{name}”; the catalogue has {known}.")
    return provider


# --- from a recording -------------------------------------------------------------------------------------------------


def _file(found: settings.Settings, book: Store, file: Path, typed: Provider | None, *, is_only: bool) -> bool:
    """Reads one recording in; False where the file is none (an error where it was the only one)."""
    if not file.is_file():
        raise UsageError(f"There is no file {file}.")
    with file.open("rb") as opened:
        digest = file_digest(opened, "sha256").hexdigest()
        opened.seek(0)
        try:
            recording = recorded.read(opened)
            provider = _whose(found, recorded.page_of(recording), typed)
            if not isinstance(recording, History):
                opened.seek(0)
                recording = recorded.read(opened)
            read_in(found, book, provider, recording, origin=(digest, file.name))
        except (ParseError, UsageError) as error:
            if is_only:
                raise UsageError(f"{file}: {error}") from error
            click.echo(f"{file}: left out: {error}", err=True)
            return False
    return True


def _whose(found: settings.Settings, page: Mapping[str, Any], typed: Provider | None) -> Provider:
    """The provider that the recording names, else the one that was typed."""
    names = history.names(page)
    if whose := next((p for name in names if (p := found.provider(name))), typed):
        return whose
    called = " / ".join(names) or "that this is a recording of, without a name"
    raise UsageError(
        f"No provider of the catalogue has the page {called}: name the provider too, as in `brownout backfill PROVIDER"
        " --from FILE`. `brownout add URL` writes a provider file for a page that has none."
    )


def read_in(
    found: settings.Settings,
    book: Store,
    provider: Provider,
    recording: History | Iterator[Poll],
    *,
    origin: tuple[str, str],
    told_at: datetime | None = None,
) -> Kept:
    """Replays a recording, writes what it tells, and says how fast. ``told_at``: when a history was told, if known."""
    began = time.monotonic()
    if isinstance(recording, History) and (said := history.unread(recording)):
        click.echo(f"{origin[1]}: {said}", err=True)
    with _bar() as advance:
        past = _past(recording, provider, found, advance, told_at)
        if past is None:
            click.echo(f"{provider.id}: {origin[1]} holds nothing to read in.")
            return Kept()
        at, kept = now(), Kept()
        for part in _parts(past.incidents):
            kept = kept.plus(book.archive.keep(provider.id, part, at))
            advance(f"writing, {kept.incidents} incidents new")
        book.archive.keep_conditions(provider.id, past, origin, at)
    took, updates = time.monotonic() - began, sum(len(t.known.incident.updates) for t in past.incidents)
    click.echo(
        f"{provider.id}: {len(past.incidents)} incidents with {updates} updates read from {origin[1]} in {took:.1f} s"
        f" ({updates / took:.0f} updates/s); new: {kept.incidents} incidents, {kept.updates} updates."
    )
    return kept


def _past(
    recording: History | Iterator[Poll],
    provider: Provider,
    found: settings.Settings,
    advance: Advance,
    told_at: datetime | None,
) -> Past | None:
    fold, last = Fold(), _Last(told_at)
    if isinstance(recording, History):
        last.at = max(filter(None, (told_at, *history.moments(recording)[-1:])), default=None)
        strokes = replay.replay(recording, provider, found.rules_for(provider))
    else:
        strokes = replay.replay(last.noting(recording), provider, found.rules_for(provider))
    for stroke in _shown(strokes, advance):
        fold.add(stroke)
    if last.at is None:
        return None
    past = fold.past(last.at + A_MOMENT)
    rules = Rules(provider, found.rules_for(provider), {})
    return _completed(past, recording, rules) if isinstance(recording, History) else past


def _shown(strokes: Iterable[Stroke], advance: Advance) -> Iterator[Stroke]:
    for stroke in strokes:
        advance(f"replaying, {stroke.at:%Y-%m-%d}")
        yield stroke


def _completed(past: Past, recording: History, rules: Rules) -> Past:
    """With what no page ever listed: incidents told of afterwards, post-mortems, and the links as they are now."""
    links = history.links(recording)
    whole = {
        i: statuspage.parse_incident_body(history.incident_at(recording, i, t.times[-1]))
        for i, t in recording.incidents.items()
    }
    replayed = {one.known.incident.id for one in past.incidents}
    unlisted = [told_afterwards(incident, rules) for i, incident in whole.items() if i not in replayed]
    told = []
    for one in (*past.incidents, *unlisted):
        identity = one.known.incident.id
        listed = tuple(Component(i, name, Condition.UNKNOWN) for i, name in links.get(identity, ()))
        updates = whole[identity].updates if identity in whole else one.known.incident.updates
        components = listed or one.known.incident.components
        incident = replace(one.known.incident, updates=updates, components=components)
        told.append(Told(replace(one.known, incident=incident), one.events))
    return replace(past, incidents=tuple(told))


def _parts(told: tuple[Told, ...]) -> Iterator[tuple[Told, ...]]:
    for place in range(0, len(told), AT_ONCE):
        yield told[place : place + AT_ONCE]


# --- from the page ----------------------------------------------------------------------------------------------------


def _page(found: settings.Settings, book: Store, provider: Provider, url: str, pause: float) -> bool:
    """Walks the page's history and reads it in. What is fetched is kept at once: a second run goes on from there."""
    if url == provider.source.url and provider.source.kind != "statuspage":
        kind = provider.source.kind
        raise UsageError(
            f"{provider.name}'s page is of the kind {kind}, which has no history to walk; --from FILE reads one in"
        )
    root = url.partition("/api/")[0].rstrip("/")
    fallback = provider.source.fallback if root == provider.source.url else None
    source = replace(provider.source, url=root, fallback=fallback)

    async def fetch() -> bytes:
        with _bar() as advance:
            async with Fetcher(timeout_s=found.poll.timeout_s, max_bytes=found.poll.max_bytes) as web:
                return await Walk(web, book.archive, source, pause, advance).whole()

    try:
        raw = asyncio.run(fetch())
    except SourceError as error:
        kept = len(book.archive.fetched(provider.id))
        raise UsageError(f"{error}; {kept} incidents are fetched and kept: run it again to go on") from error
    read_in(found, book, provider, history.read_history(raw), origin=(root, root), told_at=now())
    return True


@contextmanager
def _bar() -> Iterator[Advance]:
    """A line that says how far it is, on a terminal; nothing in a pipe."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with Progress(TextColumn("{task.description}"), TimeElapsedColumn(), console=console, transient=True) as bar:
        task = bar.add_task("")
        yield lambda said: bar.update(task, description=said)


COMMANDS = {"backfill": backfill}
