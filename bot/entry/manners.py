"""What HTTP itself asks of a door: HEAD wherever GET is, and refusals that say what to do instead."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_STREAMS = ("/events",)  # they never end, so there is no HEAD of them
_UNREADABLE = "There was an error parsing the body"  # FastAPI's, of bytes that are no text


class Headed:
    """Answers HEAD as GET would, without the body: load balancers and monitors ask like that."""

    def __init__(self, app: ASGIApp) -> None:
        """``app`` is what answers GET."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; see the ASGI specification."""
        if scope["type"] != "http" or scope["method"] != "HEAD" or scope["path"] in _STREAMS:
            await self.app(scope, receive, send)
            return

        async def bare(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await self.app({**scope, "method": "GET"}, receive, bare)


async def is_json(request: Request) -> None:
    """415 for a body that says it is something else; what ``curl -d`` sends does, where nobody tells it otherwise."""
    told = request.headers.get("content-type", "")
    kind = told.partition(";")[0].strip().lower()
    if kind and kind != "application/json" and not kind.endswith("+json") and await request.body():
        raise HTTPException(415, f"this takes JSON: send `Content-Type: application/json`, not {kind[:60]}")


async def refused(request: Request, error: Exception) -> JSONResponse:
    """A refusal as JSON. What the framework says in one word is said with what to do."""
    assert isinstance(error, HTTPException)  # noqa: S101  (it is registered for these alone)
    status, said = error.status_code, error.detail
    if said == HTTPStatus(status).phrase:
        said = _instead(request, status, (error.headers or {}).get("Allow")) or said
    if said == _UNREADABLE:
        mistake = {"type": "json_invalid", "loc": ["body"], "msg": "the body is no JSON in UTF-8"}
        return JSONResponse({"detail": [mistake]}, 422)
    return JSONResponse({"detail": said}, status, error.headers)


def _instead(request: Request, status: int, allowed: str | None) -> str:
    path = request.url.path[:200]
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return f"{request.method} does not work here: {path} takes {allowed or 'another method'}"
    if status == HTTPStatus.NOT_FOUND:
        return f"there is nothing at {path}; /openapi.json lists what programs can ask for, / is the board for people"
    return ""
