"""Steps of Slack's Workflow Builder that the bot carries out (bot/docs/slack.md#workflow-steps)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

StepValue = str | int | bool


class StepKind(StrEnum):
    """A step, by its callback id in the manifest. Workflows keep these ids, so they never change."""

    WAIT = "wait_until_safe_to_retry"
    STATUS = "get_status_and_advice"
    DECLARE = "declare_this_hits_us"
    SERVICES = "list_services"  # the choices of the other steps' field *Service*


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """How a step ends: with outputs that later steps of the workflow can use, or with an error that its owner reads.

    Attributes:
        outputs: Values by the name of the output in the manifest; empty where it fails.
        error: Why it fails; empty where it succeeds.
    """

    outputs: Mapping[str, StepValue] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True, slots=True)
class WorkflowStep:
    """A step that a workflow has started.

    Attributes:
        execution: Slack's id of this execution; each ends once.
        kind: Which step it is: its callback id in the manifest.
        surface: The id of the service that it is about; empty where it waits for none.
        since: When it began.
        until: When it stops waiting.
        slowly: *Retry slowly* is enough for it.
        fails_late: It fails if it is still not safe then, instead of ending with ``timed_out``.
        outcome: How it ends; None while it waits.
        attempts: How often the outcome was sent to Slack.
        declared: The number of the incident that it declared; None where it declares none.
    """

    execution: str
    kind: str
    surface: str
    since: datetime
    until: datetime
    slowly: bool = False
    fails_late: bool = False
    outcome: StepOutcome | None = None
    attempts: int = 0
    declared: int | None = None
