"""Fetches web pages over HTTP for the poller, the backfill and the search for status pages.

The outcome is a ``FetchedPage``, or a ``SourceError`` that says why not. A request is bounded in time by the wall clock
(httpx's timeouts are per read: a server that sends a byte now and then would block for ever) and in size by the
decompressed body (bot/docs/decisions.md#bodies). Redirects are followed here, so that each hop is checked. Connections
are kept between polls (``page_connections``); where a kept one gives no answer, the page is requested again over a new
one. Codes of SourceError:

timeout, dns, connect, tls, reset (the connection), truncated (the body), protocol (no HTTP), http_NNN, html, empty,
too_large, bad_encoding, too_many_redirects, bad_redirect, downgrade (https to http), private_address, bad_url, closed,
refused.

A strict PageFetcher is for addresses that a user typed: it allows only http(s) on the usual ports of public addresses,
checked at every hop and for every address of a name. All its refusals have the same message, so that it can't be used
to scan a private network (bot/docs/decisions.md#addresses).
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache, partial
from http import HTTPStatus
from typing import Self

import aiohttp

from bot import __version__
from bot.adapters.ip_filter import Lookup, is_public
from bot.adapters.page_connections import (
    REQUEST_SCOPE,
    PageConnector,
    PrivateAddressError,
    RequestScope,
    ResumingTls,
    keep_newest,
    limit_tls_buffers,
)
from bot.errors import SourceError
from bot.formats.http_body import ACCEPTED_ENCODING, HttpBody, age_s, parse_http_date, retry_after
from bot.import_guard import block_import

with block_import("pygments"):
    import httpx
    from httpx_aiohttp import AiohttpTransport

MAX_REDIRECTS = 5
_REDIRECT_STATUSES = (301, 302, 303, 307, 308)
_OK, _NOT_MODIFIED, _REQUEST_TIMEOUT = 200, 304, 408
MAX_PATIENCE_S = 3.0  # with a kept connection that is silent; a third of the request's time, where that is less
BYPASS_EVERY_S = 570.0  # less than the poller's ten minutes, so that its full fetches are all past the caches
MAX_BYPASSES = 20_000  # addresses; the own pages of incidents that have ended are the first to be forgotten
MAX_AGE_S = 60.0  # an answer that caches have kept for longer is fetched again, past them
_QUERY_REFUSALS = frozenset({"http_400", "http_403", "http_404", "http_422"})  # of servers that allow no query

# Failures after which the fallback may still have the page. A deliberate response (404, 429, ...) is not among them.
_FALLBACK_CODES = re.compile(
    r"timeout|dns|connect|tls|reset|truncated|protocol|http_403|http_405|http_5\d\d|html|empty"
)

ALLOWED_PORTS = frozenset({80, 443})
REFUSAL_MESSAGE = "no page on the public web answers there; check the address, and this machine's network"
_REVEALING_CODES = ("private_address", "dns", "bad_url", "bad_redirect", "downgrade")


@dataclass(frozen=True, slots=True)
class FetchedPage:
    """A page that was fetched. ``body`` is decompressed, and empty where ``not_modified``; ``took_s`` is in seconds.

    ``host_changed_from`` is the requested host, where a redirect led to another one. ``fallback_because`` is the error
    code of the first address, where the page is from the fallback. ``age_s`` is how many seconds caches on the way have
    kept the answer, ``served_at`` when its server made it, by its own clock; None where it does not say so.
    """

    url: str
    status: int
    body: bytes
    etag: str | None
    not_modified: bool
    host_changed_from: str | None
    took_s: float = 0
    fallback_because: str | None = None
    age_s: float = 0
    served_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _CacheBypass:
    """When an address was last fetched past the caches, in monotonic seconds, and whether that gives newer answers."""

    at_s: float
    helps: bool = True


# Exception, error code and message; the most specific first.
_ERROR_DESCRIPTIONS: tuple[tuple[type[BaseException], str, str], ...] = (
    (PrivateAddressError, "private_address", "{host} redirects into a private network"),
    (TimeoutError, "timeout", "{host} did not answer within {timeout_s:.3g} s"),
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
_TRANSPORT_ERRORS = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, aiohttp.ClientError, OSError, ValueError)


class PageFetcher:
    """Fetches pages. One per process; close it with ``aclose`` or use it as an async context manager."""

    def __init__(
        self,
        *,
        timeout_s: float = 10,
        max_bytes: int = 8_000_000,
        contact: str = "",
        look_up: Lookup = socket.getaddrinfo,
        is_public: Callable[[str], bool] = is_public,
        strict: bool = False,
        ports: frozenset[int] = ALLOWED_PORTS,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        """``timeout_s`` bounds a whole request; ``contact`` is an e-mail address or URL for the User-Agent header.

        ``strict`` is for addresses that a user typed; ``ports`` are the ports that are allowed then. ``elapsed`` is a
        monotonic clock in seconds, by which caches are bypassed now and then, and kept connections given up.
        """
        self._timeout_s, self._max_bytes = timeout_s, max_bytes
        self._user_agent = f"brownout/{__version__} (reads status pages{f'; {contact}' if contact else ''})"
        self._ports = ports if strict else None
        limit_tls_buffers()
        tls = ResumingTls(httpx.create_ssl_context(), elapsed)  # SSL_CERT_FILE and SSL_CERT_DIR count
        self._create_connector = partial(
            PageConnector, look_up=look_up, is_public=is_public, strict=strict, elapsed=elapsed, tls=tls
        )
        self._transport = AiohttpTransport(tls.context, client=self._create_session, trust_env=False)
        self._closed = False
        self._elapsed = elapsed
        self._bypasses: OrderedDict[str, _CacheBypass] = OrderedDict()  # by address

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Ends the requests that are in progress with SourceError, and refuses new ones."""
        self._closed = True
        await self._transport.aclose()

    async def get(
        self, source_url: str, path: str, *, fallback: str | None = None, etag: str | None = None, accept: str = "*/*"
    ) -> FetchedPage:
        """Fetches ``source_url + path``, or ``fallback + path`` where the first can't be reached.

        With ``etag`` the request is conditional. Without, caches on the way are bypassed every ten minutes, and where
        an answer is old. With a fallback, the first address gets half of the timeout. Raises SourceError; where both
        addresses fail, it has the code of the first.
        """
        started = time.monotonic()
        try:
            page = await self._fetch_current(source_url + path, etag, accept, self._timeout_s / (2 if fallback else 1))
        except SourceError as error:
            if not fallback or not _FALLBACK_CODES.fullmatch(error.code):
                raise
            left = self._timeout_s - (time.monotonic() - started)
            page = await self._get_fallback(fallback + path, etag, accept, left, error)
        return replace(page, took_s=time.monotonic() - started)

    async def _get_fallback(
        self, url: str, etag: str | None, accept: str, timeout_s: float, first_error: SourceError
    ) -> FetchedPage:
        try:
            page = await self._fetch_current(url, etag, accept, timeout_s)
        except SourceError as error:
            message = f"{first_error}; and of its fallback: {error}"
            raise SourceError(message, code=first_error.code, retry_after=first_error.retry_after) from error
        return replace(page, fallback_because=first_error.code)

    async def _fetch_current(self, url: str, etag: str | None, accept: str, timeout_s: float) -> FetchedPage:
        """Fetches the page; past the caches where that is due, or where they gave an old answer and it may help.

        See bot/docs/decisions.md#old-answers.
        """
        ends_at, now_s = time.monotonic() + timeout_s, self._elapsed()
        bypass = self._bypass_of(url, now_s)
        is_due = now_s - bypass.at_s >= BYPASS_EVERY_S
        page = None
        if etag or not is_due:
            page = await self._fetch(url, etag, accept, timeout_s)
            if page.age_s <= MAX_AGE_S or not (bypass.helps or is_due):
                return page
        try:
            current = await self._fetch_past_caches(url, accept, ends_at - time.monotonic())
        except SourceError as error:
            self._note_bypass(url, _CacheBypass(now_s, helps=False))
            if page is None and error.code in _QUERY_REFUSALS:
                return await self._fetch(url, None, accept, ends_at - time.monotonic())
            if page is None:
                raise
            return page
        self._note_bypass(url, _CacheBypass(now_s, helps=current.age_s <= MAX_AGE_S))
        return current

    def _bypass_of(self, url: str, now_s: float) -> _CacheBypass:
        """When the address was last fetched past the caches; one that is new counts as fetched so now."""
        if url not in self._bypasses:
            self._note_bypass(url, _CacheBypass(now_s))
        return self._bypasses[url]

    def _note_bypass(self, url: str, bypass: _CacheBypass) -> None:
        keep_newest(self._bypasses, url, bypass, MAX_BYPASSES)

    async def _fetch_past_caches(self, url: str, accept: str, timeout_s: float) -> FetchedPage:
        """Fetches the page at an address that no cache has seen, since some ignore the headers for this."""
        unique = f"{url}{'&' if '?' in url else '?'}_={time.monotonic_ns()}"
        page = await self._fetch(unique, None, accept, timeout_s, {"cache-control": "no-cache", "pragma": "no-cache"})
        return replace(page, url=page.url.removesuffix(unique.removeprefix(url)))

    async def _fetch(
        self, url: str, etag: str | None, accept: str, timeout_s: float, more: Mapping[str, str] | None = None
    ) -> FetchedPage:
        REQUEST_SCOPE.set(RequestScope(patience_s=min(MAX_PATIENCE_S, timeout_s / 3)))
        try:
            async with asyncio.timeout(timeout_s):
                return await self._follow_redirects(_parse_url(url), etag, accept, more or {})
        except _TRANSPORT_ERRORS as error:
            raise self._mask_error(_to_source_error(_host(url), timeout_s, error)) from error
        except SourceError as error:
            raise self._mask_error(error) from error

    def _mask_error(self, error: SourceError) -> SourceError:
        """The error; in strict mode, one that would reveal something of a private network is replaced."""
        is_revealing = self._ports is not None and error.code in _REVEALING_CODES
        return SourceError(REFUSAL_MESSAGE, code="refused") if is_revealing else error

    def _check_allowed(self, url: httpx.URL) -> httpx.URL:
        """Returns the address. Raises SourceError where strict mode does not allow it."""
        if self._ports is None:
            return url
        port = url.port or {"http": 80, "https": 443}.get(url.scheme)
        if url.scheme not in ("http", "https") or not url.host or url.userinfo or port not in self._ports:
            raise SourceError(REFUSAL_MESSAGE, code="refused")
        return url

    async def _follow_redirects(
        self, requested: httpx.URL, etag: str | None, accept: str, more: Mapping[str, str]
    ) -> FetchedPage:
        headers = {"user-agent": self._user_agent, "accept": accept, "accept-encoding": ACCEPTED_ENCODING}
        headers |= {"if-none-match": etag, **more} if etag else more
        url = self._check_allowed(requested)
        for _ in range(MAX_REDIRECTS + 1):
            async with self._send_request(httpx.Request("GET", url, headers=headers)) as response:
                target = _redirect_target(url, response)
                if target is None:
                    moved = requested.host if url.host != requested.host else None
                    return await self._read_response(response, str(url), etag, moved, wants_html="html" in accept)
            url = self._check_allowed(target)
        raise SourceError(f"{requested.host} redirects more than {MAX_REDIRECTS} times", code="too_many_redirects")

    @asynccontextmanager
    async def _send_request(self, request: httpx.Request) -> AsyncIterator[httpx.Response]:
        if self._closed:
            raise SourceError("the bot is shutting down", code="closed")
        response = await self._open_response(request)
        REQUEST_SCOPE.get().first = False
        try:
            yield response
        finally:
            await response.aclose()

    async def _open_response(self, request: httpx.Request) -> httpx.Response:
        """The head of the answer. A kept connection that gives none in time is replaced by a new one, once."""
        scope = REQUEST_SCOPE.get()
        scope.is_kept = False
        try:
            async with asyncio.timeout(None) as scope.patience:
                response = await self._transport.handle_async_request(request)
            if not (scope.is_kept and response.status_code == _REQUEST_TIMEOUT):
                return response
            await response.aclose()  # said when the server closed the connection as idle, and no answer to this request
        except _TRANSPORT_ERRORS:
            if not scope.is_kept or self._closed:
                raise
        finally:
            scope.patience = None
        return await self._transport.handle_async_request(request)

    async def _read_response(
        self, response: httpx.Response, url: str, etag: str | None, moved: str | None, *, wants_html: bool
    ) -> FetchedPage:
        host, status = _host(url), response.status_code
        tag = response.headers.get("etag")
        if status == _NOT_MODIFIED and etag:
            return FetchedPage(
                *(url, status, b"", tag or etag),
                not_modified=True,
                host_changed_from=moved,
                age_s=age_s(response.headers),
            )
        if status != _OK:
            raise _status_error(host, response)
        if "html" in response.headers.get("content-type", "").lower() and not wants_html:
            raise SourceError(f"{host} answered with a web page for people, not with data", code="html")
        body = HttpBody(host, response.headers.get("content-encoding", ""), self._max_bytes)
        async for chunk in response.aiter_raw():
            body.feed(chunk)
        content = body.complete()
        if not content.strip():
            raise SourceError(f"{host} answered with nothing", code="empty")
        return FetchedPage(
            *(url, status, content, tag),
            not_modified=False,
            host_changed_from=moved,
            age_s=age_s(response.headers),
            served_at=parse_http_date(response.headers.get("date", "")),
        )

    def _create_session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(connector=self._create_connector(), cookie_jar=aiohttp.DummyCookieJar())


def _host(url: str) -> str:
    with suppress(httpx.InvalidURL, ValueError):
        return _parse_url(url).host or url[:100]
    return url[:100]


@lru_cache(maxsize=4096)
def _parse_url(url: str) -> httpx.URL:
    """Cached: the same few addresses are fetched again and again, and parsing one costs as much as a request."""
    return httpx.URL(url)


def _to_source_error(host: str, timeout_s: float, error: BaseException) -> SourceError:
    causes = list(_cause_chain(error))
    code, sentence = next(
        (c, s) for kind, c, s in _ERROR_DESCRIPTIONS if any(isinstance(cause, kind) for cause in causes)
    )
    return SourceError(sentence.format(host=host, timeout_s=timeout_s), code=code)


def _cause_chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _status_error(host: str, response: httpx.Response) -> SourceError:
    status = response.status_code
    phrase = f" ({HTTPStatus(status).phrase})" if status in HTTPStatus._value2member_map_ else ""
    return SourceError(
        f"{host} answered {status}{phrase}", code=f"http_{status}", retry_after=retry_after(response.headers)
    )


def _redirect_target(at: httpx.URL, response: httpx.Response) -> httpx.URL | None:
    """The target of a redirect, None where there is none. Raises SourceError for a target that is not allowed."""
    location = response.headers.get("location")
    if response.status_code not in _REDIRECT_STATUSES or not location:
        return None
    try:
        target = at.join(location).copy_with(fragment=None)
    except (httpx.InvalidURL, ValueError) as error:
        raise SourceError(f"{at.host} redirects to an address that is not valid", code="bad_redirect") from error
    if target.scheme not in ("http", "https") or not target.host or target.userinfo:
        raise SourceError(f"{at.host} redirects to an address that is no plain web page", code="bad_redirect")
    if (at.scheme, target.scheme) == ("https", "http"):
        raise SourceError(f"{at.host} redirects from https to http, to {target.host}", code="downgrade")
    return target
