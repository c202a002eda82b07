"""Detects which format a status page has, from its address and from the bytes that it serves. No I/O.

The caller tries the guesses in their order. ``SourceFormat.fits`` of bot.formats.base says which formats a body looks
like, and the format's own parser decides.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import SplitResult, quote, unquote, urlsplit

from bot.domain import Source
from bot.errors import UsageError
from bot.formats import FORMATS, aws, page_clues

NOT_PUBLIC_TEXT = (
    "This is not the address of a page on the public web: a plain http or https address is needed, no other."
)
FEEDS = ("/history.atom", "/feed.atom", "/feed.rss", "/history.rss", "/feed.xml", "/rss", "/state_feed/feed")
_MAX_ADDRESS = 2000
_SLACK_LINK = re.compile(r"<(https?://[^|>]+)(?:\|[^>]*)?>")
_FEED_PATH = re.compile(r"\.(?:rss|atom|xml)$|/(?:feed|rss|atom)/?$", re.IGNORECASE)
_STATUSIO = re.compile(r"/(?:pages|status)/(?:history/)?([0-9a-f]{24})\b")
_KUMA = re.compile(r"^/status/([\w-]{1,80})/?$")
_STATUSPAL = re.compile(r"^([\w-]+)\.(statuspal\.(?:io|eu))$")
_AWS_HOSTS = {"health.aws.amazon.com", "status.aws.amazon.com", "phd.aws.amazon.com"}
_TRUST_HOSTS = {"status.salesforce.com", "trust.salesforce.com", "api.status.salesforce.com"}
_TRUST_INSTANCE = re.compile(r"^/(?:v1/)?instances/([A-Za-z0-9_-]{1,40})\b")
_TRUST_PRODUCT = re.compile(r"^/products/([A-Za-z0-9_ %-]{1,60})/?$")
_UPTIMEROBOT = re.compile(r"^/(?:api/getMonitorList/)?([A-Za-z0-9]{4,20})/?$")
_API_FILE = re.compile(
    r"/(?:api/v\d.*|api/posts/.*|api/incidents/.*|index\.json|summary\.json|incidents\.json|public/currentevents)$"
)


@dataclass(frozen=True, slots=True)
class FormatGuess:
    """A source that may exist at an address; ``kind`` is the format's key in ``FORMATS``."""

    kind: str
    source: Source


@dataclass(frozen=True, slots=True)
class HtmlPage:
    """The web page at an address that somebody typed. ``url`` is where it was, after redirects."""

    url: str
    html: str


def normalize_address(typed: str) -> str:
    """A typed address in plain form, with ``https`` where it has no scheme; UsageError where it is no public address.

    Slack's link brackets and invisible characters are removed and look-alikes folded (NFKC), so that the address that
    is fetched is the one that is shown (bot/docs/decisions.md#addresses).
    """
    stripped = typed.strip()
    slack_link = _SLACK_LINK.fullmatch(stripped)
    normalized = unicodedata.normalize("NFKC", slack_link[1] if slack_link else stripped)
    text = "".join(c for c in normalized if unicodedata.category(c) not in {"Cf", "Cc", "Zs"})
    text = text if re.match(r"[a-z][a-z0-9+.-]*:", text, re.IGNORECASE) and "://" in text else f"https://{text}"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise UsageError(NOT_PUBLIC_TEXT) from None
    is_plain = parts.scheme in ("http", "https") and parts.hostname and not (parts.username or parts.password)
    if not is_plain or "@" in parts.netloc or "\\" in text or len(text) > _MAX_ADDRESS or port not in (None, 80, 443):
        raise UsageError(NOT_PUBLIC_TEXT)
    return text.partition("#")[0].rstrip("/")


def detect_formats(body: bytes) -> tuple[str, ...]:
    """The keys of the formats that this body looks like, in the order of ``FORMATS``."""
    value = _decode_json(body)
    return tuple(kind for kind, source_format in FORMATS.items() if source_format.fits(value))


def other_formats(kind: str, body: bytes) -> tuple[str, ...]:
    """The formats that a body looks like where it does not look like ``kind``; none where it does, or like nothing.

    Some formats have so much in common that one's reader accepts the other's pages and misses what they say.
    """
    value = _decode_json(body)
    if kind not in FORMATS or FORMATS[kind].fits(value):
        return ()
    return tuple(other for other, source_format in FORMATS.items() if source_format.fits(value))


def guess_sources(url: str, options: Source, page: HtmlPage | None = None) -> tuple[FormatGuess, ...]:
    """What to try at an address, in order; ``options`` carries what a person gave: page, regions, products.

    Where ``page`` is the web page at the address, the systems that it names come first, and the feeds that it names
    stand for those at the usual addresses.
    """
    clues = page_clues.system_sources(page.url, page.html, options) if page else ()
    feeds = tuple(page_clues.feed_sources(page.url, page.html, options)) if page else ()
    sources = (
        *_sources_from_address(urlsplit(url), options),
        *map(_only_known_options, clues),
        *_candidate_sources(url, options, feeds),
    )
    guesses = (FormatGuess(s.kind, replace(s, id=options.id, provider=options.provider)) for s in sources)
    return tuple(dict.fromkeys(guesses))


def missing_options(url: str, options: Source) -> str:
    """What a person has to say beside an address that holds many pages, as a question; empty where it is one."""
    parts = urlsplit(url)
    if parts.hostname in _AWS_HOSTS and not options.regions:
        return (
            "AWS's page covers all regions. Which do you use? Name them (--region, in Slack `region:`), such as"
            " us-east-1 or eu-west-1; global events always count"
        )
    has_page = _TRUST_INSTANCE.match(parts.path) or _TRUST_PRODUCT.match(parts.path) or options.page
    if parts.hostname in _TRUST_HOSTS and not has_page:
        return (
            "Salesforce Trust has a page per instance. Which is yours? Name its key (--page, in Slack `page:`), such as"
            " NA224, or give the address of the instance or of a product"
        )
    return ""


def _candidate_sources(url: str, options: Source, feeds: Sequence[Source]) -> Iterator[Source]:
    parts = urlsplit(url)
    root = f"{parts.scheme}://{parts.netloc}"
    if _FEED_PATH.search(parts.path):
        yield replace(options, kind="feed", url=root, path=parts.path + (f"?{parts.query}" if parts.query else ""))
    page_root = _API_FILE.sub("", url.partition("?")[0])
    for base in dict.fromkeys((page_root, root)):
        for kind, source_format in FORMATS.items():
            candidate = replace(options, kind=kind, url=base)
            is_possible = not source_format.hosts or parts.hostname in source_format.hosts
            if is_possible and kind != "feed" and all(getattr(candidate, need) for need in source_format.needs):
                yield _only_known_options(candidate)
                yield from (replace(_only_known_options(candidate), path=other[0]) for other in source_format.others)
    if feeds:
        yield from map(_only_known_options, feeds)
        return
    for path in FEEDS:
        yield replace(_only_known_options(replace(options, kind="feed", url=root)), path=path)


def _sources_from_address(parts: SplitResult, options: Source) -> Iterator[Source]:
    """Sources of formats whose page id is part of the address."""
    host, path = parts.netloc, parts.path
    if parts.hostname in _AWS_HOSTS and options.regions:
        yield _only_known_options(replace(options, kind="aws", url="https://health.aws.amazon.com"))
    if parts.hostname in _TRUST_HOSTS:
        yield from _trust_sources(path, options)
    if match := _STATUSIO.search(path):
        yield replace(
            options, kind="statusio", url="https://api.status.io", page=match[1], home=f"https://{host}{path}"
        )
    if host == "stats.uptimerobot.com" and (match := _UPTIMEROBOT.match(path)):
        yield replace(options, kind="uptimerobot", url=f"https://{host}", page=match[1])
    if match := _STATUSPAL.match(host):
        yield replace(options, kind="statuspal", url=f"https://{match[2]}", page=match[1], home=f"https://{host}")
    if match := _KUMA.match(path):
        yield replace(options, kind="uptimekuma", url=f"https://{host}", page=match[1])


def _trust_sources(path: str, options: Source) -> Iterator[Source]:
    """Salesforce Trust: the page of an instance, or the list of a product's instances."""
    trust = replace(options, kind="salesforce", url="https://api.status.salesforce.com", regions=(), products=())
    if match := _TRUST_PRODUCT.match(path):
        product = unquote(match[1])
        yield replace(trust, page=product, path=f"/v1/instances?products={quote(product)}")
    elif match := _TRUST_INSTANCE.match(path):
        yield replace(trust, page=match[1])
    elif options.page:
        yield trust


def _only_known_options(source: Source) -> Source:
    """The source without the options that its format does not accept."""
    source_format = FORMATS[source.kind]
    unused: dict[str, Any] = {"page": "", "regions": (), "products": (), "min_minutes": None}
    for option in (*source_format.needs, *source_format.takes):
        unused.pop(option)
    return replace(source, **unused)


def _decode_json(body: bytes) -> Any:
    try:
        return json.loads(aws.to_utf8(body).decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return body
