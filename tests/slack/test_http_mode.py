"""HTTP mode: what Slack sends is acknowledged at once, and answered; through the whole web app."""

import asyncio
import json
import logging
from urllib.parse import urlencode

import pytest
from aiohttp import web

from bot.commands.types import CommandResponse
from bot.domain import Message
from bot.errors import DeliveryError
from bot.queries.slack_status import SlackStatus
from bot.slack import http_mode
from bot.slack.conversations import register_conversations
from bot.slack.credentials import SlackTokens, TokenSource
from bot.slack.http_mode import JSON_TYPE, PATH
from tests.support.loopback import serving_app
from tests.support.signed_requests import NOON, SECRET, signed_endpoint

pytestmark = pytest.mark.anyio


@pytest.fixture
async def web_server(tmp_path):
    async with signed_endpoint(tmp_path / "b.db") as web_server:
        yield web_server


async def test_a_command_is_acknowledged_with_nothing_that_shows(web_server):
    answer = await web_server.type("status")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_a_command_is_answered_at_its_response_url(web_server):
    await web_server.type("retry claude-api")
    assert [a["text"] for a in web_server.slack.answers] == ["you typed retry claude-api"]


async def test_a_command_is_acknowledged_before_the_work_begins(web_server):
    await web_server.client.post(PATH, content=(body := web_server.command()), headers=web_server.headers(body))
    assert web_server.heard == []
    await web_server.settled()
    assert web_server.heard == ["status"]


async def test_commands_are_begun_in_the_order_in_which_they_came(web_server):
    await web_server.type("first")
    bodies = [web_server.command(str(n)) for n in range(16)]
    await asyncio.gather(*(web_server.client.post(PATH, content=b, headers=web_server.headers(b)) for b in bodies))
    await web_server.settled()
    assert web_server.heard == ["first", *(str(n) for n in range(16))]


async def test_a_modal_is_answered_in_the_acknowledgement(web_server):
    view = {"id": "V1", "callback_id": "settings", "type": "modal", "state": {"values": {}}}
    payload = {"type": "view_submission", "team": {"id": "T1"}, "user": {"id": "U1"}, "view": view}
    answer = await web_server.post(urlencode({"payload": json.dumps(payload)}).encode())
    assert answer.json() == {"response_action": "errors", "errors": {"b": "no"}}


async def test_a_modal_that_another_bot_has_handled_is_not_handled_again(web_server):
    async def is_old(_):
        return False

    web_server.web_server.is_new_elsewhere = is_old
    view = {"id": "V1", "callback_id": "settings", "type": "modal", "state": {"values": {}}}
    payload = {"type": "view_submission", "team": {"id": "T1"}, "user": {"id": "U1"}, "view": view}
    answer = await web_server.post(urlencode({"payload": json.dumps(payload)}).encode())
    assert (answer.status_code, answer.content) == (200, b"")


async def test_an_event_is_heard(web_server):
    await web_server.event("Ev1")
    assert web_server.heard == ["Ev1"]


async def test_a_mention_is_answered_once_however_often_slack_sends_it(web_server):
    asked = []

    async def answer(typed):
        asked.append((typed.text, typed.channel, typed.person.id))
        return CommandResponse(Message("ok"))

    register_conversations(web_server.web_server.bolt, answer, web_server.now)
    mention = {"type": "app_mention", "text": "<@UBOT> is claude down?", "channel": "C1", "user": "U1"}
    for event_id in ("Ev1", "Ev1", "Ev2"):
        await web_server.event(event_id, event=mention | {"ts": f"{NOON.timestamp():.0f}.000100"})
    assert asked == [("is claude down?", "C1", "U1")]


async def test_slacks_challenge_is_given_back(web_server):
    answer = await web_server.post(
        json.dumps({"type": "url_verification", "challenge": "abc"}).encode(), kind=JSON_TYPE
    )
    assert answer.json() == {"challenge": "abc"}


async def test_a_public_name_in_front_of_the_bot_is_no_reason_to_refuse(web_server):
    answer = await web_server.type("status", host="brownout.example.com")
    assert (answer.status_code, web_server.heard) == (200, ["status"])


async def test_a_proxy_may_say_where_a_request_came_from(web_server):
    answer = await web_server.type(
        "status", **{"x-forwarded-for": "1.2.3.4", "x-forwarded-host": "brownout.example.com"}
    )
    assert answer.status_code == 200


async def test_more_than_can_be_done_is_refused_and_not_piled_up(web_server):
    web_server.web_server.most = 0
    assert ((await web_server.type()).status_code, web_server.heard) == (503, [])


async def test_what_was_refused_for_want_of_room_may_come_again(web_server):
    body = web_server.command("status")
    for web_server.web_server.most in (0, 10):
        await web_server.post(body)
    assert web_server.heard == ["status"]


async def burst(web_server, bodies):
    """Posts these bodies all at once; the status of each answer."""
    requests = (web_server.client.post(PATH, content=body, headers=web_server.headers(body)) for body in bodies)
    return [answer.status_code for answer in await asyncio.gather(*requests)]


async def test_of_a_burst_of_commands_some_of_them_twice_each_is_answered_once(web_server):
    bodies = [web_server.command(f"word {n}", trigger_id=f"t{n}") for n in range(300)]
    statuses = await burst(
        web_server, [b for n, body in enumerate(bodies) for b in ([body] * 2 if n % 3 == 0 else [body])]
    )
    await web_server.settled(patience_s=60)
    assert set(statuses) == {200}
    assert sorted(a["text"] for a in web_server.slack.answers) == sorted(f"you typed word {n}" for n in range(300))


async def test_what_slack_repeats_with_another_signature_is_answered_once(web_server):
    first, again = (
        web_server.command("status", trigger_id="t1"),
        web_server.command("status", trigger_id="t1", retry="1"),
    )
    assert await burst(web_server, [first, again]) == [200, 200]
    await web_server.settled()
    assert web_server.heard == ["status"]


async def test_what_a_burst_has_too_much_of_is_answered_when_slack_sends_it_again(web_server):
    web_server.web_server.most = 20
    bodies = [web_server.command(f"word {n}", trigger_id=f"t{n}") for n in range(60)]
    statuses = await burst(web_server, bodies)
    for _ in range(20):
        await web_server.settled(patience_s=60)
        refused = [body for body, status in zip(bodies, statuses, strict=True) if status == 503]
        bodies, statuses = refused, await burst(web_server, refused)
    assert sorted(web_server.heard) == sorted(f"word {n}" for n in range(60))


def source(token):
    return TokenSource({}, SlackTokens(token, signing=SECRET))


# --- is Slack there? --------------------------------------------------------------------------------------------------


async def soon(seen):
    async with asyncio.timeout(5):
        while not seen():  # noqa: ASYNC110  (what is seen has no event)
            await asyncio.sleep(0.01)


async def test_it_is_ready_once_slack_has_said_who_we_are(web_server, caplog):
    caplog.set_level(logging.INFO)
    link = SlackStatus(is_wanted=True)
    task = asyncio.create_task(http_mode.verify_until_answered(source("xoxb-1"), f"{web_server.url}/api/", link))
    assert await link.disconnected_reason() == "not connected"
    await soon(lambda: "ready for Slack at /slack/events" in caplog.text)
    assert (await link.disconnected_reason(), task.done()) == (None, False)
    task.cancel()


async def test_a_slack_that_is_away_is_told_once_and_asked_until_it_answers(caplog):
    waits = (0.01, 0.02)
    task = asyncio.create_task(
        http_mode.verify_until_answered(
            source("xoxb-1"), "http://127.0.0.1:9/api/", link := SlackStatus(is_wanted=True), waits_s=waits
        )
    )
    await soon(lambda: "can't verify the Slack token" in caplog.text)
    await asyncio.sleep(0.1)
    assert (len(caplog.records), "can't be reached" in await link.disconnected_reason()) == (1, True)
    task.cancel()


async def test_a_token_that_slack_refuses_ends_it_with_its_name():
    async def refuse(_):
        return web.json_response({"ok": False, "error": "invalid_auth"})

    async with serving_app(web.post("/api/auth.test", refuse)) as url:
        with pytest.raises(DeliveryError, match="Slack refuses SLACK_BOT_TOKEN") as caught:
            await http_mode.verify_until_answered(source("xoxb-secret"), f"{url}/api/", SlackStatus())
    assert (caught.value.permanent, "xoxb-secret" in str(caught.value)) == (True, False)


async def test_a_workspace_that_is_closed_for_now_is_waited_for():
    answers = iter(["org_login_required", "ekm_access_denied", ""])

    async def answer(_):
        error = next(answers)
        return web.json_response(
            {"ok": not error, "error": error} if error else {"ok": True, "url": "https://t.example"}
        )

    link = SlackStatus(is_wanted=True)
    async with serving_app(web.post("/api/auth.test", answer)) as url:
        waiting = http_mode.verify_until_answered(source("xoxb-1"), f"{url}/api/", link, waits_s=(0.01, 0.02))
        task = asyncio.create_task(waiting)
        await soon(lambda: link.is_up)
    task.cancel()
    assert await link.disconnected_reason() is None


def test_an_interfaces_repr_has_no_secret():
    assert SECRET not in repr(http_mode.SlackHttpHandler(None, SECRET, lambda: NOON))
