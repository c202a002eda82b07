"""Digests as time brings them: once, in time or a little late, over restarts, and with what really was."""

import asyncio
from dataclasses import replace
from datetime import time, timedelta
from html import unescape

import pytest

from bot.app.digests import DigestJob, digest_content
from bot.commands import channel as commands_channel
from bot.commands.channel import SettingsChange
from bot.commands.registry import answer_command
from bot.domain import ChatUser, DigestSchedule, Event, EventKind, Mute, Subscription, UserAction
from bot.domain.reliability import TimeWindow
from bot.storage import Repository
from tests.support.scenario import START
from tests.support.slack_limits import assert_sendable

ADA = ChatUser("U1", "ada")
NOON = DigestSchedule(time(12))  # 60 minutes after the scenario's clock begins


@pytest.fixture
def scenario(scenario):
    scenario.repository.subscribe(Subscription("C1", "acme", created_at=START))
    return scenario


def wants(scenario, wanted, channel="C1"):
    habits = scenario.queries().channel_preferences(channel)
    chosen = SettingsChange(replace(habits, digest=wanted))
    commands_channel.save_preferences(
        scenario.queries(), chosen, UserAction(ADA, scenario.now()), key=f"k{scenario.minute}"
    )


def digests(scenario):
    """What is owed to the channel by now, of digests."""
    found = scenario.repository._db.rows("SELECT key, post FROM outbox WHERE key LIKE 'digest:%' ORDER BY id")
    return [row["key"] for row in found]


def told(scenario, minute):
    """Whether the calendar brings anything at this minute."""
    scenario.minute = minute
    before = len(digests(scenario))
    asyncio.run(DigestJob(scenario.queries(), scenario.path)())
    return len(digests(scenario)) > before


def text(scenario):
    """The digest that is owed, as the channel will see it."""
    while (owed := scenario.repository.next_pending("C1")) is not None:
        said = owed.post.about.said
        scenario.repository.mark_sent(owed.id, "1.0", scenario.now(), is_parent=False)
        if owed.post.key.startswith("digest:"):
            assert_sendable(said)
            return unescape(said.text)
    return None


def test_it_is_told_at_its_time_and_not_before(scenario):
    wants(scenario, NOON)
    assert not told(scenario, 59)
    assert told(scenario, 60)
    assert digests(scenario) == ["digest:2026-03-02T12:00+00:00"]


def test_it_is_told_once_however_often_is_asked_and_by_whom(scenario):
    wants(scenario, NOON)
    told(scenario, 61)
    scenario.repository.close()
    scenario.repository = Repository.open(scenario.path)
    assert not told(scenario, 62)
    assert not told(scenario, 63)
    assert len(digests(scenario)) == 1


def test_what_is_chosen_while_one_is_written_keeps_its_own_calendar(scenario):
    wants(scenario, NOON)
    scenario.minute = 90
    wants(scenario, DigestSchedule(time(12, 20)))
    scenario.repository.schedules.finish_digest("C1", START + timedelta(minutes=60), None)
    assert not told(scenario, 91)


def test_the_next_day_brings_the_next(scenario):
    wants(scenario, NOON)
    told(scenario, 60)
    assert told(scenario, 60 + 24 * 60)
    assert len(digests(scenario)) == 2


def test_what_was_missed_is_told_late(scenario):
    wants(scenario, NOON)
    assert told(scenario, 60 + 5 * 60)


def test_what_was_missed_by_hours_is_left_out_and_the_next_comes(scenario):
    wants(scenario, NOON)
    assert not told(scenario, 60 + 7 * 60)
    assert told(scenario, 60 + 24 * 60)
    assert digests(scenario) == ["digest:2026-03-03T12:00+00:00"]


def test_a_time_of_today_that_is_past_when_it_is_chosen_is_of_tomorrow(scenario):
    wants(scenario, DigestSchedule(time(10)))
    assert not told(scenario, 30)
    assert told(scenario, 23 * 60)


def test_other_settings_leave_its_calendar_alone(scenario):
    wants(scenario, NOON)
    scenario.minute = 61
    chosen = SettingsChange(replace(scenario.queries().channel_preferences("C1"), maintenance=True))
    commands_channel.save_preferences(scenario.queries(), chosen, UserAction(ADA, scenario.now()), key="other")
    assert told(scenario, 62)


def test_channels_with_the_same_time_are_all_told(scenario):
    scenario.repository.subscribe(Subscription("C2", "globex", created_at=START))
    wants(scenario, NOON)
    wants(scenario, NOON, "C2")
    told(scenario, 60)
    assert len(digests(scenario)) == 2


def test_a_channel_that_has_muted_everything_is_left_alone(scenario):
    wants(scenario, NOON)
    mark = UserAction(ADA, scenario.now())
    muted = Event(EventKind.MUTED, "", scenario.now(), surface="all", author="ada", channel="C1")
    scenario.repository.user_actions.set_mute(Mute("C1", "all", scenario.now() + timedelta(hours=5), mark), muted)
    assert not told(scenario, 60)
    assert not told(scenario, 61)


def test_a_channel_that_listens_to_nothing_is_left_alone(scenario):
    wants(scenario, NOON)
    scenario.repository.unsubscribe("C1", "acme")
    assert not told(scenario, 60)


def test_calm_times_are_one_line(scenario):
    wants(scenario, NOON)
    scenario.poll_page(until=60)
    told(scenario, 60)
    assert text(scenario) == "Daily digest: no incidents for Acme (1 day)."


def test_calm_times_are_silent_where_the_channel_wants_that(scenario):
    wants(scenario, DigestSchedule(time(12), on_calm=False))
    scenario.poll_page(until=60)
    assert not told(scenario, 60)
    assert digests(scenario) == []


def test_a_day_with_an_outage_tells_what_it_cost(scenario):
    wants(scenario, NOON)
    scenario.is_over().poll_page(until=60)
    told(scenario, 60)
    said = text(scenario)
    assert "1 incident, 36 min with an open incident for Acme" in said
    assert "Longest: Acme, 2 Mar 11:10, 36 min: i-1\n> Errors on the API" in said
    assert "• Acme API · 21 min · partial outage · 1 incident" in said
    assert "Advice: 1 re-opening, 0 too early, 1 not yet judged · held 23 min" in said


def test_only_what_the_channel_listens_to_is_counted(scenario):
    scenario.repository.subscribe(Subscription("C2", "acme-web", created_at=START))
    scenario.is_over().poll_page(until=60)
    found = digest_content(scenario.queries(), "C2", TimeWindow(START, scenario.now()))
    assert (found.broke, found.lost) == ((), ())


def test_blind_time_is_told_from_the_first_poll_on(scenario):
    scenario.poll_page(until=5)
    scenario.minute = 65
    scenario.poll_page()
    found = digest_content(scenario.queries(), "C1", TimeWindow(START - timedelta(hours=20), scenario.now()))
    assert [(name, round(spent.total_seconds() / 60)) for name, spent in found.blind] == [("Acme", 60)]


# --- choosing it ------------------------------------------------------------------------------------------------------


def types(scenario, words, person=ADA):
    return answer_command(scenario.queries(), words, "C1", person.id, person.name)


def test_a_digest_is_chosen_in_words_and_shown(scenario):
    said = types(scenario, "settings digest weekly fri 8:30 Europe/Berlin calm:off").message.text
    assert "Digest: every Friday at 08:30 Europe/Berlin, only if something happened." in said
    assert scenario.queries().channel_preferences("C1").digest == DigestSchedule(
        time(8, 30), "Europe/Berlin", 4, on_calm=False
    )


def test_the_channel_is_told_who_chose_it(scenario):
    types(scenario, "settings digest daily")
    told = scenario.repository.next_pending("C1").post.about.said.text
    assert told == "ada changed the alert settings of this channel: digest every day at 09:00 UTC."


def test_it_ends_in_words_too(scenario):
    types(scenario, "settings digest daily")
    types(scenario, "settings digest off")
    assert scenario.queries().channel_preferences("C1").digest is None
    assert scenario.repository.schedules.digest_schedules() == ()


@pytest.mark.parametrize("words", ["fortnightly", "daily 25:00", "daily 9:00 Atlantis", "calm:off", "daily 9 UTC x"])
def test_what_is_no_rhythm_is_answered_with_one_that_is(scenario, words):
    said = types(scenario, f"settings digest {words}").message.text
    assert "daily 09:00 Europe/Berlin" in said or "Example: Europe/Berlin" in said
    assert scenario.queries().channel_preferences("C1").digest is None


def test_a_strange_word_after_settings_says_what_there_is(scenario):
    assert "settings digest daily" in types(scenario, "settings frobnicate").message.text


# --- many at once -------------------------------------------------------------------------------------------------------


def test_two_hundred_that_are_due_together_are_spread_over_ten_minutes(scenario):
    for number in range(200):
        scenario.repository.subscribe(Subscription(f"C{number}", "acme", created_at=START))
        wants(scenario, NOON, f"C{number}")
    job, counts = DigestJob(scenario.queries(), scenario.path), []
    scenario.minute = 60
    for _ in range(11):
        asyncio.run(job())
        counts.append(len(digests(scenario)))
        scenario.minute += 1
    assert (counts[0] < 10, 60 < counts[5] < 140, counts[10]) == (True, True, 200)


def test_a_channel_whose_time_zone_nobody_knows_keeps_no_other_from_its_digest(scenario, caplog):
    for channel in ("C1", "C2"):
        scenario.repository.subscribe(Subscription(channel, "acme", created_at=START))
        wants(scenario, NOON, channel)
    scenario.repository._db.write("UPDATE digests SET zone = 'Mars/Phobos' WHERE channel = 'C1'")
    scenario.minute = 61
    asyncio.run(DigestJob(scenario.queries(), scenario.path)())
    assert (len(digests(scenario)), "the digest of C1 is left out" in caplog.text) == (1, True)
