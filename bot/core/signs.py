"""What is remembered of a surface's witnesses, and a moment -> what they say now. Pure.

The numbers are those of safe-to-retry.md C.4. Design, not measured: nobody has recorded probes beside a page's history.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.core.witness import CROWD_WITHIN, FRESH, TRAFFIC_WITHIN, counts, is_too_much, usual_reports
from bot.model import Testimony

LASTING = timedelta(minutes=3)  # a failing that is shorter is a hiccup
VOUCHED = timedelta(minutes=10)  # a probe that has answered for so long vouches for the surface
PLACES = 2  # that must agree, where there are two
CROWD, TIMES_USUAL = 5, 5  # so many people, and so many times the usual number
SOME = 2  # fewer people are quiet
NEARLY_ALL = 0.9  # of the team's own requests fail: as good as a probe that fails


class Says(StrEnum):
    """What a witness says of the surface, worst first; each kind of witness has some of these words."""

    FAILING = "failing"
    CROWD = "crowd"
    PARTLY = "partly_failing"
    MIXED = "mixed"
    SOME = "some"
    OK = "ok"
    QUIET = "quiet"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Sign:
    """What one kind of witness says: since when, seen when last, and by how many tries, people or requests.

    ``share`` is of the requests that failed; ``against`` and ``by`` are the vantage points that fail and that answer.
    """

    says: Says = Says.NONE
    since: datetime | None = None
    seen_at: datetime | None = None
    n: int = 0
    share: float = 0.0
    why: str = ""
    against: tuple[str, ...] = ()
    by: tuple[str, ...] = ()


NOTHING = Sign()


@dataclass(frozen=True, slots=True)
class Signs:
    """What the probes, the people and the traffic of one surface say at one moment."""

    probe: Sign = NOTHING
    people: Sign = NOTHING
    traffic: Sign = NOTHING

    @property
    def is_failing(self) -> bool:
        """A probe fails, or nearly all of the team's own requests do."""
        return Says.FAILING in (self.probe.says, self.traffic.says)

    @property
    def is_partly(self) -> bool:
        """A part of the team's own requests fails."""
        return self.traffic.says is Says.PARTLY

    @property
    def is_crowd(self) -> bool:
        """Many more people than usual say that it is broken."""
        return self.people.says is Says.CROWD

    @property
    def is_ok(self) -> bool:
        """Every probe answers, and no traffic speaks against it."""
        return self.probe.says is Says.OK and self.traffic.says not in (Says.FAILING, Says.PARTLY)

    @property
    def since(self) -> datetime | None:
        """Since when anything speaks against the surface."""
        against = (Says.FAILING, Says.PARTLY, Says.CROWD)
        times = [s.since for s in (self.probe, self.traffic, self.people) if s.says in against and s.since]
        return min(times, default=None)

    def vouches(self, at: datetime) -> bool:
        """It has answered for so long that this shortens a dwell, or lifts a hold to the least of gentle."""
        return self.is_ok and self.probe.since is not None and at - self.probe.since >= VOUCHED

    def eases(self, at: datetime) -> bool:
        """It vouches, and people are quiet (C.4: D=30, R=5)."""
        return self.vouches(at) and self.people.says in (Says.QUIET, Says.NONE)


SILENT = Signs()


def signs(said: Testimony | None, at: datetime) -> Signs:
    """What the witnesses of a surface say at this moment; what is older than three minutes says nothing."""
    return Signs(_probe(said, at), _people(said, at), _traffic(said, at)) if said is not None else SILENT


# --- what each says ---------------------------------------------------------------------------------------------------


def _probe(said: Testimony, at: datetime) -> Sign:
    """Two places that fail are enough; one is, where no other answers (and says so)."""
    fresh = [s for s in said.sights if at - s.tries[-1].at <= FRESH]
    if not fresh:
        return NOTHING
    failing = [s for s in fresh if s.bad_since and s.shaky_since and at - s.shaky_since >= LASTING]
    against = [s for s in fresh if s.bad_since or not s.tries[-1].ok]
    by = [s for s in fresh if s not in against]
    base = Sign(
        seen_at=max(s.tries[-1].at for s in fresh),
        n=sum(len(s.tries) for s in fresh),
        why=next((t.why for s in against for t in reversed(s.tries) if not t.ok), ""),
        against=tuple(s.vantage for s in failing or against),
        by=tuple(s.vantage for s in by),
    )
    if len(failing) >= PLACES or (failing and not by):
        return replace(base, says=Says.FAILING, since=min(s.bad_since for s in failing if s.bad_since))
    if against:
        return replace(base, says=Says.MIXED, since=min(s.bad_since or s.tries[-1].at for s in against))
    return replace(base, says=Says.OK, since=max(s.ok_since for s in fresh if s.ok_since))


def _people(said: Testimony, at: datetime) -> Sign:
    now = [v for v in said.voices if at - v.at <= CROWD_WITHIN]
    if not now:
        return Sign(Says.QUIET) if said.usual else NOTHING
    is_crowd = len(now) >= max(CROWD, TIMES_USUAL * usual_reports(said.usual, at))
    says = Says.CROWD if is_crowd else Says.SOME if len(now) >= SOME else Says.QUIET
    return Sign(says, now[0].at, now[-1].at, len(now))


def _traffic(said: Testimony, at: datetime) -> Sign:
    """Nearly all of the last three minutes is failing; a share of the last five is a brownout."""
    fresh = [t for t in said.tallies if at - t.until < FRESH]
    if not fresh:
        return NOTHING
    ok, failed = counts(said.tallies, at, TRAFFIC_WITHIN)
    now_ok, now_failed = counts(fresh, at, FRESH)
    worst = max(said.tallies, key=lambda t: t.failed).worst
    base = Sign(Says.OK, None, max(t.until for t in fresh), ok + failed, failed / max(ok + failed, 1), worst)
    since = said.traffic_since
    if since is None or at - since < LASTING or not is_too_much(said.tallies, at):
        return base
    if now_failed and now_failed >= NEARLY_ALL * (now_ok + now_failed):
        share = now_failed / (now_ok + now_failed)
        return replace(base, says=Says.FAILING, since=since, n=now_ok + now_failed, share=share)
    return replace(base, says=Says.PARTLY, since=since)
