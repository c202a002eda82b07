"""sqlite_utils without numpy: where it finds that, it takes 12 MB and a tenth of a second for types of no use here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _unseen(name: str) -> Iterator[None]:
    """A package that can't be imported for a while; one that is in use already is left alone."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment] # the language's own way to say so
    try:
        yield
    finally:
        del sys.modules[name]


with _unseen("numpy"):
    from sqlite_utils import Database, Migrations

__all__ = ["Database", "Migrations"]
