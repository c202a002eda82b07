"""Pages of every format, of our own making and true to the formats' schemas, and the sources they come from.

A page is a file, or one file for each path of its format (``open.0.json``, ``open.1.json``). AWS's are kept in UTF-8 for
people to read, and served in UTF-16 with a BOM, as AWS does.
"""

from datetime import UTC, datetime
from pathlib import Path

from bot.domain import Source
from bot.formats import FORMATS

NOON = datetime(2026, 1, 10, 10, 5, tzinfo=UTC)  # when they were looked at
_OPTIONS = {"page": "demo", "regions": ("us-east-1",)}


def source(kind, **more):
    """A source of this kind, with the options it needs."""
    options = {name: _OPTIONS[name] for name in FORMATS[kind].needs}
    return Source(id="acme", provider="acme", kind=kind, url="https://status.example.com", **options | more)


def _bodies(kind, files):
    raw = tuple(file.read_bytes() for file in files)
    return tuple(body.decode().encode("utf-16") for body in raw) if kind == "aws" else raw


def _pages():
    for kind in FORMATS:
        for file in sorted((Path(__file__).parent / kind).iterdir()):
            stem = file.stem.split(".")[0]
            if not file.stem.endswith((".1", ".2")):
                parts = sorted(file.parent.glob(f"{stem}.?.json")) or [file]
                yield (kind, file.stem.removesuffix(".0")), _bodies(kind, parts)


PAGES = dict(_pages())


def read(kind, name, at=NOON, **options):
    """A page of this folder, parsed."""
    return FORMATS[kind].parse(PAGES[kind, name], source(kind, **options), at)


def first_incident(kind, name="open", at=NOON):
    """The first incident of a page of this folder."""
    return read(kind, name, at).incidents[0]


def conditions_of(kind, name="open"):
    """The condition of each component of a page of this folder, by the component's name."""
    return {c.name: c.condition for c in read(kind, name).components}
