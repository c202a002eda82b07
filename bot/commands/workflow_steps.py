"""*Declare that this hits us*, a step of Slack's workflows: declares an incident from the step's inputs."""

from __future__ import annotations

from bot.app.workflow_steps import StepRequest
from bot.commands import declared
from bot.domain import BOT_USER, ChatUser, DeclaredSeverity
from bot.errors import UsageError
from bot.queries.current import StatusQueries

_CHANNEL_PREFIXES = ("C", "G")  # first letters of the ids of channels
_MAX_ECHOED = 40  # characters of an input that an error repeats


def declare_for_step(queries: StatusQueries, request: StepRequest) -> int:
    """Declares the incident of a step, and returns its number; an execution declares one, however often it is sent.

    Raises UsageError where an input is missing or wrong.
    """
    service, title, severity, channel, person = (
        _text(request.inputs.get(name)) for name in ("service", "title", "severity", "channel", "person")
    )
    provider, surface = queries.resolve_surface(service)
    if channel[:1] not in _CHANNEL_PREFIXES:
        raise UsageError("Choose the channel in which your incident is handled.")
    incident = declared.present_incident(queries, provider, [surface])
    declaration = declared.Declaration(
        title,
        read_severity(severity),
        channel,
        ChatUser(person, person) if person else BOT_USER,
        f"workflow {request.execution}",
        (incident,) if incident else (),
    )
    found, _ = declared.declare(queries, declaration)
    return found.number


def read_severity(typed: str) -> DeclaredSeverity:
    """The severity that a workflow's author typed: ``sev1``, ``SEV 1`` or ``1``; the middle one where it is empty."""
    word = "".join(typed.casefold().split())
    if not word:
        return DeclaredSeverity.SEV2
    try:
        return DeclaredSeverity(word if word.startswith("sev") else f"sev{word}")
    except ValueError:
        raise UsageError(f"The severity is sev1, sev2 or sev3, not “{typed[:_MAX_ECHOED]}”.") from None


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
