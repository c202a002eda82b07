"""The board's pages: the same words as in Slack, other people's words only as text, and nothing inline."""

import asyncio
import re
from html import unescape

import httpx
import pytest

from bot.domain import Condition
from bot.messages import service_status
from bot.web.app import web_app
from bot.web.board import pages
from tests.support.scenario import RED, incident

pytestmark = pytest.mark.anyio

HOSTILE = '<script>alert(1)</script> <img src=x onerror=alert(2)> & "quotes" <!channel> **bold** `code`'


async def get(town, path):
    async def ready():
        return {}

    transport = httpx.ASGITransport(app=web_app(town.desk(), ready, asyncio.Event(), hosts=["board"]))
    async with httpx.AsyncClient(transport=transport, base_url="http://board") as client:
        return await client.get(path)


async def shown(town, path="/"):
    """The page's text, without its markup."""
    page = (await get(town, path)).text
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", page)))


@pytest.mark.parametrize("story", ["breaks", "recovers", "is_over"])
async def test_an_affected_service_has_the_reason_of_its_advice(town, story):
    getattr(town, story)()
    [verdict] = [v for _, state in town.desk().snapshot() if (v := state.verdict("acme-api"))]
    assert verdict.reason in await shown(town)


async def test_the_headline_is_that_of_other_answers(town):
    desk = town.breaks().desk()
    headline = service_status.overall_headline(desk.snapshot(), desk.now())
    assert f"<h1>{headline}</h1>" in (await get(town, "/")).text


async def test_a_surface_to_use_instead_is_named(town):
    assert "Instead: Globex API ( globex-api )" in await shown(town.breaks())


async def test_what_to_do_meanwhile_is_told(town):
    assert "Programs : Queue the work." in await shown(town.breaks())


async def test_no_sign_stands_without_words(town):
    page = (await get(town.breaks(), "/")).text
    signs = re.findall(r'<span class="sign"([^>]*)>', page)
    assert set(signs) == {' aria-hidden="true"'}


@pytest.mark.parametrize("path", ["/", "/incidents/i-1"])
async def test_how_long_such_incidents_last_is_shown(town, path):
    assert "Typical: 45 min, 9 of 10 within 4 h" in await shown(town.breaks(), path)


async def test_a_blind_source_is_told(town):
    town.look(until=20)
    town.stare()
    assert "blind since 2026-03-02 11:20 UTC" in await shown(town)


async def test_an_ended_incident_is_among_the_recently_closed(town):
    town.is_over()
    page = (await get(town, "/")).text
    assert page.index("Errors on the API") > page.index("Recently closed")


async def test_the_vendor_s_words_are_shown_as_they_are(town):
    town.shown = [incident((1, "investigating", HOSTILE, RED), name=HOSTILE)]
    town.look(until=2)
    page = (await get(town, "/incidents/i-1")).text
    assert unescape(page).count(HOSTILE) >= 3  # title, post, timeline


@pytest.mark.hostile(49)
@pytest.mark.parametrize("path", ["/", "/incidents/i-1"])
async def test_the_vendor_s_words_are_never_markup(town, path):
    town.shown = [incident((1, "investigating", HOSTILE, RED), name=HOSTILE)]
    town.look(until=2)
    page = (await get(town, path)).text
    assert not re.search(r"<img|<script>|<strong>bold|<code>code", page)


@pytest.mark.hostile(49)
async def test_an_address_that_is_no_web_page_is_no_link(town):
    town.shown = [incident((1, "investigating", "x", RED), url="javascript:alert(1)")]
    town.look(until=2)
    assert "javascript:" not in (await get(town, "/incidents/i-1")).text


async def test_an_edit_shows_what_it_was(town):
    town.show((1, "investigating", "Old words.", RED))
    town.look(until=2)
    town.show((1, "investigating", "New words.", RED))
    town.look(until=3)
    assert re.search(r"Old words. is now: New words.", await shown(town, "/incidents/i-1"))


async def test_an_incident_whose_id_is_an_address_can_be_followed(town):
    town.shown = [incident((1, "investigating", "x", RED), identity="https://acme.example/i?n=1#x")]
    town.look(until=2)
    [href] = re.findall(r'href="(/incidents/[^"]*)"', (await get(town, "/")).text)
    assert (await get(town, href)).status_code == 200


async def test_an_incident_nobody_has_seen_is_a_page_that_says_so(town):
    answer = await get(town, "/incidents/nope")
    assert (answer.status_code, "No incident “nope”" in answer.text) == (404, True)


async def test_a_board_without_any_look_says_so(town):
    assert "not looked at yet" in await shown(town)


async def test_a_maintenance_is_in_words(town):
    town.conditions = {"c-api": Condition.MAINTENANCE}
    town.look(until=2)
    assert "in maintenance" in await shown(town)


# --- what holds a browser back ----------------------------------------------------------------------------------------


@pytest.mark.hostile(49)
@pytest.mark.parametrize(
    "path", ["/", "/incidents/nope", "/static/board.js", "/v1/surfaces", "/nowhere", "/v1/surfaces?page=0"]
)
async def test_every_answer_has_the_strict_policy(town, path):
    policy = (await get(town, path)).headers["content-security-policy"]
    assert policy.startswith(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'"
    )


@pytest.mark.hostile(49)
@pytest.mark.parametrize("template", sorted((pages.BOARD_FOLDER / "templates").iterdir()), ids=lambda file: file.name)
def test_nothing_is_inline(template):
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*src=)|javascript:", template.read_text())


@pytest.mark.parametrize("file", sorted(pages.BOARD_FOLDER.rglob("*.*")), ids=lambda file: file.name)
def test_nothing_comes_from_another_server(file):
    if file.suffix != ".pyc":
        assert not re.search(r"(?:src|href|url\()\W{0,2}(?:https?:)?//", file.read_text())


@pytest.mark.parametrize(
    ("said", "html"),
    [
        ("**When**: now", "<strong>When</strong>: now"),
        ("ask `retry x` first", "ask <code>retry x</code> first"),
        ("<b> & **<i>**", "&lt;b&gt; &amp; <strong>&lt;i&gt;</strong>"),
    ],
)
def test_our_sentences_may_be_marked(said, html):
    assert pages.to_markup(said) == html
