"""Counts how requests to one service went, and sends the counts to the bot once a minute, from a thread of its own.

Counting takes microseconds and never fails. Where the bot can't be reached the counts stay for the next minute; after
ten minutes they are too old to be of use, and are dropped.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import weakref
from collections import Counter
from datetime import datetime, timedelta, timezone
from typing import Any, Callable

import httpx

from brownout_gate.answers import server_time

INTERVAL_S = 60.0
TIMEOUT_S = 5.0
KEPT_FOR_S = 600.0
SKEW_KNOWN_S = 2.0  # a Date header has whole seconds

log = logging.getLogger("brownout_gate")


class OutcomeReporter:
    """Counts outcomes of requests to one service. Safe to share between threads, and survives a fork."""

    def __init__(
        self,
        service: str,
        *,
        url: str,
        token: str,
        client: str = "",
        interval_s: float = INTERVAL_S,
        clock: Callable[[], float] = time.time,
        transport: Any = None,
    ) -> None:
        """Counts for ``service`` and sends to the bot at ``url``.

        Args:
            service: The id of a service.
            url: The bot's address.
            token: A token for outcomes (``brownout token create NAME --for outcomes``).
            client: A name for this client.
            interval_s: Seconds between two reports.
            clock: The time of this machine, in seconds since 1970. It may be wrong: the bot's own is asked for.
            transport: An httpx transport for tests.
        """
        self.service, self.url, self.client = service, url.rstrip("/"), client
        self._headers = {"Authorization": f"Bearer {token}"}
        self._interval_s, self._clock, self._transport = interval_s, clock, transport
        self._skew_s = 0.0  # the bot's clock minus this machine's
        self._was_refused = False
        self._restart()
        reporter = weakref.ref(self)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=lambda: _call_if_alive(reporter, "_restart"))
        atexit.register(_call_if_alive, reporter, "close")

    def _restart(self) -> None:
        """Begins with nothing: at first, and in the child of a fork, whose parent reports what was counted."""
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._closed = threading.Event()
        self._counts: Counter[str] = Counter()
        self._since = self._clock()
        self._thread: threading.Thread | None = None

    def count(self, outcome: str) -> None:
        """Counts one request: ``ok``, a status of 400 or more such as ``529``, ``timeout`` or ``connection``."""
        with self._lock:
            self._counts[outcome] += 1
            if self._thread is None and not self._closed.is_set():
                self._thread = threading.Thread(target=_run, args=(weakref.ref(self), self._closed), daemon=True)
                self._thread.name = f"brownout-outcomes-{self.service}"
                self._thread.start()

    def flush(self) -> bool:
        """Sends what was counted since the last report; returns whether the bot took it. Never raises."""
        with self._sending:
            with self._lock:
                counts, since, self._counts = self._counts, self._since, Counter()
                self._since = until = self._clock()
            if not counts or self._send(counts, since, until):
                return True
            with self._lock:
                if until - since < KEPT_FOR_S:
                    self._counts.update(counts)
                    self._since = since
            return False

    def close(self) -> None:
        """Sends what is left and ends the thread; called at the end of the process."""
        self._closed.set()
        self.flush()

    def _send(self, counts: Counter[str], since: float, until: float) -> bool:
        try:
            with httpx.Client(
                timeout=TIMEOUT_S, transport=self._transport, verify=self.url.startswith("https:")
            ) as client:
                response = self._post(client, counts, since, until)
                if response.status_code == 422 and self._learn_skew(response):  # noqa: PLR2004
                    response = self._post(client, counts, since, until)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            log.debug("brownout: %s: counts not sent: %r", self.service, error)
            return False
        self._learn_skew(response)
        is_refused = 400 <= response.status_code < 500 and response.status_code != 429  # noqa: PLR2004
        if is_refused and not self._was_refused:
            log.warning(
                "brownout: %s: counts refused (HTTP %d): %s", self.service, response.status_code, response.text[:300]
            )
        self._was_refused = is_refused
        return response.is_success

    def _post(self, client: httpx.Client, counts: Counter[str], since: float, until: float) -> httpx.Response:
        form = {
            "surface": self.service,
            "since": self._bot_time(since),
            "until": self._bot_time(until),
            "ok": counts["ok"],
            "errors": {name: n for name, n in counts.items() if name != "ok"},
            "client": self.client,
        }
        return client.post(f"{self.url}/v1/outcomes", json=form, headers=self._headers)

    def _bot_time(self, at: float) -> str:
        moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=at + self._skew_s)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _learn_skew(self, response: httpx.Response) -> bool:
        """Notes by how much the bot's clock is ahead; returns whether that is news."""
        answered_at = server_time(response.headers)
        if answered_at is None:
            return False
        skew_s = answered_at.timestamp() - self._clock()
        skew_s = skew_s if abs(skew_s) > SKEW_KNOWN_S else 0.0
        is_news = abs(skew_s - self._skew_s) > SKEW_KNOWN_S
        self._skew_s = skew_s
        return is_news


def _run(reporter: weakref.ref[OutcomeReporter], closed: threading.Event) -> None:
    """Reports once per interval until the reporter is closed or gone."""
    while True:
        found = reporter()
        if found is None:
            return
        interval_s = found._interval_s  # noqa: SLF001
        del found
        if closed.wait(interval_s):
            return
        _call_if_alive(reporter, "flush")


def _call_if_alive(reporter: weakref.ref[OutcomeReporter], method: str) -> None:
    found = reporter()
    if found is not None:
        getattr(found, method)()
