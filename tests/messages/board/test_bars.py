"""The strip of days: every day in its place, in the colour of its worst status, and the same in words."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import Condition
from bot.domain.reliability import DayStatus, MeanAndMedian, ReliabilityFigures, TimeWindow
from bot.messages.board import bars

TODAY = date(2026, 3, 2)
NOTHING = MeanAndMedian(0, None, None)
CONDITIONS = st.sampled_from(list(Condition))


def days(*conditions, bad=timedelta()):
    first = TODAY - timedelta(days=len(conditions) - 1)
    return tuple(
        DayStatus(first + timedelta(days=n), c, bad if c.is_bad else timedelta()) for n, c in enumerate(conditions)
    )


def figures(availability, known=timedelta(days=90), length=timedelta(days=90)):
    end = datetime(2026, 3, 2, tzinfo=UTC)
    minutes = dict.fromkeys(Condition, timedelta()) | {
        Condition.UNKNOWN: length - known,
        Condition.OPERATIONAL: known,
    }
    window = TimeWindow(end - length, end)
    return ReliabilityFigures(
        "acme-api", window, minutes, 0, 0, 0, availability, NOTHING, None, {}, NOTHING, NOTHING, None
    )


def test_a_day_of_trouble_names_the_day_the_status_and_how_long():
    strip = bars.day_strip("Acme API", days(Condition.PARTIAL_OUTAGE, bad=timedelta(hours=3, minutes=58)), None)
    assert [bar.title for bar in strip.bars] == ["2 Mar: partial outage, 3 h 58 min"]


def test_today_is_outlined_whatever_it_was():
    strip = bars.day_strip("Acme API", days(Condition.OPERATIONAL, Condition.OPERATIONAL), None)
    assert [(bar.x, bar.is_outlined) for bar in strip.bars] == [(445, True)]


def test_a_young_service_begins_on_the_right():
    strip = bars.day_strip("Acme API", days(Condition.DEGRADED), None)
    assert [bar.x for bar in strip.bars] == [(bars.STRIP_DAYS - 1) * bars.BAR_PITCH]


def test_only_the_last_ninety_days_are_shown():
    strip = bars.day_strip("Acme API", days(*[Condition.MAJOR_OUTAGE] * 100), None)
    assert (len(strip.bars), strip.bars[0].x) == (90, 0)


def test_a_service_without_days_says_so():
    assert bars.day_strip("Acme API", (), None).label == "Acme API: no data"


@given(st.lists(CONDITIONS, min_size=1, max_size=120))
def test_every_day_is_drawn_once(conditions):
    strip = bars.day_strip("Acme API", days(*conditions), None)
    drawn = strip.well.count("M") + strip.unknown.count("M") + len(strip.bars)
    assert drawn == min(len(conditions), bars.STRIP_DAYS)


@pytest.mark.parametrize(
    ("availability", "known", "text"),
    [
        (100.0, timedelta(days=90), "100%"),
        (99.96, timedelta(days=90), "99.96%"),
        (99.999, timedelta(days=90), "99.99%"),
        (99.2, timedelta(days=88), "99.2%"),
        (97.16, timedelta(days=90), "97.1%"),
        (100.0, timedelta(hours=23), "too little data"),
        (None, timedelta(), "no data"),
    ],
)
def test_the_operational_share_is_rounded_down_and_withheld_below_a_day(availability, known, text):
    assert bars.share_text(figures(availability, known)) == text


@pytest.mark.parametrize(
    ("known", "text"),
    [
        (timedelta(days=88.6), "88.6 days of data"),
        (timedelta(days=90), "90 days of data"),
        (timedelta(hours=5), "5 h of data"),
        (timedelta(), ""),
    ],
)
def test_how_much_is_known_is_said(known, text):
    assert bars.known_text(figures(100.0, known)) == text


def test_a_provider_s_day_is_the_worst_of_its_services():
    worst = bars.worst_days(
        [days(Condition.OPERATIONAL, Condition.DEGRADED), days(Condition.MAJOR_OUTAGE, Condition.UNKNOWN)]
    )
    assert [day.worst for day in worst] == [Condition.MAJOR_OUTAGE, Condition.DEGRADED]


def test_a_provider_s_day_is_unknown_only_if_all_are():
    worst = bars.worst_days(
        [days(Condition.UNKNOWN, Condition.UNKNOWN), days(Condition.OPERATIONAL, Condition.UNKNOWN)]
    )
    assert [day.worst for day in worst] == [Condition.OPERATIONAL, Condition.UNKNOWN]


def test_the_lowest_share_is_of_a_service_with_enough_data():
    low, short = figures(97.0), figures(10.0, timedelta(hours=1))
    assert bars.lowest_share([figures(99.0), low, short]) is low


def test_the_bad_days_are_listed_the_newest_first():
    listed = bars.bad_day_texts(days(Condition.DEGRADED, Condition.OPERATIONAL, Condition.MAJOR_OUTAGE))
    assert listed == ["2 Mar: outage", "28 Feb: degraded"]


def test_a_day_that_is_unknown_in_part_says_for_how_long():
    gap = DayStatus(TODAY, Condition.UNKNOWN, unknown_time=timedelta(hours=13))
    assert bars.day_strip("Acme API", [gap], None).bars[0].title == "2 Mar: no data for 13 h"
    assert bars.day_strip("Acme API", [gap], None).label == "Acme API, unknown 1 (1 of them in part) of 1 days"
