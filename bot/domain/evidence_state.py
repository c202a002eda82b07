"""What is remembered of the evidence about one surface; bounded in size, and stored with the provider's state."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime

from bot.domain.evidence import ProbeResult, RequestOutcomes, TeamAlert, TrackerReading, UserReport


@dataclass(frozen=True, slots=True)
class EvidenceBatch:
    """Evidence about one provider's surfaces that came in at once."""

    probes: tuple[ProbeResult, ...] = ()
    reports: tuple[UserReport, ...] = ()
    outcomes: tuple[RequestOutcomes, ...] = ()
    alerts: tuple[TeamAlert, ...] = ()
    readings: tuple[TrackerReading, ...] = ()

    def of_surfaces(self, ids: Container[str]) -> EvidenceBatch:
        """The evidence about these surfaces only."""
        return EvidenceBatch(
            tuple(p for p in self.probes if p.surface in ids),
            tuple(r for r in self.reports if r.surface in ids),
            tuple(o for o in self.outcomes if o.surface in ids),
            tuple(a for a in self.alerts if a.surface in ids),
            tuple(r for r in self.readings if r.surface in ids),
        )


@dataclass(frozen=True, slots=True)
class ProbeAttempt:
    """One remembered probe result; ``why`` is what failed."""

    at: datetime
    ok: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class ProbeState:
    """How a surface looks from one vantage point: its newest attempts, oldest first, at most ``Probe.of``.

    ``ok_since`` is the first of the newest successes in a row, None where the newest attempt failed. ``bad_since`` is
    the first of the failures by which at least ``Probe.bad`` of ``Probe.of`` failed; None where they are fewer.
    ``shaky_since`` is the first failure since all of them succeeded. ``writer`` is the token that sends its results.
    """

    vantage: str
    tries: tuple[ProbeAttempt, ...]
    ok_since: datetime | None = None
    bad_since: datetime | None = None
    shaky_since: datetime | None = None
    writer: str = ""


@dataclass(frozen=True, slots=True)
class ProbePlace:
    """The history of a vantage point other than the bot's own: ``results`` from ``since`` to ``seen_at``.

    ``is_configured`` says that the operator made the token for this vantage point.
    """

    writer: str
    vantage: str
    since: datetime
    seen_at: datetime
    results: int = 1
    is_configured: bool = False


@dataclass(frozen=True, slots=True)
class ReporterState:
    """Who reported a surface, and when last. ``writer`` is the token that said so, empty for people in the chat."""

    reporter: str
    at: datetime
    writer: str = ""


@dataclass(frozen=True, slots=True)
class ReportBaseline:
    """How many people usually report a surface: a decaying sum as of ``at``, counted from ``since`` on."""

    total: float
    at: datetime
    since: datetime


@dataclass(frozen=True, slots=True)
class TrafficWindow:
    """Counts of one client's requests in one span: those that succeeded, and those that the surface failed.

    ``worst`` is the most frequent failure: an HTTP status, ``timeout`` or ``connection``. ``writer`` is the token that
    sent the counts. ``alert`` is the name of an alert that stands for counts; empty for counts.
    """

    since: datetime
    until: datetime
    ok: int
    failed: int
    worst: str = ""
    client: str = ""
    writer: str = ""
    alert: str = ""


@dataclass(frozen=True, slots=True)
class TrackerState:
    """What an outage tracker said last: trouble ``since``, None without trouble; ``is_known`` if it could be read."""

    tracker: str
    at: datetime
    since: datetime | None = None
    text: str = ""
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class EvidenceState:
    """What is remembered of the recent evidence about one surface. The status page is not part of it.

    ``traffic_since`` and ``traffic_ok_since`` say since when too many requests fail, or enough requests go well.
    ``disputed_since`` says since when a probe fails while other evidence is well, and ``asked_at`` when the operators
    were last asked to check that probe.
    """

    surface: str
    sights: tuple[ProbeState, ...] = ()
    voices: tuple[ReporterState, ...] = ()
    usual: ReportBaseline | None = None
    tallies: tuple[TrafficWindow, ...] = ()
    traffic_since: datetime | None = None
    places: tuple[ProbePlace, ...] = ()
    traffic_ok_since: datetime | None = None
    disputed_since: datetime | None = None
    asked_at: datetime | None = None
    trackers: tuple[TrackerState, ...] = ()


@dataclass(frozen=True, slots=True)
class EvidenceTotals:
    """Probe attempts of a surface in a span (``failures`` of them failed), and requests (``failed`` of them failed)."""

    surface: str
    tries: int
    failures: int
    requests: int
    failed: int
