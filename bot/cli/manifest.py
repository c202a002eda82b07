"""``brownout manifest``: prints the Slack app's manifest: for Socket Mode, or with ``--http`` for HTTP mode.

``--history`` adds the scopes with which the bot can look up whether a message was posted when the answer to the request
was lost. These scopes could read messages, so the manifest does not have them by default, and marks them as optional.
``--workflow-steps`` adds steps for Workflow Builder, which only paid workspaces have.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import click

from bot.cli.manifest_steps import with_workflow_steps
from bot.errors import UsageError

REPOSITORY_ROOT = Path(__file__).parents[1]
PATH = "/slack/events"
HISTORY_SCOPES = ("channels:history", "groups:history")


def read_manifest() -> str:
    """Returns the text of manifest.yml: from the package where it is installed, else from the root of the checkout."""
    packaged = REPOSITORY_ROOT / "manifest.yml"
    return (packaged if packaged.is_file() else REPOSITORY_ROOT.parent / "manifest.yml").read_text(encoding="utf-8")


def for_http_mode(manifest: str, url: str) -> str:
    """Returns the manifest for HTTP mode. ``url`` is the public https address of the bot's HTTP server.

    Raises UsageError where it is no https address.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or not re.fullmatch(r"\S+", url):
        raise UsageError("Slack needs an https address. Example: https://brownout.example.com")
    request_url = url.rstrip("/").removesuffix(PATH) + PATH
    manifest = re.sub(r"(socket_mode_enabled:) true.*", r"\1 false", manifest)
    manifest = re.sub(r"( +)- command: .*\n", rf"\g<0>\1  url: {request_url}\n", manifest)
    manifest = re.sub(
        r"( +)interactivity:.*\n", rf"\g<0>\1  message_menu_options_url: {request_url}\n", manifest
    )  # menus with search
    return re.sub(
        r"( +)(?:interactivity|event_subscriptions):.*\n", rf"\g<0>\1  request_url: {request_url}\n", manifest
    )


def with_history_scopes(manifest: str) -> str:
    """Returns the manifest with the history scopes; Slack requires an optional scope in both lists."""
    purpose = "looks up whether a message was posted, after a crash or a lost answer"
    scope_lines = "".join(f"      - {scope} # {purpose}\n" for scope in HISTORY_SCOPES)
    optional = f"    bot_optional: # optional when the app is installed\n{scope_lines}"
    manifest = re.sub(r"(?m)^ {4}bot:.*\n", rf"    bot:\n{scope_lines}", manifest)
    return re.sub(r"(?m)^settings:", rf"{optional}\g<0>", manifest)


@click.command()
@click.option(
    "--history",
    is_flag=True,
    help="With the optional scopes that keep posts from coming twice; see `brownout docs slack`.",
)
@click.option(
    "--workflow-steps",
    "has_steps",
    is_flag=True,
    help="With steps for Workflow Builder (paid plans); see `brownout docs slack`.",
)
@click.option("--http", "url", metavar="URL", help="For HTTP mode: the public https address in front of the bot.")
def manifest(url: str | None, *, history: bool, has_steps: bool) -> None:
    """Prints the Slack app manifest. Paste it where Slack asks for one."""
    text = with_history_scopes(read_manifest()) if history else read_manifest()
    text = with_workflow_steps(text) if has_steps else text
    click.echo(for_http_mode(text, url) if url else text, nl=False)


COMMANDS = {"manifest": manifest}
