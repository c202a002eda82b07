"""Adds a provider by the address of its status page, for ``brownout add`` and ``/brownout watch URL``.

``discover_page`` finds out what the address serves, ``propose_file`` renders the text of a provider file, and
``save_provider`` writes it. In Slack what is written is what was shown: the button carries a digest of the file, and a
page that has changed by then is proposed once more. The address is fetched strictly (bot.adapters.page_fetcher), now
and at every later poll (``public`` in the file).
"""

from __future__ import annotations

import asyncio
import logging
import re
import tomllib
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from bot import settings
from bot.adapters.discovery import DiscoveredPage, discover, read_web_page
from bot.adapters.page_fetcher import PageFetcher
from bot.app import provider_draft, provider_switch
from bot.domain import ChatUser, Provider, Source
from bot.errors import ConfigError, SourceError, UsageError
from bot.formats import detection, incidentio_native, page_clues
from bot.queries.runtime import ProviderOptions, ProviderProposal

log = logging.getLogger("brownout")

LOOKUP_TIMEOUT_S = 60.0  # for all guesses at one address together

FetcherFactory = Callable[[], AbstractAsyncContextManager[PageFetcher]]
_GENERIC_LABELS = {  # parts of a host name that are not the vendor's name
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


@dataclass(slots=True)
class ProviderOnboarding:
    """Adds providers while the bot runs.

    Attributes:
        folder: The configuration folder.
        web: Opens a strict fetcher.
        take_on: Starts polling a provider.
        now: The clock.
        patience_s: Seconds until a lookup is given up.
    """

    folder: Path
    web: FetcherFactory
    take_on: Callable[[Provider], Awaitable[None]]
    now: Callable[[], datetime]
    patience_s: float = LOOKUP_TIMEOUT_S
    _is_busy: bool = False

    async def propose(self, wish: ProviderOptions) -> ProviderProposal:
        """Proposes a provider file for an address. UsageError if it has no readable page, or another lookup runs."""
        if self._is_busy:
            raise UsageError("Another address is being checked. Try again in a minute.")
        self._is_busy = True
        try:
            disabled = await asyncio.to_thread(provider_switch.find_disabled_provider, wish.url, self.folder)
            async with asyncio.timeout(self.patience_s):
                page, _ = await discover_page(wish, self.web, self.now(), disabled)
        except TimeoutError:
            raise UsageError(f"Can't check {wish.url}: it answers too slowly. Try again later.") from None
        finally:
            self._is_busy = False
        enabling = await asyncio.to_thread(provider_switch.propose_enabling, page, self.folder)
        text, file = (
            enabling if enabling is not None else await asyncio.to_thread(propose_file, wish, page, self.folder)
        )
        return ProviderProposal(wish, page, text, file, is_known=enabling is not None)

    async def accept(self, proposal: ProviderProposal, by: ChatUser) -> Provider:
        """Writes the file and starts polling its provider. UsageError if the file can't be written or loaded."""
        await asyncio.to_thread(save_provider, proposal.file, proposal.text, self.folder)
        reloaded = await asyncio.to_thread(settings.load, self.folder)
        provider = next(p for p in reloaded.providers if p.id == proposal.file.stem)
        await self.take_on(provider)
        log.info(
            "%s (%s) %s the provider %s: %s as %s, in %s",
            *(
                by.name,
                by.id,
                "switched on" if proposal.is_known else "added",
                provider.id,
                provider.source.url,
                provider.source.kind,
                proposal.file,
            ),
        )
        return provider


async def discover_page(
    wish: ProviderOptions, web: FetcherFactory, now: datetime, listed: Provider | None = None
) -> tuple[DiscoveredPage, tuple[str, ...]]:
    """Finds the status page of an address.

    Args:
        wish: What was typed.
        web: Opens a strict fetcher.
        now: The current time.
        listed: A provider of the catalogue whose page it is; only that page is tried then.

    Returns:
        The page, and a line for each format that it turned out not to be.

    Raises:
        UsageError: No page could be read.
    """
    url = listed.source.url if listed else detection.normalize_address(wish.url)
    options = Source("", "", "", url, page=wish.page, regions=wish.regions, products=wish.products)
    if not listed and (question := detection.missing_options(url, options)):
        raise UsageError(f"{question}.")
    async with web() as fetcher:
        if not listed:
            return await discover_at(options, fetcher, now)
        guess = detection.FormatGuess(listed.source.kind, listed.source)
        return await _first_page(url, fetcher, (guess,), now, None)


async def discover_at(options: Source, fetcher: PageFetcher, now: datetime) -> tuple[DiscoveredPage, tuple[str, ...]]:
    """Finds the status page at the address of ``options``; returns and raises as ``discover_page`` does."""
    try:
        html = await read_web_page(fetcher, options.url)
    except SourceError as error:
        raise UsageError(f"{options.url}: {error}.") from error
    return await _first_page(options.url, fetcher, detection.guess_sources(options.url, options, html), now, html)


async def _first_page(
    url: str,
    fetcher: PageFetcher,
    guesses: Iterable[detection.FormatGuess],
    now: datetime,
    html: detection.HtmlPage | None,
) -> tuple[DiscoveredPage, tuple[str, ...]]:
    try:
        page, attempts = await discover(fetcher, guesses, now)
    except SourceError as error:
        raise UsageError(f"{url}: {error}.") from error
    if page is not None:
        return page, attempts
    if html and any(incidentio_native.PARENT_TEXT in line for line in attempts):
        below = ", ".join(page_clues.sub_pages(html.url, html.html))
        raise UsageError(
            f"{url}: {incidentio_native.PARENT_TEXT}. Add one of its sub-pages: {below or 'see its links'}."
        )
    tried = "\n".join(f"  {line}" for line in attempts)
    raise UsageError(f"{url}: no status page in a known format. Tried:\n{tried}")


def propose_file(wish: ProviderOptions, page: DiscoveredPage, folder: Path) -> tuple[str, Path]:
    """The text and path of the provider file for a page. UsageError if the id is invalid, or id or page is taken."""
    name = wish.name or _page_name(page)
    ident = wish.ident or provider_draft.slug(name)
    if not ident or provider_draft.slug(ident) != ident:
        raise UsageError("An id has lowercase letters, digits and hyphens. Choose one (--id, in Slack `id:`).")
    catalogue = settings.load(settings.existing_folder(folder)).providers
    same = next((p for p in catalogue if p.source.is_same_page(page.source)), None)
    if same is not None:
        raise UsageError(f"{page.source.url} is already watched as {same.id}.")
    file = folder / "providers" / f"{ident}.toml"
    if file.exists() or any(p.id == ident for p in catalogue):
        raise UsageError(f"Provider {ident} already exists. Choose another id (--id, in Slack `id:`).")
    return provider_draft.render_provider_file(ident, name, page.source, page.snapshot), file


def save_provider(file: Path, text: str, folder: Path) -> None:
    """Writes a new provider file, or replaces that of a provider that is being enabled."""
    (provider_switch.replace_provider_file if file.exists() else write_provider_file)(file, text, folder)


def write_provider_file(file: Path, text: str, folder: Path) -> None:
    """Writes a new file; deletes it again if the catalogue can't be loaded with it. UsageError if either happens."""
    try:
        _prepare_folder(folder)
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise UsageError(f"{file} already exists; nothing was written.") from None
    except OSError as error:
        raise UsageError(f"Can't write {file} ({error.strerror}). Use another folder: --config FOLDER.") from None
    try:
        settings.load(folder)
    except ConfigError as error:
        file.unlink()
        raise UsageError(f"The file was removed: the configuration can't be loaded with it:\n{error}") from None


def _prepare_folder(folder: Path) -> None:
    """Makes the folder if need be. A first provider file in it must not switch the shipped catalog off."""
    providers, main_file = folder / "providers", folder / "brownout.toml"
    providers.mkdir(parents=True, exist_ok=True)
    is_first = not any(providers.glob("*.toml"))
    text = main_file.read_text(encoding="utf-8") if main_file.exists() else ""
    if is_first and "shipped" not in tomllib.loads(text).get("catalog", {}):
        main_file.write_text(_with_shipped_catalog(text), encoding="utf-8")


def _with_shipped_catalog(text: str) -> str:
    """The text of brownout.toml with ``[catalog] shipped = true``, and all else as it is."""
    line = "shipped = true             # the providers that ship with Brownout, below the files of this folder"
    with_table = re.sub(r"^\[catalog\][^\n]*$", lambda found: f"{found[0]}\n{line}", text, count=1, flags=re.MULTILINE)
    return with_table if with_table != text else f"{text.rstrip()}\n\n[catalog]\n{line}\n".lstrip()


def _page_name(page: DiscoveredPage) -> str:
    """The page's name without "Status"; if that is empty, a name made from the page's host."""
    name = page.snapshot.page_name.replace("Status Page", "").replace("Status", "").strip(" -|:")
    host = urlsplit(page.source.home or page.source.url).hostname or ""
    labels = [label for label in host.split(".") if label not in _GENERIC_LABELS]
    return name if provider_draft.slug(name) else (labels or [host])[-1].capitalize()
