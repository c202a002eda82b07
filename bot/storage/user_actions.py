"""Stores what people do about incidents: acknowledgements, mutes, notes, reports, preferences; and reads it back."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time
from typing import Any

from bot.domain import (
    DECLARED_PREFIX,
    TOOL_PREFIX,
    ChannelPreferences,
    ChatUser,
    DigestSchedule,
    Event,
    IncidentUserActions,
    Mute,
    NewsItem,
    NewsKind,
    Notice,
    Notification,
    NotificationKind,
    Override,
    OverrideKind,
    QuietHours,
    Subscription,
    UserAction,
)
from bot.storage import mapping, queueing, schedules, transitions
from bot.storage.connection import IGNORE, Database, Upsert
from bot.storage.mapping import format_time, parse_time
from bot.storage.table_cache import TableCache

log = logging.getLogger("brownout")

_ACKNOWLEDGEMENT = "SELECT * FROM acks WHERE channel = ? AND incident = ?"


class UserActionStore:
    """User actions. Each write is one transaction with its event and its edited messages; all may raise StoreError."""

    def __init__(self, database: Database) -> None:
        """Takes the repository's database."""
        self._db = database
        self._preferences = TableCache(database, ("habits", "mutes", "digests", "overrides"), self._read_preferences)

    # --- reads --------------------------------------------------------------------------------------------------------

    def user_actions(self, channel: str, incident: str) -> IncidentUserActions:
        """What people have done about an incident, as the incident's message in one channel shows it."""
        counted = "SELECT surface, count(*) AS n FROM affected WHERE incident = ? GROUP BY surface ORDER BY min(rowid)"
        affected, muted, acknowledged = self._db.rows_of(
            (counted, (incident,)),
            ("SELECT * FROM mutes WHERE channel = ? AND target = ?", (channel, incident)),
            (_ACKNOWLEDGEMENT, (channel, incident)),
        )
        return IncidentUserActions(
            tuple((row["surface"], row["n"]) for row in affected),
            next(map(_action_from_row, acknowledged), None),
            next(map(_mute_from_row, muted), None),
        )

    def acknowledgement(self, channel: str, incident: str) -> UserAction | None:
        """Who acknowledged the incident in this channel; None if nobody has."""
        rows = self._db.rows(_ACKNOWLEDGEMENT, channel, incident)
        return _action_from_row(rows[0]) if rows else None

    def mutes(self, channel: str | None = None) -> tuple[Mute, ...]:
        """The mutes of all channels, or of one, including expired ones that are not removed yet."""
        where, values = ("WHERE channel = ?", (channel,)) if channel is not None else ("", ())
        rows = self._db.rows(f"SELECT * FROM mutes {where} ORDER BY channel, target", *values)  # noqa: S608
        return tuple(map(_mute_from_row, rows))

    def overrides(self, channel: str | None = None) -> tuple[Override, ...]:
        """What people of all channels, or of one, say of services, including what has passed."""
        where, values = ("WHERE channel = ?", (channel,)) if channel is not None else ("", ())
        rows = self._db.rows(f"SELECT * FROM overrides {where} ORDER BY channel, surface", *values)  # noqa: S608
        return tuple(map(_override_from_row, rows))

    def latest_incident(self, channel: str) -> str | None:
        """The incident of the newest alert in this channel; None if it had no alert."""
        newest = (
            "SELECT incident FROM alerts WHERE channel = ? AND incident NOT LIKE ?"
            " ORDER BY opened_at DESC, rowid DESC LIMIT 1"
        )
        return next((row["incident"] for row in self._db.rows(newest, channel, f"{DECLARED_PREFIX}%")), None)

    def incident_provider(self, incident: str) -> str | None:
        """The provider of an incident that some channel was notified of; None if no channel was."""
        rows = self._db.rows("SELECT provider FROM alerts WHERE incident = ? LIMIT 1", incident)
        return rows[0]["provider"] if rows else None

    def channel_preferences(self) -> Mapping[str, ChannelPreferences]:
        """Notification preferences by channel; channels that never set any are left out."""
        return self._preferences.get()

    def _read_preferences(self) -> Mapping[str, ChannelPreferences]:
        habits, mutes, said, timed = self._db.rows_of(
            ("SELECT * FROM habits", ()),
            ("SELECT * FROM mutes ORDER BY channel, target", ()),
            ("SELECT * FROM overrides ORDER BY channel, surface", ()),
            (schedules.DIGESTS, ()),
        )
        muted: dict[str, list[Mute]] = {}
        not_us = (o for o in map(_override_from_row, said) if o.kind is OverrideKind.NOT_US)
        for mute in (*map(_mute_from_row, mutes), *(Mute(o.channel, o.surface, o.until, o.mark) for o in not_us)):
            muted.setdefault(mute.channel, []).append(mute)
        rows = {row["channel"]: row for row in habits}
        digests = {channel: digest for channel, digest, _ in schedules.schedules_from_rows(timed)}
        channels = sorted({*rows, *muted, *digests})
        return {c: _preferences_from_row(c, rows.get(c), muted.get(c, ()), digests.get(c)) for c in channels}

    def report_counts(self, since: datetime) -> dict[str, int]:
        """The number of people who have reported each surface since then; all whom a token names count as one."""
        counted = (
            "SELECT surface, count(DISTINCT CASE writer WHEN '' THEN person ELSE '@' || writer END) AS n"
            " FROM reports WHERE at >= ? GROUP BY surface ORDER BY surface"
        )
        return {row["surface"]: row["n"] for row in self._db.rows(counted, format_time(since))}

    def withheld_alerts(self, channels: Sequence[str] | None = None) -> tuple[tuple[str, str, str], ...]:
        """Channel, incident and provider of the withheld alerts of all channels, or of these; oldest first."""
        where, values = (
            ("", ())
            if channels is None
            else ("WHERE channel IN (SELECT value FROM json_each(CAST(? AS TEXT)))", (json.dumps([*channels]),))
        )
        waiting = f"SELECT channel, incident, provider FROM withheld {where} ORDER BY since, incident, channel"  # noqa: S608
        return tuple((row["channel"], row["incident"], row["provider"]) for row in self._db.rows(waiting, *values))

    def acknowledged(self) -> frozenset[tuple[str, str]]:
        """Channel and incident of all acknowledgements."""
        return frozenset(
            (row["channel"], row["incident"]) for row in self._db.rows("SELECT channel, incident FROM acks")
        )

    def open_alerts(self, opened_by: datetime) -> tuple[tuple[str, str, str, datetime], ...]:
        """Channel, incident, provider and opening time of the sent alerts whose incident is open, oldest first.

        Only those that were opened at ``opened_by`` or before, and none of tools, which remind people themselves.
        """
        rows = self._db.rows(
            "SELECT a.channel, a.incident, a.provider, a.opened_at FROM alerts a"
            " JOIN incidents i ON i.provider = a.provider AND i.id = a.incident"
            " WHERE i.closed_at IS NULL AND a.ts IS NOT NULL AND a.opened_at <= ? AND a.channel NOT LIKE ?"
            " ORDER BY a.opened_at, a.channel",
            format_time(opened_by),
            f"{TOOL_PREFIX}%",
        )
        return tuple((r["channel"], r["incident"], r["provider"], parse_time(r["opened_at"])) for r in rows)

    # --- writes -------------------------------------------------------------------------------------------------------

    def add_affected(self, event: Event, person: ChatUser) -> bool:
        """Counts a person as affected on a surface of an incident; False if they are counted already."""
        with self._db.transaction():
            if not self._db.insert("affected", mapping.affected_row(event, person), IGNORE):
                return False
            transitions.append_events(self._db, [event])
            for row in self._db.rows("SELECT channel FROM alerts WHERE incident = ?", event.incident):
                self._enqueue_edit(row["channel"], event.incident, event.seen_at)
        return True

    def set_acknowledgement(self, event: Event, person: ChatUser | None) -> None:
        """Sets who acknowledged an incident in a channel; None removes the acknowledgement."""
        with self._db.transaction():
            self._db.write("DELETE FROM acks WHERE channel = ? AND incident = ?", event.channel, event.incident)
            if person:
                self._db.insert("acks", mapping.ack_row(event, person))
                self._acknowledge_in_tools(event, person)
            transitions.append_events(self._db, [event])
            self._enqueue_edit(event.channel, event.incident, event.seen_at)

    def set_mute(self, mute: Mute, event: Event) -> None:
        """Adds or replaces a mute."""
        with self._db.transaction():
            self._db.insert("mutes", mapping.mute_row(mute), Upsert(("channel", "target")))
            transitions.append_events(self._db, [event])
            self._enqueue_edit(event.channel, event.incident, event.seen_at)

    def remove_mute(self, target: str, event: Event) -> bool:
        """Removes a mute; False if there was none."""
        with self._db.transaction():
            was_muted = self._db.write("DELETE FROM mutes WHERE channel = ? AND target = ?", event.channel, target)
            if was_muted:
                transitions.append_events(self._db, [event])
                self._enqueue_edit(event.channel, event.incident, event.seen_at)
        return bool(was_muted)

    def set_override(self, override: Override, event: Event) -> None:
        """Adds or replaces what a channel says of a service, with an event; forgets what has passed."""
        with self._db.transaction():
            self._db.write("DELETE FROM overrides WHERE until <= ?", format_time(event.seen_at))
            self._db.insert("overrides", mapping.override_row(override), Upsert(("channel", "surface")))
            transitions.append_events(self._db, [event])

    def end_override(self, channel: str, surface: str, event: Event) -> bool:
        """Ends what a channel says of a service, with an event; False if it says nothing."""
        with self._db.transaction():
            found = self._db.write("DELETE FROM overrides WHERE channel = ? AND surface = ?", channel, surface)
            if found:
                transitions.append_events(self._db, [event])
        return bool(found)

    def add_note(self, event: Event, item: NewsItem) -> int:
        """Adds a note to the timeline and to the thread of its alert; returns the event's id, 0 if it is there."""
        last, key = self._latest_message(event.channel, event.incident), f"{event.incident}:{item.key}"
        with self._db.transaction():
            if self._db.rows("SELECT 1 FROM outbox WHERE channel = ? AND key = ?", event.channel, key):
                return 0
            transitions.append_events(self._db, [event])
            [row] = self._db.rows("SELECT max(id) AS id FROM events")
            if last:
                reply = replace(last, kind=NotificationKind.REPLY, key=key, news=item, mentions=())
                queueing.enqueue(self._db, reply, event.seen_at)
        return int(row["id"])

    def add_report(self, event: Event, person: ChatUser) -> None:
        """Records a person's report that a surface is broken, in the timeline and as evidence."""
        with self._db.transaction():
            row = mapping.report_row(event.surface, person, event.channel, event.seen_at)
            self._db.insert("reports", row, Upsert(("surface", "person")))
            transitions.append_events(self._db, [event])

    def remove_report(self, event: Event, person: ChatUser) -> bool:
        """Takes a person's report of a surface back, with an event; False if there is none."""
        with self._db.transaction():
            found = self._db.write("DELETE FROM reports WHERE surface = ? AND person = ?", event.surface, person.id)
            if found:
                transitions.append_events(self._db, [event])
        return bool(found)

    def save_preferences(
        self, preferences: ChannelPreferences, subscriptions: Iterable[Subscription], notification: Notification
    ) -> None:
        """Saves a channel's preferences, applies them to its subscriptions, and enqueues the confirmation."""
        with self._db.transaction():
            self._db.insert("habits", mapping.habits_row(preferences), Upsert(("channel",)))
            for subscription in subscriptions:
                changed = "UPDATE subscriptions SET minimum = ?, mention = ? WHERE channel = ? AND target = ?"
                self._db.write(
                    changed, subscription.minimum, subscription.mention, subscription.channel, subscription.target
                )
            at = notification.about.at if isinstance(notification.about, Notice) else notification.about.as_of
            schedules.save_digest_schedule(self._db, preferences.channel, preferences.digest, at)
            queueing.enqueue(self._db, notification, at)

    def enqueue(self, notifications: Iterable[Notification], at: datetime) -> int:
        """Puts notifications into the outbox; returns how many of them are new."""
        before = self._latest_outbox_id()
        with self._db.transaction():
            queueing.enqueue_all(self._db, notifications, at)
        return self._latest_outbox_id() - before

    def enqueue_catch_ups(
        self, catch_ups: Iterable[tuple[Notification, Iterable[tuple[str, str]]]], at: datetime
    ) -> None:
        """Enqueues messages in place of several withheld alerts each, all in one transaction.

        Args:
            catch_ups: Each message, and the incidents with their providers whose message it is from now on.
            at: The time.
        """
        written = [(notice, tuple(incidents)) for notice, incidents in catch_ups]
        with self._db.transaction():
            queueing.share_message(self._db, written, at)
            self._db.write_all(
                "DELETE FROM withheld WHERE channel = ? AND incident = ?",
                ((notice.channel, incident) for notice, incidents in written for incident, _ in incidents),
            )
            queueing.enqueue_all(self._db, (notice for notice, _ in written), at)

    def remove_expired_mute(self, mute: Mute, at: datetime) -> None:
        """Removes an expired mute, and updates the incident's message, which mentions it."""
        with self._db.transaction():
            self._db.write("DELETE FROM mutes WHERE channel = ? AND target = ?", mute.channel, mute.target)
            self._enqueue_edit(mute.channel, mute.target, at)

    def delete_withheld_alert(self, channel: str, incident: str) -> None:
        """Deletes a withheld alert that is not needed any more."""
        self._db.write("DELETE FROM withheld WHERE channel = ? AND incident = ?", channel, incident)

    def _acknowledge_in_tools(self, event: Event, person: ChatUser) -> None:
        """Enqueues the acknowledgement for every tool of ``[[notify]]`` that has the incident."""
        rows = self._db.rows(
            "SELECT channel FROM alerts WHERE incident = ? AND channel LIKE ?", event.incident, f"{TOOL_PREFIX}%"
        )
        item = NewsItem((NewsKind.ACKNOWLEDGED,), f"ack:{event.seen_at.isoformat()}", event.seen_at, by=person.name)
        for row in rows:
            if last := self._latest_message(row["channel"], event.incident):
                key = f"{event.incident}:{item.key}"
                reply = replace(last, kind=NotificationKind.REPLY, key=key, news=item, mentions=())
                queueing.enqueue(self._db, reply, event.seen_at)

    def _enqueue_edit(self, channel: str | None, incident: str | None, at: datetime) -> None:
        """Enqueues an edit of the incident's message; what people have done is added when it is sent.

        A tool of ``[[notify]]`` has no message to edit.
        """
        last = None if (channel or "").startswith(TOOL_PREFIX) else self._latest_message(channel, incident)
        if last:
            key = f"{incident}:people:{self._latest_outbox_id() + 1}"
            queueing.enqueue(self._db, replace(last, kind=NotificationKind.EDIT, key=key, mentions=()), at)

    def _latest_outbox_id(self) -> int:
        """The id of the newest row of the outbox, 0 if there is none."""
        return int(self._db.rows("SELECT coalesce(max(id), 0) AS n FROM outbox")[0]["n"])

    def _latest_message(self, channel: str | None, incident: str | None) -> Notification | None:
        """The newest alert or edit about an incident in a channel; None if there is none, or its text is damaged."""
        rows = self._db.rows(
            "SELECT id, post FROM outbox WHERE channel = ? AND incident = ? AND kind IN ('alert', 'edit')"
            " ORDER BY id DESC LIMIT 1",
            *(channel, incident),
        )
        if not rows:
            return None
        notification = mapping.parse(
            mapping.NOTIFICATION_ADAPTER, rows[0]["post"], f"{self._db.path}: outbox, row {rows[0]['id']}"
        )
        if notification is None:
            log.warning("notification %d to %s is damaged; its message can't be edited", rows[0]["id"], channel)
        return notification


def _preferences_from_row(
    channel: str, row: dict[str, Any] | None, mutes: Iterable[Mute], digest: DigestSchedule | None
) -> ChannelPreferences:
    quiet = None
    if row and row["quiet_start"]:
        try:
            start, end = (time.fromisoformat(row[name]) for name in ("quiet_start", "quiet_end"))
        except (ValueError, TypeError):
            log.warning("the quiet hours of %s can't be read and are left out; `settings` there sets them", channel)
        else:
            quiet = QuietHours(start, end, row["zone"])
    return ChannelPreferences(channel, bool(row and row["maintenance"]), quiet, tuple(mutes), digest)


def _override_from_row(row: dict[str, Any]) -> Override:
    kind, until = OverrideKind(row["kind"]), parse_time(row["until"])
    return Override(row["channel"], row["surface"], kind, until, _action_from_row(row))


def _mute_from_row(row: dict[str, Any]) -> Mute:
    until = parse_time(row["until"]) if row["until"] else None
    return Mute(row["channel"], row["target"], until, _action_from_row(row))


def _action_from_row(row: dict[str, str]) -> UserAction:
    return UserAction(ChatUser(row["person"], row["name"]), parse_time(row["at"]))
