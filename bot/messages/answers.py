"""Builds the private answers and confirmations: a first line with its emoji, more lines, and buttons. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from bot.domain import Message
from bot.messages import alert_actions, block_kit, formatting, words
from bot.messages.builder import Paragraph, build_message

OK = words.STATUS_STYLES[words.Status.OPERATIONAL].emoji
WARNING = words.STATUS_STYLES[words.Status.DEGRADED].emoji
MUTED, UNMUTED, WELCOME = words.MUTED_EMOJI, words.UNMUTED_EMOJI, words.WELCOME_EMOJI

Buttons = Sequence[tuple[str, str]]  # a label, and the command that it runs

_EMOJI_CODES = {s.emoji for s in words.STATUS_STYLES.values()} | {s.emoji for s in words.ADVICE_STYLES.values()}
_EMOJI = re.compile(f"(?:{'|'.join(sorted(_EMOJI_CODES))}) ?")
_TIME_LENGTH = 60  # characters of a time token in Slack
_MAX_GROUP = 2500  # characters; escaping makes a text longer, and a section takes 3,000
_CHANNEL_LINK = re.compile(r"&lt;#([CG][A-Z0-9]+)&gt;")
_TIME = re.compile(r"\{([tdTD]):(\d{1,11})\}")  # a time in a text, see ``time_token`` and ``time_tokens``


def build_answer(
    paragraphs: Iterable[Paragraph | str], *, emoji: str = "", buttons: Buttons = (), first_button: int = 0
) -> Message:
    """An answer. ``emoji`` is Slack's code; the plain text has none, since a screen reader would read it out.

    Texts may hold channel links (``<#C1>``) and times (``time_token``). ``first_button`` numbers the buttons from
    there, for a message that has other buttons before.
    """
    message = build_message("", [_without_tokens(part) if isinstance(part, Paragraph) else part for part in paragraphs])
    blocks = [_with_tokens(block) for block in message.blocks]
    if emoji and blocks:
        first = blocks[0]
        blocks[0] = first | {"text": first["text"] | {"text": f"{emoji} {first['text']['text']}"}}
    if buttons:
        blocks.append(alert_actions.question_buttons(buttons, first_button))
    text = _EMOJI.sub("", _CHANNEL_LINK.sub(r"#\1", _TIME.sub(_plain_time, message.text)))
    return Message(text, tuple(blocks))


def group_lines(lines: Iterable[str]) -> list[str]:
    """Lines as few paragraphs, each short enough for one section."""
    groups: list[str] = []
    for line in lines:
        if groups and _shown_length(groups[-1]) + _shown_length(line) < _MAX_GROUP:
            groups[-1] += f"\n{line}"
        else:
            groups.append(line)
    return groups


def _shown_length(text: str) -> int:
    """The length once its times are tokens of Slack."""
    return len(text) + _TIME_LENGTH * len(_TIME.findall(text))


def with_buttons(message: Message, buttons: Buttons, first_button: int = 0) -> Message:
    """The message with a row of buttons below it; unchanged if there are none."""
    if not buttons:
        return message
    return replace(message, blocks=(*message.blocks, alert_actions.question_buttons(buttons, first_button)))


def time_token(at: datetime, now: datetime | None = None) -> str:
    """A time inside an answer: Slack shows it in the reader's time zone, the plain text in UTC.

    The date is left out if it is that of ``now``.
    """
    kind = "t" if now is not None and at.date() == now.date() else "d"
    return f"{{{kind}:{int(at.timestamp())}}}"


def time_tokens(times: Sequence[datetime], now: datetime) -> list[str]:
    """Times that stand one after the other: each has its date unless that is today's or the one's before it.

    In plain text only the last has the time zone.
    """
    tokens = [time_token(at, before) for at, before in zip(times, (now, *times), strict=False)]
    return [token[:1] + token[1].upper() + token[2:] for token in tokens[:-1]] + tokens[-1:]


def plain_times(text: str) -> str:
    """The text with its times in UTC."""
    return _TIME.sub(_plain_time, text)


def _without_tokens(part: Paragraph) -> Paragraph:
    """A quotation in which nothing is taken for a time of ours."""
    return (
        replace(part, text=_TIME.sub(lambda match: match[0].replace(":", ": "), part.text)) if part.is_quote else part
    )


def _with_tokens(block: block_kit.Block) -> block_kit.Block:
    text = block.get("text")
    if not isinstance(text, dict) or text.get("type") != "mrkdwn":
        return block
    marked = _TIME.sub(_slack_time, _CHANNEL_LINK.sub(r"<#\1>", text["text"]))
    return block | {"text": text | {"text": marked}}


def _at(match: re.Match[str]) -> datetime:
    return datetime.fromtimestamp(int(match[2]), tz=UTC)


def _plain_time(match: re.Match[str]) -> str:
    text = (formatting.format_time if match[1] in "tT" else formatting.format_datetime)(_at(match))
    return text.removesuffix(" UTC") if match[1].isupper() else text


def _slack_time(match: re.Match[str]) -> str:
    return block_kit.local_date(_at(match), "{time}" if match[1] in "tT" else "{date_short_pretty} {time}")
