"""The schema of ``brownout.toml``: polling, HTTP server, database, backups, replica, Slack and own probes."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from bot.domain import CONFIGURED, Condition, OwnService, Subscription
from bot.settings.base import HIDDEN_VALUE, StrictModel
from bot.settings.notify_toml import NotifyTable
from bot.settings.probe_toml import ProbeTable
from bot.settings.tracker_toml import TrackerTable

# headers that any client may send of itself, or that every proxy adds: they name no authenticated user
_HEADERS_OF_CLIENTS = frozenset(
    [
        "accept",
        "accept-encoding",
        "accept-language",
        "authorization",
        "connection",
        "cookie",
        "forwarded",
        "host",
        "origin",
        "referer",
        "user-agent",
        "via",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-real-ip",
    ]
)


class PollSettings(StrictModel):
    """``[poll]``: how pages are polled. Times are in seconds, sizes in bytes, the other two are numbers of polls."""

    interval_s: float = Field(default=60, ge=1)
    incident_interval_s: float = Field(default=20, ge=1)
    timeout_s: float = Field(default=10, gt=0)
    max_bytes: int = Field(default=8_000_000, ge=1000)
    blind_after: int = Field(default=3, ge=1)
    alarm_after: int = Field(default=30, ge=1)


class WebSettings(StrictModel):
    """``[web]``: the HTTP server with the board and the API.

    ``hosts`` are additional host names that it accepts; ``embed`` origins whose pages may frame ``/embed/ID``.
    ``url`` is the address under which people open the board; empty: it is not known.
    ``public``: whether everybody who can reach the port may read; else a token is needed (``brownout token``).
    ``trusted_user_header``: the header in which a reverse proxy names its user, who may then read; others need a token.
    ``trusted_proxies``: addresses and networks of the proxies whose headers are believed.
    ``show_declared``: whether an incident says that a team declared it as its own; never who, and not its title.
    """

    enabled: bool = True
    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8787, ge=0, le=65535)
    hosts: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")], ...] = ()
    embed: tuple[Annotated[str, Field(pattern=r"^https?://(\*\.)?[A-Za-z0-9.-]+(:[0-9]{1,5})?$")], ...] = ()
    url: str = Field(default="", pattern=r"^(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?)?$")
    public: bool = True
    trusted_user_header: str = Field(default="", pattern=r"^([A-Za-z][A-Za-z0-9-]*)?$")
    trusted_proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    show_declared: bool = False

    @field_validator("trusted_user_header")
    @classmethod
    def _check_user_header(cls, name: str) -> str:
        if name.lower() in _HEADERS_OF_CLIENTS:
            raise ValueError("every client sends that one; name the header that your proxy sets, like X-Forwarded-User")
        return name

    @field_validator("trusted_proxies")
    @classmethod
    def _check_networks(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        for text in texts:
            try:
                ipaddress.ip_network(text, strict=False)
            except ValueError:
                raise ValueError(f"{text!r} is no address and no network, such as 10.0.0.0/8") from None
        return texts


class VerdictChoice(StrictModel):
    """``[verdict]``: which preset of verdict.toml is used."""

    preset: Literal["cautious", "default", "fast"] = "default"


class CatalogSettings(StrictModel):
    """``[catalog]``: the providers that ship with Brownout.

    ``shipped``: whether they are below the files of this folder; None: if it has no provider file of its own.
    ``enabled``: exactly these providers are polled, whatever their files say; None: those whose file enables them.
    """

    shipped: bool | None = None
    enabled: tuple[str, ...] | None = None


class StoreSettings(StrictModel):
    """``[store]``: the database, its backups and its retention.

    ``backup_to`` is relative to the database. ``backup_every_h = 0`` makes no backups. ``bodies_days = 0`` keeps raw
    pages forever, ``bodies_mb = 0`` as many as there are. ``url`` is a PostgreSQL database instead of the file
    ``path``; it holds no password. ``share_pages`` lets all bots on it poll, each a part of the pages.
    """

    path: str = "brownout.db"
    url: str = ""
    share_pages: bool = False
    backup_every_h: float = Field(default=24, ge=0)
    backup_to: str = Field(default="backups", min_length=1)
    keep: int = Field(default=7, ge=1)
    bodies_days: float = Field(default=90, ge=0)
    bodies_mb: float = Field(default=0, ge=0)

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        wrong = PydanticCustomError(HIDDEN_VALUE, "must be postgresql://user@host/database")
        try:
            parts = urlsplit(url)
        except ValueError:
            raise wrong from None
        if parts.password or "password=" in parts.query:
            why = "the password comes from PGPASSWORD, PGPASSWORD_FILE or PGPASSFILE, never from a file of settings"
            raise PydanticCustomError(HIDDEN_VALUE, "{why}", {"why": why})
        if url and not (parts.scheme in {"postgresql", "postgres"} and parts.path.strip("/")):
            raise wrong
        if "@" in parts.path:  # a password with a slash in it
            raise wrong
        return url


class ReplicaSettings(StrictModel):
    """``[replica]``: where Litestream copies every commit to; an empty ``url`` is nowhere. It holds no credentials."""

    url: str = ""
    endpoint: str = Field(default="", pattern=r"^(https?://[^\s@]+)?$")
    region: str = ""

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.username or parts.password or parts.query:
            why = "credentials come from the environment (AWS_ACCESS_KEY_ID...), never from a file"
            raise PydanticCustomError(HIDDEN_VALUE, "{why}", {"why": why})
        is_file = parts.scheme == "file" and not parts.netloc and parts.path.strip("/")
        is_s3 = parts.scheme == "s3" and parts.netloc and parts.path.strip("/")
        if url and not (is_file or is_s3):
            raise ValueError("must be file:///folder or s3://bucket/path")
        return url


class SlackSettings(StrictModel):
    """``[slack]``: permissions and delivery.

    ``admins``: users and user groups who may end subscriptions, change settings and mute for all; empty: everybody.
    ``partners``: other workspaces whose people may act in channels of Slack Connect; others' people only read.
    ``owner``: the user or channel that is notified of unreadable pages; empty: the admins.
    ``look_up``: whether the channel's history is searched for a message whose delivery is uncertain, where the scopes
    allow it.
    ``give_up_after_min``: minutes without Slack after which the process ends; 0: never; None: 15 where a supervisor
    restarts it.
    ``link_cards``: whether a pasted link of an incident gets a card, where the scopes allow it. ``newer_blocks``:
    whether tables and charts are sent as Slack's newer blocks, as far as Slack takes them.
    ``keep_messages_days``: after so many days such messages are deleted; 0: never.
    ``keep_emoji``: the emoji, without its colons, that keeps a message in the timeline of a declared incident; empty:
    none.
    """

    admins: tuple[Annotated[str, Field(pattern=r"^[UWS][A-Z0-9]+$")], ...] = ()
    partners: tuple[Annotated[str, Field(pattern=r"^[TE][A-Z0-9]+$")], ...] = ()
    owner: str = Field(default="", pattern=r"^([UWCG][A-Z0-9]+)?$")
    look_up: Literal["auto", "off"] = "auto"
    give_up_after_min: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    link_cards: Literal["auto", "off"] = "auto"
    newer_blocks: Literal["auto", "off"] = "auto"
    keep_messages_days: int = Field(default=365, ge=0, le=36_500)
    keep_emoji: str = Field(default="memo", pattern=r"^[a-z0-9_+'-]{0,100}$")


_OwnId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
_CHANNEL_ID = re.compile(r"[CDGU][A-Z0-9]{2,}")


class SubscribeTable(StrictModel):
    """``[[subscribe]]``: subscriptions of a channel, by its Slack id, to providers and services.

    ``min``: the least severity; ``mention``: the id of a user group (S...) or person (U...) for outages.
    """

    channel: str
    to: tuple[str, ...] = Field(min_length=1)
    min: Literal["maintenance", "degraded", "partial", "outage"] = "degraded"
    mention: str = Field(default="", pattern=r"^([SUW][A-Z0-9]{2,})?$")

    @field_validator("channel")
    @classmethod
    def _slack_id(cls, value: str) -> str:
        return _check_channel(value)

    def subscriptions(self) -> tuple[Subscription, ...]:
        """The subscriptions, one for each target."""
        mention, least = _mention_token(self.mention), _SEVERITIES[self.min]
        return tuple(Subscription(self.channel, target, least, CONFIGURED, mention=mention) for target in self.to)


class ServiceTable(StrictModel):
    """``[service.ID]``: a service of our own, with the watched services that it uses, and the channel that gets alerts.

    ``name``: for people; without it, the id. ``min`` and ``mention``: as in ``[[subscribe]]``.
    """

    needs: tuple[str, ...] = Field(min_length=1)
    name: Annotated[str, Field(max_length=60)] = ""
    channel: str = ""
    min: Literal["maintenance", "degraded", "partial", "outage"] = "degraded"
    mention: str = Field(default="", pattern=r"^([SUW][A-Z0-9]{2,})?$")

    @field_validator("channel")
    @classmethod
    def _slack_id(cls, value: str) -> str:
        return _check_channel(value) if value else value

    def to_service(self, ident: str) -> OwnService:
        """The service of this id."""
        name = self.name or ident
        return OwnService(ident, name, self.needs, self.channel, _SEVERITIES[self.min], _mention_token(self.mention))


def _check_channel(value: str) -> str:
    if not _CHANNEL_ID.fullmatch(value):
        raise ValueError("it is no id; Slack shows a channel's id at the end of its details, such as C0123456789")
    return value


def _mention_token(ident: str) -> str:
    """The id of a user group or person in Slack's notation; empty for none."""
    return f"!subteam^{ident}" if ident.startswith("S") else ident and f"@{ident}"


_SEVERITIES = {
    "maintenance": Condition.MAINTENANCE,
    "degraded": Condition.DEGRADED,
    "partial": Condition.PARTIAL_OUTAGE,
    "outage": Condition.MAJOR_OUTAGE,
}


class MainSettings(StrictModel):
    """The whole file. A probe in it replaces the probe of that surface in the provider file."""

    poll: PollSettings = PollSettings()
    verdict: VerdictChoice = VerdictChoice()
    store: StoreSettings = StoreSettings()
    replica: ReplicaSettings = ReplicaSettings()
    web: WebSettings = WebSettings()
    slack: SlackSettings = SlackSettings()
    catalog: CatalogSettings = CatalogSettings()
    probe: dict[str, ProbeTable] = Field(default_factory=dict)
    subscribe: tuple[SubscribeTable, ...] = ()
    notify: tuple[NotifyTable, ...] = ()
    service: dict[_OwnId, ServiceTable] = Field(default_factory=dict)
    tracker: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")], TrackerTable] = Field(
        default_factory=dict
    )
