"""Slack's newer blocks, each with the plain blocks that stand in for it. No I/O.

A message is made of plain blocks, which Slack always takes. A plain block may carry newer blocks that say the same
better: a table or a chart. Whoever sends the message puts them in their place (``with_newer_blocks``), as far as Slack
takes them. Their texts are complete, like the plain ones. Tables have at most three columns, since more can't be read
on a phone. Cells are no markup, so that a vendor's text can mention no one there; times are date elements, which
Slack shows in the reader's zone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from bot.messages import block_kit, formatting, markup

TABLE, DATA_TABLE, CHART = "table", "data_table", "data_visualization"
NEWER_TYPES = (TABLE, DATA_TABLE, CHART)
MAX_COLUMNS = 3
MAX_ROWS = 100  # with the head
MAX_CHARACTERS = 9000  # of all cells of a table; Slack takes 10,000
MAX_CATEGORIES, MAX_SERIES = 20, 6
MAX_LABEL, MAX_TITLE = 20, 50  # characters of a label and a title in a chart
_MAX_CELL = 300  # characters
_MAX_PER_MESSAGE = {TABLE: 1, DATA_TABLE: 1, CHART: 2}
_PAGE_SIZE = 10

Cell = dict[str, Any]


class PlainBlock(dict[str, Any]):
    """A plain block that carries newer ones: they replace it, and the plain blocks after it, ``count`` in all."""

    newer: tuple[block_kit.Block, ...] = ()
    count: int = 1


def offer(blocks: Sequence[block_kit.Block], newer: Sequence[block_kit.Block]) -> tuple[block_kit.Block, ...]:
    """The plain blocks, the first of which carries ``newer`` in place of all of them. At least one is needed."""
    first = PlainBlock(blocks[0])
    first.newer, first.count = tuple(newer), len(blocks)
    return (first, *blocks[1:])


def with_newer_blocks(blocks: Sequence[block_kit.Block], taken: Collection[str]) -> list[block_kit.Block]:
    """The blocks with newer ones of the types that are ``taken``, within the numbers that a message may have."""
    shown: list[block_kit.Block] = []
    used: Counter[str] = Counter()
    left = list(blocks)
    while left:
        first = left[0]
        wanted = Counter(newer_types(first.newer)) if isinstance(first, PlainBlock) else Counter()
        fits = all(used[kind] + n <= _MAX_PER_MESSAGE[kind] for kind, n in wanted.items()) and set(wanted) <= set(taken)
        if isinstance(first, PlainBlock) and wanted and fits:
            shown += first.newer
            used += wanted
            left = left[first.count :]
        else:
            shown.append(left.pop(0))
    return shown if len(shown) <= block_kit.MAX_BLOCKS else list(blocks)


def newer_types(blocks: Iterable[block_kit.Block]) -> list[str]:
    """The types of the newer blocks among these, one for each."""
    return [block["type"] for block in blocks if block["type"] in NEWER_TYPES]


# --- tables -----------------------------------------------------------------------------------------------------------


def table(head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> block_kit.Block | None:
    """A table as it is, for a few rows; None where Slack takes fewer."""
    if not _fits(rows):
        return None
    settings = [{"is_wrapped": True} for _ in head]
    return {"type": TABLE, "rows": [[text_cell(name) for name in head], *map(list, rows)], "column_settings": settings}


def data_table(caption: str, head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> block_kit.Block | None:
    """A table that people can sort and search, in pages; None where Slack takes fewer rows.

    ``caption`` is what a screen reader says first.
    """
    if not _fits(rows):
        return None
    return {
        "type": DATA_TABLE,
        "caption": caption,
        "page_size": _PAGE_SIZE,
        "rows": [[text_cell(name) for name in head], *map(list, rows)],
    }


def _fits(rows: Sequence[Sequence[Cell]]) -> bool:
    return len(rows) < MAX_ROWS and sum(_cell_length(cell) for row in rows for cell in row) <= MAX_CHARACTERS


def _cell_length(cell: Cell) -> int:
    if cell["type"] != "rich_text":
        return len(cell["text"])
    parts = cell["elements"][0]["elements"]
    return sum(len(str(part.get("text") or part.get("fallback") or part.get("name"))) for part in parts)


def text_cell(text: str) -> Cell:
    """A cell of plain text."""
    return {"type": "raw_text", "text": formatting.truncate(text, _MAX_CELL, "…") or "-"}


def number_cell(value: float, text: str) -> Cell:
    """A cell that sorts by its value and shows its text."""
    return {"type": "raw_number", "value": value, "text": text}


def rich_cell(*parts: Cell) -> Cell:
    """A cell of several parts."""
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(parts)}]}


def text_part(text: str, *, code: bool = False) -> Cell:
    """Words in a cell; as ``code``, to be typed."""
    return {"type": "text", "text": text, **({"style": {"code": True}} if code else {})}


def emoji_part(code: str) -> Cell:
    """An emoji in a cell, by its code in Slack with its colons."""
    return {"type": "emoji", "name": code.strip(":")}


def time_part(at: datetime, now: datetime) -> Cell:
    """A time in a cell, in the reader's zone; with its date where that is another day than ``now``'s."""
    is_today = at.date() == now.date()
    return {
        "type": "date",
        "timestamp": int(at.timestamp()),
        "format": "{time}" if is_today else "{date_short} {time}",
        "fallback": markup.utc_text(at, with_date=not is_today),
    }


# --- charts -----------------------------------------------------------------------------------------------------------


def bar_chart(
    title: str, categories: Sequence[str], series: Sequence[tuple[str, Sequence[float]]], axes: tuple[str, str]
) -> block_kit.Block:
    """A chart of bars.

    Args:
        title: What it shows.
        categories: The labels of the horizontal axis, each once, at most ``MAX_CATEGORIES``.
        series: Names, each with one value for each category, at most ``MAX_SERIES``.
        axes: The names of the horizontal and of the vertical axis.
    """
    labels = [label[:MAX_LABEL] for label in categories]
    drawn = [
        {
            "name": name[:MAX_LABEL],
            "data": [{"label": label, "value": value} for label, value in zip(labels, values, strict=True)],
        }
        for name, values in series
    ]
    return {
        "type": CHART,
        "title": formatting.truncate(title, MAX_TITLE, "…"),
        "chart": {
            "type": "bar",
            "series": drawn,
            "axis_config": {"categories": labels, "x_label": axes[0], "y_label": axes[1]},
        },
    }
