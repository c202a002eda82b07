"""The connections of ``PageFetcher``: whom they may lead to, and how long they are kept between two polls.

A TLS handshake takes four times as much CPU as all the rest of a poll, so a connection is kept for the next poll of the
same page. The rules (bot/docs/security.md#kept-connections):

- A connection serves one origin: the scheme, host and port that it was made for. There is no HTTP/2 here, so none is
  ever shared by several hosts.
- The address is checked when the connection is made, and again whenever it is used: a request that may not go into a
  private network gets no connection into one, whichever request made it.
- It is used until it is ``MAX_AGE_S`` old. Then the name is resolved, the address checked and the certificate verified
  again, by a new connection. A TLS session is resumed for no longer either, since that verifies no certificate.
  Sessions are stored only of servers that close their connections: Python's copy of one takes 5 KB.
- Only so many are kept, because each takes an open file and some memory. Those that are kept stay; what comes later is
  closed after its request. To replace the oldest would help no page where there are more pages than connections.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from asyncio import sslproto
from collections import OrderedDict
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import TypeVar
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override

from bot.adapters.ip_filter import Lookup, resolve_addresses

MAX_AGE_S = 600.0  # as long as a 304 is believed
MAX_IDLE_S = 100.0  # longer than the time between two polls, jitter included, by default
MAX_KEPT = 1_000
MAX_SESSIONS = 1_000
PRUNE_EVERY_S = 5.0
TLS_BUFFER_BYTES = 4 * 1024  # asyncio has 256 KB for each connection; most answers are a 304 without a body

Value = TypeVar("Value")


class PrivateAddressError(OSError):
    """A private address where none is allowed: after a redirect from a public one, or anywhere in strict mode."""


@dataclass(slots=True)
class RequestScope:
    """State of one request over its redirects: one that began in a private network may stay there.

    Attributes:
        first: No server has answered yet.
        private: A server in a private network has answered, or is asked first.
        patience_s: How long a kept connection may take until the head of the answer has come.
        patience: The deadline that starts when a kept connection is used.
        is_kept: The current connection is one that was kept.
        sent_at_s: When the current connection was ready, by the connector's clock.
    """

    first: bool = True
    private: bool = False
    patience_s: float = 3.0
    patience: asyncio.Timeout | None = None
    is_kept: bool = False
    sent_at_s: float = 0.0


REQUEST_SCOPE: ContextVar[RequestScope] = ContextVar("request_scope")


def max_kept_connections() -> int:
    """How many connections may be kept: no more than half of the files that this process may open."""
    try:
        import resource  # noqa: PLC0415  (not on every system)
    except ImportError:
        return MAX_KEPT // 4
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_KEPT if soft == resource.RLIM_INFINITY else min(MAX_KEPT, soft // 2)


def limit_tls_buffers() -> None:
    """Gives each TLS connection of this process a small read buffer.

    It is asyncio's own constant, which no argument sets. With its 256 KB, 1,000 kept connections took 430 MB.
    """
    sslproto.SSLProtocol.max_size = TLS_BUFFER_BYTES


@dataclass(frozen=True, slots=True)
class _StoredSession:
    """A TLS session, and when the server's certificate was verified for it, in monotonic seconds."""

    session: ssl.SSLSession
    verified_at_s: float


def keep_newest(values: OrderedDict[str, Value], key: str, value: Value, most: int) -> None:
    """Stores the value of a key as the newest, and drops the oldest of more than ``most``."""
    values[key] = value
    values.move_to_end(key)
    if len(values) > most:
        values.popitem(last=False)


class ResumingTls:
    """TLS whose sessions are resumed, by host name, for servers that close their connections.

    Attributes:
        context: Verifies certificates.
    """

    def __init__(self, context: ssl.SSLContext, elapsed: Callable[[], float]) -> None:
        """``context`` is used for nothing else; ``elapsed`` is a monotonic clock in seconds."""
        self.context = context
        self.context.sslobject_class = self._connection_class()
        self._elapsed = elapsed
        self._stored: OrderedDict[str, _StoredSession] = OrderedDict()

    def store(self, tls: ssl.SSLObject) -> None:
        """Remembers a connection's session. One that was resumed keeps the time of the handshake before it."""
        host, session = tls.server_hostname, tls.session
        if host is None or session is None or not session.has_ticket:
            return
        verified_at_s = self._elapsed()
        known = self._stored.pop(host, None)
        if tls.session_reused:
            if known is None:
                return
            verified_at_s = known.verified_at_s
        keep_newest(self._stored, host, _StoredSession(session, verified_at_s), MAX_SESSIONS)

    def _session_for(self, host: str | None) -> ssl.SSLSession | None:
        """The session to resume; None where there is none, or it is too old."""
        known = self._stored.get(host or "")
        if known is None or self._elapsed() - known.verified_at_s >= MAX_AGE_S:
            return None
        return known.session

    def _connection_class(self) -> type[ssl.SSLObject]:
        session_for = self._session_for

        class ResumingConnection(ssl.SSLObject):
            has_begun = False

            @override
            def do_handshake(self) -> None:
                if not self.has_begun and (session := session_for(self.server_hostname)):
                    self.session = session
                self.has_begun = True
                super().do_handshake()

            @override
            def getpeercert(self, binary_form: bool = False) -> dict[str, object] | bytes | None:  # type: ignore[override]
                """None: it has been verified, and asyncio would decode it and keep 5 KB for each connection."""
                return None

        return ResumingConnection


class PageConnector(aiohttp.TCPConnector):
    """Makes connections to pages, keeps them, and checks whom they lead to. Create it in a running event loop."""

    def __init__(
        self,
        *,
        look_up: Lookup,
        is_public: Callable[[str], bool],
        strict: bool,
        elapsed: Callable[[], float],
        tls: ResumingTls,
        max_kept: int | None = None,
    ) -> None:
        """``strict`` allows public addresses only; ``elapsed`` is a monotonic clock in seconds.

        ``max_kept`` bounds the connections that are kept; by default, by the files that the process may open.
        """
        self._is_public, self._strict, self._elapsed = is_public, strict, elapsed
        self._max_kept = max_kept_connections() if max_kept is None else max_kept
        self._made_at_s: WeakKeyDictionary[asyncio.BaseTransport, float] = WeakKeyDictionary()  # those that are kept
        self._kept_at_s: OrderedDict[str, float] = OrderedDict()  # by host, when its last kept connection was made
        self._closing_hosts: OrderedDict[str, None] = OrderedDict()  # whose servers have closed a kept connection
        self._pruned_at_s = -PRUNE_EVERY_S
        self._tls = tls
        super().__init__(
            limit=0,
            keepalive_timeout=MAX_IDLE_S,
            ssl=tls.context,
            resolver=_Resolver(look_up, is_public if strict else None),
            socket_factory=self._create_socket,
        )

    @override
    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[aiohttp.tracing.Trace], timeout: aiohttp.ClientTimeout
    ) -> aiohttp.connector.Connection:
        """A connection for the request: a kept one that may be used, else a new one.

        After a kept one that did not serve the request, the next is always new.
        """
        scope = REQUEST_SCOPE.get()
        must_be_new = scope.is_kept
        while True:
            connection = await super().connect(req, traces, timeout)
            transport = connection.transport
            made_at_s = None if transport is None else self._made_at_s.get(transport)
            if made_at_s is None or not (must_be_new or self._is_outdated(connection, made_at_s)):
                break
            connection.close()
        scope.is_kept, scope.sent_at_s = made_at_s is not None, self._elapsed()
        if not scope.is_kept and self._was_kept(req.url.raw_host or ""):
            keep_newest(self._closing_hosts, req.url.raw_host or "", None, MAX_SESSIONS)
        if scope.is_kept and transport is not None:
            try:
                self._check_address(transport.get_extra_info("peername")[0])
            except PrivateAddressError:
                connection.release()
                raise
            if scope.patience is not None:
                scope.patience.reschedule(asyncio.get_running_loop().time() + scope.patience_s)
        connection.add_callback(partial(self._before_release, connection, scope))
        return connection

    def _is_outdated(self, connection: aiohttp.connector.Connection, made_at_s: float) -> bool:
        """Whether a kept connection is too old, or its server has sent something that was not asked for."""
        protocol = connection.protocol
        return self._elapsed() - made_at_s >= MAX_AGE_S or protocol is None or protocol.should_close

    def _before_release(self, connection: aiohttp.connector.Connection, scope: RequestScope) -> None:
        """Keeps the connection where it may be used again, else has it closed.

        That of a server which is slow to answer is not kept: one that has died looks the same from here.
        """
        protocol, transport = connection.protocol, connection.transport
        if protocol is None or transport is None:
            return
        is_slow = self._elapsed() - scope.sent_at_s > scope.patience_s
        if transport in self._made_at_s:
            if is_slow:
                protocol.force_close()
            return
        if is_slow or not self._has_room():
            protocol.force_close()
        else:
            self._made_at_s[transport] = scope.sent_at_s
        tls = transport.get_extra_info("ssl_object")
        if tls is not None and (protocol.should_close or tls.server_hostname in self._closing_hosts):
            self._tls.store(tls)
        elif tls is not None and tls.server_hostname:
            keep_newest(self._kept_at_s, tls.server_hostname, scope.sent_at_s, MAX_SESSIONS)

    def _was_kept(self, host: str) -> bool:
        """Whether a connection to the host was kept that would not be too old yet; another one means it was closed."""
        kept_at_s = self._kept_at_s.get(host)
        return kept_at_s is not None and self._elapsed() - kept_at_s < MAX_AGE_S

    def _has_room(self) -> bool:
        now_s = self._elapsed()
        if len(self._made_at_s) >= self._max_kept and now_s - self._pruned_at_s >= PRUNE_EVERY_S:
            self._pruned_at_s = now_s
            for transport in [t for t in self._made_at_s if t.is_closing()]:
                del self._made_at_s[transport]
        return len(self._made_at_s) < self._max_kept

    def _create_socket(self, target: aiohttp.connector.AddrInfoType) -> socket.socket:
        """Checks the address and creates its socket; the check is on the connected address, so DNS can't change it."""
        family, kind, protocol, _, (address, *_) = target
        self._check_address(str(address))
        return socket.socket(family, kind, protocol)

    def _check_address(self, address: str) -> None:
        """Raises PrivateAddressError where this request may not go there."""
        scope = REQUEST_SCOPE.get()
        if self._is_public(address):
            return
        if self._strict or not (scope.first or scope.private):
            raise PrivateAddressError("a private address")
        scope.private = True


class _Resolver(AbstractResolver):
    """Resolves names with ``look_up`` in a daemon thread (see ``ip_filter``)."""

    def __init__(self, look_up: Lookup, is_allowed: Callable[[str], bool] | None = None) -> None:
        """A name is refused where any of its addresses fails ``is_allowed``."""
        self._look_up, self._is_allowed = look_up, is_allowed

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        addresses = await resolve_addresses(self._look_up, host, port, family)
        if self._is_allowed and not all(self._is_allowed(address[0]) for *_, address in addresses):
            raise PrivateAddressError("a private address")
        return [
            ResolveResult(hostname=host, host=address[0], port=port, family=family, proto=proto, flags=numeric)
            for family, _, proto, _, address in addresses
        ]

    @override
    async def close(self) -> None:
        """Nothing to close."""
