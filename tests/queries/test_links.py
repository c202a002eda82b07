"""What a pasted link is about: nothing, unless it leads to something that is watched."""

from dataclasses import replace

import pytest

from bot.domain import LinkKind, LinkSubject
from bot.queries.links import MAX_URL, LinkResolver
from tests.support.scenario import ACME, GLOBEX

BOARD = "https://brownout.example.com/status"
INCIDENT = LinkSubject(LinkKind.INCIDENT, "i-1")
ACMES_PAGE = LinkSubject(LinkKind.PROVIDER, "acme")


def resolve(scenario, url, *, board=BOARD, **more):
    return LinkResolver(replace(scenario.queries(), **more), board).resolve(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://status.acme.example/i-1",  # as the page wrote it
        "https://status.acme.example/i-1/",
        "https://status.acme.example/i-1?utm_source=mail&amp;x=1",
        "https://status.acme.example/i-1#updates",
        "https://status.acme.example/incidents/i-1",  # the id as the last part of the path
        "https://STATUS.acme.example/incidents/i-1",
        f"{BOARD}/incidents/i-1",
        f"{BOARD}/incidents/i-1/",
    ],
)
def test_a_link_of_an_incident_is_found(scenario, url):
    assert resolve(scenario.breaks(), url) == INCIDENT


@pytest.mark.parametrize(
    "url", ["https://status.acme.example", "https://status.acme.example/", "http://status.acme.example/?x=1"]
)
def test_the_front_page_is_its_provider(scenario, url):
    assert resolve(scenario.breaks(), url) == ACMES_PAGE


@pytest.mark.parametrize(
    ("url", "subject"),
    [
        (BOARD, LinkSubject(LinkKind.BOARD)),
        (f"{BOARD}/", LinkSubject(LinkKind.BOARD)),
        (f"{BOARD}/surfaces/acme-api", LinkSubject(LinkKind.SERVICE, "acme-api")),
    ],
)
def test_a_page_of_our_board_is_found(scenario, url, subject):
    assert resolve(scenario.breaks(), url) == subject


@pytest.mark.parametrize(
    "url",
    [
        "https://status.acme.example/incidents/i-999",
        "https://status.acme.example/history",
        "https://status.acme.example.evil.example/i-1",
        "https://evil.example/?next=https://status.acme.example/i-1",
        "https://status.acme.example:8443/",
        "https://status.acme.example:port/",
        "https://[::1",
        "ftp://status.acme.example/i-1",
        "javascript:alert(1)",
        "",
        f"{BOARD}/surfaces/nothing",
        f"{BOARD}/incidents/i-999",
        f"{BOARD}/sources",
        "https://brownout.example.com/statuses",
        f"https://status.acme.example/i-1?{'x' * MAX_URL}",
    ],
)
def test_any_other_link_is_about_nothing(scenario, url):
    assert resolve(scenario.breaks(), url) is None


def test_without_an_address_of_the_board_only_status_pages_are_known(scenario):
    assert resolve(scenario.breaks(), f"{BOARD}/incidents/i-1", board="") is None


def test_an_incident_of_a_provider_that_is_no_longer_watched_is_about_nothing(scenario):
    assert resolve(scenario.breaks(), "https://status.acme.example/i-1", providers=(GLOBEX,)) is None


def test_the_front_page_of_a_provider_that_is_off_can_be_watched(scenario):
    found = resolve(scenario, "https://status.acme.example", providers=(GLOBEX,), available=(ACME, GLOBEX))
    assert found == LinkSubject(LinkKind.UNWATCHED, "acme")


def test_a_page_that_two_providers_share_is_about_neither(scenario):
    twin = replace(GLOBEX, source=replace(GLOBEX.source, url=ACME.source.url))
    assert resolve(scenario, "https://status.acme.example", providers=(ACME, twin)) is None
