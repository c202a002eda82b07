"""The sixteen faults that Slack's worst days showed in an early version: what it did then, and what happens now.

Each is played on the real rules, commands and store; ``before`` is what was measured of the version of 30 November 2026.
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import time as clock_time
from html import unescape
from pathlib import Path

from aiohttp import web

from bot import settings
from bot.adapters.slack_client import verify_bot_token
from bot.app.reminders import ReminderHook
from bot.commands.buttons import handle_click, submit_settings
from bot.commands.registry import answer_command
from bot.commands.types import ButtonClick, ModalSubmission
from bot.domain import (
    ChannelPreferences,
    ChatUser,
    Component,
    Condition,
    Notice,
    NoticeKind,
    Notification,
    NotificationKind,
    Observation,
    PollResult,
    ProviderState,
    QuietHours,
    Snapshot,
    Subscription,
    VerdictParameters,
)
from bot.engine import Engine
from bot.errors import DeliveryError
from bot.queries.current import StatusQueries
from bot.rules.transition import TransitionContext, apply_poll
from bot.slack.app_home_publisher import AppHomePublisher
from bot.storage import Repository
from tests.e2e import slackdays
from tests.support.acme import ACME, NOON, Clock
from tests.support.fake_chat import FakeChat
from tests.support.fake_fetcher import FakeFetcher
from tests.support.loopback import serving_app
from tests.support.pages import incident, page, update
from tests.support.slack_limits import view_problems

ADA, BOB = ChatUser("U1", "ada"), ChatUser("U2", "bob")
HEADS = ("no", "fault", "before", "after", "mended")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened, in words, and whether it is as it should be."""

    text: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Fault:
    """One of the sixteen."""

    number: int
    name: str
    before: str
    play: Callable[[Path], Awaitable[Outcome]]


def of_a_day(fault: Callable[[slackdays.Day, str], Awaitable[None]], code: str) -> Callable[[Path], Awaitable[Outcome]]:
    """Plays one of the days, with three channels."""

    async def play(_: Path) -> Outcome:
        async with slackdays.a_day(3) as day:
            await fault(day, code)
            old, new = day.told("inc1:alert"), day.told("inc2:alert")
            listed = {channel for channel, key, _ in day.slack.shown if key.startswith("catch-up:")}
            text = f"old alert in {old}, next outage in {new}, {sum(day.slack.refused.values())} refused calls"
            return Outcome(text, (old == "3 of 3" or len(listed) == len(day.channels)) and new == "3 of 3")

    return play


@dataclass
class Bot:
    """An engine on a database, with a channel, and an incident of Acme that is open."""

    repository: Repository
    clock: Clock
    web: FakeFetcher
    engine: Engine
    queries: StatusQueries

    async def shows(self, *incidents: dict, api: str = "partial_outage") -> None:
        self.web.show(page(*incidents, api=api))
        await self.engine.poll("acme")
        await self.engine.publish()

    def says(self, text: str, person: ChatUser = ADA):
        return answer_command(self.queries, text, "C1", person.id, person.name)


def with_repository(play: Callable[[Repository], Awaitable[Outcome]]) -> Callable[[Path], Awaitable[Outcome]]:
    """The play on a database in the folder that it is given, closed after it."""

    async def played(folder: Path) -> Outcome:
        with closing(Repository.open(folder / "bot.db")) as repository:
            return await play(repository)

    played.__doc__ = play.__doc__
    return played


async def a_bot(repository: Repository, *updates: dict) -> Bot:
    """A bot with an open incident."""
    clock, fetcher = Clock(NOON), FakeFetcher()
    repository.subscribe(Subscription("C1", "acme", Condition.DEGRADED, "U1", NOON))
    engine = Engine({"acme": ACME}, fetcher, repository, FakeChat(), clock, lambda _: VerdictParameters())
    bot = Bot(
        repository, clock, fetcher, engine, StatusQueries((ACME,), repository, clock, lambda _: VerdictParameters())
    )
    await bot.shows(api="operational")
    clock.move(minutes=5)
    await bot.shows(incident(update(api="partial_outage"), *updates))
    return bot


@with_repository
async def double_click(repository: Repository) -> Outcome:
    """Acknowledge, pressed twice."""
    bot = await a_bot(repository)
    for _ in range(2):
        handle_click(bot.queries, ButtonClick("ack", "on inc1", "C1", ADA))
    is_kept = bot.repository.user_actions.acknowledgement("C1", "inc1") is not None
    return Outcome("acknowledged, once" if is_kept else "withdrawn", is_kept)


async def a_tick_in_quiet_hours(folder: Path) -> Outcome:
    """600 channels in quiet hours with two incidents that are withheld: one tick."""
    with closing(Repository.open(folder / "tick.db")) as repository:
        clock, fetcher = Clock(NOON), FakeFetcher()
        quiet = QuietHours(clock_time(11), clock_time(20))
        with repository._db.transaction():
            for number in range(600):
                repository.subscribe(Subscription(f"C{number:03}", "acme", created_at=NOON))
        for number in range(600):
            notice = Notice(NoticeKind.SETTINGS, "", "", "s", NOON, "", NOON, "saved")
            saved = Notification(f"C{number:03}", NotificationKind.NOTICE, "s", notice)
            repository.user_actions.save_preferences(ChannelPreferences(f"C{number:03}", quiet=quiet), [], saved)
        engine = Engine({"acme": ACME}, fetcher, repository, FakeChat(), clock, lambda _: VerdictParameters())
        one, two = (incident(update(n, api="partial_outage"), number=n) for n in (1, 2))
        for shown in ((), (one,), (one, two)):
            fetcher.show(page(*shown, api="partial_outage" if shown else "operational"))
            await engine.poll("acme")
            clock.move(minutes=16)
        asked: list[str] = []
        repository._db._connection.set_trace_callback(asked.append)
        began, longest = time.perf_counter(), 0.0
        for _ in ReminderHook(engine, repository).steps():
            longest = max(longest, time.perf_counter() - began)
            began = time.perf_counter()
        repository._db._connection.set_trace_callback(None)
        text = f"{len(asked)} statements; the longest piece without a pause took {longest * 1000:.0f} ms"
        return Outcome(text, len(asked) < 600)


async def connections_that_do_not_last(_: Path) -> Outcome:
    """Slack closes every connection right after its greeting."""
    [(_, opened, most), *_] = slackdays.connections()
    return Outcome(f"{opened} opened in 10 min, at most {most} in a minute", most <= 10)


async def status_with_everything_bad(folder: Path) -> Outcome:
    """All services of the catalogue are degraded, and one of the last provider is down."""
    providers = settings.load().providers
    worst = providers[-1].surfaces[-1]
    with closing(Repository.open(folder / "status.db")) as repository:
        for provider in providers:
            parts = {c: Condition.DEGRADED for s in provider.surfaces for c in s.components}
            parts |= dict.fromkeys(worst.components, Condition.MAJOR_OUTAGE) if worst in provider.surfaces else {}
            shown = tuple(Component(c, c, condition) for c, condition in parts.items())
            state, context = ProviderState(provider.id), TransitionContext(provider, VerdictParameters(), {})
            change = apply_poll(state, PollResult(NOON, Snapshot(provider.id, provider.name, shown, (), ())), context)
            repository.record_transition(Observation(provider.source.id, NOON, "changed"), change, ())
        queries = StatusQueries(providers, repository, Clock(NOON), lambda _: VerdictParameters())
        message = answer_command(queries, "status", "C1", "U1", "ada").message
        where = unescape(message.text).find(f"{providers[-1].name} outage")
        text = f"{len(message.blocks)} blocks; the outage is at character {where} of the text"
        return Outcome(text, 0 <= where < 600 and len(message.blocks) <= 50)


async def refusals_at_connect(_: Path) -> Outcome:
    """Slack refuses auth.test for a while, and then for good."""
    found = {}
    for code in ("org_login_required", "ekm_access_denied", "invalid_auth"):

        async def answer(_: web.Request, code: str = code) -> web.Response:
            return web.json_response({"ok": False, "error": code})

        async with serving_app(web.post("/api/auth.test", answer)) as url:
            try:
                await verify_bot_token("xoxb-1", base_url=f"{url}/api/")
            except DeliveryError as error:
                found[code] = "ends the bot" if error.permanent else "is waited for"
    text = "; ".join(f"{code} {what}" for code, what in found.items())
    return Outcome(text, [*found.values()] == ["is waited for", "is waited for", "ends the bot"])


@with_repository
async def two_modals(repository: Repository) -> Outcome:
    """Two people have the settings open; one saves quiet hours, then the other a digest."""
    bot = await a_bot(repository)
    modals = [json.loads(bot.says("settings").view["private_metadata"]) for _ in range(2)]
    changes = ({"quiet": "22:00-07:00 UTC"}, {"digest": "daily"})
    for number, (modal, change, person) in enumerate(zip(modals, changes, (ADA, BOB), strict=True)):
        submit_settings(bot.queries, ModalSubmission(f"V{number}", json.dumps(modal), modal["shown"] | change, person))
    kept = bot.queries.channel_preferences("C1")
    both = kept.quiet is not None and kept.digest is not None
    return Outcome("both are saved" if both else "one is lost", both)


@with_repository
async def a_long_timeline(repository: Repository) -> Outcome:
    """An incident with 30 updates of 300 characters."""
    more = [update(n, "identified", f"Update number {n:02d}. {'x' * 300}") for n in range(2, 32)]
    text = unescape((await a_bot(repository, *more)).says("timeline inc1").message.text)
    shown = re.findall(r"Update number (\d\d)", text)
    return Outcome(f"{len(shown)} on the first page, first {shown[:1]}", shown[:1] == ["31"])


@with_repository
async def many_names(repository: Repository) -> Outcome:
    """A name that is typed 4,000 times."""
    bot = await a_bot(repository)
    message = bot.says("subscribe " + " ".join(["acme"] * 4000)).message
    size, targets = len(message.text), len(bot.repository.subscriptions("C1"))
    return Outcome(
        f"{targets} subscription, {len(message.blocks)} blocks, {size} characters", targets == 1 and size < 4000
    )


@with_repository
async def homes(repository: Repository) -> Outcome:
    """200 people look at Home when a verdict changes."""
    bot, taken, published = await a_bot(repository), [], []

    class Counting:
        def quick_snapshot(self):
            taken.append(1)
            return bot.queries.quick_snapshot()

        def __getattr__(self, name: str):
            return getattr(bot.queries, name)

    class Client:
        async def publish_home(self, _, view, state=""):  # noqa: ARG002
            published.append(view_problems(view))
            return "h"

    publisher = AppHomePublisher(Counting(), Client())
    for number in range(200):
        await publisher.record_opened(f"U{number}")
    taken.clear()
    published.clear()
    bot.clock.move(minutes=1)
    await bot.shows(incident(update(api="partial_outage")), incident(update(9, api="major_outage"), number=2))
    await publisher.publish_changed()
    return Outcome(f"{len(published)} Homes from {len(taken)} snapshot", len(taken) == 1 and len(published) == 200)


FAULTS = (
    Fault(1, "everything is refused for 25 s", "three outages of the next 23 h were posted to nobody",
          of_a_day(slackdays.everything_is_refused, "ekm_access_denied")),
    Fault(2, "a double click on Acknowledge", "withdrawn, silently", double_click),
    Fault(3, "a tick with 600 channels in quiet hours", "4.2 s without a pause, every 15 s", a_tick_in_quiet_hours),
    Fault(4, "Slack closes each connection at once", "767 connections in 20 s", connections_that_do_not_last),
    Fault(5, "status while everything is bad", "the outage was in no block", status_with_everything_bad),
    Fault(6, "the token is replaced while it runs", "noticed by nobody, 45 calls in 75 s",
          of_a_day(slackdays.a_token_is_replaced, "")),
    Fault(7, "a refusal at connect that will pass", "the bot ended, with a wrong remedy", refusals_at_connect),
    Fault(8, "two people with the settings open", "the first one's quiet hours were lost", two_modals),
    Fault(9, "one channel's settings can't be read", "no channel was told of a new incident",
          of_a_day(slackdays.settings_are_unreadable, "Mars/Phobos")),
    Fault(10, "timeline of a long incident", "the newest updates were left out", a_long_timeline),
    Fault(11, "subscribe with a name 4,000 times", "4,000 writes, 780 KB of answer", many_names),
    Fault(12, "200 updates at one poll", "199 replies, 200 s", of_a_day(slackdays.a_page_has_200_new_updates, "")),
    Fault(13, "200 people look at Home", "a snapshot for each, 8.1 s of CPU", homes),
    Fault(14, "all channels are archived", "a message for each of 51 channels",
          of_a_day(slackdays.all_channels_are_archived, "is_archived")),
    Fault(15, "texts are too long for Slack", "given up, and nobody was told",
          of_a_day(slackdays.texts_are_too_long, "")),
    Fault(16, "quiet hours and digests end together", "the outage was in 7 of 300 channels after 150 s",
          of_a_day(slackdays.quiet_hours_end_together, "UTC")),
)  # fmt: skip


async def outcomes(faults: Iterable[Fault] = FAULTS) -> list[tuple[object, ...]]:
    """A row for each."""
    rows = []
    for fault in faults:
        with tempfile.TemporaryDirectory() as folder:
            found = await fault.play(Path(folder))
        rows.append((fault.number, fault.name, fault.before, found.text, "yes" if found.holds else "NO"))
    return rows
