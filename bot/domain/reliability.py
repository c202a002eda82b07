"""Values of the reliability report: windows of time, the course of incidents, and the figures computed from them.

bot/docs/reliability-figures.md defines the figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise

from bot.domain.snapshot import Condition, Impact, Stage


@dataclass(frozen=True, slots=True)
class AvailabilityDefinition:
    """The definition by which a figure was computed; its name is shown beside the figure."""

    name: str
    text: str


OWN_DEFINITION = AvailabilityDefinition(
    "ours",
    "ours: availability = operational time of the time that is known (degraded is not operational; maintenance and"
    " unknown minutes are left out); MTTR = last resolved - first post; MTBF = operational time per outage;"
    " see `brownout docs reliability-figures`",
)
ICPE25 = AvailabilityDefinition(
    "icpe25",
    "icpe25: first occurrence of each stage; incidents whose consecutive stages are out of order are dropped;"
    " MTTR = resolved - min(investigating, identified, monitoring);"
    " MTBF = mean gap between consecutive first posts, per component; hours and days",
)
PARTIAL_OUTAGE_WEIGHT = 0.3  # the share of a partial-outage minute that counts as down in ICPE25's availability


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """From ``start`` up to and without ``end``."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """How long it is; zero where it ends before it starts."""
        return max(self.end - self.start, timedelta())


@dataclass(frozen=True, slots=True)
class StatedTimes:
    """When it was bad by the vendor's text alone: windows, else a ``length`` of which it gives no times, or nothing."""

    windows: tuple[TimeWindow, ...] = ()
    length: timedelta | None = None

    @property
    def total(self) -> timedelta | None:
        """How long it was bad; None where the text does not say."""
        return sum((w.length for w in self.windows), timedelta()) if self.windows else self.length


NOTHING_STATED = StatedTimes()


@dataclass(frozen=True, slots=True)
class ConditionClaim:
    """A claim that a surface was in this condition from ``start`` to ``end``; None where no end is known."""

    start: datetime
    end: datetime | None
    condition: Condition
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class SurfaceRecord:
    """All that is known of a surface's past.

    ``seen`` are the conditions of our own polls, ``watched`` the time in which these polls were usable. ``told`` are
    conditions reconstructed from a history, ``covered`` the time that the history speaks for. Inside ``covered``,
    where nothing is told, the surface was operational; inside ``watched``, where nothing was seen, nothing is known.
    ``posted`` are conditions by the vendor's dated component transitions, which take precedence over all others.
    ``stated`` are those by the windows in texts of incidents that were posted when they were over: they count where all
    others say operational or unknown.
    """

    surface: str
    seen: tuple[ConditionClaim, ...] = ()
    watched: tuple[TimeWindow, ...] = ()
    told: tuple[ConditionClaim, ...] = ()
    covered: tuple[TimeWindow, ...] = ()
    posted: tuple[ConditionClaim, ...] = ()
    stated: tuple[ConditionClaim, ...] = ()


@dataclass(frozen=True, slots=True)
class DatedTransition:
    """A component's change from ``old`` to ``new``, at the time of the update that carries it.

    ``seen_at`` is when a poll saw the update; None where it was imported.
    """

    at: datetime
    component: str
    name: str
    old: Condition
    new: Condition
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ConditionPeriod:
    """A stretch of time with one condition; ``inferred`` where no component says it."""

    start: datetime
    end: datetime
    condition: Condition
    inferred: bool = False

    @property
    def length(self) -> timedelta:
        """How long it lasted."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class IncidentCourse:
    """One incident, as far as the figures need it. ``steps`` are the stages of its updates, oldest first.

    ``labels`` are names of the page components that it is linked to; ``surfaces`` are ids of the catalogue.
    ``started_at`` is the start that the vendor states, ``posted_at`` its first post, ``seen_at`` the poll that first
    saw it: None where it was backfilled. ``is_unposted`` is an outage that no vendor's incident is about.
    ``history_until`` is the end of the imported history of an incident that was open then; None for all others.
    ``last_check`` is the last check of the page of an open incident that is not checked any more. ``stated`` is when it
    was bad by the text of one that was posted when it was over.
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
    is_unposted: bool = False
    history_until: datetime | None = None
    last_check: datetime | None = None
    impact: Impact = Impact.UNKNOWN
    stated: StatedTimes = NOTHING_STATED

    @property
    def resolved_at(self) -> datetime | None:
        """When the vendor called it resolved for the last time, else when it left the page; None while it is open.

        A reopened incident ends with the first *resolved* after its last open stage.
        """
        closed_at = None
        for stage, at in self.steps:
            closed_at = (closed_at or at) if stage.is_closed else None
        return closed_at or self.closed_at

    @property
    def known_until(self) -> datetime | None:
        """Its end, or that of the history that it was open in; None while it is open."""
        return self.resolved_at or self.history_until

    @property
    def is_reopened(self) -> bool:
        """True where an open stage follows a closed one."""
        stages = [stage.is_closed for stage, _ in self.steps]
        return any(before and not after for before, after in pairwise(stages))

    @property
    def begun_at(self) -> datetime | None:
        """The first post, or a stated beginning before it; of a maintenance its work, None while it is only planned."""
        if not self.is_maintenance:
            return min([self.posted_at, *(w.start for w in self.stated.windows)])
        return self.first_posted_at(Stage.IN_PROGRESS) or (
            self.posted_at if self.steps and self.steps[0][0] is not Stage.SCHEDULED else None
        )

    @property
    def is_post_hoc(self) -> bool:
        """True where every update says that it is over."""
        return bool(self.steps) and all(stage.is_closed for stage, _ in self.steps)

    def first_posted_at(self, stage: Stage) -> datetime | None:
        """The first time at which this stage was posted; None where it never was."""
        return next((at for posted, at in self.steps if posted is stage), None)

    def time_by_stage(self) -> dict[Stage, timedelta]:
        """The time in each stage until the incident was resolved, repeated stages summed; empty while it is open."""
        end = self.resolved_at
        spent: dict[Stage, timedelta] = {}
        if end is None:
            return spent
        for (stage, at), (_, until) in pairwise([*self.steps, (Stage.RESOLVED, end)]):
            if at < end and not stage.is_closed:
                spent[stage] = spent.get(stage, timedelta()) + (min(until, end) - at)
        return spent


@dataclass(frozen=True, slots=True)
class MeanAndMedian:
    """A mean and a median of ``n`` values; both are None where there are none."""

    n: int
    mean: timedelta | None
    median: timedelta | None


@dataclass(frozen=True, slots=True)
class Spread:
    """``n`` durations: P50, P90 (the smallest that 90 % do not exceed) and the longest; None where there are none."""

    n: int = 0
    p50: timedelta | None = None
    p90: timedelta | None = None
    longest: timedelta | None = None


@dataclass(frozen=True, slots=True)
class OutageCount:
    """The outages of a stretch of time, in a form in which those of adjacent stretches can be added up.

    ``unknown_before`` is the unknown time before the first bad time, ``unknown_after`` that after the last one: None
    where anything else lies there too, over which no outage continues. Without a bad time both are the whole stretch.
    """

    count: int = 0
    unknown_before: timedelta | None = timedelta()
    unknown_after: timedelta | None = timedelta()


Durations = tuple[int, ...]  # in microseconds: thousands of them are added up and sorted for one report


@dataclass(frozen=True, slots=True)
class IncidentSums:
    """What figures need of the incidents of a stretch of time, without maintenances.

    ``counted`` is the number of the vendor's incidents that began in it, ``post_hoc`` of them were posted after their
    end, ``unposted`` is the number of outages that no incident is about. The durations are of those that were first
    posted in it, and ``months`` the numbers of these first posts by month.
    """

    counted: int = 0
    post_hoc: int = 0
    unposted: int = 0
    to_resolve: Durations = ()
    stages: Mapping[Stage, Durations] = field(default_factory=dict)
    vendor_lag: Durations = ()
    our_lag: Durations = ()
    months: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FigureSums:
    """What figures need of a stretch of time; those of adjacent stretches add up. ``minutes`` has each condition."""

    minutes: Mapping[Condition, timedelta]
    inferred: timedelta
    outages: OutageCount
    incidents: IncidentSums

    @property
    def is_known(self) -> bool:
        """Whether anything is known of the surface in it."""
        return any(length for condition, length in self.minutes.items() if condition is not Condition.UNKNOWN)


@dataclass(frozen=True, slots=True)
class MonthSums:
    """The sums of a calendar month (UTC) of a provider: of all its surfaces together, and of each by id.

    ``counted`` are the surfaces of which ``whole`` consists, in the provider's order. ``possible_doubles`` are as in
    ``ReliabilityFigures``.
    """

    whole: FigureSums
    surfaces: Mapping[str, FigureSums]
    counted: tuple[str, ...]
    possible_doubles: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ErrorBudget:
    """The downtime that an objective still allows. ``slo`` is in percent; ``left`` is negative when overspent.

    ``known`` is the known time of the budget's ``period``. With less than a day of it, ``left`` and ``burn_rate`` are
    None; the burn rate is so too with less than a day of known time in its own seven days.

    ``runs_out_at`` is when the budget is spent at the present burn rate: None where that is not within another window,
    in the past (the minute in which it was spent) where it already is.
    """

    slo: float
    total: timedelta
    left: timedelta | None
    burn_rate: float | None
    runs_out_at: datetime | None
    known: timedelta = timedelta()
    period: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class ReliabilityFigures:
    """One surface, or all of a provider, in one window. ``minutes`` holds every condition and adds up to the window.

    ``incidents`` is the number that were open in the window; ``began_before`` of them were first posted before it,
    ``post_hoc`` only after their end. ``unposted`` counts outages that no incident of the vendor is about.
    ``availability`` is in percent, None with less than a day of known time. ``outages`` is the number of stretches of
    bad time. ``vendor_lag`` is from the stated start to the first post, ``our_lag`` from the first post to our poll.
    ``inferred`` is the bad time that no component says. ``months`` are the numbers of first posts by month, such as
    2026-03. ``since`` is when the surface began, ``until`` when it ended, where that is inside the window.
    ``possible_doubles`` are pairs of incidents that count as two and may be one; given for a provider only.
    """

    surface: str
    window: TimeWindow
    minutes: Mapping[Condition, timedelta]
    incidents: int
    post_hoc: int
    outages: int
    availability: float | None
    mttr: MeanAndMedian
    mtbf: timedelta | None
    stages: Mapping[Stage, MeanAndMedian]
    vendor_lag: MeanAndMedian
    our_lag: MeanAndMedian
    budget: ErrorBudget | None
    began_before: int = 0
    unposted: int = 0
    inferred: timedelta = timedelta()
    to_resolve: Spread = Spread()
    months: Mapping[str, int] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None
    possible_doubles: tuple[tuple[str, str], ...] = ()

    @property
    def known_time(self) -> timedelta:
        """The time for which the condition is known."""
        return self.window.length - self.unknown_time

    @property
    def bad_time(self) -> timedelta:
        """The time in a bad condition, degraded included."""
        return sum((span for c, span in self.minutes.items() if c.is_bad), timedelta())

    @property
    def unknown_time(self) -> timedelta:
        """The time for which nothing is known."""
        return self.minutes[Condition.UNKNOWN]


@dataclass(frozen=True, slots=True)
class ComponentFigures:
    """One component in the study's table. Means in hours, MTBF in days, at two decimals; None where there is none."""

    incidents: int
    p_investigate_h: float | None
    p_repair_h: float | None
    p_check_h: float | None
    mttr_h: float | None
    mtbf_d: float | None


@dataclass(frozen=True, slots=True)
class StudyTable:
    """The table of the ICPE'25 study. Of ``incidents``, ``used`` had their stages in order.

    ``services`` are the components by name, sorted.
    """

    incidents: int
    used: int
    services: Mapping[str, ComponentFigures]


@dataclass(frozen=True, slots=True)
class DayStatus:
    """One day and its worst condition; unknown where nothing bad is known and more than an hour is unknown.

    ``bad_time`` is how much of it was in a bad condition, degraded included; ``unknown_time`` how much is not known, of
    a day of which something is.
    """

    day: date
    worst: Condition
    bad_time: timedelta = timedelta()
    unknown_time: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class VerdictAccuracy:
    """How often retries re-opened (``openings``), how often too early, and how long they were held."""

    openings: int = 0
    early: int = 0
    held: timedelta = timedelta()
    recent: int = 0  # openings that are too new to be judged
    services: int = field(default=0, compare=False)  # how many services were held at some time

    def merged_with(self, other: VerdictAccuracy) -> VerdictAccuracy:
        """The sum of both."""
        early, held = self.early + other.early, self.held + other.held
        services = self.services + other.services
        return VerdictAccuracy(self.openings + other.openings, early, held, self.recent + other.recent, services)


@dataclass(frozen=True, slots=True)
class MonitoringRecord:
    """How often a vendor posted *monitoring* (``posts``), and how often too early; ``recent`` can't be judged yet."""

    posts: int = 0
    early: int = 0
    recent: int = 0


@dataclass(frozen=True, slots=True)
class CostlyHour:
    """A clock hour (UTC) and the bad time in it, summed over services; ``surfaces`` are the worst hit first."""

    start: datetime
    bad_time: timedelta
    surfaces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ServiceMonth:
    """One surface in a month: its figures, and each day's status."""

    name: str
    figures: ReliabilityFigures
    days: tuple[DayStatus, ...]


@dataclass(frozen=True, slots=True)
class ProviderMonth:
    """One provider in a month.

    ``whole`` are the figures of all its services together, ``services`` those of which anything is known. ``courses``
    are its incidents, oldest first, without maintenances; ``worst`` has the worst condition of those that had one, by
    incident. ``accuracy`` is how right our advice was.
    """

    name: str
    whole: ReliabilityFigures
    services: tuple[ServiceMonth, ...]
    courses: tuple[IncidentCourse, ...]
    worst: Mapping[str, Condition]
    monitoring: MonitoringRecord
    accuracy: VerdictAccuracy


@dataclass(frozen=True, slots=True)
class MonthlyReport:
    """A calendar month (UTC) up to ``window.end``: providers in the order of the catalogue, and the costliest hours."""

    window: TimeWindow
    providers: tuple[ProviderMonth, ...]
    hours: tuple[CostlyHour, ...]
    is_complete: bool
