"""What the HTML of a status page tells about where its data are: its system, ids and feeds. No I/O.

People type the address that they see, which is a web page. Some systems keep the id that their data need only in that
page (Status.io, StatusPal, Uptime Kuma), and many pages name their feed in a ``<link rel="alternate">``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from typing_extensions import override

from bot.domain import Source

ENTRY_PAGE = "/api/entry-page"  # of Uptime Kuma: which status page a domain shows
MAX_HTML = 500_000  # characters of a page that are looked at
_MAX_FEEDS = 4
_MAX_SUBDOMAINS = 3
_MAX_SUB_PAGES = 10
_FEED_TYPES = ("application/rss+xml", "application/atom+xml")
_STATUSIO_ID = re.compile(
    r"(?:statuspage_?id[\"']?\s*[:=]\s*[\"']|api\.status\.io/1\.0/status/|status\.io/pages/(?:history/)?|"
    r"[\"'(]/pages/(?:history/)?)([0-9a-f]{24})\b",
    re.IGNORECASE,
)
_STATUSPAL = re.compile(r"statuspal\.(io|eu)\b", re.IGNORECASE)
_STATUSPAL_ID = re.compile(
    r"(?:status_pages/([a-z0-9][\w-]{0,60})|\b([a-z0-9][\w-]{0,60})\.statuspal\.(?:io|eu))", re.IGNORECASE
)
_STATUSPAL_OWN = {"www", "app", "docs", "static", "cdn", "assets", "api", "statuspal", "help"}
_KUMA = re.compile(r"uptime[ -]?kuma|window\.preloadData", re.IGNORECASE)
_KUMA_SLUG = re.compile(r"[\"']slug[\"']\s*:\s*[\"']([\w-]{1,80})[\"']")
_PRELOADED, _MAX_PRELOADED = "preloadData", 4000  # characters after it in which the slug stands
_SUB_PAGE = re.compile(r"href=[\"'](?:https?://([\w.-]{1,253}))?/([a-z0-9][\w-]{0,29})/?[\"']", re.IGNORECASE)
_NO_SUB_PAGES = {"history", "subscribe", "calendar", "uptime", "incidents", "login", "feed", "rss", "privacy", "terms"}
_UPTIMEROBOT = re.compile(r"/api/(?:getMonitorList|getEventFeed)/([A-Za-z0-9]{4,20})\b")
_HOST_WORDS = {"status", "www", "health", "trust"}
_SYSTEMS = (  # what a page's HTML mentions, and the formats that are then tried first
    (re.compile(r"incident\.io|incident-io", re.IGNORECASE), ("incidentio", "incidentio-proxy", "incidentio-widget")),
    (
        re.compile(r"statuspage\.io|statuspage_embed|Powered by (?:Atlassian )?Statuspage", re.IGNORECASE),
        ("statuspage",),
    ),
    (re.compile(r"instatus", re.IGNORECASE), ("instatus",)),
    (re.compile(r"betterstack|better-?uptime", re.IGNORECASE), ("betterstack",)),
    (re.compile(r"rootly", re.IGNORECASE), ("rootly",)),
    (re.compile(r"openstatus", re.IGNORECASE), ("openstatus",)),
    (re.compile(r"cachet", re.IGNORECASE), ("cachet-v3", "cachet-v1")),
)


@dataclass(slots=True)
class _LinkReader(HTMLParser):
    """Collects the addresses of ``<link rel="alternate">`` to feeds."""

    feeds: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        HTMLParser.__init__(self)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        is_feed = values.get("type", "").casefold() in _FEED_TYPES
        if tag == "link" and "alternate" in values.get("rel", "").casefold().split() and is_feed and values.get("href"):
            self.feeds.append(values["href"])


def system_sources(url: str, html: str, options: Source) -> Iterator[Source]:
    """The sources of the systems that a page's HTML names, in the order in which to try them.

    Args:
        url: The address at which the HTML was, after redirects.
        html: The page.
        options: What a person gave: page, regions, products.
    """
    parts = urlsplit(url)
    root, text = f"{parts.scheme}://{parts.netloc}", html[:MAX_HTML]
    for page_id in dict.fromkeys(_STATUSIO_ID.findall(text)):
        yield replace(options, kind="statusio", url="https://api.status.io", page=page_id.lower(), home=url)
    if slug := kuma_slug(text):
        yield replace(options, kind="uptimekuma", url=root, page=slug)
    for key in dict.fromkeys(_UPTIMEROBOT.findall(text)):
        yield replace(options, kind="uptimerobot", url=root, page=key)
    yield from _statuspal_sources(url, text, options)
    for pattern, kinds in _SYSTEMS:
        if pattern.search(text):
            base = url.partition("?")[0].rstrip("/")
            yield from (replace(options, kind=kind, url=at) for kind in kinds for at in dict.fromkeys((base, root)))


def feed_sources(url: str, html: str, options: Source) -> Iterator[Source]:
    """The feeds that a page names in its head, in their order."""
    reader = _LinkReader()
    reader.feed(html[:MAX_HTML])
    for href in list(dict.fromkeys(reader.feeds))[:_MAX_FEEDS]:
        try:
            parts = urlsplit(urljoin(url, href))
        except ValueError:  # no address
            continue
        if parts.scheme in ("http", "https") and parts.hostname:
            query = f"?{parts.query}" if parts.query else ""
            home = url if parts.netloc != urlsplit(url).netloc else ""
            yield replace(
                options,
                kind="feed",
                url=f"{parts.scheme}://{parts.netloc}",
                path=(parts.path or "/") + query,
                home=home,
            )


def kuma_slug(html: str) -> str:
    """The slug of an Uptime Kuma page that is part of its HTML; empty where it is not there."""
    start = html[:MAX_HTML].find(_PRELOADED)
    found = _KUMA_SLUG.search(html, start, start + _MAX_PRELOADED) if start >= 0 else None
    return found[1] if found else ""


def sub_pages(url: str, html: str) -> tuple[str, ...]:
    """The addresses one level below a page that it links to: the sub-pages of a parent page."""
    parts = urlsplit(url)
    links = _SUB_PAGE.findall(html[:MAX_HTML])
    names = dict.fromkeys(name for host, name in links if host in ("", parts.netloc))
    own = [n for n in names if n.casefold() not in _NO_SUB_PAGES and not n.startswith("_")]
    return tuple(f"{parts.scheme}://{parts.netloc}/{name}" for name in own[:_MAX_SUB_PAGES])


def may_be_kuma(html: str) -> bool:
    """Whether the HTML is an Uptime Kuma's, so that ``ENTRY_PAGE`` may say which page it shows."""
    return bool(_KUMA.search(html[:MAX_HTML]))


def _statuspal_sources(url: str, html: str, options: Source) -> Iterator[Source]:
    """StatusPal pages by the subdomains that the HTML names, then by the words of the host's name."""
    if not (match := _STATUSPAL.search(html)):
        return
    named = [first or second for first, second in _STATUSPAL_ID.findall(html)]
    host = (urlsplit(url).hostname or "").split(".")[:-1]
    guessed = [label for label in host if label not in _HOST_WORDS]
    pages = [p for p in dict.fromkeys((*named, *guessed)) if p.casefold() not in _STATUSPAL_OWN][:_MAX_SUBDOMAINS]
    for page in pages:
        yield replace(options, kind="statuspal", url=f"https://statuspal.{match[1].lower()}", page=page, home=url)
