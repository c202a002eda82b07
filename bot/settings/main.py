"""``brownout.toml``: polls, doors, the database and its copies, Slack, and own probes."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from bot.settings.probe import ProbeTable
from bot.settings.strict import HIDDEN, Strict


class Poll(Strict):
    """How pages are polled; times in seconds, sizes in bytes."""

    interval_s: float = Field(default=60, ge=1)
    incident_interval_s: float = Field(default=20, ge=1)
    timeout_s: float = Field(default=10, gt=0)
    max_bytes: int = Field(default=8_000_000, ge=1000)
    blind_after: int = Field(default=3, ge=1)
    alarm_after: int = Field(default=30, ge=1)


class Web(Strict):
    """The HTTP door: the board for people and the gate for programs. ``hosts``: by what other names it is called."""

    enabled: bool = True
    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8787, ge=0, le=65535)
    hosts: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")], ...] = ()


class VerdictChoice(Strict):
    """Which numbers of verdict.toml count."""

    preset: Literal["cautious", "default", "fast"] = "default"


class Store(Strict):
    """The database, its backups and what it forgets. ``backup_to`` is relative to the database; 0 is never."""

    path: str = "brownout.db"
    backup_every_h: float = Field(default=24, ge=0)
    backup_to: str = Field(default="backups", min_length=1)
    keep: int = Field(default=7, ge=1)
    bodies_days: float = Field(default=90, ge=0)


class Replica(Strict):
    """Where Litestream copies every commit to; an empty ``url`` is nowhere. Credentials are never written here."""

    url: str = ""
    endpoint: str = Field(default="", pattern=r"^(https?://[^\s@]+)?$")
    region: str = ""

    @field_validator("url")
    @classmethod
    def _is_a_place(cls, url: str) -> str:
        told = urlsplit(url)
        if told.username or told.password or told.query:
            why = "credentials come from the environment (AWS_ACCESS_KEY_ID...), never from a file"
            raise PydanticCustomError(HIDDEN, "{why}", {"why": why})
        is_file = told.scheme == "file" and not told.netloc and told.path.strip("/")
        is_s3 = told.scheme == "s3" and told.netloc and told.path.strip("/")
        if url and not (is_file or is_s3):
            raise ValueError("must be file:///folder or s3://bucket/path")
        return url


class Slack(Strict):
    """``admins``: people and user groups who may end subscriptions, change settings, mute all; empty is everybody.

    ``owner``: a person or a channel that hears of sources without usable data; the admins, where it is empty.
    ``look_up``: whether a post of unknown fate is looked for in its channel's history, where the scopes allow it.
    ``give_up_after_min``: how long Slack may be gone before the process ends; 0 is for ever, and left out is 15 where
    something starts it again.
    """

    admins: tuple[Annotated[str, Field(pattern=r"^[UWS][A-Z0-9]+$")], ...] = ()
    owner: str = Field(default="", pattern=r"^([UWCG][A-Z0-9]+)?$")
    look_up: Literal["auto", "off"] = "auto"
    give_up_after_min: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class Main(Strict):
    """The whole file. A surface's probe in it wins over the provider file's own."""

    poll: Poll = Poll()
    verdict: VerdictChoice = VerdictChoice()
    store: Store = Store()
    replica: Replica = Replica()
    web: Web = Web()
    slack: Slack = Slack()
    probe: dict[str, ProbeTable] = Field(default_factory=dict)
