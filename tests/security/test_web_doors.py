"""What a browser, a stranger on the network, or a page in somebody's browser may try at the board and the gate."""

import asyncio
from contextlib import asynccontextmanager
from html import unescape
from html.parser import HTMLParser
from urllib.parse import quote

import httpx
import pytest

from bot.web import server
from bot.web.app import web_app
from bot.web.board import event_stream
from tests.support.readiness import always_ready
from tests.support.scenario import RED, Scenario, incident

pytestmark = pytest.mark.anyio
hostile = pytest.mark.hostile


@pytest.fixture(scope="module")
def scenario(tmp_path_factory):
    """A scenario in an outage, which none of these tests changes."""
    scenario = Scenario(tmp_path_factory.mktemp("town") / "town.db")
    scenario.breaks()
    yield scenario
    scenario.repository.close()


async def ask(scenario, path, method="GET", **more):
    app = web_app(scenario.queries(), always_ready, asyncio.Event())
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8787") as client:
        return await client.request(method, path, **more)


def rows(scenario):
    return [
        scenario.repository._db.rows(f'SELECT count(*) AS n FROM "{r["name"]}"')  # noqa: S608
        for r in scenario.repository._db.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
    ]


XSS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "javascript:alert(1)",
    "{{constructor.constructor('alert(1)')()}}",
    "<!--<script>",
    "&lt;script&gt;",
    "**<b>x</b>** `<i>`",
]


class Elements(HTMLParser):
    """The elements of a page, each with the names of its attributes, and where its links lead."""

    def __init__(self, text):
        super().__init__()
        self.found, self.links = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.add((tag, *sorted(name for name, _ in attributes)))
        self.links |= {value.strip().partition(":")[0].lower() for name, value in attributes if name in ("href", "src")}


async def elements(path, place, texts):
    """What the board and the incidents' pages are made of, where these texts stand in this place; and the pages."""
    scenario = Scenario(path)
    given = [
        {"name": "n", "body": "b", "identity": f"i-{n}", "url": "https://status.acme.example/9"}
        for n in range(len(texts))
    ]
    given = [one | {place: text} for one, text in zip(given, texts, strict=True)]
    scenario.shown = [
        incident((1, "investigating", one.pop("body"), RED), start=scenario.start, **one) for one in given
    ]
    scenario.minute = 2
    scenario.poll_page()
    paths = ["/", *(f"/incidents/{quote(one['identity'], safe='')}" for one in given)]
    shown = [(await ask(scenario, path)).text for path in paths]
    scenario.repository.close()
    return [Elements(page) for page in shown], shown


@hostile(
    49,
    "markup in a title, a post, an id or an address, `javascript:` links",
    "text, escaped; a policy that forbids all scripts but ours",
)
@pytest.mark.parametrize("place", ["name", "body", "identity", "url"])
async def test_nothing_of_a_vendor_is_markup(tmp_path, place):
    harmless, _ = await elements(tmp_path / "plain.db", place, [f"harmless-{number}" for number in range(len(XSS))])
    found, shown = await elements(tmp_path / "evil.db", place, XSS)
    assert [page.found - plain.found for page, plain in zip(found, harmless, strict=True)] == [set()] * len(found)
    assert not {"javascript", "data", "vbscript"} & {link for page in found for link in page.links}
    assert place == "url" or all(text in unescape(page) for text, page in zip(XSS, shown[1:], strict=True))


@hostile(49)
@pytest.mark.parametrize(
    "path", ["/v1/incidents/%3Cscript%3E", "/incidents/%3Cscript%3Ealert(1)", "/v1/surfaces/%3Cimg%3E/retry"]
)
async def test_what_was_asked_for_comes_back_as_text(scenario, path):
    answer = await ask(scenario, path)
    is_page = answer.headers["content-type"].startswith("text/html")
    assert not is_page or "<script>" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


TRAVERSALS = [
    "/static/../pages.py",
    "/static/..%2fpages.py",
    "/static/%2e%2e/%2e%2e/serve.py",
    "/static/....//....//etc/passwd",
    "/static/%2fetc%2fpasswd",
    "/static/..%5cpages.py",
    "/static/board.css%00.png",
    "/incidents/../../../../etc/passwd",
    "/incidents/..%2f..%2f..%2fetc%2fpasswd",
    "/v1/incidents/..%2f..%2fetc%2fpasswd/timeline",
    "/incidents/%00",
    "/.env",
    "/.git/config",
]


@hostile(
    50,
    "`/static/..%2fpages.py`, `/incidents/../../etc/passwd`, `/.git/config`",
    "404; files are read at the start, and by no path",
)
@pytest.mark.parametrize("path", TRAVERSALS)
async def test_no_path_leaves_the_house(scenario, path):
    answer = await ask(scenario, httpx.URL("http://127.0.0.1:8787").copy_with(raw_path=path.encode()))
    assert answer.status_code == 404
    assert "root:" not in answer.text
    assert "import" not in answer.text


@hostile(
    51,
    "line breaks in a client's name, a surface, a page: `%0d%0aSet-Cookie: x=1`",
    "no header is made of what was asked",
)
@pytest.mark.parametrize(
    "path",
    [
        "/v1/surfaces/acme-api/retry?client={}",
        "/v1/surfaces/{}/retry",
        "/incidents/{}",
        "/v1/incidents?surface={}",
        "/{}",
    ],
)
async def test_no_header_is_made_of_what_was_asked(scenario, path):
    answer = await ask(scenario, path.format("x%0d%0aSet-Cookie:%20x=1%0d%0a%0d%0a<script>"))
    assert "set-cookie" not in answer.headers
    assert not any("\n" in value or "script>" in value for value in answer.headers.values())


@hostile(
    52,
    "a form or a script on another page that posts, puts or deletes here",
    "405 or 404, nothing is written, and no other origin may read an answer",
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/incidents/i-1",
        "/v1/surfaces",
        "/v1/surfaces/acme-api/retry",
        "/v1/incidents/i-1",
        "/events",
        "/healthz",
        "/static/board.js",
    ],
)
async def test_another_page_can_change_nothing(scenario, method, path):
    before = rows(scenario)
    answer = await ask(scenario, path, method, headers={"origin": "https://evil.example"}, data={"text": "mute all"})
    assert answer.status_code in (404, 405)
    assert rows(scenario) == before


@hostile(52)
@pytest.mark.parametrize("path", ["/", "/v1/surfaces", "/v1/incidents/i-1", "/nowhere"])
async def test_another_page_may_not_read_answers(scenario, path):
    answer = await ask(scenario, path, headers={"origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@hostile(52)
async def test_another_page_is_told_no_when_it_asks_first(scenario):
    headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    answer = await ask(scenario, "/v1/surfaces", "OPTIONS", headers=headers)
    assert (answer.status_code, [n for n in answer.headers if n.startswith("access-control-")]) == (405, [])


@hostile(53)
async def test_a_question_of_fifty_kilobytes_is_no_failure(scenario):
    for path in ("/v1/surfaces?provider=" + "x" * 50_000, "/v1/surfaces?" + "a=1&" * 12_000, "/?" + "x" * 50_000):
        assert (await ask(scenario, path)).status_code < 500


@asynccontextmanager
async def open_web_server(scenario, **how):
    """A real server with the board on it; a connection to it, as often as one is asked for."""
    closing = asyncio.Event()
    listener = server._bind_socket("127.0.0.1", 0)

    web_server = asyncio.create_task(
        server._run_server(web_app(scenario.queries(), always_ready, closing), listener, closing, **how)
    )
    writers = []

    async def connect(request=b""):
        reader, writer = await asyncio.open_connection(*listener.getsockname()[:2])
        writers.append(writer)
        writer.write(request)
        return reader

    yield connect
    closing.set()
    await web_server
    for writer in writers:
        writer.close()


def get(path):
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode()


async def status(reader):
    return int((await asyncio.wait_for(reader.readline(), 10)).split()[1])


@hostile(
    54,
    "65 live boards, 256 connections that say nothing or a letter at a time",
    "told to come back; who says nothing is hung up on, and the gate answers again",
)
async def test_one_live_board_too_many_is_told_to_come_back(scenario):
    async with open_web_server(scenario) as connect:
        live = [await connect(get("/events")) for _ in range(event_stream.MAX_STREAMS)]
        assert {await status(reader) for reader in live} == {200}
        assert await status(await connect(get("/events"))) == 503
        assert await status(await connect(get("/v1/surfaces"))) == 200


@hostile(54)
@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nhost: x\r\nx-a"])
async def test_who_says_nothing_is_hung_up_on_and_keeps_nobody_out(scenario, said):
    async with open_web_server(scenario, idle_timeout_s=0.3) as connect:
        silent = [await connect(said) for _ in range(server.MAX_CONNECTIONS)]
        assert await status(await connect(get("/v1/surfaces"))) == 503
        assert {await asyncio.wait_for(reader.read(), 10) for reader in silent} == {b""}
        assert await status(await connect(get("/v1/surfaces"))) == 200
