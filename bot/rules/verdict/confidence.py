"""How likely a surface stays good for the next hour, by measured relapse rates.

confidence = 1 - P(bad again within 60 min | clean for r min), from bot/docs/verdict-rules.md#confidence; the risk
doubles after a relapse, and where the newest update speaks of errors that remain. Only the page's evidence counts.
"""

from __future__ import annotations

from datetime import datetime

from bot.domain import SurfaceHistory, VerdictParameters

# (clean minutes, risk); the last row whose minutes are reached applies
RELAPSE_RATE_AFTER_MONITORING = ((0, 0.068), (5, 0.053), (15, 0.039), (30, 0.026))
RELAPSE_RATE_AFTER_RESOLVED = ((0, 0.043), (15, 0.037), (30, 0.029), (60, 0.028), (240, 0.023), (480, 0.004))
MEDIUM_THRESHOLD = 0.9


def confidence(history: SurfaceHistory, at: datetime, rules: VerdictParameters) -> float | None:
    """The probability (0 to 1) that the surface stays good for an hour; None while bad or before the first poll."""
    if history.bad or history.watched_since is None:
        return None
    is_open = any(h.open for h in history.incidents)
    clean_since = history.bad_until or history.watched_since
    clean_minutes = (at - clean_since).total_seconds() / 60
    table = RELAPSE_RATE_AFTER_MONITORING if is_open else RELAPSE_RATE_AFTER_RESOLVED
    risk = next((r for start, r in reversed(table) if clean_minutes >= start), table[0][1])
    is_risk_doubled = history.residual_since is not None or any(at - t < rules.flap_lasts for t in history.relapses)
    return round(1 - risk * (2 if is_risk_doubled else 1), 3)


def confidence_level(value: float | None, *, is_probed: bool = False) -> str | None:
    """``high``, ``medium`` or ``low``; None without a value.

    Without a probe (``is_probed``) it is at most medium, since a page shows an outage minutes after it begins.
    """
    if value is None:
        return None
    best_level = "high" if is_probed else "medium"
    return best_level if value >= MEDIUM_THRESHOLD else "low"
