"""Whether it is safe to retry, and the rules and the memory that this is judged by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.model.page import Stage


class Call(StrEnum):
    """The verdict's word, from most to least permissive; ``unknown`` is a legal answer."""

    RETRY_NORMALLY = "retry_normally"
    RETRY_GENTLY = "retry_gently"
    HOLD_OFF = "hold_off"
    FAIL_OVER = "fail_over"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one surface at one moment: may I retry?

    ``exposure`` is the share of the normal retry load, 0 to 1. ``review_at`` is when to look again and never a promise.
    ``reason`` is one sentence: what was seen, by whom, when, and what would change it; ``because`` is that without the
    verdict's own words, for lists where those stand already. ``reason_code`` names the rule.
    """

    surface: str
    call: Call
    as_of: datetime
    exposure: float
    reason: str
    reason_code: str
    review_at: datetime | None = None
    inferred: bool = False
    incidents: tuple[str, ...] = ()
    instead: str | None = None
    because: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """An incident as one surface has met it: when our own looks first saw it, and its present stage since when."""

    incident: str
    first_at: datetime
    stage: Stage
    stage_at: datetime
    down: bool = False  # it took the surface down, or came in as if it had
    open: bool = True


@dataclass(frozen=True, slots=True)
class Track:
    """What the verdict rules remember of one surface; a fold over looks and ticks, small enough to store whole.

    All times are those of our own looks, never the vendor's claims (safe-to-retry.md A.0: display times are backdated).
    """

    surface: str
    looked_at: datetime | None = None  # the newest usable look
    watched_since: datetime | None = None  # the first look of the present unbroken watch
    bad: bool = False
    presumed: bool = False  # bad only because an exoneration ran out; nobody has said so
    bad_by: tuple[str, ...] = ()  # the incidents that held it when it was last bad
    bad_since: datetime | None = None  # the look that found it bad, last time; not presumed
    bad_until: datetime | None = None  # the last bad minute before the look that found it no longer bad
    clean_looks: int = 0  # looks in a row, far enough apart, that found it not bad
    clean_look_at: datetime | None = None
    doubted: bool = False  # an incident is bad that caps without holding
    doubted_until: datetime | None = None
    maintained: bool = False
    maintained_until: datetime | None = None
    residual_since: datetime | None = None  # since when the newest words speak of errors that remain
    closed_at: datetime | None = None  # since when no incident is open on it
    incidents: tuple[Heard, ...] = ()  # open ones, and those that began within a day
    relapses: tuple[datetime, ...] = ()
    shown: bool = False  # the page itself has it bad, and not only other witnesses
    shown_until: datetime | None = None  # the last bad minute by the page
    witnessed_until: datetime | None = None  # when other witnesses than the page spoke against it last

    @property
    def by_page(self) -> bool:
        """Whether the page has, or had, its last bad minute."""
        return self.shown or (not self.bad and self.shown_until == self.bad_until)


@dataclass(frozen=True, slots=True)
class VerdictRules:
    """The numbers of R60/15 (safe-to-retry.md C.3); a preset or a vendor profile is another set of numbers.

    ``clears_components``: this vendor turns a component green while the incident goes on, and means it.
    """

    name: str = "R60/15"
    clears_components: bool = False
    settle: timedelta = timedelta(minutes=5)  # d0: before this, nothing is gentle
    settle_looks: int = 2
    cleared_settle: timedelta = timedelta(minutes=15)  # d0 where only the component was cleared, by such a vendor
    looks_apart: timedelta = timedelta(seconds=60)
    dwell: timedelta = timedelta(minutes=60)  # D: clean for so long is normal
    resolved_dwell: timedelta = timedelta(minutes=15)  # R: resolved for so long is normal, if clean for
    resolved_clean: timedelta = timedelta(minutes=15)  # at least this
    vouched_dwell: timedelta = timedelta(minutes=30)  # D at most, while a probe has answered for long (C.4)
    vouched_resolved: timedelta = timedelta(minutes=5)  # R at most, then
    flap_within: timedelta = timedelta(minutes=120)  # bad again so soon is a relapse, which doubles D and R
    flap_lasts: timedelta = timedelta(hours=6)
    dwell_cap: timedelta = timedelta(minutes=240)
    resolved_cap: timedelta = timedelta(minutes=60)
    crowd: int = 3  # so many incidents
    crowd_within: timedelta = timedelta(hours=24)  # in so long
    crowd_dwell: timedelta = timedelta(minutes=120)  # ask for so long clean
    residual_pin: timedelta = timedelta(minutes=60)
    gentle_low: float = 0.1
    gentle_high: float = 0.5
    maintenance_dwell: timedelta = timedelta(minutes=5)
    review: timedelta = timedelta(minutes=30)  # look again at the latest
    overrun_review: timedelta = timedelta(minutes=15)
    fail_over_after: timedelta = timedelta(minutes=30)  # an expected wait above this is worth another surface
    silence: timedelta = timedelta(minutes=202)  # the vendor's P95 between updates; longer is worth a word
    stale_gentle: timedelta = timedelta(minutes=5)  # data older than this never says normal
    stale_unknown: timedelta = timedelta(minutes=15)  # data older than this says nothing
