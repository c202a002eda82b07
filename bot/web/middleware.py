"""Limits on HTTP requests: the Host header must name this bot, and a body has a maximum size and time.

The check of the Host header prevents DNS rebinding: a web page makes the browser ask for a name of the attacker, whose
address has become 127.0.0.1. Addresses always pass, since they can't be rebound. Slack's endpoint is signed, and is
reached under whatever name a proxy gives it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import Iterable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 65_536  # bytes
BODY_TIMEOUT_S = 10.0  # for a whole body
SIGNED_PREFIX = "/slack/"  # every request below it is authenticated by its signature
_WRITE_METHODS = ("POST", "PUT", "PATCH")
_HOST_HEADER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,253})(:[0-9]{1,5})?")


class TrustedHostMiddleware:
    """Refuses requests with another Host than the bot's: 421 for another name, 400 for a malformed header.

    A request without a Host passes: it comes from no browser, but from health checks that speak HTTP/1.0.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = ()) -> None:
        """``hosts`` are the accepted names besides ``localhost``; addresses always pass."""
        self.app = app
        self.hosts = {"localhost", *(host.lower().rstrip(".") for host in hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request; see the ASGI specification."""
        refusal = self._rejection(scope) if scope["type"] == "http" else None
        await (refusal or self.app)(scope, receive, send)

    def _rejection(self, scope: Scope) -> JSONResponse | None:
        host_headers = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if not host_headers:
            return None
        match = _HOST_HEADER.fullmatch(host_headers[0]) if len(host_headers) == 1 else None
        if match is None:
            return JSONResponse({"detail": "a request needs one Host, and a plain one"}, 400)
        host = match[1].lower().rstrip(".")
        if host in self.hosts or _is_ip_address(host) or scope["path"].startswith(SIGNED_PREFIX):
            return None
        reason = f'this bot is not called {host}; if it is, add it in brownout.toml: [web] hosts = ["{host}"]'
        return JSONResponse({"detail": reason}, 421)


class BodyLimitMiddleware:
    """Reads the whole body of a write before the app sees it: 413 if it is too large, 408 if it is too slow."""

    def __init__(self, app: ASGIApp, path: str, patience_s: float = BODY_TIMEOUT_S) -> None:
        """``path`` is the prefix of the paths that are limited; ``patience_s`` the time for a whole body."""
        self.app, self.path, self.patience_s = app, path, patience_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request; see the ASGI specification."""
        if scope["type"] != "http" or scope["method"] not in _WRITE_METHODS or not scope["path"].startswith(self.path):
            await self.app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self.patience_s):
                body = await _read_body(Request(scope, receive))
        except ClientDisconnect:
            return
        except TimeoutError:
            await JSONResponse({"detail": f"the body did not come within {self.patience_s:g} s"}, 408)(
                scope, receive, send
            )
            return
        if body is None:
            why = f"the body has more than {MAX_BODY} bytes; send less at once"
            await JSONResponse({"detail": why}, 413)(scope, receive, send)
            return
        pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_buffered() -> Message:
            return pending.pop() if pending else await receive()

        await self.app(scope, receive_buffered, send)


async def _read_body(request: Request) -> bytes | None:
    """The whole body; None if it is too large."""
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > MAX_BODY:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            return None
    return bytes(body)


def _is_ip_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
