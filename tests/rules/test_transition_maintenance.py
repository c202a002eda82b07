"""A maintenance: when it began, that it overruns, and how one ends that nobody completes."""

from dataclasses import replace

import pytest

from bot.domain import Component, Condition, EventKind, Impact, IncidentEnding, NewsKind, Stage
from bot.rules.alerting import updates
from tests.support.polls import ACME, GREEN, at, incident, page, poll_page, update, watched

IN_PROGRESS = update("m2", Stage.IN_PROGRESS, "We change the disk.", 5)
ANNOUNCED = update("m1", Stage.SCHEDULED, "We will change the disk of the API.", -14_400)
API = (Component("c-api", "API", Condition.MAINTENANCE),)


def works(*posts, until=60, **fields):
    """A maintenance of the API that was announced ten days ahead and begins five minutes after noon."""
    told = {"impact": Impact.MAINTENANCE, "is_maintenance": True, "components": API, "scheduled_for": at(5)} | fields
    return incident(*(posts or (ANNOUNCED, IN_PROGRESS)), name="A new disk", scheduled_until=at(until), **told)


def shown(maintenance):
    return page(maintenances=(maintenance,), api=Condition.MAINTENANCE)


def overruns(changes):
    return [e for change in changes for e in change.events if e.kind is EventKind.MAINTENANCE_OVERRAN]


def reason(change):
    return change.state.verdict("acme-api").reason


@pytest.mark.parametrize("window", [at(5), None], ids=["its window", "its first update in progress"])
def test_it_is_in_maintenance_since_its_begin_and_not_since_its_announcement(window):
    *_, last = watched(poll_page(10, shown(works(scheduled_for=window))))
    assert "maintenance since 12:05 UTC" in reason(last)


def test_a_component_in_maintenance_without_an_incident_keeps_its_begin():
    *_, last = watched(*(poll_page(m, page(api=Condition.MAINTENANCE)) for m in range(5, 30)))
    assert "maintenance since 12:05 UTC" in reason(last)


def test_past_its_planned_end_its_reason_says_so():
    *_, last = watched(poll_page(10, shown(works())), poll_page(61, shown(works())))
    assert "planned end was 13:00 UTC" in reason(last)


def test_that_it_overruns_is_told_once():
    changes = watched(*(poll_page(m, shown(works())) for m in (10, 59, 60, 61, 90)))
    assert [(e.seen_at, e.happened_at) for e in overruns(changes)] == [(at(60), at(60))]


def test_a_new_planned_end_that_passes_too_is_told_again():
    later = shown(works(until=120))
    changes = watched(poll_page(60, shown(works())), poll_page(70, later), poll_page(120, later))
    assert [e.seen_at for e in overruns(changes)] == [at(60), at(120)]


def test_a_maintenance_that_never_began_overruns_nothing():
    planned = replace(works(ANNOUNCED), components=())
    assert overruns(watched(*(poll_page(m, page(maintenances=(planned,))) for m in (10, 60, 90)))) == []


def test_its_thread_says_that_it_overruns():
    *_, change = watched(poll_page(10, shown(works())), poll_page(60, shown(works())))
    tracked = change.state.tracked_incident("i1")
    [item] = updates.news_items(tracked, [e for e in change.events if e.incident == "i1"], change, ACME)
    assert NewsKind.OVERRUN in item.kinds


def test_one_that_is_completed_by_the_clock_alone_has_lapsed():
    over = replace(works(), stage=Stage.COMPLETED)
    *_, last = watched(poll_page(10, shown(works())), poll_page(1600, page(maintenances=(over,), api=GREEN)))
    assert last.state.tracked_incident("i1").ending is IncidentEnding.LAPSED


def test_one_that_the_vendor_completes_is_resolved():
    over = works(ANNOUNCED, IN_PROGRESS, update("m3", Stage.COMPLETED, "Done.", 50))
    *_, last = watched(poll_page(10, shown(works())), poll_page(51, page(maintenances=(over,), api=GREEN)))
    assert last.state.tracked_incident("i1").ending is IncidentEnding.RESOLVED
