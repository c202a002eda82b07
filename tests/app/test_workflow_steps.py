"""Steps of workflows from their start to what Slack is told, with a real database and a Slack on loopback."""

from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from bot.adapters.slack_client import SlackClient
from bot.app.workflow_steps import (
    CHECK_S,
    DEFAULT_TIMEOUT,
    GIVE_UP_AFTER,
    IDLE_S,
    MAX_WAITING,
    StepRequest,
    WorkflowStepRunner,
    read_timeout,
)
from bot.domain import StepKind, VerdictParameters
from bot.errors import UsageError
from bot.messages.workflow_steps import MISMATCH, UNKNOWN_STEP
from bot.queries.current import StatusQueries
from bot.storage import Repository
from tests.support.acme import ACME, Clock, poll_page
from tests.support.loopback import serving_app
from tests.support.pages import page
from tests.support.stores import place
from tests.support.workflow_slack import FakeWorkflows

pytestmark = pytest.mark.anyio

TOKEN = "xoxb-ours"  # noqa: S105  (it opens nothing)
SERVICE = {"service": "acme-api"}
BAD = page(api="major_outage")


class Steps:
    """The runner, and what it stands between."""

    def __init__(self, repository, slack, url):
        self.repository, self.slack, self.clock = repository, slack, Clock()
        self.providers = [ACME]
        queries = StatusQueries(self.providers, repository, self.clock, lambda _: VerdictParameters())
        self.runner = WorkflowStepRunner(queries, SlackClient(TOKEN, base_url=f"{url}/api/", timeout_s=5))
        self.world = None
        self.shows(page())

    def shows(self, body):
        """A poll of Acme's page."""
        change = poll_page(self.world, body, self.clock())
        self.world = change.state
        self.repository.record_transition(None, change, [])

    async def starts(self, kind=StepKind.WAIT, execution="Fx1", **inputs):
        """A workflow starts a step."""
        self.slack.running.add(execution)
        await self.runner.begin(StepRequest(str(kind), execution, SERVICE | inputs))

    async def passes(self, minutes, body=None):
        """Time passes with a poll a minute, and a poll of the steps after each."""
        for _ in range(minutes):
            self.clock.move(minutes=1)
            self.shows(body or page())
            await self.runner.turn()

    @property
    def ended(self):
        return self.slack.ended


@asynccontextmanager
async def opened(path):
    slack = FakeWorkflows()
    async with serving_app(*slack.routes()) as url:
        repository = Repository.open(path)
        try:
            yield Steps(repository, slack, url)
        finally:
            repository.close()


@pytest.fixture
async def steps(tmp_path):
    async with opened(place(tmp_path / "b.db")) as steps:
        await steps.passes(16)  # polled for long enough to be sure
        yield steps


async def test_a_service_that_is_well_ends_the_wait_at_once(steps):
    await steps.starts()
    await steps.runner.turn()
    assert (steps.ended["Fx1"]["advice"], steps.ended["Fx1"]["waited_minutes"]) == ("Safe to retry", 0)


async def test_a_broken_one_is_waited_for_until_it_is_safe_to_retry(steps):
    await steps.passes(1, BAD)
    await steps.starts()
    await steps.passes(20, BAD)
    assert steps.ended == {}
    await steps.passes(70)
    assert steps.ended["Fx1"]["advice_code"] == "retry_normally"
    assert 20 < steps.ended["Fx1"]["waited_minutes"] <= 90


async def test_slowly_is_enough_by_choice(steps):
    await steps.passes(1, BAD)
    await steps.starts(slowly=True)
    await steps.passes(5)
    assert steps.ended["Fx1"]["advice"] == "Retry slowly"


async def test_at_the_timeout_it_ends_with_timed_out(steps):
    await steps.passes(1, BAD)
    await steps.starts(timeout_minutes=10)
    await steps.passes(11, BAD)
    assert (steps.ended["Fx1"]["advice"], steps.ended["Fx1"]["timed_out"]) == ("Don't retry", True)


async def test_at_the_timeout_it_fails_by_choice(steps):
    await steps.passes(1, BAD)
    await steps.starts(timeout_minutes=10, fail_on_timeout=True)
    await steps.passes(11, BAD)
    assert steps.ended["Fx1"].startswith("Acme API: still not safe to retry after 10 min.")


async def test_the_status_is_told_at_once(steps):
    await steps.passes(1, BAD)
    await steps.starts(StepKind.STATUS)
    await steps.runner.turn()
    assert (steps.ended["Fx1"]["status"], steps.ended["Fx1"]["advice"]) == ("outage", "Don't retry")


@pytest.mark.parametrize("kind", [StepKind.WAIT, StepKind.STATUS])
async def test_a_service_that_is_not_known_fails_with_the_nearest(steps, kind):
    await steps.starts(kind, service="acme-apo")
    await steps.runner.turn()
    assert steps.ended["Fx1"].startswith("No service called “acme-apo”. Closest: `acme-api`")


async def test_a_missing_service_fails_with_what_to_do(steps):
    await steps.starts(service=None)
    await steps.runner.turn()
    assert steps.ended["Fx1"].startswith("Name a service.")


async def test_a_step_of_another_version_fails_with_what_to_do(steps):
    await steps.starts("order_pizza")
    await steps.runner.turn()
    assert steps.ended["Fx1"] == UNKNOWN_STEP


async def test_a_service_that_is_removed_meanwhile_fails_the_step(steps):
    await steps.passes(1, BAD)
    await steps.starts()
    steps.providers.clear()
    await steps.runner.turn()
    assert steps.ended["Fx1"] == "Brownout does not watch acme-api any more, so this step can't wait for it."


async def test_one_step_too_many_fails_and_the_others_wait(steps):
    await steps.passes(1, BAD)
    for number in range(MAX_WAITING + 1):
        await steps.starts(execution=f"Fx{number}")
    await steps.runner.turn()
    assert list(steps.ended) == [f"Fx{MAX_WAITING}"]
    assert "200 steps wait already" in steps.ended[f"Fx{MAX_WAITING}"]


async def test_an_event_that_comes_again_begins_nothing_new(steps):
    await steps.starts()
    await steps.runner.turn()
    await steps.runner.begin(StepRequest(str(StepKind.WAIT), "Fx1", SERVICE))
    await steps.runner.turn()
    assert [method for method, _ in steps.slack.asked].count("functions.completeSuccess") == 1


async def test_the_bots_own_token_ends_a_step(steps):
    await steps.starts()
    await steps.runner.turn()
    assert {token for _, token in steps.slack.asked} == {TOKEN}


@pytest.mark.parametrize("fault", ["500", "close", "internal_error", "access_denied"])
async def test_what_slack_does_not_take_is_tried_again(steps, fault):
    steps.slack.faults.append(fault)
    await steps.starts()
    await steps.runner.turn()
    assert steps.ended == {}
    steps.clock.move(seconds=2)
    await steps.runner.turn()
    assert list(steps.ended) == ["Fx1"]


async def test_a_pause_that_slack_asks_for_is_kept_for_all_steps(steps):
    steps.slack.faults.append("429")
    for number in range(3):
        await steps.starts(execution=f"Fx{number}")
    await steps.runner.turn()
    steps.clock.move(seconds=29)
    await steps.runner.turn()
    assert len(steps.slack.asked) == 1
    steps.clock.move(seconds=2)
    await steps.runner.turn()
    assert sorted(steps.ended) == ["Fx0", "Fx1", "Fx2"]


async def test_an_answer_that_was_lost_is_no_second_end(steps):
    steps.slack.faults.append("lost")
    await steps.starts()
    await steps.runner.turn()
    steps.clock.move(seconds=2)
    await steps.runner.turn()
    steps.clock.move(hours=1)
    await steps.runner.turn()
    assert (list(steps.ended), steps.slack.refused) == (["Fx1"], [("Fx1", "execution_not_in_running_state")])


async def test_a_workflow_that_was_deleted_meanwhile_is_forgotten(steps):
    await steps.starts()
    steps.slack.running.clear()
    await steps.runner.turn()
    steps.clock.move(hours=1)
    await steps.runner.turn()
    assert steps.slack.refused == [("Fx1", "function_execution_not_found")]


async def test_outputs_of_another_manifest_fail_the_step_with_what_to_do(steps):
    steps.slack.faults.append("parameter_validation_failed")
    await steps.starts()
    await steps.runner.turn()
    await steps.runner.turn()
    assert steps.ended["Fx1"] == MISMATCH


async def test_a_slack_that_never_takes_it_is_given_up(steps):
    steps.slack.faults.extend(["500"] * 10)
    await steps.starts(StepKind.STATUS)
    await steps.runner.turn()
    steps.clock.move(seconds=GIVE_UP_AFTER.total_seconds() + 1)
    await steps.runner.turn()
    calls = len(steps.slack.asked)
    steps.clock.move(days=1)
    await steps.runner.turn()
    assert len(steps.slack.asked) == calls


async def test_one_step_that_slack_does_not_take_holds_up_no_other(steps):
    steps.slack.faults.append("access_denied")
    await steps.starts(execution="Fx1")
    await steps.starts(execution="Fx2")
    await steps.runner.turn()
    assert list(steps.ended) == ["Fx2"]


async def test_it_looks_often_only_while_something_waits(steps):
    assert await steps.runner.turn() == IDLE_S
    await steps.passes(1, BAD)
    await steps.starts()
    assert await steps.runner.turn() == CHECK_S


async def test_what_waits_goes_on_in_another_process(tmp_path):
    where = place(tmp_path / "b.db")
    async with opened(where) as before:
        await before.passes(16)
        await before.passes(1, BAD)
        await before.starts(timeout_minutes=10)
    async with opened(where) as after:
        after.slack.running.add("Fx1")
        after.clock.move(minutes=28)
        await after.runner.turn()
        assert after.ended["Fx1"]["timed_out"] is True


@pytest.mark.parametrize(
    ("typed", "minutes"), [(None, 240), ("", 240), (30, 30), ("45", 45), (1.0, 1), (10080, 10080), (" 15 ", 15)]
)
def test_a_timeout_is_read(typed, minutes):
    assert read_timeout(typed) == timedelta(minutes=minutes)
    assert timedelta(minutes=240) == DEFAULT_TIMEOUT


@pytest.mark.parametrize("typed", [0, -5, 10081, "soon", "nan", "inf", True, [], 1e300])
def test_another_timeout_is_refused_with_what_is_possible(typed):
    with pytest.raises(UsageError, match="from 1 to 10,080"):
        read_timeout(typed)
