"""Odd days of a page, through the real engine and database: what is announced, what is recorded, and what stays."""

import json
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain import Subscription, VerdictParameters
from bot.engine import Engine
from bot.storage import Repository
from tests.support.acme import ACME, NOON, Clock
from tests.support.fake_chat import FakeChannels
from tests.support.fake_fetcher import FakeFetcher
from tests.support.pages import SUMMARY, incident, iso, page, update
from tests.support.stores import place

pytestmark = pytest.mark.anyio

OWN, ALL = "/api/v2/incidents/inc1.json", "/api/v2/incidents.json"
BEGUN = NOON + timedelta(minutes=20)
RED = {"api": "major_outage"}


class Day:
    """Acme's page, polled again and again into a database; ``told`` is what channel C1 was sent."""

    def __init__(self, path):
        self.clock, self.web, self.chat = Clock(NOON), FakeFetcher(), FakeChannels()
        self.repository = Repository.open(path)
        self.repository.subscribe(Subscription("C1", "acme", created_at=NOON))
        self.restart()

    def restart(self):
        self.engine = Engine(
            {"acme": ACME}, self.web, self.repository, self.chat, self.clock, lambda _: VerdictParameters()
        )

    async def show(self, *bodies, minutes=1, times=1):
        """Each body is polled, and then so many minutes pass."""
        for body in bodies * times:
            self.web.show(body, SUMMARY)
            await self.engine.poll("acme")
            await self.engine.publish()
            self.clock.move(minutes=minutes)
            self.engine.advance_time()
            await self.engine.publish()

    async def begin(self, *updates, **fields):
        """Twenty quiet minutes, then an outage."""
        await self.show(page(), times=20)
        await self.show(page(incident(*(updates or (outage(),)), **fields), **RED))
        return self

    def resolved_elsewhere(self, *updates):
        """What the incident's own page and the list of all show from now on."""
        about = {"page": {"id": "acmepage"}}
        self.web.show(json.dumps({**about, "incident": incident(*updates)}).encode(), OWN)
        self.web.show(json.dumps({**about, "incidents": [incident(*updates)]}).encode(), ALL)

    def told(self, since=0):
        kinds = {(False, False): "message", (True, False): "reply", (True, True): "broadcast"}
        return Counter(kinds[bool(thread), broadcast] for _, thread, broadcast, _ in self.chat.posts[since:])

    def events(self):
        return Counter(str(e.kind) for i in self.incidents() for e in self.repository.events(i))

    def incidents(self):
        return [k.incident.id for k in self.engine.states["acme"].incidents] or ["inc1"]

    def verdict(self, surface="acme-api"):
        return str(self.engine.states["acme"].verdict(surface).call)


@pytest.fixture
def day(tmp_path):
    found = Day(place(tmp_path / "b.db"))
    with closing(found.repository):
        yield found


def outage(number=1, at=BEGUN, **fields):
    return update(number, api="major_outage", at=at, **fields)


def over(number=2, at=BEGUN + timedelta(minutes=10), body="Over."):
    return update(number, "resolved", body, at)


def shown(*updates, **fields):
    return page(incident(*updates, **fields), **RED)


# --- what comes by turns, or with another date or spacing, is announced once ------------------------------------------


@pytest.mark.parametrize("minutes", [1, 7])
@pytest.mark.parametrize(
    "bodies",
    [
        [shown(outage(at=BEGUN + timedelta(minutes=n))) for n in range(12)],
        [shown(outage(number=1000 + n)) for n in range(12)],
        [shown(outage(number=1000 + n, at=BEGUN + timedelta(minutes=n))) for n in range(12)],
        [shown(outage(body=b)) for b in ("We look.", "We  look.\n", "<p>We look.</p>", "We&nbsp;look.")] * 3,
        [shown(outage(), name=name) for name in ("Errors", " Errors ", "Errors\u200b")] * 4,
        [shown(outage(), number=100 + n) for n in range(12)],
    ],
    ids=["dated anew", "new post ids", "both", "spaces and markup", "spaces of the title", "new incident ids"],
)
async def test_the_same_words_in_another_form_are_no_news(day, bodies, minutes):
    await day.show(page(), times=20)
    await day.show(*bodies, minutes=minutes)
    assert day.told() == {"message": 1, "reply": 1}  # the reply says why


@pytest.mark.parametrize("minutes", [1, 7])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (shown(outage(body="We look.")), shown(outage(body="We look into it."))),
        (shown(outage(), name="Errors"), shown(outage(), name="API errors")),
        (shown(outage()), shown(outage(), impact="critical")),
        (shown(outage()), shown(outage(), update(2, "identified", "Found it.", BEGUN + timedelta(minutes=1)))),
    ],
    ids=["text", "title", "impact", "a second post"],
)
async def test_two_versions_by_turns_are_one_change(day, first, second, minutes):
    await day.show(page(), times=20)
    await day.show(first, second, minutes=minutes, times=10)
    assert day.told() == {"message": 1, "reply": 2}


@pytest.mark.parametrize(
    "bodies",
    [
        [shown(outage(body=f"We look. Updated {n} minutes ago.")) for n in range(30)],
        [shown(outage(), name=f"Errors (since {n} min)") for n in range(30)],
    ],
    ids=["post", "title"],
)
async def test_a_text_with_a_counter_is_three_edits_at_most(day, bodies):
    await day.show(page(), times=20)
    await day.show(*bodies)
    assert day.told() == {"message": 1, "reply": 4}


async def test_two_versions_by_turns_do_not_fill_the_timeline(day):
    await day.show(page(), times=20)
    await day.show(shown(outage(body="A.")), shown(outage(body="B.")), minutes=7, times=20)
    assert day.events()["update_edited"] == 3


async def test_a_corrected_time_is_recorded_once(day):
    await day.show(page(), times=20)
    await day.show(*[shown(outage(at=BEGUN + timedelta(minutes=n))) for n in range(12)])
    assert day.events()["update_edited"] == 1


# --- what has ended and comes back ------------------------------------------------------------------------------------


async def test_an_outage_that_is_open_again_a_day_after_its_end_is_broadcast(day):
    await day.begin()
    day.resolved_elsewhere(outage(), over())
    await day.show(page(), minutes=10, times=186)
    before = len(day.chat.posts)
    await day.show(shown(outage(), over(), outage(3, day.clock.at, body="Again.")))
    assert day.told(before) == {"broadcast": 1, "reply": 1}


async def test_its_posts_are_recorded_once(day):
    await day.begin()
    day.resolved_elsewhere(outage(), over())
    await day.show(page(), minutes=10, times=186)
    await day.show(shown(outage(), over(), outage(3, day.clock.at, body="Again.")))
    assert (day.events()["incident_opened"], day.events()["update_posted"]) == (1, 3)


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_post_mortem_a_day_after_the_end_is_one_more_post(day, restarts):
    await day.begin()
    day.resolved_elsewhere(outage(), over())
    await day.show(page(), minutes=30, times=60)
    day.resolved_elsewhere(outage(), over(), update(3, "postmortem", "What happened.", day.clock.at))
    if restarts:
        day.restart()
    before = len(day.chat.posts)
    await day.show(page(), minutes=30, times=6)
    events = Counter(str(e.kind) for e in day.repository.events("inc1"))
    assert (events["incident_opened"], events["update_posted"], day.told(before)) == (1, 3, {"reply": 1})


async def test_a_resolved_post_that_now_says_investigating_opens_the_incident_again(day):
    await day.begin()
    await day.show(page(incident(outage(), over())), minutes=5, times=8)
    await day.show(shown(outage(), {**over(), "status": "investigating"}))
    assert (day.verdict(), day.told()["broadcast"] > 0) == ("hold_off", True)


# --- times that cannot be ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ended", [datetime(1970, 1, 1, tzinfo=UTC), datetime(2001, 1, 1, tzinfo=UTC)])
async def test_an_end_dated_before_the_beginning_makes_no_outage_of_years(day, ended):
    await day.begin()
    await day.show(page(incident(outage(), over(at=ended))), times=20)
    assert [text for *_, text in day.chat.posts if "Outage " in text and " d " in text] == []


async def test_a_page_with_a_clock_of_1970_is_read_with_our_times(day):
    zero = datetime(1970, 1, 1, tzinfo=UTC)
    await day.begin(outage(at=zero))
    [tracked] = day.engine.states["acme"].incidents
    assert tracked.incident.updates[0].display_at == BEGUN


# --- pages that are not what they seem --------------------------------------------------------------------------------


async def test_a_page_that_lies_by_turns_never_clears_an_outage(day):
    await day.begin()
    await day.show(shown(outage()), page(), b"{}", b"<html>Sign in</html>", times=15)
    assert (day.verdict(), day.told()) == ("hold_off", {"message": 1, "reply": 1})


@pytest.mark.parametrize(
    "body", [b"<!doctype html><title>Sign in</title>", b'{"login": "x", "components": [], "incidents": []}']
)
async def test_a_login_page_in_place_of_the_page_is_unknown_and_ends_nothing(day, body):
    await day.begin()
    await day.show(body, times=30)
    assert (day.verdict(), [k.is_open for k in day.engine.states["acme"].incidents]) == ("unknown", [True])


async def test_components_in_another_language_under_their_ids_are_the_same(day):
    told = json.loads(shown(outage()))
    names = {"API": "Schnittstelle", "Website": "Netzseite"}
    told["components"] = [{**c, "name": names[c["name"]]} for c in told["components"]]
    await day.show(page(), times=20)
    await day.show(json.dumps(told).encode(), times=3)
    assert (day.verdict("acme-api"), day.verdict("acme-web")) == ("hold_off", "retry_normally")


async def test_a_component_of_another_provider_makes_nothing_of_ours_red(day):
    moved = [{"code": "other-1", "name": "Git", "old_status": "operational", "new_status": "major_outage"}]
    stranger = {**update(1, "investigating", "Git is down.", BEGUN), "affected_components": moved}
    await day.show(page(), times=20)
    await day.show(page(incident(stranger, name="Git is down")), times=5)
    assert {str(s.condition) for s in day.engine.states["acme"].states} == {"operational"}


async def test_a_red_component_that_vanishes_by_turns_stays_red(day):
    red = json.loads(page(**RED))
    without = {**red, "components": [c for c in red["components"] if c["id"] != "c-api"]}
    await day.show(page(), times=20)
    await day.show(json.dumps(red).encode(), json.dumps(without).encode(), times=15)
    assert (day.verdict(), day.told()["message"]) == ("hold_off", 1)


@pytest.mark.parametrize("status", [None, "", "Major Outage", "MAJOR_OUTAGE", "down"])
async def test_a_red_component_whose_status_is_now_another_word_is_not_normal(day, status):
    await day.show(page(), times=20)
    await day.show(page(**RED), times=10)
    told = json.loads(page(**RED))
    told["components"][0]["status"] = status
    await day.show(json.dumps(told).encode(), times=30)
    assert day.verdict() != "retry_normally"


async def test_a_maintenance_that_turns_into_an_outage_is_alerted(day):
    planned = update(1, "scheduled", "We upgrade the API.", NOON)
    window = {"scheduled_for": iso(BEGUN), "scheduled_until": iso(BEGUN + timedelta(minutes=30))}
    maintenance = incident(planned, impact="maintenance", name="API upgrade") | window
    body = json.loads(page())
    await day.show(json.dumps({**body, "scheduled_maintenances": [maintenance]}).encode(), times=25)
    failed = update(2, "investigating", "The upgrade failed.", day.clock.at, api="major_outage")
    await day.show(page(incident(planned, failed, impact="critical", name="API upgrade"), **RED), times=2)
    assert (day.verdict(), day.told()["message"]) == ("hold_off", 1)


async def test_incidents_that_swap_their_ids_hold_what_both_affect(day):
    api = update(11, "investigating", "The API fails.", BEGUN, api="major_outage")
    web = update(12, "investigating", "The website is slow.", BEGUN)
    await day.show(page(), times=20)
    bodies = [
        page(
            incident(api, number=n, name="API outage"),
            incident(web, number=3 - n, name="Website slow", impact="minor"),
            api="major_outage",
            web="degraded_performance",
        )
        for n in (1, 2)
    ]
    await day.show(*bodies, times=6)
    assert (day.verdict("acme-api"), day.verdict("acme-web"), day.told()["message"] <= 3) == (*["hold_off"] * 2, True)
