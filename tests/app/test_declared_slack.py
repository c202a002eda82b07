"""A channel of its own and a pinned timeline: made once, found again after a crash, and done without where not allowed."""

import pytest

from bot.app.declared_slack import DeclaredSlack, channel_name
from bot.domain import DeclaredPlace
from bot.errors import DeliveryError, RefusalScope
from bot.unit_of_work import InlineUnits
from tests.support.declared import Team

pytestmark = pytest.mark.anyio


class FakeChannelApi:
    """Channels by name; ``refusals`` are raised first, by method."""

    def __init__(self):
        self.channels, self.invited, self.pinned, self.refusals, self.created_at = {}, [], [], {}, {}

    def _refuse(self, method):
        if queue := self.refusals.get(method):
            raise queue.pop(0)

    async def create_channel(self, name, *, is_private):
        self._refuse("create")
        if name in self.channels:
            raise DeliveryError("taken", code="name_taken", blame=RefusalScope.UNKNOWN)
        self.channels[name] = f"C{len(self.channels) + 90}"
        self.is_private = is_private
        return self.channels[name]

    async def find_channel(self, name, since, *, is_private):  # noqa: ARG002
        made_at = self.created_at.get(name)
        return self.channels.get(name, "") if made_at is None or made_at >= since else ""

    async def invite(self, channel, person):
        self._refuse("invite")
        self.invited.append((channel, person))

    async def pin(self, channel, ts):
        self._refuse("pin")
        self.pinned.append((channel, ts))


@pytest.fixture
def team(scenario):
    return Team(scenario.breaks())


@pytest.fixture
def api():
    return FakeChannelApi()


def refusal(code, blame=RefusalScope.WORKSPACE):
    return DeliveryError(code, code=code, blame=blame)


async def turns(team, api, times=3):
    for _ in range(times):
        await DeclaredSlack(team.queries, api).turn()
        await team.delivers()


def stored(team):
    return team.scenario.repository.declared.find(1)


async def test_a_channel_is_made_once_and_who_declared_is_invited(team, api):
    team.declares(place=DeclaredPlace.PUBLIC)
    await turns(team, api)
    assert api.channels == {"inc-1-checkout-fails": "C90"}
    assert (stored(team).channel, api.invited, api.is_private) == ("C90", [("C90", "U1")], False)


async def test_the_thread_is_in_the_new_channel_and_the_old_one_points_to_it(team, api):
    team.declares(place=DeclaredPlace.PRIVATE)
    await turns(team, api)
    assert [text.partition("\n")[0] for text in team.shown("C90")] == ["SEV2: Checkout fails.", "Timeline of Acme"]
    assert "Handled in #C90" in team.shown("C1")[0]
    assert len(team.shown("C1")) == 1


async def test_a_channel_that_was_made_before_a_crash_is_found_again(team, api):
    team.declares(place=DeclaredPlace.PUBLIC)
    api.channels["inc-1-checkout-fails"] = "C77"
    api.created_at["inc-1-checkout-fails"] = team.scenario.now()
    await turns(team, api)
    assert stored(team).channel == "C77"
    assert api.channels == {"inc-1-checkout-fails": "C77"}


async def test_an_old_channel_of_that_name_is_left_alone(team, api):
    team.declares(place=DeclaredPlace.PUBLIC)
    api.channels["inc-1-checkout-fails"] = "C5"
    api.created_at["inc-1-checkout-fails"] = team.scenario.start
    await turns(team, api)
    assert api.channels == {"inc-1-checkout-fails": "C5", "inc-1-checkout-fails-2": "C91"}
    assert stored(team).channel == "C91"


async def test_without_the_scope_it_is_handled_in_the_thread_and_says_why(team, api):
    team.declares(place=DeclaredPlace.PUBLIC)
    api.refusals["create"] = [refusal("missing_scope")]
    await turns(team, api)
    assert (stored(team).channel, stored(team).no_channel) == ("", "missing_scope")
    assert len(team.thread()) == 1


async def test_a_failure_of_slack_is_tried_again(team, api):
    team.declares(place=DeclaredPlace.PUBLIC)
    api.refusals["create"] = [refusal("ratelimited", RefusalScope.TRANSIENT)]
    await turns(team, api)
    assert stored(team).channel == "C90"


async def test_people_join_by_themselves_where_nobody_can_be_invited(team, api):
    team.declares(place=DeclaredPlace.PUBLIC)
    api.refusals["invite"] = [refusal("cant_invite", RefusalScope.UNKNOWN)]
    await turns(team, api)
    assert stored(team).channel == "C90"


async def test_the_vendors_timeline_is_pinned_once(team, api):
    team.declares()
    await turns(team, api)
    assert (api.pinned, stored(team).pinned) == ([("C1", "2")], "pinned")


@pytest.mark.parametrize(
    ("code", "outcome"), [("already_pinned", "pinned"), ("missing_scope", "missing_scope"), ("not_pinnable",) * 2]
)
async def test_what_slack_says_about_a_pin_is_kept(team, api, code, outcome):
    team.declares()
    api.refusals["pin"] = [refusal(code, RefusalScope.UNKNOWN)] * 9
    await turns(team, api)
    assert stored(team).pinned == outcome


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Checkout fails!", "inc-1-checkout-fails"),
        ("Größer, 100 %", "inc-1-grosser-100"),
        ("支払い", "inc-1"),
        ("x" * 150, f"inc-1-{'x' * 74}"),
    ],
)
def test_a_title_becomes_a_name_that_slack_accepts(team, title, name):
    found, _ = team.declares(title)
    assert channel_name(found) == name


class CountedUnits(InlineUnits):
    """Counts what is read and written as units of work."""

    count = 0

    async def run(self, unit, *args, **kwargs):
        self.count += 1
        return unit(*args, **kwargs)

    run_next = run


async def test_the_database_is_used_by_units_of_work_alone(team, api):
    team.runtime.units = CountedUnits()
    team.declares(place=DeclaredPlace.PUBLIC)
    await DeclaredSlack(team.queries, api).turn()
    assert team.runtime.units.count == 3, "what is open, the channel, the posts"
