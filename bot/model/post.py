"""What is owed to a channel, and the words that it takes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.model.alert import Alert, NewsItem
from bot.model.page import Incident


class PostKind(StrEnum):
    """What a post does in its channel."""

    ALERT = "alert"  # the parent message
    EDIT = "edit"  # the parent message, redrawn
    REPLY = "reply"  # in the parent's thread
    NOTICE = "notice"  # a message of its own: a source went blind, a digest at the first look


class NoticeKind(StrEnum):
    """What a message that belongs to no incident tells."""

    BLIND = "blind"  # a source can't be read
    BACK = "back"  # it can again
    MOVED = "moved"  # it answers from another host, or in another format
    BASELINE = "baseline"  # what was already open at the first look
    ALARM = "alarm"  # for the bot's owner: no usable data for so many looks that somebody should see to it
    WELL = "well"  # for the bot's owner: that is over
    SETTINGS = "settings"  # somebody has changed how the channel is told
    MISSED = "missed"  # several incidents opened and ended while nobody looked
    PAUSED = "paused"  # another channel takes nothing any more: for those who subscribed it
    WELCOME = "welcome"  # the bot is new in the channel
    DIGEST = "digest"  # what has been


@dataclass(frozen=True, slots=True)
class Message:
    """Ready to send. ``text`` is complete by itself; ``blocks`` are Slack's Block Kit as JSON values."""

    text: str
    blocks: tuple[dict[str, Any], ...] = ()
    key: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A file to give away. ``alt`` says what a picture shows; text has none."""

    name: str
    content: bytes
    title: str = ""
    alt: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """A message that belongs to no incident. ``key`` is made from content; ``since`` is when it began.

    ``channel`` is the one that it is about, where that is another than the one it goes to.
    ``said`` is the message itself, of the kinds that are written when they are owed.
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


@dataclass(frozen=True, slots=True)
class Post:
    """Something one channel is owed. ``key`` is unique in its channel: the outbox holds it once.

    ``mentions`` are the only tokens in it that may ring. ``held`` is why an alert waits, until nothing holds it.
    ``points_to`` is an incident whose message in the same channel it links to, where there is one.
    """

    channel: str
    kind: PostKind
    key: str
    about: Alert | Notice
    news: NewsItem | None = None
    id: int = 0
    mentions: tuple[str, ...] = ()
    held: str = ""
    points_to: str = ""

    @property
    def incident(self) -> str:
        """The incident it is about; empty for a notice."""
        return self.about.incident if isinstance(self.about, Alert) else ""
