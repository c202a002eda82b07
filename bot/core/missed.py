"""What a page says after a time without looks -> the incidents that opened and ended meanwhile. Pure.

Level, not edge: what is true now is told, however late (performance-reliability.md 1c). Told are only those that ended
after the last look before the gap, and within a day: what was posted long after the fact is for the timeline (DESIGN.md
4.8), and so is one that never was open.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.core.diff import first_post
from bot.core.why import last_attribution
from bot.model import Incident, Provider, Snapshot, Weight

GAP = timedelta(minutes=5)  # looks further apart than this were no watching (safe-to-retry.md C.5)
TOLD_FOR = timedelta(hours=24)
MOST = 3  # alerts after one gap; more of them are one message


def is_gap(seen_at: datetime | None, at: datetime) -> bool:
    """Whether nobody watched between two looks. Before the first look there is nothing to miss."""
    return seen_at is not None and at - seen_at > GAP


def span(incident: Incident) -> tuple[datetime, datetime]:
    """From its first post to its last, by the vendor's clock."""
    return first_post(incident), incident.updates[-1].display_at if incident.updates else incident.created_at


def is_missed(incident: Incident, since: datetime, at: datetime) -> bool:
    """Whether an incident that nobody knew was open for a while, ended after ``since``, and within a day of ``at``."""
    start, end = span(incident)
    is_told = incident.stage.is_closed and not incident.is_maintenance
    return is_told and start < end and since < end and at - end <= TOLD_FOR


def with_missed(
    page: Snapshot, every: Iterable[Incident], known: Collection[str], since: datetime, at: datetime
) -> Snapshot:
    """The page, and what its list of all incidents has beside it that was missed."""
    there = {i.id for i in page.incidents or ()} | set(known)
    found = tuple(i for i in every if i.id not in there and is_missed(i, since, at))
    return replace(page, incidents=(*(page.incidents or ()), *found)) if found else page


def surfaces(incident: Incident, provider: Provider, at: datetime) -> tuple[str, ...]:
    """The surfaces that it had hit before it was called over."""
    hits = last_attribution(incident, provider, at)
    return tuple(h.surface for h in hits if h.weight in (Weight.DOWN, Weight.NAMED))
