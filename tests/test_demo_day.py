"""The demo's day: the facts are the vendor's, and every word is ours."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot import settings
from bot.evaluation.replay import event_json, replay
from bot.formats import recordings, statuspage
from bot.formats.reconstruction import change_times, incident_at, read_history, summary_at

DEMO = (Path(__file__).parents[1] / "config" / "demo" / "2026-03-02.json").read_bytes()
FACTS = ("status", "impact", "created_at", "started_at", "resolved_at")


@pytest.fixture
def real(shared):
    return (shared / "claude" / "2026-03-02.json").read_bytes()


def by_time(raw):
    return sorted(json.loads(raw)["incidents"], key=lambda i: i["created_at"])


def updates(incident):
    return sorted(incident["incident_updates"], key=lambda u: u["display_at"])


def facts(raw):
    moved = ("code", "name", "old_status", "new_status")
    return [
        (
            [incident[key] for key in FACTS],
            [c["name"] for c in incident["components"]],
            [
                (u["display_at"], u["status"], [[c[key] for key in moved] for c in u["affected_components"]])
                for u in updates(incident)
            ],
        )
        for incident in by_time(raw)
    ]


def words(raw):
    told = [text for i in by_time(raw) for text in (i["name"], *(u["body"] for u in i["incident_updates"]))]
    return {" ".join(text.casefold().strip(" .").split()) for text in told}


def meaning(path_or_file):
    """What the bot makes of a recording, without ids and words."""
    found = settings.load()
    provider = found.provider("claude")
    kept = ("at", "kind", "stage", "surface", "condition", "verdict", "exposure", "inferred", "reason_code")
    changes = replay(recordings.read_recording(path_or_file), provider, found.rules_for(provider))
    said = [event_json(event, reconstructed=True) for change in changes for event in change.events]
    return [{key: event.get(key) for key in kept} for event in said]


def test_the_day_is_a_history_of_six_incidents_on_loopback():
    day = read_history(DEMO)
    assert ([*day.incidents], day.page["url"]) == ([f"demo-0302-{n}" for n in range(1, 7)], "http://127.0.0.1")


def test_every_moment_of_the_day_is_a_readable_page():
    day = read_history(DEMO)
    for at in change_times(day):
        statuspage.parse_body(summary_at(day, at))


@pytest.mark.parametrize(
    ("hour", "minute", "said"),
    [
        (
            12,
            22,
            "The Claude API works as it should. The trouble is with claude.ai and with the login and logout paths.",
        ),
        (13, 38, "Some API methods turn out to fail after all, and we are looking into that."),
    ],
)
def test_the_turns_of_the_morning_are_told_in_words(hour, minute, said):
    at = datetime(2026, 3, 2, hour, minute, tzinfo=UTC)
    assert incident_at(read_history(DEMO), "demo-0302-1", at)["incident_updates"][0]["body"] == said


def test_the_relapses_are_told_as_such():
    again = [u["display_at"][11:16] for i in by_time(DEMO) for u in updates(i) if "again" in u["body"]]
    assert again == ["17:15", "18:18"]


def test_the_facts_are_those_that_the_vendor_published(real):
    assert facts(DEMO) == facts(real)


def test_no_title_and_no_text_is_the_vendors(real):
    assert words(DEMO).isdisjoint(words(real))


def test_no_id_of_an_incident_or_update_is_the_vendors(real):
    ids = [{x["id"] for i in by_time(raw) for x in (i, *i["incident_updates"])} for raw in (DEMO, real)]
    assert ids[0].isdisjoint(ids[1])


def test_a_reader_of_the_words_takes_them_as_the_vendors_were_meant(shared):
    with (shared / "claude" / "2026-03-02.json").open("rb") as theirs:
        expected = meaning(theirs)
    with (Path(__file__).parents[1] / "config" / "demo" / "2026-03-02.json").open("rb") as ours:
        assert meaning(ours) == expected
