"""The schema of ``[[notify]]``. Secrets are named by the environment variable or file that holds them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import BeforeValidator, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from bot.domain import Advice, Condition, ToolTarget, ToolUpdates
from bot.settings.base import HIDDEN_VALUE, StrictModel

# kinds whose address is a secret itself: everybody who knows it can post
SECRET_URL_KINDS = ("discord", "googlechat", "mattermost", "teams")
KEY_KINDS = ("incidentio", "jsm", "opsgenie", "pagerduty", "rootly")
OWN_URL_KINDS = ("jsm", "opsgenie", "pagerduty", "rootly")  # with one address for everybody
_SEVERITIES = {
    "maintenance": Condition.MAINTENANCE,
    "degraded": Condition.DEGRADED,
    "partial": Condition.PARTIAL_OUTAGE,
    "outage": Condition.MAJOR_OUTAGE,
}
_SENSITIVE_NAME = re.compile(r"token|secret|password|key|sig", re.IGNORECASE)
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_ADDRESS = r"^[^\s@<>,;\x00-\x1f]+@[^\s@<>,;\x00-\x1f]+$"
_MAX_SECRET_FILE = 10_000  # bytes

_MailAddress = Annotated[str, Field(pattern=_ADDRESS, max_length=254)]


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class ToolSecrets:
    """What the environment and the files hold for one tool. ``signing`` has the newest secret first."""

    url: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    signing: tuple[str, ...] = field(default=(), repr=False)


class NotifyTable(StrictModel):
    """``[[notify]]``: one tool that gets alerts: what it is, where it is, and which alerts it gets."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")
    kind: Literal[
        "alertmanager",
        "discord",
        "email",
        "googlechat",
        "incidentio",
        "jsm",
        "mattermost",
        "ntfy",
        "opsgenie",
        "pagerduty",
        "rootly",
        "teams",
        "webhook",
    ]
    enabled: bool = True
    to: tuple[str, ...] = ()
    min: Literal["maintenance", "degraded", "partial", "outage"] = "degraded"
    advice: tuple[Advice, ...] = ()
    updates: ToolUpdates = ToolUpdates.CHANGES
    declared: bool | Literal["only"] = False
    url: str = ""
    url_env: str = ""
    url_file: str = ""
    key_env: str = ""
    key_file: str = ""
    secret_env: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()
    secret_file: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()
    host: str = Field(default="", pattern=r"^[A-Za-z0-9.:_-]*$")
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    sender: str = Field(default="", pattern=rf"^$|{_ADDRESS}")
    recipients: Annotated[tuple[_MailAddress, ...], BeforeValidator(_as_list)] = ()

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.username is not None or any(_SENSITIVE_NAME.search(name) for name, _ in parse_qsl(parts.query)):
            raise _secret_in_file_error("url", "name the variable or file that holds the address: url_env, url_file")
        if url and (parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"[\s\\]", url)):
            raise ValueError("must be an address of the web, like https://hooks.example.com/brownout")
        return url

    @field_validator("url_env", "key_env")
    @classmethod
    def _check_variable(cls, name: str) -> str:
        return _variable_name(name) if name else name

    @field_validator("secret_env")
    @classmethod
    def _check_variables(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(_variable_name, names))

    @model_validator(mode="after")
    def _check_consistency(self) -> Self:
        if self.kind == "email":
            self._check_mail()
        else:
            self._check_http()
        if self.kind != "webhook" and (self.secret_env or self.secret_file):
            raise ValueError('only kind = "webhook" is signed: delete secret_env and secret_file')
        if sum(map(bool, (self.url, self.url_env, self.url_file))) > 1:
            raise ValueError("give one of url, url_env and url_file")
        if self.key_env and self.key_file:
            raise ValueError("give one of key_env and key_file")
        return self

    def _check_mail(self) -> None:
        if missing := [name for name in ("host", "sender", "recipients") if not getattr(self, name)]:
            raise ValueError(f'kind = "email" needs {" and ".join(missing)}')
        if self.user and not (self.key_env or self.key_file):
            raise ValueError("user needs key_env or key_file, which holds the password")
        if self.user and self.security == "none":
            raise ValueError('a password is not sent in the clear: use security = "starttls" or "tls"')

    def _check_http(self) -> None:
        if self.url and self.kind in SECRET_URL_KINDS:
            raise _secret_in_file_error("url", f"an address of {self.kind} is a secret; use url_env or url_file")
        if not (self.url or self.url_env or self.url_file) and self.kind not in OWN_URL_KINDS:
            example = "url_env" if self.kind in SECRET_URL_KINDS else "url"
            raise ValueError(f"kind = {self.kind!r} needs {example}")
        if self.kind in KEY_KINDS and not (self.key_env or self.key_file):
            raise ValueError(f"kind = {self.kind!r} needs key_env or key_file")

    def target(self) -> ToolTarget:
        """Which alerts the tool gets."""
        least = _SEVERITIES[self.min]
        return ToolTarget(
            *(self.name, self.to, least, frozenset(self.advice), self.updates),
            maintenance=self.min == "maintenance",
            alerts=self.declared != "only",
            declared=bool(self.declared),
        )

    def read_secrets(self, environment: Mapping[str, str]) -> ToolSecrets:
        """The tool's secrets.

        Raises:
            ValueError: One is missing or can't be read; the message names the variable or file, never its content.
        """
        key = _secret(self.key_env, self.key_file, environment)
        url = _secret(self.url_env, self.url_file, environment) or self.url
        if url and not url.startswith(("https://", "http://")):
            raise ValueError(f"{self.url_env or self.url_file} holds no address of the web")
        signing = [_secret(name, "", environment) for name in self.secret_env]
        signing += [_secret("", file, environment) for file in self.secret_file]
        return ToolSecrets(url, key, tuple(signing))


def _secret(variable: str, file: str, environment: Mapping[str, str]) -> str:
    if variable:
        if not (value := environment.get(variable, "").strip()):
            raise ValueError(f"{variable} is not set")
        return value
    if not file:
        return ""
    try:
        with Path(file).open("rb") as opened:
            value = opened.read(_MAX_SECRET_FILE).decode("utf-8").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ValueError(f"{file} can't be read: {reason}") from None
    if not value or "\n" in value:
        raise ValueError(f"{file} must hold the secret in one line")
    return value


def _variable_name(name: str) -> str:
    if not _VARIABLE_NAME.fullmatch(name):
        raise _secret_in_file_error("it", "give the name of an environment variable, like PAGERDUTY_KEY")
    return name


def _secret_in_file_error(what: str, instead: str) -> PydanticCustomError:
    return PydanticCustomError(
        HIDDEN_VALUE, "{why}", {"why": f"{what} is no place for a secret, since files are read by many: {instead}"}
    )


def duplicate_names(tables: Sequence[NotifyTable]) -> list[tuple[int, str]]:
    """Number and name of each table whose name an earlier one has."""
    seen: set[str] = set()
    found = []
    for number, table in enumerate(tables):
        if table.name in seen:
            found.append((number, table.name))
        seen.add(table.name)
    return found
