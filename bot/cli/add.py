"""``brownout add URL``: detects what a status page serves, shows it, and writes a provider file for it.

No file is overwritten, except to switch on a provider of the catalog. A file with which the config cannot be loaded is
removed again.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from urllib.parse import urlsplit

import click

from bot import settings
from bot.adapters.discovery import DiscoveredPage
from bot.adapters.page_fetcher import PageFetcher
from bot.app import onboarding, provider_draft, provider_switch
from bot.cli.options import config_option, utc_now
from bot.formats import FORMATS
from bot.messages import formatting
from bot.queries.runtime import ProviderOptions


@click.command()
@click.argument("url")
@config_option
@click.option("--id", "ident", default="", help="The provider's id; made from its name where it is not given.")
@click.option("--name", default="", help="The provider's name; the page's own where it is not given.")
@click.option(
    "--page", default="", help="The page's id, slug, subdomain or instance, where its address does not say it."
)
@click.option("--region", "regions", multiple=True, help="A region to watch (AWS); may be given several times.")
@click.option("--product", "products", multiple=True, help="A product to watch (Google); may be given several times.")
@click.option("--yes", is_flag=True, help="Write without asking.")
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
def add(  # noqa: PLR0913, PLR0917  (one parameter per option)
    url: str,
    config: Path | None,
    ident: str,
    name: str,
    page: str,
    regions: tuple[str, ...],
    products: tuple[str, ...],
    *,
    yes: bool,
    dry_run: bool,
) -> None:
    """Adds a status page: finds its format, shows what it serves, writes a provider file. Overwrites nothing.

    URL may be the id of a provider that is available but not watched: it is enabled if its page can be read.
    """
    options = ProviderOptions(url, ident, name, page, regions, products)
    folder = settings.user_folder(config, os.environ)
    disabled_provider = provider_switch.find_disabled_provider(url, folder)
    discovered, rejected = asyncio.run(
        onboarding.discover_page(options, lambda: PageFetcher(strict=True), utc_now(), disabled_provider)
    )
    text, file = provider_switch.propose_enabling(discovered, folder) or onboarding.propose_file(
        options, discovered, folder
    )
    click.echo(format_discovery(discovered, rejected))
    click.echo(f"\n{file}:\n\n{text}")
    if dry_run:
        click.echo("Nothing was written (--dry-run).")
        return
    if not (yes or click.confirm("Write this file?")):
        raise click.Abort
    onboarding.save_provider(file, text, folder)
    click.echo("Written. A running bot reads it when it is started again; `brownout check` is content with it.")


def format_discovery(discovered: DiscoveredPage, rejected: tuple[str, ...]) -> str:
    """Describes a discovered page. ``rejected``: why it was not read in the formats that were tried before."""
    snapshot, source = discovered.snapshot, discovered.source
    lines = [
        f'{discovered.url} serves {FORMATS[source.kind].name} (kind = "{source.kind}").',
        *provider_draft.caveats(source),
    ]
    if urlsplit(discovered.url).netloc != urlsplit(source.url).netloc:
        lines.append(f"It was asked for at {source.url}, which redirects there.")
    lines += [f"Not so: {line}" for line in rejected]
    components = snapshot.components or ()
    lines.append(f"{len(components)} components{':' if components else ''}")
    lines += [
        f"  {formatting.CONDITION_SYMBOLS[c.condition]} {c.name}: {formatting.CONDITION_WORDS[c.condition]}"
        for c in components[:30]
    ]
    lines += [f"  and {len(components) - 30} more"] if len(components) > 30 else []  # noqa: PLR2004
    open_incidents = [i for i in snapshot.incidents or () if not i.stage.is_closed]
    lines.append(f"{len(open_incidents)} open incidents{':' if open_incidents else ''}")
    lines += [f"  {i.name}" for i in open_incidents[:10]]
    return "\n".join(lines)


COMMANDS = {"add": add}
