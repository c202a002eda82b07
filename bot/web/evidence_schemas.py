"""The JSON that programs send as evidence, and its conversion to domain values. Strict: unknown keys are errors."""

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

from bot.domain import LOCAL_VANTAGE, ProbeResult, RequestOutcomes, UserReport

MAX_CLOCK_SKEW = timedelta(seconds=60)  # by how much the clocks of two machines may differ
MAX_EVIDENCE_AGE = timedelta(minutes=15)  # older evidence is refused
MAX_SPAN = timedelta(hours=1)  # the longest span of one count of outcomes
MAX_REASON_LENGTH = 200  # characters
MAX_BATCH = 200  # probe results in one request
_MS = Annotated[float, Field(ge=0, le=3_600_000, allow_inf_nan=False)]
_COUNT = Annotated[StrictInt, Field(ge=0, le=1_000_000_000)]
_ID = Annotated[str, Field(min_length=1, max_length=200)]


def _require_string(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("must be a time in ISO 8601 with its zone, like 2026-03-02T12:06:00Z")  # noqa: TRY004  (pydantic's way)
    return value


_When = Annotated[AwareDatetime, BeforeValidator(_require_string)]


def _strict_config(**example: Any) -> ConfigDict:
    return ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [example]})


class ReportIn(BaseModel):
    """Somebody says that a surface is broken for them. ``reporter`` is kept as a pseudonym."""

    model_config = _strict_config(surface="claude-login", reporter="u-4711", words="the code never comes")

    surface: _ID
    reporter: _ID
    words: str = Field(default="", max_length=500)

    def to_domain(self, pseudonym: str, now: datetime) -> UserReport:
        """The report as a domain value, at the time ``now``."""
        return UserReport(self.surface, pseudonym, now, " ".join(self.words.split()))


class OutcomesIn(BaseModel):
    """How a client's own requests to a surface fared in a span; ``errors`` by status, ``timeout`` or ``connection``."""

    model_config = _strict_config(
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
    def _check_span(self) -> Self:
        if not timedelta(0) <= self.until - self.since <= MAX_SPAN:
            raise ValueError("since must not lie after until, nor more than an hour before it")
        return self

    def to_domain(self, now: datetime) -> RequestOutcomes:
        """The counts as a domain value. An end after ``now`` (the client's clock is ahead) becomes ``now``."""
        values = self.model_dump(exclude={"until"})
        return RequestOutcomes(until=min(self.until, now), **values)


class ProbeIn(BaseModel):
    """One try of a surface from another vantage point; durations in milliseconds."""

    model_config = _strict_config(
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
    why: str = Field(default="", max_length=MAX_REASON_LENGTH)
    status: Annotated[StrictInt, Field(ge=100, le=599)] | None = None
    dns_ms: _MS | None = None
    connect_ms: _MS | None = None
    tls_ms: _MS | None = None
    first_byte_ms: _MS | None = None
    took_ms: _MS | None = None

    @field_validator("vantage")
    @classmethod
    def _check_vantage(cls, vantage: str) -> str:
        if vantage == LOCAL_VANTAGE:
            raise ValueError(f"“{LOCAL_VANTAGE}” is where the bot itself is; name your place with --vantage")
        return vantage

    def to_domain(self, now: datetime) -> ProbeResult:
        """The result as a domain value. A time after ``now`` (the client's clock is ahead) becomes ``now``."""
        return ProbeResult(at=min(self.at, now), **self.model_dump(exclude={"at"}))


class Rejected(BaseModel):
    """One result that was not taken, by its place in the list, and why."""

    index: int
    surface: str
    why: str


class Accepted(BaseModel):
    """How many were taken, and which were not."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"taken": 1, "left": []}]})

    taken: int
    left: list[Rejected] = []


def timing_error(at: datetime, now: datetime) -> str:
    """Why evidence of this time is refused; empty if it is accepted."""
    if at - now > MAX_CLOCK_SKEW:
        ahead = (at - now).total_seconds()
        return f"it is of {ahead:.0f} s from now: by the bot's clock it is {_format_time(now)}; set yours right"
    if now - at > MAX_EVIDENCE_AGE:
        limit_min = MAX_EVIDENCE_AGE.total_seconds() / 60
        return f"it is older than {limit_min:.0f} min, by the bot's clock ({_format_time(now)}): no news"
    return ""


def validation_error(where: tuple[str | int, ...], why: str) -> Mapping[str, Any]:
    """An error in the format of pydantic's own errors."""
    return {"type": "value_error", "loc": ("body", *where), "msg": why}


def _format_time(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
