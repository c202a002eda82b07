"""Renders the result of ``bot.evaluation.verdicts`` as terminal tables, with a column per policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table

from bot.evaluation.verdicts import VerdictResult, as_json

_TITLES = {"A": "Truth A: the page's hindsight", "C": "Truth C: windows that the vendor stated"}
_INTERVAL = "  95 % interval"
_ROWS = (
    ("episodes", "episodes"),
    ("openings", "openings"),
    ("false openings", "false_openings"),
    ("  per 100", "false_openings_per_100"),
    (_INTERVAL, "false_openings_ci95"),
    ("false-safe min per incident-hour", "false_safe_min_per_incident_hour"),
    (_INTERVAL, "false_safe_min_per_incident_hour_ci95"),
    ("  weighted by load", "weighted_false_safe_min_per_incident_hour"),
    (_INTERVAL, "weighted_false_safe_min_per_incident_hour_ci95"),
    ("early openings", "early_openings"),
    (_INTERVAL, "early_openings_ci95"),
    ("hold, min per incident group", "hold_min_per_episode"),
    (_INTERVAL, "hold_min_per_episode_ci95"),
    ("first retry, min, P50 / P90", "first_retry_delay_min"),
    (_INTERVAL, "first_retry_delay_min"),
    ("normal, min, P50 / P90", "normal_delay_min"),
    (_INTERVAL, "normal_delay_min"),
    ("audible messages per incident, P50 / P90", "audible_messages"),
    ("incident time in gaps, left out", "unseen_share"),
)
_COMPARED = (
    ("false openings per 100", "false_openings_per_100"),
    ("false-safe min per incident-hour", "false_safe_min_per_incident_hour"),
    ("  weighted by load", "weighted_false_safe_min_per_incident_hour"),
    ("early openings", "early_openings"),
    ("hold, min per incident group", "hold_min_per_episode"),
    ("first retry, min, P50", "first_retry_delay_min_p50"),
    ("first retry, min, P90", "first_retry_delay_min_p90"),
    ("normal, min, P50", "normal_delay_min_p50"),
    ("normal, min, P90", "normal_delay_min_p90"),
)


def tables(result: VerdictResult) -> list[Table]:
    """All tables in reading order: both truths overall, by provider and by year; the forecast; blind minutes."""
    figures = as_json(result)
    shown = [*_truth_tables(figures["truth"], "")]
    for provider, part in figures["by_provider"].items():
        shown += _truth_tables(part, f", {provider}")
    for year, part in figures["by_year"].items():
        shown += _truth_tables(part, f", {year}")
    shown += [*_comparison_tables(figures["compare"])]
    shown += [_held_table(figures["held"])] if figures["held"] else []
    return [*shown, _forecast_table(figures["eta"]), _blind_table(figures["blind"])]


def _truth_tables(truths: Mapping[str, Any], where: str) -> Iterator[Table]:
    for truth, title in _TITLES.items():
        if truths[truth]:
            table = Table(title=title + where)
            table.add_column("")
            for policy in truths[truth]:
                table.add_column(policy, justify="right")
            for heading, key in _ROWS:
                form = _format_delay_interval if heading == _INTERVAL and key.endswith("_delay_min") else _format_cell
                table.add_row(heading, *(form(metrics.get(key)) for metrics in truths[truth].values()))
            yield table


def _comparison_tables(compared: Mapping[str, Any]) -> Iterator[Table]:
    for truth, figures in compared.items():
        table = Table(title=f"{_TITLES[truth]}: these rules and the other ones, {figures['episodes']} episodes")
        for heading in ("", "ours", "other", "difference", "95 % interval"):
            table.add_column(heading, justify="right" if heading else "left")
        for heading, key in _COMPARED:
            row = figures[key]
            table.add_row(heading, *(_format_cell(row[k]) for k in ("ours", "other", "difference", "ci95")))
        yield table


def _held_table(held: Mapping[str, Any]) -> Table:
    table = Table(title="Re-openings by rule: how many held for an hour")
    for heading in ("advice", "rule", "openings", "held", "share", "95 % interval"):
        table.add_column(heading, justify="left" if heading in ("advice", "rule") else "right", overflow="fold")
    for call, rules in held.items():
        for rule, row in rules.items():
            interval = " to ".join(_format_percent(bound) for bound in row["ci95"] or ())
            table.add_row(call, rule, str(row["of"]), str(row["held"]), _format_percent(row["share"]), interval)
    return table


def _forecast_table(figures: Mapping[str, Any]) -> Table:
    table = Table(title="Forecast: share that ended within the estimate")
    for heading in ("asked at", "n", "incidents", "P50", "P80", "P90", "pinball 90, min"):
        table.add_column(heading, justify="right")
    for age, part in ("all ages", figures), *((f"{age} min", part) for age, part in figures["by_landmark"].items()):
        shares = (part["coverage"][level] for level in ("p50", "p80", "p90"))
        numbers = (str(part["n"]), str(part["incidents"]))
        table.add_row(age, *numbers, *(_format_percent(s) for s in shares), _format_cell(part["pinball90"]))
    return table


def _blind_table(figures: Mapping[str, Any]) -> Table:
    table = Table(title="Unseen: minutes from the stated start to the first post; no page shows them")
    for heading in ("incidents", "minutes", "P50", "P90"):
        table.add_column(heading, justify="right")
    table.add_row(*(_format_cell(figures[key]) for key in ("n", "total_min", "p50", "p90")))
    return table


def _format_cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, Mapping):
        return f"{_format_cell(value['p50'])} / {_format_cell(value['p90'])}"
    if isinstance(value, list):
        return _format_interval(value)
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _format_interval(value: Sequence[float] | None) -> str:
    return "-" if value is None else " to ".join(f"{bound:.2f}".rstrip("0").rstrip(".") for bound in value)


def _format_delay_interval(value: Mapping[str, Any]) -> str:
    return " / ".join(_format_interval(value[f"{level}_ci95"]) for level in ("p50", "p90"))


def _format_percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
