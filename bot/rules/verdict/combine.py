"""Combines the page's verdict with evidence beside the page: probes, people's reports and the team's own traffic.

See bot/docs/verdict-rules.md#combining-evidence.

The worst fresh evidence wins. Evidence against a surface lowers its verdict; reports and outage trackers only ever
lower it. Evidence for a surface shortens the dwell and raises the verdict in two rules only, and only from a known
place (bot/docs/verdict-rules.md#who-counts): a probe that has answered for ten minutes turns *hold off* into *retry
gently* at the lowest exposure, and a probe that answers stands in for a page that can't be read, for half of the load
at most. A probe that fails from a single place holds off as well, where no other place answers; the reason says that it
is only one. Where the team's own requests go well, such a probe lowers the verdict to *retry gently* only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from bot.domain import (
    Advice,
    Attribution,
    AttributionKind,
    Condition,
    EvidenceKind,
    EvidenceState,
    Provider,
    Stage,
    Verdict,
)
from bot.rules.evidence.signals import SignalKind, Signals, evaluate_signals
from bot.rules.verdict import evidence_reasons, reasons
from bot.rules.verdict.assessment import SurfaceAssessment
from bot.rules.verdict.inputs import VerdictInputs


class PageEvidence(StrEnum):
    """What the page alone says of the surface."""

    QUIET = "quiet"
    DOUBTED = "doubted"  # an incident names or lists the surface, or has been cleared from it
    RECOVERING = "recovering"  # monitoring, or resolved not long ago
    SETTLING = "settling"  # no longer bad, for less than five minutes
    BAD = "bad"
    MAINTENANCE = "maintenance"
    OLD = "old"  # too old for *retry normally*
    UNREAD = "unread"  # too old for any verdict, never read, or without the surface's component


_DOUBT_REASONS: Mapping[SurfaceAssessment, Callable[[VerdictInputs], str]] = {
    SurfaceAssessment.EXONERATED: reasons.because_cleared_by_vendor,
    SurfaceAssessment.NAMED: reasons.because_mentioned_in_text,
    SurfaceAssessment.WATCH: reasons.because_listed_as_operational,
    SurfaceAssessment.VERIFYING: reasons.because_maintenance_verifying,
}
_PAGES_WITHOUT_TROUBLE = frozenset({PageEvidence.QUIET, PageEvidence.DOUBTED})
_PAGES_AFTER_TROUBLE = frozenset({PageEvidence.RECOVERING, PageEvidence.SETTLING})
_PAGES_EVIDENCE_MAY_LOWER = frozenset(
    {PageEvidence.QUIET, PageEvidence.DOUBTED, PageEvidence.RECOVERING, PageEvidence.OLD}
)


@dataclass(frozen=True, slots=True)
class CombinationRule:
    """One row of the table, for these ``pages`` and where it ``applies``. ``name`` is the verdict's reason code."""

    name: str
    pages: frozenset[PageEvidence]
    applies: Callable[[VerdictInputs], bool]
    call: Advice
    exposure: Callable[[VerdictInputs], float]
    unlock: Callable[[VerdictInputs], str]
    raises: bool = False  # may make the verdict more permissive; the other rules only lower it


@dataclass(frozen=True, slots=True)
class Ruling:
    """A verdict without its sentence, and the sentence's two halves: what was seen, and what would change it."""

    verdict: Verdict
    seen: str
    unlock: str


def _no_load(_: VerdictInputs) -> float:
    return 0.0


def _reduced_load(inputs: VerdictInputs) -> float:
    """The exposure under partial failures and many reports: less the more requests fail, lowest on reports alone.

    Lowest too while a probe fails from every place that tries, though the team's own requests go well.
    """
    low, high = inputs.rules.gentle_low, inputs.rules.gentle_high
    caps = [high]
    if inputs.signals.traffic.says is SignalKind.PARTLY:
        caps.append(max(low, high * (1 - inputs.signals.traffic.share)))
    if inputs.signals.is_probe_doubtful and inputs.signals.probe.says is SignalKind.FAILING:
        caps.append(low)
    if (inputs.signals.is_widely_reported or inputs.signals.is_tracked) and not inputs.signals.is_ok:
        caps.append(low)
    return min(caps)


def _is_answering(inputs: VerdictInputs) -> bool:
    """True where a probe's answers may stand in for a page that can't be read.

    Where the page was last bad, the probe must have answered for long enough to confirm the recovery.
    """
    return inputs.signals.confirms_recovery(inputs.at) or (
        inputs.signals.is_ok and inputs.worst_assessment is not SurfaceAssessment.BAD
    )


def _load_without_page(inputs: VerdictInputs) -> float:
    is_sure = (
        inputs.signals.confirms_recovery(inputs.at)
        and inputs.worst_assessment is not SurfaceAssessment.BAD
        and not (inputs.signals.is_widely_reported or inputs.signals.is_tracked)
    )
    return inputs.rules.gentle_high if is_sure else inputs.rules.gentle_low


COMBINATION_RULES = (
    CombinationRule(
        "suspected",
        _PAGES_WITHOUT_TROUBLE,
        lambda f: f.signals.is_failing,
        Advice.HOLD_OFF,
        _no_load,
        reasons.until_errors_stop,
    ),
    CombinationRule(
        "contradicted",
        _PAGES_AFTER_TROUBLE,
        lambda f: f.signals.is_failing,
        Advice.HOLD_OFF,
        _no_load,
        reasons.until_errors_stop,
    ),
    CombinationRule(
        "failing_unread",
        frozenset({PageEvidence.OLD, PageEvidence.UNREAD}),
        lambda f: f.signals.is_failing,
        Advice.HOLD_OFF,
        _no_load,
        reasons.until_next_readable_poll,
    ),
    CombinationRule(
        "brownout",
        _PAGES_EVIDENCE_MAY_LOWER,
        lambda f: f.signals.is_partly_failing,
        Advice.RETRY_GENTLY,
        _reduced_load,
        reasons.until_failures_stop,
    ),
    CombinationRule(
        "reported",
        _PAGES_EVIDENCE_MAY_LOWER,
        lambda f: f.signals.is_widely_reported,
        Advice.RETRY_GENTLY,
        _reduced_load,
        reasons.until_reports_stop,
    ),
    CombinationRule(
        "tracked",
        _PAGES_EVIDENCE_MAY_LOWER,
        lambda f: f.signals.is_tracked,
        Advice.RETRY_GENTLY,
        _reduced_load,
        reasons.until_trackers_stop,
    ),
    CombinationRule(
        "bad_but_answering",
        frozenset({PageEvidence.BAD, PageEvidence.SETTLING}),
        lambda f: f.signals.confirms_recovery(f.at),
        Advice.RETRY_GENTLY,
        lambda f: f.rules.gentle_low,
        reasons.until_resolved,
        raises=True,
    ),
    CombinationRule(
        "unread_but_answering",
        frozenset({PageEvidence.UNREAD}),
        _is_answering,
        Advice.RETRY_GENTLY,
        _load_without_page,
        reasons.until_next_readable_poll,
        raises=True,
    ),
)


def combine_evidence(page: Ruling, inputs: VerdictInputs) -> Ruling:
    """The ruling of the first rule that applies; without one the page's, with the other evidence named."""
    evidence_text = evidence_reasons.describe_signals(inputs.signals)
    if not evidence_text:
        return page
    page_verdict, page_evidence = page.verdict, classify_page(inputs)
    rule = next((r for r in COMBINATION_RULES if page_evidence in r.pages and r.applies(inputs)), None)
    if rule is None or (page_verdict.call is Advice.HOLD_OFF and rule.call is Advice.RETRY_GENTLY and not rule.raises):
        return replace(page, seen=f"{page.seen}; {evidence_text}")
    exposure = rule.exposure(inputs)
    if not rule.raises:  # while such evidence lasts, no more than after it
        exposure = min(exposure, inputs.gentle_share)
    if rule.call is page_verdict.call:
        exposure = min(exposure, page_verdict.exposure)
    verdict = replace(
        page_verdict,
        call=rule.call,
        exposure=round(exposure, 3),
        reason_code=rule.name,
        changes_at=None,
    )
    seen = f"{evidence_text}; {_page_clause(page_evidence, inputs, page.seen)}"
    return Ruling(verdict, seen, rule.unlock(inputs))


def classify_page(inputs: VerdictInputs) -> PageEvidence:
    """What the page alone says, leaving out what other evidence has made of the surface's history."""
    if inputs.age is None or inputs.age > inputs.rules.stale_unknown or inputs.is_lost:
        return PageEvidence.UNREAD
    if inputs.worst_assessment in (SurfaceAssessment.BAD, SurfaceAssessment.MAINTENANCE):
        return PageEvidence.BAD if inputs.worst_assessment is SurfaceAssessment.BAD else PageEvidence.MAINTENANCE
    if inputs.age > inputs.rules.stale_gentle:
        return PageEvidence.OLD
    if inputs.worst_assessment in _DOUBT_REASONS:
        return PageEvidence.DOUBTED
    if inputs.history.is_bad_by_page and not inputs.is_settled:
        return PageEvidence.SETTLING
    closed_at = inputs.history.closed_at
    was_closed = closed_at is not None and inputs.at - closed_at <= inputs.rules.flap_within
    return (
        PageEvidence.RECOVERING
        if was_closed or inputs.worst_assessment is SurfaceAssessment.RECOVERING
        else PageEvidence.QUIET
    )


def _page_clause(page_evidence: PageEvidence, inputs: VerdictInputs, seen: str) -> str:
    """The clause on the page alone.

    The words of the page's verdict won't do: they are about other evidence where that made the history bad.
    """
    match page_evidence:
        case PageEvidence.QUIET:
            return reasons.because_no_incident(inputs)
        case PageEvidence.OLD:
            return reasons.because_page_stale(inputs)
        case PageEvidence.DOUBTED:
            return _DOUBT_REASONS[inputs.worst_assessment](inputs)
        case PageEvidence.RECOVERING | PageEvidence.SETTLING if inputs.worst_assessment is SurfaceAssessment.RECOVERING:
            return reasons.because_incident_recovering(inputs)
        case PageEvidence.RECOVERING:
            return reasons.because_incidents_closed(inputs)
        case _:
            return seen


def evidence_attributions(states: Iterable[EvidenceState], provider: Provider, at: datetime) -> tuple[Attribution, ...]:
    """Attributions for the surfaces that evidence beside the page is against, in the same form as the page's."""
    surfaces = {s.id for s in provider.surfaces}
    evaluated = ((t.surface, evaluate_signals(t, at)) for t in states if t.surface in surfaces)
    return tuple(
        _evidence_attribution(surface, signals, at) for surface, signals in evaluated if signals.since is not None
    )


def _evidence_attribution(surface: str, signals: Signals, at: datetime) -> Attribution:
    """The attribution; at most a partial outage, since a probe tries one thing and the traffic is one team's."""
    weight = AttributionKind.DOWN if signals.is_failing else AttributionKind.NAMED
    condition = Condition.PARTIAL_OUTAGE if signals.is_failing else Condition.DEGRADED
    return Attribution(
        surface,
        "",
        weight,
        condition,
        Stage.UNKNOWN,
        EvidenceKind.WITNESS,
        signals.since or at,
        (evidence_reasons.describe_signals(signals),),
    )
