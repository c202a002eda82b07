"""Detects which format a status page has, from its address and from the bytes that it serves. No I/O.

The caller tries the guesses in their order. ``SourceFormat.fits`` of bot.formats.base says which formats a body looks
like, and the format's own parser decides.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from bot.domain import Source
from bot.errors import UsageError
from bot.formats import FORMATS, aws

NOT_PUBLIC_TEXT = (
    "This is not the address of a page on the public web: a plain http or https address is needed, no other."
)
FEEDS = ("/history.atom", "/feed.atom", "/feed.rss", "/history.rss")
_MAX_ADDRESS = 2000
_SLACK_LINK = re.compile(r"<(https?://[^|>]+)(?:\|[^>]*)?>")
_FEED_PATH = re.compile(r"\.(?:rss|atom|xml)$|/(?:feed|rss|atom)/?$", re.IGNORECASE)
_STATUSIO = re.compile(r"/(?:pages|status)/(?:history/)?([0-9a-f]{24})\b")
_KUMA = re.compile(r"^/status/([\w-]{1,80})/?$")
_STATUSPAL = re.compile(r"^([\w-]+)\.(statuspal\.(?:io|eu))$")
_API_FILE = re.compile(r"/(?:api/v\d.*|index\.json|summary\.json|incidents\.json|public/currentevents)$")


@dataclass(frozen=True, slots=True)
class FormatGuess:
    """A source that may exist at an address; ``kind`` is the format's key in ``FORMATS``."""

    kind: str
    source: Source


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


def guess_sources(url: str, options: Source) -> tuple[FormatGuess, ...]:
    """What to try at an address, in order; ``options`` carries what a person gave: page, regions, products."""
    guesses = (
        FormatGuess(s.kind, replace(s, id=options.id, provider=options.provider))
        for s in _candidate_sources(url, options)
    )
    return tuple(dict.fromkeys(guesses))


def _candidate_sources(url: str, options: Source) -> Iterator[Source]:
    parts = urlsplit(url)
    root = f"{parts.scheme}://{parts.netloc}"
    if _FEED_PATH.search(parts.path):
        yield replace(options, kind="feed", url=root, path=parts.path + (f"?{parts.query}" if parts.query else ""))
    page_root = _API_FILE.sub("", url.partition("?")[0])
    yield from _sources_from_address(parts.netloc, parts.path, options)
    for base in dict.fromkeys((page_root, root)):
        for kind, source_format in FORMATS.items():
            candidate = replace(options, kind=kind, url=base)
            if kind != "feed" and all(getattr(candidate, need) for need in source_format.needs):
                yield _only_known_options(candidate)
                yield from (replace(_only_known_options(candidate), path=other[0]) for other in source_format.others)
    for path in FEEDS:
        yield replace(_only_known_options(replace(options, kind="feed", url=root)), path=path)


def _sources_from_address(host: str, path: str, options: Source) -> Iterator[Source]:
    """Sources of formats whose page id is part of the address."""
    if match := _STATUSIO.search(path):
        yield replace(
            options, kind="statusio", url="https://api.status.io", page=match[1], home=f"https://{host}{path}"
        )
    if match := _STATUSPAL.match(host):
        yield replace(options, kind="statuspal", url=f"https://{match[2]}", page=match[1], home=f"https://{host}")
    if match := _KUMA.match(path):
        yield replace(options, kind="uptimekuma", url=f"https://{host}", page=match[1])


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
