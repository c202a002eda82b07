"""HTTP mode: what Slack sends is acknowledged at once, and answered; through the whole web app."""

import asyncio
import json
import logging
from urllib.parse import urlencode

import pytest
from aiohttp import web

from bot.entry import slack_http
from bot.entry.link import Link
from bot.entry.slack_http import JSON, PATH
from bot.errors import DeliveryError
from tests.entry.signed import NOON, SECRET, slack_door

pytestmark = pytest.mark.anyio


@pytest.fixture
async def door(tmp_path):
    async with slack_door(tmp_path / "b.db") as door:
        yield door


async def test_a_command_is_acknowledged_with_nothing_that_shows(door):
    answer = await door.type("status")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_a_command_is_answered_at_its_response_url(door):
    await door.type("retry claude-api")
    assert [a["text"] for a in door.slack.answers] == ["you typed retry claude-api"]


async def test_a_command_is_acknowledged_before_the_work_begins(door):
    await door.client.post(PATH, content=(body := door.command()), headers=door.headers(body))
    assert door.heard == []
    await door.settled()
    assert door.heard == ["status"]


async def test_commands_are_begun_in_the_order_in_which_they_came(door):
    await door.type("first")
    bodies = [door.command(str(n)) for n in range(16)]
    await asyncio.gather(*(door.client.post(PATH, content=b, headers=door.headers(b)) for b in bodies))
    await door.settled()
    assert door.heard == ["first", *(str(n) for n in range(16))]


async def test_a_modal_is_answered_in_the_acknowledgement(door):
    view = {"id": "V1", "callback_id": "settings", "type": "modal", "state": {"values": {}}}
    payload = {"type": "view_submission", "team": {"id": "T1"}, "user": {"id": "U1"}, "view": view}
    answer = await door.post(urlencode({"payload": json.dumps(payload)}).encode())
    assert answer.json() == {"response_action": "errors", "errors": {"b": "no"}}


async def test_an_event_is_heard(door):
    await door.event("Ev1")
    assert door.heard == ["Ev1"]


async def test_slacks_challenge_is_given_back(door):
    answer = await door.post(json.dumps({"type": "url_verification", "challenge": "abc"}).encode(), kind=JSON)
    assert answer.json() == {"challenge": "abc"}


async def test_a_public_name_in_front_of_the_bot_is_no_reason_to_refuse(door):
    answer = await door.type("status", host="brownout.example.com")
    assert (answer.status_code, door.heard) == (200, ["status"])


async def test_a_proxy_may_say_where_a_request_came_from(door):
    answer = await door.type("status", **{"x-forwarded-for": "1.2.3.4", "x-forwarded-host": "brownout.example.com"})
    assert answer.status_code == 200


async def test_more_than_can_be_done_is_refused_and_not_piled_up(door):
    door.door.most = 0
    assert ((await door.type()).status_code, door.heard) == (503, [])


async def test_what_was_refused_for_want_of_room_may_come_again(door):
    body = door.command("status")
    for door.door.most in (0, 10):
        await door.post(body)
    assert door.heard == ["status"]


# --- is Slack there? --------------------------------------------------------------------------------------------------


async def soon(seen):
    async with asyncio.timeout(5):
        while not seen():  # noqa: ASYNC110  (what is seen has no event)
            await asyncio.sleep(0.01)


async def test_it_is_ready_once_slack_has_said_who_we_are(door, caplog):
    caplog.set_level(logging.INFO)
    link = Link(is_wanted=True)
    task = asyncio.create_task(slack_http.prove("xoxb-1", f"{door.url}/api/", link))
    assert await link.why_not() == "not connected"
    await soon(lambda: "ready for Slack at /slack/events" in caplog.text)
    assert (await link.why_not(), task.done()) == (None, False)
    task.cancel()


async def test_a_slack_that_is_away_is_told_once_and_asked_until_it_answers(caplog):
    waits = (0.01, 0.02)
    task = asyncio.create_task(
        slack_http.prove("xoxb-1", "http://127.0.0.1:9/api/", link := Link(is_wanted=True), waits_s=waits)
    )
    await soon(lambda: "can't be asked" in caplog.text)
    await asyncio.sleep(0.1)
    assert (len(caplog.records), await link.why_not()) == (1, "not connected")
    task.cancel()


async def test_a_token_that_slack_refuses_ends_it_with_its_name():
    async def refuse(_):
        return web.json_response({"ok": False, "error": "invalid_auth"})

    app = web.Application()
    app.router.add_post("/api/auth.test", refuse)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    with pytest.raises(DeliveryError, match="Slack refuses SLACK_BOT_TOKEN") as caught:
        await slack_http.prove("xoxb-secret", url, Link())
    await runner.cleanup()
    assert (caught.value.permanent, "xoxb-secret" in str(caught.value)) == (True, False)


def test_a_doors_repr_has_no_secret():
    assert SECRET not in repr(slack_http.HttpDoor(None, SECRET, lambda: NOON))
