"""What the engine needs to know of a format: what to read, how to read it, and what an incident's absence means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import quote, urlsplit

from bot.model import Incident, Snapshot, Source

JSON = "application/json"
RECENT = timedelta(hours=48)  # what ended before is history: pages of a year's incidents are not told again

Bodies = tuple[bytes, ...]
Parse = Callable[[Bodies, Source, datetime], Snapshot]


class Absence(StrEnum):
    """What it means that an open incident is on the page no more."""

    ASK = "ask"  # its own page, or the list of all incidents, knows how it ended
    OVER = "over"  # the page lists what is open: it is over, without last words
    NOTHING = "nothing"  # the list is a window that moves: it stays open until it is shown with an end


@dataclass(frozen=True, slots=True)
class Kind:
    """A format. Every reader raises ParseError and nothing else.

    ``paths`` are what one look reads, below the page's root; ``{page}`` and ``{host}`` are filled in from the source.
    ``others`` are the same in other places: a source whose ``path`` is the first of one reads all of it.
    ``parse`` takes their bodies in that order, the source with its options, and the time of the look, which only counts
    where ``timed``: then a body means something else later. ``own_path`` and ``parse_own`` are an incident's own page,
    ``all_path`` the list of all incidents, ended ones too. ``needs`` and ``takes`` are the options of ``[source]``.
    ``seen``: its reader was built with real pages of it at hand; the others follow what other people's code and
    documents say of the format. ``fits`` says of a first body (JSON values, or bytes where they are no JSON) whether it
    looks like this format.
    """

    name: str
    paths: tuple[str, ...]
    parse: Parse
    fits: Callable[[Any], bool] = lambda _body: False
    accept: str = JSON
    absence: Absence = Absence.OVER
    own_path: Callable[[Incident, Source], str] | None = None
    parse_own: Callable[[bytes, Source], Incident] | None = None
    all_path: str = ""
    parse_all: Parse | None = None
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    others: tuple[tuple[str, ...], ...] = ()
    timed: bool = False
    seen: bool = False

    def paths_of(self, source: Source) -> tuple[str, ...]:
        """What one look reads, below ``source.url``."""
        first, *rest = next((o for o in self.others if o[0] == source.path), self.paths)
        return tuple(filled(path, source) for path in (source.path or first, *rest))


def quoted(ident: str) -> str:
    """A vendor's id as one step of a path."""
    return quote(ident, safe="")


def filled(path: str, source: Source) -> str:
    """A path with the source's options in it, quoted."""
    host = urlsplit(source.url).netloc
    return path.replace("{page}", quote(source.page, safe="")).replace("{host}", quote(host, safe=":"))


def whole(read: Callable[[bytes], Snapshot]) -> Parse:
    """A reader of one body that needs neither options nor the time."""
    return lambda bodies, _source, _at: read(bodies[0])


def recent(snapshot: Snapshot, known: frozenset[str], at: datetime) -> Snapshot:
    """The page without what ended long before this look and was never known: history is not news."""
    return replace(
        snapshot,
        incidents=_recent(snapshot.incidents, known, at),
        maintenances=_recent(snapshot.maintenances, known, at),
    )


def _recent(found: tuple[Incident, ...] | None, known: frozenset[str], at: datetime) -> tuple[Incident, ...] | None:
    if found is None:
        return None
    return tuple(i for i in found if i.id in known or not i.stage.is_closed or at - _last(i) <= RECENT)


def _last(incident: Incident) -> datetime:
    return incident.updates[-1].display_at if incident.updates else incident.created_at
