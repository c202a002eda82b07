"""What Slack brings twice over its sockets is done once."""

from datetime import timedelta

import pytest

from bot.entry.once import SIGNED, Once, events_once
from tests.acme import Clock

pytestmark = pytest.mark.anyio

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
