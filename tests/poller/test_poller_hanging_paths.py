"""Paths beside the page that hang: what the page shows is recorded at once, and a later poll gets their answer."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain import ProviderState, VerdictParameters
from bot.engine import Engine
from bot.poller import Poller
from bot.poller.side_requests import ANSWER_VALID_S, AT_ONCE, SideRequests
from bot.storage import Repository
from tests.support.acme import ACME, NOON, Clock
from tests.support.fake_fetcher import FakeFetcher
from tests.support.pages import incident, page, update
from tests.test_engine_formats import RecordingChat

pytestmark = pytest.mark.anyio

ALL = "/api/v2/incidents.json"
OLD = [incident(update(n, api="major_outage"), number=n) for n in (1, 2, 3)]
NEW = incident(update(9, at=NOON + timedelta(minutes=3), api="major_outage"), number=9, name="Everything fails")


def own_path(number):
    return f"/api/v2/incidents/inc{number}.json"


def own_page(number, *updates):
    told = incident(*updates, number=number)
    return json.dumps({"page": {"id": "acmepage", "name": "Acme"}, "incident": told}).encode()


def resolved(number):
    return own_page(
        number,
        update(number, api="major_outage"),
        update(number + 100, "resolved", "Over.", NOON + timedelta(minutes=2), "operational"),
    )


class HangingFetcher(FakeFetcher):
    """Answers the paths in ``hanging`` only once they are taken out of it."""

    def __init__(self, *hanging):
        super().__init__()
        self.hanging, self.released = set(hanging), asyncio.Event()

    async def get(self, source_url, path, **how):
        if path in self.hanging:
            self.asked.append((path, None))
            while path in self.hanging:
                await self.released.wait()
                self.released.clear()
        return await super().get(source_url, path, **how)

    async def release(self):
        """Lets all answer that hang."""
        self.hanging.clear()
        self.released.set()
        for _ in range(20):
            await asyncio.sleep(0)
            self.released.set()

    def count(self, path):
        return sum(asked == path for asked, _ in self.asked)


HANGING = [own_path(1), own_path(2), own_path(3)]


@contextlib.asynccontextmanager
async def running(tmp_path, *hanging):
    """The engine after a poll that showed three incidents; the page has lost them since."""
    web, clock = HangingFetcher(*hanging), Clock()
    with contextlib.closing(Repository.open(tmp_path / "b.db")) as repository:
        engine = Engine({"acme": ACME}, web, repository, RecordingChat(), clock, lambda _: VerdictParameters())
        engine.poller.patience_s = 0.01
        web.show(page(*OLD, api="major_outage"))
        await engine.poll("acme")
        web.show(page())
        clock.move(minutes=1)
        yield engine, web, clock, repository


def open_ids(engine):
    return sorted(k.incident.id for k in engine.states["acme"].open_incidents)


async def polled(engine):
    """A poll that takes no longer than a second, whatever hangs."""
    return await asyncio.wait_for(engine.poll("acme"), 1)


async def test_a_poll_does_not_wait_for_own_pages_that_hang(tmp_path):
    async with running(tmp_path, *HANGING) as (engine, *_):
        change = await polled(engine)
        assert (change.poll_failure, open_ids(engine)) == (None, ["inc1", "inc2", "inc3"])


async def test_while_three_own_pages_hang_a_new_incident_is_recorded_at_once(tmp_path):
    async with running(tmp_path, *HANGING) as (engine, web, clock, repository):
        await polled(engine)
        web.show(page(NEW, api="major_outage"))
        clock.move(minutes=1)
        await polled(engine)
        assert "inc9" in open_ids(engine)
        _, recorded = repository.tracked_incident("inc9")
        assert recorded.incident.name == "Everything fails"


async def test_a_new_post_of_another_incident_is_recorded_at_once_too(tmp_path):
    async with running(tmp_path, *HANGING[1:]) as (engine, web, _, repository):
        posted = incident(
            update(1, api="major_outage"), update(5, "identified", "Found.", NOON + timedelta(seconds=30))
        )
        web.show(page(posted, api="major_outage"))
        await polled(engine)
        _, recorded = repository.tracked_incident("inc1")
        assert recorded.incident.updates[-1].body == "Found."


async def test_the_own_page_that_answers_ends_its_incident_though_the_others_hang(tmp_path):
    async with running(tmp_path, *HANGING[1:]) as (engine, web, *_):
        web.show(resolved(1), own_path(1))
        await polled(engine)
        assert open_ids(engine) == ["inc2", "inc3"]


async def test_an_answer_that_comes_between_two_polls_ends_the_incident_at_the_next(tmp_path):
    async with running(tmp_path, *HANGING) as (engine, web, clock, _):
        await polled(engine)
        for number in (1, 2, 3):
            web.show(resolved(number), own_path(number))
        await web.release()
        clock.move(minutes=1)
        await polled(engine)
        assert (open_ids(engine), [web.count(path) for path in HANGING]) == ([], [2, 2, 2])


async def test_an_own_page_that_hangs_is_requested_once(tmp_path):
    async with running(tmp_path, *HANGING) as (engine, web, clock, _):
        for _ in range(5):
            await polled(engine)
            clock.move(minutes=1)
        assert [web.count(path) for path in HANGING] == [1, 1, 1]


async def test_a_list_of_all_that_hangs_does_not_hold_a_poll(tmp_path):
    async with running(tmp_path, ALL) as (engine, web, clock, _):
        await polled(engine)
        web.show(page(NEW, api="major_outage"))
        clock.move(minutes=1)
        await polled(engine)
        assert open_ids(engine) == ["inc1", "inc2", "inc3", "inc9"]


async def test_an_incident_that_is_back_on_the_page_is_not_ended_by_an_answer_of_before(tmp_path):
    async with running(tmp_path, *HANGING) as (engine, web, clock, _):
        await polled(engine)
        web.show(page(*OLD, api="major_outage"))
        clock.move(minutes=1)
        await polled(engine)
        web.show(resolved(1), own_path(1))
        await web.release()
        clock.move(minutes=1)
        await polled(engine)
        assert open_ids(engine) == ["inc1", "inc2", "inc3"]


async def test_after_a_gap_a_new_incident_does_not_wait_for_a_list_that_hangs():
    web, clock = HangingFetcher(ALL), Clock(NOON + timedelta(hours=1))
    web.show(page(NEW, api="major_outage"))
    poller = Poller(web, clock, patience_s=0.01)
    seen, _ = await asyncio.wait_for(poller.poll(ACME, ProviderState("acme", seen_at=NOON)), 1)
    assert [i.id for i in seen.saw.incidents] == ["inc9"]


async def test_after_a_gap_what_the_list_shows_is_found_once_it_answers():
    web, clock = HangingFetcher(ALL), Clock(NOON + timedelta(hours=1))
    poller = Poller(web, clock, patience_s=0.01)
    state = ProviderState("acme", seen_at=NOON)
    await poller.poll(ACME, state)
    ended = incident(
        update(1, at=NOON + timedelta(minutes=10), api="major_outage"),
        update(2, "resolved", "Fixed.", NOON + timedelta(minutes=20)),
    )
    web.show(json.dumps({"page": {"id": "acmepage", "name": "Acme"}, "incidents": [ended]}).encode(), ALL)
    await web.release()
    clock.move(minutes=1)
    seen, _ = await poller.poll(ACME, replace(state, seen_at=clock() - timedelta(minutes=1)))
    assert ([i.id for i in seen.saw.incidents], seen.unwatched_since) == (["inc1"], NOON)


# --- the requests themselves ------------------------------------------------------------------------------------------


def requests():
    made = SideRequests(0.01)
    made.begin_poll()
    return made


async def test_at_most_so_many_are_sent_to_one_host_at_once():
    made, sent = requests(), []

    async def hangs(number):
        sent.append(number)
        await asyncio.Event().wait()

    for number in range(10):
        made.start(number, lambda number=number: hangs(number))
    await made.wait(range(10))
    assert len(sent) == AT_ONCE
    made.drop(range(10))


async def test_an_answer_that_waited_too_long_is_requested_again():
    made = requests()

    async def answer():
        return "old"

    made.start("a", answer)
    await made.wait(["a"])
    made._answered_at["a"] -= ANSWER_VALID_S + 1
    made.begin_poll()
    assert not made.is_known("a")


async def test_what_is_dropped_is_ended():
    made, ended = requests(), asyncio.Event()

    async def hangs():
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    assert await made.ask("a", hangs) is None
    made.drop(["a"])
    await asyncio.wait_for(ended.wait(), 1)
