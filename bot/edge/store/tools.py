"""sqlite_utils, without numpy."""

from __future__ import annotations

from bot.unseen import unseen

with unseen("numpy"):
    from sqlite_utils import Database, Migrations

__all__ = ["Database", "Migrations"]
