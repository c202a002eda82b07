"""Buttons and modals of other versions, and requests with missing fields: an answer, and a line in the log."""

import copy

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack_client import SlackClient
from bot.commands import registry
from bot.domain import Subscription, VerdictParameters
from bot.queries.current import StatusQueries
from bot.slack import conversations, events, fallbacks, interactions
from bot.slack.app_home_publisher import AppHomePublisher
from bot.slack.command import slack_app
from tests.slack.test_command import settled
from tests.slack.test_interactions import USER, pressed, repository, slack, submitted, told
from tests.support.acme import ACME, NOON

pytestmark = pytest.mark.anyio
__all__ = ["repository", "slack"]  # fixtures

OLD_MODAL = {"type": "modal", "id": "V1", "callback_id": "habits", "blocks": [{"block_id": "quiet"}]}


def asked(url):
    """What Slack sends with every request."""
    return {"team": {"id": "T1"}, "user": USER, "trigger_id": "t1", "response_url": f"{url}/respond"}


def event(kind, **more):
    return {"type": "event_callback", "team_id": "T1", "event_id": f"Ev{kind}", "event": {"type": kind, **more}}


REQUESTS = {
    "ack": pressed("ack", "on inc1"),
    "mute": pressed("mute", chosen="1h inc1"),
    "why": pressed("why", "inc1"),
    "more": pressed("more", chosen="note inc1"),
    "affected": pressed("affected", "acme-api inc1"),
    "ask": pressed("ask:0", "status"),
    "export": pressed("export", "summary inc1"),
    "home": pressed("home_change", chosen="off C1 acme"),
    "note": submitted("note", "C1 inc1", note={"type": "plain_text_input", "value": "We saw it."}),
    "settings": submitted("settings", "U1", quiet={"type": "plain_text_input", "value": None}),
    "subscribe": submitted("subscribe", "", target={"type": "external_select", "selected_option": {"value": "acme"}}),
    "opened": event("app_home_opened", user="U1", channel="D1", tab="home"),
    "unarchived": event("channel_unarchive", channel="C1", user="U1"),
    "moved": event("channel_id_changed", old_channel_id="C1", new_channel_id="C9"),
    "joined": event("member_joined_channel", user="UBOT", channel="C1"),
    "mention": event("app_mention", user="U1", channel="C1", ts="1772452140.000100", text="<@UBOT> status"),
    "message": event("message", channel_type="im", user="U1", channel="D1", ts="1772452140.000100", text="status"),
    "command": {"command": "/brownout", "text": "status", "user_id": "U1", "user_name": "ada", "channel_id": "C1"},
}


@pytest.fixture
def send(slack, repository, clock):
    queries = StatusQueries((ACME,), repository, clock, lambda _: VerdictParameters())
    client = AsyncWebClient(token="xoxb-1", base_url=f"{slack.url}/api/")  # noqa: S106 - no real token
    bolt = slack_app(client, lambda *what: registry.answer_command(queries, *what))
    homes = AppHomePublisher(queries, SlackClient("xoxb-1", base_url=f"{slack.url}/api/"))
    interactions.register_interactions(bolt, queries, homes.mark_changed)
    events.register_events(bolt, queries, homes, homes.client)

    async def answered(typed):
        return registry.answer_command(queries, typed.text, typed.channel, typed.person.id, typed.person.name)

    conversations.register_conversations(bolt, answered, clock)
    fallbacks.register_fallbacks(bolt, clock)
    for listener in bolt._async_listeners:
        listener.ack_timeout = 0.3  # seconds that Bolt waits for an acknowledgement that never comes; 3 by default

    async def dispatch(body, **more):
        answer = await fallbacks.dispatch(bolt, {**asked(slack.url), **body, **more}, {})
        await settled()
        return answer

    return dispatch


def places(value, path=()):
    """The paths of all fields in a request."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


def changed(body, path, how):
    """The request without a field, or with another value in it."""
    body = copy.deepcopy(body)
    inner = body
    for key in path[:-1]:
        inner = inner[key]
    if how == "missing":
        del inner[path[-1]]
    else:
        inner[path[-1]] = how
    return body


async def test_a_button_of_a_version_that_had_other_buttons_is_answered(send, slack):
    await send(pressed("hush_v1", "i0 for a day"))
    [answer] = told(slack, "respond")
    assert fallbacks.OUT_OF_DATE in answer["text"]


async def test_a_form_of_another_version_says_so_in_itself(send):
    answer = await send({"type": "view_submission", "view": OLD_MODAL})
    assert '"quiet": "This form is out of date' in answer.body


async def test_a_menu_of_another_version_is_empty(send):
    answer = await send({"type": "block_suggestion", "action_id": "old", "block_id": "b", "value": "c"})
    assert (answer.status, '"options": []' in answer.body) == (200, True)


async def test_a_click_that_can_not_be_read_is_answered_and_logged_once(send, slack, caplog):
    for _ in range(3):
        await send(changed(pressed("ack", "on inc1"), ("actions", 0, "action_id"), "ack"), user={})
    assert fallbacks.NOT_READ in told(slack, "respond")[0]["text"]
    assert [r.message for r in caplog.records] == ["a request from Slack could not be handled: block_actions: KeyError"]


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("how", ["missing", None, 5], ids=str)
async def test_a_request_with_a_field_missing_or_changed_is_always_acknowledged(send, name, how):
    body = REQUESTS[name]
    statuses = {path: (await send(changed(body, path, how))).status for path in places(body)}
    assert {path: status for path, status in statuses.items() if status >= 500} == {}


async def test_a_channel_that_is_shared_and_gets_a_new_id_keeps_its_subscriptions(send, repository):
    await send(REQUESTS["moved"])
    assert [(s.channel, s.target) for s in repository.subscriptions()] == [("C9", "acme")]


async def test_a_channel_that_has_the_subscription_under_its_new_id_keeps_that(send, repository):
    repository.subscribe(Subscription("C9", "acme", created_by="U2", created_at=NOON))
    await send(REQUESTS["moved"])
    assert [(s.channel, s.created_by) for s in repository.subscriptions()] == [("C9", "U2")]
