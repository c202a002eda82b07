"""Shares, in as many digits as they need and only of enough data."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from bot.domain import Condition
from bot.domain.reliability import ConditionPeriod, DayStatus, IncidentCourse, TimeWindow
from bot.messages import newer_blocks
from bot.messages.reliability import format_percent, history_message, operational_text, uptime_message, uptime_overview
from bot.rules.reliability.figures import figures_from_periods
from tests.support.slack_limits import assert_sendable

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def figures(hours, bad=2, slo=None):
    """Figures of a service that was in a partial outage for the last ``bad`` of so many hours, in ten days."""
    end, turn = START + hours * HOUR, START + (hours - bad) * HOUR
    periods = [
        ConditionPeriod(START, turn, Condition.OPERATIONAL),
        ConditionPeriod(turn, end, Condition.PARTIAL_OUTAGE),
        ConditionPeriod(end, START + 240 * HOUR, Condition.UNKNOWN),
    ]
    return figures_from_periods("acme-api", periods, (), TimeWindow(START, START + 240 * HOUR), slo)


def test_uptime_names_the_share_the_downtime_and_how_much_data_there_is():
    said = unescape(uptime_message("Acme API", figures(200), (), 99.7).text)
    assert "Acme API: 99.00% operational, 10 days (0 incidents, 2 h downtime, 8.3 days of data)" in said


def test_uptime_with_an_objective_says_by_how_much_it_is_over_budget():
    said = unescape(uptime_message("Acme API", figures(200, slo=99.9), (), None).text)
    assert "SLO 99.9%, 30 days: " in said
    assert " over budget" in said


def test_the_overview_names_the_services_with_too_little_data_apart():
    rows = [figures(200), figures(5)]
    said = unescape(uptime_overview(rows[1:], {"acme-api": "Acme API"}, rows[0].window).text)
    assert said == "Operational, 10 days\nNot enough data yet: Acme API. Available after 24 h of data."


@pytest.mark.parametrize(("hours", "said"), [(23, "23 h of data"), (24, "91.67% operational")])
def test_a_share_of_less_than_a_day_is_not_shown(hours, said):
    assert operational_text(figures(hours)) == said


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (100.0, "100.00%"),
        (99.994, "99.99%"),
        (99.9962, "99.9962%"),
        (100 - 1e-6, "99.9999%"),
        (0.0, "0.00%"),
        (None, "-"),
    ],
)
def test_only_what_is_100_percent_is_called_so(share, said):
    assert format_percent(share) == said


def test_an_incident_whose_page_is_not_checked_any_more_is_open_until_the_last_check():
    course = IncidentCourse("i1", "acme", "Errors", START, (), last_check=START + timedelta(minutes=9))
    window = TimeWindow(START - timedelta(days=1), START + timedelta(days=273))
    said = history_message("Acme", [course], window, window.end).text
    assert "open 9 min at the last check" in said


def newer(message, kind):
    assert_sendable(message)
    return [b for b in newer_blocks.with_newer_blocks(message.blocks, newer_blocks.NEWER_TYPES) if b["type"] == kind]


def history_of(number, name="Errors <!channel>"):
    courses = [IncidentCourse(f"i{n}", "acme", name, START + n * HOUR, ()) for n in range(number)]
    window = TimeWindow(START - timedelta(days=1), START + timedelta(days=29))
    return history_message("Acme", courses, window, window.end)


@pytest.mark.parametrize(("number", "has_table"), [(0, False), (3, False), (4, True), (50, True)])
def test_many_incidents_are_a_table_that_can_be_sorted(number, has_table):
    assert len(newer(history_of(number), newer_blocks.DATA_TABLE)) == has_table


def test_the_table_of_incidents_has_when_what_and_how_with_the_id():
    [table] = newer(history_of(4), newer_blocks.DATA_TABLE)
    began, title, outcome = table["rows"][1]
    assert [cell["text"] for cell in table["rows"][0]] == ["Began", "Incident", "Outcome"]
    assert began["elements"][0]["elements"][0]["fallback"] == "1 Mar 03:00 UTC"
    assert title == {"type": "raw_text", "text": "Errors <!channel>"}
    assert outcome["elements"][0]["elements"][-1] == {"type": "text", "text": "i3", "style": {"code": True}}


def test_the_overview_of_many_services_is_a_table_whose_numbers_are_numbers():
    rows = [replace(figures(200), surface=f"s{n}") for n in range(4)]
    names = {f"s{n}": f"Service {n}" for n in range(4)}
    [table] = newer(uptime_overview(rows, names, rows[0].window), newer_blocks.DATA_TABLE)
    name, share, downtime = table["rows"][1]
    assert name["text"] == "Service 0"
    assert (share["value"], share["text"]) == (99.0, "99.00% (8.3 days of data)")
    assert (downtime["value"], downtime["text"]) == (2.0, "2 h, 0 incidents")


def test_services_with_too_little_data_stay_below_the_table():
    rows = [replace(figures(200), surface=f"s{n}") for n in range(4)]
    rows.append(replace(figures(5), surface="s4"))
    names = {f"s{n}": f"Service {n}" for n in range(5)}
    message = uptime_overview(rows, names, rows[0].window)
    shown = newer_blocks.with_newer_blocks(message.blocks, newer_blocks.NEWER_TYPES)
    assert "Not enough data yet: Service 4." in shown[-1]["text"]["text"]


def test_the_bar_of_days_is_a_chart_where_hours_were_bad():
    days = [DayStatus(START.date() + n * timedelta(days=1), Condition.OPERATIONAL, n * HOUR / 4) for n in range(28)]
    message = uptime_message("Acme API", figures(200), days, None)
    [chart] = newer(message, newer_blocks.CHART)
    shown = newer_blocks.with_newer_blocks(message.blocks, newer_blocks.NEWER_TYPES)
    assert [p["value"] for p in chart["chart"]["series"][0]["data"]] == [5.2, 17.5, 29.8, 42.0]
    assert shown[0] == message.blocks[0]
    assert shown[-1]["text"]["text"].endswith("of 28 days (worst status per day, UTC).")
