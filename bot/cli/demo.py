"""``brownout demo``: plays the outage of 2 March 2026 through the whole bot, in the terminal.

The bot polls a status page on loopback that replays the day (``config/demo``: facts and times are the vendor's public
record, the texts are paraphrased). The clock runs 300 times as fast; everything else is as in ``run``: HTTP, SQLite,
verdicts and the outbox, with the terminal in place of Slack.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from bot import settings
from bot.adapters.page_fetcher import PageFetcher
from bot.adapters.playback_server import PlaybackServer
from bot.adapters.terminal import CHANNEL, TerminalClient
from bot.app import digests
from bot.app.clock import FastClock
from bot.cli.demo_story import DayStory
from bot.cli.options import db_option
from bot.domain import Provider, Subscription
from bot.domain.reliability import TimeWindow
from bot.engine import Engine
from bot.formats import reconstruction
from bot.messages import formatting
from bot.queries.history import HistoryQueries
from bot.storage import Repository

START = datetime(2026, 3, 2, 11, 45, tzinfo=UTC)
END = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
POLL_INTERVAL = timedelta(minutes=1)
DEFAULT_SPEED = 300.0  # times as fast as the day: it takes 63 s
FASTER = 600.0  # the speed that the first line names for people in a hurry
RECORDING_FILE = "demo/2026-03-02.json"


@click.command()
@click.option(
    "--speed",
    type=click.FloatRange(1, 2000),
    default=DEFAULT_SPEED,
    show_default=True,
    help="How many times as fast as the day was.",
)
@db_option
def demo(speed: float, db: Path | None) -> None:
    """Replays the outage of 2 March 2026 in the terminal, in about a minute. No tokens, no network."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="brownout-") as folder:
        console.print(_intro(speed), highlight=False)
        lines = asyncio.run(_run_demo(console, db or Path(folder) / "demo.db", speed))
    console.print(_end_card(lines, db))


async def _run_demo(console: Console, db: Path, speed: float) -> list[str]:
    """Plays the day, and returns the lines of the end card."""
    app_settings = settings.load()
    clock = FastClock(START, speed)
    page = PlaybackServer(reconstruction.read_history((settings.config_dir() / RECORDING_FILE).read_bytes()), clock.now)
    repository = Repository.open(db, alone=True)
    try:
        provider = _loopback_provider(app_settings, await page.start())
        chat, story = TerminalClient(console, clock.now, with_replies=False), DayStory(provider)
        with _create_progress(console) as bar:
            task = bar.add_task("", total=(END - START).total_seconds())
            async with PageFetcher() as fetcher:
                repository.subscribe(Subscription(CHANNEL, provider.id, created_at=START))
                engine = Engine({provider.id: provider}, fetcher, repository, chat, clock.now, app_settings.rules_for)
                while (now := clock.now()) < END:
                    bar.update(task, completed=(now - START).total_seconds(), description=f"{now:%H:%M} UTC")
                    change = await engine.poll(provider.id)
                    for comment in story.observe(now, change.events, change.state.components):
                        console.print(Text(f"{now:%H:%M}  {comment}", style="bold cyan"))
                    await engine.publish()
                    await clock.sleep_until(now + POLL_INTERVAL)
            bar.update(task, completed=(END - START).total_seconds(), description=f"{END:%H:%M} UTC")
        history = HistoryQueries(repository.archive, END)
        accuracy = digests.surfaces_accuracy(history, provider.surfaces, TimeWindow(START, END))
        return story.card_lines(chat.alerts, chat.broadcasts, accuracy)
    finally:
        await page.stop()
        repository.close()


def _loopback_provider(app_settings: settings.Settings, url: str) -> Provider:
    """Returns the provider of the demo, with its page at ``url``."""
    claude = next(p for p in app_settings.providers if p.id == "claude")
    return replace(claude, source=replace(claude.source, url=url, fallback=None))


def _create_progress(console: Console) -> Progress:
    return Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("{task.percentage:.0f} %"),
        console=console,
    )


def _intro(speed: float) -> str:
    length = f"{_length(speed)}{_faster(speed)}"
    return (
        f"Replays 2 March 2026, {START:%H:%M} to {END:%H:%M} UTC, at {speed:g}x speed ({length}).\n"
        "No tokens, no network. Times and facts are the vendor's; its words are paraphrased.\n"
    )


def _faster(speed: float) -> str:
    return f"; --speed {FASTER:g} for {_length(FASTER)}" if speed < FASTER else ""


def _length(speed: float) -> str:
    """How long the day takes at this speed."""
    return formatting.format_duration((END - START).total_seconds() / speed)


def _end_card(lines: Sequence[str], db: Path | None) -> Panel:
    first = f"brownout timeline last --db {db}" if db else "brownout demo --db demo.db"
    body = "\n".join((*lines, f"Next: brownout run · {first} · brownout docs slack"))
    return Panel(Text(body), box=box.SQUARE, title="What Brownout did for you on 2 March 2026", title_align="left")


COMMANDS = {"demo": demo}
