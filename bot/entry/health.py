"""How the sources are, for Slack, the command line and ``/v1/sources``: what the book and the running bot know of each.

Only the running bot knows when it looks next; what is asked of the database alone says how often a bot would look.
"""

from __future__ import annotations

from datetime import timedelta

from bot.core import health
from bot.edge.store.looks import LastLook
from bot.entry.desk import Desk
from bot.entry.question import Ask, Reply
from bot.model import Provider, SourceHealth, World
from bot.sources import KINDS
from bot.voice import health as voice

WINDOW = timedelta(days=90)  # posts older than this tell nothing of how late a page is now


def sources(desk: Desk, _: Ask) -> Reply:
    """The verb."""
    return Reply(voice.sources(found(desk), desk.now()))


def found(desk: Desk, interval_s: float | None = None) -> tuple[SourceHealth, ...]:
    """Every source, the worst first. ``interval_s`` is how often a bot would look, where none is asked."""
    looks = desk.book.looks.last()
    each = (_health(desk, p, looks.get(p.source.id), interval_s) for p in desk.providers)
    return health.ranked(each, desk.now())


def _health(desk: Desk, provider: Provider, look: LastLook | None, interval_s: float | None) -> SourceHealth:
    world = desk.book.world(provider.id) or World(provider.id)
    pulse = desk.running.pulse(provider.id) if desk.running else None
    source = provider.source
    return SourceHealth(
        provider.id,
        source.kind,
        KINDS[source.kind].name,
        source.url,
        interval_s=pulse.interval_s if pulse else interval_s,
        looked_at=look.at if look else None,
        seen_at=world.seen_at,
        blind_since=world.blind_since,
        failures=world.failures,
        why=look.why if look else "",
        lag=desk.book.looks.lag(source.id, desk.now() - WINDOW),
        pulse=pulse,
    )
