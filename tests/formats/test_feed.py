"""RSS and Atom: feeds of our own, hostile ones, and a real one where it is at hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain import NO_TIME, Impact, Stage
from bot.errors import ParseError
from bot.formats import FORMATS, feed
from tests.formats.format_contract import assert_kept, assert_sound
from tests.formats.pages import NOON, PAGES, read, source


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


def test_a_path_of_the_source_takes_the_place_of_the_formats_own():
    azure = replace(source("feed"), path="/en-us/status/feed/")
    assert FORMATS["feed"].paths_of(azure) == ("/en-us/status/feed/",)


def dated(pub_date):
    return f"""<rss version="2.0"><channel><title>Acme</title><item><guid>g1</guid><title>API outage</title>
    <description>Investigating: the API fails.</description><pubDate>{pub_date}</pubDate></item></channel></rss>"""


@pytest.mark.parametrize(
    "pub_date",
    ["Mon, 02 Mar 2026 13:02:00 CET", "Mon, 02 Mar 2026 17:32:00 IST", "Mon, 02 Mar 2026 13:02:00 +0100 (CET)"],
)
def test_a_zone_by_name_is_read(pub_date):
    [found] = parse(dated(pub_date)).incidents
    assert found.created_at == datetime(2026, 3, 2, 12, 2, tzinfo=UTC)


@pytest.mark.parametrize(("hours", "time"), [(0, NO_TIME), (27, datetime(2026, 3, 2, 12, 2, tzinfo=UTC))])
def test_a_recent_time_in_a_zone_that_is_not_known_counts_as_none(hours, time):
    polled_at = datetime(2026, 3, 2, 12, 5, tzinfo=UTC) + timedelta(hours=hours)
    [found] = parse(dated("02 Mar 2026 12:02:00 XYZT"), polled_at).incidents
    assert found.created_at == time


def item(guid, title, minute, text=""):
    return (
        f"<item><guid>{guid}</guid><title>{title}</title><description>{text}</description>"
        f"<pubDate>Sat, 10 Jan 2026 09:{minute:02}:00 GMT</pubDate></item>"
    )


def feed_of(*items):
    return f"<rss version='2.0'><channel><title>Acme</title>{''.join(items)}</channel></rss>"


def test_an_entry_that_something_recovered_ends_the_one_that_it_went_down():
    found = parse(feed_of(item("m2", "Queue recovered", 40), item("m1", "Queue went down", 10))).incidents
    assert [(i.id, i.stage, len(i.updates)) for i in found] == [("m1", Stage.RESOLVED, 2)]


def test_what_recovered_ends_nothing_of_another_name():
    found = parse(feed_of(item("m2", "Queue recovered", 40), item("m1", "Search went down", 10))).incidents
    assert {i.id: i.stage for i in found} == {"m1": Stage.UNKNOWN, "m2": Stage.RESOLVED}


def test_ids_that_differ_only_behind_the_host_are_incidents_of_their_own():
    items = (item(f"https://status.example.org#{n}", f"Trouble {n}", n) for n in (1, 2))
    assert len(parse(feed_of(*items)).incidents) == 2


def test_an_open_entry_behind_hundreds_of_ended_ones_is_read():
    ended = (item(f"old{n}", f"Old {n} - Resolved", n % 60) for n in range(300))
    assert "open" in {i.id for i in parse(feed_of(*ended, item("open", "Queue: investigating", 59))).incidents}


def test_an_entry_without_a_time_is_read_and_noted():
    undated = "<item><guid>g9</guid><title>Queue is down</title></item>"
    found = FORMATS["feed"].parse((feed_of(undated, item("g1", "Late jobs", 30)).encode(),), source("feed"), NOON)
    assert {i.id for i in found.incidents} == {"g1", "g9"}
    assert found.problems == ("an entry without a time: Queue is down",)


@pytest.mark.parametrize(("days", "is_open"), [(2.9, True), (3.1, False), (400, False)])
def test_an_entry_of_days_ago_that_was_never_called_over_is_not_of_now(days, is_open):
    found = parse(
        dated("Mon, 02 Mar 2026 12:02:00 GMT"), datetime(2026, 3, 2, 12, 2, tzinfo=UTC) + timedelta(days=days)
    )
    assert bool(found.incidents) is is_open


def times(found):
    return [(u.stage.value, f"{u.display_at:%H:%M}") for u in found.updates]


def test_each_post_inside_an_item_has_its_own_time():
    assert times(by_id("dated-posts")["D1"]) == [("investigating", "09:05"), ("identified", "09:40")]


def test_the_time_at_which_an_item_says_that_it_was_resolved_is_its_end():
    assert times(by_id("dated-posts")["D2"]) == [
        ("investigating", "01:05"),
        ("investigating", "01:40"),
        ("resolved", "05:10"),
    ]


def test_a_severity_that_the_item_states_is_its_impact():
    assert by_id("dated-posts")["D1"].impact is Impact.MAJOR


def test_items_that_share_an_id_are_told_apart_by_their_links():
    assert sorted(i.name for i in read("feed", "shared-ids").incidents) == [
        "api - Operational",
        "images - Down",
        "site - Operational",
    ]


def test_a_resolved_word_in_a_posts_heading_ends_nothing():
    text = PAGES["feed", "dated-posts"][0].decode().replace("We move the traffic", "Resolved addresses are wrong")
    assert next(i for i in parse(text).incidents if i.id == "D1").stage is Stage.IDENTIFIED
