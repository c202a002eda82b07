"""Prober against servers on loopback that do what servers do, and what they should not."""

import asyncio
import gzip
import logging
import socket
import ssl
import threading
from datetime import UTC, datetime

import pytest
import trustme

from bot.adapters.prober import MAX_BYTES, Prober
from bot.domain import Probe
from tests.support.loopback import serving_raw

pytestmark = pytest.mark.anyio

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SOON = 0.3  # seconds: the bound of tries that are meant to miss it
KEY = "sk-very-secret"


def answer(body=b"welcome", status=200, **headers):
    fields = {"content-length": len(body), "connection": "close"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None)
    return f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + body


async def hangs(_):
    await asyncio.sleep(30)


async def drips(writer):
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def never_ends(writer):
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x" * 65_536)
        await writer.drain()


def names(*addresses):
    """A name server that knows every name by these addresses."""

    def look_up(_, port, *__):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    return look_up


async def tried(url, *, key="", prober=None, **how):
    probe = Probe("acme-api", url, **{"allow_private": True, "within_s": 5, **how})
    return await (prober or Prober()).attempt(probe, AT, key=key)


async def tried_on(plays, path="/", **how):
    async with serving_raw(plays) as server:
        return await tried(f"{server.url}{path}", **how)


# --- what is well -----------------------------------------------------------------------------------------------------


async def test_a_surface_that_answers_is_well():
    found = await tried_on({"/": answer()})
    assert (found.ok, found.why, found.status, found.surface, found.at) == (True, "", 200, "acme-api", AT)


async def test_every_step_is_timed():
    found = await tried_on({"/": answer()})
    steps = (found.dns_ms, found.connect_ms, found.first_byte_ms, found.took_ms)
    assert (all(step > 0 for step in steps), found.tls_ms) == (True, None)


async def test_the_whole_is_no_shorter_than_its_parts():
    found = await tried_on({"/": answer()})
    assert found.took_ms >= found.first_byte_ms >= found.dns_ms


async def test_a_redirect_is_an_answer_like_another():
    assert (await tried_on({"/": answer(b"", 302, location="/login")}, status=(302,))).ok


async def test_a_redirect_is_followed_where_the_probe_says_so():
    plays = {"/": answer(b"", 302, location="/login"), "/login": answer(b"<form>")}
    assert (await tried_on(plays, follow=True, marker="<form>")).ok


async def test_the_marker_is_found_in_a_packed_body():
    packed = answer(gzip.compress(b"please log in"), content_encoding="gzip")
    assert (await tried_on({"/": packed}, marker="log in")).ok


async def test_a_body_without_end_is_read_to_the_limit_and_no_further():
    assert (await tried_on({"/": never_ends})).ok


async def test_a_body_of_a_head_is_not_waited_for():
    async with serving_raw({"/": answer(b"", content_length=5000)}) as server:
        found = await tried(f"{server.url}/", method="HEAD")
    assert (found.ok, server.asked[0][0]) == (True, "HEAD / HTTP/1.1")


async def test_the_key_goes_where_it_belongs():
    async with serving_raw({"/": answer()}) as server:
        await tried(f"{server.url}/", key=KEY, key_header="x-api-key", key_prefix="")
    assert f"x-api-key: {KEY}" in server.asked[0]


async def test_a_body_and_headers_of_its_own_are_sent():
    async with serving_raw({"/v1": answer()}) as server:
        how = {"method": "POST", "body": '{"max_tokens": 1}', "headers": {"content-type": "application/json"}}
        await tried(f"{server.url}/v1", **how)
    assert {"POST /v1 HTTP/1.1", "Content-Length: 17", "content-type: application/json"} <= {*server.asked[0]}


# --- what is not ------------------------------------------------------------------------------------------------------


async def test_a_500_is_named():
    found = await tried_on({"/": answer(b"", 500)})
    assert (found.ok, found.status) == (False, 500)
    assert found.why == "127.0.0.1 answered 500 (Internal Server Error), not 200"


async def test_every_status_that_would_be_well_is_named():
    assert (await tried_on({"/": answer(b"", 503)}, status=(200, 401))).why.endswith("not 200 or 401")


async def test_a_page_without_its_marker_is_not_well():
    found = await tried_on({"/": answer(b"we will be back soon")}, marker="log in")
    assert found.why == "127.0.0.1 answered 200 (OK), but without “log in” in it"


async def test_a_marker_beyond_the_limit_is_not_found():
    assert not (await tried_on({"/": answer(b" " * (MAX_BYTES + 1) + b"log in")}, marker="log in")).ok


async def test_a_server_that_hangs_is_left_in_time():
    found = await tried_on({"/": hangs}, within_s=SOON)
    assert found.why == "127.0.0.1 did not answer within 0.3 s: it waited for the first byte of its answer"


async def test_a_server_that_drips_is_left_in_time():
    found = await tried_on({"/": drips}, within_s=SOON)
    assert found.why.endswith("it waited for the rest of its answer")


async def test_a_name_server_that_hangs_is_left_in_time():
    release = threading.Event()
    prober = Prober(look_up=lambda *_: release.wait(10) and [])
    found = await tried("http://acme.example/", prober=prober, within_s=SOON)
    release.set()
    assert found.why == "acme.example did not answer within 0.3 s: it waited for its name"


async def test_a_closed_port_is_named():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        found = await tried(f"http://127.0.0.1:{sock.getsockname()[1]}/")
    assert (found.why, found.dns_ms > 0, found.connect_ms) == ("127.0.0.1 refuses connections", True, None)


async def test_a_name_that_nobody_has_is_named():
    def nobody(*_):
        raise socket.gaierror(-2, "Name or service not known")

    found = await tried("http://acme.example/", prober=Prober(look_up=nobody))
    assert (found.why, found.dns_ms) == ("the name acme.example could not be resolved", None)


async def test_the_second_address_of_a_name_is_tried_where_the_first_refuses():
    async with serving_raw({"/": answer()}) as server:
        found = await tried(f"http://acme.example:{server.port}/", prober=Prober(look_up=names("::1", "127.0.0.1")))
    assert found.ok


async def closes(_):
    """Takes the question and closes."""


@pytest.mark.parametrize(
    ("play", "why"),
    [
        (closes, "127.0.0.1 broke off, or what it answered is not HTTP"),
        (b"SSH-2.0-nothing\r\n", "127.0.0.1 broke off, or what it answered is not HTTP"),
        (answer(content_length=5000), "127.0.0.1 broke off, or what it answered is not HTTP"),
        (answer(b"junk", content_encoding="gzip"), "the answer of 127.0.0.1 can't be unpacked"),
        (answer(content_encoding="br"), "127.0.0.1 answered in an encoding that was not asked for"),
    ],
)
async def test_an_answer_that_is_none_is_named(play, why):
    assert (await tried_on({"/": play})).why == why


@pytest.mark.parametrize("url", ["http://", "http://[", "ftp://acme.example/", "http://acme.example:99999/"])
async def test_an_address_that_is_none_is_a_result_too(url):
    found = await tried(url)
    assert (found.ok, bool(found.why)) == (False, True)


async def test_redirects_end():
    assert (await tried_on({"/": answer(b"", 302, location="/")}, follow=True)).why.endswith("more than 5 times")


@pytest.mark.parametrize("location", ["file:///etc/passwd", "http://user@acme.example/", "gopher://acme.example/"])
async def test_a_redirect_to_no_web_page_is_not_followed(location):
    found = await tried_on({"/": answer(b"", 302, location=location)}, follow=True)
    assert found.why == "127.0.0.1 redirects to an address that is no plain web page"


# --- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403, 429])
async def test_an_answer_about_our_key_says_nothing_about_the_surface(status):
    found = await tried_on({"/": answer(b"", status)}, key=KEY, key_env="ACME_KEY")
    assert (found.ok, found.ours, "the key in ACME_KEY" in found.why) == (False, True, True)


async def test_without_a_key_a_401_is_an_answer_like_another():
    found = await tried_on({"/": answer(b"", 401)})
    assert (found.ok, found.ours) == (False, False)


async def test_no_result_has_the_key_in_it():
    found = await tried_on({"/": answer(KEY.encode(), 500)}, key=KEY, marker="x", key_env="ACME_KEY")
    assert KEY not in repr(found)


async def test_no_log_has_the_key_in_it_at_any_level(caplog):
    with caplog.at_level(logging.DEBUG):
        await tried_on({"/": answer()}, key=KEY)
    assert (bool(caplog.records), KEY in caplog.text) == (True, False)


async def test_the_key_stays_with_its_host():
    async with serving_raw({"/": answer()}) as other:
        sends_on = answer(b"", 302, location=f"{other.url}/")
        async with serving_raw({"/": sends_on}) as first:
            await tried(f"{first.url}/", key=KEY, follow=True, headers={"x-team": "ours"})
    assert KEY in repr(first.asked)
    assert (len(other.asked), KEY in repr(other.asked), "x-team" in repr(other.asked)) == (1, False, False)


# --- private networks -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "10.0.0.1", "2130706433"])
async def test_a_private_address_is_not_tried_unless_the_probe_says_so(host):
    found = await tried(f"http://{host}:9/", allow_private=False)
    assert (found.ok, found.ours, "allow_private = true" in found.why) == (False, True, True)


async def test_a_name_that_is_private_in_part_is_not_tried():
    prober = Prober(look_up=names("93.184.216.34", "127.0.0.1"))
    assert (await tried("http://acme.example/", prober=prober, allow_private=False)).ours


async def test_the_address_that_was_checked_is_the_one_that_is_asked():
    asked = iter(["127.0.0.1", "169.254.169.254"])
    prober = Prober(look_up=lambda h, p, *_: names(next(asked))(h, p), is_public=lambda address: address == "127.0.0.1")
    async with serving_raw({"/": answer()}) as server:
        assert (await tried(f"http://acme.example:{server.port}/", prober=prober, allow_private=False)).ok


async def test_a_redirect_into_a_private_network_is_not_followed():
    look_up = {"acme.example": "127.0.0.1", "inside.example": "127.0.0.2"}
    prober = Prober(look_up=lambda h, p, *_: names(look_up[h])(h, p), is_public=lambda address: address == "127.0.0.1")
    async with serving_raw({"/": answer(b"", 302, location="http://inside.example/")}) as server:
        found = await tried(f"http://acme.example:{server.port}/", prober=prober, allow_private=False, follow=True)
    assert found.why.startswith("inside.example is inside a private network")


# --- TLS --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def certified(authority, name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def trusting(authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return Prober(look_up=names("127.0.0.1"), trust=context)


async def test_the_handshake_is_timed(authority):
    async with serving_raw({"/": answer()}, certified(authority, "acme.example")) as server:
        found = await tried(f"https://acme.example:{server.port}/", prober=trusting(authority))
    assert (found.ok, found.tls_ms > 0, found.first_byte_ms > found.tls_ms) == (True, True, True)


async def test_a_certificate_for_another_name_is_named(authority):
    async with serving_raw({"/": answer()}, certified(authority, "globex.example")) as server:
        found = await tried(f"https://acme.example:{server.port}/", prober=trusting(authority))
    assert found.why.startswith("the certificate or the encryption of acme.example is wrong: Hostname mismatch")


async def test_a_certificate_of_nobody_is_named(authority):
    async with serving_raw({"/": answer()}, certified(trustme.CA(), "acme.example")) as server:
        found = await tried(f"https://acme.example:{server.port}/", prober=trusting(authority))
    assert "unable to get local issuer certificate" in found.why


async def test_a_server_that_speaks_no_tls_is_named(authority):
    async with serving_raw({"/": answer()}) as server:
        found = await tried(f"https://acme.example:{server.port}/", prober=trusting(authority), within_s=SOON)
    assert found.why in (
        "the certificate or the encryption of acme.example is wrong",
        "acme.example did not answer within 0.3 s: it waited for the handshake",
    )


async def test_https_does_not_become_http(authority):
    plays = {"/": answer(b"", 302, location="http://acme.example/")}
    async with serving_raw(plays, certified(authority, "acme.example")) as server:
        found = await tried(f"https://acme.example:{server.port}/", prober=trusting(authority), follow=True)
    assert found.why == "acme.example redirects to an address that is no plain web page"
