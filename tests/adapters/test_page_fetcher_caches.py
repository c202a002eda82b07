"""Answers that caches have kept: an old one is asked for once more, and every ten minutes one past all caches."""

import pytest

from bot.adapters.page_fetcher import BYPASS_EVERY_S, PageFetcher
from bot.errors import SourceError
from bot.formats.http_body import age_s, parse_http_date
from tests.adapters.test_page_fetcher import answer
from tests.support.loopback import serving_raw

pytestmark = pytest.mark.anyio

OLD, NEW = b'{"page": "old"}', b'{"page": "new"}'


class Cache:
    """Answers every path; ``old`` for addresses that it knows, ``new`` for all others."""

    def __init__(self, old, new):
        self.old, self.new = old, new

    def __iter__(self):
        return iter([("/p", self.old)])

    def get(self, path, _otherwise):
        return self.old if path == "/p" else self.new


class Timer:
    """Monotonic seconds that a test sets."""

    seconds = 0.0

    def __call__(self):
        return self.seconds


async def fetched(old, new, *pauses_s, etag=None):
    """The bodies of fetches with these pauses before each, and what was asked for."""
    timer, bodies = Timer(), []
    async with serving_raw() as server, PageFetcher(timeout_s=5, elapsed=timer) as fetcher:
        server.plays = Cache(old, new)
        for pause_s in pauses_s:
            timer.seconds += pause_s
            try:
                page = await fetcher.get(server.url, "/p", etag=etag)
            except SourceError as error:
                bodies.append(error.code)
            else:
                assert page.url == f"{server.url}/p"
                bodies.append(page.body)
        return bodies, server


async def test_an_answer_that_a_cache_has_kept_for_long_is_asked_for_once_more_past_it():
    bodies, server = await fetched(answer(OLD, age="3600"), answer(NEW), 0)
    assert (bodies, server.header("cache-control")) == ([NEW], "no-cache")


@pytest.mark.parametrize("age", ["", "0", "60", "-5", "soon", "1e9"])
async def test_an_answer_of_a_moment_ago_or_of_no_known_age_is_taken(age):
    bodies, server = await fetched(answer(OLD, age=age), answer(NEW), 0)
    assert (bodies, len(server.asked)) == ([OLD], 1)


async def test_a_cache_that_cannot_be_passed_is_not_asked_twice_every_time():
    _, server = await fetched(answer(OLD, age="90000"), answer(OLD, age="90000"), 0, 60, 60, 60)
    assert len(server.asked) == 5


async def test_a_cache_that_can_be_passed_is_passed_each_time():
    bodies, _ = await fetched(answer(OLD, age="90000"), answer(NEW), 0, 60, 60)
    assert bodies == [NEW] * 3


async def test_every_ten_minutes_a_fetch_passes_the_caches():
    bodies, _ = await fetched(answer(OLD), answer(NEW), 0, 300, BYPASS_EVERY_S - 300, 60)
    assert bodies == [OLD, OLD, NEW, OLD]


async def test_a_conditional_fetch_passes_no_cache():
    bodies, server = await fetched(answer(OLD), answer(NEW), 0, BYPASS_EVERY_S, etag='"1"')
    assert (bodies, len(server.asked)) == ([OLD, OLD], 2)


async def test_a_server_that_refuses_a_query_is_asked_without_one():
    bodies, _ = await fetched(answer(OLD), answer(b"no", 404), 0, BYPASS_EVERY_S)
    assert bodies == [OLD, OLD]


async def test_a_server_that_wants_a_pause_is_not_asked_again_at_once():
    bodies, server = await fetched(answer(OLD), answer(b"no", 429), 0, BYPASS_EVERY_S)
    assert (bodies, len(server.asked)) == ([OLD, "http_429"], 2)


async def test_the_page_says_how_long_it_was_kept_and_when_it_was_made():
    dated = answer(age="42", date="Mon, 02 Mar 2026 12:00:00 GMT")
    async with serving_raw({"/": dated}) as server, PageFetcher(timeout_s=5) as fetcher:
        page = await fetcher.get(server.url, "/")
    assert (page.age_s, page.served_at) == (42, parse_http_date("Mon, 02 Mar 2026 12:00:00 GMT"))


def test_an_age_longer_than_a_day_is_read():
    assert age_s({"age": "259200"}) == 3 * 24 * 3600
