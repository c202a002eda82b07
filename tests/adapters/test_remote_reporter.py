"""Outpost against a bot on loopback that answers in every way; what it sends is what the bot's own server reads."""

import socket
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from aiohttp import web

from bot.adapters.remote_reporter import RemoteReporter
from bot.domain import ProbeResult
from bot.errors import DeliveryError
from bot.web.evidence_schemas import ProbeIn
from tests.support.loopback import serving_app

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
RESULT = ProbeResult("acme-api", NOW, ok=False, vantage="paris", why="x" * 900, status=500, took_ms=12.5)


@asynccontextmanager
async def bot(status=200, answer='{"taken": 1, "left": []}', **headers):
    asked = []

    async def take(request):
        asked.append((request.headers.get("authorization"), request.path, await request.json()))
        return web.Response(status=status, text=answer, headers=headers)

    async with serving_app(web.post("/{path:.*}", take)) as url:
        yield url, asked


async def refusal(status, answer="", **headers):
    async with bot(status, answer, **headers) as (url, _), RemoteReporter(url, "t") as outpost:
        with pytest.raises(DeliveryError) as caught:
            await outpost.send_results([RESULT])
    return caught.value


async def test_what_is_sent_fits_the_bot_s_interface():
    async with bot() as (url, asked), RemoteReporter(f"{url}/", "t-1") as outpost:
        assert await outpost.send_results([RESULT]) == ()
    [(token, path, [sent])] = asked
    assert (token, path) == ("Bearer t-1", "/v1/probes")
    assert ProbeIn.model_validate(sent).to_domain(NOW).status == 500


async def test_what_was_left_is_handed_back():
    answer = '{"taken": 0, "left": [{"index": 0, "surface": "acme-api", "why": "too \\u001b[31m old"}]}'
    async with bot(200, answer) as (url, _), RemoteReporter(url, "t") as outpost:
        assert await outpost.send_results([RESULT]) == ("acme-api: too [31m old",)


@pytest.mark.parametrize(
    ("status", "is_permanent"),
    [*((s, False) for s in (302, 401, 403, 404, 421, 429, 500, 503)), *((s, True) for s in (400, 413, 422))],
)
async def test_a_refusal_is_final_only_where_what_was_sent_is_wrong(status, is_permanent):
    assert (await refusal(status)).permanent is is_permanent


async def test_a_refusal_is_told_in_the_bot_s_words():
    assert str(await refusal(401, '{"detail": "this token is not known here"}')) == (
        "it answered 401: this token is not known here"
    )


async def test_several_mistakes_are_told_in_one_line():
    answer = '{"detail": [{"msg": "one"}, {"msg": "two"}]}'
    assert str(await refusal(422, answer)) == "it answered 422: one; two"


@pytest.mark.parametrize("answer", ["", "<html>", "[]", '{"detail": null}', "\x00"])
async def test_what_is_no_bot_is_said(answer):
    assert str(await refusal(500, answer)) == "it answered 500, and is perhaps no Brownout"


async def test_a_wait_that_is_asked_for_is_known():
    assert (await refusal(429, **{"Retry-After": "7"})).retry_after == 7


async def test_a_bot_that_is_away_is_said():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        async with RemoteReporter(f"http://127.0.0.1:{sock.getsockname()[1]}", "t") as outpost:
            with pytest.raises(DeliveryError, match="it can't be reached"):
                await outpost.send_results([RESULT])
