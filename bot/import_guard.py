"""Blocks the import of a package for a while, so that a dependency does not load it for features we do not use.

numpy would cost 12 MB and a tenth of a second for sqlite_utils, pygments and rich 3 MB for httpx's command line.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def block_import(name: str) -> Iterator[None]:
    """Importing ``name`` raises ImportError inside the block, unless it is imported already."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment] # documented way to make an import fail
    try:
        yield
    finally:
        del sys.modules[name]
