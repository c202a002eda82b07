"""Another page at the provider's address: nothing of it counts, and who runs the bot is told what it is."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain import Subscription, VerdictParameters
from bot.engine import Engine
from tests.support.acme import ACME, NOON
from tests.support.pages import DOWN, incident, page, update

pytestmark = pytest.mark.anyio

ALL = "/api/v2/incidents.json"


def globex(*incidents, name="Globex", page_id="globexpage"):
    parts = [{"id": "g-1", "name": "Parcels", "status": "operational"}]
    told = {"components": parts, "incidents": list(incidents), "scheduled_maintenances": []}
    return json.dumps({"page": {"id": page_id, "name": name}, **told}).encode()


class Watch:
    def __init__(self, repository, web, chat, clock):
        repository.subscribe(Subscription("C1", "acme", created_at=NOON))
        self.repository, self.web, self.chat, self.clock = repository, web, chat, clock
        self.engine = self.start()

    def start(self, provider=ACME):
        return Engine(
            {"acme": provider},
            *(self.web, self.repository, self.chat, self.clock, lambda _: VerdictParameters()),
            owners=lambda: ["U1"],
        )

    async def show(self, body, looks=1):
        self.web.show(body)
        for _ in range(looks):
            await self.engine.poll("acme")
            self.clock.move(minutes=1)
        return self

    def open(self):
        return [k.incident.id for k in self.engine.states["acme"].open_incidents]

    def owed(self, channel):
        rows = self.repository._db.rows(
            "SELECT key FROM outbox WHERE channel = ? AND kind = 'notice' ORDER BY id", channel
        )
        return [row["key"].split(":")[1] for row in rows]


@pytest.fixture
async def watch(repository, web, chat, clock):
    return await Watch(repository, web, chat, clock).show(page())


async def test_it_withdraws_nothing(watch):
    watch.web.show(json.dumps({"page": {"id": "globexpage", "name": "Globex"}, "incidents": []}).encode(), ALL)
    await watch.show(DOWN)
    await watch.show(globex(), looks=20)
    assert watch.open() == ["inc1"]


async def test_it_opens_nothing(watch):
    await watch.show(globex(incident()), looks=20)
    assert watch.open() == []


async def test_its_surfaces_are_unknown_before_long(watch):
    await watch.show(globex(), looks=20)
    assert {v.call for v in watch.engine.states["acme"].verdicts} == {"unknown"}


async def test_the_owner_is_told_once_and_the_channel_not_at_once(watch):
    await watch.show(globex(), looks=20)
    assert (watch.owed("U1"), watch.owed("C1")) == (["moved"], [])


async def test_the_owner_is_told_of_answers_by_turns_too_and_once(watch):
    for _ in range(30):
        await watch.show(globex())
        await watch.show(page())
    assert (watch.owed("U1"), watch.owed("C1")) == (["moved"], [])


async def test_one_wrong_answer_in_a_while_is_nothing_to_tell(watch):
    for _ in range(5):
        await watch.show(globex())
        await watch.show(page(), looks=90)
    assert watch.owed("U1") == []


async def test_the_channel_is_told_that_the_page_is_unreadable_when_it_lasts(watch):
    await watch.show(globex(), looks=40)
    assert watch.owed("C1") == ["blind"]


async def test_the_channel_is_told_of_the_end_only_where_it_was_told_of_the_beginning(watch):
    await watch.show(globex(), looks=20)
    await watch.show(page())
    await watch.show(globex(), looks=40)
    await watch.show(page())
    assert watch.owed("C1") == ["blind", "back"]


async def test_an_outage_of_the_page_after_it_is_told_as_any(watch):
    await watch.show(globex(), looks=2)
    await watch.show(b"<html>", looks=3)
    assert watch.owed("C1") == ["blind"]


async def test_a_list_of_all_from_another_page_ends_nothing(watch):
    await watch.show(DOWN)
    watch.web.show(json.dumps({"page": {"id": "globexpage", "name": "Globex"}, "incidents": []}).encode(), ALL)
    await watch.show(page(), looks=5)
    assert watch.open() == ["inc1"]


async def test_the_providers_page_counts_again_after_a_restart_between(watch):
    await watch.show(globex(), looks=5)
    watch.engine = watch.start()
    await watch.show(globex(), looks=5)
    await watch.show(DOWN)
    assert (watch.open(), watch.engine.states["acme"].page.id) == (["inc1"], "acmepage")


async def test_a_move_that_the_operator_confirms_is_followed_and_ends_what_was_left_behind(watch):
    older = incident(update(9, "resolved", at=NOON - timedelta(days=9)), number=9)
    told = {"page": {"id": "globexpage", "name": "Globex"}, "incidents": [older]}
    watch.web.show(json.dumps(told).encode(), ALL)
    await watch.show(DOWN)
    await watch.show(globex(), looks=5)
    watch.engine = watch.start(replace(ACME, page_ids=("acmepage", "globexpage")))
    await watch.show(globex())
    state = watch.engine.states["acme"]
    assert (state.page.id, [str(k.ending) for k in state.incidents]) == ("globexpage", ["unrecorded"])
