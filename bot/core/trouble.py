"""Bad components that no incident accounts for -> incidents of our own, which the vendor has not posted. Pure.

Each is keyed by its surface and its start. What was bad at the first look is a baseline, what lasts less than three
minutes is the vendor's own order of work (components first, words after), and what comes back soon is the same trouble.
When the vendor posts an incident on it, that takes the trouble over as it does a suspicion: they are one message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.core import diff, events
from bot.core.takeover import takes
from bot.model import Bare, Basis, Ending, Event, EventKind, Hit, Impact, Incident, Known, Provider, Stage, World

RIPE = timedelta(minutes=3)


def follow(
    before: World, world: World, at: datetime, provider: Provider, *, rejoin: timedelta
) -> tuple[World, tuple[Event, ...]]:
    """The world with its unposted troubles after a look, and the events of those that began or ended.

    ``rejoin``: bad again within so long after it was clear is the same trouble.
    """
    bad = {h.surface: h for h in world.hits if not h.incident and h.condition.is_bad and h.basis is not Basis.WITNESS}
    met = {b.surface: b.since for b in before.bare}
    bare = tuple(Bare(s, met.get(s, at)) for s in bad)
    told = {k.surfaces[0]: k for k in world.open_incidents if k.incident.is_unposted}
    is_first = before.seen_at is None
    began = [
        _begun(b, world, at, provider, rejoin=rejoin, is_baseline=is_first)
        for b in bare
        if b.surface not in told and (is_first or at - b.since >= RIPE)
    ]
    ended = [_ended(k, world, at) for s, k in told.items() if s not in bad and not k.incident.is_suspected]
    known = {k.incident.id: k for k in (*world.incidents, *began, *ended)}
    for ours in ended:
        if ours.joined:
            known[ours.joined] = takes(known[ours.joined], [ours.incident.id], ours.lead)
    rows = (
        *(_began(k, bad, world.provider, at, is_baseline=is_first) for k in began),
        *(_closing(k, world.provider, at) for k in ended),
    )
    return replace(world, incidents=tuple(known.values()), bare=bare), rows


def _begun(
    bare: Bare, world: World, at: datetime, provider: Provider, *, rejoin: timedelta, is_baseline: bool
) -> Known:
    for known in world.incidents:
        is_same = known.incident.is_unposted and known.surfaces == (bare.surface,) and known.ending is Ending.CLEARED
        if is_same and known.closed_at is not None and at - known.closed_at <= rejoin:
            return replace(known, closed_at=None, ending=None, freed=())
    name = f"{provider.surface(bare.surface).name} is bad on the page, and no incident is posted"
    incident = Incident(
        id=f"{bare.surface}@{bare.since:%Y-%m-%dT%H:%MZ}",
        name=name,
        stage=Stage.UNKNOWN,
        impact=Impact.UNKNOWN,
        created_at=bare.since,
        is_unposted=True,
    )
    return Known(incident, at, (bare.surface,), is_baseline=is_baseline)


def _ended(known: Known, world: World, at: datetime) -> Known:
    """Its component is no longer bad; or an incident of the vendor's accounts for it, and goes on with its message."""
    surface = known.surfaces[0]
    posted = [h.incident for h in world.hits if h.incident and h.surface == surface and h.condition.is_bad]
    taker = next((i for i in posted if (k := world.known(i)) and not k.is_baseline), None)
    return replace(known, closed_at=at, ending=Ending.POSTED if posted else Ending.CLEARED, joined=taker)


def _began(known: Known, bad: Mapping[str, Hit], provider: str, at: datetime, *, is_baseline: bool) -> Event:
    surface, incident = known.surfaces[0], known.incident
    return Event(
        EventKind.TROUBLE_BEGAN,
        provider,
        at,
        happened_at=incident.created_at if known.seen_at == at else at,
        incident=incident.id,
        surface=surface,
        condition=bad[surface].condition,
        reason="; ".join(bad[surface].grounds),
        reason_code="unposted",
        text=incident.name,
        is_baseline=is_baseline,
    )


def _closing(known: Known, provider: str, at: datetime) -> Event:
    ending = known.ending or Ending.CLEARED
    return replace(events.of_change(diff.Closed(known.incident, ending, at), provider, at), surface=known.surfaces[0])
