"""What Slack brings twice over its sockets is done once."""

from datetime import timedelta

import pytest

from bot.errors import StoreError
from bot.slack.deduplication import MAX_KEYS, SIGNATURE_MEMORY, EventDeduplicator, RecentKeys, install_deduplication
from bot.storage import Repository
from tests.support.acme import NOON, Clock
from tests.support.stores import place

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)
COMMAND = {"command": "/brownout", "trigger_id": "1.2.3"}
EVENT = {"type": "event_callback", "event_id": "Ev1"}


class KeySet:
    """A database that keeps them for ever."""

    def __init__(self):
        self.kept = set()

    def claim(self, key, now, keep):  # noqa: ARG002
        is_first = key not in self.kept
        self.kept.add(key)
        return is_first


class FakeBolt:
    """Bolt with one middleware; counts what gets through."""

    def __init__(self, keys=None, *, is_shared=False):
        self.clock, self.keys, self.through = Clock(), keys or KeySet(), 0
        install_deduplication(self, EventDeduplicator(self.keys, self.clock, is_shared=is_shared))

    def middleware(self, passed):
        self.passed = passed

    async def send(self, *bodies):
        for body in bodies:
            await self.passed(body, self._count)
        return self.through

    async def _count(self):
        self.through += 1


@pytest.fixture
def web_server():
    return FakeBolt()


@pytest.mark.parametrize("body", [COMMAND, EVENT])
async def test_a_repeat_is_not_done(web_server, body):
    assert await web_server.send(body, body) == 1


async def test_another_press_is_done(web_server):
    assert await web_server.send(COMMAND, COMMAND | {"trigger_id": "4.5.6"}) == 2


@pytest.mark.parametrize("kind", ["view_submission", "block_suggestion"])
async def test_what_needs_its_answer_is_always_done(web_server, kind):
    body = {"type": kind, "trigger_id": "1"}
    assert await web_server.send(body, body) == 2


async def test_a_trigger_is_forgotten_after_a_while(web_server):
    await web_server.send(COMMAND)
    web_server.clock.at += SIGNATURE_MEMORY + timedelta(seconds=1)
    assert await web_server.send(COMMAND) == 2


# --- memory and the database ------------------------------------------------------------------------------------------------


class FullDisk:
    """A disk with no room left, until there is."""

    is_full = True

    def claim(self, *_):
        if self.is_full:
            raise StoreError("the disk is full")
        return True


def test_a_key_is_new_once():
    recent = RecentKeys()
    assert [recent.add_if_new("a", NOON, HOUR), recent.add_if_new("a", NOON, HOUR)] == [True, False]


@pytest.mark.parametrize("body", [COMMAND, EVENT])
async def test_a_repeat_that_reaches_another_bot_is_not_done(body):
    first = FakeBolt(is_shared=True)
    second = FakeBolt(first.keys, is_shared=True)
    assert (await first.send(body), await second.send(body)) == (1, 0)


async def test_a_command_of_a_bot_alone_waits_for_no_disk(web_server):
    await web_server.send(COMMAND)
    assert web_server.keys.kept == set()


def test_a_key_is_new_again_when_its_time_is_over():
    recent = RecentKeys()
    recent.add_if_new("a", NOON, HOUR)
    assert recent.add_if_new("a", NOON + HOUR, HOUR)


def test_memory_is_bounded():
    recent = RecentKeys()
    for n in range(MAX_KEYS + 10):
        recent.add_if_new(str(n), NOON, HOUR)
    assert len(recent._until) == MAX_KEYS


async def test_the_database_knows_after_a_restart(tmp_path):
    for is_first in (True, False):
        repository = Repository.open(place(tmp_path / "b.db"))
        assert await EventDeduplicator(repository.heard, lambda: NOON).claim("a", HOUR) is is_first
        repository.close()


def test_the_database_forgets_in_time(tmp_path):
    repository = Repository.open(place(tmp_path / "b.db"))
    repository.heard.claim("a", NOON, HOUR)
    repository.heard.claim("b", NOON + 2 * HOUR, HOUR)
    assert [r["key"] for r in repository._db.rows("SELECT key FROM heard")] == ["b"]
    repository.close()


async def test_a_disk_that_is_full_leaves_memory_and_is_told_once(caplog):
    once = EventDeduplicator(kept := FullDisk(), lambda: NOON)
    assert [await once.claim(key, HOUR) for key in ("a", "b", "a")] == [True, True, False]
    assert len(caplog.records) == 1
    kept.is_full = False
    await once.claim("c", HOUR)
    kept.is_full = True
    await once.claim("d", HOUR)
    assert len(caplog.records) == 2
