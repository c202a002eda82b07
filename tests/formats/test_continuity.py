"""Known ids and times in place of those that a poll had to make up; and touches without a word."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.domain import Impact, Incident, Snapshot, Stage, TrackedIncident, Update
from bot.formats.continuity import continue_from

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(minutes=9)


def update(update_id, at=NOON, body="Calls fail.", stage=Stage.INVESTIGATING):
    return Update(update_id, stage, body, at)


def incident(*updates, incident_id="i1", name="Calls fail"):
    return Incident(incident_id, name, Stage.INVESTIGATING, Impact.MAJOR, NOON, updates)


def continued(shown, known, **notes):
    (found,) = continue_from(
        Snapshot("p", "Acme", None, (shown,), **notes), (TrackedIncident(known, NOON),), LATER
    ).incidents
    return found


def test_an_update_without_a_time_keeps_the_time_at_which_it_was_first_seen():
    known = incident(update("u1"))
    assert continued(incident(update("u1", LATER)), known, undated=frozenset({"u1"})) == known


def test_an_update_with_a_time_has_the_time_that_the_page_gives():
    assert continued(incident(update("u1", LATER)), incident(update("u1"))).updates[0].display_at == LATER


def test_an_incident_without_a_time_keeps_the_time_at_which_it_was_first_seen():
    shown = replace(incident(), created_at=LATER)
    assert continued(shown, incident(), undated=frozenset({"i1"})).created_at == NOON


def test_an_incident_without_an_id_is_the_one_of_its_title_that_left_the_list():
    shown = incident(update("u1"), incident_id="made")
    assert continued(shown, incident(update("u1")), unidentified=frozenset({"made"})).id == "i1"


def test_an_incident_without_an_id_and_with_another_title_is_another_one():
    shown = incident(incident_id="made", name="Logins fail")
    assert continued(shown, incident(), unidentified=frozenset({"made"})).id == "made"


def test_an_update_that_only_carries_a_newer_time_is_the_one_that_it_replaces():
    known = incident(update("i1:12:00", body=""))
    assert continued(incident(update("i1:12:09", LATER, body="")), known) == known


def test_an_update_of_another_stage_or_text_is_a_new_one():
    known = incident(update("i1:12:00"))
    for shown in (update("i1:12:09", LATER, stage=Stage.MONITORING), update("i1:12:09", LATER, body="Half of them.")):
        assert continued(incident(shown), known).updates == (shown,)


def test_an_update_that_says_the_same_beside_the_earlier_one_is_a_new_one():
    shown = incident(update("u1"), update("u2", LATER))
    assert continued(shown, incident(update("u1"))) == shown


def test_a_stage_without_a_text_that_comes_back_is_a_new_update():
    known = incident(update("a", body=""), update("b", LATER, body="", stage=Stage.IDENTIFIED))
    again = update("c", LATER + timedelta(minutes=9), body="")
    assert continued(incident(again), known).updates == (again,)


def maintenance(*posts, stage=Stage.IN_PROGRESS, hours=2):
    until = NOON + timedelta(hours=hours)
    return Incident(
        "m1", "A new disk", stage, Impact.MAINTENANCE, NOON, posts, scheduled_for=NOON, scheduled_until=until
    )


def stage_after(shown, hours):
    page = Snapshot("p", "Acme", None, None, (replace(shown, components=(), is_maintenance=True),))
    (found,) = continue_from(page, (), NOON + timedelta(hours=hours)).maintenances
    return found.stage


def test_a_maintenance_that_nobody_completes_ends_a_day_after_its_planned_end():
    assert (stage_after(maintenance(), 25), stage_after(maintenance(), 26)) == (Stage.IN_PROGRESS, Stage.COMPLETED)


def test_a_maintenance_that_never_began_ends_too():
    assert stage_after(maintenance(stage=Stage.SCHEDULED), 26) is Stage.COMPLETED


def test_a_new_word_of_the_vendor_keeps_a_maintenance():
    posted = update("u1", NOON + timedelta(hours=20), stage=Stage.IN_PROGRESS)
    assert (stage_after(maintenance(posted), 43), stage_after(maintenance(posted), 44)) == (
        Stage.IN_PROGRESS,
        Stage.COMPLETED,
    )


def test_a_maintenance_that_was_planned_for_days_may_overrun_for_days():
    assert stage_after(maintenance(hours=96), 4 * 24 + 95) is Stage.IN_PROGRESS


def test_a_maintenance_that_is_still_to_come_stays_scheduled():
    assert stage_after(maintenance(stage=Stage.SCHEDULED, hours=24 * 30), 1) is Stage.SCHEDULED
