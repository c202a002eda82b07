"""``python -m tests.reference [FILE ...]``: our figures beside a second program's, cell by cell.

``--texts`` prints instead what the texts of incidents state that were posted when they were over (with ``--all``, of all
incidents), beside the texts, for a review by eye; the exit code is 1 where the two readers of texts differ.

The second program (``figures``) is written from bot/docs/reliability-figures.md and reads the raw records; ours reads the
same records through ``brownout backfill``. Without files it takes the recordings in the folder that BROWNOUT_SHARED names.
Every minute in which the two differ is listed with its reason: *words* where only the text of a post names the
service, which the second program does not read. The exit code is 1 where a difference has no reason.
"""

from __future__ import annotations

import json
import lzma
import os
import sys
import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from click.testing import CliRunner

from bot import settings
from bot.cli.main import brownout
from bot.domain import Provider
from bot.domain.reliability import ReliabilityFigures, TimeWindow
from bot.queries.history import HistoryQueries
from bot.rules.reliability.stated import stated_times
from bot.storage import Repository
from tests.reference import figures as reference
from tests.reference import stated

MINUTE = timedelta(minutes=1)
RECORDINGS = (
    *(
        (f"llm-{years}/{name}.json", name)
        for years in ("2021-2023", "2024")
        for name in ("openai", "claude", "characterai")
    ),
    ("claude/2026-03-02.json", "claude"),
    ("github/polls-2020-11_2024-12.ndjson.xz", "github"),
)


@dataclass
class Comparison:
    """One recording: how many cells agree, and the minutes of difference by reason."""

    name: str
    cells: int = 0
    differing: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)


def compare(path: Path, provider_id: str) -> Comparison:
    """Compares every minute by condition, the number of outages and incidents, and each time to resolve."""
    found = settings.load(None)
    provider = found.provider(provider_id)
    assert provider is not None
    record = read(path)
    result = Comparison(path.name)
    with tempfile.TemporaryDirectory() as folder:
        db = Path(folder) / "b.db"
        done = CliRunner().invoke(brownout, ["backfill", provider.id, "--from", str(path), "--db", str(db)])
        assert done.exit_code == 0, done.output
        with closing(Repository.open(db, read_only=True)) as repository:
            history = HistoryQueries(repository.archive, record.end + timedelta(days=1))
            window = TimeWindow(record.start, record.end)
            _, *rows = history.provider_reports(provider, window)  # from stored months, which the import has left
            for surface, row in zip(provider.surfaces, rows, strict=True):
                own = history.lifetime(surface, window)
                if own.length:
                    _compare_surface(result, history, surface, row, record)
            _compare_incidents(result, history, provider, window, record)
    return result


def read(path: Path) -> reference.Record:
    """The raw record, whichever of the two forms it has."""
    raw = (lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()).decode()
    if path.name.partition(".")[2].startswith("ndjson"):
        return reference.read_polls(map(json.loads, raw.splitlines()))
    return reference.read_history(json.loads(raw))


def _compare_surface(result, history, surface, row: ReliabilityFigures, record: reference.Record) -> None:
    own = row.window
    ours = history.condition_periods(surface, own)
    service = reference.Service(surface.id, surface.components, surface.parts)
    theirs = [
        (max(a, own.start), min(b, own.end), c)
        for a, b, c in reference.course_of(record, service)
        if max(a, own.start) < min(b, own.end)
    ]
    first = {str(c): t / MINUTE for c, t in row.minutes.items()}
    second = reference.minutes(theirs, own.start, own.end)
    result.cells += len(first)
    result.differing += sum(abs(minutes - second[condition]) > 1e-6 for condition, minutes in first.items())
    result.cells += 1
    only_words = False
    for period in ours:
        for a, b, condition in theirs:
            length = min(period.end, b) - max(period.start, a)
            if length > timedelta() and condition != period.condition:
                reason = reason_of(period, condition)
                result.reasons[reason] += round(length / MINUTE, 2)
                only_words |= reason == "words"
                if reason.startswith("?"):
                    result.unexplained.append(f"{surface.id} {max(period.start, a):%Y-%m-%d %H:%M} {length} {reason}")
    outages = row.outages
    if outages != reference.outages(theirs):
        result.differing += 1
        if not only_words:
            result.unexplained.append(f"{surface.id}: {outages} outages, not {reference.outages(theirs)}")


def reason_of(period, condition: str) -> str:
    """Why the two differ: *words* where no component says what ours does."""
    if period.inferred and condition == "operational":
        return "words"
    return f"? {condition} is {period.condition} in ours"


def _compare_incidents(
    result: Comparison, history: HistoryQueries, provider: Provider, window: TimeWindow, record: reference.Record
) -> None:
    if not record.incidents:
        return
    ours = [
        c for c in history.archive.incident_courses([provider.id], window) if not c.is_maintenance and not c.is_unposted
    ]
    theirs = {i["id"]: i for i in reference.counted(record.incidents) if reference.is_in(i, record)}
    result.cells += 1 + len(theirs)
    if {c.incident for c in ours} != set(theirs):
        result.differing += 1
        result.unexplained.append(f"incidents: {sorted({c.incident for c in ours} ^ set(theirs))}")
    for course in ours:
        other = theirs.get(course.incident)
        if other and (course.posted_at, course.resolved_at) != (other["posted_at"], other["end"]):
            result.differing += 1
            result.unexplained.append(f"{course.incident}: {course.resolved_at} is {other['end']}")


def stated_by(incident: dict) -> tuple[list, timedelta | None, list]:
    """What the texts of a raw incident state: our windows and length, and the windows of the second reader."""
    posts = reference.posts_of(incident)
    ours = stated_times(tuple(posts))
    return [(w.start, w.end) for w in ours.windows], ours.length, stated.windows(posts)


def incidents_of(path: Path) -> list[dict]:
    """The incidents of a history with updates; of a recording of polls each as it was seen last."""
    if path.suffix == ".xz":
        bodies = (json.loads(line)["body"] for line in lzma.decompress(path.read_bytes()).decode().splitlines())
        listed = [i for body in bodies if isinstance(body, dict) for i in body.get("incidents") or ()]
        found = list({i["id"]: i for i in listed}.values())
    else:
        found = json.loads(path.read_text()).get("incidents")
    return [i for i in found if i["incident_updates"]] if isinstance(found, list) else []


def is_late(incident: dict) -> bool:
    """Whether all that was posted says that it is over."""
    return all(u["status"] in reference.CLOSED for u in incident["incident_updates"])


def print_texts(shared: Path, *, every: bool) -> int:
    """Prints each incident whose texts state a time or a length; the number on which the two readers differ."""
    differing = 0
    for path in sorted(p for pattern in ("llm-*/*.json", "claude/*.json", "*/polls*.xz") for p in shared.glob(pattern)):
        for incident in incidents_of(path):
            if every or is_late(incident):
                differing += print_stated(f"{path.parent.name}/{path.name}", incident)
    print(f"\n{differing} incidents on which the two readers differ")
    return differing


def print_stated(name: str, incident: dict) -> bool:
    """Prints what the texts of an incident state, if anything; whether the two readers differ."""
    ours, length, theirs = stated_by(incident)
    if ours or length or theirs:
        posts = reference.posts_of(incident)
        print(f"\n{name} {incident['id']}, first post {posts[0][1]:%Y-%m-%d %H:%M} UTC")
        for a, b in ours:
            print(f"  {a:%Y-%m-%d %H:%M} to {b:%Y-%m-%d %H:%M} UTC ({b - a})")
        print(
            *([f"  {length} without times"] if length else []),
            *(f"  | {' '.join(t.split())[:600]}" for t, _ in posts),
            sep="\n",
        )
    if ours != theirs:
        print(f"  DIFFERENT, second reader: {[f'{a:%m-%d %H:%M} to {b:%m-%d %H:%M}' for a, b in theirs]}")
    return ours != theirs


def main(arguments: list[str]) -> int:
    """Prints the table of differences, or what texts state."""
    shared = Path(os.environ.get("BROWNOUT_SHARED", Path(__file__).resolve().parents[2] / "shared" / "data"))
    if "--texts" in arguments:
        return bool(print_texts(shared, every="--all" in arguments))
    files = [(shared / path.replace("claude.json", "anthropic.json"), provider) for path, provider in RECORDINGS]
    if arguments:
        files = [(Path(a), "claude") for a in arguments]
    print(f"{'recording':42} {'cells':>6} {'differ':>7}  minutes of difference by reason")
    unexplained = []
    for path, provider in files:
        found = compare(path, provider)
        reasons = ", ".join(f"{reason}: {minutes:.0f}" for reason, minutes in found.reasons.items()) or "none"
        print(f"{path.parent.name + '/' + path.name:42} {found.cells:>6} {found.differing:>7}  {reasons}")
        unexplained += found.unexplained
    for line in unexplained:
        print(f"  {line}")
    return bool(unexplained)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
