"""One answer of a tracker on loopback: JSON with finite numbers, or a failure that says what was wrong."""

import pytest
from aiohttp import web

from bot.adapters.tracker_client import MAX_BYTES, TrackerClient
from bot.errors import SourceError
from tests.support.loopback import never_answer, serving_app

pytestmark = pytest.mark.anyio


async def read(answer, headers=(), within_s=5):
    requests = []

    async def handler(request):
        requests.append(request)
        found = answer()
        return await found if hasattr(found, "__await__") else found

    async with serving_app(web.get("/{path:.*}", handler)) as url, TrackerClient() as client:
        try:
            return await client.read(f"{url}/reports", dict(headers), within_s=within_s), requests
        except SourceError as error:
            return error, requests


def text(body, **more):
    return lambda: web.Response(text=body, content_type="application/json", **more)


async def test_an_answer_is_read_with_its_headers():
    found, [request] = await read(text('{"n": 1.5}'), {"Authorization": "Bearer k"})
    assert (found, request.headers["authorization"]) == ({"n": 1.5}, "Bearer k")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (text("<html>"), "bad_json"),
        (text("NaN"), "bad_json"),
        (text('{"n": Infinity}'), "bad_json"),
        (text('{"n": 1e999}'), "bad_json"),
        (text("[" * 50_000), "bad_json"),
        (text("x" * (MAX_BYTES + 1)), "too_large"),
        (lambda: web.Response(status=500), "http_500"),
        (lambda: web.Response(status=401), "http_401"),
        (lambda: web.Response(status=302, headers={"location": "/elsewhere"}), "http_302"),
    ],
    ids=["html", "NaN", "Infinity", "1e999", "deep", "long", "500", "401", "302"],
)
async def test_what_is_no_answer_is_a_failure(answer, code):
    error, requests = await read(answer)
    assert (error.code, len(requests)) == (code, 1)


async def test_a_server_that_hangs_is_left():
    error, _ = await read(never_answer, within_s=0.2)
    assert error.code == "timeout"


async def test_a_wait_that_is_asked_for_is_passed_on():
    error, _ = await read(lambda: web.Response(status=429, headers={"retry-after": "86400"}))
    assert error.retry_after == 86400


async def test_the_key_is_in_no_error():
    error, _ = await read(lambda: web.Response(status=403, text="bad key hunter2"), {"Authorization": "Bearer hunter2"})
    assert "hunter2" not in str(error)


@pytest.mark.parametrize(
    ("url", "headers"), [("http://127.0.0.1:99999/", {}), ("http://127.0.0.1:9/", {"X-Team": "Zürich"})]
)
async def test_an_address_or_header_that_no_request_can_have_is_unknown(url, headers):
    async with TrackerClient() as client:
        with pytest.raises(SourceError, match="a sign that can't be sent"):
            await client.read(url, headers, within_s=5)
