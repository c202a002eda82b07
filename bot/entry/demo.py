"""``brownout demo``: the real bot polls a real page on loopback that plays the morning of 2 March 2026.

Facts and times are the vendor's public record; the words are ours (``config/demo``). The clock runs 120 times as fast,
everything else is what ``run`` does: HTTP, SQLite, verdicts, the outbox, and a terminal in place of Slack.
"""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from bot import settings
from bot.edge.fetch import Fetcher
from bot.edge.playback import Playback
from bot.edge.store import Store
from bot.edge.terminal import CHANNEL, Terminal
from bot.engine import Engine
from bot.entry import commands
from bot.entry.clock import FastClock
from bot.entry.desk import Desk
from bot.entry.options import db_option
from bot.model import Provider, Subscription
from bot.sources import history

START = datetime(2026, 3, 2, 11, 45, tzinfo=UTC)
END = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
LOOK_EVERY = timedelta(minutes=1)
DAY = "demo/2026-03-02.json"


@click.command()
@click.option("--speed", type=click.FloatRange(1, 2000), default=120.0, help="How many times as fast as the day was.")
@db_option
def demo(speed: float, db: Path | None) -> None:
    """Plays the morning of 2 March 2026 through the whole bot, here. No tokens, no internet; under three minutes."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="brownout-") as folder:
        asyncio.run(_demo(console, db or Path(folder) / "demo.db", speed))
    console.print(_what_next(db))


async def _demo(console: Console, db: Path, speed: float) -> None:
    found = settings.load()
    clock = FastClock(START, speed)
    page = Playback(history.read_history((settings.config_dir() / DAY).read_bytes()), clock.now)
    book = Store.open(db, alone=True)
    try:
        url = await page.start()
        provider = _on_loopback(found, url)
        console.print(_opening(speed, url, db))
        with _progress(console) as bar:
            task = bar.add_task("", total=(END - START).total_seconds())
            async with Fetcher() as web:
                book.subscribe(Subscription(CHANNEL, provider.id, created_at=START))
                engine = Engine(
                    {provider.id: provider}, web, book, Terminal(console, clock.now), clock.now, found.rules_for
                )
                while (now := clock.now()) < END:
                    bar.update(task, completed=(now - START).total_seconds(), description=f"{now:%H:%M} UTC")
                    await engine.poll(provider.id)
                    await engine.publish()
                    await clock.sleep_until(now + LOOK_EVERY)
            bar.update(task, completed=(END - START).total_seconds(), description=f"{END:%H:%M} UTC")
        desk = Desk((provider,), book, lambda: END, found.rules_for)
        for question in (f"summary {_longest(book)}", "retry claude-api"):
            answer = commands.answer(desk, question, CHANNEL)
            text = Text(unescape(answer.message.text))
            console.print(Panel(text, title=f"/brownout {escape(question)}", title_align="left"))
    finally:
        await page.stop()
        book.close()


def _on_loopback(found: settings.Settings, url: str) -> Provider:
    claude = next(p for p in found.providers if p.id == "claude")
    return replace(claude, source=replace(claude.source, url=url, fallback=None))


def _longest(book: Store) -> str:
    """The incident that the day is about: the one that hit most surfaces."""
    known = [k for i in book.incident_ids(limit=20) if (k := book.known(i))]
    return max(known, key=lambda k: len(k[1].surfaces))[1].incident.id


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("{task.percentage:.0f} %"),
        console=console,
    )


def _opening(speed: float, url: str, db: Path) -> Panel:
    minutes = (END - START).total_seconds() / speed / 60
    return Panel(
        f"2 March 2026, {START:%H:%M} to {END:%H:%M} UTC, {speed:g} times as fast: {minutes:.1f} minutes.\n"
        f"A status page plays the day at {url}; the bot polls it once a (fast) minute and records it in {db}.\n"
        "The facts and times are the vendor's public record, the vendor's words are told in ours.",
        title="brownout demo",
        title_align="left",
    )


def _what_next(db: Path | None) -> str:
    kept = (
        (f"brownout timeline last --db {db}", "every step of the last incident")
        if db
        else ("brownout demo --db demo.db", "keeps the database, to look into")
    )
    rows = (kept, ("brownout run", "watches the real pages, and alerts here"), ("brownout --help", "lists the rest"))
    width = max(len(command) for command, _ in rows)
    lines = (f"  {escape(command):<{width}}   {what}" for command, what in rows)
    return "\n".join(("\n[bold]What to try next[/bold]", *lines, "For Slack see README, “In your Slack”."))


COMMANDS = {"demo": demo}
