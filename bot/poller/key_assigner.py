"""Gives incidents their keys, which are unique over all sources (bot.domain.incident_keys). No I/O."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace

from bot.domain import ProviderState, Snapshot, incident_keys

HolderLookup = Callable[[Iterable[str]], Awaitable[Iterable[tuple[str, str]]]]
_MAX_CLAIMED = 20_000  # ids; by then the older ones are recorded


async def no_holders(_keys: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Nothing is recorded."""
    return ()


@dataclass(slots=True)
class KeyAssigner:
    """Assigns keys to incidents of all sources.

    ``key_holders`` returns source and key of the recorded incidents that have one of these keys.
    """

    key_holders: HolderLookup
    _claimed: dict[str, str] = field(default_factory=dict)  # source of ids that may not be recorded yet, by id

    async def with_keys(self, state: ProviderState, snapshot: Snapshot) -> Snapshot:
        """The snapshot with every incident under its key."""
        listed = [*(snapshot.incidents or ()), *(snapshot.maintenances or ())]
        tracked = {incident_keys.vendor_id(state.provider, k.incident.id): k.incident.id for k in state.incidents}
        others = tuple(incident_keys.with_key(i, tracked) for i in snapshot.elsewhere)
        snapshot = replace(snapshot, elsewhere=others)
        return incident_keys.with_keys(snapshot, await self._keys(state, [i.id for i in listed]))

    async def _keys(self, state: ProviderState, ids: Iterable[str]) -> dict[str, str]:
        """The keys of those ids that are not their own keys.

        Ids that are new are claimed for this source, since another poll may see the same id before this one is
        recorded.
        """
        provider_id, tracked_keys = state.provider, {k.incident.id for k in state.incidents}
        qualified = {i: incident_keys.qualified_key(provider_id, i) for i in ids}
        keys = {i: q for i, q in qualified.items() if q in tracked_keys}
        new = [i for i, q in qualified.items() if q not in tracked_keys and i not in tracked_keys]
        if new:
            recorded = await self.key_holders([*new, *(qualified[i] for i in new)])
            claimed = ((self._claimed[i], i) for i in new if i in self._claimed)
            keys |= incident_keys.assign_keys(provider_id, new, (*recorded, *claimed))
            if len(self._claimed) > _MAX_CLAIMED:
                self._claimed.clear()
            self._claimed.update((i, provider_id) for i in new if i not in keys)
        return keys
