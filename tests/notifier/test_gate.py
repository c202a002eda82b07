"""One probe stands for all channels while nothing is accepted."""

from datetime import timedelta

from bot.notifier.gate import WorkspaceGate
from tests.support.acme import NOON


def after(minutes=0, seconds=0):
    return NOON + timedelta(minutes=minutes, seconds=seconds)


def refused(gate, channel="C1", at=NOON, *, is_sure=True):
    gate.begin()
    gate.refuse(channel, "ekm_access_denied", "ask", at, is_sure=is_sure)
    gate.end()


def may(gate, channel, at, *, has_others=False):
    return at >= gate.probe_at(is_outage_waiting=False, now=at) and gate.may_probe(channel, has_others=has_others)


def test_nothing_is_sent_to_any_channel_before_the_probe_is_due():
    gate = WorkspaceGate()
    refused(gate)
    assert (may(gate, "C2", after(seconds=59)), may(gate, "C2", after(minutes=1))) == (False, True)


def test_the_wait_doubles_up_to_fifteen_minutes():
    gate, at, waits = WorkspaceGate(), NOON, []
    for _ in range(7):
        refused(gate, at=at)
        due = gate.probe_at(is_outage_waiting=False, now=at)
        waits.append((due - at).total_seconds() / 60)
        at = due
    assert waits == [1, 2, 4, 8, 15, 15, 15]


def test_while_an_outage_waits_it_is_tried_every_minute():
    gate, at = WorkspaceGate(), NOON
    for _ in range(6):
        refused(gate, at=at)
        at += timedelta(minutes=15)
    assert gate.probe_at(is_outage_waiting=True, now=at) <= at - timedelta(minutes=14)


def test_only_one_probe_is_under_way():
    gate = WorkspaceGate()
    refused(gate)
    gate.begin()
    assert not may(gate, "C3", after(minutes=5))


def test_a_passed_probe_lets_everything_go():
    gate = WorkspaceGate()
    refused(gate)
    gate.accept("C2")
    assert (gate.stop, may(gate, "C3", NOON)) == (None, True)


def test_what_was_on_its_way_when_it_closed_is_no_further_probe():
    gate = WorkspaceGate()
    refused(gate)
    for channel in ("C2", "C3", "C4"):
        gate.refuse(channel, "ekm_access_denied", "", NOON, is_sure=False)
    assert gate.probe_at(is_outage_waiting=False, now=NOON) == after(minutes=1)


def test_after_a_first_refusal_another_channel_is_tried_at_once():
    gate = WorkspaceGate()
    refused(gate, is_sure=False)
    tried = [may(gate, channel, NOON, has_others=True) for channel in ("C1", "C2")]
    assert tried == [False, True]


def test_a_code_that_one_channel_alone_answers_is_that_channels_own():
    gate = WorkspaceGate()
    refused(gate, is_sure=False)
    gate.accept("C2")
    assert gate.is_channels_own("C1", "ekm_access_denied")


def test_it_stays_its_own_until_that_channel_takes_something():
    gate = WorkspaceGate()
    refused(gate, is_sure=False)
    gate.accept("C2")
    gate.refuse_one("C1", NOON)
    before = gate.is_channels_own("C1", "ekm_access_denied")
    gate.accept("C1")
    assert (before, gate.is_channels_own("C1", "ekm_access_denied")) == (True, False)


def test_a_refusal_of_one_post_does_not_open_it():
    gate = WorkspaceGate()
    refused(gate, is_sure=False)
    gate.refuse_one("C2", NOON)
    assert (gate.stop is None, may(gate, "C3", NOON), may(gate, "C3", after(minutes=1))) == (False, False, True)


def test_what_several_channels_answered_is_their_own_until_one_of_them_accepts_a_message():
    gate = WorkspaceGate()
    refused(gate, is_sure=False)
    refused(gate, "C2", is_sure=False)
    gate.accept("C3")
    gate.accept("C1")
    assert [gate.is_channels_own(channel, "ekm_access_denied") for channel in ("C1", "C2")] == [False, True]


def test_the_token_is_no_channels_own():
    gate = WorkspaceGate()
    gate.refuse("C1", "invalid_auth", "", NOON, is_sure=True)
    gate.accept("C2")
    assert not gate.is_channels_own("C1", "invalid_auth")


def test_it_is_unsure_what_a_code_is_about_until_three_channels_answer_it():
    gate, unsure = WorkspaceGate(), []
    for channel in ("C1", "C2", "C3"):
        refused(gate, channel, is_sure=False)
        unsure.append(gate.is_unsure)
    assert unsure == [True, True, False]


def test_failures_of_one_channel_do_not_close_it():
    gate = WorkspaceGate()
    assert [gate.fail("C1", "http_500", NOON) for _ in range(9)] == [False] * 9


def test_failures_of_several_channels_in_a_row_do():
    gate = WorkspaceGate()
    assert [gate.fail(f"C{n % 2}", "unreachable", NOON) for n in range(4)][-1]


def test_a_success_in_between_forgets_the_failures():
    gate = WorkspaceGate()
    for n in range(3):
        gate.fail(f"C{n}", "unreachable", NOON)
    gate.accept("C1")
    assert not gate.fail("C4", "unreachable", NOON)


def test_a_code_in_no_list_from_three_channels_closes_it():
    gate = WorkspaceGate()
    assert [gate.refuse_unknown(f"C{n}", "odd", NOON) for n in range(3)] == [False, False, True]


def test_a_clock_that_is_set_back_keeps_nothing_waiting():
    gate = WorkspaceGate()
    refused(gate)
    assert may(gate, "C1", NOON - timedelta(hours=2))


def test_a_channel_that_refuses_for_a_reason_of_its_own_is_no_probe_while_others_wait():
    gate = WorkspaceGate()
    gate.refuse_one("C1", NOON)
    refused(gate, "C2")
    due = after(minutes=1)
    assert (may(gate, "C1", due, has_others=True), may(gate, "C3", due, has_others=True)) == (False, True)


def test_once_it_has_accepted_a_message_it_may_be_one():
    gate = WorkspaceGate()
    gate.refuse_one("C1", NOON)
    gate.accept("C1")
    refused(gate, "C2")
    assert may(gate, "C1", after(minutes=1), has_others=True)
