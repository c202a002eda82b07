"""A probe's table in TOML -> a Probe, strictly. Keys are named by the variable that holds them, never written down."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import BeforeValidator, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from bot.model import Probe
from bot.settings.strict import HIDDEN, Strict

_OURS = {"host", "user-agent", "connection", "content-length", "transfer-encoding", "accept-encoding"}
_SECRETS = re.compile(r"authorization|cookie|token|secret|password|api[-_]?key|^key$", re.IGNORECASE)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")

_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]  # of a header, RFC 9110 5.1
_Plain = Annotated[str, Field(pattern=r"^[\x20-\x7e]*$")]
_Status = Annotated[int, Field(ge=100, le=599)]


def _listed(value: object) -> object:
    return [value] if isinstance(value, int) else value


class ProbeTable(Strict):
    """``[surface.probe]`` in a provider file, or ``[probe.SURFACE]`` in brownout.toml, which wins as a whole."""

    url: str
    enabled: bool = True
    method: Literal["GET", "HEAD", "POST"] = "GET"
    status: Annotated[tuple[_Status, ...], BeforeValidator(_listed), Field(min_length=1)] = (200,)
    marker: str = Field(default="", max_length=500)
    within_s: float = Field(default=10, gt=0, le=60)
    every_s: float = Field(default=60, ge=1, le=120)
    bad: int = Field(default=3, ge=1, le=20)
    of: int = Field(default=5, ge=1, le=20)
    key_env: str = ""
    key_header: _Name = "Authorization"
    key_prefix: _Plain = "Bearer "
    headers: dict[_Name, _Plain] = Field(default_factory=dict)
    body: str = Field(default="", max_length=10_000)
    follow: bool = False
    allow_private: bool = False

    @field_validator("url")
    @classmethod
    def _is_a_web_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.username is not None or any(_SECRETS.search(name) for name, _ in parse_qsl(parts.query)):
            raise _no_secret("url", "name the variable that holds the key in `key_env`, and the header in `key_header`")
        if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"[\s\\]", url):
            raise ValueError("must be an address of the web, like https://api.example.com/v1/models")
        return url

    @field_validator("key_env")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if name and not _VARIABLE.fullmatch(name):
            raise _no_secret("key_env", "it takes the name of an environment variable, like ACME_API_KEY")
        return name

    @field_validator("key_prefix")
    @classmethod
    def _is_a_word(cls, prefix: str) -> str:
        if len(prefix) > len("Authorization: "):
            raise _no_secret("key_prefix", "it takes the word before the key, like Bearer, and key_env the rest")
        return prefix

    @field_validator("headers")
    @classmethod
    def _are_no_secrets(cls, headers: Mapping[str, str]) -> Mapping[str, str]:
        for name in headers:
            if _SECRETS.search(name):
                raise _no_secret(f"headers.{name}", "name its variable in `key_env`, and the header in `key_header`")
            if name.lower() in _OURS:
                raise ValueError(f"{name} is set by the probe itself")
        return headers

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.bad > self.of:
            raise ValueError(f"bad = {self.bad} failures can't be among of = {self.of} tries")
        if self.within_s > self.every_s:
            raise ValueError(f"within_s = {self.within_s:g} is longer than every_s = {self.every_s:g}")
        if self.method == "HEAD" and self.marker:
            raise ValueError("an answer to HEAD has no body that could hold a marker")
        if self.body and self.method != "POST":
            raise ValueError('a body needs method = "POST"')
        return self

    def probe(self, surface: str) -> Probe:
        """The probe of this surface."""
        told: dict[str, Any] = self.model_dump(exclude={"enabled"})
        return Probe(surface, **told)


def _no_secret(what: str, instead: str) -> PydanticCustomError:
    return PydanticCustomError(
        HIDDEN, "{why}", {"why": f"{what} is no place for a key, since files are read by many: {instead}"}
    )
