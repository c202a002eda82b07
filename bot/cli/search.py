"""``brownout search``: full-text search in the titles, posts and notes of all recorded incidents."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from bot.cli.options import config_option, db_option, open_queries
from bot.errors import UsageError
from bot.messages import formatting
from bot.storage import Place
from bot.storage.search import SearchHit

EXCERPT_CONTEXT = 70  # characters shown on each side of the first match


@click.command()
@click.argument("typed", nargs=-1, required=True, metavar="WORDS...")
@click.option("--limit", type=click.IntRange(1, 500), default=20, help="So many incidents at most (default: 20).")
@config_option
@db_option
def search(typed: tuple[str, ...], limit: int, config: Path | None, db: Place | None) -> None:
    """Where all of the words stand: "in quotes" is a phrase, begin* is a beginning. The newest incidents first."""
    with open_queries(config, db) as queries:
        results = queries.repository.archive.search(" ".join(typed), limit=limit)
    if not results.found:
        raise UsageError(f"No results for “{' '.join(typed)}”. A result has all words; try fewer.")
    console = Console(soft_wrap=True, highlight=False)
    for hit in results.found:
        console.print(Text(f"{hit.at:%Y-%m-%d} {hit.provider} {hit.incident}  {hit.title}", style="bold"))
        if hit.text != hit.title:
            console.print(Text(f"  {str(hit.kind).replace('_', ' ')}: {_excerpt(hit, typed)}"))
    if results.is_cut:
        console.print("There are more than 1,000 places, and only the newest were searched; add a word.")


def _excerpt(hit: SearchHit, words: tuple[str, ...]) -> str:
    """Returns the text around the earliest of the words, or its beginning where none of them occurs."""
    text = " ".join(hit.text.split())
    at = min((p for w in words if (p := text.casefold().find(w.strip('"*').casefold())) >= 0), default=0)
    start, end = max(at - EXCERPT_CONTEXT, 0), at + EXCERPT_CONTEXT
    return (
        f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"
        if text
        else formatting.join_names([])
    )


COMMANDS = {"search": search}
