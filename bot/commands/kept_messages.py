"""Messages of people that are kept in the timeline of a declared incident: marked with an emoji, or by a shortcut.

Only these messages are stored, with their author, time and text; who takes the emoji off takes the message out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from bot.app.declared import FOLLOWED_FOR
from bot.commands.parsing import plain_text
from bot.domain import ChatUser, DeclaredEntry, DeclaredEntryKind, DeclaredIncident, UserAction
from bot.queries.current import StatusQueries

MAX_LENGTH = 4000  # characters of a kept message


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """A message of a channel: who wrote what, in which thread. ``thread_ts`` is empty outside a thread."""

    channel: str
    ts: str
    author: ChatUser
    text: str
    thread_ts: str = ""


def incidents_in(queries: StatusQueries, channel: str) -> tuple[DeclaredIncident, ...]:
    """The declared incidents that are handled in a channel, or were until a day ago; the newest first."""
    return queries.repository.declared.in_channel(channel, queries.now() - FOLLOWED_FOR)


def incident_of(
    queries: StatusQueries, channel: str, thread_ts: str, *, is_asked: bool = False
) -> DeclaredIncident | None:
    """The declared incident that a message belongs to: the one with this channel, or with this thread.

    With ``is_asked``, a message beside the thread belongs to the newest incident of its channel.
    """
    handled = incidents_in(queries, channel)
    for incident in handled:
        card_ts = queries.repository.declared.message_ts(incident.home, incident.key)
        if incident.channel == channel or (thread_ts and card_ts == thread_ts):
            return incident
    return handled[0] if handled and is_asked else None


def keep(queries: StatusQueries, incident: DeclaredIncident, message: ChatMessage) -> bool:
    """Keeps a message; False if it is kept already."""
    text = plain_text(message.text).strip()[:MAX_LENGTH] or "(no text)"
    mark = UserAction(message.author, message_time(message.ts))
    entry = DeclaredEntry(DeclaredEntryKind.MESSAGE, mark, text, message.ts)
    return queries.repository.declared.add_entry(incident.number, entry)


def drop(queries: StatusQueries, incident: DeclaredIncident, ts: str) -> bool:
    """Takes a message out, with its text; False if it is not kept."""
    return queries.repository.declared.remove_message(incident.number, ts)


def message_time(ts: str) -> datetime:
    """When a message was written, by Slack's id of it."""
    return datetime.fromtimestamp(float(ts), UTC)
