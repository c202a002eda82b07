"""sqlite_utils, imported without numpy, which it does not need here and which slows every start."""

from __future__ import annotations

from bot.import_guard import block_import

with block_import("numpy"):
    from sqlite_utils import Database, Migrations

__all__ = ["Database", "Migrations"]
