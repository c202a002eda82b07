"""Updates the history of a surface that the verdict rules work from, after each poll and as time passes.

Time without polls proves nothing. A gap between polls, a restart on old data and a clock that jumps all restart the
dwell (bot/docs/verdict-rules.md#time-without-polls); none of them makes a verdict more permissive.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain import Attribution, AttributionKind, EvidenceKind, IncidentSighting, SurfaceHistory, VerdictParameters
from bot.rules.verdict.assessment import DOUBTFUL_ASSESSMENTS, OPEN_ASSESSMENTS, SurfaceAssessment, assess_attribution

CLOCK_JITTER = timedelta(minutes=1)  # a clock that steps back by no more than this is only being corrected

AssessedAttributions = Sequence[tuple[Attribution, SurfaceAssessment]]


def advance_history(
    history: SurfaceHistory,
    attributions: Sequence[Attribution],
    at: datetime,
    *,
    polled: bool,
    rules: VerdictParameters,
) -> SurfaceHistory:
    """The history of a surface after a usable poll, or after time alone has passed.

    Args:
        history: The surface's history so far.
        attributions: All attributions of this surface at ``at``; none of another surface.
        at: The time of the poll, or the present time.
        polled: True after a usable poll. Without one only two things change: the surface becomes bad where an
            exoneration has expired or evidence is against it, and the time of such evidence is noted.
        rules: The parameters of the verdict rules.
    """
    if history.looked_at is not None and at < history.looked_at:
        if history.looked_at - at <= CLOCK_JITTER:
            at = history.looked_at
        else:
            history = _after_clock_rewind(history, at, rules)
    assessments = [(attribution, assess_attribution(attribution, at, rules)) for attribution in attributions]
    if not polled:
        turns_bad = not history.bad and any(s is SurfaceAssessment.BAD for _, s in assessments)
        return _after_other_evidence(
            _mark_bad(history, assessments, at, rules) if turns_bad else history, assessments, at
        )
    if history.looked_at is None or at - history.looked_at > rules.stale_gentle:
        history = _restart_monitoring(history, at, rules)
    return _after_poll(history, assessments, at, rules)


def is_settled(history: SurfaceHistory, at: datetime, rules: VerdictParameters) -> bool:
    """True once the surface has been clean for ``settle`` (d0) and for enough polls, or has never been bad.

    See bot/docs/verdict-rules.md#settling.
    """
    if history.bad_until is None:
        return not history.bad
    return not history.bad and at - history.bad_until >= rules.settle and history.clean_looks >= rules.settle_looks


def _after_poll(
    history: SurfaceHistory, assessments: AssessedAttributions, at: datetime, rules: VerdictParameters
) -> SurfaceHistory:
    incidents = _update_sightings(history.incidents, assessments, at, rules)
    was_open, is_open = any(h.open for h in history.incidents), any(h.open for h in incidents)
    new_incidents = {h.incident for h in incidents} - {h.incident for h in history.incidents}
    history = _update_bad_state(history, assessments, at, rules)
    is_doubted = any(s in DOUBTFUL_ASSESSMENTS for _, s in assessments)
    is_doubt_over = history.doubted or any(
        s is SurfaceAssessment.RECOVERING and a.incident in new_incidents for a, s in assessments
    )
    is_maintained = any(s in (SurfaceAssessment.MAINTENANCE, SurfaceAssessment.VERIFYING) for _, s in assessments)
    has_residual_errors = any(a.residual and s is SurfaceAssessment.RECOVERING for a, s in assessments)
    return replace(
        history,
        looked_at=at,
        doubted=is_doubted,
        doubted_until=at if is_doubt_over and not is_doubted else history.doubted_until,
        maintained=is_maintained,
        maintained_until=at if history.maintained and not is_maintained else history.maintained_until,
        residual_since=(history.residual_since or at) if has_residual_errors else None,
        closed_at=at if was_open and not is_open else history.closed_at,
        incidents=incidents,
        witnessed_until=_after_other_evidence(history, assessments, at).witnessed_until,
    )


def _after_other_evidence(history: SurfaceHistory, assessments: AssessedAttributions, at: datetime) -> SurfaceHistory:
    """The history with evidence beside the page noted: it may come and go between two polls."""
    if not any(attribution.basis is EvidenceKind.WITNESS for attribution, _ in assessments):
        return history
    is_doubted = history.doubted or any(s is SurfaceAssessment.SUSPECTED for _, s in assessments)
    return replace(history, witnessed_until=at, doubted=is_doubted)


def _update_bad_state(
    history: SurfaceHistory, assessments: AssessedAttributions, at: datetime, rules: VerdictParameters
) -> SurfaceHistory:
    if any(s is SurfaceAssessment.BAD for _, s in assessments):
        return _mark_bad(history, assessments, at, rules)
    opened_at_monitoring = _opened_at_monitoring(history, assessments)
    if history.bad or opened_at_monitoring:
        blamed = tuple(sorted({*(history.bad_by if history.bad else ()), *opened_at_monitoring}))
        return replace(
            history,
            bad=False,
            presumed=False,
            bad_by=blamed,
            bad_until=_last_bad_minute(history, at),
            shown=False,
            shown_until=_last_bad_minute(history, at) if history.shown or opened_at_monitoring else history.shown_until,
            clean_looks=1,
            clean_look_at=at,
        )
    if history.clean_look_at is None or at - history.clean_look_at >= rules.looks_apart:
        return replace(history, clean_looks=history.clean_looks + 1, clean_look_at=at)
    return history


def _last_bad_minute(history: SurfaceHistory, at: datetime) -> datetime:
    """The time from which the dwell counts: the last bad poll, but at most a minute before this one.

    See bot/docs/verdict-rules.md#dwell.
    """
    return at - min(timedelta(minutes=1), at - (history.looked_at or at))


def _opened_at_monitoring(history: SurfaceHistory, assessments: AssessedAttributions) -> set[str]:
    """New incidents that open at monitoring: they count as bad until this poll, where the dwell starts.

    See bot/docs/verdict-rules.md#dwell.
    """
    open_incidents = {h.incident for h in history.incidents if h.open}
    opening = (a for a, s in assessments if s is SurfaceAssessment.RECOVERING and a.weight is AttributionKind.DOWN)
    return {attribution.incident for attribution in opening if attribution.incident not in open_incidents}


def _mark_bad(
    history: SurfaceHistory, assessments: AssessedAttributions, at: datetime, rules: VerdictParameters
) -> SurfaceHistory:
    """The history with the surface bad and its incidents blamed; bad again on the page within two hours is a relapse.

    See bot/docs/verdict-rules.md#relapses. Evidence beside the page makes no relapse: a hold stops the requests that
    could fail, so that failures after it are no new trouble.
    """
    is_presumed = all(
        attribution.weight is AttributionKind.CLEARED for attribution, s in assessments if s is SurfaceAssessment.BAD
    )
    since = at if not is_presumed and (history.presumed or not history.bad) else history.bad_since
    relapses = history.relapses
    is_bad_by_page = any(
        attribution.basis is not EvidenceKind.WITNESS for attribution, s in assessments if s is SurfaceAssessment.BAD
    )
    is_relapse = (
        is_bad_by_page
        and not history.shown
        and history.shown_until is not None
        and at - history.shown_until <= rules.flap_within
    )
    if is_relapse or not history.bad:
        relapses = tuple(t for t in history.relapses if at - t < rules.flap_lasts)
    if is_relapse:
        relapses = (*relapses, at)
    is_still_presumed = is_presumed and (history.presumed or not history.bad)
    return replace(
        history,
        bad=True,
        presumed=is_still_presumed,
        bad_by=_blamed_incidents(assessments),
        bad_since=since,
        clean_looks=0,
        relapses=relapses,
        shown=is_bad_by_page,
        shown_until=_last_bad_minute(history, at) if history.shown and not is_bad_by_page else history.shown_until,
    )


def _blamed_incidents(assessments: AssessedAttributions) -> tuple[str, ...]:
    return tuple(sorted({attribution.incident for attribution, s in assessments if s is SurfaceAssessment.BAD}))


def _update_sightings(
    sightings: Iterable[IncidentSighting], assessments: AssessedAttributions, at: datetime, rules: VerdictParameters
) -> tuple[IncidentSighting, ...]:
    current = {
        attribution.incident: attribution
        for attribution, s in assessments
        if attribution.incident and s in OPEN_ASSESSMENTS
    }
    retained = {
        h.incident: h for h in sightings if h.open or h.incident in current or at - h.first_at < rules.crowd_within
    }
    return tuple(
        (
            retained
            | {i: _updated_sighting(retained, attribution, at) for i, attribution in current.items()}
            | _closed_sightings(retained, current)
        ).values()
    )


def _updated_sighting(
    retained: Mapping[str, IncidentSighting], attribution: Attribution, at: datetime
) -> IncidentSighting:
    down = attribution.weight in (AttributionKind.DOWN, AttributionKind.CLEARED)
    old = retained.get(attribution.incident)
    if old is None:
        return IncidentSighting(attribution.incident, at, attribution.stage, at, down=down)
    stage_at = old.stage_at if old.stage is attribution.stage else at
    return replace(old, stage=attribution.stage, stage_at=stage_at, down=old.down or down, open=True)


def _closed_sightings(
    retained: Mapping[str, IncidentSighting], current: Mapping[str, Attribution]
) -> dict[str, IncidentSighting]:
    return {i: replace(h, open=False) for i, h in retained.items() if h.open and i not in current}


# --- time without polls -----------------------------------------------------------------------------------------------


def _restart_monitoring(history: SurfaceHistory, at: datetime, rules: VerdictParameters) -> SurfaceHistory:
    """The history with the dwell restarted at this poll, and settling too where it was not over at the last poll."""
    nothing_to_settle = history.bad or history.looked_at is None or is_settled(history, history.looked_at, rules)
    if nothing_to_settle:
        return replace(history, watched_since=at)
    shown_until = at if history.is_bad_by_page else history.shown_until
    return replace(history, watched_since=at, bad_until=at, shown_until=shown_until, clean_looks=0, clean_look_at=None)


def _after_clock_rewind(history: SurfaceHistory, at: datetime, rules: VerdictParameters) -> SurfaceHistory:
    """The history after the clock went back: no stored time may lie in the future, and the dwell restarts."""
    restarted = _restart_monitoring(history, at, rules)
    return replace(
        restarted,
        looked_at=None,
        bad_since=_clamp_to(at, restarted.bad_since),
        bad_until=_clamp_to(at, restarted.bad_until),
        shown_until=_clamp_to(at, restarted.shown_until),
        clean_look_at=None,
        doubted_until=_clamp_to(at, restarted.doubted_until),
        maintained_until=_clamp_to(at, restarted.maintained_until),
        residual_since=_clamp_to(at, restarted.residual_since),
        closed_at=_clamp_to(at, restarted.closed_at),
        incidents=tuple(
            replace(h, first_at=min(at, h.first_at), stage_at=min(at, h.stage_at)) for h in restarted.incidents
        ),
        relapses=tuple(min(at, t) for t in restarted.relapses),
        witnessed_until=_clamp_to(at, restarted.witnessed_until),
    )


def _clamp_to(at: datetime, time: datetime | None) -> datetime | None:
    return None if time is None else min(at, time)
