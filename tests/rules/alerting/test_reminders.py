"""When a channel is reminded of what still stands, and when it is left alone."""

from dataclasses import replace
from datetime import time

import pytest

from bot.domain import (
    ChannelPreferences,
    ChatUser,
    Condition,
    IncidentUserActions,
    Mute,
    QuietHours,
    Subscription,
    UserAction,
)
from bot.rules.alerting.reminders import build_reminder, due_reminder
from tests.support.samples import ALERT, NOON, OVER, at, line

ADA = UserAction(ChatUser("U1", "ada"), NOON)
MINE = (Subscription("C1", "acme-api"),)


def owed(alert=ALERT, minutes=31, habits=None, people=None, mine=MINE):
    now = replace(alert, as_of=at(minutes))
    return build_reminder(now, NOON, mine, habits or ChannelPreferences("C1"), people or IncidentUserActions())


@pytest.mark.parametrize(
    ("hours", "number"),
    [(0.4, None), (0.5, 0), (1.9, 0), (2, 1), (6, 2), (23.9, 2), (24, 3), (48, 4), (72, 5), (500, 5)],
)
def test_reminders_widen_and_end_after_three_days(hours, number):
    assert due_reminder(NOON, at(hours * 60)) == number


def test_a_reminder_is_a_reply_that_the_channel_sees_too():
    post = owed()
    assert (post.key, post.news.broadcast) == ("i1:reminder:0", True)


def test_the_same_reminder_has_the_same_key():
    assert owed(minutes=31).key == owed(minutes=100).key != owed(minutes=121).key


@pytest.mark.parametrize(
    "left_alone",
    [
        {"minutes": 29},
        {"alert": OVER},
        {"alert": replace(ALERT, is_maintenance=True)},
        {"alert": replace(ALERT, lines=(line(condition=Condition.OPERATIONAL),))},
        {"people": IncidentUserActions(ack=ADA)},
        {"habits": ChannelPreferences("C1", mutes=(Mute("C1", "i1", None, ADA),))},
        {
            "habits": ChannelPreferences("C1", quiet=QuietHours(time(0), time(23, 59))),
            "alert": replace(ALERT, lines=(line(condition=Condition.DEGRADED),)),
        },
        {"mine": ()},
        {"mine": (Subscription("C1", "acme-web"),)},
    ],
    ids=["early", "over", "maintenance", "green", "acked", "muted", "quiet", "unsubscribed", "another surface"],
)
def test_nobody_is_reminded_who_does_not_want_it(left_alone):
    assert owed(**left_alone) is None
