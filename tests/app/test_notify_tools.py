"""Tools of [[notify]] in a whole bot: a day of an incident, refusals, secrets, and tools that are removed."""

import json
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web as aiohttp_web

from bot.app import notify_tools
from bot.domain import ChatUser, Event, EventKind, Subscription, VerdictParameters
from bot.engine import Engine
from bot.errors import ConfigError
from bot.settings.notify_toml import NotifyTable
from tests.support.acme import ACME, NOON
from tests.support.loopback import serving_app
from tests.support.pages import DOWN, incident, page, update

pytestmark = pytest.mark.anyio

OVER = page(incident(update(api="major_outage"), update(3, "resolved", "Over.", NOON + timedelta(minutes=2))))
ANN = ChatUser("U1", "Ann")


class PagerDuty:
    """Keeps events; answers with ``statuses`` first, then 202."""

    def __init__(self):
        self.events, self.statuses, self.headers = [], [], {}

    async def answer(self, request):
        if self.statuses:
            return aiohttp_web.Response(status=self.statuses.pop(0), headers=self.headers)
        self.events.append(await request.json())
        return aiohttp_web.json_response({"status": "success"}, status=202)

    @property
    def actions(self):
        return [(e["event_action"], e["dedup_key"]) for e in self.events]


@asynccontextmanager
async def running(web, chat, repository, clock, **table):
    """An engine with one PagerDuty, and that."""
    pagerduty = PagerDuty()
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(serving_app(aiohttp_web.post("/v2/enqueue", pagerduty.answer)))
        fields = {"name": "oncall", "kind": "pagerduty", "url": f"{url}/v2/enqueue", "key_env": "PD", **table}
        clients = notify_tools.create_clients([NotifyTable(**fields)], {"PD": "routing-key"}, clock)
        for _, client in clients:
            await stack.enter_async_context(client)
        tools = notify_tools.create_tools(clients, repository, clock)
        yield (
            Engine({"acme": ACME}, web, repository, chat, clock, lambda _: VerdictParameters(), tools=tools),
            pagerduty,
        )


@pytest.fixture
def repository(repository):
    repository.subscribe(Subscription("C1", "acme", created_at=NOON))
    return repository


async def live(engine, web, clock, body, *, minutes=1, times=1):
    for _ in range(times):
        web.show(body)
        await engine.poll("acme")
        await engine.publish()
        clock.move(minutes=minutes)


def acknowledge(repository, clock):
    event = Event(EventKind.SOURCE_BACK, "acme", clock(), clock(), incident="inc1", channel="C1")
    repository.user_actions.set_acknowledgement(event, ANN)


async def test_a_day_triggers_acknowledges_and_resolves_one_incident(web, chat, repository, clock):
    async with running(web, chat, repository, clock) as (engine, pagerduty):
        await live(engine, web, clock, page())
        await live(engine, web, clock, DOWN)
        acknowledge(repository, clock)
        await live(engine, web, clock, DOWN)
        assert [action for action, _ in pagerduty.actions] == ["trigger", "acknowledge"]
        await live(engine, web, clock, OVER)
        assert "resolve" not in [action for action, _ in pagerduty.actions]  # resolved by Acme, not yet safe
        await live(engine, web, clock, OVER, times=40)
    assert pagerduty.actions[-1] == ("resolve", "brownout/acme/inc1")
    assert {key for _, key in pagerduty.actions} == {"brownout/acme/inc1"}
    assert [action for action, _ in pagerduty.actions].count("resolve") == 1


async def test_the_chat_gets_the_same_day(web, chat, repository, clock):
    async with running(web, chat, repository, clock) as (engine, _):
        await live(engine, web, clock, page())
        await live(engine, web, clock, DOWN)
    assert ("post", "C1", None) in chat.said
    assert not [what for what in chat.said if str(what[1]).startswith("notify:")]


async def test_a_bot_without_slack_subscriptions_triggers_too(web, chat, repository, clock):
    repository.unsubscribe("C1", "acme")
    async with running(web, chat, repository, clock) as (engine, pagerduty):
        await live(engine, web, clock, page())
        await live(engine, web, clock, DOWN)
    assert [action for action, _ in pagerduty.actions] == ["trigger"]


async def test_what_is_below_the_minimum_does_not_trigger(web, chat, repository, clock):
    degraded = page(incident(update(api="degraded_performance")), api="degraded_performance")
    async with running(web, chat, repository, clock, min="outage") as (engine, pagerduty):
        await live(engine, web, clock, page())
        await live(engine, web, clock, degraded)
    assert pagerduty.events == []


async def test_a_wait_of_a_day_is_cut_to_an_hour(web, chat, repository, clock):
    async with running(web, chat, repository, clock) as (engine, pagerduty):
        await live(engine, web, clock, page())
        pagerduty.statuses, pagerduty.headers = [429], {"retry-after": "86400"}
        await live(engine, web, clock, DOWN, minutes=55)
        assert pagerduty.events == []
        clock.move(minutes=6)
        await engine.publish()
    assert [action for action, _ in pagerduty.actions] == ["trigger"]


async def test_a_refused_key_pauses_the_tool_and_the_end_still_comes(web, chat, repository, clock):
    async with running(web, chat, repository, clock) as (engine, pagerduty):
        await live(engine, web, clock, page())
        pagerduty.statuses = [403]
        await live(engine, web, clock, DOWN)
        [paused] = repository.paused_channels()
        clock.move(minutes=2)
        await engine.publish()
    assert (paused.pause.channel, paused.pause.code) == ("notify:oncall", "http_403")
    assert [action for action, _ in pagerduty.actions] == ["trigger"]
    assert repository.paused_channels() == ()


async def test_a_tool_that_fails_for_three_days_is_given_up(web, chat, repository, clock):
    async with running(web, chat, repository, clock) as (engine, pagerduty):
        await live(engine, web, clock, page())
        pagerduty.statuses = [500] * 100
        await live(engine, web, clock, DOWN)
        for _ in range(80):
            clock.move(hours=1)
            await engine.publish()
    [parked] = [p for p in repository.parked() if p.key == "inc1:alert"]
    assert parked.error.startswith("PagerDuty answered 500")


async def test_a_tool_that_fails_keeps_nothing_from_the_chat(web, chat, repository, clock):
    async with running(web, chat, repository, clock) as (engine, pagerduty):
        await live(engine, web, clock, page())
        pagerduty.statuses = [500] * 9
        await live(engine, web, clock, DOWN)
    assert ("post", "C1", None) in chat.said


async def test_what_waits_for_a_removed_tool_is_given_up_without_a_word(web, chat, repository, clock):
    async with running(web, chat, repository, clock) as (engine, pagerduty):
        await live(engine, web, clock, page())
        pagerduty.statuses = [500]
        await live(engine, web, clock, DOWN)
    assert repository.drop_removed_tools(["notify:other"]) == 1
    assert (repository.untold_parked(), repository.tool_counts()["notify:oncall"]) == ((), {"parked": 1})


async def test_nothing_of_a_tool_that_is_left_is_given_up(web, chat, repository, clock):
    async with running(web, chat, repository, clock) as (engine, pagerduty):
        await live(engine, web, clock, page())
        pagerduty.statuses = [500]
        await live(engine, web, clock, DOWN)
    assert repository.drop_removed_tools(["notify:oncall"]) == 0


async def test_reminders_are_left_to_the_tool(web, chat, repository, clock):
    async with running(web, chat, repository, clock) as (engine, _):
        await live(engine, web, clock, page())
        await live(engine, web, clock, DOWN)
    assert {channel for channel, *_ in repository.user_actions.open_alerts(clock() + timedelta(hours=1))} == {"C1"}


async def test_a_test_is_an_incident_and_its_end(web, chat, repository, clock):
    async with running(web, chat, repository, clock) as (engine, pagerduty):
        [tool] = engine.tools
        parent = None
        for message in notify_tools.trial_announcements("oncall", clock(), is_resolved=True):
            parent = await tool.notifier.chat.post("notify:oncall", message, thread_ts=parent, broadcast=True)
    assert [action for action, _ in pagerduty.actions] == ["trigger", "resolve"]
    assert "nothing is broken" in json.dumps(pagerduty.events[0])


# --- secrets ----------------------------------------------------------------------------------------------------------

HOOK = {"name": "hook", "kind": "webhook", "url": "http://10.0.0.7/hook", "secret_env": ["A", "B"]}


def test_missing_secrets_are_listed_by_tool_and_variable():
    tables = [NotifyTable(name="pd", kind="pagerduty", key_env="PD"), NotifyTable(**HOOK)]
    with pytest.raises(ConfigError) as caught:
        notify_tools.create_clients(tables, {}, lambda: NOON)
    assert caught.value.mistakes == ("[[notify]] pd: PD is not set", "[[notify]] hook: A is not set")


def test_a_weak_secret_is_named_by_its_tool_and_not_shown():
    [mistake] = notify_tools.secret_mistakes([NotifyTable(**HOOK)], {"A": "hunter2", "B": "x"})
    assert ("24 or more bytes" in mistake, "hunter2" in mistake) == (True, False)


def test_secrets_of_files_are_read_and_kept_out_of_the_log(tmp_path):
    (tmp_path / "url").write_text("https://discord.example/api/webhooks/1/abc\n")
    table = NotifyTable(name="d", kind="discord", url_file=str(tmp_path / "url"))
    assert list(notify_tools.secret_values([table], {})) == ["https://discord.example/api/webhooks/1/abc"]


def test_a_tool_that_is_off_needs_no_secret():
    assert list(notify_tools.secret_mistakes([NotifyTable(**HOOK, enabled=False)], {})) == []
