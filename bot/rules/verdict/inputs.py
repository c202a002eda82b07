"""The values that the verdict rules and their reason sentences read, computed from one surface's case.

The dwell, its doubling by relapses and the exposure of *retry gently* are computed here
(bot/docs/verdict-rules.md#dwell, #relapses, #the-load-ramp).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from datetime import datetime, timedelta

from bot.domain import (
    Attribution,
    Estimate,
    EvidenceKind,
    EvidenceState,
    IncidentSighting,
    Stage,
    Surface,
    SurfaceHistory,
    VerdictParameters,
)
from bot.rules.evidence.signals import NO_SIGNALS, Signals, evaluate_signals
from bot.rules.verdict.assessment import (
    DOUBTFUL_ASSESSMENTS,
    OPEN_ASSESSMENTS,
    SurfaceAssessment,
    assess_attribution,
    is_stated_by_vendor,
)
from bot.rules.verdict.history import CLOCK_JITTER, is_settled

EVIDENCE_TOLERANCE = timedelta(minutes=2)  # times that are no further apart count as the same
_WORST_FIRST = {assessment: rank for rank, assessment in enumerate(SurfaceAssessment)}


@dataclass(frozen=True, slots=True)
class VerdictCase:
    """What a verdict on one surface is computed from.

    ``attributions`` are those of this surface only, ``at`` is the time of the verdict, ``seen_at`` the last usable poll
    (None before the first). ``vendor`` is the provider's name in reason sentences; its id where empty.
    ``lost_components`` are the names of its components, where all of them have left the page; ``unknown_component`` is
    the name of one whose state is not known, empty where there is none.
    """

    history: SurfaceHistory
    attributions: Sequence[Attribution]
    at: datetime
    _: KW_ONLY
    seen_at: datetime | None
    rules: VerdictParameters
    surface: Surface
    vendor: str = ""
    forecast: Estimate | None = None
    evidence: EvidenceState | None = None
    lost_components: tuple[str, ...] = ()
    unknown_component: str = ""


@dataclass(frozen=True, slots=True)
class VerdictInputs:
    """A case with everything evaluated at its time.

    ``assessments`` are the page's attributions, each with what it asks of the verdict; ``worst_attribution`` and
    ``worst_assessment`` are the worst of them. ``signals`` is the evidence beside the page. ``rules`` has the dwell
    shortened where that evidence allows it.
    """

    at: datetime
    seen_at: datetime | None
    history: SurfaceHistory
    assessments: tuple[tuple[Attribution, SurfaceAssessment], ...]
    rules: VerdictParameters
    surface: Surface
    vendor: str
    worst_assessment: SurfaceAssessment  # GONE where the page has no attribution
    worst_attribution: Attribution | None
    signals: Signals = NO_SIGNALS
    lost_components: tuple[str, ...] = ()
    unknown_component: str = ""

    @property
    def age(self) -> timedelta | None:
        """How old the last usable poll is; None before the first.

        One from the future was before the clock was set back, no one knows how long: it is stale at least.
        """
        if self.seen_at is None:
            return None
        age = self.at - self.seen_at
        return age if age >= -CLOCK_JITTER else max(-age, self.rules.stale_gentle + CLOCK_JITTER)

    @property
    def is_lost(self) -> bool:
        """True where the surface's components have left the page, and no incident says anything of it."""
        return bool(self.lost_components) and self.worst_assessment is SurfaceAssessment.GONE

    @property
    def is_open(self) -> bool:
        """True while any incident is open on the surface."""
        return any(s in OPEN_ASSESSMENTS for _, s in self.assessments)

    @property
    def is_settled(self) -> bool:
        """True where settling is over, so that *retry gently* is possible.

        No settling is needed where the vendor has stated that the incidents blamed do not affect the surface.
        See bot/docs/verdict-rules.md#settling.
        """
        if is_settled(self.history, self.at, self.rules):
            until = self.history.bad_until
            return until is None or self.at - until >= self.settling_time
        cleared = {
            a.incident for a, s in self.assessments if s is SurfaceAssessment.EXONERATED and is_stated_by_vendor(a)
        }
        held_by = {incident for incident in self.history.bad_by if incident}
        return bool(held_by) and cleared >= held_by

    @property
    def settling_time(self) -> timedelta:
        """How long the surface must be clean before *retry gently* (d0).

        Longer where only a green component clears it of an incident that goes on (GitHub's profile).
        """
        is_cleared = any(
            s is SurfaceAssessment.RECOVERING and a.stage is not Stage.MONITORING for a, s in self.assessments
        )
        return max(self.rules.settle, self.rules.cleared_settle) if is_cleared else self.rules.settle

    @property
    def relapses(self) -> int:
        """The number of relapses in the last six hours (``flap_lasts``)."""
        return sum(self.at - t < self.rules.flap_lasts for t in self.history.relapses)

    @property
    def recent_incident_count(self) -> int:
        """The number of incidents that took the surface down in the last day."""
        within = self.rules.crowd_within
        return sum(h.down and self.at - h.first_at < within for h in self.history.incidents)

    @property
    def has_many_incidents(self) -> bool:
        """True where so many incidents require two clean hours (bot/docs/verdict-rules.md#crowd)."""
        return self.recent_incident_count >= self.rules.crowd

    @property
    def has_residual_errors(self) -> bool:
        """True while text about remaining errors limits the exposure (bot/docs/verdict-rules.md#residual-errors)."""
        since = self.history.residual_since
        return since is not None and self.at - since < self.rules.residual_pin

    @property
    def is_after_other_evidence(self) -> bool:
        """True where the dwell counts from the end of evidence beside the page."""
        until = self.history.witnessed_until
        return until is not None and abs(self.dwell_starts_at - until) <= EVIDENCE_TOLERANCE

    @property
    def dwell(self) -> timedelta:
        """The dwell (D): clean for so long is normal. Doubled by each relapse up to its cap."""
        return _doubled(self.rules.dwell, self.relapses, self.rules.dwell_cap)

    @property
    def resolved_dwell(self) -> timedelta:
        """The dwell after *resolved* (R), doubled by each relapse up to its cap."""
        return _doubled(self.rules.resolved_dwell, self.relapses, self.rules.resolved_cap)

    @property
    def dwell_starts_at(self) -> datetime:
        """When the dwell starts: polled, neither bad nor doubtful, and past the wait that residual errors impose.

        The present time while the surface is bad or doubtful.
        """
        history, now = self.history, self.at
        starts = [t for t in (history.bad_until, history.watched_since, history.doubted_until) if t is not None]
        if any(s in DOUBTFUL_ASSESSMENTS or s is SurfaceAssessment.BAD for _, s in self.assessments) or not starts:
            return now
        if history.residual_since is not None:
            starts.append(history.residual_since + self.rules.residual_pin)
        return max(starts)

    @property
    def normal_at(self) -> datetime:
        """When the verdict may be normal if nothing changes.

        See bot/docs/verdict-rules.md#dwell, #relapses and #maintenance.
        """
        clean_since = self.dwell_starts_at
        normal = clean_since + self.dwell
        if not self.is_open:
            closed = self.history.closed_at or self.history.watched_since or self.at
            normal = min(normal, max(closed + self.resolved_dwell, clean_since + self.rules.resolved_clean))
        if self.has_many_incidents:
            normal = max(normal, clean_since + self.rules.crowd_dwell)
        if self.history.maintained_until is not None:
            normal = max(normal, self.history.maintained_until + self.rules.maintenance_dwell)
        return normal

    @property
    def gentle_share(self) -> float:
        """The exposure of *retry gently*: rises from ``gentle_low`` to ``gentle_high`` over the dwell.

        It stays at ``gentle_low`` while there are residual errors, and below ``doubt_high`` while an incident is open
        that may include the surface and no probe answers (bot/docs/verdict-rules.md#the-load-ramp).
        """
        rules, history = self.rules, self.history
        firsts = (h.first_at for h in history.incidents if h.open)
        starts = [t for t in (history.bad_until, history.watched_since, *firsts) if t is not None]
        if self.has_residual_errors or not starts:
            return rules.gentle_low
        share = (self.at - max(starts) - rules.settle) / (self.dwell - rules.settle)
        ramp = rules.gentle_low + (rules.gentle_high - rules.gentle_low) * min(max(share, 0.0), 1.0)
        is_doubtful = any(s in DOUBTFUL_ASSESSMENTS for _, s in self.assessments) and not self.signals.is_ok
        return min(ramp, max(rules.doubt_high, rules.gentle_low)) if is_doubtful else ramp

    def sighting_of(self, attribution: Attribution) -> IncidentSighting:
        """When our polls first saw the attribution's incident and its stage; the attribution's times where none did."""
        for sighting in self.history.incidents:
            if sighting.incident == attribution.incident:
                return sighting
        return IncidentSighting(attribution.incident, attribution.since, attribution.stage, attribution.since)

    def possible_change_times(self) -> tuple[datetime, ...]:
        """Times at which the call or its rule may change without new evidence."""
        history, rules = self.history, self.rules
        moment = timedelta(microseconds=1)
        times = [self.normal_at, *(t + rules.flap_lasts for t in history.relapses)]
        times += [h.first_at + rules.crowd_within for h in history.incidents]
        times += [a.expires for a, _ in self.assessments if a.expires is not None]
        times += [history.bad_until + self.settling_time] if history.bad_until else []
        times += [history.residual_since + rules.residual_pin] if history.residual_since else []
        if self.seen_at is not None:
            times += [self.seen_at + rules.stale_gentle + moment, self.seen_at + rules.stale_unknown + moment]
        return tuple(t for t in times if t > self.at)


def gather_inputs(case: VerdictCase) -> VerdictInputs:
    """Evaluates one case. A probe that has answered for long while nobody reports trouble shortens the dwell.

    See bot/docs/verdict-rules.md#combining-evidence.
    """
    rules, signals = case.rules, evaluate_signals(case.evidence, case.at)
    assessments = tuple(
        (a, assess_attribution(a, case.at, rules)) for a in case.attributions if a.basis is not EvidenceKind.WITNESS
    )
    worst_attribution, worst_assessment = min(
        assessments, key=lambda pair: _WORST_FIRST[pair[1]], default=(None, SurfaceAssessment.GONE)
    )
    return VerdictInputs(
        at=case.at,
        seen_at=case.seen_at,
        history=case.history,
        assessments=assessments,
        rules=_with_shorter_dwell(rules) if signals.shortens_dwell(case.at) else rules,
        surface=case.surface,
        vendor=case.vendor or case.surface.provider,
        worst_assessment=worst_assessment,
        worst_attribution=worst_attribution,
        signals=signals,
        lost_components=case.lost_components,
        unknown_component=case.unknown_component,
    )


def _with_shorter_dwell(rules: VerdictParameters) -> VerdictParameters:
    return replace(
        rules,
        dwell=min(rules.dwell, rules.vouched_dwell),
        resolved_dwell=min(rules.resolved_dwell, rules.vouched_resolved),
        resolved_clean=min(rules.resolved_clean, rules.vouched_resolved),
    )


def _doubled(span: timedelta, times: int, cap: timedelta) -> timedelta:
    return span if times == 0 else min(span * (1 << min(times, 8)), max(span, cap))
