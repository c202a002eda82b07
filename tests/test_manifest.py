"""manifest.yml: inside Slack's limits (slack.md 2.3), with no scope too many, and in step with what the bot does."""

import re
from pathlib import Path

import pytest
import yaml

from bot.entry.commands import COMMANDS
from bot.entry.slash import COMMAND

ROOT = Path(__file__).parents[1]
LENGTHS = {  # of the official JSON Schema, and 60 for the hint, which Slack cuts in its menu
    ("display_information", "name"): (1, 35),
    ("display_information", "description"): (1, 140),
    ("display_information", "long_description"): (175, 4000),
}


@pytest.fixture(scope="module")
def manifest():
    return yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def command(manifest):
    [only] = manifest["features"]["slash_commands"]
    return only


@pytest.mark.parametrize(("path", "limits"), LENGTHS.items(), ids=lambda value: str(value[-1]))
def test_a_text_has_a_length_that_slack_takes(manifest, path, limits):
    section, key = path
    assert limits[0] <= len(manifest[section][key]) <= limits[1]


def test_the_colour_is_a_colour(manifest):
    assert re.fullmatch("#[0-9a-fA-F]{6}", manifest["display_information"]["background_color"])


def test_the_bots_name_has_only_letters_that_slack_takes(manifest):
    assert re.fullmatch("[a-z0-9._-]{1,80}", manifest["features"]["bot_user"]["display_name"])


def test_there_is_one_command_named_after_the_product(command):
    assert command["command"] == COMMAND == "/brownout"


def test_the_usage_hint_names_verbs_that_exist(command):
    hinted = [part.split()[0] for part in command["usage_hint"].strip("[]").split("|")]
    assert [verb for verb in hinted if verb not in COMMANDS] == []


def test_the_usage_hint_fits_the_menu(command):
    assert 1 <= len(command["usage_hint"]) <= 60


def test_the_scopes_are_the_least_that_alerts_and_a_command_need(manifest):
    assert manifest["oauth_config"]["scopes"] == {"bot": ["commands", "chat:write", "chat:write.public"]}


def test_no_scope_reads_messages(manifest):
    scopes = [scope for kind in manifest["oauth_config"]["scopes"].values() for scope in kind]
    assert [scope for scope in scopes if "history" in scope or scope.endswith(":read")] == []


def test_socket_mode_is_on_and_nothing_has_an_address(manifest):
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert "url" not in str(manifest)


def test_buttons_and_modals_are_heard(manifest):
    assert manifest["settings"]["interactivity"] == {"is_enabled": True}


def test_mentions_of_channels_and_groups_come_as_their_ids(command):
    assert command["should_escape"] is True


def test_nothing_is_subscribed_to_that_nobody_hears(manifest):
    assert "event_subscriptions" not in manifest["settings"]


def test_only_known_keys_are_used(manifest):
    assert set(manifest) == {"_metadata", "display_information", "features", "oauth_config", "settings"}
    assert set(manifest["settings"]) == {
        "socket_mode_enabled",
        "interactivity",
        "org_deploy_enabled",
        "token_rotation_enabled",
    }
