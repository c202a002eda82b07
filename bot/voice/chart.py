"""Runs, verdicts and posts -> pictures as PNG bytes, each with the sentence that says the same. matplotlib, late.

Colours are Okabe and Ito's, told apart by all kinds of colour vision, and every condition has a pattern and a height of
its own too: nothing hangs on colour. The ground is a mid tone card, readable on dark and light pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

from bot.errors import UsageError
from bot.model import Call, Condition
from bot.voice import strip, words
from bot.years import Day, Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_BARS = 366  # more would be thinner than a line
MOST_PATTERNS = 120  # more, and lines and patterns are all that is seen of them

INK, GROUND, FAINT = "#1b1f24", "#fbfbf9", "#c9ccd1"
COLOURS = {
    Condition.OPERATIONAL: "#d7e8de",
    Condition.MAINTENANCE: "#56b4e9",
    Condition.DEGRADED: "#f0e442",
    Condition.PARTIAL_OUTAGE: "#e69f00",
    Condition.MAJOR_OUTAGE: "#7a2048",
    Condition.UNKNOWN: "#e4e4e4",
}
PATTERNS = {
    Condition.MAINTENANCE: "..",
    Condition.DEGRADED: "//",
    Condition.PARTIAL_OUTAGE: "xx",
}
HEIGHTS = {
    Condition.OPERATIONAL: 0.34,
    Condition.UNKNOWN: 0.2,
    Condition.MAINTENANCE: 0.5,
    Condition.DEGRADED: 0.6,
    Condition.PARTIAL_OUTAGE: 0.8,
    Condition.MAJOR_OUTAGE: 1.0,
}
CALL_COLOURS = {
    Call.RETRY_NORMALLY: "#d7e8de",
    Call.RETRY_GENTLY: "#f0e442",
    Call.HOLD_OFF: "#7a2048",
    Call.FAIL_OVER: "#0072b2",
    Call.UNKNOWN: "#e4e4e4",
}
CALL_HEIGHTS = {
    Call.RETRY_NORMALLY: 0.05,
    Call.RETRY_GENTLY: 0.11,
    Call.HOLD_OFF: 0.2,
    Call.FAIL_OVER: 0.2,
    Call.UNKNOWN: 0.03,
}


@dataclass(frozen=True, slots=True)
class Picture:
    """PNG bytes, and what they show in words."""

    png: bytes
    alt: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One surface of an incident: its conditions, and the verdicts that were given."""

    name: str
    runs: tuple[Run, ...]
    calls: tuple[tuple[datetime, datetime, Call], ...]


def uptime(name: str, days: Sequence[Day], figure: str) -> Picture:
    """A strip of days; each bar is as high and as dark as the day's worst. ``figure`` is the availability in words."""
    if not days:
        raise UsageError("There are no days to draw.")
    picture = _figure(10, 2.6)
    axes = picture.subplots()
    step = -(-len(days) // MOST_BARS)
    bars = [max((d.worst for d in days[n : n + step]), key=lambda c: HEIGHTS[c]) for n in range(0, len(days), step)]
    plain = {} if len(bars) <= MOST_PATTERNS else {"hatch": "", "linewidth": 0.0}
    for condition in Condition:
        places = [n for n, worst in enumerate(bars) if worst is condition]
        heights = [HEIGHTS[condition]] * len(places)
        axes.bar(places, heights, width=1.0 if plain else 0.82, **(_fill(condition) | plain))
    ticks = range(0, len(bars), max(len(bars) // 6, 1))
    axes.set_xticks(list(ticks), [f"{days[n * step].day:%d %b %Y}" for n in ticks])
    axes.set_xlim(-0.6, len(bars) - 0.4)
    axes.set_ylim(0, 1.05)
    axes.set_yticks([])
    each = "each day by its worst" if step == 1 else f"{step} to a bar, each bar by its worst"
    _title(axes, f"{name}: {figure}", f"{len(days)} days (UTC), {each}")
    _legend(picture, [c for c in Condition if any(d.worst is c for d in days)])
    return Picture(_png(picture), f"{name}, {figure}: {strip.told(days)}.")


def incident(
    title: str, lanes: Sequence[Lane], posts: Sequence[tuple[datetime, str]], span: tuple[datetime, datetime]
) -> Picture:
    """An incident: one lane for each surface, its verdicts as a band below, and the vendor's posts as ticks."""
    if not lanes:
        raise UsageError("No surface that is known here was hit: there is nothing to draw.")
    picture = _figure(11, 1.9 + 0.85 * len(lanes))
    axes = picture.subplots()
    for row, lane in enumerate(reversed(lanes)):
        _lane(axes, row, lane)
    for at, stage in posts:
        axes.axvline(_x(at), color=INK, linewidth=0.9, linestyle=":", zorder=4)
        axes.text(_x(at), len(lanes) + 0.02, f" {stage}", rotation=35, fontsize=7, color=INK, va="bottom")
    axes.set_yticks([row + 0.45 for row in range(len(lanes))], [lane.name for lane in reversed(lanes)])
    axes.set_ylim(-0.1, len(lanes) + 0.05)
    axes.set_xlim(_x(span[0]), _x(span[1]))
    _dates(axes)
    below = "; below each surface its verdict" if any(lane.calls for lane in lanes) else ""
    axes.set_xlabel(f"{span[0]:%d %B %Y}, UTC{below}", fontsize=8, color=INK, loc="left")
    picture.suptitle(words.cut(title, 110), x=0.01, ha="left", fontsize=10, fontweight="bold", color=INK)
    shown = {run.condition for lane in lanes for run in lane.runs}
    _legend(picture, [c for c in Condition if c in shown], sorted({c for lane in lanes for *_, c in lane.calls}))
    return Picture(_png(picture), _incident_alt(title, lanes, posts))


def _lane(axes: Axes, row: int, lane: Lane) -> None:
    for run in lane.runs:
        start, length = _x(run.start), _x(run.end) - _x(run.start)
        axes.barh(
            row + 0.3, length, left=start, height=0.55 * HEIGHTS[run.condition], align="edge", **_fill(run.condition)
        )
    for begin, end, call in lane.calls:
        band: dict[str, Any] = {"facecolor": CALL_COLOURS[call], "edgecolor": INK, "linewidth": 0.3}
        axes.barh(row + 0.02, _x(end) - _x(begin), left=_x(begin), height=CALL_HEIGHTS[call], align="edge", **band)


def _x(at: datetime) -> float:
    """A time as matplotlib counts: days since 1970."""
    return at.timestamp() / 86_400


def _incident_alt(title: str, lanes: Sequence[Lane], posts: Sequence[tuple[datetime, str]]) -> str:
    said = []
    for lane in lanes:
        steps = [f"{r.start:%H:%M} {words.CONDITIONS[r.condition]}" for r in lane.runs]
        calls = [f"{start:%H:%M} {words.CALLS[call].lower()}" for start, _, call in lane.calls]
        verdicts = f"; verdicts {', '.join(calls)}" if calls else ""
        said.append(f"{lane.name}: {', '.join(steps)}{verdicts}")
    ticks = ", ".join(f"{at:%H:%M} {stage}" for at, stage in posts)
    return f"{title}. {'. '.join(said)}. The vendor's posts (UTC): {ticks or 'none'}."


# --- drawing ----------------------------------------------------------------------------------------------------------


def _figure(width: float, height: float) -> Figure:
    try:
        from matplotlib.figure import Figure as Canvas  # noqa: PLC0415  (half a second that only a picture is worth)
    except ImportError as error:
        raise UsageError("Pictures need matplotlib: pip install 'brownout[charts]'") from error
    return Canvas(figsize=(width, height), dpi=150, facecolor=GROUND, layout="constrained")


def _fill(condition: Condition) -> dict[str, Any]:
    return {
        "facecolor": COLOURS[condition],
        "hatch": PATTERNS.get(condition, ""),
        "edgecolor": INK if condition.is_bad or condition is Condition.MAINTENANCE else FAINT,
        "linewidth": 0.4,
    }


def _title(axes: Axes, title: str, below: str) -> None:
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold", color=INK)
    axes.set_xlabel(below, fontsize=8, color=INK, loc="left")
    _frame(axes)


def _frame(axes: Axes) -> None:
    axes.set_facecolor(GROUND)
    axes.tick_params(colors=INK, labelsize=8, length=2)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)


def _dates(axes: Axes) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter  # noqa: PLC0415  (see above)

    locator = AutoDateLocator(tz=UTC)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC))  # type: ignore[no-untyped-call]
    axes.xaxis.get_offset_text().set_visible(False)
    _frame(axes)


def _legend(picture: Figure, conditions: Sequence[Condition], calls: Sequence[Call] = ()) -> None:
    from matplotlib.patches import Patch  # noqa: PLC0415  (see above)

    patches = [Patch(label=words.CONDITIONS[c], **_fill(c)) for c in conditions]
    patches += [Patch(label=f"verdict: {words.CALLS[c].lower()}", color=CALL_COLOURS[c]) for c in calls]
    columns = min(len(patches), 5)
    picture.legend(handles=patches, loc="outside lower left", ncols=columns, fontsize=7, frameon=False, labelcolor=INK)


def _png(picture: Figure) -> bytes:
    out = BytesIO()
    picture.savefig(out, format="png", facecolor=GROUND, metadata={"Software": None})
    return out.getvalue()
