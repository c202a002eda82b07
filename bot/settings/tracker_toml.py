"""The schema of ``[tracker.NAME]``: an outage tracker or a metric that is polled as JSON."""

from __future__ import annotations

import re
from typing import Annotated, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import BeforeValidator, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from bot.settings.base import HIDDEN_VALUE, StrictModel

_SENSITIVE_NAME = re.compile(r"authorization|cookie|token|secret|password|api[-_]?key|^key$", re.IGNORECASE)
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_MAX_PATH = 500  # characters of a JMESPath


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


class TrackerTable(StrictModel):
    """``[tracker.NAME]``: what is polled, where in the answer the value is, and from when on it means trouble."""

    name: str = Field(default="", max_length=60)
    surface: Annotated[tuple[str, ...], BeforeValidator(_as_list), Field(min_length=1)]
    url: str
    value: str = Field(min_length=1, max_length=_MAX_PATH)
    what: str = Field(default="reports", max_length=40)
    over: float | None = None
    times_usual: float | None = Field(default=None, gt=1)
    usual: str = Field(default="", max_length=_MAX_PATH)
    trouble: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()
    every_s: float = Field(default=300, ge=60, le=600)
    within_s: float = Field(default=10, gt=0, le=60)
    key_env: str = ""
    key_header: str = Field(default="Authorization", pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
    key_prefix: str = Field(default="Bearer ", pattern=r"^[\x20-\x7e]*$", max_length=15)
    headers: dict[str, Annotated[str, Field(pattern=r"^[\x20-\x7e]*$")]] = Field(default_factory=dict)
    enabled: bool = True

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.username is not None or any(_SENSITIVE_NAME.search(name) for name, _ in parse_qsl(parts.query)):
            raise _secret_in_file_error("url")
        if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"[\s\\]", url):
            raise ValueError("must be an address of the web, like https://api.example.com/v1/reports")
        return url

    @field_validator("key_env")
    @classmethod
    def _check_key_env(cls, name: str) -> str:
        if name and not _VARIABLE_NAME.fullmatch(name):
            raise _secret_in_file_error("key_env")
        return name

    @field_validator("headers")
    @classmethod
    def _check_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        if any(_SENSITIVE_NAME.search(name) for name in headers):
            raise _secret_in_file_error("headers")
        return headers

    @model_validator(mode="after")
    def _check_limit(self) -> Self:
        limits = (self.over is not None, self.times_usual is not None, bool(self.trouble))
        if sum(limits) != 1:
            raise ValueError("give one of over (a number), times_usual (a factor) and trouble (states)")
        if self.usual and self.times_usual is None:
            raise ValueError("usual needs times_usual")
        return self


def _secret_in_file_error(what: str) -> PydanticCustomError:
    why = "is no place for a key, since files are read by many: name its variable in key_env, and key_header"
    return PydanticCustomError(HIDDEN_VALUE, "{why}", {"why": f"{what} {why}"})
