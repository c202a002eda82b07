"""An address -> one look at a web page: a Page, or a SourceError that says why not. Nothing else comes out.

A look is bounded in time by the wall clock (httpx's own timeouts are per read: a byte every now and then would hold one
for ever) and in size by what the body unpacks to (performance-reliability.md section 4, rows 17 to 19). Redirects are
followed by hand, so that each hop is checked. A connection serves one request: pages are read once a minute, and pools
of idle connections cost more than they save (there, 0.5 and the addendum). Codes of SourceError:

timeout, dns, connect, tls, reset (the connection), truncated (the body), protocol (no HTTP), http_NNN, html, empty,
too_large, bad_encoding, too_many_redirects, bad_redirect, downgrade (https to http), private_address, bad_url, closed,
refused.

A strict Fetcher reads addresses that anybody may have typed: http(s) on the usual ports of the public web, checked at
every hop and for every address a name resolves to. It refuses in one sentence whatever the reason, so that nobody can
feel their way around a private network with it (there, rows 5 to 10).
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import lru_cache
from http import HTTPStatus
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override

from bot import __version__
from bot.edge.address import Lookup, addresses, is_public
from bot.errors import SourceError
from bot.sources.answer import ACCEPTED, Body, retry_after
from bot.unseen import unseen

with unseen("rich"):
    import httpx
    from httpx_aiohttp import AiohttpTransport

MAX_HOPS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_OK, _NOT_MODIFIED = 200, 304

# Failures after which another host may still have the page. A considered answer (404, 429, ...) is not among them.
_ELSEWHERE = re.compile(r"timeout|dns|connect|tls|reset|truncated|protocol|http_403|http_405|http_5\d\d|html|empty")

PORTS = frozenset({80, 443})
REFUSED = "it is not a page on the public web, or there is none"
_ORACLES = ("private_address", "dns", "bad_url", "bad_redirect", "downgrade")


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was read. ``body`` is unpacked, and empty where ``not_modified``; ``took_s`` is in seconds.

    ``host_changed_from`` is the host that was asked, where a redirect led to another one. ``fallback_because`` is the
    code of the failure for which the fallback was asked instead.
    """

    url: str
    status: int
    body: bytes
    etag: str | None
    not_modified: bool
    host_changed_from: str | None
    took_s: float = 0
    fallback_because: str | None = None


class PrivateAddressError(OSError):
    """An address inside a private network, where none may be: after a redirect from outside, or strictly nowhere."""


@dataclass(slots=True)
class _Way:
    """The way of one look: whether it began inside a private network, and so may go on there."""

    first: bool = True
    private: bool = False


_WAY: ContextVar[_Way] = ContextVar("way")


# What went wrong, most telling first: exception, code, sentence.
_FAULTS: tuple[tuple[type[BaseException], str, str], ...] = (
    (PrivateAddressError, "private_address", "{host} redirects into a private network"),
    (TimeoutError, "timeout", "{host} did not answer within {patience:.3g} s"),
    (aiohttp.ClientConnectorDNSError, "dns", "the name {host} could not be resolved"),
    (ssl.SSLError, "tls", "{host} could not be trusted: its certificate or its encryption is wrong"),
    (aiohttp.ClientConnectorError, "connect", "no connection to {host} could be made"),
    (aiohttp.ClientPayloadError, "truncated", "the answer of {host} broke off"),
    (aiohttp.InvalidURL, "bad_url", "the address of {host} is not valid"),
    (httpx.InvalidURL, "bad_url", "the address of {host} is not valid"),
    (aiohttp.NonHttpUrlClientError, "bad_url", "the address of {host} is not valid"),
    (aiohttp.ClientConnectionError, "reset", "{host} closed the connection before it answered"),
    (ConnectionError, "reset", "{host} closed the connection before it answered"),
    (Exception, "protocol", "what {host} answered is not HTTP"),
)
_RAISED = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, aiohttp.ClientError, OSError, ValueError)


class Fetcher:
    """Looks at pages. One for the whole process; closes with ``aclose`` or as an async context manager."""

    def __init__(
        self,
        *,
        timeout_s: float = 10,
        max_bytes: int = 8_000_000,
        contact: str = "",
        look_up: Lookup = socket.getaddrinfo,
        is_public: Callable[[str], bool] = is_public,
        strict: bool = False,
        ports: frozenset[int] = PORTS,
    ) -> None:
        """``timeout_s`` is for a whole look; ``contact`` is an address or a URL that page owners may turn to.

        ``strict`` is for addresses that somebody typed; ``ports`` are those that are plain then.
        """
        self._timeout_s, self._max_bytes = timeout_s, max_bytes
        self._agent = f"brownout/{__version__} (reads status pages{f'; {contact}' if contact else ''})"
        self._look_up, self._is_public = look_up, is_public
        self._ports = ports if strict else None
        self._transport = AiohttpTransport(client=self._session, trust_env=False)
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Ends looks that are under way with SourceError and refuses new ones."""
        self._closed = True
        await self._transport.aclose()

    async def get(
        self, source_url: str, path: str, *, fallback: str | None = None, etag: str | None = None, accept: str = "*/*"
    ) -> Page:
        """Reads ``source_url + path``, or ``fallback + path`` where the first can't be reached.

        With ``etag`` the page is asked for only if it changed. Raises SourceError, and that of the first address where
        both fail. With a fallback, the first address gets half of the time.
        """
        began = time.monotonic()
        try:
            page = await self._look(source_url + path, etag, accept, self._timeout_s / (2 if fallback else 1))
        except SourceError as error:
            if not fallback or not _ELSEWHERE.fullmatch(error.code):
                raise
            left = self._timeout_s - (time.monotonic() - began)
            page = await self._instead(fallback + path, etag, accept, left, error)
        return replace(page, took_s=time.monotonic() - began)

    async def _instead(self, url: str, etag: str | None, accept: str, patience: float, first: SourceError) -> Page:
        try:
            page = await self._look(url, etag, accept, patience)
        except SourceError as error:
            message = f"{first}; and of its fallback: {error}"
            raise SourceError(message, code=first.code, retry_after=first.retry_after) from error
        return replace(page, fallback_because=first.code)

    async def _look(self, url: str, etag: str | None, accept: str, patience: float) -> Page:
        _WAY.set(_Way())
        try:
            async with asyncio.timeout(patience):
                return await self._follow(_parsed(url), etag, accept)
        except _RAISED as error:
            raise self._said(_explained(_host(url), patience, error)) from error
        except SourceError as error:
            raise self._said(error) from error

    def _said(self, error: SourceError) -> SourceError:
        """The failure; of a strict Fetcher, one that would tell of a private network is told like any other."""
        is_telling = self._ports is not None and error.code in _ORACLES
        return SourceError(REFUSED, code="refused") if is_telling else error

    def _plain(self, url: httpx.URL) -> httpx.URL:
        """The address, if a strict Fetcher may go there."""
        if self._ports is None:
            return url
        port = url.port or {"http": 80, "https": 443}.get(url.scheme)
        if url.scheme not in ("http", "https") or not url.host or url.userinfo or port not in self._ports:
            raise SourceError(REFUSED, code="refused")
        return url

    async def _follow(self, asked: httpx.URL, etag: str | None, accept: str) -> Page:
        headers = {"user-agent": self._agent, "accept": accept, "accept-encoding": ACCEPTED}
        headers |= {"if-none-match": etag} if etag else {}
        at = self._plain(asked)
        for _ in range(MAX_HOPS + 1):
            async with self._answer(httpx.Request("GET", at, headers=headers)) as response:
                onward = _redirect(at, response)
                if onward is None:
                    moved = asked.host if at.host != asked.host else None
                    return await self._read(response, str(at), etag, moved, wants_html="html" in accept)
            at = self._plain(onward)
        raise SourceError(f"{asked.host} redirects more than {MAX_HOPS} times", code="too_many_redirects")

    @asynccontextmanager
    async def _answer(self, request: httpx.Request) -> AsyncIterator[httpx.Response]:
        if self._closed:
            raise SourceError("the bot is shutting down", code="closed")
        response = await self._transport.handle_async_request(request)
        _WAY.get().first = False
        try:
            yield response
        finally:
            await response.aclose()

    async def _read(
        self, response: httpx.Response, url: str, etag: str | None, moved: str | None, *, wants_html: bool
    ) -> Page:
        host, status = _host(url), response.status_code
        tag = response.headers.get("etag")
        if status == _NOT_MODIFIED and etag:
            return Page(url, status, b"", tag or etag, not_modified=True, host_changed_from=moved)
        if status != _OK:
            raise _refused(host, response)
        if "html" in response.headers.get("content-type", "").lower() and not wants_html:
            raise SourceError(f"{host} answered with a web page for people, not with data", code="html")
        body = Body(host, response.headers.get("content-encoding", ""), self._max_bytes)
        async for chunk in response.aiter_raw():
            body.feed(chunk)
        whole = body.whole()
        if not whole.strip():
            raise SourceError(f"{host} answered with nothing", code="empty")
        return Page(url, status, whole, tag, not_modified=False, host_changed_from=moved)

    def _session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            force_close=True,
            limit=0,
            ssl=self._transport.ssl_context,
            resolver=_Resolver(self._look_up, self._is_public if self._ports is not None else None),
            socket_factory=self._socket,
        )
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    def _socket(self, target: aiohttp.connector.AddrInfoType) -> socket.socket:
        """A socket for the very address that is checked here, so that no name can change its mind in between."""
        family, kind, protocol, _, (address, *_) = target
        way = _WAY.get()
        if not self._is_public(address):
            if self._ports is not None or not (way.first or way.private):
                raise PrivateAddressError("a private address")
            way.private = True
        return socket.socket(family, kind, protocol)


class _Resolver(AbstractResolver):
    """Asks the system's resolver, in a thread of its own."""

    def __init__(self, look_up: Lookup, is_allowed: Callable[[str], bool] | None = None) -> None:
        """A name with any address that is not allowed is refused whole: half a private name is a private name."""
        self._look_up, self._is_allowed = look_up, is_allowed

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        found = await addresses(self._look_up, host, port, family)
        if self._is_allowed and not all(self._is_allowed(address[0]) for *_, address in found):
            raise PrivateAddressError("a private address")
        return [
            ResolveResult(hostname=host, host=address[0], port=port, family=family, proto=proto, flags=numeric)
            for family, _, proto, _, address in found
        ]

    @override
    async def close(self) -> None:
        """There is nothing to close."""


def _host(url: str) -> str:
    with suppress(httpx.InvalidURL, ValueError):
        return _parsed(url).host or url[:100]
    return url[:100]


@lru_cache(maxsize=4096)
def _parsed(url: str) -> httpx.URL:
    """The same few addresses are read again and again, and taking one apart costs as much as asking for it."""
    return httpx.URL(url)


def _explained(host: str, patience: float, error: BaseException) -> SourceError:
    causes = list(_causes(error))
    code, sentence = next((c, s) for kind, c, s in _FAULTS if any(isinstance(cause, kind) for cause in causes))
    return SourceError(sentence.format(host=host, patience=patience), code=code)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _refused(host: str, response: httpx.Response) -> SourceError:
    status = response.status_code
    phrase = f" ({HTTPStatus(status).phrase})" if status in HTTPStatus._value2member_map_ else ""
    return SourceError(
        f"{host} answered {status}{phrase}", code=f"http_{status}", retry_after=retry_after(response.headers)
    )


def _redirect(at: httpx.URL, response: httpx.Response) -> httpx.URL | None:
    """Where the answer sends us, if it does; SourceError where it sends us somewhere we don't go."""
    location = response.headers.get("location")
    if response.status_code not in _REDIRECTS or not location:
        return None
    try:
        onward = at.join(location).copy_with(fragment=None)
    except (httpx.InvalidURL, ValueError) as error:
        raise SourceError(f"{at.host} redirects to an address that is not valid", code="bad_redirect") from error
    if onward.scheme not in ("http", "https") or not onward.host or onward.userinfo:
        raise SourceError(f"{at.host} redirects to an address that is no plain web page", code="bad_redirect")
    if (at.scheme, onward.scheme) == ("https", "http"):
        raise SourceError(f"{at.host} redirects from https to http, to {onward.host}", code="downgrade")
    return onward
