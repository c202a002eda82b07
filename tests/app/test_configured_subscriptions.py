"""Subscriptions of brownout.toml in the database: made, changed and ended as the file says, and nobody else's touched."""

from datetime import UTC, datetime

import pytest

from bot.app.configured_subscriptions import compare, reconcile
from bot.domain import CONFIGURED, Condition, Subscription

AT = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)
CLAUDE = Subscription("C1", "claude", Condition.PARTIAL_OUTAGE, CONFIGURED, mention="!subteam^S1")
BY_ADA = Subscription("C1", "github", created_by="U1", created_at=AT)


@pytest.fixture
def stored(repository):
    """What the database holds after each start with these tables, as (target, minimum, author)."""

    def start(*wanted):
        reconcile(repository, wanted, AT)
        return [(s.target, s.minimum, s.created_by) for s in repository.subscriptions()]

    return start


def test_a_subscription_of_the_file_is_made(stored):
    assert stored(CLAUDE) == [("claude", Condition.PARTIAL_OUTAGE, CONFIGURED)]


def test_the_same_file_changes_nothing(repository, stored):
    stored(CLAUDE)
    assert not reconcile(repository, [CLAUDE], AT)


def test_another_severity_in_the_file_is_taken_on(stored):
    stored(CLAUDE)
    assert stored(Subscription("C1", "claude", Condition.DEGRADED)) == [("claude", Condition.DEGRADED, CONFIGURED)]


def test_what_the_file_no_longer_has_is_ended(stored):
    stored(CLAUDE)
    assert stored() == []


def test_a_subscription_of_a_person_stays(repository, stored):
    repository.subscribe(BY_ADA)
    assert stored() == [("github", Condition.DEGRADED, "U1")]


def test_a_person_s_subscription_that_the_file_has_too_keeps_its_author(repository, stored):
    repository.subscribe(BY_ADA)
    wanted = Subscription("C1", "github", Condition.MAJOR_OUTAGE, CONFIGURED)
    assert (stored(wanted), stored()) == ([("github", Condition.MAJOR_OUTAGE, "U1")],) * 2


def test_what_a_person_typed_again_is_the_person_s_from_then_on(repository, stored):
    stored(CLAUDE)
    repository.subscribe(Subscription("C1", "claude", created_by="U1", created_at=AT))
    assert stored() == [("claude", Condition.DEGRADED, "U1")]


def test_the_name_that_slack_adds_to_a_mention_is_no_difference():
    typed = Subscription("C1", "claude", Condition.PARTIAL_OUTAGE, "U1", mention="!subteam^S1|@ops")
    assert not compare([CLAUDE], [typed])


def test_each_difference_is_a_line():
    ended = Subscription("C9", "openai", created_by=CONFIGURED)
    assert compare([CLAUDE], [ended]).lines() == [
        "+ C1 claude (partial_outage, mention !subteam^S1)",
        "- C9 openai (degraded)",
    ]
