"""What a pasted link is about: an incident of a watched provider, its status page, or a page of our own board.

A link that is none of these is about nothing, and nothing is done with it. Nothing of a link is logged: people paste
links with secrets in them.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from bot.domain import LinkKind, LinkSubject, Provider
from bot.queries.current import StatusQueries

MAX_URL = 2000  # characters; a longer link is no page of an incident
_MAX_ID = 200  # characters of an id in a link
_INCIDENT_WORDS = ("incidents", "incident", "maintenances", "maintenance", "notices", "events", "issues")


@dataclass(frozen=True, slots=True)
class LinkResolver:
    """Finds what links are about.

    Attributes:
        queries: The present state.
        board_url: The address of our board for people; empty where it is not known.
    """

    queries: StatusQueries
    board_url: str = ""

    def resolve(self, url: str) -> LinkSubject | None:
        """What the link is about, None for nothing that is known.

        ``url`` is as the chat gives it, with HTML entities. May raise StoreError.
        """
        plain = html.unescape(url)
        if len(plain) > MAX_URL:
            return None
        try:
            parts = urlsplit(plain)
            host = parts.hostname
        except ValueError:
            return None
        if parts.scheme not in ("https", "http") or not host:
            return None
        if self.board_url and (below := _path_below(parts, self.board_url)) is not None:
            return self._of_board(below)
        return self._of_status_page(plain, parts)

    def _of_board(self, path: str) -> LinkSubject | None:
        if not path:
            return LinkSubject(LinkKind.BOARD)
        page, _, ident = path.partition("/")
        ident = unquote(ident)[:_MAX_ID]
        if page == "incidents" and ident and (key := self.queries.incident_key(ident)):
            return self._if_watched(key)
        if page == "surfaces" and ident in self.queries.surfaces():
            return LinkSubject(LinkKind.SERVICE, ident)
        return None

    def _of_status_page(self, url: str, parts: SplitResult) -> LinkSubject | None:
        watched = list(_on_host(self.queries.providers, parts))
        if fronts := [p for p in watched if _is_front_page(p, parts)]:  # several: it is not known which one is meant
            return LinkSubject(LinkKind.PROVIDER, fronts[0].id) if len(fronts) == 1 else None
        if found := self._incident(url, parts, watched):
            return found
        active = {p.id for p in self.queries.providers}
        off = [p for p in _on_host(self.queries.available, parts) if p.id not in active and _is_front_page(p, parts)]
        return LinkSubject(LinkKind.UNWATCHED, off[0].id) if len(off) == 1 else None

    def _incident(self, url: str, parts: SplitResult, providers: Iterable[Provider]) -> LinkSubject | None:
        """The incident at this address: as its page wrote it, or with its id as the last part of the path."""
        bare = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        written = {form for text in (url, bare) for form in (text, text.rstrip("/"), f"{text.rstrip('/')}/")}
        if key := self.queries.repository.archive.incident_at(sorted(written)):
            return self._if_watched(key)
        *before, last = [unquote(part) for part in parts.path.split("/") if part] or [""]
        if not last or len(last) > _MAX_ID or not set(before) & set(_INCIDENT_WORDS):
            return None
        keys = (self.queries.incident_key(f"{provider.id}/{last}") for provider in providers)
        return next((LinkSubject(LinkKind.INCIDENT, key) for key in keys if key), None)

    def _if_watched(self, key: str) -> LinkSubject | None:
        stored = self.queries.repository.tracked_incident(key)
        is_watched = stored is not None and any(p.id == stored[0] for p in self.queries.providers)
        return LinkSubject(LinkKind.INCIDENT, key) if is_watched else None


def page_urls(provider: Provider) -> tuple[str, ...]:
    """The addresses of a provider's status page: that for people first."""
    source = provider.source
    return tuple(dict.fromkeys(filter(None, (source.home, source.url))))


def _on_host(providers: Iterable[Provider], parts: SplitResult) -> Iterator[Provider]:
    """The providers whose status page is on the host of the link."""
    return (p for p in providers if any(urlsplit(url).hostname == parts.hostname for url in page_urls(p)))


def _is_front_page(provider: Provider, parts: SplitResult) -> bool:
    return any(_path_below(parts, url) == "" for url in page_urls(provider))


def _path_below(parts: SplitResult, root: str) -> str | None:
    """The link's path below this address, without slashes around it; None where the link is not below it."""
    base = urlsplit(root)
    if (base.hostname, _port(base)) != (parts.hostname, _port(parts)):
        return None
    path, prefix = parts.path.strip("/"), base.path.strip("/")
    if path != prefix and prefix and not path.startswith(f"{prefix}/"):
        return None
    return path[len(prefix) :].strip("/")


def _port(parts: SplitResult) -> int | None:
    """The port that is written in the link; None for the scheme's own, and for one that is no number."""
    try:
        port = parts.port
    except ValueError:
        return -1
    return None if port in (443, 80) else port
