"""After a time without looks the list of all incidents is read: what opened and ended meanwhile is in the look."""

import json
from datetime import timedelta

import pytest

from bot.errors import SourceError
from bot.looker import Looker
from bot.model import World
from tests.acme import ACME, NOON, SUMMARY, Clock, Web, incident, update

pytestmark = pytest.mark.anyio

ALL = "/api/v2/incidents.json"
MISSED = incident(
    update(1, at=NOON + timedelta(minutes=10), api="major_outage"),
    update(2, "resolved", "Fixed.", NOON + timedelta(minutes=20)),
)


def everything(*incidents):
    return json.dumps({"page": {"id": "acmepage", "name": "Acme"}, "incidents": incidents}).encode()


async def after_a_gap(web, *, minutes=60):
    """A look so long after the last one, at noon; the looker, and what it saw."""
    clock = Clock(NOON + timedelta(minutes=minutes))
    looker = Looker(web, clock)
    seen, _ = await looker.look(ACME, World("acme", seen_at=NOON))
    return looker, clock, seen


async def test_after_a_gap_the_list_of_all_incidents_is_read():
    _, _, seen = await after_a_gap(Web(**{ALL: everything(MISSED)}))
    assert ([i.id for i in seen.saw.incidents], seen.unwatched_since) == (["inc1"], NOON)


async def test_without_a_gap_it_is_not():
    web = Web(**{ALL: everything(MISSED)})
    _, _, seen = await after_a_gap(web, minutes=2)
    assert (seen.unwatched_since, [path for path, _ in web.asked]) == (None, [SUMMARY])


async def test_a_list_that_can_not_be_read_is_read_at_the_next_look():
    web = Web(**{ALL: SourceError("HTTP 500", code="http_500")})
    looker, clock, seen = await after_a_gap(web)
    assert (seen.saw.incidents, seen.unwatched_since) == ((), None)
    web.show(everything(MISSED), ALL)
    clock.move(minutes=1)
    seen, _ = await looker.look(ACME, World("acme", seen_at=clock() - timedelta(minutes=1)))
    assert ([i.id for i in seen.saw.incidents], seen.unwatched_since) == (["inc1"], NOON)


async def test_the_first_look_of_all_reads_no_list():
    web = Web(**{ALL: everything(MISSED)})
    seen, _ = await Looker(web, Clock()).look(ACME, World("acme"))
    assert (seen.unwatched_since, len(web.asked)) == (None, 1)


async def test_a_page_that_shows_the_same_after_a_gap_does_not_mean_the_same():
    web, clock = Web(**{ALL: everything(MISSED)}), Clock()
    looker = Looker(web, clock)
    await looker.look(ACME, World("acme"))
    clock.move(minutes=60)
    seen, _ = await looker.look(ACME, World("acme", seen_at=NOON))
    assert (len(seen.saw.incidents), seen.is_same) == (1, False)
