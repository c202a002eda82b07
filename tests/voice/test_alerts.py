"""What a channel reads of an alert: complete in its plain text, within Slack's limits, and with no mention that fires."""

from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
from hypothesis import HealthCheck, given, settings
from inline_snapshot import snapshot

from bot.model import (
    Call,
    Condition,
    Ending,
    Estimate,
    Impact,
    Incident,
    News,
    Notice,
    NoticeKind,
    Post,
    PostKind,
    Stage,
)
from bot.voice import words
from bot.voice.alerts import headline, render
from tests.voice.samples import ALERT, NOON, OVER, alerts, at, hostile, item, line, news, parent, reply, verdict
from tests.voice.slack_limits import assert_sendable

SLOW = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def text(post):
    return unescape(render(post).text)


# --- the parent -------------------------------------------------------------------------------------------------------


def test_an_alert_in_plain_text_is_complete():
    assert text(parent()) == snapshot("""\
Acme: Acme API down
“Errors on the API”
● Acme API: down. Hold off: it is down.
investigating; posted 2026-05-04 12:00 UTC, seen 2 min later; 1 update. https://status.acme.example/i1\
""")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "Acme: Acme API down"),
        ({"lines": (line(), line("Acme Web", Condition.DEGRADED))}, "Acme: Acme API down, Acme Web degraded"),
        ({"lines": (line(condition=Condition.OPERATIONAL),)}, "Acme: investigating, Acme API"),
        ({"lines": ()}, "Acme: investigating, no surface is named yet"),
        ({"is_unposted": True}, "Acme: Acme API down, and no incident is posted"),
        ({"is_unposted": True, "is_suspected": True}, "Acme: Acme API down, suspected: the page shows nothing"),
        (
            {"stage": Stage.IN_PROGRESS, "lines": (line(condition=Condition.MAINTENANCE),)},
            "Acme: in progress, Acme API",
        ),
    ],
)
def test_the_headline_of_an_open_alert_says_it_in_words(change, said):
    assert headline(replace(ALERT, **change)) == said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "Acme: over, Acme API"),
        ({"lines": ()}, "Acme: over, no surface was named"),
        ({"lines": ALERT.lines}, "Acme: called over, and Acme API still down"),
        ({"ending": Ending.WITHDRAWN}, "Acme: withdrawn by the vendor"),
        ({"ending": Ending.POSTED, "is_unposted": True}, "Acme: now an incident of the vendor, Acme API"),
        ({"ending": Ending.CLEARED, "is_unposted": True}, "Acme: over, Acme API"),
    ],
)
def test_the_headline_of_an_alert_that_is_over_says_how(change, said):
    assert headline(replace(OVER, **change)) == said


SUSPECTED = replace(
    ALERT,
    is_unposted=True,
    is_suspected=True,
    title="Acme API fails by what we see ourselves, and the page shows nothing",
    seen_at=at(3),
    updates=0,
    lines=(line("Acme API", Condition.PARTIAL_OUTAGE, verdict(reason="Hold off: suspected, our probe has failed.")),),
)


def test_a_suspicion_in_plain_text_says_that_it_is_one():
    assert text(parent(SUSPECTED)) == snapshot("""\
Acme: Acme API partly down, suspected: the page shows nothing
◑ Acme API: partly down. Hold off: suspected, our probe has failed.
failing since 2026-05-04 12:00 UTC, suspected since 2026-05-04 12:03 UTC. https://status.acme.example/i1\
""")


def test_the_end_of_a_suspicion_says_that_the_vendor_posted_nothing():
    over = replace(SUSPECTED, closed_at=at(30), ending=Ending.UNCONFIRMED)
    assert "what we saw ourselves has passed. The vendor has posted nothing." in text(reply(item(News.RESOLVED), over))


def test_an_incident_that_was_suspected_says_how_long_before():
    assert "We knew 17 min before the page." in text(parent(replace(ALERT, lead=timedelta(minutes=17))))


@pytest.mark.parametrize("lead", [None, timedelta(0), timedelta(seconds=59)])
def test_a_lead_of_nothing_is_not_boasted_of(lead):
    assert "We knew" not in text(parent(replace(ALERT, lead=lead)))


def test_a_lead_of_a_minute_is_said():
    assert "We knew 60 s before the page." in text(parent(replace(ALERT, lead=timedelta(seconds=60))))


def test_what_was_suspected_and_is_shown_now_is_said_with_the_lead():
    known = replace(ALERT, lead=timedelta(minutes=17))
    assert "The page shows it now. We knew 17 min before the page." in text(reply(item(News.CONFIRMED), known))


def test_what_is_broadcast_of_a_trouble_of_ours_quotes_no_title():
    loud = replace(item(News.REOPENED), broadcast=True)
    assert ["“" in text(reply(loud, alert)) for alert in (ALERT, SUSPECTED)] == [True, False]


def test_what_fails_again_while_the_page_shows_nothing_is_said_so():
    assert "It fails again by what we see ourselves" in text(reply(item(News.REOPENED), SUSPECTED))


def test_a_repeat_says_so():
    again = replace(ALERT, again_after=timedelta(minutes=3))
    assert "Again, 3 min after the last one was called resolved." in text(parent(again))


def test_what_outlasts_the_end_of_the_last_one_is_no_repeat_after_no_time():
    outlasts = replace(ALERT, again_after=timedelta(0))
    assert "It was not over when the last one was called resolved." in text(parent(outlasts))


LINK = "https://acme.slack.example/archives/C1/p1772452140000100"


def test_a_repeat_links_to_the_message_of_the_last_one():
    message = render(parent(replace(ALERT, again_after=timedelta(minutes=3))), linked=LINK)
    assert f"after <{LINK}|the last one> was called resolved." in str(message.blocks)
    assert f"after the last one ({LINK}) was called resolved." in message.text


def test_another_incident_of_an_episode_links_to_the_alert_before():
    assert f"Of one episode with <{LINK}|the alert before>." in str(render(parent(), linked=LINK).blocks)


def test_the_thread_of_the_first_links_to_what_goes_on():
    message = render(reply(item(News.NEXT)), linked=LINK)
    assert f"<{LINK}|That message>" in str(message.blocks)
    assert LINK in message.text


def test_what_is_not_known_to_be_hit_and_is_safe_is_not_told():
    safe = line("Acme Web", Condition.OPERATIONAL, verdict(call=Call.RETRY_NORMALLY, exposure=1.0))
    assert "Not known to be hit" not in text(parent(replace(ALERT, watched=(safe,))))


def test_what_is_not_known_to_be_hit_is_told_apart():
    careful = replace(
        ALERT, watched=(line("Acme Web", Condition.OPERATIONAL, verdict(call=Call.RETRY_GENTLY, exposure=0.1)),)
    )
    assert "Not known to be hit, and not safe to retry normally: Acme Web (retry gently (10%))." in text(
        parent(careful)
    )


def test_an_unposted_alert_quotes_no_vendor():
    assert "“" not in text(parent(replace(ALERT, is_unposted=True)))


def test_what_to_do_meanwhile_is_told_while_it_is_broken():
    told = replace(ALERT, lines=(line(people="Wait.", programs="Back off."),))
    assert text(parent(told)).count("People: Wait.\nPrograms: Back off.") == 1


def test_what_to_do_meanwhile_is_not_told_when_it_is_over():
    assert "Wait." not in text(parent(replace(OVER, lines=(line(people="Wait."),))))


def test_a_post_from_the_future_is_not_seen_before_it_was_made():
    assert "seen 0 s later" in text(parent(replace(ALERT, posted_at=at(30))))


def test_surfaces_that_stand_alike_share_a_line():
    alike = (line(), line("Acme Web"), line("Acme Login", Condition.DEGRADED))
    assert "● Acme API and Acme Web: down. Hold off: it is down.\n◔ Acme Login: degraded." in text(
        parent(replace(ALERT, lines=alike))
    )


def test_surfaces_that_stand_alike_for_other_reasons_have_a_line_each():
    lines = (line(), line("Acme Web", says=verdict("acme-web", reason="Hold off Acme Web: it needs the login.")))
    assert "● Acme API: down. Hold off: it is down.\n● Acme Web: down. Hold off: it needs the login." in text(
        parent(replace(ALERT, lines=lines))
    )


def test_a_time_is_the_readers_own_once_and_in_no_other_zone_beside_it():
    small = next(b["elements"][0]["text"] for b in render(parent()).blocks if b["type"] == "context")
    assert small.startswith("investigating; posted <!date^1777896000^{date_short_pretty} {time}|2026-05-04 12:00 UTC>,")
    assert small.count("UTC") == 1


def test_an_edit_draws_the_same_message():
    assert render(parent(kind=PostKind.EDIT)) == render(parent())


@pytest.mark.hostile(12)
@given(alerts())
@SLOW
def test_slack_takes_every_alert(alert):
    assert_sendable(render(parent(alert), linked=LINK))


@given(alerts())
@SLOW
def test_the_plain_text_names_every_surface_condition_and_verdict(alert):
    told = text(parent(alert))
    for one in alert.lines:
        stands = f": {words.CONDITIONS[one.condition]}"
        assert any(one.name in line and stands in line for line in told.splitlines())
        assert one.verdict.reason in told or words.call(one.verdict) in told


@pytest.mark.hostile(13)
@given(alerts())
@SLOW
def test_what_was_cut_says_so(alert):
    message = render(parent(alert))
    if len(alert.title) > 300 and not alert.is_unposted:
        assert "… (cut)" in message.text


# --- replies ----------------------------------------------------------------------------------------------------------


def test_an_update_is_quoted():
    assert text(reply(item(quote="Found it."))) == snapshot("""\
Acme, 12:05 UTC. The vendor, identified:
“Found it.”\
""")


def test_an_edit_is_a_diff():
    edited = item(News.EDITED, before="Some users fail.", quote="All users fail.", change="its words were edited")
    assert text(reply(edited)) == snapshot("""\
Acme, 12:05 UTC. The vendor edited an earlier post (its words were edited):
before: “Some users fail.”
now:
“All users fail.”\
""")


def test_an_update_without_words_says_that_it_has_none():
    assert "(no text)" in text(reply(item(quote="")))


def test_the_end_says_how_long_and_what_is_not_yet_safe():
    assert text(reply(item(News.RESOLVED, News.UPDATE, quote="Over."), OVER)) == snapshot("""\
Acme, 12:05 UTC. Called resolved 40 min after the first post. Not yet safe to retry normally: Acme API.
The vendor, identified:
“Over.”\
""")


def test_the_end_of_an_unposted_trouble_is_not_called_resolved():
    cleared = replace(OVER, is_unposted=True, ending=Ending.CLEARED)
    told = text(reply(item(News.RESOLVED), cleared))
    assert "Over after 40 min: its component is no longer bad. The vendor has posted nothing." in told


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (News.WITHDRAWN, "Withdrawn: the vendor deleted this incident from its page."),
        (News.REOPENED, "Open again: the vendor lists it once more."),
        (News.WIDENED, "Wider: now also Acme Web."),
        (News.VERDICT, "Acme API: hold off: it is down."),
    ],
)
def test_our_own_news_in_words(kind, said):
    wide = replace(ALERT, lines=(line(), line("Acme Web")))
    told = item(kind, wider=("Acme Web",), verdicts=(("Acme API", verdict()),))
    assert text(reply(told, wide)) == f"Acme, 12:05 UTC. {said}"


def test_the_first_surface_that_is_named_is_no_widening():
    assert "Now named: Acme API." in text(reply(item(News.WIDENED, wider=("Acme API",))))


def test_what_was_named_before_and_breaks_now_is_no_widening():
    wide = replace(ALERT, lines=(line(), line("Acme Web", Condition.PARTIAL_OUTAGE)))
    told = text(reply(item(News.WIDENED, wider=("Acme Web",), anew=("Acme Web",)), wide))
    assert told == "Acme, 12:05 UTC. Now: Acme Web partly down."


def test_what_is_wider_and_breaks_anew_says_both():
    wide = replace(ALERT, lines=(line(), line("Acme Web"), line("Acme Login")))
    told = text(reply(item(News.WIDENED, wider=("Acme Login", "Acme Web"), anew=("Acme Web",)), wide))
    assert told.endswith("Wider: now also Acme Login. Now: Acme Web down.")


def test_every_kind_of_news_has_its_words():
    for kind in News:
        assert_sendable(
            render(reply(item(kind, wider=("Acme Web",), verdicts=(("Acme API", verdict()),), quote="x", change="y")))
        )


@given(news(), alerts())
@SLOW
def test_slack_takes_every_reply(told, alert):
    assert_sendable(render(reply(told, alert)))


@given(news())
@SLOW
def test_a_reply_says_its_verdicts_in_plain_text(told):
    assert all(f"{v.because}." in text(reply(told)) for _, v in told.verdicts)


# --- notices ----------------------------------------------------------------------------------------------------------


def notice(kind=NoticeKind.BLIND, **more):
    base = Notice(kind, "acme", "Acme", "k", at(30), "https://status.acme.example", NOON, "no answer in 10 s")
    return Post("C1", PostKind.NOTICE, "k", replace(base, **more))


def incident(name="Errors"):
    return Incident("i1", name, Stage.IDENTIFIED, Impact.MAJOR, NOON)


def test_a_blind_source_says_nothing_of_the_provider():
    assert text(notice()) == snapshot(
        "Blind: https://status.acme.example can't be read since 12:00 UTC (no answer in 10 s). That says nothing about Acme itself; its verdicts turn to unknown."
    )


def test_a_source_that_is_back_says_for_how_long_it_was_not():
    assert text(notice(NoticeKind.BACK)) == snapshot(
        "Back: https://status.acme.example can be read again, after 30 min."
    )


def test_the_owner_is_told_what_fails_and_what_may_be_done():
    alarm = notice(NoticeKind.ALARM, why="30 looks in a row failed, the last: no answer in 10 s")
    assert text(alarm) == snapshot(
        "No usable data of Acme since 2026-05-04 12:00 UTC: 30 looks in a row failed, the last: no answer in 10 s. Its surfaces are unknown until https://status.acme.example can be read again, or its provider file names another page. `/brownout sources` shows every source."
    )


def test_the_owner_is_told_that_it_is_over():
    assert text(notice(NoticeKind.WELL)) == snapshot(
        "Acme gives usable data again, after 30 min: https://status.acme.example can be read."
    )


def test_the_digest_names_what_is_open():
    assert text(notice(NoticeKind.BASELINE, open=(incident(),))) == snapshot("""\
First look at Acme: 1 open on its page. Nothing of this is new.
• Errors (identified, since 2026-05-04 12:00 UTC)\
""")


def test_a_long_digest_says_how_many_more():
    assert text(notice(NoticeKind.BASELINE, open=(incident(),) * 25)).endswith("… and 5 more")


@given(hostile)
@SLOW
def test_slack_takes_every_notice(words_):
    for kind in NoticeKind:
        assert_sendable(render(notice(kind, why=words_, open=(incident(words_),) * 25)))


def test_what_is_broadcast_to_the_channel_names_its_incident():
    told = replace(item(News.REOPENED), broadcast=True)
    assert text(reply(told)).startswith("Acme, “Errors on the API”, 12:05 UTC.")


def test_surfaces_with_the_same_verdict_share_a_line():
    told = item(News.VERDICT, verdicts=(("Acme API", verdict()), ("Acme Web", verdict())))
    assert "Acme API and Acme Web: hold off: it is down." in text(reply(told))


def test_the_first_estimate_stands_in_the_alert_with_its_record():
    estimate = Estimate(
        "i1", at(3), timedelta(minutes=3), timedelta(minutes=45), timedelta(hours=2), timedelta(hours=4)
    )
    shown = replace(ALERT, estimate=estimate, record="13 of the last 16 ended within the 9-in-10 time")
    assert (
        "First estimate, 12:03 UTC: half of such incidents were over within 45 min from then, 9 of 10 within 4 h."
        " 13 of the last 16 ended within the 9-in-10 time."
    ) in text(parent(shown))
