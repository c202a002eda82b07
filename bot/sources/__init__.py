"""Room 1: what a page says. Pure: bytes in, a Snapshot out; one file per format, one line in KINDS for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.model import Incident, Snapshot
from bot.sources import statuspage


@dataclass(frozen=True, slots=True)
class Kind:
    """A format: where on the host its page lies, how it is read, and where an incident that left it can be asked for.

    ``own_path`` is an incident's own page, ``all_path`` the list of all incidents, ended ones too. Every reader raises
    ParseError and nothing else.
    """

    path: str
    accept: str
    parse: Callable[[bytes], Snapshot]
    own_path: Callable[[Incident], str]
    parse_incident: Callable[[bytes], Incident]
    all_path: str


KINDS = {
    "statuspage": Kind(
        path=statuspage.SUMMARY,
        accept=statuspage.ACCEPT,
        parse=statuspage.parse,
        own_path=statuspage.own_path,
        parse_incident=statuspage.parse_incident,
        all_path=statuspage.INCIDENTS,
    )
}
