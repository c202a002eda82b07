"""Long texts are read outside the event loop, and the rules find the readings."""

import asyncio

import pytest

from bot.app.text_reader import ThreadTextReader
from bot.rules.attribution import text as attribution_text
from bot.rules.attribution.lexicon import compile_lexicon
from tests.support.acme import ACME

pytestmark = pytest.mark.anyio

LONG = "We see errors for a part of requests to the API and the website. " * 40


async def test_the_rules_find_what_was_read_in_their_cache():
    texts = [f"{LONG} {number}" for number in range(5)]
    await ThreadTextReader().read(texts, ACME)
    before = attribution_text.read_with_lexicon.cache_info().hits
    for text in texts:
        attribution_text.read_with_lexicon(text, compile_lexicon(ACME))
    assert attribution_text.read_with_lexicon.cache_info().hits - before == len(texts)


async def test_the_loop_has_its_turn_between_two_texts():
    turns = []

    async def count():
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await ThreadTextReader().read([f"{LONG} turn {number}" for number in range(10)], ACME)
    counting.cancel()
    assert len(turns) >= 10
