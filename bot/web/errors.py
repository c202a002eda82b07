"""HTTP basics of the web application: HEAD wherever GET is, and error answers that say what to do instead."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_STREAM_PATHS = ("/events",)  # streams without an end, so they have no HEAD
_API_PREFIX = "/v1/"
_UNREADABLE_BODY = "There was an error parsing the body"  # FastAPI's message for bytes that are no text


class HeadMiddleware:
    """Answers HEAD like GET, without the body: load balancers and monitors use it."""

    def __init__(self, app: ASGIApp) -> None:
        """Wraps an ASGI app that answers GET."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request; see the ASGI specification."""
        if scope["type"] != "http" or scope["method"] != "HEAD" or scope["path"] in _STREAM_PATHS:
            await self.app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await self.app({**scope, "method": "GET"}, receive, send_without_body)


async def require_json(request: Request) -> None:
    """Refuses with 415 a body whose Content-Type is not JSON, as ``curl -d`` sends without that header."""
    content_type = request.headers.get("content-type", "")
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type and media_type != "application/json" and not media_type.endswith("+json") and await request.body():
        raise HTTPException(415, f"this takes JSON: send `Content-Type: application/json`, not {media_type[:60]}")


async def error_response(request: Request, error: Exception) -> Response:
    """The error as JSON, or as a page of the board where a browser asks for something that is not there.

    The framework's standard phrase is replaced by a sentence that says what to do.
    """
    assert isinstance(error, HTTPException)  # noqa: S101  (registered for this class only)
    status, detail = error.status_code, error.detail
    if detail == HTTPStatus(status).phrase:
        detail = _suggestion(request, status, (error.headers or {}).get("Allow")) or detail
    if detail == _UNREADABLE_BODY:
        mistake = {"type": "json_invalid", "loc": ["body"], "msg": "the body is no JSON in UTF-8"}
        return JSONResponse({"detail": [mistake]}, 422)
    if status == HTTPStatus.NOT_FOUND and _is_for_a_person(request):
        page: Response = request.app.state.missing_page(f"There is nothing at {request.url.path[:200]}.")
        return page
    return JSONResponse({"detail": detail}, status, error.headers)


def _is_for_a_person(request: Request) -> bool:
    """Whether a browser asks for a page, not a program for data."""
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(_API_PREFIX)


def _suggestion(request: Request, status: int, allowed: str | None) -> str:
    path = request.url.path[:200]
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return f"{request.method} does not work here: {path} takes {allowed or 'another method'}"
    if status == HTTPStatus.NOT_FOUND:
        return f"there is nothing at {path}; /openapi.json lists what programs can ask for, / is the board for people"
    return ""
