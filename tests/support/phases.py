"""An alert in each of its phases, of a made-up vendor: what the tests of texts hold against the rules of texts."""

from dataclasses import replace
from datetime import timedelta

from bot.domain import (
    Advice,
    Alert,
    Condition,
    Estimate,
    IncidentEnding,
    NewsItem,
    NewsKind,
    Stage,
    SurfaceLine,
    Verdict,
)
from tests.support.samples import NOON, at

NAMES = ("web", "mobile", "desktop", "login", "Console", "API", "Code", "Batch", "Files")


def held(short, condition=Condition.PARTIAL_OUTAGE, code="down", **more):
    return _line(short, condition, Advice.HOLD_OFF, 0.0, code, **more)


def slow(short, code="recovering", exposure=0.1, condition=Condition.OPERATIONAL, **more):
    return _line(short, condition, Advice.RETRY_GENTLY, exposure, code, **more)


def safe(short):
    return _line(short, Condition.OPERATIONAL, Advice.RETRY_NORMALLY, 1.0, "quiet")


def unknown(short):
    return _line(short, Condition.UNKNOWN, Advice.UNKNOWN, 0.0, "stale_unknown")


def _line(short, condition, call, exposure, code, *, changes_at=None, inferred=False):
    surface = f"acme-{short.lower()}"
    because = f"Shown on Acme's page since {NOON:%H:%M} UTC. 10% load after 5 min without errors"
    verdict = Verdict(
        surface, call, at(20), exposure, "", code, at(30), inferred, because=because, changes_at=changes_at
    )
    return SurfaceLine(surface, f"Acme {short}", condition, verdict, inferred, short=short)


NEW = Alert(
    incident="i1",
    provider="acme",
    provider_name="Acme",
    title="Many requests fail on the website and in the console",
    stage=Stage.INVESTIGATING,
    lines=(held("web"), slow("Console", "named"), slow("Code", "named")),
    posted_at=NOON,
    seen_at=at(1),
    as_of=at(1),
    updates=1,
    url="https://status.acme.example/i1",
    estimate=Estimate("i1", at(1), timedelta(0), timedelta(minutes=45), timedelta(hours=2), timedelta(hours=4), n=63),
    vendor="Acme Inc",
    stage_at=NOON,
    service_count=len(NAMES),
    safe=("mobile", "desktop", "login", "API", "Batch", "Files"),
    alternatives=("Globex web", "Initech app"),
    next_update=at(15),
    checked_at=at(1),
)
WIDER = replace(
    NEW,
    as_of=at(20),
    checked_at=at(20),
    next_update=at(30),
    lines=(
        held("web"),
        held("login", inferred=True),
        held("Console"),
        held("Code"),
        slow("API", "exonerated", changes_at=at(80)),
        slow("Files", "exonerated", changes_at=at(80)),
    ),
    safe=("mobile", "desktop", "Batch"),
)
TWO_STATUSES = replace(WIDER, lines=(held("API", Condition.MAJOR_OUTAGE), held("web", Condition.DEGRADED)))
ALL_SERVICES = replace(WIDER, lines=tuple(held(name) for name in NAMES), safe=())
MONITORING = replace(
    WIDER,
    stage=Stage.MONITORING,
    stage_at=at(220),
    as_of=at(221),
    checked_at=at(221),
    next_update=at(240),
    lines=tuple(
        held(n, Condition.OPERATIONAL, "settling", changes_at=at(226))
        for n in ("web", "login", "Console", "API", "Code", "Files", "Batch")
    ),
    safe=("mobile", "desktop"),
    alternatives=(),
)
RESOLVED = replace(
    MONITORING,
    stage=Stage.RESOLVED,
    stage_at=at(238),
    closed_at=at(238),
    ending=IncidentEnding.RESOLVED,
    as_of=at(239),
    checked_at=at(239),
    lines=(
        *(held(n, Condition.OPERATIONAL, "settling") for n in ("web", "Console", "API", "Code")),
        *(slow(n, "resolved_recently", 0.24, changes_at=at(255)) for n in ("login", "Files")),
    ),
    next_update=at(240),
    related="i2",
)
ALL_CLEAR = replace(
    RESOLVED,
    as_of=at(271),
    checked_at=at(271),
    cleared_at=at(271),
    related="",
    lines=tuple(safe(n) for n in ("web", "login", "Console", "API", "Code", "Files")),
)
REPEAT = replace(
    TWO_STATUSES, again_after=timedelta(hours=1), earlier="i0", earlier_at=at(-90), lines=(held("web"), held("API"))
)
RELATED = replace(
    NEW,
    incident="i2",
    lines=(held("web", Condition.DEGRADED), held("API", Condition.DEGRADED)),
    shares=("acme-web", "acme-api"),
    earlier="i1",
    earlier_at=NOON,
    follows=("i1",),
    as_of=at(166),
    checked_at=at(166),
    next_update=at(180),
)
SUSPECTED = replace(
    NEW,
    lines=(held("API", code="suspected"),),
    is_suspected=True,
    is_unposted=True,
    updates=0,
    title="Acme API fails",
    estimate=None,
)
UNPOSTED = replace(NEW, lines=(held("API", Condition.DEGRADED, "component_down"),), is_unposted=True, updates=0)
CONFIRMED = replace(NEW, lead=timedelta(minutes=9), lines=(held("API"),))
PROBES_PASS = replace(NEW, lines=(slow("API", "bad_but_answering", condition=Condition.PARTIAL_OUTAGE),))
UNREADABLE = replace(NEW, lines=(unknown("web"), unknown("API")), checked_at=at(-20), safe=())
REMOVED = replace(
    NEW, closed_at=at(30), ending=IncidentEnding.WITHDRAWN, as_of=at(31), cleared_at=at(31), lines=(safe("web"),)
)
MAINTENANCE = replace(
    NEW,
    is_maintenance=True,
    title="Database upgrade",
    stage=Stage.IN_PROGRESS,
    lines=(held("Batch", Condition.MAINTENANCE, "maintenance"),),
    planned_start=NOON,
    planned_end=at(60),
    alternatives=(),
    estimate=None,
)
PLANNED = replace(
    MAINTENANCE, stage=Stage.SCHEDULED, planned_start=at(3000), planned_end=at(3060), lines=(safe("Batch"),)
)
OVERRUNNING = replace(MAINTENANCE, as_of=at(65), checked_at=at(65), next_update=at(90))
COMPLETED = replace(
    MAINTENANCE,
    stage=Stage.COMPLETED,
    closed_at=at(61),
    ending=IncidentEnding.RESOLVED,
    as_of=at(70),
    cleared_at=at(70),
    lines=(safe("Batch"),),
)
MAINTENANCE_REMOVED = replace(
    PLANNED,
    stage=Stage.RESOLVED,
    closed_at=at(61),
    cleared_at=at(61),
    as_of=at(61),
    ending=IncidentEnding.WITHDRAWN,
)
ONE_SERVICE = replace(
    NEW,
    lines=(held("API", Condition.DEGRADED),),
    safe=("web", "mobile", "login", "Console", "Code"),
    alternatives=(),
    title="Incident with the API",
)
NOTHING_NAMED = replace(NEW, lines=(), alternatives=())
MENTIONED = replace(NEW, lines=(slow("Console", "named"),), alternatives=())
FORTY = replace(
    NEW,
    lines=(
        *(held(f"Edge {n}") for n in range(3)),
        *(held(f"Zone {n}", Condition.DEGRADED) for n in range(37)),
    ),
    safe=("Registrar", "Radar"),
    service_count=42,
    alternatives=(),
)
MISSED = replace(
    NEW, missed=(at(-90), at(-60)), closed_at=at(-60), ending=IncidentEnding.RESOLVED, lines=(safe("API"),)
)
BASELINE = replace(NEW, is_baseline=True)

PHASES = {
    "new": NEW,
    "wider": WIDER,
    "two statuses": TWO_STATUSES,
    "all services": ALL_SERVICES,
    "monitoring": MONITORING,
    "resolved": RESOLVED,
    "all clear": ALL_CLEAR,
    "repeat": REPEAT,
    "related": RELATED,
    "suspected": SUSPECTED,
    "unposted": UNPOSTED,
    "confirmed": CONFIRMED,
    "probes pass": PROBES_PASS,
    "unreadable": UNREADABLE,
    "removed": REMOVED,
    "maintenance planned": PLANNED,
    "maintenance": MAINTENANCE,
    "maintenance overrunning": OVERRUNNING,
    "maintenance completed": COMPLETED,
    "maintenance removed": MAINTENANCE_REMOVED,
    "one service": ONE_SERVICE,
    "nothing named": NOTHING_NAMED,
    "mentioned": MENTIONED,
    "forty services": FORTY,
    "missed": MISSED,
    "already open": BASELINE,
}


def _verdicts(alert):
    return tuple((line.short, line.verdict) for line in alert.lines)


def _item(*kinds, **more):
    return NewsItem(kinds, "k", at(20), Stage.IDENTIFIED, broadcast=True, **more)


BROADCASTS = {
    "wider": (
        WIDER,
        _item(NewsKind.WIDENED, wider=("login",), verdicts=_verdicts(replace(WIDER, lines=WIDER.lines[1:]))),
    ),
    "worse": (TWO_STATUSES, _item(NewsKind.WORSE, worse=("API",), verdicts=_verdicts(TWO_STATUSES)[:1])),
    "lowered": (
        WIDER,
        _item(NewsKind.LOWERED, verdicts=_verdicts(replace(WIDER, lines=(held("API", code="exoneration_expired"),)))),
    ),
    "raised": (RESOLVED, _item(NewsKind.RAISED, verdicts=_verdicts(RESOLVED)[4:])),
    "all clear": (ALL_CLEAR, _item(NewsKind.ALL_CLEAR, NewsKind.RESOLVED)),
    "maintenance started": (
        MAINTENANCE,
        _item(NewsKind.LOWERED, verdicts=_verdicts(MAINTENANCE)),
    ),
    "reopened": (WIDER, _item(NewsKind.REOPENED)),
    "removed": (REMOVED, _item(NewsKind.WITHDRAWN)),
    "reminder": (WIDER, _item(NewsKind.REMINDER)),
    "all services": (ALL_SERVICES, _item(NewsKind.WIDENED, wider=NAMES[1:], verdicts=_verdicts(ALL_SERVICES)[1:])),
    "forty": (
        FORTY,
        _item(NewsKind.WIDENED, wider=tuple(x.short for x in FORTY.lines[3:]), verdicts=_verdicts(FORTY)[3:]),
    ),
}
