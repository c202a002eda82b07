"""A page with its own clock in its body: only what changed besides the times is stored."""

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from bot.domain import VerdictParameters
from bot.engine import Engine
from bot.poller.source_cache import CLOCK_BODY_EVERY, SourceCache
from bot.storage import Repository
from tests.support.acme import ACME, NOON, Clock
from tests.support.fake_fetcher import FakeFetcher
from tests.support.pages import incident, page
from tests.test_engine_formats import RecordingChat

pytestmark = pytest.mark.anyio


def at(clock, body):
    """The page, with the time at which it was made."""
    return body.replace(b'"page": {', f'"page": {{"made": "{clock().isoformat()}", '.encode(), 1)


class Day:
    """A bot that polls once a minute."""

    def __init__(self, path, repository):
        self.path, self.web, self.clock = path, FakeFetcher(), Clock()
        self.engine = Engine(
            {"acme": ACME}, self.web, repository, RecordingChat(), self.clock, lambda _: VerdictParameters()
        )

    async def poll(self, body, minutes=1):
        for _ in range(minutes):
            self.web.show(at(self.clock, body))
            change = await self.engine.poll("acme")
            assert change.poll_failure is None
            self.clock.move(minutes=1)
        self.engine.repository.flush()

    def rows(self, sql):
        with closing(sqlite3.connect(self.path)) as db:
            return db.execute(sql).fetchall()

    @property
    def bodies(self):
        return self.rows("SELECT count(*) FROM bodies")[0][0]


@pytest.fixture
def day(tmp_path):
    with closing(Repository.open(tmp_path / "b.db")) as repository:
        yield Day(tmp_path / "b.db", repository)


async def test_a_body_in_which_only_the_time_changed_is_stored_once_an_hour(day):
    await day.poll(page(), minutes=150)
    assert day.bodies == 4  # three hours begin, and once the verdict changes


async def test_all_polls_are_recorded_all_the_same(day):
    await day.poll(page(), minutes=50)
    [(looks, last)] = day.rows("SELECT sum(looks), max(last_at) FROM observations")
    assert (looks, last[:16]) == (50, (NOON + timedelta(minutes=49)).isoformat()[:16])


async def test_a_body_with_news_is_stored_at_once(day):
    await day.poll(page(), minutes=5)
    await day.poll(page(incident(), api="major_outage"), minutes=5)
    assert day.bodies == 2
    assert day.rows("SELECT count(*) FROM incidents") == [(1,)]


async def test_a_body_that_differs_in_more_than_times_is_stored_though_the_rules_read_nothing_of_it(day):
    for number in range(4):
        await day.poll(page().replace(b'"page": {', f'"page": {{"token": "{number}x", '.encode(), 1))
    assert day.bodies == 4


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"2026-03-02T12:00:00.123Z", b"2026-03-02T12:01:00.456Z"),
        (b"2026-03-02 12:00:00 +0000", b"2026-03-02 12:01:30 +0000"),
        (b"Mon, 02 Mar 2026 12:00:00 GMT", b"Mon, 02 Mar 2026 12:01:00 GMT"),
        (b'"at": 1772452800', b'"at": 1772452860'),
        (b'"at": 1772452800123', b'"at": 1772452860456'),
    ],
)
def test_forms_of_times(before, after):
    cache = SourceCache()
    cache.note_bodies((before,), NOON)
    assert cache.note_bodies((after,), NOON + timedelta(minutes=1))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"1 incident", b"2 incidents"),
        (b"id 1772452800-a", b"id 1772452860-a"),
        (b"v1.2.3", b"v1.2.4"),
        (b'"uptime": 99.98', b'"uptime": 99.97'),
    ],
)
def test_what_is_no_time(before, after):
    cache = SourceCache()
    cache.note_bodies((before,), NOON)
    assert not cache.note_bodies((after,), NOON + timedelta(minutes=1))


def test_a_clock_that_has_gone_back_has_the_body_stored():
    cache = SourceCache()
    cache.note_bodies((b"2026-03-02T12:00Z",), NOON)
    assert not cache.note_bodies((b"2026-03-02T12:01Z",), NOON - CLOCK_BODY_EVERY)
