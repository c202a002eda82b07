"""A provider's phrases: compiled once, however many providers there are."""

import gc
from dataclasses import replace

from bot.rules.attribution.components import component_links
from bot.rules.attribution.lexicon import Lexicon, compile_lexicon
from bot.rules.attribution.text import read_text
from tests.support.acme import ACME

MANY = [replace(ACME, id=f"acme-{n}") for n in range(200)]  # three times the catalogue


def alive():
    gc.collect()
    ours = {p.id for p in MANY}
    return sum(isinstance(o, Lexicon) and o.provider in ours for o in gc.get_objects())


def test_among_many_providers_each_keeps_its_phrases():
    first = [compile_lexicon(p) for p in MANY]

    assert all(compile_lexicon(p) is one for p, one in zip(MANY, first, strict=True))


def test_among_many_providers_each_keeps_its_links():
    first = [component_links(p) for p in MANY]

    assert all(component_links(p) is one for p, one in zip(MANY, first, strict=True))


def test_readings_hold_on_to_no_phrases_that_were_compiled_before():
    for number in range(5):
        for provider in MANY:
            read_text(f"The API is down, for the {number}. time.", provider)

    assert alive() <= len(MANY)
