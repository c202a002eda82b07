"""The nouns of years: spans of time, the courses of incidents, and the figures that are made of them. Frozen values.

Like the nouns of ``model``, with which they stand: every time is aware and UTC, every length of time a timedelta.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from bot.model import Condition, Stage


@dataclass(frozen=True, slots=True)
class Definition:
    """By which words a figure was made; it is named wherever the figure is."""

    name: str
    text: str


OURS = Definition(
    "ours",
    "ours: availability = known time without anything wrong (degraded counts as wrong; maintenance and unknown minutes"
    " are left out); MTTR = resolved - first post; MTBF = known good time per stretch of trouble",
)
ICPE25 = Definition(
    "icpe25",
    "icpe25: first occurrence of each stage; incidents whose consecutive stages are out of order are dropped;"
    " MTTR = resolved - min(investigating, identified, monitoring);"
    " MTBF = mean gap between consecutive first posts, per component; hours and days",
)
PARTIAL = 0.3  # of a partly-down minute counts as down in icpe25's availability


@dataclass(frozen=True, slots=True)
class Window:
    """From ``start`` up to and without ``end``."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """How long it is; zero where it ends before it starts."""
        return max(self.end - self.start, timedelta())


@dataclass(frozen=True, slots=True)
class Span:
    """A claim: the surface was in this condition from ``start`` to ``end``; None where no end is known."""

    start: datetime
    end: datetime | None
    condition: Condition
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """All that is known of a surface's past.

    ``seen`` are conditions as our own looks found them, ``watched`` when those looks were usable; ``told`` are
    conditions reconstructed from a history, ``covered`` the time that the history speaks for. Inside ``covered``, where
    nothing is told, all was well; inside ``watched``, where nothing was seen, nothing is known.
    """

    surface: str
    seen: tuple[Span, ...] = ()
    watched: tuple[Window, ...] = ()
    told: tuple[Span, ...] = ()
    covered: tuple[Window, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of time with one condition."""

    start: datetime
    end: datetime
    condition: Condition

    @property
    def length(self) -> timedelta:
        """How long it lasted."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Course:
    """One incident, as far as figures need it. ``steps`` are the stages of its updates, oldest first.

    ``labels`` are names of the page's components that it is linked to; ``surfaces`` are ours. ``started_at`` is the
    start that the vendor states, ``posted_at`` its first post, ``seen_at`` when our look found it: None where it was
    told afterwards.
    """

    incident: str
    provider: str
    name: str
    posted_at: datetime
    steps: tuple[tuple[Stage, datetime], ...]
    seen_at: datetime | None = None
    closed_at: datetime | None = None
    started_at: datetime | None = None
    labels: tuple[str, ...] = ()
    surfaces: tuple[str, ...] = ()
    is_maintenance: bool = False

    @property
    def resolved_at(self) -> datetime | None:
        """When the vendor first called it over; else when we saw it gone; None while it is open."""
        return next((at for stage, at in self.steps if stage.is_closed), self.closed_at)

    @property
    def is_post_hoc(self) -> bool:
        """True where it was over before the vendor said anything."""
        return bool(self.steps) and self.steps[0][0].is_closed

    def first(self, stage: Stage) -> datetime | None:
        """The first time at which this stage was posted."""
        return next((at for posted, at in self.steps if posted is stage), None)

    def spent(self) -> dict[Stage, timedelta]:
        """The time in each stage until it was over: from each step to the next one, repeats added up."""
        end = self.resolved_at
        spent: dict[Stage, timedelta] = {}
        if end is None:
            return spent
        for (stage, at), (_, until) in pairwise([*self.steps, (Stage.RESOLVED, end)]):
            if at < end and not stage.is_closed:
                spent[stage] = spent.get(stage, timedelta()) + (min(until, end) - at)
        return spent


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean, a median, and of how many; both are None where there are none."""

    n: int
    mean: timedelta | None
    median: timedelta | None


@dataclass(frozen=True, slots=True)
class Budget:
    """What may still go wrong. ``slo`` is in percent; ``left`` is negative once the budget is overspent.

    ``runs_out_at`` is None where the present burn does not spend it within another window, and lies in the past (the
    minute in which it was spent) where it already is.
    """

    slo: float
    total: timedelta
    left: timedelta
    burn_rate: float
    runs_out_at: datetime | None


@dataclass(frozen=True, slots=True)
class Figures:
    """One surface in one window. ``minutes`` holds every condition and adds up to the window.

    ``incidents`` began in the window; ``post_hoc`` of them were told only after they were over. ``availability`` is in
    percent, None where nothing is known. ``outages`` counts stretches of trouble, ``blind`` is the unknown time.
    """

    surface: str
    window: Window
    minutes: Mapping[Condition, timedelta]
    incidents: int
    post_hoc: int
    outages: int
    availability: float | None
    mttr: Spread
    mtbf: timedelta | None
    stages: Mapping[Stage, Spread]
    vendor_lag: Spread
    our_lag: Spread
    budget: Budget | None

    @property
    def bad(self) -> timedelta:
        """The time in which something was wrong."""
        return sum((span for c, span in self.minutes.items() if c.is_bad), timedelta())

    @property
    def blind(self) -> timedelta:
        """The time of which nothing is known."""
        return self.minutes[Condition.UNKNOWN]


@dataclass(frozen=True, slots=True)
class Service:
    """One component of a page. Means in hours, MTBF in days, at two decimals; None where nothing gave a value."""

    incidents: int
    p_investigate_h: float | None
    p_repair_h: float | None
    p_check_h: float | None
    mttr_h: float | None
    mtbf_d: float | None


@dataclass(frozen=True, slots=True)
class Table:
    """``incidents`` were given, ``used`` were in order; ``services`` are sorted by name."""

    incidents: int
    used: int
    services: Mapping[str, Service]


@dataclass(frozen=True, slots=True)
class Day:
    """One day and its worst condition; unknown where nothing bad is known of it, nor anything of most of it."""

    day: date
    worst: Condition


@dataclass(frozen=True, slots=True)
class Judged:
    """How right verdicts were: how often they let work through again, how often too early, and how long they held."""

    openings: int = 0
    early: int = 0
    held: timedelta = timedelta()
    recent: int = 0  # openings of which it is too soon to tell

    def plus(self, other: Judged) -> Judged:
        """Both together."""
        early, held = self.early + other.early, self.held + other.held
        return Judged(self.openings + other.openings, early, held, self.recent + other.recent)
