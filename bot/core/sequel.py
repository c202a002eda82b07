"""An incident -> the earlier ones of its episode that people still look at. Pure.

A wave of incidents (six on 2 and 3 March 2026) must not become a wall of broadcasts: the alert that stands already is
where people look (peers-and-asks.md 4, 22 and 24).
"""

from __future__ import annotations

from bot.core import episode
from bot.core.diff import first_post
from bot.model import Known, World


def follows(known: Known, world: World) -> tuple[str, ...]:
    """Earlier incidents of the same episode that are open, or whose surfaces are not all normal again; oldest first."""
    if known.incident.is_maintenance or not known.surfaces:
        return ()
    return tuple(
        i for i in _before(known, world) if i not in known.suspicions and (k := world.known(i)) and _is_live(k)
    )


def earlier(known: Known, world: World) -> str:
    """The incident before this one in its episode; empty where it is the first."""
    if known.incident.is_maintenance or not known.surfaces:
        return ""
    ours = (i for i in reversed(_before(known, world)) if (k := world.known(i)) and k.joined is None)
    return next((i for i in ours if i not in known.suspicions), "")


def _before(known: Known, world: World) -> tuple[str, ...]:
    """The earlier incidents of its episode, oldest first."""
    strands = [_strand(k, world) for k in world.incidents if k is known or _counts(k)]
    here = next(e for e in episode.episodes(strands) if known.incident.id in e.incidents)
    return here.incidents[: here.incidents.index(known.incident.id)]


def _counts(known: Known) -> bool:
    return not (known.is_retroactive or known.incident.is_maintenance)


def _is_live(known: Known) -> bool:
    return known.is_open or bool(set(known.surfaces) - set(known.freed))


def _strand(known: Known, world: World) -> episode.Strand:
    start = first_post(known.incident)
    return episode.Strand(known.incident.id, world.provider, frozenset(known.surfaces), start, known.closed_at)
