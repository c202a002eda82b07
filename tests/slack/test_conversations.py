"""Mentions and direct messages: answered as the command is, once, and in the right place."""

import json
from datetime import timedelta
from html import unescape

import pytest
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.commands import registry
from bot.domain import VerdictParameters
from bot.queries.current import StatusQueries
from bot.slack.command import slack_app
from bot.slack.conversations import register_conversations
from bot.slack.deduplication import EventDeduplicator, install_deduplication
from tests.slack.test_command import settled
from tests.slack.test_interactions import repository, slack, told
from tests.support.acme import ACME, NOON, Clock

pytestmark = pytest.mark.anyio
__all__ = ["repository", "slack"]  # fixtures

BOT = "UBOT"
TS = f"{NOON.timestamp():.0f}.000100"


class Room:
    """The bot's app on a fake Slack; ``admins`` and ``partners`` as in the settings."""

    def __init__(self, slack, repository, **settings):
        self.slack, self.clock = slack, Clock(NOON + timedelta(seconds=2))
        self.queries = StatusQueries((ACME,), repository, self.clock, lambda _: VerdictParameters(), **settings)
        client = AsyncWebClient(token="xoxb-1", base_url=f"{slack.url}/api/")  # noqa: S106
        self.bolt = slack_app(client, lambda *what: registry.answer_command(self.queries, *what))

        async def answer(typed):
            return registry.answer_typed(self.queries, typed)

        register_conversations(self.bolt, answer, self.clock)
        install_deduplication(self.bolt, EventDeduplicator(repository.heard, self.clock))

    async def send(self, event_id="Ev1", **event):
        event = {"user": "U1", "ts": TS, "team": "T1", "user_team": "T1", **event}
        body = {"type": "event_callback", "team_id": "T1", "event_id": event_id, "event": event}
        answer = await self.bolt.async_dispatch(AsyncBoltRequest(body=body, mode="socket_mode"))
        await settled()
        return answer

    async def mention(self, text, channel="C1", **more):
        return await self.send(type="app_mention", text=f"<@{BOT}> {text}", channel=channel, **more)

    async def direct(self, text, **more):
        message = {"type": "message", "channel_type": "im", "channel": "D1", "text": text}
        return await self.send(**message, **more)

    @property
    def posts(self):
        return told(self.slack, "chat.postMessage")

    def said(self):
        return [unescape(post["text"]) for post in self.posts]


@pytest.fixture
def room(slack, repository):
    return Room(slack, repository)


async def test_a_mention_is_answered_in_its_thread(room):
    await room.mention("is acme down?")
    [post] = room.posts
    assert (post["channel"], post["thread_ts"]) == ("C1", TS)
    assert "Acme API" in post["text"]


async def test_a_mention_in_a_thread_is_answered_there(room):
    await room.mention("status", thread_ts="1700000000.000001")
    assert room.posts[0]["thread_ts"] == "1700000000.000001"


async def test_a_direct_message_is_answered_beside_it(room):
    await room.direct("is acme down?")
    [post] = room.posts
    assert (post["channel"], "thread_ts" in post) == ("D1", False)
    assert "Acme API" in post["text"]


@pytest.mark.parametrize("text", ["status", "", "retry acme-api", "acme", "help", "list"])
async def test_it_is_answered_as_the_command_is(room, text):
    await room.mention(text)
    expected = registry.run_command(room.queries, text, "C1", "U1", "U1", is_conversation=True)[0].message
    assert room.said() == [unescape(expected.text)]


async def test_the_mention_may_stand_anywhere(room):
    await room.send(type="app_mention", text=f"hey <@{BOT}|brownout>, is acme down?", channel="C1")
    assert "Acme API" in room.said()[0]


async def test_a_command_in_a_mention_acts_on_the_channel(room, repository):
    await room.mention("subscribe acme-api")
    assert "acme-api" in [s.target for s in repository.subscriptions("C1")]


async def test_a_command_in_a_direct_message_acts_on_the_person(room, repository):
    await room.direct("subscribe acme")
    assert [s.target for s in repository.subscriptions("U1")] == ["acme"]


async def test_other_prose_is_answered_with_the_questions_that_work(room):
    await room.direct("thank you so much")
    assert room.said() == ["Questions that work: “is X down?”, “status X”, “retry X”."]


async def test_an_event_that_slack_repeats_is_answered_once(room):
    await room.mention("status")
    await room.mention("status")
    await room.mention("status", event_id="Ev2")
    assert len(room.posts) == 1


async def test_an_event_that_comes_an_hour_late_is_not_answered(room):
    room.clock.move(hours=1)
    await room.mention("mute acme-api 2h")
    assert room.posts == []


@pytest.mark.parametrize(
    "more",
    [
        {"bot_id": "B7"},
        {"subtype": "message_changed"},
        {"subtype": "bot_message"},
        {"text": ""},
        {"user": ""},
        {"channel_type": "channel"},
    ],
)
async def test_what_no_person_wrote_to_the_bot_is_not_answered(room, more):
    message = {"type": "message", "channel_type": "im", "channel": "D1", "text": "status"}
    await room.send(**{**message, **more})
    assert room.posts == []


async def test_the_names_of_admins_are_shown_to_the_person_alone(slack, repository):
    room = Room(slack, repository, admins=frozenset({"U9"}))
    await room.mention("unsubscribe acme")
    [private] = told(slack, "chat.postEphemeral")
    assert (private["user"], private["channel"], "<@U9>" in private["text"]) == ("U1", "C1", True)
    assert room.posts == []


async def test_people_of_another_workspace_may_ask(room):
    await room.mention("is acme down?", user_team="T2", team="T2")
    assert "Acme API" in room.said()[0]


@pytest.mark.parametrize(("partners", "muted"), [(frozenset(), 0), (frozenset({"T2"}), 1)])
async def test_people_of_another_workspace_change_only_what_an_admin_allows(slack, repository, partners, muted):
    room = Room(slack, repository, partners=partners)
    await room.mention("mute acme-api 2h", user_team="T2", team="T2")
    assert len(repository.user_actions.mutes("C1")) == muted


async def test_a_person_who_has_used_the_command_before_is_known_by_name(room, repository):
    command = {"command": "/brownout", "text": "status", "channel_id": "C1", "user_id": "U1", "user_name": "ada"}
    body = {**command, "team_id": "T1", "response_url": f"{room.slack.url}/respond"}
    await room.bolt.async_dispatch(AsyncBoltRequest(body=body, mode="socket_mode"))
    await settled()
    await room.mention("mute acme-api 2h")
    assert [m.mark.by.name for m in repository.user_actions.mutes("C1")] == ["ada"]


async def test_a_question_of_many_services_has_buttons(room):
    await room.mention("retry acme")
    blocks = room.posts[0]["blocks"]
    blocks = json.loads(blocks) if isinstance(blocks, str) else blocks
    assert [e["value"] for b in blocks if b["type"] == "actions" for e in b["elements"]] == [
        "retry acme-api",
        "retry acme-web",
    ]


async def test_slack_that_takes_no_answer_is_only_logged(room, slack, caplog):
    slack.refused["chat.postMessage"] = "channel_not_found"
    await room.mention("status")
    assert "Slack refused an answer" in caplog.text
