"""Evaluates a surface's evidence state at a moment: what probes, user reports and request outcomes signal. No I/O.

The thresholds are those of bot/docs/verdict-rules.md#combining-evidence. They are design values, not measured: there is
no recording of probes together with a page's history.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median

from bot.domain import LOCAL_VANTAGE, EvidenceState, ProbePlace, ProbeState
from bot.rules.evidence import traffic
from bot.rules.evidence.aggregate import (
    FRESH_FOR,
    REPORTS_WITHIN,
    TRACKER_FRESH_FOR,
    baseline_reports,
    is_known_place,
)

FAILING_FOR = timedelta(minutes=3)  # shorter failures are ignored
CONFIRMED_AFTER = timedelta(minutes=10)  # a probe that has been ok for this long confirms recovery
MIN_VANTAGES = 2  # failing places needed while another one answers
MIN_REPORTERS, BASELINE_FACTOR = 5, 5  # many: at least so many reporters, and so many times the usual number
FEW_REPORTERS = 2  # fewer reporters do not count


class SignalKind(StrEnum):
    """What a kind of evidence signals, worst first; each kind of evidence uses some of these values."""

    FAILING = "failing"
    CROWD = "crowd"
    PARTLY = "partly_failing"
    MIXED = "mixed"
    SOME = "some"
    OK = "ok"
    QUIET = "quiet"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Signal:
    """What one kind of evidence signals about a surface.

    ``since`` is when it began, ``seen_at`` the newest evidence, ``n`` the number of attempts, reporters or requests,
    ``share`` the failed share of the requests, ``why`` the newest failure. ``against`` and ``by`` are the failing and
    the answering vantage points.

    Of probes, ``places`` is how many known places fail, and ``is_known`` whether any known place sees what it says. Of
    traffic, ``n`` and ``share`` are those of the worst writer, ``clients`` is how many clients there are,
    ``clients_failing`` how many of them see failures, ``median`` and ``worst`` are the failed shares of the median
    client and of the worst. ``alerts`` are the names of the team's own alerts that fire, which count like clients, and
    are not in ``n`` or in ``own_share``, the failed share of counted requests.

    Of trackers, ``why`` is what they show, ``n`` how many show trouble.
    """

    says: SignalKind = SignalKind.NONE
    since: datetime | None = None
    seen_at: datetime | None = None
    n: int = 0
    share: float = 0.0
    why: str = ""
    against: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    places: int = 0
    is_known: bool = False
    clients: int = 0
    clients_failing: int = 0
    median: float = 0.0
    worst: float = 0.0
    alerts: tuple[str, ...] = ()
    own_share: float = 0.0


NO_SIGNAL = Signal()


@dataclass(frozen=True, slots=True)
class Signals:
    """What the probes, the user reports and the request outcomes of one surface signal at one moment."""

    probe: Signal = NO_SIGNAL
    people: Signal = NO_SIGNAL
    traffic: Signal = NO_SIGNAL
    trackers: Signal = NO_SIGNAL

    @property
    def is_failing(self) -> bool:
        """A probe is failing, and nothing shows that the probe may be at fault; or nearly all requests are failing."""
        return self.traffic.says is SignalKind.FAILING or (
            self.probe.says is SignalKind.FAILING and not self.is_probe_doubtful
        )

    @property
    def is_partly_failing(self) -> bool:
        """A part of the team's own requests is failing, or a probe that other evidence contradicts."""
        return self.traffic.says is SignalKind.PARTLY or self.is_probe_doubtful

    @property
    def is_probe_doubtful(self) -> bool:
        """A probe fails from one known place, but answers from another, or the team's own requests go well.

        It may be the probe that is broken, or one place's network. That limits the load, and holds off no one.
        """
        if self.probe.says is SignalKind.MIXED:
            return self.probe.places > 0
        return (
            self.probe.says is SignalKind.FAILING
            and self.probe.places < MIN_VANTAGES
            and self.is_traffic_well
            and not self.is_widely_reported
        )

    @property
    def is_traffic_well(self) -> bool:
        """Enough of the team's own requests have gone well for ``CONFIRMED_AFTER``."""
        since, seen_at = self.traffic.since, self.traffic.seen_at
        return (
            self.traffic.says is SignalKind.OK
            and since is not None
            and seen_at is not None
            and seen_at - since >= CONFIRMED_AFTER
        )

    @property
    def is_widely_reported(self) -> bool:
        """Many more people than usual report the surface."""
        return self.people.says is SignalKind.CROWD

    @property
    def is_tracked(self) -> bool:
        """An outage tracker or a metric shows trouble. Like reports of people, it lowers a verdict, and raises none."""
        return self.trackers.says is SignalKind.CROWD

    @property
    def is_ok(self) -> bool:
        """Every probe is ok, one of a known place among them, and the team's own requests do not fail."""
        failing = (SignalKind.FAILING, SignalKind.PARTLY)
        return self.probe.says is SignalKind.OK and self.probe.is_known and self.traffic.says not in failing

    @property
    def since(self) -> datetime | None:
        """Since when any evidence is against the surface; None where none is."""
        against = (SignalKind.FAILING, SignalKind.PARTLY, SignalKind.CROWD)
        times = [
            s.since for s in (self.probe, self.traffic, self.people, self.trackers) if s.says in against and s.since
        ]
        return min(times, default=None)

    def confirms_recovery(self, at: datetime) -> bool:
        """True once probes have been ok for ``CONFIRMED_AFTER``: raises a hold to the lowest gentle exposure."""
        return self.is_ok and self.probe.since is not None and at - self.probe.since >= CONFIRMED_AFTER

    def shortens_dwell(self, at: datetime) -> bool:
        """Whether recovery is confirmed, hardly anybody reports the surface, and no tracker shows trouble.

        See bot/docs/verdict-rules.md#combining-evidence: D=30, R=5.
        """
        is_quiet = self.people.says in (SignalKind.QUIET, SignalKind.NONE) and not self.is_tracked
        return self.confirms_recovery(at) and is_quiet


NO_SIGNALS = Signals()


def evaluate_signals(evidence: EvidenceState | None, at: datetime) -> Signals:
    """Returns the signals of a surface's evidence at this moment; probes and requests count for three minutes."""
    return (
        Signals(
            *(_probe_signal(evidence, at), _report_signal(evidence, at), _traffic_signal(evidence, at)),
            trackers=_tracker_signal(evidence, at),
        )
        if evidence is not None
        else NO_SIGNALS
    )


# --- by kind of evidence ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _ProbeVoice:
    """What one writer's probes see now; a vantage point that the operator configured has a voice of its own."""

    fresh: tuple[ProbeState, ...]
    failing: tuple[ProbeState, ...]
    against: tuple[ProbeState, ...]
    is_known: bool

    @property
    def answers(self) -> bool:
        """Whether any of its vantage points answers."""
        return len(self.against) < len(self.fresh)

    @property
    def fails(self) -> bool:
        """Two of its vantage points fail, or one while no other answers."""
        return len(self.failing) >= MIN_VANTAGES or (bool(self.failing) and not self.answers)


def _probe_voices(evidence: EvidenceState, at: datetime) -> tuple[_ProbeVoice, ...]:
    places = {(p.writer, p.vantage): p for p in evidence.places}
    groups: dict[tuple[str, str], list[ProbeState]] = {}
    for s in evidence.sights:
        if at - s.tries[-1].at <= FRESH_FOR:
            place = places.get((s.writer, s.vantage))
            is_apart = place.is_configured if place else s.vantage == LOCAL_VANTAGE
            groups.setdefault((s.writer, s.vantage if is_apart else ""), []).append(s)
    return tuple(_probe_voice(group, places, at) for group in groups.values())


def _probe_voice(
    fresh: Sequence[ProbeState], places: Mapping[tuple[str, str], ProbePlace], at: datetime
) -> _ProbeVoice:
    failing = tuple(s for s in fresh if s.bad_since and s.shaky_since and at - s.shaky_since >= FAILING_FOR)
    against = tuple(s for s in fresh if s.bad_since or not s.tries[-1].ok)
    known = (places.get((s.writer, s.vantage)) for s in fresh)
    is_local = any(s.vantage == LOCAL_VANTAGE and not s.writer for s in fresh)
    is_known = is_local or any(p is not None and is_known_place(p, at) for p in known)
    return _ProbeVoice(tuple(fresh), failing, against, is_known)


def _probe_signal(evidence: EvidenceState, at: datetime) -> Signal:
    """Failing: two known places fail, or any while no known place answers.

    See bot/docs/verdict-rules.md#who-counts.
    """
    voices = _probe_voices(evidence, at)
    if not voices:
        return NO_SIGNAL
    fresh = _by_name(s for v in voices for s in v.fresh)
    failing, against = _by_name(s for v in voices for s in v.failing), _by_name(s for v in voices for s in v.against)
    known_failing = [v for v in voices if v.fails and v.is_known]
    base = Signal(
        seen_at=max(s.tries[-1].at for s in fresh),
        n=sum(len(s.tries) for s in fresh),
        why=next((t.why for s in against for t in reversed(s.tries) if not t.ok), ""),
        against=_names(failing or against, fresh),
        by=_names([s for s in fresh if s not in against], fresh),
        places=len(known_failing),
        is_known=any(v.is_known for v in voices),
    )
    is_contradicted = any(v.is_known and v.answers and not v.fails for v in voices)
    if len(known_failing) >= MIN_VANTAGES or (any(v.fails for v in voices) and not is_contradicted):
        return replace(base, says=SignalKind.FAILING, since=min(s.bad_since for s in failing if s.bad_since))
    if against:
        return replace(base, says=SignalKind.MIXED, since=min(s.bad_since or s.tries[-1].at for s in against))
    counted = [s for v in voices if v.is_known for s in v.fresh] or fresh
    return replace(base, says=SignalKind.OK, since=max(s.ok_since for s in counted if s.ok_since))


def _by_name(states: Iterable[ProbeState]) -> list[ProbeState]:
    return sorted(states, key=lambda s: (s.vantage, s.writer))


def _names(states: Iterable[ProbeState], among: Sequence[ProbeState]) -> tuple[str, ...]:
    """The vantage points' names, with the token's name where two tokens use the same one."""
    shared = Counter(s.vantage for s in among)
    return tuple(f"{s.vantage} of {s.writer or 'no token'}" if shared[s.vantage] > 1 else s.vantage for s in states)


def _report_signal(evidence: EvidenceState, at: datetime) -> Signal:
    recent = [v for v in evidence.voices if at - v.at <= REPORTS_WITHIN]
    if not recent:
        return Signal(SignalKind.QUIET) if evidence.usual else NO_SIGNAL
    is_crowd = len(recent) >= max(MIN_REPORTERS, BASELINE_FACTOR * baseline_reports(evidence.usual, at))
    says = SignalKind.CROWD if is_crowd else SignalKind.SOME if len(recent) >= FEW_REPORTERS else SignalKind.QUIET
    return Signal(says, recent[0].at, recent[-1].at, len(recent))


def _tracker_signal(evidence: EvidenceState, at: datetime) -> Signal:
    """Crowd: a tracker shows trouble, for ``FAILING_FOR`` at least, and was read not long ago."""
    fresh = [t for t in evidence.trackers if at - t.at <= TRACKER_FRESH_FOR]
    if not fresh:
        return NO_SIGNAL
    seen_at = max(t.at for t in fresh)
    trouble = [(t.since, t) for t in fresh if t.since is not None]
    lasting = [(since, t) for since, t in trouble if at - since >= FAILING_FOR]
    says = SignalKind.CROWD if lasting else SignalKind.SOME if trouble else SignalKind.QUIET
    shown = lasting or trouble
    why = ", ".join(f"{t.tracker}: {t.text}" for _, t in shown)
    return Signal(says, min((since for since, _ in shown), default=None), seen_at, n=len(shown), why=why)


def _traffic_signal(evidence: EvidenceState, at: datetime) -> Signal:
    """Failing: nearly all requests of the median client in the last three minutes; partly: a share in the last five.

    Nothing is added up across writers. What fails for less than ``FAILING_FOR`` is some, and does not count.
    """
    fresh = [t for t in evidence.tallies if at - t.until < FRESH_FOR]
    if not fresh:
        return NO_SIGNAL
    seen_at = min(max(t.until for t in fresh), at)
    recent, now = traffic.voices(evidence.tallies, at), traffic.voices(evidence.tallies, at, FRESH_FOR)
    worst, worst_now = traffic.worst_voice(recent), traffic.worst_voice(now)
    if worst is None or worst_now is None:
        return Signal(SignalKind.OK, seen_at=seen_at)
    own = _own_counts(evidence, at)
    base = _voices_signal(worst, recent, own)
    base = replace(base, seen_at=seen_at)
    since = evidence.traffic_since
    if not worst.is_significant:
        return replace(base, since=evidence.traffic_ok_since)
    if since is None or at - since < FAILING_FOR:
        return replace(base, says=SignalKind.SOME, since=since)
    if traffic.median_share(now) >= traffic.OUTAGE_SHARE:
        return replace(_voices_signal(worst_now, now, own), seen_at=seen_at, says=SignalKind.FAILING, since=since)
    return replace(base, says=SignalKind.PARTLY, since=since)


@dataclass(frozen=True, slots=True)
class _OwnCounts:
    """The alerts that fire, and the requests that were counted, by the worst writer."""

    alerts: tuple[str, ...]
    worst: traffic.Voice | None


def _own_counts(evidence: EvidenceState, at: datetime) -> _OwnCounts:
    firing = {t.alert for t in evidence.tallies if t.alert and at - t.until < FRESH_FOR}
    counted = [t for t in evidence.tallies if not t.alert]
    return _OwnCounts(tuple(sorted(firing)), traffic.worst_voice(traffic.voices(counted, at)))


def _voices_signal(worst: traffic.Voice, voices: Sequence[traffic.Voice], own: _OwnCounts) -> Signal:
    shares = [c.share for voice in voices for c in voice.clients]
    return Signal(
        SignalKind.OK,
        n=worst.requests if not own.alerts else own.worst.requests if own.worst else 0,
        share=worst.share,
        alerts=own.alerts,
        own_share=own.worst.share if own.worst else 0.0,
        why=worst.worst_failure,
        clients=len(shares),
        clients_failing=sum(share >= traffic.MIN_FAILURE_SHARE for share in shares),
        median=worst.median if len(voices) == 1 else median(shares),
        worst=max(shares),
    )
