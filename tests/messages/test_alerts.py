"""What a channel reads of an alert: complete in its plain text, within Slack's limits, and with no mention that fires."""

from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
from hypothesis import HealthCheck, given, settings
from inline_snapshot import snapshot

from bot.domain import (
    Advice,
    Estimate,
    Impact,
    Incident,
    IncidentEnding,
    NewsKind,
    Notice,
    NoticeKind,
    Notification,
    NotificationKind,
    Stage,
)
from bot.messages.alerts import headline, render_notification
from tests.support.phases import (
    ALL_CLEAR,
    BROADCASTS,
    NEW,
    PHASES,
    RELATED,
    REPEAT,
    RESOLVED,
    SUSPECTED,
    held,
    safe,
    slow,
)
from tests.support.samples import NOON, alerts, at, hostile, item, news, parent, reply, verdict
from tests.support.slack_limits import assert_sendable

SLOW = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def text(post):
    return unescape(render_notification(post).text)


# --- the alert --------------------------------------------------------------------------------------------------------


def test_an_alert_in_plain_text_is_complete():
    assert text(parent(NEW)) == snapshot(
        "Acme web partial outage. Don't retry: web. Retry slowly (10% load): Console, Code. Safe to retry: mobile, desktop, +4. Next update by 12:15 UTC."
    )


def shown(alert, **more):
    """What the alert's section and its small print say in plain text."""
    message = render_notification(parent(alert), **more)
    small = [
        e["text"] for a in message.attachments for b in a["blocks"] if b["type"] == "context" for e in b["elements"]
    ]
    return unescape("\n".join([message.blocks[1]["text"]["text"], *small]))


def test_an_alert_in_slack_says_what_to_do_and_in_small_print_what_the_vendor_says():
    assert shown(NEW) == snapshot("""\
:no_entry: *Don't retry:* web  ·  next update by *<!date^1777896900^{time}|12:15 UTC>*
:large_yellow_circle: *Retry slowly (10% load):* Console (from text), Code (from text)
:white_check_mark: *Safe to retry:* mobile, desktop, login, +3
:arrow_right_hook: *Use instead:* Globex web, Initech app
Acme Inc, investigating since <!date^1777896000^{time}|12:00 UTC>: <https://status.acme.example/i1|“Many requests fail on the website and in the console”>
Typical: 45 min, 9 of 10 within 4 h (63 incidents)\
""")


def test_an_alert_says_which_of_our_own_services_use_what_it_is_about():
    assert "*Used by:* Checkout, Search\n" in shown(NEW, used_by=("Checkout", "Search"))


def test_the_push_text_says_it_too():
    message = render_notification(parent(NEW), used_by=("Checkout",))
    assert message.text.endswith(" Used by Checkout.")


def test_the_name_of_an_own_service_is_only_text():
    message = render_notification(parent(NEW), used_by=("<!channel> *x*",))
    assert "<!channel>" not in message.text + message.blocks[1]["text"]["text"]


@pytest.mark.parametrize(("name", "alert"), PHASES.items(), ids=PHASES)
def test_the_headline_of_every_phase(name, alert):
    assert headline(alert) == HEADLINES[name]


HEADLINES = {
    "new": "Acme web partial outage",
    "wider": "Acme partial outage: web, login, Console, Code",
    "two statuses": "Acme outage: API; degraded: web",
    "all services": "Acme partial outage: all 9 services",
    "monitoring": "Acme recovering: fix in place",
    "resolved": "Acme recovering: resolved after 3 h 58 min",
    "all clear": "Acme operational again: safe to retry",
    "repeat": "Acme partial outage again: web, API",
    "related": "Acme degraded: web, API",
    "suspected": "Acme API: suspected outage",
    "unposted": "Acme API degraded",
    "confirmed": "Acme API partial outage",
    "probes pass": "Acme API partial outage",
    "unreadable": "Acme unknown: web, API",
    "removed": "Acme incident removed by Acme Inc",
    "maintenance planned": "Acme maintenance planned: Batch",
    "maintenance": "Acme maintenance: Batch",
    "maintenance overrunning": "Acme maintenance overrunning: Batch",
    "maintenance completed": "Acme maintenance completed: Batch",
    "maintenance removed": "Acme maintenance removed by Acme Inc",
    "one service": "Acme API degraded",
    "nothing named": "Acme incident: no service named yet",
    "mentioned": "Acme incident: Console mentioned",
    "forty services": "Acme: 3 down, 37 degraded",
    "missed": "Acme incident missed while Brownout was offline",
    "already open": "Acme web partial outage",
}


def test_an_incident_that_its_vendors_incident_took_over_says_where_it_continues():
    joined = replace(SUSPECTED, closed_at=at(30), ending=IncidentEnding.POSTED)
    assert headline(joined) == "Acme: continues in Acme Inc's incident"


def test_an_incident_that_ended_while_a_service_is_still_bad_shows_that():
    still_bad = replace(RESOLVED, lines=NEW.lines)
    assert headline(still_bad) == "Acme web partial outage"


def test_the_end_of_a_suspicion_says_that_the_vendor_posted_nothing():
    over = replace(
        SUSPECTED, closed_at=at(30), ending=IncidentEnding.UNCONFIRMED, lines=(safe("API"),), cleared_at=at(31)
    )
    assert "Acme Inc posted nothing" in shown(over)
    assert "Acme Inc has posted nothing." in text(reply(item(NewsKind.RESOLVED), over))


@pytest.mark.parametrize(
    ("lead", "is_shown"),
    [(None, False), (timedelta(0), False), (timedelta(seconds=59), False), (timedelta(seconds=60), True)],
)
def test_a_lead_over_the_page_is_shown_from_a_minute_on(lead, is_shown):
    assert ("before the status page" in shown(replace(NEW, lead=lead))) is is_shown


def test_a_repeat_says_when_the_earlier_one_was_resolved():
    assert "Repeat: the earlier one of <!date" in shown(REPEAT)
    assert "was resolved 1 h before" in shown(REPEAT)


LINK = "https://acme.slack.example/archives/C1/p1772452140000100"


def test_a_repeat_links_to_the_message_of_the_earlier_one():
    assert f"Repeat: <{LINK}|the earlier one>" in shown(REPEAT, link_url=LINK)


def test_a_related_incident_sends_people_to_the_earlier_alert():
    assert f"see <{LINK}|the earlier outage>" in shown(RELATED, link_url=LINK)


def test_the_thread_of_the_first_links_to_the_related_incident():
    message = render_notification(reply(item(NewsKind.NEXT)), link_url=LINK)
    assert f"<{LINK}|“Errors on the API”>" in str(message.blocks)


def test_an_unposted_alert_quotes_no_vendor():
    assert "“" not in shown(replace(NEW, is_unposted=True))


def test_an_alert_that_was_open_already_says_since_when_it_is_monitored():
    assert "Already open when monitoring started at <!date" in shown(replace(NEW, is_baseline=True))


def test_a_service_that_only_the_text_names_is_marked_in_the_lines_and_not_in_the_headline():
    assert "login (from text)" in shown(PHASES["wider"])
    assert "(from text)" not in headline(PHASES["wider"])


def test_the_services_with_one_advice_share_a_line_at_the_lowest_load():
    mixed = replace(NEW, lines=(slow("API", exposure=0.41), slow("Code", exposure=0.29)))
    assert ":large_yellow_circle: *Retry slowly (20% load):* API, Code" in shown(mixed)


def test_more_than_six_names_are_counted():
    assert "*Don't retry:* Edge 0, Edge 1, Edge 2, Zone 0, Zone 1, Zone 2, +34" in shown(PHASES["forty services"])


@pytest.mark.parametrize(("minutes", "is_shown"), [(5, True), (6, False)])
def test_what_is_safe_is_shown_for_five_minutes_after_the_last_good_check(minutes, is_shown):
    late = replace(NEW, as_of=at(1 + minutes), next_update=at(15))
    assert ("Safe to retry" in shown(late)) is is_shown


@pytest.mark.parametrize(
    ("n", "basis"), [(0, "incidents of all vendors"), (19, "incidents of all vendors"), (20, "20 incidents")]
)
def test_the_typical_duration_names_its_incidents(n, basis):
    estimate = Estimate(
        "i1", at(3), timedelta(0), timedelta(minutes=44), timedelta(hours=2), timedelta(minutes=243), n=n
    )
    assert f"Typical: 45 min, 9 of 10 within 4 h ({basis})" in shown(replace(NEW, estimate=estimate))


def test_a_time_of_another_day_has_its_date():
    old = replace(NEW, stage_at=at(-3000))
    assert "{date_short_pretty} {time}|2 May 10:00 UTC>" in shown(old)


def test_an_edit_draws_the_same_message():
    assert render_notification(parent(kind=NotificationKind.EDIT)) == render_notification(parent())


@pytest.mark.hostile(12)
@given(alerts())
@SLOW
def test_slack_takes_every_alert(alert):
    assert_sendable(render_notification(parent(alert), link_url=LINK))


@given(alerts())
@SLOW
def test_every_alert_is_within_its_lengths(alert):
    message = render_notification(parent(alert))
    assert len(headline(alert)) <= 60
    assert 1 <= len(message.blocks[1]["text"]["text"].splitlines()) <= 5
    assert len(message.text) <= 600 + 10 * message.text.count("&")


# --- replies ----------------------------------------------------------------------------------------------------------


def test_an_update_is_quoted():
    assert text(reply(item(quote="Found it."))) == snapshot("""\
Acme, identified (12:05 UTC):
“Found it.”\
""")


def test_an_edit_is_a_diff():
    edited = item(NewsKind.EDITED, before="Some users fail.", quote="All users fail.", change="its words were edited")
    assert text(reply(edited)) == snapshot("""\
Acme changed an earlier post (its words were edited).
Before: “Some users fail.”
Now:
“All users fail.”\
""")


def test_an_update_without_words_says_that_it_has_none():
    assert "(no text)" in text(reply(item(quote="")))


def test_the_end_says_how_long_and_what_is_not_yet_safe():
    assert text(reply(item(NewsKind.RESOLVED, NewsKind.UPDATE, quote="Over."), RESOLVED)) == snapshot("""\
Acme Inc resolved this after 3 h 58 min. Recovering: web, Console, API, Code, login, Files. Next update by 16:00 UTC.

Acme Inc, identified (12:05 UTC):
“Over.”\
""")


def test_the_first_reply_says_why_and_what_to_do():
    assert text(reply(item(NewsKind.WHY, NewsKind.UPDATE, quote="Errors."), NEW)) == snapshot("""\
Why: Acme, 12:01 UTC
• web: don't retry. Shown on Acme's page since 12:00 UTC. 10% load after 5 min without errors.
• Console, Code: retry slowly (10% load). Shown on Acme's page since 12:00 UTC. 10% load after 5 min without errors.
What to do · People: Save your text; don't resend it. · Programs: Queue the work. Console, Code: 10% of normal load, backoff with jitter, 3 attempts.

Acme Inc, identified (12:05 UTC):
“Errors.”\
""")


@pytest.mark.parametrize(("name", "broadcast"), BROADCASTS.items(), ids=BROADCASTS)
def test_a_broadcast_in_words(name, broadcast):
    alert, news_item = broadcast
    assert text(reply(news_item, alert)) == BROADCAST_TEXTS[name]


BROADCAST_TEXTS = snapshot(
    {
        "wider": "Acme: login is now also down. Don't retry: login, Console, Code. API, Files: you can retry slowly (10% load). Next update by 12:30 UTC.",
        "reopened": "Acme: open again. Don't retry: web, login, Console, Code. Next update by 12:30 UTC.",
        "lowered": "Acme API: don't retry any more. Acme Inc's statement expired and the incident is still open. Next update by 12:30 UTC.",
        "all services": "Acme: mobile, desktop, login, Console, API, Code, +2 are now also down. Don't retry: mobile, desktop, login, Console, API, Code, +2. Next update by 12:30 UTC.",
        "raised": "Acme: you can retry slowly (20% load): login, Files. Full load from 16:15 UTC if stable.",
        "reminder": "Acme partial outage, still open after 20 min: web, login, Console, Code. Don't retry. Next update by 12:30 UTC. Acknowledge or mute to stop reminders.",
        "removed": "Acme Inc removed this incident from its status page. Safe to retry: all services.",
        "all clear": "Acme operational again. Safe to retry: all 6 services. Outage 3 h 58 min.",
        "forty": "Acme: Zone 0, Zone 1, Zone 2, Zone 3, Zone 4, Zone 5, +31 are now also degraded. Don't retry: Zone 0, Zone 1, Zone 2, Zone 3, Zone 4, Zone 5, +31. Next update by 12:15 UTC.",
        "worse": "Acme outage now: API. Don't retry: API. Next update by 12:30 UTC.",
        "maintenance started": "Acme maintenance started: Batch. Don't retry: Batch. Planned end 13:00 UTC.",
    }
)


def test_what_was_named_before_and_breaks_now_is_down_again():
    told = item(NewsKind.WIDENED, wider=("API",), anew=("API",), verdicts=(("API", verdict()),))
    wide = replace(NEW, lines=(held("web"), held("API")))
    assert text(reply(told, wide)).startswith("Acme: API is down again. Don't retry: API.")


def test_the_first_service_that_is_named_is_the_headline():
    told = item(NewsKind.WIDENED, wider=("web",), verdicts=(("web", verdict()),))
    assert text(reply(told, replace(NEW, lines=(held("web"),)))).startswith("Acme web partial outage.")


def test_a_suspicion_that_the_page_shows_now_is_said_with_its_lead():
    known = replace(NEW, lead=timedelta(minutes=17))
    assert text(reply(item(NewsKind.CONFIRMED), known)) == (
        "Acme Inc confirmed this at 12:00 UTC, 17 min after the first alert here."
    )


def test_a_note_is_quoted_with_its_author():
    assert text(reply(item(NewsKind.NOTE, quote="Switched.", by="Ada"))) == "Ada added a note:\n“Switched.”"


def test_every_kind_of_news_has_its_words():
    for kind in NewsKind:
        assert_sendable(
            render_notification(
                reply(item(kind, wider=("Acme Web",), verdicts=(("Acme API", verdict()),), quote="x", change="y"))
            )
        )


@given(news(), alerts())
@SLOW
def test_slack_takes_every_reply(told, alert):
    assert_sendable(render_notification(reply(told, alert)))


# --- notices ----------------------------------------------------------------------------------------------------------


def notice(kind=NoticeKind.BLIND, **more):
    base = Notice(kind, "acme", "Acme", "k", at(30), "https://status.acme.example", NOON, "no answer in 10 s")
    return Notification("C1", NotificationKind.NOTICE, "k", replace(base, **more))


def incident(name="Errors"):
    return Incident("i1", name, Stage.IDENTIFIED, Impact.MAJOR, NOON)


def test_an_unreadable_page_is_unknown_and_says_why():
    about = {"services": 9, "checked_at": at(-3)}
    assert text(notice(**about)) == (
        "Acme unknown: status page unreadable. Unknown: all 9 services · last good check 11:57 UTC."
        " status.acme.example: no answer in 10 s."
    )
    assert text(notice(**about, is_network=True)).endswith("no answer in 10 s. This may be our network.")


def test_a_page_that_was_never_read_is_unknown_since_the_first_check():
    assert "Unknown: all 9 services · since 12:00 UTC." in text(notice(services=9))


def test_a_readable_page_says_for_how_long_it_was_not_and_what_is_safe():
    verdicts = tuple((name, verdict(call=Advice.RETRY_NORMALLY)) for name in ("web", "API"))
    assert text(notice(NoticeKind.BACK, services=2, verdicts=verdicts)) == (
        "Acme status page readable again after 30 min. Safe to retry: all 2 services."
    )
    some = (*verdicts, ("login", verdict(call=Advice.RETRY_GENTLY, exposure=0.1)), ("Code", verdict()))
    assert text(notice(NoticeKind.BACK, services=4, verdicts=some)) == (
        "Acme status page readable again after 30 min. Retry slowly (10% load): login. Safe to retry: web, API."
    )


def test_the_owner_is_told_what_fails_and_what_may_be_done():
    alarm = notice(NoticeKind.ALARM, why="no answer in 10 s")
    assert text(alarm) == snapshot(
        "Acme: no data for 30 min. Status page unreadable (no answer in 10 s). Its services show as unknown. Check the network or the URL in acme.toml."
    )


def test_the_owner_is_told_that_it_is_over():
    assert text(notice(NoticeKind.WELL)) == snapshot("Acme: data again after 30 min.")


def test_the_digest_names_what_is_open():
    assert text(notice(NoticeKind.BASELINE, open=(incident(),))) == snapshot("""\
Acme: 1 incident was already open when monitoring started
• Errors (identified since 12:00 UTC)\
""")


def test_a_long_digest_says_how_many_more():
    assert text(notice(NoticeKind.BASELINE, open=(incident(),) * 25)).endswith("+5 more")


@given(hostile)
@SLOW
def test_slack_takes_every_notice(words_):
    for kind in NoticeKind:
        assert_sendable(render_notification(notice(kind, why=words_, open=(incident(words_),) * 25)))


@pytest.mark.parametrize(
    ("openings", "early", "shown"),
    [(4, 0, "Retry advice: 4 re-openings, 0 too early"), (1, 1, "Retry advice: 1 re-opening, 1 too early")],
)
def test_the_all_clear_has_the_advice_record(openings, early, shown):
    done = replace(ALL_CLEAR, openings=openings, early_openings=early)
    assert shown in str(render_notification(parent(done)).attachments)


def test_without_re_openings_the_all_clear_has_no_advice_record():
    assert "Retry advice" not in str(render_notification(parent(ALL_CLEAR)).attachments)
