"""User groups of admins: Slack is asked every few minutes who is in them. What it does not tell, nobody is.

A group whose members can't be told any more is empty after a while, so that who has left it may not go on for long.
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

EVERY_S = 300.0
GOOD_FOR = timedelta(minutes=15)  # what Slack told last counts so long while it tells nothing


class Roll(Protocol):
    """Knows who is in a user group; every failure is a DeliveryError."""

    async def members(self, group: str) -> frozenset[str]: ...  # noqa: D102


@dataclass(slots=True)
class Groups:
    """``members`` by group, as Slack told last; a group that is not in it could not be asked for."""

    ids: tuple[str, ...]
    roll: Roll
    now: Callable[[], datetime]
    members: dict[str, frozenset[str]] = field(default_factory=dict)
    _told_at: dict[str, datetime] = field(default_factory=dict)
    _failing: dict[str, str] = field(default_factory=dict)

    async def serve(self) -> None:
        """Asks again and again, until it is cancelled."""
        while True:
            await self.ask()
            await asyncio.sleep(EVERY_S)

    async def ask(self) -> None:
        """Asks for every group once."""
        for group in self.ids:
            try:
                self.members[group] = await self.roll.members(group)
            except DeliveryError as error:
                self._missed(group, error)
            else:
                self._told_at[group] = self.now()
                self._failing.pop(group, None)

    def _missed(self, group: str, error: DeliveryError) -> None:
        if self._failing.get(group) != error.code:
            hint = "; it takes the scope usergroups:read, see manifest.yml" if error.code == "missing_scope" else ""
            log.warning("who is in the group of admins %s can't be asked: %s%s", group, error.code, hint)
        self._failing[group] = error.code
        if group not in self._told_at or self.now() - self._told_at[group] > GOOD_FOR:
            self.members.pop(group, None)


def groups(admins: Iterable[str]) -> tuple[str, ...]:
    """Those of the admins that are user groups."""
    return tuple(admin for admin in admins if admin.startswith("S"))
