"""A TCP proxy before a PostgreSQL server: counts round trips, and delays what comes back."""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit

BLOCK = 1 << 16
LEASE = b"brownout-lease"  # in the first message of its connection


class PostgresProxy:
    """Listens on a free port of 127.0.0.1 until it is closed.

    Attributes:
        round_trips: How often a client asked for something after it had last been answered, over all connections but
            that of a bot's lease, which asks by the clock. A client that sends a lot together may get the first answer
            while it still sends; that counts once more, unless ``delay_s`` is longer than the sending takes.
        delay_s: How long each answer takes longer, in seconds.
    """

    def __init__(self, url: str, delay_s: float = 0.0) -> None:
        """``url`` is the server's."""
        self._url = urlsplit(url)
        self.delay_s, self.round_trips = delay_s, 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """The server's address by way of the proxy."""
        port = self._listener.getsockname()[1]
        user = f"{self._url.username}@" if self._url.username else ""
        return urlunsplit(self._url._replace(netloc=f"{user}127.0.0.1:{port}"))

    def close(self) -> None:
        """Ends all connections."""
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection((self._url.hostname or "127.0.0.1", self._url.port or 5432))
                for end in (near, far):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open += [near, far]
                _Pair(self, near, far).start()


class _Pair:
    """One connection, both ways."""

    def __init__(self, proxy: PostgresProxy, near: socket.socket, far: socket.socket) -> None:
        self.proxy, self.near, self.far = proxy, near, far
        self._has_answered = True
        self._is_counted = True
        self._answers: deque[tuple[float, bytes]] = deque()
        self._ready = threading.Semaphore(0)

    def start(self) -> None:
        for work in (self._ask, self._read_answers, self._answer):
            threading.Thread(target=work, daemon=True).start()

    def _ask(self) -> None:
        with suppress(OSError):
            while data := self.near.recv(BLOCK):
                self._is_counted = self._is_counted and LEASE not in data
                if self._has_answered and self._is_counted:
                    self._has_answered = False
                    self.proxy.round_trips += 1
                self.far.sendall(data)
        _end(self.far)

    def _read_answers(self) -> None:
        with suppress(OSError):
            while data := self.far.recv(BLOCK):
                self._answers.append((time.monotonic() + self.proxy.delay_s, data))
                self._ready.release()
        self._answers.append((0.0, b""))
        self._ready.release()

    def _answer(self) -> None:
        """Sends each answer when its time has come; what comes close together is not delayed twice."""
        with suppress(OSError):
            while True:
                self._ready.acquire()
                due_s, data = self._answers.popleft()
                time.sleep(max(0.0, due_s - time.monotonic()))
                if not data:
                    break
                self._has_answered = True
                self.near.sendall(data)
        _end(self.near)


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_WR)
