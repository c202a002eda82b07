"""The nouns that travel between the rooms: frozen values, no behaviour beyond what a value knows of itself.

Every ``datetime`` in here is timezone-aware and in UTC. Ids are the vendor's or made from content, never random,
so that a replay of the same pages gives the same values.
"""

from bot.model.alert import Alert, News, NewsItem, SurfaceLine
from bot.model.catalogue import Provider, Source, Surface
from bot.model.channel import Digest, Habits, Pause, Quiet, Subscription
from bot.model.evidence import HERE, Outcomes, Probe, ProbeResult, Report
from bot.model.forecast import Estimate, Grade, Lifetimes, Outlook
from bot.model.health import Lag, Pulse, SourceHealth, SourceState
from bot.model.hit import Basis, Hit, Weight
from bot.model.look import Blindness, Ending, Look, Observation
from bot.model.page import Component, Condition, Impact, Incident, Snapshot, Stage, Transition, Update
from bot.model.people import Mark, Mute, People, Person
from bot.model.post import File, Message, Notice, NoticeKind, Post, PostKind
from bot.model.testimony import Evidence, Seen, Sight, Tally, Testimony, Try, Usual, Voice
from bot.model.timeline import Event, EventKind
from bot.model.verdict import Call, Heard, Track, Verdict, VerdictRules
from bot.model.world import Bare, Known, SurfaceState, World

__all__ = [
    "HERE",
    "Alert",
    "Bare",
    "Basis",
    "Blindness",
    "Call",
    "Component",
    "Condition",
    "Digest",
    "Ending",
    "Estimate",
    "Event",
    "EventKind",
    "Evidence",
    "File",
    "Grade",
    "Habits",
    "Heard",
    "Hit",
    "Impact",
    "Incident",
    "Known",
    "Lag",
    "Lifetimes",
    "Look",
    "Mark",
    "Message",
    "Mute",
    "News",
    "NewsItem",
    "Notice",
    "NoticeKind",
    "Observation",
    "Outcomes",
    "Outlook",
    "Pause",
    "People",
    "Person",
    "Post",
    "PostKind",
    "Probe",
    "ProbeResult",
    "Provider",
    "Pulse",
    "Quiet",
    "Report",
    "Seen",
    "Sight",
    "Snapshot",
    "Source",
    "SourceHealth",
    "SourceState",
    "Stage",
    "Subscription",
    "Surface",
    "SurfaceLine",
    "SurfaceState",
    "Tally",
    "Testimony",
    "Track",
    "Transition",
    "Try",
    "Update",
    "Usual",
    "Verdict",
    "VerdictRules",
    "Voice",
    "Weight",
    "World",
]
