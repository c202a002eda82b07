"""The HTTP server for programs: what the gate answers, in which pages lists come, and that nothing odd makes a 500."""

import asyncio
import inspect
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.queries import schemas
from bot.queries.runtime import BotRole, Runtime
from bot.queries.slack_status import SlackStatus
from bot.web.app import Readiness, web_app
from bot.web.server import stale_sources
from tests.support.scenario import RED, incident

pytestmark = pytest.mark.anyio

STORIES = ["poll_page", "breaks", "recovers", "is_over"]


def web(scenario, wrong=None, warnings=None, running=None):
    async def readiness():
        return Readiness(wrong or {}, warnings or {})

    return web_app(replace(scenario.queries(), running=running), readiness, asyncio.Event(), hosts=["board"])


async def get(scenario, path, wrong=None, warnings=None, running=None, **query):
    transport = httpx.ASGITransport(app=web(scenario, wrong, warnings, running))
    async with httpx.AsyncClient(transport=transport, base_url="http://board") as client:
        return await client.get(path, params=query or None)


async def retry(scenario, **query):
    return await get(scenario, "/v1/surfaces/acme-api/retry", **query)


# --- the gate ---------------------------------------------------------------------------------------------------------


async def test_a_surface_that_is_well_passes(scenario):
    scenario.poll_page(until=20)
    assert (await retry(scenario)).status_code == 200


async def test_a_broken_surface_is_held_and_says_not_to_retry(scenario):
    answer = await retry(scenario.breaks())
    assert (answer.status_code, answer.headers["x-should-retry"]) == (503, "false")


async def test_a_gentle_surface_passes_for_whoever_names_no_client(scenario):
    assert (await retry(scenario.recovers())).status_code == 200


async def test_a_client_before_its_slot_is_told_to_wait(scenario):
    answer = await retry(scenario.recovers(), client="me")
    assert (answer.status_code, int(answer.headers["retry-after"]) > 1) == (429, True)


async def test_a_wait_for_a_slot_does_not_forbid_retries(scenario):
    assert "x-should-retry" not in (await retry(scenario.recovers(), client="me")).headers


async def test_clients_have_slots_of_their_own(scenario):
    scenario.recovers()
    slots = {(await retry(scenario, client=name)).json()["retry_at"] for name in "abcdefgh"}
    assert len(slots) > 2  # those that have begun share the present moment


async def test_a_client_passes_when_its_slot_has_begun(scenario):
    form = (await retry(scenario.recovers(), client="me")).json()
    wait = datetime.fromisoformat(form["retry_at"]) - datetime.fromisoformat(form["as_of"])
    scenario.poll_page(until=scenario.minute + int(wait.total_seconds()) // 60 + 2)
    assert (await retry(scenario, client="me")).status_code == 200


async def test_a_hold_says_how_long_it_may_last(scenario):
    eta = (await retry(scenario.breaks())).json()["eta"]
    assert 0 < eta["p50_s"] < eta["p80_s"] < eta["p90_s"]


async def test_a_page_that_was_never_read_is_unknown(scenario):
    answer = await retry(scenario)
    assert (answer.status_code, answer.json()["verdict"]) == (503, "unknown")


async def test_a_verdict_past_its_time_is_unknown(scenario):
    scenario.poll_page(until=20)
    scenario.minute += 2.6
    answer = await retry(scenario)
    assert (answer.status_code, answer.json()["reason_code"]) == (503, "outlived")


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("client", [None, "me"])
async def test_every_answer_says_when_to_ask_again_in_whole_seconds(scenario, story, client):
    getattr(scenario, story)()
    wait = (await retry(scenario, **({"client": client} if client else {}))).headers["retry-after"]
    assert wait.isdigit()
    assert int(wait) >= 1


@pytest.mark.parametrize("story", STORIES)
async def test_no_answer_of_the_gate_may_be_kept(scenario, story):
    getattr(scenario, story)()
    assert (await retry(scenario)).headers["cache-control"] == "no-store"


async def test_the_gate_s_example_has_the_keys_of_the_real_form(scenario):
    assert schemas.RETRY_EXAMPLE.keys() == (await retry(scenario.recovers())).json().keys()


# --- surfaces ---------------------------------------------------------------------------------------------------------


async def test_a_surface_is_found_by_its_id(scenario):
    assert (await get(scenario, "/v1/surfaces/acme-api")).json()["provider"] == "acme"


@pytest.mark.parametrize("typed", ["ACME-API", "Acme API", "on the web", "api", "acme"])
@pytest.mark.parametrize("path", ["/v1/surfaces/{}", "/v1/surfaces/{}/retry"])
async def test_a_program_gets_no_answer_for_anything_but_an_id(scenario, typed, path):
    answer = await get(scenario, path.format(typed))
    assert (answer.status_code, answer.json()["detail"].startswith("No service with id “")) == (404, True)


async def test_an_unknown_surface_names_the_nearest(scenario):
    answer = await get(scenario, "/v1/surfaces/acme-apy")
    assert (answer.status_code, "Closest: acme-api" in answer.json()["detail"]) == (404, True)


async def test_a_provider_with_several_surfaces_is_answered_with_the_choice(scenario):
    answer = await get(scenario, "/v1/surfaces/acme/retry")
    assert (answer.status_code, "acme-web" in answer.json()["detail"]) == (404, True)


async def test_a_surface_says_how_it_is(scenario):
    now = (await get(scenario.breaks(), "/v1/surfaces/acme-api")).json()
    assert (now["condition"], now["verdict"], now["instead"]) == ("partial_outage", "fail_over", "globex-api")


async def test_the_surfaces_of_one_provider_are_listed(scenario):
    items = (await get(scenario, "/v1/surfaces", provider="Globex")).json()["items"]
    assert [s["id"] for s in items] == ["globex-api"]


async def test_an_unknown_provider_is_answered_with_the_choice(scenario):
    answer = await get(scenario, "/v1/surfaces", provider="acne")
    assert (answer.status_code, "acme, globex" in answer.json()["detail"]) == (404, True)


# --- incidents --------------------------------------------------------------------------------------------------------


async def test_incidents_have_both_times(scenario):
    scenario.poll_page()
    scenario.minute = 12
    scenario.show((10, "investigating", "We see errors.", RED))
    scenario.poll_page()
    [one] = (await get(scenario, "/v1/incidents")).json()["items"]
    assert (one["posted_at"], one["seen_at"]) == ("2026-03-02T11:10:00Z", "2026-03-02T11:12:00Z")


@pytest.fixture
def crowd(scenario):
    """A page with 51 incidents: one more than a page of a list."""
    scenario.shown = [incident((n, "investigating", "Errors.", RED), identity=f"i-{n}") for n in range(51)]
    scenario.minute = 60
    scenario.poll_page()
    return scenario


async def test_a_list_ends_its_page_and_names_the_next(crowd):
    first = (await get(crowd, "/v1/incidents")).json()
    assert (len(first["items"]), first["next"], first["items"][0]["id"]) == (50, 2, "i-50")


async def test_the_last_page_names_no_next(crowd):
    last = (await get(crowd, "/v1/incidents", page=2)).json()
    assert ([i["id"] for i in last["items"]], last["next"]) == (["i-0"], None)


async def test_a_page_beyond_the_end_is_empty(crowd):
    assert (await get(crowd, "/v1/incidents", page=9)).json() == {"items": [], "page": 9, "next": None}


@pytest.mark.parametrize(("count", "following"), [(0, None), (50, None), (51, 2), (120, 2)])
def test_a_list_at_hand_is_paged_likewise(count, following):
    assert schemas.paginate(range(count), 1).next == following


async def test_incidents_of_a_surface_are_listed(scenario):
    assert (await get(scenario.breaks(), "/v1/incidents", surface="acme-web")).json()["items"] == []


async def test_an_incident_has_the_vendor_s_words(scenario):
    assert (await get(scenario.breaks(), "/v1/incidents/i-1")).json()["updates"][0]["body"] == "We see errors."


async def test_an_incident_whose_id_is_an_address_is_found(scenario):
    scenario.shown = [incident((1, "investigating", "Errors.", RED), identity="https://acme.example/i?n=1#x")]
    scenario.poll_page(until=2)
    answer = await get(scenario, "/v1/incidents/https%3A%2F%2Facme.example%2Fi%3Fn=1%23x/timeline")
    assert answer.json()["items"][0]["kind"] == "incident_opened"


async def test_the_timeline_has_the_verdicts(scenario):
    steps = (await get(scenario.recovers(), "/v1/incidents/last/timeline")).json()["items"]
    assert [s["verdict"] for s in steps if s["kind"] == "verdict_changed"][-1] == "retry_gently"


# --- health -----------------------------------------------------------------------------------------------------------


async def test_the_process_lives(scenario):
    answer = await get(scenario, "/healthz")
    assert (answer.headers["content-type"], answer.json()["status"]) == ("application/health+json", "pass")


async def test_it_is_ready_where_nothing_is_wrong(scenario):
    assert (await get(scenario, "/readyz")).status_code == 200


async def test_it_is_not_ready_and_says_why(scenario):
    answer = await get(scenario, "/readyz", wrong={"slack": "not connected"})
    body = answer.json()
    assert (answer.status_code, body["status"], body["notes"]) == (503, "fail", ["slack: not connected"])


async def test_a_vendor_s_page_alone_is_a_note(scenario):
    answer = await get(scenario, "/readyz", warnings={"acme": "not checked yet"})
    body = answer.json()
    assert (answer.status_code, body["status"], body["notes"]) == (200, "warn", ["acme: not checked yet"])


async def test_a_bot_that_polls_is_the_leader(scenario):
    assert (await get(scenario, "/readyz")).json()["role"] == "leader"


async def test_a_bot_that_follows_another_one_says_so_and_is_ready(scenario):
    answer = await get(scenario, "/readyz", running=Runtime([], role=BotRole.FOLLOWER))
    assert (answer.status_code, answer.json()["role"]) == (200, "follower")


def test_a_source_read_within_three_intervals_is_ready(scenario):
    scenario.poll_page()
    scenario.minute += 3
    assert stale_sources(scenario.queries().snapshot(), scenario.now(), timedelta(seconds=60)) == {}


def test_a_source_not_read_for_three_intervals_is_named(scenario):
    scenario.poll_page()
    scenario.minute += 3.1
    assert stale_sources(scenario.queries().snapshot(), scenario.now(), timedelta(seconds=60)).keys() == {
        "acme",
        "globex",
    }


def test_a_source_never_read_is_named(scenario):
    assert (
        stale_sources(scenario.queries().snapshot(), scenario.now(), timedelta(seconds=60))["acme"] == "not checked yet"
    )


async def test_slack_that_is_not_wanted_is_not_missed():
    assert await SlackStatus().disconnected_reason() is None


async def test_slack_that_is_wanted_is_missed_until_it_is_there():
    assert await SlackStatus(is_wanted=True).disconnected_reason() == "not connected"


@pytest.mark.parametrize(("is_up", "why"), [(True, None), (False, "not connected")])
async def test_slack_is_asked_whether_it_is_there(is_up, why):
    async def ask():
        return is_up

    assert await SlackStatus(ask, is_wanted=True).disconnected_reason() == why


# --- odd questions ----------------------------------------------------------------------------------------------------

ODD = [
    "/v1/surfaces/%ff%00/retry",
    "/v1/surfaces/acme-api/retry?client=" + "x" * 201,
    "/v1/surfaces/" + "x" * 5000,
    "/v1/surfaces?page=0",
    "/v1/surfaces?page=99999999999999999999",
    "/v1/incidents?page=-1",
    "/v1/incidents?page=1e9",
    "/v1/incidents?provider=%00",
    "/v1/incidents?surface=" + "%F0%9F%98%80" * 60,
    "/v1/incidents/'; DROP TABLE events --",
    "/v1/incidents/" + "x" * 5000 + "/timeline",
    "/v1/surfaces/%2e%2e%2f%2e%2e/retry",
    "/incidents/%3Cscript%3E",
    "/static/..%2fpages.py",
    "/static/board.css/..",
    "/redoc",
]


@pytest.mark.hostile(
    53, "page 10^20, 5,000 letters of surface, NUL, bytes that are no text", "a 4xx in JSON; never a 500"
)
@pytest.mark.parametrize("path", ODD)
async def test_an_odd_question_is_the_asker_s_mistake(scenario, path):
    assert 400 <= (await get(scenario.breaks(), path)).status_code < 500


@pytest.mark.parametrize("client", ["\x00", "\udcff".encode("utf-8", "surrogatepass"), "ü" * 200, "\u202e", ""])
async def test_an_odd_client_has_a_slot_too(scenario, client):
    assert (await retry(scenario.recovers(), client=client)).status_code in (200, 429)


@pytest.mark.hostile(53)
@given(st.text(max_size=300), st.text(max_size=300))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_text_makes_it_fail(scenario, typed, client):
    path = quote(typed, safe="", errors="replace")
    answer = await get(scenario, f"/v1/surfaces/{path}/retry?client={quote(client, errors='replace')}")
    assert answer.status_code < 500 or answer.json()["verdict"] == "unknown"


async def test_a_database_that_can_t_be_read_is_no_500(scenario):
    scenario.poll_page()
    queries = web(scenario)
    scenario.repository.path.unlink()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=queries), base_url="http://board") as client:
        answer = await client.get("/v1/incidents")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")


# --- what HTTP itself asks --------------------------------------------------------------------------------------------


async def ask(scenario, method, path):
    transport = httpx.ASGITransport(app=web(scenario))
    async with httpx.AsyncClient(transport=transport, base_url="http://board") as client:
        return await client.request(method, path)


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/metrics", "/v1/surfaces", "/v1/surfaces/acme-api/retry", "/"]
)
async def test_head_is_answered_as_get_without_the_body(scenario, path):
    got, headed = await ask(scenario.breaks(), "GET", path), await ask(scenario, "HEAD", path)
    assert (headed.status_code, headed.content) == (got.status_code, b"")
    assert headed.headers["content-type"] == got.headers["content-type"]


async def test_the_stream_of_the_board_has_no_head(scenario):
    assert (await ask(scenario, "HEAD", "/events")).status_code == 405


async def test_a_wrong_method_is_told_the_right_one(scenario):
    answer = await ask(scenario, "POST", "/v1/surfaces")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert answer.json()["detail"] == "POST does not work here: /v1/surfaces takes GET"


async def test_an_address_that_leads_nowhere_is_told_where_the_list_is(scenario):
    answer = await ask(scenario, "GET", "/v1/surface")
    assert (answer.status_code, "/openapi.json lists" in answer.json()["detail"]) == (404, True)


async def test_an_unknown_incident_is_told_where_incidents_are(scenario):
    answer = (await ask(scenario.breaks(), "GET", "/v1/incidents/nope/timeline")).json()
    assert answer["detail"].startswith("No incident “nope”.")
    assert answer["see"] == "/v1/incidents"


# --- what it says of itself -------------------------------------------------------------------------------------------


async def test_the_gate_s_three_answers_are_documented_with_examples(scenario):
    paths = (await get(scenario, "/openapi.json")).json()["paths"]
    answers = paths["/v1/surfaces/{surface}/retry"]["get"]["responses"]
    assert all("example" in answers[status]["content"]["application/json"] for status in ("200", "429", "503"))


async def test_every_refusal_for_a_name_is_documented(scenario):
    paths = (await get(scenario, "/openapi.json")).json()["paths"]
    named = {path for path, how in paths.items() if how.get("get", {}).get("parameters")} - {"/v1/sources"}
    assert [path for path in named if "404" not in paths[path]["get"]["responses"]] == []


async def test_health_is_documented_with_its_own_media_type(scenario):
    paths = (await get(scenario, "/openapi.json")).json()["paths"]
    kinds = [list(paths["/readyz"]["get"]["responses"][status]["content"]) for status in ("200", "503")]
    assert kinds == [["application/health+json"]] * 2


async def test_the_board_is_no_part_of_the_api(scenario):
    paths = (await get(scenario, "/openapi.json")).json()["paths"]
    assert "/" not in paths


def test_every_endpoint_runs_in_the_bot_s_own_loop(scenario):
    routes = [r for r in web(scenario).routes if hasattr(r, "dependant")]
    assert [r.path for r in routes if not inspect.iscoroutinefunction(r.endpoint)] == []


async def test_prometheus_is_answered(scenario):
    scenario.poll_page()
    answer = await get(scenario, "/metrics")
    assert (answer.status_code, answer.headers["content-type"].startswith("text/plain")) == (200, True)
