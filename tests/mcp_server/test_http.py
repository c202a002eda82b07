"""The MCP server over HTTP: the SDK's own client, and rude ones, against the bot's web server on loopback."""

import asyncio
import json
from contextlib import asynccontextmanager

import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.rules.failures.error_texts import ERRORS
from tests.support.live_bot import LiveBot

pytestmark = pytest.mark.anyio

READERS = ["explain_failure", "incident_summary", "retry_verdict", "status"]
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
ACCEPT = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-06-18"}


@pytest.fixture
def live_bot(tmp_path):
    """Starts bots by the name of a story; all end with the test."""
    bots = []

    def start(story="well", **options):
        bots.append(LiveBot(tmp_path / f"{len(bots)}.db", story, is_mcp=True, **options).__enter__())
        return bots[-1]

    yield start
    for bot in bots:
        bot.__exit__()


@asynccontextmanager
async def agent(bot, token=None):
    headers = {"authorization": f"Bearer {token}"} if token else {}
    async with (
        httpx2.AsyncClient(headers=headers) as http,
        Client(streamable_http_client(f"{bot.url}/mcp", http_client=http)) as client,
    ):
        yield client


async def call(bot, tool, token=None, **arguments):
    async with agent(bot, token) as client:
        return await client.call_tool(tool, arguments)


def post(bot, body=LIST, **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"content-type": "application/json"} | ACCEPT | headers
    return httpx.post(f"{bot.url}/mcp", content=content, headers=headers, timeout=20)


async def test_without_a_token_the_tools_only_read(live_bot):
    async with agent(live_bot()) as client:
        tools = (await client.list_tools()).tools
    assert sorted(tool.name for tool in tools) == READERS
    assert all(tool.annotations.read_only_hint for tool in tools)


async def test_a_token_for_outcomes_may_report(live_bot):
    bot = live_bot()
    async with agent(bot, bot.token) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert sorted(tools) == sorted([*READERS, "report_outcome"])
    assert tools["report_outcome"].annotations.read_only_hint is False


@pytest.mark.parametrize("kind", ["reports", "read"])
async def test_another_token_reads(live_bot, kind):
    bot = live_bot()
    async with agent(bot, bot.tokens[kind]) as client:
        assert sorted(tool.name for tool in (await client.list_tools()).tools) == READERS


async def test_the_verdict_is_that_of_the_api(live_bot):
    bot = live_bot("breaks")
    found = (await call(bot, "retry_verdict", surface="acme-api")).structured_content
    form = (await asyncio.to_thread(httpx.get, f"{bot.url}/v1/surfaces/acme-api/retry")).json()
    assert (found["verdict"], found["reason"]) == (form["verdict"], form["reason"])


async def test_a_failure_is_explained(live_bot):
    found = (await call(live_bot("breaks"), "explain_failure", error="529", service="acme-api")).structured_content
    assert (found["side"], found["retry"], found["instead"]) == ("provider", "later", "globex-api")


async def test_every_error_text_is_explained_as_the_table_says(live_bot):
    async with agent(live_bot()) as client:
        for name, text, service, kind, side, status, _ in ERRORS:
            found = (await client.call_tool("explain_failure", {"error": text})).structured_content
            assert (name, found["service"], found["kind"], found["side"], found["status"]) == (
                name,
                service,
                kind,
                side,
                status,
            )


async def test_a_huge_error_text_is_explained(live_bot):
    """60,000 characters fit into a request."""
    error = f"{'x' * 60_000} Error code: 529 overloaded_error"
    assert (await call(live_bot(), "explain_failure", error=error)).structured_content["kind"] == "overloaded"


async def test_a_service_that_is_not_there_is_an_error_of_the_tool(live_bot):
    found = await call(live_bot(), "explain_failure", error="529", service="acme-ipa")
    assert (found.is_error, "acme-ipa" in found.content[0].text) == (True, True)


async def test_a_report_is_evidence_of_the_token(live_bot):
    bot = live_bot()
    errors = {"529": 4, "timeout": 1}
    found = await call(bot, "report_outcome", bot.token, service="acme-api", ok=3, errors=errors, seconds=120)
    assert found.structured_content == {"service": "acme-api", "ok": 3, "failed": 5}
    [seen] = bot.evidence.seen
    assert (seen.surface, seen.ok, dict(seen.errors), seen.writer) == ("acme-api", 3, errors, "shop")
    assert (seen.until - seen.since).total_seconds() == 120


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"service": "acme-ipa", "ok": 1}, "acme-ipa"),
        ({"service": "acme-api"}, "Nothing was counted"),
        ({"service": "acme-api", "ok": -1}, "greater than or equal to 0"),
        ({"service": "acme-api", "errors": {"nonsense": 1}}, "String should match"),
        ({"service": "acme-api", "ok": 1, "seconds": 100_000}, "less than or equal to"),
    ],
    ids=str,
)
async def test_a_wrong_report_is_refused(live_bot, arguments, said):
    bot = live_bot()
    found = await call(bot, "report_outcome", bot.token, **arguments)
    assert (found.is_error, said in found.content[0].text, bot.evidence.seen) == (True, True, [])


async def test_too_many_reports_are_refused(live_bot):
    bot = live_bot(burst=2)
    async with agent(bot, bot.token) as client:
        answers = [await client.call_tool("report_outcome", {"service": "acme-api", "ok": 1}) for _ in range(4)]
    assert [answer.is_error for answer in answers][-1]
    assert "Too many reports" in answers[-1].content[0].text


async def test_a_reader_can_not_call_the_tool_that_writes(live_bot):
    bot = live_bot()
    call_it = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    call_it["params"] = {"name": "report_outcome", "arguments": {"service": "acme-api", "ok": 1}}
    found = (await asyncio.to_thread(post, bot, call_it)).json()
    assert ("error" in found or found["result"]["isError"], bot.evidence.seen) == (True, [])


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer", "bearer brownout_x"])
async def test_a_token_that_is_not_known_is_refused(live_bot, header):
    found = await asyncio.to_thread(post, live_bot(), authorization=header)
    assert (found.status_code, found.headers["www-authenticate"]) == (401, "Bearer")


async def test_a_bot_that_is_not_public_takes_a_token_of_any_kind(live_bot):
    bot = live_bot(public=False)
    assert (await asyncio.to_thread(post, bot)).status_code == 401
    for token in (bot.token, *bot.tokens.values()):
        found = await asyncio.to_thread(post, bot, authorization=f"Bearer {token}")
        assert found.status_code == 200


async def test_a_page_of_another_site_is_refused(live_bot):
    bot = live_bot()
    found = await asyncio.to_thread(post, bot, origin="http://evil.example")
    assert found.status_code == 403
    assert (await asyncio.to_thread(post, bot, origin=bot.url)).status_code == 200


async def test_another_host_name_is_refused(live_bot):
    assert (await asyncio.to_thread(post, live_bot(), host="evil.example")).status_code == 421


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
async def test_there_are_no_sessions_and_no_streams(live_bot, method):
    found = await asyncio.to_thread(httpx.request, method, f"{live_bot().url}/mcp", headers=ACCEPT)
    assert (found.status_code, found.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"{", 400), (b"[]", 400), (b"\xff\xfe", 400), (b"x" * 70_000, 413)],
    ids=["empty", "half", "list", "bytes", "large"],
)
async def test_garbage_is_refused(live_bot, body, status):
    assert (await asyncio.to_thread(post, live_bot(), body)).status_code == status


async def test_many_agents_at_once_are_all_answered(live_bot):
    bot = live_bot("breaks")
    answers = await asyncio.gather(*(call(bot, "explain_failure", error="529", service="acme-api") for _ in range(20)))
    assert [answer.structured_content["retry"] for answer in answers] == ["later"] * 20
