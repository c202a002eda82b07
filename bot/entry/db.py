"""``brownout db``: the care of the database: backups of it, whether it is sound, and what it need not keep."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from pydantic import ValidationError

from bot import settings
from bot.edge.replica import Replica
from bot.edge.store import care, retention
from bot.entry.options import config_option, db_option, now
from bot.errors import StoreError, UsageError

DAMAGED = 65  # EX_DATAERR
MISSING = 66  # EX_NOINPUT


@click.group(invoke_without_command=True)
@click.pass_context
def db(ctx: click.Context) -> None:
    """Cares for the database: `backup` while the bot runs, `verify`, `restore`, `vacuum`, `retention`."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@db.command()
@click.argument("to", required=False, type=click.Path(path_type=Path))
@config_option
@db_option
def backup(to: Path | None, config: Path | None, db: Path | None) -> None:
    """Copies the database, in use or not, and checks the copy. Overwrites nothing.

    TO is a new file (*.db), or a folder: then the file is named with the time, and the newest `[store] keep` stay.
    Without TO the folder is `[store] backup_to`.
    """
    found = settings.load(config).store
    path = db or Path(found.path)
    if to is not None and to.suffix == ".db":
        click.echo(_told(care.copy(path, to)))
        return
    made = care.backup(path, to or folder(found, path), now(), found.keep)
    click.echo(_told(made.health))
    for file in made.dropped:
        click.echo(f"{file}: deleted, since the newest {found.keep} are kept")


@db.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@config_option
@db_option
def verify(file: Path | None, config: Path | None, db: Path | None) -> None:
    """Reads every page of the database, or of a backup. Exits with 0 sound, 65 damaged or not ours, 66 not there."""
    path = file or db or Path(settings.load(config).store_path)
    if not path.is_file():
        click.echo(f"{path}: there is no such file", err=True)
        sys.exit(MISSING)
    try:
        found = care.verify(path)
    except StoreError as error:
        click.echo(str(error), err=True)
        sys.exit(DAMAGED)
    for sentence in found.wrong:
        click.echo(f"{path}: {sentence}", err=True)
    if found.wrong:
        sys.exit(DAMAGED)
    click.echo(_told(found))
    click.echo("\n".join(f"  {name:<20} {count:>9,}" for name, count in found.rows.items()))


@db.command()
@click.argument("file", type=click.Path(path_type=Path))
@config_option
@db_option
def restore(file: Path, config: Path | None, db: Path | None) -> None:
    """Puts a copy of a backup in the database's place, and the present file aside. Not while a bot runs on it."""
    say_restored(*care.restore(db or Path(settings.load(config).store_path), file, now()))


@db.command()
@config_option
@db_option
def vacuum(config: Path | None, db: Path | None) -> None:
    """Gives the room of what was forgotten back to the disk. Not while a bot runs on it: it would stand still."""
    path = db or Path(settings.load(config).store_path)
    before, after = care.vacuum(path)
    click.echo(f"{path}: {size(before)} before, {size(after)} now")


@db.command(name="retention")
@click.option("--days", type=click.FloatRange(min=0, min_open=True), help="Instead of `[store] bodies_days`.")
@click.option("--dry-run", is_flag=True, help="Only says what would go.")
@config_option
@db_option
def retention_(days: float | None, dry_run: bool, config: Path | None, db: Path | None) -> None:  # noqa: FBT001
    """Forgets the raw pages that are older than `[store] bodies_days`; what they meant, every event, stays."""
    found = settings.load(config).store
    path, age = db or Path(found.path), days or found.bodies_days
    if not path.is_file():
        raise UsageError(f"There is no database {path}; name another with --db.")
    if not age:
        raise UsageError("[store] bodies_days is 0: raw pages are kept for ever. --days N forgets older ones.")
    gone = retention.forget(path, now() - timedelta(days=age), dry_run=dry_run)
    verb = "would go" if dry_run else "are gone"
    click.echo(f"{path}: {gone.bodies} of {gone.of} raw pages older than {age:g} days {verb}, {size(gone.bytes)}")


@click.command(name="restore")
@click.option("--from", "url", metavar="URL", help="Instead of `[replica] url`.")
@config_option
@db_option
def fetch(url: str | None, config: Path | None, db: Path | None) -> None:
    """Fetches the database from its replica, and puts the present file aside. Not while a bot runs on it.

    `brownout db restore FILE` is the way back from a backup.
    """
    found = settings.load(config)
    copy = replica(_at(found.replica, url), db or Path(found.store_path), os.environ)
    if copy is None:
        raise UsageError("There is no [replica] url in brownout.toml: name one with --from, file:/// or s3://.")
    done = fetched(copy, now())
    if done is None:
        raise UsageError(f"{copy.url} holds no database.")
    say_restored(*done)


def _at(found: settings.Replica, url: str | None) -> settings.Replica:
    try:
        return settings.Replica.model_validate(found.model_dump() | ({"url": url} if url else {}))
    except ValidationError as error:
        raise UsageError(f"--from {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None


def replica(found: settings.Replica, path: Path, environment: Mapping[str, str]) -> Replica | None:
    """The replica of a database; None where the settings name none."""
    return Replica(path, found.url, found.endpoint, found.region, environment) if found.url else None


def fetched(copy: Replica, at: datetime) -> tuple[care.Health, Path | None] | None:
    """Puts what a replica holds in the database's place; None where it holds nothing. StoreError where a bot runs."""
    path = copy.path.resolve()
    with care.claimed(path, "and what it writes would be lost; stop it first"):
        pass
    with TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}-") as temporary:
        file = Path(temporary) / path.name
        return care.restore(path, file, at) if copy.fetch(file) else None


def folder(found: settings.Store, path: Path) -> Path:
    """Where the timed backups of a database go."""
    return path.parent / found.backup_to


def say_restored(found: care.Health, aside: Path | None) -> None:
    """What is in place now, and where the file is that was there before."""
    click.echo(_told(found))
    if aside:
        click.echo(f"{aside}: what was there before")


def size(count: float) -> str:
    """A number of bytes, for people."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:  # noqa: PLR2004  (kilo)
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def _told(found: care.Health) -> str:
    newest = f"the last event is of {found.newest:%Y-%m-%d %H:%M:%S} UTC" if found.newest else "no event yet"
    older = f"; `brownout run` will add {', '.join(found.missing)}" if found.missing else ""
    events = found.rows.get("events", 0)
    return f"{found.path}: sound, {size(found.size)}, {events} events, {newest}{older}"


COMMANDS: dict[str, Any] = {"db": db, "restore": fetch}
