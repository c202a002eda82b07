"""What programs tell the bot, as JSON -> nouns of evidence. Strict and bounded: an unknown key is a mistake."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    field_validator,
    model_validator,
)

from bot.model import HERE, Outcomes, ProbeResult, Report

SKEW = timedelta(seconds=60)  # clocks of two machines differ by so much, and not by more
LATE = timedelta(minutes=15)  # older evidence is no news
LONGEST = timedelta(hours=1)  # that one count of outcomes may be about
WHY = 200  # characters
BATCH = 200  # results of probes at once
_MS = Annotated[float, Field(ge=0, le=3_600_000, allow_inf_nan=False)]
_COUNT = Annotated[StrictInt, Field(ge=0, le=1_000_000_000)]
_ID = Annotated[str, Field(min_length=1, max_length=200)]


def _text(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("must be a time in ISO 8601 with its zone, like 2026-03-02T12:06:00Z")  # noqa: TRY004  (pydantic's way)
    return value


_When = Annotated[AwareDatetime, BeforeValidator(_text)]


def _shape(**example: Any) -> ConfigDict:
    return ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [example]})


class ReportIn(BaseModel):
    """Somebody says that a surface is broken for them. ``reporter`` is kept as a pseudonym."""

    model_config = _shape(surface="claude-login", reporter="u-4711", words="the code never comes")

    surface: _ID
    reporter: _ID
    words: str = Field(default="", max_length=500)

    def noun(self, pseudonym: str, now: datetime) -> Report:
        """The report, as of now."""
        return Report(self.surface, pseudonym, now, " ".join(self.words.split()))


class OutcomesIn(BaseModel):
    """How a client's own requests to a surface fared in a span; ``errors`` by status, ``timeout`` or ``connection``."""

    model_config = _shape(
        surface="claude-api",
        since="2026-03-02T12:05:00Z",
        until="2026-03-02T12:06:00Z",
        ok=180,
        errors={"529": 40, "timeout": 3},
        p50_ms=900,
        p95_ms=4200,
        client="shop",
    )

    surface: _ID
    since: _When
    until: _When
    ok: _COUNT
    errors: dict[Annotated[str, Field(pattern=r"^([1-5][0-9][0-9]|timeout|connection)$")], _COUNT] = Field(
        default={}, max_length=100
    )
    p50_ms: _MS | None = None
    p95_ms: _MS | None = None
    client: str = Field(default="", max_length=200)

    @model_validator(mode="after")
    def _is_a_span(self) -> Self:
        if not timedelta(0) <= self.until - self.since <= LONGEST:
            raise ValueError("since must not lie after until, nor more than an hour before it")
        return self

    def noun(self, now: datetime) -> Outcomes:
        """The counts; an end that a clock ahead of ours has told is now."""
        told = self.model_dump(exclude={"until"})
        return Outcomes(until=min(self.until, now), **told)


class ProbeIn(BaseModel):
    """One try of a surface from another vantage point; durations in milliseconds."""

    model_config = _shape(
        surface="claude-login",
        at="2026-03-02T12:06:00Z",
        ok=False,
        vantage="frankfurt",
        why="claude.ai answered 500 (Internal Server Error), not 200",
        status=500,
        took_ms=412.0,
    )

    surface: _ID
    at: _When
    ok: StrictBool
    vantage: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    why: str = Field(default="", max_length=WHY)
    status: Annotated[StrictInt, Field(ge=100, le=599)] | None = None
    dns_ms: _MS | None = None
    connect_ms: _MS | None = None
    tls_ms: _MS | None = None
    first_byte_ms: _MS | None = None
    took_ms: _MS | None = None

    @field_validator("vantage")
    @classmethod
    def _is_elsewhere(cls, vantage: str) -> str:
        if vantage == HERE:
            raise ValueError(f"“{HERE}” is where the bot itself is; name your place with --vantage")
        return vantage

    def noun(self, now: datetime) -> ProbeResult:
        """The result; a time that a clock ahead of ours has told is now."""
        return ProbeResult(at=min(self.at, now), **self.model_dump(exclude={"at"}))


class Left(BaseModel):
    """One result that was not taken, by its place in the list, and why."""

    index: int
    surface: str
    why: str


class Taken(BaseModel):
    """How many were taken, and which were not."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"taken": 1, "left": []}]})

    taken: int
    left: list[Left] = []


def untimely(at: datetime, now: datetime) -> str:
    """Why evidence of this time can't be taken; empty where it can."""
    if at - now > SKEW:
        ahead = (at - now).total_seconds()
        return f"it is of {ahead:.0f} s from now: by the bot's clock it is {_iso(now)}; set yours right"
    if now - at > LATE:
        return f"it is older than {LATE.total_seconds() / 60:.0f} min, by the bot's clock ({_iso(now)}): no news"
    return ""


def unfit(where: tuple[str | int, ...], why: str) -> Mapping[str, Any]:
    """A mistake in the shape in which pydantic tells its own."""
    return {"type": "value_error", "loc": ("body", *where), "msg": why}


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
