"""What a notification about an incident means, before any chat's markup. No I/O.

Slack's Block Kit (``bot.messages.alerts``) is one rendering of it; each tool of ``[[notify]]`` is another, in one file
of ``bot.messages.tools``. Texts are those of ``bot.messages.markup``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from bot.domain import (
    TOOL_PREFIX,
    Advice,
    Alert,
    Condition,
    DeclaredIncident,
    DeclaredPost,
    DeclaredSeverity,
    DeclaredStep,
    IncidentUserActions,
    NewsItem,
    NewsKind,
    Notification,
    SurfaceLine,
)
from bot.messages import alert_details, alert_view, declared, formatting, markup, news, words
from bot.messages.alert_view import Headline
from bot.messages.words import Status

MAX_QUOTE = 1400  # characters of the vendor's text
_QUOTED_KINDS = frozenset({NewsKind.UPDATE, NewsKind.EDITED, NewsKind.CHANGED, NewsKind.NOTE})


class Phase(StrEnum):
    """What a notification does to the incident in a tool that keeps incidents."""

    TRIGGERED = "triggered"
    UPDATED = "updated"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Severity(StrEnum):
    """How bad it is, in the words that most tools share; the worst first."""

    CRITICAL = "critical"  # an outage
    ERROR = "error"  # a partial outage
    WARNING = "warning"  # degraded, or a service that is named in words only
    INFO = "info"  # maintenance, and the end


_SEVERITIES = {
    Condition.MAJOR_OUTAGE: Severity.CRITICAL,
    Condition.PARTIAL_OUTAGE: Severity.ERROR,
    Condition.MAINTENANCE: Severity.INFO,
}


@dataclass(frozen=True, slots=True)
class AnnouncedService:
    """One affected service: what it is, how it is, and whether it is safe to retry."""

    id: str
    name: str
    short: str
    condition: Condition
    status: Status
    advice: Advice
    advice_text: str
    exposure: float
    reason: str


@dataclass(frozen=True, slots=True)
class Announcement:
    """What one notification about an incident says.

    Attributes:
        key: The notification's key in the outbox; the same at every attempt.
        incident: The incident's key.
        phase: What it does.
        headline: What is broken, with its status, emoji and colour.
        lines: What to do, or the news, one text each.
        details: What the vendor says, and facts about the incident.
        quote: The vendor's or a person's words that the news is about; empty where there are none.
        services: The affected services, the worst first.
        title: The vendor's title of the incident.
        url: The incident's page; empty where it has none.
        by: Who acknowledged it, or wrote the note.
        ended_at: Since when it is safe to retry; None before.
        is_maintenance: It is planned work.
        is_suspected: Only probes, reports or traffic show it.
        declared: The incident that a team declared, where it is one; None for a vendor's.
    """

    key: str
    incident: str
    provider: str
    provider_name: str
    phase: Phase
    severity: Severity
    headline: Headline
    lines: tuple[str, ...]
    details: tuple[str, ...]
    quote: str
    services: tuple[AnnouncedService, ...]
    title: str
    url: str
    began_at: datetime
    as_of: datetime
    next_update: datetime | None = None
    ended_at: datetime | None = None
    by: str = ""
    is_maintenance: bool = False
    is_suspected: bool = False
    declared: DeclaredIncident | None = None

    @property
    def dedup_key(self) -> str:
        """What identifies the incident in a tool: the same for its beginning, its updates and its end."""
        return f"brownout/{self.provider}/{self.incident}"

    @property
    def sentence(self) -> str:
        """The whole in one line of plain text, as on a lock screen."""
        rest = " ".join(markup.to_plain(line) for line in self.lines)
        return f"{self.headline.text}. {rest}" if rest else self.headline.text


def announce(notification: Notification, people: IncidentUserActions, link_url: str = "") -> Announcement:
    """The meaning of a notification about an incident.

    Args:
        notification: The notification; a notice has no such meaning.
        people: What people have done about the incident so far.
        link_url: The URL of the message that it points to; empty if that is not known.

    Raises:
        TypeError: The notification is about no incident.
    """
    alert, item = notification.about, notification.news
    if isinstance(alert, DeclaredPost):
        return _announce_declared(notification.key, alert)
    if not isinstance(alert, Alert):
        raise TypeError(f"{notification.key} is about no incident")
    phase = _phase(alert, item, is_tool=notification.channel.startswith(TOOL_PREFIX))
    services = tuple(_services(alert))
    is_quoting = item is not None and bool(_QUOTED_KINDS & set(item.kinds))
    return Announcement(
        key=notification.key,
        incident=alert.incident,
        provider=alert.provider,
        provider_name=alert.provider_name,
        phase=phase,
        severity=Severity.INFO if phase is Phase.RESOLVED else _severity(alert),
        headline=_headline(alert),
        lines=tuple(_lines(alert, item, phase, link_url)),
        details=tuple(alert_details.details(alert, people, link_url)),
        quote=formatting.truncate(item.quote, MAX_QUOTE) if item is not None and is_quoting else "",
        services=services,
        title=markup.clean(alert.title),
        url=alert.url or "",
        began_at=alert.posted_at,
        as_of=item.at if item is not None and phase is Phase.ACKNOWLEDGED else alert.as_of,
        next_update=alert.next_update,
        ended_at=(alert.cleared_at or alert.closed_at) if phase is Phase.RESOLVED else None,
        by=markup.clean(item.by) if item is not None else "",
        is_maintenance=alert.is_maintenance,
        is_suspected=alert.is_suspected,
    )


_DECLARED_PHASES = {
    DeclaredStep.OPENED: Phase.TRIGGERED,
    DeclaredStep.UPDATED: Phase.UPDATED,
    DeclaredStep.ACKNOWLEDGED: Phase.ACKNOWLEDGED,
    DeclaredStep.CLOSED: Phase.RESOLVED,
}
_DECLARED_SEVERITIES = {
    DeclaredSeverity.SEV1: (Severity.CRITICAL, Status.OUTAGE),
    DeclaredSeverity.SEV2: (Severity.ERROR, Status.PARTIAL_OUTAGE),
    DeclaredSeverity.SEV3: (Severity.WARNING, Status.DEGRADED),
}


def _announce_declared(key: str, post: DeclaredPost) -> Announcement:
    """The meaning of a notification about an incident that a team declared."""
    incident, phase = post.declared, _DECLARED_PHASES[post.step]
    severity, status = _DECLARED_SEVERITIES[incident.severity]
    is_over = phase is Phase.RESOLVED
    acked = incident.acked.by.name if incident.acked and phase is Phase.ACKNOWLEDGED else ""
    return Announcement(
        key=key,
        incident=str(incident.number),
        phase=phase,
        provider=post.provider,
        provider_name="Declared incident",
        severity=Severity.INFO if is_over else severity,
        headline=Headline(declared.name(incident), Status.OPERATIONAL if is_over else status),
        lines=(declared.step_line(incident, post.step),),
        details=post.facts,
        quote="",
        services=(),
        title=markup.clean(incident.title),
        url=post.url,
        began_at=incident.declared.at,
        as_of=post.as_of,
        ended_at=incident.closed.at if incident.closed and is_over else None,
        by=markup.clean(acked),
        declared=incident,
    )


def _headline(alert: Alert) -> Headline:
    """The alert's headline; one without words, of an incident whose title is empty, names the provider."""
    headline = alert_view.headline(alert)
    return headline if headline.text.strip() else replace(headline, text=f"{alert.provider_name} incident")


def _phase(alert: Alert, item: NewsItem | None, *, is_tool: bool) -> Phase:
    if item is not None and NewsKind.ACKNOWLEDGED in item.kinds:
        return Phase.ACKNOWLEDGED
    if alert.is_over:
        return Phase.RESOLVED
    return Phase.TRIGGERED if item is None or not is_tool else Phase.UPDATED


def _lines(alert: Alert, item: NewsItem | None, phase: Phase, link_url: str) -> Iterator[str]:
    if item is None or phase is Phase.RESOLVED:
        yield from alert_view.lines(alert, link_url)
    else:
        yield from filter(None, news.news_text(alert, item, link_url).split("\n"))


def _severity(alert: Alert) -> Severity:
    if alert.is_maintenance:
        return Severity.INFO
    worst = max((line.condition for line in alert.lines), key=lambda c: c.rank, default=Condition.UNKNOWN)
    return _SEVERITIES.get(worst, Severity.WARNING)


def _services(alert: Alert) -> Iterator[AnnouncedService]:
    for line in sorted(alert.lines, key=lambda line: alert_view.status_of(line).rank):
        yield _service(line)


def _service(line: SurfaceLine) -> AnnouncedService:
    verdict = line.verdict
    return AnnouncedService(
        id=line.surface,
        name=line.name,
        short=alert_view.short(line),
        condition=line.condition,
        status=alert_view.status_of(line),
        advice=verdict.call,
        advice_text=words.advice_phrase(verdict),
        exposure=verdict.exposure,
        reason=markup.clean(verdict.reason),
    )
