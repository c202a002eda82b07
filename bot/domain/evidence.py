"""Evidence beside the status page: probes, people's reports, the team's own requests and alerts, outage trackers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

LOCAL_VANTAGE = "here"


@dataclass(frozen=True, slots=True)
class Probe:
    """How a surface is probed: one cheap request, and what counts as working. Times are in seconds."""

    surface: str
    url: str
    method: str = "GET"
    status: tuple[int, ...] = (200,)  # HTTP statuses of a working surface
    marker: str = ""  # text that the body of a working surface contains
    within_s: float = 10.0  # time limit in all, name resolution and handshakes included
    every_s: float = 60.0  # also while holding off (bot/docs/verdict-rules.md#combining-evidence)
    bad: int = 3  # this many failures
    of: int = 5  # among this many newest results mean that the surface is down
    key_env: str = ""  # the environment variable with the API key, where the request needs one
    key_header: str = "Authorization"
    key_prefix: str = "Bearer "
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)  # besides the key's; no secrets in here
    body: str = ""
    follow: bool = False  # follows redirects; otherwise the redirect is the answer
    allow_private: bool = False  # may connect to private addresses, for a gateway of the team's own


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One attempt of a probe from one vantage point. Durations are in milliseconds, None where it got not that far."""

    surface: str
    at: datetime
    ok: bool
    vantage: str = LOCAL_VANTAGE
    why: str = ""  # what failed, for people
    status: int | None = None
    dns_ms: float | None = None
    connect_ms: float | None = None
    tls_ms: float | None = None
    took_ms: float | None = None
    first_byte_ms: float | None = None
    ours: bool = False  # the fault is on our side (key, network): says nothing about the surface
    writer: str = ""  # the token that sent it; empty for the bot's own probes
    is_configured: bool = False  # its token was made for this vantage point

    @property
    def failed_before_connecting(self) -> bool:
        """True where it failed without a connection: the surface is unreachable, or the prober's network is down."""
        return not self.ok and self.connect_ms is None


@dataclass(frozen=True, slots=True)
class UserReport:
    """A person says that a surface fails for them. ``reporter`` distinguishes people and does not identify them.

    ``writer`` is the token that sent it, empty for people in the chat. ``speaks_for`` is how many people count at most
    of all that this token names.
    """

    surface: str
    reporter: str
    at: datetime
    words: str = ""
    writer: str = ""
    speaks_for: int = 1


@dataclass(frozen=True, slots=True)
class RequestOutcomes:
    """How the team's own requests to a surface fared in a span of time: counts, and latency in milliseconds."""

    surface: str
    since: datetime
    until: datetime
    ok: int
    errors: Mapping[str, int] = field(default_factory=dict)  # by HTTP status, or "timeout", "connection"
    p50_ms: float | None = None
    p95_ms: float | None = None
    client: str = ""  # the program that counted
    writer: str = ""  # the token that sent it

    @property
    def total(self) -> int:
        """The number of requests in the span."""
        return self.ok + sum(self.errors.values())


@dataclass(frozen=True, slots=True)
class TeamAlert:
    """An alert of the team's own monitoring about a surface, as it was sent: it fires, or no longer does.

    It counts like the requests of one client of its ``writer``: nearly all fail if it is critical, else a part.
    """

    surface: str
    name: str
    at: datetime  # when it was received
    since: datetime
    until: datetime  # it counts until then, unless it is sent again
    is_firing: bool = True
    is_critical: bool = False
    ident: str = ""  # tells alerts of one name apart
    writer: str = ""  # the token that sent it


@dataclass(frozen=True, slots=True)
class TrackerReading:
    """What one poll of an outage tracker or a metric says of a surface.

    ``is_trouble`` is None where it could not be read. ``text`` says what it shows: ``8 times the usual reports``.
    """

    surface: str
    tracker: str
    at: datetime
    is_trouble: bool | None
    text: str = ""
