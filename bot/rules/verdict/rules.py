"""The verdict on each surface: whether it is safe to retry (rules R60/15, see bot/docs/verdict-rules.md).

The rules are a table, the worst answer first, and the first rule that applies decides, so that worse evidence never
gives a better verdict. Data older than five minutes never gives *retry normally*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain import Advice, AttributionKind, Condition, Provider, Stage, Surface, Verdict
from bot.rules.verdict import reasons
from bot.rules.verdict.assessment import DOUBTFUL_ASSESSMENTS, SurfaceAssessment, is_stated_by_vendor
from bot.rules.verdict.combine import Ruling, combine_evidence
from bot.rules.verdict.history import advance_history
from bot.rules.verdict.inputs import VerdictCase, VerdictInputs, gather_inputs

__all__ = ["RULES", "VerdictCase", "VerdictRule", "advance_history", "judge", "judge_all", "next_change_at"]


COMPONENT_GONE = "component_gone"  # the reason code of a surface whose components have left the page


@dataclass(frozen=True, slots=True)
class VerdictRule:
    """One row of the table. Its ``name`` is the verdict's reason code.

    ``seen`` and ``unlock`` give the two halves of the reason: what was seen, and what would change the verdict.
    """

    name: str
    call: Advice
    applies: Callable[[VerdictInputs], bool]
    seen: Callable[[VerdictInputs], str]
    unlock: Callable[[VerdictInputs], str]


def _is_too_old(inputs: VerdictInputs) -> bool:
    return inputs.age is not None and inputs.age > inputs.rules.stale_unknown


def _is_getting_old(inputs: VerdictInputs) -> bool:
    return inputs.age is None or inputs.age > inputs.rules.stale_gentle


def _is_expired(inputs: VerdictInputs) -> bool:
    attribution = inputs.worst_attribution
    return (
        inputs.worst_assessment is SurfaceAssessment.BAD
        and attribution is not None
        and attribution.expires is not None
        and not attribution.condition.is_bad
    )


def _is_unconfirmed(inputs: VerdictInputs) -> bool:
    return (
        _is_expired(inputs)
        and inputs.worst_attribution is not None
        and not is_stated_by_vendor(inputs.worst_attribution)
    )


def _is_component_bad(inputs: VerdictInputs) -> bool:
    attribution = inputs.worst_attribution
    return (
        inputs.worst_assessment is SurfaceAssessment.BAD
        and attribution is not None
        and (not attribution.incident or attribution.stage is Stage.MONITORING)
    )


def _is_component_unknown(inputs: VerdictInputs) -> bool:
    """Whether all that speaks against the surface is that the state of a component is not known."""
    is_held = inputs.worst_assessment in (SurfaceAssessment.BAD, SurfaceAssessment.MAINTENANCE)
    return bool(inputs.unknown_component) and not is_held and inputs.is_settled


def _is_dwelling(inputs: VerdictInputs) -> bool:
    return inputs.at < inputs.normal_at


def _has_just_closed(inputs: VerdictInputs) -> bool:
    closed_at, watched_since = inputs.history.closed_at, inputs.history.watched_since
    return closed_at is not None and (watched_since is None or closed_at >= watched_since)


def _was_just_maintained(inputs: VerdictInputs) -> bool:
    maintained_until = inputs.history.maintained_until
    return maintained_until is not None and inputs.at < maintained_until + inputs.rules.maintenance_dwell


def _is_bad(inputs: VerdictInputs) -> bool:
    return inputs.worst_assessment is SurfaceAssessment.BAD


def _has_assessment(assessment: SurfaceAssessment) -> Callable[[VerdictInputs], bool]:
    return lambda inputs: inputs.worst_assessment is assessment


RULES = (
    VerdictRule(
        "never_seen",
        Advice.UNKNOWN,
        lambda f: f.age is None,
        reasons.because_page_never_read,
        reasons.until_next_readable_poll,
    ),
    VerdictRule(
        "stale_unknown", Advice.UNKNOWN, _is_too_old, reasons.because_page_stale, reasons.until_next_readable_poll
    ),
    VerdictRule(
        COMPONENT_GONE,
        Advice.UNKNOWN,
        lambda f: f.is_lost,
        reasons.because_component_gone,
        reasons.until_next_readable_poll,
    ),
    VerdictRule(
        "component_unknown",
        Advice.UNKNOWN,
        _is_component_unknown,
        reasons.because_component_unknown,
        reasons.until_component_known,
    ),
    VerdictRule(
        "unconfirmed", Advice.HOLD_OFF, _is_unconfirmed, reasons.because_recovery_unconfirmed, reasons.until_errors_stop
    ),
    VerdictRule(
        "exoneration_expired",
        Advice.HOLD_OFF,
        _is_expired,
        reasons.because_clearance_expired,
        reasons.until_errors_stop,
    ),
    VerdictRule(
        "component_down", Advice.HOLD_OFF, _is_component_bad, reasons.because_component_bad, reasons.until_errors_stop
    ),
    VerdictRule("down", Advice.HOLD_OFF, _is_bad, reasons.because_incident_posted, reasons.until_errors_stop),
    VerdictRule(
        "maintenance",
        Advice.HOLD_OFF,
        _has_assessment(SurfaceAssessment.MAINTENANCE),
        reasons.because_in_maintenance,
        reasons.until_maintenance_completed,
    ),
    VerdictRule(
        "settling", Advice.HOLD_OFF, lambda f: not f.is_settled, reasons.because_settling, reasons.until_settled
    ),
    VerdictRule(
        "exonerated",
        Advice.RETRY_GENTLY,
        _has_assessment(SurfaceAssessment.EXONERATED),
        reasons.because_cleared_by_vendor,
        reasons.until_clearance_expires,
    ),
    VerdictRule(
        "named",
        Advice.RETRY_GENTLY,
        _has_assessment(SurfaceAssessment.NAMED),
        reasons.because_mentioned_in_text,
        reasons.until_resolved,
    ),
    VerdictRule(
        "watch",
        Advice.RETRY_GENTLY,
        _has_assessment(SurfaceAssessment.WATCH),
        reasons.because_listed_as_operational,
        reasons.until_resolved,
    ),
    VerdictRule(
        "verifying",
        Advice.RETRY_GENTLY,
        _has_assessment(SurfaceAssessment.VERIFYING),
        reasons.because_maintenance_verifying,
        reasons.until_maintenance_completed,
    ),
    VerdictRule(
        "residual_errors",
        Advice.RETRY_GENTLY,
        lambda f: f.has_residual_errors,
        reasons.because_residual_errors,
        reasons.until_dwell_ends,
    ),
    VerdictRule(
        "crowded",
        Advice.RETRY_GENTLY,
        lambda f: f.has_many_incidents and _is_dwelling(f),
        reasons.because_many_incidents,
        reasons.until_dwell_ends,
    ),
    VerdictRule(
        "recovering_flapping",
        Advice.RETRY_GENTLY,
        lambda f: f.is_open and bool(f.relapses) and _is_dwelling(f),
        reasons.because_incident_recovering,
        reasons.until_dwell_ends,
    ),
    VerdictRule(
        "recovering",
        Advice.RETRY_GENTLY,
        lambda f: f.is_open and _is_dwelling(f),
        reasons.because_incident_recovering,
        reasons.until_dwell_ends,
    ),
    VerdictRule(
        "resolved_recently",
        Advice.RETRY_GENTLY,
        lambda f: _has_just_closed(f) and _is_dwelling(f),
        reasons.because_incidents_closed,
        reasons.until_dwell_ends,
    ),
    VerdictRule(
        "seen_recently",
        Advice.RETRY_GENTLY,
        lambda f: f.is_after_other_evidence and _is_dwelling(f),
        reasons.because_other_evidence_ended,
        reasons.until_dwell_ends,
    ),
    VerdictRule(
        "maintained_recently",
        Advice.RETRY_GENTLY,
        _was_just_maintained,
        reasons.because_maintenance_ended,
        reasons.until_dwell_ends,
    ),
    VerdictRule(
        "starting", Advice.RETRY_GENTLY, _is_dwelling, reasons.because_monitoring_started, reasons.until_dwell_ends
    ),
    VerdictRule(
        "stale", Advice.RETRY_GENTLY, _is_getting_old, reasons.because_page_stale, reasons.until_next_readable_poll
    ),
    VerdictRule(
        "recovered", Advice.RETRY_NORMALLY, lambda f: f.is_open, reasons.because_recovered, reasons.nothing_changes_it
    ),
    VerdictRule(
        "quiet", Advice.RETRY_NORMALLY, lambda _: True, reasons.because_no_incident, reasons.nothing_changes_it
    ),
)


def judge(case: VerdictCase) -> Verdict:
    """The verdict on one surface by its own evidence: the page's, combined with probes, reports and traffic.

    Dependencies and alternatives are not considered; ``judge_all`` adds them.
    See bot/docs/verdict-rules.md#combining-evidence.
    """
    inputs = gather_inputs(case)
    rule = next(rule for rule in RULES if rule.applies(inputs))
    verdict = Verdict(
        surface=case.surface.id,
        call=rule.call,
        as_of=case.at,
        exposure=_exposure(rule.call, inputs),
        reason="",
        reason_code=rule.name,
        changes_at=_changes_at(rule.call, inputs),
        inferred=inputs.worst_attribution is not None and inputs.worst_attribution.inferred,
        incidents=_relevant_incidents(rule.call, inputs),
    )
    ruling = combine_evidence(Ruling(verdict, rule.seen(inputs), rule.unlock(inputs)), inputs)
    return _with_reason(ruling.verdict, ruling.seen, ruling.unlock)


def _with_reason(verdict: Verdict, seen: str, unlock: str) -> Verdict:
    because = reasons.join_sentences(seen, unlock)
    return replace(verdict, reason=reasons.verdict_reason(verdict, because), because=because)


def judge_all(
    provider: Provider, cases: Iterable[VerdictCase], elsewhere: Mapping[str, Verdict] | None = None
) -> dict[str, Verdict]:
    """The verdicts on every surface of a provider, by surface id.

    Each surface is judged by its own evidence first, then limited by its dependencies, then sent to an alternative.

    Args:
        provider: The provider whose surfaces are judged.
        cases: One case for each of its surfaces.
        elsewhere: The verdicts on other providers' surfaces, by surface id.
    """
    cases_by_surface = {case.surface.id: case for case in cases}
    own_verdicts = {s: judge(case) for s, case in cases_by_surface.items()}
    own_verdicts |= {
        s.id: _doubt_login(s, own_verdicts[s.id], cases_by_surface, provider) for s in provider.surfaces if s.is_login
    }
    verdicts = {**(elsewhere or {}), **own_verdicts}
    limited = {s.id: _limit_by_dependencies(s, own_verdicts[s.id], verdicts, provider) for s in provider.surfaces}
    verdicts |= limited
    return {
        s.id: _with_failover(s, limited[s.id], verdicts, provider)
        if _is_likely_long(cases_by_surface[s.id])
        else limited[s.id]
        for s in provider.surfaces
    }


def next_change_at(case: VerdictCase) -> datetime | None:
    """The next time at which the verdict or its rule may change without new evidence; None where time changes none."""
    return min(gather_inputs(case).possible_change_times(), default=None)


def _exposure(call: Advice, inputs: VerdictInputs) -> float:
    if call is Advice.RETRY_NORMALLY:
        return 1.0
    return round(inputs.gentle_share, 3) if call is Advice.RETRY_GENTLY else 0.0


def _changes_at(call: Advice, inputs: VerdictInputs) -> datetime | None:
    """When the advice changes if nothing new is seen; None where that is not known, or is past."""
    attribution, until = inputs.worst_attribution, inputs.history.bad_until
    time: datetime | None = None
    if call is Advice.HOLD_OFF:
        is_settling = inputs.worst_assessment not in (SurfaceAssessment.BAD, SurfaceAssessment.MAINTENANCE)
        time = until + inputs.settling_time if is_settling and until else None
    elif call is Advice.RETRY_GENTLY and inputs.worst_assessment is SurfaceAssessment.EXONERATED:
        time = attribution.expires if attribution else None
    elif call is Advice.RETRY_GENTLY and inputs.worst_assessment not in DOUBTFUL_ASSESSMENTS:
        time = inputs.normal_at
    return time if time is not None and time > inputs.at else None


def _relevant_incidents(call: Advice, inputs: VerdictInputs) -> tuple[str, ...]:
    """The incidents behind the verdict: the open ones; during the dwell, those that made the surface bad last."""
    open_incidents = tuple(
        dict.fromkeys(a.incident for a, s in inputs.assessments if a.incident and s is not SurfaceAssessment.GONE)
    )
    if open_incidents or call is Advice.RETRY_NORMALLY:
        return open_incidents
    return tuple(i for i in inputs.history.bad_by if i)


# --- second pass: dependencies and alternatives -----------------------------------------------------------------------

_SEVERITY = {call: rank for rank, call in enumerate(Advice)}


def _limit_by_dependencies(
    surface: Surface, own: Verdict, verdicts: Mapping[str, Verdict], provider: Provider
) -> Verdict:
    """The verdict, or that of a dependency where it is worse: no surface works better than what it depends on.

    A dependency whose component has left the page says nothing.
    """
    needed = (verdicts[n] for n in _all_dependencies(surface, provider) if n in verdicts)
    worst = max((v for v in needed if v.reason_code != COMPONENT_GONE), key=_severity_key, default=own)
    if _severity_key(worst) <= _severity_key(own):
        return own
    if worst.call is own.call:
        before, after = (f"({reasons.load_text(v.exposure)})" for v in (own, worst))
        reason = own.reason.replace(before, after, 1)
        return replace(own, exposure=worst.exposure, reason=reason)
    name = next((s.name for s in provider.surfaces if s.id == worst.surface), worst.surface)
    verdict = replace(
        worst,
        surface=surface.id,
        exposure=min(own.exposure, worst.exposure),
        reason_code="needs",
        incidents=tuple(dict.fromkeys((*own.incidents, *worst.incidents))),
    )
    return _with_reason(verdict, f"it needs {name}, which is not safe to retry", f"Changes with {name}")


def _doubt_login(login: Surface, own: Verdict, cases: Mapping[str, VerdictCase], provider: Provider) -> Verdict:
    """A login's verdict, *gently* at most while what it runs on is down for everybody, without a word of the login.

    See bot/docs/verdict-rules.md#surfaces-that-need-others.
    """
    if own.call is not Advice.RETRY_NORMALLY:
        return own
    for needed in (provider.surface(n) for n in login.needs if n in cases and not provider.surface(n).is_login):
        case = cases[needed.id]
        down = [
            a
            for a in case.attributions
            if a.condition is Condition.MAJOR_OUTAGE and a.weight is AttributionKind.DOWN and not a.inferred
        ]
        if down:
            verdict = replace(
                own,
                call=Advice.RETRY_GENTLY,
                exposure=case.rules.gentle_low,
                reason_code="needs",
                review_at=case.at + case.rules.review,
                inferred=True,
                incidents=tuple(dict.fromkeys((*own.incidents, *(a.incident for a in down if a.incident)))),
            )
            return _with_reason(
                verdict, f"it runs on {needed.name}, which has an outage", f"Changes with {needed.name}"
            )
    return own


def _severity_key(verdict: Verdict) -> tuple[float, float]:
    """How bad a verdict is. One of a surface whose component has left the page gives way to *hold off* only."""
    if verdict.reason_code == COMPONENT_GONE:
        return _SEVERITY[Advice.RETRY_GENTLY] + 0.5, -verdict.exposure
    return _SEVERITY[verdict.call], -verdict.exposure


def _all_dependencies(surface: Surface, provider: Provider) -> list[str]:
    """The ids of all surfaces that this one depends on, directly or through others.

    What a login runs on is left out: it only makes the login doubtful.
    """
    needs = {s.id: tuple(n for n in s.needs if not _is_run_on(s, n, provider)) for s in provider.surfaces}
    dependencies: list[str] = []
    pending = list(needs[surface.id])
    while pending:
        if (surface_id := pending.pop()) not in dependencies and surface_id != surface.id:
            dependencies.append(surface_id)
            pending += needs.get(surface_id, ())
    return dependencies


def _is_run_on(surface: Surface, needed: str, provider: Provider) -> bool:
    """Whether a login needs a surface that is no login: its web site, say."""
    known = next((s for s in provider.surfaces if s.id == needed), None)
    return surface.is_login and known is not None and not known.is_login


def _is_likely_long(case: VerdictCase) -> bool:
    """True where the expected wait is long enough to use another surface instead.

    Without an estimate it is taken to be, since half of all incidents last longer than ``fail_over_after``.
    See bot/docs/verdict-rules.md#fail-over: P50 44 min.
    """
    return case.forecast is None or case.forecast.p50 > case.rules.fail_over_after


def _with_failover(
    surface: Surface,
    verdict: Verdict,
    verdicts: Mapping[str, Verdict],
    provider: Provider,
) -> Verdict:
    """*Fail over* instead of *hold off*, where an alternative in another fault domain is at *retry normally*.

    See bot/docs/verdict-rules.md#fail-over.
    """
    if verdict.call is not Advice.HOLD_OFF or verdict.reason_code == "settling":
        return verdict
    domains = {s.id: s.fault_domain or s.provider for s in provider.surfaces}
    for alternative_id in surface.instead:
        alternative = verdicts.get(alternative_id)
        is_apart = domains.get(alternative_id) != domains[surface.id]
        if alternative is not None and is_apart and alternative.call is Advice.RETRY_NORMALLY:
            failed_over = replace(verdict, call=Advice.FAIL_OVER, instead=alternative_id, reason_code="fail_over")
            return replace(failed_over, reason=reasons.verdict_reason(failed_over, verdict.because))
    return verdict
