"""Slack's own page: ours, and twelve real polls where they are at hand."""

import json

from bot.domain import Condition, Snapshot, Stage
from bot.formats import slackstatus
from tests.formats.format_contract import assert_kept, outcome
from tests.formats.pages import NOON, read, source


def open_now():
    return read("slack", "open")


def test_a_bare_number_gets_the_providers_name():
    assert [i.id for i in open_now().incidents] == ["acme-1201", "acme-1202"]


def test_notes_are_updates_in_plain_text_oldest_first():
    assert [u.body for u in open_now().incidents[0].updates] == [
        "Some people can't send messages.",
        "We are still looking.",
    ]


def test_the_services_of_now_are_told_with_every_note():
    moved = {m.component_id: m.new for m in open_now().incidents[0].updates[0].transitions}
    assert moved == {"Messaging": Condition.MAJOR_OUTAGE, "Connections": Condition.MAJOR_OUTAGE}


def test_a_notice_says_of_no_service_that_it_is_down():
    assert open_now().incidents[1].updates[0].transitions is None


def test_what_is_scheduled_is_a_maintenance():
    assert [(m.id, m.stage) for m in open_now().maintenances] == [("acme-1203", Stage.SCHEDULED)]


def test_the_history_tells_how_an_incident_ended():
    item = {
        "id": 7,
        "date_created": "2026-01-10T01:50:00-08:00",
        "title": "t",
        "type": "incident",
        "status": "resolved",
    }
    note = {"date_created": "2026-01-10T01:59:00-08:00", "body": "It works again."}
    raw = json.dumps([item | {"services": [], "notes": [note]}]).encode()
    (found,) = slackstatus.parse_history((raw,), source("slack"), NOON).incidents
    assert (found.stage, found.updates[-1].stage) == (Stage.RESOLVED, Stage.RESOLVED)


def test_the_real_polls_keep_the_contract_and_their_updates_keep_their_ids(shared):
    polls = json.loads((shared / "samples" / "slack-current-polls.json").read_bytes())
    seen = {}
    for poll in polls:
        body = (json.dumps(poll["body"]).encode(),)
        assert_kept("slack", body)
        found = outcome("slack", body)
        assert isinstance(found, Snapshot)
        for incident in found.incidents:
            updates = {u.id: u.body for u in incident.updates}
            assert seen.get(incident.id, {}).items() <= updates.items()
            seen[incident.id] = updates
    assert {i: len(updates) for i, updates in seen.items()} == {"acme-1167": 8, "acme-1168": 3}
