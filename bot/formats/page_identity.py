"""Tells whether a page is still the provider's, by its id, its name and its components.

An address may come to serve another page: a wrong tenant behind a CDN, a domain that was sold, a vendor that moved
(bot/docs/status-page-formats.md#another-page-at-the-address). What such a page shows says nothing about the provider.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from bot.domain import Component, PageIdentity, Provider, ProviderState, Snapshot

_WORDS = re.compile(r"[^\W_]{2,}")
_GENERIC_WORDS = frozenset(
    {
        "and",
        "api",
        "cloud",
        "com",
        "company",
        "current",
        "feed",
        "for",
        "health",
        "history",
        "inc",
        "incident",
        "incidents",
        "info",
        "io",
        "net",
        "network",
        "of",
        "official",
        "online",
        "our",
        "overview",
        "page",
        "platform",
        "portal",
        "public",
        "rss",
        "service",
        "services",
        "site",
        "software",
        "status",
        "statuspage",
        "support",
        "system",
        "systems",
        "the",
        "update",
        "updates",
        "uptime",
        "www",
    }
)
_SAME_SHARE = 0.5  # of the components of the smaller list, so that a page that lists few of them is recognised


def other_page_evidence(state: ProviderState, snapshot: Snapshot, provider: Provider) -> str:
    """What shows that a snapshot is of another page than the provider's; empty where nothing does.

    An id among the provider's ``page_ids`` is its page, whatever else it says: that is how an operator confirms a move.
    """
    page_id = stated_id(snapshot, provider)
    known_id, known_name = state.page.id, state.page.name
    if page_id and page_id in (known_id, *provider.page_ids):
        return ""
    listed = snapshot.components or ()
    if not known_id and not state.components:
        return _first_sight_evidence(page_id, snapshot, provider)
    names = _names(provider, known_name)
    is_named_so = _shares_word(snapshot.page_name, names)
    shared_ids, shared_names = _shares(state.components, listed)
    if page_id and known_id:
        is_same = shared_ids >= _SAME_SHARE or (is_named_so and (shared_names >= _SAME_SHARE or not listed))
    elif listed and state.components:
        is_same = max(shared_ids, shared_names) > 0 or is_named_so
    else:
        is_same = is_named_so
    return "" if is_same else _evidence(PageIdentity(page_id, snapshot.page_name), state, listed)


def stated_id(snapshot: Snapshot, provider: Provider) -> str:
    """The id that the page itself states; empty where it is the address's or the source's own, or only the name."""
    uninformative = ("", provider.source.page, provider.source.url, snapshot.page_name)
    return "" if snapshot.page_id in uninformative else snapshot.page_id


def identity_of(snapshot: Snapshot, provider: Provider, before: PageIdentity) -> PageIdentity:
    """What the page says it is; ``before`` where it says nothing."""
    return PageIdentity(stated_id(snapshot, provider) or before.id, snapshot.page_name or before.name)


def _first_sight_evidence(page_id: str, snapshot: Snapshot, provider: Provider) -> str:
    """Another page at the first poll: not one of ``page_ids``, of another name, without any component of the file."""
    entries = {e.casefold() for s in provider.surfaces for e in (*s.components, *s.parts)}
    listed = snapshot.components or ()
    is_known = any(c.id.casefold() in entries or c.name.casefold() in entries for c in listed)
    if not (page_id and provider.page_ids and listed) or is_known or _shares_word(snapshot.page_name, _names(provider)):
        return ""
    expected = ProviderState(provider.id, page=PageIdentity(provider.page_ids[0], provider.name))
    return _evidence(PageIdentity(page_id, snapshot.page_name), expected, listed)


def _names(provider: Provider, known_name: str = "") -> tuple[str, ...]:
    return (known_name, provider.name, provider.vendor, provider.id, *provider.aliases)


def _shares_word(name: str, names: Iterable[str]) -> bool:
    """Whether two names may be of one company; True where the page's name says nothing."""
    words = _significant_words(name)
    known = set().union(*map(_significant_words, names))
    return not (words and known) or bool(words & known)


def _significant_words(name: str) -> set[str]:
    return set(_WORDS.findall(name.casefold())) - _GENERIC_WORDS


def _shares(known: Iterable[Component], listed: Iterable[Component]) -> tuple[float, float]:
    """The share of components that both lists have, by id and by name, of the shorter list."""
    shares = []
    for key_of in (lambda c: c.id, lambda c: c.name.casefold()):
        before, now = set(map(key_of, known)), set(map(key_of, listed))
        shares.append(len(before & now) / min(len(before), len(now)) if before and now else 0.0)
    return shares[0], shares[1]


def _evidence(seen: PageIdentity, state: ProviderState, listed: Iterable[Component]) -> str:
    listed_count = len(tuple(listed))
    components = f"; none or few of its {listed_count} components are known" if listed_count else ""
    return f"it is the page {_describe(seen)} and not {_describe(state.page)}{components}"


def _describe(page: PageIdentity) -> str:
    page_id = f"id {page.id}" if page.id else "without an id"
    return f"“{page.name}” ({page_id})" if page.name else page_id
