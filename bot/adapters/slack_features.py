"""Which of its newer features Slack takes from this app: tried, and after a refusal not again for a day.

Slack offers some features in some workspaces only, or to apps with a certain setting, and no method says which. So each
is tried, with something older to fall back to (bot/docs/slack-limits.md#newer-features).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

RETRY_AFTER = timedelta(days=1)
WORK_OBJECTS, LINK_CARDS = "Work Objects", "cards of links"
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class SlackFeatures:
    """What Slack has refused lately. ``now`` is the clock."""

    now: Callable[[], datetime]
    _refused_at: dict[str, datetime] = field(default_factory=dict)

    def may_use(self, feature: str) -> bool:
        """Whether the feature may be tried."""
        refused_at = self._refused_at.get(feature)
        return refused_at is None or not timedelta() <= self.now() - refused_at < RETRY_AFTER

    def record_refusal(self, feature: str, code: str, instead: str) -> None:
        """Does without the feature for a day. The first refusal is logged, with what is sent instead."""
        if feature not in self._refused_at:
            _log.info("Slack takes no %s (%s): %s; tried again once a day", feature, code, instead)
        self._refused_at[feature] = self.now()

    def forget(self) -> None:
        """Tries everything again; for a token of another workspace."""
        self._refused_at.clear()
