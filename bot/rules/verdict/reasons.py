"""The two halves of a verdict's reason sentence: what was seen, by whom and when; and what would change the verdict.

The pattern is that of bot/docs/verdict-rules.md#reason-sentences. Times are UTC clock times, so that a sentence stays
true while time passes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.domain import Advice, Attribution, Condition, EvidenceKind, Verdict
from bot.rules.verdict.assessment import SurfaceAssessment
from bot.rules.verdict.inputs import VerdictInputs

SEEN_WITHIN = timedelta(minutes=2)  # what was seen later than this after its post has both times


def format_time(at: datetime | None) -> str:
    """The UTC time as “HH:MM UTC”; “no time” for None."""
    return f"{at:%H:%M} UTC" if at else "no time"


def format_minutes(span: timedelta) -> str:
    """The duration in whole minutes, rounded."""
    return f"{span.total_seconds() / 60:.0f} min"


def verdict_sentence(verdict: Verdict, name: str, seen: str, unlock: str) -> str:
    """The whole reason sentence, the verdict first. ``name`` is the surface's."""
    match verdict.call:
        case Advice.HOLD_OFF:
            head = f"Don't retry {name}"
        case Advice.FAIL_OVER:
            head = f"Use {verdict.instead} instead of {name}"
        case Advice.RETRY_GENTLY:
            head = f"Retry {name} slowly ({load_text(verdict.exposure)})"
        case Advice.RETRY_NORMALLY:
            head = f"Safe to retry {name}"
        case Advice.UNKNOWN:
            head = f"{name} is unknown"
    return f"{head}: {seen}; {unlock}."


def load_text(exposure: float) -> str:
    """The share of the normal load in steps of ten percent, rounded down, from 10 to 50: ``20% load``."""
    return f"{min(max(int(exposure * 10 + 1e-6) * 10, 10), 50)}% load"


# --- what was seen ----------------------------------------------------------------------------------------------------


def because_page_never_read(inputs: VerdictInputs) -> str:
    """The page has not been polled yet."""
    return f"the page of {inputs.vendor} has not been read yet"


def because_page_stale(inputs: VerdictInputs) -> str:
    """The last usable poll is too old."""
    return (
        f"the page of {inputs.vendor} was last readable at {format_time(inputs.seen_at)}, which is too old to call safe"
    )


def because_component_gone(inputs: VerdictInputs) -> str:
    """The surface's components have left the page."""
    names = ", ".join(f"“{name}”" for name in inputs.lost_components)
    return f"the page of {inputs.vendor} no longer lists its component {names}"


def because_incident_posted(inputs: VerdictInputs) -> str:
    """An incident of the vendor has the surface bad."""
    attribution = _worst_attribution(inputs)
    by_words = _inferred_clause(attribution)
    relapse = f", relapse {inputs.relapses} in six hours" if inputs.relapses else ""
    posted_at, down_at = _stage_posted_at(inputs, attribution), inputs.history.bad_since
    down = f", seen down since {format_time(down_at)}" if down_at and down_at - posted_at > SEEN_WITHIN else ""
    return f"{_posted_clause(inputs, attribution)}{down}{by_words}{relapse}{_silence_clause(inputs)}"


def because_component_bad(inputs: VerdictInputs) -> str:
    """The component is not operational, whatever the incident's stage is."""
    attribution = _worst_attribution(inputs)
    though = f" though the incident is at {attribution.stage}" if attribution.incident else " without an incident"
    condition, read_at = _condition_words(attribution.condition), format_time(inputs.seen_at)
    return f"the page of {inputs.vendor} shows it as {condition} at {read_at}{though}"


def because_clearance_expired(inputs: VerdictInputs) -> str:
    """The exoneration has expired, and the incident goes on."""
    attribution = _worst_attribution(inputs)
    last = (
        f"the word of {inputs.vendor} that it works was good until {format_time(attribution.expires)}"
        if attribution.expires
        else "no word"
    )
    return f"{last}, and the incident goes on ({attribution.stage})"


def because_recovery_unconfirmed(inputs: VerdictInputs) -> str:
    """The page shows the component operational, but no update of its incident confirms that."""
    attribution = _worst_attribution(inputs)
    stage = f"{attribution.stage} (since {format_time(_stage_posted_at(inputs, attribution))})"
    return f"the page of {inputs.vendor} shows it operational, but its incident is still at {stage}"


def because_in_maintenance(inputs: VerdictInputs) -> str:
    """A maintenance is in progress."""
    attribution = _worst_attribution(inputs)
    planned_end = attribution.expires if attribution.incident else None
    is_over = planned_end is not None and inputs.at >= planned_end
    overrun = f", past its planned end at {format_time(planned_end)}" if is_over else ""
    return f"{inputs.vendor} has it in maintenance since {format_time(attribution.since)}{overrun}"


def because_maintenance_verifying(inputs: VerdictInputs) -> str:
    """A maintenance is being verified."""
    return f"{inputs.vendor} is verifying its maintenance"


def because_component_unknown(inputs: VerdictInputs) -> str:
    """A component has no state, or one that this version does not know."""
    return (
        f"the page of {inputs.vendor} gives no state that we know for {inputs.unknown_component} at"
        f" {format_time(inputs.seen_at)}"
    )


def because_settling(inputs: VerdictInputs) -> str:
    """The surface has not been clean for long enough."""
    until = inputs.history.bad_until
    if inputs.is_after_other_evidence or not inputs.history.is_bad_by_page:
        return because_other_evidence_ended(inputs)
    since = f"clean only since {format_time(until)}" if until else "still bad at the last look"
    return f"the page of {inputs.vendor} shows it {since}"


def because_cleared_by_vendor(inputs: VerdictInputs) -> str:
    """The surface is exonerated from an incident that goes on."""
    return f"{inputs.vendor} took it out of an incident that goes on ({_stage_since(inputs)})"


def because_mentioned_in_text(inputs: VerdictInputs) -> str:
    """Only the text of an incident names the surface, or only a part of it is bad."""
    attribution = _worst_attribution(inputs)
    if attribution.basis in (EvidenceKind.TRANSITION, EvidenceKind.COMPONENT):
        part = f"has a part of it as {_condition_words(attribution.condition)}"
        return f"{inputs.vendor} {part} ({_stage_since(inputs)})"
    if attribution.basis is EvidenceKind.LINK:
        return f"{inputs.vendor} names it and lists a part of it ({_stage_since(inputs)})"
    if not _is_named(attribution):
        return f"{inputs.vendor} does not say what is affected ({_stage_since(inputs)})"
    return f"{inputs.vendor} names it in words only ({_stage_since(inputs)})"


def because_listed_as_operational(inputs: VerdictInputs) -> str:
    """An incident lists the component, which stays operational, or may reach the surface without saying so."""
    attribution = _worst_attribution(inputs)
    if attribution.basis is EvidenceKind.LINK:
        return f"{inputs.vendor} lists it, operational so far ({_stage_since(inputs)})"
    if attribution.condition is Condition.MAINTENANCE:
        return f"{inputs.vendor} has a part of it in maintenance ({_stage_since(inputs)})"
    needed = _needed_surface(attribution)
    what = f"has {needed} down, which it needs" if needed else "does not say what is affected"
    return f"{inputs.vendor} {what} ({_stage_since(inputs)})"


def because_incident_recovering(inputs: VerdictInputs) -> str:
    """The incident is at monitoring."""
    attribution = _worst_attribution(inputs)
    return f"{_posted_clause(inputs, attribution)}{_relapse_clause(inputs)}{_silence_clause(inputs)}"


def because_residual_errors(inputs: VerdictInputs) -> str:
    """The newest update speaks of errors that remain."""
    return f"{because_incident_recovering(inputs)} and speaks of errors that remain"


def because_many_incidents(inputs: VerdictInputs) -> str:
    """There were too many incidents in a day."""
    return f"{inputs.recent_incident_count} incidents in 24 hours, clean since {format_time(inputs.dwell_starts_at)}"


def because_incidents_closed(inputs: VerdictInputs) -> str:
    """No incident is open any more."""
    closed = inputs.history.closed_at or inputs.dwell_starts_at
    return f"{inputs.vendor} has no incident open on it since {format_time(closed)}{_relapse_clause(inputs)}"


def because_other_evidence_ended(inputs: VerdictInputs) -> str:
    """The evidence beside the page that was against the surface has ended."""
    until = inputs.history.witnessed_until or inputs.at
    page = "" if inputs.is_open else f", and the page of {inputs.vendor} shows no incident"
    return f"what we saw ourselves was last seen at {format_time(until)}{page}"


def because_maintenance_ended(inputs: VerdictInputs) -> str:
    """A maintenance has just ended."""
    return (
        f"the maintenance of {inputs.vendor} is over since {format_time(inputs.history.maintained_until or inputs.at)}"
    )


def because_monitoring_started(inputs: VerdictInputs) -> str:
    """The surface has not been monitored for long enough."""
    return f"nothing is open on it, and it is watched only since {format_time(inputs.dwell_starts_at)}"


def because_no_incident(inputs: VerdictInputs) -> str:
    """The page shows nothing against the surface."""
    return f"the page of {inputs.vendor} showed no incident on it at {format_time(inputs.seen_at)}"


def because_recovered(inputs: VerdictInputs) -> str:
    """The surface was bad, and has been clean for long enough."""
    return f"clean since {format_time(inputs.dwell_starts_at)} by the page of {inputs.vendor}"


# --- what would change it ---------------------------------------------------------------------------------------------


def until_next_readable_poll(inputs: VerdictInputs) -> str:
    """What the page must show, or that it must be readable, before it counts again."""
    if inputs.is_lost:
        return "its component on the page, or a new one in the provider file, would change it"
    return "a readable look would change it"


def until_errors_stop(inputs: VerdictInputs) -> str:
    """What ends *hold off*, and how long such incidents last."""
    half = f"; half of such incidents end within {format_minutes(inputs.forecast.p50)} more" if inputs.forecast else ""
    return f"gentle after {format_minutes(inputs.rules.settle)} clean{half}"


def until_settled(inputs: VerdictInputs) -> str:
    """When settling ends."""
    until = inputs.history.bad_until
    after = (
        f"gentle after {format_time(max(until + inputs.settling_time, inputs.at))}"
        if until
        else f"gentle after {format_minutes(inputs.settling_time)}"
    )
    return f"{after} and {inputs.rules.settle_looks} clean looks"


def until_clearance_expires(inputs: VerdictInputs) -> str:
    """When the exoneration expires."""
    attribution = _worst_attribution(inputs)
    return (
        f"hold again after {format_time(attribution.expires)} unless said again"
        if attribution.expires
        else "a new post would change it"
    )


def until_resolved(inputs: VerdictInputs) -> str:
    """What ends a limit to *retry gently*."""
    return f"normal {format_minutes(inputs.resolved_dwell)} after resolved"


def until_dwell_ends(inputs: VerdictInputs) -> str:
    """When the dwell ends."""
    sooner = f", or {format_minutes(inputs.resolved_dwell)} after resolved" if inputs.is_open else ""
    return f"normal after {format_time(inputs.normal_at)} if it stays clean{sooner}"


def until_maintenance_completed(inputs: VerdictInputs) -> str:
    """What ends a maintenance."""
    return f"normal {format_minutes(inputs.rules.maintenance_dwell)} after completed"


def until_failures_stop(inputs: VerdictInputs) -> str:
    """What ends *retry gently* for partial failures."""
    return f"normal {format_minutes(inputs.rules.resolved_clean)} after it has passed"


def until_reports_stop(inputs: VerdictInputs) -> str:
    """What ends *retry gently* for many reports."""
    lift = "" if inputs.signals.is_ok else f"; a probe that answers lifts it to {inputs.rules.gentle_high:.0%}"
    return f"normal {format_minutes(inputs.rules.resolved_clean)} after people are quiet{lift}"


def until_component_known(_inputs: VerdictInputs) -> str:
    """What ends an unknown state of a component."""
    return "a state that we know changes that"


def until_new_incident(_inputs: VerdictInputs) -> str:
    """What ends *retry normally*."""
    return "a new post would change it"


# --- parts ------------------------------------------------------------------------------------------------------------


def _worst_attribution(inputs: VerdictInputs) -> Attribution:
    """The worst attribution of the page.

    Raises:
        LookupError: There is none; the rules that call this apply only where there is one.
    """
    if inputs.worst_attribution is None:
        raise LookupError(inputs.surface.id)
    return inputs.worst_attribution


def _stage_since(inputs: VerdictInputs) -> str:
    attribution = _worst_attribution(inputs)
    return f"{attribution.stage} since {format_time(_stage_posted_at(inputs, attribution))}"


def _stage_posted_at(inputs: VerdictInputs, attribution: Attribution) -> datetime:
    """When the vendor says that it posted the present stage; when we first saw it, where it says nothing of use."""
    seen_at = inputs.sighting_of(attribution).stage_at
    return min(attribution.posted_at or seen_at, seen_at)


def _needed_surface(attribution: Attribution) -> str:
    """The id of the surface that this one needs and is affected through; empty where it is affected itself."""
    return next((g.removeprefix("needs ") for g in attribution.grounds if g.startswith("needs ")), "")


def _is_named(attribution: Attribution) -> bool:
    """True where words of the vendor are among the grounds."""
    return any(g.startswith("\u201c") for g in attribution.grounds)


def _inferred_clause(attribution: Attribution) -> str:
    if not attribution.inferred:
        return ""
    needed = _needed_surface(attribution)
    if needed and not _is_named(attribution):
        return f" on {needed}, which it needs"
    return ", in words only" if _is_named(attribution) else ""


def _condition_words(condition: Condition) -> str:
    return condition.replace("_", " ")


def _relapse_clause(inputs: VerdictInputs) -> str:
    return f" after {inputs.relapses} relapse{'s' * (inputs.relapses > 1)} in six hours" if inputs.relapses else ""


def _posted_clause(inputs: VerdictInputs, attribution: Attribution) -> str:
    """When the vendor posted the present stage, by its own time; and when we saw that, where it was later."""
    sighting, posted_at = inputs.sighting_of(attribution), _stage_posted_at(inputs, attribution)
    is_late = sighting.stage_at > sighting.first_at and sighting.stage_at - posted_at > SEEN_WITHIN
    seen = f" (seen at {format_time(sighting.stage_at)})" if is_late else ""
    return f"{inputs.vendor} posted {attribution.stage} at {format_time(posted_at)}{seen}"


def _silence_clause(inputs: VerdictInputs) -> str:
    attribution = _worst_attribution(inputs)
    quiet_for = inputs.at - inputs.sighting_of(attribution).stage_at
    if quiet_for <= inputs.rules.silence or inputs.worst_assessment is SurfaceAssessment.GONE:
        return ""
    hours, rest = divmod(int(quiet_for.total_seconds() // 60), 60)
    return f", no new stage for {hours} h {rest}"
