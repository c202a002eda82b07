"""Notifications to systemd, received on a real datagram socket."""

import asyncio
import contextlib
import socket

import pytest

from bot.app.systemd import SystemdNotifier

pytestmark = [pytest.mark.anyio, pytest.mark.enable_socket]


@pytest.fixture
def manager(tmp_path):
    """A service manager's socket, and its address."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path / "notify"))
        receiver.settimeout(5)
        yield receiver, str(tmp_path / "notify")


async def states(receiver, notifier, number):
    """The first states that the notifier sends."""
    task = asyncio.create_task(notifier.run())
    received = [(await asyncio.to_thread(receiver.recv, 100)).decode() for _ in range(number)]
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return received


async def test_the_bot_says_that_it_is_ready(manager):
    receiver, address = manager
    assert await states(receiver, SystemdNotifier(address), 1) == ["READY=1"]


async def test_it_is_ready_once_the_board_listens_and_says_what_it_does(manager):
    receiver, address = manager
    is_listening = asyncio.Event()
    task = asyncio.create_task(SystemdNotifier(address).run("3 providers", is_listening))
    await asyncio.sleep(0)
    receiver.setblocking(False)
    with pytest.raises(BlockingIOError):
        receiver.recv(100)
    is_listening.set()
    receiver.settimeout(5)
    assert await asyncio.to_thread(receiver.recv, 100) == b"READY=1\nSTATUS=3 providers"
    task.cancel()


async def test_the_watchdog_is_fed_again_and_again(manager):
    receiver, address = manager
    notifier = SystemdNotifier.from_environment({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "3000"})
    assert await states(receiver, notifier, 3) == ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]


async def test_the_end_is_said(manager):
    receiver, address = manager
    await states(receiver, SystemdNotifier(address), 1)
    assert receiver.recv(100) == b"STOPPING=1"


def test_without_systemd_nothing_is_sent():
    SystemdNotifier.from_environment({}).send("READY=1")


def test_a_socket_that_is_gone_is_logged(tmp_path, caplog):
    SystemdNotifier(str(tmp_path / "gone")).send("READY=1")
    assert "systemd could not be notified: No such file or directory state=READY=1" in caplog.text


@pytest.mark.parametrize("usec", ["", "0", "soon"])
def test_no_watchdog_is_none(usec):
    assert SystemdNotifier.from_environment({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": usec}).watchdog_s is None
