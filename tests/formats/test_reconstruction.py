"""What a page must have shown, told from its incidents afterwards."""

import copy
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import Condition, Stage
from bot.errors import ParseError
from bot.formats import reconstruction, statuspage


def at(hour, minute=0):
    return datetime(2026, 1, 1, hour, minute, tzinfo=UTC)


def update(identity, hour, status, **moves):
    """An update; ``moves`` maps a component's code to its old and new status."""
    return {
        "id": identity,
        "status": status,
        "body": f"words of {identity}",
        "display_at": at(hour).isoformat(),
        "affected_components": [
            {"code": c, "name": c.upper(), "old_status": o, "new_status": n} for c, (o, n) in moves.items()
        ]
        or None,
    }


def incident(identity, *updates, impact="major", components=(), **keys):
    return {
        "id": identity,
        "name": f"about {identity}",
        "impact": impact,
        "components": list(components),
        "incident_updates": list(updates[::-1]),
        **keys,
    }


def told(*incidents, page=None):
    return reconstruction.read_history(
        json.dumps({"page": page or {"id": "p", "name": "Page"}, "incidents": list(incidents)}).encode()
    )


def shown(past, when):
    return statuspage.parse_body(reconstruction.summary_at(past, when))


def conditions(past, when):
    return {c.id: c.condition for c in shown(past, when).components}


WEB = ("operational", "partial_outage")
BACK = ("partial_outage", "operational")
ONE = told(
    incident(
        "i",
        update("u1", 1, "investigating", web=WEB),
        update("u2", 2, "monitoring", web=BACK),
        update("u3", 3, "resolved", web=("operational", "operational")),
    )
)


def test_before_its_first_post_an_incident_is_not_there():
    assert shown(ONE, at(0, 59)).incidents == ()


def test_an_update_appears_at_its_display_time():
    assert [u.id for u in shown(ONE, at(2)).incidents[0].updates] == ["u1", "u2"]


def test_an_incident_stands_at_the_stage_of_its_newest_update():
    assert shown(ONE, at(2, 30)).incidents[0].stage is Stage.MONITORING


def test_a_resolved_incident_vanishes_from_the_summary():
    assert shown(ONE, at(3)).incidents == ()


def test_a_resolved_incident_keeps_its_own_page():
    own = statuspage.parse_incident_body(reconstruction.incident_at(ONE, "i", at(3)))
    assert (own.stage, len(own.updates)) == (Stage.RESOLVED, 3)


def test_an_incident_has_no_own_page_before_its_first_post():
    assert reconstruction.incident_at(ONE, "i", at(0)) is None


def test_an_unknown_incident_has_no_own_page():
    assert reconstruction.incident_at(ONE, "nobody", at(3)) is None


def test_a_component_has_the_status_of_the_newest_transition():
    assert [conditions(ONE, at(h))["web"] for h in (0, 1, 2)] == [
        Condition.OPERATIONAL,
        Condition.PARTIAL_OUTAGE,
        Condition.OPERATIONAL,
    ]


def test_the_newest_transition_counts_whichever_incident_it_belongs_to():
    past = told(
        incident(
            "a",
            update("a1", 1, "investigating", web=WEB),
            update("a2", 4, "identified", web=("degraded_performance", "degraded_performance")),
        ),
        incident("b", update("b1", 2, "investigating", web=("partial_outage", "major_outage"))),
    )
    assert [conditions(past, at(h))["web"] for h in (2, 4)] == [Condition.MAJOR_OUTAGE, Condition.DEGRADED]


def test_without_transitions_stage_and_impact_move_the_listed_components():
    past = told(
        incident(
            "i",
            update("u1", 1, "investigating"),
            update("u2", 2, "monitoring"),
            impact="minor",
            components=[{"name": "API"}],
        )
    )
    assert [conditions(past, at(h))["API"] for h in (1, 2)] == [Condition.DEGRADED, Condition.OPERATIONAL]


def test_without_transitions_the_end_of_one_incident_does_not_free_what_another_holds():
    past = told(
        incident(
            "a",
            update("a1", 1, "investigating"),
            update("a2", 3, "resolved"),
            impact="minor",
            components=[{"name": "API"}],
        ),
        incident("b", update("b1", 2, "investigating"), update("b2", 4, "resolved"), components=[{"name": "API"}]),
    )
    assert [conditions(past, at(h))["API"] for h in (1, 2, 3, 4)] == [
        Condition.DEGRADED,
        Condition.PARTIAL_OUTAGE,
        Condition.PARTIAL_OUTAGE,
        Condition.OPERATIONAL,
    ]


def test_a_component_named_in_one_incident_is_known_by_its_id_from_another():
    past = told(
        incident("a", update("a1", 1, "investigating", web=WEB)),
        incident("b", update("b1", 2, "investigating"), components=[{"name": "WEB"}]),
    )
    assert set(conditions(past, at(2))) == {"web"}


def test_a_name_that_no_transition_knows_makes_no_second_component():
    past = told(incident("a", update("a1", 1, "investigating", web=WEB), components=[{"name": "Web (new name)"}]))
    assert set(conditions(past, at(1))) == {"web"}


def test_the_incidents_components_are_those_touched_so_far():
    past = told(incident("i", update("u1", 1, "investigating", web=WEB), update("u2", 2, "investigating", api=WEB)))
    assert [[c.id for c in shown(past, at(h)).incidents[0].components] for h in (1, 2)] == [["web"], ["web", "api"]]


def test_a_maintenance_is_listed_as_one_with_its_window():
    past = told(incident("m", update("u1", 1, "scheduled"), impact="maintenance", scheduled_for="2026-01-02T00:00:00Z"))
    (planned,) = shown(past, at(1)).maintenances
    assert (planned.id, planned.scheduled_for) == ("m", datetime(2026, 1, 2, tzinfo=UTC))


def test_incidents_are_listed_newest_first_closed_ones_too():
    past = told(incident("a", update("a1", 1, "resolved")), incident("b", update("b1", 2, "investigating")))
    assert [i["id"] for i in reconstruction.incidents_at(past, at(2))] == ["b", "a"]


def test_the_page_changes_at_each_update_once():
    past = told(
        incident("a", update("a1", 1, "investigating")),
        incident("b", update("b1", 1, "investigating"), update("b2", 2, "resolved")),
    )
    assert reconstruction.change_times(past) == (at(1), at(2))


def test_of_two_incidents_with_one_id_the_first_counts():
    past = told(
        incident("i", update("u1", 1, "investigating"), impact="minor"), incident("i", update("u9", 2, "investigating"))
    )
    assert [u.id for u in shown(past, at(3)).incidents[0].updates] == ["u1"]


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ({"incident_updates": []}, "an incident has no id"),
        (7, "an incident is not an object"),
        ({"id": "j", "incident_updates": None}, "incident j has no updates"),
        ({"id": "j", "incident_updates": [{"id": "u"}]}, "update 'u' has no id or no time"),
        (
            incident("j", update("u9", 1, "investigating"), components=[{}]),
            "a component of an incident has no code, no id and no name",
        ),
    ],
)
def test_one_incident_that_can_not_be_read_is_left_out_and_said(bad, why):
    past = told(incident("i", update("u1", 1, "investigating")), bad)
    assert list(past.incidents) == ["i"]
    assert reconstruction.unread_text(past) == f"1 incident that can't be read is left out: {why}"


def test_where_no_incident_can_be_read_the_history_is_refused_with_the_first_reason():
    with pytest.raises(ParseError, match="none of its 2 incidents can be read: incident i has no updates"):
        told(incident("i"), incident("j"))


def test_a_page_that_does_not_say_its_name_goes_by_its_host():
    assert reconstruction.page_names({"url": "https://status.acme.example/"}) == ("status.acme.example",)


@pytest.mark.parametrize("page", [b"", b'"page": null, ', b'"page": {}, '])
def test_a_history_without_a_page_is_read_and_has_no_name(page):
    past = reconstruction.read_history(b'{%s"incidents": []}' % page)
    assert (reconstruction.page_names(past.page), reconstruction.change_times(past)) == ((), ())


def test_maintenances_in_a_list_of_their_own_are_read_too():
    body = {"page": {"name": "P"}, "incidents": [], "scheduled_maintenances": []}
    body["scheduled_maintenances"] += [incident("m", update("u1", 1, "scheduled"), impact="maintenance")]
    assert list(reconstruction.read_history(json.dumps(body).encode()).incidents) == ["m"]


def test_a_newest_update_without_a_status_has_that_of_its_incident():
    newest = update("u2", 2, "resolved")
    del newest["status"]
    past = told(incident("i", update("u1", 1, "investigating"), newest, status="resolved"))
    assert [i.id for i in shown(past, at(1)).incidents] == ["i"]
    assert shown(past, at(2)).incidents == ()


def afterwards(past, when):
    return [(body["id"], is_new) for body, is_new in reconstruction.retroactive_incidents(past, when)]


def test_what_is_said_of_an_incident_that_is_over_is_told_apart():
    past = told(
        incident("a", update("a1", 1, "investigating"), update("a2", 2, "resolved"), update("a3", 5, "postmortem")),
        incident("b", update("b1", 2, "resolved")),
    )
    assert [afterwards(past, at(hour)) for hour in (1, 2, 5)] == [[], [("b", True)], [("a", False)]]


def test_an_incident_that_is_opened_again_is_not_told_of_afterwards():
    past = told(
        incident("a", update("a1", 1, "resolved"), update("a2", 2, "investigating"), update("a3", 3, "resolved"))
    )
    assert [afterwards(past, at(hour)) for hour in (1, 2, 3)] == [[("a", True)], [], []]


def test_of_a_history_that_could_be_read_nothing_is_said():
    assert reconstruction.unread_text(told(incident("i", update("u1", 1, "investigating")))) == ""


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        b'{"page": {"name": "P"}}',
        b'{"page": "P", "incidents": []}',
        b'{"page": {"name": "P"}, "incidents": null}',
        b'{"page": {"name": "P"}, "incidents": {}}',
        b'{"page": {"name": "P"}, "incidents": [1]}',
        b'{"page": {"name": "P"}, "incidents": [{"incident_updates": []}]}',
        b'{"page": {"name": "P"}, "incidents": [{"id": "i", "incident_updates": ["u"]}]}',
        b'{"page": {"name": "P"}, "incidents": [{"id": "i", "incident_updates": [{"id": "u"}]}]}',
        b'{"page": {"name": "P"}, "incidents": [{"id": "i", "incident_updates": [{"display_at": "2026-01-01"}]}]}',
        b'{"page": {"name": "P"}, "incidents": [{"id": "i", "components": [{}], "incident_updates": []}]}',
    ],
)
def test_what_is_no_history_is_refused(raw):
    with pytest.raises(ParseError):
        reconstruction.read_history(raw)


BODY = {
    "page": {"id": "p", "name": "Page"},
    "incidents": [
        incident(
            "i",
            update("u1", 1, "investigating", web=WEB),
            update("u2", 2, "resolved", web=BACK),
            components=[{"id": "web", "name": "Web"}],
        ),
        incident("j", update("u3", 1, "investigating"), update("u4", 3, "resolved"), components=[{"name": "API"}]),
    ],
}
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.just("\ud800\x00")
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def places(node, path=()):
    yield path
    for key, inner in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from places(inner, (*path, key))


PLACES = [path for path in places(BODY) if path]


@given(st.sampled_from(PLACES), ANYTHING)
def test_a_history_that_was_taken_always_shows_a_readable_page(path, value):
    body = copy.deepcopy(BODY)
    parent = body
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    try:
        past = reconstruction.read_history(json.dumps(body).encode())
    except ParseError:
        return
    for moment in reconstruction.change_times(past):
        assert shown(past, moment) == shown(past, moment)
        statuspage.parse(json.dumps(reconstruction.summary_at(past, moment)).encode())


def test_the_real_day_shows_all_six_incidents_and_ends_green(shared):
    past = reconstruction.read_history((shared / "claude" / "2026-03-02.json").read_bytes())
    end = reconstruction.change_times(past)[-1]
    assert len(past.incidents) == 6
    assert shown(past, end).incidents == ()
    assert {*conditions(past, end).values()} == {Condition.OPERATIONAL}


def test_the_real_day_shows_the_api_back_at_12_21_and_down_again_at_13_37(shared):
    past = reconstruction.read_history((shared / "claude" / "2026-03-02.json").read_bytes())
    day = datetime(2026, 3, 2, tzinfo=UTC)
    seen = [
        conditions(past, day + timedelta(hours=h, minutes=m))["k8w3r06qmzrp"]
        for h, m in ((11, 50), (12, 7), (12, 22), (13, 38), (15, 26))
    ]
    assert seen == [
        Condition.OPERATIONAL,
        Condition.PARTIAL_OUTAGE,
        Condition.OPERATIONAL,
        Condition.PARTIAL_OUTAGE,
        Condition.OPERATIONAL,
    ]


@pytest.mark.parametrize("name", ["openai", "anthropic", "characterai"])
def test_the_real_older_histories_show_readable_pages(shared, name):
    past = reconstruction.read_history((shared / "llm-2021-2023" / f"{name}.json").read_bytes())
    for moment in reconstruction.change_times(past):
        shown(past, moment)
