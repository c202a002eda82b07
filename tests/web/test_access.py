"""A board that is not public: who may read it, and what stays open."""

import asyncio
import base64

import httpx
import pytest

from bot.web.access import ReaderAccess
from bot.web.app import Readiness, web_app

pytestmark = pytest.mark.anyio

CLOSED = ReaderAccess(is_open=False)
BY_PROXY = ReaderAccess(user_header="X-Forwarded-User", trusted_proxies=("10.0.0.0/8",))


async def get(scenario, path, access, headers=None, *, peer="127.0.0.1", method="GET"):
    async def readiness():
        return Readiness()

    app = web_app(scenario.queries(), readiness, asyncio.Event(), hosts=["board"], access=access)
    transport = httpx.ASGITransport(app=app, client=(peer, 40000))
    async with httpx.AsyncClient(transport=transport, base_url="http://board") as client:
        return await client.request(method, path, headers=headers)


def token_for(scenario, kind):
    return scenario.repository.api_tokens.create("reader", (kind,), scenario.now())


def basic(secret):
    return {"Authorization": "Basic " + base64.b64encode(f"anybody:{secret}".encode()).decode()}


@pytest.mark.parametrize(
    "path", ["/", "/incidents", "/sources", "/docs", "/v1/surfaces", "/metrics", "/feeds/all.atom", "/events"]
)
async def test_a_reader_without_a_token_gets_401(scenario, path):
    assert (await get(scenario, path, CLOSED)).status_code == 401


async def test_the_refusal_says_how_to_get_a_token(scenario):
    assert "brownout token create NAME --for read" in (await get(scenario, "/", CLOSED)).json()["detail"]


async def test_a_browser_is_asked_for_the_token(scenario):
    assert (await get(scenario, "/", CLOSED)).headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize("path", ["/", "/v1/surfaces", "/metrics"])
async def test_a_read_token_opens_everything(scenario, path):
    bearer = {"Authorization": f"Bearer {token_for(scenario, 'read')}"}
    assert (await get(scenario, path, CLOSED, bearer)).status_code == 200


async def test_a_browser_sends_the_token_as_a_password(scenario):
    assert (await get(scenario, "/", CLOSED, basic(token_for(scenario, "read")))).status_code == 200


async def test_an_evidence_token_reads_the_gate_before_a_retry(scenario):
    scenario.poll_page(until=20)
    bearer = {"Authorization": f"Bearer {token_for(scenario, 'outcomes')}"}
    assert (await get(scenario, "/v1/surfaces/acme-api/retry", CLOSED, bearer)).status_code == 200


async def test_an_evidence_token_does_not_read_the_board(scenario):
    bearer = {"Authorization": f"Bearer {token_for(scenario, 'outcomes')}"}
    assert (await get(scenario, "/", CLOSED, bearer)).status_code == 401


async def test_a_revoked_token_reads_nothing(scenario):
    bearer = {"Authorization": f"Bearer {token_for(scenario, 'read')}"}
    scenario.repository.api_tokens.revoke("reader")
    assert (await get(scenario, "/", CLOSED, bearer)).status_code == 401


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Basic %%%", "Basic /w==", "Digest x", "Bearer brownout_", "Basic " + "A" * 9000]
)
async def test_an_odd_authorization_header_reads_nothing(scenario, header):
    assert (await get(scenario, "/", CLOSED, {"Authorization": header})).status_code == 401


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/static/board.css"])
async def test_health_checks_and_static_files_stay_open(scenario, path):
    assert (await get(scenario, path, CLOSED)).status_code == 200


@pytest.mark.parametrize(
    "path", ["//", "/./", "/%2e/", "/static/../v1/surfaces", "/healthz/../v1/surfaces", "/slack/../"]
)
async def test_an_odd_path_does_not_lead_around_the_check(scenario, path):
    assert (await get(scenario, path, CLOSED)).status_code in (401, 404)


async def test_the_proxys_user_reads_without_a_token(scenario):
    assert (await get(scenario, "/", BY_PROXY, {"X-Forwarded-User": "dana"}, peer="10.1.2.3")).status_code == 200


async def test_a_stranger_who_writes_the_header_himself_reads_nothing(scenario):
    assert (await get(scenario, "/", BY_PROXY, {"X-Forwarded-User": "dana"}, peer="192.0.2.7")).status_code == 401


async def test_a_stranger_cannot_pretend_to_come_from_the_proxy(scenario):
    forged = {"X-Forwarded-User": "dana", "X-Forwarded-For": "10.1.2.3"}
    assert (await get(scenario, "/", BY_PROXY, forged, peer="192.0.2.7")).status_code == 401


async def test_the_proxy_without_a_user_reads_nothing(scenario):
    assert (await get(scenario, "/", BY_PROXY, {"X-Forwarded-User": " "}, peer="10.1.2.3")).status_code == 401


async def test_a_program_with_a_token_needs_no_proxy(scenario):
    bearer = {"Authorization": f"Bearer {token_for(scenario, 'read')}"}
    assert (await get(scenario, "/metrics", BY_PROXY, bearer, peer="192.0.2.7")).status_code == 200


async def test_head_is_refused_as_get_is(scenario):
    assert (await get(scenario, "/", CLOSED, method="HEAD")).status_code == 401


async def test_a_public_board_asks_nobody(scenario):
    assert (await get(scenario, "/", ReaderAccess())).status_code == 200


async def test_a_proxy_over_ipv4_is_known_on_a_socket_of_both_kinds(scenario):
    assert (await get(scenario, "/", BY_PROXY, {"X-Forwarded-User": "dana"}, peer="::ffff:10.1.2.3")).status_code == 200


async def test_a_stranger_over_ipv4_is_none_on_a_socket_of_both_kinds(scenario):
    assert (
        await get(scenario, "/", BY_PROXY, {"X-Forwarded-User": "dana"}, peer="::ffff:192.0.2.7")
    ).status_code == 401
