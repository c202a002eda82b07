"""What people of a channel say of a service, applied to the verdicts that this channel reads. No I/O.

It is theirs alone: no other channel, no alert of another channel and no program that does not ask for the channel sees
it. It ends by itself. See bot/docs/alerts.md#overrides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from bot.domain import Advice, Override, OverrideKind, ProviderState, Verdict

REASON_CODES = {OverrideKind.NOT_US: "override_not_us", OverrideKind.BROKEN: "override_broken"}
_SAYS = {
    OverrideKind.NOT_US: "its trouble does not affect this channel",
    OverrideKind.BROKEN: "it is broken for this channel",
}


def active(overrides: Iterable[Override], at: datetime) -> dict[str, Override]:
    """The overrides that count at this moment, by surface."""
    return {o.surface: o for o in overrides if o.mark.at <= at < o.until}


def with_overrides(
    state: ProviderState, overrides: Mapping[str, Override], at: datetime, *, is_named: bool = True
) -> ProviderState:
    """The state with the verdicts as this channel reads them; ``is_named``: with the names of the people."""
    if not any(v.surface in overrides for v in state.verdicts):
        return state
    verdicts = tuple(
        override_verdict(v, overrides[v.surface], at, is_named=is_named) if v.surface in overrides else v
        for v in state.verdicts
    )
    return replace(state, verdicts=verdicts)


def override_verdict(verdict: Verdict, override: Override, at: datetime, *, is_named: bool = True) -> Verdict:
    """The verdict that the override makes of this one; its reason says whose it is, and what it replaces."""
    is_free = override.kind is OverrideKind.NOT_US
    phrase = "Safe to retry" if is_free else "Don't retry"
    who = override.mark.by.name if is_named and override.mark.by.name else "a person of this channel"
    day = "" if override.until.date() == at.date() else f"{override.until.day} {override.until:%b} "
    because = (
        f"{who} says that {_SAYS[override.kind]}, until {day}{override.until:%H:%M} UTC; without that: {verdict.reason}"
    )
    return replace(
        verdict,
        call=Advice.RETRY_NORMALLY if is_free else Advice.HOLD_OFF,
        exposure=1.0 if is_free else 0.0,
        reason=f"{phrase}: {because}",
        because=because.rstrip("."),
        reason_code=REASON_CODES[override.kind],
        instead=None if is_free else verdict.instead,
        changes_at=override.until,
        inferred=False,
    )
