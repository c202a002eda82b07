"""What the HTML of a page tells about where its data are."""

import pytest

from bot.domain import Source
from bot.formats import page_clues

NOTHING = Source("", "", "", "")
URL = "https://status.acme.example"
ID = "5b36dc6502d06804c08349f7"


def systems(html, url=URL):
    return [(s.kind, s.url, s.page) for s in page_clues.system_sources(url, html, NOTHING)]


@pytest.mark.parametrize(
    "html",
    [
        f"<script>var statuspage_id = '{ID}';</script>",
        f'<script>statuspageId: "{ID}"</script>',
        f'<a href="https://status.io/pages/history/{ID}">History</a>',
        f'<a href="/pages/history/{ID}">History</a>',
        f"fetch('https://api.status.io/1.0/status/{ID}')",
    ],
)
def test_the_id_of_a_page_at_status_io_is_in_its_html(html):
    assert systems(html) == [("statusio", "https://api.status.io", ID)]


def test_the_slug_of_an_uptime_kuma_page_is_in_what_it_loads_first():
    html = "<script>window.preloadData = {'config':{'slug':'acme-main','title':'Acme'}};</script>"
    assert systems(html) == [("uptimekuma", URL, "acme-main")]


def test_a_slug_elsewhere_is_not_uptime_kumas():
    assert not page_clues.kuma_slug('<script>{"slug":"x"}</script>')


@pytest.mark.parametrize(
    ("html", "url", "page"),
    [
        ('<img src="https://acme.statuspal.eu/logo.png">', "https://www.acmehealth.example", "acme"),
        ("fetch('https://statuspal.eu/api/v2/status_pages/acme/summary')", "https://www.acmehealth.example", "acme"),
        ('<a href="https://www.statuspal.eu">powered by</a>', "https://status.acme.example", "acme"),
    ],
)
def test_a_statuspal_page_on_its_own_domain_is_tried_by_the_names_that_it_has(html, url, page):
    assert ("statuspal", "https://statuspal.eu", page) in systems(html, url)


def test_the_system_that_a_page_names_is_tried_first():
    assert systems("<footer>Powered by Instatus</footer>") == [("instatus", URL, "")]


def test_a_page_below_a_host_is_tried_there_and_at_the_root():
    assert systems("incident.io", f"{URL}/eu")[:2] == [("incidentio", f"{URL}/eu", ""), ("incidentio", URL, "")]


@pytest.mark.parametrize(
    ("href", "found"),
    [
        ("/default/history.rss", (URL, "/default/history.rss")),
        ("feed.atom", (URL, "/feed.atom")),
        ("https://feeds.acme.example/all?x=1", ("https://feeds.acme.example", "/all?x=1")),
    ],
)
def test_the_feed_that_a_page_names_in_its_head_is_found(href, found):
    html = f'<head><LINK rel="alternate" type="application/rss+xml" href="{href}"></head>'
    assert [(s.url, s.path) for s in page_clues.feed_sources(URL, html, NOTHING)] == [found]


@pytest.mark.parametrize("link", ['rel="alternate" hreflang="de" href="/de"', 'rel="stylesheet" href="/a.rss"'])
def test_what_is_no_feed_in_a_head_is_none(link):
    assert not list(page_clues.feed_sources(URL, f"<link {link}>", NOTHING))


@pytest.mark.parametrize("scheme", ["javascript:alert(1)", "file:///etc/passwd", "data:text/xml,x", "http://[x"])
def test_a_feed_is_only_a_web_address(scheme):
    html = f'<link rel="alternate" type="application/atom+xml" href="{scheme}">'
    assert not list(page_clues.feed_sources(URL, html, NOTHING))


def test_the_sub_pages_of_a_parent_page_are_what_it_links_to_one_level_below():
    html = (
        f'<a href="/us">US</a><a href="{URL}/eu/">EU</a><a href="/history">H</a><a href="https://acme.example/x">x</a>'
    )
    assert page_clues.sub_pages(URL, html) == (f"{URL}/us", f"{URL}/eu")


@pytest.mark.parametrize(
    "html", ["preloadData" * 40_000, "<link " * 80_000, "status_pages/" * 40_000, "<!--" * 100_000]
)
def test_a_hostile_page_is_looked_at_and_nothing_found(html):
    assert not [s for s in page_clues.system_sources(URL, html, NOTHING) if s.kind != "statuspal"]
    assert not list(page_clues.feed_sources(URL, html, NOTHING))


def test_the_key_of_an_uptimerobot_page_is_in_what_its_html_loads():
    html = "<script>window.pspApiPath = 'https://status.acme.example/api/getMonitorList/aB3dE5fG7h'</script>"
    assert systems(html) == [("uptimerobot", URL, "aB3dE5fG7h")]
