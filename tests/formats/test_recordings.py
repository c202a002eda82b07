"""Recordings in every wrapping, whole and broken."""

import contextlib
import gzip
import io
import json
import lzma
import tracemalloc
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ParseError
from bot.formats import recordings, statuspage
from bot.formats.reconstruction import History

PAGE = {"page": {"id": "p", "name": "Page"}, "components": [{"id": "c", "name": "C", "status": "operational"}]}
LINES = [
    json.dumps({"polled_at": "2026-01-01T00:00:00Z", "body": PAGE}).encode(),
    json.dumps({"polled_at": "2026-01-01T00:15:00+00:00", "body": None}).encode(),
]
POLLS = b"\n".join(LINES) + b"\n"
HISTORY = {
    "page": {"name": "Page"},
    "incidents": [
        {
            "id": "i",
            "name": "It fails",
            "impact": "minor",
            "components": [{"name": "C"}],
            "incident_updates": [
                {"id": "u2", "status": "resolved", "display_at": "2026-01-01T02:00:00Z", "affected_components": None},
                {
                    "id": "u1",
                    "status": "investigating",
                    "display_at": "2026-01-01T01:00:00Z",
                    "affected_components": None,
                },
            ],
        }
    ],
}


def polls_of(raw):
    return list(recordings.read_recording(io.BytesIO(raw)))


@pytest.mark.parametrize("wrap", [bytes, gzip.compress, lzma.compress], ids=["plain", "gz", "xz"])
def test_polls_come_in_file_order_whatever_the_wrapping(wrap):
    first, second = polls_of(wrap(POLLS))
    assert (first.at, first.body, second.body) == (datetime(2026, 1, 1, tzinfo=UTC), PAGE, None)


@pytest.mark.parametrize("wrap", [bytes, gzip.compress, lzma.compress], ids=["plain", "gz", "xz"])
@pytest.mark.parametrize("indent", [None, 1], ids=["compact", "pretty"])
def test_a_history_is_known_as_one(wrap, indent):
    recording = recordings.read_recording(io.BytesIO(wrap(json.dumps(HISTORY, indent=indent).encode())))
    assert isinstance(recording, History)


def test_the_order_of_a_polls_keys_does_not_matter():
    (poll,) = polls_of(b'{"body": {"incidents": []}, "polled_at": "2026-01-01T00:00:00Z"}')
    assert poll.body == {"incidents": []}


def test_empty_lines_and_a_missing_last_line_end_are_no_obstacle():
    assert len(polls_of(b"\n\n" + LINES[0] + b"\n   \n" + LINES[1])) == 2


def test_a_body_that_is_no_page_is_handed_on_to_be_refused_by_the_parser():
    (poll,) = polls_of(b'{"polled_at": "2026-01-01T00:00:00Z", "body": "<html>"}')
    with pytest.raises(ParseError):
        statuspage.parse_body(poll.body)


@pytest.mark.parametrize(
    "line",
    [
        LINES[0][:40],
        LINES[0][:-1],
        b"null",
        b"[]",
        b'"polled_at"',
        b"{}",
        b'{"polled_at": "2026-01-01T00:00:00Z"}',
        b'{"polled_at": "some day", "body": null}',
        b'{"polled_at": 1772452160, "body": null}',
        b'{"polled_at": "2026-01-01T00:00:00Z", "body": NaN}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_a_wrong_line_is_named(line):
    with pytest.raises(ParseError, match="line 2 of the recording is no poll"):
        polls_of(LINES[0] + b"\n" + line + b"\n" + LINES[1])


def test_a_page_that_was_recorded_as_text_is_unpacked():
    (poll,) = polls_of(json.dumps({"polled_at": "2026-01-01T00:00:00Z", "body": '{"incidents": []}'}).encode())
    assert poll.body == {"incidents": []}


def test_polls_in_an_array_are_polls_too():
    rows = b"[\n" + b",\n".join(LINES) + b"\n]"
    assert polls_of(rows) == polls_of(gzip.compress(rows)) == polls_of(POLLS)


def test_an_item_of_an_array_that_is_no_poll_is_named():
    with pytest.raises(ParseError, match="item 2 of the recording is no poll"):
        polls_of(b"[" + LINES[0] + b", 7]")


def test_polls_that_go_back_in_time_are_left_out_and_counted():
    hours = [1, 3, 2, 3, 4]
    polls = recordings.ForwardPolls(
        [recordings.RecordedPoll(datetime(2026, 1, 1, hour, tzinfo=UTC), None) for hour in hours]
    )
    assert ([poll.at.hour for poll in polls], polls.late) == ([1, 3, 4], 1)


@pytest.mark.parametrize("raw", [b"[]", b"{}", b"null", b"<html>", b'{"page": {"name": "P"}}'])
def test_what_is_neither_form_is_told_both(raw):
    with pytest.raises(ParseError, match=r"polls have .* and a history is one object"):
        recordings.read_recording(io.BytesIO(raw))


def test_a_first_poll_that_breaks_off_is_not_taken_for_a_history():
    with pytest.raises(ParseError, match="line 1 of the recording"):
        polls_of(LINES[0][:60])


def test_what_stands_before_a_wrong_line_is_still_told():
    told = []
    with pytest.raises(ParseError):
        told.extend(recordings.read_recording(io.BytesIO(LINES[0] + b"\ngarbage")))
    assert len(told) == 1


@pytest.mark.parametrize("wrap", [gzip.compress, lzma.compress], ids=["gz", "xz"])
def test_a_packed_file_that_breaks_off_says_so(wrap):
    with pytest.raises(ParseError, match="the recording breaks off after line"):
        polls_of(wrap(POLLS * 50)[:-30])


@pytest.mark.parametrize("wrap", [gzip.compress, lzma.compress], ids=["gz", "xz"])
@given(data=st.data())
def test_a_packed_file_with_a_broken_byte_is_read_or_refused(wrap, data):
    raw = bytearray(wrap(POLLS))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(ParseError):
        polls_of(bytes(raw))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_recording_or_a_parse_error(raw):
    try:
        polls_or_history = recordings.read_recording(io.BytesIO(raw))
        list(() if isinstance(polls_or_history, History) else polls_or_history)
    except ParseError:
        pass


@pytest.mark.parametrize(
    "raw", [b"", b"\n\n  \n", gzip.compress(b""), lzma.compress(b"")], ids=["nothing", "blank", "gz", "xz"]
)
def test_an_empty_recording_is_refused(raw):
    with pytest.raises(ParseError, match="empty"):
        recordings.read_recording(io.BytesIO(raw))


def test_a_line_without_end_is_refused_before_it_fills_the_memory():
    bomb = io.BytesIO(lzma.compress(b"[" * (recordings.MAX_BYTES + 2), preset=0))
    with pytest.raises(ParseError, match="longer than"):
        recordings.read_recording(bomb)


def test_a_long_recording_is_read_in_flat_memory():
    packed = io.BytesIO(lzma.compress(POLLS * 20_000, preset=0))
    tracemalloc.start()
    count = sum(1 for _ in recordings.read_recording(packed))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 40_000
    assert peak < 2_000_000


def test_a_history_is_played_as_a_poll_after_each_change():
    recording = recordings.read_recording(io.BytesIO(json.dumps(HISTORY).encode()))
    shown = [(poll.at.hour, statuspage.parse_body(poll.body)) for poll in recordings.reconstruct_polls(recording)]
    assert [(hour, len(page.incidents)) for hour, page in shown] == [(1, 1), (2, 0)]


def test_the_real_github_recording_is_read_to_its_end(shared):
    with (shared / "github" / "polls-2020-11_2024-12.ndjson.xz").open("rb") as file:
        blind = [poll.body is None for poll in recordings.read_recording(file)]
    assert (len(blind), sum(blind)) == (5383, 61)


def test_a_history_beyond_all_bounds_is_refused_before_it_fills_the_memory():
    bomb = io.BytesIO(lzma.compress(b'{"page":\n' + (b" " * 999_999 + b"\n") * 65, preset=0))
    with pytest.raises(ParseError, match="larger than"):
        recordings.read_recording(bomb)
