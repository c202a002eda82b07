"""What every tool's file has in common: the request that it makes, its texts, and the limits that they are cut to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bot.messages import formatting, markup, words
from bot.messages.announcement import Announcement

SYMBOLS: Mapping[str, str] = {
    **{style.emoji: style.symbol for style in words.STATUS_STYLES.values()},
    **{style.emoji: style.symbol for style in words.ADVICE_STYLES.values()},
    words.NOTICE_EMOJI: "ℹ️",  # noqa: RUF001  (an emoji)
}


@dataclass(frozen=True, slots=True)
class ToolAddress:
    """Where a tool is, and its secret. ``key`` is empty where the tool has none, or where the URL is the secret."""

    url: str = ""
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """A POST of JSON."""

    url: str
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolKind:
    """A kind of tool.

    Attributes:
        name: Its name in ``kind``.
        label: Its name for people.
        request: Makes the request of an announcement, given the address and the key that identifies the incident in
            the tool; None where the tool has nothing for this phase.
        url: Its address, where it has one for everybody.
        needs_key: Whether it needs ``key_env`` or ``key_file``.
        is_signed: Whether its requests are signed as Standard Webhooks.
    """

    name: str
    label: str
    request: Callable[[Announcement, ToolAddress, str], ToolRequest | None]
    url: str = ""
    needs_key: bool = False
    is_signed: bool = False


def iso(at: datetime | None) -> str | None:
    """A time as tools read it: ``2026-03-02T12:30:00Z``."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def symbol(code: str) -> str:
    """An emoji by its code in Slack; empty for one without a character here."""
    return SYMBOLS.get(code, "")


def title_text(announcement: Announcement, limit: int) -> str:
    """The headline in plain text with its emoji."""
    emoji = symbol(announcement.headline.emoji)
    return formatting.truncate(f"{emoji} {announcement.headline.text}".strip(), limit, "…")


def class_text(announcement: Announcement) -> str:
    """What kind of event it is, in words: the status, or that a team declared it."""
    if announcement.declared is not None:
        return "declared incident"
    return announcement.headline.status.value if announcement.headline.status else "incident"


def plain_body(announcement: Announcement, limit: int) -> str:
    """Everything below the headline in plain text."""
    quote = [f"“{announcement.quote}”"] if announcement.quote else []
    parts = [*map(markup.to_plain, announcement.lines), *quote, *map(markup.to_plain, announcement.details)]
    return formatting.truncate("\n".join(parts), limit, "…")


def bearer(address: ToolAddress) -> Mapping[str, str]:
    """The header with the key; none where there is no key."""
    return {"authorization": f"Bearer {address.key}"} if address.key else {}


def service_facts(announcement: Announcement) -> list[dict[str, object]]:
    """The affected services as JSON, with the machine values of the HTTP API."""
    return [
        {
            "surface": service.id,
            "name": service.name,
            "condition": service.condition.value,
            "status": service.status.value,
            "verdict": service.advice.value,
            "exposure": round(service.exposure, 3),
            "reason": service.reason,
        }
        for service in announcement.services
    ]
