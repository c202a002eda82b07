"""One odd entry never makes a page unreadable, clears nothing, and costs no neighbour: on every page of every format.

Each test takes something away from a page, or puts a word into it that no version knows, one place after the other.
"""

import json
import re

import pytest

from bot.domain import Condition, Snapshot
from bot.formats import FORMATS
from bot.formats.base import Absence
from tests.formats.format_contract import assert_sound, incidents_of, outcome
from tests.formats.pages import PAGES

JSON_PAGES = [(kind, name) for kind, name in PAGES if kind != "feed"]
ON_EVERY_PAGE = pytest.mark.parametrize(("kind", "name"), JSON_PAGES)


def places(value, at=()):
    """The path of every value inside a JSON value."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*at, key), inner
            yield from places(inner, (*at, key))


def changed(value, path, change):
    """A copy of a JSON value in which ``change`` was applied to the container of what is at ``path``."""
    copy = dict(value) if isinstance(value, dict) else list(value)
    if len(path) == 1:
        change(copy, path[0])
    else:
        copy[path[0]] = changed(copy[path[0]], path[1:], change)
    return copy


def variants(kind, name, change, applies):
    """What the reader makes of the page, for every place where the change applies: the path and the outcome."""
    bodies = PAGES[kind, name]
    for number, body in enumerate(bodies):
        value = json.loads(body)
        for path, inner in places(value):
            if applies(path, inner):
                altered = list(bodies)
                altered[number] = json.dumps(changed(value, path, change)).encode()
                yield path, outcome(kind, tuple(altered))


def drop(container, key):
    del container[key]


def open_ids(snapshot):
    return {i.id for i in incidents_of(snapshot) if not i.stage.is_closed}


def lost(before, after):
    """The open incidents that are missing or over after the change."""
    closed = {i.id for i in incidents_of(after) if i.stage.is_closed} & open_ids(before)
    missing = open_ids(before) - {i.id for i in incidents_of(after)}
    return closed, missing


def assert_no_all_clear(before, after, path):
    """No component is better than before, no open incident is over, and none is missing from a list that is whole."""
    conditions = {c.id: c.condition for c in before.components or ()}
    for component in after.components or ():
        allowed = {conditions.get(component.id, component.condition), Condition.UNKNOWN}
        if component.condition not in allowed:
            assert component.condition is not Condition.OPERATIONAL, path
    closed, missing = lost(before, after)
    assert not closed, path
    stands_in = after.unidentified
    is_told = after.is_partial or len(missing) <= len(stands_in) or None in (after.incidents, after.maintenances)
    assert not missing or is_told, path


def inside_an_entry(path, _inner):
    return isinstance(path[-1], str) and any(isinstance(key, int) for key in path)


@ON_EVERY_PAGE
def test_an_entry_that_lacks_a_field_is_read_as_far_as_it_goes(kind, name):
    before = outcome(kind, PAGES[kind, name])
    for path, after in variants(kind, name, drop, inside_an_entry):
        assert isinstance(after, Snapshot), (path, after)
        assert_sound(after)
        assert_no_all_clear(before, after, path)
        assert len(lost(before, after)[1]) <= 1, path


@ON_EVERY_PAGE
def test_a_field_of_the_page_that_is_missing_is_no_all_clear(kind, name):
    before = outcome(kind, PAGES[kind, name])
    for path, after in variants(kind, name, drop, lambda path, _: all(isinstance(key, str) for key in path)):
        if isinstance(after, Snapshot):
            assert_sound(after)
            closed, missing = lost(before, after)
            assert not closed, path
            is_asked = FORMATS[kind].absence is not Absence.OVER
            is_doubted = is_asked or after.contradiction or None in (after.incidents, after.maintenances)
            left_out_when_empty = path in {("activeMaintenances",), ("scheduledMaintenances",)}
            assert len(missing) <= len(after.unidentified) or is_doubted or left_out_when_empty, path


@ON_EVERY_PAGE
@pytest.mark.parametrize("odd", [None, 7, "odd", [], {}, {"odd": None}])
def test_an_entry_that_says_nothing_costs_no_neighbour(kind, name, odd):
    before = outcome(kind, PAGES[kind, name])

    def add(container, key):
        container[key] = [odd, *container[key], odd]

    for path, after in variants(kind, name, add, lambda _, inner: isinstance(inner, list) and inner):
        assert isinstance(after, Snapshot), (path, odd, after)
        assert_sound(after)
        assert not any(lost(before, after)), (path, odd)


@ON_EVERY_PAGE
def test_a_list_that_is_none_in_an_entry_changes_no_other_entry(kind, name):
    before = outcome(kind, PAGES[kind, name])

    def empty(container, key):
        container[key] = []

    for path, after in variants(kind, name, empty, lambda path, inner: isinstance(inner, list) and len(path) > 1):
        is_of_one_service = kind == "apple" and path[-1] == "events"  # all that Apple says of it: it has no events
        if any(isinstance(key, int) for key in path) and not is_of_one_service:
            assert isinstance(after, Snapshot), path
            assert_sound(after)
            assert not any(lost(before, after)), path


@ON_EVERY_PAGE
@pytest.mark.parametrize("word", ["purple", "MAJOR outage", "", None, 77, {"word": "red"}])
def test_a_word_that_nobody_knows_is_never_an_all_clear(kind, name, word):
    before = outcome(kind, PAGES[kind, name])

    def say(container, key):
        container[key] = word

    states = {
        "statusClass",
        "statusType",
        "eventStatus",
        "eventType",
        "status",
        "Status",
        "outage",
        "degradation",
        "status_code",
        "state",
        "stage",
        "condition",
        "current",
        "aggregate_state",
        "update_type",
    }
    states |= {"current_status", "new_status", "to_status", "status_impact", "severity", "impact", "type"}
    for path, after in variants(kind, name, say, lambda path, _: path[-1] in states and inside_an_entry(path, _)):
        assert isinstance(after, Snapshot), (path, after)
        assert_no_all_clear(before, after, path)


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind != "feed"])
def test_what_is_odd_is_said(kind):
    said = {
        problem
        for page_kind, name in JSON_PAGES
        if page_kind == kind
        for _, after in variants(kind, name, drop, inside_an_entry)
        for problem in after.problems
    }
    assert said


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if FORMATS[kind].optional_paths])
@pytest.mark.parametrize("body", [b"<html>Bad gateway</html>", b"", b"[1]", b"null"])
def test_an_answer_that_a_poll_may_lack_costs_no_incident_when_it_cannot_be_read(kind, body):
    before = outcome(kind, PAGES[kind, "open"])
    after = outcome(kind, (*PAGES[kind, "open"][:-1], body))
    incidents = {i.id for i in before.incidents if not i.stage.is_closed}
    assert incidents <= open_ids(after)
    assert after.components in (None, before.components)
    assert after.maintenances in (None, before.maintenances)


@ON_EVERY_PAGE
@pytest.mark.parametrize("never", ["0001-01-01T00:00:00Z", "0000-00-00 00:00:00", "-", -1])
def test_a_time_that_stands_for_none_ends_nothing(kind, name, never):
    before = outcome(kind, PAGES[kind, name])

    def put(container, key):
        container[key] = never

    for path, after in variants(
        kind, name, put, lambda path, _: re.search(r"end|resolved|until|complet", str(path[-1]))
    ):
        if isinstance(after, Snapshot):
            assert not lost(before, after)[0], path
