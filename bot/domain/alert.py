"""The content of an alert about one incident, before it is rendered as text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.forecast import Estimate
from bot.domain.poll import IncidentEnding
from bot.domain.snapshot import Condition, Stage
from bot.domain.verdict import Verdict


class NewsKind(StrEnum):
    """Why an alert says something now, the most important first."""

    WITHDRAWN = "withdrawn"
    REOPENED = "reopened"
    WIDENED = "widened"
    WORSE = "worse"  # the condition of an affected surface is worse
    LOWERED = "lowered"  # the advice is lower, at the same condition
    OVERRUN = "overrun"  # a maintenance is in progress past its planned end
    ALL_CLEAR = "all_clear"  # ended, and safe to retry everywhere
    RAISED = "raised"  # from *don't retry* to a better advice
    RESOLVED = "resolved"  # in the thread only, where it changes no advice
    VERDICT = "verdict"  # of earlier versions: a verdict has changed
    REMINDER = "reminder"  # nothing new, and a surface is still bad
    WHY = "why"  # the reasons, as the first reply; in the thread only
    CONFIRMED = "confirmed"  # the page now shows a suspected incident; in the thread only
    NEXT = "next"  # the episode continues in another incident; in the thread only
    UPDATE = "update"  # a new update of the vendor
    EDITED = "edited"  # the vendor edited an update
    CHANGED = "changed"  # the vendor changed the incident's title or impact
    NOTE = "note"  # written by a person in the chat
    ACKNOWLEDGED = "acknowledged"  # by a person in the chat; for tools of ``[[notify]]`` only


@dataclass(frozen=True, slots=True)
class NewsItem:
    """One thing to say in an alert's thread. ``key`` is derived from content: the same news has the same key.

    ``kinds`` has the most important first. ``quote`` is the vendor's text, ``before`` the text that an edit replaced.
    ``wider`` are the names of newly affected surfaces, ``anew`` those among them that the incident had named before.
    ``worse`` are the names of surfaces whose condition is worse. ``verdicts`` are those whose advice changed, each with
    its surface's name. ``by`` is the author of a note. Names are the short ones.
    """

    kinds: tuple[NewsKind, ...]
    key: str
    at: datetime
    stage: Stage = Stage.UNKNOWN
    quote: str = ""
    before: str = ""
    change: str = ""
    wider: tuple[str, ...] = ()
    verdicts: tuple[tuple[str, Verdict], ...] = ()
    broadcast: bool = False
    by: str = ""
    anew: tuple[str, ...] = ()
    worse: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SurfaceLine:
    """One affected surface in an alert: its names, its condition and its verdict.

    ``people`` and ``programs`` are the catalogue's advice on what to do while it is not to be retried, ``people_slow``
    and ``programs_slow`` while it is to be retried slowly; empty where it has none. ``since`` is when its condition
    began.
    """

    surface: str
    name: str
    condition: Condition
    verdict: Verdict
    inferred: bool = False
    people: str = ""
    programs: str = ""
    short: str = ""
    people_slow: str = ""
    programs_slow: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Upstream:
    """Another provider in trouble that the words of an incident name: it may be the cause."""

    provider: str
    name: str
    incident: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """What a channel is shown about one incident, and the news since the last transition.

    ``lines`` are the affected surfaces; empty where the incident names no surface of the catalogue.
    """

    incident: str
    provider: str
    provider_name: str
    title: str
    stage: Stage
    lines: tuple[SurfaceLine, ...]
    posted_at: datetime  # the vendor's first post, by its own clock
    seen_at: datetime  # the poll that first saw it
    as_of: datetime
    updates: int = 0  # number of updates so far
    url: str | None = None
    closed_at: datetime | None = None
    ending: IncidentEnding | None = None
    again_after: timedelta | None = None  # since the previous incident on these surfaces was resolved
    earlier: str = ""  # the id of that incident; otherwise of the one before this in its episode
    estimate: Estimate | None = None  # the first one, as issued
    record: str = ""  # how often such estimates were right
    news: tuple[NewsItem, ...] = ()
    watched: tuple[SurfaceLine, ...] = ()  # not known to be affected; not to be retried normally because of it
    opens: bool = True  # False: only edits a message that is already there
    is_maintenance: bool = False
    is_unposted: bool = False  # opened by Brownout: a component is bad without an incident
    missed: tuple[datetime, datetime] | None = None  # opened and ended between two polls: the vendor's start and end
    is_suspected: bool = False  # opened by Brownout: only probes, reports or traffic show it
    lead: timedelta | None = None  # how long Brownout had alerted before the page showed it
    takes_over: tuple[str, ...] = ()  # incidents opened by Brownout whose messages it continues
    yields_to: tuple[str, ...] = ()  # opened by Brownout: the vendor's incident that took its message over
    condition: Condition | None = None  # the worst of components of no surface; None elsewhere
    follows: tuple[str, ...] = ()  # earlier incidents of the episode that are still open for us, oldest first
    written_at: datetime | None = None  # when the vendor wrote the first post, where it is dated back
    vendor: str = ""  # the company's name
    stage_at: datetime | None = None  # the vendor's first post at the present stage
    service_count: int = 0  # surfaces of the provider
    safe: tuple[str, ...] = ()  # short names of its other surfaces that are safe to retry; empty while unreadable
    alternatives: tuple[str, ...] = ()  # names of surfaces in another fault domain that are safe to retry
    next_update: datetime | None = None
    checked_at: datetime | None = None  # the last usable poll
    planned_start: datetime | None = None  # of a maintenance
    planned_end: datetime | None = None
    earlier_at: datetime | None = None  # when ``earlier`` began
    shares: tuple[str, ...] = ()  # surfaces that an earlier incident, not all clear yet, affects too
    related: str = ""  # a later incident that is open on one of these surfaces
    cleared_at: datetime | None = None  # since when all of its surfaces are safe to retry after its end
    is_baseline: bool = False  # open already at the first poll
    openings: int = 0  # at the all clear: how often the advice let load through again after a hold, over its surfaces
    early_openings: int = 0  # how many of them were too early: bad again within the hour
    outages: tuple[str, ...] = ()  # at the all clear: surfaces that had an outage in it
    regions: tuple[str, ...] = ()  # the incident's; empty: all, or not known
    upstream: tuple[Upstream, ...] = ()  # open incidents of other providers that its words name

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes: every service is safe to retry, or another alert continues it."""
        if self.cleared_at is not None or self.missed is not None:
            return True
        return self.closed_at is not None and (self.ending is IncidentEnding.POSTED or not self.lines)
