"""``python -m tests.bench.gate_overhead``: what the gate's transport adds to a request that succeeds.

A server on loopback and a bot's web server run in this process; requests alternate between a client with the gate's
transport and one without, so that both meet the same machine. The bot is once there, once hanging: a request that
succeeds never asks, so it must not matter.
"""

from __future__ import annotations

import argparse
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "bot" / "clients" / "python"))  # where pytest finds it too

import httpx
from brownout_gate import Gate, GateTransport

from tests.bench.table import percentile
from tests.support.live_bot import LiveBot

LIMIT_MS = 2.0


class Vendor(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65_536  # one packet per answer

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def vendor() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Vendor)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def measure(url: str, gate: Gate, requests: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each request without and with the gate's transport, taken in turn."""
    plain, gated = httpx.Client(), httpx.Client(transport=GateTransport(gate, retries=2))
    took: tuple[list[float], list[float]] = ([], [])
    with plain, gated:
        for n in range(2 * requests + 100):
            client = (plain, gated)[n % 2]
            began = time.perf_counter()
            client.get(url).raise_for_status()
            if n >= 100:  # warm
                took[n % 2].append(1000 * (time.perf_counter() - began))
    return took


def own_time(gate: Gate, requests: int) -> list[float]:
    """Milliseconds that the transport itself takes, around an inner one that answers at once."""
    answer = httpx.Response(200)
    spent = [0.0]

    class Instant(httpx.BaseTransport):
        def handle_request(self, _: httpx.Request) -> httpx.Response:
            began = time.perf_counter()
            response = answer
            spent[0] = time.perf_counter() - began
            return response

    transport, request, found = GateTransport(gate, Instant(), retries=2), httpx.Request("GET", "http://v/"), []
    for _ in range(requests):
        began = time.perf_counter()
        transport.handle_request(request)
        found.append(1000 * (time.perf_counter() - began - spent[0]))
    return found


def row(name: str, values: list[float]) -> str:
    return f"| {name} | {percentile(values, 0.5):.4f} | {percentile(values, 0.99):.4f} | {max(values):.4f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=5000)
    requests = parser.parse_args().requests
    print("| ms per request that succeeds | P50 | P99 | longest |\n|---|---:|---:|---:|")
    with (
        tempfile.TemporaryDirectory() as folder,
        vendor() as url,
        socket.create_server(("127.0.0.1", 0)) as hanging,
        LiveBot(Path(folder) / "b.db", "breaks") as bot,
    ):
        gate = Gate("acme-api", bot=bot.url, token=bot.token)
        plain, gated = measure(url, gate, requests)
        print(row("without the gate", plain))
        print(row("with it, a bot that holds", gated))
        away = Gate("acme-api", bot=f"http://127.0.0.1:{hanging.getsockname()[1]}", token=bot.token)
        print(row("with it, a bot that hangs", measure(url, away, requests)[1]))
        own = own_time(gate, requests)
        print(row("the transport's own time", own))
        share = sum(ms <= LIMIT_MS for ms in own) / len(own)
        print(f"\nown time at most {LIMIT_MS:g} ms: {share:.2%} of {len(own)} requests")


if __name__ == "__main__":
    main()
