"""Slack's bad days, all at once: what each channel shows in the end, and what is lost or doubled."""

import pytest

from tests.e2e import faults
from tests.e2e.faults import FAULTS


@pytest.fixture(scope="module")
def world(worlds):
    with worlds() as world:
        world.rings = {f"#{channel}" for channel in FAULTS}
        yield world


@pytest.fixture(scope="module")
def came(world):
    return faults.bad_day(world, 12)


@pytest.fixture(scope="module")
def heard(world, came):
    return {h.fault: h for h in faults.bad_lines(world, ("abort", "refresh", "repeat"))}


@pytest.fixture(params=FAULTS, ids=[f.name for f in FAULTS.values()])
def one(came, request):
    return came[request.param]


def test_nothing_is_lost(one):
    assert one.lost == 0


def test_nothing_is_doubled_but_where_nobody_can_look_and_then_the_log_says_so(one):
    assert one.doubled == 0 or (one.fault.promise == "admitted" and one.admitted)


def test_a_refusal_of_its_form_is_answered_with_plain_text(one):
    assert one.in_text == (one.fault.promise == "text alone")


def test_a_channel_that_takes_nothing_shows_nothing_and_no_other_does_so(one):
    assert (one.alerts == 0) == (one.fault.promise == "paused")


def test_after_a_bad_day_the_alert_comes_soon(one):
    assert not one.fault.lasts or one.after_s <= one.fault.bar_s


def test_who_subscribed_paused_channels_is_told_of_all_of_them_in_one_message(world, came):
    assert faults.owners_were_told(world) == 1


def test_the_log_names_each_paused_channel_once(world, came):
    paused = [c for c, f in FAULTS.items() if f.promise == "paused"]
    assert [world.said().count(f"{channel}: delivery paused:") for channel in paused] == [1] * len(paused)


@pytest.mark.parametrize("kind", ["abort", "refresh", "repeat"])
def test_a_fault_of_the_socket_costs_no_post_and_doubles_no_answer(heard, kind):
    assert (heard[kind].alerts, heard[kind].answers) == (1, 1)
