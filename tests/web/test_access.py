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


async def get(town, path, access, headers=None, *, peer="127.0.0.1", method="GET"):
    async def readiness():
        return Readiness()

    app = web_app(town.desk(), readiness, asyncio.Event(), hosts=["board"], access=access)
    transport = httpx.ASGITransport(app=app, client=(peer, 40000))
    async with httpx.AsyncClient(transport=transport, base_url="http://board") as client:
        return await client.request(method, path, headers=headers)


def token_for(town, kind):
    return town.book.api_tokens.create("reader", (kind,), town.now())


def basic(secret):
    return {"Authorization": "Basic " + base64.b64encode(f"anybody:{secret}".encode()).decode()}


@pytest.mark.parametrize(
    "path", ["/", "/incidents", "/sources", "/docs", "/v1/surfaces", "/metrics", "/feeds/all.atom", "/events"]
)
async def test_a_reader_without_a_token_gets_401(town, path):
    assert (await get(town, path, CLOSED)).status_code == 401


async def test_the_refusal_says_how_to_get_a_token(town):
    assert "brownout token create NAME --for read" in (await get(town, "/", CLOSED)).json()["detail"]


async def test_a_browser_is_asked_for_the_token(town):
    assert (await get(town, "/", CLOSED)).headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize("path", ["/", "/v1/surfaces", "/metrics"])
async def test_a_read_token_opens_everything(town, path):
    bearer = {"Authorization": f"Bearer {token_for(town, 'read')}"}
    assert (await get(town, path, CLOSED, bearer)).status_code == 200


async def test_a_browser_sends_the_token_as_a_password(town):
    assert (await get(town, "/", CLOSED, basic(token_for(town, "read")))).status_code == 200


async def test_an_evidence_token_reads_the_gate_before_a_retry(town):
    town.look(until=20)
    bearer = {"Authorization": f"Bearer {token_for(town, 'outcomes')}"}
    assert (await get(town, "/v1/surfaces/acme-api/retry", CLOSED, bearer)).status_code == 200


async def test_an_evidence_token_does_not_read_the_board(town):
    bearer = {"Authorization": f"Bearer {token_for(town, 'outcomes')}"}
    assert (await get(town, "/", CLOSED, bearer)).status_code == 401


async def test_a_revoked_token_reads_nothing(town):
    bearer = {"Authorization": f"Bearer {token_for(town, 'read')}"}
    town.book.api_tokens.revoke("reader")
    assert (await get(town, "/", CLOSED, bearer)).status_code == 401


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Basic %%%", "Basic /w==", "Digest x", "Bearer brownout_", "Basic " + "A" * 9000]
)
async def test_an_odd_authorization_header_reads_nothing(town, header):
    assert (await get(town, "/", CLOSED, {"Authorization": header})).status_code == 401


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/static/board.css"])
async def test_health_checks_and_static_files_stay_open(town, path):
    assert (await get(town, path, CLOSED)).status_code == 200


@pytest.mark.parametrize(
    "path", ["//", "/./", "/%2e/", "/static/../v1/surfaces", "/healthz/../v1/surfaces", "/slack/../"]
)
async def test_an_odd_path_does_not_lead_around_the_check(town, path):
    assert (await get(town, path, CLOSED)).status_code in (401, 404)


async def test_the_proxys_user_reads_without_a_token(town):
    assert (await get(town, "/", BY_PROXY, {"X-Forwarded-User": "dana"}, peer="10.1.2.3")).status_code == 200


async def test_a_stranger_who_writes_the_header_himself_reads_nothing(town):
    assert (await get(town, "/", BY_PROXY, {"X-Forwarded-User": "dana"}, peer="192.0.2.7")).status_code == 401


async def test_a_stranger_cannot_pretend_to_come_from_the_proxy(town):
    forged = {"X-Forwarded-User": "dana", "X-Forwarded-For": "10.1.2.3"}
    assert (await get(town, "/", BY_PROXY, forged, peer="192.0.2.7")).status_code == 401


async def test_the_proxy_without_a_user_reads_nothing(town):
    assert (await get(town, "/", BY_PROXY, {"X-Forwarded-User": " "}, peer="10.1.2.3")).status_code == 401


async def test_a_program_with_a_token_needs_no_proxy(town):
    bearer = {"Authorization": f"Bearer {token_for(town, 'read')}"}
    assert (await get(town, "/metrics", BY_PROXY, bearer, peer="192.0.2.7")).status_code == 200


async def test_head_is_refused_as_get_is(town):
    assert (await get(town, "/", CLOSED, method="HEAD")).status_code == 401


async def test_a_public_board_asks_nobody(town):
    assert (await get(town, "/", ReaderAccess())).status_code == 200


async def test_a_proxy_over_ipv4_is_known_on_a_socket_of_both_kinds(town):
    assert (await get(town, "/", BY_PROXY, {"X-Forwarded-User": "dana"}, peer="::ffff:10.1.2.3")).status_code == 200


async def test_a_stranger_over_ipv4_is_none_on_a_socket_of_both_kinds(town):
    assert (await get(town, "/", BY_PROXY, {"X-Forwarded-User": "dana"}, peer="::ffff:192.0.2.7")).status_code == 401
