"""Carries out the steps of Slack's workflows: records each, lets it wait for its service, and tells Slack how it ends.

What is recorded outlives the process: the event is acknowledged only once its step is in the database, and a step stays
there until Slack has taken its outcome. A process that dies in between tells the outcome again; Slack takes the first,
and answers the second with ``execution_not_in_running_state``, which ends the step here too.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from bot.domain import Provider, ProviderState, StepKind, StepOutcome, StepValue, Surface, WorkflowStep
from bot.errors import DeliveryError, RefusalScope, StoreError, UsageError
from bot.messages import workflow_steps as messages
from bot.queries.current import StatusQueries
from bot.unit_of_work import INLINE, UnitRunner

log = logging.getLogger("brownout")

MAX_WAITING = 200  # steps at the same time; each needs a look at its service's advice every few seconds
DEFAULT_TIMEOUT, MAX_TIMEOUT = timedelta(hours=4), timedelta(days=7)
LINK_TIMEOUT = timedelta(minutes=2)  # for the message of a declared incident to be posted
CHECK_S = 5.0  # between two looks at the advice while a step waits
IDLE_S = 60.0  # while none does; a new one is looked at at once
MAX_BACKOFF = timedelta(minutes=5)  # between two attempts to tell Slack an outcome
GIVE_UP_AFTER = timedelta(days=3)  # from the end of the wait, if Slack has not taken the outcome by then
OVER_CODES = frozenset({"execution_not_in_running_state", "function_execution_not_found"})  # it has ended at Slack
MISMATCH_CODE = "parameter_validation_failed"
_MAX_ECHOED = 40  # characters of an input that an error repeats


class StepClient(Protocol):
    """Tells Slack how a step ends. Every failure is a DeliveryError."""

    async def complete_step(self, execution: str, outputs: Mapping[str, StepValue]) -> None: ...  # noqa: D102
    async def fail_step(self, execution: str, error: str) -> None: ...  # noqa: D102
    def permalink(self, channel: str, ts: str) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class StepRequest:
    """A step that a workflow starts: its callback id, Slack's id of the execution, and its inputs as they were sent."""

    kind: str
    execution: str
    inputs: Mapping[str, Any]


class Declare(Protocol):
    """Declares the incident of a step; the same step declares one, however often. May raise UsageError."""

    def __call__(self, request: StepRequest) -> int:
        """The incident's number."""


@dataclass(slots=True)
class WorkflowStepRunner:
    """The steps of all workflows. ``run`` is a service of the scheduler; ``begin`` is called by Slack's listener.

    What it does to the database are units of work of ``units``. Without ``declare`` no step can declare an incident.
    """

    queries: StatusQueries
    client: StepClient
    units: UnitRunner = INLINE
    declare: Declare | None = None
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _not_before: datetime | None = None  # Slack asked for a pause, which applies to all steps
    _failure: str = ""  # what was logged last, and has not passed

    async def begin(self, request: StepRequest) -> None:
        """Records a step before Slack is acknowledged. An execution that is recorded already stays as it is.

        Raises StoreError where it can't be recorded: Slack then sends it again.
        """
        await self.units.run_next(self._record, request)
        self._wake.set()

    def _record(self, request: StepRequest) -> None:
        store = self.queries.repository.workflow_steps
        step = self._read_request(request, self.queries.now())
        if step.outcome is None and store.count_waiting() >= MAX_WAITING:
            step = replace(step, outcome=messages.full_outcome(MAX_WAITING))
        if store.add(step) and step.outcome is None:
            log.info("workflow step %s waits for %s until %s", step.execution, step.surface, step.until.isoformat())

    def wake(self) -> None:
        """Lets ``run`` look at the steps now: another bot has recorded one."""
        self._wake.set()

    async def run(self) -> None:
        """Decides about the steps that wait and tells Slack the outcomes, until it is cancelled."""
        while True:
            self._wake.clear()
            pause_s = CHECK_S
            try:
                pause_s = await self.turn()
            except StoreError as error:
                self._log_failure(f"the database: {error}; workflow steps wait")
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()

    async def turn(self) -> float:
        """One look at all steps; returns the seconds until the next one. Raises StoreError."""
        for step in await self.units.run(self._decide):
            if self._not_before is not None and self.queries.now() < self._not_before:
                break
            await self._send(step, step.outcome or StepOutcome(error=messages.UNKNOWN_STEP))
        return await self.units.run(self._pause_s)

    def _pause_s(self) -> float:
        store = self.queries.repository.workflow_steps
        next_due = store.next_due()
        if next_due is None:
            return CHECK_S if store.count_waiting() else IDLE_S
        due_at = max(next_due, self._not_before or next_due)
        return min(max((due_at - self.queries.now()).total_seconds(), 0.1), CHECK_S)

    # --- requests and decisions ---------------------------------------------------------------------------------------

    def _read_request(self, request: StepRequest, now: datetime) -> WorkflowStep:
        """The step; with an outcome where it ends at once."""
        step = WorkflowStep(request.execution, request.kind, "", now, now)
        if request.kind == StepKind.DECLARE and self.declare is not None:
            return self._declare(self.declare, request, step)
        if request.kind not in (StepKind.WAIT, StepKind.STATUS):
            return replace(step, outcome=StepOutcome(error=messages.UNKNOWN_STEP))
        try:
            provider, surface = self.queries.resolve_surface(_text(request.inputs.get("service")))
            timeout = read_timeout(request.inputs.get("timeout_minutes"))
        except UsageError as error:
            return replace(step, outcome=StepOutcome(error=str(error)))
        step = replace(step, surface=surface.id)
        if request.kind == StepKind.STATUS:
            state = self.queries.provider_state(provider)
            return replace(step, outcome=messages.status_outcome(provider, state, surface, now))
        slowly, fails_late = (request.inputs.get(name) is True for name in ("slowly", "fail_on_timeout"))
        return replace(step, until=now + timeout, slowly=slowly, fails_late=fails_late)

    @staticmethod
    def _declare(declare: Declare, request: StepRequest, step: WorkflowStep) -> WorkflowStep:
        """The step after its incident is declared: it waits for the address of the incident's message."""
        try:
            number = declare(request)
        except UsageError as error:
            return replace(step, outcome=StepOutcome(error=str(error)))
        return replace(step, declared=number, until=step.since + LINK_TIMEOUT)

    def _decide(self) -> tuple[WorkflowStep, ...]:
        """Records an outcome for each step that need not wait any longer; returns the steps to be ended now."""
        now, store = self.queries.now(), self.queries.repository.workflow_steps
        services = {s.id: (p, s) for p in self.queries.providers for s in p.surfaces}
        states: dict[str, ProviderState] = {}
        for step in store.waiting():
            known = services.get(step.surface)
            if step.declared is not None:
                outcome = self._declared_outcome(step, step.declared, now)
            else:
                outcome = self._outcome(step, *known, states, now) if known else messages.gone_outcome(step.surface)
            if outcome is not None:
                store.set_outcome(step.execution, outcome, now)
        return store.due(now)

    def _outcome(
        self, step: WorkflowStep, provider: Provider, surface: Surface, states: dict[str, ProviderState], now: datetime
    ) -> StepOutcome | None:
        if provider.id not in states:
            states[provider.id] = self.queries.provider_state(provider)
        return messages.wait_outcome(step, surface, self.queries.verdict(states[provider.id], surface), now)

    def _declared_outcome(self, step: WorkflowStep, number: int, now: datetime) -> StepOutcome | None:
        """With the address of the incident's message, or without it once LINK_TIMEOUT is over."""
        store = self.queries.repository.declared
        incident = store.find(number)
        if incident is None:
            return messages.deleted_outcome(number)
        ts = store.message_ts(incident.home, incident.key)
        link = self.client.permalink(incident.home, ts) if ts else ""
        return messages.declared_outcome(incident, link) if link or now >= step.until else None

    # --- telling Slack ------------------------------------------------------------------------------------------------

    async def _send(self, step: WorkflowStep, outcome: StepOutcome) -> None:
        store = self.queries.repository.workflow_steps
        try:
            if outcome.error:
                await self.client.fail_step(step.execution, outcome.error)
            else:
                await self.client.complete_step(step.execution, outcome.outputs)
        except DeliveryError as error:
            await self.units.run_next(self._record_failure, step, outcome, error)
            return
        await self.units.run_next(store.mark_ended, step.execution, self.queries.now())
        if self._failure:
            log.info("workflow steps are ended again (was: %s)", self._failure)
        self._failure = ""

    def _record_failure(self, step: WorkflowStep, outcome: StepOutcome, error: DeliveryError) -> None:
        now, store = self.queries.now(), self.queries.repository.workflow_steps
        if error.code == MISMATCH_CODE and not outcome.error:
            log.error("workflow step %s: %s", step.execution, messages.MISMATCH)
            store.set_outcome(step.execution, StepOutcome(error=messages.MISMATCH), now)
            return
        if error.code in OVER_CODES or error.blame is RefusalScope.POST or now - step.until > GIVE_UP_AFTER:
            log.log(
                logging.INFO if error.code in OVER_CODES else logging.ERROR,
                *("workflow step %s: Slack did not take how it ended (%s)", step.execution, error.code),
            )
            store.mark_ended(step.execution, now, error.code)
            return
        wait = timedelta(seconds=error.retry_after) if error.retry_after else _backoff(step.attempts)
        if error.retry_after or error.is_token:
            self._not_before = now + wait
        store.mark_deferred(step.execution, now + wait, error.code)
        self._log_failure(f"Slack does not take how workflow steps end ({error.code})")

    def _log_failure(self, what: str) -> None:
        if what != self._failure:
            log.warning("%s; it is tried again", what)
        self._failure = what


def read_timeout(typed: object) -> timedelta:
    """The timeout of a workflow's author, in minutes; DEFAULT_TIMEOUT where it is empty. May raise UsageError."""
    if typed is None or typed == "":
        return DEFAULT_TIMEOUT
    text = str(typed).strip()
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if isinstance(typed, bool) or not 1 <= minutes <= MAX_TIMEOUT / timedelta(minutes=1):
        raise UsageError(messages.timeout_error(text[:_MAX_ECHOED], MAX_TIMEOUT))
    return timedelta(minutes=minutes)


def _backoff(attempts: int) -> timedelta:
    """1 s, doubled after each attempt up to ``MAX_BACKOFF``."""
    return min(timedelta(seconds=2 ** min(attempts, 20)), MAX_BACKOFF)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
