"""The bot as it runs: its jobs, its couriers, its servers, its end, and what it says of failures."""

import asyncio
import itertools
import logging
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.app import scheduler
from bot.app.gathering import GatherHook
from bot.app.jobs import PeriodicJob
from bot.cli.options import utc_now
from bot.domain import Subscription, VerdictParameters
from bot.engine import Engine
from bot.errors import ConfigError, SourceError, StoreError, UsageError
from bot.notifier import DeliveryAttempt
from bot.settings import PollSettings
from tests.support.acme import ACME, NOON, Clock, poll_page
from tests.support.pages import DOWN, incident, page, update

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock():
    return Clock(utc_now())  # the scheduler has a clock of its own


@pytest.fixture
def repository(repository):
    repository.subscribe(Subscription("C1", "acme", created_at=NOON))
    return repository


@pytest.fixture
def bot(web, chat, repository, clock):
    engine = Engine({"acme": ACME}, web, repository, chat, clock, lambda _: VerdictParameters())
    return scheduler.BotApp(engine, PollSettings(interval_s=60, incident_interval_s=20), shutdown_grace_s=0.1)


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.INFO, logger="brownout")
    return caplog


async def until(seen):
    """Lets the loop run until this holds; fails after five seconds."""
    async with asyncio.timeout(5):
        while not seen():  # noqa: ASYNC110  (what is seen has no event)
            await asyncio.sleep(0.01)


class RunningBot:
    """A bot in a task; leaving it stops it and keeps how long that took."""

    def __init__(self, bot):
        self.bot = bot
        self.stop = asyncio.Event()
        self.ended_in = None

    async def __aenter__(self):
        self.task = asyncio.create_task(self.bot.run(self.stop))
        return self

    async def __aexit__(self, *_):
        began = time.monotonic()
        self.stop.set()
        await self.task
        self.ended_in = time.monotonic() - began


async def test_no_look_is_skipped_because_the_loop_was_busy(bot):
    assert bot._create_scheduler()._job_defaults == {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}


async def test_every_source_has_a_job_and_time_has_one(bot):
    assert [job.id for job in bot._create_scheduler().get_jobs()] == ["poll acme", "tick"]


async def test_a_page_is_looked_at_and_what_it_says_is_sent(bot, chat, web, repository):
    repository.record_transition(None, poll_page(None, page(), NOON), [])
    bot.engine.__post_init__()
    web.show(DOWN)
    async with RunningBot(bot):
        await until(lambda: len(chat.said) == 2)
    assert chat.said == [("post", "C1", None), ("post", "C1", "ts1")]


async def test_a_poll_that_brings_news_sends_its_couriers_in_the_same_turn(bot, web, repository):
    repository.record_transition(None, poll_page(None, page(), NOON), [])
    bot.engine.__post_init__()
    web.show(DOWN)
    bot._scheduler = bot._create_scheduler()
    await bot._poll_provider("acme")
    assert [*bot._notifiers] == ["C1"]
    await scheduler.cancel_tasks([*bot._notifiers.values()])


async def test_a_delivery_is_handed_on(bot, web, repository):
    heard = []
    bot.on_delivery = heard.append
    repository.record_transition(None, poll_page(None, page(), NOON), [])
    bot.engine.__post_init__()
    web.show(DOWN)
    async with RunningBot(bot):
        await until(lambda: heard)
    assert heard[0].outcome == "sent"


async def test_a_channel_that_hangs_holds_up_no_other(bot, chat, web, repository):
    repository.subscribe(Subscription("C2", "acme", created_at=NOON))
    repository.record_transition(None, poll_page(None, page(), NOON), [])
    bot.engine.__post_init__()
    post = chat.post

    async def hang(channel, *message, **how):
        if channel == "C1":
            await asyncio.sleep(60)
        return await post(channel, *message, **how)

    chat.post = hang
    web.show(DOWN)
    async with RunningBot(bot):
        await until(lambda: ("post", "C2", "ts1") in chat.said)


# --- when to look again -----------------------------------------------------------------------------------------------


def pauses(bot, change=None):
    return [bot._seconds_to_next_poll("acme", change) for _ in range(200)]


async def test_a_quiet_page_is_looked_at_once_a_minute_jittered_by_a_fifth(bot):
    await bot.engine.poll("acme")
    found = pauses(bot)
    assert 48 <= min(found) < 55
    assert 65 < max(found) <= 72


async def test_a_page_with_an_open_incident_is_looked_at_every_twenty_seconds(bot, web):
    web.show(DOWN)
    await bot.engine.poll("acme")
    assert 15 <= min(pauses(bot)) <= max(pauses(bot)) <= 30


async def test_a_server_that_asks_for_patience_gets_it(bot, web):
    web.show(SourceError("slow down", code="http_429", retry_after=120))
    change = await bot.engine.poll("acme")
    assert min(pauses(bot, change)) == 120


@pytest.mark.hostile(45)
async def test_a_server_that_asks_for_a_day_is_asked_again_sooner(bot, web):
    web.show(SourceError("slow down", code="http_429", retry_after=86_400))
    change = await bot.engine.poll("acme")
    assert max(pauses(bot, change)) == 900


async def test_a_server_that_asks_for_a_second_is_not_looked_at_sooner_than_usual(bot, web):
    web.show(SourceError("slow down", code="http_429", retry_after=1))
    change = await bot.engine.poll("acme")
    assert min(pauses(bot, change)) >= 48


async def test_after_a_poll_the_next_one_is_set(bot):
    started = utc_now()
    async with RunningBot(bot):
        await until(lambda: bot.engine.states["acme"].seen_at)
        due = bot._scheduler.get_job("poll acme").next_run_time
    assert started + timedelta(seconds=48) <= due <= utc_now() + timedelta(seconds=72)


async def test_a_poll_that_finds_trouble_brings_the_next_one_forward(bot, web):
    web.show(DOWN)
    started = utc_now()
    async with RunningBot(bot):
        await until(lambda: bot.engine.states["acme"].seen_at)
        await until(lambda: bot.poll_statistics("acme").interval_s == 20)
        due = bot._scheduler.get_job("poll acme").next_run_time
    assert started + timedelta(seconds=16) <= due <= utc_now() + timedelta(seconds=24.25)


async def test_the_next_poll_that_is_told_is_the_one_that_the_scheduler_has(bot):
    async with RunningBot(bot):
        await until(lambda: bot.engine.states["acme"].seen_at)
        assert bot.poll_statistics("acme").next_at == bot._scheduler.get_job("poll acme").next_run_time


async def test_a_poll_that_begins_when_it_is_due_is_not_late(bot):
    async with RunningBot(bot):
        await until(lambda: bot.engine.states["acme"].seen_at)
        pulse = bot.poll_statistics("acme")
    assert (pulse.looks, pulse.late) == (1, 0)


async def test_a_poll_that_begins_long_after_it_was_due_is_late(bot, clock):
    async with RunningBot(bot):
        await until(lambda: bot.engine.states["acme"].seen_at)
        await until(lambda: bot.poll_statistics("acme").next_at)
        clock.move(minutes=5)
        await bot._poll_provider("acme")
        pulse = bot.poll_statistics("acme")
    assert (pulse.looks, pulse.late, pulse.worst_s > 200) == (2, 1, True)


@pytest.mark.parametrize("step_s", [-7200, -90, 28_800])
async def test_after_a_step_of_the_clock_the_next_poll_is_no_further_than_an_interval(bot, clock, step_s):
    async with RunningBot(bot):
        await until(lambda: bot.poll_statistics("acme") and bot.poll_statistics("acme").looks)
        clock.move(seconds=step_s)
        await bot._follow_clock()
        wait = bot._scheduler.get_job("poll acme").next_run_time - clock()
    assert wait.total_seconds() <= 73


async def test_a_step_back_amid_a_long_retry_after_leaves_the_wait_as_it_was(bot, clock, web):
    web.show(SourceError("slow down", code="http_429", retry_after=600))
    async with RunningBot(bot):
        await until(lambda: bot.engine.states["acme"].failures)
        await until(lambda: bot.poll_statistics("acme").next_at - clock() > timedelta(minutes=5))
        clock.move(hours=-2)
        await bot._follow_clock()
        wait = bot._scheduler.get_job("poll acme").next_run_time - clock()
    assert 590 <= wait.total_seconds() <= 601


async def test_a_step_back_is_a_line_in_the_log(bot, clock, log):
    async with RunningBot(bot):
        await until(lambda: bot.poll_statistics("acme"))
        clock.move(hours=-2)
        await until(lambda: any(r.message.startswith("the clock was set back by 720") for r in log.records))


async def test_no_poll_for_long_is_known_by_the_monotonic_clock(web, chat, repository, clock):
    elapsed = itertools.count(100.0, 50.0).__next__
    engine = Engine({"acme": ACME}, web, repository, chat, clock, lambda _: VerdictParameters())
    bot = scheduler.BotApp(engine, PollSettings(), elapsed=elapsed)
    clock.move(hours=-2)
    assert bot.seconds_since_poll_start() == 50.0


async def test_a_source_without_usable_data_for_too_long_is_a_line_in_the_log(bot, web, log):
    bot.engine.alarm_after = 3
    web.show(SourceError("it is gone", code="http_404"))
    async with RunningBot(bot):
        await until(lambda: bot._scheduler)
        for _ in range(5):
            await bot._poll_provider("acme")
    said = [r.message for r in log.records if r.levelno == logging.ERROR]
    assert said == ["acme: no data for 3 checks: it is gone. Services show as unknown."]


# --- one more ---------------------------------------------------------------------------------------------------------


async def test_one_more_provider_is_looked_at_without_a_restart(bot):
    globex = replace(ACME, id="globex", source=replace(ACME.source, id="globex"))
    async with RunningBot(bot):
        await until(lambda: bot.engine.states["acme"].seen_at)
        await bot.add_provider(globex)
        await until(lambda: bot.engine.states["globex"].seen_at)
        assert bot.poll_statistics("globex").looks == 1


async def test_what_was_open_when_a_provider_is_taken_on_is_no_news(bot, web, chat, repository):
    repository.subscribe(Subscription("C1", "globex", created_at=NOON))
    web.show(DOWN)
    async with RunningBot(bot):
        await bot.add_provider(replace(ACME, id="globex", source=replace(ACME.source, id="globex")))
        await until(lambda: len(chat.said) == 2)
    assert chat.said == [("post", "C1", None), ("post", "C1", None)]  # the digest of each first poll


# --- the end ----------------------------------------------------------------------------------------------------------


async def test_a_bot_with_nothing_to_do_ends_at_once(bot):
    async with RunningBot(bot) as running:
        await asyncio.sleep(0)
    assert running.ended_in < 1


async def test_looks_and_posts_that_hang_hold_the_end_up_for_less_than_five_seconds(bot, web, chat, repository):
    repository.record_transition(None, poll_page(None, page(), NOON), [])
    change = poll_page(repository.provider_state("acme"), DOWN, NOON)
    bot.engine.__post_init__()
    bot.engine._record(None, change, ACME)
    started = []

    async def hang(*what, **_):
        started.append(what)
        await asyncio.sleep(60)

    web.get = chat.post = hang
    bot.shutdown_grace_s = scheduler.SHUTDOWN_GRACE_S
    async with RunningBot(bot) as running:
        await until(lambda: len(started) == 2)
    assert running.ended_in < 5


async def test_what_was_leaving_at_the_end_is_in_doubt_at_the_next_start(bot, chat, repository):
    bot.engine.states["acme"] = poll_page(None, page(), NOON).state
    bot.engine._record(None, poll_page(bot.engine.states["acme"], DOWN, NOON), ACME)
    started = asyncio.Event()

    async def hang(*_, **__):
        started.set()
        await asyncio.sleep(60)

    chat.post = hang
    async with RunningBot(bot):
        await started.wait()
    assert repository.next_pending("C1").is_in_doubt


async def test_what_is_being_sent_at_the_end_may_finish(bot, chat, repository):
    bot.engine.states["acme"] = poll_page(None, page(), NOON).state
    bot.engine._record(None, poll_page(bot.engine.states["acme"], DOWN, NOON), ACME)
    started, post = asyncio.Event(), chat.post

    async def slow(*what, **how):
        started.set()
        await asyncio.sleep(0.05)
        return await post(*what, **how)

    chat.post, bot.shutdown_grace_s = slow, 5
    async with RunningBot(bot):
        await started.wait()
    assert not repository._db.rows("SELECT 1 FROM outbox WHERE state = 'sending'")


async def test_an_interface_serves_until_the_end(bot):
    told = []

    async def web_server():
        try:
            await asyncio.Event().wait()
        finally:
            told.append("closed")

    bot.services = [web_server]
    async with RunningBot(bot):
        await asyncio.sleep(0.01)
    assert told == ["closed"]


async def test_an_interface_that_gives_up_ends_the_bot_with_its_error(bot):
    async def web_server():
        raise ConfigError(["Slack refuses the token"])

    bot.services = [web_server]
    with pytest.raises(ConfigError, match="refuses the token"):
        await bot.run(asyncio.Event())


async def test_an_interface_that_can_not_be_closed_holds_nobody_up(bot):
    over = asyncio.Event()

    async def web_server():
        while not over.is_set():
            try:
                await over.wait()
            except asyncio.CancelledError:
                continue

    bot.services = [web_server]
    async with RunningBot(bot) as running:
        await asyncio.sleep(0.01)
    over.set()
    assert running.ended_in < 5


# --- what it says of failures -----------------------------------------------------------------------------------------


def said(log):
    return [f"{record.levelname} {record.message}" for record in log.records]


def fail(bot, *errors):
    for error in errors:
        with bot._log_failures("acme", "this poll failed"):
            if error is not None:
                raise error


async def test_a_failure_is_said_once_for_as_long_as_it_is_the_same(bot, log):
    fail(bot, *[UsageError("it is not there")] * 3)
    assert said(log) == ["ERROR acme: it is not there; this poll failed"]


async def test_another_failure_is_said_too(bot, log):
    fail(bot, StoreError("the disk is full"), StoreError("locked"))
    assert len(said(log)) == 2


async def test_the_end_of_a_failure_is_said(bot, log):
    fail(bot, UsageError("it is not there"), None, None)
    assert said(log)[1:] == ["INFO acme: recovered"]


async def test_a_full_disk_fails_every_job_and_is_said_once(bot, log):
    for what in ("acme", "time", "the outbox"):
        with bot._log_failures(what, "it waits"):
            raise StoreError("the disk is full")
    assert said(log) == ["ERROR the database: the disk is full; it waits"]


async def test_a_backup_that_fails_is_no_failure_of_the_database(bot, log):
    async def fails():
        raise StoreError("no room for it")

    bot.periodic_jobs = [PeriodicJob("the backup", 60, fails, "it is tried again")]
    for errand in bot.periodic_jobs * 2:
        await bot._run_job(errand)
    assert said(log) == ["ERROR the backup: no room for it; it is tried again"]


async def test_an_errand_is_on_the_calendar(bot):
    bot.periodic_jobs = [PeriodicJob("the backup", 60, None, "")]
    assert bot._create_scheduler().get_job("the backup").trigger.interval.total_seconds() == 60


async def test_a_failure_that_was_expected_leaves_no_traceback(bot, log):
    fail(bot, StoreError("the disk is full"))
    assert log.records[0].exc_info is None


async def test_a_failure_that_nobody_thought_of_leaves_its_traceback_and_ends_nothing(bot, log):
    fail(bot, KeyError("what"))
    assert log.records[0].exc_info is not None


async def test_a_disk_that_is_full_for_a_while_loses_no_look(bot, repository, web, log):
    repository.record_transition(None, poll_page(None, page(), NOON), [])
    bot.engine.__post_init__()
    web.show(DOWN)
    good = repository.record_transition

    def full(*_):
        repository.record_transition = good
        raise StoreError("the disk is full")

    repository.record_transition = full
    bot._scheduler = bot._create_scheduler()
    await bot._poll_provider("acme")
    await bot._poll_provider("acme")
    assert said(log) == ["ERROR the database: the disk is full; this poll failed", "INFO the database: recovered"]
    assert repository.pending_channels() == ("C1",)


async def test_a_page_that_stays_unreadable_is_said_once_and_its_return_too(bot, web, log):
    bot._scheduler = bot._create_scheduler()
    web.show(SourceError("HTTP 500", code="http_500"))
    for _ in range(4):
        await bot._poll_provider("acme")
    web.show(page())
    await bot._poll_provider("acme")
    assert said(log) == [
        "WARNING acme: status page unreadable: HTTP 500",
        "INFO acme: status page readable again after=0m",
    ]


async def test_time_that_can_not_be_recorded_is_said(bot, log):
    def ticks():
        raise StoreError("the disk is full")

    bot.engine = type("Engine", (), {"advance_time_by_provider": staticmethod(ticks)})()
    await bot._advance_time()
    assert said(log) == ["ERROR the database: the disk is full; what it changed is not recorded yet"]


def delivery(outcome, why="", attempt=1):
    post = type("Post", (), {"kind": "alert", "channel": "C1"})()
    return DeliveryAttempt(post, outcome, why, attempt)


@pytest.mark.parametrize(
    ("done", "words"),
    [
        (delivery("sent"), []),
        (delivery("later", "http_503"), ["WARNING alert to C1: will be tried again: http_503"]),
        (delivery("later", "http_503", 2), []),
        (delivery("parked", "is_archived", 9), ["WARNING alert to C1: given up: is_archived"]),
        (delivery("sent", "", 4), ["WARNING alert to C1: sent at attempt 4"]),
        (
            delivery("sent", "again: its fate was unknown", 2),
            ["WARNING alert to C1: sent again: its fate was unknown, at attempt 2"],
        ),
    ],
)
async def test_a_post_is_told_of_at_its_first_refusal_and_at_its_end(log, done, words):
    scheduler.log_delivery(done)
    assert said(log) == words


async def test_many_incidents_of_one_poll_are_listed_before_any_is_sent_alone(bot, chat, web, repository):
    repository.record_transition(None, poll_page(None, page(), NOON), [])
    bot.engine.__post_init__()
    bot.change_hooks = (GatherHook(bot.engine, repository).steps,)
    web.show(page(*(incident(update(n, api="partial_outage"), number=n) for n in range(12)), api="partial_outage"))
    bot._scheduler = bot._create_scheduler()
    await bot._poll_provider("acme")
    await until(lambda: chat.texts)
    await scheduler.cancel_tasks([*bot._notifiers.values()])
    assert "12 new incidents at 1 provider" in chat.texts[0]


async def test_a_bot_that_does_not_lead_takes_nothing_with_a_record(bot, web, repository):
    repository.record_transition(None, poll_page(None, page(), NOON), [])
    bot.engine.__post_init__()
    bot.leads = lambda: False
    web.show(DOWN)
    bot._scheduler = bot._create_scheduler()
    await bot._poll_provider("acme")
    assert (repository.backlog().waiting > 0, [*bot._notifiers]) == (True, [])


async def test_a_bot_that_does_not_lead_polls_and_posts_nothing(bot, chat, web, repository):
    repository.record_transition(None, poll_page(None, page(), NOON), [])
    bot.engine.__post_init__()
    bot.leads = lambda: False
    web.show(DOWN)
    async with RunningBot(bot):
        await until(repository.pending_channels)
    assert chat.said == []


async def test_a_bot_that_does_not_lead_runs_only_the_jobs_that_are_for_each(bot):
    ran = []

    def job(name, **more):
        async def do():
            ran.append(name)

        return PeriodicJob(name, 60.0, do, "", first_s=0.0, **more)

    bot.leads, bot.periodic_jobs = lambda: False, [job("digest"), job("phrases", is_for_each=True)]
    async with RunningBot(bot):
        await until(lambda: ran)
    assert ran == ["phrases"]


async def test_pages_of_other_bots_are_not_polled_until_they_are_taken_over(bot, web):
    bot.engine.elsewhere.add("acme")
    async with RunningBot(bot):
        await until(lambda: bot._scheduler)
        before = [*web.asked]
        bot.engine.elsewhere.discard("acme")
        bot.start_polls(["acme"])
        await until(lambda: web.asked)
    assert before == []


async def test_pages_that_are_left_to_another_bot_are_not_polled_any_more(bot):
    async with RunningBot(bot):
        await until(lambda: (found := bot.poll_statistics("acme")) and found.looks)
        await bot.stop_polls(["acme"], 0.0)
        assert (bot.poll_statistics("acme"), bot._scheduler.get_job("poll acme")) == (None, None)


async def test_a_poll_that_is_under_way_too_long_is_given_up(bot, web):
    async def hang(*_, **__):
        asked.set()
        await asyncio.Event().wait()

    asked, web.get = asyncio.Event(), hang
    async with RunningBot(bot):
        await asked.wait()
        under_way = bot._polls_under_way["acme"]
        await bot.stop_polls(["acme"], 0.0)
        await asyncio.wait([under_way], timeout=5)
    assert under_way.done()


async def test_a_page_that_another_bot_polls_by_now_is_no_error(bot, log, repository):
    class Elsewhere:
        held = frozenset()

        def close(self):
            pass

    repository._db.shares = Elsewhere()
    async with RunningBot(bot):
        await until(lambda: "acme: another bot polls the page of acme now" in log.text)
    assert [r for r in log.records if r.levelno > logging.INFO] == []
