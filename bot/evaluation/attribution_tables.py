"""Renders the result of ``bot.evaluation.attribution`` as JSON values and as terminal tables."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from bot.evaluation.attribution import AttributionResult, Count, MethodScore

SCHEMA = "attribution-score/1"


def as_json(result: AttributionResult) -> dict[str, Any]:
    """The result as plain JSON values. Shares are 0 to 1, rounded to 4 digits, None where they are undefined."""
    return {
        "schema": SCHEMA,
        "files": [{"file": f, "provider": p, "incidents": n} for f, p, n in result.files],
        "incidents": result.incidents,
        "labelled": result.labelled,
        "named_and_labelled": result.named,
        "updates": result.updates,
        "login": {"incidents": result.logins, "reported_as_api": result.logins_as_api},
        "text_only": _method_json(result.text_only),
        "as_of": _method_json(result.as_of) | {"uses_final_list": result.leaking},
        "baselines": {
            "all_components": _method_json(result.all_components, brief=True),
            "name_in_title": _method_json(result.name_in_title, brief=True),
        },
        "notes": notes(result),
    }


def notes(result: AttributionResult) -> list[str]:
    """Caveats for readers of the numbers, one sentence each."""
    unlabelled = result.incidents - result.labelled
    sentences = [
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
        sentences.append(f"{result.leaking} incidents hold no transitions: as_of sees their final list, a leak.")
    return sentences


def tables(result: AttributionResult) -> tuple[Table, ...]:
    """The tables of scores, of surfaces, and of confusions with the largest first."""
    return _score_table(result), _surface_table(result.text_only), _confusion_table(result.text_only)


def _method_json(score: MethodScore, *, brief: bool = False) -> dict[str, Any]:
    counts = {
        "micro": _count_json(score.micro),
        "named": _count_json(score.named),
        "strict": _count_json(score.strict),
        "per_update": _count_json(score.per_update),
        "red": _count_json(score.red),
    }
    if brief:
        return counts
    return counts | {
        "surfaces": {surface: _count_json(count) for surface, count in score.surfaces.items()},
        "confusion": {predicted: dict(row) for predicted, row in score.confusion.items()},
        "worst": [{"said": predicted, "true": true, "incidents": n} for predicted, true, n in score.top_confusions()],
        "unlabelled_said": dict(score.apart),
    }


def _count_json(count: Count) -> dict[str, Any]:
    shares = {"precision": count.precision, "recall": count.recall, "f1": count.f1}
    rounded = {key: None if share is None else round(share, 4) for key, share in shares.items()}
    return rounded | {"tp": count.tp, "fp": count.fp, "fn": count.fn}


def _score_table(result: AttributionResult) -> Table:
    table = Table(title=f"Which surface is hit: {result.labelled} of {result.incidents} incidents have a label")
    for heading in ("", "precision", "recall", "F1", "right", "wrong", "missed"):
        table.add_column(heading, justify="left" if not heading else "right")
    leak = " (final lists)" if result.leaking else ""
    methods = (
        ("words only", result.text_only.micro),
        (f"  where they name anything ({result.named})", result.text_only.named),
        (f"  per update ({result.updates})", result.text_only.per_update),
        ("  strict", result.text_only.strict),
        ("  labels, and what the page showed bad then", result.text_only.red),
        (f"everything as of then{leak}", result.as_of.micro),
        ("  per update", result.as_of.per_update),
        ("baseline: all components", result.all_components.micro),
        ("baseline: name in the title", result.name_in_title.micro),
    )
    for name, count in methods:
        table.add_row(name, *_count_cells(count))
    return table


def _surface_table(score: MethodScore) -> Table:
    table = Table(title="Words only, by surface")
    for heading in ("surface", "precision", "recall", "F1", "right", "wrong", "missed"):
        table.add_column(heading, justify="left" if heading == "surface" else "right")
    for surface, count in score.surfaces.items():
        table.add_row(surface, *_count_cells(count))
    for surface, n in score.apart.items():
        table.add_row(surface, "no label", "", "", "", f"said {n}", "")
    return table


def _confusion_table(score: MethodScore) -> Table:
    table = Table(title="Words only: said, and what was true; the worst cell first")
    for heading in ("said", "true", "incidents"):
        table.add_column(heading, justify="right" if heading == "incidents" else "left")
    for predicted, true, n in score.top_confusions():
        table.add_row(predicted, true, str(n))
    return table


def _count_cells(count: Count) -> tuple[str, ...]:
    shares = ("-" if share is None else f"{share:.3f}" for share in (count.precision, count.recall, count.f1))
    return (*shares, str(count.tp), str(count.fp), str(count.fn))
