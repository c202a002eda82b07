"""A channel that the chat has given another id: everything of it is kept under the new one.

Slack does that when a private channel is shared with another company (bot/docs/slack-limits.md#channel-ids).
"""

from __future__ import annotations

import json

from bot.storage.connection import Database

# Tables with a row for a channel, or for a channel and this column: what the new id has already is kept.
_OF_CHANNEL = {
    "subscriptions": "target",
    "alerts": "incident",
    "outbox": "key",
    "acks": "incident",
    "mutes": "target",
    "overrides": "surface",
    "withheld": "incident",
    "link_cards": "ts",
    "habits": "",
    "digests": "",
    "pauses": "",
}
_MENTIONING = ("events", "affected", "reports")  # a channel is one of the things that they say


def move_channel(db: Database, old: str, new: str) -> int:
    """Moves all rows of a channel to its new id, inside an open transaction; returns how many subscriptions it had."""
    moved = 0
    for table, key in _OF_CHANNEL.items():
        same = f" AND n.{key} = {table}.{key}" if key else ""
        known = f"EXISTS (SELECT 1 FROM {table} n WHERE n.channel = ?{same})"  # noqa: S608
        db.write(f"DELETE FROM {table} WHERE channel = ? AND {known}", old, new)  # noqa: S608
        count = db.write(f"UPDATE {table} SET channel = ? WHERE channel = ?", new, old)  # noqa: S608
        moved += count if table == "subscriptions" else 0
    for column in ("origin", "channel"):
        db.write(f"UPDATE declared SET {column} = ? WHERE {column} = ?", new, old)  # noqa: S608
    for table in _MENTIONING:
        db.write(f"UPDATE {table} SET channel = ? WHERE channel = ?", new, old)  # noqa: S608
    posts = "UPDATE outbox SET post = replace(post, ?, ?) WHERE channel = ? AND state IN ('waiting', 'sending')"
    db.write(posts, *(f'{{"channel":{json.dumps(channel)},' for channel in (old, new)), new)
    return moved
