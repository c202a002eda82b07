"""Time alone -> what channels are owed for it: reminders, alerts that waited, and mutes that have run out.

Runs with every tick. All of it is in the book, so that a restart changes nothing; a reminder that is owed twice is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from bot.core import decide
from bot.edge.store import Store
from bot.engine import Engine
from bot.model import Alert, Habits, Known, Mute, News, NewsItem, Post, Subscription
from bot.voice import remind


@dataclass(frozen=True, slots=True)
class Vigil:
    """Watches the clock for the channels."""

    engine: Engine
    book: Store

    def __call__(self) -> bool:
        """Owes what is due now; True where that is anything."""
        now = self.engine.now()
        lifted = [mute for mute in self.book.people.mutes() if self._is_past(mute, now)]
        for mute in lifted:
            self.book.people.lift(mute, now)
        due = [*self._waited(now), *self._reminders(now)]
        owed = self.book.people.owe(due, now) if due else 0
        return bool(lifted or owed)

    def _is_past(self, mute: Mute, now: datetime) -> bool:
        """Its time is up; or its incident is over, which its last reply has told."""
        if mute.until:
            return mute.until <= now
        found = self.book.known(mute.target)
        return found is not None and not found[1].is_open

    def _waited(self, now: datetime) -> Iterator[Post]:
        """The alerts that waited and need not any more; those of incidents that are over are not told at all."""
        for channel, incident, provider in self.book.people.withheld():
            known, subscriptions = self._known(incident, provider), self.book.subscriptions(channel)
            if known is None or not known.is_open or not subscriptions:
                self.book.people.forget(channel, incident)
                continue
            alert = replace(self._alert(known, provider, now), news=tuple(_words(known)), opens=True)
            posts = tuple(self.engine.posts(alert, subscriptions))
            yield from (post for post in posts if not post.held)

    def _reminders(self, now: datetime) -> Iterator[Post]:
        for channel, incident, provider, opened_at in self.book.people.standing():
            known = self._known(incident, provider) if remind.due(opened_at, now) is not None else None
            if known is not None:
                mine, people = self._mine(channel), self.book.people.of(channel, incident)
                habits = self.book.habits().get(channel) or Habits(channel)
                post = remind.reminder(self._alert(known, provider, now), opened_at, mine, habits, people)
                yield from filter(None, [post])

    def _mine(self, channel: str) -> tuple[Subscription, ...]:
        return self.book.subscriptions(channel)

    def _known(self, incident: str, provider: str) -> Known | None:
        world = self.engine.worlds.get(provider)
        return world.known(incident) if world else None

    def _alert(self, known: Known, provider: str, now: datetime) -> Alert:
        return decide.alert(known, self.engine.worlds[provider], self.engine.providers[provider], now)


def _words(known: Known) -> Iterator[NewsItem]:
    """What the vendor has said so far, for the thread of an alert that comes late."""
    for update in known.incident.updates:
        yield NewsItem((News.UPDATE,), f"update:{update.id}", update.display_at, update.stage, update.body)
