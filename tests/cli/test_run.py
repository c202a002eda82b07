"""``brownout run`` as a process: bad starts, a network that comes and goes, and its end."""

import asyncio
import os
import shutil
import signal
import sys
import time
from contextlib import asynccontextmanager, closing

import pytest
from aiohttp import web

from bot.storage import Repository
from tests.support.acme import catalogue, has_litestream
from tests.support.loopback import serving_app
from tests.support.pages import DOWN, page

pytestmark = pytest.mark.anyio

SECRETS = {"SLACK_BOT_TOKEN": "xoxb-1-secret", "SLACK_APP_TOKEN": "xapp-1-secret"}


@asynccontextmanager
async def serving(handler, port=0):
    async with serving_app(web.route("*", "/{path:.*}", handler), port=port) as url:
        yield url


async def hangs(_):
    await asyncio.sleep(60)


def shows(body):
    async def show(request):
        if not request.path.endswith("summary.json"):
            return web.Response(status=404)
        return web.Response(body=body, content_type="application/json")

    return show


def configured(folder, url):
    catalogue(folder, url)
    (folder / "brownout.toml").write_text("[poll]\ninterval_s = 1\nincident_interval_s = 1\ntimeout_s = 20\n")
    return folder


class Bot:
    """The process, and all that it said."""

    def __init__(self, process):
        self.process = process
        self.said = ""

    async def says(self, words):
        async with asyncio.timeout(20):
            while words not in self.said:
                line = await self.process.stdout.readline()
                assert line, f"it ended and never said {words!r}:\n{self.said}"
                self.said += line.decode()

    async def ended(self):
        """Its exit code, and how many seconds that took."""
        began = time.monotonic()
        async with asyncio.timeout(20):
            rest, _ = await self.process.communicate()
        self.said += rest.decode()
        return self.process.returncode, time.monotonic() - began


@asynccontextmanager
async def running(config, db, **environment):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SLACK_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "run", "--config", str(config), "--db", str(db)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**clean, **environment, "COLUMNS": "200"},
    )
    bot = Bot(process)
    try:
        yield bot
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


@pytest.fixture
def db(tmp_path):
    return tmp_path / "b.db"


async def test_without_tokens_it_says_so_and_draws_here(tmp_path, db):
    async with serving(shows(page(api="major_outage"))) as url, running(configured(tmp_path, url), db) as bot:
        await bot.says("no Slack tokens: alerts are shown here")
        await bot.says("started: 1 provider, ")


async def test_sigterm_ends_it_cleanly(tmp_path, db):
    async with serving(shows(DOWN)) as url, running(configured(tmp_path, url), db) as bot:
        await bot.says("started:")
        bot.process.send_signal(signal.SIGTERM)
        code, seconds = await bot.ended()
    assert (code, seconds < 5) == (0, True)
    assert bot.said.rstrip().endswith("stopped signal=SIGTERM")


async def test_sigterm_ends_it_in_time_while_pages_and_slack_hang(tmp_path, db):
    async with serving(hangs) as url:
        config = configured(tmp_path, url)
        async with running(config, db, **SECRETS, SLACK_API_URL=f"{url}/api/") as bot:
            await bot.says("started:")
            bot.process.send_signal(signal.SIGTERM)
            code, seconds = await bot.ended()
    assert (code, seconds < 5) == (0, True)


async def test_a_changed_configuration_is_taken_on_by_sighup(tmp_path, db):
    async with serving(shows(page())) as url, running(configured(tmp_path, url), db) as bot:
        await bot.says("started: 1 provider, ")
        (tmp_path / "brownout.toml").write_text("[poll]\ninterval_s = 2\nincident_interval_s = 1\n[web]\nport = 0\n")
        bot.process.send_signal(signal.SIGHUP)
        await bot.says("configuration reloaded: takes effect after a restart: [web], [poll] timeout_s")


async def test_a_provider_that_is_added_by_sighup_is_shown_in_the_terminal_too(tmp_path, db):
    async with serving(shows(DOWN)) as url, running(configured(tmp_path, url), db) as bot:
        await bot.says("started: 1 provider, ")
        file = (tmp_path / "providers" / "acme.toml").read_text()
        (tmp_path / "providers" / "globex.toml").write_text(file.replace("acme", "globex").replace("Acme", "Globex"))
        bot.process.send_signal(signal.SIGHUP)
        await bot.says("configuration reloaded: added: globex")
        await bot.says("Globex: 1 incident was already open")


async def test_a_broken_configuration_is_refused_at_sighup_and_the_bot_goes_on(tmp_path, db):
    async with serving(shows(page())) as url, running(configured(tmp_path, url), db) as bot:
        await bot.says("started: 1 provider, ")
        (tmp_path / "brownout.toml").write_text("[poll]\ninterval_s = 0\n")
        bot.process.send_signal(signal.SIGHUP)
        await bot.says("configuration not reloaded, the one before stays")
        bot.process.send_signal(signal.SIGTERM)
        assert (await bot.ended())[0] == 0


async def test_without_a_network_it_says_which_page_is_blind_and_recovers(tmp_path, db):
    async with serving(shows(page())) as url:
        port = int(url.rpartition(":")[2])
    async with running(configured(tmp_path, url), db) as bot:
        await bot.says("acme: status page unreadable")
        async with serving(shows(page()), port):
            await bot.says("acme: status page readable again")
    assert "Traceback" not in bot.said


@pytest.mark.hostile(58)
async def test_without_slack_it_keeps_looking(tmp_path, db):
    looks = asyncio.Semaphore(0)

    async def show(request):
        looks.release()
        return await shows(page())(request)

    async with serving(show) as url:
        config = configured(tmp_path, url)
        async with running(config, db, **SECRETS, SLACK_API_URL="http://127.0.0.1:9/api/") as bot:
            await bot.says("Slack connection failed")
            async with asyncio.timeout(20):
                await looks.acquire()
                await looks.acquire()  # by the second look, the first is recorded
            bot.process.send_signal(signal.SIGTERM)
            await bot.ended()
    with closing(Repository.open(db, read_only=True)) as repository:
        assert repository.provider_state("acme").seen_at
    assert not any(text in bot.said for text in ("Traceback", *SECRETS.values()))


@pytest.mark.hostile(
    58,
    "a token in a log line, a traceback, an error, a repr, an argument",
    "nowhere; a filter over all that is logged is the second line",
)
async def test_a_refused_token_ends_it_with_one_line_and_exit_code_1(tmp_path, db):
    async def refuse(_):
        return web.json_response({"ok": False, "error": "invalid_auth"})

    async with serving(refuse) as url:
        config = configured(tmp_path, url)
        async with running(config, db, **SECRETS, SLACK_API_URL=f"{url}/api/") as bot:
            code, _ = await bot.ended()
    assert code == 1
    assert "Slack refuses SLACK_APP_TOKEN (invalid_auth)" in bot.said.splitlines()[-1]
    assert not any(text in bot.said for text in ("Traceback", *SECRETS.values()))


async def test_a_missing_token_is_named(tmp_path, db):
    async with running(configured(tmp_path, "http://127.0.0.1:9"), db, SLACK_BOT_TOKEN="xoxb-1-secret") as bot:  # noqa: S106
        code, _ = await bot.ended()
    assert (code, "SLACK_APP_TOKEN is not set" in bot.said, "secret" in bot.said) == (1, True, False)


async def test_a_second_bot_on_a_database_is_refused(tmp_path, db):
    first = Repository.open(db, alone=True)
    async with running(configured(tmp_path, "http://127.0.0.1:9"), db) as bot:
        code, _ = await bot.ended()
    first.close()
    assert (code, "is in use by another Brownout" in bot.said) == (1, True)


async def test_a_damaged_database_is_named(tmp_path, db):
    db.write_bytes(b"not a database" * 100)
    async with running(configured(tmp_path, "http://127.0.0.1:9"), db) as bot:
        code, _ = await bot.ended()
    assert (code, "move it away" in bot.said, "Traceback" in bot.said) == (1, True, False)


async def test_a_broken_config_is_named_with_file_and_line(tmp_path, db):
    config = configured(tmp_path, "http://127.0.0.1:9")
    (config / "brownout.toml").write_text("[poll]\nintervall_s = 1\n")
    async with running(config, db) as bot:
        code, _ = await bot.ended()
    assert (code, "brownout.toml:2: unknown key 'poll.intervall_s'" in bot.said) == (1, True)


async def test_a_config_error_makes_no_database(tmp_path, db):
    async with running(tmp_path / "nowhere", db) as bot:
        code, _ = await bot.ended()
    assert (code, db.exists()) == (1, False)


@pytest.mark.skipif(not has_litestream(), reason="Litestream is not installed (the extra [replica])")
async def test_on_a_new_machine_it_goes_on_from_its_replica(tmp_path):
    """The first is killed with -9 and its disk is gone; the next has what was seen, and tells nobody twice."""
    old, new = tmp_path / "old", tmp_path / "new"
    for disk in (old, new):
        disk.mkdir()
    async with serving(shows(DOWN)) as url:
        config = configured(tmp_path, url)
        with (config / "brownout.toml").open("a") as more:
            more.write(f'[replica]\nurl = "file://{tmp_path}/replica"\n[web]\nenabled = false\n')
        async with running(config, old / "b.db") as bot:
            await bot.says("no replica at")
            await bot.says("replicating every commit")
            await bot.says("Errors on the API")
            await asyncio.sleep(2.5)  # the replica is about a second behind
            bot.process.kill()
            os.kill(int((old / "b.db-replica").read_text()), signal.SIGKILL)
            shutil.rmtree(old)
        async with running(config, new / "b.db") as bot:
            await bot.says("restored from file://")
            await bot.says("replicating every commit")
            await asyncio.sleep(2.5)
            bot.process.send_signal(signal.SIGTERM)
            code, seconds = await bot.ended()
    assert (code, seconds < 5, "Errors on the API" in bot.said, "Traceback" in bot.said) == (0, True, False, False)
