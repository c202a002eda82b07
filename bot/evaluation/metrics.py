"""Measures policies in episodes, and aggregates the measures into the metrics of ``brownout score``.

An *opening* is a change to normal load; it is *false* where its first minute is unsafe. Unsafe minutes in which the
policy allowed normal load are *false-safe*; the weighted figure also counts partial load by its share. *Hold* is the
load share withheld in safe minutes. Delays run from the last unsafe minute; where a policy does not open again, the
rest of the episode counts. The surfaces of one incident (truth C) are one episode: durations are averaged, of delays
the longest counts (bot/docs/verdict-rules.md#evaluation). Minutes in gaps of the recording count for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.evaluation import bootstrap
from bot.evaluation.bootstrap import quantile
from bot.evaluation.ground_truth import TrueOutage
from bot.evaluation.policies import Opening, Policy

HELD_FOR_MIN = 60  # an opening held if the surface was safe for so long

__all__ = ["Measure", "aggregate_metrics", "compare_metrics", "held_openings", "measure_policy", "quantile"]


@dataclass(frozen=True, slots=True)
class Measure:
    """The result of one policy in one episode. Durations and delays are in minutes.

    ``first_retry`` (to any load) and ``normal`` (to full load) are None where no minute was unsafe, and where a gap in
    the recording hides when it was. ``held`` says of each opening of Brownout's own rules, with the advice and the rule
    that gave it, whether the surface stayed safe for an hour.
    """

    policy: str
    episode: TrueOutage
    openings: int
    false_openings: int
    false_safe: float
    weighted_false_safe: float
    hold: float
    early: bool
    first_retry: float | None
    normal: float | None
    held: tuple[tuple[Opening, bool], ...] = ()


def measure_policy(policy: str, loads: Policy, episode: TrueOutage) -> Measure:
    """Measures one policy in one episode."""
    start, stop = episode.span
    shares = loads.exposures(episode.span)
    minutes = range(start, stop)
    unsafe = [m in episode.unsafe for m in minutes]
    seen = [m not in episode.unseen for m in minutes]
    false_safe = [is_unsafe and share >= 1 for is_unsafe, share in zip(unsafe, shares, strict=True)]
    openings = [n for n in range(1, len(shares)) if seen[n] and shares[n] >= 1 > shares[n - 1]]
    after = max((n for n, is_unsafe in enumerate(unsafe) if is_unsafe), default=None)
    rest = (shares[after + 1 :], seen[after + 1 :]) if after is not None else None
    return Measure(
        policy=policy,
        episode=episode,
        openings=len(openings),
        false_openings=sum(unsafe[n] for n in openings),
        false_safe=sum(false_safe),
        weighted_false_safe=sum(s for s, is_unsafe in zip(shares, unsafe, strict=True) if is_unsafe),
        hold=sum(1 - s for s, u, is_seen in zip(shares, unsafe, seen, strict=True) if is_seen and not u),
        early=any(false_safe),
        first_retry=None if rest is None else _minutes_until(*rest, lambda share: share > 0),
        normal=None if rest is None else _minutes_until(*rest, lambda share: share >= 1),
        held=tuple(
            (o, episode.unsafe.isdisjoint(range(o.minute, o.minute + HELD_FOR_MIN)))
            for o in loads.openings
            if start <= o.minute < stop and o.minute not in episode.unseen
        ),
    )


def aggregate_metrics(measures: Sequence[Measure]) -> dict[str, Any]:
    """Aggregates the measures of one policy into the figures of ``brownout score --json``."""
    columns = _Columns.of(_group_by_episode(measures))
    everything = range(len(columns.openings))
    figures = columns.figures(everything)
    intervals = bootstrap.intervals(len(everything), columns.figures)
    rounded = {name: _rounded(value) for name, value in figures.items()}
    total = sum(columns.hours) + sum(columns.unseen_hours)
    return {
        "episodes": len(everything),
        "incident_hours": round(sum(columns.hours), 1),
        "unseen_share": _rounded(_ratio(sum(columns.unseen_hours), total)),
        "openings": sum(columns.openings),
        "false_openings": sum(columns.false_openings),
        "false_openings_per_100": rounded["false_openings_per_100"],
        "false_openings_ci95": intervals.get("false_openings_per_100"),
        **{name: rounded[name] for name in _MINUTES},
        **{f"{name}_ci95": intervals.get(name) for name in _MINUTES},
        "early_openings": sum(columns.early),
        "early_openings_ci95": intervals.get("early_openings"),
        **{
            name: {level: figures[f"{name}_{level}"] for level in ("p50", "p90")}
            | {f"{level}_ci95": intervals.get(f"{name}_{level}") for level in ("p50", "p90")}
            for name in _DELAYS
        },
    }


def held_openings(measures: Sequence[Measure]) -> dict[str, dict[str, Any]]:
    """By advice and by rule, how many openings there were and how many held, with the share's 95 % interval."""
    episodes = list(_group_by_episode(measures).values())
    found: dict[str, dict[str, Any]] = {}
    keys = sorted({(str(o.call), o.rule) for m in measures for o, _ in m.held})
    for call, rule in keys:
        counts = [
            [is_held for m in e for o, is_held in m.held if (str(o.call), o.rule) == (call, rule)] for e in episodes
        ]
        own = [c for c in counts if c]

        def share(sample: Sequence[int], own: Sequence[Sequence[bool]] = own) -> dict[str, float | None]:
            return {"share": _ratio(sum(sum(own[n]) for n in sample), sum(len(own[n]) for n in sample))}

        of, held = sum(map(len, own)), sum(map(sum, own))
        interval = bootstrap.intervals(len(own), share)["share"]
        found.setdefault(call, {})[rule] = {"held": held, "of": of, "share": _rounded(held / of), "ci95": interval}
    return found


def compare_metrics(ours: Sequence[Measure], other: Sequence[Measure]) -> dict[str, Any]:
    """The figures of two policies in the same episodes, and the interval of the difference, paired by episode.

    Each figure is ``{"ours", "other", "difference", "ci95"}``; the difference is ours less the other's.
    """
    groups, other_groups = _group_by_episode(ours), _group_by_episode(other)
    names = [name for name in groups if name in other_groups]
    mine = _Columns.of({name: groups[name] for name in names})
    theirs = _Columns.of({name: other_groups[name] for name in names})

    def differences(sample: Sequence[int]) -> dict[str, float | None]:
        ours_now, theirs_now = mine.figures(sample), theirs.figures(sample)
        return {name: _difference(value, theirs_now[name]) for name, value in ours_now.items()}

    everything = range(len(names))
    ours_all, theirs_all, found = mine.figures(everything), theirs.figures(everything), differences(everything)
    intervals = bootstrap.intervals(len(names), differences)
    return {"episodes": len(names)} | {
        name: {
            "ours": _rounded(ours_all[name]),
            "other": _rounded(theirs_all[name]),
            "difference": _rounded(found[name]),
            "ci95": intervals.get(name),
        }
        for name in ours_all
    }


_MINUTES = (
    "false_safe_min_per_incident_hour",
    "weighted_false_safe_min_per_incident_hour",
    "hold_min_per_episode",
)
_DELAYS = ("first_retry_delay_min", "normal_delay_min")


@dataclass(frozen=True, slots=True)
class _Columns:
    """What the figures are computed from, one value per episode."""

    openings: Sequence[int]
    false_openings: Sequence[int]
    hours: Sequence[float]
    unseen_hours: Sequence[float]
    false_safe: Sequence[float]
    weighted: Sequence[float]
    hold: Sequence[float]
    early: Sequence[bool]
    first_retry: Sequence[float | None]
    normal: Sequence[float | None]

    @classmethod
    def of(cls, episodes: Mapping[str, Sequence[Measure]]) -> _Columns:
        groups = episodes.values()
        return cls(
            [sum(m.openings for m in e) for e in groups],
            [sum(m.false_openings for m in e) for e in groups],
            [_mean(e, lambda m: m.episode.open_minutes) / 60 for e in groups],
            [_mean(e, lambda m: m.episode.unseen_open_minutes) / 60 for e in groups],
            [_mean(e, lambda m: m.false_safe) for e in groups],
            [_mean(e, lambda m: m.weighted_false_safe) for e in groups],
            [_mean(e, lambda m: m.hold) for e in groups],
            [any(m.early for m in e) for e in groups],
            [_max_or_none(m.first_retry for m in e) for e in groups],
            [_max_or_none(m.normal for m in e) for e in groups],
        )

    def figures(self, sample: Sequence[int]) -> dict[str, float | None]:
        """The figures of these episodes, each as often as it is in the sample."""

        def total(column: Sequence[float]) -> float:
            return sum(map(column.__getitem__, sample))

        hours = total(self.hours)
        figures: dict[str, float | None] = {
            "false_openings_per_100": _ratio(100 * total(self.false_openings), total(self.openings)),
            "false_safe_min_per_incident_hour": _ratio(total(self.false_safe), hours),
            "weighted_false_safe_min_per_incident_hour": _ratio(total(self.weighted), hours),
            "early_openings": total(self.early),
            "hold_min_per_episode": _ratio(total(self.hold), len(sample)),
        }
        for name, column in zip(_DELAYS, (self.first_retry, self.normal), strict=True):
            ascending = sorted(v for v in map(column.__getitem__, sample) if v is not None)
            figures[f"{name}_p50"] = quantile(ascending, 0.5) if ascending else None
            figures[f"{name}_p90"] = quantile(ascending, 0.9) if ascending else None
        return figures


def _minutes_until(shares: Sequence[float], seen: Sequence[bool], allows: Callable[[float], bool]) -> float | None:
    minutes = next((n for n, share in enumerate(shares) if allows(share)), len(shares))
    return minutes if all(seen[: minutes + 1]) else None


def _group_by_episode(measures: Iterable[Measure]) -> dict[str, list[Measure]]:
    groups: dict[str, list[Measure]] = {}
    for m in measures:
        groups.setdefault(f"{m.episode.provider} {m.episode.id}", []).append(m)
    return groups


def _mean(episode: Sequence[Measure], of: Callable[[Measure], float]) -> float:
    return sum(of(m) for m in episode) / len(episode)


def _ratio(numerator: float, denominator: float) -> float | None:
    return numerator / denominator if denominator else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _difference(ours: float | None, other: float | None) -> float | None:
    return None if ours is None or other is None else ours - other


def _max_or_none(values: Iterable[float | None]) -> float | None:
    return max((v for v in values if v is not None), default=None)
