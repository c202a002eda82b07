"""Reads the components that a feed's entry names, where its generator has a place for them.

Three layouts are known (bot/docs/status-page-formats.md#rss-and-atom): incident.io's lines with states below
*Affected components*, Flashduty's line ``Affected components: A, B``, and xAI's component in brackets at the head of
the title, where it is a part of the entry's address too. A component has its name as id. An entry of StatusIQ may be a
component itself, with its state.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from bot.domain import Component, Condition
from bot.formats import builders
from bot.formats.feed_stages import STAGE_OF_WORD

CONDITIONS = {
    "operational": Condition.OPERATIONAL,
    "degraded performance": Condition.DEGRADED,
    "partial outage": Condition.PARTIAL_OUTAGE,
    "full outage": Condition.MAJOR_OUTAGE,
    "major outage": Condition.MAJOR_OUTAGE,
    "under maintenance": Condition.MAINTENANCE,
}
ENTRY_CONDITIONS = {
    **CONDITIONS,
    "informational": Condition.OPERATIONAL,
    "degraded": Condition.DEGRADED,
    "down": Condition.MAJOR_OUTAGE,
    "outage": Condition.MAJOR_OUTAGE,
    "maintenance": Condition.MAINTENANCE,
}
MAX_COMPONENTS = 50
_HEADING = re.compile(r"^affected components[ \t]*:?[ \t]*(?P<rest>[^\n]*)$", re.IGNORECASE | re.MULTILINE)
_LINE = re.compile(rf"(?P<name>[^\n]{{1,100}}?) \((?P<state>{'|'.join(CONDITIONS)})\)", re.IGNORECASE)
_BETWEEN = re.compile(r",\s+(?![^(]*\))")
_COMPONENT_LINK = re.compile(r"#/components/(?P<id>[\w-]{1,80})$")
_NAME_AND_STATE = re.compile(r"(?P<name>[^\n]{1,100}) - (?P<state>[A-Za-z ]{2,40})")
_IN_BRACKETS = re.compile(r"^\[(?P<name>[^\[\]\n]{1,80})\]\s+\S")
_NO_COMPONENT = {"incidents", "incident", "maintenance", "maintenances", "history", "notices", "status"}


def read_components(title: str, text: str, link: str | None) -> tuple[Component, ...]:
    """The components that an entry names, each with its condition where it is stated; none where it names none."""
    if heading := _HEADING.search(text):
        listed = _BETWEEN.split(heading["rest"]) if heading["rest"] else text[heading.end() :].strip().split("\n")
        return _unique(_listed(listed, is_line=bool(heading["rest"])))
    named = _IN_BRACKETS.match(title)
    is_own_part = named and named["name"].casefold() not in STAGE_OF_WORD and _names_a_part(link)
    return (Component(named["name"], named["name"], Condition.UNKNOWN),) if named and is_own_part else ()


def component_of_entry(title: str, link: str | None) -> Component | None:
    """The component that an entry is, as StatusIQ's: ``API - Operational``, at ``#/components/ID``; else None."""
    place, written = _COMPONENT_LINK.search(link or ""), _NAME_AND_STATE.fullmatch(title)
    if not (place and written):
        return None
    condition = builders.map_condition(ENTRY_CONDITIONS, written["state"])
    return builders.build_component(place["id"], written["name"], condition)


def _listed(names: list[str], *, is_line: bool) -> list[Component]:
    """The components of a line of names, or of lines that each end with a state; other lines are the text below."""
    found: list[Component] = []
    for written in names[:MAX_COMPONENTS]:
        if match := _LINE.fullmatch(written.strip()):
            found.append(Component(match["name"], match["name"], CONDITIONS[match["state"].casefold()]))
        elif is_line and written.strip():
            found.append(Component(written.strip(), written.strip(), Condition.UNKNOWN))
        else:
            break
    return found


def _unique(found: list[Component]) -> tuple[Component, ...]:
    return builders.unique_by_id(found) or ()


def _names_a_part(link: str | None) -> bool:
    """Whether an entry's address has a part of the page before the entry's own: ``/api/INC1``."""
    try:
        parts = urlsplit(link or "").path.strip("/").split("/")
    except ValueError:
        return False
    return len(parts) > 1 and parts[0].casefold() not in _NO_COMPONENT
