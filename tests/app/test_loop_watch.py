"""Stalls of the event loop: which turns count, what is logged of them, and how often."""

import asyncio
import tempfile
import threading
from pathlib import Path

import pytest

from bot.app import loop_watch
from bot.app.loop_watch import STALL_S, LoopWatch, stack_of

BUSY = [("/lib/json/decoder.py", "decode"), ("/lib/json/__init__.py", "loads")]


class Clock:
    """A clock that is moved."""

    def __init__(self):
        self.at = 0.0

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def worked():
    return Clock()


@pytest.fixture
def watch(clock, worked):
    return LoopWatch(clock, worked)


def turn(watch, clock, seconds, *, stack=None):
    watch.turn_began()
    clock.at += seconds
    if stack is not None:
        watch.sample(lambda: stack)
    watch.turn_ended()


def test_a_long_turn_is_a_stall(watch, clock):
    turn(watch, clock, 2 * STALL_S)
    assert (watch.stalls, watch.longest_s) == (1, 2 * STALL_S)


def test_a_short_turn_is_none(watch, clock):
    turn(watch, clock, STALL_S / 2)
    assert watch.stalls == 0


def test_the_time_between_two_turns_is_none(watch, clock):
    turn(watch, clock, 0)
    clock.at += 60
    turn(watch, clock, 0)
    assert watch.stalls == 0


def test_a_stall_is_logged_with_what_ran(watch, clock, caplog):
    turn(watch, clock, 2 * STALL_S, stack=BUSY)
    assert "100 ms (CPU 0 ms): decode (decoder.py). Logged" in caplog.text


def test_the_innermost_functions_of_our_own_code_are_named(watch, clock, caplog):
    bot = Path(loop_watch.__file__).parents[1]
    own = [(f"{bot}/formats/feed.py", "parse"), (f"{bot}/poller/poller.py", "poll")]
    turn(watch, clock, 2 * STALL_S, stack=[*BUSY, *own])
    assert "parse (feed.py), called by poll (poller.py)" in caplog.text


def test_the_log_says_for_how_long_the_loop_itself_worked(watch, clock, worked, caplog):
    watch.turn_began()
    clock.at += 0.2
    worked.at += 0.03
    watch.turn_ended()
    assert "200 ms (CPU 30 ms)" in caplog.text


def test_the_same_place_is_logged_once(watch, clock, caplog):
    for _ in range(3):
        turn(watch, clock, 2 * STALL_S, stack=BUSY)
    assert (len(caplog.records), watch.stalls) == (1, 3)


def test_a_place_of_an_earlier_turn_is_not_given_for_this_one(watch, clock, caplog):
    turn(watch, clock, STALL_S * 0.8, stack=BUSY)
    turn(watch, clock, 2 * STALL_S)
    assert "unknown code" in caplog.text


def test_the_turns_of_a_real_loop_are_measured(watch, clock):
    async def main():
        await asyncio.sleep(0)
        clock.at += 1
        await asyncio.sleep(0)

    with asyncio.Runner(loop_factory=watch.new_loop) as runner:
        runner.run(main())
    assert (watch.stalls, watch.longest_s) == (1, 1.0)


def test_the_start_is_no_stall(watch, clock):
    async def main():
        clock.at += 1
        await asyncio.sleep(0)
        watching = asyncio.create_task(watch.run())
        await asyncio.sleep(0)
        watching.cancel()

    with asyncio.Runner(loop_factory=watch.new_loop) as runner:
        runner.run(main())
    assert watch.stalls == 0


def test_the_stack_of_another_thread_is_read():
    def wait_here():
        began.set()
        end.wait()

    began, end = threading.Event(), threading.Event()
    thread = threading.Thread(target=wait_here)
    thread.start()
    began.wait()
    with tempfile.TemporaryFile() as file:
        names = [name for _, name in stack_of(thread.ident, file)]
    end.set()
    thread.join()
    assert names[-4:] == ["wait_here", "run", "_bootstrap_inner", "_bootstrap"]


def test_the_own_stack_is_read_again_and_again():
    with tempfile.TemporaryFile() as file:
        first, second = (stack_of(threading.get_ident(), file)[-5:] for _ in range(2))
    assert first == second != []


def test_a_thread_that_has_ended_has_no_stack():
    with tempfile.TemporaryFile() as file:
        assert stack_of(1, file) == []


def test_a_stall_without_a_stack_is_logged_as_unknown_code(watch, clock, caplog):
    turn(watch, clock, 2 * STALL_S, stack=[])
    assert "unknown code" in caplog.text
