"""The functions of the Slack app's manifest: steps of Workflow Builder (bot/docs/slack.md#workflow-steps).

In the form of manifests of major version 1: a parameter says by itself whether it is required. Later steps of workflows
refer to outputs by name, so names and types never change; ``bot.messages.workflow_steps`` fills them.
"""

from __future__ import annotations

import re

from bot.domain import StepKind

EVENT = "      - function_executed # a step of a workflow begins; needs no scope\n"


def _parameter(name: str, kind: str, title: str, description: str, *, is_required: bool = True, more: str = "") -> str:
    return f"""\
      {name}:
        type: {kind}
        name: {name}
        title: {title}
        description: {description}
        is_required: {str(is_required).lower()}
{more}"""


def _function(kind: StepKind, title: str, description: str, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> str:
    return f"""\
  {kind}:
    title: {title}
    description: {description}
    input_parameters:
{"".join(inputs)}    output_parameters:
{"".join(outputs)}"""


_TIME = "slack#/types/timestamp"
_CHOICES = f"""\
        dynamic_options: # a menu, which `{StepKind.SERVICES}` fills
          function: "#/functions/{StepKind.SERVICES}"
          inputs:
            query:
              value: "{{{{client.query}}}}"
"""
_SERVICE = _parameter("service", "string", "Service", "The service, by its id or name", more=_CHOICES)
_ADVICE_OUTPUTS = (
    _parameter("service", "string", "Service id", "The id of the service, such as claude-api"),
    _parameter(
        "advice", "string", "Advice", "Safe to retry, Retry slowly, Don't retry, Use another service or Unknown"
    ),
    _parameter(
        *("advice_code", "string", "Advice for conditions"),
        "retry_normally, retry_gently, hold_off, fail_over or unknown",
    ),
    _parameter("text", "string", "Text", "A sentence with the service, its advice and the reason"),
)
_WAIT = _function(
    StepKind.WAIT,
    "Wait until it is safe to retry",
    "Waits until a service is safe to retry, or until the time is over",
    (
        _SERVICE,
        _parameter(
            "timeout_minutes", "integer", "Wait at most (minutes)", "1 to 10080; 240 if empty", is_required=False
        ),
        _parameter(
            *("slowly", "boolean", "“Retry slowly” is enough", "Also continues as soon as a part of the load is safe"),
            is_required=False,
        ),
        _parameter(
            *("fail_on_timeout", "boolean", "Stop the workflow if it takes longer"),
            "If not, the workflow continues, and “Timed out” is true",
            is_required=False,
        ),
    ),
    (
        *_ADVICE_OUTPUTS,
        _parameter("since", _TIME, "Waited since", "When the step began to wait"),
        _parameter("until", _TIME, "Waited until", "When the step ended"),
        _parameter("waited_minutes", "integer", "Minutes waited", "0 if it was safe at once"),
        _parameter("timed_out", "boolean", "Timed out", "True if it was still not safe when the time was over"),
    ),
)
_STATUS = _function(
    StepKind.STATUS,
    "Get status and advice",
    "Says whether a service is broken, and whether it is safe to retry",
    (_SERVICE,),
    (
        *_ADVICE_OUTPUTS,
        _parameter(
            *("status", "string", "Status"),
            "operational, recovering, degraded, partial outage, outage, maintenance or unknown",
        ),
        _parameter(
            "since", _TIME, "Since", "Since when it has this status; missing if that is not known", is_required=False
        ),
        _parameter("link", "string", "Status page", "The address of the vendor's status page"),
    ),
)
_DECLARE = _function(
    StepKind.DECLARE,
    "Declare that this hits us",
    "Declares an incident of your team about a service, and begins a thread for it",
    (
        _SERVICE,
        _parameter("title", "string", "What is wrong", "In a few words, as your team would say it"),
        _parameter("severity", "string", "Severity", "sev1, sev2 or sev3; sev2 if empty", is_required=False),
        _parameter("channel", "slack#/types/channel_id", "Channel", "The channel in which your incident is handled"),
        _parameter("person", "slack#/types/user_id", "Declared by", "Who declares it", is_required=False),
    ),
    (
        _parameter("number", "integer", "Number", "The number of the incident"),
        _parameter("title", "string", "Title", "The title of the incident"),
        _parameter("severity", "string", "Severity", "SEV1, SEV2 or SEV3"),
        _parameter(
            *("link", "string", "Link", "The address of its message; missing if that could not be posted"),
            is_required=False,
        ),
        _parameter("text", "string", "Text", "A sentence with the number, the severity and the title"),
    ),
)
_SERVICES = _function(
    StepKind.SERVICES,
    "List services",
    "Fills the menu of services in the other steps; of no use in a workflow by itself",
    (_parameter("query", "string", "Search", "Words that the service's name contains", is_required=False),),
    (_parameter("options", "slack#/types/options_select", "Services", "At most 100 services"),),
)
FUNCTIONS = f"""\
functions: # steps of Workflow Builder; workflows refer to their ids, inputs and outputs
{_WAIT}{_STATUS}{_DECLARE}{_SERVICES}"""


def with_workflow_steps(manifest: str) -> str:
    """The manifest with the functions, and with what Slack requires of an app that has them."""
    manifest = re.sub(r"(?m)^( +)bot_events:.*\n", rf"\g<0>{EVENT}", manifest)
    manifest = re.sub(
        r"(?m)^( +)org_deploy_enabled: false.*\n",
        r"\1org_deploy_enabled: true # Slack requires it of apps with workflow steps\n\1function_runtime: remote\n",
        manifest,
    )
    return manifest + FUNCTIONS
