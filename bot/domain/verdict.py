"""Verdicts (whether it is safe to retry), and what their rules remember and are configured by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.snapshot import Stage


class Advice(StrEnum):
    """The verdict's value, from most to least permissive; ``unknown`` is an answer too."""

    RETRY_NORMALLY = "retry_normally"
    RETRY_GENTLY = "retry_gently"
    HOLD_OFF = "hold_off"
    FAIL_OVER = "fail_over"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it is safe to retry one surface at one moment, with the reason.

    Attributes:
        exposure: The share of the normal retry load that is allowed, 0 to 1.
        reason: One sentence: what was seen, by whom, when, and what would change it.
        reason_code: The rule that gave the verdict.
        review_at: The next update: when people hear more, changed or not; it does not move until it is reached.
        inferred: Based on the vendor's text only, not on a component.
        incidents: The ids of the incidents behind it.
        instead: The id of a surface to use instead; None for none.
        because: ``reason`` without the verdict itself, for lists that show the verdict beside it.
        changes_at: When the advice changes if nothing new is seen: the first load or the full load is allowed, or the
            vendor's statement expires. None where no such time is known.
    """

    surface: str
    call: Advice
    as_of: datetime
    exposure: float
    reason: str
    reason_code: str
    review_at: datetime | None = None
    inferred: bool = False
    incidents: tuple[str, ...] = ()
    instead: str | None = None
    because: str = ""
    changes_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IncidentSighting:
    """An incident from one surface's view: when our polls first saw it, and its present stage since when."""

    incident: str
    first_at: datetime
    stage: Stage
    stage_at: datetime
    down: bool = False  # it affected the surface, or was first seen at a stage that means it had
    open: bool = True


@dataclass(frozen=True, slots=True)
class SurfaceHistory:
    """What the verdict rules remember of one surface; bounded in size.

    All times are those of our own polls, never the vendor's claims (bot/docs/status-page-formats.md#backdated-times).
    """

    surface: str
    looked_at: datetime | None = None  # the newest usable poll
    watched_since: datetime | None = None  # the first poll of the present series without a long gap
    bad: bool = False
    presumed: bool = False  # bad only because an exoneration expired; nobody has said so
    bad_by: tuple[str, ...] = ()  # the incidents that made it bad, when it was last bad
    bad_since: datetime | None = None  # the poll that last found it bad after it was not; without presumed times
    bad_until: datetime | None = None  # the last bad minute before the poll that found it no longer bad
    clean_looks: int = 0  # polls in a row, far enough apart, that found it not bad
    clean_look_at: datetime | None = None  # the newest of them
    doubted: bool = False  # an incident limits the verdict to ``retry_gently`` and does not make the surface bad
    doubted_until: datetime | None = None
    maintained: bool = False  # under maintenance
    maintained_until: datetime | None = None
    residual_since: datetime | None = None  # since when the newest update mentions errors that remain
    closed_at: datetime | None = None  # since when no incident is open on it
    incidents: tuple[IncidentSighting, ...] = ()  # open ones, and those that began within a day
    relapses: tuple[datetime, ...] = ()
    shown: bool = False  # the page itself shows it bad, not only probes, reports or traffic
    shown_until: datetime | None = None  # the last bad minute by the page
    witnessed_until: datetime | None = None  # when probes, reports or traffic last spoke against it

    @property
    def is_bad_by_page(self) -> bool:
        """True where the page shows it bad, or showed its last bad minute."""
        return self.shown or (not self.bad and self.shown_until == self.bad_until)


@dataclass(frozen=True, slots=True)
class VerdictParameters:
    """The numbers of the verdict rules R60/15 (bot/docs/verdict-rules.md); a vendor profile may have others.

    ``clears_components``: this vendor sets a component to operational while the incident is open, and means it.
    """

    name: str = "R60/15"
    clears_components: bool = False
    settle: timedelta = timedelta(minutes=3)  # d0: time without anything bad before ``retry_gently``
    settle_looks: int = 2  # and this many polls that found nothing bad
    cleared_settle: timedelta = timedelta(minutes=15)  # d0 where only the component was cleared, by such a vendor
    looks_apart: timedelta = timedelta(seconds=60)  # polls count one by one only if this far apart
    dwell: timedelta = timedelta(minutes=60)  # D: time without anything bad before ``retry_normally``
    resolved_dwell: timedelta = timedelta(minutes=15)  # R: or this long resolved, with nothing bad
    resolved_clean: timedelta = timedelta(minutes=15)  # for at least this long
    # D at most, while a probe has succeeded for long (bot/docs/verdict-rules.md#combining-evidence)
    vouched_dwell: timedelta = timedelta(minutes=30)
    vouched_resolved: timedelta = timedelta(minutes=5)  # R at most, then
    flap_within: timedelta = timedelta(minutes=120)  # bad again within this is a relapse, which doubles D and R
    flap_lasts: timedelta = timedelta(hours=6)  # how long a relapse counts
    dwell_cap: timedelta = timedelta(minutes=240)  # D at most, with relapses
    resolved_cap: timedelta = timedelta(minutes=60)  # R at most, with relapses
    crowd: int = 3  # this many incidents
    crowd_within: timedelta = timedelta(hours=24)  # within this time
    crowd_dwell: timedelta = timedelta(minutes=120)  # make D at least this
    residual_pin: timedelta = timedelta(minutes=60)  # a mention of remaining errors keeps ``gentle_low`` this long
    gentle_low: float = 0.1  # exposure of ``retry_gently``, at least
    gentle_high: float = 0.5  # and at most
    doubt_high: float = 0.2  # and at most, while an incident is open that may include the surface
    maintenance_dwell: timedelta = timedelta(minutes=5)  # after a maintenance, before ``retry_normally``
    review: timedelta = timedelta(minutes=30)  # ``review_at`` is at most this far ahead
    overrun_review: timedelta = timedelta(minutes=15)  # the same, for a maintenance past its planned end
    fail_over_after: timedelta = timedelta(minutes=30)  # an expected wait above this justifies another surface
    silence: timedelta = timedelta(minutes=202)  # the P95 between updates; a longer silence is mentioned
    stale_gentle: timedelta = timedelta(minutes=5)  # older data never gives ``retry_normally``
    stale_unknown: timedelta = timedelta(minutes=15)  # older data gives ``unknown``
