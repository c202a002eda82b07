"""A surface's track and the hits of one look or tick -> its track after it. The fold below every verdict.

Rule: time that nobody watched proves nothing. A gap between looks, a restart on old data and a clock that jumps all
start the dwell anew (safe-to-retry.md C.5); none of them opens anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.core.standing import DOUBTS, OPEN, Standing, standing
from bot.model import Basis, Heard, Hit, Track, VerdictRules, Weight

JITTER = timedelta(minutes=1)  # a clock that steps back by no more than this is only being corrected

Said = Sequence[tuple[Hit, Standing]]


def advance(track: Track, hits: Sequence[Hit], at: datetime, *, looked: bool, rules: VerdictRules) -> Track:
    """The track after a usable look (``looked``) or after time alone has passed; ``hits`` are this surface's.

    Without a look only what time itself brings is noted: an exoneration that has expired.
    """
    if track.looked_at is not None and at < track.looked_at:
        if track.looked_at - at <= JITTER:
            at = track.looked_at
        else:
            track = _rewound(track, at, rules)
    said = [(hit, standing(hit, at, rules)) for hit in hits]
    if not looked:
        falls = not track.bad and any(s is Standing.BAD for _, s in said)
        return _witnessed(_fallen(track, said, at, rules) if falls else track, said, at)
    if track.looked_at is None or at - track.looked_at > rules.stale_gentle:
        track = _watched_anew(track, at, rules)
    return _looked(track, said, at, rules)


def is_settled(track: Track, at: datetime, rules: VerdictRules) -> bool:
    """True once it has been clean for d0 and for enough looks (rule 3), or has never been bad."""
    if track.bad_until is None:
        return not track.bad
    return not track.bad and at - track.bad_until >= rules.settle and track.clean_looks >= rules.settle_looks


def _looked(track: Track, said: Said, at: datetime, rules: VerdictRules) -> Track:
    incidents = _heard(track.incidents, said, at, rules)
    was_open, is_open = any(h.open for h in track.incidents), any(h.open for h in incidents)
    new = {h.incident for h in incidents} - {h.incident for h in track.incidents}
    track = _good_or_bad(track, said, at, rules)
    doubted = any(s in DOUBTS for _, s in said)
    eased = track.doubted or any(s is Standing.RECOVERING and h.incident in new for h, s in said)
    maintained = any(s in (Standing.MAINTENANCE, Standing.VERIFYING) for _, s in said)
    residual = any(h.residual and s is Standing.RECOVERING for h, s in said)
    return replace(
        track,
        looked_at=at,
        doubted=doubted,
        doubted_until=at if eased and not doubted else track.doubted_until,
        maintained=maintained,
        maintained_until=at if track.maintained and not maintained else track.maintained_until,
        residual_since=(track.residual_since or at) if residual else None,
        closed_at=at if was_open and not is_open else track.closed_at,
        incidents=incidents,
        witnessed_until=_witnessed(track, said, at).witnessed_until,
    )


def _witnessed(track: Track, said: Said, at: datetime) -> Track:
    """Others than the page may speak up between two looks, and fall silent: the next look must know of it."""
    if not any(hit.basis is Basis.WITNESS for hit, _ in said):
        return track
    doubted = track.doubted or any(s is Standing.SUSPECTED for _, s in said)
    return replace(track, witnessed_until=at, doubted=doubted)


def _good_or_bad(track: Track, said: Said, at: datetime, rules: VerdictRules) -> Track:
    if any(s is Standing.BAD for _, s in said):
        return _fallen(track, said, at, rules)
    late = _late_news(track, said)
    if track.bad or late:
        by = tuple(sorted({*(track.bad_by if track.bad else ()), *late}))
        return replace(
            track,
            bad=False,
            presumed=False,
            bad_by=by,
            bad_until=_last_bad_minute(track, at),
            shown=False,
            shown_until=_last_bad_minute(track, at) if track.shown or late else track.shown_until,
            clean_looks=1,
            clean_look_at=at,
        )
    if track.clean_look_at is None or at - track.clean_look_at >= rules.looks_apart:
        return replace(track, clean_looks=track.clean_looks + 1, clean_look_at=at)
    return track


def _last_bad_minute(track: Track, at: datetime) -> datetime:
    """The dwell counts from it (rule 4): the last look that was bad, and no more than a minute before this one."""
    return at - min(timedelta(minutes=1), at - (track.looked_at or at))


def _late_news(track: Track, said: Said) -> set[str]:
    """Incidents that open at monitoring were bad until this look: the dwell starts at their first post (rule 4)."""
    met = {h.incident for h in track.incidents if h.open}
    opening = (h for h, s in said if s is Standing.RECOVERING and h.weight is Weight.DOWN)
    return {hit.incident for hit in opening if hit.incident not in met}


def _fallen(track: Track, said: Said, at: datetime, rules: VerdictRules) -> Track:
    """Bad, and by whom. Bad again within two hours, by the page, is a relapse, presumed or told (rule 5).

    What others see makes none: a hold ends the requests that could fail, and the next few are no new trouble.
    """
    presumed = all(hit.weight is Weight.CLEARED for hit, s in said if s is Standing.BAD)
    since = at if not presumed and (track.presumed or not track.bad) else track.bad_since
    relapses = track.relapses
    shown = any(hit.basis is not Basis.WITNESS for hit, s in said if s is Standing.BAD)
    again = shown and not track.shown and track.shown_until is not None and at - track.shown_until <= rules.flap_within
    if again or not track.bad:
        relapses = tuple(t for t in track.relapses if at - t < rules.flap_lasts)
    if again:
        relapses = (*relapses, at)
    still = presumed and (track.presumed or not track.bad)
    return replace(
        track,
        bad=True,
        presumed=still,
        bad_by=_bad_by(said),
        bad_since=since,
        clean_looks=0,
        relapses=relapses,
        shown=shown,
        shown_until=_last_bad_minute(track, at) if track.shown and not shown else track.shown_until,
    )


def _bad_by(said: Said) -> tuple[str, ...]:
    return tuple(sorted({hit.incident for hit, s in said if s is Standing.BAD}))


def _heard(met: Iterable[Heard], said: Said, at: datetime, rules: VerdictRules) -> tuple[Heard, ...]:
    now = {hit.incident: hit for hit, s in said if hit.incident and s in OPEN}
    known = {h.incident: h for h in met if h.open or h.incident in now or at - h.first_at < rules.crowd_within}
    return tuple((known | {i: _meet(known, hit, at) for i, hit in now.items()} | _closed(known, now)).values())


def _meet(known: Mapping[str, Heard], hit: Hit, at: datetime) -> Heard:
    down = hit.weight in (Weight.DOWN, Weight.CLEARED)
    old = known.get(hit.incident)
    if old is None:
        return Heard(hit.incident, at, hit.stage, at, down=down)
    stage_at = old.stage_at if old.stage is hit.stage else at
    return replace(old, stage=hit.stage, stage_at=stage_at, down=old.down or down, open=True)


def _closed(known: Mapping[str, Heard], now: Mapping[str, Hit]) -> dict[str, Heard]:
    return {i: replace(h, open=False) for i, h in known.items() if h.open and i not in now}


# --- time that nobody watched -----------------------------------------------------------------------------------------


def _watched_anew(track: Track, at: datetime, rules: VerdictRules) -> Track:
    """The dwell starts at this look; so does settling, where it was not over when we last looked."""
    settled = track.bad or track.looked_at is None or is_settled(track, track.looked_at, rules)
    if settled:
        return replace(track, watched_since=at)
    shown_until = at if track.by_page else track.shown_until
    return replace(track, watched_since=at, bad_until=at, shown_until=shown_until, clean_looks=0, clean_look_at=None)


def _rewound(track: Track, at: datetime, rules: VerdictRules) -> Track:
    """The clock went back: nothing that we remember can lie ahead of it, and the dwell starts anew."""
    anew = _watched_anew(track, at, rules)
    return replace(
        anew,
        looked_at=None,
        bad_since=_not_after(at, anew.bad_since),
        bad_until=_not_after(at, anew.bad_until),
        shown_until=_not_after(at, anew.shown_until),
        clean_look_at=None,
        doubted_until=_not_after(at, anew.doubted_until),
        maintained_until=_not_after(at, anew.maintained_until),
        residual_since=_not_after(at, anew.residual_since),
        closed_at=_not_after(at, anew.closed_at),
        incidents=tuple(replace(h, first_at=min(at, h.first_at), stage_at=min(at, h.stage_at)) for h in anew.incidents),
        relapses=tuple(min(at, t) for t in anew.relapses),
        witnessed_until=_not_after(at, anew.witnessed_until),
    )


def _not_after(at: datetime, time: datetime | None) -> datetime | None:
    return None if time is None else min(at, time)
