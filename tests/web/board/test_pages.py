"""The board's pages: the same words as in Slack, other people's words only as text, and nothing inline."""

import asyncio
import re
from html import unescape

import httpx
import pytest
from fastapi.responses import HTMLResponse

from bot.domain import Condition, Event, EventKind
from bot.errors import StoreError
from bot.messages import service_status, words
from bot.queries import board
from bot.web.app import web_app
from bot.web.board import rendering
from bot.web.board.pages import BoardPages
from bot.web.board.rendering import PageRenderer
from tests.support.readiness import always_ready
from tests.support.scenario import RED, incident

pytestmark = pytest.mark.anyio

HOSTILE = '<script>alert(1)</script> <img src=x onerror=alert(2)> & "quotes" <!channel> **bold** `code`'


async def get(scenario, path):
    transport = httpx.ASGITransport(app=web_app(scenario.queries(), always_ready, asyncio.Event(), hosts=["board"]))
    async with httpx.AsyncClient(transport=transport, base_url="http://board") as client:
        return await client.get(path)


async def shown(scenario, path="/"):
    """The page's text, without its markup."""
    page = (await get(scenario, path)).text
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", page)))


@pytest.mark.parametrize("story", ["breaks", "recovers", "is_over"])
async def test_an_affected_service_is_shown_with_its_advice(scenario, story):
    getattr(scenario, story)()
    [verdict] = [v for _, state in scenario.queries().snapshot() if (v := state.verdict("acme-api"))]
    assert words.advice_phrase(verdict) in await shown(scenario)


async def test_the_only_affected_provider_is_the_headline(scenario):
    [acme, _] = scenario.breaks().queries().snapshot()
    headline = service_status.provider_headline(service_status.view_provider(*acme, scenario.now()))
    assert f'<h1 id="headline">{headline}</h1>' in (await get(scenario, "/")).text


async def test_without_trouble_the_headline_is_that_of_other_answers(scenario):
    scenario.poll_page()
    queries = scenario.queries()
    headline = service_status.overall_headline(queries.snapshot(), queries.now())
    assert f'<h1 id="headline">{headline}</h1>' in (await get(scenario, "/")).text


async def test_a_service_to_use_instead_is_named_and_linked(scenario):
    assert '<a href="/surfaces/globex-api">Globex API</a>' in (await get(scenario.breaks(), "/")).text


async def test_a_service_s_page_says_what_to_do(scenario):
    assert "Programs: Queue the work." in await shown(scenario.breaks(), "/surfaces/acme-api")


async def test_a_service_s_page_has_the_reason_of_its_advice(scenario):
    [verdict] = [v for _, state in scenario.breaks().queries().snapshot() if (v := state.verdict("acme-api"))]
    assert service_status.as_sentence(verdict.because or verdict.reason) in await shown(scenario, "/surfaces/acme-api")


@pytest.mark.parametrize(
    "path", ["/", "/surfaces/acme-api", "/incidents/i-1", "/sources", "/maintenance", "/incidents"]
)
async def test_no_mark_stands_for_a_word_to_a_screen_reader(scenario, path):
    marks = re.findall(r'<svg class="mark[^>]*>', (await get(scenario.breaks(), path)).text)
    assert all('aria-hidden="true"' in mark for mark in marks)


@pytest.mark.parametrize("path", ["/", "/incidents/i-1"])
async def test_how_long_such_incidents_last_is_shown(scenario, path):
    assert "Typical: 1 h, 9 of 10 within 8 h (incidents of all vendors)" in await shown(scenario.breaks(), path)


async def test_an_unreadable_page_is_counted_with_its_reason(scenario):
    scenario.poll_page(until=20)
    scenario.stare()
    assert "unknown (Acme unknown: status page unreadable)" in await shown(scenario)


async def test_the_services_of_an_unreadable_page_are_unknown(scenario):
    scenario.poll_page(until=20)
    scenario.stare()
    assert "Acme API: unknown" in await shown(scenario, "/surfaces/acme-api")


async def test_an_ended_incident_is_among_the_recent_ones(scenario):
    scenario.is_over()
    page = (await get(scenario, "/")).text
    assert page.index("Errors on the API") > page.index("Planned and recent")


async def test_the_days_of_a_service_are_one_picture_with_words(scenario):
    assert 'role="img" aria-label="Acme API, partial outage 1' in (await get(scenario.breaks(), "/")).text


async def test_a_day_with_trouble_names_how_long_it_lasted(scenario):
    assert "<title>2 Mar: partial outage, 5 min</title>" in (await get(scenario.breaks(), "/")).text


async def test_no_percentage_is_given_on_less_than_a_day(scenario):
    page = await shown(scenario.breaks(), "/surfaces/acme-api")
    assert ("too little data" in page, "%" in page.partition("90 days")[2].partition("Last 24 hours")[0]) == (
        True,
        False,
    )


async def test_an_incident_s_page_has_its_stages(scenario):
    assert "Investigating 11:10 Identified Monitoring Resolved" in await shown(scenario.breaks(), "/incidents/i-1")


async def test_an_incident_s_page_shows_status_above_advice(scenario):
    page = (await get(scenario.breaks(), "/incidents/i-1")).text
    assert re.search(r'aria-label="Acme API\. Status: [^"]*partial outage from [^"]*Advice: [^"]*Don&#39;t retry', page)


async def test_a_part_of_the_timeline_can_be_asked_for(scenario):
    page = await shown(scenario.breaks(), "/incidents/i-1?show=advice")
    assert "1 steps, in the order in which we knew" in page.replace("1 step,", "1 steps,")


@pytest.mark.parametrize("form", ["markdown", "html", "ics", "json"])
async def test_an_incident_can_be_taken_along(scenario, form):
    answer = await get(scenario.breaks(), f"/exports/{form}/i-1")
    assert (answer.status_code, "attachment" in answer.headers["content-disposition"]) == (200, True)


async def test_an_exported_page_runs_no_script(scenario):
    assert "sandbox" in (await get(scenario.breaks(), "/exports/html/i-1")).headers["content-security-policy"]


async def test_an_unknown_form_of_export_is_refused_with_those_there_are(scenario):
    answer = await get(scenario.breaks(), "/exports/pdf/i-1")
    assert (answer.status_code, "markdown" in answer.text) == (404, True)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", True),
        ("?q=errors", True),
        ("?q=nothing+of+the+kind", False),
        ("?provider=acme", True),
        ("?provider=globex", False),
        ("?service=acme-api", True),
        ("?service=acme-web", False),
        ("?state=open", False),
        ("?state=resolved", True),
        ("?state=maintenance", False),
        ("?year=2026", True),
        ("?year=2025", False),
        ("?page=2", False),
    ],
)
async def test_the_list_of_incidents_is_searched_and_filtered(scenario, query, found):
    scenario.is_over()
    assert ("Errors on the API" in await shown(scenario, f"/incidents{query}")) is found


@pytest.mark.parametrize(
    "query", ["?state=sideways", "?year=soon", "?page=0", "?year=99999", "?page=", "?q=" + "x" * 300]
)
async def test_a_filter_that_makes_no_sense_is_left_out(scenario, query):
    scenario.is_over()
    assert (await get(scenario, f"/incidents{query}")).status_code == 200


class SlowBoard(board.BoardQueries):
    """Has not worked out any days yet."""

    def uptimes(self, _):
        return {}


async def test_a_page_whose_days_are_not_worked_out_yet_says_so(scenario):
    queries = scenario.breaks().queries()
    page = BoardPages(SlowBoard(queries), PageRenderer(queries)).status()
    assert "loading" in page.body.decode()


async def test_two_pages_at_once_after_the_start_are_both_there(scenario):
    scenario.breaks()
    app = web_app(scenario.queries(), always_ready, asyncio.Event(), hosts=["board"])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://board") as client:
        answers = await asyncio.gather(client.get("/surfaces/acme-api"), client.get("/"))
    assert [answer.status_code for answer in answers] == [200, 200]


async def test_a_page_that_does_not_exist_hides_none_of_a_similar_address(scenario):
    scenario.shown = [incident((1, "investigating", "x", RED), identity="https://s/?a")]
    scenario.poll_page(until=2)
    app = web_app(scenario.queries(), always_ready, asyncio.Event(), hosts=["board"])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://board") as client:
        paths = ("/incidents/https%3A%2F%2Fs%2F?show=a%3F", "/incidents/https%3A%2F%2Fs%2F%3Fa")
        assert [(await client.get(path)).status_code for path in paths] == [404, 200]


async def get_as(scenario, path, accept):
    transport = httpx.ASGITransport(app=web_app(scenario.queries(), always_ready, asyncio.Event(), hosts=["board"]))
    async with httpx.AsyncClient(transport=transport, base_url="http://board") as client:
        return await client.get(path, headers={"Accept": accept})


async def test_a_browser_at_a_wrong_address_gets_a_page_with_the_way_back(scenario):
    answer = await get_as(scenario, "/surface/<b>x</b>", "text/html,application/xhtml+xml,*/*;q=0.8")
    assert (answer.status_code, '<a href="/">' in answer.text, "<b>x" in answer.text) == (404, True, False)


@pytest.mark.parametrize(("path", "accept"), [("/nothing", "*/*"), ("/v1/nothing", "text/html")])
async def test_a_program_at_a_wrong_address_gets_json(scenario, path, accept):
    answer = await get_as(scenario, path, accept)
    assert (answer.status_code, "there is nothing at" in answer.json()["detail"]) == (404, True)


@pytest.mark.parametrize("form", ["markdown", "html", "ics", "json"])
async def test_what_people_wrote_is_in_no_public_export(scenario, form):
    scenario.breaks()
    label = Event(
        EventKind.LABEL_ADDED, "acme", scenario.now(), incident="i-1", author="Ann Person", text="secret-label"
    )
    scenario.repository.archive.add_event(label)
    text = (await get(scenario, f"/exports/{form}/i-1")).text
    assert ("Ann Person" in text, "secret-label" in text) == (False, False)


async def test_the_link_to_the_feed_is_of_a_known_provider(scenario):
    page = (await get(scenario, "/incidents?provider=..%2Fdocs%23")).text
    assert 'href="/feeds/all.atom"' in page


async def test_an_unknown_service_is_a_page_that_says_so(scenario):
    answer = await get(scenario, "/surfaces/acme-ap")
    assert (answer.status_code, "acme-api" in answer.text) == (404, True)


async def test_a_board_without_any_look_says_so(scenario):
    assert "no data yet" in await shown(scenario)


async def test_maintenance_of_a_component_is_in_words(scenario):
    scenario.conditions = {"c-api": Condition.MAINTENANCE}
    scenario.poll_page(until=2)
    assert "1 maintenance" in await shown(scenario)


async def test_a_planned_maintenance_is_in_the_calendar_with_its_day(scenario):
    scenario.plans_maintenance()
    assert "Wed 4 Mar 2026 Database upgrade Acme" in await shown(scenario, "/maintenance")


async def test_without_maintenance_the_calendar_says_so(scenario):
    scenario.poll_page()
    assert "No maintenance is planned" in await shown(scenario, "/maintenance")


async def test_more_open_incidents_than_fit_are_counted(scenario):
    scenario.shown = [
        incident((1, "investigating", "x", RED), identity=f"i-{n}", name=f"Trouble {n}", start=scenario.start)
        for n in range(12)
    ]
    scenario.poll_page(until=2)
    assert "4 more" in await shown(scenario)


async def test_a_page_is_drawn_once_for_many_readers(scenario):
    scenario.breaks()
    drawn = []

    async def draw():
        drawn.append(1)
        await asyncio.sleep(0)
        return HTMLResponse("x")

    renderer = PageRenderer(scenario.queries())
    await asyncio.gather(*(renderer.once("/", draw) for _ in range(40)))
    assert len(drawn) == 1


async def test_a_reader_who_leaves_ends_the_drawing_for_nobody_else(scenario):
    scenario.poll_page()
    go_on = asyncio.Event()

    async def draw():
        await go_on.wait()
        return HTMLResponse("x")

    renderer = PageRenderer(scenario.queries())
    first, second = (asyncio.create_task(renderer.once("/", draw)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    go_on.set()
    assert (await second).status_code == 200


async def test_a_drawing_that_failed_is_tried_again(scenario):
    scenario.poll_page()
    drawn = []

    async def draw():
        drawn.append(1)
        if len(drawn) == 1:
            raise StoreError("locked")
        return HTMLResponse("x")

    renderer = PageRenderer(scenario.queries())
    with pytest.raises(StoreError):
        await renderer.once("/", draw)
    assert (await renderer.once("/", draw)).status_code == 200


async def test_a_page_is_drawn_again_after_an_event(scenario):
    scenario.poll_page(until=10)
    drawn = []

    async def draw():
        drawn.append(1)
        return HTMLResponse("x")

    renderer = PageRenderer(scenario.queries())
    await renderer.once("/", draw)
    scenario.breaks()
    await renderer.once("/", draw)
    assert len(drawn) == 2


async def test_the_vendor_s_words_are_shown_as_they_are(scenario):
    scenario.shown = [incident((1, "investigating", HOSTILE, RED), name=HOSTILE)]
    scenario.poll_page(until=2)
    page = (await get(scenario, "/incidents/i-1")).text
    assert unescape(page).count(HOSTILE) >= 3  # title, post, timeline


@pytest.mark.hostile(49)
@pytest.mark.parametrize("path", ["/", "/incidents/i-1"])
async def test_the_vendor_s_words_are_never_markup(scenario, path):
    scenario.shown = [incident((1, "investigating", HOSTILE, RED), name=HOSTILE)]
    scenario.poll_page(until=2)
    page = (await get(scenario, path)).text
    assert not re.search(r"<img src=x|<script>|<strong>bold|<code>code", page)


@pytest.mark.hostile(49)
async def test_an_address_that_is_no_web_page_is_no_link(scenario):
    scenario.shown = [incident((1, "investigating", "x", RED), url="javascript:alert(1)")]
    scenario.poll_page(until=2)
    assert "javascript:" not in (await get(scenario, "/incidents/i-1")).text


async def test_an_edit_shows_what_it_was(scenario):
    scenario.show((1, "investigating", "Old words.", RED))
    scenario.poll_page(until=2)
    scenario.show((1, "investigating", "New words.", RED))
    scenario.poll_page(until=3)
    assert re.search(r"Old words. is now: New words.", await shown(scenario, "/incidents/i-1"))


async def test_an_incident_whose_id_is_an_address_can_be_followed(scenario):
    scenario.shown = [incident((1, "investigating", "x", RED), identity="https://acme.example/i?n=1#x")]
    scenario.poll_page(until=2)
    [href] = re.findall(r'href="(/incidents/[^"]*)"', (await get(scenario, "/")).text)
    assert (await get(scenario, href)).status_code == 200


async def test_an_incident_nobody_has_seen_is_a_page_that_says_so(scenario):
    answer = await get(scenario, "/incidents/nope")
    assert (answer.status_code, "No incident “nope”" in answer.text) == (404, True)


# --- what holds a browser back ----------------------------------------------------------------------------------------


@pytest.mark.hostile(49)
@pytest.mark.parametrize(
    "path", ["/", "/incidents/nope", "/static/board.js", "/v1/surfaces", "/nowhere", "/v1/surfaces?page=0"]
)
async def test_every_answer_has_the_strict_policy(scenario, path):
    policy = (await get(scenario, path)).headers["content-security-policy"]
    assert policy.startswith(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'"
    )


@pytest.mark.hostile(49)
@pytest.mark.parametrize(
    "template", sorted((rendering.BOARD_FOLDER / "templates").iterdir()), ids=lambda file: file.name
)
def test_nothing_is_inline(template):
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*src=)|javascript:", template.read_text())


@pytest.mark.parametrize("file", sorted(rendering.BOARD_FOLDER.rglob("*.*")), ids=lambda file: file.name)
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
    assert rendering.to_markup(said) == html
