"""What a monthly report adds: *monitoring* that was too early, and the costliest hours. Worked out by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain import Condition, Stage
from bot.domain.reliability import ConditionPeriod, CostlyHour, IncidentCourse, MonitoringRecord, TimeWindow
from bot.rules.reliability import month

START = datetime(2026, 11, 1, tzinfo=UTC)
NOVEMBER = TimeWindow(START, START + timedelta(days=30))
GREEN, RED = Condition.OPERATIONAL, Condition.MAJOR_OUTAGE
LOOKED_INTO, KNOWN, WATCHED, OVER = Stage.INVESTIGATING, Stage.IDENTIFIED, Stage.MONITORING, Stage.RESOLVED


def at(minute):
    return START + timedelta(minutes=minute)


def course(*steps):
    told = tuple((stage, at(minute)) for minute, stage in steps)
    return IncidentCourse("i1", "acme", "Errors", told[0][1], told, surfaces=("api",))


def periods(*edges, end=600):
    """Conditions from minute to minute."""
    ends = [minute for minute, _ in edges[1:]] + [end]
    return [ConditionPeriod(at(a), at(b), c) for (a, c), b in zip(edges, ends, strict=True)]


WELL_AFTER = periods((0, RED), (60, GREEN))


@pytest.mark.parametrize(
    ("steps", "seen", "record"),
    [
        pytest.param([(0, LOOKED_INTO), (60, WATCHED), (90, OVER)], WELL_AFTER, (1, 0, 0), id="right"),
        pytest.param(
            [(0, LOOKED_INTO), (60, WATCHED), (300, KNOWN), (400, OVER)], WELL_AFTER, (1, 1, 0), id="went back"
        ),
        pytest.param(
            [(0, LOOKED_INTO), (60, WATCHED), (90, OVER)],
            periods((0, RED), (60, GREEN), (110, RED)),
            (1, 1, 0),
            id="bad after 50 min",
        ),
        pytest.param(
            [(0, LOOKED_INTO), (60, WATCHED), (90, OVER)],
            periods((0, RED), (60, GREEN), (121, RED)),
            (1, 0, 0),
            id="bad after 61 min",
        ),
        pytest.param(
            [(0, LOOKED_INTO), (60, WATCHED)], periods((0, RED), (60, GREEN), end=100), (1, 0, 1), id="too new"
        ),
        pytest.param(
            [(0, LOOKED_INTO), (60, WATCHED), (80, WATCHED), (90, OVER)], WELL_AFTER, (1, 0, 0), id="repeated"
        ),
        pytest.param(
            [(0, LOOKED_INTO), (60, WATCHED), (70, KNOWN), (80, WATCHED), (200, OVER)],
            WELL_AFTER,
            (2, 1, 0),
            id="twice",
        ),
        pytest.param([(-90, LOOKED_INTO), (-30, WATCHED), (90, OVER)], WELL_AFTER, (0, 0, 0), id="before the month"),
        pytest.param([(0, LOOKED_INTO), (60, WATCHED), (90, OVER)], periods((0, RED)), (1, 0, 0), id="still red"),
    ],
)
def test_monitoring_is_too_early_where_the_vendor_went_back_or_a_service_broke_within_an_hour(steps, seen, record):
    assert month.monitoring_record([course(*steps)], {"api": seen}, NOVEMBER) == MonitoringRecord(*record)


def test_the_costliest_hours_sum_over_services_and_are_cut_at_the_hour():
    seen = {"api": periods((50, RED), (130, GREEN)), "web": periods((55, RED), (65, GREEN)), "app": periods((0, GREEN))}
    minutes = timedelta(minutes=1)
    assert month.costliest_hours(seen, 2) == (
        CostlyHour(at(60), 65 * minutes, ("api", "web")),
        CostlyHour(at(0), 15 * minutes, ("api", "web")),
    )
