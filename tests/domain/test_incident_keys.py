"""Keys of incidents: one per source and id, whatever the order in which pages are read."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from bot.domain import Impact, Incident, Snapshot, Stage, incident_keys

AT = datetime(2026, 3, 2, tzinfo=UTC)


def incident(identity):
    return Incident(identity, "Errors", Stage.INVESTIGATING, Impact.MAJOR, AT)


def test_an_id_that_no_other_source_has_is_its_own_key():
    assert incident_keys.assign_keys("acme", ["x1"], [("acme", "x1")]) == {}


def test_an_id_that_another_source_has_gets_its_source_in_front():
    assert incident_keys.assign_keys("globex", ["x1"], [("acme", "x1")]) == {"x1": "globex~x1"}


def test_a_key_that_was_given_once_stays_when_the_other_source_is_gone():
    assert incident_keys.assign_keys("globex", ["x1"], [("globex", "globex~x1")]) == {"x1": "globex~x1"}


def test_an_incident_recorded_under_its_plain_id_keeps_it():
    assert incident_keys.assign_keys("globex", ["x1"], [("acme", "x1"), ("globex", "x1")]) == {}


def test_the_vendors_id_is_found_in_the_key():
    assert [incident_keys.vendor_id("globex", key) for key in ("globex~x1", "x1")] == ["x1", "x1"]


def test_maintenances_have_keys_too():
    shown = Snapshot("p", "Globex", incidents=None, maintenances=(incident("x1"),))
    assert incident_keys.with_keys(shown, {"x1": "globex~x1"}).maintenances[0].id == "globex~x1"


@given(st.lists(st.tuples(st.sampled_from(["acme", "globex", "initech"]), st.sampled_from("abcd")), max_size=30))
def test_two_sources_never_share_a_key_and_each_id_has_one(sightings):
    held, key_of = set(), {}
    for source, identity in sightings:
        key = incident_keys.assign_keys(source, [identity], held).get(identity, identity)
        assert key_of.setdefault((source, identity), key) == key
        held.add((source, key))
    assert len(set(key_of.values())) == len(key_of)
