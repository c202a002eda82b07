"""Delivers notifications from the outbox to a chat: what is sent next, and what each refusal changes."""

from bot.notifier.delivery import (
    CLOCK_TOLERANCE,
    MAX_WAIT,
    MIN_UNSEARCHABLE_WAIT,
    PROBE_WAITS,
    RESENT_UNSEARCHABLE,
    SEARCH_DELAY,
    SEARCH_FOR,
    ChatClient,
    Credentials,
    DeliveryAttempt,
    DeliveryPolicy,
    Notifier,
    Outbox,
    PendingNotification,
)
from bot.notifier.gate import DeliveryStop

__all__ = [
    "CLOCK_TOLERANCE",
    "MAX_WAIT",
    "MIN_UNSEARCHABLE_WAIT",
    "PROBE_WAITS",
    "RESENT_UNSEARCHABLE",
    "SEARCH_DELAY",
    "SEARCH_FOR",
    "ChatClient",
    "Credentials",
    "DeliveryAttempt",
    "DeliveryPolicy",
    "DeliveryStop",
    "Notifier",
    "Outbox",
    "PendingNotification",
]
