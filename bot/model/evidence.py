"""Evidence that no status page gives: our own probes, what people report, and how a team's own requests fare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

HERE = "here"


@dataclass(frozen=True, slots=True)
class Probe:
    """How a surface is tried: one cheap request, and what counts as well. Times in seconds."""

    surface: str
    url: str
    method: str = "GET"
    status: tuple[int, ...] = (200,)  # what a well one answers
    marker: str = ""  # what a well one's body holds
    within_s: float = 10.0  # the whole of it, name look-up and handshake included
    every_s: float = 60.0  # also in hold, as the canary (safe-to-retry.md C.4)
    bad: int = 3  # so many failures
    of: int = 5  # among the last so many results are down
    key_env: str = ""  # the environment variable that holds the key, for an API call with one
    key_header: str = "Authorization"
    key_prefix: str = "Bearer "
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)  # besides the key's; never a secret
    body: str = ""
    follow: bool = False  # goes where a redirect leads; else the redirect is the answer
    allow_private: bool = False  # a gateway of the team's own, inside a private network


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One try of a surface from one vantage point; durations in milliseconds, None where it did not get that far."""

    surface: str
    at: datetime
    ok: bool
    vantage: str = HERE
    why: str = ""  # what went wrong, for people
    status: int | None = None
    dns_ms: float | None = None
    connect_ms: float | None = None
    tls_ms: float | None = None
    took_ms: float | None = None
    first_byte_ms: float | None = None
    ours: bool = False  # the fault is ours (a key, our network) and says nothing about the surface

    @property
    def is_cut_off(self) -> bool:
        """It failed before it had a connection: the surface's fault, or that of the network it was tried from."""
        return not self.ok and self.connect_ms is None


@dataclass(frozen=True, slots=True)
class Report:
    """A person says that a surface is down for them. ``reporter`` tells people apart and names nobody."""

    surface: str
    reporter: str
    at: datetime
    words: str = ""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How a team's own requests to a surface fared in a span: counts, and latency in milliseconds."""

    surface: str
    since: datetime
    until: datetime
    ok: int
    errors: Mapping[str, int] = field(default_factory=dict)  # by status, or "timeout", "connection"
    p50_ms: float | None = None
    p95_ms: float | None = None
    client: str = ""  # who counted

    @property
    def total(self) -> int:
        """All requests of the span."""
        return self.ok + sum(self.errors.values())
