"""The server of every JSON format: what comes out is clean, and only ParseError is raised."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import Stage
from bot.errors import ParseError
from bot.formats import json_fields, reading


@pytest.mark.hostile(
    15,
    "`[` 100,000 times, a number of 5,000 figures, NaN, double keys, a BOM",
    "unreadable: a ParseError and nothing else; what was known stays",
)
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"   ",
        b"<html>Bad gateway</html>",
        b'{"page": ',
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'"\xff\xfe"',
        '{"a": 1}'.encode("utf-16"),
        b"\x00",
        b"\x1f\x8b\x08\x00",
    ],
)
def test_bytes_that_are_no_json_are_refused(raw):
    with pytest.raises(ParseError):
        json_fields.load_json(raw)


@pytest.mark.hostile(15)
def test_a_byte_order_mark_is_no_obstacle():
    assert json_fields.load_json(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


@pytest.mark.hostile(15)
def test_of_a_key_that_is_there_twice_the_last_counts():
    assert json_fields.load_json(b'{"a": 1, "a": 2}') == {"a": 2}


@given(st.binary(max_size=200))
def test_any_bytes_are_json_or_a_short_parse_error(raw):
    message = ""
    try:
        json_fields.load_json(raw)
    except ParseError as error:
        message = str(error)
    assert len(message) < 300


@pytest.mark.hostile(14, "a lone surrogate, NUL, control characters", "replaced or removed before anything keeps them")
@pytest.mark.parametrize(
    ("value", "clean"),
    [
        ("plain", "plain"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("windows\r\nlines", "windows\nlines"),
        ("nul\x00, bell\x07, escape\x1b[31m, C1 \x9b31m", "nul, bell, escape[31m, C1 31m"),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
        ("a pair \U0001f600 stays", "a pair \U0001f600 stays"),
        ("right-to-left \u202eevil\u202c", "right-to-left evil"),
        ("no\u00a0break stays", "no\u00a0break stays"),
        (12, "12"),
        (2**63, "9223372036854775808"),
        (True, ""),
        (None, ""),
        ([], ""),
        ({}, ""),
    ],
)
def test_text_is_fit_for_a_terminal_and_for_sqlite(value, clean):
    assert json_fields.to_text(value) == clean


@pytest.mark.hostile(14)
@given(st.text() | st.text(alphabet=st.characters(categories=["Cs", "Cc", "Cf", "Lu"])))
def test_text_can_always_be_encoded_and_cleaning_twice_changes_nothing(value):
    clean = json_fields.to_text(value)
    clean.encode("utf-8")
    assert json_fields.to_text(clean) == clean


@pytest.mark.parametrize(
    ("value", "time"),
    [
        ("2026-03-02T11:49:20.921Z", datetime(2026, 3, 2, 11, 49, 20, 921000, UTC)),
        ("2026-03-02T03:49:20-08:00", datetime(2026, 3, 2, 11, 49, 20, tzinfo=UTC)),
        ("2026-03-02T11:49:20", datetime(2026, 3, 2, 11, 49, 20, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59Z", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (1772452160, None),
        (["2026-03-02"], None),
    ],
)
def test_times_are_utc_or_none(value, time):
    assert json_fields.parse_iso_time(value) == time


@given(st.text() | st.datetimes(timezones=st.timezones()).map(datetime.isoformat))
def test_a_time_is_aware_and_has_room_to_add_a_century(value):
    time = json_fields.parse_iso_time(value)
    assert time is None or (
        time.utcoffset() == timedelta() and time + timedelta(days=36525) and time - timedelta(days=36525)
    )


@pytest.mark.parametrize(
    "value",
    [
        "resolved",
        "Resolved",
        " RESOLVED ",
        "gone",
        "",
        None,
        3,
        2.5,
        True,
        [],
        {},
        ["resolved"],
        {"resolved": 1},
        "\ud800",
    ],
)
def test_an_unknown_word_is_the_other_one(value):
    assert json_fields.to_enum(Stage, value, Stage.UNKNOWN) is (
        Stage.RESOLVED if isinstance(value, str) and value.strip().lower() == "resolved" else Stage.UNKNOWN
    )


@pytest.mark.parametrize("value", ["in_progress", "In progress", "IN-PROGRESS"])
def test_a_word_of_several_is_known_however_they_are_joined(value):
    assert json_fields.to_enum(Stage, value, Stage.UNKNOWN) is Stage.IN_PROGRESS


@pytest.mark.parametrize("value", ["a list", {}, 7, True, [None], ["x"], [[]], [{}, 1]])
def test_what_should_be_a_list_of_objects_and_is_not_is_refused_in_a_recording(value):
    with pytest.raises(ParseError):
        json_fields.require_list(value, lambda item: item, "a poll")


@pytest.mark.parametrize("value", ["a list", {}, 7, True, [None], ["x"], [[]]])
def test_a_list_of_which_nothing_can_be_read_is_missing_and_not_empty(value):
    assert json_fields.read_list(value, lambda item: item) is None


def test_an_item_that_can_not_be_read_is_left_out_and_noted_and_the_others_stand():
    with reading.reading_at(None) as notes:
        assert json_fields.read_list([{"id": 1}, 7, {"id": 2}], lambda item: item["id"], "a post") == (1, 2)
    assert notes.problems == ["left out a post: a post is not an object"]


def test_a_missing_list_is_none_and_an_empty_one_is_empty():
    assert (json_fields.read_list(None, dict), json_fields.read_list([], dict)) == (None, ())


@pytest.mark.parametrize("value", ["https://stspg.io/abc", "http://127.0.0.1:8080/x?y=1#z"])
def test_a_web_address_is_a_link(value):
    assert json_fields.to_safe_url(value) == value


@pytest.mark.parametrize(
    "value",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "//evil.example",
        "https://",
        "https://good.example@evil.example/",
        "https://evil.example|https://good.example",
        "https://evil.example/> <!channel>",
        "https://evil.example/a b",
        "https://evil.example\\@good.example",
        "http://[::1",
        "https://x.example/" + "a" * 2000,
        "",
        None,
        7,
        ["https://x.example"],
    ],
)
def test_anything_else_is_no_link(value):
    assert json_fields.to_safe_url(value) is None


def test_a_refusal_names_what_is_wrong():
    with pytest.raises(ParseError, match="page is not an object"):
        json_fields.require_object(json.loads("[]"), "page")
