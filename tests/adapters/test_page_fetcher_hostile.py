"""Twenty hostile addresses and twenty hostile bodies: each refused with its reason, and nothing held that was sent.

The polls are the real Fetcher's over loopback; names, and what counts as public, are injected. Memory is what Python
allocated at its peak during a poll (tracemalloc).
"""

import asyncio
import gzip
import json
import socket
import tracemalloc
import zlib

import pytest

from bot.adapters.page_fetcher import REFUSAL_MESSAGE, PageFetcher
from bot.errors import ParseError, SourceError, UsageError
from bot.formats import FORMATS, detection
from tests.formats.pages import NOON, source
from tests.support.loopback import serving_raw

pytestmark = pytest.mark.anyio

FLAT = 12_000_000  # bytes that a poll may allocate: the limit of a body, once as pieces and once whole
LIMIT = 2_000_000


# --- addresses --------------------------------------------------------------------------------------------------------

TYPED = [
    "http://127.0.0.1:6379/",
    "http://[::1]/",
    "http://0/",
    "http://localhost./",
    "http://2130706433/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://127。0。0。1/",
    "http://⑫7.0.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://100.64.0.1/",
    "http://224.0.0.1/",
    "http://10.1.2.3/status",
    "http://status.github.com@169.254.169.254/",
    "http://1.1.1.1\\@127.0.0.1/",
    "file:///etc/passwd",
    "http://127.0.0.1:22/",
]


SAME = "refused, in the same words whatever the reason"
MARKS = (  # the first so many are of this number of the table
    (4, pytest.mark.hostile(5, "an address that is this machine: `127.0.0.1:6379`, `[::1]`, `0`, `localhost.`", SAME)),
    (9, pytest.mark.hostile(6, "the same in disguise: `2130706433`, `0x7f.1`, `0177.0.0.1`, `⑫7.0.0.1`", SAME)),
    (16, pytest.mark.hostile(7, "a cloud's metadata, private, carrier, multicast, NAT64, mapped addresses", SAME)),
    (20, pytest.mark.hostile(10, "a name before an @, a backslash, `file:`, port 22", SAME)),
)


def numbered():
    for at, typed in enumerate(TYPED):
        yield pytest.param(typed, id=str(at), marks=next(mark for last, mark in MARKS if at < last))


@pytest.mark.parametrize("typed", [*numbered()])
async def test_a_hostile_address_is_refused_with_nothing_said_about_it(typed):
    said = []
    try:
        url = detection.normalize_address(typed)
        async with PageFetcher(strict=True, timeout_s=5) as fetcher:
            await fetcher.get(url, "/api/v2/summary.json")
    except (UsageError, SourceError) as error:
        said = [str(error)]
    assert said in ([detection.NOT_PUBLIC_TEXT], [REFUSAL_MESSAGE])


class FakeResolver:
    """A resolver: each name has the addresses it was given, one answer after the other; the last one stays."""

    def __init__(self, **answers):
        self.answers = {name.replace("_", "."): list(found) for name, found in answers.items()}
        self.port = 0

    def __call__(self, host, port, _family=0, kind=0):
        answers = self.answers.get(host)
        if not answers:
            raise socket.gaierror("no such name")
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, kind, 6, "", (address, self.port or port)) for address in found]


def public(address):
    """127.0.0.1 plays the public web here; all else is as private as it is."""
    return address == "127.0.0.1"


@pytest.fixture
async def host():
    """A server on loopback with a public name."""
    async with serving_raw(name="status.example") as server:
        yield server


def answers(body, status=200, **headers):
    async def play(writer):
        fields = {"content-type": "application/json", "content-length": len(body), "connection": "close"}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        writer.write(f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body)
        await writer.drain()

    return play


async def poll_page(host, names=None, **how):
    """The failure of a strict look at the host's page."""
    names = names or FakeResolver(status_example=[["127.0.0.1"]])
    names.port = host.port
    how = {"strict": True, "timeout_s": 2, "max_bytes": LIMIT, **how}
    ports = frozenset({80, 443, host.port})
    async with PageFetcher(look_up=names, is_public=public, ports=ports, **how) as fetcher:
        return await fetcher.get(host.url, "/", accept="application/json")


async def failure(host, names=None, **how):
    with pytest.raises(SourceError) as caught:
        await poll_page(host, names, **how)
    return caught.value


@pytest.mark.hostile(
    8,
    "a public page that redirects into a private network, to `file:`, or a thousand times",
    "each hop is checked; refused, or given up after five",
)
@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.2/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "http://2130706434/",
        "file:///etc/passwd",
        "http://me:secret@status.example/",
        "http://status.example:22/",
        "//169.254.169.254/",
    ],
)
async def test_a_redirect_to_where_nobody_may_go_is_refused(host, target):
    host.plays["/"] = answers(b"", 302, location=target)
    assert (await failure(host)).code == "refused"
    assert host.paths == ["/"]


@pytest.mark.hostile(9)
async def test_a_name_that_turns_private_within_a_poll_is_still_where_it_was_checked(host):
    host.plays["/"] = answers(b"", 302, location=f"{host.url}/again")
    names = FakeResolver(status_example=[["127.0.0.1"], ["169.254.169.254"]])
    assert (await failure(host, names)).code == "http_404"
    assert host.paths == ["/", "/again"]


@pytest.mark.hostile(9)
async def test_a_name_that_has_turned_private_by_the_next_poll_is_refused(host):
    names = FakeResolver(status_example=[["127.0.0.1"], ["169.254.169.254"]])
    await failure(host, names)
    assert (await failure(host, names)).code == "refused"
    assert host.paths == ["/"]


@pytest.mark.hostile(
    9,
    "a name with one public and one private address, or one that changes between check and use",
    "refused; the address that was checked is the one that is used",
)
async def test_a_name_that_is_half_private_is_refused_whole(host):
    names = FakeResolver(status_example=[["127.0.0.1", "10.0.0.1"]])
    assert (await failure(host, names)).code == "refused"
    assert host.paths == []


@pytest.mark.hostile(5)
async def test_a_private_name_and_no_name_are_refused_in_the_same_words(host):
    private = await failure(host, FakeResolver(status_example=[["10.0.0.1"]]))
    nobody = await failure(host, FakeResolver())
    assert (str(private), private.code) == (str(nobody), nobody.code)


@pytest.mark.hostile(8)
async def test_a_thousand_redirects_are_followed_five_times(host):
    for number in range(1000):
        host.plays["/" if number == 0 else f"/{number}"] = answers(b"", 302, location=f"/{number + 1}")
    assert (await failure(host)).code == "too_many_redirects"
    assert len(host.paths) == 6


# --- bodies -----------------------------------------------------------------------------------------------------------


def bomb(size):
    """So many zeros, packed."""
    packer = zlib.compressobj(wbits=31)
    pieces = [packer.compress(b"\x00" * 1_000_000) for _ in range(size // 1_000_000)]
    return b"".join(pieces) + packer.flush()


async def drips(writer):
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def drips_headers(writer):
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"x-a: b\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def endless(writer):
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b"[" * 65_536 + b"\r\n")
        await writer.drain()


async def fifty_megabytes(writer):
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 50000000\r\n\r\n")
    for _ in range(500):
        writer.write(b" " * 100_000)
        await writer.drain()


async def silent(_):
    await asyncio.sleep(30)


XML = "application/xml"
LAUGHS = '<!DOCTYPE r [<!ENTITY a "ha">{}]><rss version="2.0"><channel><title>&a30;</title></channel></rss>'.format(
    "".join(f'<!ENTITY a{n} "&a{"" if n == 1 else n - 1};&a{"" if n == 1 else n - 1};">' for n in range(1, 31))
).encode()
QUADRATIC = (
    b'<!DOCTYPE r [<!ENTITY a "'
    + b"x" * 50_000
    + b'">]><rss><channel><title>'
    + b"&a;" * 50_000
    + b"</title></channel></rss>"
)
OUTSIDE = b'<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]><rss><channel><title>&a;</title></channel></rss>'

# what the fetcher refuses: the server's play, and the code
STOPPED = {
    "a gzip bomb of 500 MB": (answers(bomb(500_000_000), content_encoding="gzip"), "too_large"),
    "a gzip bomb in a gzip bomb": (
        answers(gzip.compress(bomb(5_000_000)), content_encoding="gzip, gzip"),
        "bad_encoding",
    ),
    "fifty megabytes": (fifty_megabytes, "too_large"),
    "a body without an end": (endless, "too_large"),
    "a byte now and then": (drips, "timeout"),
    "a header now and then": (drips_headers, "timeout"),
    "nothing, for ever": (silent, "timeout"),
    "nothing at all": (answers(b""), "empty"),
    "a page for people": (answers(b"<html>Bad gateway</html>", content_type="text/html"), "html"),
    "half of what was promised": (answers(b"{", content_length=1000), "truncated"),
    "an encoding nobody asked for": (answers(b"x", content_encoding="br"), "bad_encoding"),
    "gzip that is none": (answers(b"x" * 100, content_encoding="gzip"), "bad_encoding"),
}

# what the fetcher hands on and the readers refuse: the body and its type
UNREAD = {
    "json a hundred thousand deep": (b"[" * 100_000, "application/json"),
    "a number of five thousand figures": (b'{"page": ' + b"9" * 5000 + b"}", "application/json"),
    "not a number": (b'{"page": NaN}', "application/json"),
    "a charset that is another": ('{"page": {"name": "ü"}}'.encode("latin-1"), "application/json; charset=utf-8"),
    "a charset that nobody has": (b"\x81\x82\x83", "application/json; charset=klingon"),
    "a billion laughs": (LAUGHS, XML),
    "entities that grow by the square": (QUADRATIC, XML),
    "a file of ours": (OUTSIDE, XML),
}


def test_there_are_twenty_of_each():
    assert (len(TYPED), len(STOPPED) + len(UNREAD)) == (20, 20)


async def peak(awaitable):
    """What the awaitable gives, and the most that was allocated meanwhile, in bytes."""
    tracemalloc.start()
    try:
        return await awaitable, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


NUMBERS = {  # of the table
    "bomb": 17,
    "encoding nobody": 17,
    "without an end": 18,
    "now and then": 19,
    "for ever": 19,
    "laughs": 20,
    "entities": 20,
    "a file of ours": 20,
    "deep": 15,
    "five thousand": 15,
    "not a number": 15,
    "nothing at all": 16,
    "page for people": 16,
    "half of what": 16,
}


def of_the_table(names):
    for name in names:
        found = [number for word, number in NUMBERS.items() if word in name]
        yield pytest.param(name, marks=[pytest.mark.hostile(number) for number in found])


@pytest.mark.parametrize("name", [*of_the_table(STOPPED)])
async def test_a_hostile_body_is_stopped_with_its_reason_in_flat_memory(host, name):
    host.plays["/"], code = STOPPED[name]
    error, most = await peak(failure(host, timeout_s=0.5 if code == "timeout" else 20))
    assert error.code == code
    assert most < FLAT


@pytest.mark.parametrize("name", [*of_the_table(UNREAD)])
async def test_a_hostile_body_that_comes_through_is_read_by_nobody(host, name):
    body, content_type = UNREAD[name]
    host.plays["/"] = answers(body, content_type=content_type)

    async def read():
        page = await poll_page(host, timeout_s=10)
        for kind, how in FORMATS.items():
            with pytest.raises(ParseError):
                how.parse((page.body,) * len(how.paths), source(kind), NOON)
        return detection.detect_formats(page.body)

    candidates, most = await peak(read())
    assert candidates in ((), ("feed",))
    assert most < FLAT


@pytest.mark.hostile(
    13, "200 KB of text, 5,000 components, any markup", "within Slack's limits; a cut says so; memory stays flat"
)
async def test_a_page_of_many_components_is_a_page_and_takes_what_it_takes(host):
    components = [{"id": str(n), "name": "x" * 100, "status": "operational"} for n in range(5000)]
    host.plays["/"] = answers(json.dumps({"page": {"id": "p", "name": "P"}, "components": components}).encode())
    page = await poll_page(host)
    found = FORMATS["statuspage"].parse((page.body,), source("statuspage"), NOON)
    assert len(found.components) == 5000
