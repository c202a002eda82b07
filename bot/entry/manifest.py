"""``brownout manifest``: the Slack app's manifest, as it ships for Socket Mode, or changed for those who want it so.

With addresses it is for HTTP mode. With histories the bot may look whether a post of unknown fate has arrived: those
scopes could read messages, so that they are not in what ships, and are marked as optional for who installs the app.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import click

from bot.errors import UsageError

HERE = Path(__file__).parents[1]
PATH = "/slack/events"
HISTORIES = ("channels:history", "groups:history")


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


def with_histories(manifest: str) -> str:
    """The manifest with the scopes of the look-up; Slack wants an optional scope in both lists."""
    why = "did my post arrive? asked after a crash or a lost answer"
    scopes = "".join(f"      - {scope} # {why}\n" for scope in HISTORIES)
    optional = f"    bot_optional: # who installs it may leave them out\n{scopes}"
    manifest = re.sub(r"(?m)^ {4}bot:.*\n", rf"    bot:\n{scopes}", manifest)
    return re.sub(r"(?m)^settings:", rf"{optional}\g<0>", manifest)


@click.command()
@click.option("--history", is_flag=True, help="With the optional scopes that keep posts from coming twice (README).")
@click.option("--http", "url", metavar="URL", help="For HTTP mode: the public https address in front of the bot.")
def manifest(url: str | None, *, history: bool) -> None:
    """Prints the Slack app's manifest, to paste where Slack asks for one."""
    text = with_histories(shipped()) if history else shipped()
    click.echo(by_http(text, url) if url else text, nl=False)


COMMANDS = {"manifest": manifest}
