"""``python -m tests.bench.reentry_live``: as ``reentry``, over real sockets against a real bot, in real time.

The bot is a process of its own that polls a status page on loopback every 5 s; the vendor is a server on loopback that
fails for ``--outage`` seconds. Two times 1,000 clients meet that outage, each with a request that it sends again until it
succeeds, with a backoff of full jitter: one half also asks the bot's HTTP API with the real ``AsyncGate``. It takes the
outage and up to ``--after`` seconds. ``--plot FILE`` draws the requests per second at the vendor.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "bot" / "clients" / "python"))  # where pytest finds it too

import httpx
from aiohttp import web
from brownout_gate import AsyncGate, GateTimeoutError

from tests.bench import reentry
from tests.bench.fake_services import until
from tests.bench.tls_hosts import free_port
from tests.faults.fake_services import FakeStatusPage
from tests.support.acme import NOON, catalogue
from tests.support.loopback import serving_app
from tests.support.pages import incident, page, update

QUIET_S = 20.0  # of the vendor, before the outage
SEEN_AFTER_S = 10.0  # the page shows the outage, and its end, so long after them
ASK_TIMEOUT_S = 20.0  # more than as shipped: without an answer the gate is open, and a busy machine is late
WAYS = ("backoff with jitter", "backoff and gate")


@dataclass
class Timeline:
    """The vendor's outage, in seconds of a monotonic clock that begins with it."""

    outage_s: float
    began_at: float = field(default_factory=lambda: time.monotonic() + QUIET_S)

    @property
    def now(self) -> float:
        """Seconds since the outage began."""
        return time.monotonic() - self.began_at

    @property
    def is_down(self) -> bool:
        """Whether the vendor fails now."""
        return 0 <= self.now < self.outage_s


@dataclass
class LiveVendor:
    """A vendor on loopback, with one path for each way; keeps when it was asked and when it answered well."""

    timeline: Timeline
    late: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WAYS, 0))  # first tries after the outage
    unanswered: int = 0  # passes of the gate without an answer of the bot
    ways: dict[str, reentry.Vendor] = field(default_factory=lambda: {way: reentry.Vendor() for way in WAYS})

    async def answer(self, request: web.Request) -> web.Response:
        """One request, counted from the outage's begin as ``reentry`` counts it."""
        vendor = self.ways[request.match_info["way"]]
        at = self.timeline.now + reentry.MITIGATED_S - self.timeline.outage_s
        vendor.asked.append(at)
        if self.timeline.is_down:
            return web.Response(status=503)
        self.late[request.match_info["way"]] += request.match_info["attempt"] == "0"
        vendor.done.append(at)
        return web.Response(text="ok")


async def show_outage(status_page: FakeStatusPage, timeline: Timeline) -> None:
    """The vendor's page: red with an incident, then resolved."""
    await asyncio.sleep(SEEN_AFTER_S - timeline.now)
    status_page.show(page(incident(), api="major_outage"))
    await asyncio.sleep(timeline.outage_s)
    over = update(2, "resolved", "This is over.", NOON + timedelta(seconds=timeline.outage_s), api=None)
    status_page.show(page(incident(update(api="major_outage"), over)))


Wait = Callable[[int], Awaitable[None]]  # takes the number of the attempt that failed, from 0


async def client(send: Callable[[int], Awaitable[bool]], wait: Wait, timeline: Timeline) -> None:
    """One client: begins in the first four fifths of the outage, and sends until it succeeds."""
    await asyncio.sleep(QUIET_S + random.uniform(0, 0.8 * timeline.outage_s))  # noqa: S311  (spreads load)
    attempt = 0
    while not await send(attempt):
        await wait(attempt)
        attempt += 1


async def back_off(attempt: int) -> None:
    """Full jitter: base 1 s, cap 60 s."""
    await asyncio.sleep(random.uniform(0, min(60.0, 2.0**attempt)))  # noqa: S311  (likewise)


async def measured(folder: Path, clients: int, outage_s: float, after_s: float) -> tuple[LiveVendor, int, Timeline]:
    """Both halves at once: the vendor, how often the bot's page was polled, and the timeline."""
    port = free_port()
    async with FakeStatusPage() as status_page:
        catalogue(folder, status_page.url)
        text = f"[poll]\ninterval_s = 5\nincident_interval_s = 5\n[web]\nport = {port}\n"
        (folder / "brownout.toml").write_text(text, encoding="utf-8")
        with (folder / "log.txt").open("wb") as log:
            bot = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bot", "run", "--config", str(folder), "--db", str(folder / "b.db")),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"PATH": "/usr/bin:/bin"},
            )
        try:
            await until(lambda: status_page.looks > 0, 60, "the first poll")
            await _answers(port)
            timeline = Timeline(outage_s)
            vendor = await _played(f"http://127.0.0.1:{port}", status_page, timeline, clients, after_s)
        finally:
            with suppress(ProcessLookupError):
                bot.kill()
            await bot.wait()
        return vendor, status_page.looks, timeline


async def _answers(port: int) -> None:
    async with httpx.AsyncClient() as http:
        for _ in range(600):
            with suppress(httpx.TransportError):
                await http.get(f"http://127.0.0.1:{port}/healthz")
                return
            await asyncio.sleep(0.1)
    raise TimeoutError("the bot does not answer by HTTP")


async def _played(
    bot_url: str, status_page: FakeStatusPage, timeline: Timeline, clients: int, after_s: float
) -> LiveVendor:
    vendor = LiveVendor(timeline)
    limits = httpx.Limits(max_connections=200)
    async with (
        serving_app(web.get("/{way}/{attempt}", vendor.answer), backlog=1024) as vendor_url,
        httpx.AsyncClient(limits=limits, timeout=30) as http,
    ):

        async def send(way: str, attempt: int) -> bool:
            return (await http.get(f"{vendor_url}/{way}/{attempt}")).is_success

        def gated(number: int) -> Wait:
            gate = AsyncGate("acme-api", bot=bot_url, client=f"host-{number}", ask_timeout_s=ASK_TIMEOUT_S)

            async def wait(attempt: int) -> None:
                await back_off(attempt)  # before the page shows the outage, the gate is open
                with suppress(GateTimeoutError):
                    answer = await gate.wait(timeout=after_s + timeline.outage_s)
                    vendor.unanswered += not answer.is_from_bot

            return wait

        tasks = [asyncio.create_task(show_outage(status_page, timeline))]
        for number in range(clients):
            tasks.append(asyncio.create_task(client(partial(send, WAYS[0]), back_off, timeline)))
            tasks.append(asyncio.create_task(client(partial(send, WAYS[1]), gated(number), timeline)))
        _, late = await asyncio.wait(tasks, timeout=QUIET_S + timeline.outage_s + after_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
    return vendor


def lines(vendors: dict[str, reentry.Vendor], clients: int) -> list[str]:
    """The tables, as of ``reentry``; clients that did not get through in time are counted."""
    found = {
        way: [str(clients - len(vendor.done)), *reentry.figures(vendor, clients)] for way, vendor in vendors.items()
    }
    labels = ["clients that are not through yet", *reentry.LABELS]
    table = ["| | " + " | ".join(vendors) + " |", "|---|" + "---:|" * len(vendors)]
    table += [f"| {label} | " + " | ".join(v[n] for v in found.values()) + " |" for n, label in enumerate(labels)]
    return [*table, "", *reentry.rates(vendors)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=reentry.CLIENTS)
    parser.add_argument("--outage", type=float, default=180.0, metavar="SECONDS")
    parser.add_argument("--after", type=float, default=1800.0, metavar="SECONDS")
    parser.add_argument("--plot", type=Path, metavar="FILE")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        vendor, polls, timeline = asyncio.run(measured(Path(folder), options.clients, options.outage, options.after))
    print("\n".join(lines(vendor.ways, options.clients)))
    print(f"\ntwo times {options.clients} clients, {options.outage:.0f} s of outage; the bot polled {polls} times")
    print(f"first tries that a busy machine sent after the outage: {vendor.late}; retries in it are as many more")
    print(f"passes of the gate for want of an answer: {vendor.unanswered}")
    if options.plot:
        reentry.plot(vendor.ways, options.plot, outage_s=timeline.outage_s)


if __name__ == "__main__":
    main()
