"""What we send Slack, against the types that Slack publishes for it; runs after all other tests.

See bot/docs/slack-limits.md#validation.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from bot.cli import manifest
from bot.cli.manifest_steps import with_workflow_steps
from bot.domain import LinkKind, LinkSubject, NewsKind, Notice, NoticeKind, Notification, NotificationKind
from bot.messages import alerts, link_cards
from bot.messages.link_cards import CardContent, PaneContent
from bot.messages.words import Status
from tests.slack.test_link_cards import opened, shared
from tests.support import rendered
from tests.support.samples import ALERT, NOON, OVER, item, parent, reply
from tests.support.slack_limits import assert_sendable
from tests.support.workflow_slack import step_event

ROOT = Path(__file__).parents[1]
MODULES = Path(os.environ.get("BROWNOUT_NODE_MODULES", ROOT / "node_modules"))
IS_REQUIRED = os.environ.get("BROWNOUT_TYPES_REQUIRED") == "1"  # as in .ci/run: what would be skipped fails
SUBJECT = LinkSubject(LinkKind.INCIDENT, "inc1")
_UNFURL, _DETAILS = "ChatUnfurlArguments", "EntityPresentDetailsArguments"
FLAGS = (
    "--noEmit",
    "--strict",
    "--skipLibCheck",
    "--target",
    "es2022",
    "--module",
    "nodenext",
    "--moduleResolution",
    "nodenext",
)


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """What tsc says of these lines of TypeScript; empty where all is well."""
    tsc = MODULES / ".bin" / "tsc"
    if not (shutil.which("node") and tsc.exists() and (MODULES / "@slack" / "web-api").is_dir()):
        why = f"no node, or no typescript, @slack/types and @slack/web-api in {MODULES}"
        (pytest.fail if IS_REQUIRED else pytest.skip)(why)
    folder = tmp_path_factory.mktemp("types")
    (folder / "node_modules").symlink_to(MODULES)

    def check(text):
        (folder / "sent.mts").write_text(text, encoding="utf-8")
        run = subprocess.run([str(tsc), *FLAGS, "sent.mts"], cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - tsc
        return run.stdout + run.stderr

    return check


def everything():
    """One of each kind of message, so that this test says something when it runs alone."""
    yield from (alerts.render_notification(parent(alert)) for alert in (ALERT, OVER))
    yield from (
        alerts.render_notification(reply(item(news, quote="Words.", before="Other words."))) for news in NewsKind
    )
    for kind in NoticeKind:
        notice = Notice(kind, "acme", "Acme", "k", NOON, "https://status.acme.example", NOON, "why")
        yield alerts.render_notification(Notification("C1", NotificationKind.NOTICE, "k", notice))


def test_everything_that_is_rendered_is_what_slacks_types_say(checked):
    for message in everything():
        assert_sendable(message)
    assert checked(rendered.typescript()) == ""


def test_cards_and_panes_are_calls_that_slacks_types_know(checked):
    content = CardContent(
        SUBJECT, "Acme degraded: API", Status.DEGRADED, ("Retry slowly",), "https://acme.example", NOON
    )
    attachment = link_cards.card_attachment(content)
    target = {"unfurl_id": "C1.1.2", "source": "conversations_history"}
    calls = {
        "card": (
            {**target, "metadata": {"entities": [link_cards.card_entity(content, "https://acme.example")]}},
            _UNFURL,
        ),
        "plain": ({"channel": "C1", "ts": "1.2", "unfurls": {"https://acme.example": attachment}}, _UNFURL),
        "pane": ({"trigger_id": "1.2", "metadata": link_cards.pane_entity(PaneContent(content))}, _DETAILS),
        "nothing": ({"trigger_id": "1.2", "error": {"status": "not_found"}}, _DETAILS),
    }
    lines = [f"export const {name} = {json.dumps(call)} satisfies {kind};" for name, (call, kind) in calls.items()]
    source = f'import type {{ {_UNFURL}, {_DETAILS} }} from "@slack/web-api";'
    assert checked("\n".join([source, *lines, ""])) == ""


def test_the_events_of_our_tests_are_those_of_slacks_types(checked):
    lines = [
        f'export const e{n} = {json.dumps(e)} satisfies Extract<SlackEvent, {{ type: "{e["type"]}" }}>;'
        for n, e in enumerate((shared("https://acme.example"), opened()))
    ]
    assert checked("\n".join(['import type { SlackEvent } from "@slack/types";', *lines, ""])) == ""


def test_a_work_object_that_slack_does_not_know_is_found(checked):
    text = (
        'import type { EntityMetadata } from "@slack/types";\n'
        'export const e = { entity_type: "slack#/entities/incident", url: "x", external_ref: { id: "x" },\n'
        '  entity_payload: { attributes: { title: "no object" } } } satisfies EntityMetadata;\n'
    )
    assert "is not assignable to type '{ text: string;" in checked(text)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ('{ type: "header", text: { type: "mrkdwn", text: "x" } }', "mrkdwn"),
        ('{ type: "section", text: { type: "mrkdwn", text: "x" }, colour: "red" }', "colour"),
        ('{ type: "banner", text: { type: "plain_text", text: "x" } }', "banner"),
    ],
)
def test_what_slack_would_refuse_is_found(checked, wrong, said):
    text = (
        f'import type {{ KnownBlock }} from "@slack/types";\nexport const blocks = [{wrong}] satisfies KnownBlock[];\n'
    )
    assert said in checked(text)


def test_the_manifest_is_what_slacks_types_say(checked):
    whole = manifest.with_declare_scopes(manifest.with_history_scopes(manifest.read_manifest()))
    whole = manifest.with_cards(whole, ["status.acme.example"])
    shapes = (manifest.read_manifest(), whole, manifest.for_http_mode(whole, "https://brownout.example.com"))
    read = [yaml.safe_load(text) for text in shapes]
    for told in read:
        told["features"].pop("rich_previews", None)  # in Slack's JSON Schema of manifests, and not in its types
    assert [checked(_manifest(told)) for told in read] == ["", "", ""]


def test_the_manifest_with_steps_is_what_slacks_types_say(checked):
    assert checked(_manifest(_second_form(yaml.safe_load(with_workflow_steps(manifest.read_manifest()))))) == ""


@pytest.mark.parametrize("missing", ["title", "description", "output_parameters"])
def test_a_step_that_slack_would_refuse_is_found(checked, missing):
    told = _second_form(yaml.safe_load(with_workflow_steps(manifest.read_manifest())))
    del told["functions"]["get_status_and_advice"][missing]
    assert missing in checked(_manifest(told))


def _second_form(told):
    """A manifest of major version 1 in the form of version 2, whose functions alone the published types describe.

    These types know neither ``dynamic_options`` nor the event ``function_executed``, which Slack's manual has.
    """
    told["settings"]["event_subscriptions"]["bot_events"].remove("function_executed")
    told["_metadata"]["major_version"] = 2
    for function in told["functions"].values():
        for direction in ("input_parameters", "output_parameters"):
            function[direction] = _second_parameters(function[direction])
    return told


def _second_parameters(parameters):
    kept = ("type", "title", "description")
    return {
        "properties": {name: {key: p[key] for key in kept} for name, p in parameters.items()},
        "required": [name for name, p in parameters.items() if p["is_required"]],
    }


def test_the_event_that_starts_a_step_is_what_slacks_types_say(checked):
    event = step_event("get_status_and_advice", {"service": "acme-api"})["event"]
    source = 'import type { FunctionExecutedEvent } from "@slack/types";'
    assert checked(f"{source}\nexport const event = {json.dumps(event)} satisfies FunctionExecutedEvent;\n") == ""


@pytest.mark.parametrize(("key", "value"), [("bot", "chat:shout"), ("bot_optional", "channels:listen")])
def test_a_scope_that_does_not_exist_is_found(checked, key, value):
    wrong = yaml.safe_load(manifest.read_manifest())
    wrong["oauth_config"]["scopes"][key] = [value]
    assert value in checked(_manifest(wrong))


def _manifest(told):
    kind = 'AppsManifestValidateArguments["manifest"]'
    source = 'import type { AppsManifestValidateArguments } from "@slack/web-api";'
    return f"{source}\nexport const manifest = {json.dumps(told)} satisfies {kind};\n"
