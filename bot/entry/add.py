"""``brownout add URL``: finds out what a page serves, shows it, and writes a provider file for it.

Nothing is overwritten, and nothing is kept that the catalogue can't be loaded with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from urllib.parse import urlsplit

import click

from bot import settings
from bot.edge.discover import Found, discover
from bot.edge.fetch import Fetcher
from bot.entry import draft, switch
from bot.entry.draft import Wish
from bot.entry.options import config_option, now
from bot.errors import ConfigError, SourceError, UsageError
from bot.model import Provider, Source
from bot.sources import KINDS, sniff
from bot.voice import words

Web = Callable[[], AbstractAsyncContextManager[Fetcher]]
_COMMON = {
    "status",
    "www",
    "health",
    "api",
    "status-page",
    "statuspage",
    "incident",
    "com",
    "io",
    "net",
    "org",
    "dev",
    "ai",
}


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
def add(  # noqa: PLR0913, PLR0917  (click's)
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
    """Finds out what the page at URL serves, shows it, and writes a provider file for it. Overwrites nothing.

    Instead of a URL, the name of a provider of the catalogue that is switched off: if its page is as it says there, it
    is switched on.
    """
    wish = Wish(url, ident, name, page, regions, products)
    folder = config or settings.config_dir()
    found, told = asyncio.run(look(wish, lambda: Fetcher(strict=True), switch.named(url, folder)))
    text, file = switch.proposal(found, folder) or proposal(wish, found, folder)
    click.echo(shown(found, told))
    click.echo(f"\n{file}:\n\n{text}")
    if dry_run:
        click.echo("Nothing was written (--dry-run).")
        return
    if not (yes or click.confirm("Write this file?")):
        raise click.Abort
    put(file, text, folder)
    click.echo("Written. A running bot reads it when it is started again; `brownout check` is content with it.")


async def look(wish: Wish, web: Web, known: Provider | None = None) -> tuple[Found, tuple[str, ...]]:
    """The page, and what it was not; UsageError where there is none that can be read. ``known`` says where it is."""
    url = known.source.url if known else sniff.address(wish.url)
    options = Source("", "", "", url, page=wish.page, regions=wish.regions, products=wish.products)
    guesses = (sniff.Guess(known.source.kind, known.source),) if known else sniff.guesses(url, options)
    async with web() as fetcher:
        try:
            found, told = await discover(fetcher, guesses, now())
        except SourceError as error:
            raise UsageError(f"{url}: {error}.") from error
    if found is None:
        tried = "\n".join(f"  {line}" for line in told)
        raise UsageError(f"{url}: no page in a form that this bot reads. It was asked for\n{tried}")
    return found, told


def proposal(wish: Wish, found: Found, folder: Path) -> tuple[str, Path]:
    """The text of the provider file, and where it would stand. UsageError where the id or the page is taken."""
    name = wish.name or _name(found)
    ident = wish.ident or draft.slug(name)
    if not ident or draft.slug(ident) != ident:
        raise UsageError(
            "The id must be made of small letters, figures and hyphens; choose one (--id, in Slack `id:`)."
        )
    catalogue = settings.load(folder).providers
    same = next((p for p in catalogue if (p.source.url, p.source.path) == (found.source.url, found.source.path)), None)
    if same is not None and same.source.kind == found.source.kind:
        raise UsageError(f"{found.source.url} is watched already: it is {same.id}.")
    file = folder / "providers" / f"{ident}.toml"
    if file.exists() or any(p.id == ident for p in catalogue):
        raise UsageError(f"There is a provider {ident} already; choose another id (--id, in Slack `id:`).")
    return draft.provider_file(ident, name, found.source, found.snapshot), file


def put(file: Path, text: str, folder: Path) -> None:
    """Keeps a new file, or one of the catalogue that is switched on."""
    (switch.keep if file.exists() else keep)(file, text, folder)


def keep(file: Path, text: str, folder: Path) -> None:
    """Writes the file, unless there is one; takes it back where the catalogue can't be loaded with it."""
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise UsageError(f"There is a file {file} already; nothing was written.") from None
    except OSError as error:
        raise UsageError(f"{file} can't be written ({error.strerror}); name another folder with --config.") from None
    try:
        settings.load(folder)
    except ConfigError as error:
        file.unlink()
        raise UsageError(f"The file was taken back, since the catalogue can't be loaded with it:\n{error}") from None


def shown(found: Found, told: tuple[str, ...]) -> str:
    """What was found, for people."""
    snapshot, source = found.snapshot, found.source
    lines = [f'{found.url} serves {KINDS[source.kind].name} (kind = "{source.kind}").', *draft.caveats(source)]
    if urlsplit(found.url).netloc != urlsplit(source.url).netloc:
        lines.append(f"It was asked for at {source.url}, which redirects there.")
    lines += [f"Not so: {line}" for line in told]
    components = snapshot.components or ()
    lines.append(f"{len(components)} components{':' if components else ''}")
    lines += [f"  {words.SIGNS[c.condition]} {c.name}: {words.CONDITIONS[c.condition]}" for c in components[:30]]
    lines += [f"  and {len(components) - 30} more"] if len(components) > 30 else []  # noqa: PLR2004
    going_on = [i for i in snapshot.incidents or () if not i.stage.is_closed]
    lines.append(f"{len(going_on)} open incidents{':' if going_on else ''}")
    lines += [f"  {i.name}" for i in going_on[:10]]
    return "\n".join(lines)


def _name(found: Found) -> str:
    """The page's name without "Status"; of its host where it has none."""
    told = found.snapshot.page_name.replace("Status Page", "").replace("Status", "").strip(" -|:")
    host = urlsplit(found.source.home or found.source.url).hostname or ""
    labels = [label for label in host.split(".") if label not in _COMMON]
    return told if draft.slug(told) else (labels or [host])[-1].capitalize()


COMMANDS = {"add": add}
