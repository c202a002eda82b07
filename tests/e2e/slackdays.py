"""``python -m tests.e2e.slackdays``: Slack on its worst days, in tables.

``sixteen`` the faults that an early version had: what it did, and what happens now
``faults``  a fake Slack on loopback with a behaviour per method; our client, notifier and store on a virtual clock
``odd``     a Slack that answers what it never should
``week``    a week of refusals of every code with 300 channels, and designs that must fail (``--seed``, ``--channels``...)

The short form of both runs with the tests (tests/notifier/test_delivery_slack_days.py).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sqlite3
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from aiohttp import web

from bot.adapters.slack_client import SlackClient
from bot.app.delivery_reports import DeliveryReports
from bot.app.reminders import ReminderHook
from bot.domain import (
    ChannelPreferences,
    Message,
    Notice,
    NoticeKind,
    Notification,
    NotificationKind,
    QuietHours,
    Subscription,
    VerdictParameters,
)
from bot.engine import Engine
from bot.messages.alerts import render_notification
from bot.notifier import Notifier
from bot.rules.alerting import decide, routing
from bot.slack.connection_pace import ConnectionPace
from bot.storage import Repository
from tests.e2e.slack_week import Clockwork, run_week
from tests.faults.tables import table
from tests.support.acme import ACME, NOON, poll_page
from tests.support.fake_fetcher import FakeFetcher
from tests.support.loopback import abort, serving_app
from tests.support.pages import incident, page, update


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is not Slack's usual one.

    Attributes:
        body: JSON, or text as it is.
        status: The HTTP status.
        headers: More headers.
        is_taken: The message is shown all the same.
        is_broken: The connection ends without an answer.
    """

    body: Any = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    is_taken: bool = False
    is_broken: bool = False

    async def send(self, request: web.Request) -> web.Response:
        """The response."""
        if self.is_broken:
            return await abort(request)
        if isinstance(self.body, str):
            return web.Response(text=self.body, status=self.status, headers=self.headers, content_type="text/html")
        return web.json_response(self.body, status=self.status, headers=self.headers)


# Of a method and its arguments: an answer, or None for the usual one.
Behaviour = Callable[[str, dict[str, Any]], "dict[str, Any] | Reply | None"]
HEADS = ("Slack", "old alert", "next outage", "refused calls", "channels paused", "owner notified of", "given up")
WEEK_HEADS = (
    *("design", "complete outages", "messages of them", "worst wait", "posts", "doubled", "refusals", "codes", "429"),
    *("most calls a minute", "given up", "result"),
)


@dataclass(slots=True)
class FakeSlack:
    """Slack's Web API on loopback: takes everything, unless its behaviour has another answer."""

    behaviour: Behaviour = field(default=lambda _method, _arguments: None)
    token: str = "xoxb-1"  # noqa: S105 - no real token
    calls: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    shown: list[tuple[str, str, str]] = field(default_factory=list)  # channel, key, text
    now: Callable[[], datetime] = field(default=lambda: NOON)
    shown_at: dict[tuple[str, str], datetime] = field(default_factory=dict)  # by channel and key, the first

    async def answer(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        is_json = "json" in request.content_type
        arguments = await request.json() if is_json else dict(await request.post())
        self.calls[method] += 1
        answer = self.behaviour(method, arguments)
        if request.headers.get("authorization") != f"Bearer {self.token}":
            answer = {"ok": False, "error": "invalid_auth"}
        reply = answer if isinstance(answer, Reply) else Reply(answer)
        if answer is not None and not reply.is_taken:
            self.refused[method] += 1
            return await reply.send(request)
        ts = f"{sum(self.calls.values())}.0"
        if method == "chat.postMessage":
            metadata = arguments.get("metadata") or {}
            metadata = json.loads(metadata) if isinstance(metadata, str) else metadata
            key = (metadata.get("event_payload") or {}).get("key", "")
            self.shown.append((arguments["channel"], key, arguments.get("text", "")))
            self.shown_at.setdefault((arguments["channel"], key), self.now())
        if answer is not None:
            return await reply.send(request)
        return web.json_response({"ok": True, "ts": ts, "channel": arguments.get("channel")})

    @property
    def doubled(self) -> int:
        """How many messages are repetitions of another one in their channel."""
        return len(self.shown) - len({(channel, key) for channel, key, _ in self.shown})


class Day:
    """A database with channels, an outage that begins while Slack is odd, and another one when it is well again."""

    def __init__(
        self, repository: Repository, slack: FakeSlack, client: SlackClient, channels: tuple[str, ...]
    ) -> None:
        self.repository, self.slack, self.client, self.channels = repository, slack, client, channels
        self.path = repository.path
        self.well_at = NOON
        self.now = SimpleNamespace(at=NOON)
        self.tokens = SimpleNamespace(reload=lambda: False)
        for channel in channels:
            repository.subscribe(Subscription(channel, "acme", created_by="U1", created_at=NOON))
        self.notifier = Notifier(repository, client, lambda: self.now.at, render_notification, self.tokens)
        self.reports = DeliveryReports(Clockwork(self.now, self.notifier), repository, lambda: ["U9"])
        self.state = poll_page(None, page(), NOON - timedelta(minutes=1)).state
        repository.record_transition(None, poll_page(None, page(), NOON - timedelta(minutes=1)), ())

    def clock(self) -> datetime:
        """The time now."""
        return self.now.at

    def show(self, *incidents: dict[str, Any], api: str) -> None:
        change = poll_page(self.state, page(*incidents, api=api), self.now.at)
        posts = [
            n
            for alert in decide.decide(change, ACME, blind_after=3).alerts
            for n in routing.route_alert(
                alert,
                self.repository.subscriptions(),
                self.repository.notified_channels(alert.incident),
                routing.ChannelDeliveryState(self.repository.channel_preferences()),
            )
        ]
        self.repository.record_transition(None, change, posts)
        self.state = change.state

    async def passes(self, **span: float) -> None:
        """Time passes, and what is due is sent."""
        until, ticked = self.now.at + timedelta(**span), self.now.at
        while self.now.at < until:
            if self.now.at - ticked >= timedelta(seconds=15):
                self.reports()
                ticked = self.now.at
            sent = [await self.notifier.publish_to(c) for c in await self.notifier.sendable_channels((), 8)]
            self.now.at += timedelta(seconds=0.2 if any(sent) else 1)

    def told(self, key: str) -> str:
        """In how many of the channels a message is."""
        count = len({channel for channel, k, _ in self.slack.shown if k == key and channel in self.channels})
        return f"{count} of {len(self.channels)}"

    def late_s(self, key: str) -> float:
        """Seconds from when Slack was well again to the last channel's message; 0 if all had it before."""
        shown = [at for (channel, k), at in self.slack.shown_at.items() if k == key and channel in self.channels]
        return max(0.0, (max(shown, default=self.now.at) - self.well_at).total_seconds())

    def row(self, name: str) -> tuple[object, ...]:
        owner = [text.split(".")[0] for channel, _, text in self.slack.shown if channel == "U9"]
        return (
            *(name, self.told("inc1:alert"), self.told("inc2:alert"), sum(self.slack.refused.values())),
            *(len(self.repository.paused_channels()), "; ".join(owner) or "-", len(self.repository.parked())),
        )


def refusing(
    code: str, *, method: str = "chat.postMessage", only: Callable[[dict[str, Any]], bool] = lambda _: True
) -> Behaviour:
    """A Slack that refuses some calls of a method with a code."""
    return lambda called, arguments: {"ok": False, "error": code} if called == method and only(arguments) else None


@asynccontextmanager
async def a_day(channels: int) -> AsyncIterator[Day]:
    """A day with so many channels."""
    slack = FakeSlack()
    async with serving_app(web.post("/api/{method}", slack.answer)) as url:
        with tempfile.TemporaryDirectory() as folder, closing(Repository.open(Path(folder) / "day.db")) as repository:
            client = SlackClient("xoxb-1", base_url=f"{url}/api/", look_up=False)
            day = Day(repository, slack, client, tuple(f"C{n}" for n in range(channels)))
            slack.now = day.clock
            yield day


def first(*more: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """The incident that begins while Slack is odd."""
    return (incident(update(api="major_outage"), *more),)


def second() -> dict[str, Any]:
    """The complete outage after it."""
    return incident(update(5, api="major_outage"), number=2, name="All down")


async def everything_is_refused(day: Day, code: str) -> None:
    """All posts are refused for 25 seconds; then a new outage."""
    day.slack.behaviour = refusing(code)
    day.show(*first(), api="major_outage")
    await day.passes(seconds=25)
    day.slack.behaviour = lambda *_: None
    await day.passes(minutes=2)
    day.show(*first(), second(), api="major_outage")
    await day.passes(minutes=2)


async def a_thread_refuses(day: Day, code: str) -> None:
    """Replies are refused in one thread; then a new outage."""
    day.slack.behaviour = refusing(code, only=lambda a: bool(a.get("thread_ts")))
    day.show(*first(), api="major_outage")
    await day.passes(minutes=1)
    day.show(*first(), second(), api="major_outage")
    await day.passes(minutes=8)


async def an_edit_is_refused(day: Day, code: str) -> None:
    """Edits are refused; then a new outage."""
    day.slack.behaviour = refusing(code, method="chat.update")
    day.show(*first(), api="major_outage")
    await day.passes(minutes=1)
    day.show(*first(update(2, "identified", "Found.")), api="major_outage")
    await day.passes(minutes=1)
    day.show(*first(update(2, "identified", "Found.")), second(), api="major_outage")
    await day.passes(minutes=1)


async def one_channel_refuses(day: Day, code: str) -> None:
    """One channel takes nothing for 20 minutes; then a new outage."""
    day.slack.behaviour = refusing(code, only=lambda a: a["channel"] == "C0")
    day.show(*first(), api="major_outage")
    await day.passes(minutes=20)
    day.slack.behaviour = lambda *_: None
    day.show(*first(), second(), api="major_outage")
    await day.passes(minutes=2)


async def a_token_is_replaced(day: Day, _: str) -> None:
    """The token is refused, and its file gets another one two minutes later."""
    day.slack.token = "xoxb-2"  # noqa: S105 - no real token
    day.show(*first(), api="major_outage")
    await day.passes(minutes=2)

    def reload() -> bool:
        day.client.set_token("xoxb-2")
        return True

    day.tokens.reload = reload
    await day.passes(minutes=2)
    day.show(*first(), second(), api="major_outage")
    await day.passes(minutes=2)


async def texts_are_too_long(day: Day, _: str) -> None:
    """Slack takes only short texts."""
    day.slack.behaviour = refusing("msg_too_long", only=lambda a: len(a.get("text", "").encode()) > 300)
    day.show(*first(), api="major_outage")
    await day.passes(minutes=1)
    day.show(*first(), second(), api="major_outage")
    await day.passes(minutes=1)


async def all_channels_are_archived(day: Day, code: str) -> None:
    """Every channel but the owner's takes nothing for 20 minutes; then a new outage."""
    day.slack.behaviour = refusing(code, only=lambda a: a["channel"] in day.channels)
    day.show(*first(), api="major_outage")
    await day.passes(minutes=20)
    day.slack.behaviour = lambda *_: None
    day.show(*first(), second(), api="major_outage")
    await day.passes(minutes=5)


async def settings_are_unreadable(day: Day, zone: str) -> None:
    """The first channel has quiet hours in a time zone that this machine does not know."""
    save_quiet_hours(day, day.channels[0], zone)
    day.show(*first(), api="major_outage")
    await day.passes(minutes=1)
    day.show(*first(), second(), api="major_outage")
    await day.passes(minutes=1)


async def quiet_hours_end_together(day: Day, zone: str) -> None:
    """Alerts and digests of all channels come due in one moment; 20 seconds later there is a complete outage."""
    for channel in day.channels:
        save_quiet_hours(day, channel, zone)
    day.show(incident(update(api="partial_outage")), api="partial_outage")
    await day.passes(minutes=15)
    engine = Engine({"acme": ACME}, FakeFetcher(), day.repository, day.client, day.clock, lambda _: VerdictParameters())
    ReminderHook(engine, day.repository)()
    day.repository.user_actions.enqueue([digest(channel, day.now.at) for channel in day.channels], day.now.at)
    await day.passes(seconds=20)
    day.show(incident(update(api="partial_outage")), second(), api="major_outage")
    await day.passes(minutes=2)


def save_quiet_hours(day: Day, channel: str, zone: str) -> None:
    """Quiet hours until 12:10."""
    notice = Notice(NoticeKind.SETTINGS, "", "", "s", NOON, "", NOON, "saved")
    quiet = QuietHours(time(11), time(12, 10), "UTC")
    saved = Notification(channel, NotificationKind.NOTICE, "s", notice)
    day.repository.user_actions.save_preferences(ChannelPreferences(channel, quiet=quiet), [], saved)
    if zone != "UTC":
        with closing(sqlite3.connect(day.path)) as other, other:
            other.execute("UPDATE habits SET zone = ? WHERE channel = ?", (zone, channel))


def digest(channel: str, at: datetime) -> Notification:
    """A weekly digest."""
    notice = Notice(NoticeKind.DIGEST, "", "", "digest:d", at, "", at, said=Message("Weekly digest: no incidents."))
    return Notification(channel, NotificationKind.NOTICE, "digest:d", notice)


async def a_page_has_200_new_updates(day: Day, _: str) -> None:
    """After a break, one poll finds 200 updates of 5,000 characters; then a new outage."""
    day.show(*first(), api="major_outage")
    await day.passes(minutes=1)
    more = [update(n, "identified", f"{n}: {'We are still at it. ' * 250}") for n in range(2, 202)]
    day.show(*first(*more), api="major_outage")
    await day.passes(seconds=20)
    day.show(*first(*more), second(), api="major_outage")
    await day.passes(minutes=1)


FAULTS: tuple[tuple[str, Callable[[Day, str], Any], str], ...] = (
    *(
        (f"{code} for 25 s", everything_is_refused, code)
        for code in ("ekm_access_denied", "missing_scope", "internal_error")
    ),
    ("invalid_auth, a new token after 2 min", a_token_is_replaced, ""),
    *((f"{code} in one channel for 20 min", one_channel_refuses, code) for code in ("is_archived", "no_permission")),
    *(
        (f"{code} in a thread", a_thread_refuses, code)
        for code in ("restricted_action_thread_locked", "an_unknown_code")
    ),
    *((f"{code} for edits", an_edit_is_refused, code) for code in ("is_archived", "cant_update_message")),
    ("msg_too_long for more than 300 bytes", texts_are_too_long, ""),
    ("user_disabled in one channel for 20 min", one_channel_refuses, "user_disabled"),
    ("is_archived in all channels for 20 min", all_channels_are_archived, "is_archived"),
    ("an unknown time zone in one channel's settings", settings_are_unreadable, "Mars/Phobos"),
    ("quiet hours and digests end together", quiet_hours_end_together, "UTC"),
    ("200 updates at one poll", a_page_has_200_new_updates, ""),
)


async def faults(channels: int = 20) -> list[tuple[object, ...]]:
    """A row for each fault."""
    rows = []
    for name, play, code in FAULTS:
        async with a_day(channels) as day:
            await play(day, code)
            rows.append(day.row(name))
    return rows


def connections() -> list[tuple[object, ...]]:
    """How many connections are opened in a minute to a Slack that closes each of them."""
    rows = []
    for life_s in (0.0, 1.0, 5.0, 30.0, 60.0):
        clock = SimpleNamespace(at=0.0)
        pace, opened = ConnectionPace(lambda clock=clock: clock.at, lambda: 1.0), []
        while clock.at < 600:
            pace.record_open()
            opened.append(clock.at)
            pace.record_up()
            clock.at += life_s
            clock.at += pace.next_wait_s()
        most = max(sum(at <= other < at + 60 for other in opened) for at in opened)
        rows.append((f"{life_s:.0f} s", len(opened), most))
    return rows


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("part", nargs="*", default=["sixteen", "faults", "odd", "week"])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--channels", type=int, default=300)
    parser.add_argument("--incidents", type=int, default=60)
    parser.add_argument("--days", type=float, default=7)
    chosen = parser.parse_args()
    from tests.e2e import odd_days, sixteen_faults  # noqa: PLC0415  (they play the days of this module)

    for name in ("bot", "brownout"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if "sixteen" in chosen.part:
        print(table(sixteen_faults.HEADS, asyncio.run(sixteen_faults.outcomes())))
    if "faults" in chosen.part:
        print(table(HEADS, asyncio.run(faults())))
        print(table(("Slack closes after", "opened in 10 min", "most in a minute"), connections()))
    if "odd" in chosen.part:
        print(table(odd_days.HEADS, asyncio.run(odd_days.rows())))
    if "week" in chosen.part:
        size = {"channels": chosen.channels, "incidents": chosen.incidents, "days": chosen.days}
        reports = [run_week(chosen.seed, **size)]
        small = {"channels": 20, "incidents": 4, "days": 0.5}
        reports += [run_week(chosen.seed, **small, design=d) for d in ("pause for a day", "no back-off")]
        print(table(WEEK_HEADS, [r.row() for r in reports]))
        for line in reports[0].violations[:20]:
            print(line)


if __name__ == "__main__":
    main()
