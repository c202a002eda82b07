"""Components that are renamed, removed or made anew, from the page to what the operator is told, over restarts."""

import json
from dataclasses import replace

import pytest

from bot.domain import Subscription, VerdictParameters
from bot.engine import Engine
from bot.messages.notices import render_notice
from bot.storage import mapping
from tests.support.acme import ACME, NOON

pytestmark = pytest.mark.anyio

BY_NAME = replace(
    ACME,
    surfaces=(
        replace(ACME.surfaces[0], components=("API",)),
        replace(ACME.surfaces[1], components=("Website",)),
    ),
)
USUAL = {"a1": "API", "w1": "Website"}


def page(names, *, red=(), transient=()):
    parts = [
        {
            "id": i,
            "name": name,
            "status": "major_outage" if i in red else "operational",
            "group": False,
            "only_show_if_degraded": i in transient,
        }
        for i, name in names.items()
    ]
    told = {"components": parts, "incidents": [], "scheduled_maintenances": []}
    return json.dumps({"page": {"id": "acmepage", "name": "Acme"}, **told}).encode()


class Watch:
    """A bot that is started anew before every poll: what it knows is in the database."""

    def __init__(self, repository, web, chat, clock):
        repository.subscribe(Subscription("C1", "acme", created_at=NOON))
        self.repository, self.web, self.chat, self.clock = repository, web, chat, clock

    async def show(self, body, polls=1):
        self.web.show(body)
        for _ in range(polls):
            parts = (self.web, self.repository, self.chat, self.clock, lambda _: VerdictParameters())
            engine = Engine({"acme": BY_NAME}, *parts, owners=lambda: ["U1"])
            await engine.poll("acme")
            self.clock.move(minutes=1)
        self.state = engine.states["acme"]
        return self

    def condition(self, surface):
        return str(self.state.surface_state(surface).condition)

    def told(self, channel="U1"):
        rows = self.repository._db.rows(
            "SELECT post FROM outbox WHERE channel = ? AND kind = 'notice' ORDER BY id", channel
        )
        posts = [mapping.NOTIFICATION_ADAPTER.validate_json(row["post"]) for row in rows]
        return [render_notice(post.about).text for post in posts]


@pytest.fixture
async def watch(repository, web, chat, clock):
    return await Watch(repository, web, chat, clock).show(page(USUAL), polls=3)


async def test_a_renamed_component_is_still_down_after_a_restart(watch):
    await watch.show(page(USUAL, red=["a1"]), polls=5)
    await watch.show(page(USUAL | {"a1": "API (REST)"}, red=["a1"]), polls=20)
    assert (watch.condition("acme-api"), watch.told()) == ("major_outage", [])


async def test_the_operator_is_told_once_what_left_the_page_and_what_it_means(watch):
    await watch.show(page({"w1": "Website"}), polls=60)
    what = "Acme: components removed from the status page. “API” of Acme API, now unknown."
    assert watch.told() == [f"{what} Name their successors in acme.toml."]


async def test_a_channel_is_not_told_of_the_provider_file(watch):
    await watch.show(page({"w1": "Website"}), polls=60)
    assert watch.told("C1") == []


async def test_one_message_tells_of_all_that_left_together(watch):
    await watch.show(page(USUAL | {"n1": "New"}), polls=3)
    await watch.show(page({"n1": "New"}), polls=10)
    assert [text.count("now unknown") for text in watch.told()] == [2]


async def test_a_component_that_is_made_anew_takes_over_without_a_message(watch):
    await watch.show(page(USUAL, red=["a1"]), polls=5)
    await watch.show(page({"a2": "API", "w1": "Website"}), polls=20)
    assert (watch.condition("acme-api"), watch.told()) == ("operational", [])


async def test_one_that_is_listed_only_while_it_is_bad_is_operational_when_it_is_gone(watch):
    await watch.show(page(USUAL, red=["a1"], transient=["a1"]), polls=5)
    await watch.show(page({"w1": "Website"}), polls=20)
    assert (watch.condition("acme-api"), watch.told()) == ("operational", [])


async def test_an_entry_that_cannot_be_read_is_no_component_that_left(watch):
    body = json.loads(page(USUAL, red=["a1"]))
    await watch.show(json.dumps(body).encode(), polls=5)
    body["components"][0] = {"id": None, "name": None, "status": "operational"}
    await watch.show(json.dumps(body).encode(), polls=20)
    assert (watch.condition("acme-api"), watch.told()) == ("major_outage", [])
