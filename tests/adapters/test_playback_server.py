"""A played page, read over real HTTP by the real fetcher."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from bot.adapters.page_fetcher import PageFetcher
from bot.adapters.playback_server import PlaybackServer
from bot.domain import Condition, Stage
from bot.errors import SourceError
from bot.formats import statuspage
from bot.formats.reconstruction import read_history

pytestmark = pytest.mark.anyio

MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)


def update(identity, hour, status, *, old=None, new=None):
    moved = [{"code": "web", "name": "Web", "old_status": old, "new_status": new}] if new else None
    at = (MIDNIGHT + timedelta(hours=hour)).isoformat()
    return {"id": identity, "status": status, "body": identity, "display_at": at, "affected_components": moved}


PAST = read_history(
    json.dumps(
        {
            "page": {"id": "p", "name": "Page", "url": "https://status.example.com"},
            "incidents": [
                {
                    "id": "inc",
                    "name": "Web is down",
                    "impact": "major",
                    "incident_updates": [
                        update("u1", 1, "investigating", old="operational", new="major_outage"),
                        update("u2", 2, "resolved", old="major_outage", new="operational"),
                    ],
                },
                {
                    "id": "mnt",
                    "name": "New disks",
                    "impact": "maintenance",
                    "incident_updates": [update("u3", 1, "scheduled")],
                },
            ],
        }
    ).encode()
)


class ManualClock:
    """A clock that is set by hand."""

    def __init__(self):
        self.hour = 0

    def now(self):
        return MIDNIGHT + timedelta(hours=self.hour)


@pytest.fixture
async def played():
    hand = ManualClock()
    playback = PlaybackServer(PAST, hand.now)
    url = await playback.start()
    async with PageFetcher(timeout_s=5) as fetcher:

        async def poll_page(hour, path=statuspage.SUMMARY, etag=None):
            hand.hour = hour
            return await fetcher.get(url, path, etag=etag, accept="application/json")

        yield poll_page
    await playback.stop()


async def summary(poll_page, hour):
    return statuspage.parse((await poll_page(hour)).body)


async def test_the_page_is_on_loopback():
    playback = PlaybackServer(PAST, ManualClock().now)
    url = await playback.start()
    await playback.stop()
    assert url.startswith("http://127.0.0.1:")


async def test_before_the_first_post_all_is_well(played):
    page = await summary(played, 0)
    assert ([c.condition for c in page.components], page.incidents) == ([Condition.OPERATIONAL], ())


async def test_an_incident_shows_when_its_time_has_come(played):
    page = await summary(played, 1)
    assert ([i.id for i in page.incidents], [c.condition for c in page.components]) == (
        ["inc"],
        [Condition.MAJOR_OUTAGE],
    )


async def test_a_resolved_incident_is_gone_from_the_summary(played):
    assert (await summary(played, 2)).incidents == ()


async def test_a_resolved_incident_is_on_the_list_of_all(played):
    (found,) = statuspage.parse((await played(2, "/api/v2/incidents.json")).body).incidents
    assert (found.id, found.stage) == ("inc", Stage.RESOLVED)


async def test_a_resolved_incident_has_its_last_words_on_its_own_page(played):
    found = statuspage.parse_incident((await played(2, "/api/v2/incidents/inc.json")).body)
    assert [u.body for u in found.updates] == ["u1", "u2"]


async def test_a_maintenance_has_its_own_page_under_its_own_kind(played):
    found = statuspage.parse_incident((await played(1, "/api/v2/scheduled-maintenances/mnt.json")).body)
    assert (found.id, found.is_maintenance) == ("mnt", True)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/v2/status.json",
        "/api/v2/incidents/nobody.json",
        "/api/v2/incidents/mnt.json",
        "/api/v2/incidents/.json",
        "/api/v2/scheduled-maintenances/inc.json",
        "/api/v2/incidents/inc/more.json",
    ],
)
async def test_what_is_not_there_is_404(played, path):
    with pytest.raises(SourceError) as caught:
        await played(1, path)
    assert caught.value.code == "http_404"


async def test_an_incident_has_no_page_before_its_first_post(played):
    with pytest.raises(SourceError) as caught:
        await played(0, "/api/v2/incidents/inc.json")
    assert caught.value.code == "http_404"


async def test_a_page_that_has_not_changed_says_so(played):
    etag = (await played(1)).etag
    assert etag.startswith('W/"')
    assert (await played(1.5, etag=etag)).not_modified


async def test_a_page_that_has_changed_is_sent_again(played):
    etag = (await played(1)).etag
    assert not (await played(2, etag=etag)).not_modified


async def test_time_may_go_back(played):
    await played(2)
    assert len((await summary(played, 1)).incidents) == 1


async def test_a_stopped_page_is_down():
    playback = PlaybackServer(PAST, ManualClock().now)
    url = await playback.start()
    await playback.stop()
    await playback.stop()
    async with PageFetcher(timeout_s=5) as fetcher:
        with pytest.raises(SourceError) as caught:
            await fetcher.get(url, statuspage.SUMMARY)
    assert caught.value.code == "connect"
