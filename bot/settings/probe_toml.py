"""The schema of a probe. A key is named by the environment variable that holds it; keys in files are refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import BeforeValidator, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from bot.domain import Probe
from bot.settings.base import HIDDEN_VALUE, StrictModel

_RESERVED_HEADERS = {"host", "user-agent", "connection", "content-length", "transfer-encoding", "accept-encoding"}
_SENSITIVE_NAME = re.compile(r"authorization|cookie|token|secret|password|api[-_]?key|^key$", re.IGNORECASE)
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")

_HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]  # RFC 9110, section 5.1
_PrintableAscii = Annotated[str, Field(pattern=r"^[\x20-\x7e]*$")]
_StatusCode = Annotated[int, Field(ge=100, le=599)]


def _as_list(value: object) -> object:
    return [value] if isinstance(value, int) else value


class ProbeTable(StrictModel):
    """``[surface.probe]`` in a provider file, or ``[probe.SURFACE]`` in brownout.toml, which replaces it as a whole."""

    url: str
    enabled: bool = True
    method: Literal["GET", "HEAD", "POST"] = "GET"
    status: Annotated[tuple[_StatusCode, ...], BeforeValidator(_as_list), Field(min_length=1)] = (200,)
    marker: str = Field(default="", max_length=500)
    within_s: float = Field(default=10, gt=0, le=60)
    every_s: float = Field(default=60, ge=1, le=120)
    bad: int = Field(default=3, ge=1, le=20)
    of: int = Field(default=5, ge=1, le=20)
    key_env: str = ""
    key_header: _HeaderName = "Authorization"
    key_prefix: _PrintableAscii = "Bearer "
    headers: dict[_HeaderName, _PrintableAscii] = Field(default_factory=dict)
    body: str = Field(default="", max_length=10_000)
    follow: bool = False
    allow_private: bool = False

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.username is not None or any(_SENSITIVE_NAME.search(name) for name, _ in parse_qsl(parts.query)):
            raise _secret_in_file_error(
                "url", "name the variable that holds the key in `key_env`, and the header in `key_header`"
            )
        if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"[\s\\]", url):
            raise ValueError("must be an address of the web, like https://api.example.com/v1/models")
        return url

    @field_validator("key_env")
    @classmethod
    def _check_key_env(cls, name: str) -> str:
        if name and not _VARIABLE_NAME.fullmatch(name):
            raise _secret_in_file_error("key_env", "it takes the name of an environment variable, like ACME_API_KEY")
        return name

    @field_validator("key_prefix")
    @classmethod
    def _check_key_prefix(cls, prefix: str) -> str:
        if len(prefix) > len("Authorization: "):
            raise _secret_in_file_error(
                "key_prefix", "it takes the word before the key, like Bearer, and key_env the rest"
            )
        return prefix

    @field_validator("headers")
    @classmethod
    def _check_headers(cls, headers: Mapping[str, str]) -> Mapping[str, str]:
        for name in headers:
            if _SENSITIVE_NAME.search(name):
                raise _secret_in_file_error(
                    f"headers.{name}", "name its variable in `key_env`, and the header in `key_header`"
                )
            if name.lower() in _RESERVED_HEADERS:
                raise ValueError(f"{name} is set by the probe itself")
        return headers

    @model_validator(mode="after")
    def _check_consistency(self) -> Self:
        if self.bad > self.of:
            raise ValueError(f"bad = {self.bad} failures can't be among of = {self.of} tries")
        if self.within_s > self.every_s:
            raise ValueError(f"within_s = {self.within_s:g} is longer than every_s = {self.every_s:g}")
        if self.method == "HEAD" and self.marker:
            raise ValueError("an answer to HEAD has no body that could hold a marker")
        if self.body and self.method != "POST":
            raise ValueError('a body needs method = "POST"')
        return self

    def to_probe(self, surface: str) -> Probe:
        """The probe as a domain object."""
        fields: dict[str, Any] = self.model_dump(exclude={"enabled"})
        return Probe(surface, **fields)


def _secret_in_file_error(what: str, instead: str) -> PydanticCustomError:
    return PydanticCustomError(
        HIDDEN_VALUE, "{why}", {"why": f"{what} is no place for a key, since files are read by many: {instead}"}
    )
