"""Finds other providers in trouble that the words of an incident name: Cursor's incident that names Claude's. No I/O.

Only providers that have an open incident of their own count, and only names that are written as they write them: a text
that says *linear* does not name Linear. It is a hint for people, and changes no advice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bot.domain import Alert, Incident, Provider, ProviderState, Stage, TrackedIncident, Upstream

MIN_NAME = 4  # characters; shorter names are too often something else
MAX_UPSTREAM = 3
_NOT_TROUBLE = (Stage.SCHEDULED,)


def with_upstream(
    alert: Alert, incident: Incident, providers: Mapping[str, Provider], states: Mapping[str, ProviderState]
) -> Alert:
    """The alert with the open incidents of other providers that its incident's words name.

    They count as earlier incidents that it follows: a channel that has a message about one gets no broadcasts of this
    one beside it.
    """
    if alert.is_maintenance or alert.closed_at is not None:
        return alert
    found = tuple(find_upstream(incident, alert.provider, providers, states))[:MAX_UPSTREAM]
    follows = (*alert.follows, *(u.incident for u in found if u.incident not in alert.follows))
    return replace(alert, upstream=found, follows=follows) if found else alert


def find_upstream(
    incident: Incident, own: str, providers: Mapping[str, Provider], states: Mapping[str, ProviderState]
) -> Iterator[Upstream]:
    """Yields the first open incident of each other provider that the texts name, in the order of the catalogue."""
    texts = (incident.name, *(update.body for update in incident.updates))
    for provider_id, provider in providers.items():
        state = states.get(provider_id)
        if provider_id == own or state is None:
            continue
        trouble = next(_earlier_troubles(state, (incident.created_at, own)), None)
        if trouble is None or not _is_named(provider, texts, providers[own]):
            continue
        url = trouble.incident.url or provider.source.home or provider.source.url
        yield Upstream(provider_id, provider.name, trouble.incident.id, url)


def _earlier_troubles(state: ProviderState, than: tuple[datetime, str]) -> Iterator[TrackedIncident]:
    """Yields the open incidents that affect a surface and began before; so two incidents never follow each other."""
    for tracked in state.open_incidents:
        is_trouble = not tracked.incident.is_maintenance and tracked.incident.stage not in _NOT_TROUBLE
        if is_trouble and tracked.surfaces and (tracked.incident.created_at, state.provider) < than:
            yield tracked


def _is_named(provider: Provider, texts: Sequence[str], own: Provider) -> bool:
    names = {provider.name, provider.vendor, *(s.name for s in provider.surfaces)}
    own_names = {own.name, own.vendor, *(s.name for s in own.surfaces)}
    wanted = [
        name
        for name in names
        if len(name) >= MIN_NAME and any(name in text for text in texts) and not any(name in o for o in own_names)
    ]
    if not wanted:  # as nearly always; a pattern takes a hundred times as long to compile
        return False
    pattern = re.compile(rf"(?<![\w.-])(?:{'|'.join(map(re.escape, sorted(wanted, key=len, reverse=True)))})(?!\w)")
    return any(pattern.search(text) for text in texts)
