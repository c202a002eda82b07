"""Clauses for a verdict's reason sentence on evidence beside the page: who saw what, and since when."""

from __future__ import annotations

from collections.abc import Sequence

from bot.rules.evidence.aggregate import REPORTS_WITHIN
from bot.rules.evidence.signals import Signal, SignalKind, Signals
from bot.rules.evidence.traffic import MIN_FAILURE_SHARE, MIN_REQUESTS
from bot.rules.verdict.reasons import format_time

_MAX_REASON = 80  # characters of a failure's description
_MAX_NAMED = 3  # vantage points listed by name; more are only counted


def describe_signals(signals: Signals) -> str:
    """All evidence beside the page as one clause, the worst first; empty where there is none."""
    clauses = (
        (signals.probe, _probe_clause(signals.probe)),
        (signals.traffic, _traffic_clause(signals.traffic)),
        (signals.people, _report_clause(signals)),
        (signals.trackers, _tracker_clause(signals.trackers)),
    )
    worst_first = sorted((s for s in clauses if s[1]), key=lambda s: list(SignalKind).index(s[0].says))
    return ", ".join(clause for _, clause in worst_first)


def _probe_clause(signal: Signal) -> str:
    why = f" ({_printable_text(signal.why)})" if signal.why else ""
    match signal.says:
        case SignalKind.FAILING:
            is_single = len(signal.against) == 1
            places = f"one place only ({signal.against[0]})" if is_single else _vantage_names(signal.against)
            return f"our probe fails from {places} since {format_time(signal.since)}{why}"
        case SignalKind.MIXED:
            passing = f" and passes from {_vantage_names(signal.by)}" if signal.by else ""
            return (
                f"our probe fails from {_vantage_names(signal.against)} since {format_time(signal.since)}{why}{passing}"
            )
        case SignalKind.OK:
            is_named = len(signal.by) > 1 or not signal.is_known
            places = f" from {_vantage_names(signal.by)}" if is_named else ""
            new_place = "" if signal.is_known else " (new here)"
            return f"our probe passes{places}{new_place} since {format_time(signal.since)}"
        case _:
            return ""


def _traffic_clause(signal: Signal) -> str:
    """The requests of the only client; of several, how many of them fail and how badly."""
    if signal.alerts:
        return _alert_clause(signal)
    if signal.says is SignalKind.NONE or signal.n < MIN_REQUESTS:
        return ""
    if signal.says in (SignalKind.OK, SignalKind.SOME):
        return f"your traffic: {_harmless_errors(signal)}"
    most = f", mostly {signal.why}" if signal.why else ""
    if signal.clients == 1:
        return f"your traffic: {signal.share:.0%} errors of {signal.n:,} since {format_time(signal.since)}{most}"
    failing = f"errors at {signal.clients_failing} of {signal.clients} clients"
    return (
        f"your traffic: {failing} since {format_time(signal.since)}"
        f" (median {signal.median:.0%} errors, worst {signal.worst:.0%} errors{most})"
    )


def _alert_clause(signal: Signal) -> str:
    """The alerts of the team's own that fire; and counted requests, if there are enough."""
    names = [_printable_text(name) for name in signal.alerts[:_MAX_NAMED]]
    more = f" and {len(signal.alerts) - _MAX_NAMED} more" if len(signal.alerts) > _MAX_NAMED else ""
    since = f" since {format_time(signal.since)}" if signal.since else ""
    fires = "your alert fires" if len(signal.alerts) == 1 else "your alerts fire"
    counted = f", your traffic: {signal.own_share:.0%} errors of {signal.n:,}" if signal.n >= MIN_REQUESTS else ""
    return f"{fires}{since} ({', '.join(names)}{more}){counted}"


def _tracker_clause(signal: Signal) -> str:
    if signal.says not in (SignalKind.CROWD, SignalKind.SOME):
        return ""
    begun = f" since {format_time(signal.since)}" if signal.since else ""
    return f"{_printable_text(signal.why)}{begun}"


def _harmless_errors(signal: Signal) -> str:
    """Errors that do not count against the surface: hardly any, few, or since a moment ago."""
    if signal.clients == 1:
        is_low = signal.says is SignalKind.OK and signal.share < MIN_FAILURE_SHARE
        errors = f"{signal.share:{'.1%' if is_low else '.0%'}} errors of {signal.n:,}"
    elif signal.says is SignalKind.OK and signal.share < MIN_FAILURE_SHARE:
        errors = f"at most {signal.share:.1%} errors at {signal.clients} clients"
    else:
        failing = f"errors at {signal.clients_failing} of {signal.clients} clients"
        errors = f"{failing} (at most {signal.worst:.0%} errors)"
    if signal.says is SignalKind.SOME:
        return f"{errors}, just begun"
    return f"{errors}, too few to count" if signal.share >= MIN_FAILURE_SHARE else errors


def _report_clause(signals: Signals) -> str:
    n = signals.people.n
    if signals.people.says not in (SignalKind.CROWD, SignalKind.SOME):
        return ""
    return f"{n} {'people report' if n > 1 else 'person reports'} it ({REPORTS_WITHIN.total_seconds() / 60:.0f} min)"


def _vantage_names(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    return f"{len(names)} places" + (f" ({', '.join(names)})" if len(names) <= _MAX_NAMED else "")


def _printable_text(text: str) -> str:
    printable = "".join(c for c in text if c.isprintable()).strip()
    return printable if len(printable) <= _MAX_REASON else f"{printable[: _MAX_REASON - 1]}…"
