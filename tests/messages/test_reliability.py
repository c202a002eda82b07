"""Shares, in as many digits as they need and only of enough data."""

from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from bot.domain import Condition
from bot.domain.reliability import ConditionPeriod, IncidentCourse, TimeWindow
from bot.messages.reliability import format_percent, history_message, operational_text, uptime_message, uptime_overview
from bot.rules.reliability.figures import figures_from_periods

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
