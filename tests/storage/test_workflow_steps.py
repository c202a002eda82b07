"""Steps of Slack's workflows in the database: each execution once, until Slack has taken how it ended."""

from datetime import timedelta

import pytest

from bot.domain import StepKind, StepOutcome, WorkflowStep
from bot.storage import Repository
from bot.storage.workflow_steps import KEEP_ENDED, UNREADABLE
from tests.support.acme import NOON
from tests.support.stores import ask, place

HOUR = timedelta(hours=1)
STEP = WorkflowStep("Fx1", StepKind.WAIT, "acme-api", NOON, NOON + HOUR, slowly=True, fails_late=True)
DONE = StepOutcome({"advice": "Safe to retry", "since": 5, "timed_out": False})


@pytest.fixture
def where(tmp_path):
    return place(tmp_path / "b.db")


@pytest.fixture
def repository(where):
    store = Repository.open(where)
    yield store
    store.close()


def test_what_waits_is_read_as_it_was_recorded(repository):
    repository.workflow_steps.add(STEP)
    assert repository.workflow_steps.waiting() == (STEP,)


def test_an_execution_is_recorded_once(repository):
    assert [repository.workflow_steps.add(step) for step in (STEP, STEP)] == [True, False]


def test_an_outcome_is_read_as_it_was_recorded(repository):
    repository.workflow_steps.add(STEP)
    repository.workflow_steps.set_outcome("Fx1", DONE, NOON)
    [step] = repository.workflow_steps.due(NOON)
    assert step.outcome == DONE


def test_a_failure_is_read_as_it_was_recorded(repository):
    repository.workflow_steps.add(STEP)
    repository.workflow_steps.set_outcome("Fx1", StepOutcome(error="no"), NOON)
    assert [step.outcome for step in repository.workflow_steps.due(NOON)] == [StepOutcome(error="no")]


def test_what_has_an_outcome_waits_no_longer(repository):
    repository.workflow_steps.add(STEP)
    repository.workflow_steps.set_outcome("Fx1", DONE, NOON)
    assert (repository.workflow_steps.waiting(), repository.workflow_steps.count_waiting()) == ((), 0)


def test_a_deferred_outcome_is_due_when_it_says(repository):
    repository.workflow_steps.add(STEP)
    repository.workflow_steps.set_outcome("Fx1", DONE, NOON)
    repository.workflow_steps.mark_deferred("Fx1", NOON + HOUR, "ratelimited")
    assert [len(repository.workflow_steps.due(NOON + HOUR * hours)) for hours in (0, 1)] == [0, 1]
    assert repository.workflow_steps.next_due() == NOON + HOUR


def test_what_slack_has_taken_is_neither_due_nor_begun_again(repository):
    repository.workflow_steps.add(STEP)
    repository.workflow_steps.set_outcome("Fx1", DONE, NOON)
    repository.workflow_steps.mark_ended("Fx1", NOON)
    assert repository.workflow_steps.add(STEP) is False
    assert (repository.workflow_steps.due(NOON + HOUR), repository.workflow_steps.next_due()) == ((), None)


def test_what_ended_long_ago_is_deleted_with_the_next_step(repository, where):
    repository.workflow_steps.add(STEP)
    repository.workflow_steps.mark_ended("Fx1", NOON)
    later = NOON + KEEP_ENDED + HOUR
    repository.workflow_steps.add(WorkflowStep("Fx2", StepKind.WAIT, "acme-api", later, later + HOUR))
    assert ask(where, "SELECT execution FROM workflow_steps") == [("Fx2",)]


def test_an_outcome_that_cant_be_read_is_a_failure_that_says_so(repository, where):
    repository.workflow_steps.add(STEP)
    ask(where, "UPDATE workflow_steps SET outcome = '{' WHERE execution = 'Fx1'")
    assert [step.outcome for step in repository.workflow_steps.due(NOON)] == [StepOutcome(error=UNREADABLE)]


def test_no_token_has_a_column(repository):
    assert not [name for name in repository.workflow_steps._db.exported_columns()["workflow_steps"] if "token" in name]
