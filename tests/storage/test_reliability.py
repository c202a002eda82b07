"""What figures are made of: when we watched, what was seen, what was told, and the courses of incidents."""

from datetime import UTC, datetime, timedelta

from bot.domain import Advice, Condition
from bot.domain.reliability import ConditionClaim, TimeWindow
from bot.rules.reliability.backfill import BackfilledHistory
from bot.storage.mapping import format_time

T0 = datetime(2026, 3, 2, tzinfo=UTC)
DAY = TimeWindow(T0, T0 + timedelta(days=1))
NOW = T0 + timedelta(days=2)


def at(hour):
    return T0 + timedelta(hours=hour)


def looks(repository, *rows):
    """Rows of looks: outcome, first hour, last hour."""
    repository._db.write("DELETE FROM observations")
    for outcome, first, last in rows:
        repository._db.write(
            "INSERT INTO observations (source, outcome, first_at, last_at) VALUES ('acme', ?, ?, ?)",
            *(outcome, format_time(at(first)), format_time(at(last))),
        )


def conditions(repository, *rows):
    for condition, since, until in rows:
        repository._db.write(
            "INSERT INTO conditions (surface, since, until, condition, inferred) VALUES ('api', ?, ?, ?, 0)",
            format_time(at(since)),
            format_time(at(until)) if until else None,
            condition,
        )


def watched(repository, window=DAY, now=NOW):
    found = repository.archive.surface_record("acme", "api", window, now).watched
    return [((w.start - T0) / timedelta(hours=1), (w.end - T0) / timedelta(hours=1)) for w in found]


def test_looks_without_a_gap_are_one_watch(repository):
    looks(repository, ("changed", 1, 1), ("same", 1.1, 3), ("changed", 3.05, 3.05))
    assert watched(repository) == [(1, 3.05)]


def test_after_the_last_poll_nothing_is_known_from_that_poll_on(repository):
    looks(repository, ("same", 1, 2))
    assert watched(repository, now=at(2.5)) == [(1, 2)]


def test_a_gap_of_more_than_fifteen_minutes_is_unknown_from_the_last_poll_before_it_on(repository):
    looks(repository, ("same", 1, 2), ("same", 4, 5))
    assert watched(repository) == [(1, 2), (4, 5)]


def test_a_poll_just_after_the_window_says_that_its_last_minutes_are_known(repository):
    looks(repository, ("same", 20, 23.9), ("same", 24.1, 25))
    assert watched(repository) == [(20, 24)]


def test_a_failed_poll_does_not_watch_and_a_short_failure_does_not_blind(repository):
    looks(
        repository, ("same", 1, 2), ("http_500", 2.02, 2.15), ("same", 2.17, 3), ("timeout", 3.01, 6), ("same", 6.01, 7)
    )
    assert watched(repository) == [(1, 3), (6.01, 7)]


def test_the_last_poll_holds_no_longer_than_until_now(repository):
    looks(repository, ("same", 1, 2))
    assert watched(repository, now=at(2.1)) == [(1, 2.1)]


def test_a_watch_that_began_before_the_window_reaches_into_it(repository):
    looks(repository, ("same", -48, -0.1), ("same", 0.1, 2))
    assert watched(repository) == [(-48, 2)]


def test_the_condition_that_held_when_the_window_began_is_seen(repository):
    conditions(repository, ("operational", -100, -50), ("major_outage", -50, 2), ("operational", 2, None))
    seen = repository.archive.surface_record("acme", "api", DAY, NOW).seen
    assert [(s.condition, (s.start - T0) / timedelta(hours=1)) for s in seen] == [
        ("major_outage", -50),
        ("operational", 2),
    ]


def test_what_histories_told_of_the_window_is_there_with_what_they_cover(repository):
    spans = (ConditionClaim(at(-5), at(-4), Condition.DEGRADED), ConditionClaim(at(3), at(4), Condition.MAJOR_OUTAGE))
    past = BackfilledHistory((), {"api": spans}, (TimeWindow(at(-10), at(10)),))
    repository.archive.save_conditions("acme", past, ("digest", "file"), NOW)
    record = repository.archive.surface_record("acme", "api", DAY, NOW)
    assert (record.told, record.covered) == (spans[1:], (TimeWindow(at(-10), at(10)),))


def test_a_history_that_is_told_again_takes_the_place_of_its_first_telling(repository):
    for condition in (Condition.DEGRADED, Condition.MAJOR_OUTAGE):
        past = BackfilledHistory((), {"api": (ConditionClaim(at(3), at(4), condition),)}, (TimeWindow(at(0), at(10)),))
        repository.archive.save_conditions("acme", past, ("digest", "file"), NOW)
    assert [s.condition for s in repository.archive.surface_record("acme", "api", DAY, NOW).told] == ["major_outage"]


def test_the_last_verdict_holds_until_nobody_looks_any_more(repository):
    looks(repository, ("changed", 0, 4))
    given = {"surface": "api", "since": format_time(at(1)), "verdict": "hold_off", "exposure": 0}
    repository._db.insert("verdicts", {**given, "reason": "", "reason_code": ""})
    given = repository.archive.verdict_intervals("acme", "api", DAY)
    assert given == ((at(1), at(4) + timedelta(minutes=15), Advice.HOLD_OFF),)
