"""The short form of ``python -m tests.e2e.slackdays``: every fault, and half a day of refusals of every code."""

import pytest

from tests.e2e import odd_days, sixteen_faults, slackdays
from tests.e2e.slack_week import run_week
from tests.support.pages import incident, update

pytestmark = pytest.mark.anyio

SHORT_ODD_DAYS = [odd for odd in odd_days.DAYS if not odd.is_long]
SHORT = {"channels": 8, "incidents": 3, "days": 0.25}


@pytest.mark.parametrize("fault", slackdays.FAULTS, ids=[name for name, *_ in slackdays.FAULTS])
async def test_after_a_fault_every_channel_has_the_old_alert_and_the_next_outage(fault):
    _, play, code = fault
    async with slackdays.a_day(3) as day:
        await play(day, code)
        assert (day.told("inc1:alert"), day.told("inc2:alert")) == ("3 of 3", "3 of 3")


@pytest.mark.parametrize("fault", sixteen_faults.FAULTS, ids=[f.name for f in sixteen_faults.FAULTS])
async def test_a_fault_of_an_early_version_is_mended(fault, tmp_path):
    found = await fault.play(tmp_path)
    assert found.holds, found.text


@pytest.mark.parametrize("odd", SHORT_ODD_DAYS, ids=[odd.name for odd in SHORT_ODD_DAYS])
async def test_a_slack_that_answers_what_it_never_should_costs_no_alert_and_few_doubles(odd):
    row = await odd_days.row(odd)
    assert row[-1] == "yes", dict(zip(odd_days.HEADS, row, strict=True))


async def test_what_two_channels_refuse_keeps_a_small_incident_from_no_other_channel():
    async with slackdays.a_day(6) as day:
        suspended = ("C0", "C1")
        day.slack.behaviour = slackdays.refusing("ekm_access_denied", only=lambda a: a["channel"] in suspended)
        day.repository.user_actions.enqueue([slackdays.digest(c, day.now.at) for c in suspended], day.now.at)
        await day.passes(minutes=60)
        day.show(incident(update(api="partial_outage")), api="partial_outage")
        await day.passes(minutes=2)
        assert sorted(c for c, key in day.slack.shown_at if key == "inc1:alert") == ["C2", "C3", "C4", "C5"]


async def test_while_everything_is_refused_there_is_one_probe_and_no_call_for_each_channel():
    async with slackdays.a_day(10) as day:
        await slackdays.everything_is_refused(day, "ekm_access_denied")
        assert sum(day.slack.refused.values()) <= 3


def test_connections_that_slack_closes_at_once_are_at_most_ten_in_a_minute():
    assert max(most for *_, most in slackdays.connections()) <= 10


def test_a_part_of_a_week_of_refusals_breaks_no_promise():
    assert run_week(7, **SHORT).violations == []


def test_a_bot_that_pauses_channels_for_a_day_is_caught():
    assert run_week(7, **SHORT, design="pause for a day").violations


def test_a_bot_without_a_wait_between_probes_is_caught():
    assert run_week(8, **SHORT, design="no back-off").violations
