"""The outbox: notifications that are recorded and may not have been sent yet, and channels that accept none.

Rows are written in the transaction of what they are about (bot.storage.transitions); here they are taken for delivery,
and what became of each is recorded.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.domain import NO_TS, TOOL_PREFIX, Alert, DeclaredPost, DeliveryPause, IncidentUserActions, Notice, Notification
from bot.errors import StoreError
from bot.storage import channel_ids, mapping, queueing, transitions
from bot.storage.connection import Database, Upsert
from bot.storage.delivery_order import TOGETHER_PREFIX, DeliveryRank
from bot.storage.mapping import format_time, parse_time
from bot.storage.user_actions import UserActionStore

log = logging.getLogger("brownout")

_PENDING = "state IN ('waiting', 'sending')"
_UNLESS_OUTDATED = (
    "CASE WHEN kind = 'edit' AND EXISTS (SELECT 1 FROM outbox newer WHERE newer.channel = outbox.channel"
    " AND newer.incident = outbox.incident AND newer.kind = 'edit' AND newer.id > outbox.id)"
    " THEN 'superseded' ELSE ? END"
)
_SENDABLE = "NOT EXISTS (SELECT 1 FROM pauses p WHERE p.channel = outbox.channel AND p.is_on_trial = 0{probe})"
# Longer than any wait between two attempts (bot.notifier.delivery.PROBE_WAITS): such a time is of a clock that was set
# back since.
LONGEST_WAIT = timedelta(minutes=61)
FORGET_AFTER = timedelta(hours=1)  # after a longer pause, what is over is not sent any more

_SENT_AS_ALERT = (  # what was sent as, or into, the incident's message in the channel; the index outbox_drawn finds it
    "FROM outbox f WHERE f.channel = o.channel AND f.incident = o.incident AND f.kind IN ('alert', 'edit')"
    " AND f.ts = a.ts"
)
_NEXT_COLUMNS = (
    "o.id, o.post, o.attempts, o.due_at, o.state = 'sending' AS is_in_doubt, a.ts,"
    " coalesce(o.doubted_from, o.created_at) AS doubted_from, coalesce(o.left_at, o.created_at) AS left_at,"
    " o.refusals, o.refused_from, o.is_outside_thread, o.rank, o.created_at, a.shared_key,"
    # whether its message is not the first one, which could not be edited
    " o.kind = 'edit' AND a.ts IS NOT NULL"
    f" AND EXISTS (SELECT 1 {_SENT_AS_ALERT} AND f.kind = 'edit' AND f.state = 'sent')"
    f" AND (a.ts = '{NO_TS}' OR NOT EXISTS (SELECT 1 {_SENT_AS_ALERT} AND f.kind = 'alert')) AS is_replacement"
)
_OF_SAME_INCIDENT = (  # the pending notifications, p, of the incident in the channel
    "FROM outbox p WHERE p.channel = o.channel AND p.incident = o.incident AND p.state IN ('waiting', 'sending')"
)
_WAITS_FOR_ANOTHER = (
    # a reply without a thread yet, for the message that opens it
    f"o.kind = 'reply' AND a.ts IS NULL AND EXISTS (SELECT 1 {_OF_SAME_INCIDENT} AND p.kind IN ('alert', 'edit'))",
    # an edit of what was not sent yet
    f"o.kind = 'edit' AND a.ts IS NULL AND EXISTS (SELECT 1 {_OF_SAME_INCIDENT} AND p.kind = 'alert')",
    # both, where one message is about several incidents
    (
        "o.kind IN ('edit', 'reply') AND a.ts IS NULL AND a.shared_key IS NOT NULL AND EXISTS (SELECT 1 FROM outbox p"
        " WHERE p.channel = o.channel AND p.key = a.shared_key AND p.state IN ('waiting', 'sending'))"
    ),
    # a reply, for the earlier ones in its thread
    f"o.kind = 'reply' AND EXISTS (SELECT 1 {_OF_SAME_INCIDENT} AND p.kind = 'reply' AND p.id < o.id)",
    # a notice that edits another notice, for that one
    (
        "o.kind = 'notice' AND EXISTS (SELECT 1 FROM outbox p WHERE p.channel = o.channel AND p.kind = 'notice'"
        " AND p.id < o.id AND p.state IN ('waiting', 'sending') AND o.post LIKE '%\"edits\":\"' || p.key || '\"%')"
    ),
)
# An edit goes just before the most important reply to its message, since it finds out whether that was deleted.
_EDIT_RANK = f"coalesce((SELECT min(p.rank) {_OF_SAME_INCIDENT} AND p.kind = 'reply') - 0.5, o.rank)"
_OF_CHANNEL = (
    "FROM outbox o LEFT JOIN alerts a ON a.channel = o.channel AND a.incident = o.incident"
    " WHERE o.channel = ? AND o.state IN ('waiting', 'sending')"
)
# The ids and ranks of the next edit, and of the next of everything else: the latter is read in the order of an index,
# since thousands of alerts may wait.
_NEXT_EDIT = f"SELECT o.id, {_EDIT_RANK} AS rank {_OF_CHANNEL} AND o.kind = 'edit'{{conditions}} ORDER BY 2, 1 LIMIT 1"
_NEXT_OTHER = f"SELECT o.id, o.rank {_OF_CHANNEL} AND o.kind <> 'edit'{{conditions}} ORDER BY o.rank, o.id LIMIT 1"

_LIST_WAITS = (  # the list that waits in the channel of a row of ``outbox``, or of ``o``
    "SELECT 1 FROM outbox l WHERE l.channel = {row}.channel AND l.incident = '' AND l.kind = 'notice'"  # noqa: S608
    f" AND l.state IN ('waiting', 'sending') AND l.state = 'waiting' AND l.key LIKE '{TOGETHER_PREFIX}%'"
)
_CROWDED = (
    f"SELECT channel FROM outbox WHERE {_PENDING} AND rank BETWEEN {DeliveryRank.PARTIAL_OUTAGE:d}"  # noqa: S608
    f" AND {DeliveryRank.ALERT:d} AND kind = 'alert' AND state = 'waiting'"
    f" AND channel NOT LIKE '{TOOL_PREFIX}%' GROUP BY channel"
    f" HAVING count(*) > ? OR EXISTS ({_LIST_WAITS.format(row='outbox')}) ORDER BY min(id)"
)
_WAITING_ALERTS = (  # the newest alert or edit of each incident whose first alert, or the list that it is in, waits
    "SELECT n.id, n.channel, n.post FROM outbox n WHERE n.id IN (SELECT max(o.id) FROM outbox o"  # noqa: S608
    " JOIN alerts a ON a.channel = o.channel AND a.incident = o.incident AND a.ts IS NULL"
    " WHERE o.channel IN (SELECT value FROM json_each(CAST(? AS TEXT)))"
    " AND o.kind IN ('alert', 'edit') AND (EXISTS (SELECT 1 FROM outbox f WHERE f.channel = o.channel"
    " AND f.incident = o.incident AND f.kind = 'alert' AND f.rank > ? AND f.state IN ('waiting', 'sending')"
    f" AND f.state = 'waiting') OR EXISTS ({_LIST_WAITS.format(row='o')} AND l.key = a.shared_key))"
    " GROUP BY o.channel, o.incident) ORDER BY n.id"
)
_REPLACED = (
    "UPDATE outbox SET state = 'superseded' WHERE channel = ? AND incident = ? AND state IN ('waiting', 'sending')"
    " AND state = 'waiting' AND (kind IN ('alert', 'edit') OR (kind = 'reply' AND post LIKE '%\"kinds\":[\"why\"%'))"
)
_LONGER_LIST = (
    "UPDATE outbox SET key = ?, post = ? WHERE channel = ? AND incident = '' AND kind = 'notice'"  # noqa: S608
    f" AND state IN ('waiting', 'sending') AND state = 'waiting' AND key LIKE '{TOGETHER_PREFIX}%'"
)


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """A pending notification in the outbox, with all that its delivery needs.

    Attributes:
        id: The row of the outbox.
        post: The notification.
        attempts: How often it was tried.
        due_at: When it may be sent.
        is_in_doubt: Whether Slack may have it: the process ended, or the connection broke, while it was being sent.
        doubted_from: Since when it is in doubt.
        left_at: When it was last sent to Slack.
        parent_ts: Slack's id of the incident's message in its channel; None if there is none yet.
        people: What people have done about the incident so far.
        linked_ts: Slack's id of the message that it points to.
        refusals: How often it was refused with an answer that may be about itself.
        refused_from: Since when; None if never.
        is_outside_thread: It is a reply that is posted outside its thread, which takes none.
        is_outage: It is the first alert of a complete outage.
        created_at: When it was put into the outbox.
        is_shared: The incident's message in the channel is about other incidents too.
        is_replacement: The incident's message in the channel was posted because an earlier one could not be edited.
        inside_ts: Slack's id of the message in whose thread it is, although it has a thread of its own.
    """

    id: int
    post: Notification
    attempts: int
    due_at: datetime
    is_in_doubt: bool
    doubted_from: datetime
    left_at: datetime
    parent_ts: str | None
    people: IncidentUserActions = field(default_factory=IncidentUserActions)
    linked_ts: str | None = None
    refusals: int = 0
    refused_from: datetime | None = None
    is_outside_thread: bool = False
    is_outage: bool = False
    created_at: datetime | None = None
    is_shared: bool = False
    is_replacement: bool = False
    inside_ts: str | None = None


@dataclass(frozen=True, slots=True)
class ParkedNotification:
    """A notification that was given up: its row, its channel, what it was about, why, and how often it was tried.

    ``is_expected``: it was of no use any more, so that no one needs to be notified.
    """

    id: int
    channel: str
    key: str
    kind: str
    error: str
    attempts: int
    created_at: datetime
    is_expected: bool = False


@dataclass(frozen=True, slots=True)
class ToolDelivery:
    """A notification to a tool of ``[[notify]]``, and what became of it.

    ``state`` is that of its row: ``waiting``, ``sending``, ``sent``, ``superseded`` (nothing to send) or ``parked``.
    ``due_at`` is when it is tried next.
    """

    channel: str
    key: str
    state: str
    attempts: int
    error: str
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class PausedChannel:
    """A channel whose delivery is paused, with the probes so far and the time of the next."""

    pause: DeliveryPause
    tries: int
    probe_at: datetime
    is_told: bool


@dataclass(frozen=True, slots=True)
class Backlog:
    """Counts of pending and parked notifications and of paused channels. ``oldest_at``: of the oldest pending one."""

    waiting: int
    oldest_at: datetime | None
    parked: int
    paused: int


class OutboxStore:
    """The outbox's part of the repository; every method may raise StoreError."""

    def __init__(self, database: Database) -> None:
        """Takes the repository's database."""
        self._db = database
        self.user_actions = UserActionStore(database)

    def transaction(self) -> AbstractContextManager[None]:
        """See ``Database.transaction``."""
        return self._db.transaction()

    def check_unsent(self) -> None:
        """Raises StoreError, and closes the file, if a pending notification has a key unknown to this version."""
        try:
            for row in self._db.rows("SELECT id, post FROM outbox WHERE state IN ('waiting', 'sending')"):
                mapping.parse(mapping.NOTIFICATION_ADAPTER, row["post"], f"{self._db.path}: outbox, row {row['id']}")
        except StoreError:
            self._db.close()
            raise

    def has_notification(self, channel: str, key: str) -> bool:
        """Whether a notification with this key was ever put into the outbox for a channel."""
        return bool(self._db.rows("SELECT 1 FROM outbox WHERE channel = ? AND key = ?", channel, key))

    def keys_with_prefix(self, channel: str, prefix: str) -> list[str]:
        """The keys of a channel's notifications, of all that were ever put into the outbox, that begin so, in order."""
        sql = "SELECT key FROM outbox WHERE channel = ? AND key >= ? AND key < ? ORDER BY id"
        return [row["key"] for row in self._db.rows(sql, channel, prefix, f"{prefix}\U0010ffff")]

    def first_key(self, channel: str, prefix: str) -> str:
        """The key of the first notification of a channel whose key begins so; empty if there is none."""
        return next(iter(self.keys_with_prefix(channel, prefix)), "")

    def enqueue(self, notifications: Iterable[Notification], at: datetime) -> int:
        """Puts notifications into the outbox; returns how many of them are new."""
        return self.user_actions.enqueue(notifications, at)

    def notified_channels(self, incident: str) -> frozenset[str]:
        """The channels that have a message about this incident, or a pending one."""
        return frozenset(
            row["channel"] for row in self._db.rows("SELECT channel FROM alerts WHERE incident = ?", incident)
        )

    def message_channels(self, incidents: Iterable[str]) -> Mapping[str, Mapping[str, bool]]:
        """By incident, the channels that have a message about it or a pending one, and whether that mentions a person.

        Each of these incidents is a key.
        """
        found: dict[str, dict[str, bool]] = {incident: {} for incident in incidents}
        rows = self._db.rows(
            "SELECT incident, channel, rung_at FROM alerts"
            " WHERE incident IN (SELECT value FROM json_each(CAST(? AS TEXT)))",
            json.dumps([*found]),
        )
        for row in rows:
            found[row["incident"]][row["channel"]] = row["rung_at"] is not None
        return found

    def mentioned_channels(self, incident: str) -> frozenset[str]:
        """The channels in which a message about this incident has mentioned somebody."""
        mentioned = "SELECT channel FROM alerts WHERE incident = ? AND rung_at IS NOT NULL"
        return frozenset(row["channel"] for row in self._db.rows(mentioned, incident))

    def pending_channels(self, now: datetime | None = None) -> tuple[str, ...]:
        """The channels with pending notifications, the most important first, without paused channels.

        With ``now``, those whose probe is due by then are included.
        """
        probe, values = (" AND p.probe_at > ?", (format_time(now),)) if now else ("", ())
        rows = self._db.rows(
            f"SELECT channel FROM outbox WHERE {_PENDING} AND {_SENDABLE.format(probe=probe)}"  # noqa: S608
            " GROUP BY channel ORDER BY min(rank), min(id)",
            *values,
        )
        return tuple(row["channel"] for row in rows)

    def is_outage_pending(self) -> bool:
        """Whether the first alert of a complete outage waits."""
        return bool(self._db.rows(f"SELECT 1 FROM outbox WHERE {_PENDING} AND rank = {DeliveryRank.OUTAGE:d} LIMIT 1"))  # noqa: S608

    def backlog(self) -> Backlog:
        """Counts of the outbox, for readiness and metrics."""
        [row] = self._db.rows(
            "SELECT (SELECT count(*) FROM outbox WHERE state IN ('waiting', 'sending')) AS waiting,"
            " (SELECT count(*) FROM outbox WHERE state = 'parked') AS parked, (SELECT min(created_at) FROM outbox"
            " WHERE state IN ('waiting', 'sending')) AS oldest, (SELECT count(*) FROM pauses WHERE is_on_trial = 0)"
            " AS paused"
        )
        oldest = parse_time(row["oldest"]) if row["oldest"] else None
        return Backlog(row["waiting"], oldest, row["parked"], row["paused"])

    def next_pending(
        self,
        channel: str,
        now: datetime | None = None,
        in_doubt_before: datetime | None = None,
        *,
        with_edits: bool = True,
    ) -> OutboxEntry | None:
        """The next notification for a channel: the most important pending one, the oldest of these.

        A reply and an edit wait for the message that they belong to, a notice for the notice that it edits, and a reply
        for the earlier replies in its thread; an edit goes before the replies, since it finds out if the message was
        deleted. A damaged row is parked and logged.

        Args:
            channel: The channel.
            now: Leaves out what is not due by then.
            in_doubt_before: Leaves out what is in doubt and was sent later than that.
            with_edits: Whether edits are included.

        Raises:
            StoreError: It has a key of another version; it then stays pending.
        """
        conditions, values = _due_conditions(now, in_doubt_before)
        conditions += [f"NOT ({waits})" for waits in _WAITS_FOR_ANOTHER]
        searched = (_NEXT_OTHER, _NEXT_EDIT) if with_edits else (_NEXT_OTHER,)
        narrowed = "".join(f" AND {condition}" for condition in conditions)
        candidates = " UNION ALL ".join(
            f"SELECT * FROM ({search.format(conditions=narrowed)}) AS candidate{number}"  # noqa: S608
            for number, search in enumerate(searched)
        )
        alerts = "LEFT JOIN alerts a ON a.channel = o.channel AND a.incident = o.incident"
        rows = self._db.rows(  # the post is long, so it is only read of the one that is next
            f"SELECT {_NEXT_COLUMNS} FROM outbox o {alerts} WHERE o.id ="  # noqa: S608
            f" (SELECT id FROM ({candidates}) AS candidates ORDER BY rank, id LIMIT 1)",
            *(channel, *values) * len(searched),
        )
        if not rows:
            return None
        [row] = rows
        notification = mapping.parse(
            mapping.NOTIFICATION_ADAPTER, row["post"], f"{self._db.path}: outbox, row {row['id']}"
        )
        if notification is None:
            self.mark_dead_lettered(row["id"], "it is in a form of another version")
            log.warning("notification %d to %s is in a form of another version, and can't be sent", row["id"], channel)
            return self.next_pending(channel, now, in_doubt_before, with_edits=with_edits)
        return self._entry(row, notification)

    def crowded_channels(self, most: int) -> tuple[str, ...]:
        """The channels for which more than so many first alerts wait, or any beside a list that waits.

        First alerts of complete outages do not count. The channel that has waited longest is first.
        """
        return tuple(row["channel"] for row in self._db.rows(_CROWDED, most))

    def waiting_alerts(self, channels: Iterable[str]) -> dict[str, list[Alert]]:
        """The alerts of incidents whose first alert, or the list that it is in, waits; as they are now, by channel.

        Without complete outages, damaged rows, and what may have been sent.
        """
        found: dict[str, list[Alert]] = {}
        known: dict[str, Alert | None] = {}  # hundreds of channels wait for the same alerts
        for row in self._db.rows(_WAITING_ALERTS, json.dumps([*channels]), DeliveryRank.OUTAGE):
            content = row["post"].partition(",")[2]
            if content not in known:
                where = f"{self._db.path}: outbox, row {row['id']}"
                notification = mapping.parse(mapping.NOTIFICATION_ADAPTER, row["post"], where)
                about = notification.about if notification else None
                known[content] = about if isinstance(about, Alert) else None
            if (alert := known[content]) is not None:
                found.setdefault(row["channel"], []).append(alert)
        return found

    def send_together(self, notices: Iterable[tuple[Notification, Iterable[tuple[str, str]]]], at: datetime) -> None:
        """Sends one message in place of several first alerts that wait, all in one transaction.

        Their edits, and the replies with their reasons, are not sent either; later replies go to its thread. A list
        that waits in the same channel is replaced, and keeps its place.

        Args:
            notices: Each message, and the incidents with their providers whose message it is from now on.
            at: The time.
        """
        written = [(notice, tuple(incidents)) for notice, incidents in notices]
        threads = [(notice.channel, incident) for notice, incidents in written for incident, _ in incidents]
        with self._db.transaction():
            self._db.write_all(_REPLACED, threads)
            self._db.write_all(
                "UPDATE alerts SET shared_key = ? WHERE channel = ? AND incident = ? AND ts IS NULL",
                ((notice.key, notice.channel, incident) for notice, incidents in written for incident, _ in incidents),
            )
            new = [notice for notice, _ in written if not self._lengthen_list(notice)]
            queueing.enqueue_all(self._db, new, at)

    def _lengthen_list(self, notice: Notification) -> bool:
        """Replaces the list that waits in the channel; False if none does."""
        text = mapping.NOTIFICATION_ADAPTER.dump_json(notice).decode()
        return bool(self._db.write(_LONGER_LIST, notice.key, text, notice.channel))

    def _entry(self, row: dict[str, Any], notification: Notification) -> OutboxEntry:
        """The entry of a row of ``next_pending``."""
        channel, incident = notification.channel, notification.incident
        edited = notification.about.edits if isinstance(notification.about, Notice) else ""
        people = self.user_actions.user_actions(channel, incident) if incident else IncidentUserActions()
        inside = notification.about.inside if isinstance(notification.about, DeclaredPost) else ""
        return OutboxEntry(
            *(row["id"], notification, row["attempts"], parse_time(row["due_at"]), bool(row["is_in_doubt"])),
            *(parse_time(row["doubted_from"]), parse_time(row["left_at"])),
            *(self._notice_ts(channel, edited) if edited else row["ts"], people),
            self._parent_ts(channel, notification.points_to) if notification.points_to else None,
            refusals=row["refusals"],
            refused_from=parse_time(row["refused_from"]) if row["refused_from"] else None,
            is_outside_thread=bool(row["is_outside_thread"]),
            is_outage=row["rank"] == DeliveryRank.OUTAGE,
            created_at=parse_time(row["created_at"]),
            is_shared=row["shared_key"] is not None,
            is_replacement=bool(row["is_replacement"]),
            inside_ts=self._parent_ts(channel, inside) if inside else None,
        )

    def _parent_ts(self, channel: str, incident: str) -> str | None:
        """Slack's id of an incident's message in a channel; None if there is none yet."""
        rows = self._db.rows("SELECT ts FROM alerts WHERE channel = ? AND incident = ?", channel, incident)
        return rows[0]["ts"] if rows else None

    def _notice_ts(self, channel: str, key: str) -> str | None:
        """Slack's id of a notice's message; None if it was not sent."""
        rows = self._db.rows("SELECT ts FROM outbox WHERE channel = ? AND key = ?", channel, key)
        return rows[0]["ts"] if rows else None

    def mark_sending(self, entry_id: int, at: datetime) -> None:
        """Records that a notification is about to be sent; if the process dies now, its delivery is in doubt."""
        with self._db.transaction():
            self._db.write_all(
                "UPDATE outbox SET state = 'sending', attempts = attempts + 1, left_at = ?, doubted_from ="
                " CASE state WHEN 'sending' THEN coalesce(doubted_from, created_at) ELSE ? END WHERE id = ?",
                [(format_time(at), format_time(at), entry_id)],
            )

    def mark_sent(self, entry_id: int, ts: str, at: datetime, *, is_parent: bool) -> bool:
        """Records a delivery and ends a pause of its channel. Edits and replies go to the ``ts`` of their parent.

        Returns:
            Whether the channel was paused.
        """
        with self._db.transaction():
            self._db.write_all(
                "UPDATE outbox SET state = 'sent', ts = ?, sent_at = ?, error = NULL WHERE id = ?",
                [(ts, format_time(at), entry_id)],
            )
            if is_parent:
                self._db.write_all(
                    "UPDATE alerts SET ts = ? FROM outbox o"
                    " WHERE o.id = ? AND alerts.channel = o.channel AND alerts.incident = o.incident",
                    [(ts, entry_id)],
                )
            shared = (
                "UPDATE alerts SET ts = ? FROM outbox o WHERE o.id = ? AND alerts.channel = o.channel"
                " AND alerts.shared_key = o.key AND alerts.ts IS NULL"
            )
            self._db.write_all(shared, [(ts, entry_id)])
            channel = "(SELECT channel FROM outbox WHERE id = ?)"
            return bool(self._db.write(f"DELETE FROM pauses WHERE channel = {channel}", entry_id))  # noqa: S608

    def mark_deferred(self, entry_id: int, due_at: datetime, error: str, *, is_in_doubt: bool) -> None:
        """Records a failed or doubtful attempt; it is tried again, not before ``due_at``.

        An edit is not, if there is a newer one of its message by now: it would bring back what is no longer so.
        """
        state = "sending" if is_in_doubt else "waiting"
        self._db.write(
            f"UPDATE outbox SET state = {_UNLESS_OUTDATED}, due_at = ?, error = ? WHERE id = ?",  # noqa: S608
            state,
            format_time(due_at),
            error,
            entry_id,
        )

    def shift_due_times(self, now: datetime, by: timedelta) -> None:
        """Moves the times of what waits by so much, after the clock was set back, so that no wait gets longer."""
        at = format_time(now)
        with self._db.transaction():
            waiting = f"SELECT id, due_at FROM outbox WHERE {_PENDING} AND due_at > ?"  # noqa: S608
            for row in self._db.rows(waiting, at):
                due_at = format_time(max(now, parse_time(row["due_at"]) + by))
                self._db.write("UPDATE outbox SET due_at = ? WHERE id = ?", due_at, row["id"])
            for row in self._db.rows("SELECT channel, probe_at FROM pauses WHERE probe_at > ?", at):
                probe_at = format_time(max(now, parse_time(row["probe_at"]) + by))
                self._db.write("UPDATE pauses SET probe_at = ? WHERE channel = ?", probe_at, row["channel"])
            for column in ("left_at", "doubted_from", "refused_from"):
                past = f"UPDATE outbox SET {column} = ? WHERE {_PENDING} AND {column} > ?"  # noqa: S608
                self._db.write(past, at, at)

    def mark_refused(self, entry_id: int, at: datetime, due_at: datetime, error: str) -> None:
        """Records a refusal that may be about the notification itself; it is tried again, not before ``due_at``."""
        self._db.write(
            f"UPDATE outbox SET state = {_UNLESS_OUTDATED}, due_at = ?, error = ?, refusals = refusals + 1,"  # noqa: S608
            " refused_from = coalesce(refused_from, ?) WHERE id = ?",
            *("waiting", format_time(due_at), error, format_time(at), entry_id),
        )

    def mark_outside_thread(self, entry_id: int, at: datetime, error: str) -> None:
        """Lets a reply be posted outside its thread, which does not take it."""
        self._db.write(
            "UPDATE outbox SET state = 'waiting', due_at = ?, error = ?, refusals = refusals + 1,"
            " refused_from = coalesce(refused_from, ?), is_outside_thread = 1 WHERE id = ?",
            *(format_time(at), error, format_time(at), entry_id),
        )

    def mark_dead_lettered(self, entry_id: int, error: str, *, is_expected: bool = False) -> None:
        """Gives a notification up; its row stays, in state ``parked``, with the reason.

        The operators are not notified of what ``is_expected``.
        """
        notified = ", told_at = created_at" if is_expected else ""
        self._db.write(f"UPDATE outbox SET state = 'parked', error = ?{notified} WHERE id = ?", error, entry_id)  # noqa: S608

    def mark_superseded(self, entry_id: int, why: str) -> None:
        """Records that a notification needs no delivery."""
        self._db.write("UPDATE outbox SET state = 'superseded', error = ? WHERE id = ?", why, entry_id)

    def pause_channel(self, pause: DeliveryPause, waits: Sequence[timedelta]) -> bool:
        """Stops deliveries to a channel until its next probe.

        Args:
            pause: The refusal.
            waits: From a refusal to the next probe: after the first, the second...; the last one counts for all others.

        Returns:
            Whether the channel was not paused, or for another reason.
        """
        with self._db.transaction():
            rows = self._db.rows("SELECT code, tries, since, told_at FROM pauses WHERE channel = ?", pause.channel)
            is_known = bool(rows) and rows[0]["code"] == pause.code
            tries = rows[0]["tries"] + 1 if rows else 1
            row = mapping.pause_row(pause) | {
                "tries": tries,
                "probe_at": format_time(pause.since + waits[min(tries, len(waits)) - 1]),
                "told_at": rows[0]["told_at"] if is_known else None,
            }
            if is_known:
                row["since"] = rows[0]["since"]
            self._db.insert("pauses", row, Upsert(key=("channel",)))
        return not is_known

    def paused_channels(self) -> tuple[PausedChannel, ...]:
        """The channels whose delivery is paused, the longest first."""
        rows = self._db.rows("SELECT * FROM pauses WHERE is_on_trial = 0 ORDER BY since, channel")
        return tuple(
            PausedChannel(_pause_from_row(r), r["tries"], parse_time(r["probe_at"]), r["told_at"] is not None)
            for r in rows
        )

    def mark_pauses_told(self, channels: Sequence[str], at: datetime) -> None:
        """Records that people have been notified of these pauses."""
        with self._db.transaction():
            for channel in channels:
                self._db.write("UPDATE pauses SET told_at = ? WHERE channel = ?", format_time(at), channel)

    def probe_channels(self, at: datetime, channel: str | None = None) -> bool:
        """Lets paused channels (or one) be tried at ``at``; True if there is one."""
        where, values = (" WHERE channel = ?", (channel,)) if channel else ("", ())
        return bool(self._db.write(f"UPDATE pauses SET probe_at = ?{where}", format_time(at), *values))  # noqa: S608

    def untold_parked(self) -> tuple[ParkedNotification, ...]:
        """The notifications that were given up since the operators were last notified of such, the oldest first."""
        return self._parked(" AND told_at IS NULL")

    def parked(self, limit: int = 100) -> tuple[ParkedNotification, ...]:
        """The notifications that were given up last, the newest first."""
        return self._parked("", f" DESC LIMIT {int(limit)}")

    def _parked(self, condition: str, order: str = "") -> tuple[ParkedNotification, ...]:
        rows = self._db.rows(
            "SELECT id, channel, key, kind, error, attempts, created_at, told_at = created_at AS expected FROM outbox"  # noqa: S608
            f" WHERE state = 'parked'{condition} ORDER BY id{order}"
        )
        return tuple(
            ParkedNotification(
                *(r["id"], r["channel"], r["key"], r["kind"], r["error"] or "", r["attempts"]),
                parse_time(r["created_at"]),
                is_expected=bool(r["expected"]),
            )
            for r in rows
        )

    def tool_deliveries(self, channel: str | None = None, limit: int = 20) -> tuple[ToolDelivery, ...]:
        """The newest notifications to all tools of ``[[notify]]``, or to one, the newest first."""
        rows = self._db.rows(
            "SELECT channel, key, state, attempts, error, created_at, due_at, sent_at FROM outbox"  # noqa: S608
            f" WHERE channel LIKE ? ORDER BY id DESC LIMIT {int(limit)}",
            channel or f"{TOOL_PREFIX}%",
        )
        return tuple(
            ToolDelivery(
                *(r["channel"], r["key"], r["state"], r["attempts"], r["error"] or "", parse_time(r["created_at"])),
                due_at=parse_time(r["due_at"]),
                sent_at=parse_time(r["sent_at"]) if r["sent_at"] else None,
            )
            for r in rows
        )

    def tool_counts(self) -> dict[str, dict[str, int]]:
        """How many notifications to each tool are in which state, by channel."""
        counts: dict[str, dict[str, int]] = {}
        for row in self._db.rows(
            "SELECT channel, state, count(*) AS n FROM outbox WHERE channel LIKE ? GROUP BY channel, state",
            f"{TOOL_PREFIX}%",
        ):
            counts.setdefault(row["channel"], {})[row["state"]] = row["n"]
        return counts

    def drop_removed_tools(self, channels: Iterable[str]) -> int:
        """Gives up what waits for tools that are none of ``channels`` any more; returns how many that are."""
        kept = json.dumps([*channels])
        removed = "channel LIKE ? AND channel NOT IN (SELECT value FROM json_each(?))"
        with self._db.transaction():
            self._db.write(f"DELETE FROM pauses WHERE {removed}", f"{TOOL_PREFIX}%", kept)  # noqa: S608
            return self._db.write(
                "UPDATE outbox SET state = 'parked', error = 'its tool is no longer in brownout.toml',"  # noqa: S608
                f" told_at = created_at WHERE {_PENDING} AND {removed}",
                *(f"{TOOL_PREFIX}%", kept),
            )

    def mark_parked_told(self, ids: Sequence[int], at: datetime) -> None:
        """Records that the operators have been notified of these."""
        with self._db.transaction():
            for entry_id in ids:
                self._db.write("UPDATE outbox SET told_at = ? WHERE id = ?", format_time(at), entry_id)

    def drop_what_is_over(self, channel: str) -> int:
        """Gives up what is of no use to a paused channel any more: all that is not about an open incident."""
        with self._db.transaction():
            return transitions.drop_what_is_over(self._db, channel)

    def end_subscriptions(self, channel: str, why: str) -> int:
        """Ends all subscriptions of a person whom Slack does not reach; returns how many there were."""
        with self._db.transaction():
            ended = self._db.write("DELETE FROM subscriptions WHERE channel = ?", channel)
            self._db.write("DELETE FROM withheld WHERE channel = ?", channel)
            self._db.write("DELETE FROM digests WHERE channel = ?", channel)
            self._db.write("DELETE FROM pauses WHERE channel = ?", channel)
            parked = (
                f"UPDATE outbox SET state = 'parked', error = ?, told_at = created_at WHERE channel = ? AND {_PENDING}"  # noqa: S608
            )
            self._db.write(parked, why, channel)
        return ended

    def move_channel(self, old: str, new: str, at: datetime) -> int:
        """Keeps a channel's subscriptions, settings and messages under its new id; returns how many subscriptions.

        If it was paused, it is tried at once.
        """
        with self._db.transaction():
            moved = channel_ids.move_channel(self._db, old, new)
            self._db.write("UPDATE pauses SET probe_at = ? WHERE channel = ?", format_time(at), new)
        return moved

    def channel_pause(self, channel: str) -> DeliveryPause | None:
        """The pause of a channel; None if there is none, or if a delivery is being tried again."""
        rows = self._db.rows("SELECT * FROM pauses WHERE channel = ? AND is_on_trial = 0", channel)
        return next((_pause_from_row(r) for r in rows), None)

    def resume_channel(self, channel: str) -> bool:
        """Lets a paused channel be tried again, with what is about open incidents; False if it is not paused."""
        with self._db.transaction():
            return transitions.resume_channel(self._db, channel)


def _due_conditions(now: datetime | None, in_doubt_before: datetime | None) -> tuple[list[str], list[str]]:
    """SQL conditions, and their values, that leave out what is not due at ``now`` and what left too recently."""
    conditions: list[str] = []
    values: list[str] = []
    if now is not None:
        conditions.append("(o.due_at <= ? OR o.due_at > ?)")
        values += [format_time(now) or "", format_time(now + LONGEST_WAIT) or ""]
    if in_doubt_before is not None:
        left_at = "coalesce(o.left_at, o.created_at)"
        conditions.append(f"(o.state = 'waiting' OR {left_at} <= ? OR {left_at} > ?)")
        values += [format_time(in_doubt_before) or "", format_time(in_doubt_before + LONGEST_WAIT) or ""]
    return conditions, values


def _pause_from_row(row: dict[str, Any]) -> DeliveryPause:
    is_person = row["scope"] == "person"
    return DeliveryPause(row["channel"], row["code"], row["remedy"], parse_time(row["since"]), is_person)
