"""Keeps the posts about declared incidents up to date, and closes those that were to be closed once it is safe.

It works out what is due from what is recorded, with every tick, after every change of a page, and after every action.
Doing that twice posts nothing twice, so that a process may end at any moment.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.domain import BOT_USER, DeclaredIncident, ToolTarget, UserAction
from bot.queries import declared as declared_queries
from bot.queries.current import StatusQueries
from bot.queries.declared import PostPlan
from bot.rules import declared as declared_rules

FOLLOWED_FOR = timedelta(days=1)  # after its close: until then its vendors' news are shown, and a reopening is reported


@dataclass(slots=True)
class DeclaredHook:
    """A hook of the scheduler's tick.

    Attributes:
        queries: The database.
        tools: The tools of ``[[notify]]``.
        keep_emoji: Returns the emoji that keeps a message in the timeline; empty where it does not work.
    """

    queries: StatusQueries
    tools: Sequence[ToolTarget] = ()
    keep_emoji: Callable[[], str] = str

    def __call__(self) -> bool:
        """Puts what is due into the outbox; True if there was anything."""
        store = self.queries.repository.declared
        followed = (*store.open_incidents(), *store.closed_since(self.queries.now() - FOLLOWED_FOR))
        return sum(self._follow(incident) for incident in followed) > 0

    def _follow(self, incident: DeclaredIncident) -> bool:
        repository, now = self.queries.repository, self.queries.now()
        view = declared_queries.view(self.queries, incident)
        if incident.is_open and incident.closes_when_safe and view.safe_since is not None:
            repository.declared.change(
                *declared_rules.close(incident, UserAction(BOT_USER, now), view.safe_since),
            )
            view = declared_queries.view(self.queries, declared_queries.find(self.queries, incident.number))
        home_ts = repository.declared.message_ts(view.incident.home, view.incident.key)
        plan = PostPlan(repository, self.tools, home_ts, self.keep_emoji())
        due = list(declared_queries.due_posts(view, plan))
        return bool(due) and repository.enqueue(due, now) > 0
