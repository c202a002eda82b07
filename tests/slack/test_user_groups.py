"""User groups of admins: asked for again and again, and closed to everybody where Slack does not tell."""

import pytest

from bot.errors import DeliveryError
from bot.slack.user_groups import UserGroups, select_user_groups

pytestmark = pytest.mark.anyio


class FakeGroupClient:
    """Tells its members, or fails."""

    def __init__(self, members):
        self.told = members
        self.code = ""

    async def group_members(self, group):
        if self.code:
            raise DeliveryError("no", code=self.code)
        return frozenset(self.told[group])


@pytest.fixture
def roll():
    return FakeGroupClient({"S1": {"U1"}, "S2": {"U2"}})


@pytest.fixture
def admins(roll, clock):
    return UserGroups(("S1",), roll, clock)


def test_only_groups_are_asked_for():
    assert select_user_groups(("U1", "S1", "W2", "S2")) == ("S1", "S2")


async def test_members_are_as_slack_tells(admins):
    await admins.refresh()
    assert admins.members == {"S1": {"U1"}}


async def test_who_leaves_the_group_is_no_admin_after_the_next_question(admins, roll):
    await admins.refresh()
    roll.told = {"S1": set()}
    await admins.refresh()
    assert admins.members == {"S1": frozenset()}


async def test_before_slack_has_told_nobody_is(admins, roll):
    roll.code = "missing_scope"
    await admins.refresh()
    assert admins.members == {}


async def test_what_slack_told_last_counts_for_a_while_and_then_no_more(admins, roll, clock):
    await admins.refresh()
    roll.code = "ratelimited"
    clock.move(minutes=14)
    await admins.refresh()
    assert admins.members == {"S1": {"U1"}}
    clock.move(minutes=2)
    await admins.refresh()
    assert admins.members == {}


async def test_a_missing_scope_is_told_once_and_by_name(admins, roll, caplog):
    roll.code = "missing_scope"
    await admins.refresh()
    await admins.refresh()
    assert caplog.text.count("usergroups:read") == 1
