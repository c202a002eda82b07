"""Recorded days through today's rules, against transcripts that people have read."""

import gzip
import json
from collections import Counter
from itertools import groupby

import pytest

from bot.domain import Advice, EventKind, NotificationKind
from bot.evaluation.replay import event_json
from tests.replays.transcript import DEMO, GOLDEN, HERE, changes_of, facts, kept_changes_of, posts_of


def golden(name):
    return (HERE / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", GOLDEN)
def test_a_day_reads_as_its_transcript(name):
    assert GOLDEN[name]() == golden(name)


def test_the_readmes_picture_is_described_by_what_the_day_shows():
    readme = (HERE.parents[1] / "README.md").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in golden("demo-day/messages.ndjson").splitlines()]
    [shown] = [row for row in rows if row["at"].startswith("12:21") and row["kind"] == "edit"]
    alt = readme.partition("![")[2].partition("](")[0]
    assert shown["text"].partition(".")[0] in alt
    for line in shown["blocks"][1]["text"]["text"].replace("*", "").splitlines():
        assert line.partition(" ")[2].partition("  ·  ")[0] in alt


def test_the_real_day_goes_as_its_transcript(shared):
    assert facts(shared / "claude" / "2026-03-02.json", "claude") == golden("2026-03-02/transcript.md")


def printed(path, provider, **more):
    """What ``replay --json`` prints."""
    events = (e for s in changes_of(path, provider, **more) for e in s.events)
    return "".join(json.dumps(event_json(e, reconstructed=False), ensure_ascii=False) + "\n" for e in events)


def test_a_day_replayed_twice_is_the_same_to_the_byte():
    assert printed(DEMO, "claude").encode() == printed(DEMO, "claude").encode()


# --- the polls form ---------------------------------------------------------------------------------------------------


def body(*incidents, colour="operational"):
    return {
        "page": {"id": "p", "name": "GitHub"},
        "components": [{"id": "c", "name": "API Requests", "status": colour}],
        "incidents": list(incidents),
    }


def incident(status="investigating", *more):
    updates = [("u1", "investigating", 0), *more]
    return {
        "id": "i1",
        "name": "Errors",
        "status": status,
        "impact": "major",
        "created_at": "2023-11-14T22:20:00Z",
        "incident_updates": [
            {"id": i, "status": s, "body": "API requests fail.", "display_at": f"2023-11-14T22:{20 + m}:00Z"}
            for i, s, m in updates
        ],
    }


@pytest.fixture
def polls(tmp_path):
    """Writes a recording of these bodies, a minute apart, and gives its events."""

    def write(*bodies, opener=open):
        path = tmp_path / "polls.ndjson"
        with opener(path, "wt", encoding="utf-8") as file:
            for n, shown in enumerate(bodies):
                at = f"2023-11-14T22:{13 + n}:20Z"
                file.write(json.dumps({"polled_at": at, "body": shown}) + "\n")
        return [e for s in changes_of(path, "github") for e in s.events]

    return write


def kinds(events, *wanted):
    return [e.kind for e in events if e.kind in wanted]


SOURCE = (EventKind.SOURCE_BLIND, EventKind.SOURCE_BACK)


@pytest.mark.parametrize("nulls", [1, 2, 9])
def test_a_run_of_nulls_is_one_source_blind_and_one_source_back(polls, nulls):
    assert kinds(polls(body(), *[None] * nulls, body()), *SOURCE) == [*SOURCE]


def test_two_runs_of_nulls_are_two_of_each(polls):
    assert kinds(polls(body(), None, body(), None, None, body()), *SOURCE) == [*SOURCE, *SOURCE]


def test_nulls_at_the_end_are_blind_and_never_back(polls):
    assert kinds(polls(body(), None, None), *SOURCE) == [EventKind.SOURCE_BLIND]


@pytest.mark.parametrize("broken", [{}, [], "Bad gateway", 7, {"page": {"id": "p"}}])
def test_a_body_that_is_no_page_is_blind_too(polls, broken):
    assert kinds(polls(body(), broken, body()), *SOURCE) == [*SOURCE]


def test_an_incident_is_opened_once_and_closed_once(polls):
    shown = body(incident(), colour="major_outage")
    events = polls(body(), shown, shown, body(incident("resolved", ("u2", "resolved", 9))), body(), body())
    assert kinds(events, EventKind.INCIDENT_OPENED, EventKind.INCIDENT_RESOLVED) == [
        EventKind.INCIDENT_OPENED,
        EventKind.INCIDENT_RESOLVED,
    ]


def test_an_incident_that_left_the_page_is_closed_and_its_words_are_missing(polls):
    events = polls(body(), body(incident(), colour="major_outage"), body())
    [end] = [e for e in events if e.kind is EventKind.INCIDENT_RESOLVED]
    assert end.reason_code == "left_page"


def test_a_missing_list_closes_nothing(polls):
    events = polls(body(), body(incident()), {k: v for k, v in body().items() if k != "incidents"})
    assert kinds(events, EventKind.INCIDENT_RESOLVED) == []


def test_a_packed_recording_is_the_same_recording(polls):
    day = (body(), body(incident(), colour="major_outage"), body())
    assert polls(*day) == polls(*day, opener=gzip.open)


@pytest.fixture(scope="module")
def github(shared):
    """Some 600 of the real polls, from the weeks in which the recorder failed most often."""
    path = shared / "github" / "polls-2020-11_2024-12.ndjson.xz"
    return list(changes_of(path, "github", polls=range(1800, 2400)))


def test_real_incidents_are_opened_once_and_closed_once(github):
    events = [e for s in github for e in s.events]
    opened = Counter(e.incident for e in events if e.kind is EventKind.INCIDENT_OPENED)
    assert len(opened) > 50
    closed = Counter(e.incident for e in events if e.kind is EventKind.INCIDENT_RESOLVED)
    still_open = {k.incident.id for k in github[-1].state.open_incidents}
    assert set(opened.values()) == {1} == set(closed.values())
    assert set(opened) - set(closed) == still_open


def test_real_nulls_are_blind_once_and_back_once(github):
    told = kinds([e for s in github for e in s.events], *SOURCE)
    assert len(told) > 20
    assert [k for k, _ in groupby(told)] == told


# --- what a reader knows ----------------------------------------------------------------------------------------------


def misled(changes, provider):
    """Where the channel's message about an incident shows another call than the verdict is, while it still tells."""
    shown = {}
    for change, posts in posts_of(changes, provider):
        for post in posts:
            if post.kind in (NotificationKind.ALERT, NotificationKind.EDIT):
                shown[post.incident] = {x.surface: (x.condition, x.verdict.call) for x in post.about.lines}
        for known in change.state.incidents:
            for surface in set(known.surfaces) - set(known.freed):
                now = change.state.surface_state(surface).condition, change.state.verdict(surface).call
                if known.incident.id in shown and shown[known.incident.id].get(surface) != now:
                    yield change.at, known.incident.id, surface, now


def untold(changes, provider):
    """Advice that fell to *don't retry* on surfaces of an alert, and was not in the channel or in a new message."""
    for change, posts in posts_of(changes, provider):
        said = {v.surface for p in posts if p.news and p.news.broadcast for _, v in p.news.verdicts}
        fresh = {p.incident for p in posts if p.kind is NotificationKind.ALERT}
        for event in change.events:
            old = change.before.verdict(event.surface) if event.surface else None
            was_told = old and old.call in (Advice.RETRY_NORMALLY, Advice.RETRY_GENTLY)
            is_another = event.verdict in (Advice.HOLD_OFF, Advice.FAIL_OVER) and was_told
            known = change.state.tracked_incident(event.incident) if event.incident else None
            if is_another and known and event.surface in known.surfaces and not event.is_baseline:
                is_quiet = known.is_baseline or (known.incident.is_maintenance and not posts)
                if event.surface not in said and event.incident not in fresh and not is_quiet:
                    yield change.at, event.incident, event.surface, event.verdict


@pytest.mark.parametrize("wrong", [misled, untold])
def test_no_reader_of_the_demo_day_is_left_with_an_old_verdict(wrong):
    assert list(wrong(kept_changes_of(DEMO, "claude"), "claude")) == []


@pytest.mark.parametrize("wrong", [misled, untold])
def test_no_reader_of_real_polls_is_left_with_an_old_verdict(wrong, github):
    assert list(wrong(github, "github")) == []


def test_no_thread_is_told_the_same_twice():
    keys = [(p.incident, p.key) for _, posts in posts_of(kept_changes_of(DEMO, "claude"), "claude") for p in posts]
    assert len(keys) == len(set(keys))


def test_every_incident_of_the_demo_day_has_one_message():
    posts = [p for _, all_of_them in posts_of(kept_changes_of(DEMO, "claude"), "claude") for p in all_of_them]
    assert set(Counter(p.incident for p in posts if p.kind is NotificationKind.ALERT).values()) == {1}


# --- what a history tells afterwards ----------------------------------------------------------------------------------


def told(tmp_path, *posts):
    """The events of a history with one incident; ``posts`` are (stage, hour)."""
    updates = [
        {
            "id": f"u{h}",
            "status": stage,
            "body": f"words of {h}",
            "display_at": f"2024-05-{1 + h // 24:02}T{h % 24:02}:00Z",
        }
        for stage, h in posts
    ]
    one = {"id": "i1", "name": "Errors", "impact": "minor", "incident_updates": updates[::-1]}
    file = tmp_path / "history.json"
    file.write_text(json.dumps({"page": {"name": "GitHub"}, "incidents": [one]}))
    return [e for s in changes_of(file, "github") for e in s.events]


def test_an_incident_that_was_posted_when_it_was_over_is_in_the_timeline_and_moves_nothing(tmp_path):
    events = told(tmp_path, ("resolved", 1))
    assert [e.kind for e in events] == [
        EventKind.INCIDENT_OPENED,
        EventKind.UPDATE_POSTED,
        EventKind.INCIDENT_RESOLVED,
    ]
    assert events[0].reason_code == "told_afterwards"


def test_a_post_mortem_of_a_week_later_is_one_more_post_of_the_same_incident(tmp_path):
    events = told(tmp_path, ("investigating", 1), ("resolved", 2), ("postmortem", 170))
    vendor = [e.kind for e in events if e.kind.startswith(("incident", "update"))]
    assert vendor == [
        EventKind.INCIDENT_OPENED,
        EventKind.UPDATE_POSTED,
        EventKind.UPDATE_POSTED,
        EventKind.INCIDENT_RESOLVED,
        EventKind.UPDATE_POSTED,
    ]


@pytest.mark.parametrize("name", ["openai", "anthropic", "characterai"])
def test_every_incident_and_every_post_of_the_real_histories_is_an_event(shared, name):
    path = shared / "llm-2021-2023" / f"{name}.json"
    incidents = json.loads(path.read_text())["incidents"]
    events = [e for s in kept_changes_of(path, "claude" if name == "anthropic" else name) for e in s.events]
    assert {e.incident for e in events if e.kind is EventKind.INCIDENT_OPENED} == {i["id"] for i in incidents}
    posted = Counter(e.update for e in events if e.kind is EventKind.UPDATE_POSTED)
    assert posted == Counter(u["id"] for i in incidents for u in i["incident_updates"])
