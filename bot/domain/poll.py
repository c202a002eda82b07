"""One poll of a source: its result, and how incidents that left the page ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.snapshot import Incident, PageIdentity, Snapshot


class IncidentEnding(StrEnum):
    """How an incident left the page."""

    RESOLVED = "resolved"
    WITHDRAWN = "withdrawn"  # the vendor deleted it: its own page answers 404
    UNRECORDED = "unrecorded"  # it is gone, and its last update is not known (a recording cannot be asked)
    CLEARED = "cleared"  # an unreported outage: the component is no longer bad, and nothing was posted
    REMOVED = "removed"  # an unreported outage: the component left the page, and nothing was posted
    UNCONFIRMED = "unconfirmed"  # a suspected incident: the evidence has passed, and the page never showed it
    NARROWED = "narrowed"  # it is still open, and no longer affects what this source reads (other products)
    LAPSED = "lapsed"  # a maintenance whose planned time is over, without a word of its end
    POSTED = "posted"  # opened by Brownout, and an incident of the vendor has taken it over


@dataclass(frozen=True, slots=True)
class PollFailure:
    """Why a poll gave no usable snapshot. ``why`` is one sentence for people, ``code`` is for programs.

    ``retry_after`` is the server's Retry-After in seconds; None where it sent none.
    """

    why: str
    code: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class UnsettledEnding:
    """An open incident that left its page, while nothing says yet how it ended.

    Attributes:
        incident: The incident's id.
        since: The first poll without it.
        ask_at: When its ending is asked for next.
        asks: How many times it was asked for.
        why: Why that gave no answer, for people.
    """

    incident: str
    since: datetime
    ask_at: datetime
    asks: int
    why: str


@dataclass(frozen=True, slots=True)
class PollResult:
    """One poll of one source, parsed: a snapshot or the failure.

    ``endings`` says how incidents that left the page since the last poll ended, by incident id: the whole incident as
    its own page shows it now, or the kind of ending. An incident that left and has no entry stays open: a later poll
    asks again.
    """

    at: datetime
    saw: Snapshot | PollFailure
    endings: Mapping[str, Incident | IncidentEnding] = field(default_factory=dict)
    host: str = ""  # who answered, after redirects
    unwatched_since: datetime | None = None  # the previous poll, where that was long ago and this one covers the gap
    page: PageIdentity = field(default_factory=PageIdentity)  # what the page said it is; empty keeps what is known
    is_same: bool = False  # the snapshot equals the previous one, and still means the same
    age: timedelta = timedelta(0)  # how long caches had kept the answer
    unsettled: tuple[UnsettledEnding, ...] = ()  # the incidents that left and have no entry in ``endings``
    is_by_turns: bool = False  # this body and others come by turns, within minutes
    is_served_earlier: bool = False  # by its headers, it was made before another answer that was read already


@dataclass(frozen=True, slots=True)
class Observation:
    """A poll as it went, for the record; failed polls too.

    ``outcome`` is ``changed``, ``same`` or the code of the failure; ``body`` holds the bytes where they changed.
    ``took_s`` is in seconds. ``only_times_differ``: the body has other times than the one before, and nothing else; it
    is not stored where the state did not change either.
    """

    source: str
    at: datetime
    outcome: str
    why: str = ""
    body: bytes | None = None
    took_s: float = 0.0
    only_times_differ: bool = False
