"""Two bots as processes on one PostgreSQL database: one polls and posts, the other answers, and takes over."""

import asyncio
import os
import signal
import socket
import sys
from contextlib import asynccontextmanager, closing

import httpx
import pytest
from aiohttp import web

from bot.storage import Repository
from bot.storage.loop_check import WORDS
from tests.support.acme import NOON, catalogue
from tests.support.loopback import serving_app
from tests.support.pages import page
from tests.support.stores import SERVER, place

on_server = pytest.mark.skipif(not SERVER, reason="no PostgreSQL here (BROWNOUT_POSTGRES names a server to throw away)")
pytestmark = [pytest.mark.anyio, on_server]

PATIENCE_S = 60
COUNTS = {"surface": "acme-api", "client": "shop", "ok": 5, "errors": {"503": 45}}


class Bot:
    """A process with a web server, and all that it logged."""

    def __init__(self, process, port, log):
        self.process, self.log = process, log
        self.client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False)

    async def get(self, path):
        """The JSON of an answer; an empty object while there is none."""
        try:
            return (await self.client.get(path)).json()
        except httpx.TransportError:
            return {}

    async def until(self, path, holds):
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not holds(found := await self.get(path)):
                    assert self.process.returncode is None, self.log.read_text()
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{path}: {found}\n{self.log.read_text()}") from None
        return found

    async def has_role(self, role):
        return await self.until("/readyz", lambda found: found.get("role") == role)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@asynccontextmanager
async def running(folder, number, url, db, *, providers=catalogue, more=""):
    """A bot with a folder of its own, which is the same for all but the port of its board."""
    config, port = folder / f"bot{number}", free_port()
    config.mkdir()
    providers(config, url)
    intervals = "[poll]\ninterval_s = 1\nincident_interval_s = 1\n"
    (config / "brownout.toml").write_text(f"{intervals}[web]\nport = {port}\n{more}")
    log = config / "log"
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SLACK_")}
    with log.open("w") as out:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "run", "--config", str(config), "--db", db.url),
            stdout=out,
            stderr=asyncio.subprocess.STDOUT,
            env={**clean, "COLUMNS": "200", "PYTHONASYNCIODEBUG": "1"},
        )
    bot = Bot(process, port, log)
    try:
        yield bot
    finally:
        await bot.client.aclose()
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert WORDS not in log.read_text(), log.read_text()


@asynccontextmanager
async def two_bots(folder):
    """The bot that leads and the one that follows, the status page that they watch, and their database."""
    shown, asked = {"body": page(api="major_outage")}, []

    async def show(request):
        if not request.path.endswith("summary.json"):
            return web.Response(status=404)
        asked.append(request.headers.get("user-agent"))
        return web.Response(body=shown["body"], content_type="application/json")

    db = place(folder / "b.db")
    async with serving_app(web.route("*", "/{path:.*}", show)) as url, running(folder, 1, url, db) as leader:
        await leader.has_role("leader")
        await leader.until("/v1/surfaces/acme-api", lambda found: found.get("seen_at"))
        async with running(folder, 2, url, db) as follower:
            await follower.has_role("follower")
            yield leader, follower, shown, db


async def test_a_follower_is_ready_and_answers_as_the_leader_does(tmp_path):
    async with two_bots(tmp_path) as (leader, follower, shown, _):
        shown["body"] = page()
        await leader.until("/v1/surfaces/acme-api", lambda found: found["condition"] == "operational")
        said = {"verdict", "reason_code", "condition"}
        mine, theirs = [await bot.get("/v1/surfaces/acme-api") for bot in (leader, follower)]
        assert {k: mine.get(k) for k in said} == {k: theirs.get(k) for k in said}
        metrics = (await follower.client.get("/metrics")).text
        assert "brownout_leader 0.0" in metrics


async def test_what_a_follower_is_told_of_failed_requests_is_counted_by_the_leader(tmp_path):
    async with two_bots(tmp_path) as (leader, follower, shown, db):
        shown["body"] = page()
        await leader.until("/v1/surfaces/acme-api", lambda found: found["condition"] == "operational")
        with closing(Repository.open(db)) as repository:
            token = repository.api_tokens.create("shop", ("outcomes",), NOON)
        now = (await follower.get("/v1/surfaces/acme-api"))["seen_at"]
        counts = {**COUNTS, "since": now, "until": now}
        answer = await follower.client.post("/v1/outcomes", json=counts, headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 200, answer.text
        with closing(Repository.open(db, read_only=True)) as repository:
            async with asyncio.timeout(PATIENCE_S):
                while not repository._db.rows("SELECT 1 FROM outcomes WHERE client = 'shop'"):  # noqa: ASYNC110  (a table)
                    await asyncio.sleep(0.02)
            assert repository.handed_evidence.waiting() == ()


async def test_a_follower_goes_on_answering_and_polls_when_the_leader_is_killed(tmp_path):
    async with two_bots(tmp_path) as (leader, follower, shown, _):
        leader.process.kill()
        await leader.process.wait()
        assert (await follower.get("/v1/surfaces/acme-api"))["condition"] == "major_outage"
        await follower.has_role("leader")
        shown["body"] = page()
        await follower.until("/v1/surfaces/acme-api", lambda found: found["condition"] == "operational")


async def test_a_follower_ends_cleanly(tmp_path):
    async with two_bots(tmp_path) as (_, follower, *_):
        follower.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            assert await follower.process.wait() == 0
    assert "stopped signal=SIGTERM" in follower.log.read_text()
