"""What one hit says of its surface now -> one word. A table over (weight, stage), with the component's colour first.

Rules 1 and 2 of safe-to-retry.md C.3: a component that is not operational is bad whatever the stage; what is only
named, only linked or exonerated caps the verdict and does not hold it; maintenance is not trouble.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from bot.model import Basis, Condition, Hit, Stage, VerdictRules, Weight


class Standing(StrEnum):
    """What a hit asks for, from worst to best."""

    BAD = "bad"  # hold
    MAINTENANCE = "maintenance"  # hold, announced
    EXONERATED = "exonerated"  # gentle: the vendor took the surface out of an incident that goes on
    NAMED = "named"  # gentle: only the words name it
    WATCH = "watch"  # gentle: linked, and operational all along
    SUSPECTED = "suspected"  # gentle: people or the team's own traffic speak against it
    VERIFYING = "verifying"  # gentle: the end of a maintenance
    RECOVERING = "recovering"  # clean, and the incident is still open
    GONE = "gone"  # says nothing


DOUBTS = frozenset({Standing.EXONERATED, Standing.NAMED, Standing.WATCH, Standing.SUSPECTED})
OPEN = frozenset(Standing) - {Standing.GONE, Standing.MAINTENANCE, Standing.VERIFYING}

_WHILE_BAD = {
    Weight.DOWN: Standing.BAD,
    Weight.NAMED: Standing.NAMED,
    Weight.WATCH: Standing.WATCH,
    Weight.CLEARED: Standing.EXONERATED,
}
_BY_STAGE = {
    Stage.MONITORING: Standing.RECOVERING,
    Stage.IN_PROGRESS: Standing.MAINTENANCE,
    Stage.VERIFYING: Standing.VERIFYING,
    Stage.SCHEDULED: Standing.GONE,
    Stage.RESOLVED: Standing.GONE,
    Stage.POSTMORTEM: Standing.GONE,
    Stage.COMPLETED: Standing.GONE,
}


def standing(hit: Hit, at: datetime, rules: VerdictRules) -> Standing:
    """The hit's standing at this moment. A stage of a word that we do not know counts as bad."""
    if hit.condition.is_bad and hit.weight in (Weight.DOWN, Weight.CLEARED):
        return Standing.BAD
    if not hit.incident:
        return _unposted(hit)
    told = _BY_STAGE.get(hit.stage)
    if told is Standing.MAINTENANCE and hit.weight is not Weight.DOWN:
        return Standing.WATCH
    if told is not None:
        return told
    if hit.weight is Weight.CLEARED:
        return _cleared(hit, at, rules)
    return _WHILE_BAD[hit.weight]


def _unposted(hit: Hit) -> Standing:
    if hit.basis is Basis.WITNESS:
        return Standing.SUSPECTED
    return Standing.MAINTENANCE if hit.condition is Condition.MAINTENANCE else Standing.GONE


def is_told(hit: Hit) -> bool:
    """True where an update of the incident itself took the surface out; False where only the page shows it green."""
    return hit.basis is not Basis.COMPONENT


def _cleared(hit: Hit, at: datetime, rules: VerdictRules) -> Standing:
    if rules.clears_components:
        return Standing.RECOVERING
    if hit.expires is not None and at >= hit.expires:
        return Standing.BAD
    return Standing.EXONERATED
