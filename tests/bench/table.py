"""What was measured, what it is held against, and what it should be -> a line of the table, and the table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil
from statistics import median


@dataclass(frozen=True)
class Row:
    """One thing that was measured. Smaller is better; ``target`` and ``yard`` are in the same ``unit``.

    ``yard`` is what the yardstick ``than`` took for the same in this run; None where there is none. ``ours`` is None
    where it was not run, and ``note`` says why.
    """

    what: str
    ours: float | None
    unit: str
    target: float | None = None
    yard: float | None = None
    than: str = ""
    note: str = ""

    HEAD = ("what", "ours", "yardstick", "ours / yardstick", "target", "met", "note")

    @property
    def ratio(self) -> float | None:
        """How many times as much as the yardstick; None where one of them is missing."""
        return self.ours / self.yard if self.ours is not None and self.yard else None

    @property
    def verdict(self) -> str:
        """Whether the target was met, in a word."""
        if self.ours is None:
            return "not run"
        if self.target is None:
            return ""
        return "yes" if self.ours <= self.target else "NO"

    def cells(self) -> tuple[str, ...]:
        """The row as it is printed."""
        yard = f"{_number(self.yard)} {self.unit} ({self.than})" if self.yard is not None else ""
        ours = "-" if self.ours is None else f"{_number(self.ours)} {self.unit}"
        target = "" if self.target is None else f"<= {_number(self.target)} {self.unit}"
        ratio = "" if self.ratio is None else f"{self.ratio:.2g}x"
        return self.what, ours, yard, ratio, target, self.verdict, self.note


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def table(rows: Iterable[Row]) -> str:
    """Markdown, aligned for people."""
    lines = [Row.HEAD, *(row.cells() for row in rows)]
    wide = [max(len(line[n]) for line in lines) for n in range(len(Row.HEAD))]
    printed = [f"| {' | '.join(cell.ljust(w) for cell, w in zip(line, wide, strict=True))} |" for line in lines]
    printed.insert(1, f"|{'|'.join('-' * (w + 2) for w in wide)}|")
    return "\n".join(printed)


def percentile(values: Iterable[float], share: float) -> float:
    """The value that this share of them does not exceed; one of the values. ValueError where there are none."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("of nothing there is no percentile")
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def spread(values: Iterable[float]) -> str:
    """The least and the most of them."""
    ordered = sorted(values)
    return f"{ordered[0]:.3g} to {ordered[-1]:.3g}"


def merged(runs: Sequence[Sequence[Row]]) -> list[Row]:
    """The rows of several runs that measured the same, each once: medians, and what they were between in the note."""
    return list(runs[0]) if len(runs) == 1 else [_merged(rows) for rows in zip(*runs, strict=True)]


def _merged(rows: Sequence[Row]) -> Row:
    first, *_ = rows
    ours, yards, targets = (
        [value for row in rows if (value := getattr(row, name)) is not None] for name in ("ours", "yard", "target")
    )
    if not ours:
        return first
    note = f"{len(ours)} runs: {', '.join(map(spread, filter(None, (ours, yards))))}"
    return replace(
        first,
        ours=median(ours),
        yard=median(yards) if yards else None,
        target=median(targets) if targets else None,
        note=note,
    )
