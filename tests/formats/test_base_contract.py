"""Every format keeps the contract, on its own pages, on pages that are no longer quite its own, and on garbage."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain import Condition, Snapshot
from bot.formats import FORMATS
from tests.formats.format_contract import assert_kept, assert_sound, incidents_of, outcome
from tests.formats.pages import NOON, PAGES, read, source

ON_EVERY_PAGE = pytest.mark.parametrize(("kind", "name"), PAGES)
HOSTILE = [
    b"",
    b" ",
    b"null",
    b"[]",
    b"{}",
    b"[[]]",
    b'[{"id": 1}]',
    b'{"data": []}',
    b'{"result": {}}',
    b'{"page": {"id": "p", "name": "n"}}',
    b'{"page": null, "components": null}',
    b"<!doctype html><html><body>Bad gateway</body></html>",
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b"9" * 5_000,
    b"1e999",
    b'{"a": NaN}',
    b"\xff\xfe{\x00",
    b"\xfe\xff\xd8\x00",
    b"\x80\x81\x82",
    b'"\\ud800"',
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><rss><channel>&c;</channel></rss>',
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><rss>&a;</rss>',
    b'<?xml version="1.0" encoding="utf-7"?><rss/>',
    b"<rss version='2.0'><channel><item>",
]


@ON_EVERY_PAGE
def test_a_page_reads_the_same_twice_and_is_sound(kind, name):
    found = read(kind, name)
    assert_sound(found)
    assert found == read(kind, name)


@pytest.mark.parametrize("kind", FORMATS)
def test_every_kind_has_a_page_where_all_is_well_and_one_with_trouble(kind):
    open_pages = [
        n for k, n in PAGES if k == kind and any(not i.stage.is_closed for i in read(kind, n).incidents or ())
    ]
    clear_pages = [n for k, n in PAGES if k == kind and not read(kind, n).incidents]
    assert open_pages
    assert clear_pages


@ON_EVERY_PAGE
def test_a_page_looks_like_its_own_format(kind, name):
    body = PAGES[kind, name][0]
    value = body if kind == "feed" else json.loads(body)
    assert FORMATS[kind].fits(value) or value == [] or name.startswith("shim")


def _with_unknown_words(value, key=""):
    states = {"status", "Status", "statusClass", "status_code", "current_status", "current_incident_type", "value"}
    if isinstance(value, dict):
        return {k: _with_unknown_words(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [_with_unknown_words(v, key) for v in value]
    return "purple" if key in states else value


@pytest.mark.parametrize(
    ("kind", "name"),
    [(k, n) for k, n in PAGES if read(k, n).components and k not in {"incidentio-proxy", "apple", "feed"}],
)
def test_a_word_that_we_do_not_know_is_unknown_and_not_well(kind, name):
    bodies = tuple(json.dumps(_with_unknown_words(json.loads(body))).encode() for body in PAGES[kind, name])
    found = outcome(kind, bodies)
    assert isinstance(found, Snapshot)
    assert {c.condition for c in found.components} == {Condition.UNKNOWN}


@pytest.mark.parametrize("number", range(len(HOSTILE)))
@pytest.mark.parametrize("kind", FORMATS)
def test_garbage_is_refused_or_read_and_nothing_else(kind, number):
    assert_kept(kind, (HOSTILE[number],) * len(FORMATS[kind].paths))


@pytest.mark.hostile(
    16,
    "200 with HTML, nothing, half a page, `{}`, null, an unknown word",
    "no change and no all-clear; blind, told once",
)
@pytest.mark.parametrize(
    "body", [b"", b"{}", b"null", b"<html>Bad gateway</html>", b'{"page": null, "components": null}']
)
@pytest.mark.parametrize("kind", FORMATS)
def test_what_is_no_page_is_never_an_all_clear(kind, body):
    assert isinstance(outcome(kind, (body,) * len(FORMATS[kind].paths)), str)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def _paths(value, at=()):
    yield at
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _paths(inner, (*at, key))


def _replaced(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _replaced(copy[path[0]], path[1:], new)
    return copy


@ON_EVERY_PAGE
@settings(max_examples=25, deadline=timedelta(seconds=2))
@given(data=st.data())
def test_a_page_with_anything_in_the_place_of_something_is_read_or_refused(kind, name, data):
    bodies = list(PAGES[kind, name])
    number = data.draw(st.integers(0, len(bodies) - 1))
    if kind == "feed":
        cut = data.draw(st.integers(0, len(bodies[0])))
        bodies[0] = (
            bodies[0][:cut] + data.draw(st.binary(max_size=30)) + bodies[0][cut + data.draw(st.integers(0, 30)) :]
        )
    else:
        value = json.loads(bodies[number])
        path = data.draw(st.sampled_from(list(_paths(value))))
        bodies[number] = json.dumps(_replaced(value, path, data.draw(JSON))).encode()
    assert_kept(kind, tuple(bodies))


@pytest.mark.parametrize("kind", FORMATS)
@given(body=st.binary(max_size=200))
@settings(max_examples=20, deadline=timedelta(seconds=2))
def test_any_bytes_are_read_or_refused(kind, body):
    assert_kept(kind, (body,) * len(FORMATS[kind].paths))


@ON_EVERY_PAGE
def test_a_page_read_at_another_time_is_sound_too(kind, name):
    for days in (-3650, -1, 1, 3650):
        assert_sound(read(kind, name, NOON + timedelta(days=days)))


@pytest.mark.hostile(
    43,
    "an incident with the id `../../admin?x#y`",
    "its own page is asked for below the status page's address, and nowhere else",
)
@ON_EVERY_PAGE
def test_an_incidents_own_path_keeps_to_the_page_whatever_its_id(kind, name):
    made = FORMATS[kind].own_path
    for incident in incidents_of(read(kind, name)) if made else ():
        path = made(replace(incident, id="../../?x=#y z"), source(kind))
        assert path.endswith(("/..%2F..%2F%3Fx%3D%23y%20z", "/..%2F..%2F%3Fx%3D%23y%20z.json"))
