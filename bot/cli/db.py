"""``brownout db`` and ``brownout restore``: backup, verification, restore, vacuum and retention of the database."""

from __future__ import annotations

import json
import os
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from bot import settings
from bot.app.maintenance import backup_folder, format_size, open_replica, restore_from_replica, retention_text
from bot.cli.groups import SuggestingGroup
from bot.cli.options import PLACE, config_option, db_option, open_queries, open_writer, require_file, utc_now
from bot.errors import StoreError, UsageError
from bot.messages import formatting
from bot.storage import Place, Repository, may_exist, parse_place, retention, upgrade, usage
from bot.storage import backup as storage_backup

TABLE_NAMES = {"bodies": "bodies (raw pages)", "observations": "observations (polls)", "worlds": "worlds (states)"}
EXIT_DAMAGED = 65  # EX_DATAERR
EXIT_MISSING = 66  # EX_NOINPUT


@click.group(cls=SuggestingGroup, invoke_without_command=True)
@click.pass_context
def db(ctx: click.Context) -> None:
    """Database commands: `backup` (also while the bot runs), `verify`, `restore`, `size`, `vacuum`, `retention`, ..."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@db.command()
@click.argument("to", required=False, type=click.Path(path_type=Path))
@config_option
@db_option
def backup(to: Path | None, config: Path | None, db: Place | None) -> None:
    """Copies the database, in use or not, and checks the copy. Overwrites nothing.

    TO is a new file (*.db), or a folder: then the file is named with the time, and the newest `[store] keep` stay.
    Without TO the folder is `[store] backup_to`. A missing folder is made.
    """
    store_settings = settings.load(config).store
    place = db or parse_place(store_settings.url or store_settings.path)
    path = require_file(place, "Back it up with pg_dump, or as your provider does; `brownout export --all` works too.")
    if to is not None and to.suffix == ".db":
        click.echo(_describe_database(storage_backup.copy_database(path, to)))
        return
    result = storage_backup.create_backup(
        path, to or backup_folder(store_settings, path), utc_now(), store_settings.keep
    )
    click.echo(_describe_database(result.health))
    for file in result.dropped:
        click.echo(f"{file}: deleted, since the newest {store_settings.keep} are kept")


@db.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@config_option
@db_option
def verify(file: Path | None, config: Path | None, db: Place | None) -> None:
    """Verifies every page of the database or a backup. Exit code 0 sound, 65 damaged or not ours, 66 not found."""
    place = file or db or parse_place(settings.load(config).store_path)
    path = require_file(place, "The server checks its own pages (data checksums, pg_amcheck).")
    if not path.is_file():
        click.echo(f"{path} not found", err=True)
        sys.exit(EXIT_MISSING)
    try:
        health = storage_backup.verify(path)
    except StoreError as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_DAMAGED)
    for sentence in health.wrong:
        click.echo(f"{path}: {sentence}", err=True)
    if health.wrong:
        sys.exit(EXIT_DAMAGED)
    click.echo(_describe_database(health))
    click.echo("\n".join(f"  {name:<20} {count:>9,}" for name, count in health.rows.items()))


@db.command()
@click.argument("file", type=click.Path(path_type=Path))
@config_option
@db_option
def restore(file: Path, config: Path | None, db: Place | None) -> None:
    """Restores a backup. The present file is kept under another name. Stop the bot first."""
    place = db or parse_place(settings.load(config).store_path)
    path = require_file(place, "Restore a dump with pg_restore, or a snapshot as your provider does.")
    print_restored(*storage_backup.restore(path, file, utc_now()))


@db.command()
@config_option
@db_option
def vacuum(config: Path | None, db: Place | None) -> None:
    """Returns free space to the disk. Stop the bot first."""
    place = db or parse_place(settings.load(config).store_path)
    path = require_file(place, "The server frees space by itself (autovacuum).")
    before, after = storage_backup.vacuum(path)
    click.echo(f"{path}: {format_size(before)} before, {format_size(after)} now")


@db.command(name="retention")
@click.option("--days", type=click.FloatRange(min=0, min_open=True), help="Instead of `[store] bodies_days`.")
@click.option("--mb", type=click.FloatRange(min=0, min_open=True), help="Instead of `[store] bodies_mb`.")
@click.option("--dry-run", is_flag=True, help="Only says what would go.")
@config_option
@db_option
def retention_(days: float | None, mb: float | None, *, dry_run: bool, config: Path | None, db: Place | None) -> None:
    """Deletes raw pages older than `[store] bodies_days`, or beyond `bodies_mb`. Events are kept."""
    store_settings = settings.load(config).store
    path, age = db or parse_place(store_settings.url or store_settings.path), days or store_settings.bodies_days
    max_mb = mb or store_settings.bodies_mb
    if not may_exist(path):
        raise UsageError(f"Database {path} not found. Pass --db FILE.")
    if not age and not max_mb:
        raise UsageError("[store] bodies_days is 0: raw pages are kept forever. Delete older ones with --days N.")
    before = utc_now() - timedelta(days=age) if age else None
    pruned = retention.prune_bodies(path, before, max_bytes=max_mb * 1e6, dry_run=dry_run)
    verb, rule = "would go" if dry_run else "are gone", retention_text(age, max_mb)
    click.echo(f"{path}: {pruned.bodies} of {pruned.of} raw pages {rule} {verb}, {format_size(pruned.bytes)}")


@db.command()
@config_option
@db_option
def size(config: Path | None, db: Place | None) -> None:
    """What takes the room: the tables with their indexes, and the pages with the most raw data."""
    store_settings = settings.load(config).store
    place = db or parse_place(store_settings.url or store_settings.path)
    if not may_exist(place):
        raise UsageError(f"Database {place} not found. Pass --db FILE.")
    found = usage.measure_usage(place)
    click.echo(f"{place}: {format_size(found.bytes)} in use, {format_size(found.free)} free")
    for table in found.tables:
        if table.bytes * 100 >= found.bytes:
            _echo_usage(TABLE_NAMES.get(table.name, table.name), table, "rows", found.bytes)
    if found.sources:
        click.echo("Raw pages, compressed, by status page:")
    for source in found.sources:
        _echo_usage(source.name, source, "pages", found.bytes)
    rule = retention_text(store_settings.bodies_days, store_settings.bodies_mb)
    click.echo(f"Raw pages {rule} are deleted ([store] bodies_days, bodies_mb)." if rule else "Raw pages are kept.")


def _echo_usage(name: str, used: usage.Usage, unit: str, of: int) -> None:
    rows = "" if used.rows is None else f"  {used.rows:,} {unit}"
    click.echo(f"  {name:<28} {format_size(used.bytes):>9} {100 * used.bytes / max(of, 1):3.0f} %{rows}")


@click.command(name="restore")
@click.option("--from", "url", metavar="URL", help="Instead of `[replica] url`.")
@config_option
@db_option
def restore_replica(url: str | None, config: Path | None, db: Place | None) -> None:
    """Restores the database from its replica. The present file is kept under another name. Stop the bot first.

    `brownout db restore FILE` is the way back from a backup.
    """
    app_settings = settings.load(config)
    place = db or parse_place(app_settings.store_path)
    path = require_file(place, "Point-in-time recovery of the server does what a replica does for a file.")
    replica = open_replica(_with_url(app_settings.replica, url), path, os.environ)
    if replica is None:
        raise UsageError("No [replica] url in brownout.toml. Pass --from file:///FOLDER or --from s3://BUCKET/PATH.")
    restored = restore_from_replica(replica, utc_now())
    if restored is None:
        raise UsageError(f"No database found at {replica.url}.")
    print_restored(*restored)


@db.command()
@click.option("--dry-run", is_flag=True, help="Only says what would be changed.")
@click.option("--no-backup", is_flag=True, help="Makes no copy first, for a disk without room for one.")
@config_option
@db_option
def migrate(*, dry_run: bool, no_backup: bool, config: Path | None, db: Place | None) -> None:
    """Upgrades a database of an older version, after a backup. `brownout run` does the same when it starts."""
    place = db or parse_place(settings.load(config).store_path)
    path = require_file(place, "`brownout run` upgrades the tables when it starts; make a dump before.")
    if not path.is_file():
        raise UsageError(f"Database {path} not found. Pass --db FILE.")
    steps = upgrade.pending_steps(path)
    if not steps:
        click.echo(f"{path}: up to date")
        return
    for step in steps:
        click.echo(f"{step.name}: {step.purpose}")
    if dry_run:
        click.echo(f"{path}: {formatting.pluralize(len(steps), 'change')} to make; nothing was changed")
        return
    with storage_backup.exclusive_access(path, "Stop it first; it upgrades the database when it starts again."):
        copy = None if no_backup else upgrade.back_up_before_upgrade(path, utc_now())
        Repository.open(path).close()
    click.echo(f"{path}: upgraded" + (f"; as it was before: {copy}" if copy else ""))


@db.command()
@click.option("--json", "as_json", is_flag=True, help="Prints a JSON list, one object per message.")
@click.option("--all", "every", is_flag=True, help="Includes messages that were of no use any more.")
@config_option
@db_option
def outbox(*, as_json: bool, every: bool, config: Path | None, db: Place | None) -> None:
    """Messages that were not delivered, the newest first, with the reason; and paused channels."""
    with open_queries(config, db) as queries:
        parked = [p for p in queries.repository.parked(1000) if every or not p.is_expected]
        paused = queries.repository.paused_channels()
    if as_json:
        rows = [
            {"created_at": p.created_at.isoformat(), "channel": p.channel, "kind": p.kind, "key": p.key}
            | {"attempts": p.attempts, "reason": p.error}
            for p in parked
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    for channel in paused:
        pause = channel.pause
        fix = f". Fix: {pause.remedy}" if pause.remedy else ""
        click.echo(
            f"{pause.channel}: paused since {formatting.format_datetime(pause.since)} ({pause.code}),"
            f" tried {formatting.pluralize(channel.tries, 'time')},"
            f" next at {formatting.format_datetime(channel.probe_at)}{fix}"
        )
    for p in parked:
        click.echo(f"{formatting.format_datetime(p.created_at)}  {p.channel}  {p.kind}  {p.key}: {p.error}")
    if not (parked or paused):
        click.echo("Every message was delivered or is queued.")


@db.command()
@config_option
@db_option
def datasette(config: Path | None, db: Place | None) -> None:
    r"""Metadata for Datasette: what each table and column means, search, and queries to start from.

    \b
    brownout db datasette > metadata.json
    datasette brownout.db --metadata metadata.json
    """
    place = db or parse_place(settings.load(config).store_path)
    path = require_file(place, "Datasette reads no PostgreSQL; the views are the same there.")
    with open_queries(config, db) as queries:
        described = queries.repository.archive.datasette_metadata(path.stem)
    click.echo(json.dumps(described, indent=1, ensure_ascii=False))


@db.command()
@click.argument("to", metavar="TO", type=PLACE)
@config_option
@db_option
def move(to: Place, config: Path | None, db: Place | None) -> None:
    """Copies everything into an empty database, TO, and compares the two. Stop the bot first.

    TO is a PostgreSQL address (postgresql://user@host/database) or a new file; the source is as it was afterwards.
    """
    place = db or parse_place(settings.load(config).store_path)
    if not may_exist(place):
        raise UsageError(f"Database {place} not found. Pass --db FILE.")
    with closing(open_writer(place, alone=True)) as source, closing(open_writer(to, alone=True)) as target:
        source.archive.copy_to(target.archive, lambda table, count: click.echo(f"  {table:<20} {count:>9,}"))
    setting = f'path = "{to}"' if isinstance(to, Path) else f'url = "{to}" (with your user and options)'
    click.echo(f"{to}: the same content as {place}. Set [store] {setting} in brownout.toml, then start the bot.")


def _with_url(replica_settings: settings.ReplicaSettings, url: str | None) -> settings.ReplicaSettings:
    """Returns the settings with the URL of ``--from``, where it is given; UsageError where it is not valid."""
    try:
        return settings.ReplicaSettings.model_validate(replica_settings.model_dump() | ({"url": url} if url else {}))
    except ValidationError as error:
        raise UsageError(f"--from {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None


def print_restored(health: storage_backup.DatabaseHealth, previous_file: Path | None) -> None:
    """Prints the health of the restored database, and the path of the file that it replaced (None: there was none)."""
    click.echo(_describe_database(health))
    if previous_file:
        click.echo(f"{previous_file}: what was there before")


def _describe_database(health: storage_backup.DatabaseHealth) -> str:
    newest = f"the last event is of {health.newest:%Y-%m-%d %H:%M:%S} UTC" if health.newest else "no event yet"
    older = f"; `brownout run` will add {', '.join(health.missing)}" if health.missing else ""
    events = health.rows.get("events", 0)
    return f"{health.path}: sound, {format_size(health.size)}, {events} events, {newest}{older}"


COMMANDS: dict[str, Any] = {"db": db, "restore": restore_replica}
