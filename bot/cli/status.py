"""``brownout status``: what is affected now, the worst first, as a table; or how one provider or service is."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from html import unescape
from pathlib import Path
from typing import NoReturn

import click
from rich.console import Console
from rich.text import Text

from bot.adapters.terminal import CHANNEL
from bot.cli.completion import complete_targets
from bot.cli.console import create_console, is_ascii
from bot.cli.options import config_option, db_option, open_queries
from bot.cli.shell_text import to_shell_commands
from bot.commands.questions import named_targets
from bot.commands.registry import COMMANDS as VERBS
from bot.commands.types import CommandRequest
from bot.lookup import Target
from bot.messages import preferences, status_table
from bot.messages.service_status import ProviderView, view_provider
from bot.messages.status_table import Line, Style
from bot.queries.current import StatusQueries
from bot.storage import Place

WATCH_S = 5  # seconds between two prints of --watch
_INTERRUPTED = 130  # the exit code of a program that Ctrl-C ended

_RICH_STYLES = {
    Style.PLAIN: "",
    Style.STRONG: "bold",
    Style.MUTED: "dim",
    Style.BAD: "red",
    Style.WARNING: "yellow",
    Style.INFO: "cyan",
    Style.GOOD: "green",
}


@click.command()
@click.argument("words", nargs=-1, metavar="[SERVICE|PROVIDER]...", shell_complete=complete_targets)
@click.option("--all", "show_all", is_flag=True, help="Lists operational services too.")
@click.option("--json", "as_json", is_flag=True, help="Prints one JSON object with every service.")
@click.option("--watch", is_flag=True, help=f"Prints it again every {WATCH_S} s, until Ctrl-C.")
@click.option("--channel", default=CHANNEL, hidden=True)
@config_option
@db_option
def status(
    *,
    words: tuple[str, ...],
    show_all: bool,
    as_json: bool,
    watch: bool,
    channel: str,
    config: Path | None,
    db: Place | None,
) -> None:
    """Shows what is affected now, the worst first, or how a service is.

    Signs: ● outage, ◆ partial outage, ▲ degraded, ⚙ maintenance, ↻ recovering, ✓ operational, ? unknown. NEXT is the
    time of the next update. Times are in UTC. Colours follow the terminal; NO_COLOR=1 switches them off.
    """
    request = CommandRequest(words, channel)

    def show() -> None:
        with open_queries(config, db) as queries:
            _print_status(queries, request, show_all=show_all, as_json=as_json)

    if watch:
        watch_output(show, click.clear, time.sleep)
    show()


def watch_output(show: Callable[[], None], clear: Callable[[], None], wait: Callable[[float], None]) -> NoReturn:
    """Shows it again every WATCH_S seconds, until Ctrl-C (then with exit code 130)."""
    try:
        while True:
            clear()
            show()
            wait(WATCH_S)
    except KeyboardInterrupt:
        raise SystemExit(_INTERRUPTED) from None


def _print_status(queries: StatusQueries, request: CommandRequest, *, show_all: bool, as_json: bool) -> None:
    console = create_console()
    targets = named_targets(queries, request)
    if as_json:
        views = _views_of(queries, targets)
        click.echo(json.dumps(status_table.status_as_json(views, queries.now()), ensure_ascii=False))
    elif targets:
        for target in targets:
            _print_target(console, queries, target, request.channel)
    else:
        _print_lines(console, _overview(queries, show_all=show_all))


def _overview(queries: StatusQueries, *, show_all: bool) -> list[Line]:
    views, now = _all_views(queries), queries.now()
    lines = status_table.status_lines(views, now, show_all=show_all, is_ascii=is_ascii())
    return [*lines, *_report_lines(queries, queries.report_counts())]


def _all_views(queries: StatusQueries) -> list[ProviderView]:
    return [view_provider(p, state, queries.now()) for p, state in queries.quick_snapshot()]


def _views_of(queries: StatusQueries, targets: Iterable[Target]) -> list[ProviderView]:
    """The providers that are named, with the services that are; every provider where nothing is named."""
    named: dict[str, set[str]] = {}
    for target in targets:
        named.setdefault(target.provider.id, set()).update(s.id for s in target.surfaces)
    if not named:
        return _all_views(queries)
    views = [v for v in _all_views(queries) if v.provider.id in named]
    return [
        ProviderView(v.provider, v.state, tuple(s for s in v.services if s.surface.id in named[v.provider.id]), v.now)
        for v in views
    ]


def _print_target(console: Console, queries: StatusQueries, target: Target, channel: str) -> None:
    """A provider as its table; a service as in the chat, with its reason and what to do."""
    if target.is_provider and len(target.surfaces) > 1:
        view = view_provider(target.provider, queries.provider_state(target.provider), queries.now())
        _print_lines(console, status_table.status_lines([view], queries.now(), show_all=True, is_ascii=is_ascii()))
        counts = {s.id: n for s in target.surfaces if (n := queries.report_counts().get(s.id))}
        _print_lines(console, _report_lines(queries, counts))
        return
    answer = VERBS["status"].answer(queries, CommandRequest((target.surfaces[0].id,), channel))
    console.print(Text(to_shell_commands(unescape(answer.message.text))))


def _report_lines(queries: StatusQueries, counts: Mapping[str, int]) -> list[Line]:
    lines = preferences.report_lines(counts, queries.surfaces())
    return [(status_table.Span(line),) for line in lines]


def _print_lines(console: Console, lines: Iterable[Line]) -> None:
    for line in lines:
        text = Text.assemble(*((span.text, _RICH_STYLES[span.style]) for span in line))
        console.print(text, soft_wrap=True)


COMMANDS = {"status": status}
