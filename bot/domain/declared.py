"""Incidents that a team declares as its own, because a vendor's incident hits it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.user_actions import ChatUser, UserAction

DECLARED_PREFIX = "declared:"  # of the key of a declared incident, where a vendor's incident has its own


class DeclaredSeverity(StrEnum):
    """How much a declared incident matters to the team, the worst first."""

    SEV1 = "sev1"
    SEV2 = "sev2"
    SEV3 = "sev3"


class DeclaredPlace(StrEnum):
    """Where the people who handle a declared incident talk."""

    THREAD = "thread"  # a thread in the channel where it was declared
    PUBLIC = "public"  # a new public channel
    PRIVATE = "private"  # a new private channel


class DeclaredEntryKind(StrEnum):
    """What happened to a declared incident: the kinds of rows of its own timeline."""

    DECLARED = "declared"
    ACKED = "acked"
    NOTE = "note"
    MESSAGE = "message"  # a person's message of its channel or thread that a person kept
    SEVERITY = "severity"  # text: the new one
    RENAMED = "renamed"  # text: the new title
    LINKED = "linked"  # text: the key of one more incident of a vendor
    CHANNEL = "channel"  # text: the id of its own channel
    CLOSED = "closed"
    REOPENED = "reopened"


@dataclass(frozen=True, slots=True)
class DeclaredEntry:
    """One row of a declared incident's own timeline.

    Attributes:
        kind: What happened.
        mark: Who did it, and when; for a kept message its author, and when it was written.
        text: What was written or set; empty where the kind says all.
        ts: Slack's id of a kept message; empty for all other kinds.
        id: Its number in the database; 0 before it is stored.
    """

    kind: DeclaredEntryKind
    mark: UserAction
    text: str = ""
    ts: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True)
class DeclaredIncident:
    """An incident that a team declared.

    Attributes:
        number: Its number, by which people name it; 0 before it is stored.
        title: What is wrong, in the team's words.
        severity: How much it matters to the team.
        declared: Who declared it, and when.
        origin: The channel where it was declared.
        incidents: The keys of the vendors' incidents that it is about, the first one first.
        place: Where people wanted to handle it.
        channel: Its own channel; empty where there is none, or not yet.
        no_channel: Why no channel could be made; empty where none was tried.
        closes_when_safe: It is closed by itself once every service of its vendors' incidents is safe to retry.
        closed: Who closed it, and when; None while it is open.
        safe_since: At its close, since when it was safe to retry; None where it was not, or while it is open.
        acked: Who acknowledged it, and when.
        pinned: Whether its vendors' timeline is pinned; the reason why it can't be; empty where it was not tried.
    """

    number: int
    title: str
    severity: DeclaredSeverity
    declared: UserAction
    origin: str
    incidents: tuple[str, ...] = ()
    place: DeclaredPlace = DeclaredPlace.THREAD
    channel: str = ""
    no_channel: str = ""
    closes_when_safe: bool = False
    closed: UserAction | None = None
    safe_since: datetime | None = None
    acked: UserAction | None = None
    pinned: str = ""

    @property
    def key(self) -> str:
        """Its key in the outbox, beside the keys of vendors' incidents."""
        return f"{DECLARED_PREFIX}{self.number}"

    @property
    def home(self) -> str:
        """The channel where it is handled."""
        return self.channel or self.origin

    @property
    def is_open(self) -> bool:
        """True until a person closes it."""
        return self.closed is None

    @property
    def waits_for_channel(self) -> bool:
        """Whether a channel is still to be made for it."""
        return self.place is not DeclaredPlace.THREAD and not self.channel and not self.no_channel


BOT_USER = ChatUser("", "Brownout")  # who closes an incident that was to be closed once it is safe to retry
