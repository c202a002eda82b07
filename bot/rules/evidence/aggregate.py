"""Adds new probe results, user reports and request outcomes to the evidence state of each surface. No I/O, no verdicts.

The state is bounded for each writer, so that none can push out another's evidence. What proves nothing is left out:
results that are late, duplicates, or caused by our own network or key, a client's own errors (4xx) and its own quota
(429, bot/docs/verdict-rules.md#combining-evidence). A gap between probe results restarts the series.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from math import exp

from bot.domain import (
    LOCAL_VANTAGE,
    EvidenceBatch,
    EvidenceState,
    Probe,
    ProbeAttempt,
    ProbePlace,
    ProbeResult,
    ProbeState,
    Provider,
    ReportBaseline,
    ReporterState,
    RequestOutcomes,
    TeamAlert,
    TrackerReading,
    TrackerState,
    TrafficWindow,
    UserReport,
)
from bot.rules.evidence import traffic

# older probe results and request outcomes are not used (bot/docs/verdict-rules.md#combining-evidence)
FRESH_FOR = timedelta(minutes=3)
MAX_LATENESS = timedelta(minutes=15)  # a probe result older than this on arrival is ignored
REPORTS_WITHIN = timedelta(minutes=10)  # window in which user reports are counted
BASELINE_DECAY = timedelta(days=7)  # time constant of the usual report rate (decays to 37 % in this time)
MIN_BASELINE_AGE = timedelta(days=1)  # the usual report rate is averaged over at least this time
MAX_VANTAGES = 16  # vantage points of one writer and surface
MAX_REPORTERS = 200  # people in the chat per surface, within the window
MAX_BASELINE = 5.0  # a usual number above this does not count: 25 people within the window are always many
KNOWN_AFTER = timedelta(days=1)  # a vantage point is known after results for so long,
KNOWN_RESULTS = 100  # and so many of them,
PLACE_MEMORY = timedelta(days=1)  # with no break longer than this
MAX_ALERTS = 32  # firing alerts of one writer and surface
TRACKER_FRESH_FOR = timedelta(minutes=15)  # what a tracker said longer ago does not count
_SERVER_ERROR = re.compile(r"5\d\d")
DEFAULT_BAD, DEFAULT_OF = 3, 5  # a probe fails with 3 failures in its last 5 attempts


def aggregate_evidence(
    previous: Iterable[EvidenceState], batch: EvidenceBatch, at: datetime, provider: Provider
) -> tuple[EvidenceState, ...]:
    """Returns the evidence states after this batch; evidence on surfaces that the provider does not have is dropped."""
    by_surface = {t.surface: t for t in previous}
    for surface, probe in ((s.id, s.probe) for s in provider.surfaces):
        state = by_surface.get(surface) or EvidenceState(surface)
        results = (r for r in batch.probes if r.surface == surface and not r.ours)
        for result in sorted(results, key=lambda r: r.at):
            state = _add_probe_result(state, result, at, probe)
        state = _add_reports(state, [r for r in batch.reports if r.surface == surface], at)
        state = _add_alerts(state, [a for a in batch.alerts if a.surface == surface], at)
        state = _add_outcomes(state, [o for o in batch.outcomes if o.surface == surface], at)
        state = _add_readings(state, [r for r in batch.readings if r.surface == surface])
        if state != EvidenceState(surface) or surface in by_surface:
            by_surface[surface] = state
    return tuple(by_surface[s.id] for s in provider.surfaces if s.id in by_surface)


def is_stable(state: EvidenceState) -> bool:
    """True where the passing of time alone cannot turn the evidence against the surface."""
    failures = any(not t.ok for s in state.sights for t in s.tries) or any(t.failed for t in state.tallies)
    return not (failures or state.voices or any(t.since for t in state.trackers))


# --- probes -----------------------------------------------------------------------------------------------------------


def _add_probe_result(state: EvidenceState, result: ProbeResult, at: datetime, probe: Probe | None) -> EvidenceState:
    """Adds one probe result; one that is late, or not newer than the last of its vantage point, is ignored.

    So is one of a vantage point that its writer has too many of: those that it named first stay.
    """
    probed_at = min(result.at, at)
    key = (result.writer, result.vantage)
    old = next((s for s in state.sights if _is_same_place(s, result)), None)
    if at - probed_at > MAX_LATENESS or (old is not None and probed_at <= old.tries[-1].at):
        return state
    places = state.places if _is_local(result) else _updated_places(state.places, result, probed_at)
    if not _is_local(result) and key not in {(p.writer, p.vantage) for p in places}:
        return state
    bad, of = (probe.bad, probe.of) if probe else (DEFAULT_BAD, DEFAULT_OF)
    probe_state = _updated_probe_state(
        old, ProbeAttempt(probed_at, result.ok, result.why), result.vantage, bad=bad, of=of
    )
    others = [s for s in state.sights if s is not old and at - s.tries[-1].at <= MAX_LATENESS]
    sights = sorted((*others, replace(probe_state, writer=result.writer)), key=lambda s: (s.vantage, s.writer))
    return replace(state, sights=tuple(sights), places=places)


def _is_local(result: ProbeResult) -> bool:
    return not result.writer and result.vantage == LOCAL_VANTAGE


def _is_same_place(known: ProbeState, result: ProbeResult) -> bool:
    """Whether the result continues this series; one of an earlier version, without a writer, is taken up by name."""
    is_adoptable = not known.writer and known.vantage != LOCAL_VANTAGE
    return known.vantage == result.vantage and (is_adoptable or known.writer == result.writer)


def _updated_places(places: Iterable[ProbePlace], result: ProbeResult, at: datetime) -> tuple[ProbePlace, ...]:
    """The histories of vantage points with this result: at most ``MAX_VANTAGES`` of a writer, the longest known."""
    current = [p for p in places if at - p.seen_at <= PLACE_MEMORY]
    place = ProbePlace(result.writer, result.vantage, at, at, 0)
    place = next((p for p in current if (p.writer, p.vantage) == (result.writer, result.vantage)), place)
    counted = replace(
        place, seen_at=max(at, place.seen_at), results=place.results + 1, is_configured=result.is_configured
    )
    own = [counted, *(p for p in current if p.writer == result.writer and p is not place)]
    others = [p for p in current if p.writer != result.writer]
    longest_known = sorted(own, key=lambda p: (not p.is_configured, p.since))[:MAX_VANTAGES]
    return tuple(sorted((*others, *longest_known), key=lambda p: (p.writer, p.vantage)))


def is_known_place(place: ProbePlace, at: datetime) -> bool:
    """Whether a vantage point counts as a place of its own: configured, or with results for a day.

    See bot/docs/verdict-rules.md#who-counts.
    """
    return place.is_configured or (at - place.since >= KNOWN_AFTER and place.results >= KNOWN_RESULTS)


def _updated_probe_state(old: ProbeState | None, new: ProbeAttempt, vantage: str, *, bad: int, of: int) -> ProbeState:
    """Appends an attempt to the last ``of`` of a vantage point, which is bad with ``bad`` failures among them.

    A gap longer than ``FRESH_FOR`` restarts the series.
    """
    if old is not None and new.at - old.tries[-1].at > FRESH_FOR:
        old = None
    tries = (*(old.tries if old else ()), new)[-of:]
    failed = [t.at for t in tries if not t.ok]
    first_failure = failed[0] if failed else None
    ok_since = ((old and old.ok_since) or new.at) if new.ok else None
    bad_since = ((old and old.bad_since) or first_failure) if len(failed) >= bad else None
    return ProbeState(
        vantage, tries, ok_since, bad_since, ((old and old.shaky_since) or first_failure) if failed else None
    )


# --- user reports -----------------------------------------------------------------------------------------------------


def _add_reports(state: EvidenceState, reports: Iterable[UserReport], at: datetime) -> EvidenceState:
    """Counts each reporter once, and at most ``UserReport.speaks_for`` of a token.

    Those older than the window are added to the baseline: each person, and of each token one at a time.
    """
    reporters = {(v.writer, v.reporter): v for v in state.voices}
    for report in sorted(reports, key=lambda r: r.at):
        reported_at = min(report.at, at)
        key = (report.writer, report.reporter)
        if at - reported_at <= REPORTS_WITHIN and (key not in reporters or reported_at > reporters[key].at):
            reporters[key] = ReporterState(report.reporter, reported_at, report.writer)
            if report.writer:
                own = sorted((v for v in reporters.values() if v.writer == report.writer), key=_by_time, reverse=True)
                for surplus in own[max(report.speaks_for, 1) :]:
                    del reporters[surplus.writer, surplus.reporter]
    ordered = sorted(reporters.values(), key=_by_time)
    expired = [v for v in ordered if at - v.at > REPORTS_WITHIN]
    recent = [v for v in ordered if at - v.at <= REPORTS_WITHIN]
    people = [v for v in recent if not v.writer][-MAX_REPORTERS:]
    recent = [v for v in recent if v.writer or v in people]
    baseline = state.usual
    counted = {v.writer for v in recent}
    for v in expired:
        if not v.writer or v.writer not in counted:
            baseline = _raise_baseline(baseline, v.at)
        counted.add(v.writer)
    return replace(state, voices=tuple(recent), usual=baseline)


def _by_time(voice: ReporterState) -> tuple[datetime, str, str]:
    return voice.at, voice.writer, voice.reporter


def _raise_baseline(baseline: ReportBaseline | None, at: datetime) -> ReportBaseline:
    if baseline is None:
        return ReportBaseline(1.0, at, at)
    return replace(baseline, total=_decayed_total(baseline, at) + 1, at=max(baseline.at, at))


def _decayed_total(baseline: ReportBaseline, at: datetime) -> float:
    return baseline.total * exp(-max(at - baseline.at, timedelta(0)) / BASELINE_DECAY)


def baseline_reports(baseline: ReportBaseline | None, at: datetime) -> float:
    """Returns how many people usually report the surface within ``REPORTS_WITHIN``, at most ``MAX_BASELINE``."""
    if baseline is None:
        return 0.0
    decayed_span = BASELINE_DECAY * (1 - exp(-max(at - baseline.since, timedelta(0)) / BASELINE_DECAY))
    usual = _decayed_total(baseline, at) * (REPORTS_WITHIN / max(decayed_span, MIN_BASELINE_AGE))
    return min(usual, MAX_BASELINE)


# --- request outcomes -------------------------------------------------------------------------------------------------


def _add_outcomes(state: EvidenceState, outcomes: Iterable[RequestOutcomes], at: datetime) -> EvidenceState:
    """Adds the outcomes, and notes since when they go well or fail."""
    new = (_to_traffic_window(o, at) for o in outcomes if o.since <= o.until)
    windows = traffic.add_windows(state.tallies, new, at)
    worst = traffic.worst_voice(traffic.voices(windows, at))
    is_failing = worst is not None and worst.is_significant
    is_ok = worst is not None and not is_failing and worst.requests >= traffic.MIN_REQUESTS
    goes_on = any(at - t.until <= traffic.TRAFFIC_WITHIN for t in state.tallies)
    first_failure = min((t.since for t in windows if t.failed), default=None)
    since = (state.traffic_since if goes_on else None) or first_failure
    ok_since = (state.traffic_ok_since if goes_on else None) or min((t.since for t in windows), default=None)
    return replace(
        state,
        tallies=windows,
        traffic_since=since if is_failing else None,
        traffic_ok_since=ok_since if is_ok else None,
    )


def _add_alerts(state: EvidenceState, alerts: Iterable[TeamAlert], at: datetime) -> EvidenceState:
    """Adds alerts of the team's own as windows of clients of their own; one that no longer fires is taken out.

    A token has at most ``MAX_ALERTS``; of more, the newest are left out.
    """
    windows = list(state.tallies)
    for alert in alerts:
        client = f"alert {alert.name} {alert.ident}"
        windows = [w for w in windows if not (w.alert and (w.client, w.writer) == (client, alert.writer))]
        own = sum(bool(w.alert) and w.writer == alert.writer for w in windows)
        if alert.is_firing and own < MAX_ALERTS:
            windows.append(traffic.alert_window(alert, client, at))
    return replace(state, tallies=tuple(windows))


def _add_readings(state: EvidenceState, readings: Iterable[TrackerReading]) -> EvidenceState:
    """Keeps what each tracker said last, and since when it says trouble; what can't be read ends nothing at once."""
    trackers = {t.tracker: t for t in state.trackers}
    for reading in sorted(readings, key=lambda r: r.at):
        old = trackers.get(reading.tracker)
        if reading.is_trouble is None:
            known = old or TrackerState(reading.tracker, reading.at)
            trackers[reading.tracker] = replace(known, is_known=False)
            continue
        goes_on = old is not None and old.since is not None and reading.at - old.at <= TRACKER_FRESH_FOR
        since = (old.since if old and goes_on else reading.at) if reading.is_trouble else None
        trackers[reading.tracker] = TrackerState(reading.tracker, reading.at, since, reading.text)
    return replace(state, trackers=tuple(sorted(trackers.values(), key=lambda t: t.tracker)))


def _to_traffic_window(outcomes: RequestOutcomes, at: datetime) -> TrafficWindow:
    failed = {status: max(n, 0) for status, n in outcomes.errors.items() if is_surface_failure(status)}
    return traffic.to_window(outcomes, at, failed)


def is_surface_failure(status: str) -> bool:
    """Whether the surface is at fault: 5xx (also 529), 408, timeouts and broken connections; not 429 or other 4xx."""
    return status in ("timeout", "connection", "408") or _SERVER_ERROR.fullmatch(status) is not None
