"""What a channel is to receive: notifications for the outbox, and messages ready to send."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.domain.alert import Alert, NewsItem
from bot.domain.declared import DeclaredIncident
from bot.domain.snapshot import Incident
from bot.domain.verdict import Verdict


class NotificationKind(StrEnum):
    """What a notification does in its channel."""

    ALERT = "alert"  # the parent message
    EDIT = "edit"  # an edit of the parent message
    REPLY = "reply"  # in the parent's thread
    NOTICE = "notice"  # a message of its own: a source is unreadable, a digest


class NoticeKind(StrEnum):
    """What a notice is about."""

    BLIND = "blind"  # a source cannot be read
    BACK = "back"  # it can be read again
    MOVED = "moved"  # it answers from another host, in another format, or with another page
    BASELINE = "baseline"  # what was open already: at the first poll, or at the end of quiet hours
    ALARM = "alarm"  # for the operator: no usable data in so many polls that somebody should act
    COMPONENTS = "components"  # for the operator: components of surfaces left the page
    ODD = "odd"  # for the operator: the page has states of components that this version does not know
    WELL = "well"  # for the operator: the source is readable again
    SETTINGS = "settings"  # somebody changed the channel's settings
    MISSED = "missed"  # several incidents opened and ended between two polls
    PAUSED = "paused"  # another channel accepts no messages any more: for those who subscribed it
    WELCOME = "welcome"  # the bot was added to the channel
    DIGEST = "digest"  # a scheduled summary
    PROBE = "probe"  # for the operator: a probe fails while other evidence is well


@dataclass(frozen=True, slots=True)
class Message:
    """A message ready to send. ``text`` is complete by itself; ``blocks`` are Slack's Block Kit as JSON values.

    ``attachments`` are blocks with a colour bar, which Slack may fold away.
    """

    text: str
    blocks: tuple[dict[str, Any], ...] = ()
    key: str = ""
    attachments: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class File:
    """A file to upload. ``alt`` describes a picture; empty for text."""

    name: str
    content: bytes
    title: str = ""
    alt: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """A message that belongs to no incident. ``key`` is derived from content; ``since`` is when the matter began.

    ``page`` is the address of the status page for people. ``channel`` is the channel it is about, where that is not the
    recipient. ``said`` is the message itself, for the kinds that are rendered before they enter the outbox; else None.
    ``edits`` is the key of the notice whose message it edits; empty for a message of its own. Of an unreadable page,
    ``services`` is the number of its services, ``verdicts`` are theirs with their short names now that it is readable,
    ``checked_at`` is the last good check, and ``is_network`` says that it failed as a network fails.
    """

    kind: NoticeKind
    provider: str
    provider_name: str
    key: str
    at: datetime
    page: str
    since: datetime
    why: str = ""
    open: tuple[Incident, ...] = ()
    channel: str = ""
    said: Message | None = None
    edits: str = ""
    services: int = 0
    verdicts: tuple[tuple[str, Verdict], ...] = ()
    checked_at: datetime | None = None
    is_network: bool = False


class DeclaredStep(StrEnum):
    """What a notification about a declared incident says."""

    OPENED = "opened"
    UPDATED = "updated"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class DeclaredPost:
    """What a channel or a tool gets about an incident that a team declared.

    Attributes:
        declared: The incident as it was when this was recorded.
        step: What this says.
        thread: The key of the message that this is, or in whose thread it is: that of the declared incident, or that of
            its vendors' timeline.
        as_of: When it was recorded.
        said: The message for a chat; None for a tool.
        inside: The key of the message in whose thread this message with a thread of its own is; empty for the channel.
        facts: What is known of the vendors' incidents, one text each, for a tool.
        url: The first vendor's page of its incident.
    """

    declared: DeclaredIncident
    step: DeclaredStep
    thread: str
    as_of: datetime
    said: Message | None = None
    inside: str = ""
    facts: tuple[str, ...] = ()
    url: str = ""

    @property
    def incident(self) -> str:
        """The key by which the outbox finds its message."""
        return self.thread

    @property
    def provider(self) -> str:
        """No vendor: it is the team's own incident."""
        return "declared"


NO_TS = "none"  # of a message that the chat accepted without saying its ts: it can't be edited or answered


@dataclass(frozen=True, slots=True)
class Notification:
    """Something that one channel is to receive. ``key`` is unique in its channel: the outbox holds it once.

    ``mentions`` are the only tokens in it that may notify somebody. ``held`` is the reason why an alert waits; empty
    where it does not. ``points_to`` is the incident whose message in the same channel it links to; empty for none.
    """

    channel: str
    kind: NotificationKind
    key: str
    about: Alert | Notice | DeclaredPost
    news: NewsItem | None = None
    id: int = 0
    mentions: tuple[str, ...] = ()
    held: str = ""
    points_to: str = ""

    @property
    def incident(self) -> str:
        """The incident it is about; empty for a notice."""
        return "" if isinstance(self.about, Notice) else self.about.incident
