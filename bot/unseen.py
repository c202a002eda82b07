"""A package's name -> a while without it, so that another one does not drag it in for what we don't use.

numpy would take 12 MB and a tenth of a second for sqlite_utils, rich 3 MB for httpx's command line.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def unseen(name: str) -> Iterator[None]:
    """Inside, the package is not there; one that is in use already is left alone."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment] # the language's own way to say so
    try:
        yield
    finally:
        del sys.modules[name]
