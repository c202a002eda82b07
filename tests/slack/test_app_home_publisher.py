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

    def __init__(self, book, admins=frozenset()):
        self.book, self.clock, self.web, self.chat, self.wall = (
            book,
            Clock(),
            FakeFetcher(),
            FakeChannels(),
            FakeHomeClient(),
        )
        self.engine = Engine({"acme": ACME}, self.web, book, self.chat, self.clock, lambda _: VerdictParameters())
        self.desk = StatusQueries((ACME,), book, self.clock, lambda _: VerdictParameters(), admins)
        self.homes = AppHomePublisher(self.desk, self.wall)

    async def show(self, *bodies):
        for body in bodies:
            self.web.show(body)
            await self.engine.poll("acme")
            await self.engine.publish()
            self.clock.move(minutes=1)

    def press(self, action, value="", person=ADA):
        reply = app_home.handle_click(self.desk, ButtonClick(action, value, "", person))
        if reply:
            assert reply.view
            assert view_problems(reply.view) == []
        return reply

    async def enrols(self, person=ADA, **values):
        wrong = subscriptions.submit_subscription(self.desk, ModalSubmission("V1", "", values, person))
        await self.engine.publish()
        return wrong

    def types(self, text, channel="C1", person=ADA):
        reply = answer_command(self.desk, text, channel, person.id, person.name)
        assert_sendable(reply.message)
        return reply

    def said(self, channel):
        return [text for c, thread, _, text in self.chat.posts if c == channel and thread is None]

    def subscribed(self, channel):
        return [(s.target, str(s.minimum)) for s in self.book.subscriptions(channel)]


@pytest.fixture
async def town(book):
    town = HomeBot(book)
    await town.show(page())
    return town


# --- subscribing ------------------------------------------------------------------------------------------------------


async def test_a_pick_asks_for_the_rest_in_a_modal(town):
    view = town.press(messages_app_home.PICK, "acme-api").view
    [what, *_] = view["blocks"]
    assert view["callback_id"] == modals.SUBSCRIBE
    assert what["element"]["initial_option"]["value"] == "acme-api"


async def test_a_subscription_without_a_channel_is_to_direct_messages(town):
    assert await town.enrols(target="acme", minimum="major_outage") == {}
    assert town.subscribed("U1") == [("acme", "major_outage")]
    assert "You now get alerts for Acme" in town.said("U1")[0]


async def test_a_subscription_of_a_channel_is_told_there_with_who_did_it(town):
    await town.enrols(target="acme-api", where="C1", minimum="degraded")
    assert town.subscribed("C1") == [("acme-api", "degraded")]
    assert "This channel now gets alerts for Acme API" in town.said("C1")[0]
    assert "Changed by ada" in town.said("C1")[0]


async def test_a_modal_that_arrives_twice_is_told_once(town):
    await town.enrols(target="acme")
    await town.enrols(target="acme")
    assert len(town.said("U1")) == 1


async def test_a_modal_without_a_target_stays_open(town):
    assert list(await town.enrols(minimum="degraded")) == ["target"]


async def test_an_alert_comes_in_direct_messages(town):
    await town.enrols(target="acme-api")
    await town.show(DOWN)
    assert "Acme API" in town.said("U1")[-1]


# --- what already exists --------------------------------------------------------------------------------------------


async def test_the_menu_changes_the_severity(town):
    await town.enrols(target="acme", where="C1")
    town.press(messages_app_home.CHANGE, "partial_outage C1 acme")
    assert town.subscribed("C1") == [("acme", "partial_outage")]


async def test_the_menu_ends_a_subscription_and_the_channel_is_told(town):
    await town.enrols(target="acme", where="C1")
    assert town.press(messages_app_home.CHANGE, "off C1 acme") is None
    await town.engine.publish()
    assert town.subscribed("C1") == []
    assert "No more alerts for Acme" in town.said("C1")[-1]


@pytest.mark.parametrize("value", ["off C1 acme", "off U1 acme", "off C1 globex"])
async def test_nobody_changes_what_somebody_else_has_subscribed_to(town, value):
    await town.enrols(target="acme", where="C1")
    await town.enrols(target="acme")
    assert "is gone" in str(town.press(messages_app_home.CHANGE, value, BOB).view)
    assert town.subscribed("C1") == town.subscribed("U1") == [("acme", "degraded")]


async def test_a_channels_is_ended_by_admins_where_there_are_some_and_ones_own_by_oneself(book):
    town = HomeBot(book, admins=frozenset({"U2"}))
    await town.show(page())
    await town.enrols(target="acme", where="C1")
    await town.enrols(target="acme")
    reply = app_home.handle_click(town.desk, ButtonClick(messages_app_home.CHANGE, "off C1 acme", "", ADA))
    assert "Only admins can do this" in str(reply.view)
    assert town.press(messages_app_home.CHANGE, "off U1 acme") is None
    assert (town.subscribed("C1"), town.subscribed("U1")) == ([("acme", "degraded")], [])


async def test_home_shows_what_is_mine_and_nothing_of_others(town):
    await town.enrols(target="acme-web", where="C1")
    town.book.subscribe(Subscription("C2", "acme-api", Condition.DEGRADED, "U2", NOON))
    shown = str(messages_app_home.home_view(app_home.home_model(town.desk, "U1")))
    assert "acme-web" in shown
    assert "C2" not in shown


# --- answers ----------------------------------------------------------------------------------------------------------


async def test_a_question_is_answered_in_a_modal(town):
    await town.show(DOWN)
    assert "Acme API" in str(town.press(messages_app_home.ASK, "retry acme-api").view)
    assert "Errors on the API" in str(town.press(f"{messages_app_home.SUMMARY}:0", "inc1").view)


@pytest.mark.parametrize("value", ["unsubscribe acme", "mute all", "", "nonsense"])
async def test_nothing_but_questions_is_asked_by_a_button_of_home(town, value):
    assert "Only questions" in str(town.press(messages_app_home.ASK, value).view)


async def test_my_settings_are_a_modal_of_my_direct_messages(town):
    await town.enrols(target="acme")
    view = town.press(messages_app_home.SETTINGS).view
    assert modals.read_settings_metadata(view["private_metadata"])[0] == "U1"
    assert "Direct messages" in str(view)


# --- in words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["me", "dm"])
async def test_me_subscribes_direct_messages_and_tells_nobody_else(town, word):
    reply = town.types(f"subscribe acme-api {word}", channel="C1")
    assert not reply.in_channel
    assert town.subscribed("U1") == [("acme-api", "degraded")]
    assert town.subscribed("C1") == []


async def test_list_mute_and_unsubscribe_work_for_oneself(town):
    town.types("subscribe acme me")
    assert "You get alerts for" in town.types("list me").message.text
    assert "Acme muted in your direct messages" in town.types("mute acme 2h me").message.text
    assert "Alerts for Acme are on again" in town.types("unmute me").message.text
    assert "No more alerts for Acme in your direct messages" in town.types("unsubscribe acme me").message.text


async def test_what_is_ones_own_needs_no_admin(book):
    town = HomeBot(book, admins=frozenset({"U2"}))
    await town.show(page())
    town.types("subscribe acme me")
    for text in ("settings me", "mute all 1h me", "unsubscribe acme me"):
        assert "admins" not in town.types(text).message.text


async def test_direct_messages_are_no_way_round_the_admins(book):
    town = HomeBot(book, admins=frozenset({"U2"}))
    for text in ("watch https://status.acme.example", "unsubscribe acme", "settings"):
        in_own = answer_command(town.desk, text, "U1", "U1", "ada").message.text
        assert ("Only admins" in in_own) == text.startswith("watch")


async def test_a_channel_that_takes_nothing_is_shown_as_paused(town):
    await town.enrols(target="acme", where="C1")
    town.book.pause_channel(DeliveryPause("C1", "is_archived", "unarchive the channel", town.clock()), PROBE_WAITS)
    assert "Delivery paused* since" in str(messages_app_home.home_view(app_home.home_model(town.desk, "U1")))


# --- keeping it drawn -------------------------------------------------------------------------------------------------


async def test_home_is_drawn_when_it_is_opened(town):
    await town.homes.record_opened("U1")
    [(person, _, shown)] = town.wall.published
    assert (person, "Set up alerts in 2 steps" in shown) == ("U1", True)


async def test_a_verdict_that_changes_draws_it_again(town):
    await town.homes.record_opened("U1")
    await town.show(DOWN)
    await town.homes.publish_changed()
    assert "Acme API" in town.wall.published[-1][2]
    assert len(town.wall.published) == 2


async def test_while_nothing_changes_nothing_is_drawn(town):
    await town.homes.record_opened("U1")
    town.clock.move(minutes=5)
    await town.show(page())
    await town.homes.publish_changed()
    assert len(town.wall.published) == 1


async def test_it_is_drawn_at_most_once_a_minute(town):
    await town.homes.record_opened("U1")
    town.web.show(DOWN)
    town.clock.move(seconds=30)
    await town.engine.poll("acme")
    await town.homes.publish_changed()
    assert len(town.wall.published) == 1
    town.clock.move(seconds=30)
    await town.homes.publish_changed()
    assert len(town.wall.published) == 2


async def test_who_has_not_looked_for_hours_is_left_alone(town):
    await town.homes.record_opened("U1")
    town.clock.move(hours=9)
    await town.show(DOWN)
    await town.homes.publish_changed()
    assert len(town.wall.published) == 1


async def test_a_restart_draws_the_homes_that_are_looked_at(town):
    await town.homes.record_opened("U1")
    again = AppHomePublisher(town.desk, town.wall)
    await again.publish_changed()
    assert len(town.wall.published) == 2


async def test_the_next_drawing_names_the_state_of_the_last(town):
    await town.homes.record_opened("U1")
    await town.homes.publish("U1")
    assert [state for _, state, _ in town.wall.published] == ["", "state1"]


async def test_a_drawing_that_came_between_is_drawn_over(town):
    await town.homes.record_opened("U1")
    town.wall.failures = ["hash_conflict"]
    await town.homes.publish("U1")
    assert [state for _, state, _ in town.wall.published] == ["", "state1", ""]


async def test_a_home_that_slack_refuses_is_drawn_in_few_words(town, caplog):
    town.wall.failures = ["invalid_blocks"]
    await town.homes.record_opened("U1")
    assert "Home can't be shown" in town.wall.published[-1][2]
    assert "Slack refuses the Home of U1 (invalid_blocks)" in caplog.text


async def test_a_home_that_is_switched_off_is_told_once(town, caplog):
    for _ in range(3):
        town.wall.failures = ["not_enabled"]
        await town.homes.record_opened("U1")
    assert caplog.text.count("Slack shows no Home") == 1


async def test_a_home_that_could_not_be_drawn_is_drawn_later(town):
    town.wall.failures = ["internal_error"]
    await town.homes.record_opened("U1")
    town.clock.move(minutes=2)
    await town.homes.publish_changed()
    assert len(town.wall.published) == 2


async def test_twenty_presses_of_refresh_are_one_drawing_in_ten_seconds(town):
    for _ in range(20):
        await town.homes.publish_requested("U1")
    at_once = len(town.wall.published)
    town.clock.move(seconds=10)
    await town.homes.publish_requested("U1")
    assert (at_once, len(town.wall.published)) == (1, 2)


async def test_a_press_of_refresh_keeps_slacks_retry_after(town):
    await town.homes.record_opened("U1")
    town.homes._published["U1"].not_before = town.clock() + timedelta(seconds=30)
    town.clock.move(seconds=20)
    await town.homes.publish_requested("U1")
    assert len(town.wall.published) == 1


async def test_all_homes_are_drawn_from_one_snapshot(town):
    for number in range(5):
        await town.homes.record_opened(f"U{number}")
    town.clock.move(minutes=2)
    await town.show(DOWN)
    taken = []
    town.homes.queries = CountingQueries(town.desk, taken)
    await town.homes.publish_changed()
    assert (len(taken), len(town.wall.published)) == (1, 10)


# --- a welcome --------------------------------------------------------------------------------------------------------


async def test_a_channel_is_welcomed_once_a_day(town):
    assert subscriptions.enqueue_welcome(town.desk, "C1")
    assert not subscriptions.enqueue_welcome(town.desk, "C1")
    town.clock.move(hours=25)
    assert subscriptions.enqueue_welcome(town.desk, "C1")
    await town.engine.publish()
    assert len(town.said("C1")) == 2


async def test_a_welcome_says_how_to_begin(town):
    subscriptions.enqueue_welcome(town.desk, "C1")
    await town.engine.publish()
    assert "Brownout posts here when a service you depend on breaks" in town.said("C1")[0]


async def test_a_channel_that_listens_already_is_told_to_what_and_is_tried_again(town):
    await town.enrols(target="acme-api", where="C1")
    town.book.pause_channel(DeliveryPause("C1", "not_in_channel", "invite the bot", town.clock()), PROBE_WAITS)
    assert subscriptions.enqueue_welcome(town.desk, "C1")
    assert town.book.channel_pause("C1") is None
    await town.engine.publish()
    assert "Acme API (acme-api) · all severities" in town.said("C1")[-1]


async def test_a_follower_publishes_for_those_who_act_and_leaves_the_others_to_the_leader(town):
    await town.homes.record_opened("U1")
    follower = AppHomePublisher(town.desk, town.wall, keeps_all=lambda: False)
    await follower.mark_changed("U2")
    await follower.mark_changed("U1")
    assert [person for person, *_ in town.wall.published] == ["U1", "U1"]
