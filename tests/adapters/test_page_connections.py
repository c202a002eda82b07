"""Connections that are kept between polls: whom they lead to, how old they get, and what servers do to them."""

from __future__ import annotations

import asyncio
import gc
import resource
import socket
import ssl
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
import trustme

from bot.adapters import page_connections
from bot.adapters.page_connections import MAX_AGE_S, PageConnector, ResumingTls, max_kept_connections
from bot.adapters.page_fetcher import PageFetcher
from bot.errors import SourceError

pytestmark = [pytest.mark.anyio, pytest.mark.allow_hosts(["127.0.0.1", "127.0.0.2"])]

GOOD = b'{"page": {"id": "p"}}'
KEEPS = "keep"  # what a play does with the connection after its answer
CLOSES = "close"


def answer(body=GOOD, status=200, version="1.1", **headers):
    """A whole HTTP answer that leaves the connection open; underscores in header names are hyphens."""
    fields = {"content-type": "application/json", "content-length": len(body)}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None)
    return f"HTTP/{version} {status} Whatever\r\n{head}\r\n".encode() + body


class KeepingServer:
    """Serves several requests over a connection.

    ``plays`` are what it does with the requests to come, one after the other, and the last one with all that follow:
    bytes to send, or a function of the writer that returns CLOSES where it wants the connection closed. ``requests`` are
    the path of each request and the number of its connection.
    """

    def __init__(self, *plays):
        self.plays, self.requests, self.tasks = list(plays) or [answer()], [], set()
        self.resumed, self.opened, self.closed, self.port = [], 0, 0, 0
        self.is_closed = asyncio.Event()

    @property
    def used(self):
        """The connection of each request."""
        return [number for _, number in self.requests]

    def url(self, host="127.0.0.1", scheme="http"):
        return f"{scheme}://{host}:{self.port}"

    async def serve(self, reader, writer):
        self.tasks.add(asyncio.current_task())
        self.opened += 1
        number = self.opened
        if tls := writer.get_extra_info("ssl_object"):
            self.resumed.append(tls.session_reused)
        with suppress(EOFError, ConnectionError, asyncio.CancelledError):
            while True:
                lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                self.requests.append((lines[0].split(" ")[1], number))
                if await self._play(self.plays.pop(0) if len(self.plays) > 1 else self.plays[0], writer) == CLOSES:
                    break
        self.closed += 1
        self.is_closed.set()
        writer.close()

    @staticmethod
    async def _play(play, writer):
        if callable(play):
            return await play(writer)
        writer.write(play)
        await writer.drain()
        return KEEPS


@asynccontextmanager
async def keeping(*plays, tls=None, hosts=("127.0.0.1",)):
    server = KeepingServer(*plays)
    listener = await asyncio.start_server(server.serve, hosts[0], 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    more = [await asyncio.start_server(server.serve, host, server.port, ssl=tls) for host in hosts[1:]]
    try:
        yield server
    finally:
        for one in (listener, *more):
            one.close()
        for task in server.tasks:
            task.cancel()
        await asyncio.gather(*server.tasks, return_exceptions=True)


class Names:
    """A resolver whose answers can be changed; it counts the questions."""

    def __init__(self, **addresses):
        self.addresses = {name.replace("_", "."): address for name, address in addresses.items()}
        self.asked = 0

    def __call__(self, host, port, _family=0, kind=0, *_):
        self.asked += 1
        address = self.addresses.get(host, host if host[0].isdigit() else None)
        if address is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, kind, 6, "", (address, port))]


class Timer:
    """A monotonic clock that is moved by hand, and goes on by itself by little."""

    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


def public(address):
    """127.0.0.1 plays the public web here, and all else of loopback a private network."""
    return address == "127.0.0.1"


async def get(fetcher, url, path="/", etag=None):
    return await fetcher.get(url, path, etag=etag, accept="application/json")


async def code(fetcher, url, path="/"):
    with pytest.raises(SourceError) as caught:
        await get(fetcher, url, path)
    return caught.value.code


async def settled():
    """Whatever has been sent over loopback has arrived."""
    for _ in range(20):
        await asyncio.sleep(0.001)


# --- what is kept -----------------------------------------------------------------------------------------------------


async def test_the_next_poll_of_a_page_uses_the_same_connection():
    async with keeping() as server, PageFetcher() as fetcher:
        for _ in range(3):
            await get(fetcher, server.url())
    assert server.used == [1, 1, 1]


async def test_a_304_leaves_the_connection_open():
    async with keeping(answer(etag='"1"'), b'HTTP/1.1 304 X\r\netag: "1"\r\n\r\n') as server, PageFetcher() as fetcher:
        for _ in range(3):
            page = await get(fetcher, server.url(), etag='"1"')
    assert (page.not_modified, server.used) == (True, [1, 1, 1])


async def test_an_error_with_a_short_body_leaves_the_connection_open():
    async with keeping(answer(b"busy", 503), answer()) as server, PageFetcher() as fetcher:
        assert await code(fetcher, server.url()) == "http_503"
        await get(fetcher, server.url())
    assert server.used == [1, 1]


async def test_every_name_has_a_connection_of_its_own_even_at_one_address():
    names = Names(a_example="127.0.0.1", b_example="127.0.0.1")
    async with keeping() as server, PageFetcher(look_up=names, is_public=public) as fetcher:
        for host in ("a.example", "b.example", "a.example"):
            await get(fetcher, server.url(host))
    assert server.used == [1, 2, 1]


async def test_polls_of_one_host_at_the_same_time_have_connections_of_their_own():
    arrived = asyncio.Barrier(2)

    async def together(writer):
        await arrived.wait()
        writer.write(answer())
        return KEEPS

    async with keeping(together) as server, PageFetcher() as fetcher:
        await asyncio.gather(*(get(fetcher, server.url()) for _ in range(2)))
    assert sorted(server.used) == [1, 2]


async def test_connections_end_with_the_fetcher():
    async with keeping() as server:
        async with PageFetcher() as fetcher:
            await get(fetcher, server.url())
        await asyncio.wait_for(server.is_closed.wait(), 5)
    assert server.closed == 1


@pytest.mark.parametrize(
    "ends", [answer(connection="close"), answer(version="1.0"), answer(version="1.0", content_length=None)]
)
async def test_what_is_over_after_its_answer_is_not_kept(ends):
    async def play(writer):
        writer.write(ends)
        return CLOSES

    async with keeping(play) as server, PageFetcher() as fetcher:
        pages = [await get(fetcher, server.url()) for _ in range(2)]
    assert ([page.body for page in pages], server.used) == ([GOOD, GOOD], [1, 2])


async def test_http_1_0_that_says_keep_alive_is_kept():
    async with keeping(answer(version="1.0", connection="keep-alive")) as server, PageFetcher() as fetcher:
        for _ in range(2):
            await get(fetcher, server.url())
    assert server.used == [1, 1]


@pytest.mark.parametrize("status", [200, 302, 500])
async def test_a_connection_whose_answer_was_not_read_to_its_end_is_not_kept(status):
    unread = answer(b"x", status, content_length=10_000_000, content_type="text/html", location="/again")
    async with keeping(unread, answer()) as server, PageFetcher(timeout_s=1) as fetcher:
        with suppress(SourceError):
            await get(fetcher, server.url())
        await get(fetcher, server.url())
    assert server.used[:2] == [1, 2]


async def test_a_proxy_in_the_environment_is_not_used(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with keeping() as server, PageFetcher() as fetcher:
        for _ in range(2):
            await get(fetcher, server.url())
    assert server.used == [1, 1]


# --- whom it leads to -------------------------------------------------------------------------------------------------


@pytest.mark.hostile(8)
async def test_a_kept_connection_into_a_private_network_is_not_for_a_page_that_redirects_there():
    names = Names(status_example="127.0.0.1", wiki_internal="127.0.0.2")
    both = ("127.0.0.1", "127.0.0.2")
    async with keeping(hosts=both) as server, PageFetcher(look_up=names, is_public=public) as fetcher:
        await get(fetcher, server.url("wiki.internal"))
        server.plays = [answer(b"", 302, location=server.url("wiki.internal") + "/secret"), answer()]
        assert await code(fetcher, server.url("status.example")) == "private_address"
    assert "/secret" not in [path for path, _ in server.requests]


async def test_a_private_page_of_the_configuration_may_use_its_kept_connection():
    names = Names(wiki_internal="127.0.0.2")
    async with keeping(hosts=("127.0.0.2",)) as server, PageFetcher(look_up=names, is_public=public) as fetcher:
        for _ in range(2):
            await get(fetcher, server.url("wiki.internal"))
    assert server.used == [1, 1]


async def test_a_private_page_may_redirect_to_another_one_over_kept_connections():
    names = Names(wiki_internal="127.0.0.2", new_internal="127.0.0.2")
    async with keeping(hosts=("127.0.0.2",)) as server, PageFetcher(look_up=names, is_public=public) as fetcher:
        for _ in range(2):
            server.plays = [answer(b"", 302, location=server.url("new.internal")), answer()]
            await get(fetcher, server.url("wiki.internal"))
    assert server.used == [1, 2, 1, 2]


@asynccontextmanager
async def rebinding():
    """A strict fetcher with a kept connection to a name that has turned private since; its server and clock."""
    names, clock = Names(status_example="127.0.0.1"), Timer()
    async with keeping(hosts=("127.0.0.1", "127.0.0.2")) as server:
        how = {"look_up": names, "is_public": public, "ports": frozenset({server.port}), "elapsed": clock}
        async with PageFetcher(strict=True, **how) as fetcher:
            await get(fetcher, server.url("status.example"))
            names.addresses["status.example"] = "127.0.0.2"
            yield fetcher, server, clock


@pytest.mark.hostile(9)
async def test_a_name_that_turns_private_is_still_read_where_it_was_checked():
    async with rebinding() as (fetcher, server, clock):
        clock.now_s = MAX_AGE_S - 1
        await get(fetcher, server.url("status.example"))
        assert server.used == [1, 1]


@pytest.mark.hostile(9)
async def test_a_name_that_has_turned_private_is_refused_once_the_connection_is_old(monkeypatch):
    monkeypatch.setattr(aiohttp.connector._DNSCacheTable, "expired", lambda *_: True)  # ten seconds later
    async with rebinding() as (fetcher, server, clock):
        clock.now_s = MAX_AGE_S
        assert await code(fetcher, server.url("status.example")) == "refused"
        assert server.used == [1]


async def test_a_connection_in_use_all_the_time_gets_no_older_than_the_limit():
    clock = Timer()
    async with keeping() as server, PageFetcher(elapsed=clock) as fetcher:
        for _ in range(12):
            await get(fetcher, server.url())
            clock.now_s += MAX_AGE_S / 10
    assert server.used == [1] * 10 + [2] * 2


# --- servers that do not keep it --------------------------------------------------------------------------------------


async def test_a_connection_that_its_server_closed_meanwhile_is_replaced():
    async def play(writer):
        writer.write(answer())
        return CLOSES

    async with keeping(play) as server, PageFetcher() as fetcher:
        await get(fetcher, server.url())
        await server.is_closed.wait()
        await settled()
        assert (await get(fetcher, server.url())).body == GOOD
    assert server.used == [1, 2]


async def test_a_connection_that_is_half_closed_is_replaced():
    async def play(writer):
        writer.write(answer())
        writer.write_eof()
        return KEEPS

    async with keeping(play, answer()) as server, PageFetcher() as fetcher:
        await get(fetcher, server.url())
        await settled()
        await get(fetcher, server.url())
        await asyncio.wait_for(server.is_closed.wait(), 5)  # by us: no open file stays behind
    assert server.used == [1, 2]


async def closes(_):
    return CLOSES


async def aborts(writer):
    writer.transport.abort()
    return CLOSES


async def begins(writer):
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-ty")
    return CLOSES


async def babbles(writer):
    writer.write(b"\x00\x01 no HTTP\r\n\r\n")
    return CLOSES


@pytest.mark.parametrize("play", [closes, aborts, begins, babbles, answer(b"", 408, connection="close")])
async def test_a_kept_connection_that_gives_no_answer_is_replaced_once(play):
    async with keeping(answer(), play, answer()) as server, PageFetcher() as fetcher:
        await get(fetcher, server.url())
        assert (await get(fetcher, server.url())).body == GOOD
    assert server.used == [1, 1, 2]


@pytest.mark.parametrize(("play", "expected"), [(closes, "reset"), (aborts, "reset"), (babbles, "protocol")])
async def test_a_server_that_gives_no_answer_over_a_new_connection_either_has_failed(play, expected):
    async with keeping(answer(), play) as server, PageFetcher() as fetcher:
        await get(fetcher, server.url())
        assert await code(fetcher, server.url()) == expected
    assert server.used == [1, 1, 2]


async def test_a_body_that_breaks_off_is_a_failure_and_not_asked_for_again():
    async def breaks_off(writer):
        writer.write(answer(b"{", content_length=10))
        return CLOSES

    async with keeping(answer(), breaks_off) as server, PageFetcher() as fetcher:
        await get(fetcher, server.url())
        assert await code(fetcher, server.url()) == "truncated"
    assert server.used == [1, 1]


async def hangs(_):
    await asyncio.Event().wait()


async def test_a_kept_connection_that_has_died_without_a_word_is_replaced_within_the_deadline():
    async with keeping(answer(), hangs, answer()) as server, PageFetcher(timeout_s=0.6) as fetcher:
        await get(fetcher, server.url())
        page = await get(fetcher, server.url())
    assert (page.body, server.used) == (GOOD, [1, 1, 2])
    assert 0.2 <= page.took_s < 0.6


async def test_where_the_network_is_gone_the_failure_is_that_of_the_new_connection():
    names = Names(status_example="127.0.0.1")
    async with keeping(answer(), hangs) as server, PageFetcher(timeout_s=0.6, look_up=names) as fetcher:
        await get(fetcher, server.url("status.example"))
        fetcher._transport.client.connector.clear_dns_cache()
        names.addresses.clear()
        assert await code(fetcher, server.url("status.example")) == "dns"


async def test_a_server_that_is_slow_over_both_did_not_answer_in_time():
    async with keeping(answer(), hangs) as server, PageFetcher(timeout_s=0.3) as fetcher:
        await get(fetcher, server.url())
        assert await code(fetcher, server.url()) == "timeout"
    assert server.used == [1, 1, 2]


async def test_the_connection_of_a_slow_server_is_not_kept_so_that_it_is_asked_once():
    async def slow(writer):
        await asyncio.sleep(0.15)
        writer.write(answer())
        return KEEPS

    async with keeping(slow) as server, PageFetcher(timeout_s=0.3) as fetcher:
        for _ in range(3):
            await get(fetcher, server.url())
    assert server.used == [1, 2, 3]


@pytest.mark.parametrize(
    "unasked", [answer(b'{"forged": 1}'), answer(b"", 408), b"\r\n", b"garbage", b"HTTP/1.1 200 OK"]
)
async def test_what_comes_over_an_idle_connection_is_no_answer(unasked):
    is_read, is_sent = asyncio.Event(), asyncio.Event()

    async def play(writer):
        writer.write(answer())
        await is_read.wait()
        writer.write(unasked)
        await writer.drain()
        is_sent.set()
        return KEEPS

    async with keeping(play, answer()) as server, PageFetcher() as fetcher:
        await get(fetcher, server.url())
        is_read.set()
        await is_sent.wait()
        await settled()
        assert (await get(fetcher, server.url())).body == GOOD


async def test_what_follows_an_answer_at_once_is_no_answer_to_the_next_request():
    async with keeping(answer() + answer(b'{"forged": 1}'), answer()) as server, PageFetcher() as fetcher:
        for _ in range(2):
            assert (await get(fetcher, server.url())).body == GOOD
    assert server.used == [1, 2]


# --- how many ---------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def session_of(max_kept):
    """A plain session on a connector of ours."""
    tls = ResumingTls(ssl.create_default_context(), asyncio.get_running_loop().time)
    connector = PageConnector(
        look_up=Names(**dict.fromkeys(HOSTS, "127.0.0.1")),
        is_public=public,
        strict=False,
        elapsed=Timer(),
        tls=tls,
        max_kept=max_kept,
    )
    async with aiohttp.ClientSession(connector=connector) as made:
        yield made


async def visit(client, url):
    page_connections.REQUEST_SCOPE.set(page_connections.RequestScope())
    async with client.get(url) as response:
        return await response.read()


HOSTS = tuple(f"{letter}.example" for letter in "abcde")


async def test_those_that_are_kept_stay_and_the_others_are_closed():
    async with keeping() as server, session_of(2) as client:
        for _ in range(2):
            for host in HOSTS:
                await visit(client, server.url(host))
        await settled()
        assert (server.used, server.opened - server.closed) == ([1, 2, 3, 4, 5, 1, 2, 6, 7, 8], 2)


async def test_room_of_connections_that_have_ended_is_used_again():
    async with keeping() as server, session_of(2) as client:
        for host in HOSTS[:2]:
            await visit(client, server.url(host))
        server.plays = [answer(connection="close"), answer()]
        await visit(client, server.url(HOSTS[0]))
        gc.collect()
        for _ in range(2):
            await visit(client, server.url(HOSTS[4]))
    assert server.used == [1, 2, 1, 3, 3]


async def test_where_none_may_be_kept_none_is():
    async with keeping() as server, session_of(0) as client:
        for _ in range(2):
            await visit(client, server.url())
    assert server.used == [1, 2]


def test_no_more_than_half_of_the_files_are_for_kept_connections():
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert max_kept_connections() == min(page_connections.MAX_KEPT, soft // 2)


# --- TLS --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def trusted(authority, monkeypatch, tmp_path):
    """The authority is the one that the environment names."""
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))


def certified(authority, **how):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("status.example", **how).configure_cert(context)
    return context


def strict_fetcher(clock):
    return PageFetcher(look_up=Names(status_example="127.0.0.1"), is_public=public, elapsed=clock)


async def closes_after(writer):
    writer.write(answer(connection="close"))
    await writer.drain()
    return CLOSES


@pytest.mark.usefixtures("trusted")
async def test_a_page_is_read_over_a_kept_tls_connection(authority):
    async with keeping(tls=certified(authority)) as server, strict_fetcher(Timer()) as fetcher:
        for _ in range(3):
            await get(fetcher, server.url("status.example", "https"))
    assert (server.used, server.resumed) == ([1, 1, 1], [False])


@pytest.mark.usefixtures("trusted")
async def test_where_the_server_closes_its_tls_session_is_resumed(authority):
    async with keeping(closes_after, tls=certified(authority)) as server, strict_fetcher(Timer()) as fetcher:
        for _ in range(3):
            await get(fetcher, server.url("status.example", "https"))
    assert server.resumed == [False, True, True]


@pytest.mark.usefixtures("trusted")
async def test_a_session_is_resumed_only_so_long_after_a_certificate_was_verified(authority):
    clock = Timer()
    async with keeping(closes_after, tls=certified(authority)) as server, strict_fetcher(clock) as fetcher:
        for _ in range(5):
            await get(fetcher, server.url("status.example", "https"))
            clock.now_s += MAX_AGE_S / 3
    assert server.resumed == [False, True, True, False, True]


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("play", [answer(), closes_after])
async def test_a_certificate_that_has_expired_is_noticed_once_the_connection_is_old(authority, play):
    tls, clock = certified(authority), Timer()
    async with keeping(play, tls=tls) as server, strict_fetcher(clock) as fetcher:
        await get(fetcher, server.url("status.example", "https"))
        past = datetime.now(UTC) - timedelta(days=1)  # noqa: TID251  (OpenSSL has the real clock)
        authority.issue_cert("status.example", not_after=past).configure_cert(tls)
        clock.now_s = MAX_AGE_S
        assert await code(fetcher, server.url("status.example", "https")) == "tls"


@pytest.mark.usefixtures("trusted")
async def test_the_sessions_of_one_host_are_not_for_another(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("a.example", "b.example").configure_cert(context)
    names = Names(a_example="127.0.0.1", b_example="127.0.0.1")
    async with keeping(closes_after, tls=context) as server, PageFetcher(look_up=names, is_public=public) as fetcher:
        for host in ("a.example", "b.example"):
            await get(fetcher, server.url(host, "https"))
    assert server.resumed == [False, False]


async def test_a_certificate_of_an_unknown_authority_is_not_trusted(authority):
    async with keeping(tls=certified(authority)) as server, strict_fetcher(Timer()) as fetcher:
        assert await code(fetcher, server.url("status.example", "https")) == "tls"


@pytest.mark.usefixtures("trusted")
async def test_a_tls_connection_has_a_small_buffer(authority):
    async with keeping(tls=certified(authority)) as server, strict_fetcher(Timer()) as fetcher:
        await get(fetcher, server.url("status.example", "https"))
        buffers = [
            len(made._ssl_buffer)
            for made in gc.get_objects()
            if isinstance(made, asyncio.sslproto.SSLProtocol) and not made._server_side
        ]
    assert buffers
    assert max(buffers) <= page_connections.TLS_BUFFER_BYTES
