"""The summary and the timeline of an incident."""

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
from hypothesis import HealthCheck, given, settings
from inline_snapshot import snapshot

from bot.model import Ending, Seen, Stage
from bot.voice import blocks, summary, timeline
from bot.years import Judged
from tests.core.pages import ACME, RED, at, incident, look, page, update, watched
from tests.core.witnesses import lived, probed
from tests.voice.samples import hostile
from tests.voice.slack_limits import assert_sendable

SURFACES = {s.id: s for s in ACME.surfaces}
FIRST = update("u1", api=RED)
OVER = update("u9", Stage.RESOLVED, "All is well.", 30)


def told(*looks, iid="i1"):
    """The incident and its events after these looks."""
    run = watched(*looks)
    return run[-1].world.known(iid), [e for s in run for e in s.events if e.incident == iid]


def sendable(message):
    assert_sendable(replace(message, text=blocks.fit(message.text, blocks.TEXT)))
    return unescape(message.text)


def short(said):
    """Without the verdicts' reasons, which are the verdict's to test."""
    return re.sub(r": (Hold off|Retry gently|Retry normally)\. .*", r": \1. …", said)


def summed(known, events, minutes=40):
    return sendable(summary.summary(known, "Acme", events, SURFACES, at(minutes)))


DAY = (look(1, page(incident(FIRST), api=RED)), *(look(n, page(incident(FIRST, OVER))) for n in range(31, 90)))


def test_a_summary_says_what_happened():
    assert summed(*told(*DAY)) == snapshot("""\
Acme: over
> Errors
When: first posted 2026-05-04 12:00 UTC, seen 60 s later; over 12:30 UTC (the vendor called it resolved), after 30 min.
Hit: Acme API.
Acme API: 12:01 down, 12:31 working
Verdicts given (UTC):
• Acme API: 12:01 hold off, 12:35 retry gently, 12:46 retry normally
The vendor's last words, 2026-05-04 12:30 UTC (resolved):
> All is well.
Next time, programs: Back off.
i1; every step: timeline i1\
""")


def test_a_summary_says_how_right_the_verdicts_were():
    known, events = told(*DAY)
    judged = Judged(2, 1, timedelta(minutes=34))
    said = sendable(summary.summary(known, "Acme", events, SURFACES, at(90), judged=judged))
    assert (
        "How right they were: let work through again 2 times after a hold, 1 of them too early: bad again within the"
        " hour; held for 34 min in all." in said
    )


def test_while_it_is_open_the_alert_gives_the_advice():
    assert "Back off." not in summed(*told(look(1, page(incident(FIRST), api=RED))))


def test_a_timeline_says_every_step():
    assert short(sendable(timeline.timeline(*_timeline(DAY)))) == snapshot("""\
Acme: timeline of i1 (UTC)
> Errors
2026-05-04 12:01:00 incident opened (investigating)
2026-05-04 12:01:00 update posted (investigating)
> We are looking into it.
2026-05-04 12:01:00 Acme API: down
2026-05-04 12:01:00 Hold off Acme API until 12:31 UTC (review): Acme posted investigating at 12:01 UTC; gentle after 5 min clean; half of such incidents end within 45 min more.
2026-05-04 12:31:00 update posted (resolved)
> All is well.
2026-05-04 12:31:00 incident resolved (resolved)
2026-05-04 12:31:00 Acme API: working
2026-05-04 12:31:00 Hold off Acme API until 12:35 UTC (review): the page of Acme shows it clean only since 12:30 UTC; gentle after 12:35 UTC and 2 clean looks.
2026-05-04 12:35:00 Retry Acme API gently (10%): Acme has no incident open on it since 12:31 UTC; normal after 12:46 UTC if it stays clean.
2026-05-04 12:46:00 Retry Acme API normally: the page of Acme showed no incident on it at 12:46 UTC; a new post would change it.\
""")


def _timeline(looks):
    known, events = told(*looks)
    return known, "Acme", events, SURFACES


def test_an_open_incident_that_nobody_looks_at_any_more_says_so():
    known, _ = told(look(0, page(incident(FIRST), api=RED)))
    [said] = summary.unwatched(known, at(5), at(600))
    assert said == "Nobody has looked at its page since 2026-05-04 12:05 UTC: what came after is not known."


def test_an_open_incident_says_how_long_so_far():
    assert "open for 40 min so far" in summed(*told(look(0, page(incident(FIRST), api=RED))))


def test_an_incident_over_days_says_on_which_day_it_ended():
    late = update("u9", Stage.RESOLVED, "All is well.", 60 * 30)
    assert "over 2026-05-05 18:00 UTC" in summed(*told(DAY[0], look(1801, page(incident(FIRST, late)))))


@pytest.mark.parametrize("ending", Ending)
def test_every_ending_has_its_words(ending):
    known, events = told(*DAY[:2])
    assert "over " in summed(replace(known, ending=ending), events)


def test_an_edit_shows_what_changed_in_the_timeline():
    edited = page(incident(replace(FIRST, body="The API fails.")), api=RED)
    said = sendable(timeline.timeline(*_timeline((DAY[0], look(2, edited)))))
    assert (
        "update edited: its words were edited (the vendor's time 12:00 UTC)\n> [-We are looking into it.-] {+The API fails.+}"
        in said
    )


def test_an_incident_without_events_has_a_summary_all_the_same():
    known, _ = told(*DAY)
    assert "Hit: Acme API." in summed(known, [])


def test_a_surface_that_left_the_catalogue_goes_by_its_id():
    known, events = told(*DAY)
    assert "acme-api" in sendable(summary.summary(known, "Acme", events, {}, at(40)))


@given(hostile, hostile)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_slack_takes_the_story_of_a_hostile_vendor(name, body):
    shown = incident(update("u1", body=body, api=RED), name=name)
    known, events = told(look(1, page(shown, api=RED)), look(2, page(replace(shown, name=body), api=RED)))
    summed(known, events)
    sendable(timeline.timeline(known, "Acme", events, SURFACES))


def test_a_summary_says_how_long_we_knew_before_the_page_and_what_was_seen_beside_it():
    known, events = told(*DAY)
    known = replace(known, lead=timedelta(minutes=17), suspicions=("acme-api@2026-05-04T11:43:00Z",))
    seen = [Seen("acme-api", 40, 34, 1200, 96), Seen("acme-web", 40, 0, 0, 0)]
    said = sendable(summary.summary(known, "Acme", events, SURFACES, at(40), seen=seen))
    assert "Lead: we knew 17 min before the page, by what others than the page saw." in said
    assert (
        "Beside the page, Acme API: 34 of 40 tries of our probe failed and 96 of 1,200 of our own requests failed."
        in said
    )
    assert "Beside the page, Acme Web: 0 of 40 tries of our probe failed." in said


def test_the_summary_of_a_suspicion_tells_since_when_it_fails_and_since_when_we_tell():
    done = lived(9, seen=probed(lambda minute: minute < 0))
    known = next(k for k in done[-1].world.incidents if k.incident.is_suspected)
    events = [e for s in done for e in s.events if e.incident == known.incident.id]
    assert summed(known, events, 10) == snapshot("""\
Acme: suspected
> Acme API fails by what we see ourselves, and the page shows nothing
When: failing since 2026-05-04 12:00 UTC, told 3 min later; open for 10 min so far.
Hit: Acme API.
Acme API: 12:03 partly down
Verdicts given (UTC):
• Acme API: 12:03 hold off
acme-api@2026-05-04T12:03:00Z; every step: timeline acme-api@2026-05-04T12:03:00Z\
""")


def test_the_timeline_of_a_suspicion_says_who_saw_what():
    done = lived(14, seen=probed(lambda minute: minute < 0 or minute > 8))
    known = next(k for k in done[-1].world.incidents if k.incident.is_suspected)
    events = [e for s in done for e in s.events if e.incident == known.incident.id]
    assert sendable(timeline.timeline(known, "Acme", events, SURFACES)) == snapshot("""\
Acme: timeline of acme-api@2026-05-04T12:03:00Z (UTC)
> Acme API fails by what we see ourselves, and the page shows nothing
2026-05-04 12:03:00 Acme API, suspected: our probe, from one place only (here), has failed since 12:00 UTC (HTTP 503)
2026-05-04 12:03:00 Acme API: partly down
2026-05-04 12:03:00 Hold off Acme API until 12:13 UTC (review): suspected: our probe, from one place only (here), has failed since 12:00 UTC (HTTP 503), while the page of Acme showed no incident on it at 12:03 UTC; gentle after 5 min clean.
2026-05-04 12:11:00 Acme API, suspicion cleared: what we saw ourselves has passed, and the vendor has posted nothing
2026-05-04 12:11:00 Acme API: working
2026-05-04 12:11:00 Hold off Acme API until 12:41 UTC (review): what we saw ourselves was last seen at 12:11 UTC, and the page of Acme shows no incident, and our probe has answered since 12:09 UTC; gentle after 5 min and 2 clean looks.\
""")
