"""Which channels get alerts about what, and each channel's preferences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum

from bot.domain.snapshot import Condition
from bot.domain.user_actions import Mute
from bot.domain.verdict import Advice

IN_REGION = "@"  # between a provider or surface and a region, in a target: aws-ec2@eu-west-1
TERMINAL = "terminal"  # the only channel of a bot without Slack: its standard output
TOOL_PREFIX = "notify:"  # of the channels in the outbox that are tools of ``[[notify]]``

CONFIGURED = "config"  # ``created_by`` of a subscription that only brownout.toml made


@dataclass(frozen=True, slots=True)
class Subscription:
    """A channel wants alerts about a surface, or about every surface of a provider, from ``minimum`` up.

    ``target`` may narrow that to one region: ``aws-ec2@eu-west-1``. ``mention`` is who is mentioned on a major outage,
    in Slack's notation without the brackets: ``!subteam^S1|@ops``; empty for nobody.
    """

    channel: str
    target: str
    minimum: Condition = Condition.DEGRADED
    created_by: str = ""
    created_at: datetime | None = None
    mention: str = ""

    @property
    def subject(self) -> str:
        """The id of the surface or provider, without the region."""
        return self.target.partition(IN_REGION)[0]

    @property
    def region(self) -> str:
        """The region that it is narrowed to; empty for all."""
        return self.target.partition(IN_REGION)[2]


class ToolUpdates(StrEnum):
    """What a tool gets of an alert between its beginning and its end."""

    ALL = "all"  # every reply of the alert's thread
    CHANGES = "changes"  # what changes what people should do: the replies that Slack broadcasts
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ToolTarget:
    """A tool of ``[[notify]]``, and the alerts that it gets.

    ``to`` are ids of providers and surfaces; empty for all. ``advice``: at the beginning of an alert, one of its
    surfaces must have one of these; empty for any. ``maintenance``: it gets maintenances too. ``alerts``: it gets
    alerts at all. ``declared``: it gets the incidents that a team declares.
    """

    name: str
    to: tuple[str, ...] = ()
    minimum: Condition = Condition.DEGRADED
    advice: frozenset[Advice] = frozenset()
    updates: ToolUpdates = ToolUpdates.CHANGES
    maintenance: bool = False
    alerts: bool = True
    declared: bool = False

    @property
    def channel(self) -> str:
        """Its channel in the outbox."""
        return f"{TOOL_PREFIX}{self.name}"


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Hours of the day in which a channel gets no alerts, in the time zone ``zone``; they may span midnight."""

    start: time
    end: time
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class DigestSchedule:
    """When a channel gets its digest: at a time of day in ``zone``, every day or on one day of the week.

    ``weekday`` counts from Monday, 0; None is every day. ``on_calm``: a digest of one line is sent where nothing
    happened.
    """

    at: time
    zone: str = "UTC"
    weekday: int | None = None
    on_calm: bool = True


@dataclass(frozen=True, slots=True)
class ChannelPreferences:
    """The settings of one channel: maintenance alerts, quiet hours, mutes and digest."""

    channel: str
    maintenance: bool = False
    quiet: QuietHours | None = None
    mutes: tuple[Mute, ...] = ()
    digest: DigestSchedule | None = None


@dataclass(frozen=True, slots=True)
class DeliveryPause:
    """A channel accepts no messages at present: ``code`` is the chat's reason, ``remedy`` what people can do.

    ``is_person``: it is the direct messages of someone who has left, or takes no messages from apps.
    """

    channel: str
    code: str
    remedy: str
    since: datetime
    is_person: bool = False
