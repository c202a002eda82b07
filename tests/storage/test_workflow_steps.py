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
def book(where):
    store = Repository.open(where)
    yield store
    store.close()


def test_what_waits_is_read_as_it_was_recorded(book):
    book.workflow_steps.add(STEP)
    assert book.workflow_steps.waiting() == (STEP,)


def test_an_execution_is_recorded_once(book):
    assert [book.workflow_steps.add(step) for step in (STEP, STEP)] == [True, False]


def test_an_outcome_is_read_as_it_was_recorded(book):
    book.workflow_steps.add(STEP)
    book.workflow_steps.set_outcome("Fx1", DONE, NOON)
    [step] = book.workflow_steps.due(NOON)
    assert step.outcome == DONE


def test_a_failure_is_read_as_it_was_recorded(book):
    book.workflow_steps.add(STEP)
    book.workflow_steps.set_outcome("Fx1", StepOutcome(error="no"), NOON)
    assert [step.outcome for step in book.workflow_steps.due(NOON)] == [StepOutcome(error="no")]


def test_what_has_an_outcome_waits_no_longer(book):
    book.workflow_steps.add(STEP)
    book.workflow_steps.set_outcome("Fx1", DONE, NOON)
    assert (book.workflow_steps.waiting(), book.workflow_steps.count_waiting()) == ((), 0)


def test_a_deferred_outcome_is_due_when_it_says(book):
    book.workflow_steps.add(STEP)
    book.workflow_steps.set_outcome("Fx1", DONE, NOON)
    book.workflow_steps.mark_deferred("Fx1", NOON + HOUR, "ratelimited")
    assert [len(book.workflow_steps.due(NOON + HOUR * hours)) for hours in (0, 1)] == [0, 1]
    assert book.workflow_steps.next_due() == NOON + HOUR


def test_what_slack_has_taken_is_neither_due_nor_begun_again(book):
    book.workflow_steps.add(STEP)
    book.workflow_steps.set_outcome("Fx1", DONE, NOON)
    book.workflow_steps.mark_ended("Fx1", NOON)
    assert book.workflow_steps.add(STEP) is False
    assert (book.workflow_steps.due(NOON + HOUR), book.workflow_steps.next_due()) == ((), None)


def test_what_ended_long_ago_is_deleted_with_the_next_step(book, where):
    book.workflow_steps.add(STEP)
    book.workflow_steps.mark_ended("Fx1", NOON)
    later = NOON + KEEP_ENDED + HOUR
    book.workflow_steps.add(WorkflowStep("Fx2", StepKind.WAIT, "acme-api", later, later + HOUR))
    assert ask(where, "SELECT execution FROM workflow_steps") == [("Fx2",)]


def test_an_outcome_that_cant_be_read_is_a_failure_that_says_so(book, where):
    book.workflow_steps.add(STEP)
    ask(where, "UPDATE workflow_steps SET outcome = '{' WHERE execution = 'Fx1'")
    assert [step.outcome for step in book.workflow_steps.due(NOON)] == [StepOutcome(error=UNREADABLE)]


def test_no_token_has_a_column(book):
    assert not [name for name in book.workflow_steps._db.exported_columns()["workflow_steps"] if "token" in name]
