"""Tells systemd that the bot runs: ``Type=notify`` and the watchdog of a unit.

The protocol is that of sd_notify(3): datagrams of ``KEY=value`` lines to the socket in ``$NOTIFY_SOCKET``.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Mapping
from dataclasses import dataclass

log = logging.getLogger("brownout")


@dataclass(frozen=True, slots=True)
class SystemdNotifier:
    """Sends states to the service manager; does nothing where there is none.

    Attributes:
        address: The socket of ``$NOTIFY_SOCKET``; empty where systemd did not start the bot.
        watchdog_s: Seconds after which systemd restarts a unit that is silent; None without a watchdog.
    """

    address: str = ""
    watchdog_s: float | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> SystemdNotifier:
        """The notifier for ``$NOTIFY_SOCKET`` and ``$WATCHDOG_USEC`` (microseconds)."""
        usec = environment.get("WATCHDOG_USEC", "")
        return cls(environment.get("NOTIFY_SOCKET", ""), int(usec) / 1e6 if usec.isdigit() and int(usec) else None)

    async def run(self, status: str = "", ready: asyncio.Event | None = None) -> None:
        """Says that the bot is ready, feeds the watchdog from the event loop, and says at the end that it stops.

        An event loop that hangs for longer than ``watchdog_s`` is thereby restarted.

        Args:
            status: What ``systemctl status`` shows of it, in one line.
            ready: Set once it is ready; None if it is now.
        """
        if ready is not None:
            await ready.wait()
        self.send(f"READY=1\nSTATUS={status}" if status else "READY=1")
        try:
            while self.watchdog_s:
                self.send("WATCHDOG=1")
                await asyncio.sleep(self.watchdog_s / 3)
            await asyncio.Event().wait()
        finally:
            self.send("STOPPING=1")

    def send(self, state: str) -> None:
        """Sends one state. A failure is logged: it must not stop the bot."""
        if not self.address:
            return
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.sendto(state.encode(), address)
        except OSError as error:
            log.warning("systemd could not be notified: %s state=%s", error.strerror, state)
