"""``POST /v1/explain``: whose fault an error is, and when to retry; ``/v1/hooks/claude-code``: the same for a hook.

Both read only, and store nothing of the text. The hook's answer holds no word of the error or of a vendor.
"""

from __future__ import annotations

from typing import Any

from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict, Field

from bot.queries import schemas
from bot.queries.current import StatusQueries
from bot.queries.failures import explain_failure, hook_sentence
from bot.web import errors
from bot.web.board.reader import BoardReader

TOOL_FAILED, TURN_FAILED = "PostToolUseFailure", "StopFailure"  # events of Claude Code
MODEL_SERVICE = "claude-api"  # where a turn of Claude Code fails
_RESPONSES: dict[int | str, dict[str, Any]] = {
    404: {"description": "there is no such service; `detail` names the closest ones", "model": schemas.Refusal},
    413: {"description": "the body is too large; send a part of the text"},
    415: {"description": "the body is not sent as application/json"},
}


class FailureIn(BaseModel):
    """A failed request: its error text, a response body or a status, and the service that was called, if known."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"error": "529 overloaded_error"}]},
    )

    error: str
    service: str | None = Field(default=None, min_length=1, max_length=200)


class HookEvent(BaseModel):
    """What Claude Code sends a hook; other fields are ignored."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={"examples": [{"hook_event_name": "PostToolUseFailure", "error": "Error code: 529"}]},
    )

    hook_event_name: str
    error: str = ""
    error_details: str | None = None
    last_assistant_message: str | None = None
    is_interrupt: bool | None = None


class HookContext(BaseModel):
    """What is added to a failed tool's result."""

    hookEventName: str = TOOL_FAILED  # noqa: N815  (the names are those of Claude Code)
    additionalContext: str  # noqa: N815


class HookAnswer(BaseModel):
    """What a hook answers; empty where there is nothing to add."""

    hookSpecificOutput: HookContext | None = None  # noqa: N815
    systemMessage: str | None = None  # noqa: N815


def add_explain_api(app: FastAPI, reader: BoardReader) -> None:
    """Adds the endpoints."""

    @app.post(
        "/v1/explain",
        summary="Whose fault an error is, and when to retry",
        tags=["surfaces"],
        responses=_RESPONSES,
        dependencies=[Depends(errors.require_json)],
    )
    async def explain(failure: FailureIn) -> schemas.FailureExplanation:
        return await reader.ask(lambda queries: explain_failure(queries, failure.error, failure.service))

    @app.post(
        "/v1/hooks/claude-code",
        summary="What to add to a failed step of Claude Code",
        description="Takes what a hook gets on PostToolUseFailure and StopFailure. `brownout hook claude-code` prints"
        " the settings.",
        tags=["surfaces"],
        response_model_exclude_none=True,
        responses={status: _RESPONSES[status] for status in (413, 415)},
        dependencies=[Depends(errors.require_json)],
    )
    async def claude_code(event: HookEvent) -> HookAnswer:
        if event.hook_event_name == TURN_FAILED:
            words = "\n".join(filter(None, (event.error, event.error_details, event.last_assistant_message)))
            sentence = await reader.ask(
                lambda queries: hook_sentence(queries, words, _service_if_known(queries, MODEL_SERVICE))
            )
            return HookAnswer(systemMessage=sentence or None)
        if event.hook_event_name != TOOL_FAILED or event.is_interrupt:
            return HookAnswer()
        sentence = await reader.ask(lambda queries: hook_sentence(queries, event.error))
        return HookAnswer(hookSpecificOutput=HookContext(additionalContext=sentence) if sentence else None)


def _service_if_known(queries: StatusQueries, service: str) -> str | None:
    """The service, if it is watched."""
    return service if any(s.id == service for p in queries.providers for s in p.surfaces) else None
