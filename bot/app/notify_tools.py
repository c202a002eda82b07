"""Makes the tools of ``[[notify]]``: reads their secrets, and connects each with a notifier of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.adapters.mail_client import MailServer, MailToolClient
from bot.adapters.tool_client import TIMEOUT_S, HttpToolClient, decode_secret
from bot.domain import (
    TOOL_PREFIX,
    Advice,
    Alert,
    Condition,
    IncidentUserActions,
    NewsItem,
    NewsKind,
    Notification,
    NotificationKind,
    Stage,
    SurfaceLine,
    Verdict,
)
from bot.engine import Tool
from bot.errors import ConfigError
from bot.messages.announcement import Announcement, announce
from bot.messages.tools import HTTP_KINDS, email
from bot.messages.tools.base import ToolAddress
from bot.notifier import ChatClient, DeliveryPolicy, Notifier, Outbox
from bot.notifier.limiter import MessageLimiter
from bot.settings.notify_toml import NotifyTable, ToolSecrets
from bot.unit_of_work import INLINE, UnitRunner

MAX_WAIT = timedelta(hours=1)  # between two attempts, whatever a Retry-After says
GIVE_UP_AFTER = timedelta(days=3)  # of a tool that answers with failures, or not at all
TEST_PROVIDER = "brownout-test"


class ToolClient(ChatClient[Announcement], AbstractAsyncContextManager["ToolClient"], Protocol):
    """A client of a tool, to be used as a context manager."""


def secret_mistakes(tables: Iterable[NotifyTable], environment: Mapping[str, str]) -> Iterator[str]:
    """One line for each tool whose secrets are missing or not usable."""
    for table in (t for t in tables if t.enabled):
        try:
            for secret in table.read_secrets(environment).signing:
                decode_secret(secret)
        except ValueError as error:
            yield f"[[notify]] {table.name}: {error}"


def secret_values(tables: Iterable[NotifyTable], environment: Mapping[str, str]) -> Iterator[str]:
    """The secrets of all tools, to be kept out of the log. Those that can't be read are left out."""
    for table in tables:
        try:
            secrets = table.read_secrets(environment)
        except ValueError:
            continue
        url = secrets.url if table.url_env or table.url_file else ""
        yield from filter(None, (url, secrets.key, *secrets.signing))


@dataclass(frozen=True, slots=True)
class SendLimits:
    """``guard`` is called as the last step before the bytes leave; a request over HTTP has ``timeout_s`` seconds."""

    guard: Callable[[], None] = lambda: None
    timeout_s: float = TIMEOUT_S


UNGUARDED = SendLimits()


def create_client(
    table: NotifyTable, secrets: ToolSecrets, now: Callable[[], datetime], limits: SendLimits = UNGUARDED
) -> ToolClient:
    """The client of a tool."""
    if table.kind == email.NAME:
        server = MailServer(table.host, table.port, table.security, table.user, secrets.key)
        return MailToolClient(server, table.sender, table.recipients, now, guard=limits.guard)
    kind = HTTP_KINDS[table.kind]
    address = ToolAddress(secrets.url or kind.url, secrets.key)
    timeout_s = min(TIMEOUT_S, limits.timeout_s)
    return HttpToolClient(kind, address, now, secrets.signing, timeout_s=timeout_s, guard=limits.guard)


def create_clients(
    tables: Iterable[NotifyTable],
    environment: Mapping[str, str],
    now: Callable[[], datetime],
    limits: SendLimits = UNGUARDED,
) -> list[tuple[NotifyTable, ToolClient]]:
    """The enabled tools, each with its client.

    Raises:
        ConfigError: Secrets are missing; it lists all of them.
    """
    enabled = [table for table in tables if table.enabled]
    if mistakes := list(secret_mistakes(enabled, environment)):
        raise ConfigError(mistakes)
    return [(table, create_client(table, table.read_secrets(environment), now, limits)) for table in enabled]


def create_tools(
    clients: Sequence[tuple[NotifyTable, ToolClient]],
    outbox: Outbox,
    now: Callable[[], datetime],
    units: UnitRunner = INLINE,
) -> tuple[Tool, ...]:
    """The tools, each with a notifier of its own: one that fails stops no other."""
    return tuple(_create_tool(table, client, outbox, now, units) for table, client in clients)


def _create_tool(
    table: NotifyTable, client: ToolClient, outbox: Outbox, now: Callable[[], datetime], units: UnitRunner
) -> Tool:
    target = table.target()
    policy = DeliveryPolicy(
        serves=lambda channel: channel == target.channel,
        max_wait=MAX_WAIT,
        give_up_after=GIVE_UP_AFTER,
        asks_first=False,
        has_threads=False,
        name=table.name,
    )
    limiter = MessageLimiter(longest_wait=MAX_WAIT + timedelta(minutes=1))
    return Tool(target, Notifier(outbox, client, now, announce, policy=policy, units=units, limiter=limiter))


def trial_announcements(name: str, now: datetime, *, is_resolved: bool) -> Iterator[Announcement]:
    """What ``brownout notify test`` sends: an incident that says that it is a test, and its end."""
    reason = f"This is a test of [[notify]] {name}: nothing is broken."
    channel, ident = f"{TOOL_PREFIX}{name}", f"test-{now:%Y%m%dT%H%M%S}"
    verdict = Verdict("test", Advice.HOLD_OFF, now, 0.0, reason, "test", because=reason.rstrip("."))
    line = SurfaceLine("test", "Test service", Condition.DEGRADED, verdict, short="test service")
    begun = Alert(
        *(ident, TEST_PROVIDER, "Brownout test:", "Test of a notification", Stage.INVESTIGATING, (line,)),
        posted_at=now,
        seen_at=now,
        as_of=now,
        vendor="Brownout",
        service_count=1,
    )
    people = IncidentUserActions()
    yield announce(Notification(channel, NotificationKind.ALERT, f"{ident}:alert", begun), people)
    if is_resolved:
        yield announce(_trial_end(channel, begun, now), people)


def _trial_end(channel: str, begun: Alert, now: datetime) -> Notification:
    [line] = begun.lines
    safe = Verdict("test", Advice.RETRY_NORMALLY, now, 1.0, "The test is over.", "test", because="The test is over")
    ended = Alert(
        *(begun.incident, begun.provider, begun.provider_name, begun.title, Stage.RESOLVED),
        lines=(SurfaceLine(line.surface, line.name, Condition.OPERATIONAL, safe, short=line.short),),
        posted_at=now,
        seen_at=now,
        as_of=now,
        closed_at=now,
        cleared_at=now,
        vendor=begun.vendor,
        service_count=1,
    )
    item = NewsItem((NewsKind.ALL_CLEAR,), "over", now, Stage.RESOLVED, broadcast=True)
    return Notification(channel, NotificationKind.REPLY, f"{begun.incident}:over", ended, news=item)
