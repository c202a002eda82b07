"""What holds for every history: drawn incidents of all kinds, recordings of polls, and both together."""

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot import settings as bot_settings
from bot.domain import Condition
from bot.domain.reliability import TimeWindow
from bot.queries.history import HistoryQueries
from bot.storage import Repository
from tests.reference.__main__ import compare
from tests.support.dated_history import API, CARE, CODE, DOWN, GREEN, PART, SLOW, WEB
from tests.support.past_incidents import PAGE, file, run

START, END = datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 7, 8, tzinfo=UTC)
COMPONENTS = (WEB, API, CODE)
OTHER = ("0qbwn08sd68x", "platform.claude.com (formerly console.anthropic.com)")
BAD = (SLOW, PART, DOWN)
STEP = timedelta(minutes=5)
few = settings(
    max_examples=4, deadline=None, phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck)
)


def iso(at):
    return at.isoformat().replace("+00:00", "Z")


def drawn_incident(name, component, times, statuses, kind):
    """An incident of a kind at these times; its transitions run through the statuses and end operational, or not."""
    stages = {
        "live": ["investigating", "identified", "resolved"],
        "reopened": ["investigating", "resolved", "investigating", "resolved"],
        "left bad": ["investigating", "resolved"],
        "without transitions": ["investigating", "identified", "monitoring", "resolved"],
        "maintenance": ["scheduled", "in_progress", "completed"],
        "late": ["resolved"],
        "unfinished": ["investigating", "identified"],
    }[kind]
    updates, before = [], GREEN
    for number, (stage, at) in enumerate(zip(stages, times, strict=False)):
        is_end = stage in ("resolved", "completed") and kind != "left bad"
        after = GREEN if is_end or stage == "scheduled" else CARE if kind == "maintenance" else statuses[number]
        moves = [{"code": component[0], "name": component[1], "old_status": before, "new_status": after}]
        window = f"Errors between {at - 6 * STEP:%H:%M} and {at - STEP:%H:%M} UTC." if kind == "late" else "Text."
        updates.append(
            {"id": f"{name}-{number}", "status": stage, "body": window, "display_at": iso(at), "created_at": iso(at)}
            | {"affected_components": moves if kind not in ("without transitions", "late") else []}
        )
        before = after
    return {
        "id": name,
        "name": f"Title of {name}",
        "impact": "maintenance" if kind == "maintenance" else "major",
        "status": updates[-1]["status"],
        "created_at": updates[0]["display_at"],
        "components": [{"id": component[0], "name": component[1]}],
        "incident_updates": updates[::-1],
    }


KINDS = ("live", "reopened", "left bad", "without transitions", "maintenance", "late", "unfinished")
minute = st.integers(12, 7 * 24 * 12 - 12)


@st.composite
def histories(draw):
    """Up to three incidents on each component in a week, one after the other, in a frame that makes the week known."""
    found = []
    for component in COMPONENTS:
        kinds = draw(st.lists(st.sampled_from(KINDS), max_size=3))
        numbers = sorted(draw(st.lists(minute, min_size=4 * len(kinds), max_size=4 * len(kinds), unique=True)))
        for place, kind in enumerate(kinds):
            times = [START + STEP * n for n in numbers[4 * place : 4 * place + 4]]
            statuses = draw(st.lists(st.sampled_from(BAD), min_size=4, max_size=4))
            is_last = place == len(kinds) - 1
            drawn = "live" if kind == "unfinished" and not is_last else kind
            found.append(drawn_incident(f"{component[0]}-{place}", component, times, statuses, drawn))
    ends = ((1, START), (2, END))
    frame = [drawn_incident(f"frame{n}", OTHER, (at, at + STEP, at + 2 * STEP), [SLOW] * 4, "live") for n, at in ends]
    return (frame[0], *found, frame[1])


@st.composite
def recordings(draw):
    """Polls of a week in time order, with unreadable ones, and components that begin and end."""
    lines = []
    for number in sorted(draw(st.lists(minute, min_size=4, max_size=12, unique=True))):
        listed = draw(st.sets(st.sampled_from(COMPONENTS), min_size=1))
        statuses = {c: draw(st.sampled_from((GREEN, GREEN, *BAD))) for c in sorted(listed)}
        body = {
            "page": PAGE,
            "components": [{"id": c[0], "name": c[1], "status": s} for c, s in statuses.items()],
            "incidents": [],
            "scheduled_maintenances": [],
        }
        is_readable = not lines or draw(st.integers(0, 4))
        lines.append(json.dumps({"polled_at": iso(START + STEP * number), "body": body if is_readable else None}))
    return "\n".join(lines)


def imported(folder, *sources):
    """A new database with these histories and recordings."""
    number = len(list(folder.iterdir()))
    db = folder / f"{number}.db"
    for place, source in enumerate(sources):
        path = folder / f"{number}-{place}.ndjson"
        if isinstance(source, str):
            path.write_text(source)
        else:
            path = file(folder, *source, name=f"{number}-{place}.json")
        run("backfill", "claude", "--from", path, "--db", db)
    return db


def minutes(db, start=START, end=END):
    """Minutes by status of each row of the report."""
    report = json.loads(
        run("reliability", "--json", "--from", f"{start:%Y-%m-%d}", "--to", f"{end:%Y-%m-%d}", "--db", db)
    )
    return {name: figures["minutes"] for name, figures in (report["surfaces"] | report.get("providers", {})).items()}


def statuses_at(db, moments):
    """The status of each service at each of these moments."""
    provider = bot_settings.load(None).provider("claude")
    with closing(Repository.open(db, read_only=True)) as repository:
        history = HistoryQueries(repository.archive, END + timedelta(days=30))
        periods = history.periods_by_surface(provider, provider.surfaces, TimeWindow(START, END))
    return {
        (s, at): next(p.condition for p in found if p.start <= at < p.end)
        for s, found in periods.items()
        for at in moments
    }


either = st.one_of(histories(), recordings())


@few
@given(either)
def test_minutes_by_status_and_unknown_add_up_to_the_window(tmp_path, source):
    week = (END - START) / timedelta(minutes=1)
    rows = minutes(imported(tmp_path, source))
    if isinstance(source, str):  # its services begin and end inside the week
        rows = {name: found for name, found in rows.items() if name == "claude"}
    assert {name: sum(found.values()) for name, found in rows.items()} == pytest.approx(dict.fromkeys(rows, week))


@few
@given(either)
def test_a_window_that_is_cut_in_two_has_the_same_minutes(tmp_path, source):
    db, cut = imported(tmp_path, source), START + timedelta(days=3)
    whole, *parts = minutes(db), minutes(db, START, cut), minutes(db, cut, END)
    for name in set(whole) - {"claude"}:  # a part of which nothing is known has no row
        known = {c: m for c, m in whole[name].items() if c != "unknown"}
        assert {c: sum(p.get(name, {}).get(c, 0) for p in parts) for c in known} == pytest.approx(known, abs=0.05)


@few
@given(histories())
def test_a_history_that_says_the_same_changes_nothing(tmp_path, source):
    assert minutes(imported(tmp_path, source, source[::-1])) == minutes(imported(tmp_path, source))


@few
@given(histories())
def test_the_second_implementation_agrees_on_what_is_drawn(tmp_path, source):
    found = compare(file(tmp_path, *source), "claude")
    assert (found.unexplained, sum(found.reasons.values())) == ([], 0)


@few
@given(recordings(), histories(), st.integers(0, 6))
def test_more_evidence_turns_unknown_time_into_operational_only_where_it_looked(tmp_path, polls, history, day):
    """The history covers the days from ``day`` on: before them, it makes nothing operational."""
    later = START + timedelta(days=day)
    part = tuple(i for i in history if i["created_at"] >= iso(later))
    begun = min(datetime.fromisoformat(i["created_at"]) for i in part)
    moments = [START + timedelta(hours=h, minutes=1) for h in range(7 * 24)]
    before, after = (statuses_at(imported(tmp_path, *sources), moments) for sources in ((polls,), (polls, part)))
    known = {key for key, status in before.items() if status is Condition.UNKNOWN} & {
        key for key, status in after.items() if status is Condition.OPERATIONAL
    }
    assert not {(s, at) for s, at in known if at < begun}
