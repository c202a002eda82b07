"""``python -m tests.bench pages``: every format on captured pages, beside an independent reading (``page_facts``).

The pages are in ``pages`` of the folder that BROWNOUT_SHARED names, one folder per format; they are not ours to ship.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from bot.adapters.discovery import discover
from bot.domain import Incident, Snapshot, Source
from bot.errors import ParseError, SourceError
from bot.formats import FORMATS, detection
from bot.formats.detection import detect_formats
from bot.formats.incidentio_native import PARENT_TEXT
from tests.bench import page_facts
from tests.bench.page_facts import Facts

FOLDER = Path(os.environ.get("BROWNOUT_SHARED", Path(__file__).resolve().parents[3] / "shared" / "data")) / "pages"
NOTED = datetime(2026, 9, 20, 12, tzinfo=UTC)
READ_AT = {  # when a person would have read them: states of some depend on it
    "openstatus": datetime(2026, 8, 21, 14, tzinfo=UTC),
    "uptimekuma": datetime(2026, 8, 22, 10, 31, tzinfo=UTC),
    "feed": datetime(2026, 9, 22, 2, tzinfo=UTC),
}
HEAD = (
    *("format", "bodies", "sniffed", "added", "components", "incidents", "posts", "times", "maintenances"),
    "differences",
)
URL, REGIONS = "https://status.example.com", ("us-west-2", "me-central-1")
PRODUCT = "https://status.salesforce.com/products/Heroku"
ELSEWHERE = {  # a part of a file's name -> the address that people type, and the path of its data
    "flashduty-d": (URL, "/api/widget/v1/summary.json"),
    "instances-list": (PRODUCT, "/v1/instances?products=Heroku"),
}


@dataclass
class Count:
    """What was read of the bodies of one format."""

    bodies: int = 0
    sniffed: int = 0
    added: int = 0
    components: int = 0
    incidents: int = 0
    posts: int = 0
    times: int = 0
    maintenances: int = 0
    differences: list[str] = field(default_factory=list)


def captures(folder: Path) -> Iterator[tuple[str, str, tuple[bytes, ...]]]:
    """The format, the name and the bodies of every captured page."""
    for file in sorted(folder.glob("*/*")):
        kind, name = file.parent.name, file.name
        if kind not in FORMATS or ".1." in name:
            continue
        files = sorted(file.parent.glob(f"{name.split('.0.')[0]}.?.json")) if ".0." in name else [file]
        yield kind, name, tuple(f.read_bytes() for f in files)


@dataclass
class Host:
    """A host that serves the bodies of one page at the addresses of its format, and nothing else."""

    bodies: dict[str, bytes]

    async def get(self, source_url: str, path: str, *, accept: str) -> Answer:  # noqa: ARG002
        """The body at a path; SourceError for any other."""
        if path not in self.bodies:
            raise SourceError("nothing here", code="http_404")
        return Answer(source_url + path, self.bodies[path])


@dataclass(frozen=True)
class Answer:
    """What a host answers."""

    url: str
    body: bytes


async def is_added(kind: str, name: str, bodies: tuple[bytes, ...]) -> bool:
    """Whether ``add`` recognises the page at the address of its host, given the options that the format needs.

    A page that shows nothing by itself counts where it is refused as that.
    """
    options = Source("", "", "", URL, page="demo" if "page" in FORMATS[kind].needs else "", regions=REGIONS)
    typed, path = next((place for part, place in ELSEWHERE.items() if part in name and kind != "feed"), (URL, ""))
    source = replace(options, kind=kind, path=path)
    host = Host(dict(zip(FORMATS[kind].paths_of(source), bodies, strict=False)))  # some may be lacking
    page, attempts = await discover(host, detection.guess_sources(typed, options), READ_AT.get(kind, NOTED))
    return page.source.kind == kind if page else any(PARENT_TEXT in line for line in attempts)


def facts_of(snapshot: Snapshot, kind: str) -> Facts:
    """The facts of a snapshot as ``page_facts`` writes them."""

    def name(item: Incident) -> str:
        return "" if kind == "salesforce" and not item.is_maintenance else item.name

    both = (*(snapshot.incidents or ()), *(snapshot.maintenances or ()))
    posts = [u for item in both for u in item.updates if kind != "statuspal"]
    return Facts(
        [(c.name, str(c.condition)) for c in snapshot.components or ()],
        [(name(i), i.stage.is_closed) for i in snapshot.incidents or ()],
        [f"{u.display_at:%Y-%m-%dT%H:%M}" for u in posts],
        [
            (m.name, m.stage.is_closed, _minute(m.scheduled_for), _minute(m.scheduled_until))
            for m in snapshot.maintenances or ()
        ],
    )


def _minute(at: datetime | None) -> str:
    return f"{at:%Y-%m-%dT%H:%M}" if at else ""


def compare(kind: str, bodies: tuple[bytes, ...]) -> tuple[Facts, list[str]]:
    """What our reader makes of a page, and where the independent reading differs."""
    at = READ_AT.get(kind, NOTED)
    source = Source(
        id="page",
        provider="page",
        kind=kind,
        url=URL,
        page="demo",
        regions=REGIONS if "regions" in FORMATS[kind].needs else (),
    )
    expected = page_facts.read(kind, bodies, at)
    try:
        ours = facts_of(FORMATS[kind].parse(bodies, source, at), kind)
    except ParseError as error:
        return Facts(), [] if expected is None else [f"refused: {error}"]
    if expected is None:
        return ours, ["read, and it is no page by itself"]
    return ours, [
        f"{what}: ours {_only(mine, theirs)}, independent {_only(theirs, mine)}"
        for what in ("components", "incidents", "posts", "maintenances")
        if Counter(mine := getattr(ours, what)) != Counter(theirs := getattr(expected, what))
    ]


def _only(here: Iterable[object], there: Iterable[object]) -> list[object]:
    return sorted((Counter(here) - Counter(there)).elements(), key=str)[:3]


def counts(folder: Path) -> dict[str, Count]:
    """The counts of every format of which there are pages in the folder."""
    counted: dict[str, Count] = {}
    for kind, name, bodies in captures(folder):
        count = counted.setdefault(kind, Count())
        ours, differences = compare(kind, bodies)
        count.bodies += 1
        count.sniffed += kind in detect_formats(bodies[0])
        count.added += asyncio.run(is_added(kind, name, bodies))
        count.components += len(ours.components)
        count.incidents += len(ours.incidents)
        count.posts += len(ours.posts)
        count.times += len(ours.posts) + sum(bool(t) for m in ours.maintenances for t in m[2:])
        count.maintenances += len(ours.maintenances)
        count.differences += [f"{kind}/{name}: {difference}" for difference in differences]
    return counted


def report(folder: Path = FOLDER) -> str:
    """The table, and every difference below it; a sentence where the pages are not here."""
    counted = counts(folder)
    if not counted:
        return "The captured pages are not here: set BROWNOUT_SHARED to the folder that has them in `pages`."
    lines = [HEAD]
    for kind, c in counted.items():
        read = (c.components, c.incidents, c.posts, c.times, c.maintenances)
        numbers = (c.bodies, c.sniffed, c.added, *read, len(c.differences))
        lines.append((kind, *map(str, numbers)))
    wide = [max(len(line[n]) for line in lines) for n in range(len(HEAD))]
    printed = [f"| {' | '.join(cell.ljust(w) for cell, w in zip(line, wide, strict=True))} |" for line in lines]
    printed.insert(1, f"|{'|'.join('-' * (w + 2) for w in wide)}|")
    return "\n".join([*printed, *(d for c in counted.values() for d in c.differences)])
