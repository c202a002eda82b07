"""``TableCache``: what was read of some tables, kept until one of them changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from bot.storage.connection import Database

Read = TypeVar("Read")


@dataclass(slots=True)
class TableCache(Generic[Read]):
    """Remembers the result of ``read`` while none of ``tables`` changes, by this connection or by another program.

    The result must not be changed by those who get it.
    """

    db: Database
    tables: tuple[str, ...]
    read: Callable[[], Read]
    _of_version: tuple[tuple[object, ...], Read] | None = None

    def get(self) -> Read:
        """The result, read again if something has changed. Raises StoreError."""
        version = self.db.version(self.tables)
        if self._of_version is None or self._of_version[0] != version:
            self._of_version = (version, self.read())
        return self._of_version[1]
