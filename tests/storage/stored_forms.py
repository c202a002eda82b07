"""A value of each stored form with every field and every enum value in it, and the golden files that are made of them.

``python -m tests.storage.stored_forms --write`` writes the golden files of the forms that this version writes. Do that
only for a form whose number has just been raised (``bot/storage/forms.py`` says how): the golden file of a form that
was released never changes.
"""

import dataclasses
import json
import sys
import types
import typing
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import cycle
from pathlib import Path

from bot.domain import (
    Advice,
    Alert,
    AnnouncedSurface,
    Attribution,
    AttributionKind,
    ChatUser,
    Component,
    ComponentAbsence,
    ComponentOutage,
    ComponentPin,
    ComponentTransition,
    Condition,
    DeclaredIncident,
    DeclaredPlace,
    DeclaredPost,
    DeclaredSeverity,
    DeclaredStep,
    DurationHistory,
    Estimate,
    EvidenceKind,
    EvidenceState,
    ForecastState,
    GradedEstimate,
    Impact,
    Incident,
    IncidentEnding,
    IncidentSighting,
    Message,
    NewsItem,
    NewsKind,
    Notice,
    NoticeKind,
    Notification,
    NotificationKind,
    PageIdentity,
    ProbeAttempt,
    ProbePlace,
    ProbeState,
    ProviderState,
    ReportBaseline,
    ReporterState,
    Stage,
    SurfaceHistory,
    SurfaceLine,
    SurfaceState,
    TrackedIncident,
    TrackerState,
    TrafficWindow,
    UnreportedOutage,
    UnsettledEnding,
    Update,
    Upstream,
    UserAction,
    Verdict,
)
from bot.storage import forms, mapping

GOLDEN = Path(__file__).parent / "golden"


def at(minute):
    return datetime(2026, 3, 2, 12, minute, 30, 250_000, tzinfo=UTC)


def span(minutes):
    return timedelta(minutes=minutes, seconds=1.5)


COMPONENTS = tuple(
    Component(f"c-{c}", f"Component {c}", c, "c-group", is_group=True, is_transient=True, created_at=at(47))
    for c in Condition
)
TRANSITIONS = tuple(
    ComponentTransition("c-api", "API", old, new)
    for old, new in zip(Condition, reversed(Condition.__members__.values()), strict=True)
)
INCIDENT = Incident(
    id="inc1",
    name="Errors on the API: “some” <requests>",
    stage=Stage.IDENTIFIED,
    impact=Impact.MAJOR,
    regions=("eu-west-1", "us-east-1"),
    created_at=at(1),
    updates=tuple(
        Update(f"u-{s}", s, f"We say {s}.", at(n), TRANSITIONS if n == 0 else (), at(n + 1), at(n + 2), at(n + 3))
        for n, s in enumerate(Stage)
    ),
    components=COMPONENTS,
    started_at=at(0),
    url="https://status.acme.example/incidents/inc1",
    is_maintenance=True,
    scheduled_for=at(2),
    scheduled_until=at(3),
    is_unposted=True,
    is_suspected=True,
    updated_at=at(5),
)
KNOWN = TrackedIncident(
    incident=INCIDENT,
    seen_at=at(4),
    surfaces=("acme-api", "acme-web"),
    closed_at=at(5),
    ending=IncidentEnding.POSTED,
    is_baseline=True,
    is_retroactive=True,
    is_missed=True,
    freed=("acme-web",),
    is_backfilled=True,
    overran_at=at(48),
    suspicions=("suspected:acme-api",),
    lead=span(7),
    joined="inc2",
    announced=(AnnouncedSurface("acme-api", Condition.DEGRADED, Advice.HOLD_OFF),),
    announced_at=at(50),
    replaced=("0a1b2c3d4e5f", "5f4e3d2c1b0a"),
    cleared_at=at(51),
)
ENDED = tuple(
    TrackedIncident(
        Incident(f"inc-{ending}", "Short", Stage.RESOLVED, impact, at(6)), at(7), closed_at=at(8), ending=ending
    )
    for ending, impact in zip(IncidentEnding, cycle(Impact), strict=False)
)
HITS = tuple(
    Attribution(
        surface="acme-api",
        incident="inc1",
        weight=weight,
        condition=Condition.PARTIAL_OUTAGE,
        stage=Stage.MONITORING,
        basis=basis,
        since=at(9),
        grounds=("u1", "c-api", "API"),
        inferred=True,
        residual=True,
        expires=at(10),
        posted_at=at(8),
    )
    for basis, weight in zip(EvidenceKind, cycle(AttributionKind), strict=False)
)
TRACK = SurfaceHistory(
    surface="acme-api",
    looked_at=at(11),
    watched_since=at(12),
    bad=True,
    presumed=True,
    bad_by=("inc1", "inc2"),
    bad_since=at(13),
    bad_until=at(14),
    clean_looks=3,
    clean_look_at=at(15),
    doubted=True,
    doubted_until=at(16),
    maintained=True,
    maintained_until=at(17),
    residual_since=at(18),
    closed_at=at(19),
    incidents=(IncidentSighting("inc1", at(20), Stage.VERIFYING, at(21), down=True, open=False),),
    relapses=(at(22), at(23)),
    shown=True,
    shown_until=at(24),
    witnessed_until=at(25),
)
VERDICTS = tuple(
    Verdict(
        surface=f"acme-{call}",
        call=call,
        as_of=at(26),
        exposure=0.25,
        reason="Retry it gently: Acme had posted investigating by 12:01 UTC.",
        reason_code="down",
        review_at=at(27),
        inferred=True,
        incidents=("inc1",),
        instead="acme-web",
        because="Acme had posted investigating by 12:01 UTC",
        changes_at=at(52),
    )
    for call in Advice
)
ESTIMATE = Estimate("inc1", at(28), span(1), span(2), span(3), span(4), n=42, method="another method")
OUTLOOK = ForecastState(
    DurationHistory((1.5, 60.0), (0.51, 0.82, 0.93)), (ESTIMATE,), (GradedEstimate(ESTIMATE, span(5)),)
)
TESTIMONY = EvidenceState(
    surface="acme-api",
    sights=(
        ProbeState(
            "here",
            (ProbeAttempt(at(29), ok=True), ProbeAttempt(at(30), ok=False, why="timeout")),
            at(31),
            at(32),
            at(33),
            "remote",
        ),
    ),
    voices=(ReporterState("U1", at(34), "portal"),),
    usual=ReportBaseline(1.75, at(35), at(36)),
    tallies=(TrafficWindow(at(37), at(38), 90, 10, "503", "worker-1", "shop", "CheckoutErrors"),),
    trackers=(TrackerState("Downdetector", at(58), at(57), "8 times the usual reports", is_known=False),),
    traffic_since=at(39),
    places=(ProbePlace("remote", "tokyo", at(53), at(54), 120, is_configured=True),),
    traffic_ok_since=at(55),
    disputed_since=at(56),
    asked_at=at(57),
)
WORLD = ProviderState(
    provider="acme",
    components=COMPONENTS,
    incidents=(KNOWN, *ENDED),
    seen_at=at(40),
    blind_since=at(41),
    failures=2,
    host="status.acme.example",
    hits=HITS,
    tracks=(TRACK,),
    states=(SurfaceState("acme-api", Condition.DEGRADED, at(42), inferred=True),),
    verdicts=VERDICTS,
    bare=(UnreportedOutage("acme-web", at(43)),),
    outlook=OUTLOOK,
    testimonies=(TESTIMONY,),
    page=PageIdentity("acmepage", "Acme"),
    is_other_page=True,
    other_pages=3,
    other_page_at=at(48),
    problems=("an update without a time: Calls fail.",),
    unsettled=(UnsettledEnding("inc1", at(45), at(46), 4, "its own page: HTTP 403"),),
    page_updated_at=at(49),
    pins=(ComponentPin("c-api", "api", "API", at(44), at(43), is_successor=True),),
    unmapped=(ComponentOutage("c-beta", at(46)),),
    absences=(ComponentAbsence("c-web", at(45), 3),),
    has_all_components=True,
)

LINE = SurfaceLine(
    *("acme-api", "Acme API", Condition.MAJOR_OUTAGE, VERDICTS[0], True, "2 people", "a probe"),
    short="API",
    people_slow="One try.",
    programs_slow="A tenth.",
    since=at(47),
)
NEWS = NewsItem(
    kinds=tuple(NewsKind),
    key="update:u1",
    at=at(44),
    stage=Stage.IN_PROGRESS,
    quote="We are looking into it.",
    before="We look into it.",
    change="a word",
    wider=("Acme API",),
    verdicts=(("Acme API", VERDICTS[1]),),
    broadcast=True,
    by="Ann",
    anew=("acme.example",),
    worse=("API",),
)
ALERT = Alert(
    incident="inc1",
    provider="acme",
    provider_name="Acme",
    title="Errors on the API",
    stage=Stage.INVESTIGATING,
    regions=("eu-west-1",),
    upstream=(Upstream("globex", "Globex", "inc9", "https://status.globex.example/inc9"),),
    lines=(LINE,),
    posted_at=at(45),
    seen_at=at(46),
    as_of=at(47),
    updates=2,
    url="https://status.acme.example/incidents/inc1",
    closed_at=at(48),
    ending=IncidentEnding.CLEARED,
    again_after=span(8),
    earlier="inc0",
    estimate=ESTIMATE,
    record="8 of 10 held",
    news=(NEWS,),
    watched=(LINE,),
    opens=False,
    is_maintenance=True,
    is_unposted=True,
    missed=(at(49), at(50)),
    is_suspected=True,
    lead=span(9),
    takes_over=("suspected:acme-api",),
    yields_to=("inc2",),
    follows=("inc3",),
    condition=Condition.PARTIAL_OUTAGE,
    written_at=at(58),
    vendor="Acme Inc",
    stage_at=at(40),
    service_count=9,
    safe=("login",),
    alternatives=("Globex API",),
    next_update=at(41),
    checked_at=at(42),
    planned_start=at(43),
    planned_end=at(44),
    earlier_at=at(45),
    shares=("acme-web",),
    related="inc4",
    cleared_at=at(46),
    is_baseline=True,
    openings=4,
    early_openings=1,
    outages=("acme-api",),
)
MESSAGE = Message("All is well.", ({"type": "section", "text": {"type": "mrkdwn", "text": "*All* is well."}},), "m1")
MESSAGE = dataclasses.replace(MESSAGE, attachments=({"color": "#00875F", "blocks": []},))


def notice(kind):
    return Notice(
        kind=kind,
        provider="acme",
        provider_name="Acme",
        key=f"acme:{kind}",
        at=at(51),
        page="https://status.acme.example",
        since=at(52),
        why="timeout",
        open=(INCIDENT,) if kind is NoticeKind.BASELINE else (),
        channel="C2",
        said=MESSAGE,
        edits="acme:blind:first",
        services=9,
        verdicts=(("API", VERDICTS[0]),),
        checked_at=at(50),
        is_network=True,
    )


def post(kind, key, about):
    return Notification("C1", kind, key, about, NEWS, 7, ("<@U1>",), "quiet hours", "inc0")


def declared(step, severity, place):
    return DeclaredPost(
        DeclaredIncident(
            number=7,
            title="Checkout fails",
            severity=severity,
            declared=UserAction(ChatUser("U1", "Ann"), at(1)),
            origin="C1",
            incidents=("inc1", "inc2"),
            place=place,
            channel="C9",
            no_channel="missing_scope",
            closes_when_safe=True,
            closed=UserAction(ChatUser("U2", "Bob"), at(2)),
            safe_since=at(3),
            acked=UserAction(ChatUser("U3", "Cem"), at(4)),
            pinned="pinned",
        ),
        step,
        "declared:7:vendor",
        at(5),
        said=MESSAGE,
        inside="declared:7",
        facts=("Acme API outage",),
        url="https://status.acme.example/incidents/inc1",
    )


DECLARED = [
    declared(*values) for values in zip(DeclaredStep, cycle(DeclaredSeverity), cycle(DeclaredPlace), strict=False)
]
POSTS = (
    *(post(kind, f"inc1:{kind}", ALERT) for kind in NotificationKind if kind is not NotificationKind.NOTICE),
    *(post(NotificationKind.REPLY, f"declared:7:{one.step}", one) for one in DECLARED),
    *(post(NotificationKind.NOTICE, f"acme:{kind}", notice(kind)) for kind in NoticeKind),
)

# --- the golden files -------------------------------------------------------------------------------------------------


def golden(name, number=None):
    """Where the JSON of a form is kept, one value a line; of the form that this version writes, or of an older one."""
    return GOLDEN / f"{name}-form-{number or forms.FORMS[name].number}.jsonl"


def written():
    """What this version writes: form -> one JSON text for each value."""
    return {
        "worlds": [mapping.PROVIDER_STATE_ADAPTER.dump_json(WORLD).decode()],
        "posts": [mapping.NOTIFICATION_ADAPTER.dump_json(one).decode() for one in POSTS],
    }


# --- the classes of the forms -----------------------------------------------------------------------------------------


def reachable(*kinds):
    """The dataclasses and enums that values of these types can hold, each once."""
    found, ahead = [], list(kinds)
    while ahead:
        kind = ahead.pop()
        if dataclasses.is_dataclass(kind) and kind not in found:
            found.append(kind)
            ahead += typing.get_type_hints(kind).values()
        elif isinstance(kind, type) and issubclass(kind, StrEnum) and kind not in found:
            found.append(kind)
        elif isinstance(kind, types.UnionType) or typing.get_origin(kind) is not None:
            ahead += typing.get_args(kind)
    return sorted(found, key=lambda kind: kind.__name__)


def inside(value):
    """A value and everything in it."""
    yield value
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from inside(getattr(value, field.name))
    elif isinstance(value, tuple):
        for one in value:
            yield from inside(one)


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(__doc__)
    for name, texts in written().items():
        assert all(map(json.loads, texts))
        golden(name).write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
