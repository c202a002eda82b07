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


PER_UPDATE = PAGES["feed", "per-update"][0]
CUT = PER_UPDATE.replace(b"We are looking.", b"We are looking%s.")


@pytest.mark.parametrize(
    "raw",
    [
        b"\n \n" + PER_UPDATE,
        b"\xef\xbb\xbf\r\n" + PER_UPDATE,
        CUT % b" at A & B",
        CUT % b"&nbsp;into it",
        CUT % b" &mdash; &notanything;",
        CUT.replace(b' encoding="UTF-8"', b"") % b" \x92til it is over",
    ],
    ids=["blank lines", "byte-order mark", "bare ampersand", "HTML's names", "unknown name", "Windows-1252"],
)
def test_what_people_get_wrong_in_xml_makes_no_feed_unreadable(raw):
    assert open_ids(outcome("feed", (raw,))) == open_ids(outcome("feed", PAGES["feed", "per-update"]))


def test_entities_of_a_document_are_refused_in_a_feed_that_is_not_well_formed_too():
    raw = b'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "b">]>' + CUT.partition(b"?>")[2] % b" & &a;"
    assert isinstance(outcome("feed", (raw,)), str)


@pytest.mark.parametrize("order", [("Resolved", "Investigating"), ("Investigating", "Resolved")])
def test_of_posts_without_a_time_the_first_one_is_the_newest(order):
    items = "".join(
        f"<item><guid>i1</guid><title>Calls fail</title><description>Status: {word}</description></item>"
        for word in order
    )
    found = outcome("feed", (f"<rss version='2.0'><channel><title>A</title>{items}</channel></rss>".encode(),))
    assert [i.stage for i in found.incidents] == [order[0].lower()]
