"""The bot's own network is down: one notice, in one message per channel, and nothing of it before a real alert."""

from datetime import time

import pytest

from bot.domain import (
    ChannelPreferences,
    Notice,
    NoticeKind,
    Notification,
    NotificationKind,
    Provider,
    QuietHours,
    Source,
    Subscription,
    Surface,
    VerdictParameters,
)
from bot.engine import Engine
from bot.errors import SourceError
from tests.support.acme import NOON
from tests.support.fake_chat import FakeChat
from tests.support.fake_fetcher import FakeFetcher
from tests.support.pages import page

pytestmark = pytest.mark.anyio

DNS = SourceError("the name could not be resolved", code="dns")


def provider(number):
    name = f"p{number}"
    surface = Surface(id=f"{name}-api", provider=name, name=f"{name} API", components=("c-api",), words=("API",))
    return Provider(
        name, name.upper(), (surface,), Source(name, name, "statuspage", f"https://status.acme.example/{name}")
    )


class Setup:
    """Fifty pages, a channel that follows all of them, and an owner."""

    def __init__(self, repository, clock, pages=50):
        self.repository, self.clock, self.web, self.chat = repository, clock, FakeFetcher(), FakeChat(burst=99)
        self.providers = {p.id: p for p in map(provider, range(pages))}
        for name in self.providers:
            repository.subscribe(Subscription("C1", name, created_at=NOON))
        self.engine = self.start()

    def start(self):
        rules = lambda _: VerdictParameters()  # noqa: E731
        return Engine(
            self.providers,
            self.web,
            self.repository,
            self.chat,
            self.clock,
            rules,
            owners=lambda: ["U9"],
            alarm_after=4,
        )

    async def rounds(self, count, shown=None):
        for _ in range(count):
            for name in self.providers:
                self.web.show(page() if shown is None else shown)
                await self.engine.poll(name)
            await self.engine.publish()
            self.clock.move(minutes=1)
            self.engine.advance_time()
        await self.engine.publish()

    def said(self, channel):
        return [said for said in self.chat.said if said[1] == channel]


@pytest.fixture
def setup(repository, clock):
    return Setup(repository, clock)


async def test_fifty_pages_without_a_name_server_are_one_notice_and_one_that_it_is_over(setup):
    await setup.rounds(2)
    await setup.rounds(6, DNS)
    down = len(setup.said("C1"))
    await setup.rounds(3)
    assert (down, len(setup.said("C1"))) == (1, 2)


async def test_the_notice_says_what_and_since_when(setup):
    await setup.rounds(2)
    await setup.rounds(4, DNS)
    text = setup.chat.texts[-1]
    assert "DNS error on all 50 status pages." in text
    assert "Probably this machine's network." in text


async def test_the_owner_gets_one_too_and_no_alarm_per_page(setup):
    await setup.rounds(2)
    await setup.rounds(8, DNS)
    assert len(setup.said("U9")) == 1


async def test_quiet_hours_hold_for_it(setup):
    quiet = ChannelPreferences("C1", quiet=QuietHours(time(11), time(12, 15)))
    saved = Notice(NoticeKind.SETTINGS, "", "", "s", NOON, "", NOON, "saved")
    notification = Notification("C1", NotificationKind.NOTICE, "s", saved)
    setup.repository.user_actions.save_preferences(quiet, [], notification)
    await setup.rounds(2)
    before = len(setup.said("C1"))
    await setup.rounds(8, DNS)
    during = len(setup.said("C1"))
    await setup.rounds(8, DNS)
    assert (during - before, len(setup.said("C1")) - before) == (0, 1)


async def test_a_single_page_that_fails_is_told_as_that_page(setup):
    await setup.rounds(2)
    for _ in range(4):
        setup.web.show(DNS)
        await setup.engine.poll("p0")
        setup.clock.move(minutes=1)
    await setup.engine.publish()
    assert setup.chat.texts[-1].startswith("P0: no data for 3 min.")


async def test_pages_that_fail_in_their_own_ways_are_told_as_such(setup):
    await setup.rounds(2)
    await setup.rounds(4, SourceError("HTTP 500", code="http_500"))
    assert len(setup.said("C1")) == 50
