"""New evidence and what is remembered -> what is remembered after it. A fold, pure and bounded; no verdict in here.

What proves nothing is left out: results that are late, doubled, or the fault of our own network or key, a client's own
mistakes (4xx), and its own quota (429, safe-to-retry.md B.3). Time that nobody watched starts a run anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from math import exp

from bot.model import (
    Evidence,
    Outcomes,
    Probe,
    ProbeResult,
    Provider,
    Report,
    Sight,
    Tally,
    Testimony,
    Try,
    Usual,
    Voice,
)

FRESH = timedelta(minutes=3)  # safe-to-retry.md C.4: older evidence of a probe or of traffic says nothing
LATE = timedelta(minutes=15)  # what arrives later than this is no news
CROWD_WITHIN = timedelta(minutes=10)  # C.4: in so long
TRAFFIC_WITHIN = timedelta(minutes=5)  # shares are of this long
USUAL_OVER = timedelta(days=7)  # what is usual forgets in so long (to a third)
USUAL_LEAST = timedelta(days=1)  # and is never reckoned over less
REQUESTS, FAILURES, PART = 20, 5, 0.05  # so many requests, so many and such a share of them failed: no chance
PLACES = 16  # vantage points of a surface
VOICES = 200  # people within the window
TALLIES = 60  # spans within the window
_SERVER_ERROR = re.compile(r"5\d\d")
BAD, OF = 3, 5  # C.4: so many failures of so many tries


def fold(
    remembered: Iterable[Testimony], evidence: Evidence, at: datetime, provider: Provider
) -> tuple[Testimony, ...]:
    """What is remembered once this has come in; surfaces that the provider does not have are nobody's."""
    known = {t.surface: t for t in remembered}
    for surface, probe in ((s.id, s.probe) for s in provider.surfaces):
        said = known.get(surface) or Testimony(surface)
        told = (r for r in evidence.probes if r.surface == surface and not r.ours)
        for result in sorted(told, key=lambda r: r.at):
            said = _tried(said, result, at, probe)
        said = _heard(said, [r for r in evidence.reports if r.surface == surface], at)
        said = _counted(said, [o for o in evidence.outcomes if o.surface == surface], at)
        if said != Testimony(surface):
            known[surface] = said
    return tuple(known[s.id] for s in provider.surfaces if s.id in known)


def is_plain(said: Testimony) -> bool:
    """True where nothing in it can come to speak against the surface by time alone."""
    failures = any(not t.ok for s in said.sights for t in s.tries) or any(t.failed for t in said.tallies)
    return not (failures or said.voices)


# --- probes -----------------------------------------------------------------------------------------------------------


def _tried(said: Testimony, result: ProbeResult, at: datetime, probe: Probe | None) -> Testimony:
    when = min(result.at, at)
    old = next((s for s in said.sights if s.vantage == result.vantage), None)
    if at - when > LATE or (old is not None and when <= old.tries[-1].at):
        return said
    bad, of = (probe.bad, probe.of) if probe else (BAD, OF)
    sight = _seen(old, Try(when, result.ok, result.why), result.vantage, bad=bad, of=of)
    others = [s for s in said.sights if s.vantage != result.vantage and at - s.tries[-1].at <= LATE]
    newest = sorted((*others, sight), key=lambda s: s.tries[-1].at)[-PLACES:]
    return replace(said, sights=tuple(sorted(newest, key=lambda s: s.vantage)))


def _seen(old: Sight | None, new: Try, vantage: str, *, bad: int, of: int) -> Sight:
    if old is not None and new.at - old.tries[-1].at > FRESH:
        old = None
    tries = (*(old.tries if old else ()), new)[-of:]
    failed = [t.at for t in tries if not t.ok]
    first = failed[0] if failed else None
    ok_since = ((old and old.ok_since) or new.at) if new.ok else None
    bad_since = ((old and old.bad_since) or first) if len(failed) >= bad else None
    return Sight(vantage, tries, ok_since, bad_since, ((old and old.shaky_since) or first) if failed else None)


# --- people -----------------------------------------------------------------------------------------------------------


def _heard(said: Testimony, reports: Iterable[Report], at: datetime) -> Testimony:
    """People count once each; who has said so longer ago than the window goes into what is usual."""
    voices = {v.reporter: v for v in said.voices}
    for report in sorted(reports, key=lambda r: r.at):
        when = min(report.at, at)
        known = voices.get(report.reporter)
        if at - when <= CROWD_WITHIN and (known is None or when > known.at):
            voices[report.reporter] = Voice(report.reporter, when)
    found = sorted(voices.values(), key=lambda v: (v.at, v.reporter))
    past = [v for v in found if at - v.at > CROWD_WITHIN]
    now = [v for v in found if at - v.at <= CROWD_WITHIN][-VOICES:]
    usual = said.usual
    for voice in past:
        usual = _more_usual(usual, voice.at)
    return replace(said, voices=tuple(now), usual=usual)


def _more_usual(usual: Usual | None, at: datetime) -> Usual:
    if usual is None:
        return Usual(1.0, at, at)
    return replace(usual, total=_decayed(usual, at) + 1, at=max(usual.at, at))


def _decayed(usual: Usual, at: datetime) -> float:
    return usual.total * exp(-max(at - usual.at, timedelta(0)) / USUAL_OVER)


def usual_reports(usual: Usual | None, at: datetime) -> float:
    """How many people report the surface in ten minutes at other times."""
    if usual is None:
        return 0.0
    counted = USUAL_OVER * (1 - exp(-max(at - usual.since, timedelta(0)) / USUAL_OVER))
    return _decayed(usual, at) * (CROWD_WITHIN / max(counted, USUAL_LEAST))


# --- traffic ----------------------------------------------------------------------------------------------------------


def _counted(said: Testimony, outcomes: Iterable[Outcomes], at: datetime) -> Testimony:
    """A span that a client tells of again is told better."""
    found = {(t.client, t.since, t.until): t for t in said.tallies}
    for tally in (_tally(o, at) for o in outcomes if o.since <= o.until):
        found[tally.client, tally.since, tally.until] = tally
    recent = (t for t in found.values() if at - t.until <= TRAFFIC_WITHIN)
    tallies = tuple(sorted(recent, key=lambda t: (t.until, t.since, t.client))[-TALLIES:])
    since = said.traffic_since or next((t.since for t in tallies if t.failed), None)
    return replace(said, tallies=tallies, traffic_since=since if is_too_much(tallies, at) else None)


def _tally(outcomes: Outcomes, at: datetime) -> Tally:
    failures = {status: max(n, 0) for status, n in outcomes.errors.items() if is_the_surfaces(status)}
    worst = max(failures, key=lambda status: (failures[status], status), default="")
    since, until = min(outcomes.since, at), min(outcomes.until, at)
    return Tally(since, until, max(outcomes.ok, 0), sum(failures.values()), worst, outcomes.client)


def counts(tallies: Iterable[Tally], at: datetime, within: timedelta) -> tuple[int, int]:
    """How many requests went well, and how many failed, in the spans that ended less than so long ago."""
    found = [t for t in tallies if at - t.until < within]
    return sum(t.ok for t in found), sum(t.failed for t in found)


def is_too_much(tallies: Iterable[Tally], at: datetime) -> bool:
    """Whether more of the team's own requests fail than chance explains: enough of enough, in five minutes."""
    ok, failed = counts(tallies, at, TRAFFIC_WITHIN)
    return ok + failed >= REQUESTS and failed >= FAILURES and failed >= PART * (ok + failed)


def is_the_surfaces(status: str) -> bool:
    """Whether a failure is the surface's: 5xx (529 too), timeouts and broken connections; no other 4xx, and no 429."""
    return status in ("timeout", "connection", "408") or _SERVER_ERROR.fullmatch(status) is not None
