"""Two providers: an incident that names the other's is told once, folded into the channel that has both."""

from datetime import timedelta

import pytest

from bot.domain import Provider, Source, Subscription, Surface, VerdictParameters
from bot.engine import Engine
from tests.support.acme import ACME, NOON
from tests.support.pages import DOWN, incident, page, update

pytestmark = pytest.mark.anyio

CURSOR = Provider(
    "cursor",
    "Cursor",
    (Surface("cursor-app", "cursor", "Cursor app", components=("c-api",), words=("app",), short="app"),),
    Source("cursor", "cursor", "statuspage", "https://status.cursor.example"),
)
NAMES_IT = page(
    incident(
        update(9, body="Errors because of Acme API.", api="major_outage", at=NOON + timedelta(minutes=3)), number=9
    ),
    api="major_outage",
)


async def live(web, chat, repository, clock, channels):
    for channel, target in channels:
        repository.subscribe(Subscription(channel, target, created_at=NOON))
    engine = Engine({"acme": ACME, "cursor": CURSOR}, web, repository, chat, clock, lambda _: VerdictParameters())
    for bodies in ((page(), page()), (DOWN, page()), (DOWN, NAMES_IT), (DOWN, NAMES_IT)):
        for name, body in zip(("acme", "cursor"), bodies, strict=True):
            web.show(body)
            await engine.poll(name)
            engine.poller.clear_cache(name)
        await engine.publish()
        clock.move(minutes=1)
    return engine


async def test_the_later_incident_says_whose_it_follows(web, chat, repository, clock):
    await live(web, chat, repository, clock, [("C1", "cursor")])
    [message] = [m for m in chat.messages if "Cursor" in m.text and m.attachments]
    assert "Follows <https://status.acme.example|Acme's incident>, which Cursor names" in str(message.attachments)


async def test_a_channel_that_has_both_is_told_in_the_thread_of_the_cause(web, chat, repository, clock):
    await live(web, chat, repository, clock, [("C1", "acme"), ("C1", "cursor")])
    assert [t for t in chat.texts if "Cursor names this in an incident of its own" in t]


async def test_a_channel_that_has_one_is_told_of_that_one(web, chat, repository, clock):
    await live(web, chat, repository, clock, [("C1", "cursor"), ("C2", "acme")])
    assert not [t for t in chat.texts if "names this in an incident of its own" in t]
