"""How a source is doing as a source: when it was last read, when it will be, and how late its words reach us."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Pulse:
    """How the running bot keeps its appointments with one source, since it was started. Spans in seconds.

    ``interval_s`` is what the next look is set by, before jitter. ``late`` of its ``looks`` began more than a few
    seconds after they were due, the worst by ``worst_s``.
    """

    interval_s: float
    next_at: datetime | None = None
    looks: int = 0
    late: int = 0
    worst_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Lag:
    """How long after the time it carries a post reaches us: the median in seconds, of so many seen live."""

    median_s: float
    updates: int


class SourceState(StrEnum):
    """How a source is, from worst to best."""

    BLIND = "blind"  # the last looks gave nothing usable
    STALE = "stale"  # it could be read, and nobody has looked for long: no bot runs, or its looks are late
    UNSEEN = "unseen"  # nobody has looked yet
    READABLE = "readable"


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """One source. ``seen_at`` is the last usable look, ``failures`` the unusable ones since; ``why`` is of the last.

    ``form`` is its format as people call it. Without a ``pulse`` no running bot was asked: then ``interval_s`` is all
    that is known of its next look.
    """

    provider: str
    kind: str
    form: str
    url: str
    state: SourceState = SourceState.UNSEEN
    interval_s: float | None = None
    looked_at: datetime | None = None
    seen_at: datetime | None = None
    blind_since: datetime | None = None
    failures: int = 0
    why: str = ""
    lag: Lag | None = None
    pulse: Pulse | None = None
