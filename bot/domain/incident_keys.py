"""The key of an incident: what identifies it in the whole database, in messages and buttons, and for commands.

A vendor's id is unique on its own page only. The key is the vendor's id where no other source has an incident with it,
and otherwise the source and the id (``acme~1042``); see bot/docs/decisions.md#rule-1-ids-are-the-only-keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from bot.domain.snapshot import Incident, Snapshot

SEPARATOR = "~"  # not in a source's id, and safe in the path of a URL


def qualified_key(source: str, incident_id: str) -> str:
    """The key of an incident whose id another source has too."""
    return f"{source}{SEPARATOR}{incident_id}"


def vendor_id(source: str, key: str) -> str:
    """The vendor's own id of an incident with this key."""
    return key.removeprefix(f"{source}{SEPARATOR}")


def assign_keys(source: str, ids: Iterable[str], holders: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The key of each id that is not its own key.

    Args:
        source: The source whose page has these ids.
        ids: The vendor's ids.
        holders: Source and key of known incidents. A key that was given once stays.
    """
    held = set(holders)
    elsewhere = {key for holder, key in held if holder != source}
    keys = {}
    for incident_id in ids:
        qualified = qualified_key(source, incident_id)
        is_own = (source, incident_id) in held
        if (source, qualified) in held or (incident_id in elsewhere and not is_own):
            keys[incident_id] = qualified
    return keys


def with_key(incident: Incident, keys: Mapping[str, str]) -> Incident:
    """The incident under its key."""
    return replace(incident, id=keys[incident.id]) if incident.id in keys else incident


def with_keys(snapshot: Snapshot, keys: Mapping[str, str]) -> Snapshot:
    """The snapshot with its incidents and maintenances under their keys."""
    if not keys:
        return snapshot
    incidents, maintenances = (
        None if listed is None else tuple(with_key(i, keys) for i in listed)
        for listed in (snapshot.incidents, snapshot.maintenances)
    )
    return replace(snapshot, incidents=incidents, maintenances=maintenances)
