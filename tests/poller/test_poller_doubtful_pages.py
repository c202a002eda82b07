"""A page that shows too little: unknown until a second source or enough later polls confirm it."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain import Component, Condition, PollFailure, ProviderState, TrackedIncident
from bot.errors import SourceError
from bot.formats import statuspage
from bot.poller import Poller
from tests.support.acme import ACME, NOON, Clock
from tests.support.fake_fetcher import FakeFetcher
from tests.support.pages import incident, page, update

pytestmark = pytest.mark.anyio

ALL, OWN = "/api/v2/incidents.json", "/api/v2/incidents/inc1.json"
OPEN = incident(update(api="major_outage"))
OVER = incident(update(api="major_outage"), update(2, "resolved", "Fixed.", NOON + timedelta(minutes=9)))
OLD = incident(update(3, "resolved", "Over.", NOON - timedelta(days=9)), number=9)
COMPONENTS = (Component("c-api", "API", Condition.MAJOR_OUTAGE),)


def known(*incidents):
    tracked = tuple(TrackedIncident(statuspage.parse_incident_body(i), NOON) for i in incidents)
    return ProviderState("acme", COMPONENTS, tracked, seen_at=NOON)


def body(*incidents, indicator="none", components=()):
    return json.dumps(
        {
            "page": {"id": "acmepage", "name": "Acme"},
            "components": list(components),
            "incidents": list(incidents),
            "scheduled_maintenances": [],
            "status": {"indicator": indicator},
        }
    ).encode()


def every(*incidents):
    return json.dumps({"page": {"id": "acmepage", "name": "Acme"}, "incidents": incidents}).encode()


EMPTY = body()
CONTRADICTION = body(indicator="critical", components=[{"id": "c-api", "name": "API", "status": "operational"}])


async def poll(shown, state, *minutes, **answers):
    """The results of polls so many minutes after noon of a page that shows the same in all of them."""
    web, clock, results = FakeFetcher(**answers), Clock(), []
    web.show(shown)
    looker = Poller(web, clock)
    for minute in minutes or (1,):
        clock.move(seconds=(NOON + timedelta(minutes=minute) - clock()).total_seconds())
        seen, _ = await looker.poll(ACME, replace(state, seen_at=clock() - timedelta(minutes=1)))
        results.append(seen)
    return results


def is_doubtful(seen):
    return isinstance(seen.saw, PollFailure) and seen.saw.code == "doubtful"


@pytest.mark.parametrize("shown", [EMPTY, CONTRADICTION], ids=["lost everything", "contradicts itself"])
async def test_a_page_that_shows_too_little_is_unknown(shown):
    [seen] = await poll(shown, known(OPEN))
    assert is_doubtful(seen)


@pytest.mark.parametrize("shown", [EMPTY, CONTRADICTION], ids=["lost everything", "contradicts itself"])
async def test_an_own_page_with_the_vendors_last_words_confirms_it(shown):
    [seen] = await poll(shown, known(OPEN), **{OWN: json.dumps({"incident": OVER}).encode()})
    assert [i.stage.is_closed for i in seen.endings.values()] == [True]


async def test_an_own_page_that_is_still_open_does_not():
    [seen] = await poll(EMPTY, known(OPEN), **{OWN: json.dumps({"incident": OPEN}).encode()})
    assert is_doubtful(seen)


async def test_a_list_of_all_where_everything_is_over_confirms_a_quiet_page():
    [seen] = await poll(CONTRADICTION, known(), **{ALL: every(OLD)})
    assert seen.saw.incidents == ()


async def test_a_list_of_all_that_shows_what_the_page_lacks_stands_in_for_it():
    [seen] = await poll(CONTRADICTION, known(), **{ALL: every(OPEN, OLD)})
    assert [i.id for i in seen.saw.incidents] == ["inc1"]


async def test_a_list_of_all_that_is_empty_or_can_not_be_read_confirms_nothing():
    for answer in (every(), SourceError("HTTP 500", code="http_500")):
        [seen] = await poll(CONTRADICTION, known(), **{ALL: answer})
        assert isinstance(seen.saw, PollFailure)


async def test_half_an_hour_of_the_same_empty_page_is_believed_and_stays_believed():
    results = await poll(EMPTY, known(), 1, 15, 30, 31, 32, 60)
    assert [is_doubtful(seen) for seen in results] == [True, True, True, False, False, False]


async def test_a_page_that_contradicts_itself_is_never_believed_for_its_patience():
    results = await poll(CONTRADICTION, known(OPEN), 1, 30, 60, 24 * 60)
    assert all(is_doubtful(seen) for seen in results)


async def test_a_whole_page_ends_the_doubt():
    web, clock = FakeFetcher(), Clock()
    looker = Poller(web, clock)
    web.show(EMPTY)
    await looker.poll(ACME, known())
    web.show(page())
    clock.move(minutes=1)
    seen, _ = await looker.poll(ACME, known())
    assert seen.saw.components
