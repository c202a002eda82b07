"""What an address serves instead of its page, over a web of answers."""

from datetime import UTC, datetime

import pytest

from bot.edge.discover import discover, evidence
from bot.errors import SourceError
from bot.model import Source
from bot.sources import sniff
from tests.sources.pages import PAGES

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 1, 10, 10, tzinfo=UTC)
SOURCE = Source("acme", "acme", "statuspage", "https://status.acme.example")


class Answer:
    def __init__(self, url, body):
        self.url, self.body = url, body


class Web:
    """``pages`` maps a path to bytes; ``url`` is where it all is after redirects, if it is elsewhere."""

    def __init__(self, url="https://status.acme.example", code="http_404", **pages):
        self.url, self.code, self.pages, self.asked = url, code, {f"/{p}": body for p, body in pages.items()}, []

    async def get(self, source_url, path, *, accept):  # noqa: ARG002
        self.asked.append(path)
        if path not in self.pages:
            raise SourceError("nothing here", code=self.code)
        return Answer(self.url + path, self.pages[path])


def page(kind, number=0):
    return PAGES[kind, "open"][number]


async def test_the_evidence_names_the_address_and_the_format():
    web = Web("https://new.example", **{"summary.json": page("instatus"), "v2/components.json": page("instatus", 1)})
    told = await evidence(web, SOURCE, NOW)
    assert told == 'https://new.example/summary.json serves Instatus (kind = "instatus")'


async def test_nothing_anywhere_is_no_evidence():
    assert await evidence(Web(), SOURCE, NOW) == ""


async def test_a_host_that_is_gone_is_no_evidence_and_asked_once():
    web = Web(code="dns")
    assert await evidence(web, SOURCE, NOW) == ""
    assert len(web.asked) == 1


async def test_the_old_format_is_not_tried_again():
    web = Web()
    await evidence(web, SOURCE, NOW)
    assert "/api/v2/summary.json" in web.asked  # as incident.io's
    assert web.asked.count("/api/v2/summary.json") == 1


async def test_a_page_that_lacks_its_second_half_is_not_that_page():
    found, told = await discover(Web(**{"summary.json": page("instatus")}), sniff.guesses(SOURCE.url, SOURCE), NOW)
    assert found is None
    assert any(line.startswith("Instatus: ") for line in told)


async def test_awss_empty_list_is_a_page():
    options = Source("", "", "", "", regions=("us-east-1",))
    web = Web(**{"public/currentevents": PAGES["aws", "clear"][0]})
    found, _ = await discover(web, sniff.guesses("https://health.acme.example", options), NOW)
    assert found.source.kind == "aws"
