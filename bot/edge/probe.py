"""A Probe -> one request and its steps, timed: a ProbeResult. Nothing else comes out, whatever the surface does.

Bounded in time by the wall clock and in size by ``MAX_BYTES``. A redirect is an answer like another unless the probe
follows; then each hop is checked, and the key stays with the host that it is for. Only the open internet is probed
unless the probe allows more: every address that a name has is checked, and the one that was checked is connected to,
so that no name changes its mind in between (performance-reliability.md section 4, rows 5 to 10, 17 to 19).
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
from bot.edge.address import Lookup, addresses, is_public
from bot.errors import SourceError
from bot.model import HERE, Probe, ProbeResult
from bot.sources.answer import ACCEPTED, Body
from bot.unseen import unseen

with unseen("rich"):
    import httpx

MAX_BYTES = 256 * 1024  # of a body; a marker stands within them
MAX_HOPS = 5
ADDRESS_S = 2.0  # patience with one address of a name that has others
_REDIRECTS = (301, 302, 303, 307, 308)
_OF_THE_KEY = (401, 403, 429)  # answers that are about our key, where there is one

_FAULTS: tuple[tuple[type[BaseException], str], ...] = (  # most telling first
    (ssl.SSLError, "the certificate or the encryption of {host} is wrong"),
    (socket.gaierror, "the name {host} could not be resolved"),
    (ConnectionRefusedError, "{host} refuses connections"),
    (httpcore.ConnectError, "no connection to {host} could be made"),
    (httpcore.RemoteProtocolError, "{host} broke off, or what it answered is not HTTP"),
    (httpcore.NetworkError, "{host} closed the connection before it had answered"),
    (OSError, "no connection to {host} could be made"),
    (Exception, "the request to {host} could not be made"),
)


class _OurFaultError(Exception):
    """Something of ours is in the way; the message says what."""


_WAITS = {  # httpcore's name for a step that begins -> what is waited for meanwhile
    "connection.start_tls.started": "the handshake",
    "http11.send_request_headers.started": "the first byte of its answer",
    "http11.receive_response_body.started": "the rest of its answer",
}


@dataclass(slots=True)
class _Steps:
    """What a try has got to so far, in seconds. ``waiting`` is what it waits for now."""

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
        """Hears from httpcore which step begins or ends."""
        self.waiting = _WAITS.get(event, self.waiting)
        if event == "connection.start_tls.started":
            self._handshake = self.clock()
        elif event == "connection.start_tls.complete":
            self.tls = (self.tls or 0) + self.clock() - self._handshake
        elif event == "http11.receive_response_headers.complete" and self.first_byte is None:
            self.first_byte = self.clock() - self.began


class Prober:
    """Tries surfaces. One for the whole process; each try has a connection of its own, so there is nothing to close."""

    def __init__(
        self,
        *,
        look_up: Lookup = socket.getaddrinfo,
        is_public: Callable[[str], bool] = is_public,
        trust: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``trust`` is whose certificates are believed: httpx's list and the system's, unless told otherwise."""
        self._look_up, self._is_public, self._clock = look_up, is_public, clock
        self._trust = trust

    async def attempt(self, probe: Probe, at: datetime, *, key: str = "", vantage: str = HERE) -> ProbeResult:
        """One try, begun at ``at``. A failure is a result too: ``why`` in plain words, ``ours`` where it is our own."""
        self._trust = self._trust or _trusted()  # a tenth of a second, for those who probe
        steps = _Steps(self._clock, self._clock())
        why, is_ours = await self._outcome(probe, key, steps)
        return ProbeResult(
            *(probe.surface, at, not why, vantage, why, steps.status),
            dns_ms=_ms(steps.dns),
            connect_ms=_ms(steps.connect),
            tls_ms=_ms(steps.tls),
            took_ms=_ms(self._clock() - steps.began),
            first_byte_ms=_ms(steps.first_byte),
            ours=is_ours,
        )

    async def _outcome(self, probe: Probe, key: str, steps: _Steps) -> tuple[str, bool]:
        """What went wrong, empty where nothing did; and whether that is our fault."""
        host = _host(probe.url)
        try:
            async with asyncio.timeout(probe.within_s):
                return await self._tried(probe, key, steps)
        except _OurFaultError as error:
            return str(error), True
        except SourceError as error:
            return str(error), False
        except TimeoutError:
            return f"{host} did not answer within {probe.within_s:.3g} s: it waited for {steps.waiting}", False
        except Exception as error:  # noqa: BLE001  (a try has a result, whatever the surface does)
            return _explained(host, error), False

    async def _tried(self, probe: Probe, key: str, steps: _Steps) -> tuple[str, bool]:
        home = at = httpx.URL(probe.url)
        for hop in range(MAX_HOPS + 1):
            request = _request(probe, at, key, steps, is_home=_origin(at) == _origin(home), is_first=hop == 0)
            origin = httpcore.Origin(at.raw_scheme, at.raw_host, _port(at))
            backend = _Backend(self._addresses(probe), steps)
            connection = httpcore.AsyncHTTPConnection(origin, self._trust, network_backend=backend)
            async with aclosing(backend), aclosing(connection):
                response = await connection.handle_async_request(request)
                steps.status = response.status
                onward = _onward(at, response) if probe.follow else None
                if onward is None:
                    return await _judged(probe, response, at.host, has_key=bool(key))
            at = onward
        return f"{home.host} redirects more than {MAX_HOPS} times", False

    def _addresses(self, probe: Probe) -> Callable[[str, int], Any]:
        async def allowed(host: str, port: int) -> list[str]:
            found = [address[0] for *_, address in await addresses(self._look_up, host, port)]
            if not probe.allow_private and not all(map(self._is_public, found)):
                raise _OurFaultError(
                    f"{host} is inside a private network; `allow_private = true` in its probe says that it may be"
                )
            return list(dict.fromkeys(found))

        return allowed


class _Backend(httpcore.AsyncNetworkBackend):
    """Connects to a checked address of a host, and takes the time of both steps."""

    def __init__(self, addresses: Callable[[str, int], Any], steps: _Steps) -> None:
        self._addresses, self._steps = addresses, steps
        self._inner = httpcore.AnyIOBackend()
        self._stream: httpcore.AsyncNetworkStream | None = None

    async def aclose(self) -> None:
        """Closes what was connected; httpcore leaves it open where a handshake does not end."""
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
        steps = self._steps
        began, steps.waiting = steps.clock(), "its name"
        found = await self._addresses(host, port)
        resolved, steps.waiting = steps.clock(), "a connection"
        steps.dns = (steps.dns or 0) + resolved - began
        self._stream = await self._connected(found, port)
        steps.connect = (steps.connect or 0) + steps.clock() - resolved
        return self._stream

    async def _connected(self, found: list[str], port: int) -> httpcore.AsyncNetworkStream:
        """The first address that answers; those before the last get a short time each."""
        for address in found[:-1]:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await self._inner.connect_tcp(address, port, timeout=ADDRESS_S)
        return await self._inner.connect_tcp(found[-1], port)


async def _judged(probe: Probe, response: httpcore.Response, host: str, *, has_key: bool) -> tuple[str, bool]:
    status = response.status
    if status not in probe.status:
        if has_key and status in _OF_THE_KEY:
            return f"{host} answered {_named(status)}: that is about the key in {probe.key_env}", True
        return f"{host} answered {_named(status)}, not {' or '.join(map(str, probe.status))}", False
    if probe.method == "HEAD" or await _holds(probe.marker, response, host):
        return "", False
    return f"{host} answered {_named(status)}, but without “{probe.marker[:60]}” in it", False


async def _holds(marker: str, response: httpcore.Response, host: str) -> bool:
    """Whether the body has the marker within the first ``MAX_BYTES``; an empty marker is in every whole body."""
    encoding = next((v.decode("latin-1") for k, v in response.headers if k.lower() == b"content-encoding"), "")
    body, wanted = Body(host, encoding, MAX_BYTES), marker.encode()
    try:
        async for chunk in response.aiter_stream():
            body.feed(chunk)
        return wanted in body.whole()
    except SourceError as error:
        if error.code != "too_large":
            raise
        return wanted in body.head()[:MAX_BYTES]


def _request(
    probe: Probe, at: httpx.URL, key: str, steps: _Steps, *, is_home: bool, is_first: bool
) -> httpcore.Request:
    """The request for one hop. The key and the probe's own headers stay with the host that they are for."""
    fields = {
        "Host": at.netloc.decode(),
        "User-Agent": f"brownout/{__version__} (tries a surface)",
        "Accept": "*/*",
        "Accept-Encoding": ACCEPTED,
        "Connection": "close",
    }
    fields |= probe.headers if is_home else {}
    fields |= {probe.key_header: probe.key_prefix + key} if is_home and key else {}
    body = probe.body.encode() if is_first else b""
    fields |= {"Content-Length": str(len(body))} if body else {}
    url = httpcore.URL(scheme=at.raw_scheme, host=at.raw_host, port=at.port, target=at.raw_path)
    told = {"trace": steps.trace}
    return httpcore.Request(
        probe.method if is_first else "GET", url, headers=[*fields.items()], content=body or None, extensions=told
    )


def _onward(at: httpx.URL, response: httpcore.Response) -> httpx.URL | None:
    """Where the answer sends us, if it does; SourceError where it sends us somewhere we don't go."""
    location = next((v.decode("latin-1") for k, v in response.headers if k.lower() == b"location"), "")
    if response.status not in _REDIRECTS or not location:
        return None
    try:
        onward = at.join(location).copy_with(fragment=None)
    except (httpx.InvalidURL, ValueError) as error:
        raise SourceError(f"{at.host} redirects to an address that is not valid", code="bad_redirect") from error
    is_plain = onward.scheme in ("http", "https") and onward.host and not onward.userinfo
    if not is_plain or (at.scheme, onward.scheme) == ("https", "http"):
        raise SourceError(f"{at.host} redirects to an address that is no plain web page", code="bad_redirect")
    return onward


def _explained(host: str, error: BaseException) -> str:
    causes = list(_causes(error))
    sentence = next(s for kind, s in _FAULTS if any(isinstance(cause, kind) for cause in causes)).format(host=host)
    told = next((c.verify_message for c in causes if isinstance(c, ssl.SSLCertVerificationError)), "")
    return f"{sentence}: {told}" if told else sentence


def _causes(error: BaseException | None) -> Iterator[BaseException]:
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


def _named(status: int) -> str:
    return f"{status} ({HTTPStatus(status).phrase})" if status in HTTPStatus._value2member_map_ else str(status)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)


def _trusted() -> ssl.SSLContext:
    trust = httpx.create_ssl_context(trust_env=False)
    trust.load_default_certs()
    return trust
