"""Looker against a web of answers: several paths, and what it means that an incident is gone."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.errors import ParseError, SourceError
from bot.looker import Looker
from bot.model import Blindness, Ending, Impact, Incident, Known, Provider, Snapshot, Source, Stage, Surface, World
from bot.sources.kind import Absence, Kind
from tests.sources.pages import PAGES

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


class Answer:
    url, etag, not_modified, took_s, fallback_because = "https://status.acme.example/", "e1", False, 0.1, None

    def __init__(self, body):
        self.body = body


class Web:
    """``pages`` maps a path to bytes or to an error; ``asked`` are the paths and ETags it was asked with."""

    def __init__(self, **pages):
        self.pages, self.asked = pages, []

    async def get(self, source_url, path, *, fallback, etag, accept):  # noqa: ARG002  (a Web's signature)
        self.asked.append((path, etag))
        found = self.pages.get(path.strip("/"), SourceError("no such page", code="http_404"))
        if isinstance(found, Exception):
            raise found
        return Answer(found)


@pytest.fixture
def play():
    """Looks at a page of a kind of our own; ``known`` are the incidents that are open."""

    async def look(web, *known, looks=1, seen_at=None, **kind):
        played = Kind("Played", **{"paths": ("/page",), "parse": parse, **kind})
        looker = Looker(web, lambda: NOW, {"played": played})
        world = replace(World("acme"), incidents=tuple(Known(i, NOW) for i in known), seen_at=seen_at)
        for _ in range(looks):
            seen, observation = await looker.look(ACME, world)
        return seen, observation

    return look


async def test_every_path_of_a_format_is_read_and_recorded(play):
    web = Web(page=page_of(incident()), more=b"[]")
    seen, observation = await play(web, paths=("/page", "/more"))
    assert (seen.saw.page_id, observation.body) == ("2", page_of(incident()) + b"\n[]")


async def test_a_format_of_several_paths_is_asked_for_without_condition(play):
    web = Web(page=b"[]", more=b"[]")
    await play(web, paths=("/page", "/more"), looks=2)
    assert [etag for _, etag in web.asked] == [None] * 4


async def test_a_format_of_one_path_is_asked_for_only_if_it_changed(play):
    web = Web(page=b"[]")
    await play(web, looks=2)
    assert web.asked == [("/page", None), ("/page", "e1")]


async def test_a_path_that_fails_is_blindness_whatever_the_others_said(play):
    seen, observation = await play(Web(page=b"[]"), paths=("/page", "/more"))
    assert (isinstance(seen.saw, Blindness), observation.outcome) == (True, "http_404")


async def test_a_page_that_means_something_else_later_is_read_again(play):
    times = []

    def timed(bodies, source, at):
        times.append(at)
        return parse(bodies, source, at)

    await play(Web(page=b"[]"), looks=3, parse=timed, timed=True)
    assert len(times) == 3


async def test_gone_from_a_page_of_what_is_open_is_over_without_last_words(play):
    seen, _ = await play(Web(page=b"[]"), incident(), absence=Absence.OVER)
    assert seen.endings == {"i1": Ending.UNRECORDED}


async def test_gone_from_a_window_that_moves_says_nothing(play):
    seen, _ = await play(Web(page=b"[]"), incident(), absence=Absence.NOTHING)
    assert seen.endings == {}


async def test_gone_and_told_in_the_list_of_all_is_what_the_list_says(play):
    web = Web(page=b"[]", all=page_of(incident(stage=Stage.RESOLVED)))
    seen, _ = await play(web, incident(), absence=Absence.ASK, all_path="/all")
    assert seen.endings["i1"].stage is Stage.RESOLVED


async def test_gone_from_a_list_that_reaches_back_far_enough_is_withdrawn(play):
    web = Web(page=b"[]", all=page_of(incident("old", Stage.RESOLVED, NOW - timedelta(days=9))))
    seen, _ = await play(web, incident(), absence=Absence.ASK, all_path="/all")
    assert seen.endings == {"i1": Ending.WITHDRAWN}


async def test_gone_from_a_list_that_does_not_reach_back_is_not_withdrawn(play):
    web = Web(page=b"[]", all=page_of(incident("new", Stage.RESOLVED, NOW + timedelta(days=9))))
    seen, _ = await play(web, incident(), absence=Absence.ASK, all_path="/all")
    assert seen.endings == {"i1": Ending.UNRECORDED}


async def test_gone_with_its_own_page_and_from_the_list_of_all_is_withdrawn_however_short_that_is(play):
    web = Web(page=b"[]", all=page_of(incident("new", Stage.RESOLVED, NOW + timedelta(days=9))))
    own = {"own_path": lambda *_: "/own", "parse_own": lambda *_: None}
    seen, _ = await play(web, incident(), absence=Absence.ASK, all_path="/all", **own)
    assert seen.endings == {"i1": Ending.WITHDRAWN}


async def test_a_maintenance_that_is_gone_from_every_list_may_just_be_over(play):
    works = replace(incident(), is_maintenance=True)
    seen, _ = await play(Web(page=b"[]", all=b"[]"), works, absence=Absence.ASK, all_path="/all")
    assert seen.endings == {"i1": Ending.UNRECORDED}


@pytest.mark.parametrize(("minutes", "is_same"), [(1, True), (60, False)])
async def test_the_same_page_after_a_time_without_looks_is_not_called_the_same(play, minutes, is_same):
    seen, _ = await play(Web(page=b"[]"), looks=2, seen_at=NOW - timedelta(minutes=minutes))
    assert seen.is_same is is_same


async def test_a_list_of_all_that_could_not_be_read_after_a_gap_is_read_at_the_next_look():
    ago = NOW - timedelta(hours=1)
    web = Web(page=b"[]", all=SourceError("later", code="http_503"))
    looker = Looker(web, lambda: NOW, {"played": Kind("P", ("/page",), parse, absence=Absence.ASK, all_path="/all")})
    first, _ = await looker.look(ACME, replace(World("acme"), seen_at=ago))
    web.pages["all"] = b"[]"
    second, _ = await looker.look(ACME, replace(World("acme"), seen_at=NOW))
    assert (first.unwatched_since, second.unwatched_since) == (None, ago)


async def test_gone_while_the_list_of_all_cannot_be_read_is_asked_again(play):
    web = Web(page=b"[]", all=SourceError("later", code="http_503"))
    seen, _ = await play(web, incident(), absence=Absence.ASK, all_path="/all")
    assert seen.endings == {}


async def test_what_ended_long_ago_and_was_never_known_is_left_out(play):
    old = incident("old", Stage.RESOLVED, NOW - timedelta(days=9))
    seen, _ = await play(Web(page=page_of(old, incident())))
    assert [i.id for i in seen.saw.incidents] == ["i1"]


async def test_what_ended_long_ago_and_was_known_keeps_its_end(play):
    old = incident("old", Stage.RESOLVED, NOW - timedelta(days=9))
    seen, _ = await play(Web(page=page_of(old)), replace(old, stage=Stage.INVESTIGATING))
    assert [i.id for i in seen.saw.incidents] == ["old"]


# --- pages that moved -------------------------------------------------------------------------------------------------


def shim():
    return PAGES["incidentio", "open"][0]


@pytest.fixture
def fail():
    """The Blindness of the ``nth`` failure in a row, at a page with this body or error."""

    async def look(answer, nth=1, scout=None):
        looker = Looker(Web(**{"api/v2/status_pages/demo/summary": answer}), lambda: NOW, scout=scout, scout_after=3)
        acme = replace(ACME, source=replace(SOURCE, kind="statuspal", page="demo"))
        seen, _ = await looker.look(acme, replace(World("acme"), failures=nth - 1))
        return seen.saw

    return look


async def test_an_answer_that_looks_like_another_format_says_so(fail):
    seen = await fail(shim())
    assert (seen.code, "looks like incident.io" in seen.why) == ("other_format", True)


async def test_an_answer_that_looks_like_nothing_does_not(fail):
    assert (await fail(b'{"hello": 1}')).code == "unparsable"


class Scout:
    """Says what it was told to; ``asked`` are the kinds of the sources it was asked about."""

    def __init__(self, said):
        self.said, self.asked = said, []

    async def __call__(self, source):
        self.asked.append(source.kind)
        return self.said


GONE = SourceError("status.acme.example answered 404 (Not Found)", code="http_404")


async def test_a_page_that_is_gone_is_scouted_for_at_the_failure_that_people_hear_of(fail):
    scout = Scout("https://new.example/api/v2/summary.json serves incident.io")
    for nth in (1, 2, 3, 4):
        seen = await fail(GONE, nth, scout)
        assert len(scout.asked) == (nth >= 3)
        assert ("https://new.example/" in seen.why) is (nth == 3)


async def test_a_scout_that_found_nothing_changes_nothing(fail):
    seen = await fail(GONE, 3, Scout(""))
    assert (seen.code, seen.why) == ("http_404", str(GONE))


async def test_a_host_that_is_just_down_is_not_scouted_for(fail):
    scout = Scout("something else")
    await fail(SourceError("no answer", code="timeout"), 3, scout)
    assert scout.asked == []
