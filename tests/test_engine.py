"""The two transitions, with a web and a chat of ten lines and the real store in a file."""

import json
from contextlib import closing
from datetime import time, timedelta
from itertools import chain

import pytest

from bot.domain import (
    ChannelPreferences,
    EvidenceBatch,
    Notice,
    NoticeKind,
    Notification,
    NotificationKind,
    ProbeResult,
    QuietHours,
    RequestOutcomes,
    Subscription,
    UserReport,
    VerdictParameters,
)
from bot.engine import Engine
from bot.errors import DeliveryError, RefusalScope, SourceError, StoreError
from bot.notifier import MAX_WAIT
from bot.storage import Repository
from tests.support.acme import ACME, NOON
from tests.support.fake_fetcher import FakeResponse
from tests.support.pages import DOWN, incident, page, update
from tests.support.stores import place

pytestmark = pytest.mark.anyio

FOUND = update(2, "identified", "Found it.", NOON + timedelta(minutes=1))
STILL = page(incident(update(api="major_outage"), FOUND), api="major_outage")
OVER = incident(update(api="major_outage"), update(3, "resolved", "Over.", NOON + timedelta(minutes=2)))
RESOLVED = page(OVER)
RESOLVED_ALONE = json.dumps({"page": {"id": "acmepage", "name": "Acme"}, "incident": OVER}).encode()


@pytest.fixture
def repository(repository):
    repository.subscribe(Subscription("C1", "acme", created_at=NOON))
    return repository


@pytest.fixture
def start(web, chat, repository, clock):
    return lambda **more: Engine({"acme": ACME}, web, repository, chat, clock, lambda _: VerdictParameters(), **more)


@pytest.fixture
def engine(start):
    return start()


@pytest.fixture
def show(engine, web, clock):
    """A poll of each body, a minute apart; the last transition."""

    async def looks(*bodies):
        for body in bodies:
            web.show(body)
            change = await engine.poll("acme")
            clock.move(minutes=1)
        return change

    return looks


def kinds(change):
    return [str(e.kind) for e in change.events if e.kind not in ("surface_changed", "verdict_changed")]


def outcomes(repository):
    return [row["outcome"] for row in repository._db.rows("SELECT outcome FROM observations ORDER BY id")]


def refused(code="ratelimited", **more):
    return DeliveryError(code, code=code, **more)


class Reading:
    """Keeps the texts that it is asked to read ahead."""

    def __init__(self):
        self.texts = []

    async def read(self, texts, _):
        self.texts += texts


def long_incident(count):
    posts = [
        update(n, body=f"{n}: {'The API is slow. ' * 20}", at=NOON - timedelta(minutes=60 - n)) for n in range(count)
    ]
    return page(incident(*posts), api="major_outage")


# --- poll -------------------------------------------------------------------------------------------------------------


async def test_a_transition_is_recorded_before_it_is_the_engines_own(show, repository, engine):
    await show(page(), DOWN)
    assert repository.provider_state("acme") == engine.states["acme"]


async def test_a_poll_sends_nothing(show, chat):
    await show(page(), DOWN)
    assert chat.said == []


async def test_a_poll_records_what_the_channels_are_owed(show, repository):
    await show(page(), DOWN)
    assert repository.pending_channels() == ("C1",)


@pytest.mark.parametrize("bad", [SourceError("HTTP 500", code="http_500"), b"{}x", b"<html>", b"[]"])
async def test_a_page_that_can_not_be_read_is_blindness(show, bad):
    change = await show(page(), bad)
    assert kinds(change) == ["source_blind"]


async def test_who_runs_the_bot_is_owed_an_alarm_once_also_over_a_restart(start, web, clock, repository):
    web.show(SourceError("gone", code="http_404"))
    for _ in range(3):
        engine = start(alarm_after=5, owners=lambda: ["U1"])
        for _ in range(4):
            await engine.poll("acme")
            clock.move(minutes=1)
    found = repository._db.rows("SELECT channel, key FROM outbox WHERE key LIKE '%alarm%'")
    assert [(r["channel"], r["key"]) for r in found] == [("U1", "acme:alarm:2026-03-02T12:00:00+00:00")]


async def test_blindness_keeps_why_and_when_to_come_back(show):
    change = await show(page(), SourceError("slow down", code="http_429", retry_after=120))
    assert (change.poll_failure.code, change.poll_failure.retry_after) == ("http_429", 120)


async def test_a_page_that_is_no_json_is_called_unparsable(show, repository):
    await show(page(), b"{}x")
    assert outcomes(repository) == ["changed", "unparsable"]


async def test_a_page_that_can_be_read_again_is_back(show):
    change = await show(page(), SourceError("HTTP 500", code="http_500"), page())
    assert kinds(change) == ["source_back"]


async def test_after_a_failed_poll_the_whole_page_is_asked_for(show, web):
    await show(FakeResponse(page(), etag="e1"), SourceError("HTTP 500", code="http_500"), page())
    assert [etag for _, etag in web.asked] == [None, "e1", None]


async def test_the_next_poll_asks_with_the_pages_etag(show, web):
    await show(FakeResponse(page(), etag="e1"), FakeResponse(not_modified=True))
    assert [etag for _, etag in web.asked] == [None, "e1"]


async def test_an_answer_of_not_modified_is_the_same_page(show, repository):
    await show(FakeResponse(DOWN, etag="e1"), FakeResponse(not_modified=True))
    assert outcomes(repository) == ["changed", "same"]


async def test_not_modified_keeps_the_etag(show, web):
    await show(FakeResponse(page(), etag="e1"), FakeResponse(not_modified=True), FakeResponse(not_modified=True))
    assert web.asked[-1][1] == "e1"


async def test_a_page_without_etag_is_not_asked_for_with_the_one_before(show, web):
    await show(FakeResponse(page(), etag="e1"), FakeResponse(DOWN), page())
    assert web.asked[-1][1] is None


async def test_not_modified_to_a_first_question_is_blindness(show):
    change = await show(FakeResponse(not_modified=True))
    assert kinds(change) == ["source_blind"]


async def test_the_same_bytes_are_not_parsed_again(show, engine):
    await show(DOWN)
    first = engine.poller.cache["acme"].snapshot
    await show(DOWN)
    assert engine.poller.cache["acme"].snapshot is first


async def test_the_same_page_after_a_restart_is_no_news_and_no_change(show, start, repository):
    await show(page(), DOWN)
    change = await start().poll("acme")
    assert (kinds(change), outcomes(repository)) == ([], ["changed", "changed", "same"])


async def test_what_happened_while_the_bot_was_down_is_news(show, start, web):
    await show(page())
    web.show(DOWN)
    assert "incident_opened" in kinds(await start().poll("acme"))


async def test_an_incident_that_left_the_page_is_asked_for_its_last_words(show, web):
    web.show(RESOLVED_ALONE, "/api/v2/incidents/inc1.json")
    change = await show(page(), DOWN, page())
    assert "incident_resolved" in kinds(change)


async def test_an_incident_whose_page_is_gone_was_withdrawn(show, web):
    older = incident(update(9, "resolved", at=NOON - timedelta(days=9)), number=9)
    web.show(page(older), "/api/v2/incidents.json")
    change = await show(page(), DOWN, page())
    assert kinds(change) == ["incident_withdrawn"]


async def test_an_incident_is_not_withdrawn_because_its_page_and_the_list_of_all_are_empty_for_a_while(show, web):
    web.show(page(), "/api/v2/incidents.json")
    seen = [kinds(await show(body)) for body in (page(), *[DOWN, page()] * 10)]
    assert not {"incident_withdrawn", "incident_reopened", "incident_resolved"} & set(chain.from_iterable(seen))


async def test_an_incident_that_can_not_be_asked_stays_open_and_is_asked_again(show, web):
    web.show(SourceError("HTTP 500", code="http_500"), "/api/v2/incidents/inc1.json")
    change = await show(page(), DOWN, page())
    assert kinds(change) == []
    web.show(RESOLVED_ALONE, "/api/v2/incidents/inc1.json")
    assert "incident_resolved" in kinds(await show(page()))


async def test_a_transition_that_can_not_be_recorded_happens_at_the_next_poll(show, engine, repository, web):
    await show(FakeResponse(page(), etag="e1"))
    web.show(DOWN)
    good, repository.record_transition = repository.record_transition, broken
    with pytest.raises(StoreError):
        await engine.poll("acme")
    repository.record_transition = good
    assert "incident_opened" in kinds(await engine.poll("acme"))


async def test_the_body_of_a_transition_that_could_not_be_recorded_is_kept_at_the_next_poll(
    show, engine, repository, web
):
    await show(page())
    web.show(DOWN)
    good, repository.record_transition = repository.record_transition, broken
    with pytest.raises(StoreError):
        await engine.poll("acme")
    repository.record_transition = good
    await engine.poll("acme")
    assert outcomes(repository) == ["changed", "changed"]


def broken(*_):
    raise StoreError("the disk is full")


# --- time -------------------------------------------------------------------------------------------------------------


async def test_time_alone_changes_verdicts(show, engine, clock):
    await show(page(), DOWN, RESOLVED)
    clock.move(minutes=20)
    events = [e for change in engine.advance_time() for e in change.events]
    assert {str(e.kind) for e in events} == {"verdict_changed"}


async def test_time_before_the_first_poll_changes_nothing(engine, clock):
    clock.move(hours=2)
    assert engine.advance_time() == ()


async def test_time_that_changes_nothing_is_not_recorded(show, engine, repository):
    await show(page())
    before = repository.provider_state("acme")
    assert (engine.advance_time(), repository.provider_state("acme")) == ((), before)


async def test_as_time_passes_the_polls_that_changed_nothing_are_written(show, engine, clock, tmp_path):
    await show(*[page()] * 20)
    await engine.poll("acme")
    clock.move(seconds=1)
    await engine.poll("acme")
    engine.advance_time()
    with closing(Repository.open(place(tmp_path / "b.db"), read_only=True)) as reader:
        assert reader.provider_state("acme").seen_at == clock()


async def test_time_that_changes_no_call_moves_the_verdicts_all_the_same(show, engine, clock):
    await show(page(), DOWN)
    clock.move(minutes=1)
    assert (engine.advance_time(), engine.states["acme"].verdict("acme-api").as_of) == ((), clock())


async def test_a_quarter_of_an_hour_without_news_is_recorded(show, engine, repository, clock):
    await show(page())
    clock.move(minutes=15)
    engine.advance_time()
    assert repository.provider_state("acme") == engine.states["acme"]


@pytest.mark.parametrize(
    ("bodies", "busy"),
    [
        ([page()], False),
        ([page(), DOWN], True),
        ([page(api="degraded_performance")], True),
        ([SourceError("HTTP 500", code="http_500")], False),
    ],
)
async def test_looks_are_frequent_while_there_is_trouble(show, engine, bodies, busy):
    await show(*bodies)
    assert engine.needs_frequent_polls("acme") is busy


async def test_a_maintenance_that_is_only_planned_is_no_trouble(show, engine):
    planned = {
        **incident(update(status="scheduled")),
        "scheduled_for": "2026-03-09T12:00:00Z",
        "scheduled_until": "2026-03-09T13:00:00Z",
    }
    body = page().replace(
        b'"scheduled_maintenances": []', b'"scheduled_maintenances": [' + json.dumps(planned).encode() + b"]"
    )
    await show(page(), body)
    assert (len(engine.states["acme"].open_incidents), engine.needs_frequent_polls("acme")) == (1, False)


# --- witness ----------------------------------------------------------------------------------------------------------


async def test_what_others_saw_survives_a_restart(show, engine, start):
    await show(page())
    engine.apply_evidence(
        "acme",
        EvidenceBatch(
            probes=(ProbeResult("acme-api", NOON, ok=True),),
            reports=(UserReport("acme-api", "ana", NOON),),
            outcomes=(RequestOutcomes("acme-api", NOON, NOON, 10),),
        ),
    )
    [said] = start().states["acme"].testimonies
    assert (len(said.sights), len(said.voices), len(said.tallies)) == (1, 1, 1)


async def test_evidence_of_nothing_that_is_watched_changes_nothing(engine):
    assert engine.apply_evidence("acme", EvidenceBatch(probes=(ProbeResult("other", NOON, ok=False),))) is None


async def test_evidence_about_a_provider_that_is_not_watched_is_a_mistake(engine):
    with pytest.raises(KeyError):
        engine.apply_evidence("other", EvidenceBatch())


# --- publish ----------------------------------------------------------------------------------------------------------


async def test_an_alert_is_posted_before_its_replies_which_go_to_its_thread(show, engine, chat):
    await show(page(), DOWN)
    await engine.publish()
    assert chat.said == [("post", "C1", None), ("post", "C1", "ts1")]


async def test_an_alert_is_edited_in_place(show, engine, chat):
    await show(page(), DOWN)
    await engine.publish()
    await show(STILL)
    await engine.publish()
    assert chat.said[2:] == [("edit", "C1", "ts1"), ("post", "C1", "ts1")]


async def test_all_that_piled_up_is_one_message_and_its_thread(show, engine, chat):
    await show(page(), DOWN, STILL, RESOLVED)
    await engine.publish()
    assert [said for said in chat.said if said[2] != "ts1"] == [("post", "C1", None)]


async def test_nothing_is_sent_twice(show, engine, chat):
    await show(page(), DOWN)
    await engine.publish()
    said = len(chat.said)
    await engine.publish()
    assert len(chat.said) == said


async def test_a_channel_gets_a_burst_at_a_time(show, engine, chat):
    chat.burst = 1
    await show(page(), DOWN)
    await engine.publish()
    assert chat.said == [("post", "C1", None)]


async def test_the_burst_is_per_channel(show, engine, chat, repository):
    chat.burst = 1
    repository.subscribe(Subscription("C2", "acme", created_at=NOON))
    await show(page(), DOWN)
    await engine.publish()
    assert chat.said == [("post", "C1", None), ("post", "C2", None)]


async def test_what_is_not_taken_now_holds_back_what_comes_after_it(show, engine, chat):
    chat.failures = [refused(retry_after=5)]
    await show(page(), DOWN)
    [delivery] = await engine.publish()
    assert (delivery.outcome, delivery.why) == ("later", "ratelimited")


async def test_what_is_not_taken_holds_back_no_other_channel(show, engine, chat, repository):
    repository.subscribe(Subscription("C2", "acme", created_at=NOON))
    chat.failures = [refused(retry_after=5)]
    await show(page(), DOWN)
    await engine.publish()
    assert chat.said[1] == ("post", "C2", None)


async def test_slacks_wait_is_obeyed_exactly(show, engine, chat, clock):
    chat.failures = [refused(retry_after=5)]
    await show(page(), DOWN)
    await engine.publish()
    clock.move(seconds=4.9)
    await engine.publish()
    assert len(chat.said) == 1
    clock.move(seconds=0.1)
    await engine.publish()
    assert len(chat.said) > 1


async def waits(engine, chat, clock, repository, *failures):
    """The seconds between attempts that fail in turn."""
    chat.failures = list(failures)
    found = []
    while chat.failures:
        await engine.publish()
        wait = repository.next_pending("C1").due_at - clock()
        found.append(wait.total_seconds())
        clock.at += wait
    return found


async def test_waits_grow_from_a_second_to_five_minutes(show, engine, chat, clock, repository):
    await show(page(), DOWN)
    found = await waits(engine, chat, clock, repository, *[refused("http_503")] * 40)
    assert found[0] == 1.0
    assert found == sorted(found)
    assert found[-1] == MAX_WAIT.total_seconds()


async def test_after_a_bad_minute_the_next_attempt_is_at_most_ten_seconds_away(show, engine, chat, clock, repository):
    await show(page(), DOWN)
    found = await waits(engine, chat, clock, repository, *[refused("http_503")] * 14)
    assert 45 < sum(found) < 70
    assert found[-1] <= 11


async def test_days_of_refusals_overflow_nothing(show, engine, chat, repository):
    await show(page(), DOWN)
    repository._db.write("UPDATE outbox SET attempts = 100000")
    chat.failures = [refused("http_503")]
    [delivery] = await engine.publish()
    assert (delivery.outcome, delivery.attempt) == ("later", 100001)


async def test_a_wait_that_nobody_would_sit_out_is_cut(show, engine, chat, clock, repository):
    await show(page(), DOWN)
    assert await waits(engine, chat, clock, repository, refused(retry_after=1e9)) == [MAX_WAIT.total_seconds()]


async def test_what_will_never_be_taken_is_parked(show, engine, chat):
    chat.failures = [refused("is_archived", permanent=True)]
    await show(page(), DOWN)
    assert [d.outcome for d in await engine.publish()] == ["parked", "parked"]


async def test_a_token_that_was_revoked_loses_nothing(show, engine, chat, clock):
    chat.failures = [refused("token_revoked", permanent=True, blame=RefusalScope.WORKSPACE)]
    await show(page(), DOWN)
    assert [d.outcome for d in await engine.publish()] == ["stopped"]
    clock.move(seconds=2)
    assert [d.outcome for d in await engine.publish()] == ["sent", "sent"]


async def test_a_reply_without_its_message_is_never_a_message_of_its_own(show, engine, chat):
    chat.failures = [refused("is_archived", permanent=True)]
    await show(page(), DOWN)
    await engine.publish()
    assert chat.said == [("post", "C1", None, "is_archived")]


async def test_a_channel_that_takes_posts_again_gets_the_message_afresh(show, engine, chat):
    chat.failures = [refused("not_in_channel", permanent=True)]
    await show(page(), DOWN)
    await engine.publish()
    await show(STILL)
    await engine.publish()
    assert chat.said[1:] == [("post", "C1", None), ("post", "C1", "ts2")]


async def test_a_message_that_was_deleted_is_posted_afresh_and_its_thread_follows(show, engine, chat):
    await show(page(), DOWN)
    await engine.publish()
    await show(STILL)
    chat.said, chat.failures = [], [refused("message_not_found")]
    await engine.publish()
    assert chat.said == [("edit", "C1", "ts1", "message_not_found"), ("post", "C1", None), ("post", "C1", "ts2")]


async def again(show, engine, meanwhile=lambda: None):
    """An incident is resolved, and another one of the same surface follows; both are told."""
    await show(page(), DOWN)
    await engine.publish()
    await show(RESOLVED)
    await engine.publish()
    meanwhile()
    next_one = incident(update(9, at=NOON + timedelta(minutes=3), api="major_outage"), number=2)
    await show(page(OVER, next_one, api="major_outage"))
    await engine.publish()


async def test_a_repeat_links_to_the_message_of_the_last_one(show, engine, chat):
    await again(show, engine)
    assert any("<https://chat.example/C1/ts1|the earlier one>" in str(m.attachments) for m in chat.messages)


async def test_the_thread_of_one_that_is_still_open_links_to_the_next_of_its_episode(show, engine, chat):
    await show(page(), DOWN)
    await engine.publish()
    next_one = incident(update(9, at=NOON + timedelta(minutes=3), api="major_outage"), number=2)
    await show(page(incident(), next_one, api="major_outage"))
    await engine.publish()
    assert any("Related incident: <https://chat.example/C1/ts" in str(m.blocks) for m in chat.messages)


async def test_a_channel_without_the_first_message_is_told_of_the_repeat_without_a_link(show, engine, chat, repository):
    await again(show, engine, lambda: repository.subscribe(Subscription("C2", "acme", created_at=NOON)))
    assert any("Repeat: the earlier one of" in str(m.attachments) for m in chat.messages)


async def test_a_post_that_was_leaving_when_the_process_died_is_sent_again_and_said_so(show, start, repository):
    await show(page(), DOWN)
    repository.mark_sending(repository.next_pending("C1").id, NOON)
    [first, *_] = await start().publish()
    assert (first.outcome, first.why) == ("sent", "again: the outcome of the last attempt is unknown")


async def test_a_post_whose_connection_broke_is_sent_again_and_said_so(show, engine, chat, clock):
    chat.failures = [refused("unknown_outcome")]
    await show(page(), DOWN)
    await engine.publish()
    clock.move(seconds=5)
    [first, *_] = await engine.publish()
    assert (first.outcome, first.why) == ("sent", "again: the outcome of the last attempt is unknown")


async def test_an_edit_whose_fate_was_unknown_is_nothing_to_tell(show, engine, chat, clock):
    await show(page(), DOWN)
    await engine.publish()
    await show(STILL)
    chat.failures = [refused("unknown_outcome")]
    await engine.publish()
    clock.move(seconds=5)
    assert [d.why for d in await engine.publish()] == ["", ""]


async def test_a_receipt_that_can_not_be_recorded_is_recorded_later_and_nothing_sent_twice(
    show, engine, chat, repository
):
    await show(page(), DOWN)
    good, repository.mark_sent = repository.mark_sent, lambda *_, **__: broken()
    for _ in range(3):
        with pytest.raises(StoreError):
            await engine.publish()
    repository.mark_sent = good
    await engine.publish()
    assert chat.said == [("post", "C1", None), ("post", "C1", "ts1")]


async def test_a_channel_that_subscribes_in_the_middle_is_told_at_the_next_news(show, engine, chat, repository):
    await show(page(), DOWN)
    await engine.publish()
    repository.subscribe(Subscription("C2", "acme-api", created_at=NOON))
    await show(STILL)
    chat.said = []
    await engine.publish()
    assert ("post", "C2", None) in chat.said


async def test_who_unsubscribed_hears_no_more(show, engine, chat, repository):
    await show(page(), DOWN)
    await engine.publish()
    repository.unsubscribe("C1", "acme")
    chat.said = []
    await show(STILL)
    await engine.publish()
    assert chat.said == []


async def test_a_page_that_stays_unreadable_is_one_message_and_its_return_is_an_edit_of_it(show, engine, chat):
    bad = SourceError("HTTP 500", code="http_500")
    await show(page(), bad, bad, bad, bad, page())
    await engine.publish()
    assert chat.said == [("post", "C1", None), ("edit", "C1", "ts1")]


async def test_a_page_that_is_unreadable_again_that_day_makes_no_second_message(show, engine, chat):
    bad = SourceError("HTTP 500", code="http_500")
    await show(page(), bad, bad, bad, page(), bad, bad, bad, page())
    await engine.publish()
    assert [what for what, *_ in chat.said] == ["post", "edit", "edit", "edit"]
    assert {ts for what, _, ts in chat.said if what == "edit"} == {"ts1"}


async def test_a_page_that_is_unreadable_on_another_day_is_a_message_of_its_own(show, engine, chat, clock):
    bad = SourceError("HTTP 500", code="http_500")
    await show(page(), bad, bad, bad, page())
    clock.move(hours=24)
    await show(bad, bad, bad)
    await engine.publish()
    assert [what for what, *_ in chat.said] == ["post", "edit", "post"]


@pytest.fixture
def quiet_hours(repository):
    """Quiet hours of the channel until one o'clock."""
    notice = Notice(NoticeKind.SETTINGS, "", "", "s", NOON, "", NOON, "saved")
    saved = Notification("C1", NotificationKind.NOTICE, "s", notice)
    repository.user_actions.save_preferences(ChannelPreferences("C1", quiet=QuietHours(time(11), time(13))), [], saved)


@pytest.mark.usefixtures("quiet_hours")
async def test_in_quiet_hours_an_unreadable_page_is_a_message_only_after_them_and_if_it_still_is(
    show, engine, chat, clock
):
    bad = SourceError("HTTP 500", code="http_500")
    await show(page(), bad, bad, bad)
    await engine.publish()
    in_them = [what for what, *_ in chat.said]
    clock.move(hours=1)
    for _ in range(2):
        engine.advance_time()
        await engine.publish()
    assert (in_them, ["unreadable" in text for text in chat.texts]) == (["post"], [False, True])


@pytest.mark.usefixtures("quiet_hours")
async def test_a_page_that_was_unreadable_in_quiet_hours_alone_is_told_nothing_of(show, engine, chat, clock):
    bad = SourceError("HTTP 500", code="http_500")
    await show(page(), bad, bad, bad, page())
    clock.move(hours=1)
    engine.advance_time()
    await engine.publish()
    assert [text for text in chat.texts if "readable" in text] == []


async def test_a_page_that_fails_now_and_then_is_told_nothing_of(show, engine, chat):
    bad = SourceError("HTTP 500", code="http_500")
    await show(page(), bad, bad, page())
    await engine.publish()
    assert chat.said == []


# --- very many updates at once ------------------------------------------------------------------------------------------


async def test_two_hundred_updates_of_one_poll_are_one_reply_with_the_newest(show, engine, chat):
    await show(page(), DOWN)
    await engine.publish()
    many = [update(n, "identified", f"Post {n}.", NOON + timedelta(seconds=n)) for n in range(2, 202)]
    await show(page(incident(update(api="major_outage"), *many), api="major_outage"))
    before = len(chat.texts)
    await engine.publish()
    [text] = chat.texts[before:]
    assert ("200 updates while away" in text, "Post 201." in text) == (True, True)


# --- reading ahead ----------------------------------------------------------------------------------------------------


async def test_many_new_texts_are_read_ahead_and_once(start, web, clock):
    reading = Reading()
    engine = start(text_reader=reading)
    for body in (page(), long_incident(20), long_incident(30)):
        web.show(body)
        await engine.poll("acme")
        clock.move(minutes=1)
    assert len(reading.texts) == len(set(reading.texts)) == 31  # and the title


async def test_a_short_update_is_not_worth_a_thread(start, web, clock):
    reading = Reading()
    engine = start(text_reader=reading)
    for body in (page(), DOWN, STILL):
        web.show(body)
        await engine.poll("acme")
        clock.move(minutes=1)
    assert reading.texts == []


async def test_reading_ahead_changes_no_verdict(start, web):
    states = []
    for more in ({}, {"text_reader": Reading()}):
        engine = start(**more)
        engine.states.clear()
        engine.add_provider(ACME)
        web.show(long_incident(20))
        states.append((await engine.poll("acme")).state.verdicts)
    assert [v.call for v in states[0]] == [v.call for v in states[1]]
