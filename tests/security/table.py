"""The markers of the tests -> the table of hostile inputs. A row is what the tests say of themselves, and nothing else.

``@pytest.mark.hostile(number, input, expected)`` stands at a test, wherever it lives; the words stand at one test of each
number, and other tests of the same number carry the number alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
COUNT = 60
MARK = "pytest.mark.hostile"


@dataclass
class Row:
    """One input: what it is, what must happen, the tests that try it, and how they went."""

    number: int
    what: str = ""
    expected: str = ""
    tests: dict[str, None] = field(default_factory=dict)
    outcomes: list[str] = field(default_factory=list)

    @property
    def result(self) -> str:
        """``pass`` where every case passed, else how many did what."""
        counts = {o: self.outcomes.count(o) for o in sorted(set(self.outcomes))}
        return "pass" if set(counts) == {"passed"} else ", ".join(f"{n} {o}" for o, n in counts.items()) or "not run"


class Table:
    """A pytest plugin: keeps the tests that are marked, drops the others, and writes down how they went."""

    def __init__(self) -> None:
        self.rows: dict[int, Row] = {}
        self._numbers: dict[str, list[int]] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: Any, items: list[Any]) -> None:
        """Reads the markers."""
        kept = [item for item in items if any(item.iter_markers("hostile"))]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
        for item in kept:
            for mark in item.iter_markers("hostile"):
                self._add(item, *mark.args)
        items[:] = kept

    def _add(self, item: Any, number: int, what: str = "", expected: str = "") -> None:
        row = self.rows.setdefault(number, Row(number))
        row.what, row.expected = what or row.what, expected or row.expected
        row.tests[item.nodeid.partition("[")[0]] = None
        self._numbers.setdefault(item.nodeid, []).append(number)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Writes down a test's outcome: of its call, or of what kept it from being called."""
        if report.when == "call" or report.outcome != "passed":
            for number in self._numbers.get(report.nodeid, ()):
                self.rows[number].outcomes.append(report.outcome)

    def lines(self) -> list[str]:
        """The table in Markdown."""
        rows = [self.rows.get(n, Row(n, "(nothing)", "(nothing)")) for n in range(1, COUNT + 1)]
        head = ["| # | input | expected | tested in | cases | result |", "|---|---|---|---|---|---|"]
        return head + [
            f"| {r.number} | {_cell(r.what)} | {_cell(r.expected)} | {_where(r)} | {len(r.outcomes)} | {r.result} |"
            for r in rows
        ]


def files() -> list[str]:
    """The files in which tests are marked."""
    found = (f for f in (ROOT / "tests").rglob("test_*.py") if MARK in f.read_text(encoding="utf-8"))
    return sorted(str(f.relative_to(ROOT)) for f in found)


def _where(row: Row) -> str:
    found = dict.fromkeys(test.partition("::")[0].removeprefix("tests/") for test in row.tests)
    return ", ".join(found)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\r", "\\r").replace("\n", "\\n")
