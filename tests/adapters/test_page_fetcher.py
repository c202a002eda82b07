"""Fetcher against a server on loopback that does what servers do, and what they should not."""

import asyncio
import errno
import gzip
import socket
import tracemalloc
import zlib
from contextlib import asynccontextmanager

import httpx
import pytest

from bot.adapters import page_fetcher
from bot.adapters.ip_filter import is_public
from bot.adapters.page_fetcher import PageFetcher
from bot.errors import SourceError
from tests.support.loopback import serving_raw

pytestmark = pytest.mark.anyio

GOOD = b'{"page": {"id": "p"}}'
SOON = 0.15  # seconds: the deadline of looks that are meant to miss it


def answer(body=GOOD, status=200, **headers):
    """A whole HTTP answer; underscores in header names are hyphens."""
    fields = {"content-type": "application/json", "content-length": len(body), "connection": "close"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None)
    return f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + body


def packed(body, encoding="gzip"):
    return answer(gzip.compress(body), content_encoding=encoding)


async def hangs(_):
    await asyncio.sleep(30)


@pytest.fixture
async def server():
    async with serving_raw() as server:
        yield server


@asynccontextmanager
async def closed_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"


async def get(url, path="/", *, fallback=None, etag=None, **how):
    async with PageFetcher(**{"timeout_s": 5, **how}) as fetcher:
        return await fetcher.get(url, path, fallback=fallback, etag=etag, accept="application/json")


async def failure(url, path="/", **how):
    with pytest.raises(SourceError) as caught:
        await get(url, path, **how)
    assert str(caught.value)[0].islower() or str(caught.value)[0].isdigit()
    return caught.value


async def code(url, path="/", **how):
    return (await failure(url, path, **how)).code


# --- what works -------------------------------------------------------------------------------------------------------


async def test_a_page_is_read_whole(server):
    server.plays["/x"] = answer(etag='W/"1"')
    page = await get(server.url, "/x")
    assert (page.url, page.status, page.body, page.etag) == (f"{server.url}/x", 200, GOOD, 'W/"1"')


async def test_a_poll_says_how_long_it_took(server):
    server.plays["/"] = answer()
    assert 0 < (await get(server.url)).took_s < 5


async def test_a_poll_says_who_is_asking_and_how_to_reach_them(server):
    server.plays["/"] = answer()
    await get(server.url, contact="ops@example.com")
    assert server.header("user-agent").startswith("brownout/")
    assert "ops@example.com" in server.header("user-agent")


async def test_a_poll_asks_for_what_it_can_read(server):
    server.plays["/"] = answer()
    await get(server.url)
    assert (server.header("accept"), server.header("accept-encoding")) == ("application/json", "gzip")


@pytest.mark.hostile(47)
async def test_a_cookie_is_not_taken(server):
    server.plays["/"] = answer(set_cookie="who=you")
    async with PageFetcher() as fetcher:
        for _ in range(2):
            await fetcher.get(server.url, "/")
    assert server.header("cookie") is None


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP, identity"])
async def test_a_packed_page_is_unpacked(server, encoding):
    server.plays["/"] = packed(GOOD * 10_000, encoding)
    assert (await get(server.url)).body == GOOD * 10_000


async def test_a_deflated_page_is_unpacked(server):
    server.plays["/"] = answer(zlib.compress(GOOD), content_encoding="deflate")
    assert (await get(server.url)).body == GOOD


async def test_a_chunked_page_is_read(server):
    server.plays["/"] = answer(b"2\r\n{}\r\n1\r\n \r\n0\r\n\r\n", content_length=None, transfer_encoding="chunked")
    assert (await get(server.url)).body == b"{} "


async def test_garbage_is_handed_on_for_the_parser_to_refuse(server):
    server.plays["/"] = answer(b"\x00\xff garbage")
    assert (await get(server.url)).body == b"\x00\xff garbage"


# --- conditional looks ------------------------------------------------------------------------------------------------


async def test_a_known_page_is_asked_for_only_if_it_changed(server):
    server.plays["/"] = answer(b"", 304, etag='W/"2"')
    page = await get(server.url, etag='W/"1"')
    assert server.header("if-none-match") == 'W/"1"'
    assert (page.not_modified, page.body, page.etag) == (True, b"", 'W/"2"')


async def test_an_unchanged_page_keeps_its_etag_where_the_server_repeats_none(server):
    server.plays["/"] = answer(b"", 304)
    assert (await get(server.url, etag='W/"1"')).etag == 'W/"1"'


async def test_an_unknown_page_is_asked_for_without_condition(server):
    server.plays["/"] = answer()
    await get(server.url)
    assert server.header("if-none-match") is None


async def test_not_modified_without_a_condition_is_a_failure(server):
    server.plays["/"] = answer(b"", 304)
    assert await code(server.url) == "http_304"


# --- redirects --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_on_the_same_host_is_followed_without_a_word(server, status):
    server.plays |= {"/": answer(b"", status, location="/there#part"), "/there": answer()}
    page = await get(server.url)
    assert (page.url, page.host_changed_from) == (f"{server.url}/there", None)


async def test_a_redirect_to_another_host_is_reported(server):
    server.plays |= {"/": answer(b"", 302, location=f"http://localhost:{server.port}/there"), "/there": answer()}
    page = await get(server.url)
    assert (page.url, page.host_changed_from) == (f"http://localhost:{server.port}/there", "127.0.0.1")


async def test_the_condition_travels_with_a_redirect(server):
    server.plays |= {"/": answer(b"", 302, location="/there"), "/there": answer(b"", 304)}
    assert (await get(server.url, etag='"1"')).not_modified


async def test_five_hops_are_followed(server):
    server.plays |= {f"/{n}": answer(b"", 302, location=f"/{n + 1}") for n in range(5)}
    server.plays["/5"] = answer()
    assert (await get(server.url, "/0")).url.endswith("/5")


@pytest.mark.hostile(8)
async def test_a_redirect_loop_ends(server):
    server.plays["/"] = answer(b"", 302, location="/")
    assert await code(server.url) == "too_many_redirects"
    assert len(server.asked) == 6


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "http://user:pass@127.0.0.1/",
        "http://[::1",
        "javascript:0",
    ],
)
async def test_a_redirect_to_no_web_page_is_refused(server, location):
    server.plays["/"] = answer(b"", 302, location=location)
    assert await code(server.url) == "bad_redirect"


async def test_a_redirect_to_nowhere_is_its_status(server):
    server.plays["/"] = answer(b"", 302)
    assert await code(server.url) == "http_302"


@pytest.mark.hostile(
    48, "https that leads to http, or that is no TLS", "refused: what was asked for with TLS is read with TLS"
)
async def test_a_redirect_from_https_to_http_is_refused():
    at = httpx.URL("https://status.example/")
    with pytest.raises(SourceError) as caught:
        page_fetcher._redirect_target(at, httpx.Response(302, headers={"location": "http://status.example/"}))
    assert caught.value.code == "downgrade"


def names(**addresses):
    """A resolver that knows these names (dots as underscores) and no other."""

    def look_up(host, port, _, kind):
        found = addresses.get(host.replace(".", "_"))
        if found is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, kind, 6, "", (address, port)) for address in found]

    return look_up


async def test_a_public_page_may_not_redirect_into_a_private_network(server):
    server.plays["/"] = answer(b"", 302, location=f"http://metadata.example:{server.port}/")
    failed = await failure(
        f"http://status.example:{server.port}",
        look_up=names(status_example=["127.0.0.1"], metadata_example=["127.0.0.2"]),
        is_public=lambda address: address == "127.0.0.1",
    )
    assert (failed.code, str(failed)) == ("private_address", "status.example redirects into a private network")


async def test_a_public_page_may_not_redirect_to_a_private_address_in_figures(server):
    server.plays["/"] = answer(b"", 302, location=f"http://127.0.0.2:{server.port}/")
    how = {"look_up": names(status_example=["127.0.0.1"]), "is_public": lambda address: address == "127.0.0.1"}
    assert await code(f"http://status.example:{server.port}", **how) == "private_address"


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:4700::1111"])
def test_an_address_of_the_open_internet_is_public(address):
    assert is_public(address)


@pytest.mark.hostile(7)
@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",  # noqa: S104
        "255.255.255.255", "::1", "::", "fe80::1%eth0", "fd00:ec2::254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::", "ff02::1",
    ],
)  # fmt: skip
def test_any_other_address_is_not(address):
    assert not is_public(address)


# --- answers that are no page -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [202, 204, 400, 401, 403, 404, 405, 410, 429, 500, 502, 503, 599])
async def test_any_status_but_ok_is_a_failure_with_its_number(server, status):
    server.plays["/"] = answer(b"<html>" if status != 204 else b"", status, content_type="text/html")
    assert await code(server.url) == f"http_{status}"


async def test_a_failure_is_a_sentence_for_people(server):
    server.plays["/"] = answer(b"", 503)
    assert str(await failure(server.url)) == "127.0.0.1 answered 503 (Service Unavailable)"


async def test_html_is_no_data(server):
    server.plays["/"] = answer(b"<html>Bad gateway</html>", content_type="text/html; charset=utf-8")
    assert await code(server.url) == "html"


async def test_html_is_data_where_it_was_asked_for(server):
    server.plays["/"] = answer(b"<html>", content_type="text/html")
    async with PageFetcher() as fetcher:
        assert (await fetcher.get(server.url, "/", accept="text/html")).body == b"<html>"


@pytest.mark.parametrize("body", [b"", b" \r\n"])
async def test_an_empty_page_is_a_failure(server, body):
    server.plays["/"] = answer(body)
    assert await code(server.url) == "empty"


@pytest.mark.hostile(
    45,
    "a page's Retry-After of `abc`, -1, 10^9, a date in the past",
    "read if it makes sense, bounded by a quarter of an hour",
)
@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"retry_after": "17"}, 17),
        (503, {"retry_after": "0"}, 0),
        (503, {"retry_after": "Mon, 02 Mar 2026 12:01:30 GMT", "date": "Mon, 02 Mar 2026 12:00:00 GMT"}, 90),
        (429, {"retry_after": "Mon, 02 Mar 2026 11:00:00 GMT", "date": "Mon, 02 Mar 2026 12:00:00 GMT"}, 0),
        (429, {"retry_after": "Mon, 02 Mar 2026 12:01:30 GMT"}, None),
        (429, {"retry_after": "abc"}, None),
        (429, {"retry_after": "-5"}, None),
        (429, {"retry_after": "9" * 400}, None),
        (429, {}, None),
    ],
)
async def test_the_servers_wish_to_be_left_alone_is_kept(server, status, headers, seconds):
    server.plays["/"] = answer(b"", status, **headers)
    assert (await failure(server.url)).retry_after == seconds


# --- limits -----------------------------------------------------------------------------------------------------------


async def test_a_page_of_50_mb_is_refused_and_not_held(server):
    async def much(writer):
        writer.write(answer(b"", content_length=50_000_000))
        for _ in range(50):
            writer.write(b"x" * 1_000_000)
            await writer.drain()

    server.plays["/"] = much
    assert await code(server.url, max_bytes=100_000) == "too_large"


@pytest.mark.hostile(
    17,
    "a gzip bomb of 500 MB, a bomb in a bomb, an encoding nobody asked for",
    "stopped at the limit; memory stays flat",
)
async def test_of_a_packed_bomb_no_more_than_the_limit_is_held(server):
    bomb = gzip.compress(b"\0" * 50_000_000)
    server.plays["/"] = answer(bomb, content_encoding="gzip")
    tracemalloc.start()
    refused = await code(server.url, max_bytes=100_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refused == "too_large"
    assert peak < 3_000_000


async def test_a_page_just_within_the_limit_is_read(server):
    server.plays |= {"/": packed(b"x" * 100_000), "/more": packed(b"x" * 100_001)}
    assert len((await get(server.url, max_bytes=100_000)).body) == 100_000
    assert await code(server.url, "/more", max_bytes=100_000) == "too_large"


@pytest.mark.hostile(18, "a body without an end, a header of 10 MB", "stopped at the limit")
async def test_an_endless_page_is_refused(server):
    async def endless(writer):
        writer.write(answer(b"", content_length=None, transfer_encoding="chunked"))
        while True:
            writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
            await writer.drain()

    server.plays["/"] = endless
    assert await code(server.url, max_bytes=100_000) == "too_large"


@pytest.mark.hostile(17)
async def test_packed_bytes_that_unpack_to_nothing_count_too(server):
    async def endless(writer):
        writer.write(answer(b"", content_length=None, content_encoding="gzip"))
        writer.write(gzip.compress(b"")[:10])
        while True:
            writer.write(b"\x00\x00\x00\xff\xff" * 1000)
            await writer.drain()

    server.plays["/"] = endless
    assert await code(server.url, max_bytes=100_000) == "too_large"


@pytest.mark.hostile(18)
async def test_a_header_of_10_mb_is_refused(server):
    server.plays["/"] = answer(x_long="y" * 10_000_000)
    assert await code(server.url) == "protocol"


async def test_a_server_that_never_answers_is_given_up(server):
    server.plays["/"] = hangs
    failed = await failure(server.url, timeout_s=SOON)
    assert (failed.code, str(failed)) == ("timeout", "127.0.0.1 did not answer within 0.15 s")


@pytest.mark.hostile(
    19,
    "a byte now and then, in the body or in the headers; a name server that hangs",
    "one deadline by the wall clock; nobody else waits",
)
async def test_a_byte_now_and_then_does_not_hold_a_poll(server):
    async def drips(writer):
        writer.write(answer(b"", content_length=100))
        for _ in range(100):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    server.plays["/"] = drips
    assert await code(server.url, timeout_s=SOON) == "timeout"


@pytest.mark.hostile(19)
async def test_headers_that_drip_do_not_hold_a_poll(server):
    async def drips(writer):
        for byte in answer():
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.02)

    server.plays["/"] = drips
    assert await code(server.url, timeout_s=SOON) == "timeout"


async def test_slow_hops_count_together(server):
    async def slow(writer):
        await asyncio.sleep(SOON * 0.6)
        writer.write(answer(b"", 302, location="/"))

    server.plays["/"] = slow
    assert await code(server.url, timeout_s=SOON) == "timeout"


@pytest.mark.hostile(19)
async def test_a_name_server_that_hangs_is_given_up(server):
    release = asyncio.Event()

    def look_up(*_):
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result()
        return []

    loop = asyncio.get_running_loop()
    assert await code(f"http://status.example:{server.port}", look_up=look_up, timeout_s=SOON) == "timeout"
    release.set()


# --- connections that break -------------------------------------------------------------------------------------------


async def test_a_body_shorter_than_announced_broke_off(server):
    server.plays["/"] = answer(GOOD, content_length=len(GOOD) + 10)
    assert await code(server.url) == "truncated"


async def test_chunks_without_an_end_broke_off(server):
    server.plays["/"] = answer(b"2\r\n{}\r\n", content_length=None, transfer_encoding="chunked")
    assert await code(server.url) == "truncated"


async def test_packed_bytes_without_an_end_broke_off(server):
    server.plays["/"] = answer(gzip.compress(GOOD)[:-9], content_encoding="gzip")
    assert await code(server.url) == "truncated"


async def test_bytes_that_were_never_packed_cannot_be_unpacked(server):
    server.plays["/"] = answer(GOOD, content_encoding="gzip")
    assert await code(server.url) == "bad_encoding"


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "\xff"])
async def test_an_encoding_nobody_asked_for_is_refused(server, encoding):
    server.plays["/"] = answer(content_encoding=encoding)
    assert await code(server.url) == "bad_encoding"


async def test_a_connection_that_closes_without_a_word_is_a_failure(server):
    server.plays["/"] = b""
    assert await code(server.url) == "reset"


async def test_a_connection_that_is_reset_is_a_failure(server):
    async def resets(writer):
        writer.transport.abort()

    server.plays["/"] = resets
    assert await code(server.url) == "reset"


async def test_a_connection_that_is_reset_in_the_body_broke_off(server):
    async def resets(writer):
        writer.write(answer(b"", content_length=100) + b"x")
        await writer.drain()
        writer.transport.abort()

    server.plays["/"] = resets
    assert await code(server.url) == "truncated"


@pytest.mark.parametrize(
    "raw",
    [
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 abc Nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\x00: x\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_a_failure(server, raw):
    server.plays["/"] = raw
    assert await code(server.url) in {"protocol", "truncated", "reset"}


@pytest.mark.hostile(48)
async def test_a_server_that_does_not_speak_tls_is_not_trusted():
    async def plain(_, writer):
        writer.write(answer())
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as listener:
        assert await code(f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}") == "tls"


async def test_a_closed_port_cannot_be_connected_to():
    async with closed_port() as url:
        assert await code(url) == "connect"


async def test_an_unknown_name_cannot_be_resolved():
    failed = await failure("http://status.example", look_up=names())
    assert (failed.code, str(failed)) == ("dns", "the name status.example could not be resolved")


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOMEM, errno.EIO])
async def test_a_system_without_means_is_a_failure(number):
    def look_up(*_):
        raise OSError(number, "no")

    assert await code("http://status.example", look_up=look_up) in {"dns", "connect"}


@pytest.mark.hostile(46)
@pytest.mark.parametrize(
    "url",
    [
        "",
        "status.example",
        "http://",
        "http://[::1",
        "ftp://127.0.0.1",
        "http://127.0.0.1:99999",
        "http://a" + "b" * 300,
    ],
)
async def test_an_address_that_is_none_is_a_failure(url):
    assert await code(url, look_up=names()) in {"bad_url", "dns"}


@pytest.mark.hostile(46, "an ETag, an address or a path with line breaks in it", "refused before it is sent")
async def test_an_etag_that_breaks_the_header_is_a_failure(server):
    await failure(server.url, etag='"1"\r\nx-evil: yes')
    assert server.asked == []


# --- the fallback -----------------------------------------------------------------------------------------------------


@pytest.fixture
async def spare(server):
    server.plays["/spare/x"] = answer(etag='"spare"')
    return f"{server.url}/spare"


FAULTS = {
    "403": (answer(b"", 403), "http_403"),
    "405": (answer(b"", 405), "http_405"),
    "500": (answer(b"", 500), "http_500"),
    "503": (answer(b"", 503), "http_503"),
    "html": (answer(b"<html>", content_type="text/html"), "html"),
    "empty": (answer(b""), "empty"),
    "closed": (b"", "reset"),
    "broken off": (answer(GOOD, content_length=99), "truncated"),
    "hangs": (hangs, "timeout"),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_fallback_is_read_where_the_page_cannot_be(server, spare, fault):
    server.plays["/x"], why = FAULTS[fault]
    page = await get(server.url, "/x", fallback=spare, timeout_s=0.4)
    assert (page.url, page.body, page.fallback_because) == (f"{spare}/x", GOOD, why)


async def test_the_fallback_is_read_where_no_connection_can_be_made(spare):
    async with closed_port() as url:
        assert (await get(url, "/x", fallback=spare)).fallback_because == "connect"


async def test_the_fallback_is_left_alone_where_the_page_answers(server, spare):
    server.plays["/x"] = answer()
    page = await get(server.url, "/x", fallback=spare)
    assert (page.fallback_because, server.paths) == (None, ["/x"])


@pytest.mark.parametrize("status", [404, 410, 429])
async def test_the_fallback_is_left_alone_where_the_answer_was_considered(server, spare, status):
    server.plays["/x"] = answer(b"", status)
    assert await code(server.url, "/x", fallback=spare) == f"http_{status}"
    assert server.paths == ["/x"]


async def test_where_the_fallback_fails_too_the_first_failure_counts(server):
    server.plays["/x"] = answer(b"", 503, retry_after="9")
    failed = await failure(server.url, "/x", fallback=f"{server.url}/none")
    assert (failed.code, failed.retry_after) == ("http_503", 9)
    assert "404" in str(failed)


async def test_page_and_fallback_share_one_deadline(server):
    server.plays |= {"/x": hangs, "/spare/x": hangs}
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await code(server.url, "/x", fallback=f"{server.url}/spare", timeout_s=6 * SOON) == "timeout"
    assert loop.time() - began < 11 * SOON


# --- being stopped ----------------------------------------------------------------------------------------------------


async def test_a_poll_that_is_cancelled_is_cancelled(server):
    server.plays["/"] = hangs
    async with PageFetcher() as fetcher:
        poll_page = asyncio.create_task(fetcher.get(server.url, "/"))
        await server.arrivals.acquire()
        poll_page.cancel()
        with pytest.raises(asyncio.CancelledError):
            await poll_page


async def test_a_deadline_around_a_poll_is_the_callers_own(server):
    server.plays["/"] = hangs
    async with PageFetcher() as fetcher:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(SOON):
                await fetcher.get(server.url, "/")


async def test_a_poll_under_way_ends_when_the_fetcher_closes(server):
    server.plays["/"] = hangs
    fetcher = PageFetcher()
    poll_page = asyncio.create_task(fetcher.get(server.url, "/"))
    await server.arrivals.acquire()
    await fetcher.aclose()
    with pytest.raises(SourceError):
        await poll_page


async def test_a_closed_fetcher_looks_no_more(server):
    fetcher = PageFetcher()
    await fetcher.aclose()
    with pytest.raises(SourceError) as caught:
        await fetcher.get(server.url, "/")
    assert caught.value.code == "closed"


@pytest.mark.hostile(19)
async def test_many_hanging_pages_do_not_delay_another(server):
    server.plays |= {"/hangs": hangs, "/": answer()}
    async with PageFetcher(timeout_s=5) as fetcher:
        hanging = [asyncio.create_task(fetcher.get(server.url, "/hangs")) for _ in range(150)]
        for _ in hanging:
            await server.arrivals.acquire()
        assert (await fetcher.get(server.url, "/")).took_s < 1
        for poll_page in hanging:
            poll_page.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
