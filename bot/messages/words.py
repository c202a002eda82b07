"""Every word that people read for a status or an advice, with its emoji and colours. No I/O.

One module holds them all, so that alerts, answers, the board and the command line say the same. Machine values
(``retry_gently``, JSON keys, exit codes) are those of ``bot.domain`` and never change; see bot/docs/glossary.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.domain import Advice, Condition, Verdict


class Status(StrEnum):
    """What people read as a service's status, worst first: its condition, or that it is recovering."""

    OUTAGE = "outage"
    PARTIAL_OUTAGE = "partial outage"
    DEGRADED = "degraded"
    MAINTENANCE = "maintenance"
    UNKNOWN = "unknown"
    RECOVERING = "recovering"  # operational, and after trouble not yet safe to retry
    OPERATIONAL = "operational"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Status).index(self)

    @property
    def is_bad(self) -> bool:
        """True for an outage, a partial outage and degraded."""
        return self in (Status.OUTAGE, Status.PARTIAL_OUTAGE, Status.DEGRADED)

    @property
    def is_down(self) -> bool:
        """True for what counts as *down*: an outage or a partial outage."""
        return self in (Status.OUTAGE, Status.PARTIAL_OUTAGE)


@dataclass(frozen=True, slots=True)
class StatusStyle:
    """How a status looks.

    ``emoji`` is Slack's code, ``symbol`` the character; ``sign`` and ``ascii_sign`` are for terminals without emoji.
    ``bar`` is the colour of bars and dots; ``text_light`` and ``text_dark`` are for text on light and dark background.
    """

    emoji: str
    symbol: str
    sign: str
    ascii_sign: str
    bar: str
    text_light: str
    text_dark: str


STATUS_STYLES: Mapping[Status, StatusStyle] = {
    Status.OUTAGE: StatusStyle(":red_circle:", "🔴", "●", "#", "#B42318", "#B42318", "#FF8A80"),
    Status.PARTIAL_OUTAGE: StatusStyle(":large_orange_diamond:", "🔶", "◆", "%", "#E06C00", "#9A4A00", "#FFAB66"),
    Status.DEGRADED: StatusStyle(":warning:", "⚠️", "▲", "!", "#F2B705", "#7A5900", "#F5CF55"),
    Status.MAINTENANCE: StatusStyle(":wrench:", "🔧", "⚙", "m", "#3B6FD4", "#2A57B0", "#8AB4F8"),
    Status.UNKNOWN: StatusStyle(":grey_question:", "❔", "?", "?", "#868B94", "#5A606B", "#AEB4BF"),
    Status.RECOVERING: StatusStyle(":arrows_counterclockwise:", "🔄", "↻", "~", "#56A8E0", "#0B6A9E", "#7CC7F5"),
    Status.OPERATIONAL: StatusStyle(":white_check_mark:", "✅", "✓", ".", "#00875F", "#006B4C", "#5FD3A4"),
}

CONDITION_STATUS: Mapping[Condition, Status] = {
    Condition.MAJOR_OUTAGE: Status.OUTAGE,
    Condition.PARTIAL_OUTAGE: Status.PARTIAL_OUTAGE,
    Condition.DEGRADED: Status.DEGRADED,
    Condition.MAINTENANCE: Status.MAINTENANCE,
    Condition.UNKNOWN: Status.UNKNOWN,
    Condition.OPERATIONAL: Status.OPERATIONAL,
}

# Reason codes of a verdict that is not normal although nothing was bad before it: such a service is not recovering.
_NOT_AFTER_TROUBLE = frozenset(
    {
        "named",
        "watch",
        "needs",
        "starting",
        "stale",
        "suspected",
        "brownout",
        "reported",
        "tracked",
        "override_broken",
        "maintenance",
        "fail_over",
    }
)

NOTICE_EMOJI = ":information_source:"
DECLARED_EMOJI = ":rotating_light:"  # of an incident that a team declared
MUTED_EMOJI, UNMUTED_EMOJI, WELCOME_EMOJI = ":no_bell:", ":bell:", ":wave:"


def derive_status(condition: Condition, verdict: Verdict | None) -> Status:
    """A service's status: its condition; *recovering* if it is operational and not yet safe to retry after trouble."""
    status = CONDITION_STATUS[condition]
    is_limited = verdict is not None and verdict.call in (Advice.RETRY_GENTLY, Advice.HOLD_OFF, Advice.FAIL_OVER)
    if status is not Status.OPERATIONAL or verdict is None or not is_limited:
        return status
    return status if verdict.reason_code in _NOT_AFTER_TROUBLE else Status.RECOVERING


# --- advice -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AdviceStyle:
    """How an advice reads: ``phrase`` as a line's start, ``short`` in tables, ``meaning`` in help and tooltips."""

    emoji: str
    symbol: str
    phrase: str
    short: str
    meaning: str


ADVICE_STYLES: Mapping[Advice, AdviceStyle] = {
    Advice.RETRY_NORMALLY: AdviceStyle(
        ":white_check_mark:", "✅", "Safe to retry", "Safe to retry", "No known problem: send as usual."
    ),
    Advice.RETRY_GENTLY: AdviceStyle(
        ":large_yellow_circle:",
        "🟡",
        "Retry slowly",
        "slowly",
        "People: one try, then wait 5 min. Programs: at most this share of normal load, exponential backoff with"
        " jitter, 3 attempts.",
    ),
    Advice.HOLD_OFF: AdviceStyle(
        ":no_entry:", "⛔", "Don't retry", "don't retry", "It is likely to fail and adds load. Queue the work."
    ),
    Advice.FAIL_OVER: AdviceStyle(
        ":arrow_right_hook:",
        "↪️",
        "Use another service",
        "use another",
        "Don't retry; the named service works and is independent of this outage.",
    ),
    Advice.UNKNOWN: AdviceStyle(
        ":grey_question:",
        "❔",
        "Unknown",
        "unknown",
        "No current data. People: one try is fine. Programs: your own default.",
    ),
}
NOT_YET = "Don't retry yet"  # instead of *Don't retry* while a service recovers
USE_INSTEAD = "Use instead"

_LOAD_STEP = 10  # percent: advice changes in steps that people can follow
_MAX_SLOW_LOAD = 50  # percent


def load_step(exposure: float) -> int:
    """The share of normal load in percent as people read it: 10, 20, 30, 40 or 50, rounded down."""
    percent = int(exposure * 100 + 1e-6) // _LOAD_STEP * _LOAD_STEP
    return min(max(percent, _LOAD_STEP), _MAX_SLOW_LOAD)


def load_text(exposure: float) -> str:
    """The share of normal load in words: ``10% load``."""
    return f"{load_step(exposure)}% load"


def is_held(verdict: Verdict) -> bool:
    """True if it is not to be retried at all."""
    return verdict.call in (Advice.HOLD_OFF, Advice.FAIL_OVER)


def advice_phrase(verdict: Verdict) -> str:
    """The advice as people read it: ``Retry slowly (10% load)``."""
    phrase = ADVICE_STYLES[Advice.HOLD_OFF if verdict.call is Advice.FAIL_OVER else verdict.call].phrase
    return f"{phrase} ({load_text(verdict.exposure)})" if verdict.call is Advice.RETRY_GENTLY else phrase


def advice_short(verdict: Verdict) -> str:
    """The advice for tables: ``slowly (10% load)``, ``use openai-api``."""
    if verdict.call is Advice.FAIL_OVER and verdict.instead:
        return f"use {verdict.instead}"
    short = ADVICE_STYLES[verdict.call].short
    return f"{short} ({load_text(verdict.exposure)})" if verdict.call is Advice.RETRY_GENTLY else short


def advice_symbol(verdict: Verdict) -> str:
    """The advice's emoji as Slack's code."""
    return ADVICE_STYLES[Advice.HOLD_OFF if verdict.call is Advice.FAIL_OVER else verdict.call].emoji


# --- what to do, where the provider file says nothing of its own ------------------------------------------------------

PEOPLE_HOLD = "Save your text; don't resend it."
PEOPLE_SLOW = "One try, then wait 5 min."
PROGRAMS_HOLD = "Queue the work."


def programs_slow(exposure: float) -> str:
    """What programs should do while the advice is to retry slowly."""
    return f"{load_step(exposure)}% of normal load, backoff with jitter, 3 attempts."


# --- severities of a subscription -------------------------------------------------------------------------------------

SEVERITY_WORDS: Mapping[Condition, str] = {
    Condition.MAINTENANCE: "all severities and maintenance",
    Condition.DEGRADED: "all severities",
    Condition.PARTIAL_OUTAGE: "partial outage and outage",
    Condition.MAJOR_OUTAGE: "outage only",
}

FROM_TEXT = "(from text)"  # after the name of a service that only the vendor's text names
FROM_IMPACT = "(from impact)"  # after a status for which the incident's impact stands, since no transition was recorded
