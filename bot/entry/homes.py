"""Keeps Homes drawn: when somebody opens theirs, after what they press, and for hours after when a verdict changes.

Drawings of a person never overlap, and come at most once a minute unless the person asked. ``views.publish`` has no
limit that this could reach (Tier 4, 100 a minute; slack.md 3).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from bot.entry import home as doors
from bot.entry.desk import Desk
from bot.errors import DeliveryError, StoreError
from bot.voice import home
from bot.voice.home import Resident

log = logging.getLogger("brownout")

LOOKS_FOR = timedelta(hours=8)  # who has opened Home may still have it before their eyes
APART = timedelta(minutes=1)
STEP_S = 15.0
_DISABLED = "not_enabled"
_REFUSED = ("invalid_blocks", "invalid_arguments", "view_too_large", "invalid_view")


class Wall(Protocol):
    """Takes Homes; every failure is a DeliveryError."""

    async def publish(self, person: str, view: Mapping[str, Any], state: str = "") -> str: ...  # noqa: D102


@dataclass(slots=True)
class _Shown:
    """What somebody's Home shows: the facts in it, the view's state by Slack, and when it was drawn."""

    facts: tuple[object, ...] = ()
    state: str = ""
    at: datetime | None = None
    not_before: datetime | None = None


@dataclass(slots=True)
class Homes:
    """Draws Homes. Nothing of it is lost with the process: who looks at one is in the book."""

    desk: Desk
    wall: Wall
    _shown: dict[str, _Shown] = field(default_factory=dict)
    _drawing: dict[str, asyncio.Lock] = field(default_factory=dict)
    _failing: str = ""

    async def opened(self, person: str) -> None:
        """Somebody opens their Home."""
        try:
            self.desk.book.rounds.opened(person, self.desk.now())
        except StoreError as error:
            log.warning("that %s looks at Home is not kept, so it is drawn only now: %s", person, error)
        await self.draw(person)

    async def touch(self, person: str) -> None:
        """Something of theirs has changed: it is shown to those who look at Home."""
        if person in self._shown:
            await self.draw(person)

    async def serve(self) -> None:
        """Draws what has changed, until it is cancelled."""
        while True:
            await asyncio.sleep(STEP_S)
            try:
                await self.renew()
            except StoreError as error:
                self._say(f"Homes are not kept up to date: {error}")
            except Exception:
                log.exception("a Home could not be drawn, for a reason that nobody thought of")

    async def renew(self) -> None:
        """Draws the Homes of those who look at one, where something in it has changed."""
        now = self.desk.now()
        people = [p for p in self.desk.book.rounds.lookers(now - LOOKS_FOR) if self._may(p, now)]
        board = self.desk.glance() if people else ()
        for person in people:
            resident = doors.resident(self.desk, person, board)
            if home.facts(resident) != self._shown.get(person, _Shown()).facts:
                await self.draw(person)

    def _may(self, person: str, now: datetime) -> bool:
        shown = self._shown.get(person, _Shown())
        is_early = shown.at is not None and now - shown.at < APART
        return not is_early and (shown.not_before is None or now >= shown.not_before)

    async def draw(self, person: str) -> None:
        """Draws somebody's Home now; what goes wrong is logged, once for as long as it is the same."""
        async with self._drawing.setdefault(person, asyncio.Lock()):
            try:
                resident = doors.resident(self.desk, person)
            except StoreError as error:
                self._say(f"a Home can't be drawn: {error}")
                return
            shown = self._shown.setdefault(person, _Shown())
            shown.at, shown.facts = resident.now, home.facts(resident)
            try:
                shown.state = await self._published(resident, shown.state)
            except DeliveryError as error:
                shown.state = ""
                shown.not_before = resident.now + timedelta(seconds=error.retry_after or APART.total_seconds())
                shown.facts = ()  # it is tried again
                self._refused(error)
            else:
                shown.not_before, self._failing = None, ""

    async def _published(self, resident: Resident, state: str) -> str:
        """Publishes; over another drawing that came between, and in few words where Slack refuses many."""
        person, view = resident.person, home.home(resident)
        try:
            return await self.wall.publish(person, view, state)
        except DeliveryError as error:
            if error.code == "hash_conflict":
                return await self.wall.publish(person, view)
            if error.code not in _REFUSED:
                raise
            self._say(f"Slack refuses the Home of {person} ({error.code}); it is drawn in few words")
        return await self.wall.publish(person, home.bare(resident))

    def _refused(self, error: DeliveryError) -> None:
        if error.code == _DISABLED:
            self._say("Slack shows no Home: switch the Home tab on in the app's settings, or use manifest.yml")
        else:
            self._say(f"a Home was not drawn ({error.code}); it is tried again")

    def _say(self, what: str) -> None:
        if what != self._failing:
            log.warning("%s", what)
        self._failing = what
