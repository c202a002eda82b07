"""Charts of uptime and of incidents as PNG bytes, each with a text that says the same.

matplotlib is optional and is imported only when a chart is drawn. The colours are those of Okabe and Ito, which readers
with any colour vision can distinguish; conditions also differ by pattern and height, so that no information depends on
colour. The background is opaque, so that charts are readable on dark and light pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

from bot.domain import Advice, Condition
from bot.domain.reliability import ConditionPeriod, DayStatus
from bot.errors import UsageError
from bot.messages import formatting, uptime_bar

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_BARS = 366  # more bars would be thinner than a line
MAX_PATTERNS = 120  # with more bars, outlines and patterns would hide the colours

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
ADVICE_COLOURS = {
    Advice.RETRY_NORMALLY: "#d7e8de",
    Advice.RETRY_GENTLY: "#f0e442",
    Advice.HOLD_OFF: "#7a2048",
    Advice.FAIL_OVER: "#0072b2",
    Advice.UNKNOWN: "#e4e4e4",
}
ADVICE_HEIGHTS = {
    Advice.RETRY_NORMALLY: 0.05,
    Advice.RETRY_GENTLY: 0.11,
    Advice.HOLD_OFF: 0.2,
    Advice.FAIL_OVER: 0.2,
    Advice.UNKNOWN: 0.03,
}


@dataclass(frozen=True, slots=True)
class Picture:
    """PNG bytes, and what they show in words (the alternative text)."""

    png: bytes
    alt: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One surface of an incident: its condition periods, and the verdicts as (start, end, advice)."""

    name: str
    runs: tuple[ConditionPeriod, ...]
    calls: tuple[tuple[datetime, datetime, Advice], ...]


def draw_uptime(name: str, days: Sequence[DayStatus], availability: str) -> Picture:
    """A bar for each day, with the height, colour and pattern of the day's worst condition.

    Args:
        name: The surface's name.
        days: The days, oldest first; more than ``MAX_BARS`` are grouped.
        availability: The availability in words, for the title.

    Raises:
        UsageError: There are no days, or matplotlib is not installed.
    """
    if not days:
        raise UsageError("There is no data for a picture.")
    picture = _figure(10, 2.6)
    axes = picture.subplots()
    step = -(-len(days) // MAX_BARS)
    bars = [max((d.worst for d in days[n : n + step]), key=lambda c: HEIGHTS[c]) for n in range(0, len(days), step)]
    plain_style = {} if len(bars) <= MAX_PATTERNS else {"hatch": "", "linewidth": 0.0}
    for condition in Condition:
        positions = [n for n, worst in enumerate(bars) if worst is condition]
        heights = [HEIGHTS[condition]] * len(positions)
        axes.bar(positions, heights, width=1.0 if plain_style else 0.82, **(_bar_style(condition) | plain_style))
    ticks = range(0, len(bars), max(len(bars) // 6, 1))
    axes.set_xticks(list(ticks), [f"{days[n * step].day:%d %b %Y}" for n in ticks])
    axes.set_xlim(-0.6, len(bars) - 0.4)
    axes.set_ylim(0, 1.05)
    axes.set_yticks([])
    scale_text = "each day by its worst" if step == 1 else f"{step} to a bar, each bar by its worst"
    _title(axes, f"{name}: {availability}", f"{len(days)} days (UTC), {scale_text}")
    _legend(picture, [c for c in Condition if any(d.worst is c for d in days)])
    return Picture(_png(picture), f"{name}, {availability}: {uptime_bar.describe_days(days)}.")


def draw_incident(
    title: str, lanes: Sequence[Lane], posts: Sequence[tuple[datetime, str]], span: tuple[datetime, datetime]
) -> Picture:
    """An incident: one lane for each surface with its verdicts as a band below, the vendor's posts as vertical lines.

    Args:
        title: The chart's title.
        lanes: The surfaces, from top to bottom.
        posts: Time and stage of each post.
        span: Start and end of the time axis.

    Raises:
        UsageError: There are no lanes, or matplotlib is not installed.
    """
    if not lanes:
        raise UsageError("No known service was affected: there is nothing for a picture.")
    picture = _figure(11, 1.9 + 0.85 * len(lanes))
    axes = picture.subplots()
    for row, lane in enumerate(reversed(lanes)):
        _draw_lane(axes, row, lane)
    for at, stage in posts:
        axes.axvline(_to_axis(at), color=INK, linewidth=0.9, linestyle=":", zorder=4)
        axes.text(_to_axis(at), len(lanes) + 0.02, f" {stage}", rotation=35, fontsize=7, color=INK, va="bottom")
    axes.set_yticks([row + 0.45 for row in range(len(lanes))], [lane.name for lane in reversed(lanes)])
    axes.set_ylim(-0.1, len(lanes) + 0.05)
    axes.set_xlim(_to_axis(span[0]), _to_axis(span[1]))
    _format_date_axis(axes)
    verdict_note = "; below each service its advice" if any(lane.calls for lane in lanes) else ""
    axes.set_xlabel(f"{span[0]:%d %B %Y}, UTC{verdict_note}", fontsize=8, color=INK, loc="left")
    picture.suptitle(formatting.truncate(title, 110), x=0.01, ha="left", fontsize=10, fontweight="bold", color=INK)
    conditions = {run.condition for lane in lanes for run in lane.runs}
    _legend(picture, [c for c in Condition if c in conditions], sorted({c for lane in lanes for *_, c in lane.calls}))
    return Picture(_png(picture), _incident_alt(title, lanes, posts))


def _draw_lane(axes: Axes, row: int, lane: Lane) -> None:
    for run in lane.runs:
        start, length = _to_axis(run.start), _to_axis(run.end) - _to_axis(run.start)
        axes.barh(
            row + 0.3,
            length,
            left=start,
            height=0.55 * HEIGHTS[run.condition],
            align="edge",
            **_bar_style(run.condition),
        )
    for begin, end, call in lane.calls:
        band: dict[str, Any] = {"facecolor": ADVICE_COLOURS[call], "edgecolor": INK, "linewidth": 0.3}
        axes.barh(
            row + 0.02,
            _to_axis(end) - _to_axis(begin),
            left=_to_axis(begin),
            height=ADVICE_HEIGHTS[call],
            align="edge",
            **band,
        )


def _to_axis(at: datetime) -> float:
    """A time as matplotlib's date number: days since 1970."""
    return at.timestamp() / 86_400


def _incident_alt(title: str, lanes: Sequence[Lane], posts: Sequence[tuple[datetime, str]]) -> str:
    parts = []
    for lane in lanes:
        steps = [f"{r.start:%H:%M} {formatting.CONDITION_WORDS[r.condition]}" for r in lane.runs]
        calls = [f"{start:%H:%M} {formatting.ADVICE_WORDS[call].lower()}" for start, _, call in lane.calls]
        verdicts = f"; verdicts {', '.join(calls)}" if calls else ""
        parts.append(f"{lane.name}: {', '.join(steps)}{verdicts}")
    ticks = ", ".join(f"{at:%H:%M} {stage}" for at, stage in posts)
    return f"{title}. {'. '.join(parts)}. The vendor's posts (UTC): {ticks or 'none'}."


# --- drawing ----------------------------------------------------------------------------------------------------------


def _figure(width: float, height: float) -> Figure:
    try:
        from matplotlib.figure import Figure as Canvas  # noqa: PLC0415  (optional, and half a second to import)
    except ImportError as error:
        raise UsageError("Pictures need matplotlib: pip install matplotlib") from error
    return Canvas(figsize=(width, height), dpi=150, facecolor=GROUND, layout="constrained")


def _bar_style(condition: Condition) -> dict[str, Any]:
    return {
        "facecolor": COLOURS[condition],
        "hatch": PATTERNS.get(condition, ""),
        "edgecolor": INK if condition.is_bad or condition is Condition.MAINTENANCE else FAINT,
        "linewidth": 0.4,
    }


def _title(axes: Axes, title: str, caption: str) -> None:
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold", color=INK)
    axes.set_xlabel(caption, fontsize=8, color=INK, loc="left")
    _frame(axes)


def _frame(axes: Axes) -> None:
    axes.set_facecolor(GROUND)
    axes.tick_params(colors=INK, labelsize=8, length=2)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)


def _format_date_axis(axes: Axes) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter  # noqa: PLC0415  (see above)

    locator = AutoDateLocator(tz=UTC)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC))  # type: ignore[no-untyped-call]
    axes.xaxis.get_offset_text().set_visible(False)
    _frame(axes)


def _legend(picture: Figure, conditions: Sequence[Condition], calls: Sequence[Advice] = ()) -> None:
    from matplotlib.patches import Patch  # noqa: PLC0415  (see above)

    patches = [Patch(label=formatting.CONDITION_WORDS[c], **_bar_style(c)) for c in conditions]
    patches += [Patch(label=f"advice: {formatting.ADVICE_WORDS[c].lower()}", color=ADVICE_COLOURS[c]) for c in calls]
    columns = min(len(patches), 5)
    picture.legend(handles=patches, loc="outside lower left", ncols=columns, fontsize=7, frameon=False, labelcolor=INK)


def _png(picture: Figure) -> bytes:
    out = BytesIO()
    picture.savefig(out, format="png", facecolor=GROUND, metadata={"Software": None})
    return out.getvalue()
