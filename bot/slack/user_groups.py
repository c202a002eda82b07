"""The members of user groups that are admins, read from Slack every few minutes.

A group that could not be read has no members. One that can't be read any more loses its members after a while, so that
no one who has left it stays an admin for long.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from bot.errors import DeliveryError

log = logging.getLogger("brownout")

REFRESH_INTERVAL_S = 300.0
MAX_AGE = timedelta(minutes=15)  # how long members count while the group can't be read


class GroupClient(Protocol):
    """Reads the members of a user group; every failure is a DeliveryError."""

    async def group_members(self, group: str) -> frozenset[str]: ...  # noqa: D102


@dataclass(slots=True)
class UserGroups:
    """``members`` are the members by group at the last successful read; a group that could not be read is missing."""

    ids: tuple[str, ...]
    client: GroupClient
    now: Callable[[], datetime]
    members: dict[str, frozenset[str]] = field(default_factory=dict)
    _read_at: dict[str, datetime] = field(default_factory=dict)
    _failures: dict[str, str] = field(default_factory=dict)

    async def run(self) -> None:
        """Refreshes the members periodically, until it is cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(REFRESH_INTERVAL_S)

    async def refresh(self) -> None:
        """Reads every group once."""
        for group in self.ids:
            try:
                self.members[group] = await self.client.group_members(group)
            except DeliveryError as error:
                self._handle_failure(group, error)
            else:
                self._read_at[group] = self.now()
                self._failures.pop(group, None)

    def _handle_failure(self, group: str, error: DeliveryError) -> None:
        if self._failures.get(group) != error.code:
            hint = "; it takes the scope usergroups:read, see manifest.yml" if error.code == "missing_scope" else ""
            log.warning("can't read the members of the admins' user group %s: %s%s", group, error.code, hint)
        self._failures[group] = error.code
        if group not in self._read_at or self.now() - self._read_at[group] > MAX_AGE:
            self.members.pop(group, None)


def select_user_groups(admins: Iterable[str]) -> tuple[str, ...]:
    """The user groups among the admins, by Slack's prefix of their ids."""
    return tuple(admin for admin in admins if admin.startswith("S"))
