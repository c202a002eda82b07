"""Notes probes that fail while other evidence is well, so that the operators are asked to check them. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain import EvidenceState, ProviderState
from bot.rules.evidence.signals import Signal, evaluate_signals

ASK_AFTER = timedelta(hours=1)  # a probe that is contradicted for so long may be broken itself
ASK_AGAIN_AFTER = timedelta(days=1)


def note_disputes(states: Iterable[EvidenceState], at: datetime) -> tuple[EvidenceState, ...]:
    """Returns the states with since when a probe of each is contradicted, and when its operators are asked."""
    return tuple(_with_dispute(state, at) for state in states)


def _with_dispute(state: EvidenceState, at: datetime) -> EvidenceState:
    signals = evaluate_signals(state, at)
    if not signals.is_probe_doubtful:
        return state if state.disputed_since is None else replace(state, disputed_since=None)
    since = state.disputed_since or at
    is_due = at - since >= ASK_AFTER and (state.asked_at is None or at - state.asked_at >= ASK_AGAIN_AFTER)
    return replace(state, disputed_since=since, asked_at=at if is_due else state.asked_at)


def new_questions(before: ProviderState, after: ProviderState, at: datetime) -> Iterator[tuple[EvidenceState, Signal]]:
    """Yields the surfaces about whose probe the operators are to be asked now, with what the probe signals."""
    asked = {t.surface: t.asked_at for t in before.testimonies}
    for state in after.testimonies:
        if state.asked_at is not None and state.asked_at != asked.get(state.surface):
            yield state, evaluate_signals(state, at).probe
