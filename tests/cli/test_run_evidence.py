"""Evidence end to end, over real HTTP: a bot that runs, its own probe, a place elsewhere, and programs that write."""

import asyncio
import os
import signal
import socket
import sys
from contextlib import asynccontextmanager, closing, suppress
from datetime import timedelta

import httpx
import pytest
from aiohttp import web

from bot.cli.options import utc_now
from bot.errors import StoreError
from bot.storage import Repository
from tests.cli.test_run import Bot, configured, running, serving, shows
from tests.support.pages import page

pytestmark = pytest.mark.anyio

PROBE = '[probe.acme-api]\nurl = "{url}/"\nmarker = "welcome"\nallow_private = true\nevery_s = 1\nwithin_s = 0.9\n'
WEB = "[web]\nport = {port}\n"


class Surface:
    """A surface that answers as it is told, and an ok for whoever is asked next."""

    def __init__(self):
        self.status = 200

    async def answer(self, _):
        return web.Response(status=self.status, text="welcome")


@pytest.fixture
def surface():
    return Surface()


@pytest.fixture
def port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture
def db(tmp_path):
    return tmp_path / "b.db"


@pytest.fixture
def secret(db):
    repository = Repository.open(db)
    made = repository.api_tokens.create("tests", ("outcomes", "probes", "reports"), utc_now(), people=9)
    repository.close()
    return made


def config(folder, page_url, probe_url, port):
    made = configured(folder, page_url)
    with (made / "brownout.toml").open("a") as main:
        main.write(WEB.format(port=port) + (PROBE.format(url=probe_url) if probe_url else ""))
    return made


def said(db):
    """What is remembered of the API; None before there is anything, or a database."""
    with suppress(StoreError), closing(Repository.open(db, read_only=True)) as repository:
        world = repository.provider_state("acme")
        return next((t for t in world.testimonies if t.surface == "acme-api"), None) if world else None
    return None


def sights(db):
    """Where the API has been seen from, and how it was at the last try there."""
    found = said(db)
    return {s.vantage: s.tries[-1].ok for s in found.sights} if found else {}


async def until(seen):
    async with asyncio.timeout(20):
        while not (found := seen()):  # noqa: ASYNC110  (another process has no event)
            await asyncio.sleep(0.05)
    return found


@asynccontextmanager
async def elsewhere(folder, port, secret):
    """Another place that tries the same surfaces and tells the bot."""
    words = ("probe", "--report-to", f"http://127.0.0.1:{port}", "--vantage", "paris", "--every", "1")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *words, "--config", str(folder)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "BROWNOUT_TOKEN": secret},
    )
    place = Bot(process)
    try:
        yield place
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


def writer(port, secret):
    headers = {"authorization": f"Bearer {secret}"}
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False)


async def test_the_bot_s_own_probe_sees_a_surface_fall_and_rise(tmp_path, db, surface, port):
    async with serving(shows(page())) as vendor, serving(surface.answer) as there:
        folder = config(tmp_path, vendor, there, port)
        async with running(folder, db) as bot:
            await until(lambda: sights(db) == {"here": True})
            surface.status = 500
            await bot.says("probe of acme-api: 127.0.0.1 answered 500 (Internal Server Error), not 200")
            await until(lambda: sights(db) == {"here": False})
            surface.status = 200
            await bot.says("probe of acme-api: well again")
            bot.process.send_signal(signal.SIGTERM)
            await bot.ended()
    assert sights(db) == {"here": True}


async def test_a_probe_that_hangs_does_not_hold_up_the_end(tmp_path, db, port):
    async def hangs(_):
        asked.set()
        await asyncio.sleep(60)

    asked = asyncio.Event()
    async with serving(shows(page())) as vendor, serving(hangs) as there:
        folder = config(tmp_path, vendor, there, port)
        main = (folder / "brownout.toml").read_text().replace("every_s = 1\nwithin_s = 0.9", "within_s = 30")
        (folder / "brownout.toml").write_text(main)
        async with running(folder, db) as bot:
            await asyncio.wait_for(asked.wait(), 20)
            bot.process.send_signal(signal.SIGTERM)
            code, seconds = await bot.ended()
    assert (code, seconds < 5, "Traceback" in bot.said) == (0, True, False)


async def test_another_place_tells_what_it_sees(tmp_path, db, surface, port, secret):
    surface.status = 500
    async with serving(shows(page())) as vendor, serving(surface.answer) as there:
        folder = config(tmp_path, vendor, there, port)
        async with running(folder, db), elsewhere(folder, port, secret):
            assert await until(lambda: sights(db) == {"here": False, "paris": False})


async def test_another_place_waits_for_a_bot_that_is_away(tmp_path, db, surface, port, secret):
    async with serving(shows(page())) as vendor, serving(surface.answer) as there:
        folder = config(tmp_path, vendor, there, port)
        async with elsewhere(folder, port, secret) as place:
            await place.says("it can't be reached")
            async with running(folder, db):
                await place.says("delivering again")
            place.process.send_signal(signal.SIGTERM)
            code, seconds = await place.ended()
    assert (code, seconds < 3, secret in place.said) == (0, True, False)


async def test_a_token_that_was_revoked_is_said_elsewhere(tmp_path, db, surface, port, secret):
    repository = Repository.open(db)
    repository.api_tokens.revoke("tests")
    repository.close()
    async with serving(shows(page())) as vendor, serving(surface.answer) as there:
        folder = config(tmp_path, vendor, there, port)
        async with running(folder, db), elsewhere(folder, port, secret) as place:
            await place.says("it answered 401: this token is not known here")


async def test_what_programs_write_is_in_the_database_at_once(tmp_path, db, port, secret):
    at = utc_now()
    counted = {
        "since": (at - timedelta(seconds=60)).isoformat(),
        "until": at.isoformat(),
        "ok": 9,
        "errors": {"529": 3},
    }
    async with serving(shows(page())) as vendor, running(config(tmp_path, vendor, None, port), db) as bot:
        await bot.says("board:")
        async with writer(port, secret) as client:
            for kind, body in (("reports", {"reporter": "u-1"}), ("outcomes", counted)):
                answer = await client.post(f"/v1/{kind}", json={"surface": "acme-api"} | body)
                assert answer.json() == {"taken": 1, "left": []}
    found = said(db)
    assert (len(found.voices), [(t.ok, t.failed) for t in found.tallies]) == (1, [(9, 3)])


# --- what it comes to -------------------------------------------------------------------------------------------------


async def read(client):
    """The API's verdict, once the page has been read."""
    while True:
        found = (await client.get("/v1/surfaces/acme-api")).json()
        if found["seen_at"]:
            return found["verdict"], found["reason_code"], found["reason"]
        await asyncio.sleep(0.05)


def failed(minutes, vantage="paris"):
    at = (utc_now() - timedelta(minutes=minutes)).isoformat()
    return {"surface": "acme-api", "at": at, "ok": False, "vantage": vantage, "why": "500"}


async def test_a_surface_that_fails_elsewhere_is_suspected_before_its_page_says_so(tmp_path, db, surface, port, secret):
    surface.status = 500
    async with serving(shows(page())) as vendor, serving(surface.answer) as there:
        folder = config(tmp_path, vendor, there, port)
        async with running(folder, db) as bot, writer(port, secret) as client:
            await bot.says("board:")
            await read(client)
            await client.post("/v1/probes", json=[failed(m) for m in (4, 3, 2, 1)])  # it has told before
            async with elsewhere(folder, port, secret):
                await until(lambda: sights(db).get("paris") is False and len(said(db).sights) == 2)
                verdict, code, reason = await read(client)
            await bot.says("suspected")
    assert (verdict, code, "paris" in reason) == ("hold_off", "suspected", True)


async def test_own_traffic_that_fails_in_part_is_a_brownout_with_its_share(tmp_path, db, port, secret):
    async with serving(shows(page())) as vendor, running(config(tmp_path, vendor, None, port), db) as bot:
        await bot.says("board:")
        async with writer(port, secret) as client:
            await read(client)
            counted = {"since": (utc_now() - timedelta(minutes=4)).isoformat(), "until": utc_now().isoformat()}
            await client.post("/v1/outcomes", json={"surface": "acme-api", "ok": 120, "errors": {"529": 80}} | counted)
            verdict, code, reason = await read(client)
    assert (verdict, code, "40% errors of 200" in reason) == ("retry_gently", "brownout", True)


async def test_people_whom_a_token_may_speak_for_lower_a_verdict(tmp_path, db, port, secret):
    async with serving(shows(page())) as vendor, running(config(tmp_path, vendor, None, port), db) as bot:
        await bot.says("board:")
        async with writer(port, secret) as client:
            await read(client)
            for n in range(6):
                await client.post("/v1/reports", json={"surface": "acme-api", "reporter": f"u-{n}"})
            verdict, code, _ = await read(client)
    assert (verdict, code) == ("retry_gently", "reported")
