"""How a source is doing as a source: when it was last read, when it is read next, and how late its posts are seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class PollStatistics:
    """How punctually the running bot polls one source, since it was started. Times in seconds.

    ``interval_s`` is the present polling interval, before jitter. ``late`` of the ``looks`` (polls) began more than a
    few seconds after they were due, the worst of them by ``worst_s``.
    """

    interval_s: float
    next_at: datetime | None = None
    looks: int = 0
    late: int = 0
    worst_s: float = 0.0


@dataclass(frozen=True, slots=True)
class PostingDelay:
    """How long after the time it carries a post is seen: the median in seconds, over ``updates`` seen live."""

    median_s: float
    updates: int


class SourceState(StrEnum):
    """How a source is, from worst to best."""

    BLIND = "blind"  # unreadable: the last polls gave nothing usable
    STALE = "stale"  # it was readable, and the last poll is long ago: no bot runs, or its polls are late
    UNSEEN = "unseen"  # not polled yet
    READABLE = "readable"


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """How one source is doing.

    Attributes:
        name: The provider's name; empty where only its id is known.
        kind: The format's key in ``bot.formats.FORMATS``.
        form: The format's name for people.
        interval_s: The polling interval in seconds; None where it is not known.
        looked_at: The last poll, usable or not.
        seen_at: The last usable poll.
        blind_since: Since when the source is unreadable; None while it is readable.
        failures: The number of unusable polls since the last usable one.
        why: Why the last poll was unusable.
        problems: What is odd about the page, and incidents that left it while nothing says how they ended; for people.
        missing: Surfaces without a component on the page, each with the names of what is missing; for people.
        unmapped: The names of the page's components that stand for no surface.
        lag: How late its posts are seen; None where too few were seen live.
        pulse: Figures of the running bot; None where no running bot was asked.
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
    problems: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unmapped: tuple[str, ...] = ()
    lag: PostingDelay | None = None
    pulse: PollStatistics | None = None
    name: str = ""
