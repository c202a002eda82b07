"""Slack's buttons and modals, through Bolt's own dispatch, with a Slack of ten lines on loopback."""

import json
from datetime import time

import pytest
from aiohttp import web
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.commands.buttons import CLICK_HANDLERS
from bot.domain import DigestSchedule, Subscription, VerdictParameters
from bot.messages import alert_actions
from bot.queries.current import StatusQueries
from bot.slack.command import slack_app
from bot.slack.interactions import register_interactions
from bot.storage import Repository
from tests.slack.test_command import settled
from tests.support.acme import ACME, NOON, Clock, poll_page
from tests.support.loopback import serving_app
from tests.support.pages import DOWN, page
from tests.support.stores import place

pytestmark = pytest.mark.anyio

USER = {"id": "U1", "username": "ada", "name": "ada", "team_id": "T1"}


class FakeSlackApi:
    """Knows who we are, and keeps what it is told, by the last part of the path."""

    def __init__(self):
        self.told = []
        self.url = ""
        self.refused = {}

    async def hear(self, request):
        body = await request.json() if "json" in request.content_type else dict(await request.post())
        self.told.append((request.path.rpartition("/")[2], {**request.query, **body}))
        if request.path in ("/respond", "/upload"):
            return web.Response(text="ok")
        us = {"user_id": "UBOT", "bot_id": "B1", "team_id": "T1", "user": "brownout"}
        files = {"upload_url": f"{self.url}/upload", "file_id": "F1", "files": [{"id": "F1"}]}
        if refusal := self.refused.get(request.path.rpartition("/")[2]):
            return web.json_response({"ok": False, "error": refusal})
        return web.json_response({"ok": True, **us, **files})


@pytest.fixture
def repository(tmp_path):
    store = Repository.open(place(tmp_path / "b.db"))
    store.subscribe(Subscription("C1", "acme", created_at=NOON))
    store.record_transition(None, poll_page(poll_page(None, page(), NOON).state, DOWN, NOON), [])
    yield store
    store.close()


@pytest.fixture
async def slack():
    """A Slack, and a way to hand an interaction to the bot: what it was acknowledged with."""
    slack = FakeSlackApi()
    async with serving_app(web.route("*", "/{path:.*}", slack.hear)) as slack.url:
        yield slack


@pytest.fixture
def send(slack, repository):
    bolt = slack_app(AsyncWebClient(token="xoxb-1", base_url=f"{slack.url}/api/"), lambda *_: None)  # noqa: S106
    register_interactions(bolt, StatusQueries((ACME,), repository, Clock(), lambda _: VerdictParameters()))

    async def dispatch(body):
        told = {"team": {"id": "T1"}, "user": USER, "trigger_id": "t1", "response_url": f"{slack.url}/respond"}
        answer = await bolt.async_dispatch(AsyncBoltRequest(body={**told, **body}, mode="socket_mode"))
        await settled()
        return answer

    return dispatch


def pressed(action_id, value="", *, chosen=None):
    action = {"type": "button", "action_id": action_id, "block_id": "b", "value": value}
    if chosen:
        action = {
            "type": "static_select",
            "action_id": action_id,
            "block_id": "b",
            "selected_option": {"value": chosen},
        }
    return {"type": "block_actions", "channel": {"id": "C1"}, "actions": [action]}


def submitted(callback_id, memory, **values):
    states = {block: {"text": state} for block, state in values.items()}
    view = {
        "type": "modal",
        "id": "V1",
        "callback_id": callback_id,
        "private_metadata": memory,
        "state": {"values": states},
    }
    return {"type": "view_submission", "view": view}


def told(slack, method):
    return [body for name, body in slack.told if name == method]


@pytest.mark.parametrize("action", [alert_actions.ACK, alert_actions.NOTE, alert_actions.SUMMARY])
async def test_a_press_is_acknowledged_with_nothing_that_shows(send, action):
    answer = await send(pressed(action, "inc1"))
    assert (answer.status, answer.body) == (200, "")


async def test_a_press_that_the_message_will_show_is_not_answered(send, slack, repository):
    await send(pressed(alert_actions.ACK, "inc1"))
    assert told(slack, "respond") == []
    assert repository.user_actions.acknowledgement("C1", "inc1").by.name == "ada"


async def test_a_choice_from_a_menu_is_a_press_too(send, repository):
    await send(pressed(alert_actions.MUTE, chosen="4h inc1"))
    assert [m.target for m in repository.user_actions.mutes("C1")] == ["inc1"]


async def test_an_answer_is_for_who_pressed_and_leaves_the_message_alone(send, slack):
    await send(pressed(alert_actions.SUMMARY, "inc1"))
    [answer] = told(slack, "respond")
    assert (answer["response_type"], answer["replace_original"]) == ("ephemeral", False)


async def test_a_share_is_for_everybody(send, slack):
    await send(pressed(alert_actions.SHARE, "summary inc1"))
    assert told(slack, "respond")[0]["response_type"] == "in_channel"


async def test_a_numbered_button_asks_what_it_carries(send, slack):
    await send(pressed("ask:3", "retry acme-api"))
    assert "don't retry" in told(slack, "respond")[0]["text"]


async def test_a_note_opens_its_modal_at_once(send, slack):
    await send(pressed(alert_actions.NOTE, "inc1"))
    [opened] = told(slack, "views.open")
    view = opened["view"] if isinstance(opened["view"], dict) else json.loads(opened["view"])
    assert (opened["trigger_id"], view["private_metadata"]) == ("t1", "C1 inc1")


async def test_a_note_that_is_sent_off_closes_the_modal_and_is_kept(send, repository):
    answer = await send(submitted("note", "C1 inc1", note={"type": "plain_text_input", "value": "we wait"}))
    assert (answer.status, answer.body) == (200, "")
    assert [e.text for e in repository.events("inc1", "C1")][-1] == "we wait"


async def test_settings_that_can_not_be_kept_leave_the_modal_open(send):
    answer = await send(submitted("settings", "C1", quiet={"type": "plain_text_input", "value": "at night"}))
    said = json.loads(answer.body)
    assert (said["response_action"], list(said["errors"])) == ("errors", ["quiet"])


async def test_settings_are_kept(send, repository):
    on = {"type": "checkboxes", "selected_options": [{"value": "on"}]}
    await send(submitted("settings", "C1", maintenance=on, quiet={"type": "plain_text_input", "value": None}))
    assert repository.channel_preferences()["C1"].maintenance


async def test_a_digest_is_chosen_in_the_modal(send, repository):
    day = {"type": "static_select", "selected_option": {"value": "4"}}
    at = {"type": "plain_text_input", "value": "8:30 Europe/Berlin"}
    calm = {"type": "checkboxes", "selected_options": []}
    answer = await send(submitted("settings", "C1", digest=day, digest_at=at, digest_calm=calm))
    assert answer.body == ""
    assert repository.channel_preferences()["C1"].digest == DigestSchedule(
        time(8, 30), "Europe/Berlin", 4, on_calm=False
    )


async def test_a_digest_at_no_time_leaves_the_modal_open(send):
    day = {"type": "static_select", "selected_option": {"value": "daily"}}
    at = {"type": "plain_text_input", "value": "noon"}
    answer = await send(submitted("settings", "C1", digest=day, digest_at=at))
    assert list(json.loads(answer.body)["errors"]) == ["digest_at"]


async def test_a_surface_is_looked_up_as_it_is_typed(send):
    body = {"type": "block_suggestion", "action_id": alert_actions.PICK, "block_id": "b", "value": "acme api"}
    answer = await send(body)
    assert [o["value"] for o in json.loads(answer.body)["options"]] == ["acme-api"]


async def test_a_failure_that_nobody_thought_of_is_told(send, slack):
    await send(pressed(alert_actions.AFFECTED, 7))
    assert "Something went wrong (error " in told(slack, "respond")[0]["text"]


async def test_a_choice_that_is_none_of_ours_is_told(send, slack):
    await send(pressed(alert_actions.MUTE, chosen="nonsense inc1"))
    assert "This message is out of date" in told(slack, "respond")[0]["text"]


def test_action_ids_never_change():
    known = [
        "ack",
        "affected",
        "ask",
        "choose",
        "declared",
        "more",
        "mute",
        "note",
        "pick",
        "share",
        "summary",
        "timeline",
        "watch",
    ]
    known.append("why")
    assert sorted(CLICK_HANDLERS) == known


async def test_a_note_that_can_not_be_recorded_keeps_its_modal_open_with_the_text(send, repository):
    repository.close()
    answer = await send(submitted("note", "C1 inc1", note={"value": "Ours."}))
    told_back = json.loads(answer.body)
    assert told_back["response_action"] == "errors"
    assert "Your text is still here." in told_back["errors"]["note"]


def on_a_card(action_id, value, channel="C1"):
    """A click on the card of a link, as Slack sends it: without ``response_url``, its channel in the container."""
    container = {"type": "message_attachment", "entity_url": "https://status.acme.example/i-1", "message_ts": "1.2"}
    container |= {"channel_id": channel} if channel else {}
    body = pressed(action_id, value) | {"container": container, "response_url": None}
    del body["channel"]
    return body


async def test_a_question_on_a_card_is_answered_to_the_person_alone(send, slack):
    await send(on_a_card("ask:70", "status acme"))
    [call] = told(slack, "chat.postEphemeral")
    assert (call["channel"], call["user"]) == ("C1", "U1")


async def test_subscribing_on_a_card_is_for_its_channel_and_said_there(send, slack, repository):
    await send(on_a_card("ask:71", "subscribe acme-web"))
    assert "acme-web" in [s.target for s in repository.subscriptions("C1")]
    [call] = told(slack, "chat.postMessage")
    assert call["channel"] == "C1"


async def test_on_a_card_outside_a_channel_it_is_for_the_person(send, slack, repository):
    await send(on_a_card("ask:71", "subscribe acme", channel=""))
    assert [s.target for s in repository.subscriptions("U1")] == ["acme"]
    assert [call["channel"] for call in told(slack, "chat.postMessage")] == ["U1"]
