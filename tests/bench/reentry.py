"""``python -m tests.bench.reentry``: 1,000 clients after an outage, with the gate client against plain backoff.

In virtual time, so it takes about a minute and its figures do not depend on the machine. The clients are the real
``AsyncGate``; their answers come from the bot's own rules over a made-up incident: errors from 11:10, mitigated at 11:40,
posted as monitoring at 11:41 and as resolved at 11:56. Each client has one request that failed during the outage, and
sends it again until it succeeds: as soon as the gate lets it, or with an exponential backoff of full jitter (base 1 s,
cap 60 s). ``--plot FILE`` draws the requests per second at the vendor.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "bot" / "clients" / "python"))  # where pytest finds it too

import httpx
from brownout_gate import AsyncGate

from bot.rules.verdict import machine_form
from tests.support.scenario import GREEN, RED, Scenario

CLIENTS = 1000
LABELS = (
    "retries during the outage",
    "highest rate after it",
    "half done after",
    "nine in ten done after",
    "all done after",
)
BEGAN_S, MITIGATED_S, END_S = 600.0, 2400.0, 3 * 3600.0
POSTS = [
    (10, "investigating", "We see errors.", RED),
    (41, "monitoring", "A fix is in place.", GREEN),
    (56, "resolved", "This is over."),
]


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop that never waits: where all tasks sleep, its clock jumps to the first that wakes."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        select = self._selector.select

        def select_at_once(timeout: float | None = None) -> object:
            self._now += timeout or 0.0
            return select(0)

        self._selector.select = select_at_once

    def time(self) -> float:
        return self._now


@dataclass
class Vendor:
    """Fails from BEGAN_S until MITIGATED_S; remembers when it was asked, and when each request succeeded."""

    asked: list[float] = field(default_factory=list)
    done: list[float] = field(default_factory=list)

    def send(self, now: float) -> bool:
        self.asked.append(now)
        if BEGAN_S <= now < MITIGATED_S:
            return False
        self.done.append(now)
        return True

    def per_second(self) -> Counter[int]:
        return Counter(int(at) for at in self.asked)


class Bot:
    """The bot's rules over the incident, polled once a minute; an httpx handler that answers the gate."""

    def __init__(self, path: Path, now: Callable[[], float]) -> None:
        self.scenario, self.now, self.polled, self.asks = Scenario(path), now, -1, 0
        self.queries = self.scenario.queries()
        [self.provider, *_] = self.queries.providers
        self.surface = self.provider.surfaces[0]

    def poll(self) -> None:
        """Polls for each minute that has begun."""
        while self.polled < int(self.now() // 60):
            self.polled += 1
            self.scenario.minute = self.polled
            shown = [post for post in POSTS if post[0] <= self.polled]
            if shown:
                self.scenario.show(*shown)
            self.scenario.conditions = {"c-api": RED} if BEGAN_S <= 60 * self.polled < MITIGATED_S else {}
            self.scenario.poll_page()
        self.scenario.minute = self.now() / 60

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asks += 1
        self.poll()
        form = self.queries.verdict_json(self.provider, self.surface, request.url.params["client"])
        status, headers = machine_form.gate_response(form)
        date = self.scenario.now().strftime("%a, %d %b %Y %H:%M:%S GMT")
        return httpx.Response(status, json=form, headers=headers | {"date": date})


async def send_with_gate(gate: AsyncGate, vendor: Vendor, now: Callable[[], float]) -> None:
    while not vendor.send(now()):
        await gate.wait(timeout=END_S)


async def send_with_backoff(_: AsyncGate, vendor: Vendor, now: Callable[[], float]) -> None:
    attempt = 0
    while not vendor.send(now()):
        await asyncio.sleep(random.uniform(0, min(60.0, 2.0**attempt)))  # noqa: S311  (spreads load)
        attempt += 1


Send = Callable[[AsyncGate, Vendor, Callable[[], float]], Awaitable[None]]


def play(send: Send, path: Path, clients: int) -> tuple[Vendor, Bot]:
    """All clients meet the outage at a moment of its own and send until they succeed."""
    random.seed(20)
    vendor, loop = Vendor(), VirtualTimeLoop()
    bot = Bot(path, loop.time)

    async def client(number: int) -> None:
        await asyncio.sleep(random.uniform(BEGAN_S, MITIGATED_S))  # noqa: S311  (likewise)
        gate = AsyncGate(*("acme-api",), client=f"host-{number}", transport=httpx.MockTransport(bot), clock=loop.time)
        await send(gate, vendor, loop.time)

    async def all_clients() -> None:
        await asyncio.gather(*(client(n) for n in range(clients)))

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(all_clients())
    bot.scenario.repository.close()
    return vendor, bot


def figures(vendor: Vendor, clients: int) -> list[str]:
    """Requests in the outage, the highest rate after it, and when half, nine in ten and all clients were done."""
    after = [n for second, n in vendor.per_second().items() if second >= MITIGATED_S]
    done = sorted(at - MITIGATED_S for at in vendor.done)
    needed = [int(share * (clients - 1)) for share in (0.5, 0.9, 1.0)]
    minutes = [f"{done[n] / 60:.1f} min" if n < len(done) else "never" for n in needed]
    return [str(sum(at < MITIGATED_S for at in vendor.asked) - clients), f"{max(after)}/s", *minutes]


def lines(vendors: dict[str, Vendor], bots: dict[str, Bot], clients: int) -> list[str]:
    """The tables."""
    table = [
        "| | " + " | ".join(vendors) + " |",
        "|---|" + "---:|" * len(vendors),
    ]
    found = {name: [*figures(vendor, clients), str(bots[name].asks)] for name, vendor in vendors.items()}
    labels = [*LABELS, "questions to the bot"]
    table += [f"| {label} | " + " | ".join(v[n] for v in found.values()) + " |" for n, label in enumerate(labels)]
    return [*table, "", *rates(vendors)]


def rates(vendors: dict[str, Vendor]) -> list[str]:
    """The table of requests per second."""
    table = ["Requests per second at the vendor (highest of the span), from the mitigation on:", ""]
    table += ["| after | " + " | ".join(vendors) + " |", "|---|" + "---:|" * len(vendors)]
    edges = [-600, -60, 0, 10, 60, 120, 300, 600, 1200, 1800, 2700, 3600, 5400]
    for start, end in pairwise(edges):
        highest = [
            max((n for s, n in v.per_second().items() if start <= s - MITIGATED_S < end), default=0)
            for v in vendors.values()
        ]
        table.append(f"| {start} to {end} s | " + " | ".join(map(str, highest)) + " |")
    return table


def plot(vendors: dict[str, Vendor], file: Path, outage_s: float = MITIGATED_S - BEGAN_S) -> None:
    """Draws the requests per second, by seconds in which the outage ends at MITIGATED_S."""
    from matplotlib.figure import Figure  # noqa: PLC0415  (only for --plot)

    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.subplots()
    for name, vendor in vendors.items():
        counts = vendor.per_second()
        seconds = range(int(MITIGATED_S - outage_s) - 60, max(int(max(v.asked)) + 60 for v in vendors.values()))
        axes.step([(s - MITIGATED_S) / 60 for s in seconds], [counts[s] for s in seconds], label=name, linewidth=0.8)
    axes.axvspan(-outage_s / 60, 0, alpha=0.15, color="tab:red", label="outage")
    axes.set(xlabel="minutes after the mitigation", ylabel="requests per second at the vendor", yscale="symlog")
    axes.legend()
    figure.savefig(file, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument("--plot", type=Path, metavar="FILE")
    options = parser.parse_args()
    ways: dict[str, Send] = {"backoff with jitter": send_with_backoff, "gate": send_with_gate}
    vendors, bots, began = {}, {}, time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for n, (name, send) in enumerate(ways.items()):
            vendors[name], bots[name] = play(send, Path(folder) / f"{n}.db", options.clients)
    print("\n".join(lines(vendors, bots, options.clients)))
    print(f"\n{options.clients} clients, 30 min of outage; computed in {time.monotonic() - began:.0f} s")
    if options.plot:
        plot(vendors, options.plot)


if __name__ == "__main__":
    main()
