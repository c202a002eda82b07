"""One odd entry of a feed clears nothing and costs no neighbour, like those of the JSON formats (test_base_odd_entries)."""

import copy
from xml.etree import ElementTree as ET

import pytest

from bot.domain import Snapshot
from tests.formats.format_contract import assert_sound, incidents_of, outcome
from tests.formats.pages import PAGES

FEEDS = [name for kind, name in PAGES if kind == "feed"]
ON_EVERY_FEED = pytest.mark.parametrize("name", FEEDS)
ENTRIES = {"item", "{http://www.w3.org/2005/Atom}entry"}


def root(name):
    return ET.fromstring(PAGES["feed", name][0])  # noqa: S314  (a page of our own)


def entries(tree):
    return [(parent, e) for parent in tree.iter() for e in list(parent) if e.tag in ENTRIES]


def outcome_of(tree):
    return outcome("feed", (ET.tostring(tree),))


def open_ids(snapshot):
    return {i.id for i in incidents_of(snapshot) if not i.stage.is_closed}


def variants(name, change):
    """What the reader makes of the feed, once for each part of each entry that was changed."""
    for number, (_, entry) in enumerate(entries(root(name))):
        for part in range(len(entry)):
            tree = copy.deepcopy(root(name))
            own = entries(tree)[number][1]
            change(own, own[part])
            yield (number, own[part].tag if part < len(own) else "gone"), outcome_of(tree)


def drop(entry, part):
    entry.remove(part)


def set_text(text):
    def change(_entry, part):
        part.text = text

    return change


@ON_EVERY_FEED
@pytest.mark.parametrize("word", [None, "", "purple", "0"])
def test_an_entry_that_lacks_a_part_or_says_an_unknown_word_costs_no_neighbour_and_clears_nothing(name, word):
    before = outcome("feed", PAGES["feed", name])
    for path, after in variants(name, drop if word is None else set_text(word)):
        assert isinstance(after, Snapshot), (path, after)
        assert_sound(after)
        closed = {i.id for i in incidents_of(after) if i.stage.is_closed} & open_ids(before)
        missing = open_ids(before) - {i.id for i in incidents_of(after)}
        assert not closed, path
        assert len(missing) <= 1, path


@ON_EVERY_FEED
def test_an_entry_that_says_nothing_costs_no_neighbour(name):
    before = outcome("feed", PAGES["feed", name])
    for parent, entry in entries(root(name)):
        tree = copy.deepcopy(root(name))
        own_parent = next(p for p in tree.iter() if p.tag == parent.tag)
        own_parent.insert(list(parent).index(entry), ET.Element(entry.tag))
        after = outcome_of(tree)
        assert isinstance(after, Snapshot)
        assert open_ids(before) <= {i.id for i in incidents_of(after)}
        assert after.is_partial
