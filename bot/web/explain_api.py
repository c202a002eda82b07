"""``POST /v1/explain``: whose fault an error is, and when to retry. It reads only, and stores nothing of the text."""

from __future__ import annotations

from typing import Any

from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict, Field

from bot.queries import schemas
from bot.queries.current import StatusQueries
from bot.queries.failures import explain_failure
from bot.web import errors

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


def add_explain_api(app: FastAPI, queries: StatusQueries) -> None:
    """Adds the endpoint."""

    @app.post(
        "/v1/explain",
        summary="Whose fault an error is, and when to retry",
        tags=["surfaces"],
        responses=_RESPONSES,
        dependencies=[Depends(errors.require_json)],
    )
    async def explain(failure: FailureIn) -> schemas.FailureExplanation:
        return explain_failure(queries, failure.error, failure.service)
