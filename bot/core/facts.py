"""A case (a track, its hits, its witnesses, a moment) -> the facts that the verdict's rules and sentences read.

The dwell (rule 4), its doubling (rule 5) and the ramp of gentle (rule 3) of safe-to-retry.md C.3 are computed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from datetime import datetime, timedelta

from bot.core.signs import SILENT, Signs, signs
from bot.core.standing import DOUBTS, OPEN, Standing, is_told, standing
from bot.core.track import JITTER, is_settled
from bot.model import Basis, Estimate, Heard, Hit, Stage, Surface, Testimony, Track, VerdictRules

WITHIN = timedelta(minutes=2)  # two looks that are no further apart are of the same moment
_WORST_FIRST = {word: place for place, word in enumerate(Standing)}


@dataclass(frozen=True, slots=True)
class Case:
    """All that the judge is given about one surface; ``hits`` are this surface's, ``seen_at`` is the last usable look.

    ``vendor`` is what sentences call its provider.
    """

    track: Track
    hits: Sequence[Hit]
    at: datetime
    _: KW_ONLY
    seen_at: datetime | None
    rules: VerdictRules
    surface: Surface
    vendor: str = ""
    forecast: Estimate | None = None
    testimony: Testimony | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of one surface at one moment. ``said`` and ``worst`` are the page's, ``signs`` the others'."""

    at: datetime
    seen_at: datetime | None
    track: Track
    said: tuple[tuple[Hit, Standing], ...]
    rules: VerdictRules
    surface: Surface
    vendor: str
    forecast: Estimate | None
    worst: Standing
    hit: Hit | None  # the one that says the worst
    signs: Signs = SILENT

    @property
    def age(self) -> timedelta | None:
        """How old the newest usable look is; one from the future is as wrong as one from the past."""
        if self.seen_at is None:
            return None
        age = self.at - self.seen_at
        return age if age >= -JITTER else -age

    @property
    def is_open(self) -> bool:
        """True while any incident is open on the surface."""
        return any(s in OPEN for _, s in self.said)

    @property
    def is_settled(self) -> bool:
        """True where rule 3 lets it be gentle. The vendor's word that it was never down needs no settling."""
        if is_settled(self.track, self.at, self.rules):
            until = self.track.bad_until
            return until is None or self.at - until >= self.settle
        cleared = {h.incident for h, s in self.said if s is Standing.EXONERATED and is_told(h)}
        held_by = {incident for incident in self.track.bad_by if incident}
        return bool(held_by) and cleared >= held_by

    @property
    def settle(self) -> timedelta:
        """d0; longer where nothing but a green component speaks against an incident that goes on (GitHub's profile)."""
        is_cleared = any(s is Standing.RECOVERING and h.stage is not Stage.MONITORING for h, s in self.said)
        return max(self.rules.settle, self.rules.cleared_settle) if is_cleared else self.rules.settle

    @property
    def relapses(self) -> int:
        """How often it went bad again within two hours, in the last six."""
        return sum(self.at - t < self.rules.flap_lasts for t in self.track.relapses)

    @property
    def crowd(self) -> int:
        """How many incidents took it down in the last day."""
        within = self.rules.crowd_within
        return sum(h.down and self.at - h.first_at < within for h in self.track.incidents)

    @property
    def is_crowded(self) -> bool:
        """True where rule 5 asks for two clean hours."""
        return self.crowd >= self.rules.crowd

    @property
    def is_residual(self) -> bool:
        """True while rule 6 holds the ramp down."""
        since = self.track.residual_since
        return since is not None and self.at - since < self.rules.residual_pin

    @property
    def is_after_witnesses(self) -> bool:
        """True where the dwell counts from what others than the page had against it."""
        until = self.track.witnessed_until
        return until is not None and abs(self.calm_since - until) <= WITHIN

    @property
    def dwell(self) -> timedelta:
        """D, doubled by each relapse up to its cap."""
        return _doubled(self.rules.dwell, self.relapses, self.rules.dwell_cap)

    @property
    def resolved_dwell(self) -> timedelta:
        """R, doubled by each relapse up to its cap."""
        return _doubled(self.rules.resolved_dwell, self.relapses, self.rules.resolved_cap)

    @property
    def calm_since(self) -> datetime:
        """Where the dwell starts: neither bad nor in doubt, watched, and past what residual words hold back."""
        track, now = self.track, self.at
        starts = [t for t in (track.bad_until, track.watched_since, track.doubted_until) if t is not None]
        if any(s in DOUBTS or s is Standing.BAD for _, s in self.said) or not starts:
            return now
        if track.residual_since is not None:
            starts.append(track.residual_since + self.rules.residual_pin)
        return max(starts)

    @property
    def normal_at(self) -> datetime:
        """When it may be normal if all stays as it is (rules 4 and 5, and C.5 for maintenance)."""
        calm = self.calm_since
        normal = calm + self.dwell
        if not self.is_open:
            closed = self.track.closed_at or self.track.watched_since or self.at
            normal = min(normal, max(closed + self.resolved_dwell, calm + self.rules.resolved_clean))
        if self.is_crowded:
            normal = max(normal, calm + self.rules.crowd_dwell)
        if self.track.maintained_until is not None:
            normal = max(normal, self.track.maintained_until + self.rules.maintenance_dwell)
        return normal

    @property
    def ramp(self) -> float:
        """g: from a tenth to a half of the normal load over the dwell, held at the bottom by residual words."""
        rules, track = self.rules, self.track
        firsts = (h.first_at for h in track.incidents if h.open)
        starts = [t for t in (track.bad_until, track.watched_since, *firsts) if t is not None]
        if self.is_residual or not starts:
            return rules.gentle_low
        share = (self.at - max(starts) - rules.settle) / (self.dwell - rules.settle)
        return rules.gentle_low + (rules.gentle_high - rules.gentle_low) * min(max(share, 0.0), 1.0)

    def heard(self, hit: Hit) -> Heard:
        """When our own looks met the hit's incident and its stage; the hit's own times where they never did."""
        for heard in self.track.incidents:
            if heard.incident == hit.incident:
                return heard
        return Heard(hit.incident, hit.since, hit.stage, hit.since)

    def times(self) -> tuple[datetime, ...]:
        """Times at which the call or its rule may change without new evidence."""
        track, rules = self.track, self.rules
        moment = timedelta(microseconds=1)
        found = [self.normal_at, *(t + rules.flap_lasts for t in track.relapses)]
        found += [h.first_at + rules.crowd_within for h in track.incidents]
        found += [h.expires for h, _ in self.said if h.expires is not None]
        found += [track.bad_until + self.settle] if track.bad_until else []
        found += [track.residual_since + rules.residual_pin] if track.residual_since else []
        if self.seen_at is not None:
            found += [self.seen_at + rules.stale_gentle + moment, self.seen_at + rules.stale_unknown + moment]
        return tuple(t for t in found if t > self.at)


def gather(case: Case) -> Facts:
    """The facts of one case. A probe that vouches for the surface while people are quiet shortens the dwell (C.4)."""
    rules, heard = case.rules, signs(case.testimony, case.at)
    said = tuple((h, standing(h, case.at, rules)) for h in case.hits if h.basis is not Basis.WITNESS)
    hit, worst = min(said, key=lambda pair: _WORST_FIRST[pair[1]], default=(None, Standing.GONE))
    return Facts(
        at=case.at,
        seen_at=case.seen_at,
        track=case.track,
        said=said,
        rules=_eased(rules) if heard.eases(case.at) else rules,
        surface=case.surface,
        vendor=case.vendor or case.surface.provider,
        forecast=case.forecast,
        worst=worst,
        hit=hit,
        signs=heard,
    )


def _eased(rules: VerdictRules) -> VerdictRules:
    return replace(
        rules,
        dwell=min(rules.dwell, rules.vouched_dwell),
        resolved_dwell=min(rules.resolved_dwell, rules.vouched_resolved),
        resolved_clean=min(rules.resolved_clean, rules.vouched_resolved),
    )


def _doubled(span: timedelta, times: int, cap: timedelta) -> timedelta:
    return span if times == 0 else min(span * (1 << min(times, 8)), max(span, cap))
