"""A Result of bot.score.attribution -> JSON values, and tables for a terminal."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from bot.score.attribution import Count, Result, Way

SCHEMA = "attribution-score/1"


def as_json(result: Result) -> dict[str, Any]:
    """The result as plain JSON values. Shares are 0 to 1, rounded to 4 digits; None where there is nothing to share."""
    return {
        "schema": SCHEMA,
        "files": [{"file": f, "provider": p, "incidents": n} for f, p, n in result.files],
        "incidents": result.incidents,
        "labelled": result.labelled,
        "named_and_labelled": result.named,
        "updates": result.updates,
        "login": {"incidents": result.logins, "reported_as_api": result.logins_as_api},
        "text_only": _way(result.text_only),
        "as_of": _way(result.as_of) | {"uses_final_list": result.leaking},
        "baselines": {
            "all_components": _way(result.all_components, brief=True),
            "name_in_title": _way(result.name_in_title, brief=True),
        },
        "notes": notes(result),
    }


def notes(result: Result) -> list[str]:
    """What a reader of the numbers has to know, one sentence each."""
    unlabelled = result.incidents - result.labelled
    said = [
        (
            f"{unlabelled} of {result.incidents} incidents list no component that we know: strict takes them for "
            "incidents that hit nothing, all other numbers leave them out."
        ),
        "Surfaces that the labels cannot speak of (login, mobile, ...) are counted apart, neither right nor wrong.",
        (
            f"The true column of a login holds {result.logins} incidents, by a plain search for its words in titles "
            f"of incidents without an API. {result.logins_as_api} of them were said to hit the API."
        ),
    ]
    if result.leaking:
        said.append(f"{result.leaking} incidents hold no transitions: as_of sees their final list, a leak.")
    return said


def tables(result: Result) -> tuple[Table, ...]:
    """Scores, each surface, and what was confused with what, the worst cell first."""
    return _scores(result), _surfaces(result.text_only), _confused(result.text_only)


def _way(way: Way, *, brief: bool = False) -> dict[str, Any]:
    shown = {
        "micro": _count(way.micro),
        "named": _count(way.named),
        "strict": _count(way.strict),
        "per_update": _count(way.per_update),
    }
    if brief:
        return shown
    return shown | {
        "surfaces": {surface: _count(count) for surface, count in way.surfaces.items()},
        "confusion": {said: dict(row) for said, row in way.confusion.items()},
        "worst": [{"said": said, "true": true, "incidents": n} for said, true, n in way.worst()],
        "unlabelled_said": dict(way.apart),
    }


def _count(count: Count) -> dict[str, Any]:
    shares = {"precision": count.precision, "recall": count.recall, "f1": count.f1}
    rounded = {key: None if share is None else round(share, 4) for key, share in shares.items()}
    return rounded | {"tp": count.tp, "fp": count.fp, "fn": count.fn}


def _scores(result: Result) -> Table:
    table = Table(title=f"Which surface is hit: {result.labelled} of {result.incidents} incidents have a label")
    for head in ("", "precision", "recall", "F1", "right", "wrong", "missed"):
        table.add_column(head, justify="left" if not head else "right")
    leak = " (final lists)" if result.leaking else ""
    ways = (
        ("words only", result.text_only.micro),
        (f"  where they name anything ({result.named})", result.text_only.named),
        (f"  per update ({result.updates})", result.text_only.per_update),
        ("  strict", result.text_only.strict),
        (f"everything as of then{leak}", result.as_of.micro),
        ("  per update", result.as_of.per_update),
        ("baseline: all components", result.all_components.micro),
        ("baseline: name in the title", result.name_in_title.micro),
    )
    for name, count in ways:
        table.add_row(name, *_cells(count))
    return table


def _surfaces(way: Way) -> Table:
    table = Table(title="Words only, by surface")
    for head in ("surface", "precision", "recall", "F1", "right", "wrong", "missed"):
        table.add_column(head, justify="left" if head == "surface" else "right")
    for surface, count in way.surfaces.items():
        table.add_row(surface, *_cells(count))
    for surface, n in way.apart.items():
        table.add_row(surface, "no label", "", "", "", f"said {n}", "")
    return table


def _confused(way: Way) -> Table:
    table = Table(title="Words only: said, and what was true; the worst cell first")
    for head in ("said", "true", "incidents"):
        table.add_column(head, justify="right" if head == "incidents" else "left")
    for said, true, n in way.worst():
        table.add_row(said, true, str(n))
    return table


def _cells(count: Count) -> tuple[str, ...]:
    shares = ("-" if share is None else f"{share:.3f}" for share in (count.precision, count.recall, count.f1))
    return (*shares, str(count.tp), str(count.fp), str(count.fn))
