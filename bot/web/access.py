"""Who may read the board and the API, where they are not open to everybody.

A reader shows a token, or comes through a reverse proxy that names the user whom it has authenticated. Everybody may
ask for the health checks, for what has a check of its own (evidence, Slack's requests), and for static files and the
clients.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.web.middleware import SIGNED_PREFIX

READ = "read"  # the kind of token that may read everything
OPEN_PATHS = ("/healthz", "/readyz")
OPEN_PREFIXES = (SIGNED_PREFIX, "/static/", "/clients/")
API_PREFIX = "/v1/"
MCP_PATH = "/mcp"  # of bot.mcp_server.http
READ_BY_POST = ("/v1/explain", "/v1/hooks/claude-code")  # questions that are too long for an address
_READ_METHODS = ("GET", "HEAD")
_CHALLENGE = 'Basic realm="Brownout: any name, and a token as password", charset="UTF-8"'

# Returns what the token of a secret is for; None if there is no such token.
TokenCheck = Callable[[str], Awaitable["tuple[str, ...] | None"]]


@dataclass(frozen=True, slots=True)
class ReaderAccess:
    """Who may read.

    Attributes:
        is_open: Whether everybody may, who can reach the port.
        user_header: The header in which a trusted proxy names the user whom it has authenticated; empty for none.
        trusted_proxies: Addresses and networks of the proxies whose headers are believed.
    """

    is_open: bool = True
    user_header: str = ""
    trusted_proxies: tuple[str, ...] = ("127.0.0.1", "::1")

    @property
    def is_restricted(self) -> bool:
        """Whether a reader must show something."""
        return not self.is_open or bool(self.user_header)


OPEN_TO_ALL = ReaderAccess()


class ReaderAccessMiddleware:
    """Answers 401 to a reader without a token, unless a trusted proxy names the user.

    A token of kind ``read`` reads everything; one for evidence reads the API and ``/mcp``, since a program asks there
    before it retries. It is sent as ``Authorization: Bearer TOKEN``, or by a browser as the password of HTTP Basic.
    """

    def __init__(self, app: ASGIApp, access: ReaderAccess, check_token: TokenCheck) -> None:
        """Wraps an app; it must see the connection's own address, so it stands before what reads forwarding headers."""
        self.app, self.access, self.check_token = app, access, check_token
        self._networks = [ipaddress.ip_network(text, strict=False) for text in access.trusted_proxies]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request; see the ASGI specification."""
        may_pass = scope["type"] != "http" or _is_open(scope) or await self._is_known(scope)
        await (self.app if may_pass else _refusal())(scope, receive, send)

    async def _is_known(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        names_user = self.access.user_header and headers.get(self.access.user_header, "").strip()
        if names_user and self._is_trusted_proxy(scope):
            return True
        secret = _secret(headers.get("authorization", ""))
        allowed = await self.check_token(secret) if secret else None
        return allowed is not None and (READ in allowed or scope["path"].startswith((API_PREFIX, MCP_PATH)))

    def _is_trusted_proxy(self, scope: Scope) -> bool:
        try:
            peer = ipaddress.ip_address((scope.get("client") or ("",))[0])
        except ValueError:
            return False
        if isinstance(peer, ipaddress.IPv6Address) and peer.ipv4_mapped:  # IPv4 on a socket that listens on ::
            peer = peer.ipv4_mapped
        return any(peer in network for network in self._networks)


def _is_open(scope: Scope) -> bool:
    path: str = scope["path"]
    is_write = scope["method"] not in _READ_METHODS and path.rstrip("/") not in READ_BY_POST
    has_own_check = is_write and path.startswith(API_PREFIX)
    return path in OPEN_PATHS or path.startswith(OPEN_PREFIXES) or has_own_check


def _secret(authorization: str) -> str:
    """The secret in an Authorization header; empty if it has none. Of HTTP Basic it is the password."""
    scheme, _, value = authorization.strip().partition(" ")
    if scheme.casefold() == "bearer":
        return value.strip()
    if scheme.casefold() != "basic":
        return ""
    try:
        return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _refusal() -> JSONResponse:
    detail = (
        "to read here, send a token as `Authorization: Bearer ...`, or in a browser as the password with any name;"
        " on the bot's machine, `brownout token create NAME --for read` makes one"
    )
    return JSONResponse({"detail": detail}, 401, {"WWW-Authenticate": _CHALLENGE, "Cache-Control": "no-store"})
