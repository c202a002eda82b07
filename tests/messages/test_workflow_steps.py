"""How a workflow's step ends, by the advice of its service and by the time."""

from datetime import timedelta

import pytest

from bot.domain import Advice, ProviderState, StepKind, Verdict, WorkflowStep
from bot.messages.workflow_steps import MAX_TEXT, status_outcome, wait_outcome
from tests.support.acme import ACME, NOON, poll_page
from tests.support.pages import DOWN, page

API = ACME.surfaces[0]
HOUR = timedelta(hours=1)
STEP = WorkflowStep("Fx1", StepKind.WAIT, "acme-api", NOON, NOON + 2 * HOUR)
SLOWLY = WorkflowStep("Fx1", StepKind.WAIT, "acme-api", NOON, NOON + 2 * HOUR, slowly=True)
STRICT = WorkflowStep("Fx1", StepKind.WAIT, "acme-api", NOON, NOON + 2 * HOUR, fails_late=True)


def verdict(call, because="the page shows a partial outage"):
    return Verdict("acme-api", call, NOON, 0.1, "", "component", because=because)


def ended(step, call, after):
    return wait_outcome(step, API, verdict(call), NOON + after)


def test_it_ends_when_it_is_safe_to_retry():
    assert ended(STEP, Advice.RETRY_NORMALLY, HOUR).outputs == {
        "service": "acme-api",
        "advice": "Safe to retry",
        "advice_code": "retry_normally",
        "since": int(NOON.timestamp()),
        "until": int((NOON + HOUR).timestamp()),
        "waited_minutes": 60,
        "timed_out": False,
        "text": "Acme API: Safe to retry. The page shows a partial outage.",
    }


@pytest.mark.parametrize("call", [c for c in Advice if c is not Advice.RETRY_NORMALLY])
def test_it_waits_while_it_is_not(call):
    assert ended(STEP, call, HOUR) is None


def test_slowly_ends_the_wait_of_a_step_for_which_that_is_enough():
    outcome = ended(SLOWLY, Advice.RETRY_GENTLY, HOUR)
    assert (outcome.outputs["advice"], outcome.outputs["timed_out"]) == ("Retry slowly", False)


@pytest.mark.parametrize("call", [Advice.HOLD_OFF, Advice.FAIL_OVER, Advice.UNKNOWN])
def test_too_late_is_dont_retry_and_timed_out(call):
    outcome = ended(STEP, call, 2 * HOUR)
    assert (outcome.outputs["advice"], outcome.outputs["advice_code"], outcome.outputs["timed_out"]) == (
        "Don't retry",
        "hold_off",
        True,
    )


def test_too_late_while_it_may_be_retried_slowly_says_slowly():
    outcome = ended(STEP, Advice.RETRY_GENTLY, 2 * HOUR)
    assert (outcome.outputs["advice"], outcome.outputs["timed_out"]) == ("Retry slowly", True)


def test_too_late_is_a_failure_by_choice():
    error = "Acme API: still not safe to retry after 2 h. Don't retry. The page shows a partial outage."
    assert ended(STRICT, Advice.HOLD_OFF, 2 * HOUR).error == error


def test_a_check_after_the_time_still_finds_that_it_is_safe():
    assert ended(STEP, Advice.RETRY_NORMALLY, 3 * HOUR).outputs["timed_out"] is False


def test_a_long_reason_is_cut():
    outcome = wait_outcome(STEP, API, verdict(Advice.RETRY_NORMALLY, "x" * 5000), NOON)
    assert len(outcome.outputs["text"]) <= MAX_TEXT


def test_a_clock_that_was_set_back_waited_no_negative_time():
    assert ended(STEP, Advice.RETRY_NORMALLY, -HOUR).outputs["waited_minutes"] == 0


def test_the_status_of_a_broken_service():
    state = poll_page(poll_page(None, page(), NOON).state, DOWN, NOON + HOUR).state
    outputs = status_outcome(ACME, state, API, NOON + HOUR).outputs
    assert (outputs["status"], outputs["advice"], outputs["since"], outputs["link"]) == (
        "outage",
        "Don't retry",
        int((NOON + HOUR).timestamp()),
        "https://status.acme.example",
    )
    assert outputs["text"].startswith("Acme API: outage. Don't retry. ")


def test_the_status_before_the_first_check_is_unknown_and_has_no_time():
    outputs = status_outcome(ACME, ProviderState("acme"), API, NOON).outputs
    assert (outputs["status"], outputs["advice_code"], "since" in outputs) == ("unknown", "unknown", False)
