"""Runs one probe: sends a request to a surface, checks the response and times each step.

Every outcome is a ``ProbeResult``; nothing is raised. A probe is bounded in time by the wall clock and in size by
``MAX_BYTES``. A redirect is a response like any other unless the probe follows redirects; then each hop is checked, and
the key is sent only to the origin that it is for. Private networks are probed only if the probe allows it: every
address of a name is checked, and the checked address is the one that is connected to, so that DNS rebinding has no
effect (bot/docs/decisions.md#untrusted-input).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

import httpcore
from typing_extensions import override

from bot import __version__
from bot.adapters.ip_filter import Lookup, is_public, resolve_addresses
from bot.domain import LOCAL_VANTAGE, Probe, ProbeResult
from bot.errors import SourceError
from bot.formats.http_body import ACCEPTED_ENCODING, HttpBody
from bot.import_guard import block_import

with block_import("pygments"):
    import httpx

MAX_BYTES = 256 * 1024  # of a body; a marker has to be within them
MAX_REDIRECTS = 5
ADDRESS_TIMEOUT_S = 2.0  # timeout for one address of a name that has more
_REDIRECT_STATUSES = (301, 302, 303, 307, 308)
_KEY_STATUSES = (401, 403, 429)  # responses that are about the key, where one is sent

_ERROR_DESCRIPTIONS: tuple[tuple[type[BaseException], str], ...] = (  # the most specific first
    (ssl.SSLError, "the certificate or the encryption of {host} is wrong"),
    (socket.gaierror, "the name {host} could not be resolved"),
    (ConnectionRefusedError, "{host} refuses connections"),
    (httpcore.ConnectError, "no connection to {host} could be made"),
    (httpcore.RemoteProtocolError, "{host} broke off, or what it answered is not HTTP"),
    (httpcore.NetworkError, "{host} closed the connection before it had answered"),
    (OSError, "no connection to {host} could be made"),
    (Exception, "the request to {host} could not be made"),
)


class _LocalFaultError(Exception):
    """The probe failed for a local reason, such as its configuration; the message says which."""


_TRACE_PHASES = {  # httpcore's trace event -> what the probe waits for from then on
    "connection.start_tls.started": "the handshake",
    "http11.send_request_headers.started": "the first byte of its answer",
    "http11.receive_response_body.started": "the rest of its answer",
}


@dataclass(slots=True)
class _ProbeTimings:
    """Progress of one probe run; times are in seconds. ``waiting`` is what it waits for now."""

    clock: Callable[[], float]
    began: float
    waiting: str = "its name"
    dns: float | None = None
    connect: float | None = None
    tls: float | None = None
    first_byte: float | None = None
    status: int | None = None
    _handshake: float = 0.0

    async def trace(self, event: str, _: Any) -> None:
        """Trace callback of httpcore, called when a step begins or ends."""
        self.waiting = _TRACE_PHASES.get(event, self.waiting)
        if event == "connection.start_tls.started":
            self._handshake = self.clock()
        elif event == "connection.start_tls.complete":
            self.tls = (self.tls or 0) + self.clock() - self._handshake
        elif event == "http11.receive_response_headers.complete" and self.first_byte is None:
            self.first_byte = self.clock() - self.began


class Prober:
    """Runs probes. One per process; each run opens and closes its own connection, so there is nothing to close."""

    def __init__(
        self,
        *,
        look_up: Lookup = socket.getaddrinfo,
        is_public: Callable[[str], bool] = is_public,
        trust: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``trust`` has the accepted certificate authorities: by default those of httpx and of the system."""
        self._look_up, self._is_public, self._clock = look_up, is_public, clock
        self._trust = trust

    async def attempt(self, probe: Probe, at: datetime, *, key: str = "", vantage: str = LOCAL_VANTAGE) -> ProbeResult:
        """Runs the probe once. ``at`` is its start time, ``key`` the credential to send.

        A failure is a result too: ``why`` says what failed, ``ours`` is set where the cause is local.
        """
        self._trust = self._trust or _create_ssl_context()  # created on first use: it takes a tenth of a second
        timings = _ProbeTimings(self._clock, self._clock())
        why, is_ours = await self._find_failure(probe, key, timings)
        return ProbeResult(
            *(probe.surface, at, not why, vantage, why, timings.status),
            dns_ms=_to_ms(timings.dns),
            connect_ms=_to_ms(timings.connect),
            tls_ms=_to_ms(timings.tls),
            took_ms=_to_ms(self._clock() - timings.began),
            first_byte_ms=_to_ms(timings.first_byte),
            ours=is_ours,
        )

    async def _find_failure(self, probe: Probe, key: str, timings: _ProbeTimings) -> tuple[str, bool]:
        """Why the probe failed, empty where it did not; and whether the cause is local."""
        host = _host(probe.url)
        try:
            async with asyncio.timeout(probe.within_s):
                return await self._send_requests(probe, key, timings)
        except _LocalFaultError as error:
            return str(error), True
        except SourceError as error:
            return str(error), False
        except TimeoutError:
            return f"{host} did not answer within {probe.within_s:.3g} s: it waited for {timings.waiting}", False
        except Exception as error:  # noqa: BLE001  (every probe run has a result)
            return _describe_error(host, error), False

    async def _send_requests(self, probe: Probe, key: str, timings: _ProbeTimings) -> tuple[str, bool]:
        first_url = url = httpx.URL(probe.url)
        for hop in range(MAX_REDIRECTS + 1):
            request = _build_request(
                probe, url, key, timings, is_home=_origin(url) == _origin(first_url), is_first=hop == 0
            )
            origin = httpcore.Origin(url.raw_scheme, url.raw_host, _port(url))
            backend = _Backend(self._address_resolver(probe), timings)
            connection = httpcore.AsyncHTTPConnection(origin, self._trust, network_backend=backend)
            async with aclosing(backend), aclosing(connection):
                response = await connection.handle_async_request(request)
                timings.status = response.status
                target = _redirect_target(url, response) if probe.follow else None
                if target is None:
                    return await _check_response(probe, response, url.host, has_key=bool(key))
            url = target
        return f"{first_url.host} redirects more than {MAX_REDIRECTS} times", False

    def _address_resolver(self, probe: Probe) -> Callable[[str, int], Any]:
        async def allowed(host: str, port: int) -> list[str]:
            addresses = [address[0] for *_, address in await resolve_addresses(self._look_up, host, port)]
            if not probe.allow_private and not all(map(self._is_public, addresses)):
                raise _LocalFaultError(
                    f"{host} is inside a private network; `allow_private = true` in its probe says that it may be"
                )
            return list(dict.fromkeys(addresses))

        return allowed


class _Backend(httpcore.AsyncNetworkBackend):
    """Network backend that connects only to checked addresses, and times the DNS lookup and the connection."""

    def __init__(self, addresses: Callable[[str, int], Any], timings: _ProbeTimings) -> None:
        self._addresses, self._steps = addresses, timings
        self._inner = httpcore.AnyIOBackend()
        self._stream: httpcore.AsyncNetworkStream | None = None

    async def aclose(self) -> None:
        """Closes the connection; httpcore leaves it open where a TLS handshake does not finish."""
        if self._stream is not None:
            await self._stream.aclose()

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        timings = self._steps
        started, timings.waiting = timings.clock(), "its name"
        checked = await self._addresses(host, port)
        resolved, timings.waiting = timings.clock(), "a connection"
        timings.dns = (timings.dns or 0) + resolved - started
        self._stream = await self._connect_to_first(checked, port)
        timings.connect = (timings.connect or 0) + timings.clock() - resolved
        return self._stream

    async def _connect_to_first(self, addresses: list[str], port: int) -> httpcore.AsyncNetworkStream:
        """Connects to the first address that accepts; all but the last have a short timeout."""
        for address in addresses[:-1]:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await self._inner.connect_tcp(address, port, timeout=ADDRESS_TIMEOUT_S)
        return await self._inner.connect_tcp(addresses[-1], port)


async def _check_response(probe: Probe, response: httpcore.Response, host: str, *, has_key: bool) -> tuple[str, bool]:
    status = response.status
    if status not in probe.status:
        if has_key and status in _KEY_STATUSES:
            return f"{host} answered {_format_status(status)}: that is about the key in {probe.key_env}", True
        return f"{host} answered {_format_status(status)}, not {' or '.join(map(str, probe.status))}", False
    if probe.method == "HEAD" or await _contains_marker(probe.marker, response, host):
        return "", False
    return f"{host} answered {_format_status(status)}, but without “{probe.marker[:60]}” in it", False


async def _contains_marker(marker: str, response: httpcore.Response, host: str) -> bool:
    """Whether the body has the marker within its first ``MAX_BYTES``; an empty marker is in every complete body."""
    encoding = next((v.decode("latin-1") for k, v in response.headers if k.lower() == b"content-encoding"), "")
    body, needle = HttpBody(host, encoding, MAX_BYTES), marker.encode()
    try:
        async for chunk in response.aiter_stream():
            body.feed(chunk)
        return needle in body.complete()
    except SourceError as error:
        if error.code != "too_large":
            raise
        return needle in body.received_so_far()[:MAX_BYTES]


def _build_request(
    probe: Probe, at: httpx.URL, key: str, timings: _ProbeTimings, *, is_home: bool, is_first: bool
) -> httpcore.Request:
    """The request for one hop. The key and the probe's own headers are sent only to the probe's origin."""
    fields = {
        "Host": at.netloc.decode(),
        "User-Agent": f"brownout/{__version__} (tries a surface)",
        "Accept": "*/*",
        "Accept-Encoding": ACCEPTED_ENCODING,
        "Connection": "close",
    }
    fields |= probe.headers if is_home else {}
    fields |= {probe.key_header: probe.key_prefix + key} if is_home and key else {}
    body = probe.body.encode() if is_first else b""
    fields |= {"Content-Length": str(len(body))} if body else {}
    url = httpcore.URL(scheme=at.raw_scheme, host=at.raw_host, port=at.port, target=at.raw_path)
    extensions = {"trace": timings.trace}
    return httpcore.Request(
        probe.method if is_first else "GET", url, headers=[*fields.items()], content=body or None, extensions=extensions
    )


def _redirect_target(at: httpx.URL, response: httpcore.Response) -> httpx.URL | None:
    """The target of a redirect, None where there is none. Raises SourceError for a target that is not allowed."""
    location = next((v.decode("latin-1") for k, v in response.headers if k.lower() == b"location"), "")
    if response.status not in _REDIRECT_STATUSES or not location:
        return None
    try:
        target = at.join(location).copy_with(fragment=None)
    except (httpx.InvalidURL, ValueError) as error:
        raise SourceError(f"{at.host} redirects to an address that is not valid", code="bad_redirect") from error
    is_plain = target.scheme in ("http", "https") and target.host and not target.userinfo
    if not is_plain or (at.scheme, target.scheme) == ("https", "http"):
        raise SourceError(f"{at.host} redirects to an address that is no plain web page", code="bad_redirect")
    return target


def _describe_error(host: str, error: BaseException) -> str:
    causes = list(_cause_chain(error))
    sentence = next(s for kind, s in _ERROR_DESCRIPTIONS if any(isinstance(cause, kind) for cause in causes)).format(
        host=host
    )
    detail = next((c.verify_message for c in causes if isinstance(c, ssl.SSLCertVerificationError)), "")
    return f"{sentence}: {detail}" if detail else sentence


def _cause_chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _host(url: str) -> str:
    with suppress(httpx.InvalidURL, ValueError):
        return httpx.URL(url).host or url[:100]
    return url[:100]


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, _port(url)


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _format_status(status: int) -> str:
    return f"{status} ({HTTPStatus(status).phrase})" if status in HTTPStatus._value2member_map_ else str(status)


def _to_ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)


def _create_ssl_context() -> ssl.SSLContext:
    trust = httpx.create_ssl_context(trust_env=False)
    trust.load_default_certs()
    return trust
