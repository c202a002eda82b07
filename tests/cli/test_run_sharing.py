"""Three bots as processes that share the pages of one PostgreSQL database: each polls its part, and one posts."""

import asyncio
import time
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager, closing
from datetime import UTC, datetime
from math import ceil
from pathlib import Path

import pytest
from aiohttp import web

from bot.rules.sharing import SHARDS
from bot.storage import Repository
from tests.cli.test_run_followers import PATIENCE_S, on_server, running
from tests.support.loopback import serving_app
from tests.support.pages import incident, page, update
from tests.support.provider_toml import provider_toml, surface_toml
from tests.support.stores import place

pytestmark = [pytest.mark.anyio, on_server]

PAGES, WITHIN_S = 24, 5.0
SHARING = "[store]\nshare_pages = true\n"


class Pages:
    """Status pages on one server, and when each bot asked for each page; a bot is known by its connection's port."""

    def __init__(self):
        self.asked, self.url, self.broke_at = {}, "", None

    async def show(self, request):
        if not request.path.endswith("summary.json"):
            return web.Response(status=404)
        self.asked.setdefault(request.path.split("/")[1], []).append(time.monotonic())
        return web.Response(body=self.body(int(request.path.split("/")[1][1:])), content_type="application/json")

    def body(self, number):
        """The page of this number: well, or with an incident of its own."""
        if self.broke_at is None:
            return page()
        news = update(number, api="major_outage", at=self.broke_at)
        return page(incident(news, number=number, name=f"Errors {number}"), api="major_outage")

    async def are_asked_again(self, since):
        """Seconds from then until each page was asked for."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.asked) < PAGES or not all(times[-1] > since for times in self.asked.values()):  # noqa: ASYNC110  (a server's record)
                await asyncio.sleep(0.02)
        return max(min(t for t in times if t > since) for times in self.asked.values()) - since


def providers(folder: Path, url: str) -> None:
    (folder / "providers").mkdir(parents=True)
    for number in range(PAGES):
        name = f"p{number}"
        text = provider_toml(
            name, f"Vendor {number}", f"{url}/{name}", [surface_toml(f"{name}-api", name, "api", "API")]
        )
        (folder / "providers" / f"{name}.toml").write_text(text)


@asynccontextmanager
async def bots(folder, count, more=SHARING):
    """The bots once each holds its part and every page was polled, the pages that they watch, and their database."""
    pages, db = Pages(), place(folder / "b.db")
    async with AsyncExitStack() as stack:
        pages.url = await stack.enter_async_context(serving_app(web.route("*", "/{path:.*}", pages.show)))
        started = []
        for number in range(count):
            bot = running(folder, number, pages.url, db, providers=providers, more=more)
            started.append(await stack.enter_async_context(bot))
            await started[0].has_role("leader")
        await (share_equally(started) if more else pages.are_asked_again(0.0))
        await until_counted(db, "SELECT count(*) AS n FROM worlds", PAGES)
        yield started, pages, db


async def share_equally(live):
    """Waits until each of these bots holds its part."""
    most = ceil(SHARDS / len(live))
    for bot in live:
        await bot.until("/readyz", lambda found: most - 1 <= found.get("shards", 0) <= most)


async def until_counted(db, sql, count):
    with closing(Repository.open(db, read_only=True)) as repository:
        async with asyncio.timeout(PATIENCE_S):
            while repository._db.rows(sql)[0]["n"] != count:  # noqa: ASYNC110  (a table)
                await asyncio.sleep(0.05)
    return True


async def test_each_bot_polls_a_part_and_each_page_has_one_bot(tmp_path):
    async with bots(tmp_path, 3) as (live, _, _):
        counted = Counter()
        for bot in live:
            metrics = (await bot.client.get("/metrics")).text
            counted.update(line.split('"')[1] for line in metrics.splitlines() if "source_looks_total{" in line)
        assert (len(counted), set(counted.values())) == (PAGES, {1})


async def test_one_bot_leads_and_the_others_follow(tmp_path):
    async with bots(tmp_path, 3) as (live, _, _):
        roles = [(await bot.get("/readyz"))["role"] for bot in live]
        assert roles == ["leader", "follower", "follower"]


@pytest.mark.parametrize("victim", [0, 1], ids=["leader", "other"])
async def test_the_pages_of_a_killed_bot_are_asked_for_by_the_others(tmp_path, victim):
    async with bots(tmp_path, 3) as (live, pages, _):
        dead = live.pop(victim)
        dead.process.kill()
        assert await pages.are_asked_again(time.monotonic()) < WITHIN_S
        await share_equally(live)


async def test_what_a_bot_that_does_not_lead_finds_is_posted_by_the_one_that_does(tmp_path):
    async with bots(tmp_path, 3) as (_, pages, db):
        pages.broke_at = datetime.now(UTC)  # noqa: TID251  (the bots have the real clock)
        alerted = "SELECT count(DISTINCT provider) AS n FROM alerts WHERE ts IS NOT NULL"
        assert await until_counted(db, alerted, PAGES)


async def test_a_bot_that_shares_polls_no_page_beside_one_that_leads_and_does_not(tmp_path):
    async with (
        bots(tmp_path, 1, more="") as (_, pages, db),
        running(tmp_path, 9, pages.url, db, providers=providers, more=SHARING) as other,
    ):
        await other.has_role("follower")
        async with asyncio.timeout(PATIENCE_S):
            while "the bot that leads polls all pages itself" not in other.log.read_text():  # noqa: ASYNC110  (a log)
                await asyncio.sleep(0.05)
        assert (await other.get("/readyz"))["shards"] == 0


async def test_a_bot_that_does_not_share_gets_all_pages_once_it_leads(tmp_path):
    async with (
        bots(tmp_path, 2) as (live, pages, db),
        running(tmp_path, 9, pages.url, db, providers=providers) as other,
    ):
        await other.has_role("follower")
        for bot in live:
            bot.process.kill()
            await bot.process.wait()
        await other.has_role("leader")
        assert await pages.are_asked_again(time.monotonic()) < PATIENCE_S
