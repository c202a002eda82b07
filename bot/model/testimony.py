"""What is remembered of the evidence that no page gives: per surface, bounded, and kept in the world."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.model.evidence import Outcomes, ProbeResult, Report


@dataclass(frozen=True, slots=True)
class Evidence:
    """What came in at once about one provider's surfaces."""

    probes: tuple[ProbeResult, ...] = ()
    reports: tuple[Report, ...] = ()
    outcomes: tuple[Outcomes, ...] = ()


@dataclass(frozen=True, slots=True)
class Try:
    """One try of a probe; ``why`` is what went wrong."""

    at: datetime
    ok: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class Sight:
    """How a surface looks from one vantage point: its newest tries, oldest first, at most the ``of`` of its probe.

    ``ok_since`` is the first of the tries in a row that went well, None where the newest failed. ``bad_since`` is the
    first failure of those by which so many of so many fail; None where they are fewer. ``shaky_since`` is the first
    failure since all of them went well.
    """

    vantage: str
    tries: tuple[Try, ...]
    ok_since: datetime | None = None
    bad_since: datetime | None = None
    shaky_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Voice:
    """Somebody who says that a surface is broken, and when they said so last."""

    reporter: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Usual:
    """How many people report a surface at other times: a sum that decays, as of ``at``, counted from ``since`` on."""

    total: float
    at: datetime
    since: datetime


@dataclass(frozen=True, slots=True)
class Tally:
    """How a team's own requests fared in a span: those that went well, and those that the surface failed.

    ``worst`` is the commonest failure among them: a status, ``timeout`` or ``connection``.
    """

    since: datetime
    until: datetime
    ok: int
    failed: int
    worst: str = ""
    client: str = ""


@dataclass(frozen=True, slots=True)
class Testimony:
    """What witnesses other than the page have said of one surface lately."""

    surface: str
    sights: tuple[Sight, ...] = ()
    voices: tuple[Voice, ...] = ()
    usual: Usual | None = None
    tallies: tuple[Tally, ...] = ()
    traffic_since: datetime | None = None  # since when too many of the team's own requests fail


@dataclass(frozen=True, slots=True)
class Seen:
    """What others than the page have seen of a surface in a span: tries and failed tries, requests and failed ones."""

    surface: str
    tries: int
    failures: int
    requests: int
    failed: int
