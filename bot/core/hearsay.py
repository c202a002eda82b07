"""What the witnesses of a surface say -> clauses for a verdict's sentence: who saw what, and since when. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.core.signs import Says, Sign, Signs
from bot.core.witness import CROWD_WITHIN, REQUESTS

_WHY = 80  # characters of what went wrong
_NAMED = 3  # vantage points that are named; more are counted


def told(signs: Signs) -> str:
    """Everything that the witnesses say, the worst first; empty where they say nothing."""
    said = (
        (signs.probe, _probe(signs.probe)),
        (signs.traffic, _traffic(signs.traffic)),
        (signs.people, _people(signs)),
    )
    worst_first = sorted((s for s in said if s[1]), key=lambda s: list(Says).index(s[0].says))
    return ", and ".join(clause for _, clause in worst_first)


def _probe(sign: Sign) -> str:
    why = f" ({_plain(sign.why)})" if sign.why else ""
    match sign.says:
        case Says.FAILING:
            only = (
                f", from one place only ({sign.against[0]}),"
                if len(sign.against) == 1
                else f" from {_places(sign.against)}"
            )
            return f"our probe{only} has failed since {_clock(sign.since)}{why}"
        case Says.MIXED:
            but = f" and answers from {_places(sign.by)}" if sign.by else ""
            return f"our probe fails from {_places(sign.against)} since {_clock(sign.since)}{why}{but}"
        case Says.OK:
            where = f" from {_places(sign.by)}" if len(sign.by) > 1 else ""
            return f"our probe{where} has answered since {_clock(sign.since)}"
        case _:
            return ""


def _traffic(sign: Sign) -> str:
    if sign.says is Says.NONE or sign.n < REQUESTS:
        return ""
    if sign.says is Says.OK:
        return f"our own requests go well ({sign.share:.1%} of {sign.n:,} failed)"
    worst = f", most by {sign.why}" if sign.why else ""
    return f"{sign.share:.0%} of our last {sign.n:,} requests fail since {_clock(sign.since)}{worst}"


def _people(signs: Signs) -> str:
    n = signs.people.n
    if signs.people.says not in (Says.CROWD, Says.SOME):
        return ""
    return f"{n} people have reported it within {CROWD_WITHIN.total_seconds() / 60:.0f} min"


def _places(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    return f"{len(names)} places" + (f" ({', '.join(names)})" if len(names) <= _NAMED else "")


def _clock(at: datetime | None) -> str:
    return f"{at:%H:%M} UTC" if at else "no time"


def _plain(text: str) -> str:
    shown = "".join(c for c in text if c.isprintable()).strip()
    return shown if len(shown) <= _WHY else f"{shown[: _WHY - 1]}…"
