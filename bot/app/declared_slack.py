"""What declared incidents need of Slack beside messages: a channel of their own, and a pinned message.

Both need scopes that the app may not have. What Slack refuses for good is recorded with the incident, which is handled
without it; after anything else it is tried again.
"""

from __future__ import annotations

import asyncio
import logging
import re
import unicodedata
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain import DeclaredIncident, DeclaredPlace
from bot.errors import DeliveryError, RefusalScope, StoreError
from bot.queries import declared as declared_queries
from bot.queries.current import StatusQueries

log = logging.getLogger("brownout")

CHECK_INTERVAL_S = 2.0
PINNED = "pinned"
MAX_NAMES = 5  # that are tried for one channel
_MAX_NAME_LENGTH = 80
_UNSAFE = re.compile(r"[^a-z0-9]+")
_IS_SO = frozenset({"already_pinned", "already_in_channel"})


class SlackChannels(Protocol):
    """Creates channels and pins messages; every failure is a DeliveryError."""

    async def create_channel(self, name: str, *, is_private: bool) -> str: ...  # noqa: D102
    async def find_channel(self, name: str, since: datetime, *, is_private: bool) -> str: ...  # noqa: D102
    async def invite(self, channel: str, person: str) -> None: ...  # noqa: D102
    async def pin(self, channel: str, ts: str) -> None: ...  # noqa: D102


def channel_name(incident: DeclaredIncident, attempt: int = 1) -> str:
    """The name of its channel, as Slack accepts it; the number in it makes it the incident's own."""
    suffix = f"-{attempt}" if attempt > 1 else ""
    letters = unicodedata.normalize("NFKD", incident.title.casefold()).encode("ascii", "ignore").decode()
    title = _UNSAFE.sub("-", letters).strip("-")
    name = f"inc-{incident.number}-{title}".rstrip("-")
    return f"{name[: _MAX_NAME_LENGTH - len(suffix)].rstrip('-')}{suffix}"


@dataclass(slots=True)
class DeclaredSlack:
    """Makes the channels that people wished for, and pins the vendors' timelines."""

    queries: StatusQueries
    client: SlackChannels

    async def run(self) -> None:
        """Does what is due every two seconds, until it is cancelled."""
        while True:
            try:
                await self.turn()
            except StoreError as error:
                log.error("the database: %s; channels and pins of declared incidents wait", error)  # noqa: TRY400
            await asyncio.sleep(CHECK_INTERVAL_S)

    async def turn(self) -> None:
        """Does what is due for the open incidents. Raises StoreError."""
        units, store = self.queries.units, self.queries.repository.declared
        for incident in await units.run(store.open_incidents):
            if incident.waits_for_channel:
                await self._make_channel(incident)
            elif not incident.pinned:
                await self._pin(incident)

    async def _make_channel(self, incident: DeclaredIncident) -> None:
        """Makes the channel, or finds the one that was made before the process ended; then people move there."""
        units, store = self.queries.units, self.queries.repository.declared
        try:
            channel = await self._created_channel(incident)
        except DeliveryError as error:
            if is_passing(error):
                return
            await units.run_next(store.set_no_channel, incident.number, error.code)
            log.warning("no channel for the declared incident %d: %s", incident.number, error)
        else:
            await _if_allowed(self.client.invite(channel, incident.declared.by.id))
            await units.run_next(store.set_channel, incident.number, channel, self.queries.now())
        if self.queries.running is not None:
            await units.run_next(self.queries.running.post_declared)

    async def _created_channel(self, incident: DeclaredIncident) -> str:
        is_private = incident.place is DeclaredPlace.PRIVATE
        for attempt in range(1, MAX_NAMES + 1):
            name = channel_name(incident, attempt)
            try:
                return await self.client.create_channel(name, is_private=is_private)
            except DeliveryError as error:
                if error.code != "name_taken":
                    raise
            if found := await self.client.find_channel(name, incident.declared.at, is_private=is_private):
                return found
        raise DeliveryError("all names for a channel are taken", code="name_taken", permanent=True)

    async def _pin(self, incident: DeclaredIncident) -> None:
        units, store = self.queries.units, self.queries.repository.declared
        thread = declared_queries.vendor_thread(incident)
        if not incident.incidents or not (ts := await units.run(store.message_ts, incident.home, thread)):
            return
        try:
            await self.client.pin(incident.home, ts)
        except DeliveryError as error:
            if is_passing(error):
                return
            outcome = PINNED if error.code in _IS_SO else error.code
        else:
            outcome = PINNED
        await units.run_next(store.set_pinned, incident.number, outcome)
        if outcome != PINNED:
            log.info("the vendors' timeline of the declared incident %d is not pinned: %s", incident.number, outcome)


async def _if_allowed(call: Awaitable[None]) -> None:
    """Does what is welcome and not needed; a refusal is logged."""
    try:
        await call
    except DeliveryError as error:
        if error.code not in _IS_SO:
            log.info("people join the channel by themselves: %s", error)


def is_passing(error: DeliveryError) -> bool:
    """Whether the same request may be accepted later: Slack failed, limits its rate, or refuses the whole token."""
    return error.is_token or error.blame is RefusalScope.TRANSIENT
