"""Messages of people in the timeline of a declared incident: by emoji where the scopes allow it, by shortcut elsewhere."""

from datetime import timedelta

import pytest
from aiohttp import web
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain import DeclaredEntryKind
from bot.errors import DeliveryError
from bot.slack.command import slack_app
from bot.slack.kept_messages import register_kept_messages
from tests.slack.test_command import settled
from tests.slack.test_interactions import FakeSlackApi
from tests.support.declared import Team
from tests.support.loopback import serving_app

pytestmark = pytest.mark.anyio

WROTE = "1772450400.000100"  # 2026-03-02 11:20 UTC


class FakeReader:
    """The messages that a history holds, by Slack's id; ``error`` is raised instead."""

    def __init__(self):
        self.messages, self.names, self.error, self.reads = {}, {"U2": "bob"}, None, []

    async def read_message(self, channel, ts):
        self.reads.append((channel, ts))
        if self.error:
            raise self.error
        return self.messages.get(ts)

    async def person_name(self, person):
        return self.names.get(person, "")


@pytest.fixture
async def team(scenario):
    """Ada has declared an incident; its card is posted."""
    team = Team(scenario.breaks())
    team.declares()
    await team.delivers()
    return team


@pytest.fixture
def reader():
    reader = FakeReader()
    reader.messages[WROTE] = {"ts": WROTE, "user": "U2", "text": "We *queue* orders <!channel>", "thread_ts": "1"}
    return reader


@pytest.fixture
async def slack():
    slack = FakeSlackApi()
    async with serving_app(web.route("*", "/{path:.*}", slack.hear)) as slack.url:
        yield slack


@pytest.fixture
def send(slack, team, reader):
    bolt = slack_app(AsyncWebClient(token="xoxb-1", base_url=f"{slack.url}/api/"), lambda *_: None)  # noqa: S106
    register_kept_messages(bolt, team.queries, reader, "memo")

    async def dispatch(body):
        told = {"team": {"id": "T1"}, "team_id": "T1", "user": {"id": "U1", "username": "ada", "name": "ada"}}
        told |= {"response_url": f"{slack.url}/respond", "trigger_id": "t1"}
        await bolt.async_dispatch(AsyncBoltRequest(body={**told, **body}, mode="socket_mode"))
        await settled()

    return dispatch


def reaction(kind="reaction_added", name="memo", channel="C1", ts=WROTE):
    item = {"type": "message", "channel": channel, "ts": ts}
    return {"type": "event_callback", "event": {"type": kind, "user": "U1", "reaction": name, "item": item}}


def shortcut(message, channel="C1"):
    return {
        "type": "message_action",
        "callback_id": "keep_in_timeline",
        "channel": {"id": channel},
        "message": message,
    }


def kept(team):
    entries = team.scenario.repository.declared.entries(1)
    return [(e.mark.by.name, e.text) for e in entries if e.kind is DeclaredEntryKind.MESSAGE]


async def test_a_marked_message_is_kept_with_its_author_time_and_text(send, team):
    await send(reaction())
    [entry] = [e for e in team.scenario.repository.declared.entries(1) if e.kind is DeclaredEntryKind.MESSAGE]
    assert (entry.mark.by.name, entry.text, f"{entry.mark.at:%H:%M}") == ("bob", "We *queue* orders @channel", "11:20")


@pytest.mark.parametrize("name", ["memo::skin-tone-2", "memo"])
async def test_two_marks_keep_it_once(send, team, name):
    await send(reaction(name=name))
    await send(reaction())
    assert len(kept(team)) == 1


@pytest.mark.parametrize("body", [reaction(name="eyes"), reaction(channel="C2")])
async def test_other_emoji_and_other_channels_are_not_even_read(send, team, reader, body):
    await send(body)
    assert (kept(team), reader.reads) == ([], [])


async def test_a_message_beside_the_thread_is_not_kept(send, team, reader):
    reader.messages[WROTE].pop("thread_ts")
    await send(reaction())
    assert kept(team) == []


async def test_the_bots_own_messages_are_not_kept(send, team, reader):
    reader.messages[WROTE]["bot_id"] = "B1"
    await send(reaction())
    assert kept(team) == []


async def test_taking_the_emoji_off_takes_it_out(send, team):
    await send(reaction())
    await send(reaction("reaction_removed"))
    assert kept(team) == []


async def test_it_stays_while_somebody_else_marks_it(send, team, reader):
    await send(reaction())
    reader.messages[WROTE]["reactions"] = [{"name": "memo", "count": 1, "users": ["U2"]}]
    await send(reaction("reaction_removed"))
    assert len(kept(team)) == 1


async def test_it_stays_where_slack_does_not_say_who_marks_it(send, team, reader):
    await send(reaction())
    reader.error = DeliveryError("slow down", code="ratelimited")
    await send(reaction("reaction_removed"))
    assert len(kept(team)) == 1


@pytest.mark.parametrize("channel", ["C1", "C2"])
async def test_a_message_that_is_not_kept_is_not_read_when_its_emoji_is_taken_off(send, reader, channel):
    await send(reaction("reaction_removed", channel=channel))
    assert reader.reads == []


async def test_without_the_history_scope_nothing_is_kept_and_nothing_breaks(send, team, reader):
    reader.error = DeliveryError("missing", code="missing_scope", permanent=True)
    await send(reaction())
    assert kept(team) == []


async def test_the_shortcut_needs_no_scope(send, slack, team, reader):
    reader.error = DeliveryError("missing", code="missing_scope", permanent=True)
    await send(shortcut(reader.messages[WROTE]))
    [answer] = [body for name, body in slack.told if name == "respond"]
    assert kept(team) == [("bob", "We *queue* orders @channel")]
    assert "Kept in the timeline of SEV2: Checkout fails" in answer["text"]


async def test_the_shortcut_takes_a_message_beside_the_thread_too(send, team, reader):
    reader.messages[WROTE].pop("thread_ts")
    await send(shortcut(reader.messages[WROTE]))
    assert len(kept(team)) == 1


async def test_remove_takes_it_out_again(send, team, reader):
    await send(shortcut(reader.messages[WROTE]))
    team.presses(f"drop 1 {WROTE}")
    assert kept(team) == []


async def test_where_nothing_is_declared_the_shortcut_says_so(send, slack, reader):
    await send(shortcut(reader.messages[WROTE], channel="C2"))
    [answer] = [body for name, body in slack.told if name == "respond"]
    assert "No incident was declared here" in answer["text"]


async def test_an_unknown_author_is_an_id(send, team, reader):
    reader.messages[WROTE]["user"] = "U7"
    await send(reaction())
    assert kept(team)[0][0] == "U7"


async def test_an_old_message_is_deleted_with_its_text_and_notes_stay(send, team):
    await send(reaction())
    team.says("declared 1 note We queue orders")
    team.hook.keep_for = timedelta(days=365)
    team.scenario.minute += 366 * 24 * 60
    team.hook()
    kinds = [entry.kind for entry in team.scenario.repository.declared.entries(1)]
    assert (kept(team), DeclaredEntryKind.NOTE in kinds) == ([], True)
