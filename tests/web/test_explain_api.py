"""``POST /v1/explain``: an error explained over HTTP, and what is refused."""

import asyncio

import httpx
import pytest

from bot.web.access import ReaderAccess
from bot.web.app import web_app
from tests.support.readiness import always_ready

pytestmark = pytest.mark.anyio

BODY = {"error": "529 overloaded_error", "service": "acme-api"}


async def post(scenario, path="/v1/explain", access=None, token=None, **how):
    app = web_app(scenario.queries(), always_ready, asyncio.Event(), **({"access": access} if access else {}))
    headers = how.pop("headers", {}) | ({"authorization": f"Bearer {token}"} if token else {})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1") as client:
        return await client.post(path, headers=headers, **(how or {"json": BODY}))


async def test_an_error_is_explained(scenario):
    found = (await post(scenario.breaks())).json()
    assert (found["side"], found["retry"], found["instead"]) == ("provider", "later", "globex-api")


async def test_a_service_that_is_not_there_is_a_404_with_the_closest(scenario):
    found = await post(scenario, json=BODY | {"service": "acme-ipa"})
    assert (found.status_code, "acme-ipa" in found.json()["detail"]) == (404, True)


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({"json": {}}, 422),
        ({"json": {"error": "529", "more": 1}}, 422),
        ({"json": {"error": 529}}, 422),
        ({"content": "error=529", "headers": {"content-type": "application/x-www-form-urlencoded"}}, 415),
        ({"json": {"error": "x" * 70_000}}, 413),
        ({"content": "{", "headers": {"content-type": "application/json"}}, 422),
    ],
    ids=["empty", "more", "number", "form", "large", "half"],
)
async def test_garbage_is_refused(scenario, how, status):
    assert (await post(scenario, **how)).status_code == status


async def test_it_is_a_question_and_not_open_where_the_bot_is_not_public(scenario):
    secret = scenario.repository.api_tokens.create("shop", ("outcomes",), scenario.now())
    closed = ReaderAccess(is_open=False)
    found = [await post(scenario, access=closed, token=token) for token in (None, "wrong", secret)]
    assert [answer.status_code for answer in found] == [401, 401, 200]


async def test_a_slash_at_the_end_is_no_way_around_the_check(scenario):
    assert (await post(scenario, "/v1/explain/", access=ReaderAccess(is_open=False))).status_code == 401
