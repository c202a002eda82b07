"""``brownout retry``: a verdict as an exit code, so that a script may go on, wait, or give up by it.

``brownout retry claude-api --wait && run-the-job``. Reads the database of a bot that runs; where none runs, what it
holds is old, and the answer is ``unknown`` (safe-to-retry.md C.5, C.8).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
from typing_extensions import override

from bot import settings
from bot.core import catalogue, machine
from bot.core.facts import Case
from bot.edge.store import Store
from bot.entry.desk import Desk
from bot.entry.options import config_option, db_option, now
from bot.errors import StoreError, UsageError
from bot.model import Call, Provider, Surface, Track, Verdict
from bot.voice import words

GO = 0
UNAVAILABLE = 69  # EX_UNAVAILABLE of sysexits.h: nothing is known
TEMPFAIL = 75  # EX_TEMPFAIL: not now, try again later
STEP_S = 5.0  # between two questions while waiting
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the gate: the machine form, and a sentence for people."""

    form: dict[str, Any]
    sentence: str

    def code(self, *, gently: bool) -> int:
        """The exit code: 0 go, 75 not now, 69 unknown. A gentle verdict is a go only for those who say so."""
        call = Call(self.form["verdict"])
        if call is Call.UNKNOWN:
            return UNAVAILABLE
        is_open, _ = machine.gate(self.form)
        wanted = (Call.RETRY_NORMALLY, Call.RETRY_GENTLY) if gently else (Call.RETRY_NORMALLY,)
        return GO if call in wanted and is_open == 200 else TEMPFAIL  # noqa: PLR2004  (HTTP's word for go)

    def told(self, *, gently: bool) -> str:
        """The sentence, and where a gentle verdict is still no go, why not."""
        if self.form["verdict"] != Call.RETRY_GENTLY or self.code(gently=gently) == GO:
            return self.sentence
        if not gently:
            return f"{self.sentence} That is a go with --gently only."
        return f"{self.sentence} This client's turn is at {self.form['retry_at'][11:19]} UTC."


def waited(
    ask: Callable[[], Answer],
    *,
    gently: bool,
    timeout: timedelta,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    on_wait: Callable[[Answer], None] = lambda _: None,
) -> Answer:
    """The answer that opens the gate, or the last one before the time is over; asks again every 5 s.

    ``clock`` counts seconds from anywhere and never back. ``on_wait`` hears why it waits, and each change of that.
    """
    ends = clock() + timeout.total_seconds()
    heard = None
    while True:
        answer = ask()
        left = ends - clock()
        if answer.code(gently=gently) == GO or left <= 0:
            return answer
        if (now_heard := (answer.form["verdict"], answer.form["reason_code"])) != heard:
            heard = now_heard
            on_wait(answer)
        sleep(min(STEP_S, left))


def length(text: str) -> timedelta:
    """``90s``, ``30m``, ``2h``, ``1d``, ``1h30m`` as a time span; a bare number is seconds. UsageError otherwise."""
    said = text.strip()
    parts = list(_LENGTH.finditer(said))
    is_whole = "".join(p[0] for p in parts) == said
    if not parts or not is_whole or (len(parts) > 1 and not all(p[2] for p in parts)):
        raise UsageError(f"“{text}” is no length of time; write it like 90s, 30m, 2h or 1h30m.")
    try:
        return timedelta(seconds=sum(float(p[1]) * _UNITS[p[2].lower() or "s"] for p in parts))
    except OverflowError:
        raise UsageError(f"“{text}” is too long; a day is 1d.") from None


class _Length(click.ParamType[timedelta]):
    name = "length"

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        try:
            return length(value)
        except UsageError as error:
            self.fail(str(error), param, ctx)


@click.command()
@click.argument("surface", nargs=-1, metavar="SURFACE")
@click.option("--json", "as_json", is_flag=True, help="Prints the machine form, one JSON object.")
@click.option("--wait", is_flag=True, help="Waits until it may go, or until the timeout.")
@click.option(
    "--timeout", type=_Length(), default="30m", show_default=True, help="How long --wait waits: 90s, 30m, 2h."
)
@click.option(
    "--gently", is_flag=True, help="A gentle verdict is a go too: this job backs off and tries three times at most."
)
@click.option("--client", metavar="ID", help="Who asks: each client has its own slot when a surface opens again.")
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
    db: Path | None,
) -> None:
    """May I retry SURFACE now? For scripts: brownout retry claude-api --wait && run-the-job.

    Exit code 0: go. 75: not now (hold off, or only gently and --gently is not given, or this client's slot has not
    begun), with --wait: still not at the end. 69: unknown: no bot runs on this database, or it can't be read. 1 or 2:
    wrong usage.
    """
    if not surface:
        raise UsageError("`retry` needs to know which one: `brownout retry claude-api`")
    who = client.encode(errors="replace").decode() if client else None  # argv may hold bytes that are no text
    gate = Gate(settings.load(config), db, " ".join(surface), who, now)
    answer = waited(
        gate.ask,
        gently=gently,
        timeout=timeout if wait else timedelta(0),
        clock=time.monotonic,
        sleep=time.sleep,
        on_wait=lambda a: click.echo(f"waiting: {a.told(gently=gently)}", err=True),
    )
    click.echo(json.dumps(answer.form, ensure_ascii=False) if as_json else answer.told(gently=gently))
    raise SystemExit(answer.code(gently=gently))


@dataclass(frozen=True, slots=True)
class Gate:
    """One surface, asked again and again; the database is opened afresh for each question, since it may come late."""

    found: settings.Settings
    db: Path | None
    surface: str
    client: str | None
    now: Callable[[], datetime]

    def ask(self) -> Answer:
        """The verdict now; ``unknown`` where there is no database or it can't be read. UsageError: no such surface."""
        path = self.db or Path(self.found.store_path)
        providers = tuple(p for p in self.found.providers if p.enabled)
        provider, surface = catalogue.surface(providers, self.surface)
        if not path.exists():
            return self._unknown(provider, surface, f"there is no database {path} yet; `brownout run` makes it")
        try:
            with closing(Store.open(path, read_only=True)) as book:
                form = Desk(providers, book, self.now, self.found.rules_for).machine_form(
                    provider, surface, self.client
                )
                looked_at = book.looked_at(provider.id)
        except StoreError as error:
            return self._unknown(provider, surface, str(error))
        if form["verdict"] != Call.UNKNOWN or looked_at is None:
            return Answer(form, form["reason"])
        return Answer(form, _abandoned(surface.name, path, looked_at, self.now()) or form["reason"])

    def _unknown(self, provider: Provider, surface: Surface, why: str) -> Answer:
        told = f"{surface.name} is unknown: {why}."
        verdict = Verdict(surface.id, Call.UNKNOWN, self.now(), 0.0, told, "never_seen")
        grounds = Case(
            Track(surface.id), (), self.now(), seen_at=None, rules=self.found.rules_for(provider), surface=surface
        )
        return Answer(machine.machine_form(verdict, grounds, self.now()), told)


def _abandoned(name: str, path: Path, looked_at: datetime, now: datetime) -> str:
    """The sentence where no bot has looked for longer than a verdict lasts; empty where one runs."""
    age = now - looked_at
    if age <= machine.VALID:
        return ""
    return (
        f"{name} is unknown: the newest look at its page in {path} is {words.span(age.total_seconds())} old"
        f" ({words.day(looked_at)}), too old to go by; is `brownout run` running on it?"
    )


COMMANDS = {"retry": retry}
