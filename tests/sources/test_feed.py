"""RSS and Atom: feeds of our own, hostile ones, and a real one where it is at hand."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.errors import ParseError
from bot.model import Stage
from bot.sources import feed
from tests.sources.contract import assert_kept, assert_sound
from tests.sources.pages import NOON, PAGES, read, source


def by_id(name, at=NOON):
    return {i.id.rpartition("/")[2]: i for i in read("feed", name, at).incidents}


def parse(text, at=NOON):
    return feed.parse((text.encode() if isinstance(text, str) else text,), source("feed"), at)


def test_statuspages_text_is_one_update_for_each_post_in_order():
    found = by_id("statuspage")["4711"].updates
    assert [(u.stage, u.body) for u in found] == [
        (Stage.INVESTIGATING, "Calls are slow."),
        (Stage.IDENTIFIED, "The cause is known."),
        (Stage.IDENTIFIED, "Half of the calls are slow."),
    ]


def test_a_time_without_a_year_is_the_last_such_time_before_the_entry():
    assert by_id("statuspage")["4710"].updates[0].display_at == datetime(2025, 12, 31, 23, 50, tzinfo=UTC)


def test_a_posts_id_stays_when_another_post_comes():
    text = PAGES["feed", "statuspage"][0].decode()
    newest = text.index("&lt;p&gt; &lt;small&gt;Jan")
    older = text.index("&lt;p&gt; &lt;small&gt;Jan", newest + 1)
    before = next(i for i in parse(text[:newest] + text[older:]).incidents if i.id.endswith("4711"))
    after = by_id("statuspage")["4711"]
    assert [u.id for u in before.updates] == [u.id for u in after.updates][:2]


def test_a_status_that_the_text_names_is_the_stage():
    assert by_id("incidentio")["01DDD"].stage is Stage.INVESTIGATING


def test_entries_of_one_incident_are_its_updates():
    found = by_id("per-update")["9"]
    assert (found.stage, [u.body for u in found.updates]) == (Stage.RESOLVED, ["We are looking.", "Docs open again."])


def test_an_entry_without_a_stage_is_open_for_a_day():
    assert by_id("per-update")["vm-trouble"].stage is Stage.UNKNOWN


def test_an_entry_without_a_stage_is_gone_after_a_day():
    assert "vm-trouble" not in by_id("per-update", NOON + timedelta(days=1))


def test_a_feed_without_entries_is_all_clear():
    assert read("feed", "azure-clear").incidents == ()


def test_markup_is_no_part_of_a_text():
    assert by_id("per-update")["vm-trouble"].updates[0].body == "A subset of machines can't be started."


BOMB = '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a0 "ha">{}]><rss version="2.0"><channel><title>&a30;</title></channel></rss>'


@pytest.mark.hostile(
    20,
    "a billion laughs, entities that grow by the square, `file:///etc/passwd` as an entity",
    "refused before anything is expanded or opened",
)
@pytest.mark.parametrize(
    "text",
    [
        BOMB.format("".join(f'<!ENTITY a{n} "&a{n - 1};&a{n - 1};">' for n in range(1, 31))),
        '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel><title>&x;</title></channel></rss>',
        '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY % x SYSTEM "http://169.254.169.254/">%x;]><rss><channel/></rss>',
        "<rss><channel><item>",
        "<html><body>Bad gateway</body></html>",
        '{"page": {}}',
        "",
    ],
    ids=["billion laughs", "a file", "an address", "cut off", "html", "json", "nothing"],
)
def test_what_is_no_feed_or_has_entities_is_refused(text):
    with pytest.raises(ParseError):
        parse(text)


def test_the_real_feed_keeps_the_contract(shared):
    raw = (shared / "samples" / "statuspage-github-history.atom").read_bytes()
    assert_kept("feed", (raw,))


def test_the_real_feed_has_25_incidents_that_all_ended(shared):
    raw = (shared / "samples" / "statuspage-github-history.atom").read_bytes()
    found = parse(raw, datetime(2026, 8, 22, tzinfo=UTC))
    assert_sound(found)
    assert (len(found.incidents), {i.stage.is_closed for i in found.incidents}) == (25, {True})


def test_the_real_feeds_posts_are_told_apart(shared):
    raw = (shared / "samples" / "statuspage-github-history.atom").read_bytes()
    found = parse(raw, datetime(2026, 8, 22, tzinfo=UTC)).incidents
    assert min(len(i.updates) for i in found) >= 2
