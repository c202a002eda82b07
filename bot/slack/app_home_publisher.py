"""Publishes App Home: when a person opens it, after each click, and for hours after that when something changes.

Publications to one person never overlap. They come at most once a minute, or every ten seconds if the person acts, and
not before Slack's Retry-After is over, no matter who asks. All Homes are drawn from one snapshot of the services. The
rate limit of ``views.publish`` is not reached (Tier 4, 100 a minute; bot/docs/slack-limits.md#posting).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from bot.commands import app_home
from bot.errors import DeliveryError, StoreError
from bot.messages import app_home as messages_app_home
from bot.messages.app_home import HomeModel
from bot.queries.current import StatusQueries

log = logging.getLogger("brownout")

VIEWER_WINDOW = timedelta(hours=8)  # how long after it was opened Home is kept up to date
MIN_PUBLISH_INTERVAL = timedelta(minutes=1)
MIN_REQUEST_INTERVAL = timedelta(seconds=10)  # the same if the person acts
CHECK_INTERVAL_S = 15.0
REQUEST_INTERVAL_S = 2.5  # until what a person asked for, and had to wait, is looked at
_HOME_DISABLED_CODE = "not_enabled"
_REFUSED_VIEW_CODES = ("invalid_blocks", "invalid_arguments", "view_too_large", "invalid_view")


class HomeViewClient(Protocol):
    """Publishes Home views; every failure is a DeliveryError."""

    async def publish_home(self, person: str, view: Mapping[str, Any], state: str = "") -> str: ...  # noqa: D102


@dataclass(slots=True)
class _PublishedHome:
    """A person's published Home: its fingerprint, Slack's hash of the view, when, and before when not again.

    ``is_requested``: the person has acted and waits for it.
    """

    facts: tuple[object, ...] = ()
    state: str = ""
    at: datetime | None = None
    not_before: datetime | None = None
    is_requested: bool = False


@dataclass(slots=True)
class AppHomePublisher:
    """Publishes Home to the people who have it open. They are stored in the database, so a restart loses none.

    Attributes:
        queries: What Home shows.
        client: Publishes the views.
        keeps_all: Whether this bot keeps the Homes of all people up to date; another one publishes only for those who
            have just done something.
    """

    queries: StatusQueries
    client: HomeViewClient
    keeps_all: Callable[[], bool] = lambda: True
    _published: dict[str, _PublishedHome] = field(default_factory=dict)
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    _last_failure: str = ""

    async def record_opened(self, person: str) -> None:
        """Stores that a person has opened Home, and publishes it."""
        try:
            await self.queries.units.run_next(
                self.queries.repository.schedules.record_home_opened, person, self.queries.now()
            )
        except StoreError as error:
            log.warning("can't store that %s opened App Home; it is published only once: %s", person, error)
        await self.publish_requested(person)

    async def mark_changed(self, person: str) -> None:
        """Publishes a person's Home after a change of their settings, if they have opened it, with whichever bot."""
        if person in self._published or (not self.keeps_all() and self._is_viewer(person)):
            await self.publish_requested(person)

    def _is_viewer(self, person: str) -> bool:
        try:
            return person in self.queries.repository.schedules.home_viewers(self.queries.now() - VIEWER_WINDOW)
        except StoreError:
            return False

    async def publish_requested(self, person: str) -> None:
        """Publishes a person's Home now, or as soon as the limits allow."""
        published = self._published.setdefault(person, _PublishedHome())
        published.is_requested = True
        await self._publish_waiting(person)

    async def _publish_waiting(self, person: str) -> None:
        """Publishes the Home that a person waits for, if it is not too early."""
        published, now = self._published[person], self.queries.now()
        is_early = published.at is not None and timedelta() <= now - published.at < MIN_REQUEST_INTERVAL
        is_early |= published.not_before is not None and now < published.not_before
        if published.is_requested and not is_early:
            published.is_requested = False
            await self.publish(person)

    async def run(self) -> None:
        """Publishes what has changed every few seconds, until it is cancelled."""
        number, checks = 0, round(CHECK_INTERVAL_S / REQUEST_INTERVAL_S)
        while True:
            await asyncio.sleep(REQUEST_INTERVAL_S)
            number += 1
            try:
                for person in [p for p, home in self._published.items() if home.is_requested]:
                    await self._publish_waiting(person)
                if number % checks == 0 and self.keeps_all():
                    await self.publish_changed()
            except StoreError as error:
                self._log_once(f"App Home is not updated: {error}")
            except Exception:
                log.exception("App Home could not be published: unexpected error")

    async def publish_changed(self) -> None:
        """Publishes Home to each recent viewer for whom something in it has changed."""
        now = self.queries.now()
        units = self.queries.units
        viewers = await units.run(self.queries.repository.schedules.home_viewers, now - VIEWER_WINDOW)
        people = [p for p in viewers if self._may_publish(p, now)]
        snapshot = await units.run(self.queries.quick_snapshot) if people else ()
        for person in people:
            model = await units.run(app_home.home_model, self.queries, person, snapshot)
            if messages_app_home.home_fingerprint(model) != self._published.get(person, _PublishedHome()).facts:
                await self.publish(person, model)
            await asyncio.sleep(0)  # so that acks don't wait for hundreds of people

    def _may_publish(self, person: str, now: datetime) -> bool:
        published = self._published.get(person, _PublishedHome())
        is_early = published.at is not None and now - published.at < MIN_PUBLISH_INTERVAL
        return not is_early and (published.not_before is None or now >= published.not_before)

    async def publish(self, person: str, drawn: HomeModel | None = None) -> None:
        """Publishes a person's Home now. A failure is logged once for as long as it stays the same.

        ``drawn`` is what it shows, if the caller knows it already.
        """
        async with self._locks.setdefault(person, asyncio.Lock()):
            try:
                model = drawn if drawn is not None else await self._draw(person)
            except StoreError as error:
                self._log_once(f"App Home can't be built: {error}")
                return
            published = self._published.setdefault(person, _PublishedHome())
            published.at, published.facts = model.now, messages_app_home.home_fingerprint(model)
            try:
                published.state = await self._publish_view(model, published.state)
            except DeliveryError as error:
                published.state = ""
                published.not_before = model.now + timedelta(
                    seconds=error.retry_after or MIN_PUBLISH_INTERVAL.total_seconds()
                )
                published.facts = ()  # differs from every fingerprint, so that it is tried again
                self._log_refusal(error)
            else:
                published.not_before, self._last_failure = None, ""

    async def _draw(self, person: str) -> HomeModel:
        return await self.queries.units.run_next(app_home.home_model, self.queries, person)

    async def _publish_view(self, model: HomeModel, state: str) -> str:
        """Publishes the view and returns Slack's hash of it.

        Overwrites a view that was published in between; sends a minimal view if Slack refuses the full one.
        """
        person, view = model.person, messages_app_home.home_view(model)
        try:
            return await self.client.publish_home(person, view, state)
        except DeliveryError as error:
            if error.code == "hash_conflict":
                return await self.client.publish_home(person, view)
            if error.code not in _REFUSED_VIEW_CODES:
                raise
            self._log_once(f"Slack refuses the Home of {person} ({error.code}); a minimal view is sent")
        return await self.client.publish_home(person, messages_app_home.minimal_home_view(model))

    def _log_refusal(self, error: DeliveryError) -> None:
        if error.code == _HOME_DISABLED_CODE:
            self._log_once("Slack shows no Home: switch the Home tab on in the app's settings, or use manifest.yml")
        else:
            self._log_once(f"App Home was not published ({error.code}); trying again")

    def _log_once(self, text: str) -> None:
        if text != self._last_failure:
            log.warning("%s", text)
        self._last_failure = text
