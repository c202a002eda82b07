"""``Repository``: writes transitions, and reads provider states, subscriptions, incidents and events."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

from bot.domain import (
    CONFIGURED,
    Alert,
    ChannelPreferences,
    Condition,
    Event,
    EvidenceBatch,
    Notification,
    Observation,
    ProviderState,
    Subscription,
    TrackedIncident,
)
from bot.errors import PageMovedError, StoreError
from bot.rules.changes.incidents import RETENTION
from bot.rules.sharing import shard_of
from bot.rules.transition import StateTransition
from bot.storage import mapping, poll_batch, transitions
from bot.storage.api_tokens import ApiTokens
from bot.storage.archive import Archive
from bot.storage.connection import Database, DatabaseUrl, Lease, PageShares, Place, Upsert, Waiting
from bot.storage.declared import DeclaredStore
from bot.storage.deduplication import SeenEvents
from bot.storage.engines import open_database
from bot.storage.handed_evidence import HandedEvidence
from bot.storage.link_cards import LinkCardStore
from bot.storage.mapping import format_time, parse_time
from bot.storage.outbox import OutboxStore
from bot.storage.polls import PollLog
from bot.storage.schedules import ScheduleStore
from bot.storage.sqlite import BUSY_TIMEOUT_S
from bot.storage.table_cache import TableCache
from bot.storage.workflow_steps import WorkflowStepStore

log = logging.getLogger("brownout")

_STATES_AT_ONCE = 500  # a state is some kilobytes
_SUBSCRIBED_AGAIN = Upsert(key=("channel", "target"), kept=("created_by", "created_at"))


class Repository(OutboxStore):
    """All reads and writes of one database. Use ``Repository.open``; not thread-safe. Methods may raise StoreError.

    The outbox is its base class; ``archive``, ``poll_log``, ``heard`` (deduplication), ``schedules``, ``link_cards``,
    ``api_tokens``, ``workflow_steps``, ``declared`` and ``handed_evidence`` are the other parts.
    """

    def __init__(self, database: Database) -> None:
        """Takes an open database; ``Repository.open`` opens one."""
        super().__init__(database)
        self.archive = Archive(database)
        self.poll_log = PollLog(database)
        self.heard = SeenEvents(database)
        self.schedules = ScheduleStore(database)
        self.link_cards = LinkCardStore(database)
        self.api_tokens = ApiTokens(database)
        self.workflow_steps = WorkflowStepStore(database)
        self.declared = DeclaredStore(database)
        self.handed_evidence = HandedEvidence(database)
        self._poll_batch = poll_batch.PollBatch()
        self._subscriptions = TableCache(database, ("subscriptions",), self._read_subscriptions)
        self._by_target = TableCache(database, ("subscriptions",), self._group_subscriptions)

    @classmethod
    def open(
        cls,
        place: Path | str | DatabaseUrl,
        *,
        read_only: bool = False,
        alone: bool = False,
        patience_s: float = BUSY_TIMEOUT_S,
        on_wait: Waiting | None = None,
        may_follow: bool = False,
    ) -> Repository:
        """Opens or creates the database. ``alone`` is for the bot itself: StoreError if another bot runs on it.

        With ``on_wait`` and ``may_follow``, see ``engines.open_database``.
        """
        opened = cls(
            open_database(
                place, read_only=read_only, alone=alone, patience_s=patience_s, on_wait=on_wait, may_follow=may_follow
            )
        )
        if alone and not opened.is_follower:
            opened.check_unsent()
        return opened

    @property
    def is_follower(self) -> bool:
        """Whether another bot leads on this database."""
        return self._db.follower is not None

    def wait_for_turn(self, stop: threading.Event) -> bool:
        """Blocks a follower's thread until no other bot leads; False if ``stop`` came first."""
        return self._db.follower is not None and self._db.follower.wait_for_turn(stop)

    def try_turn(self) -> bool:
        """Whether no other bot leads, and it is this follower's turn; does not wait."""
        return self._db.follower is not None and self._db.follower.try_turn()

    def lead(self) -> None:
        """Makes a follower whose turn has come the one bot. Raises StoreError."""
        if self._db.follower is not None:
            self._db.follower.lead()
            self.check_unsent()

    def share_pages(self) -> None:
        """Begins to share the pages with other bots: this one polls those of ``shares``. StoreError for a file."""
        self._db.share_pages()

    def claim_pages(self) -> None:
        """See ``Database.claim_pages``."""
        self._db.claim_pages()

    @property
    def shares(self) -> PageShares | None:
        """The shards of this bot; None where it shares no pages."""
        return self._db.shares

    def has_page(self, provider: str) -> bool:
        """Whether this bot may record polls of a provider's page; False where it is another bot's."""
        return self._db.shares is None or shard_of(provider) in self._db.shares.held

    def listen(self, on_commit: Callable[[], None]) -> Callable[[], None]:
        """See ``Database.listen``."""
        return self._db.listen(on_commit)

    @property
    def path(self) -> Place:
        """The database file, or the address of the database without its password."""
        return self._db.path

    def require_lease(self) -> None:
        """See ``Lease.require``; also of a follower that leads later."""
        self._db.lease.require()

    @property
    def lease(self) -> Lease:
        """The lease of the bot that opened it."""
        return self._db.lease

    def file_problem(self) -> str:
        """Why the open database is not the file at its path any more (deleted, replaced); empty if it is."""
        return self._db.file_problem()

    def open_reader(self) -> Repository:
        """A read-only connection to the same file for another thread; call this in that thread."""
        return Repository(self._db.open_reader())

    def close(self) -> None:
        """Writes the polls that are still in memory, and closes the file."""
        with suppress(StoreError):
            self.flush()
        self._db.close()

    def with_advice_record(self, alert: Alert) -> Alert:
        """The alert of an all clear with how often its advice let load through again (``Archive``)."""
        return self.archive.with_advice_record(alert)

    # --- transitions --------------------------------------------------------------------------------------------------

    def record_transition(
        self, observation: Observation | None, transition: StateTransition, notifications: Iterable[Notification]
    ) -> None:
        """Writes a transition in one transaction: the poll, the state, the events, and its notifications.

        A poll that changed nothing is kept in memory until the next transition that did, or until ``flush``.
        ``notifications`` are asked for in the transaction. PageMovedError where the page is another bot's by now.
        """
        provider = transition.state.provider
        if observation is not None and poll_batch.is_unchanged_poll(observation, transition):
            self._require_page(provider)
            notifications = tuple(notifications)
            if not notifications:
                if self._poll_batch.add(observation, provider):
                    self.flush()
                return
        with self._db.transaction():  # which may have made a new connection: then no page is this bot's any more
            self._require_page(provider)
            self._write_runs()
            transitions.write_transition(self._db, observation, transition, tuple(notifications))
        self._poll_batch.clear()

    def _require_page(self, provider: str) -> None:
        if not self.has_page(provider):
            raise PageMovedError(f"another bot polls the page of {provider} now")

    def _write_runs(self) -> None:
        """Writes the polls in memory, without those of pages that are other bots' by now."""
        poll_batch.write_runs(self._db, [run for run in self._poll_batch.runs() if self.has_page(run.provider)])

    def keep_unchanged_poll(self, observation: Observation, transition: StateTransition) -> bool:
        """Keeps a poll that changed nothing in memory; False where it did, or where the kept ones are to be written."""
        is_kept = poll_batch.is_unchanged_poll(observation, transition) and self.has_page(transition.state.provider)
        if not is_kept or self._poll_batch.is_due(observation.at):
            return False
        self._poll_batch.add(observation, transition.state.provider)
        return True

    def flush(self) -> None:
        """Writes the polls that changed nothing; without it they are written 15 s after the first of them."""
        if self._poll_batch.runs():
            with self._db.transaction():
                self._write_runs()
            self._poll_batch.clear()

    def forget_kept_polls(self, providers: Iterable[str]) -> None:
        """Leaves out the polls in memory of pages that were lost to another bot, which has polled them since."""
        for provider in providers:
            self._poll_batch.forget(provider)

    def hand_over(self, provider: str, evidence: EvidenceBatch, at: datetime) -> None:
        """Stores evidence on a provider for the bot that has its page."""
        self.handed_evidence.add(provider, evidence, at)

    def state_times(self) -> list[tuple[str, str, datetime | None]]:
        """Each provider that has a state, when that was saved, and when the page was last read."""
        rows = self._db.rows(
            "SELECT w.provider, w.saved_at, s.seen_at FROM worlds w LEFT JOIN sources s ON s.id = w.provider"
        )
        return [(r["provider"], r["saved_at"], parse_time(r["seen_at"]) if r["seen_at"] else None) for r in rows]

    def provider_state(self, provider: str) -> ProviderState | None:
        """The last recorded state of a provider; None before its first transition.

        A damaged state is logged and rebuilt from the tables. StoreError if it has a key of another version.
        """
        return self.provider_states([provider]).get(provider)

    def provider_states(self, providers: Iterable[str]) -> dict[str, ProviderState]:
        """The last recorded states of these providers by id, as ``provider_state`` gives them, in few queries."""
        wanted = [*providers]
        found: dict[str, ProviderState] = {}
        for start in range(0, len(wanted), _STATES_AT_ONCE):
            listed = json.dumps(wanted[start : start + _STATES_AT_ONCE])
            rows = self._db.rows(
                "SELECT w.provider, w.world, s.seen_at FROM worlds w LEFT JOIN sources s ON s.id = w.provider"
                " WHERE w.provider IN (SELECT value FROM json_each(CAST(? AS TEXT)))",
                listed,
            )
            found |= {row["provider"]: self._read_state(row) for row in rows}
        return found

    def _read_state(self, row: Mapping[str, Any]) -> ProviderState:
        provider = row["provider"]
        seen_at = parse_time(row["seen_at"]) if row["seen_at"] else None
        state = mapping.parse(mapping.PROVIDER_STATE_ADAPTER, row["world"], f"{self._db.path}: worlds, row {provider}")
        if state is None:
            log.warning("%s: the stored state is in a form of another version; continuing from the tables", provider)
            state = ProviderState(provider, incidents=self._recent_incidents(provider, seen_at))
        polls = (state.seen_at, seen_at, self._last_kept_poll(provider))
        return replace(state, seen_at=max(filter(None, polls), default=None))

    def _recent_incidents(self, provider: str, seen_at: datetime | None) -> tuple[TrackedIncident, ...]:
        """The incidents of a rebuilt state: open ones, and those that ended within a day before the last poll."""
        since = format_time(seen_at - RETENTION) if seen_at else ""
        rows = self._db.rows(
            "SELECT * FROM incidents WHERE provider = ? AND (closed_at IS NULL OR closed_at > ?)"
            " AND backfilled = 0 ORDER BY posted_at",
            *(provider, since),
        )
        return tuple(map(self._build_incident, rows))

    # --- subscriptions and preferences --------------------------------------------------------------------------------

    def subscriptions(self, channel: str | None = None) -> tuple[Subscription, ...]:
        """The subscriptions of all channels, or of one."""
        return self._subscriptions.get() if channel is None else self._read_subscriptions(channel)

    def subscriptions_to(self, targets: Iterable[str]) -> tuple[Subscription, ...]:
        """All channels' subscriptions to these providers and surfaces, also those for one region."""
        by_target = self._by_target.get()
        found = [by_target[target] for target in sorted(set(targets)) if target in by_target]
        return tuple(found[0]) if len(found) == 1 else tuple(sorted(chain(*found), key=lambda s: (s.channel, s.target)))

    def _read_subscriptions(self, channel: str | None = None) -> tuple[Subscription, ...]:
        where, values = ("WHERE channel = ?", (channel,)) if channel is not None else ("", ())
        rows = self._db.rows(f"SELECT * FROM subscriptions {where} ORDER BY channel, target", *values)  # noqa: S608
        return tuple(
            Subscription(
                *(r["channel"], r["target"], Condition(r["minimum"]), r["created_by"], parse_time(r["created_at"])),
                mention=r["mention"],
            )
            for r in rows
        )

    def _group_subscriptions(self) -> dict[str, list[Subscription]]:
        grouped: dict[str, list[Subscription]] = {}
        for subscription in self._subscriptions.get():
            grouped.setdefault(subscription.subject, []).append(subscription)
        return grouped

    def subscribe(self, subscription: Subscription) -> None:
        """Adds or replaces a subscription."""
        if subscription.created_by not in ("", CONFIGURED):  # a person takes over what only brownout.toml made
            self._db.write(
                "UPDATE subscriptions SET created_by = ? WHERE channel = ? AND target = ? AND created_by = ?",
                *(subscription.created_by, subscription.channel, subscription.target, CONFIGURED),
            )
        self._db.insert("subscriptions", mapping.subscription_row(subscription), _SUBSCRIBED_AGAIN)

    def unsubscribe(self, channel: str, target: str) -> bool:
        """Deletes a subscription; False if there was none."""
        return self._db.write("DELETE FROM subscriptions WHERE channel = ? AND target = ?", channel, target) > 0

    def channel_preferences(self) -> Mapping[str, ChannelPreferences]:
        """Notification preferences by channel; channels that never set any are left out."""
        return self.user_actions.channel_preferences()

    # --- incidents and events -----------------------------------------------------------------------------------------

    def incident_ids(
        self, *, surface: str | None = None, provider: str | None = None, limit: int = 10
    ) -> tuple[str, ...]:
        """The ids of the newest incidents, by the vendor's first post: of a surface, of a provider, or of all."""
        table, name = ("incident_surfaces", "incident") if surface is not None else ("incidents", "id")
        columns = {"surface": surface, "source": provider} if surface is not None else {"provider": provider}
        filters = {column: value for column, value in columns.items() if value is not None}
        where = f"WHERE {' AND '.join(f'{column} = ?' for column in filters)}" if filters else ""
        rows = self._db.rows(
            f"SELECT {name} AS id FROM {table} {where} ORDER BY posted_at DESC LIMIT ?",  # noqa: S608  (words above)
            *(*filters.values(), limit),
        )
        return tuple(row["id"] for row in rows)

    def key_holders(self, keys: Iterable[str]) -> tuple[tuple[str, str], ...]:
        """Source and key of the recorded incidents that have one of these keys."""
        return transitions.key_holders(self._db, keys)

    def tracked_incident(self, incident: str) -> tuple[str, TrackedIncident] | None:
        """An incident and its provider's id; None if there is none. Each update is in its newest version."""
        rows = self._db.rows("SELECT * FROM incidents WHERE id = ?", incident)
        return (rows[0]["provider"], self._build_incident(rows[0])) if rows else None

    def tracked_incidents(self, incidents: Iterable[str]) -> tuple[tuple[str, TrackedIncident], ...]:
        """Those of these incidents that are recorded, as ``tracked_incident`` gives them."""
        rows = self._db.rows(
            "SELECT * FROM incidents WHERE id IN (SELECT value FROM json_each(CAST(? AS TEXT))) ORDER BY id",
            json.dumps([*incidents]),
        )
        return tuple((row["provider"], self._build_incident(row)) for row in rows)

    def _build_incident(self, row: dict[str, Any]) -> TrackedIncident:
        newest = self._db.rows(
            "SELECT u.* FROM updates u WHERE source = ? AND incident = ? AND version ="
            " (SELECT max(version) FROM updates v WHERE v.source = u.source AND v.id = u.id) ORDER BY display_at,"
            " (SELECT min(rowid) FROM updates v WHERE v.source = u.source AND v.id = u.id)",
            *(row["source"], row["id"]),
        )
        return mapping.incident_from_row(row, tuple(map(mapping.update_from_row, newest)))

    def events(self, incident: str, channel: str | None = None) -> tuple[Event, ...]:
        """An incident's timeline, in the order in which its events were recorded.

        Of what people wrote, only what ``channel`` may read. Events of suspicions that the incident took over are
        included.
        """
        suspicions = self._db.rows(
            "SELECT value AS id FROM incidents i, json_each(i.suspicions) WHERE i.id = ?", incident
        )
        query = "SELECT * FROM events WHERE incident = ? AND (channel IS NULL OR channel = ?) ORDER BY id"
        rows = (row for one in (*(r["id"] for r in suspicions), incident) for row in self._db.rows(query, one, channel))
        return tuple(map(mapping.event_from_row, sorted(rows, key=lambda row: row["id"])))

    def latest_event_id(self) -> int:
        """The id of the last event, 0 if there is none; it grows with every event."""
        return int(self._db.rows("SELECT coalesce(max(id), 0) AS newest FROM events")[0]["newest"])

    def providers_changed_since(self, event_id: int) -> list[str]:
        """The providers of the events after this one, by id; an event of people counts for its incident's provider."""
        rows = self._db.rows("SELECT provider FROM events WHERE id > ?", event_id)  # DISTINCT would read every event
        return sorted({row["provider"] for row in rows})

    def last_polled_at(self, provider: str) -> datetime | None:
        """When this provider's page was last polled, readable or not; None if it never was."""
        rows = self._db.rows("SELECT max(looked_at) AS at FROM sources WHERE provider = ?", provider)
        polls = (parse_time(rows[0]["at"]) if rows[0]["at"] else None, self._last_kept_poll(provider))
        return max(filter(None, polls), default=None)

    def _last_kept_poll(self, provider: str) -> datetime | None:
        return self._poll_batch.last_polled_at(provider) if self.has_page(provider) else None
