"""Tables and charts instead of plain blocks, and plain blocks wherever Slack takes none."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.domain import Condition, Message
from bot.domain.reliability import DayStatus
from bot.messages import block_kit, newer_blocks, uptime_bar
from bot.messages.newer_blocks import CHART, DATA_TABLE, NEWER_TYPES
from tests.support.samples import NOON
from tests.support.slack_limits import assert_sendable, problems

PLAIN = [block_kit.section("a"), block_kit.section("b")]
REST = block_kit.section("rest")
ROWS = [[newer_blocks.text_cell("API"), newer_blocks.number_cell(1.5, "1.5 h")]] * 3
FIRST_DAY = date(2026, 1, 1)


def table():
    return newer_blocks.table(("Service", "Downtime"), ROWS)


def chart():
    return newer_blocks.bar_chart("Hours", ["1 Jan", "8 Jan"], [("bad", [1.0, 2.0])], ("week", "hours"))


def days(number, **bad_hours):
    shown = [DayStatus(FIRST_DAY + timedelta(days=n), Condition.OPERATIONAL) for n in range(number)]
    for day, hours in bad_hours.items():
        n = int(day.removeprefix("d"))
        shown[n] = replace(shown[n], worst=Condition.MAJOR_OUTAGE, bad_time=timedelta(hours=hours))
    return shown


def test_offered_blocks_are_plain_for_whoever_knows_nothing_of_them():
    assert list(newer_blocks.offer(PLAIN, [table()])) == PLAIN


def test_a_newer_block_takes_the_place_of_all_plain_ones_that_it_replaces():
    blocks = [block_kit.section("before"), *newer_blocks.offer(PLAIN, [table()]), REST]
    assert newer_blocks.with_newer_blocks(blocks, NEWER_TYPES) == [blocks[0], table(), REST]


@pytest.mark.parametrize("taken", [(), (CHART,), (DATA_TABLE, CHART)])
def test_what_slack_does_not_take_stays_plain(taken):
    blocks = [*newer_blocks.offer(PLAIN, [table()]), REST]
    assert newer_blocks.with_newer_blocks(blocks, taken) == blocks


def test_a_message_has_one_table_and_the_others_stay_plain():
    blocks = [*newer_blocks.offer(PLAIN, [table()]), *newer_blocks.offer(PLAIN, [table()])]
    assert newer_blocks.with_newer_blocks(blocks, NEWER_TYPES) == [table(), *PLAIN]


def test_a_message_has_two_charts():
    blocks = [block for _ in range(3) for block in newer_blocks.offer(PLAIN, [chart()])]
    assert newer_blocks.newer_types(newer_blocks.with_newer_blocks(blocks, NEWER_TYPES)) == [CHART, CHART]


def test_what_would_be_too_many_blocks_stays_plain():
    newer = [table(), *[REST] * block_kit.MAX_BLOCKS]
    blocks = list(newer_blocks.offer(PLAIN, newer))
    assert newer_blocks.with_newer_blocks(blocks, NEWER_TYPES) == blocks


@pytest.mark.parametrize("rows", [ROWS * 40, [[newer_blocks.text_cell("x" * 250)] * 2] * 30])
def test_a_table_that_would_lose_rows_is_none(rows):
    assert newer_blocks.table(("A", "B"), rows) is None
    assert newer_blocks.data_table("c", ("A", "B"), rows) is None


def test_a_vendors_words_in_a_cell_are_no_markup():
    cell = newer_blocks.text_cell("<!channel> *x*")
    assert cell == {"type": "raw_text", "text": "<!channel> *x*"}


def test_a_cell_is_never_empty():
    assert newer_blocks.text_cell("")["text"] == "-"


def test_a_time_in_a_cell_is_the_readers():
    today, earlier = (newer_blocks.time_part(at, NOON) for at in (NOON, NOON - timedelta(days=3)))
    assert (today["format"], today["fallback"]) == ("{time}", "12:00 UTC")
    assert (earlier["format"], earlier["fallback"]) == ("{date_short} {time}", "1 May 12:00 UTC")


def test_the_chart_of_a_service_has_a_bar_for_each_week():
    drawn = uptime_bar.uptime_chart("Acme API", days(90, d0=2, d6=1, d89=24))
    series = {s["name"]: [p["value"] for p in s["data"]] for s in drawn["chart"]["series"]}
    assert drawn["title"] == "Acme API: hours not operational"
    assert series == {"not operational": [3.0, *[0.0] * 11, 24.0]}
    assert drawn["chart"]["axis_config"]["categories"][:2] == ["1 Jan", "8 Jan"]


def test_hours_without_data_are_shown_as_such():
    shown = days(21, d0=2)
    shown[8] = DayStatus(shown[8].day, Condition.UNKNOWN)
    shown[9] = DayStatus(shown[9].day, Condition.UNKNOWN, unknown_time=timedelta(hours=5))
    [_, unknown] = uptime_bar.uptime_chart("Acme API", shown)["chart"]["series"]
    assert (unknown["name"], [p["value"] for p in unknown["data"]]) == ("no data", [0.0, 29.0, 0.0])


def test_the_chart_begins_where_there_is_data():
    shown = days(90, d60=2)
    for n in range(50):
        shown[n] = DayStatus(shown[n].day, Condition.UNKNOWN)
    drawn = uptime_bar.uptime_chart("Acme API", shown)["chart"]
    assert drawn["axis_config"]["categories"][0] == "20 Feb"
    assert [s["name"] for s in drawn["series"]] == ["not operational"]


def test_where_much_is_unknown_in_between_there_is_no_chart():
    shown = days(90, d0=2)
    for n in range(10, 30):
        shown[n] = DayStatus(shown[n].day, Condition.UNKNOWN)
    assert uptime_bar.uptime_chart("Acme API", shown) is None


@pytest.mark.parametrize("number", [15, 90, 365, 3650])
def test_a_chart_of_any_time_is_what_slack_takes(number):
    drawn = uptime_bar.uptime_chart("A service with a name that is far too long for the title", days(number, d0=1))
    assert_sendable(Message("x", newer_blocks.offer(PLAIN, [drawn])))


@pytest.mark.parametrize("shown", [days(90), days(14, d0=2), days(1, d0=2), []])
def test_without_a_bad_hour_or_with_few_days_there_is_no_chart(shown):
    assert uptime_bar.uptime_chart("Acme API", shown) is None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (newer_blocks.table(("A", "B", "C", "D"), [[newer_blocks.text_cell("x")] * 4]), "columns"),
        (newer_blocks.table(("A",), [[newer_blocks.text_cell("x")] * 2]), "columns"),
        (newer_blocks.table(("A",), []), "rows"),
        (newer_blocks.data_table("", ("A",), [[newer_blocks.text_cell("x")]]), "caption"),
        (newer_blocks.bar_chart("t", ["a", "a"], [("s", [1, 2])], ("x", "y")), "categories"),
        (newer_blocks.bar_chart("t", ["a"], [("s", [1]), ("s", [1])], ("x", "y")), "series"),
        (newer_blocks.bar_chart("t", ["a"], [("s", [float("nan")])], ("x", "y")), "no number"),
    ],
)
def test_what_slack_would_refuse_is_found(wrong, said):
    assert said in " ".join(problems(Message("x", newer_blocks.offer(PLAIN, [wrong]))))
