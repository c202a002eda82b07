"""manifest.yml: inside Slack's limits, with no scope too many, and in step with what the bot does.

See bot/docs/slack-limits.md#manifest.
"""

import re
from pathlib import Path

import pytest
import yaml

from bot.cli.manifest import (
    CARD_EVENTS,
    CARD_SCOPES,
    MAX_DOMAINS,
    card_domains,
    for_http_mode,
    read_manifest,
    with_cards,
    with_declare_scopes,
    with_history_scopes,
)
from bot.cli.manifest_steps import with_workflow_steps
from bot.commands.registry import COMMANDS
from bot.domain import (
    BOT_USER,
    Advice,
    DeclaredIncident,
    DeclaredSeverity,
    Provider,
    ProviderState,
    Source,
    StepKind,
    UserAction,
    Verdict,
    WorkflowStep,
)
from bot.errors import UsageError
from bot.messages import words, workflow_steps
from bot.messages.link_cards import ENTITY_TYPE
from bot.slack import conversations, events, kept_messages, link_cards
from bot.slack.command import COMMAND
from bot.slack.deduplication import STEP_EVENT
from tests.support.acme import ACME, NOON, poll_page
from tests.support.pages import page

ROOT = Path(__file__).parents[1]
EVENTS = {  # an event, and the scopes without which Slack does not send it (docs.slack.dev, events)
    "app_home_opened": set(),
    "member_joined_channel": {"channels:read", "groups:read"},
    "channel_unarchive": {"channels:read"},
    "channel_rename": {"channels:read"},
    "group_unarchive": {"groups:read"},
    "channel_id_changed": {"groups:read"},
    "group_rename": {"groups:read"},
    "app_mention": {"app_mentions:read"},
    "message.im": {"im:history"},
}
METHODS = {  # what the bot calls, and the scopes that it takes (docs.slack.dev, methods)
    "a slash command": {"commands"},
    "chat.postMessage, chat.update": {"chat:write", "chat:write.public"},
    "files.getUploadURLExternal, files.completeUploadExternal": {"files:write"},
    "conversations.info": {"channels:read", "groups:read"},
    "usergroups.users.list": {"usergroups:read"},
    "views.open, views.publish": set(),
    "member_joined_channel": EVENTS["member_joined_channel"],
    "app_mention": EVENTS["app_mention"],
    "message.im": EVENTS["message.im"],
}
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


def test_every_scope_is_wanted_by_something_that_the_bot_does(manifest):
    wanted = {scope for scopes in METHODS.values() for scope in scopes}
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == wanted
    assert set(manifest["oauth_config"]["scopes"]) == {"bot"}


def test_with_histories_two_scopes_more_are_asked_for_and_may_be_left_out(manifest):
    asked = yaml.safe_load(with_history_scopes(read_manifest()))["oauth_config"]["scopes"]
    assert set(asked["bot"]) == {*manifest["oauth_config"]["scopes"]["bot"], *asked["bot_optional"]}
    assert asked["bot_optional"] == ["channels:history", "groups:history"]


def with_domains(*domains):
    return yaml.safe_load(with_cards(with_history_scopes(read_manifest()), domains or ("status.acme.example",)))


def test_with_cards_two_scopes_more_are_asked_for_and_may_be_left_out(manifest):
    asked = with_domains()["oauth_config"]["scopes"]
    assert set(asked["bot"]) == {*manifest["oauth_config"]["scopes"]["bot"], *asked["bot_optional"]}
    assert set(asked["bot_optional"]) == {*CARD_SCOPES, "channels:history", "groups:history"}


def test_with_cards_their_events_are_sent(manifest):
    told = with_domains()["settings"]["event_subscriptions"]["bot_events"]
    assert set(told) - set(manifest["settings"]["event_subscriptions"]["bot_events"]) == set(CARD_EVENTS)
    assert set(CARD_EVENTS) == {link_cards.LINK_EVENT, link_cards.DETAILS_EVENT}


def test_with_cards_work_objects_are_incidents():
    features = with_domains("a.example", "b.example")["features"]
    assert features["unfurl_domains"] == ["a.example", "b.example"]
    assert features["rich_previews"] == {"is_active": True, "entity_types": [ENTITY_TYPE]}


@pytest.mark.parametrize("domains", [(), tuple(f"{n}.example" for n in range(MAX_DOMAINS + 1))])
def test_more_domains_than_slack_takes_are_refused(domains):
    with pytest.raises(UsageError):
        with_cards(read_manifest(), domains)


def test_the_domains_are_the_boards_and_those_that_are_a_status_page_and_nothing_else():
    pages = [
        "https://status.a.example",
        "https://www.google.com/appsstatus",
        "https://status.a.example/",
        "http://localhost:1",
    ]
    providers = [Provider(f"p{n}", "P", (), Source(f"p{n}", f"p{n}", "statuspage", url)) for n, url in enumerate(pages)]
    board = "https://brownout.example.com/x"
    assert card_domains(providers, board) == ["brownout.example.com", "status.a.example"]
    assert card_domains(providers, "") == ["status.a.example"]


def test_only_messages_to_the_bot_can_be_read(manifest):
    scopes = [scope for kind in manifest["oauth_config"]["scopes"].values() for scope in kind]
    reading = [s for s in scopes if "history" in s or s in ("im:read", "mpim:read", "files:read", "search:read")]
    assert reading == ["im:history"]


def test_every_event_has_the_scopes_without_which_slack_never_sends_it(manifest):
    scopes = set(manifest["oauth_config"]["scopes"]["bot"])
    told = manifest["settings"]["event_subscriptions"]["bot_events"]
    assert [event for event in told if EVENTS[event] - scopes] == []


def test_what_is_subscribed_to_is_heard(manifest):
    told = set(manifest["settings"]["event_subscriptions"]["bot_events"])
    mentions = {conversations.MENTION_EVENT, f"{conversations.MESSAGE_EVENT}.im"}
    lifecycle = {events.HOME_OPENED_EVENT, events.MEMBER_JOINED_EVENT}
    assert told == lifecycle | mentions | {*events.CHANNEL_EVENTS, events.CHANNEL_ID_EVENT}


def test_direct_messages_can_be_sent_and_commands_typed_in_them(manifest):
    assert manifest["features"]["app_home"] == {
        "home_tab_enabled": True,
        "messages_tab_enabled": True,
        "messages_tab_read_only_enabled": False,
    }


def test_socket_mode_is_on_and_nothing_has_an_address(manifest):
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert "url" not in str(manifest)


def test_buttons_and_modals_are_heard(manifest):
    assert manifest["settings"]["interactivity"] == {"is_enabled": True}


def test_mentions_of_channels_and_groups_come_as_their_ids(command):
    assert command["should_escape"] is True


def test_only_known_keys_are_used(manifest):
    assert set(manifest) == {"_metadata", "display_information", "features", "oauth_config", "settings"}
    assert set(manifest["settings"]) == {
        "event_subscriptions",
        "socket_mode_enabled",
        "interactivity",
        "org_deploy_enabled",
        "token_rotation_enabled",
    }


# --- steps of Workflow Builder ----------------------------------------------------------------------------------------

TYPES = {"string": str, "integer": int, "boolean": bool, "slack#/types/timestamp": int}
WAITING = WorkflowStep("Fx1", StepKind.WAIT, "acme-api", NOON, NOON)
DECLARED = DeclaredIncident(7, "Checkout fails", DeclaredSeverity.SEV2, UserAction(BOT_USER, NOON), "C1")
SAFE = Verdict("acme-api", Advice.RETRY_NORMALLY, NOON, 1.0, "", "quiet")
ENDED = [  # of each step, the outputs that it may end with
    (StepKind.WAIT, workflow_steps.wait_outcome(WAITING, ACME.surfaces[0], SAFE, NOON)),
    (StepKind.DECLARE, workflow_steps.declared_outcome(DECLARED, "")),
    (StepKind.DECLARE, workflow_steps.declared_outcome(DECLARED, "https://acme.slack.com/archives/C1/p1")),
    (StepKind.STATUS, workflow_steps.status_outcome(ACME, ProviderState("acme"), ACME.surfaces[0], NOON)),
    (StepKind.STATUS, workflow_steps.status_outcome(ACME, poll_page(None, page(), NOON).state, ACME.surfaces[0], NOON)),
]


@pytest.fixture(scope="module")
def with_steps():
    return yaml.safe_load(with_workflow_steps(read_manifest()))


def parameters(with_steps, direction):
    """The parameters of all functions, with the name under which each stands."""
    return [
        (name, parameter)
        for function in with_steps["functions"].values()
        for name, parameter in function[f"{direction}_parameters"].items()
    ]


def test_the_manifest_has_no_steps_unless_they_are_asked_for(manifest):
    assert ("functions" in manifest, "function_runtime" in manifest["settings"]) == (False, False)


def test_steps_are_all_that_is_added_with_what_slack_requires_for_them(manifest, with_steps):
    functions = with_steps.pop("functions")
    assert set(functions) == set(StepKind)
    settings = manifest["settings"] | {"function_runtime": "remote", "org_deploy_enabled": True}
    events = [STEP_EVENT, *settings["event_subscriptions"]["bot_events"]]
    assert with_steps == manifest | {"settings": settings | {"event_subscriptions": {"bot_events": events}}}
    with_steps["functions"] = functions


def test_steps_history_and_http_mode_go_together():
    text = for_http_mode(with_workflow_steps(with_history_scopes(read_manifest())), "https://brownout.example.com")
    told = yaml.safe_load(text)
    assert told["settings"]["event_subscriptions"]["request_url"] == "https://brownout.example.com/slack/events"
    assert (set(told["functions"]), told["settings"]["socket_mode_enabled"]) == (set(StepKind), False)


def test_every_function_has_what_slacks_schema_requires(with_steps):
    required = {"title", "description", "input_parameters", "output_parameters"}
    assert [set(function) for function in with_steps["functions"].values()] == [required] * len(StepKind)


@pytest.mark.parametrize("direction", ["input", "output"])
def test_every_parameter_has_its_own_name_a_type_and_a_title(with_steps, direction):
    for name, parameter in parameters(with_steps, direction):
        assert parameter["name"] == name
        assert {"type", "title", "description", "is_required"} <= set(parameter)


def test_the_services_of_a_step_are_those_of_the_function_that_lists_them(with_steps):
    menus = [p["dynamic_options"] for _, p in parameters(with_steps, "input") if "dynamic_options" in p]
    assert menus == [{"function": "#/functions/list_services", "inputs": {"query": {"value": "{{client.query}}"}}}] * 3
    output = with_steps["functions"][StepKind.SERVICES]["output_parameters"]
    assert {name: p["type"] for name, p in output.items()} == {"options": "slack#/types/options_select"}


@pytest.mark.parametrize(
    ("kind", "outcome"), ENDED, ids=["wait", "declared, not posted", "declared", "status, never read", "status"]
)
def test_a_step_ends_with_the_outputs_that_the_manifest_names(with_steps, kind, outcome):
    named = with_steps["functions"][kind]["output_parameters"]
    assert set(outcome.outputs) <= set(named)
    assert {name for name, p in named.items() if p["is_required"]} <= set(outcome.outputs)
    assert {n: type(v) for n, v in outcome.outputs.items()} == {n: TYPES[named[n]["type"]] for n in outcome.outputs}


def test_the_manifest_names_every_advice_and_status_that_an_output_may_have(with_steps):
    outputs = with_steps["functions"][StepKind.STATUS]["output_parameters"]
    assert all(style.phrase in outputs["advice"]["description"] for style in words.ADVICE_STYLES.values())
    assert all(advice in outputs["advice_code"]["description"] for advice in Advice)
    assert all(status in outputs["status"]["description"] for status in words.Status)


# --- declared incidents -----------------------------------------------------------------------------------------------


def declaring():
    return yaml.safe_load(with_declare_scopes(with_history_scopes(read_manifest())))


def test_with_declared_incidents_their_scopes_are_asked_for_and_may_be_left_out(manifest):
    asked = declaring()["oauth_config"]["scopes"]
    more = {"channels:manage", "groups:write", "pins:write", "reactions:read", "users:read"}
    assert set(asked["bot_optional"]) == more | {"channels:history", "groups:history"}
    assert set(asked["bot"]) == {*manifest["oauth_config"]["scopes"]["bot"], *asked["bot_optional"]}


def test_with_declared_incidents_marks_of_messages_are_sent(manifest):
    events = declaring()["settings"]["event_subscriptions"]["bot_events"]
    assert set(events) - set(manifest["settings"]["event_subscriptions"]["bot_events"]) == set(
        kept_messages.REACTION_EVENTS
    )


def test_the_shortcut_is_the_one_that_is_handled(manifest):
    [shortcut] = manifest["features"]["shortcuts"]
    assert (shortcut["type"], shortcut["callback_id"]) == ("message", kept_messages.SHORTCUT)
    assert len(shortcut["name"]) <= 24, "Slack takes no more"
    assert len(shortcut["description"]) <= 150
