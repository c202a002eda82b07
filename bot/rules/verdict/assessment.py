"""What one attribution asks of its surface's verdict now, by the component's condition first, then stage and kind.

See bot/docs/verdict-rules.md#bad-and-not-bad and #which-surfaces-an-incident-reaches: a component that is not
operational is bad whatever the stage; a surface that is only named, only linked or exonerated is limited to *retry
gently* and not held off; maintenance is not trouble.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from bot.domain import Attribution, AttributionKind, Condition, EvidenceKind, Stage, VerdictParameters


class SurfaceAssessment(StrEnum):
    """What an attribution asks of the verdict, from worst to best."""

    BAD = "bad"  # hold off
    MAINTENANCE = "maintenance"  # hold off, as announced
    EXONERATED = "exonerated"  # gentle: the vendor took the surface out of an incident that goes on
    NAMED = "named"  # gentle: only text names it
    WATCH = "watch"  # gentle: linked, and always operational
    SUSPECTED = "suspected"  # gentle: reports or the team's own traffic speak against it
    VERIFYING = "verifying"  # gentle: the end of a maintenance
    RECOVERING = "recovering"  # clean, and the incident is still open
    GONE = "gone"  # asks nothing: not started, or over


DOUBTFUL_ASSESSMENTS = frozenset(
    {SurfaceAssessment.EXONERATED, SurfaceAssessment.NAMED, SurfaceAssessment.WATCH, SurfaceAssessment.SUSPECTED}
)
OPEN_ASSESSMENTS = frozenset(SurfaceAssessment) - {
    SurfaceAssessment.GONE,
    SurfaceAssessment.MAINTENANCE,
    SurfaceAssessment.VERIFYING,
}

_BY_KIND_WHILE_BAD = {
    AttributionKind.DOWN: SurfaceAssessment.BAD,
    AttributionKind.NAMED: SurfaceAssessment.NAMED,
    AttributionKind.WATCH: SurfaceAssessment.WATCH,
    AttributionKind.CLEARED: SurfaceAssessment.EXONERATED,
}
_BY_STAGE = {
    Stage.MONITORING: SurfaceAssessment.RECOVERING,
    Stage.IN_PROGRESS: SurfaceAssessment.MAINTENANCE,
    Stage.VERIFYING: SurfaceAssessment.VERIFYING,
    Stage.SCHEDULED: SurfaceAssessment.GONE,
    Stage.RESOLVED: SurfaceAssessment.GONE,
    Stage.POSTMORTEM: SurfaceAssessment.GONE,
    Stage.COMPLETED: SurfaceAssessment.GONE,
}


def assess_attribution(attribution: Attribution, at: datetime, rules: VerdictParameters) -> SurfaceAssessment:
    """What the attribution asks at this time. An unknown stage counts as bad."""
    if attribution.condition.is_bad and attribution.weight in (AttributionKind.DOWN, AttributionKind.CLEARED):
        return SurfaceAssessment.BAD
    if not attribution.incident:
        return _assess_unposted(attribution)
    by_stage = _BY_STAGE.get(attribution.stage)
    if by_stage is not None:
        return _assess_stage(by_stage, attribution)
    if attribution.weight is AttributionKind.CLEARED:
        return _assess_cleared(attribution, at, rules)
    return _BY_KIND_WHILE_BAD[attribution.weight]


def _assess_stage(by_stage: SurfaceAssessment, attribution: Attribution) -> SurfaceAssessment:
    """What the stage asks; less is asked where only a part is maintained, more where a part is bad at *monitoring*."""
    if by_stage is SurfaceAssessment.MAINTENANCE and attribution.weight is not AttributionKind.DOWN:
        return SurfaceAssessment.WATCH
    if by_stage is SurfaceAssessment.RECOVERING and attribution.condition.is_bad:
        return SurfaceAssessment.NAMED
    return by_stage


def _assess_unposted(attribution: Attribution) -> SurfaceAssessment:
    if attribution.basis is EvidenceKind.WITNESS:
        return SurfaceAssessment.SUSPECTED
    return SurfaceAssessment.MAINTENANCE if attribution.condition is Condition.MAINTENANCE else SurfaceAssessment.GONE


def is_stated_by_vendor(attribution: Attribution) -> bool:
    """True where an update of the incident clears the surface; False where only its component is operational again."""
    return attribution.basis is not EvidenceKind.COMPONENT


def _assess_cleared(attribution: Attribution, at: datetime, rules: VerdictParameters) -> SurfaceAssessment:
    if rules.clears_components:
        return SurfaceAssessment.RECOVERING
    if attribution.expires is not None and at >= attribution.expires:
        return SurfaceAssessment.BAD
    return SurfaceAssessment.EXONERATED
