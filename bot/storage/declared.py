"""Stores the incidents that a team declared, the vendors' incidents that they are about, and their own timelines.

Only what happened is written here, each step in one transaction. What is to be posted about it is worked out from these
rows (``bot.queries.declared``), so that a process that ends in between loses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.domain import (
    ChatUser,
    DeclaredEntry,
    DeclaredEntryKind,
    DeclaredIncident,
    DeclaredPlace,
    DeclaredSeverity,
    UserAction,
)
from bot.storage.connection import IGNORE, Database
from bot.storage.mapping import format_time, parse_time

_CHANGED_BY = {  # the fields of DeclaredIncident that a step changes
    DeclaredEntryKind.ACKED: ("acked",),
    DeclaredEntryKind.SEVERITY: ("severity",),
    DeclaredEntryKind.RENAMED: ("title",),
    DeclaredEntryKind.CLOSED: ("closed", "safe_since"),
    DeclaredEntryKind.REOPENED: ("closed", "safe_since", "closes_when_safe"),
}


class DeclaredStore:
    """Declared incidents. Every method may raise StoreError."""

    def __init__(self, database: Database) -> None:
        """Takes the repository's database."""
        self._db = database

    # --- reads --------------------------------------------------------------------------------------------------------

    def find(self, number: int) -> DeclaredIncident | None:
        """The declared incident with this number; None if there is none."""
        return next(iter(self._read("number = ?", number)), None)

    def open_incidents(self) -> tuple[DeclaredIncident, ...]:
        """The open ones of all channels, the oldest first."""
        return self._read("closed_at IS NULL")

    def closed_since(self, at: datetime) -> tuple[DeclaredIncident, ...]:
        """Those that were closed at ``at`` or later, the oldest first."""
        return self._read("closed_at >= ?", format_time(at))

    def open_or_closed_since(self, at: datetime) -> tuple[DeclaredIncident, ...]:
        """Those that are open, the oldest first, then those that were closed at ``at`` or later; in one query."""
        followed = "(closed_at IS NULL OR closed_at >= ?) ORDER BY closed_at IS NOT NULL, number"
        return self._read(followed, format_time(at))

    def newest(self, limit: int, channels: Sequence[str] | None = None) -> tuple[DeclaredIncident, ...]:
        """The newest ones, the newest first; with ``channels`` only those declared or handled there."""
        if channels is None:
            return self._read("number > 0 ORDER BY number DESC LIMIT ?", limit)
        marks = ", ".join("?" * len(channels))
        where = f"(origin IN ({marks}) OR channel IN ({marks})) ORDER BY number DESC LIMIT ?"
        return self._read(where, *channels, *channels, limit)

    def of_vendor_incident(self, incident: str) -> tuple[DeclaredIncident, ...]:
        """Those that are about a vendor's incident, the oldest first."""
        return self._read("number IN (SELECT number FROM declared_links WHERE incident = ?)", incident)

    def in_channel(self, channel: str, closed_since: datetime) -> tuple[DeclaredIncident, ...]:
        """Those that are handled in a channel and are open, or were until ``closed_since``; the newest first."""
        where = "(closed_at IS NULL OR closed_at >= ?) AND (channel = ? OR (channel = '' AND origin = ?))"
        return self._read(f"{where} ORDER BY number DESC", format_time(closed_since), channel, channel)

    def entries(self, number: int) -> tuple[DeclaredEntry, ...]:
        """A declared incident's own timeline, by time."""
        rows = self._db.rows("SELECT * FROM declared_entries WHERE number = ? ORDER BY at, id", number)
        return tuple(map(_entry_from_row, rows))

    def keeping(self, ts: str) -> tuple[DeclaredIncident, ...]:
        """Those that keep a message with this id of Slack; messages of two channels may have the same."""
        return self._read("number IN (SELECT number FROM declared_entries WHERE ts = ?)", ts)

    def known_name(self, person: str) -> str:
        """The name under which a person acted last; empty for one who never did."""
        rows = self._db.rows("SELECT name FROM declared_entries WHERE person = ? ORDER BY id DESC LIMIT 1", person)
        return rows[0]["name"] if rows and rows[0]["name"] != person else ""

    def message_ts(self, channel: str, thread: str) -> str | None:
        """Slack's id of the message with this key in a channel; None while it is not posted."""
        rows = self._db.rows("SELECT ts FROM alerts WHERE channel = ? AND incident = ?", channel, thread)
        return rows[0]["ts"] if rows else None

    def _read(self, where: str, *values: object) -> tuple[DeclaredIncident, ...]:
        order = "" if "ORDER BY" in where else " ORDER BY number"
        rows = self._db.rows(f"SELECT * FROM declared WHERE {where}{order}", *values)  # noqa: S608  (our own words)
        return tuple(_incident_from_row(row, self._links(row["number"])) for row in rows)

    def _links(self, number: int) -> tuple[str, ...]:
        rows = self._db.rows("SELECT incident FROM declared_links WHERE number = ? ORDER BY at, rowid", number)
        return tuple(row["incident"] for row in rows)

    # --- writes -------------------------------------------------------------------------------------------------------

    def declare(self, new: DeclaredIncident, source: str) -> tuple[DeclaredIncident, bool]:
        """Stores a new one, and returns it with its number.

        There is one open one for each vendor's incident and channel, and one for each ``source``: where there is one
        already, that is returned, and False.
        """
        with self._db.transaction():
            if before := self._same(new, source):
                return before, False
            [row] = self._db.rows("SELECT coalesce(max(number), 0) + 1 AS number FROM declared")
            numbered = replace(new, number=row["number"])
            self._db.insert("declared", _row(numbered) | {"source": source})
            for incident in numbered.incidents:
                self._insert_link(numbered.number, incident, numbered.declared.at)
            first = f"{numbered.severity.upper()}: {numbered.title}"
            self._insert_entry(numbered.number, DeclaredEntry(DeclaredEntryKind.DECLARED, numbered.declared, first))
        return numbered, True

    def _same(self, new: DeclaredIncident, source: str) -> DeclaredIncident | None:
        by_source = self._read("source = ?", source)
        here = (d for i in new.incidents for d in self.of_vendor_incident(i) if d.is_open and d.origin == new.origin)
        return next(iter((*by_source, *here)), None)

    def change(self, incident: DeclaredIncident, entry: DeclaredEntry) -> bool:
        """Stores the step that made a declared incident as it is now; False where nothing is different.

        Only what such a step changes is written, so that what others recorded since the incident was read stays.
        """
        with self._db.transaction():
            before = self.find(incident.number)
            if before is None or (changed := _with_step(before, incident, entry.kind)) == before:
                return False
            for linked in changed.incidents:
                self._insert_link(incident.number, linked, entry.mark.at)
            columns = {c: v for c, v in _row(changed).items() if c != "number"}
            assignments = ", ".join(f"{column} = ?" for column in columns)
            self._db.write(f"UPDATE declared SET {assignments} WHERE number = ?", *columns.values(), incident.number)  # noqa: S608
            self._insert_entry(incident.number, entry)
        return True

    def add_entry(self, number: int, entry: DeclaredEntry) -> bool:
        """Adds a note or a kept message to the timeline; False for a message that is kept already."""
        with self._db.transaction():
            return bool(self._insert_entry(number, entry))

    def remove_message(self, number: int, ts: str) -> bool:
        """Takes a kept message out of the timeline, with its text; False if it is not kept."""
        return bool(self._db.write("DELETE FROM declared_entries WHERE number = ? AND ts = ?", number, ts))

    def delete_messages(self, before: datetime) -> int:
        """Deletes the kept messages that were written before a time, with their texts; returns how many."""
        old = "DELETE FROM declared_entries WHERE kind = ? AND at < ?"
        return self._db.write(old, DeclaredEntryKind.MESSAGE, format_time(before))

    def set_channel(self, number: int, channel: str, at: datetime) -> None:
        """Records the channel that was made for it."""
        with self._db.transaction():
            self._db.write("UPDATE declared SET channel = ? WHERE number = ?", channel, number)
            mark = UserAction(ChatUser("", ""), at)
            self._insert_entry(number, DeclaredEntry(DeclaredEntryKind.CHANNEL, mark, channel))

    def set_no_channel(self, number: int, reason: str) -> None:
        """Records why no channel can be made for it: it is handled in a thread."""
        self._db.write("UPDATE declared SET no_channel = ? WHERE number = ?", reason, number)

    def set_pinned(self, number: int, outcome: str) -> None:
        """Records that its vendors' timeline is pinned, or why it can't be."""
        self._db.write("UPDATE declared SET pinned = ? WHERE number = ?", outcome, number)

    def _insert_link(self, number: int, incident: str, at: datetime) -> None:
        self._db.insert("declared_links", {"number": number, "incident": incident, "at": format_time(at)}, IGNORE)

    def _insert_entry(self, number: int, entry: DeclaredEntry) -> int:
        [row] = self._db.rows("SELECT coalesce(max(id), 0) + 1 AS id FROM declared_entries")
        return self._db.insert(
            "declared_entries",
            {
                "id": row["id"],
                "number": number,
                "kind": entry.kind,
                "person": entry.mark.by.id,
                "name": entry.mark.by.name,
                "at": format_time(entry.mark.at),
                "text": entry.text,
                "ts": entry.ts,
            },
            IGNORE if entry.ts else "",
        )


def _with_step(stored: DeclaredIncident, wanted: DeclaredIncident, kind: DeclaredEntryKind) -> DeclaredIncident:
    """The stored incident with what a step of this kind changes; of two who close or acknowledge, the first counts."""
    if (kind is DeclaredEntryKind.CLOSED and not stored.is_open) or (kind is DeclaredEntryKind.ACKED and stored.acked):
        return stored
    if kind is DeclaredEntryKind.LINKED:
        return replace(stored, incidents=tuple(dict.fromkeys((*stored.incidents, *wanted.incidents))))
    return replace(stored, **{name: getattr(wanted, name) for name in _CHANGED_BY.get(kind, ())})


def _row(incident: DeclaredIncident) -> dict[str, object]:
    return {
        "number": incident.number,
        "title": incident.title,
        "severity": incident.severity,
        "origin": incident.origin,
        "place": incident.place,
        "channel": incident.channel,
        "no_channel": incident.no_channel,
        "closes_when_safe": incident.closes_when_safe,
        "pinned": incident.pinned,
        "person": incident.declared.by.id,
        "name": incident.declared.by.name,
        "at": format_time(incident.declared.at),
        **_mark_columns("acked", incident.acked),
        **_mark_columns("closed", incident.closed),
        "safe_since": format_time(incident.safe_since),
    }


def _mark_columns(prefix: str, mark: UserAction | None) -> dict[str, object]:
    values = (mark.by.id, mark.by.name, format_time(mark.at)) if mark else (None, None, None)
    return dict(zip((f"{prefix}_by", f"{prefix}_name", f"{prefix}_at"), values, strict=True))


def _incident_from_row(row: dict[str, Any], links: tuple[str, ...]) -> DeclaredIncident:
    return DeclaredIncident(
        number=row["number"],
        title=row["title"],
        severity=DeclaredSeverity(row["severity"]),
        declared=UserAction(ChatUser(row["person"], row["name"]), parse_time(row["at"])),
        origin=row["origin"],
        incidents=links,
        place=DeclaredPlace(row["place"]),
        channel=row["channel"],
        no_channel=row["no_channel"],
        closes_when_safe=bool(row["closes_when_safe"]),
        closed=_mark_from_row("closed", row),
        safe_since=parse_time(row["safe_since"]) if row["safe_since"] else None,
        acked=_mark_from_row("acked", row),
        pinned=row["pinned"],
    )


def _mark_from_row(prefix: str, row: dict[str, Any]) -> UserAction | None:
    at = row[f"{prefix}_at"]
    return UserAction(ChatUser(row[f"{prefix}_by"], row[f"{prefix}_name"]), parse_time(at)) if at else None


def _entry_from_row(row: dict[str, Any]) -> DeclaredEntry:
    mark = UserAction(ChatUser(row["person"], row["name"]), parse_time(row["at"]))
    return DeclaredEntry(DeclaredEntryKind(row["kind"]), mark, row["text"], row["ts"], row["id"])
