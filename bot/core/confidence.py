"""A track and a moment -> how likely the surface stays good for the next hour. A table, measured, page evidence only.

confidence = 1 - P(bad again within 60 min | clean for r min), from safe-to-retry.md C.7; the risk doubles after a
relapse or where the newest words speak of errors that remain.
"""

from __future__ import annotations

from datetime import datetime

from bot.model import Track, VerdictRules

# (clean minutes, risk): the risk of the last line whose minutes are reached
AFTER_MONITORING = ((0, 0.068), (5, 0.053), (15, 0.039), (30, 0.026))
AFTER_RESOLVED = ((0, 0.043), (15, 0.037), (30, 0.029), (60, 0.028), (240, 0.023), (480, 0.004))
MEDIUM = 0.9


def confidence(track: Track, at: datetime, rules: VerdictRules) -> float | None:
    """0 to 1; None while it is bad or was never looked at, where the question makes no sense."""
    if track.bad or track.watched_since is None:
        return None
    is_open = any(h.open for h in track.incidents)
    since = track.bad_until or track.watched_since
    clean = (at - since).total_seconds() / 60
    table = AFTER_MONITORING if is_open else AFTER_RESOLVED
    risk = next((r for start, r in reversed(table) if clean >= start), table[0][1])
    shaky = track.residual_since is not None or any(at - t < rules.flap_lasts for t in track.relapses)
    return round(1 - risk * (2 if shaky else 1), 3)


def level(value: float | None, *, is_probed: bool = False) -> str | None:
    """The number as a word. Where only a page speaks, it is never more than medium (C.7): blind minutes come first."""
    if value is None:
        return None
    good = "high" if is_probed else "medium"
    return good if value >= MEDIUM else "low"
