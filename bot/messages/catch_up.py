"""One message about several alerts: those that were held back, or too many to be sent one by one. No I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

from bot.domain import Alert, Notice, NoticeKind, Notification, NotificationKind
from bot.messages import formatting
from bot.messages.builder import build_message

MAX_LISTED = 20  # alerts in one message
KEY_PREFIX = "catch-up:"
MAX_TOGETHER = 40  # alerts in one message about many that began at once
MAX_TITLE, MAX_SHORT_TITLE = 160, 70  # characters
TOGETHER_PREFIX = "together:"


def catch_up_notice(channel: str, alerts: Sequence[Alert], at: datetime) -> Notification:
    """The message of the alerts that waited, the worst first. Its thread takes the replies of all of them."""
    ordered = _worst_first(alerts)
    lines = [
        f"⚠️ **{len(ordered)} incidents began while this channel was quiet and are still open.**",
        *map(_line, ordered[:MAX_LISTED]),
    ]
    lines += [f"… and {len(ordered) - MAX_LISTED} more"] if len(ordered) > MAX_LISTED else []
    return _notice(channel, KEY_PREFIX, alerts, lines, at)


def together_notice(channel: str, alerts: Sequence[Alert], at: datetime) -> Notification:
    """The message of many incidents that began at once, the worst first. Its thread takes the replies to all."""
    ordered = _worst_first(alerts)
    providers = len({a.provider for a in alerts})
    lines = [
        f"⚠️ **{len(ordered)} new incidents at {formatting.pluralize(providers, 'provider')}**",
        *(_line(alert, MAX_SHORT_TITLE) for alert in ordered[:MAX_TOGETHER]),
    ]
    lines += [f"… and {len(ordered) - MAX_TOGETHER} more"] if len(ordered) > MAX_TOGETHER else []
    lines.append("One message because so many came at once. Their updates follow in this thread.")
    return _notice(channel, TOGETHER_PREFIX, alerts, lines, at)


def _notice(channel: str, prefix: str, alerts: Iterable[Alert], lines: Sequence[str], at: datetime) -> Notification:
    digest = hashlib.sha256(" ".join(sorted(f"{a.provider} {a.incident}" for a in alerts)).encode()).hexdigest()[:12]
    key = f"{prefix}{digest}"
    notice = Notice(NoticeKind.BASELINE, "", "", key, at, "", at, said=build_message("", lines))
    return Notification(channel, NotificationKind.NOTICE, key, notice)


def _worst_first(alerts: Iterable[Alert]) -> list[Alert]:
    return sorted(alerts, key=lambda a: max((x.condition.rank for x in a.lines), default=0), reverse=True)


def _line(alert: Alert, most: int = MAX_TITLE) -> str:
    names = formatting.join_names(line.name for line in alert.lines) or alert.provider_name
    end = f", ended at {formatting.format_time(alert.closed_at)}" if alert.closed_at else ""
    since = formatting.format_datetime(alert.posted_at)
    return f"• {names}: {formatting.truncate(alert.title, most, '…')} (since {since}{end})"
