"""The retry gate: a verdict as an exit code, asked once or until it opens. Used by ``brownout retry`` and by MCP.

It reads the database of a running bot. Where no bot runs, what the database holds is too old, and the answer is
``unknown`` (bot/docs/verdict-rules.md#staleness and #machine-form).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot import lookup, settings
from bot.domain import Advice, Provider, Surface, SurfaceHistory, Verdict
from bot.errors import StoreError
from bot.messages import formatting, words
from bot.queries.current import StatusQueries
from bot.rules.verdict import machine_form
from bot.rules.verdict.inputs import VerdictCase
from bot.storage import Place, Repository, may_exist, parse_place

EXIT_RETRY = 0
EXIT_UNAVAILABLE = 69  # EX_UNAVAILABLE of sysexits.h: the verdict is unknown
EXIT_TEMPFAIL = 75  # EX_TEMPFAIL: not now, try again later
CHECK_INTERVAL_S = 5.0  # between two checks while waiting


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """One answer of the gate: the verdict's machine form, and a sentence for people."""

    form: dict[str, Any]
    sentence: str

    def exit_code(self, *, gently: bool) -> int:
        """The exit code: 0 to retry, 75 not now, 69 unknown. ``retry_gently`` means 0 only if ``gently``."""
        call = Advice(self.form["verdict"])
        if call is Advice.UNKNOWN:
            return EXIT_UNAVAILABLE
        is_open, _ = machine_form.gate_response(self.form)
        go_advice = (Advice.RETRY_NORMALLY, Advice.RETRY_GENTLY) if gently else (Advice.RETRY_NORMALLY,)
        return EXIT_RETRY if call in go_advice and is_open == 200 else EXIT_TEMPFAIL  # noqa: PLR2004  (HTTP's OK)

    def describe(self, *, gently: bool) -> str:
        """The headline, and on a second line the reason; for a ``retry_gently`` verdict that is not 0, why not."""
        reason = self.sentence.partition(": ")[2] or self.sentence
        reason = formatting.upper_first(reason)
        if self.form["verdict"] != Advice.RETRY_GENTLY or self.exit_code(gently=gently) == EXIT_RETRY:
            return f"{self.headline}\n{reason}"
        if not gently:
            return f"{self.headline}\n{reason} For a program that retries at this load: add --gently."
        return f"{self.headline}\n{reason} This client's turn is at {self.form['retry_at'][11:19]} UTC."

    @property
    def headline(self) -> str:
        """The advice, the service, and when there is news: ``don't retry  acme-api  (next update by 12:30 UTC)``."""
        call, service = Advice(self.form["verdict"]), self.form["surface"]
        instead, review_at = self.form["instead"], self.form["review_at"]
        short = words.ADVICE_STYLES[Advice.HOLD_OFF if call is Advice.FAIL_OVER else call].short.lower()
        load = f" ({words.load_text(self.form['exposure'])})" if call is Advice.RETRY_GENTLY else ""
        notes = [f"use {instead} instead"] if call is Advice.FAIL_OVER and instead else []
        if review_at and call in (Advice.HOLD_OFF, Advice.FAIL_OVER):
            notes.append(f"next update by {_clock(review_at, self.form['as_of'])}")
        if review_at and call is Advice.RETRY_GENTLY:
            notes.append(f"next check {_clock(review_at, self.form['as_of'])}")
        return f"{short}{load}  {service}" + (f"  ({', '.join(notes)})" if notes else "")


@dataclass(frozen=True, slots=True)
class RetryGate:
    """Checks one surface; the database is opened for each check, since it may be created later.

    Attributes:
        config: The settings.
        db: The database; None for that of the settings.
        surface: The surface as typed.
        client: The client's name, which gives it its own time slot; None for none.
        now: The clock.
    """

    config: settings.Settings
    db: Place | None
    surface: str
    client: str | None
    now: Callable[[], datetime]

    def check(self) -> GateAnswer:
        """The verdict now; ``unknown`` if the database can't be read. UsageError if there is no such surface."""
        path = self.db or parse_place(self.config.store_path)
        providers = tuple(p for p in self.config.providers if p.enabled)
        available = tuple(p for p in self.config.providers if not p.enabled)
        provider, surface = lookup.resolve_surface(providers, self.surface, available)
        if not may_exist(path):
            return self._unknown_answer(
                provider, surface, f"database {path} not found. Start `brownout run` first, or pass --db FILE"
            )
        try:
            with closing(Repository.open(path, read_only=True)) as repository:
                form = StatusQueries(providers, repository, self.now, self.config.rules_for).verdict_json(
                    provider, surface, self.client
                )
                looked_at = repository.last_polled_at(provider.id)
        except StoreError as error:
            return self._unknown_answer(provider, surface, f"the database can't be read: {error}")
        if form["verdict"] != Advice.UNKNOWN or looked_at is None:
            return GateAnswer(form, form["reason"])
        return GateAnswer(form, _stale_reason(path, looked_at, self.now()) or form["reason"])

    def _unknown_answer(self, provider: Provider, surface: Surface, why: str) -> GateAnswer:
        sentence = f"Unknown: {why}."
        verdict = Verdict(surface.id, Advice.UNKNOWN, self.now(), 0.0, sentence, "never_seen")
        grounds = VerdictCase(
            SurfaceHistory(surface.id),
            (),
            self.now(),
            seen_at=None,
            rules=self.config.rules_for(provider),
            surface=surface,
        )
        return GateAnswer(machine_form.verdict_as_json(verdict, grounds, self.now()), sentence)


def _clock(at: str, as_of: str) -> str:
    """A time of the machine form as ``12:30 UTC``, with its date if that is not today."""
    time = datetime.fromisoformat(at)
    is_today = time.date() == datetime.fromisoformat(as_of).date()
    return formatting.format_time(time) if is_today else formatting.format_datetime(time)


def wait_until_retry(
    request: Callable[[], GateAnswer],
    *,
    gently: bool,
    timeout: timedelta,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    on_wait: Callable[[GateAnswer], None] = lambda _: None,
) -> GateAnswer:
    """Checks every 5 s until the answer is to retry or the time is over; returns the last answer.

    Args:
        request: Returns an answer.
        gently: Whether ``retry_gently`` is enough.
        timeout: How long to wait.
        clock: A monotonic clock, in seconds.
        sleep: Waits for so many seconds.
        on_wait: Called with the first answer that makes it wait, and with each one that has another reason.
    """
    deadline = clock() + timeout.total_seconds()
    last_reason = None
    while True:
        answer = request()
        remaining_s = deadline - clock()
        if answer.exit_code(gently=gently) == EXIT_RETRY or remaining_s <= 0:
            return answer
        if (reason := (answer.form["verdict"], answer.form["reason_code"])) != last_reason:
            last_reason = reason
            on_wait(answer)
        sleep(min(CHECK_INTERVAL_S, remaining_s))


def _stale_reason(path: Place, looked_at: datetime, now: datetime) -> str:
    """The sentence for a page whose last poll is older than a verdict is valid; empty if it is not."""
    age = now - looked_at
    if age <= machine_form.VALID_FOR:
        return ""
    return (
        f"Unknown: the last check in {path} is {formatting.format_duration(age.total_seconds())} old"
        f" ({formatting.format_datetime(looked_at)}). Is `brownout run` running on it?"
    )
