"""``/docs``: the manual on the board. Every link leads somewhere, nothing is raw HTML, and the headers are the board's."""

import asyncio
import re
import subprocess
import sys
from html import unescape

import httpx
import pytest

from bot.queries import manual
from bot.web.app import web_app
from bot.web.board.manual import manual_address, render_page, to_html
from bot.web.board.security_headers import SECURITY_HEADERS
from tests.support.readiness import always_ready

pytestmark = pytest.mark.anyio

NAMES = [manual.INDEX_PAGE, *(page.name for page in manual.list_pages())]


@pytest.fixture
def get(scenario):
    async def get(path):
        transport = httpx.ASGITransport(app=web_app(scenario.queries(), always_ready, asyncio.Event(), hosts=["board"]))
        async with httpx.AsyncClient(transport=transport, base_url="http://board") as client:
            return await client.get(path)

    return get


async def test_the_board_links_to_the_manual(get):
    assert '<a href="/docs">Help</a>' in (await get("/")).text


async def test_the_list_links_to_every_page_in_its_groups(get):
    page = (await get("/docs")).text
    assert re.findall(r'href="/docs/([\w-]+)"', page) == NAMES[1:]
    assert re.findall(r"<h2[^>]*>(.*?)</h2>", page) == ["For users", "For contributors"]


@pytest.mark.parametrize("name", NAMES)
async def test_every_page_is_shown_with_one_title(get, name):
    answer = await get(f"/docs/{name}")
    assert (answer.status_code, len(re.findall("<h1", answer.text))) == (200, 1)


async def test_a_page_can_be_asked_for_by_its_file(get):
    assert (await get("/docs/slack.md")).text == (await get("/docs/slack")).text


@pytest.mark.parametrize("path", ["/docs", "/docs/slack", "/docs/nonsense"])
async def test_the_headers_are_the_board_s(get, path):
    assert {name: (await get(path)).headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


async def test_an_unknown_page_is_refused_with_the_nearest_and_the_list(get):
    answer = await get("/docs/slak")
    assert (answer.status_code, 'Did you mean <a href="/docs/slack">slack</a>?' in answer.text) == (404, True)
    assert 'href="/docs/commands"' in answer.text


async def test_an_unknown_name_is_no_markup(get):
    assert "<b>" not in (await get("/docs/%3Cb%3E")).text


@pytest.mark.parametrize("path", ["/docs/..%2Findex", "/docs/%2Fetc%2Fpasswd", "/docs/..%5C..%5CREADME"])
async def test_nothing_but_the_manual_can_be_read(get, path):
    assert (await get(path)).status_code == 404


async def test_a_page_that_does_not_change_is_not_loaded_again_and_again(get):
    page = (await get("/docs/slack")).text
    assert not re.search("board.js|http-equiv", page)


@pytest.mark.parametrize("name", NAMES)
def test_the_ids_of_the_headings_are_github_s_anchors(name):
    ids = re.findall(r'<h\d id="([^"]*)"', render_page(name).html)
    assert ids == [heading.anchor for heading in manual.headings(manual.read_page(name))]


@pytest.mark.parametrize("name", NAMES)
def test_every_link_of_a_page_leads_to_a_page_and_a_heading(name):
    ids = {n: {h.anchor for h in manual.headings(manual.read_page(n))} for n in NAMES}
    broken = []
    for href in map(unescape, re.findall(r'href="([^"]*)"', render_page(name).html)):
        path, _, anchor = href.partition("#")
        page = path.removeprefix("/docs").lstrip("/") or (manual.INDEX_PAGE if path else name)
        if not href.startswith("http") and (page not in ids or (anchor and anchor not in ids[page])):
            broken.append(href)
    assert broken == []


@pytest.mark.parametrize("name", NAMES)
def test_nothing_on_a_page_needs_what_the_policy_forbids(name):
    assert not re.search(r"style=|<img|<script|<iframe|generated:", render_page(name).html)


def test_raw_html_is_text():
    assert "<b>" not in to_html("a <b>c</b>\n\n<script>alert(1)</script>\n")


@pytest.mark.parametrize(
    ("target", "address"),
    [
        ("slack.md", "/docs/slack"),
        ("slack.md#tokens", "/docs/slack#tokens"),
        ("index.md", "/docs"),
        ("#tokens", "#tokens"),
        ("https://api.slack.com/apps", "https://api.slack.com/apps"),
        ("../../.github/CONTRIBUTING.md", None),
        ("javascript:alert(1)", None),
    ],
)
def test_a_link_leads_to_the_board_s_address(target, address):
    assert manual_address(target) == address


def test_a_link_out_of_the_manual_leaves_its_text():
    assert (
        to_html("See [this](../x.md) and [that](slack.md).") == '<p>See this and <a href="/docs/slack">that</a>.</p>\n'
    )


def test_a_table_can_be_scrolled_by_keyboard_and_has_a_name():
    html = to_html("## Keys\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n")
    assert '<div class="scroll" role="group" aria-label="Table: Keys" tabindex="0">' in html
    assert '<td class="right">2</td>' in html


def test_a_block_of_code_is_text():
    assert to_html("```sh\na <b> && c\n```\n") == '<pre tabindex="0"><code>a &lt;b&gt; &amp;&amp; c\n</code></pre>\n'


def test_the_parser_of_markdown_is_imported_for_readers_only():
    script = "import sys, bot.web.app; raise SystemExit('markdown_it' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0  # noqa: S603
