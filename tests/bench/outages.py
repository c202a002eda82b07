"""Outages with a known truth: the day of the project's issue, and days drawn from what vendors posted and stated.

Everything is in minutes from the first really bad one. What is drawn from the recordings (the shared folder): when the
page says what, how late its first post and its "resolved" are, and how severe it was. What nobody has recorded is
assumed, and named in ``SEVERITY`` and in ``tests.bench.evidence``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from random import Random

from bot.domain import Stage

SEVERITY = {"critical": 1.0, "major": 0.6, "minor": 0.2, "none": 0.1}  # assumed: the share of requests that fails
LONGEST = 480  # minutes of a course that is drawn, and of a lag
RELAPSES = 0.105  # within two hours after Monitoring (bot/docs/verdict-rules.md#relapses)
# minutes from Monitoring to bad again (bot/docs/verdict-rules.md#relapses)
GAPS = (2, 2, 4, 4, 12, 15, 18, 27, 36, 42, 52, 79, 91, 97, 103, 132)
# of the incidents are posted only afterwards (bot/docs/verdict-rules.md#incidents-posted-afterwards)
RETROACTIVE = 0.122


@dataclass(frozen=True, slots=True)
class Outage:
    """One day: when it was really bad, how much of it, and what the page said when."""

    bad: tuple[tuple[int, int], ...]  # from, and up to but without
    severity: float
    said: tuple[tuple[int, Stage], ...]  # what the page posts, in order

    @property
    def end(self) -> int:
        """The minute from which it was well for good, and the page had said its last."""
        return max(self.bad[-1][1], *(minute for minute, _ in self.said))

    def is_bad(self, minute: int) -> bool:
        """The truth of that minute."""
        return any(start <= minute < stop for start, stop in self.bad)


# Down from 10:00; the page admits it at 10:20 and is at monitoring from 10:50; well at 11:05, bad again at 11:20, and
# well when the page calls it resolved at 11:40.
THE_DAY = Outage(
    ((0, 65), (80, 100)),
    1.0,
    ((20, Stage.INVESTIGATING), (50, Stage.MONITORING), (100, Stage.RESOLVED)),
)


@dataclass(frozen=True, slots=True)
class Course:
    """What a vendor posted about one incident, from its first post on, and the impact it had in the end."""

    said: tuple[tuple[int, Stage], ...]
    impact: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the recordings tell: live courses, lags of first posts, delays of "resolved", lengths of what came late."""

    courses: tuple[Course, ...]
    lags: tuple[int, ...]
    delays: tuple[int, ...]
    retroactive: tuple[int, ...]


def read(folder: Path) -> Recorded:
    """Reads the three histories and the stated windows of the shared folder."""
    histories = {
        i["id"]: i
        for name in ("openai", "anthropic", "characterai")
        for i in json.loads((folder / "llm-2021-2023" / f"{name}.json").read_bytes())["incidents"]
    }
    windows = json.loads((folder / "llm-2021-2023" / "stated-windows.json").read_bytes())
    courses = [c for i in histories.values() if i["impact"] != "maintenance" and (c := _course(i))]
    lags, delays, retroactive = [], [], []
    for name, stated in windows.items():
        posts = _posts(histories[name])
        start, stop = (_minute(t) if t else None for t in stated[0])
        if posts[0][1] is Stage.RESOLVED:
            retroactive += [stop - start] if start is not None and stop is not None else []
            continue
        over = next((m for m, stage in posts if stage is Stage.RESOLVED), None)
        lags += [max(posts[0][0] - start, 0)] if start is not None and posts[0][0] - start <= LONGEST else []
        delays += [over - stop] if over is not None and stop is not None and abs(over - stop) <= LONGEST else []
    return Recorded(tuple(courses), tuple(lags), tuple(delays), tuple(m for m in retroactive if m <= LONGEST))


def _posts(incident: dict[str, list[dict[str, str]]]) -> list[tuple[int, Stage]]:
    told = sorted((_minute(u["display_at"]), u["status"]) for u in incident["incident_updates"])
    return [(m, Stage(s)) for m, s in told if s != "postmortem"]


def _course(incident: dict[str, list[dict[str, str]]]) -> Course | None:
    """The changes of stage of one that was posted while it lasted."""
    posts = _posts(incident)
    if not posts or posts[0][1].is_closed or posts[-1][0] - posts[0][0] > LONGEST:
        return None
    said = [posts[0], *(after for before, after in pairwise(posts) if before[1] is not after[1])]
    if said[-1][1] is not Stage.RESOLVED:
        return None
    return Course(tuple((m - posts[0][0], stage) for m, stage in said), str(incident["impact"]))


def _minute(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() / 60)


def draw(recorded: Recorded, dice: Random) -> Outage:
    """One day at random: a course, a lag, a delay and a relapse, each as often as they are in the recordings."""
    course = dice.choice(recorded.courses)
    severity = SEVERITY[course.impact]
    if dice.random() < RETROACTIVE:
        length = max(dice.choice(recorded.retroactive), 2)
        return Outage(((0, length),), severity, ((length + dice.choice(recorded.lags), Stage.RESOLVED),))
    lag = dice.choice(recorded.lags)
    said = [(lag + m, stage) for m, stage in course.said]
    well = max(said[-1][0] - dice.choice(recorded.delays), lag + 2)
    bad = [(0, well)]
    if dice.random() < RELAPSES:
        again = well + dice.choice(GAPS)
        bad.append((again, again + max(dice.choice(recorded.retroactive), 2)))
        said = _relapsed(said, bad[-1], dice.choice(recorded.lags), dice.choice(recorded.delays))
    return Outage(tuple(bad), severity, tuple(said))


def _relapsed(said: list[tuple[int, Stage]], bad: tuple[int, int], lag: int, delay: int) -> list[tuple[int, Stage]]:
    """What the page says of a relapse: nothing where it is over before the page would have noticed."""
    start, stop = bad
    if start + lag >= stop:
        return said
    before = [(m, stage) for m, stage in said if m < start + lag and stage is not Stage.RESOLVED]
    return [*before, (start + lag, Stage.IDENTIFIED), (max(stop + max(delay, 0), start + lag + 1), Stage.RESOLVED)]
