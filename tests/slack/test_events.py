"""Slack's events, App Home's buttons and the subscription's modal, through Bolt's own dispatch."""

import json

import pytest
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack_client import SlackClient
from bot.commands import registry
from bot.domain import DeliveryPause, VerdictParameters
from bot.messages import alert_actions, app_home, modals
from bot.notifier import PROBE_WAITS
from bot.queries.current import StatusQueries
from bot.slack import events, interactions
from bot.slack.app_home_publisher import AppHomePublisher
from bot.slack.command import slack_app
from tests.slack.test_command import settled
from tests.slack.test_interactions import USER, pressed, repository, slack, submitted, told
from tests.support.acme import ACME, NOON

pytestmark = pytest.mark.anyio
__all__ = ["repository", "slack"]  # fixtures

BOT = "UBOT"


@pytest.fixture
def send(slack, repository, clock):
    url = f"{slack.url}/api/"
    queries = StatusQueries((ACME,), repository, clock, lambda _: VerdictParameters())
    client = AsyncWebClient(token="xoxb-1", base_url=url)  # noqa: S106
    bolt = slack_app(client, lambda *what: registry.answer_command(queries, *what))
    homes = AppHomePublisher(queries, SlackClient("xoxb-1", base_url=url))
    interactions.register_interactions(bolt, queries, homes.mark_changed)
    events.register_events(bolt, queries, homes, homes.client)

    async def dispatch(body):
        told = {"team": {"id": "T1"}, "user": USER, "trigger_id": "t1", "response_url": f"{slack.url}/respond"}
        answer = await bolt.async_dispatch(AsyncBoltRequest(body={**told, **body}, mode="socket_mode"))
        await settled()
        return answer

    return dispatch


def event(kind, **told):
    return {"type": "event_callback", "team_id": "T1", "event": {"type": kind, **told}}


def at_home(action_id, value="", **more):
    body = pressed(action_id, value, **more)
    del body["channel"]
    return body | {"view": {"type": "home", "id": "V1"}, "container": {"type": "view", "view_id": "V1"}}


def opened(slack):
    [call] = told(slack, "views.open")
    return call["view"] if isinstance(call["view"], dict) else json.loads(call["view"])


async def test_who_opens_home_has_it_drawn(send, slack):
    await send(event("app_home_opened", user="U1", channel="D1", tab="home"))
    [drawn] = told(slack, "views.publish")
    assert drawn["user_id"] == "U1"


async def test_who_opens_the_messages_tab_has_not(send, slack):
    await send(event("app_home_opened", user="U1", channel="D1", tab="messages"))
    assert told(slack, "views.publish") == []


async def test_the_bots_own_arrival_in_a_channel_is_greeted(send, repository):
    await send(event("member_joined_channel", user=BOT, channel="C9", channel_type="C"))
    assert repository.pending_channels() == ("C9",)
    assert "posts here when a service you depend on breaks" in repository.next_pending("C9").post.about.said.text


async def test_somebody_elses_is_not(send, repository):
    await send(event("member_joined_channel", user="U1", channel="C9", channel_type="C"))
    assert repository.pending_channels() == ()


async def test_a_press_in_home_is_answered_in_a_modal_and_home_drawn_again(send, slack):
    await send(at_home(app_home.ASK, "retry acme-api"))
    assert "Acme API" in str(opened(slack)["blocks"])
    assert len(told(slack, "views.publish")) == 1
    assert told(slack, "respond") == []


async def test_a_pick_in_home_opens_the_subscriptions_modal(send, slack):
    await send(at_home(app_home.PICK, chosen="acme-api"))
    assert opened(slack)["callback_id"] == modals.SUBSCRIBE


async def test_a_pick_in_a_channel_proposes_that_channel(send, slack):
    await send(pressed(modals.CHOOSE, chosen="acme-api"))
    where = opened(slack)["blocks"][1]["element"]
    assert where["initial_conversation"] == "C1"


async def test_the_modal_subscribes_and_is_closed(send, repository):
    chosen = {"type": "external_select", "selected_option": {"value": "acme-api"}}
    where = {"type": "conversations_select", "selected_conversation": "C7"}
    minimum = {"type": "static_select", "selected_option": {"value": "major_outage"}}
    answer = await send(submitted(modals.SUBSCRIBE, "", target=chosen, where=where, minimum=minimum))
    assert (answer.status, answer.body) == (200, "")
    [made] = repository.subscriptions("C7")
    assert (made.target, made.minimum, made.created_by) == ("acme-api", "major_outage", "U1")


async def test_the_modal_stays_open_for_a_private_channel_that_the_bot_is_not_in(send, slack, repository):
    slack.refused = {"conversations.info": "channel_not_found"}
    chosen = {"type": "external_select", "selected_option": {"value": "acme-api"}}
    where = {"type": "conversations_select", "selected_conversation": "C7"}
    answer = await send(submitted(modals.SUBSCRIBE, "", target=chosen, where=where))
    assert "/invite @brownout" in json.loads(answer.body)["errors"]["where"]
    assert repository.subscriptions("C7") == ()


async def test_a_subscription_in_words_where_the_bot_can_not_post_says_what_to_do(send, slack, repository):
    slack.refused = {"conversations.info": "channel_not_found"}
    await send({"command": "/brownout", "text": "subscribe acme-web", "channel_id": "C7", "user_id": "U1"})
    assert "Type /invite @brownout there." in told(slack, "respond")[0]["text"]
    assert [s.target for s in repository.subscriptions("C7")] == ["acme-web"]


@pytest.mark.parametrize("refusal", ["missing_scope", "ratelimited", ""])
async def test_where_slack_does_not_say_nothing_is_held_up(send, slack, repository, refusal):
    slack.refused = {"conversations.info": refusal} if refusal else {}
    await send({"command": "/brownout", "text": "subscribe acme-web", "channel_id": "C7", "user_id": "U1"})
    assert "/invite" not in told(slack, "respond")[0]["text"]
    assert len(repository.subscriptions("C7")) == 1


async def test_nobody_s_direct_messages_are_asked_after(send, slack):
    await send({"command": "/brownout", "text": "subscribe acme-web me", "channel_id": "C7", "user_id": "U1"})
    assert told(slack, "conversations.info") == []


async def test_the_modal_without_a_target_stays_open(send):
    answer = await send(submitted(modals.SUBSCRIBE, "", target={"type": "external_select", "selected_option": None}))
    assert json.loads(answer.body)["response_action"] == "errors"


@pytest.mark.parametrize("action", [app_home.PICK, modals.CHOOSE])
async def test_the_catalogue_is_looked_up_as_it_is_typed(send, action):
    answer = await send({"type": "block_suggestion", "action_id": action, "block_id": "b", "value": "acme"})
    assert [o["value"] for o in json.loads(answer.body)["options"]] == ["acme", "acme-api", "acme-web"]


async def test_it_is_in_the_modal_too(send):
    asked = {"type": "block_suggestion", "action_id": "text", "block_id": "target", "value": "api"}
    answer = await send(asked)
    assert [o["value"] for o in json.loads(answer.body)["options"]] == ["acme-api"]


async def test_what_is_typed_in_direct_messages_is_for_oneself(send, repository, slack):
    await send({"command": "/brownout", "text": "subscribe acme-web", "channel_id": "D5", "user_id": "U1"})
    assert [s.target for s in repository.subscriptions("U1")] == ["acme-web"]
    assert told(slack, "respond")[0]["response_type"] == "ephemeral"


async def test_a_press_in_direct_messages_is_of_ones_own_alert(send, repository):
    await send(pressed("mute", chosen="4h inc1") | {"channel": {"id": "D5"}})
    assert [m.channel for m in repository.user_actions.mutes()] == ["U1"]


@pytest.mark.parametrize(
    ("kind", "channel"),
    [("channel_unarchive", "C1"), ("group_unarchive", "C1"), ("channel_rename", {"id": "C1", "name": "new"})],
)
async def test_a_channel_that_was_unarchived_or_renamed_is_tried_again_at_once(send, repository, kind, channel):
    repository.pause_channel(DeliveryPause("C1", "is_archived", "unarchive it", NOON), PROBE_WAITS)
    await send(event(kind, channel=channel))
    assert [paused.probe_at for paused in repository.paused_channels()] == [NOON]


async def test_settings_that_are_kept_are_shown_in_the_home_that_is_open(send, slack, clock):
    await send(event("app_home_opened", user="U1", channel="D1", tab="home"))
    clock.move(seconds=10)
    on = {"type": "checkboxes", "selected_options": [{"value": "on"}]}
    await send(submitted("settings", "U1", maintenance=on, quiet={"type": "plain_text_input", "value": None}))
    assert len(told(slack, "views.publish")) == 2


def test_action_ids_never_change():
    shown = ["home_ask", "home_change", "home_pick", "home_refresh", "home_settings", "home_summary"]
    assert sorted(events.app_home.CLICK_HANDLERS) == shown


async def test_an_export_goes_to_the_channel_as_files(send, slack):
    await send(pressed(alert_actions.EXPORT, "summary inc1"))
    sent = [name for name, _ in slack.told]
    assert sent.count("files.getUploadURLExternal") == 3
    [done] = told(slack, "files.completeUploadExternal")
    assert (done["channel_id"], len(json.loads(done["files"]))) == ("C1", 3)
    assert told(slack, "respond") == []


async def test_an_export_in_direct_messages_goes_to_slacks_own_id_of_them(send, slack):
    await send(pressed(alert_actions.EXPORT, "summary inc1") | {"channel": {"id": "D5"}})
    [done] = told(slack, "files.completeUploadExternal")
    assert done["channel_id"] == "D5"


async def test_what_can_not_be_exported_is_told_to_who_pressed(send, slack):
    await send(pressed(alert_actions.EXPORT, "unsubscribe acme"))
    assert "Only summaries" in told(slack, "respond")[0]["text"]


async def test_a_modal_that_slack_does_not_open_leaves_home_drawn_and_a_line_in_the_log(send, slack, caplog):
    slack.refused = {"views.open": "expired_trigger_id"}
    await send(at_home(app_home.ASK, "retry acme-api"))
    assert "Slack opened no modal: expired_trigger_id" in caplog.text
    assert len(told(slack, "views.publish")) == 1


async def test_a_failure_that_nobody_thought_of_is_told_in_a_modal(send, slack):
    await send(at_home(app_home.CHANGE, chosen="nonsense"))
    assert "Something went wrong (error " in str(opened(slack)["blocks"])
