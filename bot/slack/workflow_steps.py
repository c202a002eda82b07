"""Bolt listeners for the steps of Slack's Workflow Builder, which Slack calls functions.

An execution is acknowledged once it is recorded, and an unrecorded one is not: Slack sends it again. The choices of a
field are sent before the acknowledgement, which is how Slack knows that they are complete
(https://docs.slack.dev/tools/bolt-python/concepts/custom-steps-dynamic-options).
"""

from __future__ import annotations

import logging
import re
from typing import Any

import aiohttp
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError

from bot.app.workflow_steps import StepRequest, WorkflowStepRunner
from bot.domain import StepKind
from bot.messages import modals
from bot.queries.current import StatusQueries

log = logging.getLogger("brownout")

_ANY = re.compile("")


def register_workflow_steps(app: AsyncApp, queries: StatusQueries, runner: WorkflowStepRunner) -> None:
    """Adds the functions to the app; those that only other versions have are answered with an error."""

    async def begin_step(ack: Any, event: dict[str, Any]) -> None:
        execution, kind = event["function_execution_id"], event["function"]["callback_id"]
        await runner.begin(StepRequest(kind, execution, event.get("inputs") or {}))
        await ack()

    async def list_services(ack: Any, complete: Any, inputs: dict[str, Any]) -> None:
        typed = inputs.get("query")
        options = modals.surface_options(queries.providers, typed if isinstance(typed, str) else "")
        try:
            await complete({"options": options})
        except (SlackApiError, aiohttp.ClientError, OSError) as error:  # the menu stays empty until it is opened again
            log.warning("Slack did not take the services for a workflow's menu: %s", type(error).__name__)
        await ack()

    app.function(str(StepKind.SERVICES), auto_acknowledge=False)(list_services)
    app.function(_ANY, auto_acknowledge=False)(begin_step)
