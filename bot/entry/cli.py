"""``brownout``: the command line. Each command is a file of its own, imported when it is run and not before."""

from __future__ import annotations

import errno
import importlib
import io
import sys
from typing import IO

import click
from typing_extensions import override

from bot import __version__
from bot.entry.redact import redacted
from bot.entry.shell import in_a_shell
from bot.errors import BrownoutError

# command -> the module that has it, and its line in the help
DOORS = {
    "demo": ("demo", "plays the morning of 2 March 2026 through the whole bot, here in the terminal"),
    "run": ("run", "watches the catalogue and alerts: in Slack, or in the terminal where there are no tokens"),
    "status": ("ask", "what is broken now, or how one surface is"),
    "retry": ("gate", "may I retry it; for scripts, a gate by its exit code (0 go, 75 not yet, 69 unknown)"),
    "summary": ("ask", "what happened, to what, and which verdicts were given"),
    "timeline": ("page", "every step of an incident, or a picture of it"),
    "history": ("ask", "the incidents of a surface or a provider, the newest first"),
    "uptime": ("uptime", "how reliable a surface was, with a sign for each day, or a picture"),
    "search": ("search", "where words stand, in years of titles, posts and notes"),
    "note": ("ask", "adds a note, or a correction, to an incident's timeline"),
    "label": ("ask", "files an incident under labels"),
    "export": ("export", "an incident as Markdown, JSON, iCalendar or HTML; or everything, as JSON"),
    "import": ("export", "everything, from an export, into an empty database"),
    "why": ("ask", "the evidence behind an attribution"),
    "subscribe": ("ask", "alerts for a channel"),
    "unsubscribe": ("ask", "ends that"),
    "list": ("ask", "what a channel listens to, or every surface there is"),
    "sources": ("sources", "how each page is doing: last look, next look, failures, lag"),
    "add": ("add", "finds out what a status page serves, and writes a provider file for it"),
    "mcp": ("mcp", "status and retry verdicts for coding agents, as an MCP server on standard input and output"),
    "probe": ("probe", "tries a surface now, step by step; or from here for a bot elsewhere"),
    "token": ("writers", "who may tell the bot by HTTP what they see"),
    "check": ("check", "names every mistake in config and tokens at once, with file and line"),
    "manifest": ("manifest", "the Slack app's manifest, for Socket Mode or for HTTP mode"),
    "backfill": ("backfill", "the years before the bot, from the page itself or from recordings"),
    "score": ("score", "how right attributions and verdicts were on recorded histories"),
    "report": ("report", "how reliable each surface has been: availability, MTTR, MTBF, error budget"),
    "db": ("db", "cares for the database: backup, verify, restore, vacuum, retention"),
    "restore": ("db", "fetches the database from its replica, after a disk or a machine is gone"),
    "replay": ("recordings", "a recorded page through today's rules"),
}


class _Doors(click.Group):
    """Lists its commands without importing them."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(DOORS)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in DOORS:
            return None
        module = importlib.import_module(f"bot.entry.{DOORS[cmd_name][0]}")
        command: click.Command = module.COMMANDS[cmd_name]
        return command

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in DOORS.items()])

    @override
    def invoke(self, ctx: click.Context) -> object:
        """What goes wrong on purpose, or with a file, is told in plain words, with exit code 1; wrong usage has 2."""
        try:
            return super().invoke(ctx)
        except BrownoutError as error:
            raise _PlainError(in_a_shell(redacted(str(error)))) from None
        except OSError as error:
            if error.errno == errno.EPIPE or not error.strerror:  # who reads us has gone, which click knows; or no file
                raise
            what = error.strerror[0].lower() + error.strerror[1:]
            raise _PlainError(f"{error.filename}: {what}" if error.filename else what) from None


class _PlainError(click.ClickException):
    @override
    def show(self, file: IO[str] | None = None) -> None:
        click.echo(self.message, err=True)


@click.group(cls=_Doors, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="brownout")
def brownout() -> None:
    """Which surface of a provider is broken, is it safe to retry, and what to use instead."""


def main() -> None:
    """Runs the command. A sign that the terminal's encoding lacks is written as its number."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    brownout()
