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
    )
    worst_first = sorted((s for s in clauses if s[1]), key=lambda s: list(SignalKind).index(s[0].says))
    return ", and ".join(clause for _, clause in worst_first)


def _probe_clause(signal: Signal) -> str:
    why = f" ({_printable_text(signal.why)})" if signal.why else ""
    match signal.says:
        case SignalKind.FAILING:
            failing_from = (
                f", from one place only ({signal.against[0]}),"
                if len(signal.against) == 1
                else f" from {_vantage_names(signal.against)}"
            )
            return f"our probe{failing_from} has failed since {format_time(signal.since)}{why}"
        case SignalKind.MIXED:
            answering_from = f" and answers from {_vantage_names(signal.by)}" if signal.by else ""
            failing_from = _vantage_names(signal.against)
            return f"our probe fails from {failing_from} since {format_time(signal.since)}{why}{answering_from}"
        case SignalKind.OK:
            is_named = len(signal.by) > 1 or not signal.is_known
            answering_from = f" from {_vantage_names(signal.by)}" if is_named else ""
            answering_from += "" if signal.is_known else ", which is new here,"
            return f"our probe{answering_from} has answered since {format_time(signal.since)}"
        case _:
            return ""


def _traffic_clause(signal: Signal) -> str:
    """The requests of the only client; of several, how many of them fail and how badly."""
    if signal.says is SignalKind.NONE or signal.n < MIN_REQUESTS:
        return ""
    if signal.says in (SignalKind.OK, SignalKind.SOME):
        return _harmless_traffic_clause(signal)
    most = f", most by {signal.why}" if signal.why else ""
    if signal.clients == 1:
        return f"{signal.share:.0%} of our last {signal.n:,} requests fail since {format_time(signal.since)}{most}"
    return (
        f"our own requests fail from {signal.clients_failing} of {signal.clients} clients since"
        f" {format_time(signal.since)} (the median client {signal.median:.0%}, the worst {signal.worst:.0%}{most})"
    )


def _harmless_traffic_clause(signal: Signal) -> str:
    """Requests that do not count against the surface: they go well, few fail, or they fail since a moment ago."""
    if signal.says is SignalKind.SOME:
        return f"our own requests began to fail a moment ago ({_failed_share(signal)})"
    if signal.share >= MIN_FAILURE_SHARE:
        return f"a few of our own requests have failed ({_failed_share(signal)})"
    if signal.clients == 1:
        return f"our own requests go well ({signal.share:.1%} of {signal.n:,} failed)"
    return f"our own requests go well ({signal.clients} clients; at most {signal.share:.1%} failed)"


def _failed_share(signal: Signal) -> str:
    if signal.clients == 1:
        return f"{signal.share:.0%} of {signal.n:,}"
    return f"{signal.clients_failing} of {signal.clients} clients; at most {signal.worst:.0%} failed"


def _report_clause(signals: Signals) -> str:
    n = signals.people.n
    if signals.people.says not in (SignalKind.CROWD, SignalKind.SOME):
        return ""
    return f"{n} people have reported it within {REPORTS_WITHIN.total_seconds() / 60:.0f} min"


def _vantage_names(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    return f"{len(names)} places" + (f" ({', '.join(names)})" if len(names) <= _MAX_NAMED else "")


def _printable_text(text: str) -> str:
    printable = "".join(c for c in text if c.isprintable()).strip()
    return printable if len(printable) <= _MAX_REASON else f"{printable[: _MAX_REASON - 1]}…"
