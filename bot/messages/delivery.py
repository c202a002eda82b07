"""Messages about messages: channels that accept nothing, and notifications that were given up. No I/O."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from bot.domain import TOOL_PREFIX, DeliveryPause, Message
from bot.messages import block_kit, formatting
from bot.messages.builder import build_message

MAX_LISTED = 20  # channels or messages in one notice
_CHANNEL = re.compile(r"[CG][A-Z0-9]+")  # a channel's id in Slack
_PERSON = re.compile(r"[UW][A-Z0-9]+")
_QUEUED = "New alerts are queued and tried again. `/brownout subscribe` in the channel sends them at once."
_QUEUED_IN_TOOLS = "New alerts are queued and tried again. `brownout notify test NAME` shows whether it works."


def _is_tool(channel: str) -> bool:
    return channel.startswith(TOOL_PREFIX)


def paused_message(pauses: Sequence[DeliveryPause]) -> Message:
    """For operators and subscribers: the channels in which Slack accepts no messages, all in one message."""
    names = [pause.channel for pause in pauses[:MAX_LISTED]]
    if len(pauses) == 1:
        lines = [f"⚠️ **{names[0]}: delivery paused.** {_pause_reason(pauses[0])}"]
    else:
        lines = [f"⚠️ **Delivery paused in {len(pauses)} channels.**"]
        lines += [f"{pause.channel}: {_pause_reason(pause)}" for pause in pauses[:MAX_LISTED]]
    lines += [f"… and {len(pauses) - MAX_LISTED} more"] if len(pauses) > MAX_LISTED else []
    lines.append(_QUEUED_IN_TOOLS if all(map(_is_tool, names)) else _QUEUED)
    return _with_links(build_message("", lines), names)


def _pause_reason(pause: DeliveryPause) -> str:
    fix = f" Fix: {pause.remedy}." if pause.remedy else ""
    who = "It" if _is_tool(pause.channel) else "Slack"
    return f"{who} rejects messages ({pause.code}) since {formatting.format_time(pause.since)}.{fix}"


def ended_message(channels: Sequence[str]) -> Message:
    """For operators: people who can't be reached, and whose alerts have ended."""
    lines = ["⚠️ **Direct messages ended.** Slack has refused them for a day. These alerts have ended:"]
    lines += list(channels[:MAX_LISTED])
    lines += [f"… and {len(channels) - MAX_LISTED} more"] if len(channels) > MAX_LISTED else []
    return _with_links(build_message("", lines), channels[:MAX_LISTED])


def undelivered_message(reasons: Iterable[tuple[str, str]]) -> Message:
    """For operators: notifications that were given up, as channel and reason."""
    counts = Counter(reasons)
    total = sum(counts.values())
    has_tools = any(_is_tool(channel) for channel, _ in counts)
    who = "They were refused:" if has_tools else "Slack refuses them."
    lines = [f"⚠️ **{formatting.pluralize(total, 'message')} not delivered.** {who}"]
    lines += [
        f"{channel}: {formatting.truncate(why, 200)}" + (f" ({count} messages)" if count > 1 else "")
        for (channel, why), count in list(counts.items())[:MAX_LISTED]
    ]
    lines += [f"… and {len(counts) - MAX_LISTED} more"] if len(counts) > MAX_LISTED else []
    lines.append("They are kept: `brownout db outbox` shows them.")
    return _with_links(build_message("", lines), [channel for channel, _ in list(counts)[:MAX_LISTED]])


_NO_ANSWER = frozenset({"unreachable", "unknown_outcome", "no_answer"})  # codes of no usable answer at all


def stopped_text(code: str, since: datetime, now: datetime, queued: int, *, is_refused: bool, remedy: str = "") -> str:
    """Why nothing is delivered at present, in one line, for ``/readyz``, the board and ``sources``.

    ``remedy`` is what an operator can do, empty if only waiting helps.
    """
    fails = "Slack can't be reached" if code in _NO_ANSWER else "Slack fails"
    what = "Slack rejects all messages" if is_refused else fails
    at = formatting.format_time(since) if since.date() == now.date() else formatting.format_datetime(since)
    messages = f"{queued} message{'s are' if queued != 1 else ' is'} queued"
    return f"{what} ({code}) since {at}. {messages}." + (f" Fix: {remedy}." if remedy else "")


def resumed_message(code: str, since: datetime, until: datetime) -> Message:
    """For operators: Slack accepted nothing for a while, and does again."""
    duration = formatting.format_duration((until - since).total_seconds())
    text = f"It rejected all messages ({code}) for {duration}. What waited is being sent."
    return build_message("", [f"✅ **Slack accepts messages again.** {text}"])


def _with_links(message: Message, channels: Iterable[str]) -> Message:
    """The message with the ids of channels and people as links in its blocks."""

    def link(text: str) -> str:
        for channel in dict.fromkeys(channels):
            sign = "#" if _CHANNEL.fullmatch(channel) else "@" if _PERSON.fullmatch(channel) else ""
            text = re.sub(rf"(?<![#@\w]){re.escape(channel)}\b", f"<{sign}{channel}>", text) if sign else text
        return text

    def linked(value: object) -> object:
        if isinstance(value, dict):
            is_text = value.get("type") == "mrkdwn"
            return {k: link(str(v)) if is_text and k == "text" else linked(v) for k, v in value.items()}
        return [linked(item) for item in value] if isinstance(value, list) else value

    blocks = tuple(block for b in message.blocks if isinstance(block := linked(b), dict))
    return Message(block_kit.truncate_mrkdwn(message.text, block_kit.MAX_TEXT), blocks, message.key)
