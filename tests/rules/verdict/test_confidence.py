from datetime import UTC, datetime, timedelta

from bot.domain import IncidentSighting, Stage, SurfaceHistory, VerdictParameters
from bot.rules.verdict.confidence import confidence, confidence_level

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
RULES = VerdictParameters()


def track(**changes):
    return SurfaceHistory("acme-api", **({"watched_since": NOON, "bad_until": NOON} | changes))


def after(minutes, **changes):
    return confidence(track(**changes), NOON + timedelta(minutes=minutes), RULES)


MONITORED = (IncidentSighting("i1", NOON, Stage.MONITORING, NOON, down=True),)


def test_after_monitoring_it_follows_the_table():
    assert [after(m, incidents=MONITORED) for m in (0, 5, 15, 30)] == [0.932, 0.947, 0.961, 0.974]


def test_after_resolved_it_follows_the_other_table():
    assert [after(m) for m in (0, 15, 30, 60, 240, 480)] == [0.957, 0.963, 0.971, 0.972, 0.977, 0.996]


def test_a_relapse_doubles_the_risk():
    assert after(30, relapses=(NOON,)) == 0.942


def test_residual_words_double_the_risk():
    assert after(30, incidents=MONITORED, residual_since=NOON) == 0.948


def test_while_it_is_bad_there_is_none():
    assert confidence(track(bad=True), NOON, RULES) is None


def test_a_page_alone_is_never_more_than_medium():
    assert (confidence_level(0.996), confidence_level(0.8), confidence_level(None)) == ("medium", "low", None)
