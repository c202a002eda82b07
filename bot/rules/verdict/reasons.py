"""The sentences of a verdict's reason: what was seen, by whom and since when; and what would change the verdict.

They are those of bot/docs/verdict-rules.md#reason-sentences. Times are UTC clock times, so that a sentence stays
true while time passes.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from bot.domain import Advice, Attribution, Condition, EvidenceKind, Stage, Verdict
from bot.rules.verdict.assessment import SurfaceAssessment, is_stated_by_vendor
from bot.rules.verdict.inputs import VerdictInputs

MAX_REASON = 140  # characters of a reason together with its next update: it fits a phone's notification
_NEXT_UPDATE = " Next update by 12:30 UTC."  # follows the reason of *don't retry* (bot.rules.changes.next_update)
_CLAUSE_END = re.compile(r"[.,;] (?![^(]*\))")  # none within brackets
SEEN_WITHIN = timedelta(minutes=2)  # what was seen later than this after its post has both times


_NEAR = timedelta(hours=12)  # a time of day names the nearest such time


def format_time(at: datetime | None) -> str:
    """The UTC time as “HH:MM UTC”; “no time” for None."""
    return f"{at:%H:%M} UTC" if at else "no time"


def _clock(inputs: VerdictInputs, at: datetime | None) -> str:
    """The UTC time, with its day where the nearest such time of day is another one: “1 Mar 11:49 UTC”."""
    is_near = at is None or abs(inputs.at - at) < _NEAR
    return format_time(at) if is_near or at is None else f"{at.day} {at:%b} {format_time(at)}"


def format_minutes(span: timedelta) -> str:
    """The duration in whole minutes, rounded."""
    return f"{span.total_seconds() / 60:.0f} min"


def page_of(vendor: str) -> str:
    """The vendor's status page: ``Anthropic's page``."""
    return f"{vendor}'s page"


def join_sentences(seen: str, unlock: str) -> str:
    """What was seen and what would change the verdict, as one text without a full stop at its end."""
    return f"{seen}. {unlock}" if unlock else seen


def verdict_reason(verdict: Verdict, because: str) -> str:
    """The whole reason, the advice first: ``Don't retry: partial outage on Acme's page since 12:00 UTC.``.

    Sentences and clauses at its end are left out where it is too long; one of *don't retry* has room for the next
    update.
    """
    head = f"{advice_head(verdict)}: "
    is_held = verdict.call in (Advice.HOLD_OFF, Advice.FAIL_OVER)
    update = len(_NEXT_UPDATE) if is_held else 0
    return f"{head}{_shortened(because, MAX_REASON - update - len(head) - 1)}."


def advice_head(verdict: Verdict) -> str:
    """The advice as a reason's first words: ``Retry slowly (10% load)``."""
    match verdict.call:
        case Advice.HOLD_OFF:
            return "Don't retry"
        case Advice.FAIL_OVER:
            return f"Use {verdict.instead} instead"
        case Advice.RETRY_GENTLY:
            return f"Retry slowly ({load_text(verdict.exposure)})"
        case Advice.RETRY_NORMALLY:
            return "Safe to retry"
        case Advice.UNKNOWN:
            return "Unknown"


def load_text(exposure: float) -> str:
    """The share of the normal load in steps of ten percent, rounded down, from 10 to 50: ``20% load``."""
    return f"{min(max(int(exposure * 10 + 1e-6) * 10, 10), 50)}% load"


def _shortened(text: str, room: int) -> str:
    """The text without the sentences and clauses at its end that do not fit."""
    while len(text) > room and (ends := [end.start() for end in _CLAUSE_END.finditer(text)]):
        text = text[: ends[-1]]
    return text if len(text) <= room else f"{text[: room - 1].rstrip()}…"


# --- what was seen ----------------------------------------------------------------------------------------------------


def because_page_never_read(inputs: VerdictInputs) -> str:
    """There was no usable poll of the page so far."""
    return f"there was no good check of {page_of(inputs.vendor)} yet"


def because_page_stale(inputs: VerdictInputs) -> str:
    """The last usable poll is too old."""
    return f"the last good check of {page_of(inputs.vendor)} was at {_clock(inputs, inputs.seen_at)}"


def because_component_gone(inputs: VerdictInputs) -> str:
    """The surface's components have left the page."""
    names = ", ".join(f"“{name}”" for name in inputs.lost_components)
    return f"{page_of(inputs.vendor)} no longer lists {names}"


def because_incident_posted(inputs: VerdictInputs) -> str:
    """An incident of the vendor has the surface bad."""
    attribution = _worst_attribution(inputs)
    posted_at, bad_at = _stage_posted_at(inputs, attribution), inputs.history.bad_since
    since = f", affected since {_clock(inputs, bad_at)}" if bad_at and bad_at - posted_at > SEEN_WITHIN else ""
    affected = _affected_clause(inputs, attribution)
    return f"{affected}{since}, {_stage_clause(inputs)}{_repeat_clause(inputs)}{_silence_clause(inputs)}"


def because_component_bad(inputs: VerdictInputs) -> str:
    """The component is not operational, whatever the incident's stage is."""
    attribution = _worst_attribution(inputs)
    incident = f"its incident is at {_stage_words(attribution)}" if attribution.incident else "without an incident"
    condition = _condition_words(attribution.condition)
    return f"{condition} on {page_of(inputs.vendor)} (checked {_clock(inputs, inputs.seen_at)}), {incident}"


def because_clearance_expired(inputs: VerdictInputs) -> str:
    """The exoneration has expired, and the incident goes on."""
    attribution = _worst_attribution(inputs)
    return (
        f"{inputs.vendor}'s statement that it works expired at {_clock(inputs, attribution.expires)};"
        f" the incident is still open ({_stage_words(attribution)})"
    )


def because_recovery_unconfirmed(inputs: VerdictInputs) -> str:
    """The page shows the component operational, but no update of its incident confirms that."""
    return f"operational on {page_of(inputs.vendor)}, but its incident is still open ({_stage_since(inputs)})"


def because_in_maintenance(inputs: VerdictInputs) -> str:
    """A maintenance is in progress."""
    attribution = _worst_attribution(inputs)
    planned_end = attribution.expires if attribution.incident else None
    is_over = planned_end is not None and inputs.at >= planned_end
    overrun = f", planned end was {_clock(inputs, planned_end)}" if is_over else ""
    return f"{inputs.vendor}'s maintenance since {_clock(inputs, attribution.since)}{overrun}"


def because_maintenance_verifying(inputs: VerdictInputs) -> str:
    """A maintenance is being verified."""
    return f"{inputs.vendor} is verifying its maintenance"


def because_component_unknown(inputs: VerdictInputs) -> str:
    """A component has no state, or one that this version does not know."""
    return (
        f"no known status for {inputs.unknown_component} on {page_of(inputs.vendor)}"
        f" (checked {_clock(inputs, inputs.seen_at)})"
    )


def because_settling(inputs: VerdictInputs) -> str:
    """The surface has not been clean for long enough."""
    until = inputs.history.bad_until
    if inputs.is_after_other_evidence or not inputs.history.is_bad_by_page:
        return because_other_evidence_ended(inputs)
    if until is None:
        return f"errors on {page_of(inputs.vendor)} at the last check"
    return f"recovering on {page_of(inputs.vendor)} since {_clock(inputs, until)}"


def because_cleared_by_vendor(inputs: VerdictInputs) -> str:
    """The surface is exonerated from an incident that goes on."""
    attribution = _worst_attribution(inputs)
    is_stated = is_stated_by_vendor(attribution)
    works = f"{inputs.vendor} says it works" if is_stated else f"operational on {page_of(inputs.vendor)}"
    return f"{works}; the incident is still open ({_stage_since(inputs)})"


def because_mentioned_in_text(inputs: VerdictInputs) -> str:
    """Only the text of an incident names the surface, or only a part of it is bad."""
    attribution = _worst_attribution(inputs)
    if attribution.basis in (EvidenceKind.TRANSITION, EvidenceKind.COMPONENT):
        part = f"{_condition_words(attribution.condition)} on {page_of(inputs.vendor)} for a part of it"
        return f"{part} ({_stage_since(inputs)})"
    if attribution.basis is EvidenceKind.LINK:
        return f"{inputs.vendor} names it and lists a part of it ({_stage_since(inputs)})"
    if not _is_named(attribution):
        return f"{inputs.vendor} does not say which services are affected ({_stage_since(inputs)})"
    return f"mentioned in {inputs.vendor}'s text only ({_stage_since(inputs)})"


def because_listed_as_operational(inputs: VerdictInputs) -> str:
    """An incident lists the component, which stays operational, or may reach the surface without saying so."""
    attribution = _worst_attribution(inputs)
    if attribution.basis is EvidenceKind.LINK:
        return f"{inputs.vendor}'s incident lists it, operational so far ({_stage_since(inputs)})"
    if attribution.condition is Condition.MAINTENANCE:
        return f"{inputs.vendor}'s maintenance of a part of it ({_stage_since(inputs)})"
    needed = _needed_surface(attribution)
    if needed:
        return f"it needs {needed}, which is affected ({_stage_since(inputs)})"
    return f"{inputs.vendor} does not say which services are affected ({_stage_since(inputs)})"


def because_incident_recovering(inputs: VerdictInputs) -> str:
    """The incident is at monitoring."""
    posted = f"{inputs.vendor}'s incident is at {_stage_clause(inputs)}"
    return f"{posted}{_repeat_clause(inputs)}{_silence_clause(inputs)}"


def because_residual_errors(inputs: VerdictInputs) -> str:
    """The newest update speaks of errors that remain."""
    return f"{because_incident_recovering(inputs)}; {inputs.vendor} reports remaining errors"


def because_many_incidents(inputs: VerdictInputs) -> str:
    """There were too many incidents in a day."""
    return f"{inputs.recent_incident_count} incidents in 24 h, no errors since {_clock(inputs, inputs.dwell_starts_at)}"


def because_incidents_closed(inputs: VerdictInputs) -> str:
    """No incident is open any more."""
    closed = inputs.history.closed_at or inputs.dwell_starts_at
    return f"{page_of(inputs.vendor)} shows no incident for it since {_clock(inputs, closed)}{_repeat_clause(inputs)}"


def because_other_evidence_ended(inputs: VerdictInputs) -> str:
    """The evidence beside the page that was against the surface has ended."""
    until = inputs.history.witnessed_until or inputs.at
    page = "" if inputs.is_open else f"; {page_of(inputs.vendor)} shows no incident for it"
    return f"our probes, traffic and reports show no errors since {_clock(inputs, until)}{page}"


def because_maintenance_ended(inputs: VerdictInputs) -> str:
    """A maintenance has just ended."""
    return f"{inputs.vendor}'s maintenance ended at {_clock(inputs, inputs.history.maintained_until or inputs.at)}"


def because_monitoring_started(inputs: VerdictInputs) -> str:
    """The surface has not been monitored for long enough."""
    return f"no open incident for it, but monitored only since {_clock(inputs, inputs.dwell_starts_at)}"


def because_no_incident(inputs: VerdictInputs) -> str:
    """The page shows nothing against the surface."""
    return f"{page_of(inputs.vendor)} shows no incident for it (checked {_clock(inputs, inputs.seen_at)})"


def because_recovered(inputs: VerdictInputs) -> str:
    """The surface was bad, and has been clean for long enough."""
    return f"no errors on {page_of(inputs.vendor)} since {_clock(inputs, inputs.dwell_starts_at)}"


# --- what would change it ---------------------------------------------------------------------------------------------


def until_next_readable_poll(inputs: VerdictInputs) -> str:
    """What the page must show, or that it must be readable, before it counts again."""
    if inputs.is_lost:
        return "Changes when the page lists it again, or the provider file names a new component"
    return "Changes at the next good check"


def until_errors_stop(inputs: VerdictInputs) -> str:
    """What ends *hold off*."""
    return f"{load_text(inputs.rules.gentle_low)} after {format_minutes(inputs.rules.settle)} without errors"


def until_settled(inputs: VerdictInputs) -> str:
    """When settling ends."""
    until = inputs.history.bad_until
    if until is None:
        return f"{load_text(inputs.rules.gentle_low)} after {format_minutes(inputs.settling_time)} without errors"
    opens_at = max(until + inputs.settling_time, inputs.at)
    return f"{load_text(inputs.rules.gentle_low)} from {_clock(inputs, opens_at)} if stable"


def until_clearance_expires(inputs: VerdictInputs) -> str:
    """When the exoneration expires."""
    attribution = _worst_attribution(inputs)
    if attribution.expires is None:
        return f"Changes with {inputs.vendor}'s next update"
    return f"Valid until {_clock(inputs, attribution.expires)}"


def until_resolved(inputs: VerdictInputs) -> str:
    """What ends a limit to *retry gently*."""
    return f"Full load {format_minutes(inputs.resolved_dwell)} after resolved"


def until_dwell_ends(inputs: VerdictInputs) -> str:
    """When the dwell ends."""
    sooner = f", or {format_minutes(inputs.resolved_dwell)} after resolved" if inputs.is_open else ""
    return f"Full load from {_clock(inputs, inputs.normal_at)} if stable{sooner}"


def until_maintenance_completed(inputs: VerdictInputs) -> str:
    """What ends a maintenance."""
    return f"Full load {format_minutes(inputs.rules.maintenance_dwell)} after completion"


def until_failures_stop(inputs: VerdictInputs) -> str:
    """What ends *retry gently* for partial failures."""
    return f"Full load after {format_minutes(inputs.rules.resolved_clean)} without errors"


def until_reports_stop(inputs: VerdictInputs) -> str:
    """What ends *retry gently* for many reports."""
    raised = "" if inputs.signals.is_ok else f", {load_text(inputs.rules.gentle_high)} if our probe passes"
    return f"Full load after {format_minutes(inputs.rules.resolved_clean)} without reports{raised}"


def until_trackers_stop(inputs: VerdictInputs) -> str:
    """What ends *retry gently* for an outage tracker or a metric."""
    raised = "" if inputs.signals.is_ok else f", {load_text(inputs.rules.gentle_high)} if our probe passes"
    return f"Full load when it shows no trouble any more{raised}"


def until_component_known(_inputs: VerdictInputs) -> str:
    """What ends an unknown state of a component."""
    return "Changes when the page shows a known status"


def nothing_changes_it(_inputs: VerdictInputs) -> str:
    """Nothing has to change: *retry normally* says so by itself."""
    return ""


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
    return f"{_stage_words(attribution)} since {_clock(inputs, _stage_posted_at(inputs, attribution))}"


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


def _affected_clause(inputs: VerdictInputs, attribution: Attribution) -> str:
    """What the incident says of the surface, and where: on the page, in the text only, or through one that it needs."""
    condition = _condition_words(attribution.condition) if attribution.condition.is_bad else "affected"
    if not attribution.inferred:
        return f"{condition} on {page_of(inputs.vendor)}"
    needed = _needed_surface(attribution)
    if needed and not _is_named(attribution):
        return f"it needs {needed}, which is affected"
    return f"{condition}, from {inputs.vendor}'s text"


_CONDITION_WORDS = {Condition.MAJOR_OUTAGE: "outage"}


def _condition_words(condition: Condition) -> str:
    return _CONDITION_WORDS.get(condition, condition.replace("_", " "))


def _repeat_clause(inputs: VerdictInputs) -> str:
    return f", {inputs.relapses} repeat{'s' * (inputs.relapses > 1)} in 6 h" if inputs.relapses else ""


def _stage_clause(inputs: VerdictInputs) -> str:
    """Since when the vendor is at the present stage, by its own time; and when we saw that, where it was later."""
    attribution = _worst_attribution(inputs)
    sighting, posted_at = inputs.sighting_of(attribution), _stage_posted_at(inputs, attribution)
    is_late = sighting.stage_at > sighting.first_at and sighting.stage_at - posted_at > SEEN_WITHIN
    seen = f" (seen at {_clock(inputs, sighting.stage_at)})" if is_late else ""
    return f"{_stage_words(attribution)} since {_clock(inputs, posted_at)}{seen}"


def _stage_words(attribution: Attribution) -> str:
    return "open" if attribution.stage is Stage.UNKNOWN else attribution.stage.replace("_", " ")


def _silence_clause(inputs: VerdictInputs) -> str:
    attribution = _worst_attribution(inputs)
    quiet_for = inputs.at - inputs.sighting_of(attribution).stage_at
    if quiet_for <= inputs.rules.silence or inputs.worst_assessment is SurfaceAssessment.GONE:
        return ""
    hours, rest = divmod(int(quiet_for.total_seconds() // 60), 60)
    return f", no new stage for {hours} h {rest} min"
