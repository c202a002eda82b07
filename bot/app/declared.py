"""Keeps the posts about declared incidents up to date, and closes those that were to be closed once it is safe.

It works out what is due from what is recorded, with every tick, after every change of a page, and after every action.
Doing that twice posts nothing twice, so that a process may end at any moment.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain import BOT_USER, DeclaredIncident, ToolTarget, UserAction
from bot.queries import declared as declared_queries
from bot.queries.current import StatusQueries
from bot.queries.declared import PostPlan
from bot.rules import declared as declared_rules

PRUNE_INTERVAL = timedelta(hours=1)
FOLLOWED_FOR = timedelta(days=1)  # after its close: until then its vendors' news are shown, and a reopening is reported


@dataclass(slots=True)
class DeclaredHook:
    """A hook of the scheduler's tick.

    Attributes:
        queries: The database.
        tools: The tools of ``[[notify]]``.
        keep_emoji: Returns the emoji that keeps a message in the timeline; empty where it does not work.
        keep_for: Kept messages are deleted when they are older; None for never.
    """

    queries: StatusQueries
    tools: Sequence[ToolTarget] = ()
    keep_emoji: Callable[[], str] = str
    keep_for: timedelta | None = None
    _deleted_at: datetime | None = None  # when old messages were looked for last

    def __call__(self) -> bool:
        """Puts what is due into the outbox; True if there was anything."""
        store = self.queries.repository.declared
        self._delete_old_messages()
        followed = store.open_or_closed_since(self.queries.now() - FOLLOWED_FOR)
        return sum(self._follow(incident) for incident in followed) > 0

    def _delete_old_messages(self) -> None:
        """Once an hour, deletes the kept messages that are too old."""
        now = self.queries.now()
        if self.keep_for is None or (self._deleted_at is not None and now - self._deleted_at < PRUNE_INTERVAL):
            return
        self._deleted_at = now
        self.queries.repository.declared.delete_messages(now - self.keep_for)

    def _follow(self, incident: DeclaredIncident) -> bool:
        repository, now = self.queries.repository, self.queries.now()
        view = declared_queries.view(self.queries, incident)
        if incident.is_open and incident.closes_when_safe and view.safe_since is not None:
            repository.declared.change(
                *declared_rules.close(incident, UserAction(BOT_USER, now), view.safe_since),
            )
            view = declared_queries.view(self.queries, declared_queries.find(self.queries, incident.number))
        home_ts = repository.declared.message_ts(view.incident.home, view.incident.key)
        plan = PostPlan(self._enqueued(view.incident), self.tools, home_ts, self.keep_emoji())
        due = list(declared_queries.due_posts(view, plan))
        return bool(due) and repository.enqueue(due, now) > 0

    def _enqueued(self, incident: DeclaredIncident) -> frozenset[tuple[str, str]]:
        """What was put into the outbox about it: channels and keys."""
        channels = {incident.origin, incident.home, *(tool.channel for tool in self.tools)}
        keys = self.queries.repository.keys_with_prefix
        return frozenset((channel, key) for channel in channels for key in keys(channel, f"{incident.key}:"))
