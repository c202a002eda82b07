"""Options that several commands share, and what they open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from bot import settings
from bot.edge.store import Store
from bot.entry.desk import Desk
from bot.errors import UsageError

config_option = click.option(
    "--config", type=click.Path(path_type=Path), help="The folder with brownout.toml and providers/."
)
db_option = click.option("--db", type=click.Path(path_type=Path), help="The SQLite file (default: brownout.db).")


def now() -> datetime:
    """The clock of this machine, in UTC."""
    return datetime.now(UTC)


@contextmanager
def desk(config: Path | None, db: Path | None, *, writes: bool = False) -> Iterator[Desk]:
    """A desk over the database of a bot; UsageError where there is none yet."""
    found = settings.load(config)
    path = db or Path(found.store_path)
    if not path.exists():
        raise UsageError(f"There is no database {path} yet: `brownout run` makes it, or name another with --db.")
    with closing(Store.open(path, read_only=not writes)) as book:
        yield Desk(tuple(p for p in found.providers if p.enabled), book, now, found.rules_for)
