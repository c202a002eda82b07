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
NOON = DigestSchedule(time(12))  # 60 minutes after the town's clock begins


@pytest.fixture
def town(town):
    town.book.subscribe(Subscription("C1", "acme", created_at=START))
    return town


def wants(town, wanted, channel="C1"):
    habits = town.desk().channel_preferences(channel)
    chosen = SettingsChange(replace(habits, digest=wanted))
    commands_channel.save_preferences(town.desk(), chosen, UserAction(ADA, town.now()), key=f"k{town.minute}")


def digests(town):
    """What is owed to the channel by now, of digests."""
    found = town.book._db.rows("SELECT key, post FROM outbox WHERE key LIKE 'digest:%' ORDER BY id")
    return [row["key"] for row in found]


def told(town, minute):
    """Whether the calendar brings anything at this minute."""
    town.minute = minute
    before = len(digests(town))
    asyncio.run(DigestJob(town.desk(), town.path)())
    return len(digests(town)) > before


def text(town):
    """The digest that is owed, as the channel will see it."""
    while (owed := town.book.next_pending("C1")) is not None:
        said = owed.post.about.said
        town.book.mark_sent(owed.id, "1.0", town.now(), is_parent=False)
        if owed.post.key.startswith("digest:"):
            assert_sendable(said)
            return unescape(said.text)
    return None


def test_it_is_told_at_its_time_and_not_before(town):
    wants(town, NOON)
    assert not told(town, 59)
    assert told(town, 60)
    assert digests(town) == ["digest:2026-03-02T12:00+00:00"]


def test_it_is_told_once_however_often_is_asked_and_by_whom(town):
    wants(town, NOON)
    told(town, 61)
    town.book.close()
    town.book = Repository.open(town.path)
    assert not told(town, 62)
    assert not told(town, 63)
    assert len(digests(town)) == 1


def test_what_is_chosen_while_one_is_written_keeps_its_own_calendar(town):
    wants(town, NOON)
    town.minute = 90
    wants(town, DigestSchedule(time(12, 20)))
    town.book.schedules.finish_digest("C1", START + timedelta(minutes=60), None)
    assert not told(town, 91)


def test_the_next_day_brings_the_next(town):
    wants(town, NOON)
    told(town, 60)
    assert told(town, 60 + 24 * 60)
    assert len(digests(town)) == 2


def test_what_was_missed_is_told_late(town):
    wants(town, NOON)
    assert told(town, 60 + 5 * 60)


def test_what_was_missed_by_hours_is_left_out_and_the_next_comes(town):
    wants(town, NOON)
    assert not told(town, 60 + 7 * 60)
    assert told(town, 60 + 24 * 60)
    assert digests(town) == ["digest:2026-03-03T12:00+00:00"]


def test_a_time_of_today_that_is_past_when_it_is_chosen_is_of_tomorrow(town):
    wants(town, DigestSchedule(time(10)))
    assert not told(town, 30)
    assert told(town, 23 * 60)


def test_other_settings_leave_its_calendar_alone(town):
    wants(town, NOON)
    town.minute = 61
    chosen = SettingsChange(replace(town.desk().channel_preferences("C1"), maintenance=True))
    commands_channel.save_preferences(town.desk(), chosen, UserAction(ADA, town.now()), key="other")
    assert told(town, 62)


def test_channels_with_the_same_time_are_all_told(town):
    town.book.subscribe(Subscription("C2", "globex", created_at=START))
    wants(town, NOON)
    wants(town, NOON, "C2")
    told(town, 60)
    assert len(digests(town)) == 2


def test_a_channel_that_has_muted_everything_is_left_alone(town):
    wants(town, NOON)
    mark = UserAction(ADA, town.now())
    muted = Event(EventKind.MUTED, "", town.now(), surface="all", author="ada", channel="C1")
    town.book.user_actions.set_mute(Mute("C1", "all", town.now() + timedelta(hours=5), mark), muted)
    assert not told(town, 60)
    assert not told(town, 61)


def test_a_channel_that_listens_to_nothing_is_left_alone(town):
    wants(town, NOON)
    town.book.unsubscribe("C1", "acme")
    assert not told(town, 60)


def test_calm_times_are_one_line(town):
    wants(town, NOON)
    town.look(until=60)
    told(town, 60)
    assert text(town) == "Daily digest: no incidents for Acme (1 day)."


def test_calm_times_are_silent_where_the_channel_wants_that(town):
    wants(town, DigestSchedule(time(12), on_calm=False))
    town.look(until=60)
    assert not told(town, 60)
    assert digests(town) == []


def test_a_day_with_an_outage_tells_what_it_cost(town):
    wants(town, NOON)
    town.is_over().look(until=60)
    told(town, 60)
    said = text(town)
    assert "1 incident, 36 min with an open incident for Acme" in said
    assert "Longest: Acme, 2 Mar 11:10, 36 min: i-1\n> Errors on the API" in said
    assert "• Acme API · 21 min · partial outage · 1 incident" in said
    assert "Advice: 1 re-opening, 0 too early, 1 not yet judged · held 23 min" in said


def test_only_what_the_channel_listens_to_is_counted(town):
    town.book.subscribe(Subscription("C2", "acme-web", created_at=START))
    town.is_over().look(until=60)
    found = digest_content(town.desk(), "C2", TimeWindow(START, town.now()))
    assert (found.broke, found.lost) == ((), ())


def test_blind_time_is_told_from_the_first_poll_on(town):
    town.look(until=5)
    town.minute = 65
    town.look()
    found = digest_content(town.desk(), "C1", TimeWindow(START - timedelta(hours=20), town.now()))
    assert [(name, round(spent.total_seconds() / 60)) for name, spent in found.blind] == [("Acme", 60)]


# --- choosing it ------------------------------------------------------------------------------------------------------


def types(town, words, person=ADA):
    return answer_command(town.desk(), words, "C1", person.id, person.name)


def test_a_digest_is_chosen_in_words_and_shown(town):
    said = types(town, "settings digest weekly fri 8:30 Europe/Berlin calm:off").message.text
    assert "Digest: every Friday at 08:30 Europe/Berlin, only if something happened." in said
    assert town.desk().channel_preferences("C1").digest == DigestSchedule(
        time(8, 30), "Europe/Berlin", 4, on_calm=False
    )


def test_the_channel_is_told_who_chose_it(town):
    types(town, "settings digest daily")
    told = town.book.next_pending("C1").post.about.said.text
    assert told == "ada changed the alert settings of this channel: digest every day at 09:00 UTC."


def test_it_ends_in_words_too(town):
    types(town, "settings digest daily")
    types(town, "settings digest off")
    assert town.desk().channel_preferences("C1").digest is None
    assert town.book.schedules.digest_schedules() == ()


@pytest.mark.parametrize("words", ["fortnightly", "daily 25:00", "daily 9:00 Atlantis", "calm:off", "daily 9 UTC x"])
def test_what_is_no_rhythm_is_answered_with_one_that_is(town, words):
    said = types(town, f"settings digest {words}").message.text
    assert "daily 09:00 Europe/Berlin" in said or "Example: Europe/Berlin" in said
    assert town.desk().channel_preferences("C1").digest is None


def test_a_strange_word_after_settings_says_what_there_is(town):
    assert "settings digest daily" in types(town, "settings frobnicate").message.text


# --- many at once -------------------------------------------------------------------------------------------------------


def test_two_hundred_that_are_due_together_are_spread_over_ten_minutes(town):
    for number in range(200):
        town.book.subscribe(Subscription(f"C{number}", "acme", created_at=START))
        wants(town, NOON, f"C{number}")
    job, counts = DigestJob(town.desk(), town.path), []
    town.minute = 60
    for _ in range(11):
        asyncio.run(job())
        counts.append(len(digests(town)))
        town.minute += 1
    assert (counts[0] < 10, 60 < counts[5] < 140, counts[10]) == (True, True, 200)


def test_a_channel_whose_time_zone_nobody_knows_keeps_no_other_from_its_digest(town, caplog):
    for channel in ("C1", "C2"):
        town.book.subscribe(Subscription(channel, "acme", created_at=START))
        wants(town, NOON, channel)
    town.book._db.write("UPDATE digests SET zone = 'Mars/Phobos' WHERE channel = 'C1'")
    town.minute = 61
    asyncio.run(DigestJob(town.desk(), town.path)())
    assert (len(digests(town)), "the digest of C1 is left out" in caplog.text) == (1, True)
