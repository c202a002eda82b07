"""The MCP server over Streamable HTTP, at ``/mcp`` of the web server.

Read-only by default: everybody who may read the API gets the tools that read, and a token for outcomes adds
``report_outcome``. A token that is not known is refused. Requests are answered one by one, without sessions and without
a stream, so nothing is kept of a client. A browser's page of another origin is refused, as the protocol demands.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AsyncExitStack
from contextvars import ContextVar
from datetime import timedelta
from typing import Annotated, Protocol
from urllib.parse import urlsplit

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import BaseModel, Field
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from bot import lookup
from bot.domain import EvidenceBatch, RequestOutcomes
from bot.errors import UsageError
from bot.mcp_server.on_demand import PATH
from bot.mcp_server.server import AgentTools, Name, add_report_tool, create_server
from bot.queries.current import StatusQueries
from bot.storage import ApiToken

MAX_BODY = 65_536  # bytes
WRITE = "outcomes"  # the kind of token that may report
MAX_SPAN_S = 900
_COUNT = Annotated[int, Field(ge=0, le=1_000_000)]
_token: ContextVar[ApiToken | None] = ContextVar("token", default=None)  # of the request that is answered


class OutcomeReceiver(Protocol):
    """Takes counts of requests as evidence."""

    async def take_evidence(self, provider_id: str, evidence: EvidenceBatch) -> object: ...  # noqa: D102


class ReportedOutcome(BaseModel):
    """What was counted."""

    service: str
    ok: int
    failed: int


class McpEndpoint:
    """Answers requests to ``/mcp`` while it is entered."""

    def __init__(
        self,
        tools: AgentTools,
        queries: StatusQueries,
        receiver: OutcomeReceiver,
        pace: Callable[[str], float],
    ) -> None:
        """Takes what the tools need.

        Args:
            tools: The tools that read.
            queries: Names the services, and checks tokens; used in the event loop only.
            receiver: Takes what is reported.
            pace: Counts one report of a token, and returns the seconds to wait if there were too many.
        """
        self._queries, self._receiver, self._pace = queries, receiver, pace
        self._servers = (create_server(tools), create_server(tools))
        add_report_tool(self._servers[1], self.report_outcome)
        self._reader, self._writer = map(_asgi_app, self._servers)
        self._running = AsyncExitStack()  # the tasks of the requests

    async def __aenter__(self) -> None:
        for server in self._servers:
            await self._running.enter_async_context(server.session_manager.run())

    async def __aexit__(self, *error: object) -> None:
        await self._running.aclose()

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request; see the ASGI specification."""
        headers = Headers(scope=scope)
        token = await self._authenticate(headers)
        if refusal := self._refusal(scope["method"], headers, token):
            await refusal(scope, receive, send)
            return
        is_writer = token is not None and WRITE in token.allowed
        _token.set(token)
        await (self._writer if is_writer else self._reader)(scope, receive, send)

    async def report_outcome(
        self,
        service: Name,
        ok: _COUNT = 0,
        errors: Annotated[
            dict[Annotated[str, Field(pattern=r"^([45][0-9][0-9]|timeout|connection)$")], _COUNT] | None,
            Field(description="How many failed, by HTTP status, `timeout` or `connection`", max_length=20),
        ] = None,
        seconds: Annotated[int, Field(description="How long ago the first was", ge=1, le=MAX_SPAN_S)] = 60,
    ) -> ReportedOutcome:
        """Counts requests to a service as evidence of the token's owner."""
        token, failed = _token.get(), errors or {}
        if token is None:
            raise ToolError("This needs a token for outcomes.")
        if wait_s := self._pace(token.name):
            raise ToolError(f"Too many reports: wait {math.ceil(wait_s)} s, and count more into one report.")
        try:
            provider, surface = lookup.surface_by_id(self._queries.providers, service)
        except UsageError as error:
            raise ToolError(str(error)) from error
        if not ok and not sum(failed.values()):
            raise ToolError("Nothing was counted: give `ok`, `errors` or both.")
        now = self._queries.now()
        counted = RequestOutcomes(
            *(surface.id, now - timedelta(seconds=seconds), now, ok, failed), client="mcp", writer=token.name
        )
        await self._receiver.take_evidence(provider.id, EvidenceBatch(outcomes=(counted,)))
        return ReportedOutcome(service=surface.id, ok=ok, failed=sum(failed.values()))

    async def _authenticate(self, headers: Headers) -> ApiToken | None:
        scheme, _, secret = headers.get("authorization", "").partition(" ")
        if scheme.casefold() != "bearer":
            return None
        authenticate = self._queries.repository.api_tokens.authenticate
        return await self._queries.units.run_next(authenticate, secret.strip(), self._queries.now())

    def _refusal(self, method: str, headers: Headers, token: ApiToken | None) -> Response | None:
        """Why a request is not answered; None if it is."""
        if method != "POST":
            return JSONResponse({"detail": f"{PATH} takes POST"}, 405, {"Allow": "POST"})
        if _is_foreign_page(headers):
            return JSONResponse({"detail": "requests of other sites' pages are refused"}, 403)
        if token is None and headers.get("authorization", "").casefold().startswith("bearer"):
            detail = (
                "this token is not known; `brownout token create NAME --for outcomes`, where the bot runs, makes one"
            )
            return JSONResponse({"detail": detail}, 401, {"WWW-Authenticate": "Bearer"})
        return None


def _asgi_app(server: MCPServer) -> ASGIApp:
    return server.streamable_http_app(
        streamable_http_path=PATH,
        json_response=True,
        stateless_http=True,
        max_request_body_size=MAX_BODY,
        # the web server checks Host headers itself, and this endpoint the Origin
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )


def _is_foreign_page(headers: Headers) -> bool:
    """Whether a browser sent this for a page of another site."""
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc.casefold() != headers.get("host", "").casefold()
