"""Notices within a tick that the database file was deleted, moved away or replaced under the running bot.

SQLite continues with the file that it has open, so that everything seems well until the next start, which finds another
file or none (https://www.sqlite.org/howtocorrupt.html, section 2.4). The log, ``/readyz`` and the operators say so.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from bot.domain import Notice, NoticeKind, Notification, NotificationKind
from bot.messages.builder import build_message
from bot.storage import Repository

log = logging.getLogger("brownout")

REMEDY = "What is recorded now is lost at the next start. Restart Brownout, or put the file back and restart."


@dataclass(slots=True)
class DatabaseWatch:
    """A hook of the scheduler's tick. ``owners`` are the operators: people or channels."""

    repository: Repository
    owners: Callable[[], Iterable[str]]
    now: Callable[[], datetime]
    _problem: str = ""

    def __call__(self) -> bool:
        """Checks the file; True if there is something to publish."""
        problem, before = self.repository.file_problem(), self._problem
        self._problem = problem
        if problem == before:
            return False
        if not problem:
            log.info("%s: the database file is back", self.repository.path)
            return False
        log.error("%s: %s. %s", self.repository.path, problem, REMEDY)
        now = self.now()
        message = build_message("", [f"**Database file: {problem}.** {REMEDY} ({self.repository.path})"])
        notice = Notice(NoticeKind.PAUSED, "", "", f"database:{now.isoformat()}", now, "", now, said=message)
        notices = [Notification(owner, NotificationKind.NOTICE, notice.key, notice) for owner in self.owners()]
        return bool(notices and self.repository.user_actions.enqueue(notices, now))
