"""The summary and the timeline of an incident."""

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
from hypothesis import HealthCheck, given, settings
from inline_snapshot import snapshot

from bot.domain import Event, EventKind, EvidenceTotals, IncidentEnding, Stage
from bot.domain.reliability import VerdictAccuracy
from bot.messages import block_kit, digest, summary, timeline
from tests.support.evidence import lived, probed
from tests.support.polls import ACME, AMBER, GREEN, RED, at, incident, page, poll_page, update, watched
from tests.support.samples import hostile
from tests.support.slack_limits import assert_sendable

SURFACES = {s.id: s for s in ACME.surfaces}
FIRST = update("u1", api=RED)
OVER = update("u9", Stage.RESOLVED, "All is well.", 30)


def told(*looks, iid="i1"):
    """The incident and its events after these polls."""
    run = watched(*looks)
    return run[-1].state.tracked_incident(iid), [e for s in run for e in s.events if e.incident == iid]


def sendable(message):
    assert_sendable(replace(message, text=block_kit.truncate_mrkdwn(message.text, block_kit.MAX_TEXT)))
    return unescape(message.text)


def summed(known, events, minutes=40):
    return sendable(summary.summary_message(known, ACME, events, SURFACES, at(minutes)))


DAY = (
    poll_page(1, page(incident(FIRST), api=RED)),
    *(poll_page(n, page(incident(FIRST, OVER))) for n in range(31, 90)),
)


def test_a_summary_says_what_happened():
    assert summed(*told(*DAY)) == snapshot("""\
Acme outage, resolved · 12:00 to 12:30 UTC (30 min) · i1
> Errors
Affected: Acme API
Detected: 60 s after Acme's first post
Status: Acme API: outage 12:01 → operational 12:31 UTC
Advice given: Acme API: don't retry 12:01 → slowly 12:33 → safe to retry 12:46 UTC
Last update (12:30 UTC, resolved):
> All is well.
For next time · Programs: Back off.\
""")


def test_a_summary_says_how_right_the_verdicts_were():
    known, events = told(*DAY)
    judged = VerdictAccuracy(2, 1, timedelta(minutes=34))
    said = sendable(summary.summary_message(known, ACME, events, SURFACES, at(90), judged=judged))
    assert "Advice record: 2 re-openings, 1 too early · held 34 min" in said


def test_a_record_over_several_services_is_named_service_minutes():
    judged = VerdictAccuracy(2, 1, timedelta(minutes=34), services=3)
    assert digest.accuracy_text(judged) == "2 re-openings, 1 too early · held 34 min (service-minutes over 3 services)"


def test_while_it_is_open_the_alert_gives_the_advice():
    assert "Back off." not in summed(*told(poll_page(1, page(incident(FIRST), api=RED))))


def test_a_timeline_says_every_step():
    assert sendable(timeline.timeline_message(*_timeline(DAY))) == snapshot("""\
Acme: timeline of i1 (2026-05-04, UTC)
> Errors
12:01  Acme, investigating:
> We are looking into it.
12:01  Acme API: outage · don't retry
12:31  Acme, resolved:
> All is well.
12:31  Acme API: operational · don't retry
12:33  Acme API: retry slowly (10% load)
12:46  Acme API: safe to retry\
""")


def _timeline(looks):
    known, events = told(*looks)
    return known, ACME, events, SURFACES


_BANNED = re.compile(
    r"\b(told|hears|heard|anew|whoever|whatever|nobody|somebody|blind|over since|over after|gently|gentle|hold off|"
    r"goes on|once more|let (?:work )?through|lately|meanwhile|owed|in trouble|redrawn|afterwards)\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize("ending", IncidentEnding)
def test_no_summary_or_timeline_has_a_word_that_the_glossary_replaces(ending):
    known, events = told(*DAY)
    ended = replace(known, ending=ending)
    said = f"{summed(ended, events)}\n{sendable(timeline.timeline_message(ended, ACME, events, SURFACES))}"
    ours = "\n".join(line for line in said.splitlines() if not line.startswith("> "))
    assert not _BANNED.findall(ours)


def test_what_happened_on_another_day_carries_its_date():
    known, events = told(*DAY)
    said = sendable(summary.summary_message(known, ACME, events, SURFACES, at(60 * 30)))
    times = [line for line in said.splitlines() if re.search(r"\d\d:\d\d", line)]
    assert all("2026-05-04" in line for line in times)


def test_a_quotation_that_looks_like_a_time_of_ours_stays_a_quotation():
    known, events = told(poll_page(1, page(incident(replace(FIRST, body="{t:99999999999}")), api=RED)))
    assert "99999999999" in summed(known, events)


def test_services_that_change_alike_in_one_minute_are_one_line():
    known, events = told(*DAY)
    both = [replace(e, surface=s) for e in events for s in ([e.surface, "acme-web"] if e.surface else [None])]
    said = sendable(timeline.timeline_message(known, ACME, both, SURFACES))
    assert "12:01  Acme API, Acme Web: outage · don't retry" in said


def test_an_open_incident_that_nobody_looks_at_any_more_says_so():
    known, _ = told(poll_page(0, page(incident(FIRST), api=RED)))
    [said] = summary.unmonitored_lines(known, at(5), at(600))
    assert said == "Status page not checked since 2026-05-04 12:05 UTC: what has happened since then is unknown."


def test_an_open_incident_says_how_long_so_far():
    assert "Acme outage, investigating · since 12:00 UTC (40 min so far)" in summed(
        *told(poll_page(0, page(incident(FIRST), api=RED)))
    )


def test_an_incident_over_days_says_on_which_day_it_ended():
    late = update("u9", Stage.RESOLVED, "All is well.", 60 * 30)
    assert "12:00 to 2026-05-05 18:00 UTC (1 d 6 h)" in summed(
        *told(DAY[0], poll_page(1801, page(incident(FIRST, late))))
    )


@pytest.mark.parametrize("ending", IncidentEnding)
def test_every_ending_has_its_words(ending):
    known, events = told(*DAY[:2])
    said = summed(replace(known, ending=ending), events)
    assert ("Ended: " in said) is (ending is not IncidentEnding.RESOLVED)


def test_an_edit_shows_what_changed_in_the_timeline():
    edited = page(incident(replace(FIRST, body="The API fails.")), api=RED)
    said = sendable(timeline.timeline_message(*_timeline((DAY[0], poll_page(2, edited)))))
    assert (
        "Acme edited an update: its words were edited (posted 12:00 UTC)\n> [-We are looking into it.-] {+The API fails.+}"
        in said
    )


def test_an_incident_without_events_has_a_summary_all_the_same():
    known, _ = told(*DAY)
    assert "Affected: Acme API" in summed(known, [])


def test_a_surface_that_left_the_catalogue_goes_by_its_id():
    known, events = told(*DAY)
    assert "acme-api" in sendable(summary.summary_message(known, ACME, events, {}, at(40)))


@given(hostile, hostile)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_slack_takes_the_story_of_a_hostile_vendor(name, body):
    shown = incident(update("u1", body=body, api=RED), name=name)
    known, events = told(poll_page(1, page(shown, api=RED)), poll_page(2, page(replace(shown, name=body), api=RED)))
    summed(known, events)
    sendable(timeline.timeline_message(known, ACME, events, SURFACES))


def test_a_summary_says_how_long_we_knew_before_the_page_and_what_was_seen_beside_it():
    known, events = told(*DAY)
    known = replace(known, lead=timedelta(minutes=17), suspicions=("acme-api@2026-05-04T11:43:00Z",))
    seen = [EvidenceTotals("acme-api", 40, 34, 1200, 96), EvidenceTotals("acme-web", 40, 0, 0, 0)]
    said = sendable(
        summary.summary_message(
            known, ACME, events, SURFACES, at(40), surroundings=summary.Surroundings(evidence=tuple(seen))
        )
    )
    assert "Detected: 17 min before the status page" in said
    assert "Not from the status page: Acme API: 34 of 40 probes failed, 96 of 1,200 requests of your traffic" in said
    assert "Not from the status page: Acme Web: 0 of 40 probes failed" in said


def test_the_summary_of_a_suspicion_tells_since_when_it_fails_and_since_when_we_tell():
    done = lived(9, seen=probed(lambda minute: minute < 0))
    known = next(k for k in done[-1].state.incidents if k.incident.is_suspected)
    events = [e for s in done for e in s.events if e.incident == known.incident.id]
    assert summed(known, events, 10) == snapshot("""\
Acme suspected partial outage, open · since 12:00 UTC (10 min so far) · acme-api@2026-05-04T12:03:00Z
> Acme API: suspected outage, not on the status page
Affected: Acme API
Detected: 3 min after the first failure
Status: Acme API: partial outage 12:03 UTC
Advice given: Acme API: don't retry 12:03 UTC\
""")


def test_the_timeline_of_a_suspicion_says_who_saw_what():
    done = lived(14, seen=probed(lambda minute: minute < 0 or minute > 8))
    known = next(k for k in done[-1].state.incidents if k.incident.is_suspected)
    events = [e for s in done for e in s.events if e.incident == known.incident.id]
    assert sendable(timeline.timeline_message(known, ACME, events, SURFACES)) == snapshot("""\
Acme: timeline of acme-api@2026-05-04T12:03:00Z (2026-05-04, UTC)
> Acme API: suspected outage, not on the status page
12:03  Acme API, suspected: our probe fails from one place only (here) since 12:00 UTC (HTTP 503)
12:03  Acme API: partial outage · don't retry
12:11  Acme API, suspicion cleared: our probes, traffic and reports show no errors any more, and the vendor has posted nothing
12:11  Acme API: operational · don't retry
12:14  Acme API: retry slowly (10% load)\
""")


# --- true and whole ---------------------------------------------------------------------------------------------------


def changed(minute, condition, incident="i1", surface="acme-api"):
    return Event(EventKind.SURFACE_CHANGED, "acme", at(minute), incident=incident, surface=surface, condition=condition)


def status_line(events, *others):
    first, last = update("u1", minutes=0, api=RED), update("u9", Stage.RESOLVED, "All is well.", 60)
    known, _ = told(*DAY)
    known = replace(known, incident=incident(first, last), closed_at=at(60), surfaces=("acme-api",))
    beside = summary.Surroundings(tuple(others))
    said = sendable(summary.summary_message(known, ACME, events, SURFACES, at(90), surroundings=beside))
    return next(line for line in said.splitlines() if line.startswith("Status: "))


def test_a_status_that_another_incident_changed_names_that_incident():
    own = [changed(0, AMBER), changed(30, AMBER), changed(60, GREEN)]
    others = [changed(10, RED, "i2"), changed(60, GREEN, "i2")]
    assert status_line(own, *others) == (
        "Status: Acme API: degraded 12:00 → outage (as i2) 12:10 → degraded 12:30 → operational 13:00 UTC"
    )


def test_a_service_that_another_incident_ended_is_not_said_to_be_still_affected():
    line = status_line([changed(0, RED)], changed(20, AMBER, "i2"), changed(50, GREEN, "i2"))
    assert line == "Status: Acme API: outage 12:00 → degraded (as i2) 12:20 → operational 12:50 UTC"


def test_a_service_that_was_bad_already_says_since_when_and_by_which_incident():
    line = status_line([changed(9, GREEN)], changed(-30, AMBER, "i2"))
    assert line == "Status: Acme API: degraded (as i2) since 11:30 → operational 12:09 UTC"


def test_a_service_that_is_bad_at_the_end_says_so():
    assert status_line([changed(0, RED)]).endswith("12:00 UTC (still affected when this incident ended)")


def test_a_service_that_is_only_named_is_not_said_to_have_changed():
    known, events = told(*DAY)
    said = summed(replace(known, surfaces=("acme-api", "acme-web")), events)
    assert "Named, status unchanged: Acme Web" in said


def test_an_incident_posted_after_it_was_over_has_no_duration():
    known, _ = told(*DAY)
    late = replace(known, incident=incident(update("u1", Stage.RESOLVED, "It was down.", 30)), closed_at=at(30))
    said = summed(late, ())
    assert "posted 12:30 UTC after it was over, no duration stated" in said
    assert "(0 s)" not in said


def test_a_maintenance_is_from_its_work_and_not_from_its_announcement():
    posts = (update("u1", Stage.SCHEDULED, minutes=-600), update("u2", Stage.IN_PROGRESS, minutes=0))
    known, _ = told(*DAY)
    done = incident(*posts, update("u3", Stage.COMPLETED, minutes=30), is_maintenance=True, created_at=at(-600))
    assert "· 12:00 to 12:30 UTC (30 min) ·" in summed(replace(known, incident=done, closed_at=at(30)), ())


def test_a_maintenance_that_is_only_announced_is_not_open_since_then():
    known, _ = told(*DAY)
    planned = incident(update("u1", Stage.SCHEDULED, minutes=0), is_maintenance=True)
    said = summed(replace(known, incident=planned, closed_at=None), ())
    assert "· announced 12:00 UTC ·" in said
    assert "so far" not in said


def test_an_imported_incident_without_an_end_was_open_when_its_history_ended():
    known, events = told(poll_page(1, page(incident(FIRST), api=RED)))
    known = replace(known, is_backfilled=True)
    beside = summary.Surroundings(history_until=at(30))
    said = sendable(summary.summary_message(known, ACME, events, SURFACES, at(60 * 24 * 200), surroundings=beside))
    assert "since 2026-05-04 12:00, open when the imported history ended at 12:30 UTC" in said


def test_of_a_page_that_is_not_checked_any_more_an_open_incident_is_known_until_the_last_check():
    known, events = told(poll_page(1, page(incident(FIRST), api=RED)))
    beside = summary.Surroundings(last_check=at(30))
    said = sendable(summary.summary_message(known, ACME, events, SURFACES, at(60 * 24 * 200), surroundings=beside))
    assert "(30 min at the last check)" in said


def test_an_incident_that_left_the_page_unresolved_is_not_said_to_be_resolved_in_its_timeline():
    known, events = told(DAY[0], poll_page(31, page(), i1=IncidentEnding.WITHDRAWN))
    unresolved = replace(known, ending=IncidentEnding.UNRECORDED)
    ended = Event(EventKind.INCIDENT_RESOLVED, "acme", at(31), incident="i1", stage=Stage.INVESTIGATING)
    said = sendable(timeline.timeline_message(unresolved, ACME, [*events, ended], SURFACES))
    assert "incident resolved" not in said
    assert "the last update was not recorded" in said


def test_a_start_on_another_day_carries_its_date_in_the_timeline():
    began = Event(EventKind.TROUBLE_BEGAN, "acme", at(0), at(-60 * 24), incident="i1", surface="acme-api")
    assert summary.event_text(began, SURFACES).endswith("since 2026-05-03 12:00 UTC")


def test_a_status_that_only_words_support_says_so():
    line = status_line([replace(changed(0, AMBER), inferred=True), changed(30, GREEN)])
    assert line == "Status: Acme API: degraded (from text) 12:00 → operational 12:30 UTC"
