"""``OnDemandEndpoint``: ``/mcp`` of the web server, which imports and starts the MCP server at the first request.

The MCP SDK takes 28 MB and a second to import, and most bots are never asked over HTTP. This module does not import it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from fastapi import FastAPI
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

log = logging.getLogger("brownout")

PATH = "/mcp"


class McpServer(AbstractAsyncContextManager[None], Protocol):
    """Answers requests while it is entered."""

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None: ...  # noqa: D102


class OnDemandEndpoint:
    """Serves ``/mcp`` while ``run`` runs. The first request waits until the server has started."""

    def __init__(self, create: Callable[[], Awaitable[McpServer]], closing: asyncio.Event) -> None:
        """``create`` makes the server and may raise ImportError; ``closing`` ends ``run``."""
        self._create, self._closing = create, closing
        self._asked, self._decided = asyncio.Event(), asyncio.Event()
        self._server: McpServer | None = None

    def add_route(self, app: FastAPI) -> None:
        """Adds ``/mcp`` to the web application."""
        app.router.routes.append(Route(PATH, _AsgiEndpoint(self.answer), include_in_schema=False))

    async def run(self) -> None:
        """Waits for the first request, then runs the server until the bot closes."""
        await self._first_request_or_closing()
        if self._closing.is_set():
            return
        try:
            server = await self._create()
        except ImportError as error:
            log.error(  # noqa: TRY400  (the message says what to do)
                "/mcp can't be served: %s. Install the extra `mcp` again, and restart.", error
            )
            self._decided.set()
            return
        async with server:
            self._server = server
            self._decided.set()
            await self._closing.wait()
            self._server = None

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request; see the ASGI specification."""
        self._asked.set()
        if not self._closing.is_set():
            await self._decided.wait()
        answer = (
            self._server.answer if self._server else JSONResponse({"detail": "not ready"}, 503, {"Retry-After": "1"})
        )
        await answer(scope, receive, send)

    async def _first_request_or_closing(self) -> None:
        waits = [asyncio.create_task(event.wait()) for event in (self._asked, self._closing)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()


class _AsgiEndpoint:
    """An ASGI application as Starlette's routes take one; a bare method would count as a request handler."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)
