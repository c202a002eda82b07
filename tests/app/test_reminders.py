"""What a tick costs: it reads settings and subscriptions once, however many channels wait."""

from datetime import time, timedelta

import pytest

from bot.app.reminders import STEP_CHANNELS, ReminderHook
from bot.domain import (
    ChannelPreferences,
    Notice,
    NoticeKind,
    Notification,
    NotificationKind,
    QuietHours,
    Subscription,
    VerdictParameters,
)
from bot.engine import Engine
from tests.support.acme import ACME, NOON
from tests.support.fake_chat import FakeChat
from tests.support.fake_fetcher import FakeFetcher
from tests.support.pages import incident, page, update

pytestmark = pytest.mark.anyio

TWO = page(
    incident(update(api="partial_outage")),
    incident(update(5, api="partial_outage"), number=2, name="Slow logins"),
    api="partial_outage",
)

OVER = page(
    incident(update(api="partial_outage"), update(2, "resolved", "Over.", api="operational")),
    incident(update(5, api="partial_outage"), update(6, "resolved", "Over."), number=2, name="Slow logins"),
)


class Town:
    """So many channels, and two incidents that have been open for half an hour."""

    def __init__(self, repository, clock, channels, quiet=None):
        self.repository, self.clock, self.web = repository, clock, FakeFetcher()
        for number in range(channels):
            repository.subscribe(Subscription(f"C{number}", "acme", created_at=NOON))
            if quiet:
                notice = Notice(NoticeKind.SETTINGS, "", "", "s", NOON, "", NOON, "saved")
                saved = Notification(f"C{number}", NotificationKind.NOTICE, "s", notice)
                repository.user_actions.save_preferences(ChannelPreferences(f"C{number}", quiet=quiet), [], saved)
        self.engine = Engine({"acme": ACME}, self.web, repository, FakeChat(), clock, lambda _: VerdictParameters())
        self.hook = ReminderHook(self.engine, repository)

    async def opens(self):
        for body in (page(), TWO):
            self.web.show(body)
            await self.engine.poll("acme")
            self.clock.move(minutes=1)
        await self.engine.publish()
        self.clock.move(minutes=32)

    def statements(self):
        """What one tick asks of the database."""
        asked = []
        self.repository._db._connection.set_trace_callback(asked.append)
        self.hook()
        self.repository._db._connection.set_trace_callback(None)
        return len(asked)


@pytest.mark.sqlite
@pytest.mark.parametrize("channels", [3, 30])
async def test_a_tick_in_quiet_hours_asks_as_little_for_many_channels_as_for_few(repository, clock, channels):
    scenario = Town(repository, clock, channels, QuietHours(time(11), time(20)))
    await scenario.opens()
    assert scenario.statements() < 12 + 4 * (channels // STEP_CHANNELS)


@pytest.mark.sqlite
@pytest.mark.parametrize("channels", [3, 30])
async def test_so_does_a_tick_after_the_reminders_were_enqueued(repository, clock, channels):
    scenario = Town(repository, clock, channels)
    await scenario.opens()
    assert scenario.hook()
    scenario.clock.move(seconds=15)
    assert scenario.statements() < 12 + 4 * (channels // STEP_CHANNELS)


async def test_a_reminder_that_quiet_hours_hold_is_sent_after_them(repository, clock):
    scenario = Town(repository, clock, 1)
    await scenario.opens()
    notice = Notice(NoticeKind.SETTINGS, "", "", "s", NOON, "", NOON, "saved")
    saved = Notification("C0", NotificationKind.NOTICE, "s", notice)
    repository.user_actions.save_preferences(ChannelPreferences("C0", quiet=QuietHours(time(12), time(13))), [], saved)
    held = scenario.hook()
    scenario.clock.at = NOON + timedelta(hours=1)
    assert (held, scenario.hook()) == (False, True)


@pytest.mark.sqlite
async def test_the_end_of_quiet_hours_is_a_bounded_number_of_transactions_however_many_channels_wait(repository, clock):
    scenario = Town(repository, clock, 130, QuietHours(time(11), time(12, 10)))
    await scenario.opens()
    asked = []
    repository._db._connection.set_trace_callback(asked.append)
    left = []
    for _ in range(2):
        scenario.hook()
        left.append(len({channel for channel, *_ in repository.user_actions.withheld_alerts()}))
    repository._db._connection.set_trace_callback(None)
    assert (left, asked.count("COMMIT")) == ([30, 0], 100 / STEP_CHANNELS + 2)


async def test_other_tasks_run_between_the_channels_whose_quiet_hours_end(repository, clock):
    scenario = Town(repository, clock, 3 * STEP_CHANNELS, QuietHours(time(11), time(12, 10)))
    await scenario.opens()
    steps = iter(scenario.hook.steps())
    left = {len({channel for channel, *_ in repository.user_actions.withheld_alerts()}) for _ in steps}
    assert left == {3 * STEP_CHANNELS, 2 * STEP_CHANNELS, STEP_CHANNELS, 0}


async def test_what_another_task_sends_between_two_steps_is_not_sent_again(repository, clock):
    scenario = Town(repository, clock, 2 * STEP_CHANNELS, QuietHours(time(11), time(12, 10)))
    await scenario.opens()
    steps = iter(scenario.hook.steps())
    first = [next(steps), next(steps)]
    scenario.web.show(OVER)
    await scenario.engine.poll("acme")
    assert (first, any([*steps])) == ([False, True], False)
