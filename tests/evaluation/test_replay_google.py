"""Google's page as it was captured on 20 August 2026, played post by post: what a reader would have written down."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.domain import EventKind, Provider, Source, Surface, VerdictParameters
from bot.evaluation.replay import replay
from bot.formats.recordings import RecordedPoll

SOURCE = Source("google", "google", "google", "https://status.cloud.google.com")
SURFACE = Surface("google-cloud", "google", "Google Cloud", words=("Google Cloud",))
# by the page's own times: opened when its first post was written, over when the first post said so that came after its end
WRITTEN_DOWN = """
41E5S3mk opened 02-27 16:12, 3 posts, over 03-04 23:23
5fGQt4Vb opened 06-10 01:13, 9 posts, over 06-29 23:06
T8gmtofF opened 07-14 20:24, 11 posts, over 07-15 05:34
3BvH3LVG opened 07-16 03:30, 12 posts, over 07-18 00:22
utF3FMFd opened 08-20 16:44, 7 posts, over 08-20 19:37
"""


def page_at(items, at):
    """The list as it stood at a moment: what was posted by then, and an end once a post has said so."""
    for item in items:
        posts = [u for u in item["updates"] if datetime.fromisoformat(u["created"]) <= at]
        if posts:
            is_over = any(u["status"] == "AVAILABLE" for u in posts)
            yield item | {"updates": posts, "most_recent_update": posts[0], "end": item["end"] if is_over else None}


@pytest.fixture
def events(shared):
    items = json.loads((shared / "pages" / "google" / "gcp-2026-08-20.json").read_bytes())
    times = sorted({datetime.fromisoformat(u["created"]) for item in items for u in item["updates"]})
    provider = Provider("google", "Google Cloud", (replace(SURFACE),), SOURCE)
    polls = [RecordedPoll(times[0] - timedelta(days=1), [])]
    polls += [RecordedPoll(at + timedelta(seconds=20), list(page_at(items, at))) for at in times]
    return [event for change in replay(polls, provider, VerdictParameters()) for event in change.events]


def lines(events):
    """One line per incident, in the words of ``WRITTEN_DOWN``."""
    for opened in (e for e in events if e.kind is EventKind.INCIDENT_OPENED):
        own = [e for e in events if e.incident == opened.incident]
        posts = sum(e.kind is EventKind.UPDATE_POSTED for e in own)
        ends = [
            f"{e.seen_at - timedelta(seconds=20):%m-%d %H:%M}" for e in own if e.kind is EventKind.INCIDENT_RESOLVED
        ]
        began = f"{opened.seen_at - timedelta(seconds=20):%m-%d %H:%M}"
        yield f"{opened.incident[:8]} opened {began}, {posts} posts, over {' and '.join(ends)}"


def test_googles_incidents_open_and_end_as_their_posts_say(events):
    assert list(lines(events)) == WRITTEN_DOWN.strip().splitlines()


def test_none_of_them_opens_twice_or_leaves_the_list(events):
    told = {EventKind.INCIDENT_REOPENED, EventKind.INCIDENT_WITHDRAWN}
    assert [e for e in events if e.kind in told] == []
