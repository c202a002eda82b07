"""The small print of an alert: what the vendor says, how it relates to others, what people did. No I/O.

Texts are those of ``bot.messages.markup``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from bot.domain import Alert, Condition, Estimate, IncidentEnding, IncidentUserActions
from bot.messages import alert_actions, alert_view, formatting, markup

MAX_TITLE = 90  # characters of the vendor's title
MIN_HISTORY = 20  # incidents of the vendor from which on its own durations are named
_MIN_LEAD = timedelta(minutes=1)  # a smaller lead over the page is not shown


def details(alert: Alert, user_actions: IncidentUserActions, link_url: str) -> Iterator[str]:
    """The small print, at most two texts.

    Args:
        alert: The alert.
        user_actions: What people have done about its incident.
        link_url: The URL of the message that it points to; empty if that is not known.
    """
    yield from filter(None, (_vendor_text(alert), _facts_text(alert, user_actions, link_url)))


def _vendor_text(alert: Alert) -> str:
    """What the vendor says: its stage since when, and the incident's title as a link to it."""
    title = formatting.truncate(markup.clean(alert.title), MAX_TITLE, "…")
    quote = markup.link(alert.url or "", f"“{title}”")
    vendor = alert.vendor or alert.provider_name
    if alert.is_suspected:
        reason = next((line.verdict.because for line in alert.lines if line.verdict.because), "")
        seen = formatting.upper_first(reason.partition(";")[0])
        ending = "" if alert.closed_at else f"{markup.SEPARATOR}not on the status page"
        return f"{markup.with_times(seen, alert.as_of)}{ending}"
    if alert.is_unposted:
        return f"{vendor} has posted nothing: the status page shows this without an incident."
    if alert.missed is not None or alert.cleared_at is not None or alert_view.is_overrunning(alert):
        planned = alert.planned_end if alert_view.is_overrunning(alert) and alert.closed_at is None else None
        overrun = f"Planned end was {markup.time(planned, alert.as_of)}: " if planned else ""
        return f"{overrun}{quote}"
    if alert.ending is IncidentEnding.WITHDRAWN and alert.closed_at is not None:
        return f"{quote} was removed from the status page at {markup.time(alert.closed_at, alert.as_of)}."
    stage, at = formatting.stage_text(alert.stage), alert.stage_at or alert.posted_at
    preposition = "at" if alert.closed_at is not None else "since"
    return f"{vendor}, {stage} {preposition} {markup.time(at, alert.as_of)}: {quote}"


def _facts_text(alert: Alert, user_actions: IncidentUserActions, link_url: str) -> str:
    people = alert_actions.alert_action_texts(alert, user_actions)
    return markup.SEPARATOR.join([*_relations(alert, link_url), *_typical(alert), *_advice_record(alert), *people])


def _advice_record(alert: Alert) -> Iterator[str]:
    """At the all clear: how often the advice let load through again, and how often too early."""
    if alert.cleared_at is not None and alert.openings:
        noun = "re-opening" if alert.openings == 1 else "re-openings"
        yield f"Retry advice: {alert.openings} {noun}, {alert.early_openings} too early"


def _relations(alert: Alert, link_url: str) -> Iterator[str]:
    """How the alert relates to others: a possible cause, already open, repeated, related, detected before the page."""
    yield from _causes(alert)
    if alert.is_baseline and alert.closed_at is None:
        yield f"Already open when monitoring started at {markup.time(alert.seen_at, alert.as_of)}"
    if alert.written_at is not None:
        yield f"Posted at {markup.time(alert.written_at, alert.as_of)}, dated back by the vendor"
    if alert.lead and alert.lead >= _MIN_LEAD:
        yield f"Detected {formatting.format_duration(alert.lead.total_seconds())} before the status page"
    earlier = markup.link(link_url, "the earlier one") if link_url else "the earlier one"
    began = f" of {markup.time(alert.earlier_at, alert.as_of)}" if alert.earlier_at else ""
    if alert.again_after:
        after = formatting.format_duration(alert.again_after.total_seconds())
        yield f"Repeat: {earlier}{began} was resolved {after} before"
    elif alert.shares:
        yield f"Related to {earlier}{began}, still open"
    elif alert.earlier and alert.earlier_at:
        yield f"Related to {earlier}{began}"
    if alert.related and alert.cleared_at is None:
        yield "A related incident is still open"


def _causes(alert: Alert) -> Iterator[str]:
    """The other providers in trouble that the vendor names."""
    for cause in alert.upstream:
        cause_link = markup.link(cause.url, f"{markup.clean(cause.name)}'s incident")
        yield f"Follows {cause_link}, which {alert.vendor or alert.provider_name} names"


def _typical(alert: Alert) -> Iterator[str]:
    has_bad_surface = any(line.condition in (*_BAD, Condition.MAINTENANCE) for line in alert.lines)
    if alert.estimate is not None and alert.closed_at is None and has_bad_surface and not alert.is_maintenance:
        yield estimate_text(alert.estimate)


_BAD = (Condition.DEGRADED, Condition.PARTIAL_OUTAGE, Condition.MAJOR_OUTAGE)


def estimate_text(estimate: Estimate) -> str:
    """The typical duration, as estimated first; it is never updated or counted down.

    See bot/docs/verdict-rules.md#the-first-estimate.
    """
    median, p90 = (_rounded(estimate.elapsed + span) for span in (estimate.p50, estimate.p90))
    basis = f"{estimate.n} incidents" if estimate.n >= MIN_HISTORY else "incidents of all vendors"
    return f"Typical: {median}, 9 of 10 within {p90} ({basis})"


def _rounded(span: timedelta) -> str:
    """A duration without false precision: to five minutes, from two hours on to whole hours."""
    minutes = span.total_seconds() / 60
    step = 5 if minutes < 120 else 60  # noqa: PLR2004  (two hours)
    return formatting.format_duration(max(round(minutes / step) * step, step) * 60)
