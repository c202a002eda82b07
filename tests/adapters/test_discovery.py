"""What an address serves instead of its page, over a web of answers."""

from datetime import UTC, datetime

import pytest

from bot.adapters.discovery import describe_current_format, discover
from bot.domain import Source
from bot.errors import SourceError
from bot.formats import detection
from tests.formats.pages import PAGES

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 1, 10, 10, tzinfo=UTC)
SOURCE = Source("acme", "acme", "statuspage", "https://status.acme.example")


class FakeResponse:
    def __init__(self, url, body):
        self.url, self.body = url, body


class FakeFetcher:
    """``pages`` maps a path to bytes; ``url`` is where it all is after redirects, if it is elsewhere."""

    def __init__(self, url="https://status.acme.example", code="http_404", **pages):
        self.url, self.code, self.pages, self.asked = url, code, {f"/{p}": body for p, body in pages.items()}, []

    async def get(self, source_url, path, *, accept):  # noqa: ARG002
        self.asked.append(path)
        if path not in self.pages:
            raise SourceError("nothing here", code=self.code)
        return FakeResponse(self.url + path, self.pages[path])


def page(kind, number=0):
    return PAGES[kind, "open"][number]


async def test_the_evidence_names_the_address_and_the_format():
    web = FakeFetcher(
        "https://new.example", **{"summary.json": page("instatus"), "v2/components.json": page("instatus", 1)}
    )
    told = await describe_current_format(web, SOURCE, NOW)
    assert told == 'https://new.example/summary.json serves Instatus (kind = "instatus")'


async def test_nothing_anywhere_is_no_evidence():
    assert await describe_current_format(FakeFetcher(), SOURCE, NOW) == ""


async def test_a_host_that_is_gone_is_no_evidence_and_asked_once():
    web = FakeFetcher(code="dns")
    assert await describe_current_format(web, SOURCE, NOW) == ""
    assert len(web.asked) == 1


async def test_the_old_format_is_not_tried_again():
    web = FakeFetcher()
    await describe_current_format(web, SOURCE, NOW)
    assert "/api/v2/summary.json" in web.asked  # as incident.io's
    assert web.asked.count("/api/v2/summary.json") == 1


async def test_a_page_that_lacks_a_part_which_its_format_needs_is_not_that_page():
    web = FakeFetcher(**{"/api/v1/status.json": page("rootly")})
    found, told = await discover(web, detection.guess_sources(SOURCE.url, SOURCE), NOW)
    assert found is None
    assert any(line.startswith("Rootly: ") for line in told)


async def test_a_page_that_lacks_a_part_which_its_format_can_do_without_is_that_page():
    web = FakeFetcher(**{"summary.json": page("instatus")})
    found, _ = await discover(web, detection.guess_sources(SOURCE.url, SOURCE), NOW)
    assert found.source.kind == "instatus"


async def test_awss_empty_list_is_a_page():
    options = Source("", "", "", "", regions=("us-east-1",))
    web = FakeFetcher(**{"public/currentevents": PAGES["aws", "clear"][0]})
    found, _ = await discover(web, detection.guess_sources("https://health.acme.example", options), NOW)
    assert found.source.kind == "aws"
