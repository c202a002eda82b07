"""Questions are answered beside the bot's loop, and what changes something in it."""

import asyncio
import threading
from contextlib import asynccontextmanager, closing
from dataclasses import replace

import pytest

from bot.commands import registry
from bot.domain import VerdictParameters
from bot.queries.current import StatusQueries
from bot.slack.reader_thread import ReaderThread
from bot.storage import Repository
from tests.support.acme import ACME, NOON, Clock
from tests.support.stores import place

pytestmark = pytest.mark.anyio


@pytest.fixture
def queries(tmp_path):
    with closing(Repository.open(place(tmp_path / "b.db"))) as repository:
        yield StatusQueries((ACME,), repository, Clock(NOON), lambda _: VerdictParameters())


@asynccontextmanager
async def open_for(queries):
    readers = ReaderThread(queries)
    serving = asyncio.create_task(readers.run())
    await asyncio.sleep(0)
    try:
        yield readers
    finally:
        serving.cancel()
        await asyncio.wait([serving])


@pytest.fixture
async def readers(queries):
    async with open_for(queries) as made:
        yield made


async def test_an_answer_is_the_one_that_the_queries_would_give(queries, readers):
    assert await readers.answer("status acme-api", "C1", "U1", "ada") == registry.answer_command(
        queries, "status acme-api", "C1"
    )


async def test_a_question_sees_what_was_done_just_before(readers):
    await readers.answer("subscribe acme", "C1", "U1", "ada")
    assert "acme" in (await readers.answer("list", "C1", "U1", "ada")).message.text


async def test_a_question_is_answered_in_another_thread_and_a_deed_in_this_one(queries):
    asked = []

    def now():
        asked.append(threading.get_ident())
        return NOON

    async with open_for(replace(queries, now=now)) as readers:
        await readers.answer("subscribe acme", "C1", "U1", "ada")
        deeds = set(asked)
        asked.clear()
        await readers.answer("status acme-api", "C1", "U1", "ada")
    assert deeds == {threading.get_ident()}
    assert threading.get_ident() not in asked


async def test_a_question_that_takes_long_holds_up_nothing(queries):
    ready = threading.Event()

    def now():
        assert ready.wait(5)
        return NOON

    async with open_for(replace(queries, now=now)) as readers:
        asking = asyncio.create_task(readers.answer("status acme-api", "C1", "U1", "ada"))
        await asyncio.sleep(0.05)
        assert not asking.done()
        ready.set()
        assert (await asking).message.text


async def test_a_connection_that_was_read_with_is_closed_at_the_end(queries):
    async with open_for(queries) as readers:
        await readers.answer("status", "C1", "U1", "ada")
    queries.repository.close()
    assert not queries.repository._db.path.with_name("b.db-wal").exists()


@pytest.mark.parametrize(
    ("text", "only_reads"),
    [("status", True), ("", True), ("uptime acme 365d", True), ("nonsense", True), ("subscribe acme", False)]
    + [(verb, False) for verb in ("unsubscribe acme", "mute all 2h", "unmute", "report acme-api", "note x y")],
)
def test_what_changes_something_is_no_question(text, only_reads):
    assert registry.is_read_only(text) is only_reads
