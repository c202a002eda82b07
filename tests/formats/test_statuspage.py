"""The Statuspage reader against pages of our own making, broken ones, and the real ones where they are at hand."""

import contextlib
import copy
import json
import lzma
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import Condition, Impact, Incident, Snapshot, Stage
from bot.errors import ParseError
from bot.formats import statuspage

PAGES = {path.stem: path.read_bytes() for path in sorted((Path(__file__).parent / "statuspage").glob("*.json"))}
MID = json.loads(PAGES["mid-incident"])
PAGE = {"id": "p", "name": "Page"}


def bytes_of(**body):
    return json.dumps({"page": PAGE, **body}).encode()


def incident(**keys):
    return {
        "id": "i",
        "name": "n",
        "status": "investigating",
        "created_at": "2026-01-01T00:00:00Z",
        "incident_updates": [],
        **keys,
    }


def only_incident(**keys):
    (found,) = statuspage.parse(bytes_of(incidents=[incident(**keys)])).incidents
    return found


def times(found):
    yield from (found.created_at, found.started_at, found.scheduled_for, found.scheduled_until)
    yield from (update.display_at for update in found.updates)


def incidents_of(snapshot):
    return (*(snapshot.incidents or ()), *(snapshot.maintenances or ()))


def assert_sound(snapshot):
    for group in (snapshot.components, snapshot.incidents, snapshot.maintenances):
        ids = [item.id for item in group or ()]
        assert len(ids) == len(set(ids))
        assert all(ids)
    for found in incidents_of(snapshot):
        assert all(at is None or at.utcoffset() == timedelta() for at in times(found))
        json.dumps([found.name, found.url, *(u.body for u in found.updates)], ensure_ascii=False).encode()
        assert list(found.updates) == sorted(found.updates, key=lambda u: u.display_at)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_reads_the_same_twice_and_is_sound(name):
    snapshot = statuspage.parse(PAGES[name])
    assert_sound(snapshot)
    assert snapshot == statuspage.parse(PAGES[name])


def test_components_carry_id_name_and_condition():
    snapshot = statuspage.parse(PAGES["mid-incident"])
    assert [(c.id, c.name, c.condition) for c in snapshot.components] == [
        ("compweb00001", "Web", Condition.PARTIAL_OUTAGE),
        ("compapi00001", "API", Condition.OPERATIONAL),
        ("compjobs0001", "Jobs", Condition.UNKNOWN),
    ]


def test_an_incident_carries_its_updates_oldest_first():
    (found,) = statuspage.parse(PAGES["mid-incident"]).incidents
    assert [u.id for u in found.updates] == ["update000001", "update000002"]


def test_a_time_in_the_pages_own_zone_is_read_as_utc():
    (found,) = statuspage.parse(PAGES["mid-incident"]).incidents
    assert found.updates[0].display_at == datetime(2026, 1, 10, 9, 30, tzinfo=UTC)


def test_null_transitions_are_not_an_empty_list_of_them():
    (found,) = statuspage.parse(PAGES["mid-incident"]).incidents
    assert found.updates[0].transitions is None


def test_a_transition_keeps_the_id_and_the_name_of_its_time():
    (found,) = statuspage.parse(PAGES["mid-incident"]).incidents
    (moved,) = found.updates[1].transitions
    assert (moved.component_id, moved.name, moved.old, moved.new) == (
        "compweb00001",
        "Web (old name)",
        Condition.OPERATIONAL,
        Condition.PARTIAL_OUTAGE,
    )


def test_a_maintenance_is_one_and_has_its_window():
    (found,) = statuspage.parse(PAGES["mid-incident"]).maintenances
    assert (found.is_maintenance, found.stage, found.scheduled_for, found.scheduled_until) == (
        True,
        Stage.SCHEDULED,
        datetime(2026, 1, 12, 2, tzinfo=UTC),
        datetime(2026, 1, 12, 4, tzinfo=UTC),
    )


def test_a_maintenance_among_the_incidents_is_still_a_maintenance():
    assert only_incident(impact="maintenance").is_maintenance


def test_a_shim_on_a_healthy_day_says_nothing_about_incidents():
    snapshot = statuspage.parse(PAGES["shim-healthy"])
    assert (len(snapshot.components), snapshot.incidents, snapshot.maintenances) == (2, None, None)


def test_an_incident_of_a_shim_has_neither_components_nor_transitions():
    (found,) = statuspage.parse(PAGES["shim-incident"]).incidents
    assert (found.components, found.updates[0].transitions, found.url) == ((), None, None)


def test_an_empty_list_of_incidents_is_not_a_missing_one():
    assert statuspage.parse(PAGES["all-clear"]).incidents == ()


def test_unknown_words_are_unknown():
    found = only_incident(status="pondering", impact="purple", components=[{"id": "c", "status": ["operational"]}])
    assert (found.stage, found.impact, found.components[0].condition) == (
        Stage.UNKNOWN,
        Impact.UNKNOWN,
        Condition.UNKNOWN,
    )


def test_an_incident_without_created_at_began_with_its_first_update():
    update = {"id": "u", "status": "investigating", "display_at": "2026-01-01T05:00:00Z"}
    assert only_incident(created_at=None, incident_updates=[update]).created_at == datetime(2026, 1, 1, 5, tzinfo=UTC)


def test_of_two_items_with_one_id_the_first_counts():
    snapshot = statuspage.parse(bytes_of(incidents=[incident(name="new"), incident(name="old")]))
    assert [i.name for i in snapshot.incidents] == ["new"]


def test_a_hostile_shortlink_is_dropped():
    assert only_incident(shortlink="https://a.example|https://b.example").url is None


def test_a_number_as_an_id_is_text():
    assert only_incident(id=2**70).id == "1180591620717411303424"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"status": {"indicator": "none"}},
        {"components": None, "incidents": None},
        {"incident": incident()},
        {"components": "all of them"},
        {"components": {}},
        {"components": [None]},
        {"components": [{"status": "operational"}]},
        {"incidents": [7]},
        {"incidents": [{}]},
        {"incidents": [incident(created_at=None)]},
        {"incidents": [incident(created_at="9999-12-31T23:59:59Z")]},
    ],
)
def test_a_page_that_is_out_of_shape_is_refused(body):
    with pytest.raises(ParseError):
        statuspage.parse(bytes_of(**body))


@pytest.mark.parametrize("page", [None, [], "p", {}, {"id": None, "name": ""}, {"url": "https://x.example"}])
def test_a_page_without_a_name_is_refused(page):
    with pytest.raises(ParseError):
        statuspage.parse(json.dumps({"page": page, "components": []}).encode())


@pytest.mark.parametrize("body", [None, [], "x", 7, {"page": PAGE}, {"page": PAGE, "incident": None}, {"incident": []}])
def test_a_page_without_an_incident_is_no_incident_page(body):
    with pytest.raises(ParseError):
        statuspage.parse_incident(json.dumps(body).encode())


def test_an_incidents_own_page_reads_like_the_incident_in_the_summary():
    own = json.dumps({"page": PAGE, "incident": MID["incidents"][0]}).encode()
    assert statuspage.parse_incident(own) == statuspage.parse(PAGES["mid-incident"]).incidents[0]


def test_a_maintenances_own_page_reads_like_the_maintenance_in_the_summary():
    own = json.dumps({"page": PAGE, "scheduled_maintenance": MID["scheduled_maintenances"][0]}).encode()
    assert statuspage.parse_incident(own) == statuspage.parse(PAGES["mid-incident"]).maintenances[0]


def test_an_own_page_is_asked_for_under_its_kind():
    snapshot = statuspage.parse(PAGES["mid-incident"])
    assert [statuspage.own_path(i) for i in incidents_of(snapshot)] == [
        "/api/v2/incidents/incident0001.json",
        "/api/v2/scheduled-maintenances/mainten00001.json",
    ]


def test_a_hostile_id_stays_inside_its_path_segment():
    path = statuspage.own_path(only_incident(id="../../admin?x=1#y"))
    assert path == "/api/v2/incidents/..%2F..%2Fadmin%3Fx%3D1%23y.json"


@given(st.binary(max_size=300))
def test_any_bytes_are_a_page_or_a_parse_error(raw):
    for read in (statuspage.parse, statuspage.parse_incident):
        with contextlib.suppress(ParseError):
            read(raw)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.just("\ud800\x00")
    | st.just(10**400)
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def places(node, path=()):
    yield path
    for key, inner in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from places(inner, (*path, key))


PLACES = [path for path in places(MID) if path]


def mutated(path, change):
    body = copy.deepcopy(MID)
    parent = body
    for key in path[:-1]:
        parent = parent[key]
    change(parent, path[-1])
    return body


def parsed_or_refused(body):
    try:
        snapshot = statuspage.parse_body(body)
    except ParseError:
        return
    assert isinstance(snapshot, Snapshot)
    assert_sound(snapshot)
    assert snapshot == statuspage.parse_body(body)


@given(st.sampled_from(PLACES), ANYTHING)
def test_any_value_anywhere_on_a_page_is_read_or_refused(path, value):
    parsed_or_refused(mutated(path, lambda parent, key: parent.__setitem__(key, value)))


@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path)))
def test_a_page_with_anything_missing_is_read_or_refused(path):
    parsed_or_refused(mutated(path, lambda parent, key: parent.__delitem__(key)))


@given(st.integers(0, len(PAGES["mid-incident"])), st.binary(max_size=3))
def test_a_page_with_broken_bytes_is_read_or_refused(at, junk):
    raw = PAGES["mid-incident"]
    with contextlib.suppress(ParseError):
        assert_sound(statuspage.parse(raw[:at] + junk + raw[at + len(junk) :]))


@given(st.integers(0, len(PAGES["mid-incident"].rstrip()) - 1))
def test_a_page_that_breaks_off_is_refused(at):
    with pytest.raises(ParseError):
        statuspage.parse(PAGES["mid-incident"].rstrip()[:at])


def test_the_real_claude_page_mid_incident(shared):
    snapshot = statuspage.parse((shared / "samples" / "statuspage-claude-mid-incident.json").read_bytes())
    assert_sound(snapshot)
    assert {c.id: c.condition for c in snapshot.components}["rwppv331jlwc"] is Condition.MAJOR_OUTAGE


def test_the_real_claude_page_all_clear(shared):
    snapshot = statuspage.parse((shared / "samples" / "statuspage-claude-all-clear.json").read_bytes())
    assert {c.condition for c in snapshot.components} == {Condition.OPERATIONAL}


def test_a_real_page_with_groups_keeps_every_component(shared):
    (poll,) = json.loads((shared / "samples" / "statuspage-oci-groups-poll.json").read_bytes())
    assert len(statuspage.parse_body(poll["body"]).components) == len(poll["body"]["components"])


def test_every_real_github_poll_with_a_body_is_sound(shared):
    with lzma.open(shared / "github" / "polls-2020-11_2024-12.ndjson.xz") as lines:
        bodies = [row["body"] for row in map(json.loads, lines) if row["body"]]
    for body in bodies:
        snapshot = statuspage.parse_body(body)
        assert all(isinstance(i, Incident) for i in incidents_of(snapshot))
        assert_sound(snapshot)
