"""Episodes and policies' lines -> measures of each, and metrics over many: the figures of ``brownout score``.

An *opening* is a change to normal; it is *false* where its first minute is unsafe. Minutes that were unsafe while the
policy said "normally" are false-safe; weighted, a gentle minute counts its share. Holds are weighted the same way, over
safe minutes. Delays run from the last unsafe minute; where a policy never opens again, the whole rest counts. The
surfaces of one incident (truth C) are one episode: spans are their mean, delays their worst (safe-to-retry.md A.2).
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.score.lines import Line
from bot.score.truths import Episode

SEED = 20260302
RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Measure:
    """What one policy did in one episode; all spans in minutes. Delays are None where nothing was unsafe in it."""

    policy: str
    episode: Episode
    openings: int
    false_openings: int
    false_safe: float
    weighted_false_safe: float
    hold: float
    early: bool
    first_retry: float | None
    normal: float | None


def measure(policy: str, line: Line, episode: Episode) -> Measure:
    """One policy in one episode."""
    start, stop = episode.span
    shares = line.over(episode.span)
    unsafe = [m in episode.unsafe for m in range(start, stop)]
    false = [is_unsafe and share >= 1 for is_unsafe, share in zip(unsafe, shares, strict=True)]
    opened = [n for n in range(1, len(shares)) if shares[n] >= 1 > shares[n - 1]]
    after = max((n for n, is_unsafe in enumerate(unsafe) if is_unsafe), default=None)
    return Measure(
        policy=policy,
        episode=episode,
        openings=len(opened),
        false_openings=sum(unsafe[n] for n in opened),
        false_safe=sum(false),
        weighted_false_safe=sum(s for s, is_unsafe in zip(shares, unsafe, strict=True) if is_unsafe),
        hold=sum(1 - s for s, is_unsafe in zip(shares, unsafe, strict=True) if not is_unsafe),
        early=any(false),
        first_retry=None if after is None else _delay(shares[after + 1 :], lambda share: share > 0),
        normal=None if after is None else _delay(shares[after + 1 :], lambda share: share >= 1),
    )


def metrics(measures: Sequence[Measure]) -> dict[str, Any]:
    """One policy's figures over its measures, by the names that ``brownout score --json`` prints."""
    episodes = _by_episode(measures)
    hours = _total(episodes, lambda m: m.episode.open_minutes) / 60
    openings = sum(m.openings for m in measures)
    false = sum(m.false_openings for m in measures)
    return {
        "episodes": len(episodes),
        "incident_hours": round(hours, 1),
        "openings": openings,
        "false_openings": false,
        "false_openings_per_100": _ratio(100 * false, openings),
        "false_openings_ci95": _interval(
            [(sum(m.false_openings for m in e), sum(m.openings for m in e)) for e in episodes]
        ),
        "false_safe_min_per_incident_hour": _ratio(_total(episodes, lambda m: m.false_safe), hours),
        "weighted_false_safe_min_per_incident_hour": _ratio(_total(episodes, lambda m: m.weighted_false_safe), hours),
        "early_openings": sum(any(m.early for m in e) for e in episodes),
        "hold_min_per_episode": _ratio(_total(episodes, lambda m: m.hold), len(episodes)),
        "first_retry_delay_min": _quantiles(_worst(m.first_retry for m in e) for e in episodes),
        "normal_delay_min": _quantiles(_worst(m.normal for m in e) for e in episodes),
    }


def quantile(values: Sequence[float], level: float) -> float:
    """The value below which this share of them lies, straight between neighbours; ``values`` ascending, not empty."""
    place = level * (len(values) - 1)
    below, above = math.floor(place), math.ceil(place)
    return round(values[below] + (values[above] - values[below]) * (place - below), 2)


def _delay(shares: Sequence[float], allows: Callable[[float], bool]) -> float:
    return next((n for n, share in enumerate(shares) if allows(share)), len(shares))


def _by_episode(measures: Iterable[Measure]) -> list[list[Measure]]:
    found: dict[str, list[Measure]] = {}
    for m in measures:
        found.setdefault(f"{m.episode.provider} {m.episode.id}", []).append(m)
    return list(found.values())


def _interval(pairs: Sequence[tuple[float, float]]) -> list[float] | None:
    """95 % of what the ratio per 100 would be over other draws of as many episodes; the seed is fixed."""
    draw = random.Random(SEED)  # noqa: S311 - a bootstrap, no secret
    found = []
    for _ in range(RESAMPLES if pairs else 0):
        drawn = draw.choices(pairs, k=len(pairs))
        if below := sum(openings for _, openings in drawn):
            found.append(100 * sum(false for false, _ in drawn) / below)
    found.sort()
    return [round(quantile(found, 0.025), 2), round(quantile(found, 0.975), 2)] if found else None


def _total(episodes: Iterable[Sequence[Measure]], of: Callable[[Measure], float]) -> float:
    return sum(sum(of(m) for m in e) / len(e) for e in episodes)


def _ratio(above: float, below: float) -> float | None:
    return round(above / below, 3) if below else None


def _worst(values: Iterable[float | None]) -> float | None:
    return max((v for v in values if v is not None), default=None)


def _quantiles(values: Iterable[float | None]) -> dict[str, float | None]:
    found = sorted(v for v in values if v is not None)
    return {"p50": quantile(found, 0.5), "p90": quantile(found, 0.9)} if found else {"p50": None, "p90": None}
