"""The walk through a page's history, over a fake web: what is asked for, what is kept, and how it goes on."""

import json
from types import SimpleNamespace

import pytest

from bot.app.history_download import HistoryDownload
from bot.domain import Source
from bot.errors import SourceError
from bot.formats.reconstruction import read_history

SOURCE = Source("acme", "acme", "statuspage", "https://status.acme.example")


def incident(code, status="resolved"):
    update = {"id": f"{code}-1", "status": status, "body": "words", "display_at": "2024-05-01T10:00:00Z"}
    return {"id": code, "name": code, "status": status, "incident_updates": [update]}


def months(*codes):
    return {"months": [{"name": "May", "incidents": [{"code": code} for code in codes]}]}


class FakeFetcher:
    """Answers from a table; what is not in it is a 404."""

    def __init__(self, pages):
        self.pages, self.asked = pages, []

    async def get(self, url, path, *, fallback, accept):  # noqa: ARG002  (the real one takes them)
        self.asked.append(path)
        found = self.pages.get(path, SourceError("gone", code="http_404"))
        if isinstance(found, SourceError):
            raise found
        return SimpleNamespace(body=found if isinstance(found, bytes) else json.dumps(found).encode())


def site(**more):
    return {
        "/api/v2/incidents.json": {"page": {"id": "p", "name": "Acme"}, "incidents": [incident("new")]},
        "/history.json?page=1": months("new", "old"),
        "/history.json?page=2": months("older", "removed"),
        "/history.json?page=3": {"months": []},
        "/api/v2/incidents/old.json": {"page": {}, "incident": incident("old")},
        "/api/v2/incidents/older.json": {"page": {}, "incident": incident("older")},
    } | more


async def walk(web, repository):
    return read_history(await HistoryDownload(web, repository.archive, SOURCE, 0, lambda _: None).download())


@pytest.mark.anyio
async def test_the_whole_history_is_the_newest_and_what_older_pages_name(repository):
    found = await walk(FakeFetcher(site()), repository)
    assert sorted(found.incidents) == ["new", "old", "older"]


@pytest.mark.anyio
async def test_what_came_with_the_newest_is_not_asked_for_again(repository):
    web = FakeFetcher(site())
    await walk(web, repository)
    assert "/api/v2/incidents/new.json" not in web.asked


@pytest.mark.anyio
async def test_a_walk_that_broke_off_goes_on_where_it_was(repository):
    broken = FakeFetcher(site() | {"/api/v2/incidents/older.json": SourceError("slow down", code="http_429")})
    with pytest.raises(SourceError):
        await walk(broken, repository)
    web = FakeFetcher(site())
    await walk(web, repository)
    assert "/api/v2/incidents/old.json" not in web.asked
    assert "/api/v2/incidents/older.json" in web.asked


@pytest.mark.anyio
async def test_an_incident_that_was_open_is_asked_for_again(repository):
    still = {"page": {}, "incident": incident("old", "monitoring")}
    await walk(FakeFetcher(site() | {"/api/v2/incidents/old.json": still}), repository)
    found = await walk(FakeFetcher(site()), repository)
    assert found.incidents["old"].body["status"] == "resolved"


@pytest.mark.anyio
async def test_a_page_without_json_history_is_read_as_people_read_it(repository):
    html = b'<div data-react-props="{&quot;months&quot;:[{&quot;incidents&quot;:[{&quot;code&quot;:&quot;old&quot;}]}]}"></div>'
    pages = {path: page for path, page in site().items() if not path.startswith("/history.json")}
    end = b'<div data-react-props="{&quot;months&quot;:[]}"></div>'
    found = await walk(FakeFetcher(pages | {"/history?page=1": html, "/history?page=2": end}), repository)
    assert sorted(found.incidents) == ["new", "old"]


@pytest.mark.anyio
async def test_a_year_without_incidents_ends_the_walk(repository):
    quiet = {f"/history.json?page={n}": {"months": [{"incidents": []}]} for n in range(1, 100)}
    web = FakeFetcher(site() | quiet)
    await walk(web, repository)
    assert web.asked[-1] == "/history.json?page=4"
