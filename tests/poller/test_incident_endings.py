"""How an incident ended that is no longer on its page: who is asked, in which order, and what proves nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain import (
    Component,
    Condition,
    Impact,
    Incident,
    IncidentEnding,
    ProviderState,
    Snapshot,
    Stage,
    TrackedIncident,
    UnsettledEnding,
    Update,
)
from bot.errors import ParseError, SourceError
from bot.formats.base import Absence
from bot.poller.incident_endings import SETTLED_AFTER, EndingSearch, doubtful_reason

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
QUIET = Snapshot("p", "Acme", (Component("c", "API", Condition.OPERATIONAL),), (), ())


def incident(incident_id="i1", stage=Stage.INVESTIGATING, posted_at=NOON, **fields):
    updates = (Update(f"{incident_id}-u", stage, "Calls fail.", posted_at),)
    return Incident(incident_id, "Calls fail", stage, Impact.MAJOR, posted_at, updates, **fields)


def listing(*incidents):
    return Snapshot("p", "Acme", None, incidents, ())


def answer(value):
    """What a page serves: a value, or an error to raise."""

    async def fetch(*_):
        if isinstance(value, Exception):
            raise value
        return value

    return fetch


async def search(
    snapshot=QUIET,
    *,
    own=None,
    every=None,
    at=NOON + MINUTE,
    earlier=(),
    absence=Absence.ASK,
    known=None,
    doubtful=False,
    page_updated_at=None,
):
    tracked = TrackedIncident(known or incident(), NOON)
    state = ProviderState("acme", incidents=(tracked,), page_updated_at=page_updated_at)
    found = EndingSearch(
        absence,
        at,
        state,
        answer(own) if own is not None else None,
        answer(every) if every is not None else None,
        {u.incident: u for u in earlier},
    )
    await found.run(snapshot, is_doubtful=doubtful)
    return found


def left(since=NOON, asks=5, ask_at=NOON):
    return UnsettledEnding("i1", since, ask_at, asks, "HTTP 500")


UNREADABLE = [
    SourceError("HTTP 403", code="http_403"),
    SourceError("HTTP 429", code="http_429"),
    SourceError("HTTP 503", code="http_503"),
    SourceError("HTML", code="html"),
    ParseError("another JSON"),
    incident("another"),
]
OLDER = incident("older", Stage.RESOLVED, NOON - timedelta(days=9))


@pytest.mark.parametrize("earlier", [(), [left()]])
async def test_while_the_page_shows_a_new_incident_nobody_is_asked_about_an_old_one(earlier):
    ended = incident(stage=Stage.RESOLVED)
    found = await search(listing(incident("i2")), own=ended, every=listing(ended), earlier=earlier)
    assert (found.endings, [u.incident for u in found.unsettled]) == ({}, ["i1"])


async def test_an_old_incident_is_asked_about_at_the_next_poll_once_the_new_one_is_known():
    found = await search(own=incident(stage=Stage.RESOLVED), earlier=[left(asks=1)])
    assert found.endings["i1"].stage is Stage.RESOLVED


async def test_a_page_that_is_doubted_is_confirmed_before_its_new_incident_is_recorded():
    found = await search(listing(incident("i2")), own=incident(stage=Stage.RESOLVED), doubtful=True)
    assert found.endings["i1"].stage is Stage.RESOLVED


@pytest.mark.parametrize("own", UNREADABLE)
async def test_where_the_own_page_gives_no_answer_the_list_of_all_is_asked(own):
    found = await search(own=own, every=listing(incident(stage=Stage.RESOLVED), OLDER))
    assert found.endings["i1"].stage is Stage.RESOLVED


@pytest.mark.parametrize("own", UNREADABLE)
async def test_off_a_list_that_reaches_back_past_its_beginning_it_is_withdrawn(own):
    assert (await search(own=own, every=listing(OLDER))).endings == {"i1": IncidentEnding.WITHDRAWN}


@pytest.mark.parametrize("own", UNREADABLE)
async def test_off_a_list_that_does_not_reach_back_its_ending_is_unsettled(own):
    newer = incident("newer", Stage.RESOLVED, NOON + timedelta(hours=1))
    found = await search(own=own, every=listing(newer))
    assert (found.endings, [u.incident for u in found.unsettled]) == ({}, ["i1"])


async def test_an_own_page_that_shows_what_was_over_before_is_of_another_incident():
    posts = (Update("old", Stage.RESOLVED, "Over.", NOON - timedelta(days=90)),)
    old = replace(incident(stage=Stage.RESOLVED, posted_at=NOON - timedelta(days=90)), updates=posts)
    found = await search(own=old, every=SourceError("HTTP 500", code="http_500"))
    assert found.unsettled[0].why == "its own page shows another incident; the list of all: HTTP 500"


@pytest.mark.parametrize("code", ["http_404", "http_410"])
async def test_a_page_that_is_gone_says_that_it_was_deleted(code):
    younger = incident("younger", posted_at=NOON + MINUTE)
    found = await search(own=SourceError("gone", code=code), every=listing(younger))
    assert found.endings == {"i1": IncidentEnding.WITHDRAWN}


async def test_an_empty_list_of_all_proves_nothing_at_first():
    found = await search(own=SourceError("gone", code="http_404"), every=listing())
    assert (found.endings, found.unsettled[0].why) == (
        {},
        "it has no page of its own; the list of all is empty now",
    )


async def test_a_list_of_all_that_stays_empty_for_five_minutes_is_believed():
    gone = SourceError("gone", code="http_404")
    times = [NOON + 4 * MINUTE, NOON + 5 * MINUTE]
    found = [await search(own=gone, every=listing(), at=at, earlier=[left(asks=2)]) for at in times]
    assert [f.endings for f in found] == [{}, {"i1": IncidentEnding.WITHDRAWN}]


async def test_an_own_page_that_is_gone_is_believed_after_five_minutes_where_there_is_no_list():
    gone = SourceError("gone", code="http_404")
    found = [await search(own=gone, at=NOON + n * MINUTE, earlier=[left(asks=2)]) for n in (4, 5)]
    assert [f.endings for f in found] == [{}, {"i1": IncidentEnding.WITHDRAWN}]


async def test_a_list_of_all_that_is_older_than_the_page_proves_nothing():
    stale = replace(listing(OLDER), updated_at=NOON - timedelta(days=1))
    found = await search(own=SourceError("gone", code="http_404"), every=stale, page_updated_at=NOON)
    assert (found.endings, found.unsettled[0].why) == (
        {},
        "it has no page of its own; the list of all is older than the page",
    )


async def test_while_the_page_is_doubtful_an_own_page_that_is_gone_proves_nothing():
    found = await search(own=SourceError("gone", code="http_404"), every=listing(), doubtful=True)
    assert (found.endings, len(found.unsettled)) == ({}, 1)


async def test_why_an_ending_is_unsettled_names_both_sources():
    found = await search(own=SourceError("HTTP 403", code="http_403"), every=SourceError("HTTP 500", code="http_500"))
    assert found.unsettled[0].why == "its own page: HTTP 403; the list of all: HTTP 500"


async def test_waits_between_asks_double_up_to_half_an_hour():
    waits, earlier, at = [], (), NOON
    for _ in range(10):
        found = await search(own=UNREADABLE[0], at=at, earlier=earlier)
        earlier = tuple(found.unsettled)
        waits.append((earlier[0].ask_at - at) // MINUTE)
        at = max(earlier[0].ask_at, at + MINUTE)
    assert waits == [0, 0, 0, 2, 4, 8, 16, 30, 30, 30]


async def test_a_server_that_names_a_wait_is_not_asked_before():
    found = await search(own=SourceError("HTTP 429", code="http_429", retry_after=900))
    assert found.unsettled[0].ask_at == NOON + 16 * MINUTE


async def test_before_it_is_due_nobody_is_asked():
    waiting = left(ask_at=NOON + timedelta(hours=1))
    found = await search(own=incident(stage=Stage.RESOLVED), earlier=(waiting,))
    assert (found.endings, found.unsettled) == ({}, [waiting])


async def test_after_six_hours_without_any_answer_it_is_over():
    found = await search(own=UNREADABLE[0], at=NOON + SETTLED_AFTER, earlier=(left(),))
    assert found.endings == {"i1": IncidentEnding.UNRECORDED}


async def test_a_doubtful_page_never_ends_it_by_time():
    found = await search(own=UNREADABLE[0], at=NOON + timedelta(days=3), earlier=(left(),), doubtful=True)
    assert found.endings == {}


async def test_a_maintenance_whose_own_page_is_gone_is_over_and_not_deleted():
    works = incident(is_maintenance=True)
    found = await search(own=SourceError("gone", code="http_404"), every=listing(OLDER), known=works)
    assert found.endings == {"i1": IncidentEnding.UNRECORDED}


# --- pages that list what is open ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "page",
    [replace(QUIET, incidents=None), replace(QUIET, is_partial=True), Snapshot("p", "Acme", None, (), ())],
    ids=["no list", "an entry left out", "nothing at all"],
)
async def test_a_list_that_is_missing_or_cut_ends_nothing(page):
    found = await search(page, absence=Absence.OVER)
    assert (found.endings, len(found.unsettled)) == ({}, 1)


async def test_off_a_list_beside_components_it_is_over_at_once():
    assert (await search(QUIET, absence=Absence.OVER)).endings == {"i1": IncidentEnding.UNRECORDED}


async def test_a_page_without_components_must_confirm_for_five_minutes():
    empty = Snapshot("p", "Acme", None, (), ())
    earlier = (left(since=NOON, asks=3),)
    early = await search(empty, absence=Absence.OVER, at=NOON + 4 * MINUTE, earlier=earlier)
    late = await search(empty, absence=Absence.OVER, at=NOON + 5 * MINUTE, earlier=earlier)
    assert (early.endings, late.endings) == ({}, {"i1": IncidentEnding.UNRECORDED})


# --- windows ------------------------------------------------------------------------------------------------------------


async def test_an_incident_that_goes_on_for_other_products_is_over_for_ours():
    page = Snapshot("", "acme", None, (), (), elsewhere=(incident(),))
    assert (await search(page, absence=Absence.NOTHING)).endings == {"i1": IncidentEnding.NARROWED}


async def test_an_incident_that_ended_for_other_products_ends_with_the_vendors_words():
    page = Snapshot("", "acme", None, (), (), elsewhere=(incident(stage=Stage.RESOLVED),))
    assert (await search(page, absence=Absence.NOTHING)).endings["i1"].stage is Stage.RESOLVED


async def test_an_incident_that_vanished_from_the_middle_of_the_window_is_over_once_that_is_confirmed():
    page = Snapshot("", "acme", None, (), (), elsewhere=(OLDER,))
    first = await search(page, absence=Absence.NOTHING)
    later = await search(page, absence=Absence.NOTHING, at=NOON + 31 * MINUTE, earlier=(left(),))
    assert (first.endings, later.endings) == ({}, {"i1": IncidentEnding.UNRECORDED})


async def test_an_incident_that_the_window_has_moved_past_stays_open():
    newer = incident("newer", Stage.RESOLVED, NOON + timedelta(hours=1))
    found = await search(Snapshot("", "acme", None, (), (), elsewhere=(newer,)), absence=Absence.NOTHING)
    assert (found.endings, found.unsettled) == ({}, [])


# --- doubt --------------------------------------------------------------------------------------------------------------


def test_a_page_that_lost_its_components_and_lists_nothing_is_doubted():
    before = ProviderState("acme", components=QUIET.components)
    assert "1 component" in doubtful_reason(before, Snapshot("p", "Acme", (), (), ()))
    assert not doubtful_reason(before, QUIET)
    assert not doubtful_reason(ProviderState("acme"), Snapshot("p", "Acme", (), (), ()))


def test_a_page_that_contradicts_itself_is_doubted():
    assert doubtful_reason(ProviderState("acme"), replace(QUIET, contradiction="it has issues, and lists nothing"))
