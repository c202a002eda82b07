"""Google's incidents.json: pages of our own, and the real objects where they are at hand."""

import json
from datetime import UTC, datetime

import pytest

from bot.domain import Condition, Impact, Snapshot, Stage
from bot.formats import FORMATS
from tests.formats.format_contract import assert_kept, assert_sound, outcome
from tests.formats.pages import NOON, PAGES, read, source


def only(name, **options):
    (found, *_) = read("google", name, **options).incidents
    return found


def test_no_end_is_open():
    assert only("open").stage is Stage.INVESTIGATING


def test_an_empty_end_is_open_too():
    assert only("workspace-open").stage is Stage.INVESTIGATING


def test_an_end_is_an_end():
    assert only("ended").stage is Stage.RESOLVED


def test_available_before_the_end_is_monitoring():
    assert [u.stage for u in only("ended").updates] == [Stage.INVESTIGATING, Stage.MONITORING, Stage.RESOLVED]


def test_every_update_tells_of_the_products_by_id():
    (moved,) = only("open").updates[0].transitions
    assert (moved.component_id, moved.new) == ("Z0FZJAMvEB4j3NbCJs6B", Condition.MAJOR_OUTAGE)


def test_an_update_keeps_its_id_when_its_text_is_edited():
    before = read("google", "open").incidents[0].updates[0]
    assert before.id == "openGeminiIncident01:2026-01-10T09:41:00+00:00"


def test_the_impact_is_the_vendors():
    assert only("open").impact is Impact.CRITICAL


def test_the_link_is_below_the_dashboard():
    assert only("open").url == "https://status.example.com/incidents/openGeminiIncident01"


def test_products_that_were_not_asked_for_are_left_out():
    assert read("google", "open", products=("Gmail",)).incidents == ()


def test_products_go_by_name_too():
    assert len(read("google", "open", products=("vertex gemini api",)).incidents) == 1


def test_an_incident_from_before_ids_goes_by_its_number_and_the_provider():
    assert [i.id for i in read("google", "ended").incidents][1] == "acme-20001"


def test_there_are_no_components_to_be_well_or_not():
    assert read("google", "clear").components is None


def test_the_real_objects_are_read_and_keep_the_contract(shared):
    listed = json.loads((shared / "samples" / "google-incidents.json").read_bytes())
    for item in listed:
        body = (json.dumps([item]).encode(),)
        assert_kept("google", body)
        found = outcome("google", body)
        assert isinstance(found, Snapshot)
        assert_sound(found)


def test_of_the_real_objects_the_one_without_an_end_is_open(shared):
    raw = (shared / "samples" / "google-incidents.json").read_bytes()
    by_id = {i.id: i for i in outcome("google", (raw,)).incidents}
    assert {i: found.stage for i, found in by_id.items() if not found.stage.is_closed} == {
        "XdQANahFJvMuxxkgA34K": Stage.INVESTIGATING
    }
    assert by_id["XdQANahFJvMuxxkgA34K"].started_at == datetime(2022, 6, 2, 20, 55, 45, tzinfo=UTC)


def _in_places(*places):
    [item] = json.loads(PAGES["google", "open"][0])
    item["currently_affected_locations"] = [{"title": p, "id": p} for p in places[:1]]
    item["updates"][0]["affected_locations"] = [{"title": p, "id": p} for p in places[1:]]
    return json.dumps([item]).encode()


@pytest.mark.parametrize(
    ("places", "regions"),
    [
        ((), ()),
        (("us-west1",), ("us-west1",)),
        (("us-west1", "europe-west4"), ("europe-west4", "us-west1")),
        (("us-west1", "global"), ()),
        (("us",), ()),
    ],
)
def test_an_incident_is_in_the_regions_that_it_names_unless_one_is_wider(places, regions):
    snapshot = FORMATS["google"].parse((_in_places(*places),), source("google"), NOON)
    assert snapshot.incidents[0].regions == regions


def test_with_regions_incidents_of_others_are_elsewhere():
    ours = source("google", regions=("europe-west4",))
    snapshot = FORMATS["google"].parse((_in_places("us-west1"),), ours, NOON)
    assert (snapshot.incidents, len(snapshot.elsewhere)) == ((), 1)


def test_an_incident_of_which_only_the_newest_post_is_there_has_that_post():
    [item] = json.loads(PAGES["google", "open"][0])
    del item["updates"]
    [incident] = FORMATS["google"].parse((json.dumps([item]).encode(),), source("google"), NOON).incidents
    assert [u.body for u in incident.updates] == ["**Still failing** for some projects."]
