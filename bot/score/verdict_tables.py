"""A result -> tables for a terminal: a column per policy for each truth, by provider and by year, and the forecast."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

from bot.score.verdicts import Result, as_json

_TITLES = {"A": "Truth A: the page's hindsight", "C": "Truth C: windows that the vendor stated"}
_ROWS = (
    ("episodes", "episodes"),
    ("openings", "openings"),
    ("false openings", "false_openings"),
    ("  per 100", "false_openings_per_100"),
    ("  95 % interval", "false_openings_ci95"),
    ("false-safe min per incident-hour", "false_safe_min_per_incident_hour"),
    ("  with gentle's share", "weighted_false_safe_min_per_incident_hour"),
    ("early openings", "early_openings"),
    ("hold, min per episode", "hold_min_per_episode"),
    ("first retry, min, P50 / P90", "first_retry_delay_min"),
    ("normal, min, P50 / P90", "normal_delay_min"),
)


def tables(result: Result) -> list[Table]:
    """Every table, in the order in which they should be read."""
    told = as_json(result)
    found = [*_truths(told["truth"], "")]
    for provider, part in told["by_provider"].items():
        found += _truths(part, f", {provider}")
    for year, part in told["by_year"].items():
        found += _truths(part, f", {year}")
    return [*found, _forecast(told["eta"]), _blind(told["blind"])]


def _truths(told: Mapping[str, Any], where: str) -> Iterator[Table]:
    for truth, title in _TITLES.items():
        if told[truth]:
            table = Table(title=title + where)
            table.add_column("")
            for policy in told[truth]:
                table.add_column(policy, justify="right")
            for heading, key in _ROWS:
                table.add_row(heading, *(_cell(figures[key]) for figures in told[truth].values()))
            yield table


def _forecast(told: Mapping[str, Any]) -> Table:
    table = Table(title="Forecast: share that ended within the time told")
    for heading in ("asked at", "n", "P50", "P80", "P90", "pinball 90, min"):
        table.add_column(heading, justify="right")
    for age, part in ("all ages", told), *((f"{age} min", part) for age, part in told["by_landmark"].items()):
        shares = (part["coverage"][level] for level in ("p50", "p80", "p90"))
        table.add_row(age, str(part["n"]), *(_percent(s) for s in shares), _cell(part["pinball90"]))
    return table


def _blind(told: Mapping[str, Any]) -> Table:
    table = Table(title="Blind: minutes from the stated start to the first post; no page tells of them")
    for heading in ("incidents", "minutes", "P50", "P90"):
        table.add_column(heading, justify="right")
    table.add_row(*(_cell(told[key]) for key in ("n", "total_min", "p50", "p90")))
    return table


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, Mapping):
        return f"{_cell(value['p50'])} / {_cell(value['p90'])}"
    if isinstance(value, list):
        return f"{value[0]:.1f}-{value[1]:.1f}"
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
