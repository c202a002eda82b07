"""``python -m tests.bench.leader``: two bots and one leader, on PostgreSQL: what dies, what is lost, what comes twice.

A prototype, not the product: it measures what a second store would buy. Two processes; the one that holds a session's
advisory lock looks at a page, records what is new with its epoch, and posts it; all on the connection that holds the
lock, so that a leader whose session is gone can record nothing more. The leader is killed with -9, or frozen (SIGSTOP)
for longer than its session may idle, and thawed. A frozen one may still post once: Slack can't be fenced.

Wants ``pip install pgserver 'psycopg[binary]'`` in an environment of its own; nothing of it is in the bot.
"""

from __future__ import annotations

import argparse
import http.client
import json
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median

try:
    import psycopg
except ImportError:
    raise SystemExit("it wants pgserver and psycopg[binary]") from None

from tests.faults.tables import table

LOCK = 20261123
IDLE_MS = 1500  # a session that says nothing for so long is ended by the server, and its lock with it
ASK_S = 0.05  # how often the other one asks for the lock
POST_S = 1.0  # the longest a post may take
PATIENCE_S = 20.0  # nothing posted for so long: what is not there by then is lost
NEWS_S = 0.1  # between two updates on the page
SCHEMA = """
CREATE TABLE IF NOT EXISTS leader (epoch bigint NOT NULL);
CREATE TABLE IF NOT EXISTS outbox (
  key bigint PRIMARY KEY, epoch bigint NOT NULL, state text NOT NULL DEFAULT 'waiting', left_at timestamptz);
CREATE INDEX IF NOT EXISTS unsent ON outbox (key) WHERE state <> 'sent';
"""


# --- a bot ------------------------------------------------------------------------------------------------------------


@dataclass
class Bot:
    """One of the two.

    ``look_up``: posts whose fate is unknown are looked for in the channel's history. ``is_careful``: nothing is posted
    on the word of a write that is older than half of the time after which the lock may be another's.
    """

    dsn: str
    port: int
    look_up: bool
    is_careful: bool

    def run(self) -> None:
        """Leads whenever it may, until it is killed."""
        while True:
            with suppress(psycopg.OperationalError, OSError, http.client.HTTPException):
                self.lead()
            time.sleep(ASK_S)

    def lead(self) -> None:
        options = f"-c idle_session_timeout={IDLE_MS} -c idle_in_transaction_session_timeout={IDLE_MS}"
        with psycopg.connect(self.dsn, autocommit=True, options=options) as db:
            while not db.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()[0]:
                time.sleep(ASK_S)
            (epoch,) = db.execute("UPDATE leader SET epoch = epoch + 1 RETURNING epoch").fetchone()
            print(json.dumps({"leads": os.getpid(), "at": time.time(), "epoch": epoch}), flush=True)
            while True:
                self.poll(db, epoch)
                self.publish(db, epoch)
                time.sleep(0.005)

    def poll(self, db: psycopg.Connection, epoch: int) -> None:
        newest = self.ask("GET", "/page")["newest"]
        db.execute(
            "INSERT INTO outbox (key, epoch) SELECT n, %s FROM generate_series("
            " (SELECT coalesce(max(key), 0) + 1 FROM outbox), %s) n",
            [epoch, newest],
        )

    def publish(self, db: psycopg.Connection, epoch: int) -> None:
        unsent = db.execute(
            "SELECT key, state, epoch, extract(epoch FROM now() - left_at) FROM outbox WHERE state <> 'sent' ORDER BY key"
        ).fetchall()
        for key, state, owner, ago in unsent:
            if state == "sending" and owner != epoch and self.look_up and self.has_arrived(key, float(ago)):
                db.execute("UPDATE outbox SET state = 'sent' WHERE key = %s", [key])
                continue
            asked = time.monotonic()
            db.execute("UPDATE outbox SET state = 'sending', epoch = %s, left_at = now() WHERE key = %s", [epoch, key])
            self.ask("POST", f"/post/{key}", leads_until=asked + IDLE_MS / 1000 / 2)
            db.execute("UPDATE outbox SET state = 'sent' WHERE key = %s", [key])

    def has_arrived(self, key: int, ago: float) -> bool:
        """Whether the channel shows it; one that it does not may still be under way for the rest of a post's time."""
        until = time.monotonic() + POST_S - ago
        while key not in self.ask("GET", "/history")["keys"]:
            if time.monotonic() > until:
                return False
            time.sleep(ASK_S)
        return True

    def ask(self, verb: str, path: str, leads_until: float = math.inf) -> dict:
        """Asks the world; but not where the time is up for which the last write proves that the lock is ours."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=POST_S)
        try:
            line.connect()
            if self.is_careful and time.monotonic() > leads_until:
                raise OSError("frozen for too long: another one may lead")
            line.request(verb, path)
            return json.loads(line.getresponse().read())
        finally:
            line.close()


# --- the world --------------------------------------------------------------------------------------------------------


@dataclass
class World:
    """A page with ever more updates, and a channel; both on one port of loopback."""

    began: float = field(default_factory=time.monotonic)
    ended: int | None = None
    posts: list[tuple[int, float]] = field(default_factory=list)

    @property
    def newest(self) -> int:
        return self.ended if self.ended is not None else int((time.monotonic() - self.began) / NEWS_S)

    def served(self) -> ThreadingHTTPServer:
        world = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = {"newest": world.newest} if self.path == "/page" else {"keys": [k for k, _ in world.posts]}
                self._say(body)

            def do_POST(self) -> None:
                time.sleep(random.uniform(0.001, 0.01))  # noqa: S311
                world.posts.append((int(self.path.rpartition("/")[2]), time.time()))
                time.sleep(random.uniform(0.001, 0.01))  # noqa: S311
                self._say({"ok": True})

            def _say(self, body: dict) -> None:
                with suppress(OSError):
                    told = json.dumps(body).encode()
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(told)))
                    self.end_headers()
                    self.wfile.write(told)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server


@dataclass
class Pair:
    """Two bots, and who leads."""

    command: list[str]
    bots: dict[int, subprocess.Popen] = field(default_factory=dict)
    terms: list[dict] = field(default_factory=list)

    def start(self) -> None:
        bot = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)  # noqa: S603
        self.bots[bot.pid] = bot
        threading.Thread(target=self._hear, args=(bot,), daemon=True).start()

    def _hear(self, bot: subprocess.Popen) -> None:
        for line in bot.stdout:
            self.terms.append(json.loads(line))

    def wait_for(self, terms: int) -> dict:
        while len(self.terms) < terms:
            time.sleep(0.005)
        return self.terms[-1]

    def end(self) -> None:
        for bot in self.bots.values():
            bot.kill()
            bot.wait()


def tried(dsn: str, fault: str, times: int, how: tuple[bool, bool], draw: random.Random) -> tuple[object, ...]:
    """One row: so many faults of the leader."""
    with psycopg.connect(dsn, autocommit=True) as db:
        db.execute("DROP TABLE IF EXISTS outbox, leader")
        db.execute(SCHEMA)
        db.execute("INSERT INTO leader VALUES (0)")
    world = World()
    server = world.served()
    me = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "tests.bench.leader",
        "--bot",
        dsn,
        str(server.server_port),
        *(str(int(h)) for h in how),
    ]
    pair, gaps = Pair(me), []
    pair.start()
    pair.start()
    pair.wait_for(1)
    try:
        for _ in range(times):
            time.sleep(draw.uniform(0.3, 0.9))
            terms, leader = len(pair.terms), pair.terms[-1]["leads"]
            hit = time.time()
            os.kill(leader, signal.SIGKILL if fault == "killed" else signal.SIGSTOP)
            pair.wait_for(terms + 1)
            while not any(at > pair.terms[-1]["at"] for _, at in world.posts[-50:]):
                time.sleep(0.002)
            gaps.append(min(at for _, at in world.posts if at > pair.terms[-1]["at"]) - hit)
            if fault == "killed":
                pair.bots.pop(leader).wait()
                pair.start()
            else:
                time.sleep(draw.uniform(0, 0.3))
                os.kill(leader, signal.SIGCONT)
        world.ended = world.newest
        seen, until = 0, time.monotonic() + PATIENCE_S
        while len({k for k, _ in world.posts}) < world.ended and time.monotonic() < until:
            time.sleep(0.05)
            if len(world.posts) > seen:
                seen, until = len(world.posts), time.monotonic() + PATIENCE_S
        time.sleep(1.5)
    finally:
        pair.end()
        server.shutdown()
    came = Counter(key for key, _ in world.posts)
    lost = sum(key not in came for key in range(1, world.ended + 1))
    spans = [f"{1000 * f(gaps):.0f}" for f in (median, max)]
    return (
        f"leader {fault}",
        *("yes" if h else "no" for h in how),
        times,
        world.ended,
        lost,
        came.total() - len(came),
        *spans,
    )


HEAD = (
    "fault",
    "history looked at",
    "lease checked last",
    "times",
    "messages",
    "lost",
    "twice",
    "failover ms: median",
    "most",
)


def main(kills: int, freezes: int, seed: int) -> None:
    import pgserver  # noqa: PLC0415  (the bots do without it)

    print(
        f"seed {seed}; PostgreSQL's lock is asked for every {1000 * ASK_S:.0f} ms, a session idles {IDLE_MS} ms at most"
    )
    draw = random.Random(seed)  # noqa: S311
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # pgserver runs its PostgreSQL as another user where we are root
        server = pgserver.get_server(f"{folder}/pg", cleanup_mode="delete")
        dsn = server.get_uri()
        rows = [
            tried(dsn, fault, times, how, draw)
            for fault, times in (("killed", kills), ("frozen", freezes))
            for how in ((False, False), (True, False), (True, True))
        ]
        server.cleanup()
    print(table(HEAD, rows))


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--kills", type=int, default=40)
    asked.add_argument("--freezes", type=int, default=20)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--bot", nargs=4, help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.bot:
        Bot(given.bot[0], int(given.bot[1]), *(bool(int(b)) for b in given.bot[2:])).run()
    else:
        main(given.kills, given.freezes, given.seed)
