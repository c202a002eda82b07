"""The comparison of captured pages: it finds nothing where the readers agree, and says where they do not."""

import json

from bot.formats import FORMATS
from tests.bench import pages


def test_captured_pages_read_as_a_second_reader_reads_them(shared):
    assert [d for count in pages.counts(shared / "pages").values() for d in count.differences] == []


def body(**more):
    systems = [{"system": "Apps", "status": "red"}]
    post = {"created_at": "2026-01-10T09:00:00Z", "contents": "Apps stop.", "update_type": "issue"}
    incident = {"title": "Apps stop", "state": "open", "created_at": "2026-01-10T09:00:00Z", "updates": [post]}
    return json.dumps({"status": systems, "incidents": [incident | more], "scheduled": []}).encode()


def test_a_page_that_both_read_alike_has_no_difference():
    assert pages.compare("heroku", (body(),))[1] == []


def test_what_the_readers_differ_in_is_said():
    (said,) = pages.compare("heroku", (body(state="closed"),))[1]
    assert said.startswith("incidents: ours [('Apps stop', True)]")


def test_without_pages_it_is_said_where_they_should_be(tmp_path):
    assert "BROWNOUT_SHARED" in pages.report(tmp_path)


def test_every_reader_is_of_a_format():
    assert pages.page_facts.READERS.keys() <= FORMATS.keys()
