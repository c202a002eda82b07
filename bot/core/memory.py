"""What a world knew of incidents, and a look or its hits -> what it knows of them now. Pure.

An incident stays as it was until the page shows it again, or shows that it ended; it lets go of a surface once that is
normal again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.core import diff, events, missed
from bot.model import Call, Ending, Hit, Incident, Known, Look, Provider, Snapshot, Weight, World

REMEMBER = timedelta(hours=24)  # an ended incident stays in the world so long, for repeats and for its alert's end


def after(
    world: World, seen: Look, page: Snapshot, changes: Iterable[diff.Change], provider: Provider
) -> tuple[Known, ...]:
    """The incidents after a look that saw this page, and these changes in it."""
    return tuple(_late(known, world, seen, provider) for known in _shown(world, seen, page, changes))


def has_aged(known: Known, before: datetime, at: datetime) -> bool:
    """Whether it became old enough to be forgotten between two looks."""
    return known.closed_at is not None and before - known.closed_at <= REMEMBER < at - known.closed_at


def drawn_in(known: Known, hits: Iterable[Hit]) -> Known:
    """With the surfaces that it hits now beside those that it ever hit."""
    drawn = (h.surface for h in hits if h.incident == known.incident.id and h.weight in (Weight.DOWN, Weight.NAMED))
    surfaces = tuple(dict.fromkeys((*known.surfaces, *drawn)))
    return known if surfaces == known.surfaces else replace(known, surfaces=surfaces)


def freed(known: Known, world: World) -> Known:
    """An ended incident lets go of a surface once that is normal again, or is another incident's."""
    if known.is_open or len(known.freed) == len(known.surfaces):
        return known
    calm = {v.surface for v in world.verdicts if v.call is Call.RETRY_NORMALLY}
    free = tuple(
        s for s in known.surfaces if s in known.freed or s in calm or events.owner(world, s) != known.incident.id
    )
    return known if free == known.freed else replace(known, freed=free)


def _shown(world: World, seen: Look, page: Snapshot, changes: Iterable[diff.Change]) -> Iterable[Known]:
    """Those listed and those asked for as they now are, the others as they were."""
    listed = diff.listed(page)
    there = {i.id for i in listed}
    known = {k.incident.id: k for k in world.incidents if k.incident.id in there or not _is_forgotten(k, page, seen.at)}
    asked = (i for name, i in seen.endings.items() if isinstance(i, Incident) and i.id == name and name in known)
    for incident in (*listed, *asked):
        known[incident.id] = _remember(known.get(incident.id), incident, seen.at, is_baseline=world.seen_at is None)
    for change in changes:
        if isinstance(change, diff.Closed) and change.ending is not Ending.RESOLVED:
            known[change.incident.id] = replace(known[change.incident.id], closed_at=seen.at, ending=change.ending)
    return known.values()


def _late(known: Known, world: World, seen: Look, provider: Provider) -> Known:
    """One that opened and ended while nobody looked: it is scoped as it stood before its end."""
    is_new = known.is_retroactive and world.known(known.incident.id) is None
    if not is_new or seen.unwatched_since is None:
        return known
    if not missed.is_missed(known.incident, seen.unwatched_since, seen.at):
        return known
    hit = missed.surfaces(known.incident, provider, seen.at)
    return replace(known, is_missed=True, surfaces=hit, freed=hit)


def _is_forgotten(known: Known, page: Snapshot, at: datetime) -> bool:
    """Over for a day, and the page shows its list without it: what it may list again must not be new again."""
    its_list = page.maintenances if known.incident.is_maintenance else page.incidents
    is_gone = its_list is not None or known.incident.is_unposted
    return is_gone and known.closed_at is not None and at - known.closed_at > REMEMBER


def _remember(known: Known | None, shown: Incident, at: datetime, *, is_baseline: bool) -> Known:
    if known is None:
        known = Known(shown, at, is_baseline=is_baseline, is_retroactive=shown.stage.is_closed)
    there = {u.id for u in shown.updates}
    kept = (*(u for u in known.incident.updates if u.id not in there), *shown.updates)
    updates = tuple(sorted(kept, key=lambda u: u.display_at))  # of equal times, as the page shows them
    incident = replace(shown, updates=updates, components=shown.components or known.incident.components)
    if shown.stage.is_closed:
        return replace(
            known, incident=incident, closed_at=known.closed_at or at, ending=known.ending or Ending.RESOLVED
        )
    return replace(known, incident=incident, closed_at=None, ending=None, is_retroactive=False, freed=())
