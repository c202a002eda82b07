"""``python -m tests.bench.cards``: what cards of links cost: a pasted link, a check of what is shown, a storm of links.

The demo's day in a real database with the enabled providers, 500 cards of its incidents in 100 channels, and a Slack
that takes everything at once. CPU time of this process, without the network.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from bot import settings
from bot.adapters.slack_features import SlackFeatures
from bot.domain import LinkCard, LinkKind, LinkPlace, LinkSubject
from bot.notifier.limiter import MessageLimiter
from bot.queries.current import StatusQueries
from bot.slack import link_cards
from bot.slack.link_cards import LinkCards
from bot.slack.reader_thread import ReaderThread
from bot.storage import Repository
from bot.storage.link_cards import MAX_CARDS
from tests.replays.transcript import DEMO, changes_of

UNTIL = "12:22"
STORM = 500
STEP_S = 0.002  # how often the loop's delay is looked at


class TakesAll:
    """A Slack that takes every card."""

    def __init__(self) -> None:
        self.shown = 0

    async def show_cards(self, place: LinkPlace, **_: object) -> None:
        self.shown += bool(place.ts)

    async def present_details(self, trigger: str, entity: object) -> None:
        """Takes it."""


def _filled(repository: Repository) -> StatusQueries:
    loaded = settings.load()
    for change in changes_of(DEMO, "claude"):
        repository.record_transition(None, change, ())
        if f"{change.at:%H:%M}" >= UNTIL:
            break
    providers = [p for p in loaded.providers if p.enabled]
    return StatusQueries(providers, repository, lambda: change.at, loaded.rules_for)


async def _measure(queries: StatusQueries) -> None:
    reader, slack, now = ReaderThread(queries), TakesAll(), queries.now
    store, incidents = queries.repository.link_cards, queries.repository.incident_ids()
    cards = LinkCards(reader.ask, slack, store, MessageLimiter(), SlackFeatures(now), now)
    closing_reader = asyncio.create_task(reader.run())
    shown = [
        LinkCard(
            LinkPlace(f"C{n % 100}", f"{n}.0", f"u{n}", "conversations_history"),
            f"https://status.claude.com/incidents/{n}",
            LinkSubject(LinkKind.INCIDENT, incidents[n % len(incidents)]),
            "",
            now(),
        )
        for n in range(MAX_CARDS)
    ]
    content = await reader.ask(lambda q: cards._writer(q).card(shown[0].subject, "C1"))
    store.add([replace(card, digest=content.digest) for card in shown])
    print(f"{'what':44} {'CPU ms':>9} {'longest turn of the loop, ms':>30}")
    event = {"user": "U1", "channel": "C1", "message_ts": "1.0", "links": [{"url": "https://status.claude.com/"}]}
    event["event_ts"] = str(now().timestamp())
    await _row("one pasted link, shown", lambda: _pasted(cards, event))
    await _row(f"one check ({link_cards.MAX_CHECKED} of {MAX_CARDS} messages, no news)", cards.refresh)
    await _row(f"{STORM} links at once, taken", lambda: _storm(cards, event))
    print(f"of these wait: {len(cards._waiting)}; cards sent: {slack.shown}; cards kept: {len(store.all())}")
    closing_reader.cancel()


async def _pasted(cards: LinkCards, event: dict[str, object]) -> None:
    await cards.receive_links(event, {}, "UBOT")
    await cards.show_waiting()


async def _storm(cards: LinkCards, event: dict[str, object]) -> None:
    for n in range(STORM):
        await cards.receive_links(event | {"message_ts": f"{n}.5"}, {}, "UBOT")


async def _row(what: str, work: Callable[[], Awaitable[None]]) -> None:
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            began = time.perf_counter()
            await asyncio.sleep(STEP_S)
            longest = max(longest, time.perf_counter() - began - STEP_S)

    watcher, begun = asyncio.create_task(watch()), time.process_time()
    await work()
    used = time.process_time() - begun
    watcher.cancel()
    print(f"{what:44} {used * 1000:9.1f} {longest * 1000:30.1f}")


def main() -> int:
    """Prints the table."""
    with tempfile.TemporaryDirectory() as folder, closing(Repository.open(Path(folder) / "cards.db")) as repository:
        asyncio.run(_measure(_filled(repository)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
