"""``brownout manifest``: what it prints is what ships, or that with the addresses that HTTP mode needs."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from bot.cli.main import brownout
from bot.cli.manifest import for_http_mode
from bot.errors import UsageError

SHIPPED = (Path(__file__).parents[2] / "manifest.yml").read_text(encoding="utf-8")
WHERE = "https://bot.example.com/slack/events"


def printed(*words):
    return CliRunner().invoke(brownout, ["manifest", *words])


def test_without_an_address_it_is_what_ships():
    assert printed().output == SHIPPED


@pytest.mark.parametrize("url", ["https://bot.example.com", "https://bot.example.com/", WHERE])
def test_with_an_address_slack_is_told_to_send_there(url):
    found = yaml.safe_load(printed("--http", url).output)
    assert found["settings"]["socket_mode_enabled"] is False
    assert [c["url"] for c in found["features"]["slash_commands"]] == [WHERE]
    told = {"is_enabled": True, "request_url": WHERE, "message_menu_options_url": WHERE}
    assert found["settings"]["interactivity"] == told
    assert found["settings"]["event_subscriptions"]["request_url"] == WHERE


def test_nothing_else_differs():
    ours, theirs = (yaml.safe_load(text) for text in (SHIPPED, for_http_mode(SHIPPED, WHERE)))
    for command in theirs["features"]["slash_commands"]:
        del command["url"]
    for part in ("interactivity", "event_subscriptions"):
        theirs["settings"].get(part, {}).pop("request_url", None)
    theirs["settings"]["interactivity"].pop("message_menu_options_url")
    assert theirs == ours | {"settings": ours["settings"] | {"socket_mode_enabled": False}}


def test_events_have_their_address_too():
    made = yaml.safe_load(
        for_http_mode("settings:\n  event_subscriptions:\n    bot_events: [app_home_opened]\n", WHERE)
    )
    assert made["settings"]["event_subscriptions"]["request_url"] == WHERE


@pytest.mark.parametrize(
    "url", ["http://bot.example.com", "bot.example.com", "https://", "https://x/?a=1", "https://x/\n- a", ""]
)
def test_what_is_no_https_address_is_refused(url):
    with pytest.raises(UsageError, match="https"):
        for_http_mode(SHIPPED, url)


def test_with_chosen_domains_their_links_get_cards():
    features = yaml.safe_load(printed("--domain", "Status.Acme.example", "--domain", "b.example").output)["features"]
    assert features["unfurl_domains"] == ["status.acme.example", "b.example"]


def test_without_a_choice_the_domains_are_those_of_what_is_watched():
    run = printed("--cards")
    domains = yaml.safe_load(run.stdout)["features"]["unfurl_domains"]
    assert "status.claude.com" in domains
    assert "www.google.com" not in domains
    assert len(domains) <= 5
