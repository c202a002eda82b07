"""When the next connection may be opened."""

import pytest

from bot.slack.connection_pace import MAX_OPENS, WINDOW_S, ConnectionPace


class Clock:
    """Monotonic seconds that the test moves."""

    def __init__(self):
        self.at = 1000.0

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def pace(clock):
    return ConnectionPace(clock, lambda: 1.0)


def lives(pace, clock, seconds):
    """A connection that lives so long; the wait after it."""
    pace.record_open()
    pace.record_up()
    clock.at += seconds
    return pace.next_wait_s()


def test_the_first_connection_is_opened_at_once(pace):
    assert pace.next_wait_s() == 0


def test_connections_that_live_for_less_than_a_minute_wait_longer_and_longer(pace, clock):
    waits = []
    for _ in range(8):
        waits.append(lives(pace, clock, 30))
        clock.at += waits[-1]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


def test_one_that_lived_for_a_minute_is_followed_at_once(pace, clock):
    lives(pace, clock, 30)
    assert lives(pace, clock, 60) == 0


def test_failed_attempts_count(pace):
    waits = []
    for _ in range(3):
        pace.record_failure()
        waits.append(pace.next_wait_s())
    assert waits == [1, 2, 4]


def test_no_more_than_ten_are_opened_in_a_minute(pace, clock):
    for _ in range(MAX_OPENS):
        pace.record_open()
    clock.at += 1
    assert pace.next_wait_s() == WINDOW_S - 1


def test_a_connection_every_second_opens_ten_in_the_first_minute(pace, clock):
    began, opened = clock.at, 0
    while clock.at - began < WINDOW_S:
        opened += 1
        clock.at += lives(pace, clock, 0.1) if opened else 0
    assert opened <= MAX_OPENS


def test_the_wait_is_varied_so_that_not_all_bots_come_back_together(clock):
    pace = ConnectionPace(clock, lambda: 1.2)
    pace.record_failure()
    assert pace.next_wait_s() == 1.2
