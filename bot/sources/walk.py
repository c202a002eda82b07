"""A Statuspage's history pages -> the codes of its incidents, three months a page (status-sources.md 2.1).

``/history.json?page=N`` has them as JSON; ``/history?page=N`` is the page for people, with the same JSON in an
attribute of its HTML. Both list ``months``, newest first, each with its ``incidents``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from html import unescape
from typing import Any

from bot.errors import ParseError
from bot.sources import wire

INCIDENTS = "/api/v2/incidents.json"
PAGES = ("/history.json?page={number}", "/history?page={number}")
ACCEPT = "application/json, text/html;q=0.5"

_PROPS = re.compile(r'data-react-props="([^"]*)"')


def codes(raw: bytes) -> tuple[str, ...] | None:
    """The incidents' ids on one page of the history, newest first; None where it names no month at all.

    ParseError where it is no history page.
    """
    for body in _bodies(raw):
        if isinstance(body, dict) and "months" in body:
            months = wire.each(body["months"], _month, "a month")
            return tuple(code for month in months for code in month) if months else None
    raise ParseError("this is not a page of a Statuspage's history: it has no months")


def whole(page: wire.Item, incidents: Iterable[wire.Item]) -> bytes:
    """A page and its incidents as a recorded history."""
    return json.dumps({"page": page, "incidents": list(incidents)}).encode()


def own_page(raw: bytes) -> wire.Item:
    """The incident on its own page; ParseError where there is none."""
    return wire.obj(wire.page(raw).get("incident"), "incident")


def newest(raw: bytes) -> tuple[wire.Item, tuple[wire.Item, ...]]:
    """The page and the incidents of ``incidents.json``; ParseError where it is none."""
    body = wire.page(raw)
    listed = wire.each(body.get("incidents"), lambda item: item, "an incident")
    if listed is None:
        wire.refuse("it lists no incidents")
    return wire.obj(body.get("page"), '"page"'), listed


def is_closed(incident: wire.Item) -> bool:
    """True where the vendor calls it over: what is said of it may be kept and not asked for again."""
    return incident.get("status") in ("resolved", "postmortem", "completed")


def _bodies(raw: bytes) -> Iterable[Any]:
    try:
        yield wire.load(raw)
    except ParseError:
        for props in _PROPS.findall(raw.decode("utf-8", "replace")):
            try:
                yield wire.load(unescape(props).encode())
            except ParseError:
                continue


def _month(month: wire.Item) -> tuple[str, ...]:
    listed = wire.each(month.get("incidents"), lambda item: wire.text(item.get("code")), "an incident") or ()
    return tuple(code for code in listed if code)
