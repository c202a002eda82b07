"""Finds the status page and its format behind an address, by trying the known feed addresses one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit

from bot.domain import Snapshot, Source
from bot.errors import ParseError, SourceError
from bot.formats import FORMATS, detection, incidentio_native, json_fields, page_clues
from bot.formats.base import Bodies

HTML = "text/html,application/xhtml+xml"
_UNREACHABLE_CODES = {"refused", "dns", "connect", "tls", "timeout", "reset", "closed", "private_address", "bad_url"}


class DiscoveryResponse(Protocol):
    """An HTTP response."""

    @property
    def url(self) -> str: ...  # noqa: D102
    @property
    def body(self) -> bytes: ...  # noqa: D102


class DiscoveryClient(Protocol):
    """Fetches pages; every failure is a SourceError."""

    async def get(self, source_url: str, path: str, *, accept: str) -> DiscoveryResponse: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class DiscoveredPage:
    """A page that was found and parsed. ``url`` is the address of its first body, after redirects."""

    source: Source
    snapshot: Snapshot
    url: str


async def read_web_page(client: DiscoveryClient, url: str) -> detection.HtmlPage | None:
    """The web page at an address that somebody typed; None where there is none. One request, rarely two.

    Raises SourceError where the host can't be reached.

    Uptime Kuma's page does not always say which page it shows; its server does, and that is added to the HTML.
    """
    try:
        page = await client.get(url, "", accept=HTML)
        html = page.body.decode("utf-8", "replace")
        if not page_clues.may_be_kuma(html) or page_clues.kuma_slug(html):
            return detection.HtmlPage(page.url, html)
        parts = urlsplit(page.url)
        entry = await client.get(f"{parts.scheme}://{parts.netloc}", page_clues.ENTRY_PAGE, accept="application/json")
        slug = _kuma_slug(entry.body)
    except SourceError as error:
        if error.code in _UNREACHABLE_CODES:
            raise
        return None
    return detection.HtmlPage(page.url, f"preloadData {{'slug':'{slug}'}} {html}" if slug else html)


def _kuma_slug(body: bytes) -> str:
    """The slug in Uptime Kuma's entry page: of the domain, or of the page that it shows first."""
    try:
        entry = json_fields.load_object(body)
    except ParseError:
        return ""
    start = json_fields.to_text(entry.get("entryPage"))
    shown = start.removeprefix("statusPage-") if start.startswith("statusPage-") else ""
    return json_fields.to_text(entry.get("statusPageSlug")) or shown


async def discover(
    client: DiscoveryClient, guesses: Iterable[detection.FormatGuess], at: datetime
) -> tuple[DiscoveredPage | None, tuple[str, ...]]:
    """Tries the guesses in order: the first page that can be read, and why each earlier guess failed.

    The page is None where no guess works. A host that can't be reached is not tried again. Raises SourceError where
    no host can be reached.
    """
    failures: list[str] = []
    unreachable: dict[str, SourceError] = {}
    for guess in guesses:
        source = guess.source
        if source.url in unreachable:
            continue
        try:
            return await _try_guess(client, source, at), tuple(failures)
        except SourceError as error:
            if error.code in _UNREACHABLE_CODES:
                unreachable[source.url] = error
            failures.append(f"{FORMATS[source.kind].name}: {error}")
        except ParseError as error:
            failures.append(f"{FORMATS[source.kind].name}: {error}")
            if incidentio_native.PARENT_TEXT in str(error):
                break  # its feed has what its sub-pages say, without saying which
    if unreachable and len(failures) == len(unreachable):
        raise next(iter(unreachable.values()))
    return None, tuple(failures)


async def _try_guess(client: DiscoveryClient, source: Source, at: datetime) -> DiscoveredPage:
    source_format = FORMATS[source.kind]
    first, *rest = source_format.paths_of(source)
    page = await client.get(source.url, first, accept=source_format.accept)
    if source.kind not in detection.detect_formats(page.body) and not _is_empty_list(page.body, source):
        raise ParseError("it does not look like it")
    others: Bodies = ()
    for number, path in enumerate(rest, 1):
        try:
            others += ((await client.get(source.url, path, accept=source_format.accept)).body,)
        except SourceError:
            if number <= len(rest) - source_format.optional_paths:
                raise
            break
    return DiscoveredPage(source, source_format.parse((page.body, *others), source, at), page.url)


def _is_empty_list(body: bytes, source: Source) -> bool:
    """True for an empty list: AWS and Google serve one while there are no incidents, and no detector recognises it."""
    return source.kind in ("aws", "google") and body.strip(b"\xff\xfe\xef\xbb\xbf\x00 \r\n") in (b"[]", b"[\x00]")


async def describe_current_format(client: DiscoveryClient, source: Source, at: datetime) -> str:
    """Describes in one sentence which other format an address serves now; empty where it serves none."""
    try:
        html = await read_web_page(client, source.home or source.url)
        guesses = detection.guess_sources(source.url, source, html)
        page, _ = await discover(client, [g for g in guesses if g.kind != source.kind], at)
    except SourceError:
        return ""
    if page is None:
        return ""
    name = FORMATS[page.source.kind].name
    return f'{page.url} serves {name} (kind = "{page.source.kind}")'
