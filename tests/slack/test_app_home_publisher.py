"""App Home, its modals and menus, and direct messages: on a real store and a real engine, with no Slack."""

from datetime import timedelta

import pytest

from bot.commands import app_home, subscriptions
from bot.commands.registry import answer_command
from bot.commands.types import ButtonClick, ModalSubmission
from bot.domain import ChatUser, Condition, DeliveryPause, Subscription, VerdictParameters
from bot.engine import Engine
from bot.errors import DeliveryError
from bot.messages import app_home as messages_app_home
from bot.messages import modals
from bot.notifier import PROBE_WAITS
from bot.queries.current import StatusQueries
from bot.slack.app_home_publisher import AppHomePublisher
from tests.support.acme import ACME, NOON, Clock
from tests.support.fake_chat import FakeChannels
from tests.support.fake_fetcher import FakeFetcher
from tests.support.pages import DOWN, page
from tests.support.slack_limits import assert_sendable, view_problems

pytestmark = pytest.mark.anyio

ADA, BOB = ChatUser("U1", "ada"), ChatUser("U2", "bob")


class FakeHomeClient:
    """Takes Homes, but first raises what it was told to."""

    def __init__(self):
        self.failures = []
        self.published = []

    async def publish_home(self, person, view, state=""):
        assert view_problems(view, mentions={"#C1"}) == []
        self.published.append((person, state, str(view["blocks"])))
        if self.failures:
            raise DeliveryError("no", code=self.failures.pop(0))
        return f"state{len(self.published)}"


class CountingQueries:
    """The queries, with a count of the snapshots that were taken."""

    def __init__(self, queries, taken):
        self._queries, self._taken = queries, taken

    def quick_snapshot(self):
        self._taken.append(1)
        return self._queries.quick_snapshot()

    def __getattr__(self, name):
        return getattr(self._queries, name)


class HomeBot:
    """A bot, its clock, Acme's page, and people who look at Homes."""

    def __init__(self, repository, admins=frozenset()):
        self.repository, self.clock, self.web, self.chat, self.wall = (
            repository,
            Clock(),
            FakeFetcher(),
            FakeChannels(),
            FakeHomeClient(),
        )
        self.engine = Engine({"acme": ACME}, self.web, repository, self.chat, self.clock, lambda _: VerdictParameters())
        self.queries = StatusQueries((ACME,), repository, self.clock, lambda _: VerdictParameters(), admins)
        self.homes = AppHomePublisher(self.queries, self.wall)

    async def show(self, *bodies):
        for body in bodies:
            self.web.show(body)
            await self.engine.poll("acme")
            await self.engine.publish()
            self.clock.move(minutes=1)

    def press(self, action, value="", person=ADA):
        reply = app_home.handle_click(self.queries, ButtonClick(action, value, "", person))
        if reply:
            assert reply.view
            assert view_problems(reply.view) == []
        return reply

    async def enrols(self, person=ADA, **values):
        wrong = subscriptions.submit_subscription(self.queries, ModalSubmission("V1", "", values, person))
        await self.engine.publish()
        return wrong

    def types(self, text, channel="C1", person=ADA):
        reply = answer_command(self.queries, text, channel, person.id, person.name)
        assert_sendable(reply.message)
        return reply

    def said(self, channel):
        return [text for c, thread, _, text in self.chat.posts if c == channel and thread is None]

    def subscribed(self, channel):
        return [(s.target, str(s.minimum)) for s in self.repository.subscriptions(channel)]


@pytest.fixture
async def scenario(repository):
    scenario = HomeBot(repository)
    await scenario.show(page())
    return scenario


# --- subscribing ------------------------------------------------------------------------------------------------------


async def test_a_pick_asks_for_the_rest_in_a_modal(scenario):
    view = scenario.press(messages_app_home.PICK, "acme-api").view
    [what, *_] = view["blocks"]
    assert view["callback_id"] == modals.SUBSCRIBE
    assert what["element"]["initial_option"]["value"] == "acme-api"


async def test_a_subscription_without_a_channel_is_to_direct_messages(scenario):
    assert await scenario.enrols(target="acme", minimum="major_outage") == {}
    assert scenario.subscribed("U1") == [("acme", "major_outage")]
    assert "You now get alerts for Acme" in scenario.said("U1")[0]


async def test_a_subscription_of_a_channel_is_told_there_with_who_did_it(scenario):
    await scenario.enrols(target="acme-api", where="C1", minimum="degraded")
    assert scenario.subscribed("C1") == [("acme-api", "degraded")]
    assert "This channel now gets alerts for Acme API" in scenario.said("C1")[0]
    assert "Changed by ada" in scenario.said("C1")[0]


async def test_a_modal_that_arrives_twice_is_told_once(scenario):
    await scenario.enrols(target="acme")
    await scenario.enrols(target="acme")
    assert len(scenario.said("U1")) == 1


async def test_a_modal_without_a_target_stays_open(scenario):
    assert list(await scenario.enrols(minimum="degraded")) == ["target"]


async def test_an_alert_comes_in_direct_messages(scenario):
    await scenario.enrols(target="acme-api")
    await scenario.show(DOWN)
    assert "Acme API" in scenario.said("U1")[-1]


# --- what already exists --------------------------------------------------------------------------------------------


async def test_the_menu_changes_the_severity(scenario):
    await scenario.enrols(target="acme", where="C1")
    scenario.press(messages_app_home.CHANGE, "partial_outage C1 acme")
    assert scenario.subscribed("C1") == [("acme", "partial_outage")]


async def test_the_menu_ends_a_subscription_and_the_channel_is_told(scenario):
    await scenario.enrols(target="acme", where="C1")
    assert scenario.press(messages_app_home.CHANGE, "off C1 acme") is None
    await scenario.engine.publish()
    assert scenario.subscribed("C1") == []
    assert "No more alerts for Acme" in scenario.said("C1")[-1]


@pytest.mark.parametrize("value", ["off C1 acme", "off U1 acme", "off C1 globex"])
async def test_nobody_changes_what_somebody_else_has_subscribed_to(scenario, value):
    await scenario.enrols(target="acme", where="C1")
    await scenario.enrols(target="acme")
    assert "is gone" in str(scenario.press(messages_app_home.CHANGE, value, BOB).view)
    assert scenario.subscribed("C1") == scenario.subscribed("U1") == [("acme", "degraded")]


async def test_a_channels_is_ended_by_admins_where_there_are_some_and_ones_own_by_oneself(repository):
    scenario = HomeBot(repository, admins=frozenset({"U2"}))
    await scenario.show(page())
    await scenario.enrols(target="acme", where="C1")
    await scenario.enrols(target="acme")
    reply = app_home.handle_click(scenario.queries, ButtonClick(messages_app_home.CHANGE, "off C1 acme", "", ADA))
    assert "Only admins can do this" in str(reply.view)
    assert scenario.press(messages_app_home.CHANGE, "off U1 acme") is None
    assert (scenario.subscribed("C1"), scenario.subscribed("U1")) == ([("acme", "degraded")], [])


async def test_home_shows_what_is_mine_and_nothing_of_others(scenario):
    await scenario.enrols(target="acme-web", where="C1")
    scenario.repository.subscribe(Subscription("C2", "acme-api", Condition.DEGRADED, "U2", NOON))
    shown = str(messages_app_home.home_view(app_home.home_model(scenario.queries, "U1")))
    assert "acme-web" in shown
    assert "C2" not in shown


# --- answers ----------------------------------------------------------------------------------------------------------


async def test_a_question_is_answered_in_a_modal(scenario):
    await scenario.show(DOWN)
    assert "Acme API" in str(scenario.press(messages_app_home.ASK, "retry acme-api").view)
    assert "Errors on the API" in str(scenario.press(f"{messages_app_home.SUMMARY}:0", "inc1").view)


@pytest.mark.parametrize("value", ["unsubscribe acme", "mute all", "", "nonsense"])
async def test_nothing_but_questions_is_asked_by_a_button_of_home(scenario, value):
    assert "Only questions" in str(scenario.press(messages_app_home.ASK, value).view)


async def test_my_settings_are_a_modal_of_my_direct_messages(scenario):
    await scenario.enrols(target="acme")
    view = scenario.press(messages_app_home.SETTINGS).view
    assert modals.read_settings_metadata(view["private_metadata"])[0] == "U1"
    assert "Direct messages" in str(view)


# --- in words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["me", "dm"])
async def test_me_subscribes_direct_messages_and_tells_nobody_else(scenario, word):
    reply = scenario.types(f"subscribe acme-api {word}", channel="C1")
    assert not reply.in_channel
    assert scenario.subscribed("U1") == [("acme-api", "degraded")]
    assert scenario.subscribed("C1") == []


async def test_list_mute_and_unsubscribe_work_for_oneself(scenario):
    scenario.types("subscribe acme me")
    assert "You get alerts for" in scenario.types("list me").message.text
    assert "Acme muted in your direct messages" in scenario.types("mute acme 2h me").message.text
    assert "Alerts for Acme are on again" in scenario.types("unmute me").message.text
    assert "No more alerts for Acme in your direct messages" in scenario.types("unsubscribe acme me").message.text


async def test_what_is_ones_own_needs_no_admin(repository):
    scenario = HomeBot(repository, admins=frozenset({"U2"}))
    await scenario.show(page())
    scenario.types("subscribe acme me")
    for text in ("settings me", "mute all 1h me", "unsubscribe acme me"):
        assert "admins" not in scenario.types(text).message.text


async def test_direct_messages_are_no_way_round_the_admins(repository):
    scenario = HomeBot(repository, admins=frozenset({"U2"}))
    for text in ("watch https://status.acme.example", "unsubscribe acme", "settings"):
        in_own = answer_command(scenario.queries, text, "U1", "U1", "ada").message.text
        assert ("Only admins" in in_own) == text.startswith("watch")


async def test_a_channel_that_takes_nothing_is_shown_as_paused(scenario):
    await scenario.enrols(target="acme", where="C1")
    scenario.repository.pause_channel(
        DeliveryPause("C1", "is_archived", "unarchive the channel", scenario.clock()), PROBE_WAITS
    )
    assert "Delivery paused* since" in str(messages_app_home.home_view(app_home.home_model(scenario.queries, "U1")))


# --- keeping it drawn -------------------------------------------------------------------------------------------------


async def test_home_is_drawn_when_it_is_opened(scenario):
    await scenario.homes.record_opened("U1")
    [(person, _, shown)] = scenario.wall.published
    assert (person, "Set up alerts in 2 steps" in shown) == ("U1", True)


async def test_a_verdict_that_changes_draws_it_again(scenario):
    await scenario.homes.record_opened("U1")
    await scenario.show(DOWN)
    await scenario.homes.publish_changed()
    assert "Acme API" in scenario.wall.published[-1][2]
    assert len(scenario.wall.published) == 2


async def test_while_nothing_changes_nothing_is_drawn(scenario):
    await scenario.homes.record_opened("U1")
    scenario.clock.move(minutes=5)
    await scenario.show(page())
    await scenario.homes.publish_changed()
    assert len(scenario.wall.published) == 1


async def test_it_is_drawn_at_most_once_a_minute(scenario):
    await scenario.homes.record_opened("U1")
    scenario.web.show(DOWN)
    scenario.clock.move(seconds=30)
    await scenario.engine.poll("acme")
    await scenario.homes.publish_changed()
    assert len(scenario.wall.published) == 1
    scenario.clock.move(seconds=30)
    await scenario.homes.publish_changed()
    assert len(scenario.wall.published) == 2


async def test_who_has_not_looked_for_hours_is_left_alone(scenario):
    await scenario.homes.record_opened("U1")
    scenario.clock.move(hours=9)
    await scenario.show(DOWN)
    await scenario.homes.publish_changed()
    assert len(scenario.wall.published) == 1


async def test_a_restart_draws_the_homes_that_are_looked_at(scenario):
    await scenario.homes.record_opened("U1")
    again = AppHomePublisher(scenario.queries, scenario.wall)
    await again.publish_changed()
    assert len(scenario.wall.published) == 2


async def test_the_next_drawing_names_the_state_of_the_last(scenario):
    await scenario.homes.record_opened("U1")
    await scenario.homes.publish("U1")
    assert [state for _, state, _ in scenario.wall.published] == ["", "state1"]


async def test_a_drawing_that_came_between_is_drawn_over(scenario):
    await scenario.homes.record_opened("U1")
    scenario.wall.failures = ["hash_conflict"]
    await scenario.homes.publish("U1")
    assert [state for _, state, _ in scenario.wall.published] == ["", "state1", ""]


async def test_a_home_that_slack_refuses_is_drawn_in_few_words(scenario, caplog):
    scenario.wall.failures = ["invalid_blocks"]
    await scenario.homes.record_opened("U1")
    assert "Home can't be shown" in scenario.wall.published[-1][2]
    assert "Slack refuses the Home of U1 (invalid_blocks)" in caplog.text


async def test_a_home_that_is_switched_off_is_told_once(scenario, caplog):
    for _ in range(3):
        scenario.wall.failures = ["not_enabled"]
        await scenario.homes.record_opened("U1")
    assert caplog.text.count("Slack shows no Home") == 1


async def test_a_home_that_could_not_be_drawn_is_drawn_later(scenario):
    scenario.wall.failures = ["internal_error"]
    await scenario.homes.record_opened("U1")
    scenario.clock.move(minutes=2)
    await scenario.homes.publish_changed()
    assert len(scenario.wall.published) == 2


async def test_twenty_presses_of_refresh_are_one_drawing_in_ten_seconds(scenario):
    for _ in range(20):
        await scenario.homes.publish_requested("U1")
    at_once = len(scenario.wall.published)
    scenario.clock.move(seconds=10)
    await scenario.homes.publish_requested("U1")
    assert (at_once, len(scenario.wall.published)) == (1, 2)


async def test_a_press_of_refresh_keeps_slacks_retry_after(scenario):
    await scenario.homes.record_opened("U1")
    scenario.homes._published["U1"].not_before = scenario.clock() + timedelta(seconds=30)
    scenario.clock.move(seconds=20)
    await scenario.homes.publish_requested("U1")
    assert len(scenario.wall.published) == 1


async def test_all_homes_are_drawn_from_one_snapshot(scenario):
    for number in range(5):
        await scenario.homes.record_opened(f"U{number}")
    scenario.clock.move(minutes=2)
    await scenario.show(DOWN)
    taken = []
    scenario.homes.queries = CountingQueries(scenario.queries, taken)
    await scenario.homes.publish_changed()
    assert (len(taken), len(scenario.wall.published)) == (1, 10)


# --- a welcome --------------------------------------------------------------------------------------------------------


async def test_a_channel_is_welcomed_once_a_day(scenario):
    assert subscriptions.enqueue_welcome(scenario.queries, "C1")
    assert not subscriptions.enqueue_welcome(scenario.queries, "C1")
    scenario.clock.move(hours=25)
    assert subscriptions.enqueue_welcome(scenario.queries, "C1")
    await scenario.engine.publish()
    assert len(scenario.said("C1")) == 2


async def test_a_welcome_says_how_to_begin(scenario):
    subscriptions.enqueue_welcome(scenario.queries, "C1")
    await scenario.engine.publish()
    assert "Brownout posts here when a service you depend on breaks" in scenario.said("C1")[0]


async def test_a_channel_that_listens_already_is_told_to_what_and_is_tried_again(scenario):
    await scenario.enrols(target="acme-api", where="C1")
    scenario.repository.pause_channel(
        DeliveryPause("C1", "not_in_channel", "invite the bot", scenario.clock()), PROBE_WAITS
    )
    assert subscriptions.enqueue_welcome(scenario.queries, "C1")
    assert scenario.repository.channel_pause("C1") is None
    await scenario.engine.publish()
    assert "Acme API (acme-api) · all severities" in scenario.said("C1")[-1]


async def test_a_follower_publishes_for_those_who_act_and_leaves_the_others_to_the_leader(scenario):
    await scenario.homes.record_opened("U1")
    follower = AppHomePublisher(scenario.queries, scenario.wall, keeps_all=lambda: False)
    await follower.mark_changed("U2")
    await follower.mark_changed("U1")
    assert [person for person, *_ in scenario.wall.published] == ["U1", "U1"]
