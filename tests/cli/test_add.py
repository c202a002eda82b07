"""``brownout add``: what is shown of a page that was found, and addresses that are refused."""

import pytest
from click.testing import CliRunner

from bot.adapters.discovery import DiscoveredPage
from bot.cli import add
from bot.cli.main import brownout
from bot.formats import FORMATS, detection
from tests.formats.pages import NOON, PAGES, source
from tests.support.acme import catalogue


@pytest.fixture
def folder(tmp_path):
    return catalogue(tmp_path)


def test_what_was_found_is_shown():
    snapshot = FORMATS["statuspage"].parse(PAGES["statuspage", "mid-incident"], source("statuspage"), NOON)
    found = DiscoveredPage(source("statuspage"), snapshot, "https://status.other.example/api/v2/summary.json")
    text = add.format_discovery(found, ())
    assert "which redirects there" in text
    assert "Web: partial outage" in text
    assert "1 open incidents:\n  The web pages load slowly" in text


@pytest.mark.parametrize(("kind", "is_told"), [("statuspage", False), ("rootly", True)])
def test_a_format_that_is_known_from_descriptions_alone_says_so(kind, is_told):
    snapshot = FORMATS[kind].parse(PAGES[kind, "mid-incident" if kind == "statuspage" else "open"], source(kind), NOON)
    text = add.format_discovery(DiscoveredPage(source(kind), snapshot, "https://status.example.com/x"), ())
    assert ("follows descriptions of it" in text) == is_told


@pytest.mark.hostile(5)
@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "http://169.254.169.254/latest/", "http://localhost/", "http://[::1]/", "http://10.0.0.1"],
)
def test_a_private_address_is_refused_in_the_same_words(folder, url):
    said = CliRunner().invoke(brownout, ["add", url, "--config", str(folder), "--yes"])
    assert said.exit_code == 1
    assert "no page on the public web answers there" in said.output
    assert sorted(f.name for f in (folder / "providers").iterdir()) == ["acme.toml"]


def test_an_address_that_is_none_is_refused(folder):
    said = CliRunner().invoke(brownout, ["add", "ftp://status.example.com", "--config", str(folder)])
    assert (said.exit_code, detection.NOT_PUBLIC_TEXT in said.output) == (1, True)
