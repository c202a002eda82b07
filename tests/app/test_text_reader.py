"""Long texts are read outside the event loop, and the rules find the readings."""

import asyncio
from dataclasses import replace

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
    before = attribution_text.read_shortened.cache_info().hits
    for text in texts:
        attribution_text.read_with_lexicon(text, compile_lexicon(ACME))
    assert attribution_text.read_shortened.cache_info().hits - before == len(texts)


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


async def test_phrases_are_compiled_before_the_first_incident_needs_them():
    provider = replace(ACME, id="acme-compiled")
    await ThreadTextReader().compile_phrases([provider])
    misses = compile_lexicon.cache_info().misses
    compile_lexicon(provider)
    assert compile_lexicon.cache_info().misses == misses


async def test_only_the_phrases_of_a_changed_provider_are_compiled_again():
    providers = [replace(ACME, id="acme-one"), replace(ACME, id="acme-two")]
    reader = ThreadTextReader()
    job = reader.compile_job(providers)
    await job.do()
    providers[1] = replace(providers[1], name="Acme Two")
    misses = compile_lexicon.cache_info().misses
    for _ in range(2):
        await job.do()
    assert compile_lexicon.cache_info().misses == misses + 1


def test_texts_that_differ_behind_the_part_that_is_read_are_read_once():
    start = "We see errors for a part of requests to the API. " * 200
    lexicon = compile_lexicon(ACME)
    attribution_text.read_with_lexicon(start + "one", lexicon)
    misses = attribution_text.read_shortened.cache_info().misses
    attribution_text.read_with_lexicon(start + "two", lexicon)
    assert attribution_text.read_shortened.cache_info().misses == misses
