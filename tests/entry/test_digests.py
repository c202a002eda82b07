"""Digests as time brings them: once, in time or a little late, over restarts, and with what really was."""

import asyncio
from datetime import time, timedelta
from html import unescape

import pytest

from bot.edge.store import Store
from bot.entry import deeds
from bot.entry.commands import answer
from bot.entry.deeds import Chosen
from bot.entry.digests import Digests, lookback
from bot.model import Digest, Event, EventKind, Mark, Mute, Person, Subscription
from bot.years import Window
from tests.entry.acme import START
from tests.voice.slack_limits import assert_sendable

ADA = Person("U1", "ada")
NOON = Digest(time(12))  # 60 minutes after the town's clock begins


@pytest.fixture
def town(town):
    town.book.subscribe(Subscription("C1", "acme", created_at=START))
    return town


def wants(town, wanted, channel="C1"):
    habits = town.desk().habits(channel)
    chosen = Chosen(None, None, habits.maintenance, habits.quiet, wanted)
    deeds.settle(town.desk(), channel, chosen, Mark(ADA, town.now()), key=f"k{town.minute}")


def digests(town):
    """What is owed to the channel by now, of digests."""
    found = town.book._db.rows("SELECT key, post FROM outbox WHERE key LIKE 'digest:%' ORDER BY id")
    return [row["key"] for row in found]


def told(town, minute):
    """Whether the calendar brings anything at this minute."""
    town.minute = minute
    before = len(digests(town))
    asyncio.run(Digests(town.desk(), town.path)())
    return len(digests(town)) > before


def text(town):
    """The digest that is owed, as the channel will see it."""
    while (owed := town.book.owed("C1")) is not None:
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
    town.book = Store.open(town.path)
    assert not told(town, 62)
    assert not told(town, 63)
    assert len(digests(town)) == 1


def test_what_is_chosen_while_one_is_written_keeps_its_own_calendar(town):
    wants(town, NOON)
    town.minute = 90
    wants(town, Digest(time(12, 20)))
    town.book.rounds.done("C1", START + timedelta(minutes=60), None)
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
    wants(town, Digest(time(10)))
    assert not told(town, 30)
    assert told(town, 23 * 60)


def test_other_settings_leave_its_calendar_alone(town):
    wants(town, NOON)
    town.minute = 61
    chosen = Chosen(None, None, True, None, NOON)
    deeds.settle(town.desk(), "C1", chosen, Mark(ADA, town.now()), key="other")
    assert told(town, 62)


def test_channels_with_the_same_time_are_all_told(town):
    town.book.subscribe(Subscription("C2", "globex", created_at=START))
    wants(town, NOON)
    wants(town, NOON, "C2")
    told(town, 60)
    assert len(digests(town)) == 2


def test_a_channel_that_has_muted_everything_is_left_alone(town):
    wants(town, NOON)
    mark = Mark(ADA, town.now())
    muted = Event(EventKind.MUTED, "", town.now(), surface="all", author="ada", channel="C1")
    town.book.people.mute(Mute("C1", "all", town.now() + timedelta(hours=5), mark), muted)
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
    assert text(town) == "Digest, Sun 01 Mar 12:00 to Mon 02 Mar 12:00: nothing broke on acme."


def test_calm_times_are_silent_where_the_channel_wants_that(town):
    wants(town, Digest(time(12), on_calm=False))
    town.look(until=60)
    assert not told(town, 60)
    assert digests(town) == []


def test_a_day_with_an_outage_tells_what_it_cost(town):
    wants(town, NOON)
    town.is_over().look(until=60)
    told(town, 60)
    said = text(town)
    assert "What broke: 1 incident on acme." in said
    assert "Mon 02 Mar 11:10, Acme, over after 36 min: i-1\n> Errors on the API" in said
    assert "• Acme API: 21 min partly down" in said
    assert (
        "Verdicts: let work through again 1 time after a hold, 1 of them so lately that it is too soon to tell" in said
    )


def test_only_what_the_channel_listens_to_is_counted(town):
    town.book.subscribe(Subscription("C2", "acme-web", created_at=START))
    town.is_over().look(until=60)
    found = lookback(town.desk(), "C2", Window(START, town.now()))
    assert (found.broke, found.lost) == ((), ())


def test_blind_time_is_told_from_the_first_look_on(town):
    town.look(until=5)
    town.minute = 65
    town.look()
    found = lookback(town.desk(), "C1", Window(START - timedelta(hours=20), town.now()))
    assert [(name, round(spent.total_seconds() / 60)) for name, spent in found.blind] == [("Acme", 45)]


# --- choosing it ------------------------------------------------------------------------------------------------------


def types(town, words, person=ADA):
    return answer(town.desk(), words, "C1", person.id, person.name)


def test_a_digest_is_chosen_in_words_and_shown(town):
    said = types(town, "settings digest weekly fri 8:30 Europe/Berlin calm:off").message.text
    assert "A digest every Friday at 08:30 Europe/Berlin, only if something broke." in said
    assert town.desk().habits("C1").digest == Digest(time(8, 30), "Europe/Berlin", 4, on_calm=False)


def test_the_channel_is_told_who_chose_it(town):
    types(town, "settings digest daily")
    told = town.book.owed("C1").post.about.why
    assert told == (
        "Settings of this channel: a digest every day at 09:00 UTC. ada chose that; `/brownout settings` changes it again."
    )


def test_it_ends_in_words_too(town):
    types(town, "settings digest daily")
    types(town, "settings digest off")
    assert town.desk().habits("C1").digest is None
    assert town.book.rounds.digests() == ()


@pytest.mark.parametrize("words", ["fortnightly", "daily 25:00", "daily 9:00 Atlantis", "calm:off", "daily 9 UTC x"])
def test_what_is_no_rhythm_is_answered_with_one_that_is(town, words):
    said = types(town, f"settings digest {words}").message.text
    assert "daily 09:00 Europe/Berlin" in said or "like Europe/Berlin" in said
    assert town.desk().habits("C1").digest is None


def test_a_strange_word_after_settings_says_what_there_is(town):
    assert "settings digest daily" in types(town, "settings frobnicate").message.text
