"""What a format must say of itself: the paths to read, the parsers, and what the absence of an incident means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import quote, urlsplit

from bot.domain import Incident, Snapshot, Source
from bot.errors import ParseError
from bot.formats import reading

JSON = "application/json"
RECENT_WITHIN = timedelta(hours=48)  # incidents that ended earlier are history: some pages list a whole year of them

Bodies = tuple[bytes, ...]
Parse = Callable[[Bodies, Source, datetime], Snapshot]


class Absence(StrEnum):
    """What it means that an open incident is no longer on the page."""

    ASK = "ask"  # its own page, or the list of all incidents, says how it ended
    OVER = "over"  # the page lists open incidents only: it has ended, without a last update
    NOTHING = "nothing"  # the page lists the newest incidents only: it stays open until it is shown with an end


@dataclass(frozen=True, slots=True)
class SourceFormat:
    """One format. Its parsers raise ParseError and nothing else.

    Attributes:
        name: The format's name for people.
        paths: The paths that one poll reads, below the page's root. ``{page}`` and ``{host}`` are filled in from the
            source.
        parse: Parses the bodies of ``paths``, in that order, with the source's options and the time of the poll.
        fits: Whether a first body looks like this format. It gets JSON values, or bytes where they are no JSON.
        accept: The Accept header to send.
        absence: What it means that an open incident is no longer on the page.
        own_path: The path of an incident's own page; None where incidents have none.
        parse_own: Parses an incident's own page.
        all_path: The path of the list of all incidents, ended ones too; empty where there is none.
        parse_all: Parses that list; None where ``parse`` does.
        needs: Options of ``[source]`` that the format requires.
        takes: Options of ``[source]`` that it accepts besides.
        others: Alternative ``paths``. A source whose ``path`` is the first of one of them reads all of it.
        optional_paths: How many of the last paths a poll may lack; the parser gets fewer bodies then.
        complete_below: The list of components is complete if it has fewer entries than this; 0 where it never is known
            to be.
        timed: The same body can mean something else later, so the time of the poll counts.
        names_regions: Incidents say which regions they are about, so that a subscription can be narrowed to one.
        hosts: The only hosts that serve the format; empty where any may.
        seen: The parser was checked against recorded pages. The others follow documents and other client code.
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
    optional_paths: int = 0
    complete_below: float = 0
    timed: bool = False
    names_regions: bool = False
    hosts: tuple[str, ...] = ()
    seen: bool = False

    def __post_init__(self) -> None:
        """Makes the parsers note what was odd about a page (``bot.formats.reading``)."""
        object.__setattr__(self, "parse", _noting(self.parse, self.optional_paths))
        if self.parse_all is not None:
            object.__setattr__(self, "parse_all", _noting(self.parse_all))

    def paths_of(self, source: Source) -> tuple[str, ...]:
        """The paths that one poll reads, below ``source.url``."""
        first, *rest = next((o for o in self.others if o[0] == source.path), self.paths)
        return tuple(fill_path(path, source) for path in (source.path or first, *rest))


def _noting(parse: Parse, optional: int = 0) -> Parse:
    """A parser whose snapshots carry what was noted while they were read.

    ``optional`` bodies at the end that can't be read are left out, as where a poll lacks them.
    """

    def parse_what_can_be_read(bodies: Bodies, source: Source, at: datetime, spare: int) -> Snapshot:
        try:
            return parse(bodies, source, at)
        except ParseError as error:
            if spare == 0 or len(bodies) < 2:  # noqa: PLR2004
                raise
            snapshot = parse_what_can_be_read(bodies[:-1], source, at, spare - 1)
            reading.note_problem(f"one of its answers can't be read: {error}")
            return snapshot

    def parse_and_note(bodies: Bodies, source: Source, at: datetime) -> Snapshot:
        with reading.reading_at(at) as notes:
            snapshot = parse_what_can_be_read(bodies, source, at, optional)
        return replace(
            snapshot,
            problems=(*snapshot.problems, *notes.problems),
            is_partial=snapshot.is_partial or notes.is_partial,
            undated=frozenset(notes.undated),
            unidentified=frozenset(notes.unidentified),
        )

    return parse_and_note


def quote_path_segment(segment: str) -> str:
    """A vendor's id as one segment of a path."""
    return quote(segment, safe="")


def fill_path(path: str, source: Source) -> str:
    """A path with the source's options filled in, quoted."""
    host = urlsplit(source.url).netloc
    return path.replace("{page}", quote(source.page, safe="")).replace("{host}", quote(host, safe=":"))


def single_body_parser(read: Callable[[bytes], Snapshot]) -> Parse:
    """A ``parse`` for formats of one body that need neither options nor the time."""
    return lambda bodies, _source, _at: read(bodies[0])


def mark_complete(snapshot: Snapshot, source_format: SourceFormat) -> Snapshot:
    """The snapshot with what its format says of the list of components."""
    listed = snapshot.components
    has_all = not snapshot.is_partial and not any(p.startswith("left out") for p in snapshot.problems)
    is_complete = listed is not None and len(listed) < source_format.complete_below and has_all
    return replace(snapshot, is_complete=is_complete) if is_complete else snapshot


def drop_old_incidents(snapshot: Snapshot, known_ids: frozenset[str], at: datetime) -> Snapshot:
    """The snapshot without incidents that ended more than 48 hours before ``at`` and are not among ``known_ids``."""
    return replace(
        snapshot,
        incidents=_without_old(snapshot.incidents, known_ids, at),
        maintenances=_without_old(snapshot.maintenances, known_ids, at),
    )


def _without_old(
    incidents: tuple[Incident, ...] | None, known_ids: frozenset[str], at: datetime
) -> tuple[Incident, ...] | None:
    if incidents is None:
        return None
    return tuple(
        i for i in incidents if i.id in known_ids or not i.stage.is_closed or at - _last_posted_at(i) <= RECENT_WITHIN
    )


def _last_posted_at(incident: Incident) -> datetime:
    return incident.updates[-1].display_at if incident.updates else incident.created_at
