"""Who comes in by HTTP at all: a request for this bot by name, with a body of bounded size and time.

A name that is not ours is how a web page of a stranger reaches a bot on the reader's own machine: the browser asks the
stranger's name, whose address has become 127.0.0.1 (DNS rebinding). Addresses are no names, and can't be turned like
that. Slack's own door is signed, and goes by whatever name a proxy gives it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import Iterable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 65_536
PATIENCE_S = 10.0  # for a whole body
SIGNED = "/slack/"  # below it, every request proves who sent it
_WRITES = ("POST", "PUT", "PATCH")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,253})(:[0-9]{1,5})?")


class Named:
    """Lets through what is asked of a host that we are; 421 for another one, 400 for what is none.

    Who names no host at all is no browser: health checks that speak HTTP/1.0 do that.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = ()) -> None:
        """``hosts`` are names besides ``localhost``; addresses always pass."""
        self.app = app
        self.hosts = {"localhost", *(host.lower().rstrip(".") for host in hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; see the ASGI specification."""
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (refusal or self.app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        told = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if not told:
            return None
        found = _HOST.fullmatch(told[0]) if len(told) == 1 else None
        if found is None:
            return JSONResponse({"detail": "a request needs one Host, and a plain one"}, 400)
        host = found[1].lower().rstrip(".")
        if host in self.hosts or _is_address(host) or scope["path"].startswith(SIGNED):
            return None
        why = f'this bot is not called {host}; if it is, add it in brownout.toml: [web] hosts = ["{host}"]'
        return JSONResponse({"detail": why}, 421)


class Bounded:
    """Reads the body of a write before anybody sees it: 413 for too much, 408 for too slow."""

    def __init__(self, app: ASGIApp, path: str, patience_s: float = PATIENCE_S) -> None:
        """``path``: below which this holds."""
        self.app, self.path, self.patience_s = app, path, patience_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; see the ASGI specification."""
        if scope["type"] != "http" or scope["method"] not in _WRITES or not scope["path"].startswith(self.path):
            await self.app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self.patience_s):
                body = await _body(Request(scope, receive))
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

        async def again() -> Message:
            return pending.pop() if pending else await receive()

        await self.app(scope, again, send)


async def _body(request: Request) -> bytes | None:
    """The whole body; None where it is too much."""
    told = request.headers.get("content-length", "0")
    if told.isdigit() and int(told) > MAX_BODY:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            return None
    return bytes(body)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
