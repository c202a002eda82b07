"""How fast each writer may write: a name and the time -> whether it may now, or how long it waits. In memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

BURST = 60  # writes at once
PER_S = 1.0  # and so many a second after that


@dataclass(slots=True)
class Pace:
    """A bucket per name. ``clock`` counts seconds from anywhere and never back."""

    clock: Callable[[], float]
    burst: float = BURST
    per_s: float = PER_S
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)

    def wait(self, name: str) -> float:
        """0 and one write is counted; or how many seconds to wait, and none is."""
        now = self.clock()
        left, since = self._left.get(name, (self.burst, now))
        left = min(self.burst, left + (now - since) * self.per_s)
        if left < 1:
            self._left[name] = left, now
            return (1 - left) / self.per_s
        self._left[name] = left - 1, now
        return 0.0
