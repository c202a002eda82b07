"""One look at a source: what came of it, and what became of incidents that left the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.model.page import Incident, Snapshot


class Ending(StrEnum):
    """How an incident left the page."""

    RESOLVED = "resolved"
    WITHDRAWN = "withdrawn"  # the vendor deleted it: its own page answers 404
    UNRECORDED = "unrecorded"  # it is gone, and nobody asked for its last words (a recording cannot be asked)
    CLEARED = "cleared"  # nothing was ever posted, and the component is no longer bad
    UNCONFIRMED = "unconfirmed"  # only others than the page saw it; that has passed, and the page never showed it
    POSTED = "posted"  # nothing had been posted, and now an incident of the vendor has taken over


@dataclass(frozen=True, slots=True)
class Blindness:
    """A look that gave no usable snapshot: a failed look is a look. ``why`` is one sentence for people.

    ``retry_after`` is in seconds, where the server asked not to be asked before.
    """

    why: str
    code: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """One observation of one source, parsed: a snapshot or the reason for none.

    ``endings`` answers for incidents that left the page since the last look: the full incident as its own page now
    shows it, or how it ended. An incident that left and has no entry here stays open until somebody has asked.
    """

    at: datetime
    saw: Snapshot | Blindness
    endings: Mapping[str, Incident | Ending] = field(default_factory=dict)
    host: str = ""  # who answered, after redirects
    unwatched_since: datetime | None = None  # the last look, where that was long ago and this one tells of all since
    is_same: bool = False  # it shows what the look before showed, and that still means the same


@dataclass(frozen=True, slots=True)
class Observation:
    """One look at one source as it went, for the record: also the failed ones.

    ``outcome`` is ``changed``, ``same`` or the code of the failure; ``body`` are the bytes where they changed.
    """

    source: str
    at: datetime
    outcome: str
    why: str = ""
    body: bytes | None = None
    took_s: float = 0.0
