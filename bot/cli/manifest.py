"""``brownout manifest``: prints the Slack app's manifest: for Socket Mode, or with ``--http`` for HTTP mode.

``--history`` adds the scopes with which the bot can look up whether a message was posted when the answer to the request
was lost. These scopes could read messages, so the manifest does not have them by default, and marks them as optional.
``--declare`` adds what incidents that a team declares can use: channels, pins, and messages kept by an emoji.
``--workflow-steps`` adds steps for Workflow Builder, which only paid workspaces have.
``--cards`` adds what cards of pasted links need: two optional scopes, two events, Work Objects of the type *incident*,
and the domains whose links Slack tells the app of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import click

from bot import settings
from bot.cli.manifest_steps import with_workflow_steps
from bot.cli.options import config_option
from bot.domain import Provider
from bot.errors import UsageError
from bot.messages.link_cards import ENTITY_TYPE
from bot.queries import links

REPOSITORY_ROOT = Path(__file__).parents[1]
PATH = "/slack/events"
HISTORY_SCOPES = ("channels:history", "groups:history")
_HISTORY_USE = "looks up whether a message was posted, after a crash or a lost answer"
CARD_SCOPES = ("links:read", "links:write")
_CARD_USE = "cards below links of the unfurl domains"
CARD_EVENTS = {
    "link_shared": "a link of an unfurl domain was pasted; needs links:read",
    "entity_details_requested": "a person opened a card's pane; needs no scope",
}
DECLARE_SCOPES = {
    "channels:manage": "a public channel for an incident that a team declares",
    "groups:write": "a private channel for it",
    "pins:write": "pins the vendor's timeline",
    "reactions:read": "sees the emoji that keeps a message in its timeline",
    "users:read": "the names of the people who wrote such messages",
}
DECLARE_EVENTS = {
    "reaction_added": "a message was marked with an emoji; needs reactions:read",
    "reaction_removed": "likewise",
}
MAX_DOMAINS = 5  # Slack takes no more (https://docs.slack.dev/reference/app-manifest)


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
    return _with_optional_scopes(manifest, HISTORY_SCOPES, _HISTORY_USE)


def with_cards(manifest: str, domains: Sequence[str]) -> str:
    """Returns the manifest with what cards of links need, for links of these domains. UsageError for too many."""
    if not 1 <= len(domains) <= MAX_DOMAINS:
        raise UsageError(f"Slack takes 1 to {MAX_DOMAINS} domains. Choose them: --domain status.claude.com")
    listed = "".join(f"    - {domain}\n" for domain in domains)
    features = (
        f"  unfurl_domains: # at most {MAX_DOMAINS}; links of other domains get no card\n{listed}"
        "  rich_previews: # Work Objects\n    is_active: true\n    entity_types:\n"
        f'      - "{ENTITY_TYPE}"\n'
    )
    events = "".join(f"      - {name} # {use}\n" for name, use in CARD_EVENTS.items())
    manifest = re.sub(r"(?m)^oauth_config:", rf"{features}\g<0>", manifest)
    manifest = re.sub(r"(?m)^ {4}bot_events:.*\n", rf"\g<0>{events}", manifest)
    return _with_optional_scopes(manifest, CARD_SCOPES, _CARD_USE)


def with_declare_scopes(manifest: str) -> str:
    """Returns the manifest with what declared incidents can use: channels, pins, and messages kept by an emoji.

    To read a marked message, a history scope is needed too (``with_history_scopes``).
    """
    for scope, use in DECLARE_SCOPES.items():
        manifest = _with_optional_scopes(manifest, (scope,), use)
    events = "".join(f"      - {name} # {use}\n" for name, use in DECLARE_EVENTS.items())
    return re.sub(r"(?m)^ {4}bot_events:.*\n", rf"\g<0>{events}", manifest)


def _with_optional_scopes(manifest: str, scopes: Sequence[str], use: str) -> str:
    scope_lines = "".join(f"      - {scope} # {use}\n" for scope in scopes)
    manifest = re.sub(r"(?m)^ {4}bot:.*\n", rf"    bot:\n{scope_lines}", manifest)
    if "    bot_optional:" in manifest:
        return re.sub(r"(?m)^ {4}bot_optional:.*\n", rf"\g<0>{scope_lines}", manifest)
    optional = f"    bot_optional: # optional when the app is installed\n{scope_lines}"
    return re.sub(r"(?m)^settings:", rf"{optional}\g<0>", manifest)


def card_domains(providers: Iterable[Provider], board_url: str) -> list[str]:
    """The domains whose links can get cards: the board's, then the status pages' of these providers, each once.

    A page below a path of a domain that has much else is left out: Slack would tell the app of every link of it.
    """
    pages = [urlsplit(url) for provider in providers for url in links.page_urls(provider)[:1]]
    hosts = [urlsplit(board_url).hostname, *(page.hostname for page in pages if not page.path.strip("/"))]
    return list(dict.fromkeys(host for host in hosts if host and "." in host))


def _chosen_domains(config: Path | None, chosen: Sequence[str]) -> list[str]:
    """The domains for the manifest; what does not fit is named on the error output."""
    if chosen:
        return list(dict.fromkeys(domain.casefold() for domain in chosen))
    loaded = settings.load(config)
    domains = card_domains([p for p in loaded.providers if p.enabled], loaded.web.url)
    if left := domains[MAX_DOMAINS:]:
        text = f"Slack takes {MAX_DOMAINS} domains. Left out: {', '.join(left)}. Choose with --domain."
        click.echo(text, err=True)
    return domains[:MAX_DOMAINS]


@click.command()
@config_option
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
@click.option(
    "--declare",
    is_flag=True,
    help="With what incidents that you declare can use, and --history; see `brownout docs declared`.",
)
@click.option("--cards", is_flag=True, help="With what cards of pasted links need; see `brownout docs slack`.")
@click.option(
    "--domain",
    "domains",
    metavar="HOST",
    multiple=True,
    help="A domain whose links get cards; up to five, with --cards.",
)
@click.option("--http", "url", metavar="URL", help="For HTTP mode: the public https address in front of the bot.")
def manifest(
    config: Path | None,
    url: str | None,
    domains: tuple[str, ...],
    *,
    history: bool,
    has_steps: bool,
    declare: bool,
    cards: bool,
) -> None:
    """Prints the Slack app manifest. Paste it where Slack asks for one."""
    text = with_history_scopes(read_manifest()) if history or declare else read_manifest()
    text = with_declare_scopes(text) if declare else text
    text = with_workflow_steps(text) if has_steps else text
    if cards or domains:
        text = with_cards(text, _chosen_domains(config, domains))
    click.echo(for_http_mode(text, url) if url else text, nl=False)


COMMANDS = {"manifest": manifest}
