"""Two providers whose pages have an incident of one id: they stay apart, from the alert to the last button."""

import json
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain import (
    ChatUser,
    Event,
    EventKind,
    Mute,
    ProviderState,
    Source,
    Subscription,
    TrackedIncident,
    UserAction,
    VerdictParameters,
)
from bot.engine import Engine
from bot.poller import Poller
from bot.queries.current import StatusQueries
from bot.rules.reliability.backfill import BackfilledIncident
from bot.storage import Repository
from tests.support.acme import ACME, NOON
from tests.support.pages import DOWN, incident, page, update
from tests.support.stores import place

pytestmark = pytest.mark.anyio

GLOBEX = replace(
    ACME,
    id="globex",
    name="Globex",
    surfaces=tuple(
        replace(s, id=s.id.replace("acme", "globex"), provider="globex", name=s.name.replace("Acme", "Globex"))
        for s in ACME.surfaces
    ),
    source=Source("globex", "globex", "statuspage", "https://status.globex.example"),
)
BOTH = {"acme": ACME, "globex": GLOBEX}
ADA = UserAction(ChatUser("U1", "Ada"), NOON)
OWN_PAGE = "/api/v2/incidents/inc1.json"


class Towns:
    """Both providers' pages are the same; they are read a minute apart."""

    def __init__(self, repository, web, chat, clock):
        self.repository, self.web, self.chat, self.clock = repository, web, chat, clock
        self.engine = self.start()

    def start(self):
        return Engine(BOTH, self.web, self.repository, self.chat, self.clock, lambda _: VerdictParameters())

    async def show(self, body):
        self.web.show(body)
        for provider in BOTH:
            await self.engine.poll(provider)
        await self.engine.publish()
        self.clock.move(minutes=1)
        return self

    def keys(self):
        return {p: [k.incident.id for k in self.engine.states[p].incidents] for p in BOTH}


@pytest.fixture
async def scenarios(repository, web, chat, clock):
    for provider in BOTH:
        repository.subscribe(Subscription("C1", provider, created_at=NOON))
    scenarios = await Towns(repository, web, chat, clock).show(page())
    return await scenarios.show(DOWN)


def mute(repository, target):
    event = Event(EventKind.MUTED, "acme", NOON, incident=target, author="Ada", channel="C1")
    repository.user_actions.set_mute(Mute("C1", target, NOON + timedelta(days=1), ADA), event)


async def test_each_has_an_alert_of_its_own(scenarios):
    sent = scenarios.repository._db.rows("SELECT provider FROM alerts WHERE ts IS NOT NULL ORDER BY provider")
    assert [row["provider"] for row in sent] == ["acme", "globex"]


async def test_the_second_one_is_named_with_its_source(scenarios):
    assert scenarios.keys() == {"acme": ["inc1"], "globex": ["globex~inc1"]}


async def test_the_names_stay_over_a_restart(scenarios):
    scenarios.engine = scenarios.start()
    await scenarios.show(DOWN)
    assert scenarios.keys() == {"acme": ["inc1"], "globex": ["globex~inc1"]}


async def test_a_mute_of_one_leaves_the_other_alone(scenarios):
    mute(scenarios.repository, "inc1")
    found = [scenarios.repository.user_actions.user_actions("C1", key).mute for key in ("inc1", "globex~inc1")]
    assert [m is not None for m in found] == [True, False]


async def test_an_acknowledgement_of_one_is_none_of_the_other(scenarios):
    event = Event(EventKind.ACKED, "acme", NOON, incident="inc1", author="Ada", channel="C1")
    scenarios.repository.user_actions.set_acknowledgement(event, ADA.by)
    found = [scenarios.repository.user_actions.acknowledgement("C1", key) for key in ("inc1", "globex~inc1")]
    assert [ack is not None for ack in found] == [True, False]


async def test_the_timelines_are_apart(scenarios):
    assert {e.provider for e in scenarios.repository.events("globex~inc1")} == {"globex"}


async def test_one_that_left_its_page_is_asked_for_by_the_vendors_id(scenarios):
    over = incident(update(api="major_outage"), update(3, "resolved", "Over.", NOON + timedelta(minutes=2)))
    scenarios.web.show(json.dumps({"page": {"id": "acmepage"}, "incident": over}).encode(), OWN_PAGE)
    await scenarios.show(page())
    assert [k.is_open for p in BOTH for k in scenarios.engine.states[p].incidents] == [False, False]


async def test_one_that_left_its_page_and_the_list_of_all_is_withdrawn_under_its_own_name(scenarios):
    older = incident(update(9, "resolved", at=NOON - timedelta(days=9)), number=9)
    told = {"page": {"id": "acmepage"}, "incidents": [older]}
    scenarios.web.show(json.dumps(told).encode(), "/api/v2/incidents.json")
    await scenarios.show(page())
    assert [str(k.ending) for k in scenarios.engine.states["globex"].incidents] == ["withdrawn"]


async def test_two_pages_that_are_read_at_the_same_time_do_not_share_an_id(web, clock):
    poller = Poller(web, clock)
    web.show(DOWN)
    found = [(await poller.poll(p, ProviderState(p.id)))[0].saw.incidents[0].id for p in BOTH.values()]
    assert found == ["inc1", "globex~inc1"]


@pytest.mark.parametrize(
    ("typed", "provider"),
    [("inc1", "acme"), ("acme/inc1", "acme"), ("globex/inc1", "globex"), ("globex~inc1", "globex")],
)
async def test_a_command_finds_either(scenarios, typed, provider):
    queries = StatusQueries(tuple(BOTH.values()), scenarios.repository, scenarios.clock, lambda _: VerdictParameters())
    assert queries.find_incident(typed)[0].id == provider


async def test_a_history_that_is_read_in_keeps_off_the_others_id(scenarios):
    found = scenarios.engine.states["acme"].tracked_incident("inc1")
    third = TrackedIncident(found.incident, NOON)
    opened = Event(EventKind.INCIDENT_OPENED, "initech", NOON, incident="inc1")
    scenarios.repository.archive.save_incidents("initech", [BackfilledIncident(third, (opened,))], NOON)
    assert (scenarios.repository.tracked_incident("initech~inc1") or ("",))[0] == "initech"


async def test_a_history_that_is_read_in_twice_keeps_its_names(scenarios):
    third = TrackedIncident(scenarios.engine.states["acme"].tracked_incident("inc1").incident, NOON)
    again = [
        scenarios.repository.archive.save_incidents("initech", [BackfilledIncident(third, ())], NOON) for _ in range(2)
    ]
    assert [counts.incidents for counts in again] == [1, 0]


async def test_an_incident_that_is_open_under_its_plain_id_goes_on_under_it(tmp_path, web, chat, clock):
    path = place(tmp_path / "old.db")
    with closing(Repository.open(path)) as repository:
        repository.subscribe(Subscription("C1", "globex", created_at=NOON))
        alone = Towns(repository, web, chat, clock)
        web.show(page())
        await alone.engine.poll("globex")
        web.show(DOWN)
        await alone.engine.poll("globex")
    with closing(Repository.open(path)) as repository:
        after = await Towns(repository, web, chat, clock).show(DOWN)
        assert after.keys() == {"acme": ["acme~inc1"], "globex": ["inc1"]}
