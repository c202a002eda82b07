"""What operators read about delivery, in ``/readyz``, on the board and in ``sources``."""

from datetime import timedelta

import pytest

from bot.adapters import slack_refusals
from bot.errors import RefusalScope
from bot.messages import delivery
from tests.support.acme import NOON


def stopped(code="ekm_access_denied", after=timedelta(hours=1), queued=3, *, is_refused=True, remedy=""):
    return delivery.stopped_text(code, NOON, NOON + after, queued, is_refused=is_refused, remedy=remedy)


def test_a_stop_names_its_code_since_when_and_how_many_messages_wait():
    assert stopped() == "Slack rejects all messages (ekm_access_denied) since 12:00 UTC. 3 messages are queued."


def test_a_stop_says_what_to_do():
    assert stopped(remedy="ask an admin").endswith(" queued. Fix: ask an admin.")


def test_a_stop_of_an_earlier_day_has_its_date():
    assert "since 2026-03-02 12:00 UTC. 1 message is queued" in stopped(after=timedelta(days=1), queued=1)


@pytest.mark.parametrize(
    ("code", "what"), [("unreachable", "can't be reached"), ("no_answer", "can't be reached"), ("http_503", "fails")]
)
def test_a_slack_that_answers_with_failures_is_not_said_to_be_out_of_reach(code, what):
    assert stopped(code, is_refused=False).startswith(f"Slack {what} ({code})")


def test_a_remedy_begins_with_what_to_do():
    doing = ("ask", "check", "click", "delete", "install", "invite", "subscribe", "switch", "unarchive", "wait")
    stated = {rule.remedy for rule in slack_refusals._RULES.values() if rule.scope is RefusalScope.WORKSPACE}
    assert sorted(remedy for remedy in stated if not remedy.startswith(doing)) == []
