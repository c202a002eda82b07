"""The values that all packages exchange: frozen dataclasses and enumerations, with properties but no rules.

Every ``datetime`` is timezone-aware and in UTC; every length of time is a ``timedelta``, or a number whose name says
the unit. Ids are the vendor's or derived from content, never random, so that a replay of the same pages gives the same
values. bot/docs/glossary.md lists the classes.
"""

from bot.domain.alert import Alert, NewsItem, NewsKind, SurfaceLine
from bot.domain.attribution import Attribution, AttributionKind, EvidenceKind
from bot.domain.event import Event, EventKind
from bot.domain.evidence import LOCAL_VANTAGE, Probe, ProbeResult, RequestOutcomes, UserReport
from bot.domain.evidence_state import (
    EvidenceBatch,
    EvidenceState,
    EvidenceTotals,
    ProbeAttempt,
    ProbePlace,
    ProbeState,
    ReportBaseline,
    ReporterState,
    TrafficWindow,
)
from bot.domain.forecast import DurationHistory, Estimate, ForecastState, GradedEstimate
from bot.domain.notification import File, Message, Notice, NoticeKind, Notification, NotificationKind
from bot.domain.poll import IncidentEnding, Observation, PollFailure, PollResult, UnsettledEnding
from bot.domain.provider import Provider, Source, Surface
from bot.domain.snapshot import (
    NO_TIME,
    UNKNOWN_STATE,
    Component,
    ComponentTransition,
    Condition,
    Impact,
    Incident,
    PageIdentity,
    Snapshot,
    Stage,
    Update,
)
from bot.domain.source_health import PollStatistics, PostingDelay, SourceHealth, SourceState
from bot.domain.state import (
    READABLE_FOR,
    AnnouncedSurface,
    ComponentAbsence,
    ComponentOutage,
    ComponentPin,
    ProviderState,
    SurfaceState,
    TrackedIncident,
    UnreportedOutage,
)
from bot.domain.subscription import (
    CONFIGURED,
<<<<<<< HEAD
    IN_REGION,
=======
    TOOL_PREFIX,
>>>>>>> 8e9b3f1 ([[notify]]: alerts to other tools through the outbox: PagerDuty, Opsgenie, JSM, incident.io, Rootly, Alertmanager, Teams, Discord, Mattermost, Google Chat, ntfy, e-mail, signed webhooks)
    ChannelPreferences,
    DeliveryPause,
    DigestSchedule,
    QuietHours,
    Subscription,
    ToolTarget,
    ToolUpdates,
)
from bot.domain.user_actions import ChatUser, IncidentUserActions, Mute, UserAction
from bot.domain.verdict import Advice, IncidentSighting, SurfaceHistory, Verdict, VerdictParameters

__all__ = [
    "CONFIGURED",
    "IN_REGION",
    "LOCAL_VANTAGE",
    "NO_TIME",
    "READABLE_FOR",
    "TOOL_PREFIX",
    "UNKNOWN_STATE",
    "Advice",
    "Alert",
    "AnnouncedSurface",
    "Attribution",
    "AttributionKind",
    "ChannelPreferences",
    "ChatUser",
    "Component",
    "ComponentAbsence",
    "ComponentOutage",
    "ComponentPin",
    "ComponentTransition",
    "Condition",
    "DeliveryPause",
    "DigestSchedule",
    "DurationHistory",
    "Estimate",
    "Event",
    "EventKind",
    "EvidenceBatch",
    "EvidenceKind",
    "EvidenceState",
    "EvidenceTotals",
    "File",
    "ForecastState",
    "GradedEstimate",
    "Impact",
    "Incident",
    "IncidentEnding",
    "IncidentSighting",
    "IncidentUserActions",
    "Message",
    "Mute",
    "NewsItem",
    "NewsKind",
    "Notice",
    "NoticeKind",
    "Notification",
    "NotificationKind",
    "Observation",
    "PageIdentity",
    "PollFailure",
    "PollResult",
    "PollStatistics",
    "PostingDelay",
    "Probe",
    "ProbeAttempt",
    "ProbePlace",
    "ProbeResult",
    "ProbeState",
    "Provider",
    "ProviderState",
    "QuietHours",
    "ReportBaseline",
    "ReporterState",
    "RequestOutcomes",
    "Snapshot",
    "Source",
    "SourceHealth",
    "SourceState",
    "Stage",
    "Subscription",
    "Surface",
    "SurfaceHistory",
    "SurfaceLine",
    "SurfaceState",
    "ToolTarget",
    "ToolUpdates",
    "TrackedIncident",
    "TrafficWindow",
    "UnreportedOutage",
    "UnsettledEnding",
    "Update",
    "UserAction",
    "UserReport",
    "Verdict",
    "VerdictParameters",
]
