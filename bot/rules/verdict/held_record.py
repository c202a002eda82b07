"""How many re-openings held for an hour on recorded histories, by advice and rule. Generated: do not edit.

``python -m tests.evaluation.scores --write`` writes this file and the tables of ``bot/docs/accuracy.md``, from the
recordings of 2021 to 2024 that this page names.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain import Verdict

WITHIN_MIN = 60
# advice -> rule -> (held, of)
HELD: Mapping[str, Mapping[str, tuple[int, int]]] = {
    "retry_gently": {
        "crowded": (39, 41),
        "recovering": (306, 329),
        "recovering_flapping": (27, 28),
        "residual_errors": (27, 32),
        "resolved_recently": (230, 252),
    },
    "retry_normally": {
        "quiet": (530, 555),
        "recovered": (103, 112),
    },
}
MIN_OPENINGS = 10  # of fewer, a share says nothing


def held_of(verdict: Verdict) -> tuple[int, int] | None:
    """How many re-openings by this verdict's rule held, of how many; None where there were hardly any."""
    found = HELD.get(str(verdict.call), {}).get(verdict.reason_code)
    return found if found is not None and found[1] >= MIN_OPENINGS else None


def held_text(verdict: Verdict) -> str:
    """The same as a sentence for people; empty where there is no record."""
    found = held_of(verdict)
    if found is None:
        return ""
    held, of = found
    return f"On recorded histories, {held} of {of} such re-openings held for an hour."
