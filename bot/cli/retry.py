"""``brownout retry``: the advice as an exit code (bot/docs/http-api.md#exit-codes), for scripts.

Example: ``brownout retry claude-api --wait && run-the-job``. The decision is made in bot.queries.retry_gate.
"""

from __future__ import annotations

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from typing_extensions import override

from bot import durations, settings
from bot.cli.completion import complete_targets
from bot.cli.options import config_option, db_option, utc_now
from bot.durations import DurationError, Limits
from bot.errors import UsageError
from bot.queries.retry_gate import RetryGate, wait_until_retry
from bot.storage import Place

TIMEOUT_LIMITS = Limits(timedelta(0), timedelta.max, "0s to 999999999d", "90s, 30m or 2h", bare="s")


class _DurationParameter(click.ParamType[timedelta]):
    """A duration such as 90s, 30m or 2h."""

    name = "length"

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        try:
            return durations.parse(value, TIMEOUT_LIMITS)
        except DurationError as error:
            self.fail(str(error), param, ctx)


@click.command()
@click.argument("surface", nargs=-1, metavar="SERVICE", shell_complete=complete_targets)
@click.option("--json", "as_json", is_flag=True, help="Prints one JSON object.")
@click.option("--wait", is_flag=True, help="Waits until it is safe, or until the timeout.")
@click.option(
    "--timeout",
    type=_DurationParameter(),
    default="30m",
    show_default=True,
    help="How long --wait waits: 90s, 30m, 2h.",
)
@click.option("--gently", is_flag=True, help="Takes “retry slowly” as a yes: with backoff and 3 attempts at most.")
@click.option("--client", metavar="ID", help="Id of the client; each client gets its own time to retry.")
@config_option
@db_option
def retry(
    *,
    surface: tuple[str, ...],
    as_json: bool,
    wait: bool,
    timeout: timedelta,
    gently: bool,
    client: str | None,
    config: Path | None,
    db: Place | None,
) -> None:
    """Is it safe to retry? Exit code 0 yes, 75 not yet, 69 unknown.

    For scripts: brownout retry claude-api --wait && run-the-job.

    75 also means: only slowly, and --gently is not given, or the time of this client has not come; with --wait: not
    safe until the timeout. 69: `brownout run` is not running on this database, or the database can't be read. 1 or 2:
    wrong usage.
    """
    if not surface:
        raise UsageError("Name a service. Example: brownout retry claude-api")
    client_id = client.encode(errors="replace").decode() if client else None  # argv may hold bytes that are not UTF-8
    gate = RetryGate(settings.load(config), db, " ".join(surface), client_id, utc_now)
    answer = wait_until_retry(
        gate.check,
        gently=gently,
        timeout=timeout if wait else timedelta(0),
        clock=time.monotonic,
        sleep=time.sleep,
        on_wait=lambda current: click.echo(f"waiting: {current.headline}", err=True),
    )
    click.echo(json.dumps(answer.form, ensure_ascii=False) if as_json else answer.describe(gently=gently))
    raise SystemExit(answer.exit_code(gently=gently))


COMMANDS = {"retry": retry}
