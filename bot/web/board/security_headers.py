"""The headers of every answer: nothing from another server, nothing inline, no frames but those that are allowed."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';"
    " base-uri 'none'; form-action 'self'; frame-ancestors {ancestors}"
)
CONTENT_SECURITY_POLICY = _POLICY.format(ancestors="'none'")
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class SecurityHeadersMiddleware:
    """Adds the security headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        """Wraps an ASGI app."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request; see the ASGI specification."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, guarded)


def framing_headers(origins: Iterable[str]) -> dict[str, str]:
    """The headers of a page that pages of these origins may frame; without any, no page may."""
    return {"Content-Security-Policy": _POLICY.format(ancestors=" ".join(origins) or "'none'")}
