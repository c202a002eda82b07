"""``brownout search``: where words stand, in years of titles, posts and notes."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from bot.edge.store.search import Place
from bot.entry.options import config_option, db_option, desk
from bot.errors import UsageError
from bot.voice import words

AROUND = 70  # characters of text on each side of the first word


@click.command()
@click.argument("typed", nargs=-1, required=True, metavar="WORDS...")
@click.option("--limit", type=click.IntRange(1, 500), default=20, help="So many incidents at most (default: 20).")
@config_option
@db_option
def search(typed: tuple[str, ...], limit: int, config: Path | None, db: Path | None) -> None:
    """Where all of the words stand: "in quotes" is a phrase, begin* is a beginning. The newest incidents first."""
    with desk(config, db) as opened:
        found = opened.book.archive.search(" ".join(typed), limit=limit)
    if not found.found:
        raise UsageError(f"“{' '.join(typed)}” stands nowhere. All words are asked for; try fewer.")
    console = Console(soft_wrap=True, highlight=False)
    for place in found.found:
        console.print(Text(f"{place.at:%Y-%m-%d} {place.provider} {place.incident}  {place.title}", style="bold"))
        if place.text != place.title:
            console.print(Text(f"  {str(place.kind).replace('_', ' ')}: {_excerpt(place, typed)}"))
    if found.is_cut:
        console.print("There are more than 1,000 places, and only the newest were looked at; add a word.")


def _excerpt(place: Place, typed: tuple[str, ...]) -> str:
    text = " ".join(place.text.split())
    at = min((p for w in typed if (p := text.casefold().find(w.strip('"*').casefold())) >= 0), default=0)
    start, end = max(at - AROUND, 0), at + AROUND
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}" if text else words.listing([])


COMMANDS = {"search": search}
