"""After a time without polls the list of all incidents is read: what opened and ended meanwhile is in the poll."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain import ProviderState
from bot.errors import SourceError
from bot.poller import Poller
from tests.support.acme import ACME, NOON, Clock
from tests.support.fake_fetcher import FakeFetcher
from tests.support.pages import SUMMARY, incident, update

pytestmark = pytest.mark.anyio

ALL = "/api/v2/incidents.json"
MISSED = incident(
    update(1, at=NOON + timedelta(minutes=10), api="major_outage"),
    update(2, "resolved", "Fixed.", NOON + timedelta(minutes=20)),
)


def everything(*incidents):
    return json.dumps({"page": {"id": "acmepage", "name": "Acme"}, "incidents": incidents}).encode()


async def after_a_gap(web, *, minutes=60):
    """A poll so long after the last one, at noon; the looker, and what it saw."""
    clock = Clock(NOON + timedelta(minutes=minutes))
    looker = Poller(web, clock)
    seen, _ = await looker.poll(ACME, ProviderState("acme", seen_at=NOON))
    return looker, clock, seen


async def test_after_a_gap_the_list_of_all_incidents_is_read():
    _, _, seen = await after_a_gap(FakeFetcher(**{ALL: everything(MISSED)}))
    assert ([i.id for i in seen.saw.incidents], seen.unwatched_since) == (["inc1"], NOON)


async def test_without_a_gap_it_is_not():
    web = FakeFetcher(**{ALL: everything(MISSED)})
    _, _, seen = await after_a_gap(web, minutes=2)
    assert (seen.unwatched_since, [path for path, _ in web.asked]) == (None, [SUMMARY])


async def test_a_list_that_can_not_be_read_is_read_at_the_next_poll():
    web = FakeFetcher(**{ALL: SourceError("HTTP 500", code="http_500")})
    looker, clock, seen = await after_a_gap(web)
    assert (seen.saw.incidents, seen.unwatched_since) == ((), None)
    web.show(everything(MISSED), ALL)
    clock.move(minutes=1)
    seen, _ = await looker.poll(ACME, ProviderState("acme", seen_at=clock() - timedelta(minutes=1)))
    assert ([i.id for i in seen.saw.incidents], seen.unwatched_since) == (["inc1"], NOON)


async def test_the_first_poll_of_all_reads_no_list():
    web = FakeFetcher(**{ALL: everything(MISSED)})
    seen, _ = await Poller(web, Clock()).poll(ACME, ProviderState("acme"))
    assert (seen.unwatched_since, len(web.asked)) == (None, 1)


async def test_a_page_that_shows_the_same_after_a_gap_does_not_mean_the_same():
    web, clock = FakeFetcher(**{ALL: everything(MISSED)}), Clock()
    looker = Poller(web, clock)
    await looker.poll(ACME, ProviderState("acme"))
    clock.move(minutes=60)
    seen, _ = await looker.poll(ACME, ProviderState("acme", seen_at=NOON))
    assert (len(seen.saw.incidents), seen.is_same) == (1, False)


# --- created as resolved --------------------------------------------------------------------------------------------


AFTER_THE_FACT = incident(
    update(1, "resolved", "Between 11:00 and 11:50 some calls failed.", NOON + timedelta(minutes=20))
)


async def watch(web, *minutes):
    """The ids of the incidents of polls so many minutes after noon, while all is quiet."""
    clock, ids = Clock(), []
    looker = Poller(web, clock)
    for minute in minutes:
        clock.move(seconds=(NOON + timedelta(minutes=minute) - clock()).total_seconds())
        seen, _ = await looker.poll(ACME, ProviderState("acme", seen_at=clock() - timedelta(minutes=1)))
        ids.append([i.id for i in seen.saw.incidents or ()])
    return ids


async def test_an_incident_that_was_created_as_resolved_is_in_one_poll_of_the_hour():
    web = FakeFetcher(**{ALL: everything(AFTER_THE_FACT)})
    assert await watch(web, 0, 30, 61, 62, 122, 183) == [[], [], ["inc1"], [], [], []]


async def test_one_that_is_backdated_by_days_counts_once_the_list_was_read_before():
    web = FakeFetcher(**{ALL: everything(MISSED)})
    clock = Clock()
    looker = Poller(web, clock)
    quiet = ProviderState("acme", seen_at=NOON)
    for _ in range(2):
        await looker.poll(ACME, replace(quiet, seen_at=clock()))
        clock.move(minutes=61)
    backdated = incident(update(1, "resolved", "Last week some calls failed.", NOON - timedelta(days=7)), number=2)
    web.show(everything(backdated, MISSED), ALL)
    seen, _ = await looker.poll(ACME, replace(quiet, seen_at=clock()))
    assert [i.id for i in seen.saw.incidents] == ["inc2"]


async def test_an_old_incident_of_the_first_list_is_history():
    old = incident(update(1, "resolved", "Over.", NOON - timedelta(days=7)))
    assert await watch(FakeFetcher(**{ALL: everything(old)}), 0, 61) == [[], []]


async def test_a_list_that_can_not_be_read_is_asked_for_once_an_hour():
    web = FakeFetcher(**{ALL: SourceError("HTTP 500", code="http_500")})
    await watch(web, 0, 61, 62, 63, 122)
    assert [path for path, _ in web.asked].count(ALL) == 2
