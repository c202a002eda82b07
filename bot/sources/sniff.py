"""An address that somebody typed, and bytes that somebody's server sent -> which formats they may be. Pure.

The edge tries the guesses in their order; what a body looks like decides (bot.sources.kind.Kind.fits), and the format's
own reader has the last word.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from bot.errors import UsageError
from bot.model import Source
from bot.sources import KINDS, aws

NOT_PUBLIC = "This is not the address of a page on the public web: a plain http or https address is needed, no other."
FEEDS = ("/history.atom", "/feed.atom", "/feed.rss", "/history.rss")
_MAX_ADDRESS = 2000
_SLACK = re.compile(r"<(https?://[^|>]+)(?:\|[^>]*)?>")
_FEED_PATH = re.compile(r"\.(?:rss|atom|xml)$|/(?:feed|rss|atom)/?$", re.IGNORECASE)
_STATUSIO = re.compile(r"/(?:pages|status)/(?:history/)?([0-9a-f]{24})\b")
_KUMA = re.compile(r"^/status/([\w-]{1,80})/?$")
_STATUSPAL = re.compile(r"^([\w-]+)\.(statuspal\.(?:io|eu))$")
_FILE = re.compile(r"/(?:api/v\d.*|index\.json|summary\.json|incidents\.json|public/currentevents)$")


@dataclass(frozen=True, slots=True)
class Guess:
    """Where a page of some format may lie. ``why`` it is not there is for people."""

    kind: str
    source: Source


def address(typed: str) -> str:
    """A typed address in plain form, ``https`` where it says nothing; UsageError where it is none.

    Slack's brackets are taken off, invisible characters dropped, look-alikes folded (NFKC): what is fetched is what is
    shown (performance-reliability.md section 4, rows 5 to 11).
    """
    bare = typed.strip()
    found = _SLACK.fullmatch(bare)
    folded = unicodedata.normalize("NFKC", found[1] if found else bare)
    text = "".join(c for c in folded if unicodedata.category(c) not in {"Cf", "Cc", "Zs"})
    text = text if re.match(r"[a-z][a-z0-9+.-]*:", text, re.IGNORECASE) and "://" in text else f"https://{text}"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise UsageError(NOT_PUBLIC) from None
    plain = parts.scheme in ("http", "https") and parts.hostname and not (parts.username or parts.password)
    if not plain or "@" in parts.netloc or "\\" in text or len(text) > _MAX_ADDRESS or port not in (None, 80, 443):
        raise UsageError(NOT_PUBLIC)
    return text.partition("#")[0].rstrip("/")


def candidates(body: bytes) -> tuple[str, ...]:
    """The kinds that this body looks like, the likeliest first."""
    value = _value(body)
    return tuple(name for name, kind in KINDS.items() if kind.fits(value))


def guesses(url: str, options: Source) -> tuple[Guess, ...]:
    """What to try at an address, in order; ``options`` are what a person said of it: page, regions, products."""
    found = (Guess(s.kind, replace(s, id=options.id, provider=options.provider)) for s in _sources(url, options))
    return tuple(dict.fromkeys(found))


def _sources(url: str, options: Source) -> Iterator[Source]:
    parts = urlsplit(url)
    root = f"{parts.scheme}://{parts.netloc}"
    if _FEED_PATH.search(parts.path):
        yield replace(options, kind="feed", url=root, path=parts.path + (f"?{parts.query}" if parts.query else ""))
    below = _FILE.sub("", url.partition("?")[0])
    yield from _known_places(parts.netloc, parts.path, options)
    for base in dict.fromkeys((below, root)):
        for name, kind in KINDS.items():
            given = replace(options, kind=name, url=base)
            if name != "feed" and all(getattr(given, need) for need in kind.needs):
                yield _without_extras(given)
                yield from (replace(_without_extras(given), path=other[0]) for other in kind.others)
    for path in FEEDS:
        yield replace(_without_extras(replace(options, kind="feed", url=root)), path=path)


def _known_places(host: str, path: str, options: Source) -> Iterator[Source]:
    """Formats whose page is named in the address."""
    if found := _STATUSIO.search(path):
        yield replace(
            options, kind="statusio", url="https://api.status.io", page=found[1], home=f"https://{host}{path}"
        )
    if found := _STATUSPAL.match(host):
        yield replace(options, kind="statuspal", url=f"https://{found[2]}", page=found[1], home=f"https://{host}")
    if found := _KUMA.match(path):
        yield replace(options, kind="uptimekuma", url=f"https://{host}", page=found[1])


def _without_extras(source: Source) -> Source:
    """Only the options that the kind takes."""
    kind = KINDS[source.kind]
    unused: dict[str, Any] = {"page": "", "regions": (), "products": (), "min_minutes": None}
    for name in (*kind.needs, *kind.takes):
        unused.pop(name)
    return replace(source, **unused)


def _value(body: bytes) -> Any:
    try:
        return json.loads(aws.decoded(body).decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return body
