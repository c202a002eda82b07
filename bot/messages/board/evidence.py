"""The evidence behind a service's advice, one line per source. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bot.messages import formatting

_SOURCES = {"status_page": "Status page", "probe": "Probes", "users": "Reports of people", "traffic": "Own requests"}


def evidence_lines(basis: Iterable[Mapping[str, Any]]) -> list[str]:
    """The lines of the ``basis`` of a verdict in its machine form (bot/docs/verdict-rules.md#machine-form)."""
    return [_line(each) for each in basis]


def _line(each: Mapping[str, Any]) -> str:
    name = _SOURCES.get(each["source"], str(each["source"]).replace("_", " "))
    state = str(each["state"]).replace("_", " ")
    number = f" ({formatting.pluralize(each['n'], 'observation')})" if each.get("n") else ""
    age_s = each.get("age_s")
    age = f", {formatting.format_duration(age_s)} old" if age_s is not None else ""
    return f"{name}: {state}{number}{age}"
