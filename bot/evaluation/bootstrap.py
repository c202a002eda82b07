"""Confidence intervals by bootstrap over episodes, with a fixed seed: the same recording gives the same figures."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence

SEED = 20260302
RESAMPLES = 1000
Figures = Mapping[str, float | None]


def intervals(count: int, figures_of: Callable[[Sequence[int]], Figures]) -> dict[str, list[float] | None]:
    """The 95 % interval of each figure; None where a figure has no value in any sample.

    Args:
        count: The number of episodes.
        figures_of: Computes the figures of a sample, which is given as indexes of episodes, each as often as drawn.
    """
    rng = random.Random(SEED)  # noqa: S311 - a bootstrap, no secret
    everything = range(count)
    values: dict[str, list[float]] = {}
    for _ in range(RESAMPLES if count else 0):
        for name, value in figures_of(rng.choices(everything, k=count)).items():
            found = values.setdefault(name, [])
            if value is not None:
                found.append(value)
    return {name: _interval(sorted(found)) for name, found in values.items()}


def quantile(values: Sequence[float], level: float) -> float:
    """The quantile at ``level`` (0 to 1) with linear interpolation. ``values`` must be sorted and not empty."""
    position = level * (len(values) - 1)
    below, above = math.floor(position), math.ceil(position)
    return round(values[below] + (values[above] - values[below]) * (position - below), 2)


def _interval(ascending: Sequence[float]) -> list[float] | None:
    return [round(quantile(ascending, 0.025), 2), round(quantile(ascending, 0.975), 2)] if ascending else None
