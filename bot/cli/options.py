"""Options that several commands share, the system clock, and the database opened for queries."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from typing_extensions import override

from bot import settings
from bot.errors import UsageError
from bot.queries.current import StatusQueries
from bot.storage import Place, Repository, may_exist, parse_place, upgrade

log = logging.getLogger("brownout")

config_option = click.option(
    "--config", type=click.Path(path_type=Path), help="The folder with brownout.toml and providers/."
)


class _PlaceType(click.Path):
    """A SQLite file, or the address of a PostgreSQL database (``postgresql://...``)."""

    name = "place"

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = parse_place(value)
        return super().convert(value, param, ctx) if isinstance(found, Path) else found


PLACE = _PlaceType(path_type=Path)
db_option = click.option(
    "--db", type=PLACE, help="The SQLite file (default: brownout.db), or postgresql://USER@HOST/DATABASE."
)


def utc_now() -> datetime:
    """Returns the current time in UTC. The only place that reads the system clock; elsewhere time is an argument."""
    return datetime.now(UTC)


def open_writer(
    path: Place, *, alone: bool = False, on_wait: Callable[[], None] | None = None, may_follow: bool = False
) -> Repository:
    """Opens the database for writing; one of an older version is copied first, then upgraded.

    ``alone`` is for the bot itself; with ``on_wait`` it waits for another one on PostgreSQL, and with ``may_follow`` it
    only waits where it can't follow it. The caller closes it.
    """
    if isinstance(path, Path) and (copy := upgrade.back_up_before_upgrade(path, utc_now())):
        log.warning("%s is of an older Brownout. It was copied to %s and is upgraded now.", path, copy)
    return Repository.open(path, alone=alone, on_wait=on_wait, may_follow=may_follow)


def require_file(place: Place, instead: str) -> Path:
    """The file of a SQLite database. UsageError with what to do ``instead`` for one on PostgreSQL."""
    if not isinstance(place, Path):
        raise UsageError(f"{place} is on PostgreSQL, and this command is for SQLite files. {instead}")
    return place


@contextmanager
def open_queries(config: Path | None, db: Place | None, *, writes: bool = False) -> Iterator[StatusQueries]:
    """Opens the database for queries over the enabled providers, read-only unless ``writes``.

    Raises UsageError where there is no database yet.
    """
    app_settings = settings.load(config)
    path = db or parse_place(app_settings.store_path)
    if not may_exist(path):
        raise UsageError(f"Database {path} not found. Start `brownout run` first, or pass --db FILE.")
    with closing(open_writer(path) if writes else Repository.open(path, read_only=True)) as repository:
        yield StatusQueries(
            tuple(p for p in app_settings.providers if p.enabled),
            repository,
            utc_now,
            app_settings.rules_for,
            available=tuple(p for p in app_settings.providers if not p.enabled),
            own_services=lambda: app_settings.own_services,
        )
