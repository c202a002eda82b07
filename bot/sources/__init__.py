"""Room 1: what a page says. Pure: bytes in, a Snapshot out; one file per format, one line in KINDS for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.model import Incident, Snapshot
from bot.sources import statuspage


@dataclass(frozen=True, slots=True)
class Kind:
    """A format: where on the host its page lies, how it is read, and where an incident that left it can be asked for.

    ``incident`` holds ``{id}``. Both readers raise ParseError and nothing else.
    """

    path: str
    accept: str
    parse: Callable[[bytes], Snapshot]
    incident: str
    parse_incident: Callable[[bytes], Incident]


KINDS = {
    "statuspage": Kind(
        statuspage.SUMMARY, statuspage.ACCEPT, statuspage.parse, statuspage.INCIDENT, statuspage.parse_incident
    )
}
