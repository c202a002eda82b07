"""``python -m tests.bench storm``: fifty providers break within a minute, the complete outage last; and a busy morning.

The real bot runs in a fake Slack that takes 300 posts and 50 edits a minute, and one post a second in a channel. Once
with few channels and once with many: how long until each severity is in its first and its last channel, answers with 429
for each post, messages that came twice, and pairs of channel and incident that are in no message and in no queue. People
send commands all the while, sixteen at the same moment, and forty boards are open. In the second part the quiet hours of 600 channels end with ten incidents open. With
``--before FOLDER`` a bot from another checkout is measured in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp

from bot import settings
from bot.domain import ChannelPreferences, Notice, NoticeKind, Notification, NotificationKind, QuietHours, Subscription
from bot.storage import Repository
from tests.bench.fake_services import FakeServices, configure, page_bytes, running, until
from tests.bench.limited_slack import POSTS_A_MINUTE, LimitedSlack
from tests.bench.load import watched_repository
from tests.bench.table import Row, percentile, table
from tests.bench.tls_hosts import free_port

PROVIDERS, BREAK_FOR_S, LOOK_EVERY_S = 50, 60.0, 10.0
SIZES = (20, 300)  # channels
AFTER_S = 90.0  # after the last page broke
WORST, PARTIAL, LEAST = "major_outage", "partial_outage", "degraded_performance"
WORDS = {WORST: "complete outage", PARTIAL: "partial outages", LEAST: "degradations"}
MORNING_CHANNELS, MORNING_INCIDENTS, COMMANDS = 600, 10, 100
BOARDS, AT_ONCE, COMMANDS_EVERY_S = 40, 16, 5.0  # open boards, and commands that are typed at the same moment
MORNING_S = 60.0  # after the end of the quiet hours


def severity(number: int) -> str:
    """Of the n-th provider that breaks: the last is down completely, every fifth partly."""
    if number == PROVIDERS - 1:
        return WORST
    return PARTIAL if number % 5 == 0 else LEAST


@dataclass
class Measured:
    """What one bot did in one storm. Times in ms, but ``reached`` in seconds: severity to those of all its channels."""

    channels: int
    reached: dict[str, list[float]] = field(default_factory=dict)
    expected: dict[str, int] = field(default_factory=dict)
    posts: int = 0
    limited: int = 0
    doubled: int = 0
    lost: int = 0
    queued: int = 0
    acks: list[float] = field(default_factory=list)
    health: list[float] = field(default_factory=list)
    stalls: float | None = None
    stalled_in: list[str] = field(default_factory=list)  # lines of the log, one per place
    worst_is_first: bool = False


@asynccontextmanager
async def the_bot(
    folder: Path, stage: FakeServices, channels: int, pages: int, *, code: Path | None, quiet: QuietHours | None = None
) -> AsyncIterator[tuple[Path, int]]:
    """A bot whose channels have subscribed to every page, after its first round: its database and its web port."""
    port = free_port()
    config = configure(folder / "config", stage.url, pages, interval_s=LOOK_EVERY_S, web_port=port)
    db = folder / "storm.db"
    providers = settings.load(config).providers
    watched_repository(db, providers, stage.well)
    now = datetime.now(UTC)  # noqa: TID251  (a subscription has a date)
    with closing(Repository.open(db)) as repository, repository._db.transaction():
        for number in range(channels):
            for provider in providers:
                repository.subscribe(Subscription(f"C{number:03}", provider.id, created_at=now))
    if quiet:
        save_quiet_hours(db, channels, quiet, now)
    if code:
        db = as_written_by(code, db, folder / "earlier.db")
    with (folder / "bot.log").open("ab") as log:
        async with running(config, db, stage, log, code=code):
            await until(lambda: len(stage.looks) == pages, 120, "the first round")
            await asyncio.sleep(3)
            yield db, port


def save_quiet_hours(db: Path, channels: int, quiet: QuietHours, now: datetime) -> None:
    """The same quiet hours for all channels, to the second."""
    with closing(Repository.open(db)) as repository:
        for number in range(channels):
            channel = f"C{number:03}"
            notice = Notice(NoticeKind.SETTINGS, "", "", "s", now, "", now, "saved")
            saved = Notification(channel, NotificationKind.NOTICE, "s", notice)
            repository.user_actions.save_preferences(ChannelPreferences(channel, quiet=quiet), [], saved)
    with closing(sqlite3.connect(db)) as other, other:
        other.execute("UPDATE habits SET quiet_end = ?", (quiet.end.isoformat("seconds"),))
        other.execute("UPDATE outbox SET state = 'sent', ts = '1.0'")


FILLED = ("sources", "bodies", "observations", "conditions", "verdicts", "worlds", "subscriptions", "habits")


def as_written_by(code: Path, db: Path, other: Path) -> Path:
    """The same database in the schema of another checkout: what it knows of each table that is filled here."""
    make = f"from bot.storage import Repository; Repository.open({str(other)!r}).close()"
    subprocess.run([sys.executable, "-c", make], cwd=code, check=True)  # noqa: S603  (a checkout that was named)
    with closing(sqlite3.connect(other)) as repository, repository:
        repository.execute("ATTACH ? AS new", (str(db),))
        for name in FILLED:
            ours, theirs = (
                {row[1] for row in repository.execute(f"PRAGMA {schema}.table_info({name})")}
                for schema in ("new", "main")
            )
            columns = ", ".join(sorted(ours & theirs))
            repository.execute(f"INSERT INTO main.{name} ({columns}) SELECT {columns} FROM new.{name}")  # noqa: S608
    return other


async def type_commands(stage: FakeServices, until_s: float, every_s: float, at_once: int = 1) -> int:
    """Types commands until a time (monotonic); returns how many."""
    typed = 0
    while time.monotonic() < until_s:
        asked = (stage.slack.command("status", f"C{(typed + n) % 20:03}", typed + n) for n in range(at_once))
        typed += sum(await asyncio.gather(*asked))
        await asyncio.sleep(every_s)
    return typed


async def ask_health(port: int, until_s: float, found: list[float]) -> None:
    """How long /healthz takes, in ms, twice a second."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as client:
        while time.monotonic() < until_s:
            began = time.monotonic()
            try:
                async with client.get(f"http://127.0.0.1:{port}/healthz") as answer:
                    await answer.read()
                found.append((time.monotonic() - began) * 1000)
            except (aiohttp.ClientError, OSError):
                found.append(60_000.0)
            await asyncio.sleep(0.5)


async def watch_board(port: int, until_s: float) -> None:
    """A board that is open in a browser: it loads the page again after every change."""
    address = f"http://127.0.0.1:{port}"
    limits = aiohttp.ClientTimeout(total=None, sock_read=until_s - time.monotonic())
    with suppress(aiohttp.ClientError, OSError, TimeoutError):
        async with (
            asyncio.timeout(until_s - time.monotonic()),
            aiohttp.ClientSession(timeout=limits) as client,
            client.get(f"{address}/events") as events,
        ):
            async for line in events.content:
                if line.startswith(b"event: changed"):
                    async with client.get(f"{address}/") as page:
                        await page.read()


async def stalls(port: int) -> float | None:
    """Stalls of the event loop by the bot's own count; None if it has none."""
    async with aiohttp.ClientSession() as client, client.get(f"http://127.0.0.1:{port}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return next((float(line.split()[-1]) for line in lines if line.startswith("brownout_loop_stalls_total")), None)


def stall_lines(folder: Path) -> list[str]:
    """What the bot's log says of stalls, without their times."""
    lines = (folder / "bot.log").read_text(encoding="utf-8", errors="replace").splitlines()
    return [line.partition("nothing else ran for ")[2].removesuffix(". Logged once for this place") for line in lines]


async def storm(
    channels: int, code: Path | None = None, providers: int = PROVIDERS, after_s: float = AFTER_S
) -> Measured:
    """Breaks one page after the other, and watches what reaches Slack until ``after_s`` after the last."""
    slack = LimitedSlack()
    with tempfile.TemporaryDirectory(prefix="brownout-bench-") as name:
        async with (
            FakeServices(slack) as stage,
            the_bot(Path(name), stage, channels, providers, code=code) as (db, port),
        ):
            got, end = Measured(channels), time.monotonic() + BREAK_FOR_S + after_s
            earlier, lines = await stalls(port) or 0, len(stall_lines(Path(name)))
            typing = asyncio.create_task(type_commands(stage, end, COMMANDS_EVERY_S, AT_ONCE))
            boards = [asyncio.create_task(watch_board(port, end)) for _ in range(BOARDS)]
            asking = asyncio.create_task(ask_health(port, end, got.health))
            for number in range(providers):
                status = severity(number + PROVIDERS - providers)
                stage.down[f"p{number}"] = page_bytes(number, is_down=True, status=status)
                await asyncio.sleep(BREAK_FOR_S / providers)
            await asyncio.sleep(max(0.0, end - time.monotonic()))
            await asyncio.gather(typing, asking, *boards)
            counted = await stalls(port)
            got.stalls = None if counted is None else counted - earlier
            got.stalled_in = [line for line in stall_lines(Path(name))[lines:] if line]
            got.acks = [ack * 1000 for ack in slack.acks]
            count(got, stage, slack, db, providers)
            return got


def count(got: Measured, stage: FakeServices, slack: LimitedSlack, db: Path, providers: int) -> None:
    """Fills in what became of every pair of channel and incident."""
    with closing(sqlite3.connect(f"{db.as_uri()}?mode=ro", uri=True)) as repository:
        pending = {
            (channel, incident)
            for channel, incident in repository.execute(
                "SELECT channel, incident FROM outbox WHERE state IN ('waiting', 'sending') AND kind = 'alert'"
            )
        }
        found = repository.execute("SELECT channel, incident, shared_key FROM alerts")
        shared = {(channel, incident): key for channel, incident, key in found}
        queued = repository.execute("SELECT count(*) FROM outbox WHERE state IN ('waiting', 'sending')").fetchone()[0]
        waiting_keys = set(repository.execute("SELECT channel, key FROM outbox WHERE state IN ('waiting', 'sending')"))
    posts = [t for t in slack.taken if not t.is_edit]
    at = {}
    for taken in posts:
        at.setdefault((taken.channel, taken.key), taken.at)
    got.posts, got.limited, got.queued = len(posts), slack.limited.total(), queued
    got.doubled = len(posts) - len(at)
    for number in range(providers):
        status = severity(number + PROVIDERS - providers)
        got.expected[status] = got.expected.get(status, 0) + got.channels
        for channel in (f"C{n:03}" for n in range(got.channels)):
            incident = f"i{number}"
            key = shared.get((channel, incident)) or f"{incident}:alert"
            if when := at.get((channel, key)) or at.get((channel, f"{incident}:alert")):
                since = max(0.0, when - stage.shown.get(f"p{number}", when))
                got.reached.setdefault(status, []).append(since)
            elif (channel, incident) not in pending and (channel, key) not in waiting_keys:
                got.lost += 1


def storm_rows(got: Measured, who: str, before: Measured | None = None) -> list[Row]:
    """Rows of one storm."""
    name = f"{got.channels} channels"
    least_s = got.channels / (POSTS_A_MINUTE / 60) + 2  # what waits has used up the burst
    found = []
    for status in (WORST, PARTIAL, LEAST):
        times, earlier = sorted(got.reached.get(status, [])), sorted(before.reached.get(status, [])) if before else []
        note = f"{len(times)} of {got.expected[status]} alerted when it was counted"
        if before:
            note += f"; {len(earlier)} before"
        for what, share, target in (
            ("first", 0.0, None),
            ("P95", 0.95, least_s if status == WORST else None),
            ("last", 1.0, None),
        ):
            found.append(
                Row(
                    f"{name}: {WORDS[status]} alerted, {what} of the channels",
                    percentile(times, share) if times else None,
                    "s",
                    target,
                    percentile(earlier, share) if earlier else None,
                    who,
                    note if what == "last" else "",
                )
            )
    per_post = got.limited / max(1, got.posts)
    yard = before.limited / max(1, before.posts) if before else None
    found.append(Row(f"{name}: answers with 429 for each post", per_post, "", 0.05, yard, who, f"{got.posts} posts"))
    found.append(
        Row(f"{name}: lost", got.lost, "", 0, before.lost if before else None, who, f"{got.queued} still queued")
    )
    found.append(Row(f"{name}: sent twice", got.doubled, "", 0, before.doubled if before else None, who))
    found += speed_rows(got, name, who, before)
    return found


def speed_rows(got: Measured, name: str, who: str, before: Measured | None) -> list[Row]:
    """How soon the bot answered meanwhile."""
    found = [
        Row(
            f"{name}: {what}, {word}",
            percentile(values, share) if values else None,
            "ms",
            target,
            percentile(earlier, share) if earlier else None,
            who,
            f"{len(values)} measured",
        )
        for what, values, earlier, limit in (
            ("ack", got.acks, before.acks if before else [], 100),
            ("/healthz", got.health, before.health if before else [], 50),
        )
        for word, share, target in (("median", 0.5, None), ("P99", 0.99, limit), ("worst", 1.0, None))
    ]
    yard = before.stalls if before else None
    found.append(Row(f"{name}: stalls of more than 50 ms", got.stalls, "", 0, yard, who, "; ".join(got.stalled_in)))
    return found


async def morning(channels: int = MORNING_CHANNELS, code: Path | None = None) -> Measured:
    """Quiet hours of all channels end while incidents are open; a hundred commands meanwhile."""
    slack = LimitedSlack()
    with tempfile.TemporaryDirectory(prefix="brownout-bench-") as name:
        async with FakeServices(slack) as stage:
            now = datetime.now(UTC)  # noqa: TID251  (the bot has the real clock)
            ends = now + timedelta(seconds=50)
            quiet = QuietHours((now - timedelta(hours=2)).time(), ends.time().replace(microsecond=0), "UTC")
            async with the_bot(Path(name), stage, channels, MORNING_INCIDENTS, code=code, quiet=quiet) as (_, port):
                got = Measured(channels)
                for number in range(MORNING_INCIDENTS):
                    stage.down[f"p{number}"] = page_bytes(number, is_down=True, status=LEAST)
                left_s = (ends - datetime.now(UTC)).total_seconds()  # noqa: TID251
                await asyncio.sleep(max(0.0, left_s))
                end, earlier = time.monotonic() + MORNING_S, await stalls(port) or 0
                slack.acks.clear()
                await asyncio.gather(type_commands(stage, end, MORNING_S / COMMANDS), ask_health(port, end, got.health))
                counted = await stalls(port)
                got.stalls = None if counted is None else counted - earlier
                got.acks = [ack * 1000 for ack in slack.acks]
                got.posts, got.limited = sum(not t.is_edit for t in slack.taken), slack.limited.total()
                return got


async def rows(
    sizes: Iterable[int] = SIZES,
    before: Path | None = None,
    parts: Iterable[str] = ("storm", "morning"),
    after_s: float = AFTER_S,
) -> list[Row]:
    """All rows; beside each other where there is another checkout."""
    found = []
    who = "before" if before else ""
    if "storm" in parts:
        for channels in sizes:
            ours = await storm(channels, after_s=after_s)
            theirs = await storm(channels, before, after_s=after_s) if before else None
            found += storm_rows(ours, who, theirs)
    if "morning" in parts:
        ours = await morning()
        theirs = await morning(code=before) if before else None
        name = f"quiet hours of {ours.channels} channels end, {MORNING_INCIDENTS} incidents open"
        found += speed_rows(ours, name, who, theirs)
        note = f"{ours.posts} posts in {MORNING_S:.0f} s"
        yard = theirs.limited / max(1, theirs.posts) if theirs else None
        found.append(
            Row(f"{name}: answers with 429 for each post", ours.limited / max(1, ours.posts), "", 0.05, yard, who, note)
        )
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path, help="another checkout, whose bot is measured too")
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--parts", nargs="*", default=("storm", "morning"))
    parser.add_argument("--after", type=float, default=AFTER_S, help="seconds of storm after the last page broke")
    asked = parser.parse_args()
    print(table(asyncio.run(rows(asked.sizes, asked.before, asked.parts, asked.after))))
