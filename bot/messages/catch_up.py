"""One message about several alerts that a channel's mute or quiet hours held back. No I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from bot.domain import Alert, Notice, NoticeKind, Notification, NotificationKind
from bot.messages import formatting
from bot.messages.builder import build_message

MAX_LISTED = 20  # alerts in one message
KEY_PREFIX = "catch-up:"


def catch_up_notice(channel: str, alerts: Sequence[Alert], at: datetime) -> Notification:
    """The message of the alerts that waited, the worst first. Its thread takes the replies of all of them."""
    ordered = sorted(alerts, key=lambda a: max((x.condition.rank for x in a.lines), default=0), reverse=True)
    lines = [
        f"⚠️ **{len(ordered)} incidents began while this channel was quiet and are still open.**",
        *map(_line, ordered[:MAX_LISTED]),
    ]
    lines += [f"… and {len(ordered) - MAX_LISTED} more"] if len(ordered) > MAX_LISTED else []
    digest = hashlib.sha256(" ".join(sorted(f"{a.provider} {a.incident}" for a in alerts)).encode()).hexdigest()[:12]
    key = f"{KEY_PREFIX}{digest}"
    notice = Notice(NoticeKind.BASELINE, "", "", key, at, "", at, said=build_message("", lines))
    return Notification(channel, NotificationKind.NOTICE, key, notice)


def _line(alert: Alert) -> str:
    names = formatting.join_names(line.name for line in alert.lines) or alert.provider_name
    return f"• {names}: {formatting.truncate(alert.title, 160)} (since {formatting.format_datetime(alert.posted_at)})"
