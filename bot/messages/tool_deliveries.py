"""What the tools of ``[[notify]]`` got, as lines for the command line and as JSON. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain import TOOL_PREFIX, DeliveryPause
from bot.messages import formatting

_STATE_WORDS = {
    "waiting": "queued",
    "sending": "queued, may have arrived",
    "sent": "sent",
    "superseded": "nothing to send",
    "parked": "given up",
}


class DeliveryRecord(Protocol):
    """A row of the outbox: ``bot.storage.outbox.ToolDelivery``."""

    @property
    def channel(self) -> str: ...  # noqa: D102
    @property
    def key(self) -> str: ...  # noqa: D102
    @property
    def state(self) -> str: ...  # noqa: D102
    @property
    def attempts(self) -> int: ...  # noqa: D102
    @property
    def error(self) -> str: ...  # noqa: D102
    @property
    def created_at(self) -> datetime: ...  # noqa: D102
    @property
    def due_at(self) -> datetime: ...  # noqa: D102
    @property
    def sent_at(self) -> datetime | None: ...  # noqa: D102


class PauseRecord(Protocol):
    """A pause with the time of its next probe: ``bot.storage.outbox.PausedChannel``."""

    @property
    def pause(self) -> DeliveryPause: ...  # noqa: D102
    @property
    def probe_at(self) -> datetime: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class ToolFacts:
    """A tool, how many notifications are in which state, its newest one, and its pause."""

    name: str
    kind: str
    is_on: bool
    counts: Mapping[str, int]
    newest: DeliveryRecord | None = None
    pause: PauseRecord | None = None


def tool_facts(
    name: str,
    kind: str,
    counts: Mapping[str, int],
    newest: DeliveryRecord | None,
    pause: PauseRecord | None,
    *,
    is_on: bool,
) -> ToolFacts:
    """The facts of one tool."""
    return ToolFacts(name, kind, is_on, counts, newest, pause)


def phase_of(key: str) -> str:
    """What a notification does, by its key: triggered, updated, acknowledged or resolved."""
    if key.endswith(":alert"):
        return "triggered"
    if ":ack:" in key:
        return "acknowledged"
    return "resolved" if ":over:" in key else "updated"


def tool_line(facts: ToolFacts, now: datetime) -> str:
    """One line for people: ``oncall (pagerduty): 4 sent, last 2 min ago``."""
    counts = facts.counts
    queued = counts.get("waiting", 0) + counts.get("sending", 0)
    parts = [f"{counts.get('sent', 0)} sent"]
    parts += [f"{queued} queued"] if queued else []
    parts += [f"{counts['parked']} given up"] if counts.get("parked") else []
    if facts.newest:
        ago = formatting.format_duration((now - facts.newest.created_at).total_seconds())
        parts.append(f"newest {ago} ago: {_STATE_WORDS.get(facts.newest.state, facts.newest.state)}")
        parts += [facts.newest.error] if facts.newest.error and facts.newest.state != "sent" else []
    if facts.pause:
        pause = facts.pause.pause
        fix = f", fix: {pause.remedy}" if pause.remedy else ""
        parts.append(f"paused ({pause.code}{fix}), next try at {formatting.format_time(facts.pause.probe_at)}")
    return f"{facts.name} ({facts.kind}{'' if facts.is_on else ', off'}): {', '.join(parts)}"


def tool_json(facts: ToolFacts) -> dict[str, object]:
    """The same for programs."""
    return {
        "name": facts.name,
        "kind": facts.kind,
        "enabled": facts.is_on,
        "sent": facts.counts.get("sent", 0),
        "queued": facts.counts.get("waiting", 0) + facts.counts.get("sending", 0),
        "given_up": facts.counts.get("parked", 0),
        "paused": facts.pause.pause.code if facts.pause else None,
        "newest": delivery_json(facts.newest) if facts.newest else None,
    }


def delivery_line(delivery: DeliveryRecord) -> str:
    """One line for people."""
    state = _STATE_WORDS.get(delivery.state, delivery.state)
    tries = f" at attempt {delivery.attempts}" if delivery.attempts > 1 else ""
    following = f", next try at {formatting.format_time(delivery.due_at)}" if state.startswith("queued") else ""
    why = f": {delivery.error}" if delivery.error else ""
    name = delivery.channel.removeprefix(TOOL_PREFIX)
    return (
        f"{formatting.format_datetime(delivery.created_at)}  {name}  {phase_of(delivery.key)}"
        f"  {delivery.key}  {state}{tries}{following}{why}"
    )


def delivery_json(delivery: DeliveryRecord) -> dict[str, object]:
    """The same for programs."""
    return {
        "tool": delivery.channel.removeprefix(TOOL_PREFIX),
        "key": delivery.key,
        "phase": phase_of(delivery.key),
        "state": delivery.state,
        "attempts": delivery.attempts,
        "error": delivery.error or None,
        "created_at": delivery.created_at.isoformat(),
        "due_at": delivery.due_at.isoformat(),
        "sent_at": delivery.sent_at.isoformat() if delivery.sent_at else None,
    }
