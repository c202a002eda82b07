"""What was typed and what a server sent -> which formats they may be."""

from dataclasses import replace

import pytest

from bot.domain import Source
from bot.errors import UsageError
from bot.formats import FORMATS, detection
from tests.formats.pages import PAGES

NOTHING = Source("", "", "", "")


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("https://status.example.com", "https://status.example.com"),
        ("https://status.example.com/", "https://status.example.com"),
        ("status.example.com", "https://status.example.com"),
        (" http://status.example.com/x?y=1#z ", "http://status.example.com/x?y=1"),
        ("<https://status.example.com|status.example.com>", "https://status.example.com"),
        ("<https://status.example.com>", "https://status.example.com"),
        ("https://status.exa\u200bmple.com", "https://status.example.com"),
        ("https://status.example.com\u00a0", "https://status.example.com"),
        ("\u202ehttps://status.example.com", "https://status.example.com"),
        ("https://status.example.com:443", "https://status.example.com:443"),
    ],
)
def test_an_address_is_taken_in_plain_form(typed, plain):
    assert detection.normalize_address(typed) == plain


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ftp://status.example.com",
        "file:///etc/passwd",
        "gopher://status.example.com",
        "javascript:alert(1)",
        "https://me:secret@status.example.com",
        "http://status.github.com@169.254.169.254/",
        "http://1.1.1.1\\@127.0.0.1/",
        "https://status.example.com:22",
        "https://status.example.com:8443",
        "https://[::1",
        "https://",
        "https://" + "a" * 3000,
    ],
)
def test_what_is_no_plain_address_is_refused_in_one_sentence(typed):
    with pytest.raises(UsageError) as caught:
        detection.normalize_address(typed)
    assert str(caught.value) == detection.NOT_PUBLIC_TEXT


def candidates(kind, name):
    return detection.detect_formats(PAGES[kind, name][0])


@pytest.mark.parametrize("kind", [k for k in FORMATS if k not in ("statuspage", "feed", "rootly")])
def test_a_page_with_trouble_looks_like_its_own_format_and_no_other(kind):
    assert candidates(kind, "open") == (kind,)


def test_rootlys_page_looks_like_a_statuspage_too_and_its_path_tells():
    assert candidates("rootly", "open") == ("statuspage", "rootly")


def test_a_statuspage_looks_like_one():
    assert candidates("statuspage", "mid-incident") == ("statuspage",)


def test_incident_ios_shim_is_not_taken_for_a_statuspage():
    assert candidates("statuspage", "shim-incident") == ("incidentio",)


@pytest.mark.parametrize("name", [n for k, n in PAGES if k == "feed"])
def test_a_feed_looks_like_one(name):
    assert candidates("feed", name) == ("feed",)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"null", b"<html></html>", b'{"page": {}}', b"\xff\xfe\x00"])
def test_what_looks_like_nothing_is_nothing(body):
    assert detection.detect_formats(body) == ()


def guessed(url, **options):
    return [
        (g.source.kind, g.source.url, g.source.path, g.source.page)
        for g in detection.guess_sources(url, replace(NOTHING, **options))
    ]


def test_statuspage_is_tried_first():
    assert guessed("https://status.example.com")[0] == ("statuspage", "https://status.example.com", "", "")


def test_an_address_of_a_feed_is_tried_as_one_first():
    assert guessed("https://azure.example/en-us/status/feed")[0] == (
        "feed",
        "https://azure.example",
        "/en-us/status/feed",
        "",
    )


def test_a_format_that_needs_a_page_id_is_tried_where_the_address_has_one():
    url = "https://status.example.com/pages/5b36dc6502d06804c08349f7"
    assert ("statusio", "https://api.status.io", "", "5b36dc6502d06804c08349f7") in guessed(url)


def test_kumas_slug_is_in_the_address():
    assert ("uptimekuma", "https://up.example.com", "", "main") in guessed("https://up.example.com/status/main")


def test_statuspals_subdomain_is_in_the_address():
    assert ("statuspal", "https://statuspal.eu", "", "acme") in guessed("https://acme.statuspal.eu")


def test_aws_is_tried_only_with_a_region():
    url = "https://health.aws.amazon.com"
    assert "aws" not in [kind for kind, *_ in guessed(url)]
    assert "aws" in [kind for kind, *_ in guessed(url, regions=("us-east-1",))]


def test_an_address_of_a_file_is_taken_for_its_page():
    assert guessed("https://status.example.com/api/v2/summary.json")[0][1] == "https://status.example.com"


def test_a_page_below_its_host_is_tried_there_first():
    tried = [url for kind, url, *_ in guessed("https://www.example.com/appsstatus/dashboard") if kind == "google"]
    assert tried == ["https://www.example.com/appsstatus/dashboard", "https://www.example.com"]


def test_every_kind_is_guessed_with_no_option_it_does_not_take():
    for guess in detection.guess_sources(
        "https://status.example.com", Source("", "", "", "", page="p", regions=("r",), products=("x",))
    ):
        kind = FORMATS[guess.source.kind]
        given = {n for n in ("page", "regions", "products") if getattr(guess.source, n)}
        assert given <= {*kind.needs, *kind.takes}


def test_deep_json_is_looked_at_without_a_word():
    assert detection.detect_formats(b"[" * 100_000) == ()


@pytest.mark.parametrize(("kind", "name"), [(k, n) for k, n in PAGES if not n.startswith("shim")])
def test_a_page_is_not_taken_for_one_of_another_format(kind, name):
    assert detection.other_formats(kind, PAGES[kind, name][0]) == ()


@pytest.mark.parametrize(
    ("kind", "page"),
    [
        ("statuspage", ("incidentio", "clear")),
        ("statuspage", ("incidentio-widget", "flashduty")),
        ("cachet-v1", ("cachet-v3", "clear")),
        ("cachet-v3", ("cachet-v1", "open")),
        ("apple", ("statuspal", "clear")),
        ("aws", ("google", "open")),
        ("incidentio", ("statuspage", "all-clear")),
    ],
)
def test_a_page_of_another_format_is_recognised_although_its_reader_would_accept_it(kind, page):
    assert detection.other_formats(kind, PAGES[page][0]) == (page[0],)


@pytest.mark.parametrize("body", [b"[]", b"{}", b"<html>", b"{", b'{"page": {"name": "x"}, "components": []}'])
def test_what_looks_like_no_format_is_no_other_format(body):
    assert detection.other_formats("statuspage", body) == ()


@pytest.mark.parametrize("path", ["aB3dE5fG7h", "api/getMonitorList/aB3dE5fG7h"])
def test_the_address_of_an_uptimerobot_page_has_its_key(path):
    first = guessed(f"https://stats.uptimerobot.com/{path}")[0]
    assert first == ("uptimerobot", "https://stats.uptimerobot.com", "", "aB3dE5fG7h")
