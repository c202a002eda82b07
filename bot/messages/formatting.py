"""Conditions, verdicts and times in words for people. No I/O.

Each thing has one word, and no colour or symbol stands without its word.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime

from bot.domain import Condition, Stage, Verdict
from bot.messages import words

CONDITION_WORDS = {condition: str(status) for condition, status in words.CONDITION_STATUS.items()}
CONDITION_SYMBOLS = {c: words.STATUS_STYLES[status].sign for c, status in words.CONDITION_STATUS.items()}
ADVICE_WORDS = {advice: style.phrase for advice, style in words.ADVICE_STYLES.items()}


_JOINER = "\u200d"  # zero-width joiner: makes one emoji of several
_MAX_CLUSTER = 32  # code points; no character that people write is longer


def condition_text(condition: Condition, *, inferred: bool = False) -> str:
    """A condition in words, such as ``partial outage (from text)``.

    ``inferred``: only the vendor's text says so, and no component of its page.
    """
    return CONDITION_WORDS[condition] + (f" {words.FROM_TEXT}" if inferred and condition.is_bad else "")


def advice_text(verdict: Verdict) -> str:
    """The advice in two to four words, such as ``Retry slowly (20% load)``."""
    return words.advice_phrase(verdict)


def stage_text(stage: Stage) -> str:
    """The vendor's stage in words."""
    return "stage unknown" if stage is Stage.UNKNOWN else stage.replace("_", " ")


def format_time(at: datetime) -> str:
    """A time of day as plain text: ``12:19 UTC``. ``at`` is in UTC."""
    return f"{at:%H:%M} UTC"


def format_datetime(at: datetime) -> str:
    """A date and time as plain text: ``2026-03-02 12:19 UTC``. ``at`` is in UTC."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def format_range(start: datetime, end: datetime) -> str:
    """A range of times; the date is given once if both are on the same day."""
    return (
        f"{start:%Y-%m-%d %H:%M}-{end:%H:%M} UTC"
        if start.date() == end.date()
        else f"{format_datetime(start)} to {format_datetime(end)}"
    )


def format_duration(seconds: float) -> str:
    """A duration in words: ``40 s``, ``4 min``, ``3 h 22 min``, ``2 d 4 h``.

    A negative one, which clocks that differ can produce, counts as zero.
    """
    seconds = max(seconds, 0)
    if seconds < 90:  # noqa: PLR2004  (below this, minutes are too coarse)
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{rest} min"


def join_names(names: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``; empty if there are no names."""
    items = list(names)
    *most, last = items or [""]
    return f"{', '.join(most)} and {last}" if most else last


def name_list(names: Sequence[str], limit: int) -> str:
    """At most so many names, and how many more there are: ``API, login, +4``."""
    more = [f"+{len(names) - limit}"] if len(names) > limit else []
    return ", ".join([*names[:limit], *more])


def pluralize(number: int, one: str, many: str = "") -> str:
    """A number of things: ``1 service``, ``2 services``; ``many`` is the plural where it has no plain *s*."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def upper_first(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def lower_first(text: str) -> str:
    """The text with a small first letter, for the middle of a sentence."""
    return text[:1].lower() + text[1:]


def truncate(text: str, limit: int, marker: str = "… (cut)") -> str:
    """The text, cut to ``limit`` code points including ``marker`` if it is longer; never inside a character."""
    if len(text) <= limit:
        return text
    end = limit - len(marker)
    cut = next((n for n in range(end, max(end - _MAX_CLUSTER, 0), -1) if not _is_inside_character(text, n)), end)
    return text[:cut] + marker


def _is_inside_character(text: str, index: int) -> bool:
    """True if the code points before and at ``index`` are shown as one character: accents, skin tones, joined emoji."""
    after = text[index]
    is_mark = unicodedata.category(after).startswith("M") or "\U0001f3fb" <= after <= "\U0001f3ff"
    return is_mark or _JOINER in (after, text[index - 1])
