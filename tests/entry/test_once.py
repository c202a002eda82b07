"""What Slack brings twice over its sockets is done once."""

from datetime import timedelta

import pytest

from bot.edge.store import Store
from bot.entry.once import REMEMBERED, SIGNED, Once, Recent, events_once
from bot.errors import StoreError
from tests.acme import NOON, Clock

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)
COMMAND = {"command": "/brownout", "trigger_id": "1.2.3"}
EVENT = {"type": "event_callback", "event_id": "Ev1"}


class Keys:
    """A book that keeps them for ever."""

    def __init__(self):
        self.kept = set()

    def claim(self, key, now, keep):  # noqa: ARG002
        is_first = key not in self.kept
        self.kept.add(key)
        return is_first


class Door:
    """Bolt with one middleware; counts what gets through."""

    def __init__(self):
        self.clock, self.keys, self.through = Clock(), Keys(), 0
        events_once(self, Once(self.keys, self.clock))

    def middleware(self, passed):
        self.passed = passed

    async def send(self, *bodies):
        for body in bodies:
            await self.passed(body, self._count)
        return self.through

    async def _count(self):
        self.through += 1


@pytest.fixture
def door():
    return Door()


@pytest.mark.parametrize("body", [COMMAND, EVENT])
async def test_a_repeat_is_not_done(door, body):
    assert await door.send(body, body) == 1


async def test_another_press_is_done(door):
    assert await door.send(COMMAND, COMMAND | {"trigger_id": "4.5.6"}) == 2


@pytest.mark.parametrize("kind", ["view_submission", "block_suggestion"])
async def test_what_needs_its_answer_is_always_done(door, kind):
    body = {"type": kind, "trigger_id": "1"}
    assert await door.send(body, body) == 2


async def test_a_trigger_is_forgotten_after_a_while(door):
    await door.send(COMMAND)
    door.clock.at += SIGNED + timedelta(seconds=1)
    assert await door.send(COMMAND) == 2


async def test_a_press_waits_for_no_disk(door):
    await door.send(COMMAND)
    assert door.keys.kept == set()


# --- memory and the book ------------------------------------------------------------------------------------------------


class Full:
    """A disk with no room left, until there is."""

    is_full = True

    def claim(self, *_):
        if self.is_full:
            raise StoreError("the disk is full")
        return True


def test_a_key_is_new_once():
    recent = Recent()
    assert [recent.is_new("a", NOON, HOUR), recent.is_new("a", NOON, HOUR)] == [True, False]


def test_a_key_is_new_again_when_its_time_is_over():
    recent = Recent()
    recent.is_new("a", NOON, HOUR)
    assert recent.is_new("a", NOON + HOUR, HOUR)


def test_memory_is_bounded():
    recent = Recent()
    for n in range(REMEMBERED + 10):
        recent.is_new(str(n), NOON, HOUR)
    assert len(recent._until) == REMEMBERED


def test_the_book_knows_after_a_restart(tmp_path):
    for is_first in (True, False):
        book = Store.open(tmp_path / "b.db")
        assert Once(book.heard, lambda: NOON).is_first("a", HOUR) is is_first
        book.close()


def test_the_book_forgets_in_time(tmp_path):
    book = Store.open(tmp_path / "b.db")
    book.heard.claim("a", NOON, HOUR)
    book.heard.claim("b", NOON + 2 * HOUR, HOUR)
    assert [r["key"] for r in book._db.rows("SELECT key FROM heard")] == ["b"]
    book.close()


def test_a_disk_that_is_full_leaves_memory_and_is_told_once(caplog):
    once = Once(kept := Full(), lambda: NOON)
    assert [once.is_first(key, HOUR) for key in ("a", "b", "a")] == [True, True, False]
    assert len(caplog.records) == 1
    kept.is_full = False
    once.is_first("c", HOUR)
    kept.is_full = True
    once.is_first("d", HOUR)
    assert len(caplog.records) == 2
