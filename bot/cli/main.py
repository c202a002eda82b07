"""``brownout``: the command line. The module of a command is imported only when the command runs."""

from __future__ import annotations

import errno
import importlib
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click
from click.shell_completion import CompletionItem
from typing_extensions import override

from bot import __version__
from bot.app.redaction import redact_secrets
from bot.cli.groups import SuggestingGroup
from bot.cli.shell_text import to_shell_commands
from bot.errors import BrownoutError, ConfigError, NotWatchedError, StoreError

# by command: its module in bot.cli, and its line in the help
COMMAND_MODULES = {
    "demo": ("demo", "replays the outage of 2 March 2026 in the terminal; no tokens, no network"),
    "run": ("run", "runs the bot: alerts in Slack, or in the terminal without tokens"),
    "status": ("status", "what is affected now, the worst first, or one service"),
    "retry": ("retry", "Is it safe to retry? Exit code 0 yes, 75 not yet, 69 unknown"),
    "summary": ("queries", "summary of an incident: services, times, advice given"),
    "timeline": ("timeline", "every step of an incident, or a picture"),
    "history": ("queries", "incidents of a service or provider, newest first"),
    "uptime": ("uptime", "how reliable a service was, day by day, or a picture"),
    "search": ("search", "full-text search in titles, posts and notes"),
    "note": ("queries", "adds a note or a correction to an incident"),
    "label": ("queries", "labels an incident"),
    "declared": ("declared", "incidents that your teams declared: a list, a summary, a document"),
    "export": ("export", "exports an incident (Markdown, JSON, iCalendar, HTML) or everything (JSON)"),
    "import": ("export", "imports an export of everything into a new database"),
    "why": ("queries", "evidence behind the status and advice of an incident"),
    "subscribe": ("queries", "subscribes a channel to alerts"),
    "unsubscribe": ("queries", "unsubscribes a channel"),
    "list": ("queries", "subscriptions of a channel, or all services"),
    "sources": ("sources", "status pages: last and next check, failures, lag"),
    "add": ("add", "adds a status page: finds its format and writes a provider file"),
    "hook": ("hook", "prints settings for a coding agent: failed steps get the bot's advice"),
    "mcp": ("mcp", "MCP server for coding agents: status and retry advice"),
    "probe": ("probe", "probes a service now, or reports probes to another bot"),
    "notify": ("notify", "tools that get alerts besides Slack: deliveries, a test"),
    "tracker": ("tracker", "reads the outage trackers and metrics of the configuration once"),
    "token": ("token", "tokens for sending evidence by HTTP"),
    "init": ("init", "writes a configuration folder, from four questions or from options"),
    "deploy": ("deploy", "prints files for systemd, Docker, Compose or Kubernetes"),
    "check": ("check", "lists all errors in configuration and tokens, with file and line"),
    "manifest": ("manifest", "prints the Slack app manifest"),
    "backfill": ("backfill", "imports past incidents from a status page or recordings"),
    "score": ("score", "scores attribution and advice on recorded histories"),
    "reliability": ("reliability", "availability, MTTR, MTBF and error budget of each service"),
    "db": ("db", "database: backup, verify, restore, vacuum, retention"),
    "restore": ("db", "restores the database from its replica"),
    "replay": ("replay", "replays a recorded status page through the rules"),
    "docs": ("docs", "shows the manual: its pages, one page, or one section"),
    "completion": ("completion", "completion of commands and services in bash, zsh and fish"),
}
HIDDEN_ALIASES = {"report": "reliability"}  # by former name; these still work and are not listed in the help
_MANUAL_PAGES: dict[type[BrownoutError], str] = {ConfigError: "configuration", StoreError: "troubleshooting#database"}


@contextmanager
def _own_usage_errors() -> Iterator[None]:
    """Replaces click's errors of wrong usage by ours; a command without arguments that shows its help stays."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        raise _WrongUsageError(error) from None


class _LazyGroup(SuggestingGroup):
    """Lists its commands without importing them, and prints every error in the program's own form."""

    @override
    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        with _own_usage_errors():
            return super().make_context(info_name, args, parent, **extra)

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMAND_MODULES)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        name = HIDDEN_ALIASES.get(cmd_name, cmd_name)
        if name not in COMMAND_MODULES:
            return None
        module = importlib.import_module(f"bot.cli.{COMMAND_MODULES[name][0]}")
        command: click.Command = module.COMMANDS[name]
        return command

    @override
    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        lines = ((name, line) for name, (_, line) in COMMAND_MODULES.items() if name.startswith(incomplete))
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [*(CompletionItem(name, help=line) for name, line in lines), *options]

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMAND_MODULES.items()])

    @override
    def invoke(self, ctx: click.Context) -> object:
        """Prints expected errors and file errors as one message (exit code 1)."""
        try:
            with _own_usage_errors():
                return super().invoke(ctx)
        except BrownoutError as error:
            text = to_shell_commands(redact_secrets(str(error)))
            raise _PlainError("\n".join((text, *_next_steps(error, text)))) from None
        except OSError as error:
            if (
                error.errno == errno.EPIPE or not error.strerror
            ):  # click handles a closed pipe; others are no file errors
                raise
            reason = error.strerror[0].lower() + error.strerror[1:]
            raise _PlainError(f"{error.filename}: {reason}" if error.filename else reason) from None


def _next_steps(error: BrownoutError, text: str) -> tuple[str, ...]:
    """Returns a line with what to do, or with the page of the manual; empty where the error's text already says so."""
    if isinstance(error, NotWatchedError):
        return (f"Watch it: brownout add {error.provider}",)
    page = next((page for kind, page in _MANUAL_PAGES.items() if isinstance(error, kind)), None)
    return (f"See `brownout docs {page}`.",) if page and "`brownout docs " not in text else ()


class _PlainError(click.ClickException):
    """An error that is printed with the program's name, as other programs print theirs."""

    @override
    def show(self, file: IO[str] | None = None) -> None:
        click.echo(f"brownout: error: {self.message}", err=True)


class _WrongUsageError(_PlainError):
    """Wrong usage: what is wrong, then how the command is used, and where its help is."""

    exit_code = 2

    def __init__(self, error: click.UsageError) -> None:
        """``error`` is click's."""
        context = error.ctx
        lines = [" ".join(error.format_message().split())]
        if context is not None:
            lines.append(f"{context.get_usage()}\nSee `{context.command_path} --help`.")
        super().__init__("\n".join(lines))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="brownout")
def brownout() -> None:
    """Which service is broken, is it safe to retry, and what to use instead."""


def main() -> None:
    """Runs the command line. Characters that the terminal's encoding lacks are printed as escape sequences."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    brownout()
