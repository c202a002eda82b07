"""What a channel is shown about one incident, before it is put into words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.model.forecast import Estimate
from bot.model.look import Ending
from bot.model.page import Condition, Stage
from bot.model.verdict import Verdict


class News(StrEnum):
    """Why an alert says something now, the weightiest first. Those before ``update`` are broadcast to the channel."""

    WITHDRAWN = "withdrawn"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    WIDENED = "widened"
    VERDICT = "verdict"
    WORSE = "worse"  # a complete outage now, for whom that rings
    REMINDER = "reminder"  # nothing new, and it is still broken
    CONFIRMED = "confirmed"  # the page shows what we suspected; only in the thread
    NEXT = "next"  # the episode goes on with another incident; only in the thread
    UPDATE = "update"
    EDITED = "edited"
    CHANGED = "changed"
    NOTE = "note"  # of one of our people


@dataclass(frozen=True, slots=True)
class NewsItem:
    """One thing to say in an alert's thread. ``key`` is made from content: the same news has the same key.

    ``kinds`` has the weightiest first. ``quote`` is the vendor's words, ``before`` those that an edit replaced;
    ``wider`` are names of surfaces newly hit, ``anew`` those among them that the incident had named before;
    ``verdicts`` are those that changed, each with its surface's name. ``by`` is who wrote a note.
    """

    kinds: tuple[News, ...]
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


@dataclass(frozen=True, slots=True)
class SurfaceLine:
    """One affected surface in an alert: what it is called, how it is, and whether to retry."""

    surface: str
    name: str
    condition: Condition
    verdict: Verdict
    inferred: bool = False
    people: str = ""
    programs: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """What a channel is shown about one incident, and the news since the last stroke.

    Without ``lines`` it names no surface that is known.
    """

    incident: str
    provider: str
    provider_name: str
    title: str
    stage: Stage
    lines: tuple[SurfaceLine, ...]
    posted_at: datetime  # the vendor's first post, by its own clock
    seen_at: datetime
    as_of: datetime
    updates: int = 0
    url: str | None = None
    closed_at: datetime | None = None
    ending: Ending | None = None
    again_after: timedelta | None = None  # since the last one on these surfaces was called resolved
    earlier: str = ""  # that one; else the incident before this one in its episode
    estimate: Estimate | None = None  # the first one, as it was said
    record: str = ""  # how often such estimates held
    news: tuple[NewsItem, ...] = ()
    watched: tuple[SurfaceLine, ...] = ()  # not known to be hit, and not to be retried normally because of it
    opens: bool = True  # False: only drawn anew where it already stands
    is_maintenance: bool = False
    is_unposted: bool = False
    missed: tuple[datetime, datetime] | None = None  # it opened and ended while nobody looked: from when to when
    is_suspected: bool = False  # only others than the page see it
    lead: timedelta | None = None  # how long we had told of it before the page did
    takes_over: tuple[str, ...] = ()  # incidents of ours whose messages are its own now
    yields_to: tuple[str, ...] = ()  # one of ours: what its message is, where a channel had none of that yet
    follows: tuple[str, ...] = ()  # earlier incidents of the same episode that are not over for us, oldest first
