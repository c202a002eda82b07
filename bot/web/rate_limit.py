"""Limits how fast each token may write, with a token bucket per name. In memory only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

BURST = 60  # writes at once
RATE_PER_S = 1.0  # writes a second after that


@dataclass(slots=True)
class RateLimiter:
    """A token bucket per name. ``clock`` is a monotonic clock in seconds."""

    clock: Callable[[], float]
    burst: float = BURST
    per_s: float = RATE_PER_S
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)

    def try_acquire(self, name: str) -> float:
        """Counts one write and returns 0; or returns the seconds to wait, and counts none."""
        now = self.clock()
        tokens, updated_at = self._buckets.get(name, (self.burst, now))
        tokens = min(self.burst, tokens + (now - updated_at) * self.per_s)
        if tokens < 1:
            self._buckets[name] = tokens, now
            return (1 - tokens) / self.per_s
        self._buckets[name] = tokens - 1, now
        return 0.0
