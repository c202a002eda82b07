"""Pages of every format, of our own making and true to the formats' schemas, and the sources they come from.

A page is a file, or one file for each path of its format (``open.0.json``, ``open.1.json``). AWS's are kept in UTF-8 for
people to read, and served in UTF-16 with a BOM, as AWS does.
"""

from datetime import UTC, datetime
from pathlib import Path

from bot.model import Source
from bot.sources import KINDS

NOON = datetime(2026, 1, 10, 10, 5, tzinfo=UTC)  # when they were looked at
_OPTIONS = {"page": "demo", "regions": ("us-east-1",)}


def source(kind, **more):
    """A source of this kind, with the options it needs."""
    options = {name: _OPTIONS[name] for name in KINDS[kind].needs}
    return Source(id="acme", provider="acme", kind=kind, url="https://status.example.com", **options | more)


def _bodies(kind, files):
    raw = tuple(file.read_bytes() for file in files)
    return tuple(body.decode().encode("utf-16") for body in raw) if kind == "aws" else raw


def _pages():
    for kind in KINDS:
        for file in sorted((Path(__file__).parent / kind).iterdir()):
            stem = file.stem.split(".")[0]
            if not file.stem.endswith((".1", ".2")):
                parts = sorted(file.parent.glob(f"{stem}.?.json")) or [file]
                yield (kind, file.stem.removesuffix(".0")), _bodies(kind, parts)


PAGES = dict(_pages())


def read(kind, name, at=NOON, **options):
    """A page of this folder, parsed."""
    return KINDS[kind].parse(PAGES[kind, name], source(kind, **options), at)
