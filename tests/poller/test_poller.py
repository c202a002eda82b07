"""Looker against a web of answers: several paths, and what it means that an incident is gone."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from bot.domain import (
    Impact,
    Incident,
    IncidentEnding,
    PollFailure,
    Provider,
    ProviderState,
    Snapshot,
    Source,
    Stage,
    Surface,
    TrackedIncident,
)
from bot.errors import ParseError, SourceError
from bot.formats.base import Absence, SourceFormat
from bot.poller import Poller
from tests.formats.pages import PAGES

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SOURCE = Source(id="acme", provider="acme", kind="played", url="https://status.acme.example")
ACME = Provider("acme", "Acme", (Surface(id="acme-api", provider="acme", name="Acme API"),), SOURCE)


def incident(identity="i1", stage=Stage.INVESTIGATING, at=NOW):
    return Incident(identity, "Errors", stage, Impact.MAJOR, at)


def page_of(*incidents):
    """A page of a format of our own: the ids of its incidents."""
    return json.dumps([[i.id, i.stage, i.created_at.isoformat()] for i in incidents]).encode()


def parse(bodies, _source, _at):
    try:
        rows = json.loads(bodies[0])
    except ValueError as error:
        raise ParseError("no page") from error
    found = tuple(incident(i, Stage(s), datetime.fromisoformat(at)) for i, s, at in rows)
    return Snapshot(str(len(bodies)), "Acme", incidents=found, maintenances=())


class FakeResponse:
    url, etag, not_modified, took_s, fallback_because = "https://status.acme.example/", "e1", False, 0.1, None

    def __init__(self, body):
        self.body = body


class FakeFetcher:
    """``pages`` maps a path to bytes or to an error; ``asked`` are the paths and ETags it was asked with."""

    def __init__(self, **pages):
        self.pages, self.asked = pages, []

    async def get(self, source_url, path, *, fallback, etag, accept):  # noqa: ARG002  (a Web's signature)
        self.asked.append((path, etag))
        found = self.pages.get(path.strip("/"), SourceError("no such page", code="http_404"))
        if isinstance(found, Exception):
            raise found
        return FakeResponse(found)


@pytest.fixture
def play():
    """Looks at a page of a kind of our own; ``known`` are the incidents that are open."""

    async def poll_page(web, *known, looks=1, seen_at=None, **kind):
        played = SourceFormat("Played", **{"paths": ("/page",), "parse": parse, **kind})
        looker = Poller(web, lambda: NOW, {"played": played})
        world = replace(ProviderState("acme"), incidents=tuple(TrackedIncident(i, NOW) for i in known), seen_at=seen_at)
        for _ in range(looks):
            seen, observation = await looker.poll(ACME, world)
        return seen, observation

    return poll_page


async def test_every_path_of_a_format_is_read_and_recorded(play):
    web = FakeFetcher(page=page_of(incident()), more=b"[]")
    seen, observation = await play(web, paths=("/page", "/more"))
    assert (seen.saw.page_id, observation.body) == ("2", page_of(incident()) + b"\n[]")


async def test_a_format_of_several_paths_is_asked_for_without_condition(play):
    web = FakeFetcher(page=b"[]", more=b"[]")
    await play(web, paths=("/page", "/more"), looks=2)
    assert [etag for _, etag in web.asked] == [None] * 4


async def test_a_format_of_one_path_is_asked_for_only_if_it_changed(play):
    web = FakeFetcher(page=b"[]")
    await play(web, looks=2)
    assert web.asked == [("/page", None), ("/page", "e1")]


async def test_a_path_that_fails_is_blindness_whatever_the_others_said(play):
    seen, observation = await play(FakeFetcher(page=b"[]"), paths=("/page", "/more"))
    assert (isinstance(seen.saw, PollFailure), observation.outcome) == (True, "http_404")


async def test_a_page_that_means_something_else_later_is_read_again(play):
    times = []

    def timed(bodies, source, at):
        times.append(at)
        return parse(bodies, source, at)

    await play(FakeFetcher(page=b"[]"), looks=3, parse=timed, timed=True)
    assert len(times) == 3


async def test_gone_from_a_page_of_what_is_open_is_over_without_last_words(play):
    seen, _ = await play(FakeFetcher(page=page_of(incident("i2"))), incident(), absence=Absence.OVER)
    assert seen.endings == {"i1": IncidentEnding.UNRECORDED}


async def test_gone_from_a_window_that_moves_says_nothing(play):
    seen, _ = await play(FakeFetcher(page=b"[]"), incident(), absence=Absence.NOTHING)
    assert seen.endings == {}


async def test_gone_and_told_in_the_list_of_all_is_what_the_list_says(play):
    web = FakeFetcher(page=b"[]", all=page_of(incident(stage=Stage.RESOLVED)))
    seen, _ = await play(web, incident(), absence=Absence.ASK, all_path="/all")
    assert seen.endings["i1"].stage is Stage.RESOLVED


async def test_gone_from_a_list_that_reaches_back_far_enough_is_withdrawn(play):
    web = FakeFetcher(page=b"[]", all=page_of(incident("old", Stage.RESOLVED, NOW - timedelta(days=9))))
    seen, _ = await play(web, incident(), absence=Absence.ASK, all_path="/all")
    assert seen.endings == {"i1": IncidentEnding.WITHDRAWN}


async def test_gone_from_a_list_that_does_not_reach_back_is_not_withdrawn(play):
    web = FakeFetcher(page=b"[]", all=page_of(incident("new", Stage.RESOLVED, NOW + timedelta(days=9))))
    seen, _ = await play(web, incident(), absence=Absence.ASK, all_path="/all")
    assert seen.endings == {"i1": IncidentEnding.UNRECORDED}


async def test_gone_with_its_own_page_and_from_the_list_of_all_is_withdrawn_however_short_that_is(play):
    web = FakeFetcher(page=b"[]", all=page_of(incident("new", Stage.RESOLVED, NOW + timedelta(days=9))))
    own = {"own_path": lambda *_: "/own", "parse_own": lambda *_: None}
    seen, _ = await play(web, incident(), absence=Absence.ASK, all_path="/all", **own)
    assert seen.endings == {"i1": IncidentEnding.WITHDRAWN}


async def test_a_maintenance_that_is_gone_from_every_list_may_just_be_over(play):
    works = replace(incident(), is_maintenance=True)
    seen, _ = await play(FakeFetcher(page=b"[]", all=b"[]"), works, absence=Absence.ASK, all_path="/all")
    assert seen.endings == {"i1": IncidentEnding.UNRECORDED}


@pytest.mark.parametrize(("minutes", "is_same"), [(1, True), (60, False)])
async def test_the_same_page_after_a_time_without_looks_is_not_called_the_same(play, minutes, is_same):
    seen, _ = await play(FakeFetcher(page=b"[]"), looks=2, seen_at=NOW - timedelta(minutes=minutes))
    assert seen.is_same is is_same


async def test_a_list_of_all_that_could_not_be_read_after_a_gap_is_read_at_the_next_poll():
    ago = NOW - timedelta(hours=1)
    web = FakeFetcher(page=b"[]", all=SourceError("later", code="http_503"))
    looker = Poller(
        web, lambda: NOW, {"played": SourceFormat("P", ("/page",), parse, absence=Absence.ASK, all_path="/all")}
    )
    first, _ = await looker.poll(ACME, replace(ProviderState("acme"), seen_at=ago))
    web.pages["all"] = b"[]"
    second, _ = await looker.poll(ACME, replace(ProviderState("acme"), seen_at=NOW))
    assert (first.unwatched_since, second.unwatched_since) == (None, ago)


async def test_gone_while_the_list_of_all_cannot_be_read_is_asked_again(play):
    web = FakeFetcher(page=b"[]", all=SourceError("later", code="http_503"))
    seen, _ = await play(web, incident(), absence=Absence.ASK, all_path="/all")
    assert seen.endings == {}


async def test_what_ended_long_ago_and_was_never_known_is_left_out(play):
    old = incident("old", Stage.RESOLVED, NOW - timedelta(days=9))
    seen, _ = await play(FakeFetcher(page=page_of(old, incident())))
    assert [i.id for i in seen.saw.incidents] == ["i1"]


async def test_what_ended_long_ago_and_was_known_keeps_its_end(play):
    old = incident("old", Stage.RESOLVED, NOW - timedelta(days=9))
    seen, _ = await play(FakeFetcher(page=page_of(old)), replace(old, stage=Stage.INVESTIGATING))
    assert [i.id for i in seen.saw.incidents] == ["old"]


# --- pages that moved -------------------------------------------------------------------------------------------------


def shim():
    return PAGES["incidentio", "open"][0]


AN_API = {"id": "c1", "name": "API", "status": "operational"}


@pytest.fixture
def fail():
    """The Blindness of the ``nth`` failure in a row, at a page with this body or error."""

    async def poll_page(answer, nth=1, scout=None):
        looker = Poller(
            FakeFetcher(**{"api/v2/status_pages/demo/summary": answer}),
            lambda: NOW,
            relocation_detector=scout,
            scout_after=3,
        )
        acme = replace(ACME, source=replace(SOURCE, kind="statuspal", page="demo"))
        seen, _ = await looker.poll(acme, replace(ProviderState("acme"), failures=nth - 1))
        return seen.saw

    return poll_page


async def test_an_answer_that_looks_like_another_format_says_so(fail):
    seen = await fail(shim())
    assert (seen.code, "looks like incident.io" in seen.why) == ("other_format", True)


async def test_a_page_that_became_another_format_is_said_although_the_reader_would_accept_it():
    clear = json.dumps({"page": {"id": "01J5NNAC2GC4E1C5QTHH7TDZAV", "name": "Acme"}, "components": [AN_API]}).encode()
    looker = Poller(FakeFetcher(**{"api/v2/summary.json": clear}), lambda: NOW)
    seen, _ = await looker.poll(replace(ACME, source=replace(SOURCE, kind="statuspage")), ProviderState("acme"))
    assert (seen.saw.code, "looks like incident.io" in seen.saw.why) == ("other_format", True)


async def test_an_answer_that_looks_like_nothing_does_not(fail):
    assert (await fail(b'{"hello": 1}')).code == "unparsable"


class FakeDiscovery:
    """Says what it was told to; ``asked`` are the kinds of the sources it was asked about."""

    def __init__(self, said):
        self.said, self.asked = said, []

    async def __call__(self, source):
        self.asked.append(source.kind)
        return self.said


GONE = SourceError("status.acme.example answered 404 (Not Found)", code="http_404")


async def test_a_page_that_is_gone_is_scouted_for_at_the_failure_that_people_hear_of(fail):
    scout = FakeDiscovery("https://new.example/api/v2/summary.json serves incident.io")
    for nth in (1, 2, 3, 4):
        seen = await fail(GONE, nth, scout)
        assert len(scout.asked) == (nth >= 3)
        assert ("https://new.example/" in seen.why) is (nth == 3)


async def test_a_scout_that_found_nothing_changes_nothing(fail):
    seen = await fail(GONE, 3, FakeDiscovery(""))
    assert (seen.code, seen.why) == ("http_404", str(GONE))


async def test_a_host_that_is_just_down_is_not_scouted_for(fail):
    scout = FakeDiscovery("something else")
    await fail(SourceError("no answer", code="timeout"), 3, scout)
    assert scout.asked == []


# --- answers that are not newer than they seem ------------------------------------------------------------------------


class Server:
    """Answers every path with ``body``, and with 304 to whoever names an ETag; ``served_at`` and ``age_s`` as told."""

    def __init__(self, body=b"[]"):
        self.body, self.asked, self.headers = body, [], {}
        self.now, self.etag = NOW, "e1"

    async def get(self, source_url, path, *, fallback, etag, accept):  # noqa: ARG002  (a Web's signature)
        self.asked.append(etag)
        response = FakeResponse(b"" if etag else self.body)
        response.not_modified, response.etag = bool(etag), self.etag
        vars(response).update(self.headers)
        return response


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def poll(server):
    """Polls that server after so many minutes."""
    looker = Poller(server, lambda: server.now, {"played": SourceFormat("Played", ("/page",), parse)})

    async def poll_after(minutes=1, **headers):
        server.now += timedelta(minutes=minutes)
        server.headers = headers
        result, _ = await looker.poll(ACME, ProviderState("acme"))
        return result

    return poll_after


async def test_a_304_is_not_believed_for_more_than_ten_minutes(server, poll):
    for _ in range(30):
        await poll()
    full = [number for number, etag in enumerate(server.asked) if etag is None]
    assert max(later - sooner for sooner, later in pairwise(full)) <= 10


async def test_slow_polls_are_unconditional_where_the_next_one_would_come_too_late(server, poll):
    for _ in range(4):
        await poll(6)
    assert server.asked == [None] * 4


async def test_one_etag_with_two_bodies_ends_conditional_fetches(server, poll):
    await poll()
    server.body = page_of(incident())
    for _ in range(14):
        await poll()
    assert server.asked[-5:] == [None] * 5


async def test_a_clock_that_goes_back_does_not_put_off_the_full_fetch(server, poll):
    await poll()
    await poll(-600)
    assert server.asked == [None, None]


async def test_the_age_of_an_answer_is_handed_on(poll):
    assert (await poll(age_s=90_000.0)).age == timedelta(seconds=90_000)


@pytest.mark.parametrize(("minutes", "is_earlier"), [(-0.5, False), (-2, True), (3, False)])
async def test_an_answer_made_before_one_that_was_read_is_known_by_its_date(server, poll, minutes, is_earlier):
    await poll(served_at=NOW)
    server.etag = None
    result = await poll(served_at=NOW + timedelta(minutes=minutes))
    assert result.is_served_earlier is is_earlier


async def test_a_server_whose_clock_is_years_ahead_makes_no_later_answer_older(server, poll):
    await poll(served_at=NOW + timedelta(days=4000))
    server.etag = None
    assert not (await poll(served_at=NOW)).is_served_earlier


async def test_a_body_that_comes_back_for_the_second_time_within_minutes_comes_by_turns(server, poll):
    server.etag = None
    found = []
    for body in (b"[]", page_of(incident())) * 3:
        server.body = body
        found.append((await poll(0.5)).is_by_turns)
    assert found == [False, False, False, False, True, True]


async def test_a_body_that_stays_no_longer_comes_by_turns(server, poll):
    server.etag = None
    for body in (b"[]", page_of(incident())) * 3:
        server.body = body
        await poll(0.5)
    assert [(await poll()).is_by_turns for _ in range(6)][-1] is False
