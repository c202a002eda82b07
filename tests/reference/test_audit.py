"""Odd histories, one kind each, with figures that were worked out by hand; the second implementation agrees on all."""

import json
from dataclasses import dataclass, field

import pytest

from tests.reference.__main__ import compare
from tests.support.dated_history import API, CARE, CODE, DOWN, GREEN, PART, SLOW, WEB, incident
from tests.support.past_incidents import file, run

FRAME = (  # a history from 1 to 31 July, so that what is looked at lies inside it
    incident("first", WEB, ("07-01 00:00", "investigating", GREEN, SLOW), ("07-01 00:01", "resolved", SLOW, GREEN)),
    incident("last", WEB, ("07-30 23:59", "investigating", GREEN, SLOW), ("07-31 00:00", "resolved", SLOW, GREEN)),
)


def outage(name, begin, end, component=API, status=DOWN, **rest):
    begun, over = (begin, "investigating", GREEN, status), (end, "resolved", status, GREEN)
    return incident(name, component, begun, over) | rest


def moved(history, *steps):
    """The history with more transitions at the updates of its first incident: update, component, old and new status."""
    for number, component, old, new in steps:
        move = {"code": component[0], "name": component[1], "old_status": old, "new_status": new}
        history["incident_updates"][::-1][number]["affected_components"].append(move)
    history["components"] += [{"id": c[0], "name": c[1]} for _, c, _, _ in steps]
    return history


def told(history, **times):
    """The history with other times or fields of its updates, by number from the oldest."""
    for number, fields in times.items():
        history["incident_updates"][::-1][int(number.removeprefix("u"))].update(fields)
    return history


def written(history, *bodies):
    """The history with these texts, oldest first."""
    for update, body in zip(history["incident_updates"][::-1], bodies, strict=True):
        update["body"] = body
    return history


@dataclass(frozen=True)
class Odd:
    """A history, what is looked at, and what was worked out: minutes by status, and other keys of the report."""

    incidents: tuple
    minutes: dict
    expected: dict = field(default_factory=dict)
    span: tuple[str, str] = ("2026-07-10", "2026-07-12")
    row: str = "claude-api"


REOPENED_THREE_TIMES = incident(
    "again",
    API,
    *(
        (f"07-10 {hour}:{minute}", stage, *((GREEN, DOWN) if stage == "investigating" else (DOWN, GREEN)))
        for hour in (10, 11, 12, 13)
        for minute, stage in (("00", "investigating"), ("30", "resolved"))
    ),
)
KINDS = {
    "it spans both edges of the window": Odd(
        (outage("long", "07-09 12:00", "07-13 12:00"),),
        {"major_outage": 2880},
        {"incidents": 1, "began_before": 1, "outages": 1, "to_resolve_h.n": 0, "availability_pct": 0},
    ),
    "it ends where the window begins": Odd(
        (outage("before", "07-09 12:00", "07-10 00:00"),), {"operational": 2880}, {"incidents": 0, "outages": 0}
    ),
    "it begins where the window ends": Odd(
        (outage("after", "07-12 00:00", "07-12 10:00"),), {"operational": 2880}, {"incidents": 0, "outages": 0}
    ),
    "it begins where the window begins": Odd(
        (outage("edge", "07-10 00:00", "07-10 01:00"),),
        {"major_outage": 60, "operational": 2820},
        {"incidents": 1, "began_before": 0, "to_resolve_h.n": 1},
    ),
    "two overlap on one service, the worse inside": Odd(
        (
            outage("outer", "07-10 10:00", "07-10 14:00", status=SLOW),
            incident(
                "inner", API, ("07-10 11:00", "investigating", SLOW, DOWN), ("07-10 12:00", "resolved", DOWN, SLOW)
            ),
        ),
        {"major_outage": 60, "degraded": 180, "operational": 2640},
        {"incidents": 2, "outages": 1, "to_resolve_h.longest": 4, "to_resolve_h.p50": 2.5},
    ),
    "one follows the other without a break": Odd(
        (outage("one", "07-10 10:00", "07-10 11:00"), outage("two", "07-10 11:00", "07-10 12:00")),
        {"major_outage": 120, "operational": 2760},
        {"incidents": 2, "outages": 1, "mtbf_h": 46},
    ),
    "it takes no time": Odd(
        (outage("flash", "07-10 10:00", "07-10 10:00"),),
        {"operational": 2880},
        {"incidents": 1, "outages": 0, "to_resolve_h.n": 1, "to_resolve_h.p50": 0},
    ),
    "a maintenance inside an outage": Odd(
        (
            outage("outer", "07-10 10:00", "07-10 14:00"),
            incident(
                "care",
                API,
                ("07-08 10:00", "scheduled"),
                ("07-10 11:00", "in_progress", DOWN, CARE),
                ("07-10 12:00", "completed", CARE, DOWN),
                impact="maintenance",
            ),
        ),
        {"major_outage": 180, "maintenance": 60, "operational": 2640},
        {"incidents": 1, "outages": 2},
    ),
    "a maintenance that is only announced": Odd(
        (incident("plan", API, ("07-10 10:00", "scheduled"), impact="maintenance"),),
        {"operational": 2880},
        {"incidents": 0},
    ),
    "times with offsets around the change to summer time": Odd(
        (
            told(
                outage("summer", "07-10 10:00", "07-10 11:00"),
                u0={"display_at": "2026-07-10T01:30:00+01:00"},
                u1={"display_at": "2026-07-10T03:30:00+02:00"},
            ),
        ),
        {"major_outage": 60, "operational": 2820},
        {"incidents": 1, "to_resolve_h.p50": 1},
    ),
    "reopened three times": Odd(
        (REOPENED_THREE_TIMES,),
        {"major_outage": 120, "operational": 2760},
        {"incidents": 1, "outages": 4, "to_resolve_h.n": 1, "to_resolve_h.p50": 3.5},
    ),
    "a post-mortem two days later": Odd(
        (
            incident(
                "study",
                API,
                ("07-10 10:00", "investigating", GREEN, DOWN),
                ("07-10 11:00", "resolved", DOWN, GREEN),
                ("07-12 11:00", "postmortem"),
            ),
        ),
        {"major_outage": 60, "operational": 2820},
        {"to_resolve_h.p50": 1},
    ),
    "posted when it was over": Odd(
        (incident("late", API, ("07-10 10:00", "resolved")),),
        {"operational": 2880},
        {"incidents": 1, "post_hoc": 1, "post_hoc_pct": 100, "outages": 0, "to_resolve_h.n": 0},
    ),
    "posted when it was over, with its times in the text": Odd(
        (written(incident("late", API, ("07-10 12:30", "resolved")), "Calls failed from 10:05 to 11:40 UTC."),),
        {"partial_outage": 95, "operational": 2785},
        {"incidents": 1, "post_hoc": 1, "outages": 1, "to_resolve_h.n": 0, "inferred_min": 95, "vendor_lag_min.n": 1},
    ),
    "posted late, with times on the day before": Odd(
        (
            written(
                incident("late", API, ("07-12 00:30", "resolved"), impact="critical"),
                "Between 23:30 and 00:10 UTC calls failed.",
            ),
        ),
        {"major_outage": 30, "operational": 2850},
        {"incidents": 1, "began_before": 0, "months": {}},
    ),
    "posted late, with a time inside an outage that transitions say": Odd(
        (
            outage("live", "07-10 10:00", "07-10 11:00", status=SLOW),
            written(incident("late", API, ("07-10 12:30", "resolved")), "From 10:30 to 11:30 UTC calls failed."),
        ),
        {"degraded": 60, "partial_outage": 30, "operational": 2790},
        {"incidents": 2, "outages": 1, "inferred_min": 30},
    ),
    "posted late, with a length and no times": Odd(
        (written(incident("late", API, ("07-10 12:30", "resolved")), "The API was down for about 25 minutes."),),
        {"operational": 2880},
        {"incidents": 1, "post_hoc": 1, "outages": 0, "inferred_min": 0},
    ),
    "posted late, during a maintenance": Odd(
        (
            incident(
                "care",
                API,
                ("07-10 10:00", "in_progress", GREEN, CARE),
                ("07-10 11:00", "completed", CARE, GREEN),
                impact="maintenance",
            ),
            written(incident("late", API, ("07-10 12:30", "resolved")), "From 10:30 to 11:30 UTC calls failed."),
        ),
        {"maintenance": 60, "partial_outage": 30, "operational": 2790},
        {"incidents": 1, "outages": 1},
    ),
    "a start that is stated an hour before the first post": Odd(
        (outage("lag", "07-10 10:00", "07-10 11:00", started_at="2026-07-10T09:00:00Z"),),
        {"major_outage": 60, "operational": 2820},
        {"vendor_lag_min.n": 1, "vendor_lag_min.median": 60},
    ),
    "two services in one incident, seen as a provider": Odd(
        (moved(outage("both", "07-10 10:00", "07-10 12:00"), (0, CODE, GREEN, PART), (1, CODE, PART, GREEN)),),
        {"major_outage": 120, "operational": 2760},
        {"incidents": 1, "outages": 1},
        row="claude",
    ),
    "two services one after the other, seen as a provider": Odd(
        (
            outage("one", "07-10 10:00", "07-10 11:00"),
            outage("two", "07-10 10:30", "07-10 12:00", component=CODE, status=SLOW),
        ),
        {"major_outage": 60, "degraded": 60, "operational": 2760},
        {"incidents": 2, "outages": 1},
        row="claude",
    ),
    "a listed component that stayed operational": Odd(
        (
            incident(
                "listed", API, ("07-10 10:00", "investigating", GREEN, GREEN), ("07-10 11:00", "resolved", GREEN, GREEN)
            ),
        ),
        {"operational": 2880},
        {"incidents": 0, "outages": 0, "inferred_min": 0},
    ),
    "no transitions: the impact stands until monitoring": Odd(
        (
            incident(
                "plain",
                API,
                ("07-10 10:00", "investigating"),
                ("07-10 11:00", "identified"),
                ("07-10 12:00", "monitoring"),
                ("07-10 14:00", "resolved"),
                impact="critical",
            ),
        ),
        {"major_outage": 120, "operational": 2760},
        {"inferred_min": 120, "inferred_pct": 100, "to_resolve_h.p50": 4},
    ),
    "no transitions and no impact": Odd(
        (incident("none", API, ("07-10 10:00", "investigating"), ("07-10 11:00", "resolved"), impact="none"),),
        {"operational": 2880},
        {"incidents": 0, "outages": 0},
    ),
    "a status that the format does not know": Odd(
        (
            incident(
                "foreign",
                API,
                ("07-10 10:00", "investigating", GREEN, DOWN),
                ("07-10 11:00", "monitoring", DOWN, "sleeping"),
                ("07-10 12:00", "resolved", "sleeping", GREEN),
            ),
        ),
        {"major_outage": 60, "unknown": 60, "operational": 2760},
        {"outages": 1},
    ),
    "the last transition says less than resolved": Odd(
        (
            incident(
                "half", API, ("07-10 10:00", "investigating", GREEN, DOWN), ("07-10 11:00", "resolved", DOWN, SLOW)
            ),
            incident(
                "rest", API, ("07-10 12:00", "investigating", SLOW, SLOW), ("07-10 13:00", "resolved", SLOW, GREEN)
            ),
        ),
        {"major_outage": 60, "degraded": 120, "operational": 2700},
        {"incidents": 2, "outages": 1},
    ),
    "resolved without a word on the component that it left down": Odd(
        (incident("left", API, ("07-10 10:00", "investigating", GREEN, DOWN), ("07-10 12:00", "resolved")),),
        {"major_outage": 120, "unknown": 2160, "operational": 600},
        {"incidents": 1, "outages": 1, "unposted": 0, "to_resolve_h.p50": 2},
    ),
    "resolved, and dated before its first post": Odd(
        (told(outage("back", "07-10 11:00", "07-10 12:00"), u1={"display_at": "2026-07-10T10:30:00Z"}),),
        {"operational": 2880},
        {"incidents": 1, "outages": 0, "to_resolve_h.p50": 0},
    ),
    "over the end of a month": Odd(
        (outage("months", "07-10 23:00", "07-11 01:00"),),
        {"major_outage": 60, "operational": 1380},
        {"incidents": 1, "began_before": 1, "months": {}},
        span=("2026-07-11", "2026-07-12"),
    ),
}


def value(figures, key):
    for part in key.split("."):
        figures = figures[part]
    return figures


@pytest.mark.parametrize("kind", KINDS)
def test_the_report_says_what_was_worked_out_by_hand(tmp_path, kind):
    odd = KINDS[kind]
    run("backfill", file(tmp_path, *FRAME, *odd.incidents), "--db", tmp_path / "b.db")
    start, end = odd.span
    report = json.loads(run("reliability", "--json", "--from", start, "--to", end, "--db", tmp_path / "b.db"))
    figures = (report["surfaces"] | report["providers"])[odd.row]
    assert {c: round(m, 2) for c, m in figures["minutes"].items() if m} == odd.minutes
    assert {key: value(figures, key) for key in odd.expected} == odd.expected


@pytest.mark.parametrize("kind", KINDS)
def test_the_second_implementation_agrees(tmp_path, kind):
    found = compare(file(tmp_path, *FRAME, *KINDS[kind].incidents), "claude")
    assert (found.unexplained, found.differing) == ([], 0)


TWICE = outage("original", "07-10 10:00", "07-10 11:00")
RENAMED = TWICE | {"id": "converted", "name": f"  {TWICE['name'].upper()} "}


def test_an_incident_of_two_histories_counts_once(tmp_path):
    other = json.loads(json.dumps(RENAMED).replace("original-", "converted-"))
    for number, history in enumerate((TWICE, other)):
        run("backfill", file(tmp_path, *FRAME, history, name=f"{number}.json"), "--db", tmp_path / "b.db")
    report = json.loads(
        run("reliability", "--json", "--from", "2026-07-10", "--to", "2026-07-12", "--db", tmp_path / "b.db")
    )
    api = report["surfaces"]["claude-api"]
    assert (api["incidents"], api["minutes"]["major_outage"], api["to_resolve_h"]["n"]) == (1, 60, 1)


def test_a_history_that_says_the_same_changes_nothing(tmp_path):
    path = file(tmp_path, *FRAME, *(i for odd in list(KINDS.values())[:6] for i in odd.incidents))
    run("backfill", path, "--db", tmp_path / "b.db")
    before = run("reliability", "--json", "--db", tmp_path / "b.db")
    path.write_text(path.read_text() + "\n")
    run("backfill", path, "--db", tmp_path / "b.db")
    assert run("reliability", "--json", "--db", tmp_path / "b.db") == before


@pytest.mark.parametrize(
    ("second", "is_doubtful"),
    [
        pytest.param(
            outage("b", "07-10 10:15", "07-10 11:30") | {"name": "Title of a"}, True, id="equal titles, 15 min"
        ),
        pytest.param(
            outage("b", "07-10 10:16", "07-10 11:30") | {"name": "Title of a"}, False, id="equal titles, 16 min"
        ),
        pytest.param(outage("b", "07-10 10:01", "07-10 11:01"), True, id="equal times"),
        pytest.param(outage("b", "07-10 10:01", "07-10 11:02"), False, id="another end"),
    ],
)
def test_what_may_be_one_incident_counts_as_two_and_is_said_to_be_possibly_double(tmp_path, second, is_doubtful):
    history = file(tmp_path, *FRAME, outage("a", "07-10 10:00", "07-10 11:00"), second)
    run("backfill", history, "--db", tmp_path / "b.db")
    claude = json.loads(run("reliability", "--json", "--db", tmp_path / "b.db"))["providers"]["claude"]
    assert (claude["incidents"], claude.get("possible_doubles", [])) == (4, [["a", "b"]] if is_doubtful else [])
    said = " ".join(run("reliability", "--db", tmp_path / "b.db").split())
    assert ("possibly double, counted as two: a and b." in said) is is_doubtful
