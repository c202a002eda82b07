"""``brownout manifest``: the Slack app's manifest, as it ships for Socket Mode, or with addresses for HTTP mode."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import click

from bot.errors import UsageError

HERE = Path(__file__).parents[1]
PATH = "/slack/events"


def shipped() -> str:
    """manifest.yml: inside the package when installed, at the root of a checkout."""
    inside = HERE / "manifest.yml"
    return (inside if inside.is_file() else HERE.parent / "manifest.yml").read_text(encoding="utf-8")


def by_http(manifest: str, url: str) -> str:
    """The manifest for HTTP mode, where ``url`` is the public https address of the bot's web door.

    UsageError where it is none.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or not re.fullmatch(r"\S+", url):
        raise UsageError("Slack wants an https address, like https://brownout.example.com")
    where = url.rstrip("/").removesuffix(PATH) + PATH
    manifest = re.sub(r"(socket_mode_enabled:) true.*", r"\1 false", manifest)
    manifest = re.sub(r"( +)- command: .*\n", rf"\g<0>\1  url: {where}\n", manifest)
    manifest = re.sub(r"( +)interactivity:.*\n", rf"\g<0>\1  message_menu_options_url: {where}\n", manifest)  # pickers
    return re.sub(r"( +)(?:interactivity|event_subscriptions):.*\n", rf"\g<0>\1  request_url: {where}\n", manifest)


@click.command()
@click.option("--http", "url", metavar="URL", help="For HTTP mode: the public https address in front of the bot.")
def manifest(url: str | None) -> None:
    """Prints the Slack app's manifest, to paste where Slack asks for one."""
    text = shipped()
    click.echo(by_http(text, url) if url else text, nl=False)


COMMANDS = {"manifest": manifest}
