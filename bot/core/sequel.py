"""An incident -> the earlier ones of its episode: those that people still look at, and the one it repeats. Pure.

A wave of incidents (six on 2 and 3 March 2026) must not become a wall of broadcasts: the alert that stands already is
where people look (peers-and-asks.md 4, 22 and 24).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice, takewhile

from bot.core import episode
from bot.core.diff import first_post
from bot.model import Ending, Known, World

MOST = 20  # the oldest; a page that lists thousands must not cost their square


class Stories:
    """The episodes of a world, found once for all of its incidents."""

    def __init__(self, world: World) -> None:
        self._provider = world.provider
        self._known = {k.incident.id: k for k in world.incidents}
        self._counted = [k for k in world.incidents if _counts(k)]
        self._ids = _ids(self._strand(k) for k in self._counted)
        self._over = [self._strand(k) for k in self._counted if k.ending is Ending.RESOLVED]

    def follows(self, known: Known) -> tuple[str, ...]:
        """Earlier incidents of its episode that are open, or whose surfaces are not all normal again; oldest first."""
        live = (i for i in self._before(known) if i not in known.suspicions and _is_live(self._known[i]))
        return tuple(islice(live, MOST))

    def earlier(self, known: Known) -> str:
        """The incident before this one in its episode; empty where it is the first."""
        ours = (i for i in reversed(self._before(known)) if self._known[i].joined is None)
        return next((i for i in ours if i not in known.suspicions), "")

    def again(self, known: Known) -> episode.Again | None:
        """The last one on its surfaces, and how long after its end it began; None where it is the first for hours."""
        mine = self._strand(known)
        earlier = (s for s in self._over if s.start <= mine.start and s.incident != mine.incident)
        repeat = episode.again(mine.incident, (*earlier, mine))
        ended = self._known[repeat.previous].closed_at if repeat else None
        return repeat if ended and ended <= known.seen_at else None

    def _before(self, known: Known) -> tuple[str, ...]:
        """The earlier incidents of its episode, oldest first."""
        here = known.incident.id
        if known.incident.is_maintenance or not known.surfaces:
            return ()
        ids = self._ids if here in self._ids else _ids(map(self._strand, (*self._counted, known)))
        return tuple(takewhile(lambda i: i != here, ids[here]))

    def _strand(self, known: Known) -> episode.Strand:
        start = first_post(known.incident)
        return episode.Strand(known.incident.id, self._provider, frozenset(known.surfaces), start, known.closed_at)


def _ids(strands: Iterable[episode.Strand]) -> dict[str, tuple[str, ...]]:
    """Of each incident, the ids of its episode, oldest first."""
    return {i: ids for e in episode.episodes(strands) for ids in [e.incidents] for i in ids}


def _counts(known: Known) -> bool:
    return not (known.is_retroactive or known.incident.is_maintenance)


def _is_live(known: Known) -> bool:
    return known.is_open or bool(set(known.surfaces) - set(known.freed))
