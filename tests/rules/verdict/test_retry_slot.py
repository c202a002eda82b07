from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.rules.verdict.retry_slot import client_retry_time, client_slot, retry_window

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def minutes(number):
    return timedelta(minutes=number)


def test_the_example_of_the_research_page():
    assert retry_window(minutes(45), share=0.1) == minutes(22.5)


def test_a_short_outage_is_spread_over_five_minutes():
    assert retry_window(minutes(1)) == minutes(5)


def test_a_long_outage_is_spread_over_an_hour():
    assert retry_window(minutes(1000)) == minutes(60)


def test_while_gentle_the_spread_is_twice_as_long():
    assert retry_window(minutes(40), gentle=True) == 2 * retry_window(minutes(40))


def test_a_slot_is_the_same_on_every_machine_and_after_every_restart():
    assert round(client_slot("builder-7", "0ghc53zpsfmt"), 6) == 0.412624


def test_another_incident_gives_another_slot():
    assert client_slot("builder-7", "a") != client_slot("builder-7", "b")


def test_a_client_and_an_incident_are_not_run_together():
    assert client_slot("ab", "c") != client_slot("a", "bc")


def test_clients_are_spread_evenly():
    tenths = [int(client_slot(f"client-{n}", "i1") * 10) for n in range(2000)]
    assert all(150 <= tenths.count(tenth) <= 250 for tenth in range(10))


@given(st.text(), st.text(), st.integers(5, 60))
def test_every_slot_lies_in_the_window(client, incident, spread):
    assert NOON <= client_retry_time(NOON, minutes(spread), client, incident) < NOON + minutes(spread)
